"""What goes over one connection? One exchange after the other, each with the facts of how far it got.

The parser is llhttp, which Node.js uses. What is known of a request is what this side did: nothing is sent before
``write``, something may be after it, all of it is once the buffer is empty. An answer ends where its framing says, or,
without any, where the server closes.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import httptools

from gateway.wire.attempt import Stage

__all__ = ["Broken", "Connection", "Reply"]

_MOST_HEADER_BYTES: Final = 65_536
_SWITCHING_PROTOCOLS: Final = 101
_FINAL: Final = 200
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_CLOCK_S: Final = 0.001
"""How early a timer may go off."""


class Broken(Exception):  # noqa: N818 - it says what the connection is
    """The answer did not arrive whole, or was none; the connection is gone."""


class ReceivedHeaders(Mapping[str, str]):
    """Headers by lower-case name, read once somebody looks; a repeated one is joined with a comma (RFC 9110, 5.3)."""

    __slots__ = ("_read", "_received")

    def __init__(self, received: Iterable[tuple[bytes, bytes]]) -> None:
        self._received = received
        self._read: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, str]:
        if self._read is None:
            self._read = {}
            for name, value in self._received:
                key, text = name.decode("latin-1").lower(), value.decode("latin-1")
                before = self._read.get(key)
                self._read[key] = text if before is None else f"{before}, {text}"
        return self._read


class Reply(NamedTuple):
    """A whole answer; ``overlong`` says that the body was cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    overlong: bool


class Connection(asyncio.Protocol):
    """A connection to a server; ``lost`` is told when it is gone, once."""

    __slots__ = (
        "_answer",
        "_body_bytes",
        "_ends",
        "_header_bytes",
        "_headers",
        "_is_headed",
        "_limit",
        "_loop",
        "_lost",
        "_parser",
        "_parts",
        "_poll",
        "_status",
        "_timer",
        "_transport",
        "idle_since",
        "is_idle",
        "stage",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[[Connection], None]) -> None:
        self._loop = loop
        self._lost = lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._poll = select.poll()
        self._timer: asyncio.TimerHandle | None = None
        self._ends = 0.0
        self.stage = Stage.NEVER_SENT
        self.is_idle = False
        self.idle_since = 0.0
        self._begin(0)

    def _begin(self, limit: int) -> None:
        self._limit = limit
        self._header_bytes = 0
        self._is_headed = False
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._body_bytes = 0

    # ------------------------------------------------------------------------------------------------ one exchange

    @property
    def is_open(self) -> bool:
        """Whether anything can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def is_fresh(self) -> bool:
        """Tell whether an idle connection is still good: the server has neither closed it nor said anything."""
        return self.is_open and not self._poll.poll(0)

    async def exchange(self, request: bytes, limit: int, ends: float) -> Reply:
        """Send a request and return the whole answer, of whose body no more than ``limit`` bytes; raises Broken.

        Raises TimeoutError where it is not there when the loop's clock says ``ends``. A wait that is cancelled closes the
        connection, as one that took too long does: the answer would be taken for the next one's.
        """
        transport = self._transport
        assert transport is not None
        self._begin(limit)
        answer: asyncio.Future[Reply] = self._loop.create_future()
        self._answer = answer
        self.stage = Stage.MAYBE_SENT
        self._watch(ends)
        transport.write(request)
        if not transport.get_write_buffer_size():
            self.stage = Stage.SENT_NO_ANSWER
        try:
            return await answer
        finally:
            if not answer.done() or answer.cancelled():
                self._answer = None
                self.abort()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close an idle connection."""
        if self._transport is not None:
            self._transport.close()

    def _watch(self, ends: float) -> None:
        """See to it that the wait ends in time.

        The timer of an exchange that is over is left for the next ones: mostly it goes off long before theirs, and finds
        that there is time left. A timer for each exchange would cost more than the rest of the waiting.
        """
        self._ends = ends
        timer = self._timer
        if timer is None or timer.when() > ends:
            if timer is not None:
                timer.cancel()
            self._timer = self._loop.call_at(ends, self._due)

    def _due(self) -> None:
        self._timer = None
        if self._answer is None or self._answer.done():
            return
        if self._loop.time() < self._ends - _CLOCK_S:
            self._timer = self._loop.call_at(self._ends, self._due)
            return
        self._fail(TimeoutError())
        self.abort()

    def _end(self, reply: Reply) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(reply)

    def _fail(self, error: Exception) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def _reply(self, *, overlong: bool = False) -> Reply:
        body = b"".join(self._parts)
        return Reply(self._status, ReceivedHeaders(self._headers), body[: self._limit] if overlong else body, overlong)

    # ------------------------------------------------------------------------------------------ what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; it tells as soon as everything is written."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=0)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._transport = transport

    def resume_writing(self) -> None:
        """Note that the whole request is out."""
        if self.stage is Stage.MAYBE_SENT:
            self.stage = Stage.SENT_NO_ANSWER

    def data_received(self, data: bytes) -> None:
        """Parse; what nobody asked for ends the connection."""
        if self._answer is None:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(Broken("the answer is not HTTP"))
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way: whole if the server says so by closing, broken otherwise."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if exc is None and self._is_headed and _is_ended_by_closing(self._headers):
            self._end(self._reply())
        else:
            self._fail(Broken("the connection broke"))
        self._lost(self)

    # ---------------------------------------------------------------------------------------- what the parser tells

    def on_message_begin(self) -> None:
        """Refuse an answer to nothing; after an interim answer begin anew."""
        if self._answer is None:
            raise Broken("an answer to nothing")
        self._headers = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes behind the body is not kept."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > _MOST_HEADER_BYTES:
            raise Broken("the headers are too large")
        if self._is_headed:
            return
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Look at the status; an interim one (1xx) is no answer yet."""
        self._status = self._parser.get_status_code()
        if self._status == _SWITCHING_PROTOCOLS:
            raise Broken("the server speaks another protocol")
        if self._status < _FINAL:
            return
        self.stage = Stage.ANSWERED
        self._is_headed = True

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body; one beyond the limit is the last."""
        self._parts.append(data)
        self._body_bytes += len(data)
        if self._body_bytes > self._limit and self._answer is not None:
            self._end(self._reply(overlong=True))
            self.abort()

    def on_message_complete(self) -> None:
        """Give the answer, unless it was an interim one."""
        if not self._is_headed:
            return
        if not self._parser.should_keep_alive():
            self.close()
        self._end(self._reply())


def _is_ended_by_closing(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether an answer has no other end than that of its connection (RFC 9112, 6.3)."""
    return not any(name.lower() in _FRAMING for name, _ in headers)
