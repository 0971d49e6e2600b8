"""Does every failure fit into a status that every client can read?"""

from __future__ import annotations

from typing import Any, Final

import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract.routes import load_contract
from gateway.failure import Failure, Reason, Violation, invalid
from gateway.server.status import to_status, trailing_metadata
from tests.harness import http_answer, refused
from tests.rpc.calls import CREATE, GET_TICKET, error_body, facing, refusal_of

LIMIT: Final = 4096
GET: Final = load_contract().routes["/betstack.ticket.v1.TicketService/GetTicket"]
TAKE: Final = load_contract().routes["/betstack.pam.v1.PamService/CreateTicket"]
PING: Final = load_contract().routes["/betstack.pam.v1.PamService/Ping"]
LONG: Final = "Łódź 🎲 " * 2000

HUGE: Final[dict[str, Failure]] = {
    "a huge message": Failure(Reason.TICKET_NOT_FOUND, LONG),
    "huge metadata": Failure(Reason.CONFLICT, "No", metadata={f"key_{n}": LONG for n in range(8)}),
    "both": Failure(Reason.TICKET_NOT_RESERVED, LONG, metadata={"platform_message": LONG, "request_id": LONG}),
    "five hundred violations": invalid(Violation(f"events[{n}].odds", "has to be a number") for n in range(500)),
    "a violation with a huge path": invalid([Violation(LONG, LONG)]),
    "everything at once": Failure(
        Reason.TICKET_NOT_FOUND,
        LONG,
        metadata={"platform_message": LONG, "request_id": LONG, "api": "be", "http_status": "400"},
        violations=[Violation(LONG, LONG) for _ in range(100)],
        retry_after_s=999_999_999.0,
    ),
}


def details(status: Status, kind: type[Message]) -> list[Any]:
    """Return the details of one type."""
    found = []
    for detail in status.details:
        if detail.Is(kind.DESCRIPTOR):
            unpacked = kind()
            detail.Unpack(unpacked)
            found.append(unpacked)
    return found


@pytest.mark.parametrize("name", HUGE)
def test_a_status_stays_small_and_keeps_its_error_info(name: str) -> None:
    """Whatever is too much is cut or left out; reason, domain and the names of the metadata stay."""
    failure = HUGE[name]

    status = to_status(failure, GET, ticket.GetTicketRequest(identifier=LONG))

    assert status.ByteSize() <= LIMIT
    assert status.message
    [info] = details(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == (failure.reason, "betstack-gateway")
    assert info.metadata.keys() == failure.metadata.keys()
    assert all(info.metadata.values())


def test_as_many_violations_as_fit_are_named_in_their_order() -> None:
    """Of five hundred wrong fields the first ones are named, each as a whole."""
    status = to_status(HUGE["five hundred violations"])

    [bad_request] = details(status, error_details_pb2.BadRequest)
    named = [violation.field for violation in bad_request.field_violations]
    assert len(named) > 30
    assert named == [f"events[{n}].odds" for n in range(len(named))]
    assert status.message.endswith(f"… ({500 - len(named)} more than BadRequest has room for)")


def test_a_text_is_cut_between_letters() -> None:
    """A cut text is still UTF-8, and shows that it was cut."""
    message = to_status(Failure(Reason.CONFLICT, "ł" * 1000)).message

    assert len(message.encode()) <= 512
    assert message.endswith("…")
    assert set(message[:-1]) == {"ł"}


def test_a_short_failure_is_told_as_it_is() -> None:
    """Nothing is cut that need not be."""
    failure = Failure(
        Reason.RATE_LIMITED, "Slow down", metadata={"api": "be", "platform_message": "x" * 1000}, retry_after_s=1.25
    )

    status = to_status(failure)

    assert status.message == "Slow down"
    [info] = details(status, error_details_pb2.ErrorInfo)
    assert dict(info.metadata) == failure.metadata
    [retry] = details(status, error_details_pb2.RetryInfo)
    assert (retry.retry_delay.seconds, retry.retry_delay.nanos) == (1, 250_000_000)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_status_and_only_the_unknown_outcome_stops_repeats(reason: Reason) -> None:
    """The trailers carry the status; OUTCOME_UNKNOWN alone also tells a client to stop."""
    failure = Failure(reason, "No")
    status = to_status(failure)

    trailers = dict(trailing_metadata(failure, status))

    assert status.code != 0
    assert trailers.pop("grpc-status-details-bin") == status.SerializeToString()
    assert trailers == ({"grpc-retry-pushback-ms": "-1"} if reason is Reason.OUTCOME_UNKNOWN else {})


RESOURCES: Final = {
    Reason.TICKET_NOT_FOUND: ("ticket", "T1"),
    Reason.OPERATOR_NOT_FOUND: ("operator", "acme"),
    Reason.OPERATOR_NOT_CONFIGURED: ("operator", "acme"),
    Reason.PLAYER_NOT_FOUND: ("player", "P1"),
    Reason.OPERATION_NOT_FOUND: ("operation", "bet-1"),
}


@pytest.mark.parametrize("reason", RESOURCES)
def test_what_was_not_found_is_named(reason: Reason) -> None:
    """The resource has the name that the request has for it, whatever else the request names."""
    request = pam.CreateTicketRequest(operator="acme", request_id="bet-1", ticket_id="T1", player_id="P1")

    status = to_status(Failure(reason, "No"), TAKE, request)

    [resource] = details(status, error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == RESOURCES[reason]


@pytest.mark.parametrize("reason", RESOURCES)
def test_a_resource_without_a_name_is_not_sent(reason: Reason) -> None:
    """Nothing is said about a resource that the request does not name, or has no field for."""
    for route, request in ((TAKE, pam.CreateTicketRequest()), (PING, pam.PingRequest()), (None, None)):
        assert not details(to_status(Failure(reason, "No"), route, request), error_details_pb2.ResourceInfo)


@pytest.mark.parametrize("size", [1_000, 100_000])
async def test_a_platform_that_talks_too_much_does_not_drown_the_error(size: int) -> None:
    """Over the wire the caller gets code and reason, and as much of the platform's words as fits."""
    words = "Łódź 🎲 “no” \r\n" * (size // 10)
    async with facing(http_answer(400, error_body(119, words))) as (client, _):
        for to in (CREATE, GET_TICKET):
            with refused(Reason.PLATFORM_CODE_UNMAPPED, platform_code="119", http_status="400") as refusal:
                await to(client)
            assert refusal.status.ByteSize() <= LIMIT
            assert words.startswith(refusal.metadata["platform_message"].removesuffix("…"))
            assert len(refusal.metadata["platform_message"]) > 100


async def test_a_request_that_is_wrong_five_hundred_times_is_answered() -> None:
    """Five hundred bad odds come back as INVALID_REQUEST with the first fields named."""
    bad = ticket.Quicktip(events=[ticket.Selection(odds=float("nan")) for _ in range(500)])
    async with facing(http_answer(500)) as (client, _):
        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED") as refusal:
            await client.tickets.CreateTicket(
                ticket.CreateTicketRequest(
                    request_id="x", price=1, currency="KES", source="TICKET_SOURCE_SMS", quicktip=bad
                )
            )

    assert refusal.fields[:2] == ["quicktip.events[0].odds", "quicktip.events[1].odds"]
    assert refusal.status.ByteSize() <= LIMIT


async def test_names_a_caller_makes_up_do_not_burst_the_error() -> None:
    """A request id, an operator or an identifier of a hundred kilobytes is refused like any other."""
    long = "ź" * 50_000
    async with facing(http_answer(400, error_body(102))) as (client, _):
        requests = [
            client.tickets.CreateTicket(ticket.CreateTicketRequest(request_id=long)),
            client.tickets.GetTicket(ticket.GetTicketRequest(operator=long, identifier="AB12CD")),
            client.tickets.GetTicket(ticket.GetTicketRequest(identifier="x" * 20_000)),
            client.tickets.GetTicket(ticket.GetTicketRequest(identifier="ź" * 256)),
        ]
        refusals = [await refusal_of(request) for request in requests]

    assert [refusal.info.reason for refusal in refusals] == [
        Reason.INVALID_REQUEST,
        Reason.OPERATOR_NOT_CONFIGURED,
        Reason.INVALID_REQUEST,
        Reason.TICKET_NOT_FOUND,
    ]
