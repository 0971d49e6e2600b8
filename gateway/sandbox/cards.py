"""Which bet cards does the platform offer today, and what do they look like?

Codes belong to the seed and stay; what a card holds belongs to the day. Fields and their order are the documented ones
where they are documented. Assumed: everything beyond ``code``, ``title``, ``description``, ``sitename``, ``domain``,
``preview_img`` and the shape of an event with its bet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random
from typing import Final

from gateway.sandbox.calculator import total_odds
from gateway.sandbox.errors import UnknownCard
from gateway.sandbox.fixtures import Bet, Event, Fixtures
from gateway.sandbox.football import Team
from gateway.sandbox.identities import six_hex_digits
from gateway.sandbox.times import HOUR, spelled, spelled_without_fraction

__all__ = ["Cards", "Family", "Json"]

Json = dict[str, object]


class Family(StrEnum):
    """The five families, spelled as in the paths."""

    JACKPOT = "jackpots"
    QUICKTIP = "quicktips"
    SMARTBET = "smartbets"
    QUICKBET = "quickbets"
    SUPERBET = "superbets"


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one card is about: how many events, and of which continent."""

    family: Family
    title: str
    description: str
    size: int
    continent: str | None = None


_PLANS: Final = (
    _Plan(Family.JACKPOT, "Mega Jackpot", "Thirteen matches, one prize", 13),
    _Plan(Family.JACKPOT, "Midweek Jackpot", "Eight matches", 8),
    _Plan(Family.JACKPOT, "Jackpot d'Afrique", "Six matches, Côte d'Ivoire included", 6, "Africa"),
    _Plan(Family.QUICKTIP, "World", "The matches of the day", 6),
    _Plan(Family.QUICKTIP, "Europe", "From JaPS/47 to Łódź", 5, "Europe"),
    _Plan(Family.QUICKTIP, "Africa", "Kenya and Côte d'Ivoire", 4, "Africa"),
    _Plan(Family.SMARTBET, "World", "Say what you want to win", 15),
    _Plan(Family.SMARTBET, "Europe", "Smart, and in Europe", 9, "Europe"),
    _Plan(Family.SMARTBET, "Africa", "Smart, and in Africa", 6, "Africa"),
    _Plan(Family.QUICKBET, "Double", "Two bets, ready to place", 2),
    _Plan(Family.QUICKBET, "Treble", "Three bets, ready to place", 3),
    _Plan(Family.QUICKBET, "Fivefold", "Five bets, ready to place", 5),
    _Plan(Family.SUPERBET, "Match of the day", "Several bets on one match", 1),
    _Plan(Family.SUPERBET, "African night", "Several bets on one match", 1, "Africa"),
    _Plan(Family.SUPERBET, "European night", "Several bets on one match", 1, "Europe"),
)

_RISKS: Final = ("1.25-4.99", "1.25-1.99", "2.00-4.99")


class Cards:
    """Today's cards, and the matches on them."""

    def __init__(self, fixtures: Fixtures, seed: int, offset: timedelta) -> None:
        self.fixtures = fixtures
        self._seed = seed
        self._offset = offset
        self._picks = 0
        self._plans = {six_hex_digits(seed, "card", number): plan for number, plan in enumerate(_PLANS)}

    def codes(self, family: Family) -> list[str]:
        """Return the codes of a family's cards."""
        return [code for code, plan in self._plans.items() if plan.family is family]

    def cards(self, family: Family, operator: str) -> list[Json]:
        """Return a family's cards as an operator sees them."""
        return [self.card(family, code, operator) for code in self.codes(family)]

    def card(self, family: Family, code: str, operator: str) -> Json:
        """Return one card as an operator sees it, or raise UnknownCard."""
        plan = self._plan(family, code)
        common: Json = {
            "code": code,
            "title": plan.title,
            "description": plan.description,
            "sitename": None,
            "domain": None,
            "preview_img": None,
            "operator": operator,
        }
        return common | _REST[family](self, plan, self.events(family, code))

    def events(self, family: Family, code: str) -> list[Event]:
        """Return the matches on a card, or raise UnknownCard."""
        plan = self._plan(family, code)
        candidates = [event for event in self.fixtures.today() if plan.continent in {None, event.league.continent}]
        random = Random(f"{self._seed}:{code}:{self.fixtures.day}")  # noqa: S311
        return random.sample(candidates, min(plan.size, len(candidates)))

    def change_odds(self, event_id: int, bet_id: int, odds: float) -> None:
        """Give a bet new odds; cards and tickets see them at once."""
        self.fixtures.change_odds(event_id, bet_id, odds)

    def pick(self, code: str) -> Json:
        """Pick a result for every match of a jackpot card, another one each time."""
        events = self.events(Family.JACKPOT, code)
        self._picks += 1
        random = Random(f"{self._seed}:{code}:{self._picks}")  # noqa: S311
        picked = [(event, random.choice(_results(event))) for event in events]
        return {
            "code": code,
            "events": [{"id": event.id, "bet": bet.id, "odds": bet.odds} for event, bet in picked],
        }

    def with_bet(self, event: Event, bet: Bet) -> Json:
        """Return an event with the one bet on it."""
        return self._event(event) | {"bet": _bet(bet), "id": event.id}

    def _with_bets(self, event: Event, bets: Iterable[Bet]) -> Json:
        return self._event(event) | {"bets": [_bet(bet) for bet in bets], "id": event.id}

    def _event(self, event: Event) -> Json:
        league = event.league
        return {
            "starts": spelled(event.starts),
            "operator_time_starts": spelled(event.starts, self._offset),
            "category": {
                "league_id": league.id,
                "league_slug": league.slug,
                "league_name": league.name,
                "country_id": league.country_id,
                "country_slug": league.country_slug,
                "country_name": league.country_name,
            },
            "home_team": _team(event.home),
            "away_team": _team(event.away),
        }

    def _plan(self, family: Family, code: str) -> _Plan:
        plan = self._plans.get(code)
        if plan is None or plan.family is not family:
            raise UnknownCard(code)
        return plan

    def _jackpot(self, plan: _Plan, events: Sequence[Event]) -> Json:
        return {
            "price": 100_00,
            "prize": plan.size * 1_000_000_00,
            "bonus_prizes": [plan.size * 10_000_00, plan.size * 1_000_00],
            "closes": spelled(min(event.starts for event in events) - HOUR),
            "events": [self._with_bets(event, _results(event)) for event in events],
        }

    def _quicktip(self, _: _Plan, events: Sequence[Event]) -> Json:
        return {"events": [self._with_bets(event, event.bets) for event in events]}

    def _smartbet(self, _: _Plan, __: Sequence[Event]) -> Json:
        return {"risk": list(_RISKS), "min_price": 10_00}

    def _quickbet(self, _: _Plan, events: Sequence[Event]) -> Json:
        favourites = [(event, min(_results(event), key=lambda bet: bet.odds)) for event in events]
        return {
            "price": 50_00,
            "total_odds": float(total_odds(bet.odds for _, bet in favourites)),
            "events": [self.with_bet(event, bet) for event, bet in favourites],
        }

    def _superbet(self, _: _Plan, events: Sequence[Event]) -> Json:
        event = events[0]
        return {
            "event": self._event(event) | {"id": event.id},
            "bets": [_bet(bet) for bet in event.specials],
        }


_REST: Final[Mapping[Family, Callable[[Cards, _Plan, Sequence[Event]], Json]]] = {
    Family.JACKPOT: Cards._jackpot,
    Family.QUICKTIP: Cards._quicktip,
    Family.SMARTBET: Cards._smartbet,
    Family.QUICKBET: Cards._quickbet,
    Family.SUPERBET: Cards._superbet,
}


def _results(event: Event) -> list[Bet]:
    return [bet for bet in event.bets if bet.market_code == "MRFT"]


def _team(team: Team) -> Json:
    return {"slug": team.slug, "name": team.name, "id": team.id}


def _bet(bet: Bet) -> Json:
    return {
        "id": bet.id,
        "bet_code": bet.code,
        "bet_name": bet.name,
        "market_code": bet.market_code,
        "market_name": bet.market_name,
        "line_code": bet.line_code,
        "line_name": bet.line_name,
        "odds": bet.odds,
        "updated": spelled_without_fraction(bet.updated),
    }
