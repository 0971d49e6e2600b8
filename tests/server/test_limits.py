"""What happens to calls beyond a limit of the gateway's own?"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import Any

import grpc.aio
import pytest
from google.rpc import error_details_pb2

from gateway.failure import Failure, Reason
from gateway.server.limits import Limits
from gateway.settings import LimitsTable
from tests.harness import SECRET, Refusal, client_of, http_answer, refused, scripted, settings_for
from tests.rpc.calls import CHANGES, CREATE, GET_TICKET, READS, Gate, To, facing, name_of, refusal_of

TICKET = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'
DONE = http_answer(200, TICKET)


def over_limit(refusal: Refusal, to: To) -> None:
    """Check everything that a caller sees of a limit."""
    assert refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED, name_of(to)
    assert refusal.info.reason == Reason.OVER_LIMIT
    assert refusal.metadata.get("execution") == ("NOT_EXECUTED" if to.money else None)


def retry_ms(refusal: Refusal) -> int:
    """Return when a caller is told to come back, in milliseconds."""
    delay: int = refusal.detail(error_details_pb2.RetryInfo).retry_delay.ToMilliseconds()
    return delay


async def test_calls_beyond_the_limit_are_refused_before_anything_is_sent_or_written() -> None:
    """Calls of every class hear when to come back; once there is a place, the same request id is served."""
    gate = Gate(DONE)
    async with facing(gate, DONE, limits={"calls": 1}) as (client, platform):
        first = asyncio.ensure_future(refusal_of(CREATE(client)))
        await gate.asked.wait()

        for to in (*READS, *CHANGES):
            refusal = await refusal_of(to(client))
            over_limit(refusal, to)
            assert retry_ms(refusal) > 0
        bet: Any = CREATE.made()
        over_limit(await refusal_of(client.tickets.CreateTicket(bet)), CREATE)
        assert await client.gateway.ledger.find("site", bet.request_id) is None
        assert len(platform.requests) == 1

        gate.open.set()
        assert (await first).code is grpc.StatusCode.OK
        assert (await client.tickets.CreateTicket(bet)).ticket.code == "AB12CD"


async def test_one_operators_calls_leave_room_for_anothers() -> None:
    """The limit of an operator is its own."""
    gate = Gate(DONE)
    async with scripted(gate, DONE) as platform:
        acme = {"secret": SECRET, "platform_url": platform.url}
        settings = settings_for(platform.url, operators={"acme": acme}, limits={"operator_calls": 1})
        async with client_of(settings) as client:
            first = asyncio.ensure_future(refusal_of(GET_TICKET(client)))
            await gate.asked.wait()
            over_limit(await refusal_of(GET_TICKET(client)), GET_TICKET)

            of_acme: Any = GET_TICKET.made()
            of_acme.operator = "acme"
            assert (await client.tickets.GetTicket(of_acme)).ticket.code == "AB12CD"

            gate.open.set()
            assert (await first).code is grpc.StatusCode.OK


async def test_calls_faster_than_the_rate_are_refused() -> None:
    """As many as the burst go out at once; the next hears how long its token takes."""
    limits = {"operator_rate": 0.001, "operator_burst": 2}
    async with facing(DONE, DONE, limits=limits) as (client, platform):
        for to in (GET_TICKET, CREATE):
            await to(client)
        for to in (GET_TICKET, CREATE):
            refusal = await refusal_of(to(client))
            over_limit(refusal, to)
            assert 900_000 < retry_ms(refusal) <= 1_000_000
        assert len(platform.requests) == 2


async def test_repeats_are_spent_from_the_same_rate() -> None:
    """A read that was tried three times counts three times."""
    limits = {"operator_rate": 0.001, "operator_burst": 3}
    upstream = {"tries": 3, "backoff_s": 0.001}
    async with facing(http_answer(503), limits=limits, upstream=upstream) as (client, platform):
        with refused(Reason.UPSTREAM_UNAVAILABLE):
            await GET_TICKET(client)
        assert len(platform.requests) == 3

        over_limit(await refusal_of(GET_TICKET(client)), GET_TICKET)
        assert len(platform.requests) == 3


async def test_what_is_known_is_told_over_a_limit() -> None:
    """A request id that has a row is answered from it, however much goes on."""
    gate = Gate(DONE)
    async with facing(DONE, http_answer(500), gate, limits={"calls": 1}) as (client, platform):
        success, unknown = CREATE.made(), CREATE.made()
        await client.tickets.CreateTicket(success)
        await refusal_of(client.tickets.CreateTicket(unknown))
        busy = asyncio.ensure_future(refusal_of(GET_TICKET(client)))
        await gate.asked.wait()

        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await client.tickets.CreateTicket(unknown)
        call = client.tickets.CreateTicket(success)
        await call
        assert dict(await call.initial_metadata())["idempotent-replay"] == "true"

        gate.open.set()
        await busy
        assert len(platform.requests) == 3


async def test_a_bet_takes_its_place_until_it_ends_although_its_caller_is_gone() -> None:
    """What is in flight is what is on its way to the platform."""
    gate = Gate(DONE)
    async with facing(gate, DONE, limits={"calls": 1}) as (client, _):
        call = CREATE(client)
        await gate.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        over_limit(await refusal_of(GET_TICKET(client)), GET_TICKET)

        gate.open.set()
        async with asyncio.timeout(5):
            while (await refusal_of(GET_TICKET(client))).code is not grpc.StatusCode.OK:
                pass


async def test_a_request_that_is_too_large_is_refused() -> None:
    """It is no matter of time, so nobody is told to come back."""
    async with facing(DONE, limits={"request_bytes": 1024}) as (client, platform):
        request = long_bet()

        refusal = await refusal_of(client.tickets.CreateTicket(request))

        over_limit(refusal, CREATE)
        assert refusal.detail(error_details_pb2.RetryInfo) is None
        assert "limits.request_bytes" in refusal.message
        assert platform.requests == []


async def test_what_is_known_is_told_of_a_request_that_has_become_too_large() -> None:
    """A limit that was lowered since says nothing of a bet that may have been placed before."""
    async with facing(http_answer(500)) as (client, platform):
        request = long_bet()
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await client.tickets.CreateTicket(request)

        lowered = settings_for(platform.url, limits={"request_bytes": 1024})
        await client.gateway.reloading.reread(lambda: lowered)

        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await client.tickets.CreateTicket(request)
        over_limit(await refusal_of(client.tickets.CreateTicket(long_bet())), CREATE)
        assert len(platform.requests) == 1


def long_bet() -> Any:
    """Return a bet that is good and has more than a KiB."""
    request: Any = CREATE.made()
    request.superbet.bets.extend(range(1_000_000, 1_000_500))
    assert request.ByteSize() > 1024
    return request


class Time:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def places(limits: Limits, count: int, operator: str = "site") -> int:
    """Return how many of so many calls at once get a place."""
    with ExitStack() as stack:
        for taken in range(count):
            try:
                stack.enter_context(limits.place(operator))
            except Failure:
                return taken
        return count


@pytest.mark.parametrize(("workers", "each"), [(1, 10), (2, 5), (3, 4), (20, 1)])
def test_workers_share_the_limits(workers: int, each: int) -> None:
    """Each has its part, at least one call."""
    for table in (LimitsTable(calls=10), LimitsTable(operator_calls=10)):
        assert places(Limits(lambda table=table: table, workers), 100) == each  # type: ignore[misc]


def test_tokens_come_back_with_time() -> None:
    """The burst is the most there ever are; a debt is paid back first."""
    clock, table = Time(), LimitsTable(operator_rate=2, operator_burst=4)
    limits = Limits(lambda: table, clock=clock)

    assert places(limits, 100) == 4
    clock.now += 1
    assert places(limits, 100) == 2
    for _ in range(3):
        limits.spend("site")
    clock.now += 1.5
    assert places(limits, 100) == 0
    clock.now += 0.5
    assert places(limits, 100) == 1
    clock.now += 3600
    assert places(limits, 100) == 4


def test_limits_that_change_are_in_force_at_once() -> None:
    """They are read anew for every call."""
    tables = [LimitsTable(calls=1), LimitsTable(calls=3)]
    limits = Limits(lambda: tables[0])

    assert places(limits, 10) == 1
    del tables[0]
    assert places(limits, 10) == 3
