"""What becomes of calls when their caller hangs up, or the gateway goes away?"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any, Final

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.failure import Failure, Reason
from gateway.sandbox import Fault, FaultKind, Sandbox
from gateway.server.drain import OpenCalls
from tests.harness import (
    Client,
    Refusal,
    client_of,
    http_answer,
    refused,
    say_nothing,
    scripted,
    settings_for,
    standing,
)
from tests.rpc.bets import balance, placed
from tests.rpc.calls import CHANGES, CREATE, GET_TICKET, READS, Gate, To, facing, leaving_is_told, name_of, refusal_of

TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'


@pytest.mark.parametrize("to", [GET_TICKET, CREATE], ids=name_of)
async def test_a_call_in_flight_is_finished_and_new_ones_are_refused(to: To) -> None:
    """A shutdown waits for the answer that is on its way; nothing new reaches the platform meanwhile."""
    gate = Gate(http_answer(200, TICKET))
    settings = {"server": {"grace_s": 60}}
    async with scripted(gate) as platform, standing(settings_for(platform.url, **settings)) as (client, end):
        call = asyncio.ensure_future(_made(to, client))
        await gate.asked.wait()

        ended = end()
        await leaving_is_told(client)
        for another in (*READS, *CHANGES):
            with refused(Reason.SHUTTING_DOWN) as refusal:
                await another(client)
            assert refusal.code is grpc.StatusCode.UNAVAILABLE
            assert refusal.metadata.get("execution") == ("NOT_EXECUTED" if another.money else None)
        assert not ended.done()
        gate.open.set()

        assert (await call).ticket.code == "AB12CD"
        await ended
        assert len(platform.requests) == 1


async def _made(to: To, client: Client) -> Any:
    return await to(client)


async def test_a_lame_duck_is_known_as_one_and_serves() -> None:
    """While load balancers learn that the gateway goes away, everything is served as before."""
    answers = http_answer(200, TICKET)
    async with scripted(answers, answers) as platform:
        settings = settings_for(platform.url, server={"lameduck_s": 1})
        async with standing(settings) as (client, end):
            ended = end()
            await leaving_is_told(client)
            for to in (GET_TICKET, CREATE):
                assert (await _made(to, client)).ticket.code == "AB12CD"
            await ended


async def test_clients_that_call_are_asked_to_leave_first() -> None:
    """With a limit on the age of connections nobody who calls is refused before every connection is past it."""
    async with scripted(*[http_answer(200, TICKET)] * 1000) as platform:
        settings = settings_for(platform.url, server={"connection_age_s": 1})
        async with standing(settings) as (client, end):
            await GET_TICKET(client)
            ended = end()
            await leaving_is_told(client)
            served = 0
            while not ended.done():
                refusal = await _refused(client)
                if refusal is not None:
                    break
                served += 1
            await ended

    assert served > 0
    # The client's own library says so: there is nobody to connect to. The gateway did not have to refuse anything.
    assert refusal is None or (refusal.code is grpc.StatusCode.UNAVAILABLE and not refusal.info)


async def _refused(client: Client) -> Any:
    try:
        await GET_TICKET(client)
    except grpc.aio.AioRpcError as error:
        refusal = Refusal()
        refusal.take(error)
        return refusal
    return None


async def test_an_idle_gateway_goes_at_once() -> None:
    """Without calls in flight nobody waits for the grace to pass."""
    async with standing(settings_for("http://127.0.0.1:1", server={"grace_s": 60})) as (_, end):
        await asyncio.wait_for(end(), 5)


async def test_a_watcher_does_not_hold_up_a_shutdown() -> None:
    """A mesh that watches the health of the gateway does not make it wait for the grace to pass."""
    async with standing(settings_for("http://127.0.0.1:1", server={"grace_s": 60})) as (client, end):
        watch = health_pb2_grpc.HealthStub(client.channel).Watch(health_pb2.HealthCheckRequest())
        await watch.read()

        await asyncio.wait_for(end(), 10)


async def test_a_change_that_is_still_open_at_the_end_is_unknown() -> None:
    """Half a second before the grace ends, open bets and actions are answered; reads are not answered for."""
    settings = {"server": {"grace_s": 0.8}}
    async with scripted(say_nothing) as platform, standing(settings_for(platform.url, **settings)) as (client, end):
        calls = [asyncio.ensure_future(refusal_of(to(client))) for to in (*CHANGES, GET_TICKET)]
        await _until(lambda: len(platform.requests) == len(calls))

        started = time.monotonic()
        await end()
        assert time.monotonic() - started < 5
        *changed, read = await asyncio.gather(*calls)

    for to, refusal in zip(CHANGES, changed, strict=True):
        assert refusal.info.reason == Reason.OUTCOME_UNKNOWN, name_of(to)
        assert refusal.metadata.get("execution") == ("UNKNOWN" if to.money else None)
        assert refusal.trailers["grpc-retry-pushback-ms"] == "-1"
        assert "shutting down" in refusal.message
    assert read.code is not grpc.StatusCode.OK


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - one turn of the loop, in which requests arrive
            await asyncio.sleep(0)


async def test_a_hang_up_does_not_tear_a_bet() -> None:
    """The caller cancels after the bet has left; the answer is awaited, and the connection serves the next call."""
    gate = Gate(http_answer(200, TICKET))
    async with facing(gate, http_answer(200, TICKET), upstream={"max_connections": 1}) as (client, platform):
        for to in CHANGES:
            platform.answers[:] = [gate, http_answer(200, TICKET)]
            call = to(client)
            await gate.asked.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            gate.open.set()
            await GET_TICKET(client)
            gate.asked.clear()
            gate.open.clear()

        assert len(platform.requests) == 2 * len(CHANGES)
        assert platform.connections == 1


async def test_a_hang_up_ends_a_read() -> None:
    """Nobody wants the answer of a read whose caller is gone: its connection is given up for the next call."""
    gate = Gate(http_answer(200, TICKET))
    async with facing(gate, http_answer(200, TICKET), upstream={"max_connections": 1}) as (client, platform):
        call = GET_TICKET(client)
        await gate.asked.wait()
        call.cancel()

        await GET_TICKET(client)

        assert platform.connections == 2


async def test_a_bet_whose_caller_hung_up_is_on_the_platform(platform: Sandbox) -> None:
    """The platform's late answer is taken although nobody waits for it any more, even while the gateway goes away."""
    platform.faults.add(Fault(FaultKind.SLOW, path="/be/tickets", seconds=0.2))
    async with client_of(settings_for(platform.url)) as leaving:
        call = leaving.tickets.CreateTicket(placed(platform))
        await _until(lambda: bool(platform.faults.fired))
        call.cancel()

    assert platform.journal.last.status == 200
    assert len(platform.book.tickets()) == 1
    assert balance(platform) == 1_000_00 - 2000


async def test_open_calls_are_answered_when_the_time_is_up() -> None:
    """An open call becomes an unknown outcome, and its work is ended."""
    calls, never = OpenCalls(), asyncio.Event()
    waiting = asyncio.ensure_future(calls.run(_work(never)))
    await asyncio.sleep(0)

    await calls.answer()

    with pytest.raises(Failure) as ended:
        await waiting
    assert ended.value.reason is Reason.OUTCOME_UNKNOWN


async def test_work_whose_caller_is_gone_is_waited_for() -> None:
    """Work outlives the wait for it, and nothing is idle before it is done."""
    calls, door, done = OpenCalls(), asyncio.Event(), [0]
    waiting = asyncio.ensure_future(calls.run(_work(door, done)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    idle = asyncio.ensure_future(calls.idle(60))
    await asyncio.sleep(0)
    assert not idle.done()

    door.set()
    await idle
    assert done == [1]


async def test_idleness_is_not_waited_for_longer_than_told() -> None:
    """Work that does not end does not hold up a shutdown."""
    calls, never = OpenCalls(), asyncio.Event()
    waiting = asyncio.ensure_future(calls.run(_work(never)))
    await asyncio.sleep(0)

    await asyncio.wait_for(calls.idle(0.01), 5)

    assert not waiting.done()
    await calls.answer()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_a_failure_nobody_waits_for_is_not_reported_as_lost() -> None:
    """Work that fails after its caller is gone leaves no complaint of the event loop behind."""
    calls, door = OpenCalls(), asyncio.Event()
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))

    async def fail() -> Any:
        await door.wait()
        raise Failure(Reason.CONFLICT, "No")

    waiting = asyncio.ensure_future(calls.run(fail()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    door.set()
    await calls.idle(60)
    gc.collect()

    assert complaints == []


async def _work(door: asyncio.Event, done: list[int] | None = None) -> Any:
    await door.wait()
    if done is not None:
        done[0] += 1
