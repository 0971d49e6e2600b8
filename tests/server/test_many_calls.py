"""How many calls at once does the gateway bear, and who tells those that are too many?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import grpc
import pytest

from gateway.open_files import allow_open_files, open_files_problem
from gateway.settings import Upstream
from tests.harness import Client, Refusal, http_answer
from tests.rpc.calls import GET_TICKET, Gate, facing
from tests.server.test_limits import over_limit, retry_ms

IN_FLIGHT: Final = 1000
TOO_MANY: Final = 2500
"""With those in flight these are more than gRPC keeps by itself: 3,000 at most, and from 1,000 on only some."""

GET: Final = "/betstack.ticket.v1.TicketService/GetTicket"
DONE: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')


@pytest.fixture(autouse=True)
def _many_files() -> None:
    """Let this process open a file for either end of each connection."""
    both_ends = Upstream(max_connections=2 * IN_FLIGHT)
    allow_open_files(both_ends)
    if problem := open_files_problem(both_ends):
        pytest.skip(problem)


class Crowd(Gate):
    """Tells when as many wait as may be in flight."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(answer)
        self.full = asyncio.Event()
        self._waiting = 0

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        """Answer once the gate is open."""
        self._waiting += 1
        if self._waiting == IN_FLIGHT:
            self.full.set()
        await super().__call__(writer)


async def test_calls_that_come_all_at_once_are_served_or_told_why_not() -> None:
    """However many wait while the gateway is busy: as many as the limit allows go out, all others hear of the limit."""
    gate = Crowd(DONE)
    async with facing(gate, limits={"calls": IN_FLIGHT}, upstream={"read_timeout_s": 60}) as (client, platform):
        with all_at_once(client, IN_FLIGHT + TOO_MANY) as calls:
            ended = endings(calls)
            for _ in range(TOO_MANY):
                refusal = await ended.get()
                over_limit(refusal, GET_TICKET)
                assert retry_ms(refusal) > 0
            await gate.full.wait()
            assert platform.open == len(platform.requests) == IN_FLIGHT
            assert ended.empty()

            gate.open.set()
            assert {(await ended.get()).code for _ in range(IN_FLIGHT)} == {grpc.StatusCode.OK}


@contextmanager
def all_at_once(client: Client, count: int) -> Iterator[list[Any]]:
    """Make calls from a thread, and let nothing else go on meanwhile, so that all of them wait at the door."""
    body = GET_TICKET.made().SerializeToString()
    with grpc.insecure_channel(client.gateway.target) as channel, ThreadPoolExecutor(1) as thread:
        get: Any = channel.unary_unary(GET)
        yield thread.submit(lambda: [get.future(body, timeout=60) for _ in range(count)]).result()


def endings(calls: list[Any]) -> asyncio.Queue[Refusal]:
    """Return a queue that gets the end of each call when it is there."""
    loop, ended = asyncio.get_running_loop(), asyncio.Queue[Refusal]()

    def end(call: Any) -> None:
        refusal = Refusal()
        if call.code() is not grpc.StatusCode.OK:
            refusal.take(call)
        loop.call_soon_threadsafe(ended.put_nowait, refusal)

    for call in calls:
        call.add_done_callback(end)
    return ended
