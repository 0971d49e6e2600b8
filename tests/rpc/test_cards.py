"""What can a caller do with bet cards?"""

from __future__ import annotations

from typing import Any

import pytest

from betstack.card.v1 import card_service_pb2 as card
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import Family, Sandbox
from tests.harness import SECRET, Client, client_of, refused, settings_for
from tests.rpc.bets import answer_of, assert_says, assert_signed, balance

FAMILIES = {
    "Jackpot": Family.JACKPOT,
    "Quicktip": Family.QUICKTIP,
    "Smartbet": Family.SMARTBET,
    "Quickbet": Family.QUICKBET,
    "Superbet": Family.SUPERBET,
}
UNKNOWN_CODE = "FFFFFF"


def requested(name: str, **fields: Any) -> Any:
    """Return the request message of a card RPC."""
    return getattr(card, f"{name}Request")(**fields)


async def test_the_calculator_reproduces_the_platforms_sample(platform: Sandbox, client: Client) -> None:
    """A price of 10.00 at odds 1.24 and 2.76 pays what the platform's documentation says."""
    found = await client.cards.GetFinanceDetails(card.GetFinanceDetailsRequest(price=1000, odds=[1.24, 2.76]))

    assert found == card.GetFinanceDetailsResponse(
        price=1000,
        total_odds=3.42,
        stake=889,
        ext=12.5,
        ext_amount=111,
        ext_type=ticket.EXCISE_TAX_TYPE_INCLUSIVE,
        wht=20,
        wht_amount=430,
        gross_payout=3040,
        net_payout=2610,
    )
    seen = platform.journal.last
    assert (seen.method, seen.body) == ("GET", b"")
    assert seen.target == "/bc/calculator/finance-details?operator=site&price=1000&odds=1.24&odds=2.76"
    assert_signed(seen)


async def test_the_calculator_refuses_odds_beyond_belief(client: Client) -> None:
    """What the platform finds malformed is INVALID_REQUEST."""
    with refused(Reason.INVALID_REQUEST, api="bc", http_status="422", payload="json"):
        await client.cards.GetFinanceDetails(card.GetFinanceDetailsRequest(price=1000, odds=[1e12]))


async def test_the_calculator_names_the_odd_that_is_no_number(platform: Sandbox, client: Client) -> None:
    """An odd that cannot be written is refused here, by its place in the list."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await client.cards.GetFinanceDetails(
            card.GetFinanceDetailsRequest(price=1000, odds=[1.5, float("nan"), float("inf")])
        )

    assert refusal.fields == ["odds[1]", "odds[2]"]
    assert not len(platform.journal)


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
async def test_all_cards_of_a_family_are_listed(platform: Sandbox, client: Client, name: str, family: Family) -> None:
    """Every card of the family arrives with every field the platform sent."""
    listed = await getattr(client.cards, f"List{name}Cards")(requested(f"List{name}Cards"))

    cards = platform.cards.cards(family, "site")
    assert len(listed.cards) == len(cards) > 0
    for found, expected in zip(listed.cards, cards, strict=True):
        assert_says(found, expected)
    seen = platform.journal.last
    assert (seen.method, seen.target, seen.body) == ("GET", f"/bc/{family}?operator=site", b"")
    assert_signed(seen)


@pytest.mark.parametrize(("name", "family"), FAMILIES.items())
async def test_a_card_is_found_by_its_code(platform: Sandbox, client: Client, name: str, family: Family) -> None:
    """The card asked for arrives with every field the platform sent."""
    code = platform.cards.codes(family)[1]

    found = await getattr(client.cards, f"Get{name}Card")(requested(f"Get{name}Card", code=code))

    assert_says(found.card, platform.cards.card(family, code, "site"))
    seen = platform.journal.last
    assert (seen.method, seen.target, seen.body) == ("GET", f"/bc/{family}/{code}?operator=site", b"")
    assert_signed(seen)


@pytest.mark.parametrize("name", FAMILIES)
async def test_an_unknown_card_is_refused_in_the_platforms_words(client: Client, name: str) -> None:
    """A code the platform does not know comes back with its number, which the gateway does not know, and its text."""
    with refused(
        Reason.PLATFORM_CODE_UNMAPPED,
        api="bc",
        http_status="400",
        platform_code="103",
        platform_message=f"Bet card with `{UNKNOWN_CODE}` code is not found",
    ):
        await getattr(client.cards, f"Get{name}Card")(requested(f"Get{name}Card", code=UNKNOWN_CODE))


WISH = {"stake": 1000, "win": 5000, "risk": "1.25-4.99"}
NEEDED: dict[str, dict[str, Any]] = {
    "GenerateSmartbet": WISH,
    "GetFinanceDetails": {"price": 1000, "odds": [2]},
}
"""What a request cannot be without besides its code."""


@pytest.mark.parametrize("rpc", [*(f"Get{name}Card" for name in FAMILIES), "PickJackpotBets", "GenerateSmartbet"])
async def test_a_card_without_code_is_not_asked_for(platform: Sandbox, client: Client, rpc: str) -> None:
    """An empty code would be another path, so it is refused by its field's name."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await getattr(client.cards, rpc)(requested(rpc, **NEEDED.get(rpc, {})))

    assert refusal.fields == ["code"]
    assert not len(platform.journal)


@pytest.mark.parametrize("rpc", ["GetFinanceDetails", *(f"List{name}Cards" for name in FAMILIES)])
async def test_an_operator_that_the_platform_does_not_know_is_not_found(platform: Sandbox, rpc: str) -> None:
    """The platform's code 106 is OPERATOR_NOT_FOUND, and the text says which one."""
    ghost = {"ghost": {"secret": SECRET, "platform_url": platform.url}}
    async with client_of(settings_for(platform.url, operators=ghost)) as client:
        with refused(Reason.OPERATOR_NOT_FOUND, platform_code="106", platform_message="Operator ghost was not found"):
            await getattr(client.cards, rpc)(requested(rpc, operator="ghost", **NEEDED.get(rpc, {})))

    assert platform.journal.last.header("operator-name") == "ghost"
    assert "operator=ghost" in platform.journal.last.target


async def test_a_bet_is_picked_for_every_event_of_a_jackpot_card(platform: Sandbox, client: Client) -> None:
    """Picking sends no body, answers one pick an event, and places nothing."""
    code = platform.cards.codes(Family.JACKPOT)[0]

    picked = await client.cards.PickJackpotBets(card.PickJackpotBetsRequest(code=code))

    assert picked.code == code
    assert [pick.id for pick in picked.events] == [event.id for event in platform.cards.events(Family.JACKPOT, code)]
    assert all(pick.bet and pick.odds > 1 for pick in picked.events)
    seen = platform.journal.last
    assert (seen.method, seen.target, seen.body) == ("POST", f"/bc/jackpots/{code}", b"")
    assert seen.header("content-length") == "0"
    assert_signed(seen)
    assert platform.book.tickets() == []


async def test_picks_for_an_unknown_jackpot_card_are_refused(client: Client) -> None:
    """A code the platform does not know comes back with the platform's number."""
    with refused(Reason.PLATFORM_CODE_UNMAPPED, platform_code="103"):
        await client.cards.PickJackpotBets(card.PickJackpotBetsRequest(code=UNKNOWN_CODE))


async def test_a_smartbet_is_generated_from_stake_win_and_risk(platform: Sandbox, client: Client) -> None:
    """The wish travels in the documented order, the selections come back, and nothing is placed."""
    code = platform.cards.codes(Family.SMARTBET)[0]
    wish = card.GenerateSmartbetRequest(code=code, stake=1000, win=5000, risk="1.25-4.99")

    made = await client.cards.GenerateSmartbet(wish)

    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", f"/bc/smartbets/{code}")
    assert seen.body == b'{"stake":1000,"win":5000,"risk":"1.25-4.99"}'
    assert_signed(seen)
    assert_says(made, answer_of(seen))
    assert made.stake == 1000
    assert all(1.25 <= event.bet.odds <= 4.99 for event in made.events)
    assert platform.book.tickets() == []
    assert balance(platform) == 1_000_00


@pytest.mark.parametrize(
    ("changes", "reason", "metadata"),
    [
        ({"risk": "safe"}, Reason.INVALID_REQUEST, {"http_status": "422"}),
        ({"win": 10}, Reason.INVALID_REQUEST, {"http_status": "422"}),
        ({"code": UNKNOWN_CODE}, Reason.PLATFORM_CODE_UNMAPPED, {"platform_code": "103"}),
        ({"risk": "900-999"}, Reason.PLATFORM_CODE_UNMAPPED, {"platform_message": "No bets fit the risk"}),
    ],
)
async def test_a_smartbet_that_cannot_be_generated_is_refused(
    platform: Sandbox, client: Client, changes: dict[str, Any], reason: Reason, metadata: dict[str, str]
) -> None:
    """A wish that is malformed, or that nothing fits, comes back with the platform's reason."""
    wish: dict[str, Any] = {"code": platform.cards.codes(Family.SMARTBET)[0], **WISH, **changes}
    with refused(reason, **metadata):
        await client.cards.GenerateSmartbet(card.GenerateSmartbetRequest(**wish))
