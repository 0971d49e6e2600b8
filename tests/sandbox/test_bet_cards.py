"""What does ``/bc`` answer?"""

from __future__ import annotations

from typing import Any

import pytest

from gateway.sandbox import Family, Sandbox, SandboxOptions, sandbox
from gateway.sandbox.times import DAY
from tests.sandbox.client import Client, code

COMMON = ["code", "title", "description", "sitename", "domain", "preview_img", "operator"]
OPERATOR = [("operator", "site")]

KEYS = {
    "jackpots": ["price", "prize", "bonus_prizes", "closes", "events"],
    "quicktips": ["events"],
    "smartbets": ["risk", "min_price"],
    "quickbets": ["price", "total_odds", "events"],
    "superbets": ["event", "bets"],
}
EVENT = ["starts", "operator_time_starts", "category", "home_team", "away_team"]
BET = ["id", "bet_code", "bet_name", "market_code", "market_name", "line_code", "line_name", "odds", "updated"]


async def test_finance_details_are_the_documented_ones(client: Client) -> None:
    """The platform's sample comes out, keys in their order."""
    answer = await client.get(
        "/bc/calculator/finance-details", [*OPERATOR, ("price", 1000), ("odds", 1.24), ("odds", 2.76)]
    )

    assert answer.text == (
        '{"price":1000,"total_odds":3.42,"stake":889,"ext":12.5,"ext_amount":111,"ext_type":"inclusive",'
        '"wht":20,"wht_amount":430,"gross_payout":3040,"net_payout":2610}'
    )


FINANCE = [("operator", "site"), ("price", "1000"), ("odds", "1.24")]
BAD_FINANCE = [
    [("price", "1000"), ("odds", "1.24")],
    [("operator", "site"), ("odds", "1.24")],
    [("operator", "site"), ("price", "1000")],
    *(
        [("operator", "site"), ("price", price), ("odds", "1.24")]
        for price in ["", "0", "-1", "1.5", "1e3", "x", "\u0661", "1_0", "9" * 13]
    ),
    *(
        [("operator", "site"), ("price", "1000"), ("odds", odds)]
        for odds in ["", "0", "0.99", "-2", "nan", "inf", "1,24", "1e2", "x", "9" * 8]
    ),
    [*FINANCE, ("price", "1000")],
    [*FINANCE, ("stake", "1000")],
    [("operator", "acme"), *FINANCE[1:]],
]


@pytest.mark.parametrize("query", BAD_FINANCE)
async def test_garbage_in_finance_details_is_422(client: Client, query: list[tuple[str, str]]) -> None:
    """A query that is missing something, or has garbage in it, is 422 without a platform code."""
    answer = await client.get("/bc/calculator/finance-details", query)

    assert answer.status_code == 422
    assert "code" not in answer.json()


async def test_finance_details_of_an_unknown_operator_are_106(client: Client) -> None:
    """The documented answer to an operator in the query that does not exist."""
    answer = await client.get("/bc/calculator/finance-details", [("operator", "wrong-name"), *FINANCE[1:]])

    assert answer.status_code == 400
    assert answer.json() == {"code": 106, "message": "Operator wrong-name was not found"}


@pytest.mark.parametrize("family", list(KEYS))
async def test_cards_have_the_documented_keys(client: Client, family: str) -> None:
    """Each family lists several cards, as a bare array, keys in their order."""
    cards = (await client.get(f"/bc/{family}", OPERATOR)).json()

    assert len(cards) >= 2
    for card in cards:
        assert list(card) == COMMON + KEYS[family]
        assert card["operator"] == "site"
    assert len({card["code"] for card in cards}) == len(cards)


@pytest.mark.parametrize("family", list(KEYS))
async def test_a_card_can_be_had_by_its_code(client: Client, family: str) -> None:
    """One card by its code is the one of the list."""
    for card in (await client.get(f"/bc/{family}", OPERATOR)).json():
        assert (await client.get(f"/bc/{family}/{card['code']}", OPERATOR)).json() == card


@pytest.mark.parametrize("family", list(KEYS))
async def test_an_unknown_card_is_400(client: Client, platform: Sandbox, family: str) -> None:
    """A code that no card of this family has is a platform error."""
    other = platform.cards.codes(Family.JACKPOT if family != "jackpots" else Family.QUICKTIP)[0]

    for unknown in ("F2964Z", "a%2Fb", other):
        assert code(await client.get(f"/bc/{family}/{unknown}", OPERATOR)) == 103
    assert (await client.get(f"/bc/{family}/a%2Fb", OPERATOR)).json()[
        "message"
    ] == "Bet card with `a/b` code is not found"


@pytest.mark.parametrize("family", list(KEYS))
async def test_a_card_list_needs_its_operator(client: Client, family: str) -> None:
    """Without the operator in the query it is 422."""
    assert (await client.get(f"/bc/{family}")).status_code == 422


async def test_events_and_bets_have_the_documented_keys(client: Client) -> None:
    """An event with its bets, and the bet in it, are those of the platform's sample."""
    quicktip = (await client.get("/bc/quicktips", OPERATOR)).json()[0]
    quickbet = (await client.get("/bc/quickbets", OPERATOR)).json()[0]

    for event in quicktip["events"]:
        assert list(event) == [*EVENT, "bets", "id"]
        assert all(list(bet) == BET for bet in event["bets"])
    for event in quickbet["events"]:
        assert list(event) == [*EVENT, "bet", "id"]
        assert list(event["bet"]) == BET
        assert list(event["home_team"]) == ["slug", "name", "id"]


async def test_kick_offs_are_ahead_and_in_two_zones(client: Client) -> None:
    """Matches begin after today, spelled in UTC and three hours later in the operator's own time."""
    event = (await client.get("/bc/quicktips", OPERATOR)).json()[0]["events"][0]

    assert event["starts"] > "2024-07-17"
    assert event["starts"].endswith(":00:00.000000")
    assert int(event["operator_time_starts"][11:13]) == int(event["starts"][11:13]) + 3


async def test_names_are_hard_to_handle(platform: Sandbox) -> None:
    """Today's teams have apostrophes, slashes and letters beyond ASCII."""
    names = {team.name for event in platform.cards.fixtures.today() for team in (event.home, event.away)}

    assert {"JaPS/47", "Murang'a SEAL", "Śląsk Wrocław", "浦和レッズ"} <= names


async def test_slugs_are_plain(platform: Sandbox) -> None:
    """A slug is lower-case ASCII."""
    slugs = {team.slug for event in platform.cards.fixtures.today() for team in (event.home, event.away)}

    assert {"japs-47", "murang-a-seal", "slask-wroclaw"} <= slugs
    assert all(slug.isascii() and slug == slug.lower() and slug for slug in slugs)


async def test_another_seed_is_another_world(platform: Sandbox, options: SandboxOptions) -> None:
    """The same seed gives the same cards, another one others."""
    cards = platform.cards.cards(Family.QUICKTIP, "site")

    async with sandbox(options) as same:
        assert same.cards.cards(Family.QUICKTIP, "site") == cards
    async with sandbox(SandboxOptions(listen="127.0.0.1:0", clock=options.clock, seed=1)) as other:
        assert other.cards.cards(Family.QUICKTIP, "site") != cards


async def test_matches_are_known_for_two_days(client: Client, platform: Sandbox) -> None:
    """A card read before midnight is good for a ticket after it, but not for ever."""
    event = platform.cards.fixtures.today()[0]

    client.clock.now += DAY
    assert event not in platform.cards.fixtures.today()
    assert platform.cards.fixtures.find(event.id) == event

    client.clock.now += DAY
    assert platform.cards.fixtures.find(event.id) is None


@pytest.mark.parametrize(
    ("risk", "win"), [("1.25-4.99", 5_000), ("1.25-4.99", 100_000), ("1.25-1.99", 3_000), ("2.00-4.99", 25_000)]
)
async def test_a_smartbet_aims_at_the_win(client: Client, platform: Sandbox, risk: str, win: int) -> None:
    """The selections are within the risk, and their odds come near to win / stake."""
    card = platform.cards.codes(Family.SMARTBET)[0]

    smartbet = (await client.post(f"/bc/smartbets/{card}", {"stake": 1000, "win": win, "risk": risk})).json()

    assert list(smartbet) == [
        "price",
        "stake",
        "total_odds",
        "ext",
        "ext_amount",
        "wht",
        "wht_amount",
        "gross_payout",
        "net_payout",
        "risk",
        "events",
    ]
    low, high = map(float, risk.split("-"))
    assert smartbet["stake"] == 1000
    assert smartbet["price"] == 1125
    assert smartbet["risk"] == risk
    assert all(low <= event["bet"]["odds"] <= high for event in smartbet["events"])
    assert smartbet["total_odds"] == pytest.approx(win / 1000, rel=0.25)


BAD_SMARTBETS: list[dict[str, Any]] = [
    {"stake": 0, "win": 5000, "risk": "1.25-4.99"},
    {"stake": 1000, "win": 1000, "risk": "1.25-4.99"},
    {"stake": 1000.0, "win": 5000, "risk": "1.25-4.99"},
    {"stake": True, "win": 5000, "risk": "1.25-4.99"},
    {"stake": "1000", "win": 5000, "risk": "1.25-4.99"},
    *({"stake": 1000, "win": 5000, "risk": risk} for risk in ["", "low", "1.25", "4.99-1.25", "0.5-2", "-2-4", None]),
]


@pytest.mark.parametrize("body", BAD_SMARTBETS)
async def test_garbage_in_a_smartbet_is_422(client: Client, platform: Sandbox, body: dict[str, Any]) -> None:
    """What cannot be understood is 422."""
    card = platform.cards.codes(Family.SMARTBET)[0]

    assert (await client.post(f"/bc/smartbets/{card}", body)).status_code == 422


async def test_a_smartbet_can_be_impossible(client: Client, platform: Sandbox) -> None:
    """A card that is not there, or a risk that no bet fits, is a platform error."""
    card = platform.cards.codes(Family.SMARTBET)[0]
    wanted = {"stake": 1000, "win": 5000, "risk": "900-999"}

    assert code(await client.post(f"/bc/smartbets/{card}", wanted)) == 115
    assert code(await client.post("/bc/smartbets/F2964Z", wanted)) == 103


async def test_a_jackpot_pick_has_a_bet_for_every_event(client: Client, platform: Sandbox) -> None:
    """A pick names the events of the card in their order, at the odds of now, and is another one each time."""
    jackpot = platform.cards.codes(Family.JACKPOT)[0]
    card = (await client.get(f"/bc/jackpots/{jackpot}", OPERATOR)).json()

    picks = [(await client.post(f"/bc/jackpots/{jackpot}")).json() for _ in range(2)]

    for pick in picks:
        assert list(pick) == ["code", "events"]
        assert pick["code"] == jackpot
        assert [event["id"] for event in pick["events"]] == [event["id"] for event in card["events"]]
        for chosen, event in zip(pick["events"], card["events"], strict=True):
            assert list(chosen) == ["id", "bet", "odds"]
            assert (chosen["bet"], chosen["odds"]) in [(bet["id"], bet["odds"]) for bet in event["bets"]]
    assert picks[0] != picks[1]


async def test_a_jackpot_pick_takes_no_body(client: Client, platform: Sandbox) -> None:
    """A body where none is expected is 422; an unknown card is a platform error."""
    jackpot = platform.cards.codes(Family.JACKPOT)[0]

    assert (await client.post(f"/bc/jackpots/{jackpot}", {})).status_code == 422
    assert code(await client.post("/bc/jackpots/F2964Z")) == 103
