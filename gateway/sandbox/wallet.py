"""Who has how much money, and where did it come from?

Double entry: every movement writes two rows, one for the player and one for the house, that sum to zero. A balance is
the sum of a player's rows and is stored nowhere else, so money can be counted but not lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from gateway.sandbox.errors import NotEnoughMoney, UnknownPlayer
from gateway.sandbox.identities import Identities
from gateway.sandbox.options import Clock, Opening
from gateway.sandbox.store import Store

__all__ = ["HOUSE", "Entry", "Player", "Wallet"]

HOUSE: Final = "house"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS players (
    id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, currency TEXT NOT NULL, blocked INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY, movement INTEGER NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, ticket_id TEXT, reason TEXT NOT NULL, at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_account ON entries (account);
CREATE INDEX IF NOT EXISTS entries_by_ticket ON entries (ticket_id);
"""


@dataclass(frozen=True, slots=True)
class Player:
    """Someone who plays; the token is what the operator's site knows them by."""

    id: str
    token: str
    currency: str
    blocked: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One of the two rows of a movement."""

    movement: int
    account: str
    amount: int
    currency: str
    ticket_id: str | None
    reason: str
    at: float


class Wallet:
    """The accounts of all players, and of the house that they play against."""

    def __init__(self, store: Store, identities: Identities, clock: Clock) -> None:
        self._store = store
        self._identities = identities
        self._clock = clock
        store.define(_SCHEMA)

    def open_accounts(self, openings: Iterable[Opening]) -> None:
        """Add the players that the options name, save those who are there already."""
        for opening in openings:
            if self._by_token(opening.token) is None:
                self.add_player(opening.token, opening.balance, opening.currency, blocked=opening.blocked)

    def add_player(self, token: str, balance: int = 0, currency: str = "KES", *, blocked: bool = False) -> Player:
        """Add a player with a first balance in cents; ValueError if the token is taken."""
        if self._by_token(token) is not None:
            raise ValueError(f"there is a player with the token {token!r} already")
        with self._store.transaction():
            player = Player(self._identities.player(), token, currency, blocked)
            self._store.change("INSERT INTO players VALUES (?, ?, ?, ?)", (player.id, token, currency, blocked))
            if balance:
                self.move(player, balance, "opening")
        return player

    def fund(self, player: Player, amount: int) -> None:
        """Put money into a player's account."""
        with self._store.transaction():
            self.move(player, amount, "funding")

    def block(self, player_id: str, *, blocked: bool = True) -> None:
        """Keep a player from playing, or let them play again."""
        self.player(player_id)
        with self._store.transaction():
            self._store.change("UPDATE players SET blocked = ? WHERE id = ?", (blocked, player_id))

    def players(self) -> list[Player]:
        """Return all players, first come first."""
        return [_player(row) for row in self._store.rows("SELECT * FROM players ORDER BY rowid")]

    def player(self, player_id: str) -> Player:
        """Return the player with this id, or raise UnknownPlayer."""
        row = self._store.row("SELECT * FROM players WHERE id = ?", (player_id,))
        if row is None:
            raise UnknownPlayer(player_id)
        return _player(row)

    def player_of(self, token: str) -> Player:
        """Return the player with this token, or raise UnknownPlayer."""
        player = self._by_token(token)
        if player is None:
            raise UnknownPlayer(token)
        return player

    def balance(self, account: str) -> int:
        """Return what a player (by id) or the house has, in cents."""
        row = self._store.row("SELECT COALESCE(SUM(amount), 0) AS sum FROM entries WHERE account = ?", (account,))
        balance: int = row["sum"]
        return balance

    def balances(self) -> dict[str, int]:
        """Return what each player has, by id, in cents."""
        rows = self._store.rows(
            "SELECT players.id AS id, COALESCE(SUM(amount), 0) AS sum"
            " FROM players LEFT JOIN entries ON account = players.id GROUP BY players.rowid"
        )
        return {row["id"]: row["sum"] for row in rows}

    def entries(self, ticket_id: str | None = None) -> list[Entry]:
        """Return the rows of one ticket, or all rows, oldest first."""
        rows = self._store.rows(
            "SELECT * FROM entries WHERE :ticket_id IS NULL OR ticket_id = :ticket_id ORDER BY number",
            {"ticket_id": ticket_id},
        )
        return [_entry(row) for row in rows]

    def count(self) -> int:
        """Return how many rows there are, two for each movement."""
        count: int = self._store.row("SELECT COUNT(*) AS count FROM entries")["count"]
        return count

    def total(self) -> int:
        """Return the sum of all rows, which is zero."""
        total: int = self._store.row("SELECT COALESCE(SUM(amount), 0) AS sum FROM entries")["sum"]
        return total

    def move(
        self, player: Player, amount: int, reason: str, ticket_id: str | None = None, *, overdraft: bool = False
    ) -> None:
        """Give a player an amount, or take a negative one; inside the caller's transaction.

        ``overdraft`` is for taking back what was paid by mistake: the player may have spent it.
        """
        if amount < 0 and not overdraft and self.balance(player.id) + amount < 0:
            raise NotEnoughMoney
        movement = self._store.next_number("movement")
        for account, signed in ((player.id, amount), (HOUSE, -amount)):
            self._store.change(
                "INSERT INTO entries (movement, account, amount, currency, ticket_id, reason, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (movement, account, signed, player.currency, ticket_id, reason, self._clock()),
            )

    def _by_token(self, token: str) -> Player | None:
        row = self._store.row("SELECT * FROM players WHERE token = ?", (token,))
        return None if row is None else _player(row)


def _player(row: Any) -> Player:  # noqa: ANN401 - a row of the database
    return Player(row["id"], row["token"], row["currency"], bool(row["blocked"]))


def _entry(row: Any) -> Entry:  # noqa: ANN401 - a row of the database
    return Entry(
        movement=row["movement"],
        account=row["account"],
        amount=row["amount"],
        currency=row["currency"],
        ticket_id=row["ticket_id"],
        reason=row["reason"],
        at=row["at"],
    )
