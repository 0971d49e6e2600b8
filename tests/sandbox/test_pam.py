"""What does an operator's player account system do?"""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sandbox import Sandbox
from tests.sandbox.client import AMOUNTS, Client, account_ticket, code, compact

TICKET = "668ef666333180bba97f0c93"
PRICE, NET_PAYOUT = 500, 2602
OPENING = 100_000

DATA: dict[str, dict[str, object]] = {
    "ticket_create": account_ticket(),
    "ticket_reserve": {
        **dict(list(account_ticket().items())[:3]),
        "psp": "mobile",
        **dict(list(account_ticket().items())[3:]),
    },
    "ticket_closed": {"ticket_id": TICKET},
    "ticket_refund": {"ticket_id": TICKET, "reason": "declined"},
    "ticket_win": {"ticket_id": TICKET},
    "ticket_lost": {"ticket_id": TICKET},
    "ticket_void": {"ticket_id": TICKET, **AMOUNTS},
    "ticket_discard": {"ticket_id": TICKET, "reason": "no answer"},
    "ticket_rollback": {"ticket_id": TICKET, "reason": "a mistake"},
}


async def _do(client: Client, action: str) -> httpx.Response:
    return await client.pam(f"ticket_{action}", **DATA[f"ticket_{action}"])


async def _all(client: Client, actions: str) -> None:
    for action in actions.split():
        answer = await _do(client, action)
        assert (answer.status_code, answer.content) == (200, b""), (action, answer.text)


def _balance(platform: Sandbox) -> int:
    return platform.wallet.balance(platform.wallet.player_of("demo").id)


async def test_ping_needs_no_signature(client: Client) -> None:
    """The one action that is not signed, whatever its data is."""
    for data in ({"operator": "site"}, {}, None):
        answer = await client.http.post("/pam", content=compact({"action": "ping", "data": data}))
        assert (answer.status_code, answer.content) == (200, b"")


async def test_a_token_is_identified(client: Client, platform: Sandbox) -> None:
    """The documented keys, in their order, with the balance in cents."""
    answer = await client.pam("identify", token="demo")

    assert list(answer.json()) == ["player_id", "lang", "balance", "currency", "feature_flags"]
    assert answer.json() == {
        "player_id": platform.wallet.player_of("demo").id,
        "lang": "en",
        "balance": OPENING,
        "currency": "KES",
        "feature_flags": {"cashout": True, "bonus": False},
    }


async def test_an_unknown_token_is_not_found(client: Client) -> None:
    """The documented code 101."""
    answer = await client.pam("identify", token="nobody")

    assert answer.status_code == 400
    assert answer.json() == {"code": 101, "message": "User not found"}


async def test_a_blocked_player_is_403(client: Client) -> None:
    """The other documented refusal."""
    assert (await client.pam("identify", token="blocked")).status_code == 403


LIVES = [
    # what is done, and what the player has won or lost by then
    ("create", -PRICE),
    ("reserve", -PRICE),
    ("reserve create", -PRICE),
    ("create win", NET_PAYOUT - PRICE),
    ("create lost", -PRICE),
    ("create void", 0),
    ("create refund", 0),
    ("create discard", 0),
    ("reserve discard", 0),
    ("create win closed", NET_PAYOUT - PRICE),
    ("create refund closed", 0),
    ("create win rollback", -PRICE),
    ("create void rollback", -PRICE),
    ("create lost rollback", -PRICE),
    ("create win rollback win", NET_PAYOUT - PRICE),
    ("create win rollback lost rollback void", 0),
    ("create void rollback win rollback win rollback lost closed", -PRICE),
    ("discard", 0),
]


@pytest.mark.parametrize(("actions", "won"), LIVES)
async def test_actions_move_money(client: Client, platform: Sandbox, actions: str, won: int) -> None:
    """Each action answers 200 without a body and moves what it means."""
    await _all(client, actions)

    assert _balance(platform) == OPENING + won
    assert platform.wallet.total() == 0


@pytest.mark.parametrize(("actions", "won"), LIVES)
async def test_a_repeated_action_moves_nothing(client: Client, platform: Sandbox, actions: str, won: int) -> None:
    """Sent twice or three times, an action counts once."""
    for action in actions.split():
        for _ in range(3):
            assert (await _do(client, action)).status_code == 200

    assert _balance(platform) == OPENING + won


@pytest.mark.parametrize("action", ["create", "win"])
async def test_an_action_repeated_late_moves_nothing(client: Client, platform: Sandbox, action: str) -> None:
    """Neither does it after the ticket was closed."""
    await _all(client, "create win closed")

    assert (await _do(client, action)).status_code == 200
    assert _balance(platform) == OPENING + NET_PAYOUT - PRICE


async def test_operators_do_not_share_tickets(client: Client, platform: Sandbox) -> None:
    """The same ticket id of another operator is another ticket."""
    await _all(client, "create")
    client.operator, client.secret = "acme", "another key"

    assert code(await _do(client, "win")) == 102
    await _all(client, "create")
    assert _balance(platform) == OPENING - 2 * PRICE


@pytest.mark.parametrize("action", ["win", "lost", "void", "refund", "rollback", "closed"])
async def test_an_action_on_an_unknown_ticket_is_102(client: Client, action: str) -> None:
    """Only a discard may name a ticket that was never seen."""
    answer = await _do(client, action)

    assert code(answer) == 102
    assert answer.json()["message"] == f"Ticket with `{TICKET}` identifier is not found"


@pytest.mark.parametrize("action", ["create", "reserve"])
async def test_a_discard_that_comes_first_keeps_the_money(client: Client, platform: Sandbox, action: str) -> None:
    """A create that was overtaken by its discard is refused for ever."""
    await _all(client, "discard")

    for _ in range(2):
        assert code(await _do(client, action)) == 118
    await _all(client, "discard")
    assert _balance(platform) == OPENING
    assert platform.wallet.entries(TICKET) == []


async def test_a_discarded_ticket_does_not_come_back(client: Client, platform: Sandbox) -> None:
    """A create repeated after the discard does not take the money again."""
    await _all(client, "create discard")

    assert code(await _do(client, "create")) == 118
    assert _balance(platform) == OPENING


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ("create", "rollback"),
        ("create", "closed"),
        ("create win", "lost"),
        ("create win", "void"),
        ("create win", "refund"),
        ("create win", "discard"),
        ("create refund", "win"),
        ("create refund", "rollback"),
        ("create discard", "win"),
        ("create win closed", "rollback"),
        ("discard", "win"),
    ],
)
async def test_an_action_that_does_not_fit_is_refused(
    client: Client, platform: Sandbox, before: str, action: str
) -> None:
    """It is a platform error, and nothing moves."""
    await _all(client, before)
    balance = _balance(platform)

    assert code(await _do(client, action)) == 116
    assert _balance(platform) == balance


async def test_a_player_can_be_named_by_id_or_token(client: Client, platform: Sandbox) -> None:
    """The id that `identify` gave, or the token, as in the platform's own sample."""
    player = platform.wallet.player_of("demo").id

    assert (await client.pam("ticket_create", **account_ticket("one", player))).status_code == 200
    assert (await client.pam("ticket_create", **account_ticket("two", "demo"))).status_code == 200
    assert code(await client.pam("ticket_create", **account_ticket("three", "nobody"))) == 101
    assert _balance(platform) == OPENING - 2 * PRICE


@pytest.mark.parametrize("action", ["create", "reserve"])
async def test_who_cannot_pay_is_told_so(client: Client, platform: Sandbox, action: str) -> None:
    """Not enough money is a platform error, and the ticket is not known afterwards."""
    name = f"ticket_{action}"

    assert code(await client.pam(name, **(DATA[name] | {"player_id": "poor-token"}))) == 113
    assert platform.accounts.find("site", TICKET) is None


async def test_a_jackpot_ticket_can_be_updated(client: Client, platform: Sandbox) -> None:
    """New amounts count from then on; other tickets are not updated."""
    jackpot = DATA["ticket_reserve"] | {"ticket_type": "jackpot"}
    await client.pam("ticket_reserve", **jackpot)

    assert (await client.pam("ticket_update", **(jackpot | {"net_payout": 9_000}))).status_code == 200
    assert (await client.pam("ticket_update", **DATA["ticket_reserve"])).status_code == 422
    await _all(client, "win")

    assert _balance(platform) == OPENING - PRICE + 9_000
    assert code(await client.pam("ticket_update", **jackpot)) == 116
    assert code(await client.pam("ticket_update", **(jackpot | {"ticket_id": "other"}))) == 102


async def test_an_unknown_action_is_100(client: Client) -> None:
    """The platform's words for it."""
    answer = await client.pam("ticket_cashout", ticket_id=TICKET)

    assert answer.status_code == 400
    assert answer.json() == {"code": 100, "message": "ticket_cashout feature not implemented yet"}


BAD: list[tuple[str, dict[str, Any]]] = [
    *(("ticket_create", {"price": price}) for price in [0, -1, 500.0, "500", None, True]),
    *(("ticket_create", {"stake": stake}) for stake in [-1, 444.0, None]),
    *(("ticket_create", {"wht": rate}) for rate in [-1, 101, "10", None]),
    *(("ticket_create", {"ext_type": kind}) for kind in ["", "Inclusive", None]),
    *(("ticket_create", {"currency": currency}) for currency in ["", "kes", "USD", None]),
    *(("ticket_create", {"ticket_type": kind}) for kind in ["", "combo", None]),
    *(("ticket_create", {"player_id": player}) for player in ["", None, 1]),
    ("ticket_win", {"ticket_id": ""}),
    ("ticket_refund", {"reason": None}),
    ("ticket_void", {"net_payout": 1.5}),
]


@pytest.mark.parametrize(("action", "change"), BAD, ids=[f"{action} {change}" for action, change in BAD])
async def test_one_bad_field_is_422(client: Client, platform: Sandbox, action: str, change: dict[str, Any]) -> None:
    """A field of the wrong type or out of bounds is 422, and nothing moves."""
    assert (await client.pam(action, **(DATA[action] | change))).status_code == 422
    assert _balance(platform) == OPENING


@pytest.mark.parametrize(
    "body",
    [
        {"action": "ticket_win"},
        {"action": "ticket_win", "data": None},
        {"action": "ticket_win", "data": {"operator": 1}},
        [],
    ],
)
async def test_a_body_without_an_operator_is_422(client: Client, body: object) -> None:
    """Without an operator there is no key to check a signature with."""
    assert (await client.post("/pam", body)).status_code == 422


async def test_an_action_that_is_no_string_is_422(client: Client) -> None:
    """It cannot even be called unknown."""
    assert (await client.post("/pam", {"action": 1, "data": {"operator": "site"}})).status_code == 422


async def test_numbers_may_be_spelled_either_way(client: Client) -> None:
    """A rate of 10.0 is signed and read as well as one of 10."""
    assert (await client.pam("ticket_create", **(account_ticket() | {"wht": 10.0}))).status_code == 200
