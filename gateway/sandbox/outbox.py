"""What is still to be told to the operators, and in which order?

A table in the sandbox's database: what happened and what is to be told about it are stored together, and a sandbox that
was killed goes on where it was.

Webhooks are sent in lanes. A lane is one ticket's actions, one ticket's notifications, or a single webhook that waits
for no other. Within a lane they go out one at a time, in the order in which they were added; a webhook that fails holds
up the ones behind it, and none of those is due before it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from gateway.sandbox.store import Store
from gateway.sandbox.webhook_bodies import Api, Webhook

__all__ = ["Item", "Outbox", "Sealed", "State", "lane_of"]


class State(StrEnum):
    """What is to become of a webhook."""

    # It is sent until it is accepted.
    WAITING = "waiting"
    # The same, if the call that it would undo fails: it waits for the outcome.
    HELD = "held"
    # It was sent before; it is sent once more, whatever comes of that.
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Sealed:
    """When a webhook was signed, and the signature."""

    timestamp: int
    signature: str


@dataclass(frozen=True, slots=True)
class Item:
    """A webhook in its lane."""

    number: int
    lane: str
    webhook: Webhook
    state: State
    # Times of the sandbox's clock: when it was added, and when it is sent at the earliest.
    since: float
    due: float
    # How often it was sent.
    tries: int
    # The timestamp of its first try.
    stamp: int | None
    # Goes out exactly like this; None: it is signed when it goes out.
    sealed: Sealed | None


_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS webhooks (
    number INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, operator TEXT NOT NULL, api TEXT NOT NULL,
    kind TEXT NOT NULL, ticket_id TEXT, body BLOB NOT NULL, state TEXT NOT NULL, since REAL NOT NULL, due REAL NOT NULL,
    tries INTEGER NOT NULL, stamp INTEGER, signature TEXT
);
CREATE INDEX IF NOT EXISTS webhooks_by_lane ON webhooks (lane, number) WHERE state != 'held';
CREATE INDEX IF NOT EXISTS webhooks_by_due ON webhooks (due) WHERE state != 'held';
CREATE INDEX IF NOT EXISTS webhooks_held ON webhooks (ticket_id) WHERE state = 'held';
CREATE TABLE IF NOT EXISTS webhook_stamps (ticket_id TEXT PRIMARY KEY, stamp INTEGER NOT NULL) WITHOUT ROWID;
"""
# The webhooks that are first in their lanes.
_HEADS: Final = """
    FROM webhooks AS head WHERE state != 'held' AND number = (
        SELECT MIN(number) FROM webhooks WHERE lane = head.lane AND state != 'held'
    )
"""


def lane_of(api: Api, ticket_id: str) -> str:
    """Return the lane of what is told about a ticket."""
    return f"{api}/{ticket_id}"


class Outbox:
    """The webhooks that are to be sent. What changes it has to be inside a transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        store.define(_SCHEMA)

    def add(
        self,
        webhook: Webhook,
        now: float,
        due: float,
        state: State = State.WAITING,
        sealed: Sealed | None = None,
    ) -> None:
        """Put a webhook at the end of its lane; one that is sealed waits for no other."""
        if webhook.ticket_id is None or sealed is not None:
            lane = f"alone/{self._store.next_number('lane')}"
        else:
            lane = lane_of(webhook.api, webhook.ticket_id)
        stamp, signature = (None, None) if sealed is None else (sealed.timestamp, sealed.signature)
        self._store.change(
            "INSERT INTO webhooks (lane, operator, api, kind, ticket_id, body, state, since, due, tries, stamp, signature)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            (
                lane,
                webhook.operator,
                webhook.api,
                webhook.kind,
                webhook.ticket_id,
                webhook.body,
                state,
                now,
                max(due, self._last_due(lane)),
                stamp,
                signature,
            ),
        )

    def drop_held(self, ticket_id: str) -> None:
        """Take back what would have undone a call that went well."""
        self._store.change("DELETE FROM webhooks WHERE ticket_id = ? AND state = 'held'", (ticket_id,))

    def release_held(self, webhook: Webhook, now: float) -> None:
        """Let go what undoes a call that failed, with another body; nothing if it was taken back."""
        self._store.change(
            "UPDATE webhooks SET state = 'waiting', body = ?, since = ?, due = ? WHERE ticket_id = ? AND state = 'held'",
            (webhook.body, now, now, webhook.ticket_id),
        )

    def release_all_held(self, now: float) -> None:
        """Undo the calls whose outcome nobody has heard, because the sandbox ended."""
        self._store.change("UPDATE webhooks SET state = 'waiting', due = ? WHERE state = 'held'", (now,))

    def remove(self, item: Item) -> None:
        """Be done with a webhook."""
        self._store.change("DELETE FROM webhooks WHERE number = ?", (item.number,))

    def repeat(self, item: Item, due: float, stamp: int) -> None:
        """Keep a webhook that failed in its place, for another try."""
        self._store.change("UPDATE webhooks SET tries = tries + 1, stamp = ? WHERE number = ?", (stamp, item.number))
        self._hold_up(item.lane, due)

    def copy(self, item: Item, due: float) -> None:
        """Keep a webhook that was accepted in its place, to be sent once more with another timestamp."""
        self._store.change(
            "UPDATE webhooks SET state = 'copy', tries = tries + 1, stamp = NULL WHERE number = ?", (item.number,)
        )
        self._hold_up(item.lane, due)

    def hurry(self, now: float) -> None:
        """Make everything due."""
        self._store.change("UPDATE webhooks SET due = ? WHERE state != 'held' AND due > ?", (now, now))

    def stamp(self, ticket_id: str, now: int, first: int | None = None) -> int:
        """Return a timestamp that no other webhook about this ticket has: now, or as little later as that takes.

        Two results of a ticket within a second, with a rollback between them, would otherwise have the same bytes and
        the same signature, and nobody could tell the second from a repeat of the first. A webhook that is repeated
        within the second of its ``first`` try keeps that one's.
        """
        row = self._store.row("SELECT stamp FROM webhook_stamps WHERE ticket_id = ?", (ticket_id,))
        last = -1 if row is None else row["stamp"]
        stamp = max(now, last + 1 if first is None else first)
        values = (ticket_id, max(stamp, last))
        self._store.change("INSERT OR REPLACE INTO webhook_stamps VALUES (?, ?)", values)
        return stamp

    def head(self, lane: str) -> Item | None:
        """Return what is sent next in a lane."""
        row = self._store.row("SELECT * FROM webhooks WHERE lane = ? AND state != 'held' ORDER BY number", (lane,))
        return None if row is None else _item(row)

    def due_lanes(self, now: float, limit: int = -1) -> list[str]:
        """Return the lanes in which something can be sent, the longest due first."""
        rows = self._store.rows(f"SELECT lane {_HEADS} AND due <= ? ORDER BY due, number LIMIT ?", (now, limit))
        return [row["lane"] for row in rows]

    def next_due(self, now: float) -> float | None:
        """Return when something that cannot be sent yet can be, None if there is nothing of the kind."""
        row = self._store.row(f"SELECT MIN(due) AS due {_HEADS} AND due > ?", (now,))
        due: float | None = row["due"]
        return due

    def waiting(self, operator: str | None = None) -> int:
        """Return how many webhooks are to be sent."""
        row = self._store.row(
            "SELECT COUNT(*) AS count FROM webhooks WHERE state != 'held' AND (:operator IS NULL OR operator = :operator)",
            {"operator": operator},
        )
        count: int = row["count"]
        return count

    def _last_due(self, lane: str) -> float:
        row = self._store.row("SELECT MAX(due) AS due FROM webhooks WHERE lane = ? AND state != 'held'", (lane,))
        return row["due"] or 0

    def _hold_up(self, lane: str, due: float) -> None:
        """Let nothing in a lane be due before this; what is due and cannot be sent would be looked at again and again."""
        self._store.change(
            "UPDATE webhooks SET due = ? WHERE lane = ? AND state != 'held' AND due < ?", (due, lane, due)
        )


def _item(row: Any) -> Item:  # noqa: ANN401 - a row of the database
    webhook = Webhook(row["operator"], Api(row["api"]), row["kind"], row["body"], row["ticket_id"])
    sealed = None if row["signature"] is None else Sealed(row["stamp"], row["signature"])
    return Item(
        number=row["number"],
        lane=row["lane"],
        webhook=webhook,
        state=State(row["state"]),
        since=row["since"],
        due=row["due"],
        tries=row["tries"],
        stamp=row["stamp"],
        sealed=sealed,
    )
