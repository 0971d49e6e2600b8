"""What happens to a notification that the platform sends by SMS?

It is kept, so that a test can read what a player would have read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.bodies import NOTIFICATIONS, documented, in_order, json_object
from gateway.sandbox.refusals import invalid, not_implemented
from gateway.sandbox.relay import Relay
from gateway.sandbox.signatures import Gate
from gateway.sandbox.webhook_bodies import Api

__all__ = ["Notification", "Notifications", "SmsApi"]

_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to a player."""

    operator: str
    type: str
    data: Mapping[str, object]


class Notifications:
    """The latest messages received, oldest first."""

    def __init__(self) -> None:
        # How many there were, the forgotten ones included.
        self.count = 0
        self._received: deque[Notification] = deque(maxlen=_KEPT)

    def add(self, notification: Notification) -> None:
        """Keep a message."""
        self.count += 1
        self._received.append(notification)

    def clear(self) -> None:
        """Forget all messages."""
        self._received.clear()

    def __iter__(self) -> Iterator[Notification]:
        return iter(tuple(self._received))

    def __len__(self) -> int:
        return len(self._received)

    def __getitem__(self, place: int) -> Notification:
        return self._received[place]


class SmsApi:
    """The SMS endpoint of all operators."""

    def __init__(self, gate: Gate, relay: Relay, notifications: Notifications) -> None:
        self._gate = gate
        self._relay = relay
        self._notifications = notifications

    def routes(self) -> list[Route]:
        """Return the endpoint."""
        return [Route("/sms", self.receive, methods=["POST"])]

    async def receive(self, request: Request) -> Response:
        """Keep a notification."""
        own = await self._relay.answer(request, request.headers.get("operator-name"), Api.SMS)
        if own is not None:
            return own
        operator = await self._gate.operator(request)
        envelope = json_object(await request.body())
        kind = envelope.get("type")
        if not isinstance(kind, str):
            raise invalid("not a string", ("type",))
        if kind not in NOTIFICATIONS:
            raise not_implemented(kind)
        in_order(envelope, ("type", "data"))
        data = documented(NOTIFICATIONS[kind], envelope["data"], ("data",))
        self._notifications.add(Notification(operator, kind, data.model_dump()))
        return JSONResponse({"message": "Notification received"})
