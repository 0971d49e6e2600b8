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
from gateway.upstream.exchange import Exchange, Loss, Outgoing
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
        self._origins: dict[httpx.URL, tuple[Origin, bytes]] = {}

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
        origin, authority = self._origin(outgoing.url)
        connection = None
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._pool.take(origin, connect_timeout_s)
                reply = await connection.exchange(_message(outgoing, authority), max_answer_bytes)
        except TimeoutError:
            return Exchange(connection.stage if connection else Stage.NEVER_SENT, loss=Loss.TIMEOUT)
        except (Broken, OSError):
            return Exchange(connection.stage if connection else Stage.NEVER_SENT, loss=Loss.BROKEN)
        self._pool.give_back(connection)
        answer = HttpAnswer(reply.status, reply.headers, reply.body, clock(), reply.overlong)
        return Exchange(Stage.ANSWERED, answer)

    def _origin(self, url: httpx.URL) -> tuple[Origin, bytes]:
        """Return where to connect, and what the host header says."""
        found = self._origins.get(url)
        if found is None:
            origin = Origin(url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme])
            found = self._origins[url] = (origin, url.netloc)
        return found

    def _context(self) -> ssl.SSLContext:
        if self._trusted is None:
            self._trusted = authorities(self._settings)
        return self._trusted


def _message(outgoing: Outgoing, authority: bytes) -> bytes:
    """Write a request (RFC 9112); values that could end a line were refused before, and are refused again here."""
    lines = [f"{name}: {value}\r\n" for name, value in outgoing.headers.items()]
    if outgoing.body or outgoing.verb not in _WITHOUT_BODY:
        lines.append(f"content-length: {len(outgoing.body)}\r\n")
    headers = "".join(lines).encode("latin-1")
    if headers.count(b"\n") != len(lines) or b" " in outgoing.target or b"\n" in outgoing.target:
        raise Broken("the request has a line break where none may be")
    return b"".join(
        (
            outgoing.verb.encode("ascii"),
            b" ",
            outgoing.target,
            b" HTTP/1.1\r\nhost: ",
            authority,
            b"\r\n",
            headers,
            b"\r\n",
            outgoing.body,
        )
    )
