"""What does ``/be`` answer?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.sandbox import Result, Sandbox
from tests.sandbox.client import Client, code, order

TYPES = ["superbet", "quicktip", "jackpot", "quickbet", "smartbet"]
TICKET = [
    *("id", "code", "psp", "price", "stake", "currency", "gross_payout", "net_payout", "wht_amount", "wht"),
    *("ext_amount", "ext", "ext_type", "status", "result", "approved", "source", "type", "atag", "rtag"),
    *("aff_instant_comm_amt", "aff_instant_comm_pct", "user_id", "created", "operator_time_created"),
    *("updated", "operator_time_updated"),
]
EVENT = ["id", "starts", "operator_time_starts", "sport", "category", "league", "home_team", "away_team"]
BET = ["market", "bet", "line"]


@pytest.mark.parametrize(("path", "status"), [("/be/tickets", "open"), ("/be/tickets/reserve", "reserved")])
@pytest.mark.parametrize("kind", TYPES)
async def test_every_type_can_be_created_and_reserved(
    client: Client, platform: Sandbox, path: str, status: str, kind: str
) -> None:
    """A ticket has exactly the documented keys in their order, and says what the order said."""
    sent = order(platform, kind)

    answer = await client.post(path, sent)

    ticket = answer.json()
    assert answer.status_code == 200
    assert list(ticket) == TICKET + (["event", "bets"] if kind == "superbet" else ["events", "odds"])
    assert (ticket["status"], ticket["result"], ticket["approved"]) == (status, "pending", status == "open")
    for name in ("price", "currency", "psp", "atag", "rtag", "source", "type"):
        assert ticket[name] == sent[name]
    assert ticket["user_id"] == platform.wallet.player_of("demo").id
    assert re.fullmatch(r"[0-9a-f]{24}", ticket["id"])
    assert re.fullmatch(r"[0-9A-F]{6}", ticket["code"])


async def test_times_are_spelled_in_two_zones(client: Client, platform: Sandbox) -> None:
    """Created and updated are UTC without a zone, and the operator's own time next to them."""
    ticket = (await client.post("/be/tickets", order(platform))).json()

    assert ticket["created"] == ticket["updated"] == "2024-07-16T12:00:00.000000"
    assert ticket["operator_time_created"] == ticket["operator_time_updated"] == "2024-07-16T15:00:00.000000"


async def test_amounts_are_the_calculators(client: Client, platform: Sandbox) -> None:
    """The amounts of a ticket are those of the finance details for its odds."""
    sent = order(platform)
    query = [("operator", "site"), ("price", 2000), *(("odds", each["odds"]) for each in sent["events"])]
    details = (await client.get("/bc/calculator/finance-details", query)).json()

    ticket = (await client.post("/be/tickets", sent)).json()

    assert ticket["odds"] == details.pop("total_odds")
    assert details.items() <= ticket.items()


async def test_an_event_of_a_ticket_has_the_documented_keys(client: Client, platform: Sandbox) -> None:
    """Its parts have an id or a code, and a name."""
    sent = order(platform)
    event = (await client.post("/be/tickets", sent)).json()["events"][0]

    assert list(event) == EVENT + BET
    assert event["id"] == sent["events"][0]["id"]
    for name in EVENT[3:]:
        assert list(event[name]) == ["id", "name"]
    for name in BET:
        assert list(event[name]) == ["code", "name"]
    assert event["bet"] == {"code": "1", "name": "Home"}
    assert event["line"] == {"code": None, "name": None}


async def test_a_superbet_has_one_event_and_its_bets(client: Client, platform: Sandbox) -> None:
    """A superbet says its event once, and the bets by id."""
    sent = order(platform, "superbet")

    ticket = (await client.post("/be/tickets", sent)).json()

    assert list(ticket["event"]) == EVENT
    assert ticket["event"]["id"] == sent["event"]
    assert [bet["id"] for bet in ticket["bets"]] == sent["bets"]
    assert all(list(bet) == ["id", *BET] for bet in ticket["bets"])


@pytest.mark.parametrize("tag", [None, "", "affiliate 1", 'Łódź/47\'s "tag"', "a" * 500])
@pytest.mark.parametrize("field", ["psp", "atag", "rtag"])
async def test_tags_come_back_as_sent(client: Client, platform: Sandbox, field: str, tag: str | None) -> None:
    """Whatever a tag is, it is not touched."""
    ticket = (await client.post("/be/tickets", order(platform, **{field: tag}))).json()

    assert ticket[field] == tag
    assert (await client.get(f"/be/tickets/{ticket['id']}")).json() == ticket


@pytest.mark.parametrize("by", ["id", "code"])
async def test_a_ticket_can_be_had_by_id_and_by_code(client: Client, platform: Sandbox, by: str) -> None:
    """Both identify a ticket, for its own operator only."""
    ticket = (await client.post("/be/tickets", order(platform))).json()

    assert (await client.get(f"/be/tickets/{ticket[by]}")).json() == ticket

    client.operator, client.secret = "acme", "another key"
    assert code(await client.get(f"/be/tickets/{ticket[by]}")) == 102


@pytest.mark.parametrize("identifier", ["668ef666333180bba97f0c93", "ABCDEF", "a/b", "ü", "reserve"])
async def test_an_unknown_ticket_is_102(client: Client, identifier: str) -> None:
    """The message names the identifier."""
    quoted = identifier.replace("/", "%2F")

    answer = await client.get(f"/be/tickets/{quoted}")

    assert code(answer) == 102
    assert answer.json()["message"] == f"Ticket with `{identifier}` identifier is not found"


async def test_a_reserved_ticket_is_paid_once(client: Client, platform: Sandbox) -> None:
    """Paying opens it and takes the money; paying again is 117."""
    ada = platform.wallet.player_of("ada-token").id
    reserved = (await client.post("/be/tickets/reserve", order(platform, token="ada-token"))).json()
    assert platform.wallet.balance(ada) == 100_000

    client.clock.now += 60
    paid = await client.post(f"/be/tickets/{reserved['code']}/paid")
    again = await client.post(f"/be/tickets/{reserved['code']}/paid")

    later = {"updated": "2024-07-16T12:01:00.000000", "operator_time_updated": "2024-07-16T15:01:00.000000"}
    assert paid.json() == reserved | {"status": "open", "approved": True} | later
    assert again.status_code == 400
    assert again.json() == {
        "code": 117,
        "message": "Ticket has to have `reserved` status in order to do this action",
    }
    assert platform.wallet.balance(ada) == 98_000


async def test_only_what_is_reserved_can_be_paid(client: Client, platform: Sandbox) -> None:
    """A ticket that was never reserved is 117, one that does not exist 102, a body 422."""
    ticket = (await client.post("/be/tickets", order(platform))).json()

    assert code(await client.post(f"/be/tickets/{ticket['id']}/paid")) == 117
    assert code(await client.post("/be/tickets/ABCDEF/paid")) == 102
    assert (await client.post(f"/be/tickets/{ticket['id']}/paid", {})).status_code == 422


async def test_who_cannot_pay_does_not_bet(client: Client, platform: Sandbox) -> None:
    """Without the money a ticket is not created, and a reserved one stays reserved."""
    assert code(await client.post("/be/tickets", order(platform, token="poor-token"))) == 113
    assert platform.book.tickets() == []

    reserved = (await client.post("/be/tickets/reserve", order(platform, token="poor-token"))).json()
    assert code(await client.post(f"/be/tickets/{reserved['id']}/paid")) == 113
    assert (await client.get(f"/be/tickets/{reserved['id']}")).json()["status"] == "reserved"


@pytest.mark.parametrize("token", ["nobody", "blocked"])
async def test_an_unknown_player_is_101(client: Client, platform: Sandbox, token: str) -> None:
    """So is a blocked one at create, where 403 is not among the documented answers."""
    answer = await client.post("/be/tickets", order(platform, token=token))

    assert answer.status_code == 400
    assert answer.json() == {"code": 101, "message": "User not found"}


async def test_a_player_who_was_blocked_cannot_pay_or_list(client: Client, platform: Sandbox) -> None:
    """Where 403 is documented, it is what a blocked player gets; nobody else notices."""
    reserved = (await client.post("/be/tickets/reserve", order(platform))).json()
    platform.wallet.block(reserved["user_id"])

    assert (await client.post(f"/be/tickets/{reserved['id']}/paid")).status_code == 403
    assert (await client.get("/be/tickets", [("user_id", reserved["user_id"])])).status_code == 403
    assert (await client.get("/be/tickets")).status_code == 200


SELECTION: dict[str, Any] = {"id": 1, "bet": 1, "odds": 1.5}
# A type, a field of it, and values that the field cannot have.
BAD: list[tuple[str, str, list[Any]]] = [
    ("quicktip", "price", [0, -1, 2000.0, 20.5, "2000", True, None, 10**13]),
    ("quicktip", "currency", ["", "KE", "KESH", "kes", "KES\n", "USD", 404, None]),
    ("quicktip", "source", ["", "MOBILE", "web", None, 1]),
    ("quicktip", "type", ["", "Quicktip", "combo", None, 1]),
    ("quicktip", "token", ["", None, 1]),
    ("quicktip", "operator", ["", None, 1]),
    ("quicktip", "atag", [1, True, ["a"], {}]),
    ("quicktip", "odds_diff", [-0.1, "0", None, True]),
    ("quicktip", "events", [[], None, {}, "", [1], [None], [SELECTION, SELECTION]]),
    ("quicktip", "events", [[SELECTION | bad] for bad in ({"id": "1"}, {"bet": 1.0}, {"odds": 0.5}, {"odds": "2"})]),
    ("superbet", "event", [None, "1", 1.0, -1]),
    ("superbet", "bets", [[], None, [None], ["101"], [101, 101], 101]),
    ("quickbet", "betcard_code", [None, "", 1]),
    ("jackpot", "prize", [None, -1, 1.0, "1"]),
    ("jackpot", "bonus_prizes", [None, [None], [1.0], 1]),
]


@pytest.mark.parametrize(
    ("kind", "field", "value"), [(kind, field, value) for kind, field, values in BAD for value in values]
)
async def test_one_bad_field_is_422(client: Client, platform: Sandbox, kind: str, field: str, value: object) -> None:
    """A field of the wrong type or out of bounds is 422 without a platform code, and nothing happens."""
    answer = await client.post("/be/tickets", order(platform, kind, **{field: value}))

    assert answer.status_code == 422, answer.text
    assert "code" not in answer.json()
    assert platform.book.tickets() == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"a"', b"\xff", b'{"a":1,"a":1}', b'{"price":NaN}', b"[" * 100_000]
)
async def test_a_body_that_is_no_json_object_is_422(client: Client, body: bytes) -> None:
    """So is a body that cannot be read at all, if it is signed."""
    answer = await client.http.post("/be/tickets", content=body, headers=client.headers(body))

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("moved", "accepted", "taken"),
    [(0.0, 0, True), (0.01, 0, False), (0.1, 0.1, True), (0.11, 0.1, False), (-0.1, 0.1, True), (-0.11, 0.1, False)],
)
async def test_odds_may_move_as_far_as_the_player_accepts(
    client: Client, platform: Sandbox, moved: float, accepted: float, taken: bool
) -> None:
    """Beyond `odds_diff` the ticket is refused; within it the odds of now count."""
    sent = order(platform, odds_diff=accepted)
    first = sent["events"][0]
    now = round(first["odds"] + moved, 2)
    platform.cards.change_odds(first["id"], first["bet"], now)

    answer = await client.post("/be/tickets", sent)

    if taken:
        odds = [now] + [each["odds"] for each in sent["events"][1:]]
        assert answer.json()["odds"] == pytest.approx(odds[0] * odds[1] * odds[2], abs=0.0051)
    else:
        assert code(answer) == 112
        assert answer.json()["message"] == "Ticket odds changed"
        assert platform.book.tickets() == []


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("quicktip", {"events": [{"id": 1, "bet": 1, "odds": 1.5}]}, 114),
        ("superbet", {"event": 1}, 114),
        ("superbet", {"bets": [1]}, 114),
        ("quickbet", {"betcard_code": "F2964Z"}, 103),
        ("smartbet", {"betcard_code": "F2964Z"}, 103),
        ("jackpot", {"betcard_code": "F2964Z"}, 103),
    ],
)
async def test_what_is_not_offered_cannot_be_bet_on(
    client: Client, platform: Sandbox, kind: str, change: Mapping[str, Any], expected: int
) -> None:
    """An unknown event, bet or card is a platform error."""
    assert code(await client.post("/be/tickets", order(platform, kind, **change))) == expected


async def test_a_special_bet_is_for_superbets(client: Client, platform: Sandbox) -> None:
    """A bet that makes a superbet is none for a quicktip."""
    event = platform.cards.fixtures.today()[0]
    special = [{"id": event.id, "bet": 101, "odds": event.special(101).odds}]

    assert code(await client.post("/be/tickets", order(platform, events=special))) == 114


async def _one_of_each(client: Client, platform: Sandbox) -> list[dict[str, Any]]:
    tickets = []
    for kind in TYPES:
        client.clock.now += 1
        token = "ada-token" if kind == "jackpot" else "demo"
        tickets.append((await client.post("/be/tickets", order(platform, kind, token=token))).json())
    return tickets


async def test_the_list_is_newest_first(client: Client, platform: Sandbox) -> None:
    """A bare array of whole tickets."""
    created = await _one_of_each(client, platform)

    assert (await client.get("/be/tickets")).json() == created[::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ([("limit", "2")], ["smartbet", "quickbet"]),
        ([("skip_types", "superbet"), ("skip_types", "jackpot")], ["smartbet", "quickbet", "quicktip"]),
        ([("skip_types", "smartbet"), ("limit", "1")], ["quickbet"]),
        ([("skip_types", kind) for kind in TYPES], []),
        ([("user_id", "ada")], ["jackpot"]),
        ([("user_id", "demo"), ("limit", "1")], ["smartbet"]),
        ([("user_id", "nobody")], []),
    ],
)
async def test_the_list_can_be_narrowed(
    client: Client, platform: Sandbox, query: list[tuple[str, str]], expected: list[str]
) -> None:
    """By number, player and type."""
    await _one_of_each(client, platform)
    players = {"demo": platform.wallet.player_of("demo").id, "ada": platform.wallet.player_of("ada-token").id}

    listed = await client.get("/be/tickets", [(name, players.get(value, value)) for name, value in query])

    assert [ticket["type"] for ticket in listed.json()] == expected


async def test_the_list_has_ten_unless_told_otherwise(client: Client, platform: Sandbox) -> None:
    """The default limit is 10."""
    for _ in range(12):
        await client.post("/be/tickets", order(platform, price=100))

    assert len((await client.get("/be/tickets")).json()) == 10
    assert len((await client.get("/be/tickets", [("limit", 12)])).json()) == 12


async def test_the_list_is_the_operators_own(client: Client, platform: Sandbox) -> None:
    """Another operator does not see it."""
    await client.post("/be/tickets", order(platform))

    client.operator, client.secret = "acme", "another key"

    assert (await client.get("/be/tickets")).json() == []


@pytest.mark.parametrize(
    "query",
    [
        *([("limit", limit)] for limit in ["", "0", "-1", "1.5", "x", "1001"]),
        [("limit", "1"), ("limit", "2")],
        [("skip_types", "combo")],
        [("skip_types", "")],
        [("skip_type", "superbet")],
        [("operator", "site")],
    ],
)
async def test_garbage_in_the_list_is_422(client: Client, query: list[tuple[str, str]]) -> None:
    """A bad limit, a type that is none, and a parameter that is not documented."""
    assert (await client.get("/be/tickets", query)).status_code == 422


async def test_tickets_at_the_same_time_do_not_collide(client: Client, platform: Sandbox) -> None:
    """Fifty callers get fifty tickets, and pay for each once."""
    demo = platform.wallet.player_of("demo").id

    answers = await asyncio.gather(
        *(client.post("/be/tickets", order(platform, price=2_500)) for _ in range(50)),
    )

    taken = [answer.json() for answer in answers if answer.status_code == 200]
    assert len({ticket["id"] for ticket in taken}) == len({ticket["code"] for ticket in taken}) == 40
    assert {code(answer) for answer in answers if answer.status_code != 200} == {113}
    assert platform.wallet.balance(demo) == 0
    assert platform.wallet.total() == 0


async def test_a_result_shows_in_the_ticket(client: Client, platform: Sandbox) -> None:
    """What the book decides is what a caller reads."""
    ticket = (await client.post("/be/tickets", order(platform))).json()
    platform.book.calculate(ticket["id"])
    platform.book.result(ticket["id"], Result.WON)

    read = (await client.get(f"/be/tickets/{ticket['id']}")).json()

    assert (read["status"], read["result"]) == ("resulted", "won")
