"""How far did a request get, and what came back? Against servers that close, cut or fall silent at each point."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal

import pytest

from gateway.settings import Upstream
from gateway.upstream.exchange import Exchange, Loss, Outgoing
from gateway.upstream.transport import open_transport
from gateway.wire.attempt import Stage
from tests.harness import Answer, hang_up, http_answer, say_nothing, scripted
from tests.rpc.calls import closed_port

BIG: Final = b"x" * 30_000_000
"""More than the buffers between two sockets hold."""

HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"

Send = Callable[..., Any]


def outgoing(url: str, body: bytes = b"{}") -> Outgoing:
    """Return a POST to this server."""
    return Outgoing("POST", url, b"/be/tickets?x=%2F", {"operator-name": "site"}, body)


_TRANSPORT: ContextVar[Literal["fast", "httpx"]] = ContextVar("transport")


@pytest.fixture(params=["fast", "httpx"], autouse=True)
def transport(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let each transport carry the requests in turn."""
    token = _TRANSPORT.set(request.param)
    yield
    _TRANSPORT.reset(token)


@asynccontextmanager
async def sender(**settings: Any) -> AsyncIterator[Send]:
    """Return what sends over a transport of its own."""
    limits = Upstream(transport=_TRANSPORT.get(), **settings)
    async with open_transport(limits) as transport:

        async def send(url: str, body: bytes = b"{}", timeout_s: float = 5, limit: int = 1024) -> Exchange:
            return await transport.exchange(
                outgoing(url, body),
                timeout_s=timeout_s,
                connect_timeout_s=limits.connect_timeout_s,
                max_answer_bytes=limit,
                clock=lambda: 1_700_000_000.0,
            )

        yield send


def writes(*parts: bytes, close: bool = True) -> Answer:
    """Return an answer of these bytes after which the connection is closed, or silent."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if close:
            writer.close()
        else:
            await asyncio.Event().wait()

    return answer


async def drip(writer: asyncio.StreamWriter) -> None:
    """Never fall silent, and never come to an end."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.001)


CASES: Final[list[tuple[str, Answer, float, Stage, Loss]]] = [
    ("closed without a word", hang_up, 5, Stage.SENT_NO_ANSWER, Loss.BROKEN),
    ("silent", say_nothing, 0.5, Stage.SENT_NO_ANSWER, Loss.TIMEOUT),
    ("closed in the status line", writes(b"HTTP/1.1 20"), 5, Stage.SENT_NO_ANSWER, Loss.BROKEN),
    ("silent in the headers", writes(HEAD[:-2], close=False), 0.5, Stage.SENT_NO_ANSWER, Loss.TIMEOUT),
    ("another protocol", writes(b"220 mail.example ESMTP\r\n"), 5, Stage.SENT_NO_ANSWER, Loss.BROKEN),
    ("closed after the headers", writes(HEAD), 5, Stage.ANSWERED, Loss.BROKEN),
    ("closed in the body", writes(HEAD, b"12345"), 5, Stage.ANSWERED, Loss.BROKEN),
    ("silent in the body", writes(HEAD, b"12345", close=False), 0.5, Stage.ANSWERED, Loss.TIMEOUT),
    ("closed in a chunk", writes(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12"), 5, Stage.ANSWERED,
     Loss.BROKEN),
    ("a drop at a time", drip, 0.5, Stage.ANSWERED, Loss.TIMEOUT),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "timeout_s", "stage", "loss"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
async def test_an_answer_that_is_not_whole_is_none(answer: Answer, timeout_s: float, stage: Stage, loss: Loss) -> None:
    """The stage says how far the request got, and there is no half answer."""
    async with scripted(answer) as platform, sender() as send:
        done = await send(platform.url, timeout_s=timeout_s)

        assert done == Exchange(stage, loss=loss)
        assert len(platform.requests) == 1


async def test_a_refused_connection_carried_nothing() -> None:
    """Where nobody listens, nothing was sent."""
    with closed_port() as url:
        async with sender() as send:
            assert await send(url) == Exchange(Stage.NEVER_SENT, loss=Loss.BROKEN)


async def test_a_name_that_is_none_carried_nothing() -> None:
    """Where no address is found, nothing was sent."""
    async with sender() as send:
        assert (await send("http://no-such-host.invalid")).stage is Stage.NEVER_SENT


@pytest.mark.parametrize("answer", [hang_up, say_nothing], ids=["hangs up", "says nothing"])
async def test_tls_that_does_not_come_about_carried_nothing(answer: Answer) -> None:
    """A server that does not speak TLS, or not in `connect_timeout_s`, gets nothing of the request."""
    async with raw_server(answer) as address, sender(connect_timeout_s=0.1) as send:
        done = await send(f"https://{address}")

        assert done.stage is Stage.NEVER_SENT


@asynccontextmanager
async def raw_server(answer: Any) -> AsyncIterator[str]:
    """Run a server that does something with every connection before it reads anything."""
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await answer(writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield "{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def reset(writer: asyncio.StreamWriter) -> None:
    """Drop the connection without the usual goodbye."""
    writer.transport.abort()


async def test_a_body_that_was_not_taken_whole_may_have_been_sent() -> None:
    """Once the first byte may have left, the request is not called unsent, however little was read of it."""
    async with raw_server(say_nothing) as address, sender() as send:
        done = await send(f"http://{address}", body=BIG, timeout_s=0.5)

        assert done == Exchange(Stage.MAYBE_SENT, loss=Loss.TIMEOUT)


@pytest.mark.parametrize("body", [b"{}", BIG], ids=["small", "big"])
async def test_a_server_that_drops_the_connection_may_have_read_the_request(body: bytes) -> None:
    """A request is never called unsent once the connection stood, and whether all of it left cannot be told."""
    async with raw_server(reset) as address, sender() as send:
        for _ in range(10):
            done = await send(f"http://{address}", body=body)
            assert done.stage in {Stage.MAYBE_SENT, Stage.SENT_NO_ANSWER}
            assert (done.loss, done.answer) == (Loss.BROKEN, None)


async def test_without_a_free_connection_nothing_is_sent() -> None:
    """Who waits for a connection in vain has sent nothing; the platform saw the one call that had it."""
    async with scripted(say_nothing) as platform, sender(max_connections=1) as send:
        first = asyncio.ensure_future(send(platform.url, timeout_s=5))
        while not platform.requests:  # noqa: ASYNC110 - one turn of the loop, in which the request arrives
            await asyncio.sleep(0)

        assert await send(platform.url, timeout_s=0.5) == Exchange(Stage.NEVER_SENT, loss=Loss.TIMEOUT)

        assert len(platform.requests) == 1
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


@pytest.mark.parametrize("answer", [say_nothing, writes(HEAD, close=False), drip], ids=["silent", "half", "drip"])
async def test_a_call_that_took_too_long_gives_its_connection_back(answer: Answer) -> None:
    """Timeouts do not use up the connections: after three of them the next call has one."""
    async with scripted(answer, answer, answer, http_answer(200)) as platform, sender(max_connections=1) as send:
        for _ in range(3):
            assert (await send(platform.url, timeout_s=0.05)).loss is Loss.TIMEOUT

        assert (await send(platform.url)).stage is Stage.ANSWERED
        assert platform.connections == 4


async def test_a_cancelled_call_gives_its_connection_back() -> None:
    """Cancellation is passed on, and the next call has a connection."""
    async with scripted(say_nothing, http_answer(200)) as platform, sender(max_connections=1) as send:
        call = asyncio.ensure_future(send(platform.url))
        while not platform.requests:  # noqa: ASYNC110 - one turn of the loop, in which the request arrives
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

        assert (await send(platform.url)).stage is Stage.ANSWERED


WHOLE: Final[dict[str, tuple[bytes, int, bytes]]] = {
    "with a length": (http_answer(400, b"abc"), 400, b"abc"),
    "without a body": (http_answer(204), 204, b""),
    "in chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
        200,
        b"abc",
    ),
    "after a hint": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + http_answer(200, b"abc"), 200, b"abc"),
    "as much as is read": (http_answer(200, b"x" * 1024), 200, b"x" * 1024),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_a_whole_answer_comes_with_its_time(name: str) -> None:
    """Status, headers by lower-case name, body, and when it arrived."""
    raw, status, body = WHOLE[name]
    async with scripted(raw) as platform, sender() as send:
        done = await send(platform.url)

    assert done.stage is Stage.ANSWERED
    assert done.loss is None
    assert (done.answer.status, done.answer.body, done.answer.overlong) == (status, body, False)
    assert all(header == header.lower() for header in done.answer.headers)
    assert done.answer.received == 1_700_000_000.0


async def test_an_answer_without_length_ends_with_the_connection() -> None:
    """The oldest way to end an answer is understood."""
    async with scripted(writes(b"HTTP/1.0 200 OK\r\n\r\nabc")) as platform, sender() as send:
        assert (await send(platform.url)).answer.body == b"abc"


async def test_an_answer_is_read_no_further_than_the_limit() -> None:
    """Of an endless answer the limit is read, it says so, and its connection is given up."""
    async with scripted(drip, http_answer(200)) as platform, sender(max_connections=1) as send:
        done = await send(platform.url, limit=50)
        assert (done.answer.body, done.answer.overlong) == (b" " * 50, True)

        assert (await send(platform.url)).answer.overlong is False
        assert platform.connections == 2


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_proxy_of_the_environment_sees_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Signed bets do not take a detour because of a variable."""
    async with scripted(http_answer(502)) as proxy, scripted(http_answer(200)) as platform:
        monkeypatch.setenv(name, proxy.url)
        async with sender() as send:
            assert (await send(platform.url)).answer.status == 200
        assert proxy.connections == 0
