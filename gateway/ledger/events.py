"""What did the platform tell, in which order, and who has dealt with it? The event log, as transactions without I/O.

Events are numbered in the order of their commits: whoever writes one holds the log until then, so a reader that has seen a
number has seen all smaller ones.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gateway.ledger.database import Query, Transaction

__all__ = [
    "Page",
    "StoredEvent",
    "acknowledge",
    "acknowledged",
    "forget_events",
    "hold_events",
    "read_events",
    "tell",
]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event: its kind in the platform's words, the encoded request, when it was signed and accepted (Unix seconds)."""

    seq: int
    operator: str
    kind: str
    payload: bytes
    stamp: int
    accepted: float


@dataclass(frozen=True, slots=True)
class Page:
    """Some events in order; the largest number that is no longer kept, and the largest there was before they were read."""

    events: list[StoredEvent]
    gone: int
    newest: int


def hold_events() -> Transaction[None]:
    """Let nobody else append events until the transaction ends."""
    yield Query("SELECT $serialise(?)", ("events",))


def tell(operator: str, kind: str, payload: bytes, stamp: int, now: float) -> Transaction[None]:
    """Append an event."""
    yield from hold_events()
    yield Query(
        "INSERT INTO events (operator, kind, payload, stamp, accepted) VALUES (?, ?, ?, ?, ?)",
        (operator, kind, payload, stamp, now),
    )


def read_events(operator: str, kinds: Collection[str], after: int, limit: int) -> Transaction[Page]:
    """Return the next events after a number."""
    marks = ", ".join("?" * len(kinds))
    newest = yield Query("SELECT COALESCE(MAX(seq), 0) FROM events WHERE operator = ?", (operator,))
    rows = yield Query(
        "SELECT seq, operator, kind, payload, stamp, accepted FROM events WHERE operator = ? AND seq > ?"
        + (f" AND kind IN ({marks})" if kinds else "")
        + " ORDER BY seq LIMIT ?",
        (operator, after, *kinds, limit),
    )
    gone = yield Query("SELECT COALESCE(MAX(seq), 0) FROM events_gone WHERE operator = ?", (operator,))
    events = [StoredEvent(row[0], row[1], row[2], bytes(row[3]), row[4], row[5]) for row in rows]
    return Page(events, int(gone[0][0]), int(newest[0][0]))


def acknowledged(operator: str, consumer: str) -> Transaction[int]:
    """Return the number of the last event that a consumer has dealt with."""
    rows = yield Query("SELECT seq FROM consumers WHERE operator = ? AND consumer = ?", (operator, consumer))
    return int(rows[0][0]) if rows else 0


def acknowledge(operator: str, consumer: str, seq: int, now: float) -> Transaction[None]:
    """Keep a consumer's place; it never goes back."""
    yield Query(
        "INSERT INTO consumers (operator, consumer, seq, updated) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (operator, consumer) DO UPDATE SET seq = excluded.seq, updated = excluded.updated "
        "WHERE consumers.seq < excluded.seq",
        (operator, consumer, seq, now),
    )


def forget_events(before: float) -> Transaction[None]:
    """Remove events accepted before then, and remember how far."""
    yield Query(
        "INSERT INTO events_gone (operator, seq) "
        "SELECT operator, MAX(seq) FROM events WHERE accepted < ? GROUP BY operator "
        "ON CONFLICT (operator) DO UPDATE SET seq = excluded.seq",
        (before,),
    )
    yield Query("DELETE FROM events WHERE accepted < ?", (before,))
