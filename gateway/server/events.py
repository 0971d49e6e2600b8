"""Who wants to know what the platform told? A durable stream of verified webhooks, resumed from a cursor."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, Callable, Iterator
from functools import partial
from typing import Any, Final

from google.protobuf.message import Message

from betstack.event.v1 import event_service_pb2 as pb
from gateway.failure import Failure, Reason, Violation, invalid
from gateway.ledger import events
from gateway.ledger.database import Database
from gateway.ledger.events import StoredEvent
from gateway.server.drain import OpenCalls
from gateway.server.own import OwnRpc, once, own_rpc

__all__ = ["SERVICE", "event_rpcs"]

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["EventService"]
SERVICE: Final = _SERVICE.full_name

_PREFIX: Final = "EVENT_KIND_"
_KINDS: Final = {number: name.removeprefix(_PREFIX).lower() for name, number in pb.EventKind.items() if number}
_BATCH: Final = 100
_POLL_S: Final = 0.1
_NAME_LIMIT: Final = 128
_SEQ_LIMIT: Final = 1 << 63


def event_rpcs(database: Database, open_calls: OpenCalls, clock: Callable[[], float]) -> Iterator[OwnRpc]:
    """Describe the RPCs of the EventService."""

    async def subscribe(request: Any) -> AsyncGenerator[Message, None]:  # noqa: ANN401 - a SubscribeRequest
        kinds = _kinds(request)
        after = await _start(database, request)
        is_resumed = after > 0
        while True:
            read = partial(events.read_events, request.operator, kinds, after, _BATCH)
            page = await database.run(read)
            if is_resumed and page.gone > after:
                raise Failure(Reason.CURSOR_EXPIRED, "events after the cursor are no longer kept")
            for stored in page.events:
                yield pb.SubscribeResponse(cursor=_cursor(stored.operator, stored.seq), event=_event(stored))
                after, is_resumed = stored.seq, True
            if not page.events:
                # Events of other kinds are dealt with too: that they are forgotten later is no loss.
                after, is_resumed = max(after, page.newest), True
                await open_calls.until_closed(asyncio.sleep(_POLL_S))
            if open_calls.is_closed:
                raise Failure(Reason.SHUTTING_DOWN, "the gateway is shutting down")

    async def acknowledge(request: Any) -> Message:  # noqa: ANN401 - an AcknowledgeRequest
        consumer = _consumer(request.consumer, is_required=True)
        seq = _seq(request.operator, request.cursor)
        await database.run(lambda: events.acknowledge(request.operator, consumer, seq, clock()))
        return pb.AcknowledgeResponse()

    yield own_rpc(_SERVICE, "Subscribe", subscribe)
    yield own_rpc(_SERVICE, "Acknowledge", once(acknowledge), subject="consumer")


def _kinds(request: Any) -> list[str]:  # noqa: ANN401 - a SubscribeRequest
    unknown = [
        Violation(f"kinds[{index}]", "is no kind of event")
        for index, kind in enumerate(request.kinds)
        if kind not in _KINDS
    ]
    if unknown:
        raise invalid(unknown)
    return list(dict.fromkeys(_KINDS[kind] for kind in request.kinds))


async def _start(database: Database, request: Any) -> int:  # noqa: ANN401 - a SubscribeRequest
    """Return the number of the last event that the subscriber has dealt with."""
    consumer = _consumer(request.consumer, is_required=False)
    if request.cursor:
        return _seq(request.operator, request.cursor)
    if not consumer:
        return 0
    return await database.run(lambda: events.acknowledged(request.operator, consumer))


def _consumer(name: str, *, is_required: bool) -> str:
    if (is_required and not name) or len(name) > _NAME_LIMIT or not name.isprintable():
        raise invalid([Violation("consumer", f"has to be 1 to {_NAME_LIMIT} printable characters")])
    return name


def _event(stored: StoredEvent) -> pb.Event:
    event = pb.Event(operator=stored.operator)
    event.signed_time.FromSeconds(stored.stamp)
    event.accepted_time.FromMicroseconds(int(stored.accepted * 1_000_000))
    body = getattr(event, stored.kind)
    body.SetInParent()
    body.MergeFromString(stored.payload)
    return event


def _cursor(operator: str, seq: int) -> str:
    return urlsafe_b64encode(f"1:{seq}:{operator}".encode()).decode().rstrip("=")


def _seq(operator: str, cursor: str) -> int:
    """Read a cursor, which is good for the operator whose events it came with."""
    try:
        seq = int(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(":", 2)[1])
        if 0 < seq < _SEQ_LIMIT and cursor == _cursor(operator, seq):
            return seq
    except (ValueError, IndexError):
        pass
    raise invalid([Violation("cursor", "is no cursor of this operator's events")])
