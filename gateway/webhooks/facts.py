"""Which deliveries were accepted, what were they answered, and what is still to be passed on? Transactions without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.ledger.database import Query, Transaction
from gateway.ledger.events import tell
from gateway.webhooks.answers import Reply
from gateway.webhooks.ticket import OPENINGS, Action, Fact, New, OutOfPlace, Repeat, Stale, judge, key_of

__all__ = [
    "Answered",
    "Begun",
    "Delivery",
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
]

_COLUMNS: Final = (
    "seq, key, operator, ticket_id, action, epoch, stamp, data, request, state, status, body, owner, received, updated, "
    "next_at, tries"
)


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
    """It came before: this was the answer."""

    reply: Reply


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


def accept(delivery: Delivery, owner: str, now: float) -> Transaction[Admission]:
    """Write a delivery down, or find what it was answered before."""
    yield Query("SELECT $serialise(?)", (_lock(delivery.operator, delivery.ticket_id),))
    same = yield from _same_delivery(delivery, owner, now)
    if same is not None:
        return same
    rows = yield from _rows(delivery.operator, delivery.ticket_id, owner, now)
    by_key = {row.key: row for row in rows}
    facts = [Fact(row.action, row.stamp, row.epoch, row.data, row.key) for row in rows]
    match judge(facts, delivery.action, delivery.stamp, delivery.data):
        case Repeat(fact):
            yield from _remember(delivery, fact.key, now)
            return _known(by_key[fact.key])
        case Stale():
            yield from _remember(delivery, "", now)
            return Answered(Reply(200))
        case OutOfPlace(why):
            return Misplaced(why)
        case New(epoch):
            row = yield from _insert(delivery, epoch, owner, now)
            yield from _remember(delivery, row.key, now)
            return Begun(row)
    raise AssertionError("a verdict is one of these")  # pragma: no cover


def _lock(operator: str, ticket_id: str) -> str:
    return f"webhook/{operator}/{ticket_id}"


def _known(row: Row) -> Admission:
    return Joined(row) if row.reply is None else Answered(row.reply)


def _same_delivery(delivery: Delivery, owner: str, now: float) -> Transaction[Admission | None]:
    rows = yield Query(
        "SELECT key FROM deliveries WHERE operator = ? AND api = 'pam' AND stamp = ? AND signature = ?",
        (delivery.operator, delivery.stamp, delivery.signature),
    )
    if not rows:
        return None
    key = str(rows[0][0])
    if not key:
        return Answered(Reply(200))
    row = yield from row_of(key, owner, now)
    return None if row is None else _known(row)


def _remember(delivery: Delivery, key: str, now: float) -> Transaction[None]:
    yield Query(
        "INSERT INTO deliveries (operator, api, stamp, signature, key, status, body, received) "
        "VALUES (?, 'pam', ?, ?, ?, NULL, NULL, ?) ON CONFLICT (operator, api, stamp, signature) DO NOTHING",
        (delivery.operator, delivery.stamp, delivery.signature, key, now),
    )


def _insert(delivery: Delivery, epoch: int, owner: str, now: float) -> Transaction[Row]:
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
            owner,
            now,
            now,
        ),
    )
    return _row(rows[0])


def row_of(key: str, owner: str, now: float) -> Transaction[Row | None]:
    """Return an action by its key; one whose process is gone is judged first."""
    rows = yield Query(f"SELECT {_COLUMNS} FROM facts WHERE key = ?", (key,))
    if not rows:
        return None
    return (yield from _abandoned(_row(rows[0]), owner, now))


def _rows(operator: str, ticket_id: str, owner: str, now: float) -> Transaction[list[Row]]:
    rows = yield Query(
        f"SELECT {_COLUMNS} FROM facts WHERE operator = ? AND ticket_id = ? ORDER BY seq", (operator, ticket_id)
    )
    found: list[Row] = []
    for row in rows:
        found.append((yield from _abandoned(_row(row), owner, now)))
    return found


def _abandoned(row: Row, owner: str, now: float) -> Transaction[Row]:
    """Judge an action whose process died with it: a create or reserve is lost, any other is tried again."""
    if row.state is not State.TRYING or row.owner == owner:
        return row
    is_opening = row.action in OPENINGS
    rows = yield Query(
        "UPDATE facts SET state = ?, status = ?, body = ?, next_at = ?, updated = ? "
        f"WHERE seq = ? AND state = 'TRYING' AND owner = ? AND $gone(owner) RETURNING {_COLUMNS}",
        (
            State.LOST if is_opening else State.PENDING,
            500 if is_opening else 200,
            b"",
            None if is_opening else now,
            now,
            row.seq,
            row.owner,
        ),
    )
    return _row(rows[0]) if rows else row


def earlier_open(row: Row, owner: str, now: float) -> Transaction[bool]:
    """Tell whether an earlier action on the same ticket is still to be passed on."""
    rows = yield from _rows(row.operator, row.ticket_id, owner, now)
    return any(other.seq < row.seq and other.state in (State.TRYING, State.PENDING) for other in rows)


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


def answer_early(row: Row, event: bytes, now: float) -> Transaction[None]:
    """Accept an action whose first try takes long: it is answered 200 from now on."""
    rows = yield Query(
        "UPDATE facts SET status = 200, updated = ? WHERE seq = ? AND status IS NULL RETURNING told", (now, row.seq)
    )
    if rows and not rows[0][0]:
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
        yield from _tell(row, event, now)


def refuse(row: Row) -> Transaction[bool]:
    """Forget an action that was definitely refused before it was answered; False where it had been answered."""
    rows = yield Query("DELETE FROM facts WHERE seq = ? AND status IS NULL RETURNING key", (row.seq,))
    if rows:
        yield Query("DELETE FROM deliveries WHERE operator = ? AND key = ?", (row.operator, row.key))
    return bool(rows)


def due(owner: str, now: float, limit: int) -> Transaction[list[Row]]:
    """Return the actions whose next try has come and that are first in line for their ticket."""
    rows = yield Query(
        f"SELECT {_COLUMNS} FROM facts WHERE (state = 'PENDING' AND next_at <= ?) OR (state = 'TRYING' AND owner <> ?) "
        "ORDER BY seq LIMIT ?",
        (now, owner, limit),
    )
    found: list[Row] = []
    for row in map(_row, rows):
        judged = yield from _abandoned(row, owner, now)
        if judged.state is State.PENDING and not (yield from earlier_open(judged, owner, now)):
            found.append(judged)
    return found


def lease(row: Row, until: float) -> Transaction[Row | None]:
    """Take a pending action for oneself until then; None where another gateway was faster."""
    rows = yield Query(
        f"UPDATE facts SET next_at = ? WHERE seq = ? AND state = 'PENDING' AND next_at = ? RETURNING {_COLUMNS}",
        (until, row.seq, row.next_at),
    )
    return _row(rows[0]) if rows else None


def forget(before: float) -> Transaction[None]:
    """Remove actions that ended and answers that were given before then; what is still to be passed on stays."""
    yield Query("DELETE FROM facts WHERE updated < ? AND state IN ('DONE', 'LOST')", (before,))
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
