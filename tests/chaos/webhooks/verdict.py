"""Do the platform's tickets, the operator's money and the events agree? Pure judgements; each says what is wrong.

``doubles``: what was done, called or told oftener than prescribed. ``lost``: what was not done or told. ``wrong``: whatever
else does not agree. ``needs_human``: actions that wait for a person, of which there may be none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.verdict import Verdict
from tests.chaos.webhooks.calls import Ways, called_again, called_late, called_together
from tests.chaos.webhooks.door import Connection
from tests.chaos.webhooks.hearing import heard
from tests.chaos.webhooks.prescribed import Deed, Life
from tests.chaos.webhooks.subscriber import Note
from tests.chaos.webhooks.wallet_process import Call

__all__ = ["Evidence", "judged"]

_STATUS: Final = "ticket_status"
_DISCARD: Final = "ticket_discard"
_OPEN: Final = frozenset({"TRYING", "PENDING"})
_OPENINGS: Final = frozenset({"ticket_create", "ticket_reserve"})


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that can be known in the end.

    ``lives`` are the tickets of the platform's book, ``given_up`` those that it told of and does not have, ``prescribed``
    the balances by its book. ``done`` is what the operator has done for each ticket, in order; ``balances`` is its players'
    money, ``total`` the sum of all its entries. ``states`` are the gateway's actions by key, ``waiting`` what the platform
    could not get rid of, ``log`` all events, ``notes`` what each subscriber noted.
    """

    lives: Mapping[str, Life]
    given_up: Iterable[str]
    prescribed: Mapping[str, int]
    done: Mapping[str, Sequence[Deed]]
    balances: Mapping[str, int]
    total: int
    calls: Sequence[Call]
    connections: Sequence[Connection]
    states: Mapping[str, str]
    waiting: Sequence[str]
    log: Sequence[Note]
    notes: Mapping[str, Sequence[Note]]


@dataclass(frozen=True, slots=True)
class _Difference:
    """What there is too much and too little of, and whether the rest is out of order."""

    more: tuple[str, ...]
    less: tuple[str, ...]
    disordered: tuple[str, ...]


def judged(evidence: Evidence) -> Verdict:
    """Compare everything with everything."""
    ways = Ways.of(evidence.connections)
    money, told = _money(evidence), _told(evidence)
    hearings = {name: heard(evidence.log, notes) for name, notes in evidence.notes.items()}
    people = tuple(f"{key} needs a person" for key, state in evidence.states.items() if state == "NEEDS_HUMAN")
    return Verdict(
        doubles=(
            *money.more,
            *told.more,
            *called_again(evidence.calls, ways),
            *(f"{name} {each}" for name, hearing in hearings.items() for each in hearing.twice),
        ),
        lost=(
            *money.less,
            *told.less,
            *_unfinished(evidence),
            *(f"{name} {each}" for name, hearing in hearings.items() for each in hearing.missed),
        ),
        wrong=(
            *money.disordered,
            *told.disordered,
            *_unlike_amounts(evidence),
            *_unlike_balances(evidence),
            *_unlike_statuses(evidence),
            *called_late(evidence.calls, ways),
            *called_together(evidence.calls, ways),
            *(f"{name} {each}" for name, hearing in hearings.items() for each in hearing.wrong),
        ),
        needs_human=people,
        broken=people,
    )


# ----------------------------------------------------------------------------------------- what was done, what was told


def _money(evidence: Evidence) -> _Difference:
    """Compare what the operator has done with what the platform's tickets prescribe."""
    done = {ticket_id: [_named(each) for each in deeds] for ticket_id, deeds in evidence.done.items()}
    lives = {ticket_id: [_named(each) for each in life.deeds] for ticket_id, life in evidence.lives.items()}
    return _compared("the operator did", lives, evidence.given_up, done)


def _named(deed: Deed) -> str:
    """Name a deed; an update's epoch is its timestamp, which the platform's book does not know."""
    return deed.action if deed.epoch is None else f"{deed.action} {deed.epoch}"


def _told(evidence: Evidence) -> _Difference:
    """Compare the events with what the platform's tickets prescribe."""
    told: dict[str, list[str]] = {}
    for _, kind, ticket_id, *_ in evidence.log:
        if kind != _STATUS:
            told.setdefault(ticket_id, []).append(kind)
    lives = {ticket_id: [each.action for each in life.deeds] for ticket_id, life in evidence.lives.items()}
    return _compared("subscribers were told", lives, evidence.given_up, told)


def _compared(
    what: str, lives: Mapping[str, Sequence[str]], given_up: Iterable[str], found: Mapping[str, Sequence[str]]
) -> _Difference:
    more: list[str] = []
    less: list[str] = []
    disordered: list[str] = []
    for ticket_id in sorted({*lives, *given_up, *found}):
        discard = next((each for each in found.get(ticket_id, ()) if each.startswith(_DISCARD)), _DISCARD)
        expected = lives.get(ticket_id, [discard])
        actual = _without_undone(found.get(ticket_id, ()), expected)
        difference = f"{ticket_id}: {what} {', '.join(actual) or 'nothing'} instead of {', '.join(expected)}"
        surplus, shortage = Counter(actual) - Counter(expected), Counter(expected) - Counter(actual)
        more += [difference] * surplus.total()
        less += [difference] * shortage.total()
        if not surplus and not shortage and actual != list(expected):
            disordered.append(difference)
    return _Difference(tuple(more), tuple(less), tuple(disordered))


def _without_undone(actual: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Leave out one create or reserve that came to nothing: the platform has no answer to it, and discarded the ticket."""
    discards = [place for place, each in enumerate(actual) if each.startswith(_DISCARD)]
    if discards and expected[-1].startswith(_DISCARD):
        for place, each in enumerate(actual[: discards[0]]):
            if each.split()[0] in _OPENINGS and each not in expected:
                return [*actual[:place], *actual[place + 1 :]]
    return list(actual)


# ------------------------------------------------------------------------------------------------------------- money


def _unlike_amounts(evidence: Evidence) -> Iterator[str]:
    """Find deeds that moved another amount than prescribed; what was undone adds up to nothing."""
    for ticket_id, deeds in evidence.done.items():
        life = evidence.lives.get(ticket_id)
        amounts = {} if life is None else {_named(each): each.amount for each in life.deeds}
        for deed in deeds:
            if amounts.get(_named(deed), deed.amount) != deed.amount:
                yield f"{ticket_id}: {_named(deed)} moved {deed.amount} instead of {amounts[_named(deed)]}"
        moved = sum(deed.amount for deed in deeds)
        if life is None and moved:
            yield f"{ticket_id} is not in the book, and moved {moved}"


def _unlike_balances(evidence: Evidence) -> Iterator[str]:
    """Compare what the players have with what the platform's tickets leave them."""
    if evidence.total:
        yield f"the entries of all accounts add up to {evidence.total} cents"
    for player_id, expected in evidence.prescribed.items():
        balance = evidence.balances.get(player_id)
        if balance != expected:
            yield f"player {player_id} has {balance} cents instead of {expected}"


# --------------------------------------------------------------------------------------------------------- loose ends


def _unlike_statuses(evidence: Evidence) -> Iterator[str]:
    """Find notifications that no ticket explains."""
    for _, kind, ticket_id, *status in evidence.log:
        life = evidence.lives.get(ticket_id)
        if kind == _STATUS and (life is None or tuple(status) not in life.statuses):
            yield f"{ticket_id}: the player was told that it is {' '.join(status)}"


def _unfinished(evidence: Evidence) -> Iterator[str]:
    """Find what was never passed on, and what nobody was told."""
    yield from (f"the platform could not get rid of {each}" for each in evidence.waiting)
    yield from (f"{key} is still {state}" for key, state in evidence.states.items() if state in _OPEN)
    told = {(ticket_id, *status) for _, kind, ticket_id, *status in evidence.log if kind == _STATUS}
    for ticket_id, life in evidence.lives.items():
        for status in sorted(life.statuses):
            if (ticket_id, *status) not in told:
                yield f"{ticket_id}: the player was not told that it is {' '.join(status)}"
