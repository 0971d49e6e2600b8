"""What does an operator's endpoint look like that verifies what it gets, keeps it, and answers as it is told?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox import WebhookTargets
from gateway.sandbox.http_server import listener_at, serving, url_of
from gateway.wire.signing import verify

SECRETS = {"site": b"12345ABCDE", "acme": b"another key"}
PLAYER = {"player_id": "77", "lang": "en", "balance": 1000, "currency": "KES", "feature_flags": {}}


@dataclass(frozen=True, slots=True)
class Received:
    """One verified webhook."""

    path: str
    kind: str
    data: dict[str, Any]
    timestamp: int
    signature: str


@dataclass(slots=True)
class Receiver:
    """An operator's endpoints, `/pam/{operator}` and `/sms/{operator}`."""

    url: str
    received: list[Received] = field(default_factory=list)
    # Answers in the order in which they are wanted, by action or type; what has none left is accepted. None: no answer.
    answers: dict[str, list[Response | None]] = field(default_factory=dict)
    # Answers what has none of those; None: it is accepted.
    judge: Callable[[Received], Response | None] = lambda _: None
    # Set when somebody waits in vain.
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: int = 0
    _held: str | None = None
    _free: asyncio.Event = field(default_factory=asyncio.Event)
    _away: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def targets(self, operator: str = "site") -> WebhookTargets:
        """Return where an operator is called back here."""
        return WebhookTargets(f"{self.url}/pam/{operator}", f"{self.url}/sms/{operator}")

    @property
    def kinds(self) -> list[str]:
        """What was received, in order."""
        return [each.kind for each in self.received]

    @property
    def told(self) -> list[str]:
        """The same without the questions for players."""
        return [kind for kind in self.kinds if kind != "identify"]

    def about(self, kind: str) -> list[Received]:
        """Return what was received of a kind."""
        return [each for each in self.received if each.kind == kind]

    def hold(self, kind: str) -> None:
        """Keep everybody waiting who sends this, until ``let_go``."""
        self._held = kind

    def let_go(self) -> None:
        """Answer those who wait."""
        self._free.set()

    async def idle(self) -> None:
        """Wait until nobody is being answered."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: not self._busy)

    def hang_up(self) -> None:
        """Answer those who wait in vain with a 500."""
        self._away.set()

    async def until_told(self, count: int) -> None:
        """Wait until so many webhooks have come, beside questions for players."""
        async with asyncio.timeout(5), self._changed:
            await self._changed.wait_for(lambda: len(self.told) >= count)

    async def receive(self, request: Request) -> Response:
        """Verify, keep and answer."""
        self._busy += 1
        try:
            return await self._answer(request)
        finally:
            self._busy -= 1
            async with self._changed:
                self._changed.notify_all()

    async def _answer(self, request: Request) -> Response:
        body, operator = await request.body(), request.path_params["operator"]
        timestamp, signature = request.headers["timestamp"], request.headers["signature"]
        assert verify([SECRETS[operator]], timestamp, body, signature)
        assert request.headers["content-type"] == "application/json"
        envelope = json.loads(body)
        first = "type" if request.url.path.startswith("/sms") else "action"
        assert list(envelope) == [first, "data"]
        assert request.headers.get("operator-name") == (operator if first == "type" else None)
        webhook = Received(request.url.path, envelope[first], envelope["data"], int(timestamp), signature)
        self.received.append(webhook)
        async with self._changed:
            self._changed.notify_all()
        if webhook.kind == self._held:
            await self._free.wait()
        waiting = self.answers.get(webhook.kind)
        answer = waiting.pop(0) if waiting else self.judge(webhook) or _accepted(webhook)
        if answer is None:
            self.silent.set()
            await self._until_gone(request)
            return Response(status_code=500)
        return answer

    async def _until_gone(self, request: Request) -> None:
        gone, away = asyncio.ensure_future(_hung_up(request)), asyncio.ensure_future(self._away.wait())
        _, pending = await asyncio.wait({gone, away}, return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _accepted(webhook: Received) -> Response:
    match webhook.kind:
        case "identify":
            return JSONResponse(PLAYER)
        case "otp" | "ticket_status":
            return JSONResponse({"message": "Notification received"})
        case _:
            return Response()


def refused(code: int, message: str) -> Response:
    """Return a refusal in the platform's words."""
    return JSONResponse({"code": code, "message": message}, 400)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """Run an operator's endpoints on a free port."""
    with closing(listener_at("127.0.0.1:0")) as listener:
        running = Receiver(url_of(listener))
        routes = [Route(f"/{api}/{{operator}}", running.receive, methods=["POST"]) for api in ("pam", "sms")]
        async with serving(Starlette(routes=routes), listener):
            yield running
