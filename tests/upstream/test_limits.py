"""How long is an answer waited for, how much of it is read, and how long does a connection live?"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import grpc
import pytest

from gateway.failure import Reason
from tests.harness import http_answer, refused, say_nothing
from tests.rpc.calls import CHANGES, CREATE, GET_TICKET, READS, Gate, To, facing, name_of, refusal_of

TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD","player_id":"1"}'


async def test_a_read_without_deadline_is_waited_for_as_long_as_the_setting_says() -> None:
    """`upstream.read_timeout_s` ends a READ whose caller would wait for ever."""
    async with facing(say_nothing, upstream={"read_timeout_s": 0.2}) as (client, _):
        started = time.monotonic()
        with refused(Reason.UPSTREAM_TIMEOUT, api="be") as refusal:
            await GET_TICKET(client)
        assert 0.15 < time.monotonic() - started < 5

    assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "http_status" not in refusal.metadata


async def test_a_callers_deadline_takes_the_place_of_the_setting() -> None:
    """A caller who waits longer than `read_timeout_s` is served longer."""

    async def answer_late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        writer.write(http_answer(200, TICKET))

    async with facing(answer_late, upstream={"read_timeout_s": 0.1}) as (client, platform):
        assert (await GET_TICKET(client, timeout=30)).ticket.code == "AB12CD"
        assert len(platform.requests) == 1


async def test_a_callers_short_deadline_ends_the_read_on_the_platforms_side_too() -> None:
    """After the caller's deadline the connection is given up, although the setting would wait."""
    gate = Gate(http_answer(200, TICKET))
    limits = {"read_timeout_s": 60, "max_connections": 1}
    async with facing(gate, http_answer(200, TICKET), upstream=limits) as (client, platform):
        refusal = await refusal_of(GET_TICKET(client, timeout=0.3))
        assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED

        await GET_TICKET(client, timeout=30)
        assert platform.connections == 2


async def test_the_reads_limit_is_not_the_limit_of_a_bet() -> None:
    """A bet is waited for `timeout_s`, however short reads are."""

    async def answer_late(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        writer.write(http_answer(200, TICKET))

    async with facing(answer_late, upstream={"read_timeout_s": 0.01}) as (client, _):
        assert (await CREATE(client)).ticket.code == "AB12CD"


@pytest.mark.parametrize("to", [*READS, *CHANGES], ids=name_of)
async def test_a_connection_that_was_closed_while_idle_is_replaced_unseen(to: To) -> None:
    """A platform that closes a kept connection between two calls costs nobody an error, bets included."""
    whole = http_answer(200, b"[]" if to.api == "bc" else TICKET)

    async def answer_and_close(writer: asyncio.StreamWriter) -> None:
        writer.write(whole)
        await writer.drain()
        writer.close()

    async with facing(answer_and_close, whole) as (client, platform):
        await to(client)
        await to(client)

        assert platform.connections == 2
        assert len(platform.requests) == 2


async def test_calls_one_after_another_share_a_connection() -> None:
    """A connection is kept and used again, by reads and bets alike."""
    async with facing(http_answer(200, TICKET)) as (client, platform):
        for to in (GET_TICKET, CREATE, GET_TICKET):
            await to(client)

        assert platform.connections == 1


async def test_an_answer_as_large_as_the_limit_is_read_and_one_byte_more_is_not() -> None:
    """`upstream.max_answer_bytes` is the last size that is read."""
    fitting = TICKET + b" " * (1024 - len(TICKET))
    async with facing(
        http_answer(200, fitting), http_answer(200, fitting + b" "), upstream={"max_answer_bytes": 1024}
    ) as (client, _):
        assert (await GET_TICKET(client)).ticket.code == "AB12CD"
        with refused(Reason.UPSTREAM_BAD_PAYLOAD, http_status="200", payload="other"):
            await GET_TICKET(client)


async def test_a_refusal_that_is_too_large_is_judged_by_its_status() -> None:
    """Of an endless error page only the status counts."""
    async with facing(http_answer(404, b"x" * 5000), upstream={"max_answer_bytes": 1024}) as (client, _):
        with refused(Reason.UPSTREAM_ROUTE_MISSING, http_status="404", payload="other"):
            await GET_TICKET(client)


async def test_too_many_calls_at_once_wait_for_a_connection_and_are_not_sent_in_vain() -> None:
    """With all connections taken, a call that waited its time out was never sent: it may be repeated."""
    limits = {"max_connections": 1, "timeout_s": 1, "read_timeout_s": 0.1}
    async with facing(say_nothing, upstream=limits) as (client, platform):
        first = asyncio.ensure_future(refusal_of(CREATE(client)))
        while not platform.requests:  # noqa: ASYNC110 - one turn of the loop, in which the request arrives
            await asyncio.sleep(0)

        with refused(Reason.UPSTREAM_UNREACHABLE):
            await GET_TICKET(client)

        assert (await first).info.reason == Reason.OUTCOME_UNKNOWN
        assert len(platform.requests) == 1
