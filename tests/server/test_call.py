"""In which order does a call meet its steps?"""

from __future__ import annotations

import time

import pytest
from google.protobuf.message import Message

from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract.routes import Route, load_contract
from gateway.failure import Failure, Reason
from gateway.server.call import Call, Proceed, Step, chain

ROUTE = load_contract().routes["/betstack.ticket.v1.TicketService/GetTicket"]


def call(route: Route = ROUTE, deadline: float | None = None) -> Call:
    """Return a call on its way."""
    return Call(route, ticket.GetTicketRequest(identifier="AB12CD"), "site", "request-1", deadline=deadline)


def noting(name: str, diary: list[str]) -> Step:
    """Return a step that writes down when it is entered and left."""

    async def step(given: Call, proceed: Proceed) -> Message:
        diary.append(f"{name} in")
        try:
            return await proceed(given)
        finally:
            diary.append(f"{name} out")

    return step


async def test_steps_are_entered_in_order_and_left_in_reverse() -> None:
    """The list reads as the road: first things first, and each step sees what comes of the rest."""
    diary: list[str] = []
    answer = ticket.GetTicketResponse()

    async def end(_: Call) -> Message:
        diary.append("end")
        return answer

    road = chain([noting("first", diary), noting("second", diary)], end)

    assert await road(call()) is answer
    assert diary == ["first in", "second in", "end", "second out", "first out"]


async def test_a_step_may_end_the_road() -> None:
    """After a step that raises, nothing further happens, and the steps before it hear of it."""
    diary: list[str] = []

    async def closed(_: Call, __: Proceed) -> Message:
        raise Failure(Reason.CONFLICT, "closed")

    async def end(_: Call) -> Message:
        diary.append("end")
        return ticket.GetTicketResponse()

    road = chain([noting("first", diary), closed, noting("never", diary)], end)

    with pytest.raises(Failure, match="closed"):
        await road(call())
    assert diary == ["first in", "first out"]


async def test_a_road_without_steps_is_its_end() -> None:
    """No steps, no detour."""

    async def end(given: Call) -> Message:
        return given.request

    assert await chain([], end)(call()) == ticket.GetTicketRequest(identifier="AB12CD")


async def test_a_road_can_be_taken_by_many() -> None:
    """Steps keep nothing of a call: the same road serves the next one."""
    seen: list[str] = []

    async def step(given: Call, proceed: Proceed) -> Message:
        seen.append(given.request_id)
        return await proceed(given)

    async def end(given: Call) -> Message:
        return given.request

    road = chain([step], end)
    for _ in range(3):
        await road(call())
    assert seen == ["request-1"] * 3


def test_a_call_knows_how_long_its_caller_waits() -> None:
    """Without a deadline there is no end; with one, the rest of it is what is left."""
    assert call().remaining_s is None
    remaining = call(deadline=time.monotonic() + 60).remaining_s
    assert remaining is not None
    assert 50 < remaining <= 60
