"""How much is not known yet, and for how long? Counts for whoever watches, as transactions without I/O.

Only rows that wait for something are counted, and an index finds those: what is known is many rows and no news.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.ledger.database import Query, Transaction

__all__ = ["Tally", "Waiting", "prove_writable", "tally"]

_COUNT: Final = "SELECT operator, state, COUNT(*), MIN(received) FROM"
_OPEN_OPERATIONS: Final = ("state IN ('RECEIVED', 'SENDING')", "state IN ('UNKNOWN', 'NEEDS_HUMAN')")
_OPEN_DEBTS: Final = "state <> 'SETTLED'"
_OPEN_FACTS: Final = "state IN ('TRYING', 'PENDING')"
"""In the words of the indexes, which are used only where a query repeats them."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many rows of an operator are in a state; ``since`` is when the oldest was received, in Unix seconds."""

    operator: str
    state: str
    count: int
    since: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What waits: money calls, discards that are owed, webhooks that the operator's service has not taken."""

    operations: tuple[Waiting, ...]
    discards: tuple[Waiting, ...]
    webhooks: tuple[Waiting, ...]


def tally() -> Transaction[Tally]:
    """Count what waits."""
    operations: tuple[Waiting, ...] = ()
    for where in _OPEN_OPERATIONS:
        operations += yield from _counted("operations", where)
    discards = yield from _counted("debts", _OPEN_DEBTS)
    webhooks = yield from _counted("facts", _OPEN_FACTS)
    return Tally(operations, discards, webhooks)


def _counted(table: str, where: str) -> Transaction[tuple[Waiting, ...]]:
    rows = yield Query(f"{_COUNT} {table} WHERE {where} GROUP BY operator, state")
    return tuple(Waiting(str(row[0]), str(row[1]), int(row[2]), float(row[3])) for row in rows)


def prove_writable(now: float) -> Transaction[None]:
    """Write something that is really written."""
    yield Query(
        "INSERT INTO probes (probe, written) VALUES (1, ?) ON CONFLICT (probe) DO UPDATE SET written = excluded.written",
        (now,),
    )
