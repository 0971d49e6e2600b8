"""Which matches can be bet on today, and at what odds?

Every day (UTC) has fixtures of its own, made from the seed and the date, all of them two days ahead or more. Those of
the day before are still known, so that a card read before midnight is good for a ticket after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from gateway.sandbox.errors import UnknownBet
from gateway.sandbox.football import LEAGUES, League, Team
from gateway.sandbox.options import Clock
from gateway.sandbox.times import DAY, HOUR

__all__ = ["Bet", "Event", "Fixtures"]

_MARGIN: Final = 1.06
# Code and name of a market, code and name of its line.
_RESULT: Final = ("MRFT", "Match Result Full Time", None, None)
_GOALS: Final = ("OUFT", "Total Goals", "2.5", "2.5 goals")
_BOTH_SCORE: Final = ("BTTS", "Both Teams To Score", None, None)
_SPECIALS: Final = (
    ("GOHT", "Goals In First Half", ("0.5", "1.5")),
    ("CORN", "Corners", ("8.5", "10.5")),
)


@dataclass(frozen=True, slots=True)
class Bet:
    """One outcome that can be bet on."""

    id: int
    code: str
    name: str
    market_code: str
    market_name: str
    line_code: str | None
    line_name: str | None
    odds: float
    updated: float


@dataclass(frozen=True, slots=True)
class Event:
    """A match, its bets, and the special bets that make a superbet."""

    id: int
    starts: float
    league: League
    home: Team
    away: Team
    bets: tuple[Bet, ...]
    specials: tuple[Bet, ...]

    def bet(self, bet_id: int) -> Bet:
        """Return a bet, or raise UnknownBet."""
        return self._one_of(self.bets, bet_id)

    def special(self, bet_id: int) -> Bet:
        """Return a bet for superbets, or raise UnknownBet."""
        return self._one_of(self.specials, bet_id)

    def _one_of(self, bets: Sequence[Bet], bet_id: int) -> Bet:
        for bet in bets:
            if bet.id == bet_id:
                return bet
        raise UnknownBet(self.id, bet_id)


class Fixtures:
    """The matches of today and of the day before."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._seed = seed
        self._days: dict[int, dict[int, Event]] = {}

    @property
    def day(self) -> int:
        """The number of today's date, counted from 1970."""
        return int(self._clock() // DAY)

    def today(self) -> list[Event]:
        """Return today's matches."""
        return list(self._of(self.day).values())

    def find(self, event_id: int) -> Event | None:
        """Return a match of today or yesterday, None if there is none."""
        return self._of(self.day).get(event_id) or self._of(self.day - 1).get(event_id)

    def event(self, event_id: int, bet_id: int) -> Event:
        """Return the match that a bet is on, or raise UnknownBet."""
        event = self.find(event_id)
        if event is None:
            raise UnknownBet(event_id, bet_id)
        return event

    def change_odds(self, event_id: int, bet_id: int, odds: float) -> None:
        """Give a bet new odds, as the market does all day long."""
        event = self.event(event_id, bet_id)
        if all(bet.id != bet_id for bet in (*event.bets, *event.specials)):
            raise UnknownBet(event_id, bet_id)

        def moved(bets: Sequence[Bet]) -> tuple[Bet, ...]:
            now = self._clock()
            return tuple(replace(bet, odds=odds, updated=now) if bet.id == bet_id else bet for bet in bets)

        changed = replace(event, bets=moved(event.bets), specials=moved(event.specials))
        for day in self._days.values():
            if event_id in day:
                day[event_id] = changed

    def _of(self, day: int) -> dict[int, Event]:
        if day not in self._days:
            self._days = {known: events for known, events in self._days.items() if abs(known - day) < 2}
            self._days[day] = {event.id: event for event in _matches(day, Random(f"{self._seed}:{day}"))}  # noqa: S311
        return self._days[day]


def _matches(day: int, random: Random) -> Iterator[Event]:
    place = 0
    for league in LEAGUES:
        teams = random.sample(league.teams, len(league.teams))
        for home, away in zip(teams[::2], teams[1::2], strict=True):
            starts = (day + random.randint(2, 6)) * DAY + random.randint(12, 20) * HOUR
            updated = day * DAY + random.randint(-6 * HOUR, 0)
            yield Event(
                id=day * 100 + place,
                starts=float(starts),
                league=league,
                home=home,
                away=away,
                bets=tuple(_bets(random, updated)),
                specials=tuple(_specials(random, updated)),
            )
            place += 1


def _bets(random: Random, updated: float) -> Iterator[Bet]:
    home, draw = random.uniform(0.25, 0.55), random.uniform(0.2, 0.3)
    over, both = random.uniform(0.4, 0.6), random.uniform(0.4, 0.6)
    outcomes = (
        ("1", "Home", _RESULT, home),
        ("X", "Draw", _RESULT, draw),
        ("2", "Away", _RESULT, 1 - home - draw),
        ("O", "Over", _GOALS, over),
        ("U", "Under", _GOALS, 1 - over),
        ("Y", "Yes", _BOTH_SCORE, both),
        ("N", "No", _BOTH_SCORE, 1 - both),
    )
    for number, (code, name, market, chance) in enumerate(outcomes, start=1):
        yield Bet(number, code, name, *market, _odds(chance), updated)


def _specials(random: Random, updated: float) -> Iterator[Bet]:
    number = 101
    for market_code, market_name, lines in _SPECIALS:
        for line in lines:
            over = random.uniform(0.35, 0.65)
            for code, name, chance in (("O", "Over", over), ("U", "Under", 1 - over)):
                yield Bet(number, code, name, market_code, market_name, line, line, _odds(chance), updated)
                number += 1


def _odds(chance: float) -> float:
    return max(1.05, round(1 / (chance * _MARGIN), 2))
