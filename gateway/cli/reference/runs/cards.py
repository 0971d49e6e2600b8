"""What is there to bet on? Every call of CardService."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from betstack.card.v1 import card_service_pb2 as card
from gateway.cli.reference.display import Json
from gateway.cli.reference.recording import Recorder

__all__ = ["Cards", "first_picks", "look_at_cards"]

_PRICE: Final = 20_00


@dataclass(frozen=True, slots=True)
class Cards:
    """One card of each family, and what the platform selected on two of them."""

    quicktip: card.QuicktipCard
    smartbet: card.SmartbetCard
    generated: card.GenerateSmartbetResponse
    quickbet: card.QuickbetCard
    superbet: card.SuperbetCard
    jackpot: card.JackpotCard
    picked: card.PickJackpotBetsResponse


async def look_at_cards(recorder: Recorder) -> Cards:
    """Make every call of CardService."""
    found = {family: await _family(recorder, family) for family in ("Quicktip", "Quickbet", "Superbet", "Smartbet")}
    jackpots = await recorder.call("CardService/ListJackpotCards", {"operator": "site"})
    jackpot = min(jackpots.cards, key=lambda each: len(each.events))
    about_jackpot = {"operator": "site", "code": jackpot.code}
    await recorder.call("CardService/GetJackpotCard", about_jackpot)
    picked = await recorder.call("CardService/PickJackpotBets", about_jackpot)
    quicktip, smartbet = found["Quicktip"], found["Smartbet"]
    wish = {"operator": "site", "code": smartbet.code, "stake": _PRICE, "win": 5 * _PRICE, "risk": smartbet.risk[0]}
    generated = await recorder.call("CardService/GenerateSmartbet", wish)
    price = {"operator": "site", "price": _PRICE, "odds": [each["odds"] for each in first_picks(quicktip)]}
    await recorder.call("CardService/GetFinanceDetails", price)
    return Cards(quicktip, smartbet, generated, found["Quickbet"], found["Superbet"], jackpot, picked)


async def _family(recorder: Recorder, family: str) -> Any:  # noqa: ANN401 - a card of that family
    """List the cards of a family and read the first of them."""
    cards = await recorder.call(f"CardService/List{family}Cards", {"operator": "site"})
    first = cards.cards[0]
    await recorder.call(f"CardService/Get{family}Card", {"operator": "site", "code": first.code})
    return first


def first_picks(quicktip: card.QuicktipCard) -> list[Json]:
    """Choose the first bet of a card's first two events."""
    return [{"id": event.id, "bet": event.bets[0].id, "odds": event.bets[0].odds} for event in quicktip.events[:2]]
