"""What does an operator hear of its tickets, and what becomes of them if it does not answer as it should?"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from gateway.sandbox import Result, Sandbox, SandboxOptions, Status, Ticket, WebhookTargets, sandbox, webhook_bodies
from gateway.sandbox.calculator import Finance
from gateway.sandbox.webhook_bodies import msisdn
from gateway.wire.signing import sign
from tests.sandbox.client import NOON, Client, Clock, code, order, plain_http
from tests.sandbox.receiver import PLAYER, Receiver, refused

HALF_AN_HOUR = 1_800
DAY = 86_400
SILENCE = 120


@pytest.fixture
def options(options: SandboxOptions, operator: Receiver) -> SandboxOptions:
    """Set up a sandbox that calls the operator `site` back."""
    return replace(options, webhooks={"site": operator.targets()})


async def _make(client: Client, platform: Sandbox, beginning: str = "create", kind: str = "quicktip") -> Ticket:
    path = "/be/tickets" if beginning == "create" else "/be/tickets/reserve"
    answer = await client.post(path, order(platform, kind))
    assert answer.status_code == 200, answer.text
    return platform.book.get(answer.json()["id"])


def _decide(platform: Sandbox, ticket: Ticket, result: Result = Result.WON) -> None:
    platform.book.calculate(ticket.id)
    platform.book.result(ticket.id, result)


def _moved(platform: Sandbox) -> set[str]:
    """Return why money moved in the sandbox's own wallet."""
    return {entry.reason for entry in platform.wallet.entries()} - {"opening"}


async def test_a_create_asks_the_operator(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """Whose token it is, and for the money: all fields as documented, in order; the sandbox moves nothing."""
    answer = (await client.post("/be/tickets", order(platform, atag="a", rtag="r"))).json()

    assert operator.kinds == ["identify", "ticket_create"]
    identify, create = operator.received
    assert list(identify.data.items()) == [("operator", "site"), ("token", "demo")]
    names = ["price", "stake", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "gross_payout", "net_payout"]
    assert list(create.data.items()) == [
        ("operator", "site"),
        ("ticket_id", answer["id"]),
        ("ticket_code", answer["code"]),
        ("player_id", "77"),
        *((name, answer[name]) for name in names),
        ("currency", "KES"),
        ("atag", "a"),
        ("rtag", "r"),
        ("ticket_type", "quicktip"),
    ]
    assert (answer["status"], answer["user_id"]) == ("open", "77")
    assert create.timestamp == NOON
    assert _moved(platform) == set()


def test_bodies_are_spelled_as_the_published_samples() -> None:
    """Fields, numbers and blanks: the bytes have the published signatures."""
    amounts = Finance(
        price=500,
        total_odds=6.4,
        stake=444,
        ext=12.5,
        ext_amount=56,
        ext_type="inclusive",
        wht=10,
        wht_amount=240,
        gross_payout=2842,
        net_payout=2602,
    )
    ticket = Ticket(
        id="668ef666333180bba97f0c93",
        code="CD4BDD",
        operator="acme",
        player_id="sometokenvalue",
        currency="USD",
        psp=None,
        atag="atag_value",
        rtag=None,
        source="mobile",
        type="quickbet",
        finance=amounts,
        content={},
        status=Status.OPEN,
        result=Result.PENDING,
        taken=True,
        created=NOON,
        updated=NOON,
    )
    otp = webhook_bodies.otp("acme", "1234", "+260977223120")

    signatures = [sign(b"12345ABCDE", "1706191612", each.body) for each in (webhook_bodies.create(ticket), otp)]

    assert signatures == [
        "3fe37f41ba6dc960fd2a7098bd4643f971ff1408a31bcea9f3ef8d03b3ba2d0a",
        "46b1ec8d2a05129bb57c8256f2cdd3029b2cf72dbed57f0d3eedd6b156573433",
    ]


async def test_a_reserved_ticket_is_asked_for_when_it_is_paid(
    client: Client, platform: Sandbox, operator: Receiver
) -> None:
    """The reservation names the payment provider, the payment is a create, and the player hears of it."""
    ticket = await _make(client, platform, "reserve", "superbet")

    paid = await client.post(f"/be/tickets/{ticket.code}/paid")
    await platform.webhooks.deliver()

    assert paid.json()["status"] == "open"
    assert operator.told == ["ticket_reserve", "ticket_create", "ticket_status"]
    reserve, create, status = operator.received[1:]
    fields = list(reserve.data)
    assert (fields[3:6], reserve.data.pop("psp")) == (["player_id", "psp", "price"], "mobile")
    assert list(reserve.data.items()) == list(create.data.items())
    assert list(status.data.items()) == [
        ("ticket_code", ticket.code),
        ("ticket_id", ticket.id),
        ("msisdn", msisdn("77")),
        ("status", "open"),
        ("result", "pending"),
    ]
    assert _moved(platform) == set()


AMOUNTS = ["price", "stake", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "gross_payout", "net_payout"]
RESULTS = [
    (Result.WON, "ticket_win", []),
    (Result.LOST, "ticket_lost", []),
    (Result.VOID, "ticket_void", AMOUNTS),
]


@pytest.mark.parametrize(("result", "action", "more"), RESULTS)
async def test_a_result_is_told(
    client: Client, platform: Sandbox, operator: Receiver, result: Result, action: str, more: list[str]
) -> None:
    """To the player account system and to the player, for a ticket that was open from the start too."""
    ticket = await _make(client, platform)
    _decide(platform, ticket, result)

    assert await platform.webhooks.deliver() == 0

    (told,), (status,) = operator.about(action), operator.about("ticket_status")
    assert list(told.data) == ["operator", "ticket_id", *more]
    assert (status.data["status"], status.data["result"]) == ("resulted", result)
    assert _moved(platform) == set()


async def test_a_result_is_told_by_itself(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """Nobody has to ask for it."""
    ticket = await _make(client, platform)
    _decide(platform, ticket)

    await operator.until_told(3)

    assert set(operator.told) == {"ticket_create", "ticket_win", "ticket_status"}


async def test_everything_about_a_ticket_is_told_in_order(
    client: Client, platform: Sandbox, operator: Receiver
) -> None:
    """And with a timestamp each of its own, though the clock stands still: a second win is no repeat of the first."""
    ticket = await _make(client, platform, kind="jackpot")
    platform.book.update(ticket.id, 500_000)
    _decide(platform, ticket)
    platform.book.rollback(ticket.id, "a mistake")
    _decide(platform, ticket)
    platform.book.close(ticket.id)
    await platform.webhooks.deliver()

    actions = [each for each in operator.received if each.path == "/pam/site" and each.kind != "identify"]
    assert [each.kind.removeprefix("ticket_") for each in actions] == [
        "create",
        "update",
        "win",
        "rollback",
        "win",
        "closed",
    ]
    stamps = [each.timestamp for each in actions]
    assert stamps == sorted(set(stamps))
    assert len({each.signature for each in operator.received}) == len(operator.received)
    assert actions[3].data == {"operator": "site", "ticket_id": ticket.id, "reason": "a mistake"}
    assert (actions[1].data["gross_payout"], actions[1].data["psp"]) == (500_000, "mobile")
    assert list(actions[5].data) == ["operator", "ticket_id"]
    assert [each.data["result"] for each in operator.about("ticket_status")] == ["won", "won"]


async def test_money_back_is_told(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """A refund gives its reason, and so does the discard of a reservation that is called off."""
    ticket = await _make(client, platform)
    platform.book.refund(ticket.id, "declined")
    reserved = await _make(client, platform, "reserve")
    platform.book.cancel(reserved.id, "not paid")
    await platform.webhooks.deliver()

    (refund,), (discard,) = operator.about("ticket_refund"), operator.about("ticket_discard")
    assert refund.data == {"operator": "site", "ticket_id": ticket.id, "reason": "declined"}
    assert discard.data == {"operator": "site", "ticket_id": reserved.id, "reason": "not paid"}


async def test_other_operators_are_left_alone(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """Who is not called back has its players' money in the sandbox, as ever."""
    client.operator, client.secret = "acme", "another key"
    answer = await client.post("/be/tickets", order(platform, operator="acme"))
    _decide(platform, platform.book.get(answer.json()["id"]))
    await platform.webhooks.deliver()

    assert operator.received == []
    assert _moved(platform) == {"created", "won"}


async def test_players_may_hear_though_the_money_is_here(options: SandboxOptions, operator: Receiver) -> None:
    """An operator with an SMS endpoint and nothing else has its players' money in the sandbox."""
    only = {"site": WebhookTargets(sms_url=operator.targets().sms_url)}
    async with sandbox(replace(options, webhooks=only)) as platform, plain_http(platform.url) as http:
        _decide(platform, await _make(Client(http, Clock()), platform))
        await platform.webhooks.deliver()

        assert operator.kinds == ["ticket_status"]
        assert _moved(platform) == {"created", "won"}


async def test_an_operator_can_be_called_back_later(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """The address can be given while the sandbox runs; only an operator that exists has one."""
    client.operator, client.secret = "acme", "another key"
    platform.webhooks.set_targets("acme", operator.targets("acme"))
    await client.post("/be/tickets", order(platform, operator="acme"))

    assert {each.path for each in operator.received} == {"/pam/acme"}
    with pytest.raises(ValueError, match="nobody"):
        platform.webhooks.set_targets("nobody", WebhookTargets())


def test_only_operators_are_called_back(options: SandboxOptions) -> None:
    """Who has no key cannot be signed for."""

    async def run() -> None:
        async with sandbox(replace(options, webhooks={"nobody": WebhookTargets("http://127.0.0.1:1")})):
            pass

    with pytest.raises(ValueError, match="nobody"):
        asyncio.run(run())


@pytest.mark.parametrize("beginning", ["create", "reserve"])
async def test_a_refusal_is_passed_on(client: Client, platform: Sandbox, operator: Receiver, beginning: str) -> None:
    """Code and message as they are; there is no ticket, and the operator is told to discard it."""
    operator.answers[f"ticket_{beginning}"] = [refused(4711, "zu arm 🎲")]
    path = "/be/tickets" if beginning == "create" else "/be/tickets/reserve"

    answer = await client.post(path, order(platform))
    await platform.webhooks.deliver()

    assert (answer.status_code, answer.json()) == (400, {"code": 4711, "message": "zu arm 🎲"})
    assert platform.book.tickets() == []
    assert operator.told == [f"ticket_{beginning}", "ticket_discard"]
    asked, discard = operator.received[1:]
    assert discard.data == {"operator": "site", "ticket_id": asked.data["ticket_id"], "reason": "zu arm 🎲"}
    assert discard.timestamp > asked.timestamp


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(status_code=500), SILENCE),
        (Response(status_code=302, headers={"location": "/"}), SILENCE),
        (Response(status_code=204), SILENCE),
        (JSONResponse({"code": 1, "message": "busy"}, 503), SILENCE),
        (None, SILENCE),
        (Response(status_code=401), 119),
        (Response("no", 400), 119),
        (Response("[" * 100_000, 400), 119),
        (JSONResponse({"code": True, "message": "no"}, 400), 119),
        (JSONResponse({"code": 1}, 422), 119),
    ],
)
async def test_what_is_no_answer_makes_no_ticket(
    options: SandboxOptions, operator: Receiver, answer: Response | None, expected: int
) -> None:
    """No answer, or one that says nothing, is a failure with a discard; the platform's own codes tell the two apart."""
    operator.answers["ticket_create"] = [answer]
    patience = 0.05 if answer is None else 8
    async with sandbox(replace(options, webhook_patience_s=patience)) as platform, plain_http(platform.url) as http:
        failed = await Client(http, Clock()).post("/be/tickets", order(platform))
        await platform.webhooks.deliver()

        assert code(failed) == expected
        assert platform.book.tickets() == []
        assert operator.told == ["ticket_create", "ticket_discard"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (refused(101, "User not found"), 101),
        (refused(7, "closed today"), 7),
        (Response(status_code=403), 101),
        (Response(status_code=500), SILENCE),
        (Response("", 200), SILENCE),
        (JSONResponse(PLAYER | {"player_id": 77}), SILENCE),
        (JSONResponse(PLAYER | {"player_id": ""}), SILENCE),
        (JSONResponse({"player_id": "77"}), SILENCE),
    ],
)
async def test_a_player_who_is_not_known_does_not_play(
    client: Client, platform: Sandbox, operator: Receiver, answer: Response, expected: int
) -> None:
    """Without an answer that names them, nothing was begun, so nothing is discarded."""
    operator.answers["identify"] = [answer]

    assert code(await client.post("/be/tickets", order(platform))) == expected
    await platform.webhooks.deliver()
    assert operator.kinds == ["identify"]


async def test_a_player_may_have_many_flags(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """What is remembered of an answer is bounded, what is read of it is enough."""
    flags = {f"flag_{number}": True for number in range(500)}
    operator.answers["identify"] = [JSONResponse(PLAYER | {"feature_flags": flags})]

    await _make(client, platform)

    assert [len(each.answer) for each in platform.webhooks.deliveries] == [1_024, 0]


async def test_the_currency_is_the_operators(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """What `identify` says counts, and a ticket in another one is refused."""
    operator.answers["identify"] = [JSONResponse(PLAYER | {"currency": "USD"}) for _ in range(2)]

    assert (await client.post("/be/tickets", order(platform))).status_code == 422
    assert (await client.post("/be/tickets", order(platform, currency="USD"))).json()["currency"] == "USD"


@pytest.mark.parametrize(("answer", "expected"), [(refused(5, "no"), 5), (Response(status_code=500), SILENCE)])
async def test_a_payment_that_fails_ends_the_reservation(
    client: Client, platform: Sandbox, operator: Receiver, answer: Response, expected: int
) -> None:
    """The ticket is cancelled and discarded, once, and cannot be paid again."""
    ticket = await _make(client, platform, "reserve")
    operator.answers["ticket_create"] = [answer]

    assert code(await client.post(f"/be/tickets/{ticket.id}/paid")) == expected
    await platform.webhooks.deliver()

    assert platform.book.get(ticket.id).status is Status.CANCELLED
    assert code(await client.post(f"/be/tickets/{ticket.id}/paid")) == 117
    assert operator.told == ["ticket_reserve", "ticket_create", "ticket_discard"]


async def test_a_ticket_is_paid_once(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """The money is asked for once, though two pay at the same time."""
    ticket = await _make(client, platform, "reserve")

    answers = await asyncio.gather(*(client.post(f"/be/tickets/{ticket.id}/paid") for _ in range(2)))

    assert sorted(answer.status_code for answer in answers) == [200, 400]
    assert len(operator.about("ticket_create")) == 1


async def test_a_ticket_that_is_called_off_while_it_is_paid_is_discarded(
    client: Client, platform: Sandbox, operator: Receiver
) -> None:
    """After its create, and once."""
    ticket = await _make(client, platform, "reserve")
    operator.hold("ticket_create")
    paying = asyncio.ensure_future(client.post(f"/be/tickets/{ticket.id}/paid"))
    await operator.until_told(2)

    platform.book.cancel(ticket.id, "too late")
    delivered = asyncio.ensure_future(platform.webhooks.deliver())
    operator.let_go()

    assert code(await paying) == 117
    await delivered
    assert operator.told == ["ticket_reserve", "ticket_create", "ticket_discard"]
    assert platform.webhooks.waiting() == 0


async def test_what_fails_is_repeated_after_half_an_hour(
    client: Client, platform: Sandbox, operator: Receiver, clock: Clock
) -> None:
    """By the sandbox's clock, signed anew; what is behind it waits."""
    ticket = await _make(client, platform)
    operator.answers["ticket_win"] = [refused(1, "not now"), Response(status_code=500)]
    _decide(platform, ticket)
    platform.book.rollback(ticket.id, "a mistake")
    assert await platform.webhooks.deliver() == 2
    assert [kind for kind in operator.told if kind != "ticket_status"] == ["ticket_create", "ticket_win"]

    for seconds, told in ((HALF_AN_HOUR - 1, 0), (1, 1), (HALF_AN_HOUR, 2)):
        seen = len(operator.told)
        clock.now += seconds
        await platform.webhooks.settled()
        assert len(operator.told) == seen + told

    wins = operator.about("ticket_win")
    assert [each.timestamp for each in wins] == [NOON + 1, NOON + HALF_AN_HOUR, NOON + 2 * HALF_AN_HOUR]
    assert operator.about("ticket_rollback")[0].timestamp == NOON + 2 * HALF_AN_HOUR + 1
    assert platform.webhooks.waiting() == 0


async def test_a_failed_discard_is_repeated(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """Until it is accepted, though nobody waits for it."""
    operator.answers = {"ticket_create": [None], "ticket_discard": [Response(status_code=500) for _ in range(3)]}
    creating = asyncio.ensure_future(client.post("/be/tickets", order(platform)))
    await operator.silent.wait()
    operator.hang_up()
    assert code(await creating) == SILENCE

    for count in (1, 2, 3, 4):
        await platform.webhooks.settled()
        assert operator.told == ["ticket_create", *["ticket_discard"] * count]
        platform.clock.advance(HALF_AN_HOUR)
    await platform.webhooks.settled()
    assert len(operator.told) == 5
    assert platform.webhooks.waiting() == 0


async def test_an_operator_that_is_away_hears_all_of_it_later(
    options: SandboxOptions, clock: Clock, operator: Receiver
) -> None:
    """One that cannot be reached makes no new tickets, and loses nothing about the old ones."""
    async with sandbox(options) as platform, plain_http(platform.url) as http:
        client = Client(http, clock)
        tickets = [await _make(client, platform) for _ in range(40)]
        platform.webhooks.set_targets("site", WebhookTargets("http://127.0.0.1:1/pam", "http://127.0.0.1:1/sms"))
        for ticket in tickets:
            _decide(platform, ticket)
        assert await platform.webhooks.deliver() == 80
        assert code(await client.post("/be/tickets", order(platform))) == SILENCE

        platform.webhooks.set_targets("site", operator.targets())
        assert await platform.webhooks.deliver() == 0
        assert {each.data["ticket_id"] for each in operator.about("ticket_win")} == {ticket.id for ticket in tickets}


async def test_after_three_days_a_webhook_is_given_up(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """What is behind it has its turn then."""
    ticket = await _make(client, platform)
    _decide(platform, ticket, Result.LOST)
    operator.answers["ticket_lost"] = [Response(status_code=500) for _ in range(2)]
    await platform.webhooks.deliver()
    platform.clock.advance(3 * DAY)
    await platform.webhooks.deliver()

    assert [kind for kind in operator.told if kind != "ticket_status"] == [
        "ticket_create",
        "ticket_lost",
        "ticket_lost",
        "ticket_closed",
    ]
    assert platform.webhooks.waiting() == 0


@pytest.mark.parametrize("ending", ["won", "refunded"])
async def test_a_ticket_is_closed_after_a_day(
    client: Client, platform: Sandbox, operator: Receiver, ending: str
) -> None:
    """By the clock of the sandbox, while webhooks are signed by the one that was not moved."""
    ticket = await _make(client, platform)
    if ending == "won":
        _decide(platform, ticket)
    else:
        platform.book.refund(ticket.id, "declined")
    await platform.webhooks.deliver()

    platform.clock.advance(DAY - 1)
    await platform.webhooks.deliver()
    assert platform.book.get(ticket.id).status is not Status.CLOSED

    seen = len(operator.told)
    platform.clock.advance(1)
    await operator.until_told(seen + 1)
    assert platform.book.get(ticket.id).status is Status.CLOSED
    (closed,) = operator.about("ticket_closed")
    assert NOON < closed.timestamp < NOON + 10


async def test_a_rollback_begins_the_day_anew(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """A ticket that is open again is not closed; one that has a result again has a day again."""
    ticket = await _make(client, platform)
    _decide(platform, ticket)
    platform.clock.advance(DAY / 2)
    platform.book.rollback(ticket.id, "a mistake")
    platform.clock.advance(DAY)
    await platform.webhooks.deliver()
    _decide(platform, ticket, Result.LOST)
    platform.clock.advance(DAY - 1)
    await platform.webhooks.deliver()
    assert operator.about("ticket_closed") == []

    platform.clock.advance(1)
    await platform.webhooks.deliver()
    assert len(operator.about("ticket_closed")) == 1


async def test_many_tickets_are_closed(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """All that are due, with one move of the clock."""
    for _ in range(120):
        _decide(platform, await _make(client, platform))
    await platform.webhooks.deliver()
    platform.clock.advance(DAY)
    await platform.webhooks.deliver()

    assert {ticket.status for ticket in platform.book.tickets()} == {Status.CLOSED}
    assert len(operator.about("ticket_closed")) == 120


async def test_tickets_here_are_not_closed_by_themselves(client: Client, platform: Sandbox) -> None:
    """Where nobody is told, nothing happens by the clock."""
    client.operator, client.secret = "acme", "another key"
    ticket = platform.book.get((await client.post("/be/tickets", order(platform, operator="acme"))).json()["id"])
    _decide(platform, ticket)
    platform.clock.advance(2 * DAY)
    await platform.webhooks.deliver()

    assert platform.book.get(ticket.id).status is Status.RESULTED


async def test_one_time_passwords_are_tried_once(platform: Sandbox, operator: Receiver) -> None:
    """One that comes half an hour late is of no use."""
    operator.answers["otp"] = [Response(status_code=500)]
    for password in ("1234", "5678"):
        platform.webhooks.send_otp("site", password, "+260977223120")
        await platform.webhooks.deliver()

    assert [each.data for each in operator.about("otp")] == [
        {"code": "1234", "msisdn": "+260977223120"},
        {"code": "5678", "msisdn": "+260977223120"},
    ]
    assert platform.webhooks.waiting() == 0


async def test_what_was_sent_is_kept(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """As it went over the wire, with the answer, the latest of them."""
    operator.answers["ticket_create"] = [refused(7, "no")]
    await client.post("/be/tickets", order(platform))

    identify, create = list(platform.webhooks.deliveries)[:2]
    assert (identify.status, json.loads(identify.answer)) == (200, PLAYER)
    assert (create.status, json.loads(create.answer)) == (400, {"code": 7, "message": "no"})
    assert create.url == operator.targets().pam_url
    assert (create.sealed.timestamp, create.sealed.signature) == (NOON, operator.received[1].signature)
    assert (create.at, create.copy, create.accepted) == (NOON, False, False)


async def test_not_everything_that_was_sent_is_kept(options: SandboxOptions, clock: Clock) -> None:
    """But it is counted."""
    async with sandbox(replace(options, journal_size=3)) as platform, plain_http(platform.url) as http:
        for _ in range(3):
            await _make(Client(http, clock), platform)
        assert (len(platform.webhooks.deliveries), platform.webhooks.deliveries.count) == (3, 6)
        platform.webhooks.deliveries.clear()
        assert len(platform.webhooks.deliveries) == 0


async def test_an_operator_without_an_answer_does_not_keep_it_from_ending(
    options: SandboxOptions, clock: Clock, operator: Receiver
) -> None:
    """Whoever waits for a ticket is hung up on; the next sandbox may discard it."""
    tasks = asyncio.all_tasks()
    operator.answers["ticket_create"] = [None]
    async with sandbox(options) as platform, plain_http(platform.url) as http:
        creating = asyncio.ensure_future(Client(http, clock).post("/be/tickets", order(platform)))
        await operator.silent.wait()
    with pytest.raises(httpx.TransportError):
        await creating
    await operator.idle()
    assert asyncio.all_tasks() - tasks == set()


async def test_nobody_keeps_a_delivery_from_ending(client: Client, platform: Sandbox, operator: Receiver) -> None:
    """Whoever asked for it may go away: what is under way is sent and settled."""
    _decide(platform, await _make(client, platform))
    operator.hold("ticket_win")
    asking = asyncio.ensure_future(platform.webhooks.deliver())
    await operator.until_told(3)
    asking.cancel()
    operator.let_go()
    await platform.webhooks.settled()

    assert len(operator.about("ticket_win")) == 1
    assert platform.webhooks.waiting() == 0
