"""In which order do the actions of one ticket go out, and which of them never does?"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from gateway.failure import Reason
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import Operation, State
from gateway.ledger.transactions import Ending, find_debt, lease_operation
from gateway.wire.attempt import Attempt, Stage
from tests.harness import failing
from tests.ledger.rows import (
    DONE,
    TICKET_ID,
    Clock,
    Sender,
    action,
    begun,
    die,
    ledger_at,
    never_sent,
    perform,
    plain_refusal,
    refusal,
    row,
    state,
    unknown,
)

TAKE: Final = action("CreateTicket", "take-1")
WIN: Final = action("WinTicket")
ROLLBACK: Final = action("RollbackTicket", reason="a mistake")
DISCARD: Final = action("DiscardTicket", reason="no money")
NOT_FOUND: Final = refusal(102, Reason.TICKET_NOT_FOUND)

Call = asyncio.Future[Any]


async def sent(ledger: Ledger, new: Any, sender: Sender) -> Call:
    """Make a call, and return once it is on its way."""
    call = asyncio.ensure_future(perform(ledger, new, sender))
    await sender.begun.wait()
    return call


async def waiting(ledger: Ledger, new: Any, sender: Sender) -> Call:
    """Make a call, and return once it waits for its turn."""
    call = asyncio.ensure_future(perform(ledger, new, sender))
    assert (await begun(ledger, new)).state is State.RECEIVED
    return call


async def test_actions_go_out_one_at_a_time_in_the_order_they_came(ledger: Ledger, neighbour: Ledger) -> None:
    """At two gateways, each action on a ticket leaves when the one before is answered, and not before."""
    first = Sender(DONE, waits=True)
    calls = [await sent(ledger, WIN, first)]
    senders = [first]
    for number in range(4):
        sender = Sender(DONE, waits=True)
        at = (neighbour, ledger)[number % 2]
        calls.append(await waiting(at, action("RollbackTicket", f"rollback-{number}"), sender))
        senders.append(sender)

    async with asyncio.timeout(10):
        for number, sender in enumerate(senders):
            await sender.begun.wait()
            assert [each.tries for each in senders] == [1] * (number + 1) + [0] * (len(senders) - number - 1)
            sender.go.set()
            await calls[number]


async def test_tickets_do_not_wait_for_each_other(ledger: Ledger) -> None:
    """The actions of another ticket, and of another operator, go out at once."""
    first = Sender(DONE, waits=True)
    call = await sent(ledger, WIN, first)

    other = await perform(ledger, action("WinTicket", "another", "a" * 24), DONE)

    assert other.operation.state is State.SUCCEEDED
    first.go.set()
    await call


@pytest.mark.parametrize("end", [DONE, NOT_FOUND, plain_refusal(), never_sent()])
async def test_a_definite_end_lets_the_next_one_go(ledger: Ledger, end: Attempt) -> None:
    """Refused, or never sent: once it is known what became of an action, the next one leaves."""
    first, second = Sender(end, waits=True), Sender(DONE)
    calls = [await sent(ledger, WIN, first), await waiting(ledger, ROLLBACK, second)]

    first.go.set()
    await asyncio.gather(*calls)

    assert second.tries == 1
    assert await state(ledger, ROLLBACK) is State.SUCCEEDED


async def test_behind_an_unknown_action_it_is_found_out_first(ledger: Ledger) -> None:
    """A later action has the unknown one repeated, and leaves once that one is known."""
    await perform(ledger, WIN, unknown())
    repeated: list[str] = []

    async def repeat(operation: Operation) -> None:
        repeated.append(operation.request_id)
        await ledger.decide(operation, Ending(State.SUCCEEDED, Stage.ANSWERED, response=b""))

    answer = await perform(ledger, ROLLBACK, DONE, repeat)

    assert repeated == ["WinTicket"]
    assert answer.operation.state is State.SUCCEEDED


async def test_behind_an_action_that_stays_unknown_nothing_is_sent(ledger: Ledger) -> None:
    """It is CONFLICT after one repeat; the id is free, and goes once the unknown one is known."""
    await perform(ledger, WIN, unknown())
    sender, repeated = Sender(DONE), []

    async def repeat(operation: Operation) -> None:
        repeated.append(operation.request_id)

    with failing(Reason.CONFLICT, execution="NOT_EXECUTED", blocked_by="WinTicket"):
        await perform(ledger, ROLLBACK, sender, repeat)
    assert (sender.tries, repeated) == (0, ["WinTicket"])
    refused = await row(ledger, ROLLBACK)
    assert (refused.state, refused.free, refused.maybe_sent) == (State.NOT_SENT, True, False)

    await ledger.decide(await row(ledger, WIN), Ending(State.SUCCEEDED, Stage.ANSWERED, response=b""))
    assert (await perform(ledger, ROLLBACK, sender)).operation.state is State.SUCCEEDED


async def test_an_action_that_needs_a_person_blocks_until_the_verdict(ledger: Ledger) -> None:
    """It is not repeated any more; what comes behind it is CONFLICT until somebody has decided."""
    operation = (await perform(ledger, WIN, unknown())).operation
    await ledger.decide(operation, Ending(State.NEEDS_HUMAN, Stage.MAYBE_SENT))
    sender = Sender(DONE)

    async def repeat(operation: Operation) -> None:
        pytest.fail(f"{operation.request_id} was repeated")

    with failing(Reason.CONFLICT, execution="NOT_EXECUTED", blocked_by="WinTicket"):
        await perform(ledger, ROLLBACK, sender, repeat)
    assert sender.tries == 0

    await ledger.resolve("site", "WinTicket", Ending(State.SUCCEEDED, Stage.MAYBE_SENT, note="the player has it"))
    assert (await perform(ledger, ROLLBACK, sender, repeat)).operation.state is State.SUCCEEDED


async def test_an_action_waits_while_another_gateway_repeats(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """Where somebody is finding out already, the later action waits for that instead of giving up."""
    operation = (await perform(ledger, WIN, unknown())).operation
    leased = await neighbour.run(lambda: lease_operation(operation, clock(), clock() + 60))
    assert leased is not None
    sender = Sender(DONE)
    call = await waiting(ledger, ROLLBACK, sender)
    await asyncio.wait({call}, timeout=0.05)
    assert not call.done()

    await neighbour.decide(leased, Ending(State.SUCCEEDED, Stage.ANSWERED, response=b""))

    async with asyncio.timeout(5):
        assert (await call).operation.state is State.SUCCEEDED


async def test_a_call_that_is_given_up_while_it_waits_was_not_sent(ledger: Ledger) -> None:
    """Whoever waits for his turn when the gateway ends leaves no doubt, and nothing in the way of others."""
    first, second, third = Sender(DONE, waits=True), Sender(DONE), Sender(DONE)
    call = await sent(ledger, WIN, first)
    given_up = await waiting(ledger, ROLLBACK, second)
    behind = await waiting(ledger, action("CloseTicket"), third)

    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    first.go.set()
    await asyncio.gather(call, behind)

    withdrawn = await row(ledger, ROLLBACK)
    assert (withdrawn.state, withdrawn.free) == (State.NOT_SENT, True)
    assert (second.tries, third.tries) == (0, 1)


# ------------------------------------------------------------------------------------------- tickets that are undone


@pytest.mark.parametrize("end", [refusal(), plain_refusal(), unknown()], ids=["code", "no code", "unknown"])
@pytest.mark.parametrize("opening", ["CreateTicket", "ReserveTicket"])
async def test_a_ticket_that_owes_a_discard_cannot_be_opened(ledger: Ledger, end: Attempt, opening: str) -> None:
    """From then on a take or hold under any request id is OPERATION_REVERSED and not sent, the discard made or not."""
    await perform(ledger, TAKE, end)
    sender = Sender(DONE)

    for _ in range(2):
        with failing(Reason.OPERATION_REVERSED):
            await perform(ledger, action(opening, "another"), sender)
        await perform(ledger, DISCARD, DONE)

    assert sender.tries == 0
    assert (await perform(ledger, action(opening, "elsewhere", "a" * 24), sender)).operation.state is State.SUCCEEDED


async def test_a_take_that_waits_for_one_that_is_refused_is_not_sent(ledger: Ledger, neighbour: Ledger) -> None:
    """The ticket owes its discard by the time the second take's turn comes."""
    for end, taken, held in ((refusal(), "take-1", "hold-1"), (unknown(), "take-2", "hold-2")):
        ticket_id = taken * 4
        first, second = Sender(end, waits=True), Sender(DONE)
        call = await sent(ledger, action("CreateTicket", taken, ticket_id), first)
        hold = action("ReserveTicket", held, ticket_id)
        late = await waiting(neighbour, hold, second)
        first.go.set()
        await call

        with failing(Reason.OPERATION_REVERSED):
            await late
        assert second.tries == 0
        assert await state(ledger, hold) is State.NOT_SENT


async def test_a_take_that_was_never_sent_may_be_made_again(ledger: Ledger) -> None:
    """It owes nothing: the same request id is sent, and so is another one for the same ticket."""
    await perform(ledger, TAKE, never_sent())
    assert (await perform(ledger, TAKE, never_sent())).operation.attempts == 2

    assert (await perform(ledger, action("CreateTicket", "take-2"), DONE)).operation.state is State.SUCCEEDED


@pytest.mark.parametrize("end", [DONE, NOT_FOUND], ids=["200", "102"])
async def test_the_callers_own_discard_is_the_one_that_is_owed(ledger: Ledger, end: Attempt) -> None:
    """It need not wait for the unknown take, and settles it: what was unknown is undone."""
    await perform(ledger, TAKE, unknown())

    await perform(ledger, DISCARD, end)

    debt = await ledger.run(lambda: find_debt("site", TICKET_ID))
    assert debt is not None
    assert (debt.state, debt.next_at) == ("SETTLED", None)
    assert await state(ledger, TAKE) is State.REVERSED
    failure = (await perform(ledger, TAKE, Sender())).failure()
    assert failure is not None
    assert failure.reason is Reason.OPERATION_REVERSED


async def test_a_refused_take_stays_refused_when_it_is_discarded(ledger: Ledger) -> None:
    """Its caller goes on hearing why."""
    await perform(ledger, TAKE, refusal())
    await perform(ledger, DISCARD, DONE)

    answer = await perform(ledger, TAKE, Sender())

    assert answer.operation.state is State.REJECTED
    assert getattr(answer.failure(), "reason", None) is Reason.PLAYER_NOT_FOUND


@pytest.mark.parametrize("end", [refusal(), plain_refusal(), unknown(), never_sent()])
async def test_a_discard_without_success_settles_nothing(ledger: Ledger, end: Attempt) -> None:
    """The ticket owes its discard until one is answered with 200 or 102."""
    await perform(ledger, TAKE, unknown())
    await perform(ledger, DISCARD, end)

    debt = await ledger.run(lambda: find_debt("site", TICKET_ID))
    assert debt is not None
    assert debt.state == "OWED"
    assert await state(ledger, TAKE) is State.UNKNOWN


async def test_a_discard_waits_for_the_take_that_is_on_its_way(ledger: Ledger) -> None:
    """Otherwise it could overtake it, and find nothing to undo."""
    first, second = Sender(unknown(), waits=True), Sender(DONE)
    take = await sent(ledger, TAKE, first)
    discard = await waiting(ledger, DISCARD, second)
    assert second.tries == 0

    first.go.set()
    await asyncio.gather(take, discard)
    assert second.tries == 1
    assert await state(ledger, TAKE) is State.REVERSED


# ---------------------------------------------------------------------------------------------------- dead processes


async def test_only_what_a_dead_gateway_left_is_judged(ledger_url: str, clock: Clock, ledger: Ledger) -> None:
    """What it was sending is unknown, what waited was not sent; the neighbours' live calls are untouched."""
    async with ledger_at(ledger_url, clock) as dead:
        senders = [Sender(DONE, waits=True) for _ in range(3)]
        live, other = action("WinTicket", "live", "a" * 24), action("CloseTicket", "patient", "a" * 24)
        calls = [
            await sent(dead, WIN, senders[0]),
            await sent(ledger, live, senders[1]),
            await waiting(ledger, other, senders[2]),
        ]
        never = await waiting(dead, ROLLBACK, Sender(DONE))
        clock.advance(10)
        await die(dead)

        judged = {operation.request_id: operation for operation in await ledger.take_over()}

        assert {name: (op.state, op.stage, op.free, op.maybe_sent) for name, op in judged.items()} == {
            "WinTicket": (State.UNKNOWN, Stage.MAYBE_SENT, False, True),
            "RollbackTicket": (State.NOT_SENT, Stage.NEVER_SENT, True, False),
        }
        assert judged["WinTicket"].next_at == (judged["WinTicket"].sent or 0) + 35
        assert await state(ledger, live) is State.SENDING
        assert await state(ledger, other) is State.RECEIVED
        for sender in senders:
            sender.go.set()
        ends = await asyncio.gather(*calls)
        assert [end.operation.state for end in ends] == [State.UNKNOWN, State.SUCCEEDED, State.SUCCEEDED]
        with failing(Reason.CONFLICT):
            await never


@pytest.mark.parametrize("looks", ["by id", "by ticket", "the same id", "as a duty"])
async def test_whoever_looks_next_judges_what_is_abandoned(
    ledger_url: str, clock: Clock, ledger: Ledger, looks: str
) -> None:
    """Nobody has to wait for the worker's next round."""
    async with ledger_at(ledger_url, clock) as dead:
        sender = Sender(DONE, waits=True)
        call = await sent(dead, WIN, sender)
        await die(dead)

        if looks == "by id":
            await ledger.find("site", "WinTicket")
        elif looks == "by ticket":
            with failing(Reason.CONFLICT):
                await perform(ledger, ROLLBACK, DONE)
        elif looks == "the same id":
            failure = (await perform(ledger, WIN, Sender())).failure()
            assert failure is not None
            assert failure.reason is Reason.OUTCOME_UNKNOWN
        else:
            await ledger.take_over()

        [operation] = await ledger.listed("site", [State.UNKNOWN], 0, None, 10)
        assert operation.request_id == "WinTicket"
        sender.go.set()
        await call


async def test_a_take_of_a_dead_gateway_owes_its_discard(ledger_url: str, clock: Clock, ledger: Ledger) -> None:
    """The discard is due once no call can still be waiting; until then already nobody opens the ticket."""
    async with ledger_at(ledger_url, clock) as dead:
        sender, late = Sender(DONE, waits=True), Sender(DONE)
        call = await sent(dead, TAKE, sender)
        await die(dead)

        with failing(Reason.OPERATION_REVERSED):
            await perform(ledger, action("CreateTicket", "take-2"), late)

        debt = await ledger.run(lambda: find_debt("site", TICKET_ID))
        assert debt is not None
        assert (debt.state, debt.next_at, debt.request_id) == ("OWED", clock() + 35, "take-1")
        assert await state(ledger, TAKE) is State.UNKNOWN
        sender.go.set()
        await call
        assert late.tries == 0


async def test_an_answer_that_comes_after_ones_death_certificate_is_not_written(
    ledger_url: str, clock: Clock, ledger: Ledger
) -> None:
    """Whoever was taken for dead answers what the row says now."""
    async with ledger_at(ledger_url, clock) as late:
        sender = Sender(DONE, waits=True)
        call = await sent(late, WIN, sender)
        await die(late)
        await ledger.take_over()
        sender.go.set()

        failure = (await call).failure()

        assert failure is not None
        assert failure.reason is Reason.OUTCOME_UNKNOWN
        assert await state(ledger, WIN) is State.UNKNOWN
