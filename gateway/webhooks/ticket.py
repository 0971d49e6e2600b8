"""Is this action on a ticket new, a repeat, or out of place? What was accepted before decides, by one declared table.

The platform delivers at least once, so the same fact comes again, late or twice at the same time. What makes two
deliveries the same fact:

* create, reserve, discard and refund happen once in a ticket's life; rollbacks do not count;
* win, lost, void and closed happen once in each *epoch*, the number of accepted rollbacks stamped not later than they are,
  so a late repeat that is stamped before a rollback belongs to the time before it;
* a rollback is the last one's repeat unless a result has been accepted since, stamped between the two;
* an update is a repeat when its data equal those of the last one accepted.

A discard that follows a create or reserve without a definite answer is in place whatever else came.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["Action", "Fact", "New", "OutOfPlace", "Repeat", "Stale", "Verdict", "judge", "key_of"]


class Action(StrEnum):
    """The PAM actions on a ticket, in the platform's words."""

    CREATE = "ticket_create"
    RESERVE = "ticket_reserve"
    UPDATE = "ticket_update"
    WIN = "ticket_win"
    LOST = "ticket_lost"
    VOID = "ticket_void"
    REFUND = "ticket_refund"
    CLOSED = "ticket_closed"
    DISCARD = "ticket_discard"
    ROLLBACK = "ticket_rollback"


class Stage(StrEnum):
    """Where a ticket is, as far as the accepted actions tell."""

    UNSEEN = "unseen"
    RESERVED = "reserved"
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    VOID = "void"
    REFUNDED = "refunded"
    CLOSED = "closed"
    DISCARDED = "discarded"


RESULTS: Final = frozenset({Action.WIN, Action.LOST, Action.VOID})
OPENINGS: Final = frozenset({Action.CREATE, Action.RESERVE})
_ONCE: Final = frozenset({Action.CREATE, Action.RESERVE, Action.DISCARD, Action.REFUND})

_OPEN: Final[Mapping[Action, Stage]] = {
    Action.UPDATE: Stage.OPEN,
    Action.WIN: Stage.WON,
    Action.LOST: Stage.LOST,
    Action.VOID: Stage.VOID,
    Action.REFUND: Stage.REFUNDED,
    Action.DISCARD: Stage.DISCARDED,
}
_RESULTED: Final[Mapping[Action, Stage]] = {
    Action.ROLLBACK: Stage.OPEN,
    Action.CLOSED: Stage.CLOSED,
    Action.REFUND: Stage.REFUNDED,
}

TRANSITIONS: Final[Mapping[Stage, Mapping[Action, Stage]]] = {
    # The operator's service is the authority: what the gateway has not seen begins wherever the platform says.
    Stage.UNSEEN: {
        **_OPEN,
        Action.CREATE: Stage.OPEN,
        Action.RESERVE: Stage.RESERVED,
        Action.ROLLBACK: Stage.OPEN,
        Action.CLOSED: Stage.CLOSED,
    },
    Stage.RESERVED: {**_OPEN, Action.CREATE: Stage.OPEN, Action.UPDATE: Stage.RESERVED},
    Stage.OPEN: _OPEN,
    Stage.WON: _RESULTED,
    Stage.LOST: _RESULTED,
    Stage.VOID: _RESULTED,
    Stage.REFUNDED: {Action.CLOSED: Stage.CLOSED},
    Stage.CLOSED: {},
    Stage.DISCARDED: {},
}


@dataclass(frozen=True, slots=True)
class Fact:
    """An accepted action: its signed timestamp (Unix seconds), its epoch, a hash of its data.

    ``is_lost`` says that it ended without a definite answer.
    """

    action: Action
    stamp: int
    epoch: int
    data: bytes
    key: str = ""
    is_lost: bool = False


@dataclass(frozen=True, slots=True)
class New:
    """Pass it on, under this epoch."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """Answer what this fact was answered."""

    fact: Fact


@dataclass(frozen=True, slots=True)
class Stale:
    """An older update: answer 200 and do not pass it on."""


@dataclass(frozen=True, slots=True)
class OutOfPlace:
    """Refuse it and alert somebody."""

    why: str


Verdict = New | Repeat | Stale | OutOfPlace


def key_of(operator: str, ticket_id: str, action: Action, epoch: int) -> str:
    """Return what names a fact for ever: the idempotency key of its calls."""
    return f"{operator}/{action}/{ticket_id}/{epoch}"


def judge(accepted: Sequence[Fact], action: Action, stamp: int, data: bytes) -> Verdict:
    """Tell what a delivery is, from the facts accepted for its ticket, in the order of acceptance."""
    match action:
        case Action.ROLLBACK:
            return _rollback(accepted, stamp)
        case Action.UPDATE:
            return _update(accepted, stamp, data)
        case _:
            return _once(accepted, action, stamp, data)


def _once(accepted: Sequence[Fact], action: Action, stamp: int, data: bytes) -> Verdict:
    epoch = 0 if action in _ONCE else sum(fact.stamp <= stamp for fact in _all(accepted, Action.ROLLBACK))
    earlier = next((fact for fact in _all(accepted, action) if fact.epoch == epoch), None)
    if earlier is None:
        return _if_in_place(accepted, action, epoch)
    if action in OPENINGS and earlier.data != data:
        return OutOfPlace(f"{action} came before with other data")
    return Repeat(earlier)


def _rollback(accepted: Sequence[Fact], stamp: int) -> Verdict:
    rollbacks = _all(accepted, Action.ROLLBACK)
    if rollbacks:
        last = rollbacks[-1]
        since = accepted[accepted.index(last) :]
        if not any(fact.action in RESULTS and last.stamp <= fact.stamp <= stamp for fact in since):
            return Repeat(last)
    return _if_in_place(accepted, Action.ROLLBACK, len(rollbacks) + 1)


def _update(accepted: Sequence[Fact], stamp: int, data: bytes) -> Verdict:
    updates = _all(accepted, Action.UPDATE)
    if updates and updates[-1].data == data:
        return Repeat(updates[-1])
    if updates and stamp < updates[-1].stamp:
        return Stale()
    # Two updates may be stamped in the same second; each needs a key of its own.
    return _if_in_place(accepted, Action.UPDATE, max(stamp, updates[-1].epoch + 1) if updates else stamp)


def _if_in_place(accepted: Sequence[Fact], action: Action, epoch: int) -> Verdict:
    stage = stage_after(accepted)
    undoes = action is Action.DISCARD and any(fact.is_lost for fact in accepted)
    if action not in TRANSITIONS[stage] and not undoes:
        return OutOfPlace(f"{action} does not fit a ticket that is {stage}")
    rollbacks = len(_all(accepted, Action.ROLLBACK))
    if action in RESULTS and epoch < rollbacks:
        return OutOfPlace(f"{action} is stamped before a rollback that came first")
    return New(epoch)


def stage_after(accepted: Sequence[Fact]) -> Stage:
    """Return where a ticket is after these actions."""
    stage = Stage.UNSEEN
    for fact in accepted:
        stage = TRANSITIONS[stage].get(fact.action, stage)
    return stage


def _all(accepted: Sequence[Fact], action: Action) -> list[Fact]:
    return [fact for fact in accepted if fact.action is action]
