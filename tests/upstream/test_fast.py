"""What does the transport of our own do at the edges? Framing, garbage, and a pool that loses no connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.settings import Upstream
from gateway.upstream.exchange import Exchange, Loss, Outgoing
from gateway.upstream.fast_transport import FastTransport
from gateway.wire.attempt import Stage
from tests.harness import Answer, Scripted, http_answer, scripted
from tests.rpc.calls import Gate

DONE: Final = http_answer(200, b"{}")
BROKEN_AFTER: Final = Exchange(Stage.ANSWERED, loss=Loss.BROKEN)
BROKEN_BEFORE: Final = Exchange(Stage.SENT_NO_ANSWER, loss=Loss.BROKEN)


@asynccontextmanager
async def fast(**limits: Any) -> AsyncIterator[FastTransport]:
    """Open a transport."""
    transport = FastTransport(Upstream(**limits))
    try:
        yield transport
    finally:
        await transport.close()


async def send(
    transport: FastTransport, url: str, *, timeout_s: float = 5, limit: int = 1024, **fields: Any
) -> Exchange:
    """Send a request."""
    made = {"verb": "POST", "target": b"/pam", "headers": {"operator-name": "site"}, "body": b"{}", **fields}
    return await transport.exchange(
        Outgoing(url=url, **made),
        timeout_s=timeout_s,
        connect_timeout_s=5,
        max_answer_bytes=limit,
        clock=lambda: 0.0,
    )


def pieces(*parts: bytes, close: bool = False) -> Answer:
    """Answer in pieces, each of which arrives by itself."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        if close:
            writer.close()

    return answer


async def test_a_request_is_written_as_http_wants_it() -> None:
    """Request line, host, headers as given, a length where there may be a body; nothing else."""
    async with scripted(DONE) as platform, fast() as transport:
        await send(transport, platform.url, target=b"/be/tickets?x=%2F", body="Žižka".encode())
        await send(transport, platform.url, verb="GET", body=b"")
        await send(transport, platform.url, body=b"")

    host = platform.url.removeprefix("http://").encode()
    post, get, empty = platform.requests
    assert post == (
        b"POST /be/tickets?x=%2F HTTP/1.1\r\nhost: " + host + b"\r\noperator-name: site\r\n"
        b"content-length: 7\r\n\r\n" + "Žižka".encode()
    )
    assert get == b"GET /pam HTTP/1.1\r\nhost: " + host + b"\r\noperator-name: site\r\n\r\n"
    assert empty.endswith(b"\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize(
    "fields",
    [
        {"headers": {"operator-name": "site\r\nx: y"}},
        {"headers": {"operator-name": "site\nx: y"}},
        {"target": b"/a b"},
        {"target": b"/a\r\nx: y"},
    ],
)
async def test_no_value_ends_a_line(fields: Any) -> None:
    """What would make two lines of one is not sent."""
    async with scripted(DONE) as platform, fast() as transport:
        done = await send(transport, platform.url, **fields)

        assert done.answer is None
        assert platform.requests == []


WHOLE: Final[dict[str, tuple[Answer, bytes]]] = {
    "byte by byte": (pieces(*(DONE[i : i + 1] for i in range(len(DONE)))), b"{}"),
    "chunks with extensions and trailers": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nretry-after: 9\r\n\r\n",
        b"{}",
    ),
    "after several interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nretry-after: 9\r\n\r\n" + DONE,
        b"{}",
    ),
    "until the end of the connection": (pieces(b"HTTP/1.1 200 OK\r\n\r\n{", b"}", close=True), b"{}"),
    "with a folded space": (b"HTTP/1.1 200 OK\r\nContent-Length:   2  \r\n\r\n{}", b"{}"),
}


@pytest.mark.parametrize("name", WHOLE)
async def test_every_framing_is_understood(name: str) -> None:
    """The body arrives whole, and headers of interim answers and trailers are none of the answer."""
    answer, body = WHOLE[name]
    async with scripted(answer) as platform, fast() as transport:
        done = await send(transport, platform.url)

    assert done.answer is not None
    assert (done.answer.status, done.answer.body, done.answer.overlong) == (200, body, False)
    assert "retry-after" not in done.answer.headers


async def test_repeated_headers_are_joined() -> None:
    """As RFC 9110 has it."""
    answer = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n"
    async with scripted(answer) as platform, fast() as transport:
        done = await send(transport, platform.url)

    assert done.answer is not None
    assert done.answer.headers["x-a"] == "1, 2"


GARBAGE: Final[dict[str, tuple[bytes, Exchange]]] = {
    "two lengths": (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{} ", BROKEN_BEFORE),
    "a length that is no number": (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", BROKEN_BEFORE),
    "length and chunks": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        BROKEN_BEFORE,
    ),
    "a chunk that is none": (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", BROKEN_AFTER),
    "another protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        BROKEN_BEFORE,
    ),
    "a request": (b"GET / HTTP/1.1\r\n\r\n", BROKEN_BEFORE),
    "endless headers": (
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: %s\r\n" % (i, b"y" * 1000) for i in range(80)),
        BROKEN_BEFORE,
    ),
    "one endless header": (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000, BROKEN_BEFORE),
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_is_no_answer_and_its_connection_is_given_up(name: str) -> None:
    """The next call has another connection."""
    garbage, end = GARBAGE[name]
    async with scripted(pieces(garbage, close=True), DONE) as platform, fast() as transport:
        assert await send(transport, platform.url) == end

        assert (await send(transport, platform.url)).stage is Stage.ANSWERED
        assert platform.connections == 2


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage=st.binary(max_size=300), at=st.integers(0, len(DONE)), whole=st.booleans())
@example(garbage=b"\r\n\r\n", at=0, whole=False)
@example(garbage=b"0\r\n\r\n", at=len(DONE), whole=True)
async def test_whatever_comes_is_an_answer_or_none(garbage: bytes, at: int, whole: bool) -> None:
    """Bytes thrown into an answer never raise, and never spoil the answer to the next call."""
    spoilt = DONE[:at] + garbage + (DONE[at:] if whole else b"")
    async with scripted(pieces(spoilt, close=True), DONE) as platform, fast() as transport:
        done = await send(transport, platform.url)
        assert (done.answer is None) != (done.loss is None)

        following = await send(transport, platform.url)
        if following.answer is not None:
            assert (following.answer.status, following.answer.body) == (200, b"{}")


@pytest.mark.parametrize("extra", [DONE, b"x", b"\r\nHTTP"])
async def test_more_than_the_answer_spoils_the_connection_and_not_the_answer(extra: bytes) -> None:
    """Nothing that nobody asked for is taken for the next answer."""
    async with scripted(DONE + extra, DONE) as platform, fast() as transport:
        first = await send(transport, platform.url)
        second = await send(transport, platform.url)

        assert first.answer is not None
        assert first.answer.body == b"{}"
        assert second.stage is Stage.ANSWERED
        assert platform.connections == 2


async def test_what_comes_on_an_idle_connection_ends_it() -> None:
    """A server that talks out of turn is not listened to."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        writer.write(DONE)
        await writer.drain()

    async with scripted(answer, DONE) as platform, fast() as transport:
        await send(transport, platform.url)
        writers[0].write(http_answer(200, b"other"))
        await writers[0].drain()
        done = await send(transport, platform.url)

        assert done.answer is not None
        assert done.answer.body == b"{}"
        assert platform.connections == 2


async def test_the_connection_used_last_is_used_next() -> None:
    """So that those that nobody needs grow old."""
    gate = Gate(DONE)
    async with scripted(gate, DONE) as platform, fast() as transport:
        first = asyncio.ensure_future(send(transport, platform.url))
        await gate.asked.wait()
        await send(transport, platform.url)
        gate.open.set()
        await first
        for _ in range(5):
            await send(transport, platform.url)

        assert platform.connections == 2


async def test_a_server_that_wants_to_close_is_left() -> None:
    """`connection: close` is heard."""
    async with scripted(http_answer(200, b"{}", connection="close"), DONE) as platform, fast() as transport:
        for _ in range(2):
            assert (await send(transport, platform.url)).stage is Stage.ANSWERED
        assert platform.connections == 2


async def test_old_connections_are_closed() -> None:
    """After `keepalive_s` without use they are gone, without anybody having to ask."""
    async with scripted(DONE) as platform, fast(keepalive_s=0.05) as transport:
        await send(transport, platform.url)
        async with asyncio.timeout(5):
            while platform.open:  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)


async def test_calls_share_as_many_connections_as_there_may_be() -> None:
    """A hundred calls over three connections all end well."""
    async with scripted(DONE) as platform, fast(max_connections=3) as transport:
        done = await asyncio.gather(*(send(transport, platform.url) for _ in range(100)))

        assert {each.stage for each in done} == {Stage.ANSWERED}
        assert platform.connections <= 3


async def test_calls_that_wait_for_a_connection_have_it_in_their_order() -> None:
    """Over a single one they end as they came."""
    async with scripted(DONE) as platform, fast(max_connections=1) as transport:
        ends: list[int] = []

        async def call(number: int) -> None:
            await send(transport, platform.url)
            ends.append(number)

        await asyncio.gather(*map(call, range(30)))

        assert ends == list(range(30))
        assert platform.connections == 1


async def test_waiting_calls_that_are_given_up_cost_no_connection() -> None:
    """However many give up while they wait, at whatever moment, the connection is there for the next."""
    gate = Gate(DONE)
    async with scripted(gate, DONE) as platform, fast(max_connections=1) as transport:
        first = asyncio.ensure_future(send(transport, platform.url))
        await gate.asked.wait()
        waiting = [asyncio.ensure_future(send(transport, platform.url)) for _ in range(20)]
        await asyncio.sleep(0)
        for call in waiting[::2]:
            call.cancel()
        gate.open.set()
        await first
        waiting[1].cancel()
        ends = await asyncio.gather(*waiting, return_exceptions=True)

        served = [end for end in ends if isinstance(end, Exchange)]
        assert len(served) >= 9
        assert all(end.stage is Stage.ANSWERED for end in served)
        assert (await send(transport, platform.url)).stage is Stage.ANSWERED
        assert platform.open <= 1


async def test_an_idle_connection_makes_room_for_another_origin() -> None:
    """The limit is for all of them, and nobody starves behind connections that nobody uses."""
    async with scripted(DONE) as one, scripted(DONE) as other, fast(max_connections=1) as transport:
        for platform in (one, other, one, other):
            assert (await send(transport, platform.url)).stage is Stage.ANSWERED

        assert (one.connections, other.connections) == (2, 2)


async def test_who_waits_for_another_origin_gets_the_room() -> None:
    """A connection that comes back while only others wait is closed for them."""
    gate = Gate(DONE)
    async with scripted(gate) as one, scripted(DONE) as other, fast(max_connections=1) as transport:
        first = asyncio.ensure_future(send(transport, one.url))
        await gate.asked.wait()
        second = asyncio.ensure_future(send(transport, other.url))
        await asyncio.sleep(0)
        gate.open.set()

        assert (await first).stage is Stage.ANSWERED
        assert (await second).stage is Stage.ANSWERED


async def test_after_it_was_closed_nothing_is_sent() -> None:
    """A call that comes too late has sent nothing."""
    async with scripted(DONE) as platform:
        async with fast() as transport:
            await send(transport, platform.url)
        with pytest.raises(RuntimeError):
            await send(transport, platform.url)
        assert len(platform.requests) == 1


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_ipv6_is_spoken() -> None:
    """An address in brackets is connected to, and stands in the host header with them."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        async with _on(listening) as platform, fast() as transport:
            url = f"http://[::1]:{listening.getsockname()[1]}"
            assert (await send(transport, url)).stage is Stage.ANSWERED
            assert f"\r\nhost: {url.removeprefix('http://')}\r\n".encode() in platform.requests[0]


@asynccontextmanager
async def _on(listening: socket.socket) -> AsyncIterator[Scripted]:
    async with scripted(DONE, sock=listening) as platform:
        yield platform


async def test_the_second_address_of_a_name_is_tried() -> None:
    """`localhost` may be two addresses, and the platform listens on one of them."""
    async with scripted(DONE) as platform, fast() as transport:
        port = platform.url.rpartition(":")[2]
        assert (await send(transport, f"http://localhost:{port}")).stage is Stage.ANSWERED
