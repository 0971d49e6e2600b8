"""Is a ticket whose creation failed or is unknown undone, once, whatever it takes?"""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from betstack.pam.v1 import pam_service_pb2 as pam
from gateway.failure import Reason
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import NewOperation, State
from gateway.ledger.transactions import Debt, Ending, find_debt, lease_debt
from gateway.wire.attempt import Attempt, Stage
from tests.harness import failing
from tests.ledger.finding import DAY_S, Told, rate_limited, worker
from tests.ledger.rows import (
    DONE,
    TICKET_ID,
    Clock,
    Sender,
    action,
    begun,
    never_sent,
    perform,
    plain_refusal,
    refusal,
    row,
    state,
    unknown,
    until,
)

TAKE: Final = action("CreateTicket", "take-1")
HOLD: Final = action("ReserveTicket", "hold-1")
WIN: Final = action("WinTicket")
DISCARD: Final = action("DiscardTicket", reason="no money")
NOT_FOUND: Final = refusal(102, Reason.TICKET_NOT_FOUND)
DOES_NOT_FIT: Final = refusal(116, Reason.PLATFORM_CODE_UNMAPPED)


async def debt_of(ledger: Ledger) -> Debt:
    """Return the debt of the ticket that these tests are about."""
    debt = await ledger.run(lambda: find_debt("site", TICKET_ID))
    assert debt is not None
    return debt


@pytest.mark.parametrize("new", [TAKE, HOLD], ids=["take", "hold"])
@pytest.mark.parametrize("end", [refusal(), plain_refusal()], ids=["code", "no code"])
@pytest.mark.parametrize("answer", [DONE, NOT_FOUND], ids=["200", "102"])
async def test_a_refused_creation_is_discarded_at_once(
    ledger: Ledger, clock: Clock, new: NewOperation, end: Attempt, answer: Attempt
) -> None:
    """The discard names ticket, operator and reason; what was refused stays refused."""
    told = Told({"DiscardTicket": [answer]})
    await perform(ledger, new, end)
    find_out = worker(ledger, told, clock)
    await find_out.work()
    clock.advance(10 * DAY_S)
    await find_out.work()

    [(method, request)] = told.calls
    assert method == "DiscardTicket"
    assert request == pam.DiscardTicketRequest(
        operator="site", ticket_id=TICKET_ID, reason="The ticket's creation was refused"
    )
    assert (await debt_of(ledger)).state == "SETTLED"
    assert await state(ledger, new) is State.REJECTED


@pytest.mark.parametrize("new", [TAKE, HOLD], ids=["take", "hold"])
@pytest.mark.parametrize("answer", [DONE, NOT_FOUND], ids=["200", "102"])
async def test_an_unknown_creation_is_discarded_once_its_call_is_over(
    ledger: Ledger, clock: Clock, new: NewOperation, answer: Attempt
) -> None:
    """Not while a call may still be waiting; then it is undone, which is what its request id answers."""
    told = Told({"DiscardTicket": [answer]})
    await perform(ledger, new, unknown())
    find_out = worker(ledger, told, clock)
    clock.advance(34.9)
    await find_out.work()
    assert told.calls == []

    clock.advance(0.2)
    await find_out.work()

    assert told.methods == ["DiscardTicket"]
    assert await state(ledger, new) is State.REVERSED
    sender = Sender(DONE)
    failure = (await perform(ledger, new, sender)).failure()
    assert getattr(failure, "reason", None) is Reason.OPERATION_REVERSED
    with failing(Reason.OPERATION_REVERSED):
        await perform(ledger, action("CreateTicket", "take-2"), sender)
    assert sender.tries == 0


@pytest.mark.parametrize("new", [TAKE, HOLD], ids=["take", "hold"])
async def test_what_never_left_owes_nothing(ledger: Ledger, clock: Clock, new: NewOperation) -> None:
    """There is nothing to discard where nothing was sent."""
    told = Told()
    await perform(ledger, new, never_sent())
    clock.advance(DAY_S)

    assert not await worker(ledger, told, clock).work()
    assert told.calls == []


@pytest.mark.parametrize(
    ("end", "after"), [(refusal(), State.REJECTED), (unknown(), State.REVERSED)], ids=["refused", "unknown"]
)
async def test_a_discard_is_repeated_until_it_is_answered(
    ledger: Ledger, clock: Clock, end: Attempt, after: State
) -> None:
    """Every 30 minutes, however it failed, for as long as it takes."""
    told = Told({"DiscardTicket": [unknown(), never_sent(), rate_limited(), unknown(Stage.ANSWERED), DONE]})
    await perform(ledger, TAKE, end)
    find_out = worker(ledger, told, clock)
    clock.advance(35)
    times = []
    for _ in range(60):
        before = len(told.calls)
        await find_out.work()
        times += [clock() - 1_700_000_035] * (len(told.calls) - before)
        clock.advance(300)

    assert times == [0, 1800, 3600, 5400, 7200]
    debt = await debt_of(ledger)
    assert (debt.state, debt.tries, debt.next_at) == ("SETTLED", 5, None)
    assert await state(ledger, TAKE) is after


@pytest.mark.parametrize("answer", [DOES_NOT_FIT, plain_refusal()], ids=["code", "no code"])
@pytest.mark.parametrize(
    ("end", "after"), [(unknown(), State.NEEDS_HUMAN), (refusal(), State.REJECTED)], ids=["unknown", "refused"]
)
async def test_a_refused_discard_is_for_a_person(
    ledger: Ledger, clock: Clock, answer: Attempt, end: Attempt, after: State
) -> None:
    """It is not repeated; the row says what was answered, and the ticket still cannot be opened."""
    told = Told({"DiscardTicket": [answer]})
    await perform(ledger, TAKE, end)
    find_out = worker(ledger, told, clock)
    for _ in range(3):
        clock.advance(DAY_S)
        await find_out.work()

    assert told.methods == ["DiscardTicket"]
    assert (await debt_of(ledger)).state == "NEEDS_HUMAN"
    found = await row(ledger, TAKE)
    assert found.state is after
    assert "discarding was refused: the platform said no" in found.notes[-1].text
    with failing(Reason.OPERATION_REVERSED):
        await perform(ledger, action("CreateTicket", "take-2"), Sender(DONE))


async def test_a_verdict_ends_a_debt(ledger: Ledger, clock: Clock) -> None:
    """What a person found out about the ticket is the end of its discard, whatever the row was before."""
    for end, request_id in ((unknown(), "take-1"), (refusal(), "take-2")):
        new = action("CreateTicket", request_id, request_id * 4)
        told = Told({"DiscardTicket": [DOES_NOT_FIT]})
        await perform(ledger, new, end)
        clock.advance(36)
        await worker(ledger, told, clock).work()

        verdict = Ending(State.REVERSED, Stage.ANSWERED, note="the player never paid")
        resolved = await ledger.resolve("site", request_id, verdict)

        assert resolved is not None
        assert resolved.state is State.REVERSED
        debt = await ledger.run(lambda: find_debt("site", request_id * 4))  # noqa: B023
        assert debt is not None
        assert debt.state == "SETTLED"
        assert await ledger.resolve("site", request_id, verdict) is None


async def test_the_callers_discard_takes_the_place_of_the_owed_one(ledger: Ledger, clock: Clock) -> None:
    """Whoever discards the ticket himself leaves nothing to the gateway."""
    told = Told()
    await perform(ledger, TAKE, unknown())
    await perform(ledger, DISCARD, DONE)
    clock.advance(DAY_S)

    await worker(ledger, told, clock).work()

    assert told.calls == []


@pytest.mark.parametrize("end", [refusal(), unknown()], ids=["refused", "unknown"])
async def test_an_owed_discard_waits_for_a_call_on_its_way(ledger: Ledger, clock: Clock, end: Attempt) -> None:
    """Neither goes out beside the other, and whoever waits does not spin."""
    told, sender = Told({"DiscardTicket": [DONE]}), Sender(DONE, waits=True)
    await perform(ledger, TAKE, end)
    clock.advance(36)
    call = asyncio.ensure_future(perform(ledger, DISCARD, sender))
    await sender.begun.wait()
    find_out = worker(ledger, told, clock)

    await find_out.work()
    assert not await find_out.work()
    assert told.calls == []

    sender.go.set()
    await call
    await find_out.work()
    assert told.calls == []


async def test_a_call_waits_for_an_owed_discard_on_its_way(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """An action of a caller goes out after the discard that another gateway is making."""
    told = Told({"DiscardTicket": [DONE]}, waits=True)
    await perform(ledger, TAKE, refusal())
    working = asyncio.ensure_future(worker(neighbour, told, clock).work())
    await until(lambda: bool(told.calls))
    sender = Sender(DONE)
    call = asyncio.ensure_future(perform(ledger, WIN, sender))
    assert (await begun(ledger, WIN)).state is State.RECEIVED
    await asyncio.wait({call}, timeout=0.05)
    assert sender.tries == 0

    told.go.set()
    async with asyncio.timeout(5):
        await asyncio.gather(working, call)
    assert sender.tries == 1


async def test_one_of_several_gateways_discards(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """Two workers that see the same debt make one discard."""
    told = Told({"DiscardTicket": [unknown()]})
    await perform(ledger, TAKE, refusal())

    worked = await asyncio.gather(*(worker(each, told, clock).work() for each in (ledger, neighbour)))

    assert told.methods == ["DiscardTicket"]
    assert sorted(worked) == [False, True]


async def test_a_debt_is_not_taken_from_who_is_at_it(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """Not by somebody who read it while the discard was on its way."""
    await perform(ledger, TAKE, unknown())
    clock.advance(36)
    owed = await debt_of(ledger)
    leased = await ledger.run(lambda: lease_debt(owed, clock(), clock() + 70))
    assert leased is not None
    told = Told({"DiscardTicket": [DONE]})

    await worker(neighbour, told, clock).repeat(await row(neighbour, TAKE))

    assert told.calls == []


async def test_behind_an_unknown_take_the_discard_goes_first(ledger: Ledger, clock: Clock) -> None:
    """A later action has the ticket discarded; then the take is undone, and the action goes out."""
    told, sender = Told({"DiscardTicket": [DONE]}), Sender(NOT_FOUND)
    await perform(ledger, TAKE, unknown())
    find_out = worker(ledger, told, clock)

    answer = await perform(ledger, WIN, sender, find_out.repeat)

    assert told.methods == ["DiscardTicket"]
    assert await state(ledger, TAKE) is State.REVERSED
    assert (answer.operation.state, sender.tries) == (State.REJECTED, 1)


async def test_behind_a_take_that_cannot_be_discarded_nothing_is_sent(ledger: Ledger, clock: Clock) -> None:
    """Unanswered or refused, the discard leaves the later action with CONFLICT."""
    told, sender = Told({"DiscardTicket": [unknown(), DOES_NOT_FIT]}), Sender(DONE)
    await perform(ledger, TAKE, unknown())
    find_out = worker(ledger, told, clock)

    for _ in range(3):
        with failing(Reason.CONFLICT, execution="NOT_EXECUTED", blocked_by="take-1"):
            await perform(ledger, WIN, sender, find_out.repeat)

    assert told.methods == ["DiscardTicket"] * 2
    assert await state(ledger, TAKE) is State.NEEDS_HUMAN
    assert sender.tries == 0
