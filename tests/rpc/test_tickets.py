"""What can a caller do with tickets?"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import HOUSE, Result, Sandbox, SandboxOptions, Status, sandbox
from tests.harness import SECRET, Client, client_of, refused, settings_for
from tests.rpc.bets import (
    KINDS,
    answer_of,
    assert_says,
    assert_secret_between_us,
    assert_signed,
    balance,
    bet,
    picks,
    placed,
    player_id,
    reserved,
)

HEAD = (
    '{"operator":"site","token":"demo","psp":null,"price":2000,"currency":"KES","atag":null,"rtag":null,'
    '"source":"mobile","type":'
)
FULL = 1_000_00
"""What the player `demo` has in the beginning."""


def events_on_the_wire(platform: Sandbox) -> str:
    """Return how the picks are written."""
    chosen = ",".join(f'{{"id":{pick.id},"bet":{pick.bet},"odds":{pick.odds:g}}}' for pick in picks(platform))
    return f'"events":[{chosen}]'


def selection_on_the_wire(platform: Sandbox, kind: str, chosen: Any) -> str:
    """Return the documented fields of a kind, in the documented order."""
    events = events_on_the_wire(platform)
    match kind:
        case "superbet":
            return f'"superbet","event":{chosen.event},"bets":[{",".join(map(str, chosen.bets))}]}}'
        case "quicktip":
            return f'"quicktip","odds_diff":0,{events}}}'
        case "smartbet":
            return f'"smartbet","odds_diff":0,{events},"betcard_code":"{chosen.betcard_code}"}}'
        case "quickbet":
            return f'"quickbet","odds_diff":0.25,{events},"betcard_code":"{chosen.betcard_code}"}}'
        case _:
            return (
                f'"jackpot","odds_diff":0,{events},"betcard_code":"{chosen.betcard_code}",'
                '"prize":600000000,"bonus_prizes":[6000000,600000]}'
            )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bet_of_every_kind_opens_a_ticket_and_takes_the_price(
    platform: Sandbox, client: Client, kind: str
) -> None:
    """The body is the documented one to the byte, the ticket is open, the player has paid, the answer says so."""
    request = placed(platform, kind)

    created = (await client.tickets.CreateTicket(request)).ticket

    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", "/be/tickets")
    assert seen.body.decode() == HEAD + selection_on_the_wire(platform, kind, getattr(request, kind))
    assert seen.header("content-length") == str(len(seen.body))
    assert seen.header("content-type") == "application/json"
    assert_signed(seen)
    assert_secret_between_us(seen, request.request_id)

    stored = platform.book.get(created.id)
    assert (stored.status, stored.type, stored.player_id) == (Status.OPEN, kind, player_id(platform))
    assert balance(platform) == FULL - 2000
    assert {(entry.account, entry.amount) for entry in platform.wallet.entries(created.id)} == {
        (player_id(platform), -2000),
        (HOUSE, 2000),
    }

    assert_says(created, answer_of(seen))
    assert created.status == ticket.TICKET_STATUS_OPEN
    assert created.price == created.stake + created.ext_amount == 2000


@pytest.mark.parametrize("kind", KINDS)
async def test_a_bet_of_every_kind_can_be_reserved_without_paying(platform: Sandbox, client: Client, kind: str) -> None:
    """A reservation has the same body at another path; nothing is taken from the player."""
    request = reserved(platform, kind)

    held = (await client.tickets.ReserveTicket(request)).ticket

    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", "/be/tickets/reserve")
    assert seen.body.decode() == HEAD + selection_on_the_wire(platform, kind, getattr(request, kind))
    assert_signed(seen)
    assert_secret_between_us(seen, request.request_id)
    assert_says(held, answer_of(seen))
    assert held.status == ticket.TICKET_STATUS_RESERVED
    assert platform.book.get(held.code).status is Status.RESERVED
    assert platform.wallet.entries(held.id) == []
    assert balance(platform) == FULL


async def test_provider_and_tags_travel_where_they_are_given(platform: Sandbox, client: Client) -> None:
    """What is given is written, an empty string as an empty string, and what is not given is null."""
    request = placed(platform, psp="mobile", atag="affiliate-1", rtag="", source=ticket.TICKET_SOURCE_TELEGRAM)

    created = (await client.tickets.CreateTicket(request)).ticket

    assert platform.journal.last.body.startswith(
        b'{"operator":"site","token":"demo","psp":"mobile","price":2000,"currency":"KES","atag":"affiliate-1",'
        b'"rtag":"","source":"telegram","type":"quicktip",'
    )
    stored = platform.book.get(created.id)
    assert (stored.psp, stored.atag, stored.rtag, stored.source) == ("mobile", "affiliate-1", "", "telegram")


async def test_blanks_and_foreign_letters_are_signed_as_they_are_sent(platform: Sandbox, client: Client) -> None:
    """A tag with blanks, quotes and letters beyond ASCII arrives as it was and its signature holds."""
    tag = 'Łódź & "Côte" \\ 🎲\u2028'

    created = (await client.tickets.CreateTicket(placed(platform, atag=tag))).ticket

    assert created.atag == platform.book.get(created.id).atag == tag
    assert "Łódź & ".encode() in platform.journal.last.body
    assert_signed(platform.journal.last)


@pytest.mark.parametrize(
    ("changes", "reason", "metadata"),
    [
        ({"token": "nobody"}, Reason.PLAYER_NOT_FOUND, {"platform_code": "101", "platform_message": "User not found"}),
        ({"token": "blocked"}, Reason.PLAYER_NOT_FOUND, {"platform_code": "101"}),
        ({"currency": "EUR"}, Reason.INVALID_REQUEST, {"http_status": "422"}),
        (
            {"quickbet": ticket.Quickbet(events=[ticket.Selection(id=1, bet=1, odds=2)], betcard_code="FFFFFF")},
            Reason.PLATFORM_CODE_UNMAPPED,
            {"platform_code": "103"},
        ),
        (
            {"quicktip": ticket.Quicktip(events=[ticket.Selection(id=1, bet=1, odds=2)])},
            Reason.PLATFORM_CODE_UNMAPPED,
            {"platform_code": "114"},
        ),
    ],
    ids=["unknown player", "blocked player", "foreign currency", "unknown card", "unknown bet"],
)
async def test_a_refused_bet_leaves_no_ticket_and_takes_nothing(
    platform: Sandbox, client: Client, changes: dict[str, Any], reason: Reason, metadata: dict[str, str]
) -> None:
    """The refusal says why, which request, and that nothing was executed; a reservation is refused alike."""
    for rpc in ("CreateTicket", "ReserveTicket"):
        request = getattr(ticket, f"{rpc}Request")(**bet(platform) | changes)

        with refused(reason, api="be", request_id=request.request_id, execution="NOT_EXECUTED", **metadata):
            await getattr(client.tickets, rpc)(request)

    assert platform.book.tickets() == []
    assert balance(platform) == FULL


async def test_a_bet_beyond_the_balance_is_refused(platform: Sandbox, client: Client) -> None:
    """A player cannot pay more than there is; the platform's number for it is its own."""
    with refused(Reason.PLATFORM_CODE_UNMAPPED, platform_code="113", execution="NOT_EXECUTED"):
        await client.tickets.CreateTicket(placed(platform, token="poor-token"))

    assert platform.book.tickets() == []
    assert balance(platform, "poor-token") == 0


async def test_odds_that_moved_too_far_are_refused_by_name(platform: Sandbox, client: Client) -> None:
    """The platform's number for changed odds, mapped in the settings, is ODDS_CHANGED; within `odds_diff` they hold."""
    request = placed(platform)
    first = request.quicktip.events[0]
    platform.cards.change_odds(first.id, first.bet, round(first.odds + 0.1, 2))

    with refused(Reason.ODDS_CHANGED, platform_code="112", platform_message="Ticket odds changed") as refusal:
        await client.tickets.CreateTicket(request)
    assert refusal.code is grpc.StatusCode.ABORTED
    assert balance(platform) == FULL

    request.request_id += "-again"
    request.quicktip.odds_diff = 0.1
    created = (await client.tickets.CreateTicket(request)).ticket
    assert platform.book.get(created.id).status is Status.OPEN


PICKED = [ticket.Selection(odds=1.5)]
INCOMPLETE: list[tuple[str, dict[str, Any], list[str]]] = [
    ("no request id", {"request_id": ""}, ["request_id"]),
    ("blank in the request id", {"request_id": "bet 1"}, ["request_id"]),
    ("newline in the request id", {"request_id": "bet-1\n"}, ["request_id"]),
    ("foreign letter in the request id", {"request_id": "bet-ł"}, ["request_id"]),
    ("request id too long", {"request_id": "x" * 129}, ["request_id"]),
    ("no channel", {"source": 0}, ["source"]),
    ("unknown channel", {"source": 99}, ["source"]),
    ("no selection", {"quicktip": None}, ["selection"]),
    ("no price", {"price": 0}, ["price"]),
    ("no currency", {"currency": "Shilling"}, ["currency"]),
    ("nothing bet on", {"quicktip": ticket.Quicktip()}, ["quicktip.events"]),
    (
        "odds_diff is no number",
        {"quicktip": ticket.Quicktip(odds_diff=float("nan"), events=PICKED)},
        ["quicktip.odds_diff"],
    ),
    (
        "odds without end",
        {"quicktip": ticket.Quicktip(events=[*PICKED, ticket.Selection(odds=float("inf"))])},
        ["quicktip.events[1].odds"],
    ),
    (
        "all at once",
        {
            "request_id": "",
            "price": -1,
            "atag": "\0",
            "source": 0,
            "quicktip": ticket.Quicktip(odds_diff=float("-inf")),
        },
        ["request_id", "price", "atag", "source", "quicktip.odds_diff", "quicktip.events"],
    ),
]


@pytest.mark.parametrize("rpc", ["CreateTicket", "ReserveTicket"])
async def test_a_request_that_breaks_the_contract_is_not_sent(platform: Sandbox, client: Client, rpc: str) -> None:
    """Every wrong field is named at once, and the platform sees nothing."""
    for name, changes, fields in INCOMPLETE:
        request = getattr(ticket, f"{rpc}Request")(**bet(platform) | changes)

        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED") as refusal:
            await getattr(client.tickets, rpc)(request)

        assert refusal.fields == fields, name
        assert "http_status" not in refusal.metadata, name
    assert not len(platform.journal)


@pytest.mark.parametrize("request_id", ["x", "x" * 128, "!~", "6b1f1c5e-8f0e-4a63-9d2b-0a4b7c1d2e3f"])
async def test_a_request_id_is_any_printable_ascii(platform: Sandbox, client: Client, request_id: str) -> None:
    """One to 128 printable characters without blanks are a request id."""
    await client.tickets.CreateTicket(placed(platform, request_id=request_id))

    assert len(platform.book.tickets()) == 1


@pytest.mark.parametrize("by", ["id", "code"])
async def test_paying_a_reserved_ticket_opens_it_and_takes_the_price(
    platform: Sandbox, client: Client, by: str
) -> None:
    """A payment names the ticket in the path, has no body, and signs its timestamp alone."""
    held = (await client.tickets.ReserveTicket(reserved(platform))).ticket

    paid = (
        await client.tickets.PayTicket(ticket.PayTicketRequest(request_id="pay-1", identifier=getattr(held, by)))
    ).ticket

    seen = platform.journal.last
    assert (seen.method, seen.target, seen.body) == ("POST", f"/be/tickets/{getattr(held, by)}/paid", b"")
    assert seen.header("content-length") == "0"
    assert seen.header("transfer-encoding") is None
    assert_signed(seen)
    assert_secret_between_us(seen, "pay-1")
    assert_says(paid, answer_of(seen))
    assert paid.status == ticket.TICKET_STATUS_OPEN
    assert platform.book.get(held.id).status is Status.OPEN
    assert balance(platform) == FULL - 2000


async def test_a_ticket_is_paid_once(platform: Sandbox, client: Client) -> None:
    """A second payment is TICKET_NOT_RESERVED, says which ticket has to be what, and takes nothing."""
    held = (await client.tickets.ReserveTicket(reserved(platform))).ticket
    await client.tickets.PayTicket(ticket.PayTicketRequest(request_id="pay-1", identifier=held.id))

    with refused(Reason.TICKET_NOT_RESERVED, api="be", platform_code="117", execution="NOT_EXECUTED") as refusal:
        await client.tickets.PayTicket(ticket.PayTicketRequest(request_id="pay-2", identifier=held.id))

    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    [violation] = refusal.detail(error_details_pb2.PreconditionFailure).violations
    assert (violation.type, violation.subject) == ("TICKET_STATUS", held.id)
    assert balance(platform) == FULL - 2000


async def test_a_blocked_player_cannot_pay(platform: Sandbox, client: Client) -> None:
    """A 403 is ACCESS_DENIED; the ticket stays reserved."""
    held = (await client.tickets.ReserveTicket(reserved(platform))).ticket
    platform.wallet.block(player_id(platform))

    with refused(Reason.ACCESS_DENIED, http_status="403", payload="empty", execution="NOT_EXECUTED"):
        await client.tickets.PayTicket(ticket.PayTicketRequest(request_id="pay-1", identifier=held.id))

    assert platform.book.get(held.id).status is Status.RESERVED


@pytest.mark.parametrize(
    ("rpc", "request_"),
    [
        ("GetTicket", ticket.GetTicketRequest(identifier="AB12CD")),
        ("PayTicket", ticket.PayTicketRequest(request_id="pay-1", identifier="AB12CD")),
    ],
)
async def test_an_unknown_ticket_is_not_found_by_name(client: Client, rpc: str, request_: Message) -> None:
    """The platform's code 102 is TICKET_NOT_FOUND, and the error names the identifier asked for."""
    with refused(
        Reason.TICKET_NOT_FOUND,
        platform_code="102",
        platform_message="Ticket with `AB12CD` identifier is not found",
    ) as refusal:
        await getattr(client.tickets, rpc)(request_)

    resource = refusal.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("ticket", "AB12CD")


@pytest.mark.parametrize(
    ("rpc", "request_"),
    [
        ("GetTicket", ticket.GetTicketRequest(identifier="")),
        ("GetTicket", ticket.GetTicketRequest(identifier=".")),
        ("GetTicket", ticket.GetTicketRequest(identifier="..")),
        ("PayTicket", ticket.PayTicketRequest(request_id="pay-1")),
        ("PayTicket", ticket.PayTicketRequest(request_id="pay-1", identifier="..")),
    ],
)
async def test_an_identifier_that_would_be_another_path_is_not_sent(
    platform: Sandbox, client: Client, rpc: str, request_: Message
) -> None:
    """Nothing, `.` and `..` are refused by the field's name."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await getattr(client.tickets, rpc)(request_)

    assert refusal.fields == ["identifier"]
    assert not len(platform.journal)


@pytest.mark.parametrize("by", ["id", "code"])
async def test_a_ticket_is_read_by_id_or_code(platform: Sandbox, client: Client, by: str) -> None:
    """The ticket arrives as it is now; the operator travels in the header only."""
    created = (await client.tickets.CreateTicket(placed(platform, "superbet"))).ticket
    platform.book.calculate(created.id)
    platform.book.result(created.id, Result.WON)

    found = (await client.tickets.GetTicket(ticket.GetTicketRequest(identifier=getattr(created, by)))).ticket

    seen = platform.journal.last
    assert (seen.method, seen.target, seen.body) == ("GET", f"/be/tickets/{getattr(created, by)}", b"")
    assert_signed(seen)
    assert_says(found, answer_of(seen))
    assert (found.status, found.result) == (ticket.TICKET_STATUS_RESULTED, ticket.TICKET_RESULT_WON)
    assert not found.HasField("odds")
    assert len(found.bets) == 3


async def test_tickets_are_listed_newest_first(platform: Sandbox, client: Client) -> None:
    """Without any wish the query is empty, and the platform's ten newest tickets come."""
    for _ in range(12):
        await client.tickets.CreateTicket(placed(platform, price=100))

    listed = await client.tickets.ListTickets(ticket.ListTicketsRequest())

    seen = platform.journal.last
    assert (seen.method, seen.target, seen.body) == ("GET", "/be/tickets", b"")
    assert_signed(seen)
    assert [found.id for found in listed.tickets] == [stored.id for stored in platform.book.tickets(limit=10)]
    for found, expected in zip(listed.tickets, answer_of(seen), strict=True):
        assert_says(found, expected)


async def test_a_list_is_limited_to_a_player_and_without_types(platform: Sandbox, client: Client) -> None:
    """Limit, player and types to skip travel in the query, types repeated in the order given."""
    for kind, token in (("quicktip", "demo"), ("superbet", "demo"), ("quicktip", "ada-token")):
        await client.tickets.CreateTicket(placed(platform, kind, token=token))
    demo = player_id(platform)

    listed = await client.tickets.ListTickets(
        ticket.ListTicketsRequest(
            limit=5, user_id=demo, skip_types=[ticket.TICKET_TYPE_SUPERBET, ticket.TICKET_TYPE_JACKPOT]
        )
    )

    assert platform.journal.last.target == (
        f"/be/tickets?limit=5&user_id={demo}&skip_types=superbet&skip_types=jackpot"
    )
    assert [(found.user_id, found.type) for found in listed.tickets] == [(demo, ticket.TICKET_TYPE_QUICKTIP)]


async def test_an_empty_list_is_a_list(client: Client) -> None:
    """A player without tickets has none."""
    assert not (await client.tickets.ListTickets(ticket.ListTicketsRequest(user_id="1"))).tickets


async def test_a_limit_of_zero_is_sent_and_refused_by_the_platform(platform: Sandbox, client: Client) -> None:
    """Zero is not the same as no limit: it travels, and the platform finds it malformed."""
    with refused(Reason.INVALID_REQUEST, http_status="422", payload="json"):
        await client.tickets.ListTickets(ticket.ListTicketsRequest(limit=0))

    assert platform.journal.last.target == "/be/tickets?limit=0"


async def test_tickets_of_a_blocked_player_are_not_shown(platform: Sandbox, client: Client) -> None:
    """A 403 on the list is ACCESS_DENIED."""
    with refused(Reason.ACCESS_DENIED, http_status="403") as refusal:
        await client.tickets.ListTickets(ticket.ListTicketsRequest(user_id=player_id(platform, "blocked")))

    assert refusal.code is grpc.StatusCode.PERMISSION_DENIED


async def test_a_type_that_is_none_cannot_be_skipped(platform: Sandbox, client: Client) -> None:
    """An unspecified or unknown type in the list is refused by its place."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await client.tickets.ListTickets(
            ticket.ListTicketsRequest(skip_types=[1, 0, 42])  # type: ignore[list-item]
        )

    assert refusal.fields == ["skip_types[1]", "skip_types[2]"]
    assert not len(platform.journal)


@pytest.fixture
async def two_operators() -> AsyncIterator[tuple[Sandbox, Client]]:
    """Return a platform of two operators, and a client of a gateway that has both and no default."""
    async with sandbox(
        SandboxOptions(listen="127.0.0.1:0", operators={"site": SECRET, "acme": "other key"})
    ) as running:
        acme = {"acme": {"secret": "other key", "platform_url": running.url}}
        async with client_of(settings_for(running.url, operators=acme, default_operator=None)) as connected:
            yield running, connected


async def test_each_operator_signs_with_its_own_key(two_operators: tuple[Sandbox, Client]) -> None:
    """A bet travels under the operator it names, in header and body, signed with that operator's key."""
    platform, client = two_operators
    for operator, secret in (("site", SECRET), ("acme", "other key")):
        created = (await client.tickets.CreateTicket(placed(platform, operator=operator))).ticket

        assert platform.book.get(created.id).operator == operator
        assert json.loads(platform.journal.last.body)["operator"] == operator
        assert_signed(platform.journal.last, operator, secret)


async def test_an_operator_does_not_see_anothers_ticket(two_operators: tuple[Sandbox, Client]) -> None:
    """What belongs to one operator is not found by the other."""
    platform, client = two_operators
    created = (await client.tickets.CreateTicket(placed(platform, operator="site"))).ticket

    with refused(Reason.TICKET_NOT_FOUND):
        await client.tickets.GetTicket(ticket.GetTicketRequest(operator="acme", identifier=created.id))
    assert not (await client.tickets.ListTickets(ticket.ListTicketsRequest(operator="acme"))).tickets


@pytest.mark.parametrize("operator", ["", "nobody"])
async def test_an_operator_that_is_not_configured_is_refused(
    two_operators: tuple[Sandbox, Client], operator: str
) -> None:
    """Without a default an empty operator is nobody; nothing is sent under a wrong name."""
    platform, client = two_operators
    with refused(Reason.OPERATOR_NOT_CONFIGURED, execution="NOT_EXECUTED") as refusal:
        await client.tickets.CreateTicket(placed(platform, operator=operator))

    assert refusal.code is grpc.StatusCode.NOT_FOUND
    resource = refusal.detail(error_details_pb2.ResourceInfo)
    assert (resource and (resource.resource_type, resource.resource_name)) == (
        ("operator", operator) if operator else None
    )
    assert not len(platform.journal)
