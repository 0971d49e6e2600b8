"""What does a caller hear of a call that may have changed something, when no definite answer came?"""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final

import grpc.aio
import pytest

from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.failure import Reason
from gateway.sandbox import Fault, FaultKind, Sandbox, Status
from tests.harness import Answer, Client, client_of, hang_up, http_answer, refused, say_nothing, settings_for
from tests.rpc.bets import balance, placed
from tests.rpc.calls import CHANGES, CREATE, GET_TICKET, OTP, To, error_body, facing, name_of, refusal_of

TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'


async def half_an_answer(writer: asyncio.StreamWriter) -> None:
    """Promise more than is sent, and close."""
    writer.write(http_answer(200, TICKET)[:-10])
    await writer.drain()
    writer.close()


async def half_a_head(writer: asyncio.StreamWriter) -> None:
    """Close in the middle of the headers."""
    writer.write(http_answer(400, TICKET)[:20])
    await writer.drain()
    writer.close()


async def not_http(writer: asyncio.StreamWriter) -> None:
    """Answer in another protocol."""
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Drop the connection without the usual goodbye."""
    writer.transport.abort()


LOSSES: Final[dict[str, Answer]] = {
    "500": http_answer(500),
    "502 with a page": http_answer(502, b"<html></html>"),
    "503 with a wish to wait": http_answer(503, b"", retry_after="1"),
    "504": http_answer(504),
    "500 with a known code": http_answer(500, error_body(102)),
    "500 with a ticket": http_answer(500, TICKET),
    "408": http_answer(408),
    "closed without a word": hang_up,
    "reset": reset,
    "cut in the headers": half_a_head,
    "cut in the body": half_an_answer,
    "not HTTP": not_http,
    "a page": http_answer(200, b"<html></html>"),
    "a list": http_answer(200, b"[]"),
    "a string": http_answer(200, b'"ok"'),
    "too much": http_answer(200, b" " * 1024 + TICKET),
    "silence": say_nothing,
}
"""Ends after which nobody can know whether the call took effect."""

ON_TICKETS_ONLY: Final[dict[str, Answer]] = {
    "an unknown code": http_answer(200, error_body(999)),
    "a ticket without id": http_answer(200, b'{"code":"AB12CD"}'),
    "nothing": http_answer(200),
    "null": http_answer(200, b"null"),
}
"""The same for calls that are answered with a ticket; for the others HTTP 200 is enough."""

SMALL: Final[dict[str, Any]] = {"upstream": {"timeout_s": 1.5, "max_answer_bytes": 1024}}


async def assert_unknown(client: Client, to: To) -> None:
    """Check everything that a caller sees of an unknown outcome."""
    with refused(Reason.OUTCOME_UNKNOWN, api=to.api) as refusal:
        await to(client)

    assert refusal.code is grpc.StatusCode.UNKNOWN, name_of(to)
    assert refusal.metadata["request_id"]
    assert refusal.metadata.get("execution") == ("UNKNOWN" if to.money else None), name_of(to)
    assert refusal.trailers["grpc-retry-pushback-ms"] == "-1"
    assert refusal.message.startswith("the outcome is unknown: ")


@pytest.mark.parametrize("loss", LOSSES)
async def test_no_definite_answer_is_an_unknown_outcome(loss: str) -> None:
    """Bets, reservations, payments, PAM actions and notifications end alike, after one request each."""
    async with facing(LOSSES[loss], **SMALL) as (client, platform):
        await asyncio.gather(*(assert_unknown(client, to) for to in CHANGES))
        assert len(platform.requests) == len(CHANGES)


@pytest.mark.parametrize("loss", ON_TICKETS_ONLY)
async def test_an_answer_without_a_ticket_is_an_unknown_outcome(loss: str) -> None:
    """A 2xx that is no ticket does not say whether there is one now."""
    async with facing(ON_TICKETS_ONLY[loss]) as (client, _):
        for to in CHANGES:
            if to.api == "be":
                await assert_unknown(client, to)


async def test_nothing_that_may_have_been_sent_is_ever_unavailable() -> None:
    """Clients repeat UNAVAILABLE by themselves: no answer of any status, with any body, makes a change UNAVAILABLE."""
    statuses = (400, 401, 403, 404, 405, 408, 409, 422, 429, 499, 500, 501, 502, 503, 504, 507, 599)
    cases = [(to, status, body) for to in CHANGES for status in statuses for body in (b"", error_body(102))]
    async with facing(*(http_answer(status, body) for _, status, body in cases)) as (client, platform):
        for to, status, body in cases:
            refusal = await refusal_of(to(client))
            assert refusal.code not in {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}, (name_of(to), status, body)
            unknown = refusal.info.reason == Reason.OUTCOME_UNKNOWN
            assert unknown == (status >= 500 or status == 408), (name_of(to), status, body)
        assert len(platform.requests) == len(cases)


RETRYING: Final = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.01s",
                    "maxBackoff": "0.01s",
                    "backoffMultiplier": 1,
                    "retryableStatusCodes": ["UNKNOWN", "UNAVAILABLE", "INTERNAL"],
                },
            }
        ]
    }
)


async def test_a_client_with_a_retry_policy_does_not_repeat_a_bet() -> None:
    """A client that repeats UNKNOWN by itself is told to stop; the same client does repeat a read."""
    failure = http_answer(503)
    async with facing(failure) as (client, platform):
        options = [("grpc.service_config", RETRYING), ("grpc.enable_retries", 1)]
        async with grpc.aio.insecure_channel(client.gateway.target, options=options) as channel:
            stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]

            with refused(Reason.OUTCOME_UNKNOWN):
                await stub.CreateTicket(CREATE.made())
            assert len(platform.requests) == 1

            platform.requests.clear()
            with refused(Reason.UPSTREAM_UNAVAILABLE):
                await stub.GetTicket(GET_TICKET.request)
            assert len(platform.requests) == 4


LOST_AFTER_COMMIT = (
    FaultKind.ANSWER_LOST,
    FaultKind.CUT_BODY,
    FaultKind.ERROR_500_AFTER_COMMIT,
    FaultKind.HTML,
)


@pytest.mark.parametrize("kind", LOST_AFTER_COMMIT)
async def test_a_bet_that_was_taken_without_an_answer_is_unknown_and_there(
    platform: Sandbox, client: Client, kind: FaultKind
) -> None:
    """The platform has the ticket and the money, once, and the caller hears that it may."""
    platform.faults.add(Fault(kind, path="/be/tickets"))

    with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
        await client.tickets.CreateTicket(placed(platform))

    [stored] = platform.book.tickets()
    assert stored.status is Status.OPEN
    assert balance(platform) == 1_000_00 - 2000
    assert len([seen for seen in platform.journal if seen.target == "/be/tickets"]) == 1


@pytest.mark.parametrize(
    "fault", [Fault(FaultKind.RESET_BEFORE_READING), Fault(FaultKind.STATUS, status=503)], ids=["reset", "503"]
)
async def test_a_bet_that_was_not_taken_is_unknown_just_the_same(
    platform: Sandbox, client: Client, fault: Fault
) -> None:
    """From outside, a platform that did nothing looks like one that did."""
    platform.faults.add(fault)

    with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
        await client.tickets.CreateTicket(placed(platform))

    assert platform.book.tickets() == []
    assert balance(platform) == 1_000_00


async def test_a_slow_platform_makes_a_bet_unknown_in_time(platform: Sandbox) -> None:
    """After `upstream.timeout_s` the caller hears that the outcome is unknown; the ticket may be there, and is."""
    platform.faults.add(Fault(FaultKind.SLOW, path="/be/tickets", seconds=30))
    async with client_of(settings_for(platform.url, upstream={"timeout_s": 0.5})) as client:
        with refused(Reason.OUTCOME_UNKNOWN, api="be", execution="UNKNOWN"):
            await client.tickets.CreateTicket(placed(platform))

    assert len(platform.book.tickets()) == 1


async def test_a_callers_deadline_does_not_shorten_a_bet() -> None:
    """The caller is gone before the platform answers; the answer is awaited all the same, and the connection lives on."""
    gone = asyncio.Event()

    async def answer_late(writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.write(http_answer(200, TICKET))
        await writer.drain()

    limits = {"min_deadline_ms": 0, "max_connections": 1}
    async with facing(answer_late, http_answer(200, TICKET), upstream=limits) as (client, platform):
        refusal = await refusal_of(CREATE(client, timeout=0.7))
        assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
        gone.set()
        await CREATE(client)

        assert len(platform.requests) == 2
        assert platform.connections == 1


async def test_a_lost_notification_has_no_word_about_execution(platform: Sandbox, client: Client) -> None:
    """A text message has no row to ask for; whether it went out stays open, and it went out once."""
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, action="otp"))

    with refused(Reason.OUTCOME_UNKNOWN, api="sms") as refusal:
        await OTP(client)

    assert "execution" not in refusal.metadata
    assert len(platform.sms) == 1
