"""What becomes of an action whose first try does not end well, and in which order do a ticket's actions go out?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import grpc
import pytest

from gateway.ledger.database import LedgerUnavailable, Transaction
from gateway.webhooks.answers import OK
from gateway.webhooks.facts import Here, due
from tests.webhooks.circle import Circle, Clock, circle, circle_settings, until_rows
from tests.webhooks.deliveries import ACTIONS
from tests.webhooks.services import Behaviour, Held, agreeing, failing, until

CREDITS: Final = [token for token in ACTIONS if token not in ("identify", "ticket_create", "ticket_reserve")]
OPENINGS: Final = ["ticket_create", "ticket_reserve"]
DEFINITE: Final = ["INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "OUT_OF_RANGE"]
AWAY: Final = failing(grpc.StatusCode.UNAVAILABLE)
NO: Final = failing(grpc.StatusCode.FAILED_PRECONDITION, "because")
SOON: Final = {"repeat_s": [0.02], "answer_after_s": 0.1}

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def state(running: Circle, action: str) -> list[str]:
    """Return the states of the rows of an action on the ticket, in order."""
    where = f"action = '{action}' AND ticket_id = '{running.ticket}'"
    rows = await running.rows(f"SELECT state FROM facts WHERE {where} ORDER BY seq")  # noqa: S608
    return [row[0] for row in rows]


async def until_state(running: Circle, action: str, wanted: str) -> None:
    """Wait until the latest row of an action is in a state."""
    where = f"action = '{action}' AND ticket_id = '{running.ticket}'"
    await until_rows(running, f"SELECT state FROM facts WHERE {where} ORDER BY seq DESC LIMIT 1", wanted)  # noqa: S608


def prepared(token: str) -> list[str]:
    """Return what has to come first for a delivery to be in place."""
    return {"ticket_closed": ["ticket_lost"], "ticket_rollback": ["ticket_win"]}.get(token, [])


# ------------------------------------------------------------------------------------------------- tried on until done


@pytest.mark.parametrize("token", CREDITS)
async def test_what_did_not_get_through_is_accepted_and_tried_again(round_trip: Circle, token: str) -> None:
    """200 as soon as the first try ended, then again and again with the same key; repeats are answered 200 meanwhile."""
    codes = ("UNAVAILABLE", "UNKNOWN", "PERMISSION_DENIED")
    behaviours = [failing(grpc.StatusCode[code]) for code in codes]
    round_trip.services.will(ACTIONS[token], *behaviours, agreeing)
    response = await round_trip.send(token)
    assert (response.status_code, response.content) == (200, b"")
    assert (await round_trip.send(token)).status_code == 200
    await until(lambda: len(round_trip.services.calls) == len(codes) + 1)
    await until_state(round_trip, token, "DONE")
    assert (await round_trip.send(token)).status_code == 200
    assert len({call.key for call in round_trip.services.calls}) == 1
    assert len(round_trip.services.calls) == len(codes) + 1


@pytest.mark.parametrize("token", CREDITS)
async def test_a_long_first_try_is_answered_meanwhile(token: str) -> None:
    """After ``answer_after_s`` the answer is 200, while the call is still out; nothing is called twice."""
    async with circle(webhooks={"answer_after_s": 0.1}) as running:
        held = Held()
        running.services.will(ACTIONS[token], held)
        started = time.monotonic()
        assert (await running.send(token)).status_code == 200
        assert 0.1 <= time.monotonic() - started < 2
        assert (await running.send(token)).status_code == 200
        assert await state(running, token) == ["TRYING"]
        held.open.set()
        await until_state(running, token, "DONE")
        assert len(running.services.calls) == 1


async def test_the_delays_between_tries(ledger_url: str) -> None:
    """0.5 s, 2 s, 5 s, 30 s, 2 min, 10 min, then every 30 min; the last try is at 72 h, and its end is for a human."""
    async with circle() as probe:
        clock = _Still()
        settings = circle_settings(probe.services.target, ledger={"url": ledger_url})
        async with circle(probe.services, settings=settings, clock=clock) as running:
            probe.services.will("WinTicket", AWAY)
            begun = clock()
            assert (await running.send("ticket_win")).status_code == 200
            waited: list[float] = []
            for tries in range(2, 12):
                [(next_at,)] = await running.rows("SELECT next_at FROM facts")
                waited.append(round(next_at - clock(), 3))
                early = Here("another", next_at - 0.001, OK)
                assert await running.gateway.ledger.database.run(partial(due, early, 10)) == []
                clock.now = next_at
                await until_rows(running, "SELECT tries FROM facts", tries)
                assert len(probe.services.calls) == tries
            assert waited == [0.5, 2, 5, 30, 120, 600, 1800, 1800, 1800, 1800]

            clock.now = begun + 72 * 3600 - 100
            await until_rows(running, "SELECT tries FROM facts", 12)
            assert len(probe.services.calls) == 12
            assert await running.rows("SELECT next_at FROM facts") == [(begun + 72 * 3600,)]
            clock.now = begun + 72 * 3600
            await until_state(running, "ticket_win", "NEEDS_HUMAN")
            assert len(probe.services.calls) == 13
            assert running.counts["webhook_needs_human"] == 1


class _Still(Clock):
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.now = float(int(super().__call__()))

    def __call__(self) -> float:
        """Return the time set."""
        return self.now


@pytest.mark.parametrize("code", DEFINITE)
@pytest.mark.parametrize("token", CREDITS)
async def test_a_definite_refusal_of_a_first_try_goes_out(round_trip: Circle, token: str, code: str) -> None:
    """By the table; it is not kept, so it changes nothing for what follows."""
    for each in prepared(token):
        await round_trip.send(each, 1)
    round_trip.services.will(ACTIONS[token], failing(grpc.StatusCode[code]), agreeing)
    response = await round_trip.send(token, 2)
    if (token, code) == ("ticket_discard", "NOT_FOUND"):
        assert (response.status_code, response.content) == (200, b"")
        assert await state(round_trip, token) == ["DONE"]
        return
    assert response.status_code == 400
    assert await state(round_trip, token) == []
    assert (await round_trip.send(token, 3)).status_code == 200
    assert "webhook_needs_human" not in round_trip.counts


@pytest.mark.parametrize("code", ["NOT_FOUND", "ALREADY_EXISTS"])
@pytest.mark.parametrize("tries", [1, 2])
async def test_nothing_to_discard_is_a_discard_that_is_done(round_trip: Circle, code: str, tries: int) -> None:
    """In the first try and in a later one."""
    round_trip.services.will("DiscardTicket", *[AWAY] * (tries - 1), failing(grpc.StatusCode[code]))
    assert (await round_trip.send("ticket_discard")).status_code == 200
    await until_state(round_trip, "ticket_discard", "DONE")
    assert len(round_trip.services.calls) == tries
    assert "webhook_needs_human" not in round_trip.counts


# --------------------------------------------------------------------------------------------- when it needs a human


async def _after_the_answer(running: Circle) -> Behaviour:
    held = Held(NO)
    running.services.will("WinTicket", held)
    assert (await running.send("ticket_win", 1)).status_code == 200
    held.open.set()
    return held


async def _in_a_later_try(running: Circle) -> Behaviour:
    running.services.will("WinTicket", AWAY, AWAY, NO)
    assert (await running.send("ticket_win", 1)).status_code == 200
    return NO


async def _when_time_is_up(running: Circle) -> Behaviour:
    running.services.will("WinTicket", AWAY)
    assert (await running.send("ticket_win", 1)).status_code == 200
    running.clock.advance(72 * 3600)
    return AWAY


@pytest.mark.parametrize("ends", [_after_the_answer, _in_a_later_try, _when_time_is_up])
async def test_what_cannot_be_done_any_more_needs_a_human(ends: Callable[[Circle], Any]) -> None:
    """With an alert; the platform has its 200 and keeps it, and the ticket's next action passes."""
    async with circle(webhooks=SOON) as running:
        first = running.made("ticket_win", 1)
        await ends(running)
        await until_state(running, "ticket_win", "NEEDS_HUMAN")
        assert running.counts["webhook_needs_human"] == 1
        calls = len(running.services.calls)
        stamped_now = int(running.clock()) - running.base
        if stamped_now < 300:
            assert (await running.post(first)).status_code == 200
        assert (await running.send("ticket_win", stamped_now + 1)).status_code == 200
        assert len(running.services.calls) == calls

        assert (await running.send("ticket_rollback", stamped_now + 2)).status_code == 200
        await until(lambda: running.services.rpcs[-1] == "RollbackTicket")
        await until_state(running, "ticket_rollback", "DONE")
        assert len(running.services.calls) == calls + 1


# -------------------------------------------------------------------------------------------------- one at a time


async def test_actions_on_a_ticket_go_out_in_order() -> None:
    """While the first is tried again and again the others wait, each answered 200; then they follow in their order."""
    async with circle(webhooks=SOON) as running:
        running.services.will("WinTicket", *[AWAY] * 4, agreeing)
        running.services.will("RollbackTicket", *[AWAY] * 2, agreeing)
        life = ["ticket_win", "ticket_rollback", "ticket_lost", "ticket_closed"]
        for at, token in enumerate(life):
            assert (await running.send(token, at)).status_code == 200
        await until_state(running, "ticket_closed", "DONE")
        expected = [["WinTicket"] * 5, ["RollbackTicket"] * 3, ["LoseTicket"], ["CloseTicket"]]
        assert running.services.rpcs == [rpc for rpcs in expected for rpc in rpcs]
        assert set(running.services.most_out.values()) == {1}


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize("ending", [agreeing, NO, AWAY], ids=["done", "refused", "lost"])
async def test_a_discard_waits_for_its_create(opening: str, ending: Behaviour) -> None:
    """It overtakes nothing: the create's try ends first, however it does."""
    async with circle(webhooks={"answer_after_s": 0.05}) as running:
        held = Held(ending)
        running.services.will(ACTIONS[opening], held)
        create = asyncio.create_task(running.send(opening, 1))
        await held.asked.wait()
        assert (await running.send("ticket_discard", 2)).status_code == 200
        assert running.services.rpcs == [ACTIONS[opening]]
        held.open.set()
        assert (await create).status_code == {agreeing: 200, NO: 400, AWAY: 500}[ending]
        await until(lambda: running.services.rpcs == [ACTIONS[opening], "DiscardTicket"])
        await until_state(running, "ticket_discard", "DONE")
        assert set(running.services.most_out.values()) == {1}


async def test_tickets_do_not_wait_for_each_other() -> None:
    """One that hangs holds up nothing but itself."""
    async with circle(webhooks=SOON) as running:
        held = Held()
        running.services.will("WinTicket", held, agreeing)
        assert (await running.send("ticket_win", ticket_id="slow")).status_code == 200
        for number in range(5):
            assert (await running.send("ticket_win", ticket_id=f"quick{number}")).status_code == 200
        assert [call.request.ticket_id for call in running.services.calls] == ["slow", *(f"quick{n}" for n in range(5))]
        held.open.set()


async def test_many_tickets_that_wait_do_not_keep_others_from_their_turn() -> None:
    """More than are looked at together, their first action to be tried in an hour, each with a second one behind it."""
    async with circle(webhooks={"repeat_s": [0.01, 3600], "answer_after_s": 0.05, "patience_s": 1}) as running:
        running.services.will("WinTicket", AWAY)
        tickets = [f"waits{number}" for number in range(70)]
        for token, at in (("ticket_win", 1), ("ticket_closed", 2)):
            answers = await asyncio.gather(*(running.send(token, at, ticket_id=ticket) for ticket in tickets))
            assert {answer.status_code for answer in answers} == {200}
        # Tries and not calls: on a busy machine a try may be over before its call arrives.
        tried = "SELECT COUNT(*) FROM facts WHERE action = 'ticket_win' AND tries = 2"
        await until_rows(running, tried, len(tickets))
        await until_rows(running, "SELECT COUNT(*) FROM facts WHERE state = 'TRYING'", 0)

        running.services.will("LoseTicket", AWAY, agreeing)
        assert (await running.send("ticket_lost", ticket_id="late")).status_code == 200
        await until(lambda: len(running.services.of("LoseTicket")) == 2)
        assert running.services.of("CloseTicket") == []


# ------------------------------------------------------------------------------------------ creates without an answer


@pytest.mark.parametrize("opening", OPENINGS)
@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "DEADLINE_EXCEEDED", "ABORTED", "UNIMPLEMENTED"]
)
async def test_an_opening_without_a_definite_answer_is_lost(round_trip: Circle, opening: str, code: str) -> None:
    """500, its repeats too, without a second call; the discard that follows is passed on, whatever came between."""
    round_trip.services.will(ACTIONS[opening], failing(grpc.StatusCode[code], "a secret"), agreeing)
    answers = [await round_trip.send(opening, at) for at in (1, 1, 2)]
    assert {answer.status_code for answer in answers} == {500}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json() == {"code": 0, "message": "the operator's service failed"}
    assert round_trip.counts["webhook_lost"] == 1
    assert (await round_trip.send("ticket_win", 3)).status_code == 200
    assert (await round_trip.send("ticket_discard", 4)).status_code == 200
    assert (await round_trip.send(opening, 5)).status_code == 500
    assert round_trip.services.rpcs == [ACTIONS[opening], "WinTicket", "DiscardTicket"]


async def test_a_silent_create_is_lost_in_time() -> None:
    """The platform's patience counts from the arrival; a repeat waits no longer either, and the discard gets through."""
    async with circle(webhooks={"patience_s": 0.5, "answer_after_s": 0.05, "repeat_s": [0.02]}) as running:
        running.services.will("CreateTicket", Held())
        first, again = await asyncio.gather(running.send("ticket_create", 1), running.send("ticket_create", 2))
        assert (first.status_code, first.content) == (500, again.content)
        assert (await running.send("ticket_discard", 3)).status_code == 200
        await until(lambda: running.services.rpcs == ["CreateTicket", "DiscardTicket"])


async def test_a_create_behind_something_slow_is_given_back() -> None:
    """What had no turn within the platform's patience was not sent: 500, and the next delivery is judged anew."""
    async with circle(webhooks={"patience_s": 0.5, "answer_after_s": 0.05}) as running:
        held = Held()
        running.services.will("UpdateTicket", held)
        assert (await running.send("ticket_reserve", 1)).status_code == 200
        assert (await running.send("ticket_update", 2)).status_code == 200
        started = time.monotonic()
        response = await running.send("ticket_create", 3)
        assert 0.4 < time.monotonic() - started < 5
        assert (response.status_code, response.json()["code"]) == (500, 0)
        assert running.services.rpcs == ["ReserveTicket", "UpdateTicket"]
        running.services.will("UpdateTicket", agreeing)
        held.open.set()
        await until_state(running, "ticket_update", "DONE")
        assert (await running.send("ticket_create", 4)).status_code == 200


# ----------------------------------------------------------------------------------- when the ledger fails in between


class Ledger:
    """A ledger that cannot write for a while."""

    def __init__(self, running: Circle, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fails = False
        database = running.gateway.ledger.database
        self._run = database.run
        monkeypatch.setattr(database, "run", self.run)

    async def run(self, transaction: Callable[[], Transaction[Any]]) -> Any:
        """Run a transaction, or not."""
        if self.fails:
            raise LedgerUnavailable("the disk is full")
        return await self._run(transaction)


@pytest.mark.parametrize("opening", OPENINGS)
async def test_a_create_whose_end_could_not_be_written_is_lost(
    round_trip: Circle, monkeypatch: pytest.MonkeyPatch, opening: str
) -> None:
    """It was answered 500, so that is what it stays, although the service did it; its ticket does not stand still."""
    ledger = Ledger(round_trip, monkeypatch)
    held = Held()
    round_trip.services.will(ACTIONS[opening], held)
    first = asyncio.create_task(round_trip.send(opening, 1))
    await held.asked.wait()
    ledger.fails = True
    held.open.set()
    assert (await first).status_code == 500
    ledger.fails = False
    await until_state(round_trip, opening, "LOST")
    response = await round_trip.send(opening, 1)
    assert (response.status_code, response.json()["code"]) == (500, 0)
    assert (await round_trip.send("ticket_discard", 2)).status_code == 200
    assert round_trip.services.rpcs == [ACTIONS[opening], "DiscardTicket"]
    monkeypatch.undo()


async def test_a_win_whose_end_could_not_be_written_is_tried_again(
    round_trip: Circle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same key: the service can tell; what follows on the ticket gets its turn."""
    ledger = Ledger(round_trip, monkeypatch)
    held = Held()
    round_trip.services.will("WinTicket", held, agreeing)
    first = asyncio.create_task(round_trip.send("ticket_win", 1))
    await held.asked.wait()
    ledger.fails = True
    held.open.set()
    assert (await first).status_code == 500
    ledger.fails = False
    await until_state(round_trip, "ticket_win", "DONE")
    assert [call.key for call in round_trip.services.calls] == [round_trip.services.calls[0].key] * 2
    assert (await round_trip.send("ticket_win", 1)).status_code == 200
    assert (await round_trip.send("ticket_rollback", 2)).status_code == 200
    assert round_trip.services.rpcs == ["WinTicket", "WinTicket", "RollbackTicket"]
    monkeypatch.undo()
