"""What does the life of each ticket prescribe? Worked out from the platform's book alone, in the platform's words.

A deed is one action that the operator has to carry out once: by its name, the number of rollbacks that it belongs to, and
what the player gets for it, in cents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.sandbox import Happening, LifeCycleEvent, Result, Status, Ticket

__all__ = ["Deed", "Life", "balances", "lives"]

_NAMES: Final = {
    Happening.CREATED: "ticket_create",
    Happening.RESERVED: "ticket_reserve",
    Happening.PAID: "ticket_create",
    Happening.WON: "ticket_win",
    Happening.LOST: "ticket_lost",
    Happening.VOIDED: "ticket_void",
    Happening.ROLLED_BACK: "ticket_rollback",
    Happening.REFUNDED: "ticket_refund",
    Happening.CANCELLED: "ticket_discard",
    Happening.CLOSED: "ticket_closed",
    Happening.UPDATED: "ticket_update",
}
_ONCE: Final = frozenset({"ticket_create", "ticket_reserve", "ticket_discard", "ticket_refund"})
_TOLD: Final = {Happening.WON: "won", Happening.LOST: "lost", Happening.VOIDED: "void"}


@dataclass(frozen=True, slots=True)
class Deed:
    """One action. ``epoch`` is None where it cannot be known from here."""

    action: str
    epoch: int | None
    amount: int


@dataclass(slots=True)
class Life:
    """What was to be done for one ticket, in order; ``statuses`` are what the player is told, status and result."""

    player_id: str
    deeds: list[Deed] = field(default_factory=list)
    statuses: set[tuple[str, str]] = field(default_factory=set)
    rollbacks: int = 0
    paid_out: int = 0


def lives(history: Iterable[LifeCycleEvent]) -> dict[str, Life]:
    """Return what each ticket of the book prescribes, by its id."""
    found: dict[str, Life] = {}
    for event in history:
        if event.happening is Happening.CALCULATING:
            continue
        life = found.setdefault(event.ticket.id, Life(event.ticket.player_id))
        amount = _amount(life, event)
        if event.happening is Happening.ROLLED_BACK:
            life.rollbacks += 1
        life.deeds.append(Deed(_NAMES[event.happening], _epoch(life, event.happening), amount))
        if event.happening is Happening.PAID:
            life.statuses.add(("open", "pending"))
        if event.happening in _TOLD:
            life.statuses.add(("resulted", _TOLD[event.happening]))
            life.paid_out = amount
    return found


def _amount(life: Life, event: LifeCycleEvent) -> int:
    finance = event.ticket.finance
    match event.happening:
        case Happening.CREATED | Happening.RESERVED:
            return -finance.price
        case Happening.WON:
            return finance.net_payout
        case Happening.VOIDED | Happening.REFUNDED | Happening.CANCELLED:
            return finance.price
        case Happening.ROLLED_BACK:
            return -life.paid_out
        case _:
            return 0


def _epoch(life: Life, happening: Happening) -> int | None:
    if happening is Happening.UPDATED:
        return None  # its timestamp
    return 0 if _NAMES[happening] in _ONCE else life.rollbacks


def balances(opening: Mapping[str, int], tickets: Iterable[Ticket]) -> dict[str, int]:
    """Return what each player has in the end, by what the platform's tickets are then; this knows of no history."""
    won: Counter[str] = Counter()
    for ticket in tickets:
        won[ticket.player_id] += _worth(ticket)
    return {player: amount + won[player] for player, amount in opening.items()}


def _worth(ticket: Ticket) -> int:
    price = ticket.finance.price
    match ticket.status, ticket.result:
        case Status.CANCELLED, _:
            return 0
        case Status.CLOSED, Result.PENDING:  # refunded before
            return 0
        case _, Result.WON:
            return ticket.finance.net_payout - price
        case _, Result.VOID:
            return 0
        case _:
            return -price
