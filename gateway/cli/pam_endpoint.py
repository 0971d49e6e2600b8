"""How does a check speak to a PAM endpoint? Signed as the platform signs, or wrong in one point."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from gateway.cli.status_text import printable
from gateway.wire.jsontext import NotJson, parse, spell_value
from gateway.wire.signing import sign

__all__ = ["Answer", "Delivery", "Endpoint", "Signer", "Unreachable"]

_MOST_READ: Final = 65_536
_MOST_SHOWN: Final = 60
_HEADERS: Final = {"content-type": "application/json", "user-agent": "betstack-gateway pam check"}


class Unreachable(Exception):  # noqa: N818 - a statement about the endpoint
    """There was never a connection to the endpoint."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request of the platform: its headers and its body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; without a status it did not, and ``trouble`` says why."""

    status: int | None
    body: bytes = b""
    trouble: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether the action was accepted."""
        return self.status == 200

    @property
    def refused(self) -> bool:
        """Tell whether the action was refused for good."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def content(self) -> Any:  # noqa: ANN401 - any JSON value
        """The body as JSON, None if it is none."""
        try:
            return parse(self.body)
        except NotJson:
            return None

    @property
    def code(self) -> int | None:
        """The platform's error code, if the body is ``{"code", "message"}``."""
        content = self.content
        if not isinstance(content, dict) or not isinstance(content.get("message"), str):
            return None
        code = content.get("code")
        return code if isinstance(code, int) and not isinstance(code, bool) else None

    def __str__(self) -> str:
        if self.status is None:
            return self.trouble
        code = self.code
        if code is None:
            return str(self.status)
        message = printable(self.content["message"])
        return f"{self.status} code {code} {message[:_MOST_SHOWN]}{'…' if len(message) > _MOST_SHOWN else ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Signer:
    """Writes deliveries for one operator, signed with its key."""

    operator: str
    secret: bytes
    clock: Callable[[], float] = time.time

    def action(self, name: str, data: Mapping[str, object], *, late_by: int = 0) -> Delivery:
        """Return a delivery that says when it is; ``late_by`` dates it back by so many seconds."""
        return self.signed(self.body(name, data), late_by=late_by)

    def body(self, name: str, data: Mapping[str, object]) -> bytes:
        """Return an action's body; ``operator`` begins its data."""
        return spell_value({"action": name, "data": {"operator": self.operator, **data}}).encode()

    def signed(self, body: bytes, *, late_by: int = 0) -> Delivery:
        """Sign a body as it is."""
        stamp = str(int(self.clock()) - late_by)
        return Delivery({"timestamp": stamp, "signature": sign(self.secret, stamp, body)}, body)


class Endpoint:
    """Takes deliveries and remembers how long the slowest one took."""

    def __init__(
        self, url: str, client: httpx.AsyncClient, timeout_s: float, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._client = client
        self._timeout_s = timeout_s
        self._timer = timer
        self._reached = False
        self.slowest_s = 0.0

    async def deliver(self, delivery: Delivery) -> Answer:
        """Send a delivery; raises Unreachable if the first one finds no connection, and nothing else."""
        began = self._timer()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(delivery)
        except httpx.ConnectError as error:
            if not self._reached:
                raise Unreachable(str(error)) from None
            return Answer(None, trouble="no connection")
        except (TimeoutError, httpx.TimeoutException):
            return Answer(None, trouble=f"no answer within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            return Answer(None, trouble=f"no answer: {printable(str(error)) or type(error).__name__}")
        finally:
            self.slowest_s = max(self.slowest_s, self._timer() - began)

    async def _send(self, delivery: Delivery) -> Answer:
        headers = {**_HEADERS, **delivery.headers}
        async with self._client.stream("POST", self._url, content=delivery.body, headers=headers) as answer:
            self._reached = True
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > _MOST_READ:
                    return Answer(None, trouble=f"{answer.status_code} with a body of more than {_MOST_READ} bytes")
            return Answer(answer.status_code, bytes(body))
