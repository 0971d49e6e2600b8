"""Which selections come closest to the win that a player aims at?

For every number of selections: take from each event the bet, among those whose odds the risk allows, that brings the
product nearest to where it should be by then. Of all these the closest one wins. Not the best answer there is, but a
good one, and the same one every time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.sandbox.errors import NoSelection
from gateway.sandbox.fixtures import Bet, Event

__all__ = ["Risk", "Selection", "closest"]

_RISK: Final = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,2})?)-([0-9]{1,4}(?:\.[0-9]{1,2})?)")

Selection = tuple[Event, Bet]


@dataclass(frozen=True, slots=True)
class Risk:
    """The odds that each selection may have."""

    low: float
    high: float

    @classmethod
    def parse(cls, spelled: str) -> Risk:
        """Read ``1.25-4.99``; ValueError if it is no range of odds."""
        found = _RISK.fullmatch(spelled)
        if found is None:
            raise ValueError(f"{spelled!r} is no range of odds such as 1.25-4.99")
        low, high = float(found[1]), float(found[2])
        if not 1 <= low <= high:
            raise ValueError(f"{spelled!r} is an empty range of odds")
        return cls(low, high)

    def allows(self, bet: Bet) -> bool:
        """Tell whether a bet's odds are in the range."""
        return self.low <= bet.odds <= self.high


def closest(events: Sequence[Event], risk: Risk, target: float) -> list[Selection]:
    """Return one bet each of some of the events, with a product of odds near ``target``; NoSelection if none fits."""
    usable = [(event, bets) for event in events if (bets := [bet for bet in event.bets if risk.allows(bet)])]
    if not usable:
        raise NoSelection
    tries = [_greedy(usable[:count], target) for count in range(1, len(usable) + 1)]
    return min(tries, key=lambda chosen: abs(math.log(_product(chosen) / target)))


def _greedy(usable: Sequence[tuple[Event, Sequence[Bet]]], target: float) -> list[Selection]:
    chosen: list[Selection] = []
    for event, bets in usable:
        wanted = (target / _product(chosen)) ** (1 / (len(usable) - len(chosen)))
        chosen.append((event, min(bets, key=lambda bet: abs(bet.odds - wanted))))
    return chosen


def _product(chosen: Sequence[Selection]) -> float:
    return math.prod(bet.odds for _, bet in chosen)
