"""Which deliveries were accepted, what were they answered, and what is still to be passed on? Transactions without I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from gateway.ledger.database import Query, Transaction
from gateway.ledger.events import hold_events, tell
from gateway.webhooks.answers import OK, Reply
from gateway.webhooks.ticket import Action, Fact, New, OutOfPlace, Repeat, Stale, judge, key_of

__all__ = [
    "Answered",
    "Begun",
    "Delivery",
    "Here",
    "Joined",
    "Misplaced",
    "Row",
    "State",
    "accept",
    "answer_early",
    "due",
    "earlier_open",
    "fail_again",
    "finish",
    "forget",
    "known_notification",
    "lease",
    "refuse",
    "remember_notification",
    "row_of",
    "settle",
]

_COLUMNS: Final = (
    "seq, key, operator, ticket_id, action, epoch, stamp, data, request, state, status, body, owner, received, updated, "
    "next_at, tries"
)
_IS_OPENING: Final = "action IN ('ticket_create', 'ticket_reserve')"
_IS_OPEN: Final = "state IN ('TRYING', 'PENDING')"
"""In the words of an index, which is used only where a query repeats them."""


class State(StrEnum):
    """Where an action is."""

    TRYING = "TRYING"
    PENDING = "PENDING"
    DONE = "DONE"
    LOST = "LOST"
    NEEDS_HUMAN = "NEEDS_HUMAN"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One verified delivery of a ticket action."""

    operator: str
    ticket_id: str
    action: Action
    stamp: int
    signature: str
    data: bytes
    request: bytes


@dataclass(frozen=True, slots=True)
class Here:
    """Who asks, when, and what a create or reserve is answered that ended without a definite answer."""

    owner: str
    now: float
    lost: Reply


@dataclass(frozen=True, slots=True)
class Row:
    """One action as it is kept; times are Unix seconds. ``status`` and ``body`` are its answer, once there is one."""

    seq: int
    key: str
    operator: str
    ticket_id: str
    action: Action
    epoch: int
    stamp: int
    data: bytes
    request: bytes
    state: State
    status: int | None
    body: bytes
    owner: str
    received: float
    updated: float
    next_at: float | None
    tries: int

    @property
    def reply(self) -> Reply | None:
        """The answer, where there is one."""
        return None if self.status is None else Reply(self.status, self.body)


@dataclass(frozen=True, slots=True)
class Answered:
    """It came before: this was the answer, under this key if it was passed on."""

    reply: Reply
    key: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Joined:
    """It came before and is not answered yet."""

    row: Row


@dataclass(frozen=True, slots=True)
class Begun:
    """It is new and written down: pass it on."""

    row: Row


@dataclass(frozen=True, slots=True)
class Misplaced:
    """It does not fit what came before."""

    why: str


Admission = Answered | Joined | Begun | Misplaced


def accept(delivery: Delivery, here: Here) -> Transaction[Admission]:
    """Write a delivery down, or find what it was answered before."""
    yield Query("SELECT $serialise(?)", (_lock(delivery.operator, delivery.ticket_id),))
    yield from _abandon_ticket(delivery.operator, delivery.ticket_id, here)
    same = yield from _same_delivery(delivery)
    if same is not None:
        return same
    rows = yield from _rows(delivery.operator, delivery.ticket_id)
    by_key = {row.key: row for row in rows}
    facts = [Fact(row.action, row.stamp, row.epoch, row.data, row.key, is_lost=row.state is State.LOST) for row in rows]
    match judge(facts, delivery.action, delivery.stamp, delivery.data):
        case Repeat(fact):
            yield from _remember(delivery, fact.key, here.now)
            return _known(by_key[fact.key])
        case Stale():
            yield from _remember(delivery, "", here.now)
            return Answered(OK)
        case OutOfPlace(why):
            return Misplaced(why)
        case New(epoch):
            row = yield from _insert(delivery, epoch, here)
            yield from _remember(delivery, row.key, here.now)
            return Begun(row)
    raise AssertionError("a verdict is one of these")  # pragma: no cover


def _lock(operator: str, ticket_id: str) -> str:
    return f"webhook/{operator}/{ticket_id}"


def _known(row: Row) -> Admission:
    return Joined(row) if row.reply is None else Answered(row.reply, row.key)


def _same_delivery(delivery: Delivery) -> Transaction[Admission | None]:
    rows = yield Query(
        "SELECT key FROM deliveries WHERE operator = ? AND api = 'pam' AND stamp = ? AND signature = ?",
        (delivery.operator, delivery.stamp, delivery.signature),
    )
    if not rows:
        return None
    key = str(rows[0][0])
    if not key:
        return Answered(OK)
    row = yield from _row_of(key)
    return None if row is None else _known(row)


def _remember(delivery: Delivery, key: str, now: float) -> Transaction[None]:
    yield Query(
        "INSERT INTO deliveries (operator, api, stamp, signature, key, status, body, received) "
        "VALUES (?, 'pam', ?, ?, ?, NULL, NULL, ?) ON CONFLICT (operator, api, stamp, signature) DO NOTHING",
        (delivery.operator, delivery.stamp, delivery.signature, key, now),
    )


def _insert(delivery: Delivery, epoch: int, here: Here) -> Transaction[Row]:
    rows = yield Query(
        "INSERT INTO facts (key, operator, ticket_id, action, epoch, stamp, data, request, state, status, body, owner, "
        "received, updated, next_at, tries, told) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'TRYING', NULL, ?, ?, ?, ?, NULL, 0, 0) "
        f"RETURNING {_COLUMNS}",
        (
            key_of(delivery.operator, delivery.ticket_id, delivery.action, epoch),
            delivery.operator,
            delivery.ticket_id,
            delivery.action,
            epoch,
            delivery.stamp,
            delivery.data,
            delivery.request,
            b"",
            here.owner,
            here.now,
            here.now,
        ),
    )
    return _row(rows[0])


def row_of(row: Row, here: Here) -> Transaction[Row | None]:
    """Return what has become of an action; one whose process is gone is judged first."""
    yield from _abandon_ticket(row.operator, row.ticket_id, here)
    return (yield from _row_of(row.key))


def _row_of(key: str) -> Transaction[Row | None]:
    rows = yield Query(f"SELECT {_COLUMNS} FROM facts WHERE key = ?", (key,))
    return _row(rows[0]) if rows else None


def _rows(operator: str, ticket_id: str) -> Transaction[list[Row]]:
    rows = yield Query(
        f"SELECT {_COLUMNS} FROM facts WHERE operator = ? AND ticket_id = ? ORDER BY seq", (operator, ticket_id)
    )
    return list(map(_row, rows))


def _abandon_ticket(operator: str, ticket_id: str, here: Here) -> Transaction[None]:
    """Judge the actions on a ticket whose processes died with them."""
    where = "operator = ? AND ticket_id = ? AND owner <> ? AND $gone(owner)"
    yield from _abandon(where, (operator, ticket_id, here.owner), here)


def settle(row: Row, here: Here) -> Transaction[None]:
    """Judge an action of this process whose first try ended without being written down."""
    yield from _abandon("seq = ?", (row.seq,), here)


def _abandon(where: str, parameters: tuple[Any, ...], here: Here) -> Transaction[None]:
    """Judge actions that nobody tries any more: a create or reserve is lost, any other is accepted and tried again."""
    where = f"{_IS_OPEN} AND state = 'TRYING' AND {where}"
    if not (yield Query(f"SELECT 1 FROM facts WHERE {where} LIMIT 1", parameters)):
        return
    # The log of events comes first: whoever has it already may wait for these rows.
    yield from hold_events()
    rows = yield Query(
        f"UPDATE facts SET state = CASE WHEN {_IS_OPENING} THEN 'LOST' ELSE 'PENDING' END, "
        f"status = COALESCE(status, CASE WHEN {_IS_OPENING} THEN ? ELSE 200 END), "
        f"body = CASE WHEN {_IS_OPENING} THEN ? ELSE body END, "
        f"next_at = CASE WHEN {_IS_OPENING} THEN NULL ELSE ? END, updated = ? WHERE {where} RETURNING {_COLUMNS}, told",
        (here.lost.status, here.lost.body, here.now, here.now, *parameters),
    )
    for row, told in sorted(((_row(row[:-1]), row[-1]) for row in rows), key=lambda judged: judged[0].seq):
        if row.state is State.PENDING and not told:
            yield from _tell_in_turn(row, row.request, here.now)


def earlier_open(row: Row, here: Here) -> Transaction[bool]:
    """Tell whether an earlier action on the same ticket is still to be passed on."""
    yield from _abandon_ticket(row.operator, row.ticket_id, here)
    rows = yield Query(
        f"SELECT 1 FROM facts WHERE operator = ? AND ticket_id = ? AND seq < ? AND {_IS_OPEN} LIMIT 1",
        (row.operator, row.ticket_id, row.seq),
    )
    return bool(rows)


def finish(row: Row, reply: Reply, state: State, event: bytes | None, now: float) -> Transaction[Reply]:
    """Write how an action ended and what it is answered, and tell the subscribers; an answer given before stays."""
    rows = yield Query(
        "UPDATE facts SET state = ?, status = COALESCE(status, ?), body = CASE WHEN status IS NULL THEN ? ELSE body END, "
        f"updated = ?, next_at = NULL WHERE seq = ? RETURNING {_COLUMNS}, told",
        (state, reply.status, reply.body, now, row.seq),
    )
    if not rows:
        return reply
    if event is not None and not rows[0][-1]:
        yield from _tell(row, event, now)
    after = _row(rows[0][:-1])
    return after.reply or reply


def answer_early(row: Row, event: bytes, now: float) -> Transaction[bool]:
    """Accept an action whose first try takes long: it is answered 200 from now on. False where the try has ended."""
    rows = yield Query(
        "UPDATE facts SET status = 200, updated = ? WHERE seq = ? AND status IS NULL RETURNING told", (now, row.seq)
    )
    if rows and not rows[0][0]:
        yield from _tell_in_turn(row, event, now)
    return bool(rows)


def _tell_in_turn(row: Row, event: bytes, now: float) -> Transaction[None]:
    """Tell the subscribers, unless they may still be told of an earlier action on the ticket; then a later try tells."""
    earlier = yield Query(
        f"SELECT 1 FROM facts WHERE operator = ? AND ticket_id = ? AND seq < ? AND {_IS_OPEN} AND told = 0 LIMIT 1",
        (row.operator, row.ticket_id, row.seq),
    )
    if not earlier:
        yield from _tell(row, event, now)


def _tell(row: Row, event: bytes, now: float) -> Transaction[None]:
    yield from tell(row.operator, row.action, event, row.stamp, now)
    yield Query("UPDATE facts SET told = 1 WHERE seq = ?", (row.seq,))


def fail_again(row: Row, next_at: float, event: bytes, now: float) -> Transaction[None]:
    """Keep an action for a later try; it is accepted."""
    rows = yield Query(
        "UPDATE facts SET state = 'PENDING', status = COALESCE(status, 200), next_at = ?, tries = tries + 1, updated = ? "
        "WHERE seq = ? RETURNING told",
        (next_at, now, row.seq),
    )
    if rows and not rows[0][0]:
        yield from _tell_in_turn(row, event, now)


def refuse(row: Row) -> Transaction[bool]:
    """Forget an action that was definitely refused before it was answered; False where it had been answered."""
    rows = yield Query("DELETE FROM facts WHERE seq = ? AND status IS NULL RETURNING key", (row.seq,))
    if rows:
        yield Query("DELETE FROM deliveries WHERE operator = ? AND key = ?", (row.operator, row.key))
    return bool(rows)


def due(here: Here, limit: int) -> Transaction[list[Row]]:
    """Return the actions whose next try has come and that are first in line for their ticket."""
    yield from _abandon("owner <> ? AND $gone(owner)", (here.owner,), here)
    rows = yield Query(
        f"SELECT {_COLUMNS} FROM facts WHERE {_IS_OPEN} AND state = 'PENDING' AND next_at <= ? AND NOT EXISTS "
        "(SELECT 1 FROM facts AS earlier WHERE earlier.operator = facts.operator AND earlier.ticket_id = facts.ticket_id "
        "AND earlier.seq < facts.seq AND earlier.state IN ('TRYING', 'PENDING')) ORDER BY next_at, seq LIMIT ?",
        (here.now, limit),
    )
    return list(map(_row, rows))


def lease(row: Row, until: float) -> Transaction[Row | None]:
    """Take a pending action for oneself until then; None where another gateway was faster."""
    rows = yield Query(
        f"UPDATE facts SET next_at = ? WHERE seq = ? AND state = 'PENDING' AND next_at = ? RETURNING {_COLUMNS}",
        (until, row.seq, row.next_at),
    )
    return _row(rows[0]) if rows else None


def forget(before: float) -> Transaction[None]:
    """Remove what ended and was answered before then: tickets as a whole, because what is new depends on all of it."""
    yield Query(
        "DELETE FROM facts WHERE updated < ? AND state IN ('DONE', 'LOST') AND NOT EXISTS (SELECT 1 FROM facts AS other "
        "WHERE other.operator = facts.operator AND other.ticket_id = facts.ticket_id "
        "AND (other.updated >= ? OR other.state NOT IN ('DONE', 'LOST')))",
        (before, before),
    )
    yield Query(
        "DELETE FROM deliveries WHERE received < ? AND NOT EXISTS (SELECT 1 FROM facts WHERE facts.key = deliveries.key)",
        (before,),
    )


def known_notification(operator: str, stamp: int, signature: str) -> Transaction[Reply | None]:
    """Return what an SMS notification was answered before."""
    rows = yield Query(
        "SELECT status, body FROM deliveries WHERE operator = ? AND api = 'sms' AND stamp = ? AND signature = ?",
        (operator, stamp, signature),
    )
    return Reply(int(rows[0][0]), bytes(rows[0][1])) if rows else None


def remember_notification(
    operator: str, kind: str, stamp: int, signature: str, reply: Reply, event: bytes | None, now: float
) -> Transaction[None]:
    """Keep the answer of an accepted SMS notification, and of its data only what may be told."""
    rows = yield Query(
        "INSERT INTO deliveries (operator, api, stamp, signature, key, status, body, received) "
        "VALUES (?, 'sms', ?, ?, '', ?, ?, ?) ON CONFLICT (operator, api, stamp, signature) DO NOTHING RETURNING 1",
        (operator, stamp, signature, reply.status, reply.body, now),
    )
    if rows and event is not None:
        yield from tell(operator, kind, event, stamp, now)


def _row(row: tuple[Any, ...]) -> Row:
    fields = dict(zip(Row.__dataclass_fields__, row, strict=True))
    return Row(
        **{
            **fields,
            "action": Action(fields["action"]),
            "state": State(fields["state"]),
            "data": bytes(fields["data"]),
            "request": bytes(fields["request"]),
            "body": bytes(fields["body"] or b""),
        }
    )
