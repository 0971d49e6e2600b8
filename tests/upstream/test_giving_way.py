"""Do others get on while a long answer is read?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from itertools import count

import pytest

from betstack.ticket.v1 import ticket_service_pb2 as pb
from gateway.upstream.giving_way import GivingWay
from tests.harness import http_answer
from tests.rpc.calls import facing

PIECES = 100


def work(done: list[str], name: str) -> Generator[None, None, str]:
    """Do something in pieces."""
    for _ in range(PIECES):
        done.append(name)
        yield
    return name


def slow_clock() -> GivingWay:
    """Give way by a clock on which every look at it is a millisecond after the last."""
    milliseconds = count()
    return GivingWay(lambda: next(milliseconds) / 1000)


async def test_others_get_their_turn_every_few_pieces() -> None:
    """However long a work is, the loop goes on all the time."""
    done: list[str] = []

    async def others() -> None:
        while done.count("work") < PIECES:
            done.append("others")
            await asyncio.sleep(0)

    result, _ = await asyncio.gather(slow_clock().result_of(work(done, "work")), others())

    assert result == "work"
    assert done.count("others") > PIECES / 5


async def test_one_long_work_is_done_after_the_other() -> None:
    """Several together hold the loop up no longer than one; one that is given up or fails lets the next one in."""
    done: list[str] = []
    giving_way = slow_clock()

    def failing() -> Generator[None, None, str]:
        yield
        raise ValueError("no")

    first = asyncio.ensure_future(giving_way.result_of(work(done, "given up")))
    broken = asyncio.ensure_future(giving_way.result_of(failing()))
    rest = [asyncio.ensure_future(giving_way.result_of(work(done, name))) for name in ("one", "two")]
    while not done:  # noqa: ASYNC110 - until it is under way
        await asyncio.sleep(0)
    first.cancel()

    with pytest.raises(ValueError, match="no"):
        await broken
    assert await asyncio.gather(*rest) == ["one", "two"]
    assert done == ["given up"] * done.count("given up") + ["one"] * PIECES + ["two"] * PIECES
    assert done.count("given up") < PIECES


async def test_a_long_answer_arrives_whole() -> None:
    """A list of almost as many bytes as are read is complete."""
    tickets = [{"id": f"t{number}", "code": "AB12CD", "price": number} for number in range(20_000)]
    body = json.dumps(tickets, separators=(",", ":")).encode()
    assert 850_000 < len(body) < 1_048_576
    async with facing(http_answer(200, body)) as (client, _):
        answer = await client.tickets.ListTickets(pb.ListTicketsRequest(limit=20_000))
    assert [(each.id, each.price) for each in answer.tickets] == [(f"t{n}", n) for n in range(20_000)]
