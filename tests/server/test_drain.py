"""What becomes of calls when their caller hangs up, or the gateway goes away?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.failure import Failure, Reason
from gateway.sandbox import Fault, FaultKind, Sandbox
from gateway.server.drain import OpenCalls
from tests.harness import Client, client_of, http_answer, say_nothing, scripted, settings_for, standing
from tests.rpc.bets import balance, placed
from tests.rpc.calls import CHANGES, CREATE, GET_TICKET, READS, To, facing, name_of, refusal_of

TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'


class Gate:
    """An answer that waits until it is let through, and tells when it is waiting."""

    def __init__(self, answer: bytes) -> None:
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self._answer = answer

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        self.asked.set()
        await self.open.wait()
        writer.write(self._answer)
        await writer.drain()


async def refused_at_the_door(client: Client) -> None:
    """Wait until the gateway takes no new calls; whatever it says then, it did not come from the platform."""
    while True:
        try:
            await health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest())  # type: ignore[no-untyped-call]
        except grpc.aio.AioRpcError as error:
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            return


@pytest.mark.parametrize("to", [GET_TICKET, CREATE], ids=name_of)
async def test_a_call_in_flight_is_finished_and_new_ones_are_refused(to: To) -> None:
    """A shutdown waits for the answer that is on its way; nothing new reaches the platform meanwhile."""
    gate = Gate(http_answer(200, TICKET))
    async with scripted(gate) as platform, standing(settings_for(platform.url)) as (client, end):
        call = asyncio.ensure_future(_made(to, client))
        await gate.asked.wait()

        ended = end()
        await refused_at_the_door(client)
        for another in (*READS, *CHANGES):
            assert (await refusal_of(another(client))).code is grpc.StatusCode.UNAVAILABLE
        assert not ended.done()
        gate.open.set()

        assert (await call).ticket.code == "AB12CD"
        await ended
        assert len(platform.requests) == 1


async def _made(to: To, client: Client) -> Any:
    return await to(client)


async def test_an_idle_gateway_goes_at_once() -> None:
    """Without calls in flight nobody waits for the grace to pass."""
    async with standing(settings_for("http://127.0.0.1:1", server={"grace_s": 60})) as (_, end):
        await asyncio.wait_for(end(), 5)


async def test_a_change_that_is_still_open_at_the_end_is_unknown() -> None:
    """Half a second before the grace ends, open bets and actions are answered; reads are not answered for."""
    async with scripted(say_nothing) as platform:
        async with standing(settings_for(platform.url, server={"grace_s": 0.8})) as (client, end):
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
    """Nobody wants the answer of a read whose caller is gone: its connection is given up."""
    gone = asyncio.Event()

    async def until_closed(writer: asyncio.StreamWriter) -> None:
        asked.set()
        await writer.wait_closed()
        gone.set()

    asked = asyncio.Event()
    async with facing(until_closed) as (client, _):
        call = GET_TICKET(client)
        await asked.wait()
        call.cancel()
        async with asyncio.timeout(5):
            await gone.wait()


async def test_a_bet_whose_caller_hung_up_is_on_the_platform(platform: Sandbox, client: Client) -> None:
    """The platform's late answer is taken although nobody waits for it any more, even while the gateway goes away."""
    platform.faults.add(Fault(FaultKind.SLOW, path="/be/tickets", seconds=0.2))
    async with client_of(settings_for(platform.url)) as leaving:
        call = leaving.tickets.CreateTicket(placed(platform))
        await _until(lambda: bool(platform.faults.fired))
        call.cancel()

    assert platform.journal.last.status == 200
    assert len(platform.book.tickets()) == 1
    assert balance(platform) == 1_000_00 - 2000


async def _answers(value: Any, when: Awaitable[Any]) -> Any:
    await when
    return value


async def test_open_calls_are_answered_once_closed() -> None:
    """After `close` an open call is an unknown outcome at once, and its work goes on until `finish`."""
    calls, never = OpenCalls(), asyncio.Event()
    waiting = asyncio.ensure_future(calls.run(_answers(None, never.wait())))
    await asyncio.sleep(0)

    calls.close()
    with pytest.raises(Failure) as ended:
        await waiting
    assert ended.value.reason is Reason.OUTCOME_UNKNOWN

    await calls.finish(0)


async def test_finishing_waits_for_work_whose_callers_are_gone() -> None:
    """Work outlives the wait for it; `finish` gives it the time it is told, and then ends it."""
    calls, door, done = OpenCalls(), asyncio.Event(), []

    async def work() -> Any:
        await door.wait()
        done.append("work")

    waiting = asyncio.ensure_future(calls.run(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    finishing = asyncio.ensure_future(calls.finish(5))
    await asyncio.sleep(0)
    assert not finishing.done()

    door.set()
    await finishing
    assert done == ["work"]


async def test_a_failure_nobody_waits_for_is_not_reported_as_lost() -> None:
    """Work that fails after its caller is gone leaves no complaint of the event loop behind."""
    calls, door = OpenCalls(), asyncio.Event()

    async def work() -> Any:
        await door.wait()
        raise Failure(Reason.CONFLICT, "No")

    waiting = asyncio.ensure_future(calls.run(work()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    door.set()
    await calls.finish(5)
