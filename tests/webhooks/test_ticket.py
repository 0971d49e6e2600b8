"""What is a delivery on a ticket: new, a repeat, stale or out of place? The rules as a table, without any I/O."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.webhooks.ticket import (
    OPENINGS,
    RESULTS,
    TRANSITIONS,
    Action,
    Fact,
    New,
    OutOfPlace,
    Repeat,
    Stage,
    Stale,
    Verdict,
    judge,
    key_of,
    stage_after,
)

C, R, U, W, L, V = Action.CREATE, Action.RESERVE, Action.UPDATE, Action.WIN, Action.LOST, Action.VOID
F, Z, D, B = Action.REFUND, Action.CLOSED, Action.DISCARD, Action.ROLLBACK

Step = tuple[Action, int] | tuple[Action, int, str]
REFUSED: Final = "refused"


def _told(step: Step) -> tuple[Action, int, bytes]:
    action, stamp, data = step if len(step) == 3 else (*step, "")
    return action, stamp, data.encode()


def _fact(accepted: list[Fact], step: Step, *, is_lost: bool = False) -> Fact:
    """Accept a step, which has to be new."""
    action, stamp, data = _told(step)
    verdict = judge(accepted, action, stamp, data)
    assert isinstance(verdict, New), (accepted, step, verdict)
    key = key_of("site", "t", action, verdict.epoch)
    assert key not in [fact.key for fact in accepted]
    return Fact(action, stamp, verdict.epoch, data, key, is_lost=is_lost)


def _history(steps: tuple[Step, ...]) -> list[Fact]:
    accepted: list[Fact] = []
    for step in steps:
        accepted.append(_fact(accepted, step))
    return accepted


def _verdict(accepted: list[Fact], verdict: Verdict) -> object:
    """Spell a verdict: the epoch of a new one, the index of what is repeated."""
    match verdict:
        case New(epoch):
            return epoch
        case Repeat(fact):
            return f"repeats {accepted.index(fact)}"
        case Stale():
            return "stale"
        case OutOfPlace():
            return REFUSED


TABLE: Final[list[tuple[str, tuple[Step, ...], Step, object]]] = [
    # ---------------------------------------------------------------- once in a ticket's life; rollbacks do not count
    ("a create is new", (), (C, 10), 0),
    ("a create comes again", ((C, 10),), (C, 20), "repeats 0"),
    ("a create comes again stamped earlier", ((C, 10),), (C, 5), "repeats 0"),
    ("a create comes again with other data", ((C, 10, "a"),), (C, 10, "b"), REFUSED),
    ("a reserve comes again", ((R, 10),), (R, 20), "repeats 0"),
    ("a reserve comes again with other data", ((R, 10, "a"),), (R, 11, "b"), REFUSED),
    ("a create follows a reserve", ((R, 10),), (C, 20), 0),
    ("a create follows a reserve with other data", ((R, 10, "a"),), (C, 20, "b"), 0),
    ("a reserve does not follow a create", ((C, 10),), (R, 20), REFUSED),
    ("a create comes again after everything", ((C, 10), (W, 20), (B, 30), (L, 40), (Z, 50)), (C, 60), "repeats 0"),
    ("... with other data", ((C, 10, "a"), (W, 20), (Z, 50)), (C, 60, "b"), REFUSED),
    ("a discard is new", ((C, 10),), (D, 20), 0),
    ("a discard comes again", ((C, 10), (D, 20)), (D, 30), "repeats 1"),
    ("a discard comes again with another reason", ((C, 10), (D, 20, "a")), (D, 30, "b"), "repeats 1"),
    ("a refund is new", ((C, 10),), (F, 20), 0),
    ("a refund comes again", ((C, 10), (F, 20)), (F, 30), "repeats 1"),
    ("a refund after a rollback is the first one", ((C, 10), (W, 20), (B, 30)), (F, 40), 0),
    ("a refund of a result", ((C, 10), (L, 20)), (F, 30), 0),
    # --------------------------------------------------------------------------------------------- once in each epoch
    ("a win is new", ((C, 10),), (W, 20), 0),
    ("a win comes again", ((C, 10), (W, 20)), (W, 30), "repeats 1"),
    ("a win comes again after the close", ((C, 10), (W, 20), (Z, 30)), (W, 40), "repeats 1"),
    ("a close comes again", ((C, 10), (W, 20), (Z, 30)), (Z, 40), "repeats 2"),
    ("a rollback is new", ((C, 10), (W, 20)), (B, 30), 1),
    ("a second win", ((C, 10), (W, 20), (B, 30)), (W, 40), 1),
    ("a second result of another kind", ((C, 10), (W, 20), (B, 30)), (L, 40), 1),
    ("a third result", ((C, 10), (W, 20), (B, 30), (W, 40), (B, 50)), (V, 60), 2),
    ("the second win comes again", ((C, 10), (W, 20), (B, 30), (W, 40)), (W, 50), "repeats 3"),
    ("a late repeat stamped before the rollback", ((C, 10), (W, 20), (B, 30)), (W, 29), "repeats 1"),
    ("... after the second win too", ((C, 10), (W, 20), (B, 30), (W, 40)), (W, 29), "repeats 1"),
    ("... of the first of two times", ((C, 10), (W, 20), (B, 30), (L, 40), (B, 50), (W, 60)), (W, 25), "repeats 1"),
    ("... of the second of two times", ((C, 10), (W, 20), (B, 30), (L, 40), (B, 50), (W, 60)), (L, 45), "repeats 3"),
    ("stamped with the rollback it is after it", ((C, 10), (W, 20), (B, 30)), (W, 30), 1),
    ("a close after the second result", ((C, 10), (W, 20), (B, 30), (W, 40)), (Z, 50), 1),
    ("another result stamped before the rollback", ((C, 10), (W, 20), (B, 30)), (L, 25), REFUSED),
    ("a result that its rollback overtook", ((B, 30),), (W, 20), REFUSED),
    # ------------------------------------------------------------------------------------------------------ rollbacks
    ("a rollback comes again", ((C, 10), (W, 20), (B, 30)), (B, 40), "repeats 2"),
    ("... stamped with the first one", ((C, 10), (W, 20), (B, 30)), (B, 30), "repeats 2"),
    ("a second rollback", ((C, 10), (W, 20), (B, 30), (W, 40)), (B, 50), 2),
    ("... in the second of its result", ((C, 10), (W, 20), (B, 30), (W, 40)), (B, 40), 2),
    ("... with everything in one second", ((C, 10), (W, 10), (B, 10), (W, 10)), (B, 10), 2),
    ("the first one again, late", ((C, 10), (W, 20), (B, 30), (W, 40)), (B, 35), "repeats 2"),
    ("the first one again after the second", ((C, 10), (W, 20), (B, 30), (W, 40), (B, 50)), (B, 35), "repeats 4"),
    ("the second one again", ((C, 10), (W, 20), (B, 30), (W, 40), (B, 50)), (B, 60), "repeats 4"),
    ("a rollback of nothing", ((C, 10),), (B, 20), REFUSED),
    ("a rollback of a reserved ticket", ((R, 10),), (B, 20), REFUSED),
    ("a repeat after the close", ((C, 10), (W, 20), (B, 30), (W, 40), (Z, 50)), (B, 35), "repeats 2"),
    ("a new one after the close", ((C, 10), (W, 20), (Z, 30)), (B, 40), REFUSED),
    # -------------------------------------------------------------------------------------------------------- updates
    ("an update is new", ((C, 10),), (U, 20, "a"), 20),
    ("an update comes again", ((C, 10), (U, 20, "a")), (U, 30, "a"), "repeats 1"),
    ("an update comes again stamped earlier", ((C, 10), (U, 20, "a")), (U, 15, "a"), "repeats 1"),
    ("another update", ((C, 10), (U, 20, "a")), (U, 30, "b"), 30),
    ("an update back to what was", ((C, 10), (U, 20, "a"), (U, 30, "b")), (U, 40, "a"), 40),
    ("an older update arrives late", ((C, 10), (U, 20, "a")), (U, 19, "b"), "stale"),
    ("... after the result too", ((C, 10), (U, 20, "a"), (W, 30)), (U, 19, "b"), "stale"),
    ("the last but one again, late", ((C, 10), (U, 20, "a"), (U, 30, "b")), (U, 20, "a"), "stale"),
    ("two in one second have a key each", ((C, 10), (U, 20, "a")), (U, 20, "b"), 21),
    ("... three", ((C, 10), (U, 20, "a"), (U, 20, "b")), (U, 20, "c"), 22),
    ("... and the second after it", ((C, 10), (U, 20, "a"), (U, 20, "b")), (U, 21, "c"), 22),
    ("an update of a reserved ticket", ((R, 10),), (U, 20, "a"), 20),
    ("an update after the result", ((C, 10), (W, 20)), (U, 30, "a"), REFUSED),
    # ----------------------------------------------------------------------------------------------------- tombstones
    ("a discard of an unseen ticket", (), (D, 10), 0),
    ("the late create meets the tombstone", ((D, 10),), (C, 5), REFUSED),
    ("the late reserve too", ((D, 10),), (R, 20), REFUSED),
    ("nothing else passes a tombstone", ((C, 5), (D, 10)), (W, 20), REFUSED),
    ("a repeat of the discarded create", ((C, 5), (D, 10)), (C, 5), "repeats 0"),
    # ---------------------------------------------------------------------------------------------------- out of place
    ("lost after win", ((C, 10), (W, 20)), (L, 30), REFUSED),
    ("win after lost", ((C, 10), (L, 20)), (W, 30), REFUSED),
    ("void after win", ((C, 10), (W, 20)), (V, 30), REFUSED),
    ("a result after the close", ((C, 10), (W, 20), (Z, 30)), (L, 40), REFUSED),
    ("a refund after the close", ((C, 10), (W, 20), (Z, 30)), (F, 40), REFUSED),
    ("a discard after the close", ((C, 10), (W, 20), (Z, 30)), (D, 40), REFUSED),
    ("a discard of a won ticket", ((C, 10), (W, 20)), (D, 30), REFUSED),
    ("a result after the refund", ((C, 10), (F, 20)), (W, 30), REFUSED),
    ("a close of an open ticket", ((C, 10),), (Z, 20), REFUSED),
    ("a create after the result of an unseen ticket", ((W, 10),), (C, 5), REFUSED),
]


@pytest.mark.parametrize(("history", "step", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(history: tuple[Step, ...], step: Step, expected: object) -> None:
    """Every rule of what makes two deliveries one fact, and of what fits a ticket."""
    accepted = _history(history)
    assert _verdict(accepted, judge(accepted, *_told(step))) == expected


@pytest.mark.parametrize("action", Action)
def test_what_the_gateway_has_not_seen_is_passed_on(action: Action) -> None:
    """The operator's service is the authority: the record starts at that point."""
    verdict = judge([], action, 100, b"")
    assert verdict == New({Action.ROLLBACK: 1, Action.UPDATE: 100}.get(action, 0))
    begun = [Fact(action, 100, verdict.epoch, b"", "k")]
    assert stage_after(begun) is not Stage.UNSEEN
    assert isinstance(judge(begun, action, 101, b""), Repeat)


@pytest.mark.parametrize("opening", sorted(OPENINGS))
@pytest.mark.parametrize(
    "later", [(), ((W, 20),), ((W, 20), (Z, 30)), ((W, 20), (B, 30), (L, 40)), ((F, 20),)], ids=len
)
def test_the_discard_after_a_lost_opening_always_passes(opening: Action, later: tuple[Step, ...]) -> None:
    """Whatever else came meanwhile, and once."""
    accepted = [_fact([], (opening, 10), is_lost=True)]
    for step in later:
        accepted.append(_fact(accepted, step))
    assert judge(accepted, opening, 11, b"") == Repeat(accepted[0])
    assert judge(accepted, D, 50, b"") == New(0)
    accepted.append(_fact(accepted, (D, 50)))
    assert judge(accepted, D, 60, b"") == Repeat(accepted[-1])


def test_the_transitions_are_total() -> None:
    """Every stage is in the table, every result can be closed, and nothing leaves the end."""
    assert set(TRANSITIONS) == set(Stage)
    for result in RESULTS:
        assert Z in TRANSITIONS[TRANSITIONS[Stage.OPEN][result]]
    assert TRANSITIONS[Stage.CLOSED] == TRANSITIONS[Stage.DISCARDED] == {}
    for stage, action in product(Stage, Action):
        if stage in (Stage.WON, Stage.LOST, Stage.VOID, Stage.REFUNDED):
            assert action not in TRANSITIONS[stage] or action not in RESULTS


@given(st.lists(st.tuples(st.sampled_from(Action), st.integers(0, 30), st.sampled_from(["a", "b"])), max_size=30))
def test_any_order_of_anything_is_judged(steps: list[Step]) -> None:
    """Nothing raises, no key comes twice, and what was accepted is a repeat in its own second from then on."""
    accepted: list[Fact] = []
    keys: set[str] = set()
    for step in steps:
        action, stamp, data = _told(step)
        verdict = judge(accepted, action, stamp, data)
        if not isinstance(verdict, New):
            continue
        key = key_of("site", "t", action, verdict.epoch)
        assert key not in keys
        keys.add(key)
        accepted.append(Fact(action, stamp, verdict.epoch, data, key))
        assert judge(accepted, action, stamp, data) == Repeat(accepted[-1])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_a_life_with_repeats_is_a_life(numbers: list[int]) -> None:
    """However often and late each delivery of an honest life comes again, each fact is passed on once and in order."""
    life: list[Step] = [(C, 10), (W, 20), (B, 30), (L, 40), (B, 50), (V, 60), (Z, 70)]
    accepted: list[Fact] = []
    for index, step in enumerate(life):
        accepted.append(_fact(accepted, step))
        for number in numbers:
            again = life[max(0, index - number)]
            assert isinstance(judge(accepted, *_told(again)), Repeat)
    assert [(fact.action, fact.stamp) for fact in accepted] == [_told(step)[:2] for step in life]
    assert [fact.epoch for fact in accepted] == [0, 0, 1, 1, 2, 2, 2]
