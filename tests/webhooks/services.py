"""Who is on the operator's side? A PamService and an SmsService that record every call and do what they are told."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.pam.v1 import pam_service_pb2_grpc as pam_grpc
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.sms.v1 import sms_service_pb2_grpc as sms_grpc

__all__ = [
    "PATIENCE_S",
    "Behaviour",
    "Call",
    "Held",
    "Services",
    "agreeing",
    "failing",
    "refusing",
    "services",
    "until",
]

PATIENCE_S: Final = 15.0
"""How long a test waits for anything, in seconds."""

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the operator's service got it."""

    rpc: str
    request: Any
    metadata: Mapping[str, str | bytes]
    time_remaining: float | None

    @property
    def key(self) -> str:
        """The request id in the request."""
        return str(self.request.request_id)


class Held:
    """An answer that waits until it is let through, and tells when somebody waits for it."""

    def __init__(self, then: Behaviour | None = None) -> None:
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self._then = then

    async def __call__(self, request: Any, context: Context) -> Message:
        """Answer once it is let through."""
        self.asked.set()
        await self.open.wait()
        return await (self._then or agreeing)(request, context)


def failing(code: grpc.StatusCode, message: str = "no", details: bytes | None = None) -> Behaviour:
    """Answer with a status; ``details`` are raw bytes of the rich status."""

    async def behave(_: Any, context: Context) -> NoReturn:
        trailers = () if details is None else (("grpc-status-details-bin", details),)
        await context.abort(code, message, trailers)

    return behave


def refusing(code: grpc.StatusCode, reason: str, message: str = "no") -> Behaviour:
    """Answer with a status and an ErrorInfo."""

    async def behave(_: Any, context: Context) -> NoReturn:
        packed = Packed()
        packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="an operator"))
        status = rpc_status.to_status(status_pb2.Status(code=code.value[0], message=message, details=[packed]))
        await context.abort(status.code, status.details, status.trailing_metadata)

    return behave


_ANSWERS: Final[Mapping[str, Message]] = {
    "Identify": pam.IdentifyResponse(
        player_id="1660986605374148608", lang="en", balance=1000, currency="KES", feature_flags={"flag_name1": True}
    ),
    **{f"Send{kind}": getattr(sms, f"Send{kind}Response")(message=f"{kind} seen") for kind in ("Otp", "TicketStatus")},
    "SendBetResult": sms.SendBetResultResponse(),
}


async def agreeing(request: Any, _: Context) -> Message:
    """Answer OK."""
    rpc = type(request).__name__.removesuffix("Request")
    if rpc in _ANSWERS:
        return _ANSWERS[rpc]
    response: Message = getattr(pam, f"{rpc}Response")()
    return response


@dataclass(slots=True)
class Services:
    """Both services at one address; what is not told otherwise succeeds."""

    target: str = ""
    calls: list[Call] = field(default_factory=list)
    most_out: Counter[str] = field(default_factory=Counter)
    """The largest number of calls that were out at the same time, by ticket."""
    _out: Counter[str] = field(default_factory=Counter)
    _scripts: dict[str, deque[Behaviour]] = field(default_factory=dict)
    _health: health.aio.HealthServicer = field(default_factory=health.aio.HealthServicer)

    def will(self, rpc: str, *behaviours: Behaviour) -> None:
        """Let the next calls of an RPC go so, one after the other; the last one stands for all that follow."""
        self._scripts[rpc] = deque(behaviours)

    def agree(self) -> None:
        """Let everything succeed again."""
        self._scripts.clear()

    def of(self, rpc: str) -> list[Call]:
        """Return the calls of one RPC."""
        return [call for call in self.calls if call.rpc == rpc]

    @property
    def rpcs(self) -> list[str]:
        """The names of the RPCs called, in order."""
        return [call.rpc for call in self.calls]

    async def served(self, request: Any, context: Context) -> Message:
        """Take a call."""
        rpc = type(request).__name__.removesuffix("Request")
        metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
        self.calls.append(Call(rpc, request, metadata, context.time_remaining()))
        ticket = getattr(request, "ticket_id", "")
        self._out[ticket] += 1
        self.most_out[ticket] = max(self.most_out[ticket], self._out[ticket])
        try:
            return await self._behaviour(rpc)(request, context)
        finally:
            self._out[ticket] -= 1

    def _behaviour(self, rpc: str) -> Behaviour:
        script = self._scripts.get(rpc)
        if not script:
            return agreeing
        return script.popleft() if len(script) > 1 else script[0]

    async def is_serving(self, *, yes: bool) -> None:
        """Say over ``grpc.health.v1`` whether the services serve."""
        status = health_pb2.HealthCheckResponse.SERVING if yes else health_pb2.HealthCheckResponse.NOT_SERVING
        await self._health.set("", status)


def _served_by(own: Services, servicer: type) -> Any:
    """Return a servicer whose RPCs all end up at the same place."""

    def behaviour() -> Any:
        async def serve(_: Any, request: Any, context: Context) -> Message:
            return await own.served(request, context)

        return serve

    names = [name for name in vars(servicer) if not name.startswith("_")]
    return type(servicer.__name__, (servicer,), {name: behaviour() for name in names})()


@asynccontextmanager
async def services(
    target: str = "127.0.0.1:0",
    *,
    own: Services | None = None,
    credentials: grpc.ServerCredentials | None = None,
    with_health: bool = False,
) -> AsyncIterator[Services]:
    """Run the operator's services until the block ends; ``own`` goes on recording where another server was before."""
    running = own or Services()
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    pam_grpc.add_PamServiceServicer_to_server(_served_by(running, pam_grpc.PamServiceServicer), server)  # type: ignore[no-untyped-call]
    sms_grpc.add_SmsServiceServicer_to_server(_served_by(running, sms_grpc.SmsServiceServicer), server)  # type: ignore[no-untyped-call]
    if with_health:
        health_pb2_grpc.add_HealthServicer_to_server(running._health, server)
    port = server.add_secure_port(target, credentials) if credentials else server.add_insecure_port(target)
    await server.start()
    running.target = f"{target.rpartition(':')[0]}:{port}"
    try:
        yield running
    finally:
        await server.stop(0)


async def until(condition: Callable[[], object]) -> None:
    """Wait until something holds, and fail where it does not come to that."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - whatever it is, it is looked at again soon
            await asyncio.sleep(0.005)
