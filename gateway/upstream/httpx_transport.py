"""How do requests travel with httpx? Over its own transport, without the client layer of cookies, redirects and proxies.

How far a request got is told by httpcore's ``trace`` extension.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import httpx

from gateway.settings import Upstream
from gateway.upstream.authorities import authorities
from gateway.upstream.exchange import Exchange, Loss, Outgoing
from gateway.wire.attempt import Stage
from gateway.wire.envelope import HttpAnswer

__all__ = ["HttpxTransport"]

_STAGES: Final = {
    "http11.send_request_headers.started": Stage.MAYBE_SENT,
    "http11.send_request_body.complete": Stage.SENT_NO_ANSWER,
    "http11.receive_response_headers.complete": Stage.ANSWERED,
}

_FAILURES: Final = (httpx.TransportError, httpx.StreamError, OSError)
_TIMEOUTS: Final = (TimeoutError, httpx.TimeoutException)


class HttpxTransport:
    """TLS verified, no proxy from the environment, no retries, no redirects."""

    def __init__(self, settings: Upstream) -> None:
        limits = httpx.Limits(
            max_connections=settings.max_connections,
            max_keepalive_connections=settings.max_connections,
            keepalive_expiry=settings.keepalive_s,
        )
        context = authorities(settings)
        self._transport = httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=limits, retries=0)

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.aclose()

    async def exchange(
        self,
        outgoing: Outgoing,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        max_answer_bytes: int,
        clock: Callable[[], float],
    ) -> Exchange:
        """Send one request and read its whole answer within ``timeout_s`` seconds; raises nothing but CancelledError."""
        progress = _Progress()
        request = _request(outgoing, timeout_s, min(connect_timeout_s, timeout_s), progress)
        try:
            async with asyncio.timeout(timeout_s):
                status, headers, body, overlong = await self._send(request, max_answer_bytes)
        except _TIMEOUTS:
            return Exchange(progress.stage, loss=Loss.TIMEOUT)
        except _FAILURES:
            return Exchange(progress.stage, loss=Loss.BROKEN)
        return Exchange(Stage.ANSWERED, HttpAnswer(status, headers, body, clock(), overlong))

    async def _send(self, request: httpx.Request, limit: int) -> tuple[int, dict[str, str], bytes, bool]:
        response = await self._transport.handle_async_request(request)
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


class _Progress:
    """Listens to the transport's trace; the stage only ever advances."""

    __slots__ = ("stage",)

    def __init__(self) -> None:
        self.stage = Stage.NEVER_SENT

    async def __call__(self, event: str, _: Mapping[str, Any]) -> None:
        self.stage = _STAGES.get(event, self.stage)


def _request(
    outgoing: Outgoing, timeout_s: float, connect_s: float, trace: Callable[[str, Mapping[str, Any]], Awaitable[None]]
) -> httpx.Request:
    return httpx.Request(
        outgoing.verb,
        outgoing.url,
        headers={**outgoing.always.fields, **outgoing.headers},
        content=outgoing.body,
        extensions={
            "target": outgoing.target,
            "timeout": {"connect": connect_s, "read": timeout_s, "write": timeout_s, "pool": timeout_s},
            "trace": trace,
        },
    )
