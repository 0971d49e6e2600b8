"""How does a row come about, move on and end? Every change of the ledger, as transactions without I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from gateway.failure import Failure
from gateway.ledger.database import Query, Transaction
from gateway.ledger.operation import (
    ACTIVE,
    COLUMNS,
    UNDECIDED,
    NewOperation,
    Note,
    Operation,
    State,
    failure_to_text,
    notes_from_text,
    notes_to_text,
)
from gateway.wire.attempt import Stage

__all__ = [
    "Claim",
    "Claimed",
    "Debt",
    "Ending",
    "Known",
    "Owed",
    "Process",
    "Reversed",
    "Waiting",
    "advance",
    "claim",
    "decide",
    "due_debts",
    "due_operations",
    "end",
    "find",
    "find_debt",
    "lease_debt",
    "lease_operation",
    "list_operations",
    "move_debt",
    "peek",
    "purge",
    "resolve",
    "take_over",
]

_BLOCKING: Final = "('RECEIVED', 'SENDING', 'UNKNOWN', 'NEEDS_HUMAN')"


@dataclass(frozen=True, slots=True)
class Claimed:
    """The row is SENDING and this process's: send it now."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Waiting:
    """The row is RECEIVED: an earlier action on the same ticket is not over.

    ``blockers`` come oldest first; where there are none, an owed discard is on its way. ``is_busy`` says that somebody is
    at it, so that there will be news.
    """

    operation: Operation
    blockers: tuple[Operation, ...]
    is_busy: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The request id has a row that answers for it."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Reversed:
    """The ticket owes or owed a discard: it cannot be created any more."""


Claim = Claimed | Waiting | Known | Reversed


@dataclass(frozen=True, slots=True)
class Owed:
    """A discard that a create or reserve leaves behind; it is due at ``next_at``."""

    reason: str
    next_at: float


@dataclass(frozen=True, slots=True)
class Ending:
    """How a try ends: what becomes of the row."""

    state: State
    stage: Stage
    free: bool = False
    response: bytes | None = None
    failure: Failure | None = None
    note: str = ""
    next_at: float | None = None
    owed: Owed | None = None
    settles_discard: bool = False


@dataclass(frozen=True, slots=True)
class Debt:
    """A ``ticket_discard`` that is owed for a ticket."""

    operator: str
    ticket_id: str
    request_id: str
    state: str
    reason: str
    notes: tuple[Note, ...]
    received: float
    updated: float
    next_at: float | None
    tries: int


_DEBT_COLUMNS: Final = ", ".join(Debt.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Process:
    """Who writes: its identity, and how long after a send (seconds) no call of any process can still be waiting."""

    identity: str
    settle_s: float


# ------------------------------------------------------------------------------------------------ claiming a row


def claim(new: NewOperation, process: Process, now: float) -> Transaction[Claim]:
    """Take the row of a request id, or find who has it."""
    if new.ticket_id is None:  # nothing but its own row can be in the way
        row = yield from _take(new, None, process.identity, now, is_free=True)
        if row is not None:
            return Claimed(row)
    else:
        yield Query("SELECT $serialise(?)", (f"{new.operator}/{new.ticket_id}",))
    earlier = yield from _find(new.operator, new.request_id, lock=True)
    if earlier is not None:
        earlier = yield from _abandoned(earlier, process, now)
        if not earlier.free:
            return Known(earlier)
    # The blockers come first: a create whose process died owes its discard only once it has been judged.
    blockers = yield from _blockers(new.operator, new.ticket_id, None, discards=new.discards, process=process, now=now)
    if new.opens and (yield from _owes(new)):
        return Reversed()
    is_discarding = yield from _is_discarding(new.operator, new.ticket_id, now)
    is_free = not blockers and not is_discarding
    row = yield from _take(new, earlier, process.identity, now, is_free=is_free)
    if row is None:
        known = yield from _find(new.operator, new.request_id)
        assert known is not None
        return Known(known)
    return Claimed(row) if is_free else Waiting(row, blockers, is_discarding or _are_busy(blockers, now))


def _take(
    new: NewOperation, earlier: Operation | None, owner: str, now: float, *, is_free: bool
) -> Transaction[Operation | None]:
    """Write a new row in the place of an earlier one of the same request id; None where somebody else has written it."""
    if earlier is not None:
        yield Query("DELETE FROM operations WHERE seq = ?", (earlier.seq,))
    values: dict[str, Any] = {
        "operator": new.operator,
        "request_id": new.request_id,
        "method": new.method,
        "fingerprint": new.fingerprint,
        "request": new.request,
        "ticket_id": new.ticket_id,
        "state": State.SENDING if is_free else State.RECEIVED,
        "free": 0,
        "stage": Stage.NEVER_SENT,
        "attempts": (earlier.attempts if earlier else 0) + int(is_free),
        "maybe_sent": 0,
        "owner": owner,
        "notes": notes_to_text(earlier.notes if earlier else ()),
        "received": now,
        "sent": now if is_free else None,
        "updated": now,
        "tries": 0,
        "looks": 0,
    }
    rows = yield Query(_insert(tuple(values)), tuple(values.values()), whole=True)
    return Operation.from_row(rows[0]) if rows else None


@cache
def _insert(columns: tuple[str, ...]) -> str:
    return (
        f"INSERT INTO operations ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) "
        f"ON CONFLICT (operator, request_id) DO NOTHING RETURNING {COLUMNS}"
    )


def advance(new: NewOperation, operation: Operation, process: Process, now: float) -> Transaction[Claim]:
    """Let a waiting row be sent if its turn has come; where the answer is Reversed, the row still waits."""
    yield Query("SELECT $serialise(?)", (f"{operation.operator}/{operation.ticket_id}",))
    blockers = yield from _blockers(
        operation.operator, operation.ticket_id, operation.seq, discards=new.discards, process=process, now=now
    )
    if new.opens and (yield from _owes(new)):
        return Reversed()
    is_discarding = yield from _is_discarding(operation.operator, operation.ticket_id, now)
    if blockers or is_discarding:
        return Waiting(operation, blockers, is_discarding or _are_busy(blockers, now))
    rows = yield Query(
        "UPDATE operations SET state = 'SENDING', attempts = attempts + 1, sent = ?, updated = ? "
        f"WHERE seq = ? AND state = 'RECEIVED' AND owner = ? RETURNING {COLUMNS}",
        (now, now, operation.seq, process.identity),
    )
    if rows:
        return Claimed(Operation.from_row(rows[0]))
    known = yield from _find(operation.operator, operation.request_id)
    return Known(known or operation)


def _owes(new: NewOperation) -> Transaction[bool]:
    rows = yield Query("SELECT 1 FROM debts WHERE operator = ? AND ticket_id = ?", (new.operator, new.ticket_id))
    return bool(rows)


def _blockers(
    operator: str, ticket_id: str | None, before: int | None, *, discards: bool, process: Process, now: float
) -> Transaction[tuple[Operation, ...]]:
    """Return the earlier actions on this ticket that are not over.

    The discard that an unknown create or reserve owes does not wait for its outcome, only for its call to end.
    """
    if ticket_id is None:
        return ()
    rows = yield Query(
        f"SELECT {COLUMNS} FROM operations WHERE operator = ? AND ticket_id = ? AND state IN {_BLOCKING}"
        + (" AND seq < ?" if before is not None else "")
        + " ORDER BY seq",
        (operator, ticket_id) if before is None else (operator, ticket_id, before),
    )
    found: list[Operation] = []
    for row in rows:
        found.append((yield from _abandoned(Operation.from_row(row), process, now)))
    return tuple(
        operation
        for operation in found
        if operation.state in ACTIVE or (operation.state in UNDECIDED and not (discards and _opens(operation)))
    )


def _are_busy(blockers: Iterable[Operation], now: float) -> bool:
    return any(blocker.state in ACTIVE or (blocker.leased_until or 0) > now for blocker in blockers)


def _is_discarding(operator: str, ticket_id: str | None, now: float) -> Transaction[bool]:
    """Tell whether an owed discard of this ticket is on its way."""
    if ticket_id is None:
        return False
    rows = yield Query(
        "SELECT 1 FROM debts WHERE operator = ? AND ticket_id = ? AND state = 'SENDING' AND next_at > ?",
        (operator, ticket_id, now),
    )
    return bool(rows)


def _opens(operation: Operation) -> bool:
    return operation.method.endswith(("PamService/CreateTicket", "PamService/ReserveTicket"))


# -------------------------------------------------------------------------------------------------- reading rows


def find(operator: str, request_id: str, process: Process, now: float) -> Transaction[Operation | None]:
    """Return the row of a request id; one whose process is gone is judged first."""
    operation = yield from _find(operator, request_id)
    return operation and (yield from _abandoned(operation, process, now))


def peek(operator: str, request_id: str) -> Transaction[Operation | None]:
    """Return the row of a request id as it stands; nothing is written."""
    return (yield from _find(operator, request_id))


def _find(operator: str, request_id: str, *, lock: bool = False) -> Transaction[Operation | None]:
    rows = yield Query(
        f"SELECT {COLUMNS} FROM operations WHERE operator = ? AND request_id = ?" + (" $for_update" if lock else ""),
        (operator, request_id),
        whole=not lock,
    )
    return Operation.from_row(rows[0]) if rows else None


def list_operations(
    operator: str, states: Collection[State], received_before: float | None, below: int | None, limit: int
) -> Transaction[list[Operation]]:
    """Return the newest rows of an operator, at most ``limit``, in these states and below this sequence number."""
    marks = ", ".join("?" * len(states))
    rows = yield Query(
        f"SELECT {COLUMNS} FROM operations WHERE operator = ?"
        + (f" AND state IN ({marks})" if states else "")
        + (" AND received <= ?" if received_before is not None else "")
        + (" AND seq < ?" if below is not None else "")
        + " ORDER BY seq DESC LIMIT ?",
        (
            operator,
            *states,
            *([received_before] if received_before is not None else []),
            *([below] if below is not None else []),
            limit,
        ),
    )
    return [Operation.from_row(row) for row in rows]


# -------------------------------------------------------------------------------------------------- ending a try


def end(
    operation: Operation, expected: Collection[State], owner: str, ending: Ending, now: float
) -> Transaction[Operation]:
    """Write how a try ended, if the row is still as expected, and return the row as it is then.

    Whoever loses the race for a row gets what the winner wrote.
    """
    maybe_sent = operation.maybe_sent or ending.stage is not Stage.NEVER_SENT
    marks = ", ".join("?" * len(expected))
    notes = (*operation.notes, *([Note(now, ending.note)] if ending.note else []))
    rows = yield Query(
        "UPDATE operations SET state = ?, stage = ?, free = ?, maybe_sent = ?, response = ?, failure = ?, notes = ?, "
        f"updated = ?, next_at = ? WHERE seq = ? AND owner = ? AND state IN ({marks}) RETURNING {COLUMNS}",
        (
            ending.state,
            ending.stage,
            int(ending.free),
            int(maybe_sent),
            ending.response,
            failure_to_text(ending.failure),
            notes_to_text(notes),
            now,
            ending.next_at,
            operation.seq,
            owner,
            *expected,
        ),
        whole=ending.owed is None and not ending.settles_discard,
    )
    if not rows:
        known = yield from _find(operation.operator, operation.request_id)
        return known or operation
    if ending.owed is not None and operation.ticket_id is not None:
        yield from _owe(operation, ending.owed, now)
    if ending.settles_discard and operation.ticket_id is not None:
        yield from _settle(operation.operator, operation.ticket_id, "the caller discarded the ticket", now)
    return Operation.from_row(rows[0])


def _owe(operation: Operation, owed: Owed, now: float) -> Transaction[None]:
    yield Query(
        "INSERT INTO debts (operator, ticket_id, request_id, state, reason, notes, received, updated, next_at, tries) "
        "VALUES (?, ?, ?, 'OWED', ?, '[]', ?, ?, ?, 0) ON CONFLICT (operator, ticket_id) DO NOTHING",
        (operation.operator, operation.ticket_id, operation.request_id, owed.reason, now, now, owed.next_at),
    )


def _settle(operator: str, ticket_id: str, note: str, now: float) -> Transaction[None]:
    """Record that the discard is done: what was unknown about the ticket's creation is undone."""
    yield Query(
        "UPDATE debts SET state = 'SETTLED', next_at = NULL, updated = ? WHERE operator = ? AND ticket_id = ?",
        (now, operator, ticket_id),
    )
    rows = yield Query(
        f"SELECT {COLUMNS} FROM operations WHERE operator = ? AND ticket_id = ? "
        "AND state IN ('UNKNOWN', 'NEEDS_HUMAN') $for_update",
        (operator, ticket_id),
    )
    for operation in map(Operation.from_row, rows):
        if _opens(operation):
            notes = notes_to_text((*operation.notes, Note(now, note)))
            yield Query(
                "UPDATE operations SET state = 'REVERSED', next_at = NULL, updated = ?, notes = ? WHERE seq = ?",
                (now, notes, operation.seq),
            )


# ------------------------------------------------------------------------------------------- processes that died


def _abandoned(operation: Operation, process: Process, now: float) -> Transaction[Operation]:
    """Judge a row whose process lives no more: what it was sending is unknown, what waited was not sent."""
    if operation.state not in ACTIVE or operation.owner == process.identity:
        return operation
    rows = yield Query(
        "UPDATE operations SET "
        "state = CASE state WHEN 'SENDING' THEN 'UNKNOWN' ELSE 'NOT_SENT' END, "
        "stage = CASE state WHEN 'SENDING' THEN 'MAYBE_SENT' ELSE 'NEVER_SENT' END, "
        "maybe_sent = CASE state WHEN 'SENDING' THEN 1 ELSE maybe_sent END, "
        "free = CASE state WHEN 'SENDING' THEN 0 ELSE 1 END, "
        "next_at = CASE state WHEN 'SENDING' THEN sent + ? ELSE NULL END, "
        f"updated = ? WHERE seq = ? AND state = ? AND owner = ? AND $gone(owner) RETURNING {COLUMNS}",
        (process.settle_s, now, operation.seq, operation.state, operation.owner),
    )
    if not rows:
        return operation
    judged = Operation.from_row(rows[0])
    if judged.state is State.UNKNOWN and _opens(judged) and judged.ticket_id is not None:
        owed = Owed("The outcome of the ticket's creation is unknown", judged.next_at or now)
        yield from _owe(judged, owed, now)
    return judged


def take_over(process: Process, now: float) -> Transaction[list[Operation]]:
    """Judge all rows of processes that live no more."""
    rows = yield Query(
        f"SELECT {COLUMNS} FROM operations WHERE state IN ('RECEIVED', 'SENDING') AND owner <> ?",
        (process.identity,),
    )
    judged = []
    for operation in map(Operation.from_row, rows):
        after = yield from _abandoned(operation, process, now)
        if after.state is not operation.state:
            judged.append(after)
    return judged


# --------------------------------------------------------------------------------------------------- finding out


def due_operations(now: float, limit: int) -> Transaction[list[Operation]]:
    """Return the unknown rows whose time has come, the most overdue first."""
    rows = yield Query(
        f"SELECT {COLUMNS} FROM operations WHERE next_at <= ? AND state = 'UNKNOWN' ORDER BY next_at LIMIT ?",
        (now, limit),
    )
    return [Operation.from_row(row) for row in rows]


def lease_operation(operation: Operation, now: float, until: float) -> Transaction[Operation | None]:
    """Take an unknown row for oneself until then.

    None where another gateway is at it, or has been since, or where a discard of its ticket is on its way.
    """
    if operation.ticket_id is not None:
        yield Query("SELECT $serialise(?)", (f"{operation.operator}/{operation.ticket_id}",))
        if (yield from _is_discarding(operation.operator, operation.ticket_id, now)):
            return None
    rows = yield Query(
        "UPDATE operations SET next_at = ?, leased_until = ? WHERE seq = ? AND state = 'UNKNOWN' AND next_at = ? "
        f"AND (leased_until IS NULL OR leased_until <= ?) RETURNING {COLUMNS}",
        (until, until, operation.seq, operation.next_at, now),
    )
    return Operation.from_row(rows[0]) if rows else None


def decide(
    operation: Operation,
    ending: Ending,
    now: float,
    *,
    expected: Iterable[State] = (State.UNKNOWN,),
    attempts: int = 0,
    tries: int = 0,
    looks: int = 0,
) -> Transaction[Operation]:
    """Write what was found out about a row, if it is still as expected; the counts are added."""
    states = tuple(expected)
    marks = ", ".join("?" * len(states))
    notes = (*operation.notes, *([Note(now, ending.note)] if ending.note else []))
    rows = yield Query(
        "UPDATE operations SET state = ?, stage = ?, free = ?, response = COALESCE(?, response), failure = ?, "
        "notes = ?, updated = ?, next_at = ?, leased_until = NULL, "
        "attempts = attempts + ?, tries = tries + ?, looks = looks + ? "
        f"WHERE seq = ? AND state IN ({marks}) RETURNING {COLUMNS}",
        (
            ending.state,
            ending.stage,
            int(ending.free),
            ending.response,
            failure_to_text(ending.failure),
            notes_to_text(notes),
            now,
            ending.next_at,
            attempts,
            tries,
            looks,
            operation.seq,
            *states,
        ),
    )
    if not rows:
        known = yield from _find(operation.operator, operation.request_id)
        return known or operation
    if ending.settles_discard and operation.ticket_id is not None:
        yield from _settle(operation.operator, operation.ticket_id, "the ticket was discarded", now)
    return Operation.from_row(rows[0])


def due_debts(now: float, limit: int) -> Transaction[list[Debt]]:
    """Return the discards whose time has come."""
    rows = yield Query(
        f"SELECT {_DEBT_COLUMNS} FROM debts WHERE next_at <= ? AND state IN ('OWED', 'SENDING') "
        "ORDER BY next_at LIMIT ?",
        (now, limit),
    )
    return [_debt(row) for row in rows]


def find_debt(operator: str, ticket_id: str) -> Transaction[Debt | None]:
    """Return the discard that is or was owed for a ticket."""
    rows = yield Query(
        f"SELECT {_DEBT_COLUMNS} FROM debts WHERE operator = ? AND ticket_id = ?",
        (operator, ticket_id),
    )
    return _debt(rows[0]) if rows else None


def lease_debt(debt: Debt, now: float, until: float) -> Transaction[Debt | None]:
    """Take a discard for oneself until then.

    None where another gateway is at it, or has been since, or where a call for the ticket is on its way.
    """
    yield Query("SELECT $serialise(?)", (f"{debt.operator}/{debt.ticket_id}",))
    rows = yield Query(
        "UPDATE debts SET state = 'SENDING', next_at = ?, tries = tries + 1 WHERE operator = ? AND ticket_id = ? "
        "AND next_at = ? AND (state = 'OWED' OR (state = 'SENDING' AND next_at <= ?)) "
        "AND NOT EXISTS (SELECT 1 FROM operations WHERE operations.operator = debts.operator "
        "AND operations.ticket_id = debts.ticket_id "
        "AND (operations.state = 'SENDING' OR operations.state = 'UNKNOWN' AND operations.leased_until > ?)) "
        f"RETURNING {_DEBT_COLUMNS}",
        (until, debt.operator, debt.ticket_id, debt.next_at, now, now),
    )
    return _debt(rows[0]) if rows else None


def move_debt(debt: Debt, state: str, note: str, next_at: float | None, now: float) -> Transaction[None]:
    """Write what became of a try to discard: OWED again, SETTLED, or NEEDS_HUMAN."""
    rows = yield Query(
        "UPDATE debts SET state = ?, notes = ?, next_at = ?, updated = ? "
        "WHERE operator = ? AND ticket_id = ? AND state = 'SENDING' RETURNING 1",
        (state, notes_to_text((*debt.notes, Note(now, note))), next_at, now, debt.operator, debt.ticket_id),
    )
    if rows and state == "SETTLED":
        yield from _settle(debt.operator, debt.ticket_id, note, now)
    if rows and state == "NEEDS_HUMAN":
        yield from _give_up(debt, note, now)


def _give_up(debt: Debt, note: str, now: float) -> Transaction[None]:
    operation = yield from _find(debt.operator, debt.request_id)
    if operation is None:
        return
    yield Query(
        "UPDATE operations SET state = CASE state WHEN 'UNKNOWN' THEN 'NEEDS_HUMAN' ELSE state END, next_at = NULL, "
        "notes = ?, updated = ? WHERE seq = ?",
        (notes_to_text((*operation.notes, Note(now, note))), now, operation.seq),
    )


def resolve(operator: str, request_id: str, ending: Ending, now: float) -> Transaction[Operation | None]:
    """Write a person's verdict; None where the row's outcome is known and its ticket owes nothing."""
    operation = yield from _find(operator, request_id, lock=True)
    if operation is None:
        return None
    debt = (yield from find_debt(operator, operation.ticket_id)) if operation.ticket_id is not None else None
    is_indebted = debt is not None and debt.request_id == request_id and debt.state == "NEEDS_HUMAN"
    if operation.state not in UNDECIDED and not is_indebted:
        return None
    states = (State.UNKNOWN, State.NEEDS_HUMAN, operation.state)
    decided = yield from decide(operation, ending, now, expected=states)
    if debt is not None and debt.request_id == request_id:
        yield Query(
            "UPDATE debts SET state = 'SETTLED', next_at = NULL, updated = ? WHERE operator = ? AND ticket_id = ?",
            (now, operator, debt.ticket_id),
        )
    return decided


def purge(before: float) -> Transaction[int]:
    """Remove what ended before then; what is unknown, needs a person or owes a discard stays."""
    rows = yield Query(
        "DELETE FROM operations WHERE updated < ? AND state IN ('SUCCEEDED', 'REJECTED', 'NOT_SENT', 'REVERSED') "
        "AND NOT EXISTS (SELECT 1 FROM debts WHERE debts.operator = operations.operator "
        "AND debts.ticket_id = operations.ticket_id AND debts.state <> 'SETTLED') RETURNING 1",
        (before,),
    )
    yield Query("DELETE FROM debts WHERE updated < ? AND state = 'SETTLED'", (before,))
    return len(rows)


def _debt(row: tuple[Any, ...]) -> Debt:
    fields = dict(zip(Debt.__dataclass_fields__, row, strict=True))
    return Debt(**{**fields, "notes": notes_from_text(fields["notes"])})
