"""Can another process steer the sandbox, and does it hear what is wrong with what it asks for?"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.duration_pb2 import Duration
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from gateway.sandbox import Sandbox, SandboxOptions, Status, Ticket, sandbox
from gateway.sandbox.book import Draft
from gateway.sandbox.calculator import Rates, finance
from tests.sandbox.client import NOON, Client, order
from tests.sandbox.steering import refusal, stub

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def options(options: SandboxOptions) -> SandboxOptions:
    """Set up a sandbox that can be steered."""
    return replace(options, control="127.0.0.1:0")


async def _create(client: Client, platform: Sandbox) -> httpx.Response:
    return await client.post("/be/tickets", order(platform))


def _ticket(platform: Sandbox, beginning: str = "create", **changes: Any) -> Ticket:
    draft = Draft(
        operator="site",
        player=platform.wallet.player_of("demo"),
        psp=None,
        atag=None,
        rtag=None,
        source="mobile",
        type="quicktip",
        # Price 1000, net payout 1600.
        finance=finance(1000, [2.0], Rates()),
        content={"events": [], "odds": 2.0},
    )
    ticket = getattr(platform.book, beginning)(replace(draft, **changes))
    assert isinstance(ticket, Ticket)
    return ticket


async def test_every_rpc_is_served(channel: grpc.aio.Channel) -> None:
    """What the contract has, the sandbox answers."""
    service = pb.DESCRIPTOR.services_by_name["SandboxService"]
    answered = set()
    for rpc in service.methods:
        call: Any = channel.unary_stream(f"/{service.full_name}/{rpc.name}")
        with suppress(grpc.aio.AioRpcError):
            async for _ in (answer := call(b"")):
                pass
        answered.add(await answer.code())

    assert answered <= {grpc.StatusCode.OK, INVALID}


async def test_it_is_healthy(channel: grpc.aio.Channel) -> None:
    """As a whole, and in its one service; of another one it knows nothing."""
    health: Any = health_pb2_grpc.HealthStub(channel)

    for service in ("", "betstack.sandbox.v1.SandboxService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    code, _ = await refusal(health.Check(health_pb2.HealthCheckRequest(service="betstack.card.v1.CardService")))
    assert code is grpc.StatusCode.NOT_FOUND


async def _reflected(channel: grpc.aio.Channel, version: str, **question: str) -> Any:
    call = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )(iter([reflection_pb2.ServerReflectionRequest(**question)]))
    answers = [answer async for answer in call]
    assert len(answers) == 1
    return answers[0]


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_the_service(channel: grpc.aio.Channel, version: str) -> None:
    """Under both names of reflection, and itself as well."""
    answer = await _reflected(channel, version, list_services="")

    assert {each.name for each in answer.list_services_response.service} == {
        "betstack.sandbox.v1.SandboxService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
@pytest.mark.parametrize(
    "symbol",
    [
        "betstack.sandbox.v1.SandboxService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ],
)
async def test_reflection_describes_each_service(channel: grpc.aio.Channel, version: str, symbol: str) -> None:
    """A caller without protos finds the file of each service that is listed."""
    answer = await _reflected(channel, version, file_containing_symbol=symbol)

    files = [FileDescriptorProto.FromString(each) for each in answer.file_descriptor_response.file_descriptor_proto]
    assert symbol in {f"{file.package}.{service.name}" for file in files for service in file.service}


async def test_it_is_off_by_default(options: SandboxOptions) -> None:
    """Without an address nothing is served."""
    async with sandbox(SandboxOptions(listen=options.listen)) as platform:
        assert platform.control_target is None


async def test_it_takes_the_port_that_it_is_given(platform: Sandbox, options: SandboxOptions) -> None:
    """An address that is in use is an error, and the HTTP port is free again."""
    with pytest.raises(OSError, match=f"cannot listen on {platform.control_target}"):
        async with sandbox(replace(options, control=platform.control_target)):
            pass


async def test_it_leaves_nothing_behind(options: SandboxOptions) -> None:
    """No task, and ports that can be used again, even if somebody is still connected."""
    tasks = asyncio.all_tasks()
    async with sandbox(options) as platform:
        assert platform.control_target is not None
        async with grpc.aio.insecure_channel(platform.control_target) as channel:
            await stub(channel).GetBooks(pb.GetBooksRequest())
    assert asyncio.all_tasks() == tasks

    url = platform.url.removeprefix("http://")
    async with sandbox(replace(options, listen=url, control=platform.control_target)) as again:
        assert (again.url, again.control_target) == (platform.url, platform.control_target)


async def test_nobody_keeps_it_from_ending(options: SandboxOptions) -> None:
    """A caller who watches it for ever sees the stream end."""
    began = time.perf_counter()
    async with sandbox(options) as platform:
        assert platform.control_target is not None
        channel = grpc.aio.insecure_channel(platform.control_target)
        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING

    with pytest.raises(grpc.aio.AioRpcError):
        await watch.read()
    await channel.close()
    assert time.perf_counter() - began < 0.5


LIVES = [
    # how it begins, what is done, status and result at the end, and what the player has won or lost by then
    ("create", "CALCULATE", "calculating", "pending", -1000),
    ("create", "WIN", "resulted", "won", 600),
    ("create", "LOSE", "resulted", "lost", -1000),
    ("create", "VOID", "resulted", "void", 0),
    ("create", "CALCULATE WIN", "resulted", "won", 600),
    ("create", "CALCULATE LOSE", "resulted", "lost", -1000),
    ("create", "CALCULATE VOID", "resulted", "void", 0),
    ("create", "WIN ROLLBACK", "open", "pending", -1000),
    ("create", "WIN ROLLBACK VOID CLOSE", "closed", "void", 0),
    ("create", "REFUND", "cancelled", "pending", 0),
    ("create", "REFUND CLOSE", "closed", "pending", 0),
    ("reserve", "CANCEL", "cancelled", "pending", 0),
]
# Has a test of its own.
UPDATE = "TICKET_STEP_UPDATE"


async def _advance(steer: Any, identifier: str, step: str, reason: str = "") -> pb.AdvanceTicketResponse:
    request = pb.AdvanceTicketRequest(identifier=identifier, step=f"TICKET_STEP_{step}", reason=reason)
    answer: pb.AdvanceTicketResponse = await steer.AdvanceTicket(request)
    return answer


@pytest.mark.parametrize("by", ["id", "code"])
@pytest.mark.parametrize(("beginning", "steps", "status", "result", "won"), LIVES)
async def test_a_ticket_is_moved_on(
    steer: Any, platform: Sandbox, by: str, beginning: str, steps: str, status: str, result: str, won: int
) -> None:
    """Every step, by id and by code, and the money with it."""
    ticket = _ticket(platform, beginning)
    for step in steps.split():
        answer = await _advance(steer, getattr(ticket, by), step)

    assert (answer.status, answer.result) == (status, result)
    assert platform.book.get(ticket.id).status == status
    assert platform.wallet.balance(ticket.player_id) == 100_000 + won
    assert platform.wallet.total() == 0


async def test_every_step_of_the_contract_is_tested() -> None:
    """A step that is added has to be here too."""
    steps = {f"TICKET_STEP_{step}" for _, each, *_ in LIVES for step in each.split()}

    assert steps == set(pb.TicketStep.keys()) - {"TICKET_STEP_UNSPECIFIED", UPDATE}


async def test_a_jackpot_pays_something_else(steer: Any, platform: Sandbox) -> None:
    """The taxes follow, the price does not, and what is won is the new payout."""
    ticket = _ticket(platform, type="jackpot")

    for gross_payout, net_payout in ((5889, 4889), (ticket.finance.stake, ticket.finance.stake)):
        request = pb.AdvanceTicketRequest(identifier=ticket.code, step=UPDATE, gross_payout=gross_payout)
        assert (await steer.AdvanceTicket(request)).status == "open"
        updated = platform.book.get(ticket.id)
        assert (updated.finance.gross_payout, updated.finance.net_payout) == (gross_payout, net_payout)
        assert updated.finance.price == ticket.finance.price
    await _advance(steer, ticket.id, "WIN")
    assert platform.wallet.balance(ticket.player_id) == 100_000 - 1000 + ticket.finance.stake


@pytest.mark.parametrize(
    ("kind", "before", "gross_payout", "code"),
    [
        ("quicktip", "", 5000, grpc.StatusCode.FAILED_PRECONDITION),
        ("jackpot", "CALCULATE", 5000, grpc.StatusCode.FAILED_PRECONDITION),
        ("jackpot", "", 888, INVALID),
        ("jackpot", "", 2**53, INVALID),
    ],
)
async def test_not_everything_can_pay_something_else(
    steer: Any, platform: Sandbox, kind: str, before: str, gross_payout: int, code: grpc.StatusCode
) -> None:
    """Open jackpot tickets only, and a payout that is not less than the stake."""
    ticket = _ticket(platform, type=kind)
    for step in before.split():
        await _advance(steer, ticket.id, step)

    request = pb.AdvanceTicketRequest(identifier=ticket.id, step=UPDATE, gross_payout=gross_payout)

    assert (await refusal(steer.AdvanceTicket(request)))[0] is code
    assert platform.book.get(ticket.id).finance == ticket.finance


@pytest.mark.parametrize(("reason", "told"), [("a mistake", "a mistake"), ("", "asked for")])
async def test_the_reason_is_told(steer: Any, platform: Sandbox, reason: str, told: str) -> None:
    """Whoever listens to the book hears why, and of the calculation before the result."""
    heard: list[tuple[str, str | None]] = []
    platform.book.listen(lambda event: heard.append((event.happening, event.reason)))
    ticket = _ticket(platform)

    await _advance(steer, ticket.id, "WIN", reason)
    await _advance(steer, ticket.id, "ROLLBACK", reason)
    await _advance(steer, ticket.id, "REFUND", reason)

    expected = [("created", None), ("calculating", None), ("won", None), ("rolled-back", told), ("refunded", told)]
    assert heard == expected


@pytest.mark.parametrize(
    ("beginning", "before", "step"),
    [
        ("reserve", "", "WIN"),
        ("reserve", "", "CALCULATE"),
        ("reserve", "", "REFUND"),
        ("reserve", "CANCEL", "CLOSE"),
        ("create", "", "CANCEL"),
        ("create", "", "CLOSE"),
        ("create", "", "ROLLBACK"),
        ("create", "CALCULATE", "CALCULATE"),
        ("create", "WIN", "WIN"),
        ("create", "WIN", "REFUND"),
        ("create", "LOSE CLOSE", "ROLLBACK"),
    ],
)
async def test_a_step_that_does_not_fit_is_refused(
    steer: Any, platform: Sandbox, beginning: str, before: str, step: str
) -> None:
    """It says what the ticket is, and nothing moves."""
    ticket = _ticket(platform, beginning)
    for each in before.split():
        await _advance(steer, ticket.id, each)
    ticket, entries = platform.book.get(ticket.id), platform.wallet.entries()

    code, message = await refusal(_advance(steer, ticket.id, step))

    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert f"ticket {ticket.id} is {ticket.status}" in message
    assert (platform.book.get(ticket.id), platform.wallet.entries()) == (ticket, entries)


@pytest.mark.parametrize("step", ["CALCULATE", "WIN", "ROLLBACK", "REFUND", "CLOSE", "CANCEL"])
async def test_an_unknown_ticket_is_not_found(steer: Any, step: str) -> None:
    """Whatever shall happen to it."""
    expected = (grpc.StatusCode.NOT_FOUND, "identifier: there is no ticket 'ABCDEF'")
    assert await refusal(_advance(steer, "ABCDEF", step)) == expected


@pytest.mark.parametrize(
    ("request_", "missing"),
    [
        (pb.AdvanceTicketRequest(step=pb.TICKET_STEP_WIN), "identifier: there is no ticket yet"),
        (pb.AdvanceTicketRequest(identifier="ABCDEF"), "step: "),
    ],
)
async def test_a_step_needs_a_ticket_and_a_name(steer: Any, request_: pb.AdvanceTicketRequest, missing: str) -> None:
    """The message says which of them is missing."""
    code, message = await refusal(steer.AdvanceTicket(request_))

    assert code is INVALID
    assert message.startswith(missing)


async def test_a_step_without_identifier_is_the_latest_tickets(steer: Any, client: Client, platform: Sandbox) -> None:
    """Who plays by hand need not copy an id."""
    for _ in range(2):
        await client.post("/be/tickets", order(platform))
    latest, earlier = platform.book.tickets()

    await steer.AdvanceTicket(pb.AdvanceTicketRequest(step=pb.TICKET_STEP_WIN))

    assert platform.book.get(latest.id).status is Status.RESULTED
    assert platform.book.get(earlier.id) == earlier


async def _listed(steer: Any, operator: str = "") -> list[pb.TicketFacts]:
    return [
        ticket async for page in steer.ListTickets(pb.ListTicketsRequest(operator=operator)) for ticket in page.tickets
    ]


async def test_tickets_are_listed(steer: Any, client: Client, platform: Sandbox) -> None:
    """What a ledger has to agree with, as the platform itself says it over HTTP."""
    await client.post("/be/tickets", order(platform, rtag="request-1"))
    reserved = (await client.post("/be/tickets/reserve", order(platform, "superbet", rtag=""))).json()
    await client.post("/be/tickets", order(platform, "quickbet"))
    await _advance(steer, reserved["code"], "CANCEL")

    listed = await _listed(steer)

    names = ("id", "code", "status", "result", "type", "price", "currency", "rtag", "user_id")
    shown = (await client.get("/be/tickets")).json()[::-1]
    assert [{name: getattr(each, name) for name in names} | {"rtag": each.rtag or None} for each in listed] == [
        {name: each[name] for name in names} | {"rtag": each["rtag"] or None} for each in shown
    ]
    assert [each.HasField("rtag") for each in listed] == [True, True, False]
    assert [each.operator for each in listed] == ["site"] * 3


async def test_tickets_of_one_operator_are_listed(steer: Any, platform: Sandbox) -> None:
    """The operator is a filter, and one without tickets has none."""
    ours, theirs = _ticket(platform), _ticket(platform, operator="acme")

    assert [each.id for each in await _listed(steer)] == [ours.id, theirs.id]
    assert [each.id for each in await _listed(steer, "acme")] == [theirs.id]
    assert await _listed(steer, "nobody") == []


async def test_many_tickets_are_listed(steer: Any, platform: Sandbox) -> None:
    """Over the borders of messages, with tags that would not fit into one message together."""
    player = platform.wallet.add_player("rich", 1_000_000)
    tickets = [_ticket(platform, player=player, rtag=f"{number}-" + "x" * 10_000) for number in range(601)]

    pages = [len(page.tickets) async for page in steer.ListTickets(pb.ListTicketsRequest())]
    listed = await _listed(steer)

    assert pages == [250, 250, 101]
    assert [(each.id, each.rtag) for each in listed] == [(each.id, each.rtag) for each in tickets]


async def _now(steer: Any, by: Duration | None = None) -> float:
    answer = await steer.AdvanceClock(pb.AdvanceClockRequest(by=by))
    now: float = answer.now.ToMicroseconds() / 1_000_000
    return now


async def test_the_clock_is_read_and_moved(steer: Any, platform: Sandbox, client: Client) -> None:
    """Forward and back, and on top of how it goes by itself."""
    assert await _now(steer) == platform.clock() == NOON
    assert await _now(steer, Duration(seconds=86_400, nanos=500_000_000)) == NOON + 86_400.5
    client.clock.now += 1
    assert await _now(steer) == platform.clock() == NOON + 86_401.5
    assert await _now(steer, Duration(seconds=-86_400, nanos=-500_000_000)) == NOON + 1
    assert platform.clock.offset == 0


async def test_everything_goes_by_the_clock(steer: Any, platform: Sandbox, client: Client) -> None:
    """Cards, tickets, entries, and the age of signatures."""
    today = platform.cards.fixtures.today()
    assert await _now(steer, Duration(seconds=86_400)) == NOON + 86_400

    assert platform.cards.fixtures.today() != today
    assert (await _create(client, platform)).status_code == 401
    client.clock.now += 86_400
    assert await _now(steer, Duration(seconds=-86_400)) == NOON + 86_400
    ticket = (await _create(client, platform)).json()
    assert ticket["created"] == "2024-07-17T12:00:00.000000"
    assert platform.wallet.entries(ticket["id"])[0].at == NOON + 86_400


@pytest.mark.parametrize(
    "by",
    [
        Duration(seconds=-1_721_131_201),
        Duration(seconds=300_000_000_000),
        Duration(seconds=1, nanos=-1),
        Duration(seconds=400_000_000_000),
    ],
)
async def test_the_clock_stays_within_reason(steer: Any, by: Duration) -> None:
    """It is not moved to where times cannot be written, nor by what is no duration."""
    code, message = await refusal(steer.AdvanceClock(pb.AdvanceClockRequest(by=by)))

    assert code is INVALID
    assert message.startswith("by: ")
    assert await _now(steer) == NOON


@pytest.mark.parametrize("instant", [0, 253_370_764_799])
async def test_the_sandbox_works_at_the_ends_of_time(
    steer: Any, platform: Sandbox, client: Client, instant: int
) -> None:
    """As far as the clock can be moved, cards and tickets can be written."""
    await _now(steer, Duration(seconds=instant - int(NOON)))
    client.clock.now, platform.clock._clock = instant, lambda: NOON

    assert (await client.get("/bc/quicktips", [("operator", "site")])).status_code == 200
    assert (await _create(client, platform)).status_code == 200


async def _fund(steer: Any, token: str, amount: int, currency: str = "") -> pb.FundPlayerResponse:
    request = pb.FundPlayerRequest(token=token, amount=amount, currency=currency)
    answer: pb.FundPlayerResponse = await steer.FundPlayer(request)
    return answer


async def test_a_new_player_can_play(steer: Any, platform: Sandbox, client: Client) -> None:
    """A token that nobody had makes a player, in the currency of the request or in KES."""
    funded = await _fund(steer, "new", 2_000)

    assert (await client.post("/be/tickets", order(platform, token="new"))).json()["user_id"] == funded.player_id
    assert funded.balance == 2_000
    assert platform.wallet.player_of("new").currency == "KES"
    assert (await _fund(steer, "other", 0, "USD")).balance == 0
    assert platform.wallet.player_of("other").currency == "USD"


@pytest.mark.parametrize("currency", ["", "KES"])
async def test_a_player_gets_more_money(steer: Any, platform: Sandbox, currency: str) -> None:
    """What comes in is written down; nothing is, if nothing comes in."""
    player = platform.wallet.player_of("demo")

    for amount, balance in ((500, 100_500), (0, 100_500)):
        funded = await _fund(steer, "demo", amount, currency)
        assert (funded.player_id, funded.balance) == (player.id, balance)

    added = [(entry.account, entry.amount) for entry in platform.wallet.entries() if entry.reason == "funding"]
    assert added == [(player.id, 500), ("house", -500)]
    assert platform.wallet.total() == 0


@pytest.mark.parametrize(
    ("token", "amount", "currency", "field"),
    [
        ("", 1, "", "token"),
        ("demo", -1, "", "amount"),
        ("new", -1, "", "amount"),
        ("new", 2**53, "", "amount"),
        ("demo", 2**53 - 100_000, "", "amount"),
        ("new", 1, "kes", "currency"),
        ("new", 1, "KESH", "currency"),
        ("demo", 1, "USD", "currency"),
    ],
)
async def test_money_that_makes_no_sense_is_refused(
    steer: Any, platform: Sandbox, token: str, amount: int, currency: str, field: str
) -> None:
    """The message says which field it is, and neither players nor money change."""
    players, entries = platform.wallet.players(), platform.wallet.entries()

    code, message = await refusal(_fund(steer, token, amount, currency))

    assert code is INVALID
    assert message.startswith(f"{field}: ")
    assert (platform.wallet.players(), platform.wallet.entries()) == (players, entries)


async def test_the_books_add_up(steer: Any, platform: Sandbox, client: Client) -> None:
    """Tickets, balances, entries and notifications, as they are."""
    await _create(client, platform)
    await client.post("/be/tickets/reserve", order(platform))
    await client.sms("otp", code="1234", msisdn="+260977223120")
    platform.sms.clear()

    books = await steer.GetBooks(pb.GetBooksRequest())

    assert (books.tickets, books.total, books.notifications) == (2, 0, 1)
    assert books.entries == len(platform.wallet.entries())
    players = platform.wallet.players()
    assert dict(books.balances) == {player.id: platform.wallet.balance(player.id) for player in players}
    assert books.balances[platform.wallet.player_of("demo").id] == 98_000
    assert books.balances[platform.wallet.player_of("poor-token").id] == 0


async def test_the_books_show_one_player(steer: Any, platform: Sandbox) -> None:
    """Only their balance; everything else is everybody's."""
    _ticket(platform)

    books = await steer.GetBooks(pb.GetBooksRequest(token="demo"))

    assert dict(books.balances) == {platform.wallet.player_of("demo").id: 99_000}
    assert (books.tickets, books.total) == (1, 0)


async def test_the_books_know_no_stranger(steer: Any) -> None:
    """A token that nobody has is not a player without money."""
    expected = (grpc.StatusCode.NOT_FOUND, "token: no player has 'stranger'")
    assert await refusal(steer.GetBooks(pb.GetBooksRequest(token="stranger"))) == expected
