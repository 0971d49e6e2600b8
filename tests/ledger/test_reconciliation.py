"""Does unknown become known, and only what is true? With a clock that is moved, round by round."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

import pytest
from google.protobuf.message import Message

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import NewOperation, Operation, State
from gateway.ledger.transactions import lease_operation
from gateway.wire.attempt import Attempt, Stage
from tests.ledger.finding import DAY_S, Answers, Told, a_ticket, listing, rate_limited, unavailable, worker
from tests.ledger.rows import (
    DONE,
    Clock,
    Sender,
    action,
    bet,
    bet_request,
    die,
    never_sent,
    operation_of,
    payment,
    perform,
    plain_refusal,
    refusal,
    row,
    state,
    unknown,
    until,
    until_state,
)

CREATE: Final = "/betstack.ticket.v1.TicketService/CreateTicket"
WIN: Final = action("WinTicket")
PAY: Final = payment()
PAID: Final = Attempt(Stage.ANSWERED, response=ticket.PayTicketResponse(ticket=ticket.Ticket(id="a")))
NOT_RESERVED: Final = refusal(117, Reason.TICKET_NOT_RESERVED)


def correlated_bet(**fields: Any) -> NewOperation:
    """Describe a bet as it is sent where its request id travels as rtag."""
    return replace(bet(**fields), request=bet(rtag="bet-1", **fields).request)


def notes(operation: Operation) -> str:
    """Return everything that was noted about a row."""
    return "; ".join(note.text for note in operation.notes)


# ---------------------------------------------------------------------------------------------- tickets of the platform


@pytest.mark.parametrize("new", [correlated_bet(), PAY, WIN], ids=["bet", "payment", "action"])
async def test_nothing_is_looked_at_while_a_call_may_be_waiting(
    ledger: Ledger, clock: Clock, new: NewOperation
) -> None:
    """The first look is `timeout_s` and a little more after the send."""
    told = Told({"ListTickets": [listing()], "PayTicket": [unknown()], "WinTicket": [unknown()]})
    await perform(ledger, new, unknown())
    find_out = worker(ledger, told, clock)

    clock.advance(34.9)
    assert not await find_out.work()
    assert told.calls == []
    clock.advance(0.2)
    assert await find_out.work()
    assert len(told.calls) == 1


async def test_a_ticket_is_found_by_its_request_id(ledger: Ledger, clock: Clock) -> None:
    """The request id is in its rtag; what was found is the bet's answer from now on, and nothing was sent again."""
    others = [a_ticket(clock, rtag=rtag, id=rtag * 8) for rtag in ("bet", "bet-2")]
    its = a_ticket(clock)
    told = Told({"ListTickets": [listing(others[0], its, others[1])]})
    await perform(ledger, correlated_bet(), unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    answer = await perform(ledger, correlated_bet(), Sender())

    assert answer.is_replay
    assert answer.operation.state is State.SUCCEEDED
    found = ticket.CreateTicketResponse.FromString(answer.operation.response or b"")
    assert found.ticket == its
    [(method, request)] = told.calls
    assert method == "ListTickets"
    assert request == ticket.ListTicketsRequest(operator="site", limit=3)


async def test_a_reservation_is_found_as_one(ledger: Ledger, clock: Clock) -> None:
    """A reserved ticket is the answer of the RPC that reserved it."""
    request = ticket.ReserveTicketRequest()
    request.ParseFromString(bet_request(rtag="bet-1").SerializeToString())
    new = operation_of("/betstack.ticket.v1.TicketService/ReserveTicket", request)
    told = Told({"ListTickets": [listing(a_ticket(clock, status=ticket.TICKET_STATUS_RESERVED))]})
    await perform(ledger, new, unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    found = ticket.ReserveTicketResponse.FromString((await row(ledger, new)).response or b"")
    assert found.ticket.status == ticket.TICKET_STATUS_RESERVED


DISAGREEING: Final[dict[str, dict[str, Any]]] = {
    "price": {"price": 2001},
    "currency": {"currency": "TZS"},
    "type": {"type": ticket.TICKET_TYPE_JACKPOT},
    "no type": {"type": ticket.TICKET_TYPE_UNSPECIFIED},
}


@pytest.mark.parametrize("what", DISAGREEING)
async def test_a_ticket_that_does_not_agree_is_for_a_person(ledger: Ledger, clock: Clock, what: str) -> None:
    """A hit has to have the bet's price, currency and type."""
    told = Told({"ListTickets": [listing(a_ticket(clock, **DISAGREEING[what]))]})
    await perform(ledger, correlated_bet(), unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    found = await row(ledger, bet())
    assert found.state is State.NEEDS_HUMAN
    assert a_ticket(clock).id in notes(found)


async def test_two_tickets_are_for_a_person(ledger: Ledger, clock: Clock) -> None:
    """Whoever paid twice is not told that all is well; both tickets are named."""
    told = Told({"ListTickets": [listing(a_ticket(clock), a_ticket(clock, id="b" * 24))]})
    await perform(ledger, correlated_bet(), unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    found = await row(ledger, bet())
    assert found.state is State.NEEDS_HUMAN
    assert a_ticket(clock).id in notes(found)
    assert "b" * 24 in notes(found)


async def test_absence_takes_two_looks_that_lie_apart(ledger: Ledger, clock: Clock) -> None:
    """What was looked for early does not count; after the second look the id is free, and the bet is sent."""
    told = Told({"ListTickets": [listing()]})
    await perform(ledger, correlated_bet(), unknown())
    find_out = worker(ledger, told, clock)
    looks = []
    for _ in range(24):
        before = len(told.calls)
        await find_out.work()
        looks += [clock() - 1_700_000_000] * (len(told.calls) - before)
        clock.advance(5)
        if (await row(ledger, bet())).state is not State.UNKNOWN:
            break

    assert looks == [35, 60, 90]
    absent = await row(ledger, bet())
    assert (absent.state, absent.free) == (State.REJECTED, True)
    assert "two looks" in notes(absent)
    sender = Sender()
    answer = await perform(ledger, correlated_bet(), sender)
    assert (answer.operation.state, answer.is_replay, sender.tries) == (State.SUCCEEDED, False, 1)


async def test_a_look_that_began_too_early_does_not_count(ledger: Ledger, clock: Clock) -> None:
    """A list that was asked for in time and came late shows what was there when it was asked for."""

    def late() -> Attempt:
        clock.advance(10)
        return listing()

    told = Told({"ListTickets": [late]})
    await perform(ledger, correlated_bet(), unknown())
    clock.advance(59)
    await worker(ledger, told, clock).work()

    assert (await row(ledger, bet())).looks == 0


async def test_a_ticket_that_comes_late_is_still_found(ledger: Ledger, clock: Clock) -> None:
    """Absent at the first look and there at the second is there."""
    told = Told({"ListTickets": [listing(), listing(a_ticket(clock))]})
    await perform(ledger, correlated_bet(), unknown())
    find_out = worker(ledger, told, clock)
    for seconds in (61, 31):
        clock.advance(seconds)
        await find_out.work()

    assert await state(ledger, bet()) is State.SUCCEEDED


LISTS: Final[dict[str, tuple[list[float | None], bool]]] = {
    "nothing": ([], True),
    "fewer than asked for": ([5, 9000], True),
    "falling, and back to before the bet": ([1, 2, 400], True),
    "falling, with two at the same time": ([1, 400, 400], True),
    "falling, and back to within the tolerance": ([1, 2, 350], False),
    "rising": ([400, 2, 1], False),
    "mixed": ([1, 500, 400], False),
    "without a time": ([1, 2, None], False),
}
"""How old the tickets in a list are, in its order, and whether that proves absence. Three are asked for."""


async def test_only_a_complete_list_proves_absence(ledger: Ledger, clock: Clock) -> None:
    """A list that may go on leaves the bet to a person, with that as evidence."""
    for name, (ages, is_complete) in LISTS.items():
        new = operation_of(CREATE, bet_request(name, rtag=name))
        await perform(ledger, new, unknown())
        clock.advance(61)
        old = [a_ticket(clock, age_s=age, rtag="other", id=f"{n:024}") for n, age in enumerate(ages)]
        find_out = worker(ledger, Told({"ListTickets": [listing(*old)]}), clock)
        await find_out.work()
        clock.advance(31)
        await find_out.work()

        found = await row(ledger, name)
        assert found.state is (State.REJECTED if is_complete else State.NEEDS_HUMAN), name
        assert found.free == is_complete, name
        assert is_complete or "may not be complete" in notes(found), name


@pytest.mark.parametrize("lost", [unavailable(), never_sent()])
async def test_a_look_that_sees_nothing_does_not_count(ledger: Ledger, clock: Clock, lost: Attempt) -> None:
    """A list that did not come is asked for again; between two that did, it changes nothing."""
    told = Told({"ListTickets": [listing(), lost, lost, listing()]})
    await perform(ledger, correlated_bet(), unknown())
    find_out = worker(ledger, told, clock)
    seen = []
    for _ in range(4):
        clock.advance(61)
        await find_out.work()
        seen.append(await state(ledger, bet()))

    assert seen == [State.UNKNOWN] * 3 + [State.REJECTED]


async def test_a_list_that_never_comes_is_for_a_person(ledger: Ledger, clock: Clock) -> None:
    """After three days somebody has to look."""
    told = Told({"ListTickets": [unavailable()]})
    await perform(ledger, correlated_bet(), unknown())
    find_out = worker(ledger, told, clock)
    clock.advance(3 * DAY_S - 1)
    await find_out.work()
    assert await state(ledger, bet()) is State.UNKNOWN

    clock.advance(61)
    await find_out.work()
    assert await state(ledger, bet()) is State.NEEDS_HUMAN


@pytest.mark.parametrize(
    ("new", "correlated"),
    [(bet(), True), (bet(rtag="a-friend"), True), (bet(), False)],
    ids=["no rtag", "the caller's own rtag", "no correlation"],
)
async def test_a_bet_that_nothing_correlates_is_for_a_person(
    ledger: Ledger, clock: Clock, new: NewOperation, correlated: bool
) -> None:
    """Without its request id on the ticket nobody can tell it from another; nothing is asked."""
    told = Told()
    await perform(ledger, new, unknown(Stage.MAYBE_SENT))
    clock.advance(36)
    await worker(ledger, told, clock, correlated=correlated).work()

    found = await row(ledger, new)
    assert found.state is State.NEEDS_HUMAN
    assert "MAYBE_SENT" in notes(found)
    assert told.calls == []
    assert getattr((await perform(ledger, new, Sender())).failure(), "reason", None) is Reason.OUTCOME_UNKNOWN


# ---------------------------------------------------------------------------------------------------------- payments


async def test_a_payment_is_repeated(ledger: Ledger, clock: Clock) -> None:
    """The repeat asks for the same ticket, and its answer is the payment's."""
    told = Told({"PayTicket": [PAID]})
    await perform(ledger, PAY, unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    assert [(method, request.identifier) for method, request in told.calls] == [("PayTicket", "AB12CD")]
    paid = await row(ledger, PAY)
    assert (paid.state, paid.attempts) == (State.SUCCEEDED, 2)
    assert paid.response == ticket.PayTicketResponse(ticket=ticket.Ticket(id="a")).SerializeToString()


AFTER_117: Final = {
    ticket.TICKET_STATUS_OPEN: State.SUCCEEDED,
    ticket.TICKET_STATUS_CALCULATING: State.SUCCEEDED,
    ticket.TICKET_STATUS_RESULTED: State.SUCCEEDED,
    ticket.TICKET_STATUS_CLOSED: State.SUCCEEDED,
    ticket.TICKET_STATUS_RESERVED: State.NEEDS_HUMAN,
    ticket.TICKET_STATUS_CANCELLED: State.NEEDS_HUMAN,
    ticket.TICKET_STATUS_NEW: State.NEEDS_HUMAN,
    ticket.TICKET_STATUS_UNSPECIFIED: State.NEEDS_HUMAN,
}


@pytest.mark.parametrize("refused", [NOT_RESERVED, plain_refusal()], ids=["117", "403"])
async def test_a_refused_repeat_of_a_payment_is_answered_by_the_ticket(
    ledger: Ledger, clock: Clock, refused: Attempt
) -> None:
    """`open` or later means that the first try was executed; anything else is for a person, with both answers."""
    for status, expected in AFTER_117.items():
        new = payment(f"pay-{status}")
        read = ticket.GetTicketResponse(ticket=a_ticket(clock, status=status))
        told = Told({"PayTicket": [refused], "GetTicket": [Attempt(Stage.ANSWERED, response=read)]})
        await perform(ledger, new, unknown())
        clock.advance(36)
        await worker(ledger, told, clock).work()

        assert [method for method, _ in told.calls] == ["PayTicket", "GetTicket"]
        found = await row(ledger, new)
        assert found.state is expected
        if expected is State.SUCCEEDED:
            paid = ticket.PayTicketResponse.FromString(found.response or b"")
            assert (paid.ticket.id, paid.ticket.status) == (a_ticket(clock).id, status)
        else:
            assert found.failure is not None
            assert found.failure.reason is Reason.OUTCOME_UNKNOWN
            assert "the platform said no" in notes(found)


async def test_a_payment_whose_ticket_cannot_be_read_stays_unknown(ledger: Ledger, clock: Clock) -> None:
    """A refusal alone decides nothing; both are asked for again."""
    read = ticket.GetTicketResponse(ticket=a_ticket(clock, status=ticket.TICKET_STATUS_OPEN))
    told = Told({"PayTicket": [NOT_RESERVED], "GetTicket": [unavailable(), Attempt(Stage.ANSWERED, response=read)]})
    await perform(ledger, PAY, unknown())
    find_out = worker(ledger, told, clock)
    clock.advance(36)
    await find_out.work()
    assert await state(ledger, PAY) is State.UNKNOWN

    clock.advance(31)
    await find_out.work()
    assert await state(ledger, PAY) is State.SUCCEEDED


# ----------------------------------------------------------------------------------------------------------- actions


def actions() -> dict[str, tuple[NewOperation, Message]]:
    """Return each PAM action that moves a ticket on, with the request that a repeat makes."""
    given: dict[str, Message] = {
        "WinTicket": pam.WinTicketRequest(),
        "LoseTicket": pam.LoseTicketRequest(),
        "CloseTicket": pam.CloseTicketRequest(),
        "RefundTicket": pam.RefundTicketRequest(reason="declined"),
        "RollbackTicket": pam.RollbackTicketRequest(reason="a mistake"),
        "DiscardTicket": pam.DiscardTicketRequest(reason="no money"),
        "VoidTicket": pam.VoidTicketRequest(price=500, stake=444, ext=12.5, net_payout=2602),
        "UpdateTicket": pam.UpdateTicketRequest(player_id="1660986605374148608", price=500, psp="brite"),
    }
    made: dict[str, tuple[NewOperation, Message]] = {}
    for number, (method, request) in enumerate(given.items()):
        any_request: Any = request
        any_request.request_id, any_request.ticket_id, any_request.operator = method, f"{number:024}", "site"
        made[method] = (operation_of(f"/betstack.pam.v1.PamService/{method}", request), request)
    return made


async def test_every_action_is_repeated_as_it_was(ledger: Ledger, clock: Clock) -> None:
    """The repeat has the same fields, all of them, and its success is the action's."""
    told, made = Told(), actions()
    for method, (new, _) in made.items():
        told.says(method, DONE)
        await perform(ledger, new, unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    assert sorted(told.calls, key=lambda call: call[0]) == sorted(
        ((method, request) for method, (_, request) in made.items()), key=lambda call: call[0]
    )
    for new, _ in made.values():
        found = await row(ledger, new)
        assert (found.state, found.attempts) == (State.SUCCEEDED, 2)


@pytest.mark.parametrize("end", [unknown(), never_sent(), rate_limited()], ids=["unknown", "never sent", "429"])
async def test_an_action_is_repeated_at_growing_distances_and_then_given_up(
    ledger: Ledger, clock: Clock, end: Attempt
) -> None:
    """5 s after it is safe to, then after 30 s, 2 min, and so on, for three days; then it is for a person."""
    told = Told({"WinTicket": [end]})
    await perform(ledger, WIN, unknown())
    find_out = worker(ledger, told, clock, give_up_s=1000)
    times = []
    for _ in range(240):
        if await find_out.work():
            times.append(clock() - 1_700_000_000)
        clock.advance(5)

    assert times == [35, 65, *range(185, 1100, 120)]
    given_up = await row(ledger, WIN)
    assert given_up.state is State.NEEDS_HUMAN
    assert "no definite answer" in notes(given_up)
    assert given_up.attempts == (1 if end.stage is Stage.NEVER_SENT else len(times))


@pytest.mark.parametrize("refused", [refusal(116, Reason.PLATFORM_CODE_UNMAPPED), plain_refusal(), refusal()])
async def test_a_refused_repeat_of_an_action_is_for_a_person(ledger: Ledger, clock: Clock, refused: Attempt) -> None:
    """A refusal after a try that may have been executed proves nothing; both answers are kept, and no third is asked."""
    told = Told({"WinTicket": [refused]})
    await perform(ledger, WIN, unknown())
    find_out = worker(ledger, told, clock)
    clock.advance(36)
    await find_out.work()
    clock.advance(10 * DAY_S)
    await find_out.work()

    found = await row(ledger, WIN)
    assert found.state is State.NEEDS_HUMAN
    assert found.failure is not None
    assert (found.failure.reason, found.failure.message) == (
        Reason.OUTCOME_UNKNOWN,
        "the outcome is unknown: nothing came",
    )
    assert "the platform said no" in notes(found)
    assert len(told.calls) == 1


async def test_a_repeated_discard_that_finds_nothing_is_done(ledger: Ledger, clock: Clock) -> None:
    """Code 102 says that there is nothing to undo, which is what was wanted."""
    new, _ = actions()["DiscardTicket"]
    told = Told({"DiscardTicket": [refusal(102, Reason.TICKET_NOT_FOUND)]})
    await perform(ledger, new, unknown())
    clock.advance(36)
    await worker(ledger, told, clock).work()

    assert await state(ledger, new) is State.SUCCEEDED


# ------------------------------------------------------------------------------------------------- several gateways


@pytest.mark.parametrize("new", [WIN, PAY, correlated_bet()], ids=["action", "payment", "bet"])
async def test_one_of_several_gateways_finds_out(
    ledger: Ledger, neighbour: Ledger, clock: Clock, new: NewOperation
) -> None:
    """Two workers that see the same row at the same time make one call."""
    told = Told({"WinTicket": [DONE], "PayTicket": [PAID], "ListTickets": [listing()]})
    await perform(ledger, new, unknown())
    clock.advance(36)

    worked = await asyncio.gather(*(worker(each, told, clock).work() for each in (ledger, neighbour)))

    assert len(told.calls) == 1
    assert sorted(worked) == [False, True]


async def test_what_a_gateway_left_unfinished_another_one_takes_up(
    ledger: Ledger, neighbour: Ledger, clock: Clock
) -> None:
    """Whoever ends in the middle of a repeat keeps the row for as long as it may have taken, and no longer."""
    await perform(ledger, WIN, unknown())
    clock.advance(36)
    told = Told({"WinTicket": [DONE]}, waits=True)
    ended = asyncio.ensure_future(worker(ledger, told, clock).work())
    await until(lambda: bool(told.calls))
    ended.cancel()
    await asyncio.gather(ended, return_exceptions=True)

    other = Told({"WinTicket": [DONE]})
    find_out = worker(neighbour, other, clock)
    clock.advance(69)
    assert not await find_out.work()
    clock.advance(1)
    assert await find_out.work()
    assert await state(ledger, WIN) is State.SUCCEEDED


async def test_a_row_is_not_taken_from_who_is_at_it(ledger: Ledger, neighbour: Ledger, clock: Clock) -> None:
    """Not by a worker, and not by a later action that wants to know at once."""
    operation = (await perform(ledger, WIN, unknown())).operation
    clock.advance(36)
    leased = await ledger.run(lambda: lease_operation(operation, clock(), clock() + 70))
    assert leased is not None
    told = Told({"WinTicket": [DONE]})
    find_out = worker(neighbour, told, clock)

    await find_out.repeat(leased)
    await find_out.repeat(operation)
    await find_out.work()

    assert told.calls == []


# ------------------------------------------------------------------------------------------- behind an unknown action


async def test_many_actions_behind_an_unknown_one_repeat_it_one_at_a_time(
    ledger: Ledger, neighbour: Ledger, clock: Clock
) -> None:
    """However many wait at two gateways, never are two repeats on their way; then all go out, in order."""
    told = Told({"WinTicket": [unknown(), unknown(), DONE]})
    await perform(ledger, WIN, unknown())
    workers = {each: worker(each, told, clock) for each in (ledger, neighbour)}
    senders = [Sender(DONE) for _ in range(6)]
    calls = [
        perform(each, action("RollbackTicket", f"rollback-{n}"), senders[n], workers[each].repeat)
        for n, each in enumerate((ledger, neighbour) * 3)
    ]

    ends = await asyncio.gather(*calls, workers[ledger].work(), return_exceptions=True)

    refused = [end for end in ends if isinstance(end, BaseException)]
    assert [getattr(end, "reason", None) for end in refused] == [Reason.CONFLICT] * len(refused)
    assert told.most == 1
    assert told.methods == ["WinTicket"] * len(told.calls)
    assert await state(ledger, WIN) is State.SUCCEEDED
    assert sum(sender.tries for sender in senders) == 6 - len(refused)


async def test_behind_a_silent_gateways_action_nothing_is_repeated_yet(
    ledger: Ledger, neighbour: Ledger, clock: Clock
) -> None:
    """Its call may still be on its way: a repeat that overtook it could be followed by it. It is CONFLICT until then."""
    sender, late = Sender(DONE, waits=True), Sender(DONE)
    call = asyncio.ensure_future(perform(neighbour, WIN, sender))
    await sender.begun.wait()
    await die(neighbour)
    told = Told({"WinTicket": [DONE]})
    find_out = worker(ledger, told, clock)
    rollback = action("RollbackTicket", reason="a mistake")

    clock.advance(34)
    with pytest.raises(Exception, match="no known outcome"):
        await perform(ledger, rollback, late, find_out.repeat)
    assert (told.calls, late.tries) == ([], 0)

    clock.advance(2)
    await perform(ledger, rollback, late, find_out.repeat)
    assert (told.methods, late.tries) == (["WinTicket"], 1)
    sender.go.set()
    await call


# -------------------------------------------------------------------------------------------------------- the worker


async def test_rows_are_found_out_beside_each_other(ledger: Ledger, clock: Clock) -> None:
    """One row that makes trouble does not keep the others waiting."""

    def broken() -> Attempt:
        raise ZeroDivisionError

    answers: dict[str, list[Answers]] = {"PayTicket": [broken], "WinTicket": [DONE]}
    told = Told(answers)
    await perform(ledger, PAY, unknown())
    await perform(ledger, WIN, unknown())
    clock.advance(36)

    with pytest.raises(ZeroDivisionError):
        await worker(ledger, told, clock).work()

    await until_state(ledger, WIN, State.SUCCEEDED)
    assert await state(ledger, PAY) is State.UNKNOWN


async def test_the_worker_goes_on_whatever_happens(
    ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger that does not answer, or a mistake of ours, costs one round."""
    told = Told({"WinTicket": [DONE]})
    await perform(ledger, WIN, unknown())
    clock.advance(36)
    find_out = worker(ledger, told, clock, poll_s=0.001)
    work, troubles = find_out.work, [LedgerUnavailable("away"), ZeroDivisionError()]

    async def troubled() -> bool:
        if troubles:
            raise troubles.pop(0)
        return await work()

    monkeypatch.setattr(find_out, "work", troubled)
    running = asyncio.ensure_future(find_out.run())
    await until_state(ledger, WIN, State.SUCCEEDED)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert troubles == []


async def test_the_worker_removes_what_is_old(ledger: Ledger, clock: Clock) -> None:
    """Known outcomes are kept as long as the settings say."""
    await perform(ledger, bet(), refusal())
    find_out = worker(ledger, Told(), clock)
    clock.advance(120 * DAY_S)
    await find_out.work()
    assert await ledger.find("site", "bet-1") is not None

    clock.advance(1)
    await find_out.work()
    assert await ledger.find("site", "bet-1") is None
