"""What does the example operator keep: players, their tickets, and money?

Money is in cents and in double entry: an amount leaves one account and enters another, so that all entries add up to
zero. What an action on a ticket moves:

    reserve     unseen                → reserved    player → held      the price
    create      unseen, reserved      → open        player → house     the price; from held if it is there
    win         reserved, open        → resulted    house → player     the net payout
    void        reserved, open        → resulted    house → player     the price
    lose        reserved, open        → resulted
    rollback    resulted              → open        player → house     what the result paid; they may have spent it
    refund      reserved, open        → refunded    house → player     the price
    discard     reserved, open        → discarded   house → player     the price
    discard     unseen                → discarded                      a create that comes late is refused
    update      reserved, open        as it was                        it has another net payout from now on
    close       resulted, refunded    → closed

Whatever ends a reservation first moves its price from held to the house.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gateway.sandbox.options import Opening

__all__ = ["Account", "Blocked", "Entry", "Ledger", "NotEnough", "Terms", "TicketKey", "UnknownHere", "Unsuitable"]

_FIRST_PLAYER: Final = 1_660_986_605_374_148_608

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS players (id TEXT PRIMARY KEY, token TEXT UNIQUE, currency TEXT, blocked INTEGER);
CREATE TABLE IF NOT EXISTS tickets (
    operator TEXT, id TEXT, state TEXT, player TEXT, price INTEGER, net_payout INTEGER, paid_out INTEGER,
    PRIMARY KEY (operator, id)
);
CREATE TABLE IF NOT EXISTS entries (number INTEGER PRIMARY KEY, account TEXT, amount INTEGER, ticket TEXT, cause TEXT);
CREATE INDEX IF NOT EXISTS entries_by_account ON entries (account);
CREATE INDEX IF NOT EXISTS entries_by_cause ON entries (cause);
CREATE TABLE IF NOT EXISTS done (key TEXT PRIMARY KEY);
"""


class UnknownHere(Exception):  # noqa: N818 - these are answers, not mistakes
    """There is no such player, or no such ticket."""


class Blocked(Exception):  # noqa: N818
    """The player may not play."""


class NotEnough(Exception):  # noqa: N818
    """The player cannot pay."""


class Unsuitable(Exception):  # noqa: N818
    """The ticket is not where the action could be done."""


@dataclass(frozen=True, slots=True)
class Account:
    """A player, and what they have."""

    id: str
    currency: str
    balance: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One side of a movement of money."""

    account: str
    amount: int
    ticket: str
    # The key under which it was moved.
    cause: str


@dataclass(frozen=True, slots=True)
class TicketKey:
    """Which ticket."""

    operator: str
    id: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What a ticket costs whom, and what it may pay."""

    player: str
    currency: str
    price: int
    net_payout: int


class Ledger:
    """All of it in one database; what is done under a key is done once."""

    def __init__(self, file: Path | None) -> None:
        self._db = sqlite3.connect(":memory:" if file is None else file)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # A wallet of an example may lose its last moments in a power cut, but not when it is killed.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._cause = ""

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    def once(self, key: str, act: Callable[[], None]) -> bool:
        """Do something, all of it or nothing, unless it has been done under this key; return whether it is done now."""
        with self._db:
            if not self._db.execute("INSERT OR IGNORE INTO done VALUES (?)", (key,)).rowcount:
                return False
            self._cause = key
            act()
            return True

    def open_account(self, player: Opening) -> None:
        """Add a player with their first money."""
        player_id = str(_FIRST_PLAYER + self._row("SELECT COUNT(*) FROM players")[0])
        values = (player_id, player.token, player.currency, player.blocked)
        self._db.execute("INSERT INTO players VALUES (?, ?, ?, ?)", values)
        self._move("house", player_id, player.balance, "")

    def account_of(self, token: str) -> Account:
        """Return the player with this token."""
        row = self._row("SELECT * FROM players WHERE token = ?", token)
        if row is None:
            raise UnknownHere("no player has this token")
        if row["blocked"]:
            raise Blocked("the player may not play")
        return Account(row["id"], row["currency"], self.balance(row["id"]))

    def balance(self, account: str) -> int:
        """Return what a player has (by id or token), or `house`, or `held`."""
        total: int = self._row(
            "SELECT COALESCE(SUM(amount), 0) FROM entries"
            " WHERE account = COALESCE((SELECT id FROM players WHERE token = :account), :account)",
            account,
        )[0]
        return total

    def entries(self) -> list[Entry]:
        """Return all entries, oldest first."""
        rows = self._db.execute("SELECT account, amount, ticket, cause FROM entries ORDER BY number")
        return [Entry(*row) for row in rows]

    def moved(self, cause: str) -> list[Entry]:
        """Return what was moved under a key, oldest first."""
        rows = self._db.execute("SELECT account, amount, ticket, cause FROM entries WHERE cause = ?", (cause,))
        return [Entry(*row) for row in rows]

    def reserve(self, ticket: TicketKey, terms: Terms) -> None:
        """Hold the price of a ticket that is still to be paid."""
        if self._state(ticket) != "unseen":
            raise self._unsuitable(ticket)
        self._take(ticket, terms, "held")

    def create(self, ticket: TicketKey, terms: Terms) -> None:
        """Take the price of a ticket."""
        match self._state(ticket):
            case "unseen":
                self._take(ticket, terms, "house")
            case "reserved":
                self._go_on(ticket, "open")
            case _:
                raise self._unsuitable(ticket)

    def update(self, ticket: TicketKey, net_payout: int) -> None:
        """Remember that a ticket pays something else."""
        self._known(ticket, "reserved", "open")
        self._change("UPDATE tickets SET net_payout = ? WHERE operator = ? AND id = ?", net_payout, ticket)

    def win(self, ticket: TicketKey) -> None:
        """Pay the net payout."""
        self._pay_out(ticket, self._go_on(ticket, "resulted")["net_payout"])

    def void(self, ticket: TicketKey) -> None:
        """Pay the price back, as a result."""
        self._pay_out(ticket, self._go_on(ticket, "resulted")["price"])

    def lose(self, ticket: TicketKey) -> None:
        """Pay nothing."""
        self._go_on(ticket, "resulted")
        self._pay_out(ticket, 0)

    def rollback(self, ticket: TicketKey) -> None:
        """Take back what the result paid."""
        row = self._known(ticket, "resulted")
        self._move(row["player"], "house", row["paid_out"], ticket.id)
        self._set_state(ticket, "open")

    def refund(self, ticket: TicketKey) -> None:
        """Give the price back, and nothing is to be won any more."""
        self._pay_out(ticket, self._go_on(ticket, "refunded")["price"])

    def discard(self, ticket: TicketKey) -> None:
        """Undo a create or reserve, also one that is still to come."""
        match self._state(ticket):
            case "unseen":
                self._db.execute("INSERT INTO tickets (operator, id, state) VALUES (?, ?, 'discarded')", _names(ticket))
            case "discarded":
                pass
            case _:
                self._pay_out(ticket, self._go_on(ticket, "discarded")["price"])

    def close_ticket(self, ticket: TicketKey) -> None:
        """Be done with a ticket."""
        self._known(ticket, "resulted", "refunded")
        self._set_state(ticket, "closed")

    def _take(self, ticket: TicketKey, terms: Terms, into: str) -> None:
        player = self._row("SELECT * FROM players WHERE id = ?", terms.player)
        if player is None:
            raise UnknownHere("no player has this id")
        if player["currency"] != terms.currency:
            raise Unsuitable("the ticket is not in the player's currency")
        if self.balance(terms.player) < terms.price:
            raise NotEnough("not enough money")
        self._move(terms.player, into, terms.price, ticket.id)
        state = "reserved" if into == "held" else "open"
        values = (*_names(ticket), state, terms.player, terms.price, terms.net_payout, 0)
        self._db.execute("INSERT INTO tickets VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def _go_on(self, ticket: TicketKey, state: str) -> sqlite3.Row:
        """Move a ticket on that has no result yet; what was held for it is the house's now."""
        row = self._known(ticket, "reserved", "open")
        if row["state"] == "reserved":
            self._move("held", "house", row["price"], ticket.id)
        self._set_state(ticket, state)
        return row

    def _pay_out(self, ticket: TicketKey, amount: int) -> None:
        self._move("house", self._find(ticket)["player"], amount, ticket.id)
        self._change("UPDATE tickets SET paid_out = ? WHERE operator = ? AND id = ?", amount, ticket)

    def _find(self, ticket: TicketKey) -> Any:  # noqa: ANN401 - a row, or None
        return self._row("SELECT * FROM tickets WHERE operator = ? AND id = ?", *_names(ticket))

    def _state(self, ticket: TicketKey) -> str:
        row = self._find(ticket)
        return "unseen" if row is None else row["state"]

    def _known(self, ticket: TicketKey, *states: str) -> sqlite3.Row:
        row: sqlite3.Row | None = self._find(ticket)
        if row is None:
            raise UnknownHere("the ticket was never seen")
        if row["state"] not in states:
            raise self._unsuitable(ticket)
        return row

    def _unsuitable(self, ticket: TicketKey) -> Unsuitable:
        return Unsuitable(f"the ticket is {self._state(ticket)}")

    def _set_state(self, ticket: TicketKey, state: str) -> None:
        self._change("UPDATE tickets SET state = ? WHERE operator = ? AND id = ?", state, ticket)

    def _change(self, statement: str, value: str | int, ticket: TicketKey) -> None:
        self._db.execute(statement, (value, *_names(ticket)))

    def _move(self, source: str, target: str, amount: int, ticket: str) -> None:
        if amount:
            sides = ((source, -amount), (target, amount))
            self._db.executemany(
                "INSERT INTO entries (account, amount, ticket, cause) VALUES (?, ?, ?, ?)",
                [(account, signed, ticket, self._cause) for account, signed in sides],
            )

    def _row(self, query: str, *values: str) -> Any:  # noqa: ANN401 - a row, or None
        return self._db.execute(query, values).fetchone()


def _names(ticket: TicketKey) -> tuple[str, str]:
    return ticket.operator, ticket.id
