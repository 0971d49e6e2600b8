"""What does the ledger keep of the webhooks? Its transactions on both databases, as one or two gateways run them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from gateway.ledger import events
from gateway.ledger.database import Query, Transaction
from gateway.ledger.ledger import Ledger
from gateway.webhooks import facts
from gateway.webhooks.answers import OK, Reply, error
from gateway.webhooks.facts import Answered, Begun, Delivery, Here, Joined, Misplaced, Row, State
from gateway.webhooks.ticket import Action
from tests.ledger.rows import Clock, die, ledger_at

T = TypeVar("T")
LOST: Final = error(500, 7, "nobody knows")
DAY: Final = 86_400.0


class Store:
    """The webhooks' part of a ledger, as one gateway has it."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger = ledger
        self._clock = clock

    async def run(self, transaction: Callable[..., Transaction[T]], *arguments: Any) -> T:
        """Run a transaction."""
        return await self.ledger.database.run(partial(transaction, *arguments))

    async def here(self) -> Here:
        """Say who asks, and when."""
        return Here(await self.ledger.database.identity(), self._clock(), LOST)

    async def accept(self, action: Action, stamp: int, ticket: str = "t", *, salt: str = "", data: str = "") -> Any:
        """Judge a delivery."""
        return await self.run(facts.accept, delivery(action, stamp, ticket, salt=salt, data=data), await self.here())

    async def begun(self, action: Action, stamp: int, ticket: str = "t") -> Row:
        """Accept a delivery that is new."""
        admission = await self.accept(action, stamp, ticket)
        assert isinstance(admission, Begun), admission
        return admission.row

    async def done(self, action: Action, stamp: int, ticket: str = "t", state: State = State.DONE) -> Row:
        """Accept a delivery that is new, and carry it out."""
        row = await self.begun(action, stamp, ticket)
        await self.run(facts.finish, row, OK, state, row.request, self._clock())
        return row

    async def due(self, limit: int = 100) -> list[str]:
        """Return the keys of what is due."""
        return [row.key for row in await self.run(facts.due, await self.here(), limit)]

    async def told(self) -> list[str]:
        """Return the kinds of all events, in order."""
        page = await self.run(events.read_events, "site", [], 0, 1000)
        return [event.kind for event in page.events]

    async def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database itself."""

        def transaction() -> Transaction[list[tuple[Any, ...]]]:
            return (yield Query(sql, parameters))

        return await self.run(transaction)

    async def outlives(self, other: Store) -> None:
        """Let another gateway die, and wait until the database knows."""
        identity = await other.ledger.database.identity()
        await die(other.ledger)
        async with asyncio.timeout(10):
            while not await self.rows("SELECT 1 WHERE $gone(?)", identity):
                pass


def delivery(action: Action, stamp: int, ticket: str, *, salt: str = "", data: str = "") -> Delivery:
    """Make a delivery whose signature belongs to it."""
    text = f"{action}{stamp}{ticket}{salt}{data}"
    digest = hashlib.sha256(data.encode()).digest()
    return Delivery("site", ticket, action, stamp, hashlib.sha256(text.encode()).hexdigest(), digest, text.encode())


@pytest.fixture
def clock() -> Clock:
    """Return a clock that stands still."""
    return Clock()


@pytest.fixture
async def store(ledger_url: str, clock: Clock) -> AsyncIterator[Store]:
    """Return the store of a ledger of each kind."""
    async with ledger_at(ledger_url, clock) as ledger:
        yield Store(ledger, clock)


@pytest.fixture
async def neighbour(ledger_url: str, clock: Clock, store: Store) -> AsyncIterator[Store]:
    """Return the same store as another gateway has it."""
    assert store
    async with ledger_at(ledger_url, clock) as ledger:
        yield Store(ledger, clock)


# ------------------------------------------------------------------------------------------------------- acceptance


async def test_a_delivery_is_new_then_joined_then_answered(store: Store) -> None:
    """Its own bytes and the same fact signed anew alike."""
    row = await store.begun(Action.CREATE, 1)
    for stamp in (1, 2):
        joined = await store.accept(Action.CREATE, stamp)
        assert isinstance(joined, Joined)
        assert joined.row.key == row.key == "site/ticket_create/t/0"
    reply = Reply(200, b'{"some":"body"}')
    assert await store.run(facts.finish, row, reply, State.DONE, row.request, 0.0) == reply
    for stamp in (1, 2, 3):
        assert await store.accept(Action.CREATE, stamp) == Answered(reply)


async def test_many_at_once_begin_once(store: Store, neighbour: Store) -> None:
    """At two gateways, each of a fact's deliveries different: one begins it and all the others join."""
    admissions = await asyncio.gather(
        *(each.accept(Action.WIN, 1, salt=str(number)) for number in range(10) for each in (store, neighbour))
    )
    assert sorted(type(admission).__name__ for admission in admissions) == ["Begun"] + ["Joined"] * 19
    assert await store.rows("SELECT COUNT(*) FROM facts") == [(1,)]


async def test_what_is_refused_is_forgotten_with_all_its_deliveries(store: Store) -> None:
    """The same bytes begin anew then, those that joined too."""
    row = await store.begun(Action.WIN, 1)
    await store.accept(Action.WIN, 2)
    assert await store.run(facts.refuse, row)
    assert await store.rows("SELECT * FROM deliveries") == []
    assert isinstance(await store.accept(Action.WIN, 2), Begun)


async def test_the_two_seconds_and_the_refusal_do_not_both_win(store: Store) -> None:
    """What was refused is not answered 200 meanwhile; what was answered 200 is not forgotten any more."""
    row = await store.begun(Action.WIN, 1)
    assert await store.run(facts.refuse, row)
    assert not await store.run(facts.answer_early, row, row.request, 0.0)
    assert await store.told() == []

    row = await store.begun(Action.WIN, 1)
    assert await store.run(facts.answer_early, row, row.request, 0.0)
    assert not await store.run(facts.answer_early, row, row.request, 0.0)
    assert not await store.run(facts.refuse, row)
    assert await store.accept(Action.WIN, 1) == Answered(OK)
    assert await store.told() == ["ticket_win"]


async def test_an_answer_that_was_given_stays(store: Store) -> None:
    """Whatever the end is written to be: the platform has its 200."""
    row = await store.begun(Action.WIN, 1)
    await store.run(facts.fail_again, row, 5.0, row.request, 0.0)
    reply = await store.run(facts.finish, row, error(400, 0, "no"), State.NEEDS_HUMAN, row.request, 0.0)
    assert reply == OK
    assert await store.accept(Action.WIN, 1) == Answered(OK)
    assert await store.told() == ["ticket_win"]


async def test_what_is_misplaced_is_not_remembered(store: Store) -> None:
    """It leaves nothing, so it is judged anew."""
    assert isinstance(await store.accept(Action.CREATE, 1, data="a"), Begun)
    assert isinstance(await store.accept(Action.CREATE, 2, data="b"), Misplaced)
    assert isinstance(await store.accept(Action.CLOSED, 3), Misplaced)
    assert await store.rows("SELECT COUNT(*) FROM deliveries") == [(1,)]


async def test_any_bytes_are_kept(store: Store) -> None:
    """A request is bytes, a key is text that every database takes."""
    made = delivery(Action.REFUND, 1, "t~!", data="\0\x01\ufffd")
    admission = await store.run(facts.accept, made, await store.here())
    assert isinstance(admission, Begun)
    assert admission.row.request == made.request
    assert admission.row.data == made.data


# ----------------------------------------------------------------------------------------- gateways that are no more


async def test_what_a_dead_gateway_began_is_judged(store: Store, neighbour: Store) -> None:
    """A create or reserve is lost and answered so; any other action is accepted, told and due at once, in its place."""
    for action, ticket in ((Action.CREATE, "c"), (Action.RESERVE, "r"), (Action.WIN, "w"), (Action.ROLLBACK, "w")):
        await neighbour.begun(action, 1, ticket)
    early = await neighbour.begun(Action.VOID, 1, "v")
    await neighbour.run(facts.answer_early, early, early.request, 0.0)
    assert await store.due() == []
    await store.outlives(neighbour)

    assert await store.due() == ["site/ticket_win/w/0", "site/ticket_void/v/0"]
    assert await store.accept(Action.CREATE, 1, "c") == Answered(LOST)
    assert await store.accept(Action.RESERVE, 2, "r") == Answered(LOST)
    assert await store.accept(Action.WIN, 1, "w") == Answered(OK)
    assert await store.told() == ["ticket_void", "ticket_win", "ticket_rollback"]
    assert isinstance(await store.accept(Action.DISCARD, 3, "c"), Begun)


async def test_a_delivery_finds_out_by_itself(store: Store, neighbour: Store) -> None:
    """Who delivers next on the ticket need not wait for a round of anything."""
    await neighbour.begun(Action.CREATE, 1)
    waiting = await store.accept(Action.CREATE, 1)
    assert isinstance(waiting, Joined)
    await store.outlives(neighbour)
    now = await store.run(facts.row_of, waiting.row, await store.here())
    assert now is not None
    assert (now.state, now.reply) == (State.LOST, LOST)
    discard = await store.begun(Action.DISCARD, 2)
    assert not await store.run(facts.earlier_open, discard, await store.here())


async def test_a_living_neighbour_is_left_alone(store: Store, neighbour: Store) -> None:
    """Its calls are out: nothing of them is judged, and what follows on the ticket waits."""
    row = await neighbour.begun(Action.WIN, 1)
    second = await store.begun(Action.ROLLBACK, 2)
    assert await store.run(facts.earlier_open, second, await store.here())
    assert await store.due() == []
    kept = await store.run(facts.row_of, row, await store.here())
    assert kept is not None
    assert kept.state is State.TRYING
    await neighbour.run(facts.finish, row, OK, State.DONE, row.request, 0.0)
    assert not await store.run(facts.earlier_open, second, await store.here())


async def test_settling_changes_only_what_is_not_settled(store: Store) -> None:
    """A first try whose end was written after all stays as it is."""
    written = await store.done(Action.CREATE, 1, "written")
    open_create = await store.begun(Action.CREATE, 1, "create")
    open_win = await store.begun(Action.WIN, 1, "win")
    for row in (written, open_create, open_win):
        await store.run(facts.settle, row, await store.here())
    found = await store.rows("SELECT ticket_id, state, status FROM facts ORDER BY seq")
    assert found == [("written", "DONE", 200), ("create", "LOST", 500), ("win", "PENDING", 200)]


# ------------------------------------------------------------------------------------------------------- later tries


async def test_only_the_first_in_line_is_due(store: Store, clock: Clock) -> None:
    """However many wait behind it, and whenever their own time has come."""
    for number in range(5):
        for action in (Action.WIN, Action.ROLLBACK, Action.LOST):
            row = await store.begun(action, {Action.WIN: 1, Action.ROLLBACK: 2, Action.LOST: 3}[action], f"t{number}")
            at = clock() + (100 if action is Action.WIN else -100)
            await store.run(facts.fail_again, row, at, row.request, clock())
    late = await store.begun(Action.WIN, 1, "late")
    await store.run(facts.fail_again, late, clock() - 1, late.request, clock())
    assert await store.due(limit=1) == ["site/ticket_win/late/0"]
    clock.advance(100)
    assert await store.due() == ["site/ticket_win/late/0", *(f"site/ticket_win/t{number}/0" for number in range(5))]
    assert len(await store.due(limit=3)) == 3


async def test_a_try_is_taken_once(store: Store, neighbour: Store, clock: Clock) -> None:
    """Of two gateways that see the same action due, one makes the try."""
    row = await store.begun(Action.WIN, 1)
    await store.run(facts.fail_again, row, clock(), row.request, clock())
    [seen] = await store.run(facts.due, await store.here(), 10)
    taken = await asyncio.gather(*(each.run(facts.lease, seen, clock() + 16) for each in (store, neighbour)))
    assert sorted(one is None for one in taken) == [False, True]
    assert await store.due() == []
    clock.advance(16)
    assert await store.due() == [row.key]


@pytest.mark.parametrize("state", [State.DONE, State.LOST, State.NEEDS_HUMAN])
async def test_the_next_action_passes_when_one_has_ended(store: Store, state: State) -> None:
    """However it ended."""
    await store.done(Action.WIN, 1, state=state)
    rollback = await store.begun(Action.ROLLBACK, 2)
    assert not await store.run(facts.earlier_open, rollback, await store.here())


async def test_what_may_still_be_told_is_told_first(store: Store, neighbour: Store, clock: Clock) -> None:
    """What is accepted while an earlier action's try is out waits to be told, whoever kept it and whatever he died of."""
    create = await store.begun(Action.CREATE, 1)
    update, discard = await store.begun(Action.UPDATE, 2), await neighbour.begun(Action.DISCARD, 3)
    assert await store.run(facts.answer_early, update, update.request, clock())
    await store.run(facts.fail_again, update, clock(), update.request, clock())
    await store.outlives(neighbour)
    assert await store.accept(Action.DISCARD, 3) == Answered(OK)
    assert await store.told() == []
    await store.run(facts.finish, create, OK, State.DONE, create.request, clock())
    for row in (update, discard):
        await store.run(facts.finish, row, OK, State.DONE, row.request, clock())
    assert await store.told() == ["ticket_create", "ticket_update", "ticket_discard"]


# --------------------------------------------------------------------------------------------------------- forgetting


async def test_a_ticket_is_forgotten_as_a_whole(store: Store, clock: Clock) -> None:
    """While something of it is young, open or for a human, all of it is kept: what is new depends on all of it."""
    begun = clock()
    for ticket in ("old", "young", "open", "human"):
        await store.done(Action.CREATE, 1, ticket)
        await store.done(Action.WIN, 2, ticket)
        await store.done(Action.ROLLBACK, 3, ticket)
    await store.begun(Action.LOST, 4, "open")
    await store.done(Action.LOST, 4, "human", State.NEEDS_HUMAN)
    clock.advance(10 * DAY)
    await store.done(Action.WIN, 5, "young")

    await store.run(facts.forget, begun + DAY)
    left = await store.rows("SELECT ticket_id, COUNT(*) FROM facts GROUP BY ticket_id ORDER BY ticket_id")
    assert left == [("human", 4), ("open", 4), ("young", 4)]
    assert await store.rows("SELECT COUNT(*) FROM deliveries") == [(12,)]
    second = await store.begun(Action.ROLLBACK, 6, "young")
    assert second.key == "site/ticket_rollback/young/2"
    assert isinstance(await store.accept(Action.CREATE, 1, "old"), Begun)


async def test_notifications_and_stale_updates_are_forgotten_by_age(store: Store, clock: Clock) -> None:
    """They belong to no row of a ticket."""
    remember = partial(facts.remember_notification, "site", "otp", 1, "s", OK, None)
    await store.run(remember, clock())
    await store.done(Action.UPDATE, 5)
    assert await store.accept(Action.UPDATE, 4, data="older") == Answered(OK)
    assert await store.run(facts.known_notification, "site", 1, "s") == OK
    await store.run(facts.forget, clock() - 1)
    assert await store.rows("SELECT COUNT(*) FROM deliveries") == [(3,)]
    clock.advance(DAY)
    await store.run(facts.forget, clock())
    assert await store.rows("SELECT COUNT(*) FROM deliveries") == [(0,)]


async def test_a_notification_is_remembered_once(store: Store, neighbour: Store, clock: Clock) -> None:
    """Two gateways that passed on the same one keep one answer and tell it once."""
    for number, each in enumerate((store, neighbour)):
        reply = Reply(200, b"%d" % number)
        await each.run(facts.remember_notification, "site", "bet_result", 1, "s", reply, b"", clock())
    assert await store.run(facts.known_notification, "site", 1, "s") == Reply(200, b"0")
    assert await store.run(facts.known_notification, "acme", 1, "s") is None
    assert await store.told() == ["bet_result"]


# -------------------------------------------------------------------------------------------------------------- cost


async def test_looking_for_what_is_due_does_not_read_everything(tmp_path: Path, clock: Clock) -> None:
    """It goes on five times a second: the index of open actions has to be enough, which SQLite can be asked."""
    asked: list[str] = []

    def listening() -> Transaction[None]:
        due = facts.due(Here("another", 0.0, LOST), 10)
        rows: list[tuple[Any, ...]] = []
        try:
            while True:
                query = due.send(rows) if asked else next(due)
                asked.append(query.sql)
                plan = yield Query(f"EXPLAIN QUERY PLAN {query.sql}", query.parameters)
                assert not any("SCAN facts" in str(step) for step in plan), plan
                rows = []
        except StopIteration:
            return

    async with ledger_at(f"sqlite:///{tmp_path}/ledger.db", clock) as ledger:
        await Store(ledger, clock).run(listening)
    assert len(asked) == 2
