"""How far did a request get, and what came back? One HTTP exchange, judged by facts of the transport.

An exception's name does not tell whether a server may have acted: "server disconnected" covers a request that was never
read and an answer that was cut. The transport's trace does tell.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import httpx

from gateway.wire.attempt import Stage
from gateway.wire.envelope import HttpAnswer

__all__ = ["Exchange", "Loss", "Outgoing", "Stage", "exchange"]


class Loss(StrEnum):
    """Why no whole answer came."""

    TIMEOUT = "no answer in time"
    BROKEN = "the connection broke"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is put on the wire: ``url`` says where to connect, ``target`` is the path and query, byte for byte."""

    verb: str
    url: httpx.URL
    target: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of it: a whole answer, or why there is none."""

    stage: Stage
    answer: HttpAnswer | None = None
    loss: Loss | None = None


_STAGES: Final = {
    "http11.send_request_headers.started": Stage.MAYBE_SENT,
    "http11.send_request_body.complete": Stage.SENT_NO_ANSWER,
    "http11.receive_response_headers.complete": Stage.ANSWERED,
}

_FAILURES: Final = (httpx.TransportError, httpx.StreamError, OSError)
_TIMEOUTS: Final = (TimeoutError, httpx.TimeoutException)


class _Progress:
    """Listens to the transport's trace; the stage only ever advances."""

    __slots__ = ("stage",)

    def __init__(self) -> None:
        self.stage = Stage.NEVER_SENT

    async def __call__(self, event: str, _: Mapping[str, Any]) -> None:
        self.stage = _STAGES.get(event, self.stage)


async def exchange(
    transport: httpx.AsyncBaseTransport,
    outgoing: Outgoing,
    *,
    timeout_s: float,
    connect_timeout_s: float,
    max_answer_bytes: int,
    clock: Callable[[], float] = time.time,
) -> Exchange:
    """Send one request and read its whole answer within ``timeout_s`` seconds; raises nothing but CancelledError."""
    progress = _Progress()
    request = _request(outgoing, timeout_s, min(connect_timeout_s, timeout_s), progress)
    try:
        async with asyncio.timeout(timeout_s):
            status, headers, body, overlong = await _send(transport, request, max_answer_bytes)
    except _TIMEOUTS:
        return Exchange(progress.stage, loss=Loss.TIMEOUT)
    except _FAILURES:
        return Exchange(progress.stage, loss=Loss.BROKEN)
    return Exchange(Stage.ANSWERED, HttpAnswer(status, headers, body, clock(), overlong))


def _request(
    outgoing: Outgoing, timeout_s: float, connect_s: float, trace: Callable[[str, Mapping[str, Any]], Awaitable[None]]
) -> httpx.Request:
    return httpx.Request(
        outgoing.verb,
        outgoing.url,
        headers=outgoing.headers,
        content=outgoing.body,
        extensions={
            "target": outgoing.target,
            "timeout": {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": timeout_s},
            "trace": trace,
        },
    )


async def _send(
    transport: httpx.AsyncBaseTransport, request: httpx.Request, limit: int
) -> tuple[int, dict[str, str], bytes, bool]:
    response = await transport.handle_async_request(request)
    try:
        body = bytearray()
        async for chunk in response.stream:  # type: ignore[union-attr]
            body += chunk
            if len(body) > limit:
                break
    finally:
        await response.aclose()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return response.status_code, headers, bytes(body[:limit]), len(body) > limit
