"""How does the platform answer under ``/be``?

Assumed, because only the statuses are documented: a list for a player who is blocked and a payment of theirs are 403;
at create and reserve a blocked player is not found (400, code 101), since 403 is not documented there.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Final, get_args
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox import bodies
from gateway.sandbox.bodies import TICKETS, CardBody, EventsBody, SuperbetBody, documented, json_object
from gateway.sandbox.book import Book, Draft, Ticket
from gateway.sandbox.calculator import Rates, finance
from gateway.sandbox.cards import Cards, Family, Json
from gateway.sandbox.cashier import Cashier
from gateway.sandbox.errors import BlockedPlayer, OddsChanged, UnknownPlayer
from gateway.sandbox.fixtures import Bet, Event
from gateway.sandbox.queries import integer, only
from gateway.sandbox.refusals import invalid, not_signed
from gateway.sandbox.signatures import Gate
from gateway.sandbox.ticket_object import of_events, of_superbet, ticket_object
from gateway.sandbox.wallet import Wallet

__all__ = ["BetEngineApi"]

_DEFAULT_LIMIT: Final = "10"
# Assumed: no upper limit is documented.
_MOST: Final = 1_000
_TYPES: Final = frozenset(get_args(bodies.TicketType))
_FAMILY: Final = {"jackpot": Family.JACKPOT, "quickbet": Family.QUICKBET, "smartbet": Family.SMARTBET}


class BetEngineApi:
    """The Bet Engine API."""

    def __init__(
        self,
        *,
        gate: Gate,
        book: Book,
        cashier: Cashier,
        wallet: Wallet,
        cards: Cards,
        rates: Rates,
        offset: timedelta,
    ) -> None:
        self._gate = gate
        self._book = book
        self._cashier = cashier
        self._wallet = wallet
        self._cards = cards
        self._rates = rates
        self._offset = offset

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/be/tickets", self.create, methods=["POST"]),
            Route("/be/tickets", self.latest, methods=["GET"]),
            Route("/be/tickets/reserve", self.reserve, methods=["POST"]),
            Route("/be/tickets/{identifier}/paid", self.paid, methods=["POST"]),
            Route("/be/tickets/{identifier}", self.get, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """Take the player's money and open a ticket."""
        return self._answer(await self._cashier.create(await self._draft(request)))

    async def reserve(self, request: Request) -> Response:
        """Keep a ticket until it is paid."""
        return self._answer(await self._cashier.reserve(await self._draft(request)))

    async def paid(self, request: Request) -> Response:
        """Open a reserved ticket."""
        operator = await self._gate.operator(request)
        only(request)
        if await request.body():
            raise invalid("no body is expected")
        ticket = self._book.get(_identifier(request), operator)
        self._refuse_blocked(ticket.player_id)
        return self._answer(await self._cashier.pay(ticket.id))

    async def get(self, request: Request) -> Response:
        """Show one ticket."""
        operator = await self._gate.operator(request)
        only(request)
        return self._answer(self._book.get(_identifier(request), operator))

    async def latest(self, request: Request) -> Response:
        """List the operator's tickets, newest first."""
        operator = await self._gate.operator(request)
        only(request, once=("limit", "user_id"), repeated=("skip_types",))
        limit = integer("limit", request.query_params.get("limit", _DEFAULT_LIMIT), 1, _MOST)
        user_id = request.query_params.get("user_id")
        skip_types = request.query_params.getlist("skip_types")
        if unknown := [each for each in skip_types if each not in _TYPES]:
            raise invalid(f"{unknown[0]} is no ticket type", ("query", "skip_types"))
        if user_id is not None:
            self._refuse_blocked(user_id)
        found = self._book.tickets(operator, user_id, skip_types, limit)
        return JSONResponse([ticket_object(ticket, self._offset) for ticket in found])

    async def _draft(self, request: Request) -> Draft:
        signer = await self._gate.operator(request)
        only(request)
        body = _ticket_body(json_object(await request.body()))
        self._gate.same(signer, body.operator)
        player = await self._cashier.player(signer, body.token)
        if body.currency != player.currency:
            # Assumed: what the platform does about a foreign currency is not documented.
            raise invalid("not the player's currency", ("currency",))
        odds, content = self._content(body)
        return Draft(
            operator=signer,
            player=player,
            psp=body.psp,
            atag=body.atag,
            rtag=body.rtag,
            source=body.source,
            type=body.type,
            finance=finance(body.price, odds, self._rates),
            content=content,
        )

    def _content(self, body: SuperbetBody | EventsBody) -> tuple[list[float], Json]:
        if isinstance(body, SuperbetBody):
            event, bets = self._superbet(body)
            return [bet.odds for bet in bets], of_superbet(event, bets, self._offset)
        if isinstance(body, CardBody):
            self._cards.events(_FAMILY[body.type], body.betcard_code)
        chosen = self._selections(body)
        odds = [bet.odds for _, bet in chosen]
        total = finance(body.price, odds, self._rates).total_odds
        return odds, of_events(chosen, total, self._offset)

    def _superbet(self, body: SuperbetBody) -> tuple[Event, list[Bet]]:
        if len(set(body.bets)) != len(body.bets):
            raise invalid("a bet comes twice", ("bets",))
        event = self._cards.fixtures.event(body.event, body.bets[0])
        return event, [event.special(bet) for bet in body.bets]

    def _selections(self, body: EventsBody) -> list[tuple[Event, Bet]]:
        if len({selection.id for selection in body.events}) != len(body.events):
            raise invalid("an event comes twice", ("events",))
        chosen = []
        for selection in body.events:
            event = self._cards.fixtures.event(selection.id, selection.bet)
            bet = event.bet(selection.bet)
            # By way of the spelling, or 1.95 and 1.85 would be a little more than 0.1 apart.
            moved = abs(Decimal(str(bet.odds)) - Decimal(str(selection.odds)))
            if moved > Decimal(str(body.odds_diff)):
                raise OddsChanged
            # Assumed: within the deviation that the player accepts, the odds of now count.
            chosen.append((event, bet))
        return chosen

    def _refuse_blocked(self, player_id: str) -> None:
        try:
            player = self._wallet.player(player_id)
        except UnknownPlayer:
            return
        if player.blocked:
            raise BlockedPlayer

    def _answer(self, ticket: Ticket) -> Response:
        return JSONResponse(ticket_object(ticket, self._offset))


def _ticket_body(given: dict[str, object]) -> SuperbetBody | EventsBody:
    kind = given.get("type")
    if "type" not in given:
        raise not_signed("a ticket has a type")
    if not isinstance(kind, str) or kind not in TICKETS:
        raise invalid("not a ticket type", ("type",))
    return documented(TICKETS[kind], given)


def _identifier(request: Request) -> str:
    return unquote(request.path_params["identifier"])
