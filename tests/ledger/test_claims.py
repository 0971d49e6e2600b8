"""Who sends, and what does a request id answer with ever after?"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from gateway.failure import Reason
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import NewOperation, Operation, State
from gateway.ledger.transactions import Claimed, Ending, Known, Process, claim, decide, end, find_debt
from gateway.wire.attempt import Attempt, Stage
from tests.harness import failing
from tests.ledger.rows import (
    ANSWERED,
    BET_ANSWER,
    DONE,
    Clock,
    Sender,
    action,
    bet,
    die,
    facts,
    never_sent,
    payment,
    perform,
    plain_refusal,
    refusal,
    row,
    state,
    unknown,
)

TAKE: Final = action("CreateTicket", "take-1")
HOLD: Final = action("ReserveTicket", "hold-1")
WIN: Final = action("WinTicket", "win-1")

S = State
Case = tuple[str, NewOperation, Attempt, State, bool, bool]
ENDS: Final[list[Case]] = [
    ("a bet is answered", bet(), ANSWERED, S.SUCCEEDED, False, False),
    ("a bet is refused with a code", bet(), refusal(), S.REJECTED, False, False),
    ("a bet is refused without a code", bet(), plain_refusal(), S.REJECTED, True, False),
    ("a bet is never sent", bet(), never_sent(), S.NOT_SENT, True, False),
    ("a bet may have been sent", bet(), unknown(Stage.MAYBE_SENT), S.UNKNOWN, False, False),
    ("a bet has no answer", bet(), unknown(), S.UNKNOWN, False, False),
    ("a bet has an answer that says nothing", bet(), unknown(Stage.ANSWERED), S.UNKNOWN, False, False),
    ("a payment is refused without a code", payment(), plain_refusal(), S.REJECTED, True, False),
    ("a payment has no answer", payment(), unknown(), S.UNKNOWN, False, False),
    ("an action is done", WIN, DONE, S.SUCCEEDED, False, False),
    ("an action is refused with a code", WIN, refusal(102, Reason.TICKET_NOT_FOUND), S.REJECTED, False, False),
    ("an action is refused without a code", WIN, plain_refusal(), S.REJECTED, True, False),
    ("an action has no answer", WIN, unknown(), S.UNKNOWN, False, False),
    ("a take is done", TAKE, DONE, S.SUCCEEDED, False, False),
    ("a take is never sent", TAKE, never_sent(), S.NOT_SENT, True, False),
    ("a take is refused with a code", TAKE, refusal(), S.REJECTED, False, True),
    ("a take is refused without a code", TAKE, plain_refusal(), S.REJECTED, False, True),
    ("a take has no answer", TAKE, unknown(), S.UNKNOWN, False, True),
    ("a hold is never sent", HOLD, never_sent(), S.NOT_SENT, True, False),
    ("a hold is refused without a code", HOLD, plain_refusal(), S.REJECTED, False, True),
    ("a hold may have been sent", HOLD, unknown(Stage.MAYBE_SENT), S.UNKNOWN, False, True),
]
"""How a try ends: the row's state, whether its id is free again, and whether a discard is owed."""


async def test_how_a_try_ends_decides_what_its_id_answers(ledger: Ledger) -> None:
    """The row keeps state, wire stage and answer; an id that is free is sent again, any other is answered from its row."""
    for number, (name, like, attempt, expected, free, owes) in enumerate(ENDS):
        ticket_id = like.ticket_id and f"{number:024}"
        new = replace(like, request_id=name, ticket_id=ticket_id)
        first = await perform(ledger, new, attempt)

        written = await row(ledger, new)
        assert facts(written) == facts(first.operation), name
        assert not first.is_replay, name
        assert (written.state, written.free, written.stage) == (expected, free, attempt.stage), name
        assert (written.attempts, written.maybe_sent) == (1, attempt.stage is not Stage.NEVER_SENT), name
        debt = await ledger.run(lambda: find_debt("site", ticket_id or ""))  # noqa: B023
        assert (debt is not None) == owes, name
        await assert_answers_for_ever(ledger, new, written, attempt)


async def assert_answers_for_ever(ledger: Ledger, new: NewOperation, written: Operation, attempt: Attempt) -> None:
    """Check what a repeat does and hears."""
    known = await ledger.known(new)
    assert (known is None) == written.free, new.request_id
    assert known is None or (known.is_replay and facts(known.operation) == facts(written)), new.request_id
    sender = Sender(attempt)
    repeat = await perform(ledger, new, sender)
    assert (sender.tries, repeat.is_replay) == (int(written.free), not written.free), new.request_id
    failure = repeat.failure()
    if attempt.failure is None:
        assert failure is None, new.request_id
        assert repeat.operation.response == written.response, new.request_id
    else:
        assert failure is not None, new.request_id
        assert (failure.reason, failure.message) == (attempt.failure.reason, attempt.failure.message), new.request_id


async def test_the_answer_is_kept_byte_for_byte(ledger: Ledger) -> None:
    """A replay is the message that the platform's answer became."""
    await perform(ledger, bet(), ANSWERED)

    assert (await row(ledger, bet())).response == BET_ANSWER.SerializeToString()


async def test_what_is_sent_is_written_before(ledger: Ledger, neighbour: Ledger) -> None:
    """When a call leaves, every process can read that it is being sent, and since when."""
    sender = Sender(waits=True)
    call = asyncio.ensure_future(perform(ledger, bet(), sender))
    await sender.begun.wait()

    seen = await row(neighbour, bet())
    assert (seen.state, seen.stage, seen.attempts, seen.sent) == (State.SENDING, Stage.NEVER_SENT, 1, seen.received)
    assert seen.method == "betstack.ticket.v1.TicketService/CreateTicket"

    sender.go.set()
    await call


async def test_a_token_is_not_kept(ledger: Ledger) -> None:
    """The row has the request without its personal data; that it was another token is known all the same."""
    await perform(ledger, bet(token="secret-token"), ANSWERED)

    written = await row(ledger, bet())
    assert b"secret-token" not in written.request
    assert b"KES" in written.request
    with failing(Reason.REQUEST_ID_REUSED):
        await perform(ledger, bet(token="another-token"), ANSWERED)


def test_a_fingerprint_is_of_what_is_asked_for() -> None:
    """The request id is no part of it; every field and the RPC are."""
    assert bet("one").fingerprint == bet("two").fingerprint
    assert bet().fingerprint != bet(price=2001).fingerprint
    assert action("WinTicket").fingerprint != action("LoseTicket").fingerprint


@pytest.mark.parametrize("attempt", [ANSWERED, refusal(), unknown()], ids=["succeeded", "refused", "unknown"])
async def test_another_payload_under_a_known_id_is_refused(ledger: Ledger, attempt: Attempt) -> None:
    """One request id is one intent, whatever became of it."""
    await perform(ledger, bet(), attempt)
    sender = Sender()

    with failing(Reason.REQUEST_ID_REUSED):
        await perform(ledger, bet(price=1), sender)
    with failing(Reason.REQUEST_ID_REUSED):
        await ledger.known(bet(price=1))
    assert sender.tries == 0


async def test_another_payload_under_an_id_in_flight_is_refused(ledger: Ledger, neighbour: Ledger) -> None:
    """Neither this process nor another one sends it, and neither joins it to the call in flight."""
    sender, other = Sender(waits=True), Sender()
    call = asyncio.ensure_future(perform(ledger, bet(), sender))
    await sender.begun.wait()

    for ledger_ in (ledger, neighbour):
        with failing(Reason.REQUEST_ID_REUSED):
            await perform(ledger_, bet(price=1), other)
    sender.go.set()
    await call
    assert other.tries == 0


async def test_another_payload_under_a_free_id_is_another_try(ledger: Ledger) -> None:
    """What was never sent binds nobody: its id may be used for what is asked for now."""
    await perform(ledger, bet(), never_sent())

    answer = await perform(ledger, bet(price=1), ANSWERED)

    assert answer.operation.state is State.SUCCEEDED
    assert answer.operation.attempts == 2


async def test_operators_do_not_share_request_ids(ledger: Ledger) -> None:
    """Two operators may use the same request id for what they like."""
    other = replace(bet(price=1), operator="acme")
    await perform(ledger, bet(), ANSWERED)

    assert not (await perform(ledger, other, ANSWERED)).is_replay


@pytest.mark.parametrize("attempt", [ANSWERED, refusal(), plain_refusal(), unknown()])
async def test_calls_of_one_id_join_across_processes(ledger: Ledger, neighbour: Ledger, attempt: Attempt) -> None:
    """Ten calls of one request id at two gateways are one try, and all of them end as it ends."""
    sender = Sender(attempt, waits=True)
    calls = [asyncio.ensure_future(perform(ledger_, bet(), sender)) for ledger_ in (ledger, neighbour) * 5]
    await sender.begun.wait()
    await asyncio.wait(calls, timeout=0.05)
    sender.go.set()

    answers = await asyncio.gather(*calls)

    assert sender.tries == 1
    assert sorted(answer.is_replay for answer in answers) == [False] + [True] * 9
    assert all(facts(answer.operation) == facts(answers[0].operation) for answer in answers)
    reasons = {getattr(answer.failure(), "reason", None) for answer in answers}
    assert reasons == {attempt.failure.reason if attempt.failure else None}


async def test_of_two_claims_one_is_first(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """Whoever loses the race for a new row, or for one that is free again, finds the winner's."""
    processes = [Process(await each._database.identity(), 35) for each in (ledger, neighbour)]

    async def race() -> list[type]:
        both = zip((ledger, neighbour), processes, strict=True)
        claims = [each.run(lambda process=process: claim(bet(), process, clock())) for each, process in both]  # type: ignore[misc]
        return sorted((type(found) for found in await asyncio.gather(*claims)), key=str)

    assert await race() == [Claimed, Known]
    sending = await row(ledger, bet())
    ending = Ending(State.NOT_SENT, Stage.NEVER_SENT, free=True)
    await ledger.run(lambda: end(sending, {State.SENDING}, sending.owner, ending, clock()))
    assert await race() == [Claimed, Known]


async def test_an_end_is_written_once(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """Of two ends the first one stays, and whoever comes second answers what the row says."""
    sender = Sender(waits=True)
    call = asyncio.ensure_future(perform(ledger, bet(), sender))
    await sender.begun.wait()
    sending = await row(ledger, bet())
    first, second = Ending(State.UNKNOWN, Stage.MAYBE_SENT, next_at=0), Ending(State.REJECTED, Stage.ANSWERED)

    for ending in (first, second):
        written = await neighbour.run(lambda: end(sending, {State.SENDING}, sending.owner, ending, clock()))  # noqa: B023
        assert written.state is State.UNKNOWN

    sender.go.set()
    answer = await call
    assert answer.operation.state is State.UNKNOWN
    assert getattr(answer.failure(), "reason", None) is Reason.OUTCOME_UNKNOWN


async def test_an_end_is_the_owners(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """No process ends a row that another one is sending."""
    sender = Sender(waits=True)
    call = asyncio.ensure_future(perform(ledger, bet(), sender))
    await sender.begun.wait()
    sending, stranger = await row(ledger, bet()), await neighbour._database.identity()

    ending = Ending(State.REJECTED, Stage.ANSWERED)
    written = await neighbour.run(lambda: end(sending, {State.SENDING}, stranger, ending, clock()))

    assert written.state is State.SENDING
    sender.go.set()
    assert (await call).operation.state is State.SUCCEEDED


@pytest.mark.parametrize("known", [State.SUCCEEDED, State.REJECTED, State.REVERSED, State.NEEDS_HUMAN])
async def test_what_was_decided_is_not_decided_again(ledger: Ledger, clock: Clock, known: State) -> None:
    """The reconciliation moves rows that are UNKNOWN, and no others."""
    unknown_row = (await perform(ledger, bet(), unknown())).operation
    await ledger.decide(unknown_row, Ending(known, Stage.ANSWERED))

    for later in State:
        after = await ledger.run(lambda: decide(unknown_row, Ending(later, Stage.MAYBE_SENT), clock()))  # noqa: B023
        assert after.state is known
    assert await state(ledger, bet()) is known


@pytest.mark.parametrize(
    ("decided", "reason", "execution"),
    [
        (State.REVERSED, Reason.OPERATION_REVERSED, None),
        (State.NEEDS_HUMAN, Reason.OUTCOME_UNKNOWN, None),
        (State.SUCCEEDED, Reason.OUTCOME_UNKNOWN, "EXECUTED"),
    ],
)
async def test_what_was_found_out_is_what_its_id_answers(
    ledger: Ledger, decided: State, reason: Reason, execution: str | None
) -> None:
    """Undone is undone; a success whose answer nobody has is EXECUTED; what waits for a person stays unknown."""
    operation = (await perform(ledger, bet(), unknown())).operation
    await ledger.decide(operation, Ending(decided, Stage.MAYBE_SENT))
    sender = Sender()

    failure = (await perform(ledger, bet(), sender)).failure()

    assert failure is not None
    assert (failure.reason, failure.metadata.get("execution")) == (reason, execution)
    assert sender.tries == 0


async def test_a_waiting_repeat_hears_of_a_death(ledger: Ledger, neighbour: Ledger) -> None:
    """Who joined a call of another process is answered as soon as that process is gone."""
    sender = Sender(waits=True)
    call = asyncio.ensure_future(perform(ledger, bet(), sender))
    await sender.begun.wait()
    joined = asyncio.ensure_future(perform(neighbour, bet(), Sender()))
    await asyncio.wait({joined}, timeout=0.05)
    assert not joined.done()

    await die(ledger)

    async with asyncio.timeout(5):
        failure = (await joined).failure()
    assert failure is not None
    assert failure.reason is Reason.OUTCOME_UNKNOWN
    sender.go.set()
    await call
