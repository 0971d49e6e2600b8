"""What is asked and told without a ticket's history? ``identify``, asked anew each time, and the SMS notifications."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf.message import Message

from gateway.ledger.database import Database
from gateway.settings import Webhooks
from gateway.telemetry import Telemetry
from gateway.webhooks import facts
from gateway.webhooks.answers import Numbers, Reply, reply_to
from gateway.webhooks.dispatch import Dispatch
from gateway.wire.inbound import Inbound

__all__ = ["Notifications"]

_RECEIVED = b'{"message":"Notification received"}'
_SECRET_KINDS = frozenset({"otp"})


class Notifications:
    """Passes on what is answered at once."""

    def __init__(
        self,
        database: Database,
        dispatch: Dispatch,
        settings: Webhooks,
        numbers: Mapping[str, Numbers],
        telemetry: Telemetry,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._dispatch = dispatch
        self._settings = settings
        self._numbers = numbers
        self._telemetry = telemetry
        self._clock = clock
        self._live: dict[tuple[str, int, str], asyncio.Future[Reply]] = {}

    async def ask(self, operator: str, inbound: Inbound, message: Any) -> Reply:  # noqa: ANN401 - a request
        """Ask the operator's service; nothing of it is stored."""
        request_id = message.request_id = str(uuid.uuid4())
        self._telemetry.named(request_id)
        return await self._call(operator, inbound, message, request_id)

    async def notify(self, operator: str, stamp: int, signature: str, inbound: Inbound, message: Message) -> Reply:
        """Pass a notification on once for each timestamp and signature; a refused one is judged anew."""
        key = (operator, stamp, signature)
        self._telemetry.named(_request_id(key, inbound))
        if key in self._live:
            self._telemetry.webhook("repeated")
            return await asyncio.shield(self._live[key])
        live = self._live[key] = asyncio.ensure_future(self._notify(key, inbound, message))
        live.add_done_callback(lambda _: self._live.pop(key, None))
        return await asyncio.shield(live)

    async def _call(self, operator: str, inbound: Inbound, message: Message, request_id: str) -> Reply:
        timeout_s = self._settings.call_timeout_s
        said = await self._dispatch.call(inbound.route, operator, message, timeout_s=timeout_s, request_id=request_id)
        return reply_to(_token(inbound), said, self._numbers[inbound.route.api.name])

    async def _notify(self, key: tuple[str, int, str], inbound: Inbound, message: Message) -> Reply:
        operator, stamp, signature = key
        known = await self._database.run(lambda: facts.known_notification(operator, stamp, signature))
        if known is not None:
            self._telemetry.webhook("repeated")
            return known
        reply = await self._call(operator, inbound, message, _request_id(key, inbound))
        if reply.status != 200:
            return reply
        reply = reply if reply.body not in (b"", b'{"message":""}') else Reply(200, _RECEIVED)
        event = None if _token(inbound) in _SECRET_KINDS else _told(inbound, message)
        await self._database.run(
            lambda: facts.remember_notification(
                operator, _token(inbound), stamp, signature, reply, event, self._clock()
            )
        )
        self._telemetry.webhook("accepted")
        return reply


def _request_id(key: tuple[str, int, str], inbound: Inbound) -> str:
    operator, stamp, signature = key
    return f"{operator}/{_token(inbound)}/{stamp}/{signature}"


def _token(inbound: Inbound) -> str:
    return inbound.route.envelope.token if inbound.route.envelope else ""


def _told(inbound: Inbound, message: Message) -> bytes:
    """Encode what subscribers may know of a notification."""
    copy = type(message)()
    copy.CopyFrom(message)
    for field in inbound.route.request.fields:
        if field.sensitive:
            copy.ClearField(field.name)
    return copy.SerializeToString()
