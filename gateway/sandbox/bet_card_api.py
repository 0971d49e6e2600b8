"""How does the platform answer under ``/bc``?"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.sandbox.bodies import GenerateBody, documented, json_object
from gateway.sandbox.calculator import Finance, Rates, finance, plain, price_of
from gateway.sandbox.cards import Cards, Family, Json
from gateway.sandbox.queries import decimal, integer, many, one, only
from gateway.sandbox.refusals import invalid
from gateway.sandbox.signatures import Gate
from gateway.sandbox.smartbets import Risk, closest

__all__ = ["BetCardApi"]


class BetCardApi:
    """The Bet Card API."""

    def __init__(self, gate: Gate, cards: Cards, rates: Rates) -> None:
        self._gate = gate
        self._cards = cards
        self._rates = rates

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/bc/calculator/finance-details", self.finance_details, methods=["GET"]),
            Route("/bc/smartbets/{code}", self.generate_smartbet, methods=["POST"]),
            Route("/bc/jackpots/{code}", self.pick_jackpot_bets, methods=["POST"]),
            *(Route(f"/bc/{family}", self.list_cards, methods=["GET"]) for family in Family),
            *(Route(f"/bc/{family}/{{code}}", self.one_card, methods=["GET"]) for family in Family),
        ]

    async def finance_details(self, request: Request) -> Response:
        """Work out what a bet costs and pays."""
        signer = await self._gate.operator(request)
        only(request, once=("operator", "price"), repeated=("odds",))
        self._gate.same(signer, one(request, "operator"))
        price = integer("price", one(request, "price"), 1, 10**12)
        odds = [decimal("odds", each, 1) for each in many(request, "odds")]
        return JSONResponse(_finance_details(finance(price, odds, self._rates)))

    async def list_cards(self, request: Request) -> Response:
        """List the cards of a family."""
        operator = await self._operator_of_query(request)
        return JSONResponse(self._cards.cards(_family(request), operator))

    async def one_card(self, request: Request) -> Response:
        """Show one card."""
        operator = await self._operator_of_query(request)
        return JSONResponse(self._cards.card(_family(request), _code(request), operator))

    async def generate_smartbet(self, request: Request) -> Response:
        """Find selections that pay what the player aims at."""
        await self._gate.operator(request)
        only(request)
        wanted = documented(GenerateBody, json_object(await request.body()))
        events = self._cards.events(Family.SMARTBET, _code(request))
        if wanted.win <= wanted.stake:
            raise invalid("must be more than the stake", ("win",))
        chosen = closest(events, _risk(wanted.risk), wanted.win / wanted.stake)
        # Assumed: `stake` is what remains of the price after excise tax, as everywhere else.
        price = price_of(wanted.stake, self._rates)
        amounts = finance(price, [bet.odds for _, bet in chosen], self._rates)
        return JSONResponse(
            _smartbet(amounts)
            | {"risk": wanted.risk, "events": [self._cards.with_bet(event, bet) for event, bet in chosen]}
        )

    async def pick_jackpot_bets(self, request: Request) -> Response:
        """Pick a bet for every event of a jackpot card."""
        await self._gate.operator(request)
        only(request)
        if await request.body():
            raise invalid("no body is expected")
        return JSONResponse(self._cards.pick(_code(request)))

    async def _operator_of_query(self, request: Request) -> str:
        signer = await self._gate.operator(request)
        only(request, once=("operator",))
        self._gate.same(signer, one(request, "operator"))
        return signer


def _finance_details(amounts: Finance) -> Json:
    return {
        "price": amounts.price,
        "total_odds": amounts.total_odds,
        "stake": amounts.stake,
        "ext": plain(amounts.ext),
        "ext_amount": amounts.ext_amount,
        "ext_type": amounts.ext_type,
        "wht": plain(amounts.wht),
        "wht_amount": amounts.wht_amount,
        "gross_payout": amounts.gross_payout,
        "net_payout": amounts.net_payout,
    }


def _smartbet(amounts: Finance) -> Json:
    return {
        "price": amounts.price,
        "stake": amounts.stake,
        "total_odds": amounts.total_odds,
        "ext": plain(amounts.ext),
        "ext_amount": amounts.ext_amount,
        "wht": plain(amounts.wht),
        "wht_amount": amounts.wht_amount,
        "gross_payout": amounts.gross_payout,
        "net_payout": amounts.net_payout,
    }


def _family(request: Request) -> Family:
    return Family(request.url.path.split("/")[2])


def _code(request: Request) -> str:
    return unquote(request.path_params["code"])


def _risk(spelled: str) -> Risk:
    try:
        return Risk.parse(spelled)
    except ValueError as error:
        raise invalid(str(error), ("risk",)) from None
