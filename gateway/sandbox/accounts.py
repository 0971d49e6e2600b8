"""What does an operator's player account system do with a ticket that the bet engine tells it about?

    ticket_create, ticket_reserve                     → open        the player pays the price
    ticket_win        open                            → won         the player gets the net payout
    ticket_lost       open                            → lost
    ticket_void       open                            → void        the player gets the price back
    ticket_refund     open                            → refunded    the player gets the price back
    ticket_discard    open, never seen                → discarded   the player gets back what was paid
    ticket_rollback   won, lost, void                 → open        the player gives back what the result paid
    ticket_closed     won, lost, void, refunded       → closed

There is no idempotency key: (operator, ticket, action) is the natural one, and a repeat changes nothing. A rollback
begins a new round in which each result is a new fact. A discard may come first; it leaves a mark, so that a create that
was late cannot take money any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.sandbox.errors import IllegalTransition, TicketDiscarded, UnknownTicket
from gateway.sandbox.store import Store
from gateway.sandbox.wallet import Wallet

__all__ = ["AccountTicket", "Accounts", "State", "Terms"]


class State(StrEnum):
    """Where a ticket is, seen from the player's account."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"
    VOID = "void"
    REFUNDED = "refunded"
    DISCARDED = "discarded"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Terms:
    """What create or reserve says about a ticket, as far as money goes."""

    player_id: str
    price: int
    net_payout: int
    ticket_type: str


@dataclass(frozen=True, slots=True)
class AccountTicket:
    """A ticket as the player account system knows it."""

    operator: str
    ticket_id: str
    # None after a discard of a ticket that was never seen.
    terms: Terms | None
    state: State
    # How many rollbacks there were.
    round: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    before: frozenset[State]
    after: State


_OPEN: Final = frozenset({State.OPEN})
_RESULTS: Final = frozenset({State.WON, State.LOST, State.VOID})
_STEPS: Final[Mapping[str, _Step]] = {
    "ticket_win": _Step(_OPEN, State.WON),
    "ticket_lost": _Step(_OPEN, State.LOST),
    "ticket_void": _Step(_OPEN, State.VOID),
    "ticket_refund": _Step(_OPEN, State.REFUNDED),
    "ticket_discard": _Step(_OPEN, State.DISCARDED),
    "ticket_rollback": _Step(_RESULTS, State.OPEN),
    "ticket_closed": _Step(_RESULTS | {State.REFUNDED}, State.CLOSED),
}

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS account_tickets (
    operator TEXT NOT NULL, ticket_id TEXT NOT NULL, player_id TEXT, price INTEGER, net_payout INTEGER,
    ticket_type TEXT, state TEXT NOT NULL, round INTEGER NOT NULL, PRIMARY KEY (operator, ticket_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS account_facts (
    operator TEXT NOT NULL, ticket_id TEXT NOT NULL, action TEXT NOT NULL, round INTEGER NOT NULL,
    PRIMARY KEY (operator, ticket_id, action, round)
) WITHOUT ROWID;
"""


class Accounts:
    """The operators' player account systems."""

    def __init__(self, store: Store, wallet: Wallet) -> None:
        self._store = store
        self._wallet = wallet
        store.define(_SCHEMA)

    def take(self, action: str, operator: str, ticket_id: str, terms: Terms) -> None:
        """Create or reserve a ticket: take its price, once."""
        with self._store.transaction():
            known = self.find(operator, ticket_id)
            if known is not None and known.state is State.DISCARDED:
                raise TicketDiscarded
            if known is None:
                player = self._wallet.player(terms.player_id)
                self._wallet.move(player, -terms.price, action, ticket_id)
                known = AccountTicket(operator, ticket_id, terms, State.OPEN)
                self._insert(known)
            # A create after a reserve is a new fact, but the money has been taken already.
            self._note(known, action)

    def update(self, operator: str, ticket_id: str, terms: Terms) -> None:
        """Give an open ticket new amounts; its price was taken and stays."""
        with self._store.transaction():
            ticket = self._get(operator, ticket_id)
            if ticket.state is not State.OPEN:
                raise IllegalTransition(ticket_id, ticket.state, "updated")
            self._store.change(
                "UPDATE account_tickets SET net_payout = ? WHERE operator = ? AND ticket_id = ?",
                (terms.net_payout, operator, ticket_id),
            )

    def apply(self, action: str, operator: str, ticket_id: str) -> None:
        """Do what a later action says: move the money it means, once a round."""
        with self._store.transaction():
            if action == "ticket_discard" and self.find(operator, ticket_id) is None:
                self._discard_unseen(operator, ticket_id)
                return
            ticket = self._get(operator, ticket_id)
            if self._is_repeat(ticket, action):
                return
            step = _STEPS[action]
            if ticket.state not in step.before:
                raise IllegalTransition(ticket_id, ticket.state, step.after)
            self._pay_out(ticket, action)
            self._note(ticket, action)
            self._store.change(
                "UPDATE account_tickets SET state = ?, round = round + ? WHERE operator = ? AND ticket_id = ?",
                (step.after, action == "ticket_rollback", operator, ticket_id),
            )

    def find(self, operator: str, ticket_id: str) -> AccountTicket | None:
        """Return a ticket, None if it was never named."""
        row = self._store.row(
            "SELECT * FROM account_tickets WHERE operator = ? AND ticket_id = ?", (operator, ticket_id)
        )
        if row is None:
            return None
        seen = row["player_id"] is not None
        terms = Terms(row["player_id"], row["price"], row["net_payout"], row["ticket_type"]) if seen else None
        return AccountTicket(operator, ticket_id, terms, State(row["state"]), row["round"])

    def _get(self, operator: str, ticket_id: str) -> AccountTicket:
        ticket = self.find(operator, ticket_id)
        if ticket is None:
            raise UnknownTicket(ticket_id)
        return ticket

    def _is_repeat(self, ticket: AccountTicket, action: str) -> bool:
        # The rollback that began this round belongs to the one before.
        rounds = {ticket.round}
        if action == "ticket_rollback" and ticket.state is State.OPEN:
            rounds.add(ticket.round - 1)
        return any(
            self._store.row(
                "SELECT 1 FROM account_facts WHERE operator = ? AND ticket_id = ? AND action = ? AND round = ?",
                (ticket.operator, ticket.ticket_id, action, number),
            )
            for number in rounds
        )

    def _pay_out(self, ticket: AccountTicket, action: str) -> None:
        if ticket.terms is None:
            return
        amount = _money(action, ticket.state, ticket.terms)
        if amount:
            self._wallet.move(
                self._wallet.player(ticket.terms.player_id), amount, action, ticket.ticket_id, overdraft=True
            )

    def _discard_unseen(self, operator: str, ticket_id: str) -> None:
        mark = AccountTicket(operator, ticket_id, None, State.DISCARDED)
        self._insert(mark)
        self._note(mark, "ticket_discard")

    def _insert(self, ticket: AccountTicket) -> None:
        terms = ticket.terms
        amounts = (terms.player_id, terms.price, terms.net_payout, terms.ticket_type) if terms else (None,) * 4
        self._store.change(
            "INSERT INTO account_tickets VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (ticket.operator, ticket.ticket_id, *amounts, ticket.state, ticket.round),
        )

    def _note(self, ticket: AccountTicket, action: str) -> None:
        self._store.change(
            "INSERT INTO account_facts VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (ticket.operator, ticket.ticket_id, action, ticket.round),
        )


def _money(action: str, state: State, terms: Terms) -> int:
    """Return what the player gets for an action on a ticket in a state; negative for what is taken back."""
    match action:
        case "ticket_win":
            return terms.net_payout
        case "ticket_void" | "ticket_refund" | "ticket_discard":
            return terms.price
        case "ticket_rollback":
            return -{State.WON: terms.net_payout, State.VOID: terms.price}.get(state, 0)
        case _:
            return 0
