"""What happens to a request on its way between the wire and its handler?

It is read, a fault may hit it, it is handled, and the exchange is written down. This is the only place that knows
faults, the journal and connections; the handlers know none of them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.sandbox.connection import Connection
from gateway.sandbox.faults import Fault, FaultKind, Faults
from gateway.sandbox.journal import Exchange, Journal
from gateway.sandbox.options import Clock, Sleep

__all__ = ["Reception"]

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: Headers
    body: bytes


class _HungUp(Exception):  # noqa: N818 - it happened to the caller
    """The caller closed the connection before the request was complete."""


class Reception:
    """An ASGI application around the handlers."""

    def __init__(self, app: ASGIApp, faults: Faults, journal: Journal, sleep: Sleep, clock: Clock) -> None:
        self._app = app
        self._faults = faults
        self._journal = journal
        self._sleep = sleep
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        connection: Connection = scope["state"]["connection"]
        visit = _Visit(scope, connection, receive, send)
        method, path = visit.blank.method, visit.path
        try:
            drawn = self._faults.draw(method, path)
            fault = self._faults.take_before_reading(method, path, drawn)
            if fault is None:
                body = await _read(receive)
                visit.blank = replace(visit.blank, body=body)
                fault = self._faults.take(method, path, _action(body), drawn)
        except _HungUp:
            return
        if fault is None:
            await self._send(visit, await self._handled(visit))
        elif fault.kind in _UNHANDLED:
            await self._refuse(visit, fault)
        else:
            await self._spoil(visit, fault, await self._handled(visit))

    async def _handled(self, visit: _Visit) -> _Answer:
        """Return what the handlers answer."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": visit.blank.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        # Undecoded, so that a slash within a path segment does not become a border between two.
        await self._app(dict(visit.scope, path=visit.path), receive, send)
        start = sent[0]
        date = (b"date", formatdate(self._clock(), usegmt=True).encode())
        return _Answer(start["status"], (*start["headers"], date), b"".join(part.get("body", b"") for part in sent[1:]))

    async def _refuse(self, visit: _Visit, fault: Fault) -> None:
        """Let a fault answer, or hang up, in place of the handlers."""
        match fault.kind:
            case FaultKind.STATUS:
                await self._send(visit, _made(fault.status, fault.body, fault), fault)
            case FaultKind.REDIRECT:
                location = ((b"location", fault.location.encode()),)
                await self._send(visit, _made(302, b"", fault, location), fault)
            case FaultKind.ERROR_BODY_200:
                body = json.dumps({"code": fault.code, "message": fault.message}).encode()
                await self._send(visit, _made(200, body, fault, _JSON), fault)
            case _:
                self._note(visit, None, fault)
                visit.connection.reset()
                await visit.until_hung_up()

    async def _spoil(self, visit: _Visit, fault: Fault, answer: _Answer) -> None:
        """Do something to the answer of a request that has been handled."""
        match fault.kind:
            case FaultKind.ERROR_500_AFTER_COMMIT:
                await self._send(visit, _made(500, b"Internal Server Error", fault), fault)
            case FaultKind.HTML:
                await self._send(visit, _made(200, fault.page, fault, _HTML), fault)
            case FaultKind.SLOW:
                await self._send_late(visit, answer, fault)
            case FaultKind.CUT_BODY:
                await self._send_half(visit, answer, fault)
            case _:
                self._note(visit, None, fault)
                visit.connection.hang_up()
                await visit.until_hung_up()

    async def _send(self, visit: _Visit, answer: _Answer, fault: Fault | None = None) -> None:
        self._note(visit, answer, fault)
        await visit.send({"type": "http.response.start", "status": answer.status, "headers": list(answer.headers)})
        await visit.send({"type": "http.response.body", "body": answer.body})

    async def _send_late(self, visit: _Visit, answer: _Answer, fault: Fault) -> None:
        waiting = asyncio.ensure_future(self._sleep(fault.seconds))
        gone = asyncio.ensure_future(visit.until_hung_up())
        done, pending = await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if gone in done:
            self._note(visit, None, fault)
        else:
            await self._send(visit, answer, fault)

    async def _send_half(self, visit: _Visit, answer: _Answer, fault: Fault) -> None:
        # Of an empty body nothing can be missing, so two bytes are promised and none is sent.
        promised = max(len(answer.body), 2)
        half = answer.body[: len(answer.body) // 2]
        headers = [each for each in answer.headers if each[0].lower() != b"content-length"]
        headers.append((b"content-length", str(promised).encode()))
        self._note(visit, replace(answer, body=half), fault)
        await visit.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await visit.send({"type": "http.response.body", "body": half, "more_body": True})
        visit.connection.hang_up_after_sending()
        await visit.until_hung_up()

    def _note(self, visit: _Visit, answer: _Answer | None, fault: Fault | None) -> None:
        self._journal.add(
            replace(
                visit.blank,
                status=None if answer is None else answer.status,
                answer=b"" if answer is None else answer.body,
                fault=None if fault is None else fault.kind,
            )
        )


_UNHANDLED = frozenset({FaultKind.RESET_BEFORE_READING, FaultKind.STATUS, FaultKind.ERROR_BODY_200, FaultKind.REDIRECT})
_JSON: Headers = ((b"content-type", b"application/json"),)
_HTML: Headers = ((b"content-type", b"text/html; charset=utf-8"),)


class _Visit:
    """One request, and the connection it came over."""

    def __init__(self, scope: Scope, connection: Connection, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.connection = connection
        self.path = connection.target.partition("?")[0]
        self.send = send
        # The exchange, as far as it is known.
        self.blank = Exchange(
            method=scope["method"],
            target=connection.target,
            headers=_spelled(scope["headers"]),
            body=b"",
            status=None,
            answer=b"",
        )
        self._receive = receive

    async def until_hung_up(self) -> None:
        """Wait until the connection is closed. uvicorn takes it for a mistake to leave without an answer before."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def _read(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _HungUp
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _action(body: bytes) -> str | None:
    """Return the ``action`` or ``type`` of a body, if it has one."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, dict):
        return None
    action = parsed.get("action", parsed.get("type"))
    return action if isinstance(action, str) else None


def _made(status: int, body: bytes, fault: Fault, more: Headers = ()) -> _Answer:
    given = tuple((name.lower().encode(), value.encode()) for name, value in fault.headers.items())
    return _Answer(status, (*more, *given, (b"content-length", str(len(body)).encode())), body)


def _spelled(headers: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
