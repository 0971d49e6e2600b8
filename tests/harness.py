"""What does a test need to talk to a gateway? A running one, a client, and a platform that says what it is told."""

from __future__ import annotations

import asyncio
import atexit
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import grpc.aio
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from betstack.card.v1.card_service_pb2_grpc import CardServiceStub
from betstack.pam.v1.pam_service_pb2_grpc import PamServiceStub
from betstack.sms.v1.sms_service_pb2_grpc import SmsServiceStub
from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.app import Gateway, gateway
from gateway.failure import Failure, Reason
from gateway.settings import Settings, load_settings
from tests.secrecy import look

SECRET = "12345ABCDE"
NOBODY = """\
-----BEGIN CERTIFICATE-----
MIIBrTCCAVOgAwIBAgIUPzqF1cL30A0Fi3dBAMDsTfVNAvMwCgYIKoZIzj0EAwIw
KzEpMCcGA1UEAwwgQW4gYXV0aG9yaXR5IHRoYXQgc2lnbmVkIG5vdGhpbmcwIBcN
MjYxMTIzMTQ0NjQzWhgPMjEyNjEwMzAxNDQ2NDNaMCsxKTAnBgNVBAMMIEFuIGF1
dGhvcml0eSB0aGF0IHNpZ25lZCBub3RoaW5nMFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAEdTqHpNICANLwNWQVzYuZe6SYSMq629oqR7lqH0IoynhD5rqA9gS/Cf3d
xPLsu59+uPO0uSPXCDdMt5nRT6V9aKNTMFEwHQYDVR0OBBYEFLi72sDmV6JSaRLo
Fk3nOP1qRBXbMB8GA1UdIwQYMBaAFLi72sDmV6JSaRLoFk3nOP1qRBXbMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAKu7wLnETd6TDSvgJxTHtYJX
HZS/kL1Cw287oh7j5drHAiBgL473Lph7oJol2uCPeq2+oVnEMjmXICi1R9xb8efQ
HA==
-----END CERTIFICATE-----
"""
"""The certificate of an authority that signed nothing; its key is gone."""

_LEDGERS = tempfile.TemporaryDirectory(prefix="ledgers-")
atexit.register(_LEDGERS.cleanup)
_NUMBERS = count()
_TRUSTED = Path(_LEDGERS.name, "nobody.pem")
_TRUSTED.write_text(NOBODY, encoding="ascii")


def settings_for(url: str, **overrides: Any) -> Settings:
    """Return settings of a gateway on a free port with the operator ``site`` behind ``url``.

    It does nothing that it is not asked for: calls are tried once, the breaker stays closed, reconciliation sleeps. It
    trusts an authority that signed nothing, because reading the machine's own takes longer than most tests.
    """
    return load_settings(**content_for(url, **overrides))


def content_for(url: str, **overrides: Any) -> dict[str, Any]:
    """Return such settings as a file would have them."""
    content: dict[str, Any] = {
        "ledger": {"url": f"sqlite:///{_LEDGERS.name}/{next(_NUMBERS)}.db"},
        "default_operator": "site",
        "server": {"listen": "127.0.0.1:0", "grace_s": 1, "connection_age_s": 0},
        "upstream": {"tries": 1, "breaker_calls": 1_000_000, "ca_file": str(_TRUSTED)},
        "reconcile": {"poll_s": 3600},
        "operators": {
            "site": {"secret": SECRET, "platform_url": url, "pam_url": f"{url}/pam", "sms_url": f"{url}/sms"}
        },
        "codes": {"be": {"112": "ODDS_CHANGED"}},
    }
    for key, value in overrides.items():
        content[key] = {**content[key], **value} if isinstance(content.get(key), dict) else value
    return content


def secret_file(path: Path, secret: bytes) -> Path:
    """Write a file that nobody else can read."""
    path.write_bytes(secret)
    path.chmod(0o600)
    return path


@dataclass(frozen=True, slots=True)
class Client:
    """The generated stubs on one channel."""

    gateway: Gateway
    channel: grpc.aio.Channel
    cards: Any
    tickets: Any
    pam: Any
    sms: Any

    def unary(self, rpc: str, response: type[Message]) -> Callable[..., Any]:
        """Return a callable for any unary RPC by its path."""
        return self.channel.unary_unary(
            rpc,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=response.FromString,
        )


@asynccontextmanager
async def connected(running: Gateway) -> AsyncIterator[Client]:
    """Connect a client to a running gateway."""
    async with grpc.aio.insecure_channel(running.target) as channel:
        stubs = (CardServiceStub, TicketServiceStub, PamServiceStub, SmsServiceStub)
        yield Client(running, channel, *(stub(channel) for stub in stubs))


@asynccontextmanager
async def client_of(settings: Settings, **parts: Any) -> AsyncIterator[Client]:
    """Run a gateway and connect a client to it."""
    async with gateway(settings, **parts) as running, connected(running) as client:
        yield client


@asynccontextmanager
async def standing(settings: Settings, **parts: Any) -> AsyncIterator[tuple[Client, Callable[[], asyncio.Task[None]]]]:
    """Run a gateway and connect a client that outlives it; the function given ends the gateway, and its task is that."""
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(gateway(settings, **parts))
        async with connected(running) as client:
            yield client, lambda: asyncio.create_task(stack.aclose())


@dataclass(slots=True)
class Refusal:
    """An error as a caller sees it."""

    code: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""
    status: status_pb2.Status = field(default_factory=status_pb2.Status)
    trailers: Mapping[str, str | bytes] = field(default_factory=dict)
    initial: Mapping[str, str | bytes] = field(default_factory=dict)

    def take(self, error: grpc.aio.AioRpcError) -> None:
        """Read an error."""
        self.code = error.code()
        self.message = error.details() or ""
        self.status = rpc_status.from_call(error) or self.status
        self.trailers = dict(error.trailing_metadata() or ())
        self.initial = dict(error.initial_metadata() or ())
        look("an error", f"{self.message}\n{self.status}\n{self.trailers}\n{self.initial}")

    def detail(self, kind: type[Message]) -> Any:
        """Return the one detail of this type, or None."""
        found = kind()
        details = [detail for detail in self.status.details if detail.Is(kind.DESCRIPTOR)]
        assert len(details) <= 1
        return found if details and details[0].Unpack(found) else None

    @property
    def info(self) -> Any:
        """The ErrorInfo."""
        return self.detail(error_details_pb2.ErrorInfo)

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata of the ErrorInfo."""
        return dict(self.info.metadata)

    @property
    def fields(self) -> list[str]:
        """The paths of the BadRequest."""
        found = self.detail(error_details_pb2.BadRequest)
        return [violation.field for violation in found.field_violations] if found else []


@contextmanager
def refused(reason: Reason, **metadata: str) -> Iterator[Refusal]:
    """Expect an error of the gateway with this reason and at least this metadata."""
    refusal = Refusal()
    try:
        yield refusal
    except grpc.aio.AioRpcError as error:
        refusal.take(error)
    else:
        pytest.fail(f"{reason} was expected, and the call succeeded")
    assert refusal.info is not None, f"no ErrorInfo: {refusal.code} {refusal.message}"
    assert refusal.info.domain == "betstack-gateway"
    assert refusal.info.reason == reason, refusal.status
    assert refusal.metadata.items() >= metadata.items(), refusal.metadata


Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Scripted:
    """A platform that answers raw bytes as told, in order; the last answer is repeated.

    ``connections`` counts all there ever were, ``open`` those that are not closed yet.
    An answer that is a function may do what it likes with the connection; unless it closes it, the next request is read.
    """

    url: str
    answers: list[Answer]
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    def next_answer(self) -> Answer:
        """Take the next answer from the script."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def http_answer(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Spell an HTTP answer; header names have ``_`` for ``-``."""
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""
    writer.close()


async def say_nothing(_: asyncio.StreamWriter) -> None:
    """Leave the caller waiting."""
    await asyncio.Event().wait()


@asynccontextmanager
async def scripted(*answers: Answer, ssl: Any = None, sock: socket.socket | None = None) -> AsyncIterator[Scripted]:
    """Run a platform that follows a script, on a free port or on a socket that is bound to one."""
    platform = Scripted("", list(answers))
    handlers: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        platform.connections += 1
        platform.open += 1
        try:
            while request := await _read_request(reader):
                platform.requests.append(request)
                answer = platform.next_answer()
                if not isinstance(answer, bytes):
                    await answer(writer)
                    if writer.is_closing():
                        return
                    continue
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            handlers.discard(task)
            platform.open -= 1
            writer.close()

    place: dict[str, Any] = {"sock": sock} if sock else {"host": "127.0.0.1", "port": 0}
    server = await asyncio.start_server(serve, ssl=ssl, **place)
    port = server.sockets[0].getsockname()[1]
    platform.url = f"{'https' if ssl else 'http'}://127.0.0.1:{port}"
    try:
        yield platform
    finally:
        server.close()
        for handler in list(handlers):
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = next(
        (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    return head + await reader.readexactly(length)


@contextmanager
def failing(reason: Reason, **metadata: str) -> Iterator[None]:
    """Expect a failure inside the gateway with this reason and at least this metadata."""
    with pytest.raises(Failure) as ended:
        yield
    assert ended.value.reason is reason, ended.value
    assert ended.value.metadata.items() >= metadata.items(), ended.value
