"""How do requests travel fast? As bytes made in one piece, over a pool that costs the same however much is in flight."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import httpx

from gateway.settings import Upstream
from gateway.upstream.authorities import authorities
from gateway.upstream.connection import Broken
from gateway.upstream.exchange import Exchange, Loss, Outgoing, header_lines
from gateway.upstream.pool import Origin, Pool
from gateway.wire.attempt import Stage
from gateway.wire.envelope import HttpAnswer

__all__ = ["FastTransport"]

_PORTS: Final = {"http": 80, "https": 443}
_WITHOUT_BODY: Final = frozenset({"GET"})


class FastTransport:
    """Connections of its own: TLS verified, no proxy, no retries, no redirects."""

    def __init__(self, settings: Upstream) -> None:
        self._settings = settings
        self._trusted: ssl.SSLContext | None = None
        self._pool = Pool(settings, self._context)
        self._loop = asyncio.get_running_loop()
        self._origins: dict[str, tuple[Origin, bytes]] = {}

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close()

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
        if timeout_s <= 0:
            return Exchange(Stage.NEVER_SENT, loss=Loss.TIMEOUT)
        origin, host = self._origin(outgoing.url)
        ends = self._loop.time() + timeout_s
        connection = None
        try:
            message = _message(outgoing, host)
            connection = self._pool.idle(origin)
            if connection is None:
                async with asyncio.timeout_at(ends):
                    connection = await self._pool.take(origin, connect_timeout_s)
            reply = await connection.exchange(message, max_answer_bytes, ends)
        except TimeoutError:
            return Exchange(connection.stage if connection else Stage.NEVER_SENT, loss=Loss.TIMEOUT)
        except (Broken, OSError):
            return Exchange(connection.stage if connection else Stage.NEVER_SENT, loss=Loss.BROKEN)
        self._pool.give_back(connection)
        answer = HttpAnswer(reply.status, reply.headers, reply.body, clock(), reply.overlong)
        return Exchange(Stage.ANSWERED, answer)

    def _origin(self, text: str) -> tuple[Origin, bytes]:
        """Return where to connect, and the host header."""
        found = self._origins.get(text)
        if found is None:
            url = httpx.URL(text)
            origin = Origin(url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
            found = self._origins[text] = (origin, b" HTTP/1.1\r\nhost: " + url.netloc + b"\r\n")
        return found

    def _context(self) -> ssl.SSLContext:
        if self._trusted is None:
            self._trusted = authorities(self._settings)
        return self._trusted


def _message(outgoing: Outgoing, host: bytes) -> bytes:
    """Write a request (RFC 9112); values that could end a line were refused before, and are refused again here."""
    target, body = outgoing.target, outgoing.body
    try:
        lines = outgoing.always.lines + header_lines(outgoing.headers)
    except ValueError as error:
        raise Broken(str(error)) from None
    if b" " in target or b"\n" in target:
        raise Broken("the target has a blank or a line break where none may be")
    if body or outgoing.verb not in _WITHOUT_BODY:
        lines += f"content-length: {len(body)}\r\n"
    return b"".join((outgoing.verb.encode("ascii"), b" ", target, host, lines.encode("latin-1"), b"\r\n", body))
