"""Can everybody read what became of a money call, and can a person say what nobody else can find out?"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc.aio
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from betstack.error.v1 import error_reason_pb2 as errors
from betstack.operation.v1 import operation_service_pb2 as pb
from betstack.operation.v1.operation_service_pb2_grpc import OperationServiceStub
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.ledger.operation import State
from gateway.sandbox import Fault, FaultKind, Sandbox
from gateway.wire.attempt import Stage
from tests.harness import Answer, Client, client_of, hang_up, http_answer, refused, scripted, settings_for, standing
from tests.logs import calls, lines
from tests.rpc.bets import TICKET_ID, placed, taken
from tests.rpc.calls import CREATE, PAY, TAKE, WIN, Gate, To, closed_port, error_body, facing, refusal_of

OPERATION_SERVICE: Final = "/betstack.operation.v1.OperationService"
TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'
OK: Final = http_answer(200, TICKET)
FAST: Final[dict[str, Any]] = {
    "upstream": {"timeout_s": 1},
    "reconcile": {
        "poll_s": 0.05,
        "settle_s": 0.1,
        "repeat_s": [0.1, 0.2],
        "discard_s": 0.3,
        "first_absence_s": 0.5,
        "between_looks_s": 0.2,
        "clock_tolerance_s": 1,
    },
}
"""A gateway that finds out within a second what it can find out."""


def stub(client: Client) -> Any:
    """Return the service."""
    return OperationServiceStub(client.channel)  # type: ignore[no-untyped-call]


async def got(client: Client, request_id: str, **fields: Any) -> pb.Operation:
    """Read an operation."""
    answer: pb.GetOperationResponse = await stub(client).GetOperation(
        pb.GetOperationRequest(request_id=request_id, **fields)
    )
    return answer.operation


async def listed(client: Client, **fields: Any) -> pb.ListOperationsResponse:
    """Read a page."""
    answer: pb.ListOperationsResponse = await stub(client).ListOperations(pb.ListOperationsRequest(**fields))
    return answer


async def resolved(client: Client, request_id: str, verdict: str, **fields: Any) -> pb.Operation:
    """Give a verdict."""
    request = pb.ResolveOperationRequest(
        request_id=request_id, verdict=f"OPERATION_VERDICT_{verdict}", **{"reason": "seen in the back office", **fields}
    )
    answer: pb.ResolveOperationResponse = await stub(client).ResolveOperation(request)
    return answer.operation


def watching(client: Client, request_id: str) -> Any:
    """Open a stream."""
    return stub(client).WatchOperation(pb.WatchOperationRequest(request_id=request_id))


async def next_state(watch: Any) -> str:
    """Read the next message of a stream, or that it is over."""
    async with asyncio.timeout(10):
        answer = await watch.read()
    return "EOF" if answer is grpc.aio.EOF else state_of(answer.operation)


async def until(client: Client, request_id: str, state: str) -> pb.Operation:
    """Watch an operation until it is so."""
    async with asyncio.timeout(10):
        async for answer in watching(client, request_id):
            if state_of(answer.operation) == state:
                return await got(client, request_id)
    pytest.fail(f"the stream is over, and the operation was never {state}")


def state_of(operation: pb.Operation) -> str:
    """Return the state without its prefix."""
    return pb.OperationState.Name(operation.state).removeprefix("OPERATION_STATE_")


def stage_of(operation: pb.Operation) -> str:
    """Return the wire stage without its prefix."""
    return pb.WireStage.Name(operation.wire_stage).removeprefix("WIRE_STAGE_")


def reason_of(operation: pb.Operation) -> str:
    """Return the failure's reason without its prefix."""
    return errors.ErrorReason.Name(operation.failure.reason).removeprefix("ERROR_REASON_")


async def sent(to: To, client: Client, **fields: Any) -> str:
    """Make a call that may end as it likes, and return its request id."""
    request: Any = to.made()
    for name, value in fields.items():
        setattr(request, name, value)
    await refusal_of(getattr(getattr(client, to.service), to.rpc)(request))
    return str(request.request_id)


@asynccontextmanager
async def undecided(*answers: Answer, **overrides: Any) -> AsyncIterator[tuple[Client, str]]:
    """Run a gateway with a bet whose answer was lost; further requests are answered as told."""
    async with facing(hang_up, *(answers or (OK,)), **overrides) as (client, _):
        yield client, await sent(CREATE, client)


# ------------------------------------------------------------------------------------------------------ reading


async def test_a_bet_that_was_placed_is_told_with_its_response(platform: Sandbox, client: Client) -> None:
    """The operation has the very response that the caller got, packed with the type of the RPC's response."""
    bet = placed(platform)
    response = await client.tickets.CreateTicket(bet)

    operation = await got(client, bet.request_id)

    assert operation.operator == "site"
    assert operation.request_id == bet.request_id
    assert operation.method == "betstack.ticket.v1.TicketService/CreateTicket"
    assert (state_of(operation), stage_of(operation), operation.attempts) == ("SUCCEEDED", "ANSWERED", 1)
    assert operation.response.type_url == "type.googleapis.com/betstack.ticket.v1.CreateTicketResponse"
    assert ticket.CreateTicketResponse.FromString(operation.response.value) == response
    assert operation.received_time.ToNanoseconds() <= operation.sent_time.ToNanoseconds()
    assert operation.sent_time.ToNanoseconds() < operation.update_time.ToNanoseconds()
    assert operation.ticket_id == ""
    assert not operation.HasField("next_time")
    assert not operation.notes


async def test_an_action_on_a_ticket_is_told_with_its_ticket(platform: Sandbox, client: Client) -> None:
    """The response of a PAM action is there, though it is empty."""
    taking = taken(platform)
    await client.pam.CreateTicket(taking)

    operation = await got(client, taking.request_id)

    assert operation.ticket_id == TICKET_ID
    assert operation.WhichOneof("outcome") == "response"
    assert operation.response == AnyMessage(type_url="type.googleapis.com/betstack.pam.v1.CreateTicketResponse")


@pytest.mark.parametrize("to", [CREATE, PAY, TAKE, WIN], ids=lambda to: to.rpc)
async def test_a_failure_is_told_as_the_caller_heard_it(to: To) -> None:
    """Reason, message and metadata of a refusal are those of the caller's ErrorInfo, for definite and unknown ends."""
    for answer, state, stage in (
        (http_answer(400, error_body(101)), "REJECTED", "ANSWERED"),
        (http_answer(503), "UNKNOWN", "ANSWERED"),
        (hang_up, "UNKNOWN", "SENT_NO_ANSWER"),
    ):
        async with facing(answer) as (client, _):
            request: Any = to.made()
            heard = await refusal_of(getattr(getattr(client, to.service), to.rpc)(request))
            operation = await got(client, request.request_id)

        assert (state_of(operation), stage_of(operation)) == (state, stage)
        assert operation.WhichOneof("outcome") == "failure"
        assert reason_of(operation) == heard.info.reason
        assert operation.failure.message == heard.message
        assert dict(operation.failure.metadata) == heard.metadata
        assert operation.HasField("next_time") == (state == "UNKNOWN")


async def test_what_never_left_is_told_so() -> None:
    """A platform that is not there leaves an operation that was not sent."""
    with closed_port() as url:
        async with client_of(settings_for(url)) as client:
            operation = await got(client, await sent(CREATE, client))

    assert (state_of(operation), stage_of(operation)) == ("NOT_SENT", "NEVER_SENT")
    assert reason_of(operation) == "UPSTREAM_UNREACHABLE"
    assert operation.failure.metadata["execution"] == "NOT_EXECUTED"


async def test_what_is_on_its_way_has_no_outcome() -> None:
    """While a call is on its way nothing is said about how far it got; one that waits its turn has not left."""
    gate = Gate(http_answer(200))
    async with facing(gate, http_answer(200)) as (client, _):
        first, second = (pam.WinTicketRequest(request_id=f"win-{n}", ticket_id=TICKET_ID) for n in range(2))
        calls = [asyncio.ensure_future(_made(client.pam.WinTicket(first)))]
        await gate.asked.wait()
        calls.append(asyncio.ensure_future(_made(client.pam.WinTicket(second))))
        sending = await got(client, "win-0")
        received = await _existing(client, "win-1")
        gate.open.set()
        await asyncio.gather(*calls)

    assert (state_of(sending), stage_of(sending), sending.attempts) == ("SENDING", "UNSPECIFIED", 1)
    assert (state_of(received), stage_of(received), received.attempts) == ("RECEIVED", "NEVER_SENT", 0)
    assert not received.HasField("sent_time")
    for operation in (sending, received):
        assert operation.WhichOneof("outcome") is None
        assert not operation.HasField("next_time")


async def _made(call: Any) -> Any:
    return await call


async def _existing(client: Client, request_id: str) -> pb.Operation:
    """Read an operation as soon as there is one."""
    async with asyncio.timeout(10):
        while request_id not in _ids(await listed(client)):
            pass
    return await got(client, request_id)


async def test_what_was_undone_is_told_with_how(platform: Sandbox) -> None:
    """A PAM create whose answer was lost is discarded; the operation says that, and what a repeat is answered with."""
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, action="ticket_create"))
    async with client_of(settings_for(platform.url, **FAST)) as client:
        taking = taken(platform)
        await refusal_of(client.pam.CreateTicket(taking))
        operation = await until(client, taking.request_id, "REVERSED")

    assert reason_of(operation) == "OPERATION_REVERSED"
    assert operation.failure.metadata["execution"] == "NOT_EXECUTED"
    assert [note.text for note in operation.notes] == ["the ticket was discarded"]
    assert operation.notes[0].time == operation.update_time


async def test_an_unknown_request_id_is_not_found(client: Client) -> None:
    """The resource that is not there is named."""
    for rpc, kind in (("GetOperation", pb.GetOperationRequest), ("ResolveOperation", pb.ResolveOperationRequest)):
        request: Any = kind(request_id="bet-0")
        if isinstance(request, pb.ResolveOperationRequest):
            request.MergeFrom(pb.ResolveOperationRequest(verdict=pb.OPERATION_VERDICT_EXECUTED, reason="seen"))
        with refused(Reason.OPERATION_NOT_FOUND, request_id="bet-0") as refusal:
            await getattr(stub(client), rpc)(request)

        resource = refusal.detail(error_details_pb2.ResourceInfo)
        assert (resource.resource_type, resource.resource_name) == ("operation", "bet-0")
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert "execution" not in refusal.metadata


@pytest.mark.parametrize("request_id", ["", "a b", "b\0", "ł", "x" * 129])
async def test_a_request_id_that_can_be_nobodys_is_refused(client: Client, request_id: str) -> None:
    """A missing or malformed request id is a mistake of the caller, and the field is named."""
    calls = (
        got(client, request_id),
        resolved(client, request_id, "EXECUTED"),
        watching(client, request_id).read(),
    )
    for call in calls:
        with refused(Reason.INVALID_REQUEST) as refusal:
            await call
        assert refusal.fields == ["request_id"]


async def raw(client: Client, rpc: str, body: bytes) -> Any:
    """Send bytes as they are, and return the first answer; one that answers once is a stream of one, on the wire."""
    send: Any = client.channel.unary_stream(f"{OPERATION_SERVICE}/{rpc}")
    return await send(body).read()


RPCS: Final = {
    "GetOperation": pb.GetOperationRequest,
    "ListOperations": pb.ListOperationsRequest,
    "WatchOperation": pb.WatchOperationRequest,
    "ResolveOperation": pb.ResolveOperationRequest,
}


@pytest.mark.parametrize("rpc", RPCS)
async def test_bytes_that_are_no_request_are_refused_with_a_reason(client: Client, rpc: str) -> None:
    """A broken message is INVALID_REQUEST with an ErrorInfo, and says what was expected."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await raw(client, rpc, b"\x0a\x05ab")

    assert f"betstack.operation.v1.{rpc}Request" in refusal.message


@pytest.mark.parametrize("rpc", RPCS)
@pytest.mark.parametrize("operator", ["", "nobody"])
async def test_an_operator_that_is_not_configured_is_refused(platform: Sandbox, rpc: str, operator: str) -> None:
    """Without a default an empty operator is nobody; the operator is named where there is a name."""
    async with client_of(settings_for(platform.url, default_operator=None)) as client:
        request = RPCS[rpc](operator=operator)
        with refused(Reason.OPERATOR_NOT_CONFIGURED) as refusal:
            await raw(client, rpc, request.SerializeToString())

    resource = refusal.detail(error_details_pb2.ResourceInfo)
    assert (resource and resource.resource_name) == (operator or None)


async def test_operators_do_not_see_each_others_operations(platform: Sandbox) -> None:
    """A request id belongs to one operator, and a list has one operator's rows."""
    site = {"secret": "12345ABCDE", "platform_url": platform.url}
    async with client_of(settings_for(platform.url, operators={"acme": site})) as client:
        bet = placed(platform)
        await client.tickets.CreateTicket(bet)

        assert (await got(client, bet.request_id, operator="site")) == (await got(client, bet.request_id))
        with refused(Reason.OPERATION_NOT_FOUND):
            await got(client, bet.request_id, operator="acme")
        assert not (await listed(client, operator="acme")).operations
        assert len((await listed(client, operator="site")).operations) == 1


async def test_a_ledger_that_fails_is_a_fault_with_a_number(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody expected has an error id that the log has too, and says nothing about any money call."""
    settings = settings_for("http://127.0.0.1:1")
    async with client_of(settings) as client:
        _run_in_ledger(settings.ledger.url, "DROP TABLE operations")
        for call in (got(client, "bet-0"), listed(client), watching(client, "bet-0").read()):
            with refused(Reason.GATEWAY_FAULT) as refusal:
                await call
            assert refusal.metadata["error_id"] in {line.get("error_id") for line in lines(caplog)}
            assert "execution" not in refusal.metadata
            assert "operations" not in refusal.message


def _run_in_ledger(url: str, statement: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()


async def test_one_record_is_left_of_every_call(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Calls to the gateway itself are recorded like those to the platform."""
    with caplog.at_level(logging.INFO, logger="gateway"):
        await listed(client)
        await refusal_of(stub(client).GetOperation(pb.GetOperationRequest(request_id="bet-0")))
        await refusal_of(watching(client, "bet-1").read())

    missing = {"operator": "site", "code": "NOT_FOUND", "reason": "OPERATION_NOT_FOUND"}
    assert calls(caplog) == [
        {"call": f"{OPERATION_SERVICE}/ListOperations", "operator": "site", "code": "OK"},
        {"call": f"{OPERATION_SERVICE}/GetOperation", "request_id": "bet-0", **missing},
        {"call": f"{OPERATION_SERVICE}/WatchOperation", "request_id": "bet-1", **missing},
    ]


def test_every_state_stage_and_reason_has_a_value() -> None:
    """What the ledger calls states and stages, the contract calls the same."""
    assert _names(pb.OperationState, "OPERATION_STATE_") == set(State)
    assert _names(pb.WireStage, "WIRE_STAGE_") == set(Stage)
    assert _names(errors.ErrorReason, "ERROR_REASON_") == set(Reason)


def _names(enum: Any, prefix: str) -> set[str]:
    return {name.removeprefix(prefix) for name, number in enum.items() if number}


# ------------------------------------------------------------------------------------------------------ listing


async def _bets(client: Client, count: int) -> list[str]:
    """Place so many bets one after the other, and return their request ids, newest first."""
    ids = [await sent(CREATE, client) for _ in range(count)]
    return ids[::-1]


def _ids(page: pb.ListOperationsResponse) -> list[str]:
    return [operation.request_id for operation in page.operations]


async def test_a_list_without_operations_is_empty(client: Client) -> None:
    """There is no page after it."""
    assert await listed(client) == pb.ListOperationsResponse()


async def test_a_page_has_fifty_operations_unless_told_otherwise() -> None:
    """The newest come first; the token leads on, and the last page has none."""
    async with facing(OK) as (client, _):
        ids = await _bets(client, 52)

        first = await listed(client)
        second = await listed(client, page_token=first.next_page_token)
        whole = await listed(client, page_size=52)

    assert _ids(first) + _ids(second) == _ids(whole) == ids
    assert len(first.operations) == 50
    assert (second.next_page_token, whole.next_page_token) == ("", "")


async def test_pages_of_any_size_make_up_the_list(ledger_url: str) -> None:
    """Pages may differ in size; what is placed meanwhile is on none of them."""
    async with facing(OK, ledger={"url": ledger_url}) as (client, _):
        ids = await _bets(client, 7)

        found, token = [], ""
        for size in (1, 2, 3, 4):
            page = await listed(client, page_size=size, page_token=token)
            found += _ids(page)
            token = page.next_page_token
            await _bets(client, 1)

    assert found == ids
    assert token == ""


async def test_an_operation_in_a_list_is_the_same_as_alone() -> None:
    """A list has all that is known of each operation."""
    async with facing(OK, hang_up) as (client, _):
        ids = await _bets(client, 2)

        assert list((await listed(client)).operations) == [await got(client, each) for each in ids]


async def test_a_list_can_be_of_some_states() -> None:
    """Only the states that were asked for come, each operation once, across pages too."""
    async with facing(hang_up, OK, http_answer(400, error_body(101)), hang_up, OK) as (client, _):
        last, unknown_2, rejected, succeeded, unknown_1 = await _bets(client, 5)

        unknown = await listed(client, states=["OPERATION_STATE_UNKNOWN"])
        both: dict[str, Any] = {"states": ["OPERATION_STATE_SUCCEEDED", "OPERATION_STATE_REJECTED"], "page_size": 2}
        first = await listed(client, **both)
        both["states"] = both["states"][::-1] * 2
        second = await listed(client, **both, page_token=first.next_page_token)
        none = await listed(client, states=["OPERATION_STATE_NEEDS_HUMAN"])

    assert _ids(unknown) == [unknown_2, unknown_1]
    assert _ids(first) + _ids(second) == [last, rejected, succeeded]
    assert not none.operations


async def test_a_list_can_be_of_old_operations() -> None:
    """What was received later than that long ago is left out."""
    now = [1_800_000_000.0]
    async with scripted(OK) as platform, client_of(settings_for(platform.url), clock=lambda: now[0]) as client:
        [old] = await _bets(client, 1)
        now[0] += 60
        [new] = await _bets(client, 1)

        assert _ids(await listed(client)) == [new, old]
        assert _ids(await listed(client, older_than=Duration())) == [new, old]
        assert _ids(await listed(client, older_than=Duration(nanos=1000))) == [old]
        assert _ids(await listed(client, older_than=Duration(seconds=60))) == [old]
        assert not (await listed(client, older_than=Duration(seconds=61))).operations


async def test_a_page_fits_into_a_message() -> None:
    """However big the tickets are, a page is one that every client takes, and none is lost."""
    big = json.dumps({"id": TICKET_ID, "code": "AB12CD", "more": "x" * 1_000_000}).encode()
    async with facing(http_answer(200, big)) as (client, _):
        ids = await _bets(client, 5)

        found, token, pages = [], "", 0
        while token or not pages:
            page = await listed(client, page_size=1000, page_token=token)
            found += _ids(page)
            token = page.next_page_token
            pages += 1

    assert found == ids
    assert pages == 2


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"page_size": -1}, ["page_size"]),
        ({"page_size": 1001}, ["page_size"]),
        ({"older_than": Duration(seconds=-1)}, ["older_than"]),
        ({"older_than": Duration(nanos=-1)}, ["older_than"]),
        ({"states": [pb.OPERATION_STATE_UNKNOWN, 99, 0]}, ["states[1]", "states[2]"]),
        ({"page_token": "abc"}, ["page_token"]),
        ({"page_size": -1, "page_token": "ł", "states": [-1]}, ["states[0]", "page_size", "page_token"]),
    ],
)
async def test_a_list_that_cannot_be_is_refused(client: Client, fields: dict[str, Any], named: list[str]) -> None:
    """Every field that is wrong is named."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await listed(client, **fields)

    assert refusal.fields == named


async def test_a_page_token_belongs_to_its_list(platform: Sandbox) -> None:
    """A token of another list, a changed one and one of somebody's own making are refused."""
    site = {"secret": "12345ABCDE", "platform_url": platform.url}
    async with client_of(settings_for(platform.url, operators={"acme": site})) as client:
        for _ in range(2):
            await client.tickets.CreateTicket(placed(platform))
        token = (await listed(client, page_size=1)).next_page_token
        content = bytearray(base64.urlsafe_b64decode(token))
        content[7] ^= 1

        wrong: list[dict[str, Any]] = [
            {"page_token": token, "operator": "acme"},
            {"page_token": token, "states": ["OPERATION_STATE_SUCCEEDED"]},
            {"page_token": token, "older_than": Duration(seconds=1)},
            {"page_token": token[:-4]},
            {"page_token": f"{token}AAAA"},
            {"page_token": base64.urlsafe_b64encode(content).decode()},
            {"page_token": base64.urlsafe_b64encode(bytes(24)).decode()},
            {"page_token": " "},
        ]
        for fields in wrong:
            with refused(Reason.INVALID_REQUEST) as refusal:
                await listed(client, **fields)
            assert refusal.fields == ["page_token"]

        assert len((await listed(client, page_token=token)).operations) == 1


# ----------------------------------------------------------------------------------------------------- watching


async def test_a_final_operation_is_told_once() -> None:
    """There is nothing to wait for."""
    for answer, state in ((OK, "SUCCEEDED"), (http_answer(400, error_body(101)), "REJECTED")):
        async with facing(answer) as (client, _):
            watch = watching(client, await sent(CREATE, client))

            assert [await next_state(watch), await next_state(watch)] == [state, "EOF"]


async def test_a_watcher_hears_how_a_call_ends() -> None:
    """Who watches a call on its way is told its end, with the response."""
    gate = Gate(OK)
    async with facing(gate) as (client, _):
        request: Any = CREATE.made()
        call = asyncio.ensure_future(_made(client.tickets.CreateTicket(request)))
        await gate.asked.wait()
        watch = watching(client, request.request_id)
        assert await next_state(watch) == "SENDING"

        gate.open.set()

        assert (await watch.read()).operation.response.value == (await call).SerializeToString()
        assert await next_state(watch) == "EOF"


async def test_what_needs_a_person_is_watched_on(platform: Sandbox) -> None:
    """UNKNOWN becomes NEEDS_HUMAN, which is not the end; the verdict is."""
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, path="/be/tickets"))
    async with client_of(settings_for(platform.url, **FAST)) as client:
        bet = placed(platform)
        await refusal_of(client.tickets.CreateTicket(bet))
        watch = watching(client, bet.request_id)

        assert [await next_state(watch), await next_state(watch)] == ["UNKNOWN", "NEEDS_HUMAN"]
        await resolved(client, bet.request_id, "EXECUTED")
        assert [await next_state(watch), await next_state(watch)] == ["SUCCEEDED", "EOF"]


async def test_a_change_is_heard_at_every_gateway(ledger_url: str) -> None:
    """Who watches at one gateway hears what a neighbour on the same ledger writes."""
    async with undecided(ledger={"url": ledger_url}) as (client, request_id):
        settings = settings_for("http://127.0.0.1:1", ledger={"url": ledger_url})
        async with client_of(settings) as neighbour:
            watch = watching(neighbour, request_id)
            assert await next_state(watch) == "UNKNOWN"

            await resolved(client, request_id, "REVERSED")

            assert [await next_state(watch), await next_state(watch)] == ["REVERSED", "EOF"]


async def test_many_watch_the_same_operation() -> None:
    """Every watcher is told."""
    async with undecided() as (client, request_id):
        watches = [watching(client, request_id) for _ in range(5)]
        assert [await next_state(watch) for watch in watches] == ["UNKNOWN"] * 5

        await resolved(client, request_id, "NOT_EXECUTED")

        assert [await next_state(watch) for watch in watches] == ["REJECTED"] * 5


async def test_an_operation_that_is_not_there_cannot_be_watched(client: Client) -> None:
    """The stream ends before its first message."""
    with refused(Reason.OPERATION_NOT_FOUND, request_id="bet-0") as refusal:
        await watching(client, "bet-0").read()

    assert refusal.detail(error_details_pb2.ResourceInfo).resource_name == "bet-0"


async def test_an_operation_that_is_taken_away_is_watched_no_more() -> None:
    """Somebody removes the row by hand; its watcher is told."""
    ledger = settings_for("http://127.0.0.1:1").ledger.url
    async with undecided(ledger={"url": ledger}) as (client, request_id):
        watch = watching(client, request_id)
        assert await next_state(watch) == "UNKNOWN"

        _run_in_ledger(ledger, "DELETE FROM operations")

        with refused(Reason.OPERATION_NOT_FOUND):
            await next_state(watch)


async def test_an_open_watch_does_not_hold_up_a_shutdown() -> None:
    """A gateway that goes away ends the stream with SHUTTING_DOWN, and does not wait for the grace to pass."""
    async with scripted(hang_up) as platform:
        settings = settings_for(platform.url, server={"grace_s": 60})
        async with standing(settings) as (client, end):
            watch = watching(client, await sent(CREATE, client))
            assert await next_state(watch) == "UNKNOWN"

            ended = end()
            with refused(Reason.SHUTTING_DOWN) as refusal:
                await next_state(watch)
            assert refusal.code is grpc.StatusCode.UNAVAILABLE
            assert "execution" not in refusal.metadata
            await asyncio.wait_for(ended, 10)


async def test_a_watcher_that_hangs_up_is_forgotten(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of a cancelled stream holds up a shutdown, and its record says that it was cancelled."""
    async with scripted(hang_up) as platform:
        settings = settings_for(platform.url, server={"grace_s": 60})
        async with standing(settings) as (client, end):
            request_id = await sent(CREATE, client)
            watch = watching(client, request_id)
            assert await next_state(watch) == "UNKNOWN"
            with caplog.at_level(logging.INFO, logger="gateway"):
                watch.cancel()
                async with asyncio.timeout(10):
                    while (request_id, "CANCELLED") not in _ends_of_watches(caplog):
                        await listed(client)

            await asyncio.wait_for(end(), 10)


def _ends_of_watches(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(call["request_id"], call["code"]) for call in calls(caplog) if call["call"].endswith("/WatchOperation")]


async def test_an_operation_is_read_and_watched_while_the_gateway_goes_away() -> None:
    """Until the last call is over, the ledger is still read; a new watcher is told how it is, and to come again."""
    gate = Gate(OK)
    async with scripted(hang_up, gate) as platform:
        settings = settings_for(platform.url, server={"grace_s": 60})
        async with standing(settings) as (client, end):
            unknown = await sent(CREATE, client)
            call = asyncio.ensure_future(_made(CREATE(client)))
            await gate.asked.wait()
            first = watching(client, unknown)
            await next_state(first)
            ended = end()
            with refused(Reason.SHUTTING_DOWN):
                await next_state(first)

            assert state_of(await got(client, unknown)) == "UNKNOWN"
            second = watching(client, unknown)
            assert await next_state(second) == "UNKNOWN"
            with refused(Reason.SHUTTING_DOWN):
                await next_state(second)

            gate.open.set()
            await call
            await ended


# ---------------------------------------------------------------------------------------------------- resolving


async def test_a_bet_that_was_executed_has_succeeded_without_an_answer(platform: Sandbox, client: Client) -> None:
    """A repeat is told that it was executed and to read the ticket; nothing is sent again."""
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, path="/be/tickets"))
    bet = placed(platform)
    await refusal_of(client.tickets.CreateTicket(bet))

    operation = await resolved(client, bet.request_id, "EXECUTED", resolved_by="ada")

    assert operation == await got(client, bet.request_id)
    assert state_of(operation) == "SUCCEEDED"
    assert not operation.HasField("next_time")
    assert [note.text for note in operation.notes] == ["verdict EXECUTED by ada: seen in the back office"]
    with refused(Reason.OUTCOME_UNKNOWN, execution="EXECUTED") as refusal:
        await client.tickets.CreateTicket(bet)
    assert refusal.initial["idempotent-replay"] == "true"
    assert dict(operation.failure.metadata) == refusal.metadata
    assert len(platform.book.tickets()) == 1


@pytest.mark.parametrize("to", [TAKE, WIN], ids=lambda to: to.rpc)
async def test_an_action_that_was_executed_has_its_empty_response(to: To) -> None:
    """A repeat is OK, and nothing is sent again."""
    async with facing(hang_up, http_answer(200)) as (client, platform):
        request: Any = to.made()
        await refusal_of(getattr(client.pam, to.rpc)(request))

        operation = await resolved(client, request.request_id, "EXECUTED")

        assert operation.WhichOneof("outcome") == "response"
        repeated = getattr(client.pam, to.rpc)(request)
        assert (await repeated).ByteSize() == 0
        assert dict(await repeated.initial_metadata())["idempotent-replay"] == "true"
        assert len(platform.requests) == 1


@pytest.mark.parametrize("to", [CREATE, PAY, WIN], ids=lambda to: to.rpc)
async def test_what_was_not_executed_may_be_sent_again(to: To) -> None:
    """The request id is free: a repeat is another try, which keeps the verdict among its notes."""
    async with facing(hang_up, OK) as (client, platform):
        request: Any = to.made()
        call = getattr(getattr(client, to.service), to.rpc)
        await refusal_of(call(request))

        rejected = await resolved(client, request.request_id, "NOT_EXECUTED")
        await call(request)
        operation = await got(client, request.request_id)

        assert (state_of(rejected), reason_of(rejected)) == ("REJECTED", "OPERATION_REVERSED")
        assert rejected.failure.metadata["execution"] == "NOT_EXECUTED"
        assert len(platform.requests) == 2
        assert (state_of(operation), operation.attempts) == ("SUCCEEDED", 2)
        assert [note.text for note in operation.notes] == ["verdict NOT_EXECUTED: seen in the back office"]


async def test_a_ticket_that_was_not_taken_stays_untaken(platform: Sandbox) -> None:
    """A PAM create that a person found not to have been executed owes no discard any more, and is never sent again."""
    platform.faults.add(Fault(FaultKind.RESET_BEFORE_READING))
    async with client_of(settings_for(platform.url)) as client:
        taking = taken(platform)
        await refusal_of(client.pam.CreateTicket(taking))
        await resolved(client, taking.request_id, "NOT_EXECUTED")
        seen = len(platform.journal)

        for request_id in (taking.request_id, "another"):
            with refused(Reason.OPERATION_REVERSED, execution="NOT_EXECUTED"):
                await client.pam.CreateTicket(taken(platform, request_id=request_id))
        assert len(platform.journal) == seen


@pytest.mark.parametrize("to", [CREATE, TAKE], ids=lambda to: to.rpc)
async def test_what_was_undone_stays_undone(to: To) -> None:
    """A repeat is told so, and nothing is sent again."""
    async with facing(hang_up, OK) as (client, platform):
        request: Any = to.made()
        call = getattr(getattr(client, to.service), to.rpc)
        await refusal_of(call(request))

        operation = await resolved(client, request.request_id, "REVERSED")

        assert (state_of(operation), reason_of(operation)) == ("REVERSED", "OPERATION_REVERSED")
        with refused(Reason.OPERATION_REVERSED, execution="NOT_EXECUTED"):
            await call(request)
        assert len(platform.requests) == 1


async def test_a_verdict_lets_the_next_action_go() -> None:
    """An action that was kept back by an unknown one goes out once a person has spoken."""
    async with facing(hang_up, hang_up, http_answer(200)) as (client, _):
        refunding = pam.RefundTicketRequest(request_id="refund", ticket_id=TICKET_ID)
        await refusal_of(client.pam.RefundTicket(refunding))
        winning = pam.WinTicketRequest(request_id="win", ticket_id=TICKET_ID)
        with refused(Reason.CONFLICT, blocked_by="refund"):
            await client.pam.WinTicket(winning)

        await resolved(client, "refund", "EXECUTED")

        await client.pam.WinTicket(winning)


async def test_a_discard_that_was_executed_undoes_the_creation() -> None:
    """Whoever finds a caller's discard executed has found out about the ticket's creation, too."""
    async with facing(hang_up) as (client, _):
        created = await sent(TAKE, client, ticket_id=TICKET_ID)
        discard = pam.DiscardTicketRequest(request_id="discard", ticket_id=TICKET_ID, reason="lost")
        await refusal_of(client.pam.DiscardTicket(discard))

        await resolved(client, "discard", "EXECUTED")

        assert state_of(await got(client, created)) == "REVERSED"


async def test_a_refused_creation_whose_discard_was_refused_takes_a_verdict() -> None:
    """The creation is REJECTED, but what became of the ticket only a person knows; after the verdict it is final."""
    answers = (http_answer(400, error_body(102)), http_answer(400, error_body(119)))
    async with facing(*answers, **FAST) as (client, _):
        request_id = await sent(TAKE, client, ticket_id=TICKET_ID)
        async with asyncio.timeout(10):
            while not (operation := await got(client, request_id)).notes:
                assert state_of(operation) == "REJECTED"

        await resolved(client, request_id, "REVERSED")

        with refused(Reason.OPERATION_FINAL):
            await resolved(client, request_id, "EXECUTED")


@pytest.mark.parametrize("answer", [OK, http_answer(400, error_body(101))], ids=["succeeded", "rejected"])
async def test_a_known_outcome_takes_no_verdict(answer: Answer) -> None:
    """The operation that is final is named, and stays as it is."""
    async with facing(answer) as (client, _):
        request_id = await sent(CREATE, client)
        before = await got(client, request_id)

        with refused(Reason.OPERATION_FINAL, request_id=request_id) as refusal:
            await resolved(client, request_id, "REVERSED")

        [violation] = refusal.detail(error_details_pb2.PreconditionFailure).violations
        assert (violation.type, violation.subject) == ("OPERATION_STATE", request_id)
        assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
        assert await got(client, request_id) == before


async def test_a_verdict_is_given_once(ledger_url: str) -> None:
    """Of many people who speak at the same time one is heard, and the others are told that the outcome is known."""
    async with undecided(ledger={"url": ledger_url}) as (client, request_id):
        verdicts = ("EXECUTED", "NOT_EXECUTED", "REVERSED") * 3
        answers = await asyncio.gather(
            *(resolved(client, request_id, verdict) for verdict in verdicts), return_exceptions=True
        )

        heard = [answer for answer in answers if isinstance(answer, pb.Operation)]
        assert len(heard) == 1
        for answer in answers:
            if not isinstance(answer, pb.Operation):
                assert isinstance(answer, grpc.aio.AioRpcError)
                assert answer.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert await got(client, request_id) == heard[0]


async def test_a_call_on_its_way_takes_no_verdict_yet() -> None:
    """While the answer may still come, a person has to wait for it."""
    gate = Gate(OK)
    async with facing(gate) as (client, _):
        request: Any = CREATE.made()
        call = asyncio.ensure_future(_made(client.tickets.CreateTicket(request)))
        await gate.asked.wait()

        with refused(Reason.CONFLICT, request_id=request.request_id):
            await resolved(client, request.request_id, "EXECUTED")

        gate.open.set()
        await call


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"verdict": pb.OPERATION_VERDICT_UNSPECIFIED}, ["verdict"]),
        ({"verdict": 99}, ["verdict"]),
        ({"reason": ""}, ["reason"]),
        ({"reason": " \n"}, ["reason"]),
        ({"reason": "x" * 1001}, ["reason"]),
        ({"resolved_by": "x" * 201}, ["resolved_by"]),
        ({"request_id": "", "verdict": 0, "reason": ""}, ["request_id", "verdict", "reason"]),
    ],
)
async def test_a_verdict_says_what_and_how_it_is_known(fields: dict[str, Any], named: list[str]) -> None:
    """Every field that is wrong is named, and the operation stays as it is."""
    async with undecided() as (client, request_id):
        good: dict[str, Any] = {"request_id": request_id, "verdict": pb.OPERATION_VERDICT_EXECUTED, "reason": "seen"}
        with refused(Reason.INVALID_REQUEST) as refusal:
            await stub(client).ResolveOperation(pb.ResolveOperationRequest(**{**good, **fields}))

        assert refusal.fields == named
        assert state_of(await got(client, request_id)) == "UNKNOWN"


async def test_a_reason_is_kept_as_it_was_given(ledger_url: str) -> None:
    """A reason of a thousand characters of any kind comes back."""
    reason = ("“Łódź” 🎲 \n\0\x1b" * 100)[:1000]
    async with undecided(ledger={"url": ledger_url}) as (client, request_id):
        operation = await resolved(client, request_id, "EXECUTED", reason=reason, resolved_by="ż" * 200)

        assert operation.notes[0].text == f"verdict EXECUTED by {'ż' * 200}: {reason}"
        assert await got(client, request_id) == operation
