"""Does it work? A player's day: every call printed with the HTTP request that it became and the webhooks that it caused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

import click
import grpc.aio
from google.protobuf.message import Message

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.cli.playground import Addresses, Playground, play_settings, playground
from gateway.cli.settings_file import settings_refused
from gateway.cli.stage import Stage, Unexpected
from gateway.cli.wallet_lines import wallet_line
from gateway.sandbox import Book, Result
from gateway.settings import Settings

__all__ = ["demo_command"]

_TOKEN: Final = "demo"  # noqa: S105 - a player of the sandbox
_PRICE: Final = 20_00
_MSISDN: Final = "+254700000000"


@click.command()
def demo_command() -> None:
    """Place bets through gateway and sandbox and print every call.

    Gateway, sandbox and an operator's wallet run on free ports in this process, and nothing else is needed. The exit
    status is 0 if everything went as it should, refusals included.
    """
    with settings_refused():
        settings = play_settings()
    try:
        asyncio.run(_demo(settings))
    except Unexpected as error:
        raise click.ClickException(str(error)) from None


async def _demo(settings: Settings) -> None:
    told: list[str] = []

    def heard(request: Message, key: str) -> None:
        told.append(wallet_line(place.wallet, request, key))

    async with (
        playground(settings, Addresses(), heard) as place,
        grpc.aio.insecure_channel(place.gateway.target, [("grpc.enable_http_proxy", 0)]) as channel,
    ):
        stage = Stage(place, channel, told)
        await _play(stage, place)
        total = stage.served + stage.refused
        click.secho(
            f"\n{total} calls: {stage.served} served and {stage.refused} refused, all as they should be.", bold=True
        )


async def _play(stage: Stage, place: Playground) -> None:
    player = await _who_plays(stage)
    cards = await _cards(stage)
    await _a_price(stage, cards)
    tickets = [*await _five_bets(stage, cards), await _pay_later(stage, cards)]
    await _read_back(stage, tickets, player)
    await _results(stage, place, tickets, player)
    await _text_messages(stage, tickets[-1])
    await _refusals(stage, cards, tickets[0], place)


async def _who_plays(stage: Stage) -> pam.IdentifyResponse:
    stage.scene("Who plays")
    await stage.call("PamService/Ping", pam.PingRequest(), lambda _: "the player account system answers")
    return await _identify(stage)


async def _identify(stage: Stage) -> pam.IdentifyResponse:
    request = pam.IdentifyRequest(token=_TOKEN)
    player: pam.IdentifyResponse = await stage.call(
        "PamService/Identify", request, lambda found: f"player {found.player_id} has {_money(found.balance)}"
    )
    return player


@dataclass(frozen=True, slots=True)
class _Cards:
    """One card of each family, and what the platform selected on two of them."""

    quicktip: card.QuicktipCard
    smartbet: card.SmartbetCard
    generated: card.GenerateSmartbetResponse
    quickbet: card.QuickbetCard
    superbet: card.SuperbetCard
    jackpot: card.JackpotCard
    picked: card.PickJackpotBetsResponse


async def _cards(stage: Stage) -> _Cards:
    stage.scene("What there is to bet on")
    quicktips = await stage.call("CardService/ListQuicktipCards", card.ListQuicktipCardsRequest(), _titles)
    quickbets = await stage.call("CardService/ListQuickbetCards", card.ListQuickbetCardsRequest(), _titles)
    superbets = await stage.call("CardService/ListSuperbetCards", card.ListSuperbetCardsRequest(), _titles)
    smartbets = await stage.call("CardService/ListSmartbetCards", card.ListSmartbetCardsRequest(), _titles)
    smartbet = smartbets.cards[0]
    wish = card.GenerateSmartbetRequest(code=smartbet.code, stake=_PRICE, win=5 * _PRICE, risk=smartbet.risk[0])
    generated = await stage.call(
        "CardService/GenerateSmartbet", wish, lambda found: f"{len(found.events)} selections at {found.total_odds}"
    )
    jackpots = await stage.call("CardService/ListJackpotCards", card.ListJackpotCardsRequest(), _titles)
    jackpot = min(jackpots.cards, key=lambda each: len(each.events))
    picked = await stage.call(
        "CardService/PickJackpotBets",
        card.PickJackpotBetsRequest(code=jackpot.code),
        lambda found: f"{len(found.events)} picks",
    )
    return _Cards(quicktips.cards[0], smartbet, generated, quickbets.cards[0], superbets.cards[0], jackpot, picked)


def _titles(
    response: card.ListQuicktipCardsResponse
    | card.ListQuickbetCardsResponse
    | card.ListSuperbetCardsResponse
    | card.ListSmartbetCardsResponse
    | card.ListJackpotCardsResponse,
) -> str:
    return f"{len(response.cards)} cards: " + ", ".join(f"{each.title} ({each.code})" for each in response.cards)


async def _a_price(stage: Stage, cards: _Cards) -> None:
    stage.scene("What it would pay")
    request = card.GetFinanceDetailsRequest(price=_PRICE, odds=[each.odds for each in _first_bets(cards)])
    await stage.call(
        "CardService/GetFinanceDetails",
        request,
        lambda found: f"{_money(found.price)} at {found.total_odds} pay {_money(found.net_payout)} after taxes",
    )


async def _five_bets(stage: Stage, cards: _Cards) -> list[ticket.Ticket]:
    stage.scene("Five bets, one of each type")
    return [await _place(stage, request) for request in _bets(cards)]


def _bets(cards: _Cards) -> Iterable[ticket.CreateTicketRequest]:
    """Yield one request for each of the five types of ticket."""
    yield _bet(_PRICE, quicktip=ticket.Quicktip(events=_first_bets(cards)))
    generated = _selections(cards.generated.events)
    yield _bet(cards.generated.price, smartbet=ticket.Smartbet(events=generated, betcard_code=cards.smartbet.code))
    ready_made = _selections(cards.quickbet.events)
    yield _bet(cards.quickbet.price, quickbet=ticket.Quickbet(events=ready_made, betcard_code=cards.quickbet.code))
    bets = [bet.id for bet in cards.superbet.bets[:2]]
    yield _bet(_PRICE, superbet=ticket.Superbet(event=cards.superbet.event.id, bets=bets))
    yield _bet(cards.jackpot.price, jackpot=_jackpot(cards))


def _bet(
    price: int,
    *,
    quicktip: ticket.Quicktip | None = None,
    smartbet: ticket.Smartbet | None = None,
    quickbet: ticket.Quickbet | None = None,
    superbet: ticket.Superbet | None = None,
    jackpot: ticket.Jackpot | None = None,
) -> ticket.CreateTicketRequest:
    return ticket.CreateTicketRequest(
        request_id=str(uuid4()),
        token=_TOKEN,
        price=price,
        currency="KES",
        source=ticket.TICKET_SOURCE_MOBILE,
        quicktip=quicktip,
        smartbet=smartbet,
        quickbet=quickbet,
        superbet=superbet,
        jackpot=jackpot,
    )


def _first_bets(cards: _Cards) -> list[ticket.Selection]:
    """Choose the first bet of the quicktip card's first three events."""
    events = cards.quicktip.events[:3]
    return [ticket.Selection(id=event.id, bet=event.bets[0].id, odds=event.bets[0].odds) for event in events]


def _selections(events: Iterable[card.Event]) -> list[ticket.Selection]:
    return [ticket.Selection(id=event.id, bet=event.bet.id, odds=event.bet.odds) for event in events]


def _jackpot(cards: _Cards) -> ticket.Jackpot:
    return ticket.Jackpot(
        events=[ticket.Selection(id=pick.id, bet=pick.bet, odds=pick.odds) for pick in cards.picked.events],
        betcard_code=cards.jackpot.code,
        prize=cards.jackpot.prize,
        bonus_prizes=cards.jackpot.bonus_prizes,
    )


async def _place(stage: Stage, request: ticket.CreateTicketRequest) -> ticket.Ticket:
    response = await stage.call("TicketService/CreateTicket", request, lambda found: _about(found.ticket))
    placed: ticket.Ticket = response.ticket
    stage.require(_type(placed) == request.WhichOneof("selection"), "the ticket has the type of the bet")
    stage.require(placed.status == ticket.TICKET_STATUS_OPEN, "a ticket is open once it is created")
    return placed


async def _pay_later(stage: Stage, cards: _Cards) -> ticket.Ticket:
    stage.scene("A bet reserved now and paid later")
    selection = ticket.Superbet(event=cards.superbet.event.id, bets=[cards.superbet.bets[0].id])
    request = ticket.ReserveTicketRequest(
        request_id=str(uuid4()),
        token=_TOKEN,
        psp="mobile",
        price=_PRICE,
        currency="KES",
        source=ticket.TICKET_SOURCE_USSD,
        superbet=selection,
    )
    reserved = await stage.call("TicketService/ReserveTicket", request, lambda found: _about(found.ticket))
    stage.require(reserved.ticket.status == ticket.TICKET_STATUS_RESERVED, "a reserved ticket is reserved")
    payment = ticket.PayTicketRequest(request_id=str(uuid4()), identifier=reserved.ticket.id)
    paid = await stage.call("TicketService/PayTicket", payment, lambda found: _about(found.ticket))
    stage.require(paid.ticket.status == ticket.TICKET_STATUS_OPEN, "a ticket is open once it is paid")
    opened: ticket.Ticket = paid.ticket
    return opened


async def _read_back(stage: Stage, tickets: list[ticket.Ticket], player: pam.IdentifyResponse) -> None:
    stage.scene("The tickets, read back")
    request = ticket.GetTicketRequest(identifier=tickets[0].code)
    found = await stage.call("TicketService/GetTicket", request, lambda found: _about(found.ticket))
    stage.require(found.ticket == tickets[0], "a ticket reads as it was created")
    everything = ticket.ListTicketsRequest(user_id=player.player_id, limit=len(tickets) + 1)
    listed = await stage.call("TicketService/ListTickets", everything, lambda found: f"{len(found.tickets)} tickets")
    stage.require({each.id for each in listed.tickets} == {each.id for each in tickets}, "all tickets are listed")


async def _results(stage: Stage, place: Playground, tickets: list[ticket.Ticket], player: pam.IdentifyResponse) -> None:
    stage.scene("What the player's account is told")
    book = place.platform.book
    won, lost, *_ = tickets
    has = await _has(stage, player.balance - sum(each.price for each in tickets))
    taken = _taken(won)
    await stage.call("PamService/CreateTicket", taken, lambda _: f"ticket {won.code} again, and nothing is taken twice")
    await stage.decide(f"The platform: ticket {won.code} is won", lambda: _decide(book, won, Result.WON))
    has = await _has(stage, has + won.net_payout)
    again = pam.WinTicketRequest(request_id=str(uuid4()), ticket_id=won.id)
    await stage.call("PamService/WinTicket", again, lambda _: f"ticket {won.code} again, and nothing is paid twice")
    await stage.decide(f"The platform: ticket {lost.code} is lost", lambda: _decide(book, lost, Result.LOST))
    await _has(stage, has)


def _decide(book: Book, decided: ticket.Ticket, result: Result) -> None:
    book.calculate(decided.id)
    book.result(decided.id, result)


async def _has(stage: Stage, cents: int) -> int:
    """Look into the player's account, which has to have so much."""
    player = await _identify(stage)
    stage.require(player.balance == cents, f"the player has {_money(cents)}")
    return cents


def _taken(placed: ticket.Ticket) -> pam.CreateTicketRequest:
    """Return the action that tells the player's account about a ticket."""
    return pam.CreateTicketRequest(
        request_id=str(uuid4()),
        ticket_id=placed.id,
        ticket_code=placed.code,
        player_id=placed.user_id,
        price=placed.price,
        stake=placed.stake,
        wht_amount=placed.wht_amount,
        wht=placed.wht,
        ext_amount=placed.ext_amount,
        ext=placed.ext,
        ext_type=placed.ext_type,
        gross_payout=placed.gross_payout,
        net_payout=placed.net_payout,
        currency=placed.currency,
        ticket_type=placed.type,
    )


async def _text_messages(stage: Stage, paid: ticket.Ticket) -> None:
    stage.scene("What the player's telephone is told")
    password = sms.SendOtpRequest(code="1234", msisdn=_MSISDN)
    await stage.call("SmsService/SendOtp", password, lambda found: str(found.message))
    opened = sms.SendTicketStatusRequest(
        ticket_code=paid.code,
        ticket_id=paid.id,
        msisdn=_MSISDN,
        status=ticket.TICKET_STATUS_OPEN,
        result=ticket.TICKET_RESULT_PENDING,
    )
    await stage.call("SmsService/SendTicketStatus", opened, lambda found: str(found.message))


async def _refusals(stage: Stage, cards: _Cards, placed: ticket.Ticket, place: Playground) -> None:
    stage.scene("What is refused")
    seen = _first_bets(cards)
    place.platform.cards.change_odds(seen[0].id, seen[0].bet, round(seen[0].odds + 0.5, 2))
    stale = _bet(_PRICE, quicktip=ticket.Quicktip(events=seen))
    await stage.refusal("TicketService/CreateTicket", stale, "ODDS_CHANGED")
    again = ticket.PayTicketRequest(request_id=str(uuid4()), identifier=placed.id)
    await stage.refusal("TicketService/PayTicket", again, "TICKET_NOT_RESERVED")


def _about(found: ticket.Ticket) -> str:
    return (
        f"{_type(found)} ticket {found.code} is {_status(found)}: "
        f"{_money(found.price)} to win {_money(found.net_payout)}"
    )


def _type(found: ticket.Ticket) -> str:
    return ticket.TicketType.Name(found.type).removeprefix("TICKET_TYPE_").lower()


def _status(found: ticket.Ticket) -> str:
    return ticket.TicketStatus.Name(found.status).removeprefix("TICKET_STATUS_").lower()


def _money(cents: int) -> str:
    return f"{cents / 100:,.2f} KES"
