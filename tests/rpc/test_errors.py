"""Which error does a caller get, and what does it say? Every reason is provoked over the wire."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from betstack.operation.v1 import operation_service_pb2 as operation
from betstack.operation.v1.operation_service_pb2_grpc import OperationServiceStub
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.callers import Access, Policy
from gateway.contract.routes import load_contract
from gateway.failure import Reason
from gateway.sandbox import Sandbox
from gateway.server.aio import platform_handlers
from gateway.server.call import Call, chain
from gateway.server.drain import OpenCalls
from gateway.server.entrance import Entrance
from gateway.server.listener import Listener
from gateway.server.steps import recorded
from gateway.settings import Server
from gateway.telemetry import Telemetry
from tests.harness import (
    SECRET,
    Refusal,
    client_of,
    hang_up,
    http_answer,
    refused,
    say_nothing,
    scripted,
    settings_for,
    standing,
)
from tests.logs import calls, facts_of
from tests.rpc.bets import balance, placed
from tests.rpc.calls import (
    CHANGES,
    CREATE,
    GET_TICKET,
    IDENTIFY,
    LIST_CARDS,
    OTP,
    PAY,
    PING,
    READS,
    TAKE,
    WIN,
    Gate,
    To,
    closed_port,
    error_body,
    facing,
    leaving_is_told,
    name_of,
    refusal_of,
)

STATUS: Final = {
    Reason.FEATURE_NOT_IMPLEMENTED: grpc.StatusCode.UNIMPLEMENTED,
    Reason.PLAYER_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.TICKET_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.OPERATOR_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.TICKET_NOT_RESERVED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.ODDS_CHANGED: grpc.StatusCode.ABORTED,
    Reason.PLATFORM_CODE_UNMAPPED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.INVALID_REQUEST: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.SIGNATURE_REJECTED: grpc.StatusCode.INTERNAL,
    Reason.PLAYER_REFUSED: grpc.StatusCode.UNAUTHENTICATED,
    Reason.ACCESS_DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Reason.UPSTREAM_ROUTE_MISSING: grpc.StatusCode.UNIMPLEMENTED,
    Reason.CONFLICT: grpc.StatusCode.ABORTED,
    Reason.RATE_LIMITED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.UPSTREAM_REDIRECT: grpc.StatusCode.INTERNAL,
    Reason.UPSTREAM_CONTRACT: grpc.StatusCode.INTERNAL,
    Reason.UPSTREAM_UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.UPSTREAM_ERROR: grpc.StatusCode.INTERNAL,
    Reason.UPSTREAM_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.UPSTREAM_BAD_PAYLOAD: grpc.StatusCode.INTERNAL,
    Reason.OUTCOME_UNKNOWN: grpc.StatusCode.UNKNOWN,
    Reason.UPSTREAM_UNREACHABLE: grpc.StatusCode.UNAVAILABLE,
    Reason.OPERATOR_NOT_CONFIGURED: grpc.StatusCode.NOT_FOUND,
    Reason.NOT_CONFIGURED: grpc.StatusCode.FAILED_PRECONDITION,
    Reason.NOT_SUPPORTED_BY_PLATFORM: grpc.StatusCode.UNIMPLEMENTED,
    Reason.DEADLINE_TOO_SHORT: grpc.StatusCode.DEADLINE_EXCEEDED,
    Reason.GATEWAY_FAULT: grpc.StatusCode.INTERNAL,
    Reason.UPSTREAM_CIRCUIT_OPEN: grpc.StatusCode.UNAVAILABLE,
    Reason.REQUEST_ID_REUSED: grpc.StatusCode.INVALID_ARGUMENT,
    Reason.OPERATION_REVERSED: grpc.StatusCode.ABORTED,
    Reason.SHUTTING_DOWN: grpc.StatusCode.UNAVAILABLE,
    Reason.OVER_LIMIT: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Reason.OPERATION_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Reason.OPERATION_FINAL: grpc.StatusCode.FAILED_PRECONDITION,
}
"""The status of every reason that can occur today, as the error model has it."""

NOT_YET: Final = {
    Reason.CURSOR_EXPIRED: "takes events that are gone: tests/server/test_events.py",
    Reason.CALLER_UNKNOWN: "callers are not authenticated",
    Reason.CALLER_NOT_ALLOWED: "callers are not authorised",
}
"""The reasons that nothing can provoke yet, and why."""


TICKET_OBJECT: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'


async def answered(to: To, status: int, body: bytes = b"", **overrides: Any) -> Refusal:
    """Return what a caller gets when the platform answers this."""
    async with facing(http_answer(status, body), **overrides) as (client, _):
        return await refusal_of(to(client))


async def unanswered(to: To, **overrides: Any) -> Refusal:
    """Return what a caller gets when the platform does not answer."""
    async with facing(say_nothing, **overrides) as (client, _):
        return await refusal_of(to(client))


async def unreachable() -> Refusal:
    """Return what a caller gets when nobody listens."""
    with closed_port() as url:
        async with client_of(settings_for(url)) as client:
            return await refusal_of(CREATE(client))


async def unsupported() -> Refusal:
    """Return what a caller gets for the RPC that is off."""
    async with facing(hang_up) as (client, _):
        return await refusal_of(To("sms", "SendBetResult", OTP.request, "sms", money=False)(client))


async def hurried() -> Refusal:
    """Return what a caller gets who has a tenth of a second for a bet."""
    async with facing(hang_up) as (client, _):
        return await refusal_of(CREATE(client, timeout=0.1))


async def exhausted() -> Refusal:
    """Return what a caller gets whose operator has used up its rate."""
    limits = {"operator_rate": 0.001, "operator_burst": 1}
    async with facing(http_answer(200, b"{}"), limits=limits) as (client, _):
        await PING(client)
        return await refusal_of(CREATE(client))


async def broken(_: Call) -> Message:
    """Fail as nobody expects."""
    raise RuntimeError("the key is r4w-k3y")


async def faulty() -> Refusal:
    """Return what a caller gets when the gateway itself is broken."""
    contract, telemetry = load_contract(), Telemetry()
    handlers = platform_handlers(
        contract, lambda route: chain([recorded(telemetry, route)], broken), Entrance(Access(Policy({})), False, "site")
    )
    listener = await Listener.open(
        Server(listen="127.0.0.1:0", connection_age_s=0), contract.services, handlers, OpenCalls(), None
    )
    try:
        async with grpc.aio.insecure_channel(listener.target) as channel:
            create: Any = channel.unary_unary("/betstack.ticket.v1.TicketService/CreateTicket")
            return await refusal_of(create(CREATE.made().SerializeToString()))
    finally:
        await listener.drain()


async def paused() -> Refusal:
    """Return what a caller gets after the platform failed too often."""
    async with facing(http_answer(503), upstream={"breaker_calls": 2}) as (client, platform):
        for _ in range(2):
            await refusal_of(GET_TICKET(client))
        refusal = await refusal_of(CREATE(client))
        assert len(platform.requests) == 2
        return refusal


async def reused() -> Refusal:
    """Return what a caller gets who sends another bet under an id that was used."""
    async with facing(http_answer(200, TICKET_OBJECT)) as (client, platform):
        bet: Any = CREATE.made()
        await client.tickets.CreateTicket(bet)
        bet.price += 1
        refusal = await refusal_of(client.tickets.CreateTicket(bet))
        assert len(platform.requests) == 1
        return refusal


async def reversed_() -> Refusal:
    """Return what a caller gets who takes money for a ticket whose discard is owed."""
    async with facing(http_answer(400, error_body(113))) as (client, platform):
        taking: Any = TAKE.made()
        await refusal_of(client.pam.CreateTicket(taking))
        taking.request_id += "-again"
        refusal = await refusal_of(client.pam.CreateTicket(taking))
        assert len(platform.requests) == 1
        return refusal


async def leaving() -> Refusal:
    """Return what a caller gets who comes while the gateway waits for its last call."""
    gate = Gate(http_answer(200, TICKET_OBJECT))
    async with scripted(gate) as platform, standing(settings_for(platform.url)) as (client, end):
        last = asyncio.ensure_future(CREATE(client))
        await gate.asked.wait()
        ended = end()
        await leaving_is_told(client)
        refusal = await refusal_of(CREATE(client))
        gate.open.set()
        await asyncio.gather(last, ended)
        assert len(platform.requests) == 1
        return refusal


async def unheard_of() -> Refusal:
    """Return what a caller gets who asks for a bet that was never placed."""
    async with facing(hang_up) as (client, _):
        stub: Any = OperationServiceStub(client.channel)  # type: ignore[no-untyped-call]
        return await refusal_of(stub.GetOperation(operation.GetOperationRequest(request_id="never")))


async def settled() -> Refusal:
    """Return what a person gets who judges a bet whose outcome is known."""
    async with facing(http_answer(200, TICKET_OBJECT)) as (client, _):
        bet: Any = CREATE.made()
        await client.tickets.CreateTicket(bet)
        stub: Any = OperationServiceStub(client.channel)  # type: ignore[no-untyped-call]
        verdict = operation.ResolveOperationRequest(
            request_id=bet.request_id, verdict=operation.OPERATION_VERDICT_NOT_EXECUTED, reason="I think so"
        )
        return await refusal_of(stub.ResolveOperation(verdict))


WITHOUT_PAM: Final = {"site": {"secret": SECRET, "platform_url": "http://127.0.0.1:1"}}

WAYS: Final[dict[Reason, Callable[[], Awaitable[Refusal]]]] = {
    Reason.FEATURE_NOT_IMPLEMENTED: lambda: answered(CREATE, 400, error_body(100)),
    Reason.PLAYER_NOT_FOUND: lambda: answered(IDENTIFY, 400, error_body(101)),
    Reason.TICKET_NOT_FOUND: lambda: answered(GET_TICKET, 400, error_body(102)),
    Reason.OPERATOR_NOT_FOUND: lambda: answered(LIST_CARDS, 400, error_body(106)),
    Reason.TICKET_NOT_RESERVED: lambda: answered(PAY, 400, error_body(117)),
    Reason.ODDS_CHANGED: lambda: answered(CREATE, 400, error_body(112)),
    Reason.PLATFORM_CODE_UNMAPPED: lambda: answered(CREATE, 400, error_body(119)),
    Reason.INVALID_REQUEST: lambda: answered(CREATE, 422),
    Reason.SIGNATURE_REJECTED: lambda: answered(CREATE, 401),
    Reason.PLAYER_REFUSED: lambda: answered(IDENTIFY, 403),
    Reason.ACCESS_DENIED: lambda: answered(PAY, 403),
    Reason.UPSTREAM_ROUTE_MISSING: lambda: answered(GET_TICKET, 404),
    Reason.CONFLICT: lambda: answered(PAY, 409),
    Reason.RATE_LIMITED: lambda: answered(CREATE, 429),
    Reason.UPSTREAM_REDIRECT: lambda: answered(CREATE, 302),
    Reason.UPSTREAM_CONTRACT: lambda: answered(CREATE, 405),
    Reason.UPSTREAM_UNAVAILABLE: lambda: answered(GET_TICKET, 503),
    Reason.UPSTREAM_ERROR: lambda: answered(GET_TICKET, 500),
    Reason.UPSTREAM_TIMEOUT: lambda: unanswered(GET_TICKET, upstream={"read_timeout_s": 0.5}),
    Reason.UPSTREAM_BAD_PAYLOAD: lambda: answered(GET_TICKET, 200, b"<html>"),
    Reason.OUTCOME_UNKNOWN: lambda: unanswered(CREATE, upstream={"timeout_s": 0.5}),
    Reason.UPSTREAM_UNREACHABLE: unreachable,
    Reason.OPERATOR_NOT_CONFIGURED: lambda: unanswered(CREATE, default_operator=None),
    Reason.NOT_CONFIGURED: lambda: unanswered(TAKE, operators=WITHOUT_PAM),
    Reason.NOT_SUPPORTED_BY_PLATFORM: unsupported,
    Reason.DEADLINE_TOO_SHORT: hurried,
    Reason.GATEWAY_FAULT: faulty,
    Reason.UPSTREAM_CIRCUIT_OPEN: paused,
    Reason.OVER_LIMIT: exhausted,
    Reason.REQUEST_ID_REUSED: reused,
    Reason.OPERATION_REVERSED: reversed_,
    Reason.SHUTTING_DOWN: leaving,
    Reason.OPERATION_NOT_FOUND: unheard_of,
    Reason.OPERATION_FINAL: settled,
}
"""One way to provoke each reason."""

EXECUTION_UNKNOWN: Final = {Reason.OUTCOME_UNKNOWN, Reason.GATEWAY_FAULT}
ON_MONEY_CALLS: Final = set(Reason) - {
    Reason.PLAYER_NOT_FOUND,
    Reason.TICKET_NOT_FOUND,
    Reason.OPERATOR_NOT_FOUND,
    Reason.PLAYER_REFUSED,
    Reason.UPSTREAM_ROUTE_MISSING,
    Reason.UPSTREAM_UNAVAILABLE,
    Reason.UPSTREAM_ERROR,
    Reason.UPSTREAM_TIMEOUT,
    Reason.UPSTREAM_BAD_PAYLOAD,
    Reason.NOT_SUPPORTED_BY_PLATFORM,
    Reason.OPERATION_NOT_FOUND,
    Reason.OPERATION_FINAL,
}
"""The reasons that are provoked on a money call above; the others are on a READ, or on a NOTIFY."""


def test_no_reason_is_forgotten() -> None:
    """Every reason of the vocabulary is provoked here, or listed as not yet possible."""
    assert WAYS.keys() | NOT_YET.keys() == set(Reason)
    assert not WAYS.keys() & NOT_YET.keys()
    assert WAYS.keys() == STATUS.keys()


@pytest.mark.parametrize("reason", WAYS)
async def test_a_reason_has_its_status_and_says_whether_money_moved(reason: Reason) -> None:
    """Status, domain, request id and execution are those of the error model."""
    refusal = await WAYS[reason]()

    assert refusal.info is not None, refusal
    assert refusal.info.reason == reason
    assert refusal.info.domain == "betstack-gateway"
    assert refusal.code is STATUS[reason]
    assert refusal.status.code == refusal.code.value[0]
    assert refusal.status.message == refusal.message
    assert refusal.metadata["request_id"]
    unknown = reason in EXECUTION_UNKNOWN
    stated = ("UNKNOWN" if unknown else "NOT_EXECUTED") if reason in ON_MONEY_CALLS else None
    assert refusal.metadata.get("execution") == stated


UNMAPPED: Final = Reason.PLATFORM_CODE_UNMAPPED
HTML: Final = b"<html>Go away</html>"

REFUSED_BY_THE_PLATFORM: Final[list[tuple[int, bytes, Reason, dict[str, str]]]] = [
    (400, error_body(100), Reason.FEATURE_NOT_IMPLEMENTED, {"platform_code": "100", "payload": "json"}),
    (400, error_body(101), Reason.PLAYER_NOT_FOUND, {"platform_code": "101"}),
    (400, error_body(102), Reason.TICKET_NOT_FOUND, {"platform_code": "102"}),
    (400, error_body(106), Reason.OPERATOR_NOT_FOUND, {"platform_code": "106"}),
    (400, error_body(117), Reason.TICKET_NOT_RESERVED, {"platform_code": "117"}),
    (400, error_body(112), Reason.ODDS_CHANGED, {"platform_code": "112"}),
    (400, error_body(119, "Łódź"), UNMAPPED, {"platform_code": "119", "platform_message": "Łódź"}),
    (400, error_body(-1, ""), UNMAPPED, {"platform_code": "-1", "platform_message": ""}),
    (400, b"", Reason.INVALID_REQUEST, {"payload": "empty"}),
    (400, b'{"detail":"bad"}', Reason.INVALID_REQUEST, {"payload": "json"}),
    (400, HTML, Reason.INVALID_REQUEST, {"payload": "other"}),
    (413, HTML, Reason.INVALID_REQUEST, {"http_status": "413", "payload": "other"}),
    (422, b'{"detail":[]}', Reason.INVALID_REQUEST, {"http_status": "422", "payload": "json"}),
    (431, b"", Reason.INVALID_REQUEST, {"http_status": "431", "payload": "empty"}),
    (401, b'{"detail":"signature"}', Reason.SIGNATURE_REJECTED, {"http_status": "401"}),
    (404, HTML, Reason.UPSTREAM_ROUTE_MISSING, {"http_status": "404", "payload": "other"}),
    (409, b"", Reason.CONFLICT, {"http_status": "409"}),
    (429, b"", Reason.RATE_LIMITED, {"http_status": "429"}),
    (301, b"", Reason.UPSTREAM_REDIRECT, {"http_status": "301"}),
    (304, b"", Reason.UPSTREAM_REDIRECT, {"http_status": "304"}),
    (402, b"", Reason.UPSTREAM_CONTRACT, {"http_status": "402"}),
    (405, HTML, Reason.UPSTREAM_CONTRACT, {"http_status": "405", "payload": "other"}),
    (406, b"", Reason.UPSTREAM_CONTRACT, {"http_status": "406"}),
    (410, b"", Reason.UPSTREAM_CONTRACT, {"http_status": "410"}),
    (415, b"[]", Reason.UPSTREAM_CONTRACT, {"http_status": "415", "payload": "json"}),
    (418, b"", Reason.UPSTREAM_CONTRACT, {"http_status": "418"}),
    (499, b"", Reason.UPSTREAM_CONTRACT, {"http_status": "499"}),
]
"""Status, body, reason and metadata of every definite refusal; it is the same for all calls."""

ODDS_CHANGED_EVERYWHERE: Final = {api: {"112": "ODDS_CHANGED"} for api in ("bc", "be", "pam", "sms")}


@pytest.mark.parametrize(("status", "body", "reason", "metadata"), REFUSED_BY_THE_PLATFORM)
async def test_a_refusal_means_the_same_for_every_call(
    status: int, body: bytes, reason: Reason, metadata: dict[str, str]
) -> None:
    """Money or not, the platform's definite no has one reason, and nothing was executed."""
    async with facing(http_answer(status, body), codes=ODDS_CHANGED_EVERYWHERE) as (client, platform):
        for to in (*READS, *CHANGES):
            refusal = await refusal_of(to(client))

            assert (refusal.info.reason, refusal.code) == (reason, STATUS[reason]), name_of(to)
            expected = {"api": to.api, "http_status": str(status), **metadata}
            if to.money:
                expected["execution"] = "NOT_EXECUTED"
            found = {key: value for key, value in refusal.metadata.items() if key in expected}
            assert found == expected, name_of(to)
            assert to.money or "execution" not in refusal.metadata
            assert "grpc-retry-pushback-ms" not in refusal.trailers
        assert len(platform.requests) == len(READS) + len(CHANGES)


async def test_a_403_refuses_the_player_on_identify_and_access_elsewhere() -> None:
    """Only identify is about the player; elsewhere a 403 denies access."""
    async with facing(http_answer(403)) as (client, _):
        for to in (*READS, *CHANGES):
            expected = Reason.PLAYER_REFUSED if to is IDENTIFY else Reason.ACCESS_DENIED
            assert (await refusal_of(to(client))).info.reason == expected, name_of(to)


async def test_a_code_mapped_for_one_api_is_not_mapped_for_another() -> None:
    """`[codes.be]` is about the Bet Engine; the same number from the PAM stays unknown and is counted."""
    async with facing(http_answer(400, error_body(112))) as (client, _):
        assert (await refusal_of(CREATE(client))).info.reason == Reason.ODDS_CHANGED
        assert (await refusal_of(TAKE(client))).info.reason == UNMAPPED
        assert (await refusal_of(TAKE(client))).info.reason == UNMAPPED

        assert client.gateway.telemetry.unmapped_codes == {"pam:112": 2}


async def test_the_settings_can_give_a_known_code_another_reason() -> None:
    """An overlay wins over what is documented, and the platform's number stays visible."""
    async with facing(http_answer(400, error_body(117)), codes={"be": {"117": "CONFLICT"}}) as (client, _):
        with refused(Reason.CONFLICT, platform_code="117"):
            await PAY(client)


READ_FAILURES: Final[list[tuple[int, Reason]]] = [
    *((status, Reason.UPSTREAM_UNAVAILABLE) for status in (408, 502, 503, 504)),
    *((status, Reason.UPSTREAM_ERROR) for status in (500, 501, 505, 507, 599)),
]


@pytest.mark.parametrize("body", [b"", HTML, b'{"detail":"x"}', error_body(999)], ids=["empty", "page", "json", "code"])
async def test_a_read_tells_what_ails_the_platform(body: bytes) -> None:
    """Some server errors pass by themselves and are UNAVAILABLE; the others are not."""
    answers = [http_answer(status, body) for status, _ in READ_FAILURES for _ in (*READS, PING)]
    async with facing(*answers, answers[-1]) as (client, _):
        for status, reason in READ_FAILURES:
            for to in (*READS, PING):
                refusal = await refusal_of(to(client))
                assert (refusal.info.reason, refusal.code) == (reason, STATUS[reason]), (status, name_of(to))
                assert refusal.metadata["http_status"] == str(status)


async def test_a_read_whose_connection_breaks_is_unavailable() -> None:
    """A connection that is lost after the request was sent is worth another try."""
    async with facing(hang_up) as (client, platform):
        for to in READS:
            with refused(Reason.UPSTREAM_UNAVAILABLE, api=to.api) as refusal:
                await to(client)
            assert "http_status" not in refusal.metadata
        assert len(platform.requests) == len(READS)


BAD_PAYLOADS: Final[dict[str, tuple[bytes, str]]] = {
    "a page": (HTML, "other"),
    "nothing": (b"", "empty"),
    "blanks": (b" \r\n", "empty"),
    "null": (b"null", "json"),
    "a list": (b"[]", "json"),
    "a string": (b'"ticket"', "json"),
    "cut": (TICKET_OBJECT[:-9], "other"),
    "two objects": (TICKET_OBJECT * 2, "other"),
    "not a number": (TICKET_OBJECT[:-1] + b',"odds":NaN}', "other"),
    "not UTF-8": (TICKET_OBJECT[:-1] + b',"atag":"\xff"}', "other"),
    "too deep": (b"[" * 5000 + b"]" * 5000, "other"),
    "no id": (b'{"code":"AB12CD"}', "json"),
    "null id": (b'{"id":null,"code":"AB12CD"}', "json"),
    "empty id": (b'{"id":"","code":"AB12CD"}', "json"),
    "a number as id": (b'{"id":5,"code":"AB12CD"}', "json"),
    "an error body with words for a code": (error_body("102"), "json"),
    "an error body without message": (b'{"code":102}', "json"),
}


@pytest.mark.parametrize("status", [200, 201])
async def test_a_read_that_is_answered_with_something_else_is_a_bad_payload(status: int) -> None:
    """What is not the documented object does not become an empty ticket."""
    answers = [http_answer(status, body) for body, _ in BAD_PAYLOADS.values()]
    async with facing(*answers) as (client, _):
        for name, (_, payload) in BAD_PAYLOADS.items():
            refusal = await refusal_of(GET_TICKET(client))
            assert refusal.info.reason == Reason.UPSTREAM_BAD_PAYLOAD, name
            assert (refusal.metadata["payload"], refusal.metadata["http_status"]) == (payload, str(status)), name


async def test_one_object_without_id_spoils_a_list() -> None:
    """A list is not shortened silently."""
    body = b"[" + TICKET_OBJECT + b',{"code":"CD34EF"}]'
    async with facing(http_answer(200, body), http_answer(200, b'[{"title":"World"}]')) as (client, _):
        with refused(Reason.UPSTREAM_BAD_PAYLOAD, api="be", payload="json"):
            await client.tickets.ListTickets(ticket.ListTicketsRequest())
        with refused(Reason.UPSTREAM_BAD_PAYLOAD, api="bc", payload="json"):
            await LIST_CARDS(client)


async def test_the_real_platform_refuses_a_wrong_key(platform: Sandbox) -> None:
    """A bet signed with another key is SIGNATURE_REJECTED; no ticket, no money, and no key in the error."""
    wrong = {"site": {"secret": "WRONG-KEY", "platform_url": platform.url}}
    async with client_of(settings_for(platform.url, operators=wrong)) as client:
        with refused(Reason.SIGNATURE_REJECTED, api="be", http_status="401", execution="NOT_EXECUTED") as refusal:
            await client.tickets.CreateTicket(placed(platform))

    assert refusal.code is grpc.StatusCode.INTERNAL
    assert "WRONG-KEY" not in str(refusal.status)
    assert platform.book.tickets() == []
    assert balance(platform) == 1_000_00


async def test_the_real_platform_refuses_a_clock_that_is_wrong(platform: Sandbox) -> None:
    """A gateway whose clock is in another century is told so by SIGNATURE_REJECTED."""
    async with client_of(settings_for(platform.url), clock=lambda: 1_000_000_000.0) as client:
        with refused(Reason.SIGNATURE_REJECTED, http_status="401"):
            await client.tickets.CreateTicket(placed(platform))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(status: int) -> None:
    """The place it points to sees nothing: neither a signed bet nor a read."""
    async with scripted(http_answer(200, TICKET_OBJECT)) as elsewhere:
        redirect = http_answer(status, b"", location=f"{elsewhere.url}/be/tickets")
        async with facing(redirect) as (client, platform):
            for to in (CREATE, GET_TICKET):
                with refused(Reason.UPSTREAM_REDIRECT, http_status=str(status)) as refusal:
                    await to(client)
                assert elsewhere.url not in str(refusal.status)
            assert len(platform.requests) == 2

        assert elsewhere.connections == 0


async def test_a_rate_limit_says_when_to_try_again() -> None:
    """`Retry-After` in seconds becomes RetryInfo; without it there is none."""
    limited = http_answer(429, b"", Retry_After="7")
    nonsense = http_answer(429, b"", Retry_After="soon")
    async with facing(limited, nonsense, http_answer(429)) as (client, _):
        with refused(Reason.RATE_LIMITED, execution="NOT_EXECUTED") as refusal:
            await CREATE(client)
        assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refusal.detail(error_details_pb2.RetryInfo).retry_delay.seconds == 7

        for _ in range(2):
            with refused(Reason.RATE_LIMITED) as refusal:
                await CREATE(client)
            assert refusal.detail(error_details_pb2.RetryInfo) is None


async def test_a_rate_limit_with_a_date_counts_from_the_gateways_clock() -> None:
    """`Retry-After` as a date becomes the seconds until then, and a date gone by becomes none."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    later = http_answer(429, b"", Retry_After=format_datetime(now.replace(minute=5), usegmt=True))
    gone = http_answer(429, b"", Retry_After=format_datetime(now.replace(minute=3), usegmt=True))
    async with scripted(later, gone) as platform, client_of(settings_for(platform.url), clock=now.timestamp) as client:
        for seconds in (60, 0):
            with refused(Reason.RATE_LIMITED) as refusal:
                await CREATE(client)
            assert refusal.detail(error_details_pb2.RetryInfo).retry_delay.seconds == seconds


async def test_a_pause_says_how_long_it_is() -> None:
    """An open circuit breaker tells when it is worth coming back, and a bet that nothing was sent."""
    refusal = await paused()

    assert refusal.metadata["execution"] == "NOT_EXECUTED"
    assert 0 < refusal.detail(error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() <= 10_000


async def test_nobody_listening_is_unreachable_for_every_call() -> None:
    """A refused connection carried nothing: UNAVAILABLE is safe to repeat, money included."""
    with closed_port() as url:
        async with client_of(settings_for(url)) as client:
            for to in (*READS, *CHANGES):
                refusal = await refusal_of(to(client))
                assert refusal.info.reason == Reason.UPSTREAM_UNREACHABLE, name_of(to)
                assert refusal.metadata.get("execution") == ("NOT_EXECUTED" if to.money else None)
                assert "grpc-retry-pushback-ms" not in refusal.trailers


async def test_a_bet_with_too_little_time_is_not_sent() -> None:
    """A tenth of a second is too short for money, and enough for a read."""
    async with facing(http_answer(200, TICKET_OBJECT)) as (client, platform):
        with refused(Reason.DEADLINE_TOO_SHORT, execution="NOT_EXECUTED"):
            await CREATE(client, timeout=0.1)
        assert platform.connections == 0

    async with facing(http_answer(200, TICKET_OBJECT), upstream={"min_deadline_ms": 0}) as (client, platform):
        await CREATE(client, timeout=5)
        assert len(platform.requests) == 1


async def test_the_default_floor_lets_a_second_pass() -> None:
    """More time than the floor of half a second is enough."""
    async with facing(http_answer(200, TICKET_OBJECT)) as (client, platform):
        await CREATE(client, timeout=5)
        assert len(platform.requests) == 1


async def test_an_operator_without_the_url_is_told_which_setting_is_missing() -> None:
    """NOT_CONFIGURED is a precondition of the settings, for the PAM as for the SMS endpoint."""
    async with facing(hang_up, operators=WITHOUT_PAM) as (client, _):
        for to, setting in ((TAKE, "pam_url"), (WIN, "pam_url"), (PING, "pam_url"), (OTP, "sms_url")):
            with refused(Reason.NOT_CONFIGURED, api=to.api, setting=f"operators.site.{setting}") as refusal:
                await to(client)
            [violation] = refusal.detail(error_details_pb2.PreconditionFailure).violations
            assert violation.type == "GATEWAY_SETTINGS"


async def test_an_unexpected_exception_keeps_its_text_to_itself(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets an error id; the log has the same id, and the exception."""
    with caplog.at_level(logging.ERROR, logger="gateway"):
        refusal = await faulty()

    assert refusal.info.reason == Reason.GATEWAY_FAULT
    for words in ("r4w-k3y", "RuntimeError", "Traceback", "the key is"):
        assert words not in str(refusal.status)
        assert all(words not in str(value) for value in refusal.trailers.values())
    error_id = refusal.metadata["error_id"]
    assert error_id in refusal.message
    [record] = caplog.records
    assert facts_of(record)["error_id"] == error_id
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], RuntimeError)


async def test_every_violation_has_its_path_and_what_was_expected() -> None:
    """BadRequest names each field and says what it has to be; the message has it for people."""
    async with facing(hang_up) as (client, platform):
        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED") as refusal:
            await client.tickets.CreateTicket(ticket.CreateTicketRequest(request_id="a b"))

        violations = refusal.detail(error_details_pb2.BadRequest).field_violations
        assert [(violation.field, violation.description) for violation in violations] == [
            ("request_id", "has to be 1 to 128 printable ASCII characters without blanks"),
            ("price", "has to be at least 1"),
            ("currency", "has to be a currency code of ISO 4217, such as KES"),
            ("source", "has to be one of desktop, mobile, android, iphone, ussd, sms, telegram"),
            ("selection", "one of quicktip, smartbet, quickbet, superbet, jackpot is required"),
        ]
        assert all(violation.field in refusal.message for violation in violations)
        assert platform.connections == 0


async def test_no_personal_data_is_in_an_error_or_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Token, telephone number and password are neither told to the caller nor logged."""
    personal = ("demo", "213456451", "1234", SECRET)
    async with facing(http_answer(400, error_body(101, "User not found"))) as (client, _):
        with caplog.at_level(logging.INFO, logger="gateway"):
            refusals = [await refusal_of(to(client)) for to in (CREATE, IDENTIFY, OTP)]

    told = calls(caplog)
    assert [call["reason"] for call in told] == ["PLAYER_NOT_FOUND"] * 3
    for words in personal:
        assert all(f'"{words}"' not in str(refusal.status) for refusal in refusals)
        assert all(words not in call.values() and SECRET not in str(call) for call in told)
