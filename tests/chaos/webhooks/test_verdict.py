"""Would the checks of a run of webhooks notice? One planted untruth each; without it, everything agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace

import pytest

from tests.chaos.verdict import Verdict
from tests.chaos.webhooks.door import Connection
from tests.chaos.webhooks.prescribed import Deed, Life
from tests.chaos.webhooks.subscriber import ASKS, BEGINS, FAILS, KEEPS, SEES, Note
from tests.chaos.webhooks.verdict import Evidence, judged
from tests.chaos.webhooks.wallet_process import GONE, Call

PLAYER = "1"
PRICE = 200
PAYOUT = 500
FIRST, SECOND = "10.0.0.1:1", "10.0.0.1:2"
"""Who calls the operator."""


def won_again() -> list[Deed]:
    """Return the deeds of a ticket that was won, rolled back, won again and closed."""
    return [
        Deed("ticket_create", 0, -PRICE),
        Deed("ticket_win", 0, PAYOUT),
        Deed("ticket_rollback", 1, -PAYOUT),
        Deed("ticket_win", 1, PAYOUT),
        Deed("ticket_closed", 1, 0),
    ]


def called(action: str, ticket_id: str, begun: float, **changes: object) -> Call:
    """Return a call that took a second, of a caller that would have waited for three."""
    call = Call(f"site/{action}/{ticket_id}/0", ticket_id, 1, FIRST, begun, begun + 3, begun + 1, "OK")
    return replace(call, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class World:
    """A ticket that was won, one that nobody could pay for, and one that the platform gave up; two subscribers heard."""

    lives: dict[str, Life] = field(
        default_factory=lambda: {
            "won": Life(PLAYER, won_again(), {("resulted", "won")}),
            "unpaid": Life(PLAYER, [Deed("ticket_reserve", 0, -PRICE), Deed("ticket_discard", 0, PRICE)]),
        }
    )
    done: dict[str, list[Deed]] = field(
        default_factory=lambda: {
            "won": won_again(),
            "unpaid": [
                Deed("ticket_reserve", 0, -PRICE),
                Deed("ticket_create", 0, 0),
                Deed("ticket_discard", 0, PRICE),
            ],
            "given up": [Deed("ticket_create", 0, -PRICE), Deed("ticket_discard", 0, PRICE)],
        }
    )
    log: list[Note] = field(
        default_factory=lambda: [
            ["c0", "ticket_reserve", "unpaid"],
            ["c1", "ticket_discard", "unpaid"],
            ["c2", "ticket_discard", "given up"],
            *([f"c{number}", deed.action, "won"] for number, deed in enumerate(won_again(), 3)),
            ["c8", "ticket_status", "won", "resulted", "won"],
            ["c9", "ticket_status", "won", "resulted", "won"],
        ]
    )
    own: list[Note] = field(default_factory=list)
    named: list[Note] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    connections: list[Connection] = field(
        default_factory=lambda: [Connection(FIRST, 0), Connection(SECOND, 0, 50), Connection(SECOND, 50)]
    )
    states: dict[str, str] = field(
        default_factory=lambda: {"site/ticket_create/given up/0": "LOST", "site/ticket_win/won/0": "DONE"}
    )
    waiting: list[str] = field(default_factory=list)
    balance: int = 10_000 - PRICE + PAYOUT
    total: int = 0

    def sees(self, *places: int) -> list[Note]:
        """Return what is noted of some events."""
        return [[SEES, *self.log[place]] for place in places]

    def verdict(self) -> Verdict:
        """Judge it."""
        evidence = Evidence(
            lives=self.lives,
            given_up=["given up"],
            prescribed={PLAYER: 10_000 - PRICE + PAYOUT},
            done=self.done,
            balances={PLAYER: self.balance},
            total=self.total,
            calls=self.calls,
            connections=self.connections,
            states=self.states,
            waiting=self.waiting,
            log=self.log,
            notes={"own": self.own, "named": self.named},
        )
        return judged(evidence)


@pytest.fixture
def world() -> World:
    """Return a world in which everything agrees, though much was tried twice."""
    made = World()
    made.own += [[BEGINS, "-"], *made.sees(0, 1), [KEEPS, "c1"], *made.sees(2, 3), [FAILS, "UNAVAILABLE"]]
    made.own += [[BEGINS, "c1"], *made.sees(*range(2, 10)), [KEEPS, "c9"], [BEGINS, "c9"]]
    made.named += [[BEGINS, "-"], *made.sees(0, 1), [ASKS, "c1"], [BEGINS, "-"], *made.sees(0), [BEGINS, "-"]]
    made.named += [*made.sees(*range(2, 10)), [ASKS, "c9"], [KEEPS, "c9"]]
    made.calls += [
        # Refused, and asked for again.
        called("ticket_create", "won", 1, code="FAILED_PRECONDITION"),
        called("ticket_create", "won", 3),
        # The answer came too late, the caller died, the operator died, the answer was none.
        called("ticket_win", "won", 10, ended=12.9),
        called("ticket_win", "won", 14, peer=SECOND),
        called("ticket_win", "won", 60, ended=None, code=None),
        called("ticket_win", "won", 61, process=2, code="UNAVAILABLE"),
        called("ticket_win", "won", 63, process=2, code=GONE),
        called("ticket_win", "won", 63.5, process=2),
        called("ticket_reserve", "unpaid", 70),
        called("ticket_discard", "unpaid", 80),
    ]
    return made


def test_agreement(world: World) -> None:
    """Nothing is found where nothing is wrong."""
    assert world.verdict() == Verdict((), (), (), (), ())


def _paid_twice(world: World) -> None:
    world.done["won"].insert(4, Deed("ticket_win", 1, PAYOUT))
    world.balance += PAYOUT


def _paid_under_another_key(world: World) -> None:
    world.done["won"].insert(2, Deed("ticket_win", 7, PAYOUT))


def _debited_though_discarded(world: World) -> None:
    world.done["given up"].reverse()


def _taken_twice_and_given_back(world: World) -> None:
    world.done["given up"].insert(0, Deed("ticket_create", 0, -PRICE))


def _not_paid(world: World) -> None:
    del world.done["won"][3]


def _not_given_back(world: World) -> None:
    del world.done["given up"][1]


def _done_to_nobody_s_ticket(world: World) -> None:
    world.done["strange"] = [Deed("ticket_win", 0, PAYOUT)]


def _in_another_order(world: World) -> None:
    deeds = world.done["won"]
    deeds[1], deeds[2] = deeds[2], deeds[1]


def _another_amount(world: World) -> None:
    world.done["won"][1] = Deed("ticket_win", 0, PAYOUT + 1)


def _told_twice(world: World) -> None:
    world.log.append(["c10", "ticket_win", "won"])
    for notes in (world.own, world.named):
        notes.extend(world.sees(10) if notes is world.named else [[BEGINS, "c9"], *world.sees(10)])


def _told_something_else(world: World) -> None:
    world.lives["won"].statuses = {("resulted", "lost")}


def _resumed_too_early(world: World) -> None:
    world.own += [[BEGINS, "c9"], *world.sees(9)]


def _resumed_too_late(world: World) -> None:
    world.named[8:9] = []


def _saw_one_twice(world: World) -> None:
    world.own[2:2] = world.sees(0)


def _saw_something_else(world: World) -> None:
    world.own[1] = [SEES, "c0", "ticket_reserve", "another"]


def _a_stream_failed(world: World) -> None:
    world.own.append([FAILS, "INTERNAL"])


def _the_end_was_not_seen(world: World) -> None:
    world.log.append(["c10", "ticket_status", "won", "resulted", "won"])


def _called_though_answered(world: World) -> None:
    world.calls.append(called("ticket_discard", "unpaid", 90))


def _created_twice(world: World) -> None:
    world.calls.append(called("ticket_reserve", "unpaid", 75, peer=SECOND))
    world.calls[8] = called("ticket_reserve", "unpaid", 70, code=GONE)


def _created_after_the_discard(world: World) -> None:
    world.calls.append(called("ticket_create", "unpaid", 85))


def _two_at_once(world: World) -> None:
    world.calls.append(called("ticket_closed", "won", 63.9, process=2))


@pytest.mark.parametrize(
    ("untruth", "expected"),
    [
        (_paid_twice, {"doubles": 1, "wrong": 1}),
        (_paid_under_another_key, {"doubles": 1}),
        (_debited_though_discarded, {"doubles": 1}),
        (_taken_twice_and_given_back, {"doubles": 1, "wrong": 1}),
        (_not_paid, {"lost": 1}),
        (_not_given_back, {"doubles": 1, "lost": 1, "wrong": 1}),
        (_done_to_nobody_s_ticket, {"doubles": 1, "lost": 1, "wrong": 1}),
        (_in_another_order, {"wrong": 1}),
        (_another_amount, {"wrong": 1}),
        (_told_twice, {"doubles": 1}),
        (_told_something_else, {"lost": 1, "wrong": 2}),
        (_resumed_too_early, {"doubles": 1}),
        (_resumed_too_late, {"lost": 2}),
        (_saw_one_twice, {"doubles": 1}),
        (_saw_something_else, {"lost": 2, "wrong": 1}),
        (_a_stream_failed, {"wrong": 1}),
        (_the_end_was_not_seen, {"lost": 2}),
        (_called_though_answered, {"doubles": 1}),
        (_created_twice, {"doubles": 1}),
        (_created_after_the_discard, {"wrong": 1}),
        (_two_at_once, {"wrong": 1}),
        (lambda world: setattr(world, "balance", world.balance - 1), {"wrong": 1}),
        (lambda world: setattr(world, "total", 1), {"wrong": 1}),
        (lambda world: world.waiting.append("ticket_win of won: 500"), {"lost": 1}),
        (lambda world: world.states.update({"site/ticket_win/won/0": "PENDING"}), {"lost": 1}),
        (lambda world: world.states.update({"site/ticket_win/won/0": "NEEDS_HUMAN"}), {"needs_human": 1, "broken": 1}),
    ],
)
def test_an_untruth_is_noticed(world: World, untruth: Callable[[World], None], expected: Mapping[str, int]) -> None:
    """Each is counted where it belongs."""
    untruth(world)
    verdict = world.verdict()
    found = {each.name: len(getattr(verdict, each.name)) for each in fields(Verdict)}
    assert {name: count for name, count in found.items() if count} == expected, verdict
