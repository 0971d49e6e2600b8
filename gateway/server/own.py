"""Which RPCs does the gateway answer itself? Each is described once, and all of them take the same short road.

Nothing here knows a gRPC runtime: an ``OwnCall`` goes in, messages come out or a ``Failure`` is raised. An RPC that
answers once is one that streams a single message.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.callers import Access, Caller, Credentials, Right, require_known
from gateway.contract.rights import right_of
from gateway.failure import Failure, Reason
from gateway.server.drain import OpenCalls
from gateway.server.recording import recording
from gateway.telemetry import CallRecord, Hop, Telemetry, Trace

__all__ = ["Answers", "OwnCall", "OwnRoad", "OwnRpc", "once", "own_road", "own_rpc"]

Answers = Callable[[Any], AsyncGenerator[Message, None]]
"""Answers a request that is readable and names an operator of ours; raises Failure."""


@dataclass(frozen=True, slots=True)
class OwnRpc:
    """One RPC of ours: its path, the messages that go in, and what answers them.

    ``right`` is what callers need, ``subject`` the request field that names what the call is about. ``streams`` says that
    there may be more answers than one.
    """

    rpc: str
    request: type[Message]
    right: Right
    subject: str
    streams: bool
    answers: Answers

    @property
    def service(self) -> str:
        """Full name of the service."""
        return self.rpc.split("/")[1]

    @property
    def method(self) -> str:
        """Name of the RPC within its service."""
        return self.rpc.split("/")[2]


@dataclass(frozen=True, slots=True)
class OwnCall:
    """One call of such an RPC; ``shown`` is what its caller shows, ``unreadable`` that the bytes were no such request."""

    rpc: OwnRpc
    request: Any
    shown: Credentials
    unreadable: bool = False
    trace: Trace | None = None


OwnRoad = Callable[[OwnCall], AsyncGenerator[Message, None]]
"""The way of every call to an RPC of ours."""


def own_rpc(service: ServiceDescriptor, method: str, answers: Answers, subject: str = "") -> OwnRpc:
    """Describe an RPC of ours."""
    described = service.methods_by_name[method]
    return OwnRpc(
        rpc=f"/{service.full_name}/{method}",
        request=GetMessageClass(described.input_type),
        right=right_of(described),
        subject=subject,
        streams=described.server_streaming,
        answers=answers,
    )


def once(answer: Callable[[Any], Awaitable[Message]]) -> Answers:
    """Make answers of a function that gives a single one."""

    async def answers(request: Any) -> AsyncGenerator[Message, None]:  # noqa: ANN401 - any request of ours
        yield await answer(request)

    return answers


def own_road(operators: Collection[str], open_calls: OpenCalls, telemetry: Telemetry, access: Access) -> OwnRoad:
    """Return the way of every call of ours, which is counted, recorded and authorised like those to the platform."""

    async def road(call: OwnCall) -> AsyncGenerator[Message, None]:
        operator, request_id = call.request.operator, getattr(call.request, "request_id", "")
        record = CallRecord(Hop.RPC, call.rpc.rpc, operator, request_id, trace=call.trace)
        with open_calls.counted, recording(telemetry, record, is_money=False):
            record.caller = _require_allowed(call, access).name
            _require_request(call)
            _require_operator(operator, operators)
            async with aclosing(_as_long_as_allowed(call, access)) as answers:
                async for answer in answers:
                    yield answer

    return road


def _require_allowed(call: OwnCall, access: Access) -> Caller:
    caller = require_known(access.policy.caller(call.shown))
    caller.require(call.rpc.right, call.request.operator)
    return caller


async def _as_long_as_allowed(call: OwnCall, access: Access) -> AsyncGenerator[Message, None]:
    """Give the answers; a policy that no longer allows the call ends it, even while there is nothing to tell."""
    async with aclosing(call.rpc.answers(call.request)) as answers:
        while (answer := await _next(answers, call, access)) is not None:
            yield answer


async def _next(answers: AsyncGenerator[Message, None], call: OwnCall, access: Access) -> Message | None:
    """Return the next answer, or None where there is no more."""
    answer = None
    try:
        async with asyncio.timeout(None) as patience:
            with access.telling(lambda: _reconsidered(call, access, patience)):
                answer = await anext(answers, None)
    except TimeoutError:
        if not patience.expired():
            raise
    _require_allowed(call, access)
    return answer


def _reconsidered(call: OwnCall, access: Access, patience: asyncio.Timeout) -> None:
    """End the wait for an answer that the caller may no longer have."""
    try:
        _require_allowed(call, access)
    except Failure:
        if not patience.expired():
            patience.reschedule(0)


def _require_request(call: OwnCall) -> None:
    if call.unreadable:
        raise Failure(Reason.INVALID_REQUEST, f"the bytes are no {call.rpc.request.DESCRIPTOR.full_name}")


def _require_operator(operator: str, operators: Collection[str]) -> None:
    if operator not in operators:
        raise Failure(
            Reason.OPERATOR_NOT_CONFIGURED,
            f"operator {operator!r} is not configured" if operator else "operator is empty and there is no default",
        )
