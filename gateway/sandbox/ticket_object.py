"""What does a ticket look like on the wire?

Exactly the documented keys, in the documented order. Assumed: the shape of a superbet's ``event`` and ``bets``, which
the platform names without showing them: they have what an event of the other types has, divided between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from gateway.sandbox.book import Ticket
from gateway.sandbox.calculator import plain
from gateway.sandbox.cards import Json
from gateway.sandbox.fixtures import Bet, Event
from gateway.sandbox.football import Team
from gateway.sandbox.times import spelled

__all__ = ["of_events", "of_superbet", "ticket_object"]

_FOOTBALL: Final = {"id": 1, "name": "Football"}


def ticket_object(ticket: Ticket, offset: timedelta) -> Json:
    """Return a ticket as the Bet Engine answers it."""
    finance = ticket.finance
    return {
        "id": ticket.id,
        "code": ticket.code,
        "psp": ticket.psp,
        "price": finance.price,
        "stake": finance.stake,
        "currency": ticket.currency,
        "gross_payout": finance.gross_payout,
        "net_payout": finance.net_payout,
        "wht_amount": finance.wht_amount,
        "wht": plain(finance.wht),
        "ext_amount": finance.ext_amount,
        "ext": plain(finance.ext),
        "ext_type": finance.ext_type,
        "status": ticket.status,
        "result": ticket.result,
        # Assumed: a ticket is approved once it has been open.
        "approved": ticket.taken,
        "source": ticket.source,
        "type": ticket.type,
        "atag": ticket.atag,
        "rtag": ticket.rtag,
        "aff_instant_comm_amt": None,
        "aff_instant_comm_pct": None,
        "user_id": ticket.player_id,
        "created": spelled(ticket.created),
        "operator_time_created": spelled(ticket.created, offset),
        "updated": spelled(ticket.updated),
        "operator_time_updated": spelled(ticket.updated, offset),
        **ticket.content,
    }


def of_events(selections: Sequence[tuple[Event, Bet]], odds: float, offset: timedelta) -> Json:
    """Return what a ticket of selections ends with."""
    return {
        "events": [_event(event, offset) | _bet(bet) for event, bet in selections],
        "odds": odds,
    }


def of_superbet(event: Event, bets: Sequence[Bet], offset: timedelta) -> Json:
    """Return what a superbet's ticket ends with."""
    return {"event": _event(event, offset), "bets": [{"id": bet.id} | _bet(bet) for bet in bets]}


def _event(event: Event, offset: timedelta) -> Json:
    league = event.league
    return {
        "id": event.id,
        "starts": spelled(event.starts),
        "operator_time_starts": spelled(event.starts, offset),
        "sport": _FOOTBALL,
        "category": {"id": league.country_id, "name": league.country_name},
        "league": {"id": league.id, "name": league.name},
        "home_team": _team(event.home),
        "away_team": _team(event.away),
    }


def _team(team: Team) -> Json:
    return {"id": team.id, "name": team.name}


def _bet(bet: Bet) -> Json:
    return {
        "market": {"code": bet.market_code, "name": bet.market_name},
        "bet": {"code": bet.code, "name": bet.name},
        "line": {"code": bet.line_code, "name": bet.line_name},
    }
