"""How is a bet placed, paid and read, and how is it refused? Every call of TicketService."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from betstack.card.v1 import card_service_pb2 as card
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.cli.reference.display import Json
from gateway.cli.reference.recording import Recorder
from gateway.cli.reference.runs.cards import Cards, first_picks
from gateway.cli.reference.stable import request_id

__all__ = ["Bets", "place_bets", "refuse_bets", "superbet"]

_CREATE: Final = "TicketService/CreateTicket"
_PAY: Final = "TicketService/PayTicket"
_PRICE: Final = 20_00


@dataclass(frozen=True, slots=True)
class Bets:
    """One ticket of each type, a reserved one, and one that was reserved and then paid."""

    superbet: ticket.Ticket
    quicktip: ticket.Ticket
    smartbet: ticket.Ticket
    quickbet: ticket.Ticket
    jackpot: ticket.Ticket
    paid: ticket.Ticket
    reserved: ticket.Ticket


async def place_bets(recorder: Recorder, cards: Cards) -> Bets:
    """Make every call of TicketService."""
    placed = {
        "superbet": await _placed(recorder, superbet(cards, "a superbet"), ""),
        "quicktip": await _placed(recorder, _quicktip(cards, "a quicktip"), "A quicktip"),
        "smartbet": await _placed(recorder, _smartbet(cards), "A smartbet"),
        "quickbet": await _placed(recorder, _quickbet(cards), "A quickbet"),
        "jackpot": await _placed(recorder, _jackpot(cards), "A jackpot"),
    }
    reserve = "TicketService/ReserveTicket"
    later = {"psp": "mobile", "source": "TICKET_SOURCE_USSD"}
    held = await recorder.call(reserve, superbet(cards, "a bet for later") | later)
    forgotten = await recorder.aside(reserve, superbet(cards, "a bet that nobody pays") | later)
    paid = await recorder.call(_PAY, _payment(held.ticket, "the payment"))
    await recorder.call("TicketService/GetTicket", {"operator": "site", "identifier": placed["quicktip"].code})
    theirs = {
        "operator": "site",
        "limit": 5,
        "user_id": placed["quicktip"].user_id,
        "skip_types": ["TICKET_TYPE_JACKPOT"],
    }
    await recorder.call("TicketService/ListTickets", theirs)
    return Bets(**placed, paid=paid.ticket, reserved=forgotten.ticket)


async def refuse_bets(recorder: Recorder, cards: Cards, bets: Bets) -> None:
    """Make calls that are refused."""
    seen = cards.quicktip.events[0]
    bet = seen.bets[0]
    recorder.place.platform.cards.change_odds(seen.id, bet.id, round(bet.odds + 0.5, 2))
    stale = _quicktip(cards, "a bet at yesterday's odds")
    await recorder.refusal(_CREATE, stale, "ODDS_CHANGED", "The odds have moved")
    nonsense = superbet(cards, "a bet of nothing") | {"price": 0, "currency": "kes"}
    await recorder.refusal(_CREATE, nonsense, "INVALID_REQUEST", "Two fields are wrong")
    another = superbet(cards, "a superbet") | {"price": 2 * _PRICE}
    await recorder.refusal(_CREATE, another, "REQUEST_ID_REUSED", "One request id, two bets")
    stranger = superbet(cards, "a stranger's bet") | {"token": "nobody"}
    await recorder.refusal(_CREATE, stranger, "PLAYER_NOT_FOUND", "Nobody has this token")
    again = _payment(bets.paid, "a second payment")
    await recorder.refusal(_PAY, again, "TICKET_NOT_RESERVED", "The ticket has been paid before")
    unknown = {"operator": "site", "identifier": "FFFFFF"}
    await recorder.refusal("TicketService/GetTicket", unknown, "TICKET_NOT_FOUND", "There is no such ticket")


def superbet(cards: Cards, intent: str) -> Json:
    """Return a bet on the first two outcomes of the superbet card."""
    bets = [each.id for each in cards.superbet.bets[:2]]
    tags = {"atag": "affiliate-1"}
    return _bet(intent, _PRICE, {**tags, "superbet": {"event": cards.superbet.event.id, "bets": bets}})


def _quicktip(cards: Cards, intent: str) -> Json:
    return _bet(intent, _PRICE, {"quicktip": {"events": first_picks(cards.quicktip)}})


def _smartbet(cards: Cards) -> Json:
    picks = _picks(cards.generated.events)
    return _bet(
        "a smartbet", cards.generated.price, {"smartbet": {"events": picks, "betcard_code": cards.smartbet.code}}
    )


def _quickbet(cards: Cards) -> Json:
    picks = _picks(cards.quickbet.events)
    return _bet(
        "a quickbet", cards.quickbet.price, {"quickbet": {"events": picks, "betcard_code": cards.quickbet.code}}
    )


def _jackpot(cards: Cards) -> Json:
    selection = {
        "events": [{"id": each.id, "bet": each.bet, "odds": each.odds} for each in cards.picked.events],
        "betcard_code": cards.jackpot.code,
        "prize": cards.jackpot.prize,
        "bonus_prizes": list(cards.jackpot.bonus_prizes),
    }
    return _bet("a jackpot", cards.jackpot.price, {"jackpot": selection})


def _picks(events: Iterable[card.Event]) -> list[Json]:
    return [{"id": event.id, "bet": event.bet.id, "odds": event.bet.odds} for event in events]


def _bet(intent: str, price: int, more: Json) -> Json:
    return {
        "request_id": request_id(intent),
        "operator": "site",
        "token": "demo",
        "price": price,
        "currency": "KES",
        "source": "TICKET_SOURCE_MOBILE",
        **more,
    }


def _payment(held: ticket.Ticket, intent: str) -> Json:
    return {"request_id": request_id(intent), "operator": "site", "identifier": held.id}


async def _placed(recorder: Recorder, bet: Json, title: str) -> Any:  # noqa: ANN401 - a ticket
    return (await recorder.call(_CREATE, bet, title)).ticket
