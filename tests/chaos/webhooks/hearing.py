"""Did a subscriber that was killed again and again hear of everything, and of nothing twice from its cursor on?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.webhooks.subscriber import ASKS, BEGINS, FAILS, KEEPS, SEES, Note

__all__ = ["Hearing", "heard"]

_OF_THE_MOMENT: Final = frozenset({"UNAVAILABLE", "CANCELLED", "DEADLINE_EXCEEDED"})
_FROM_THE_BEGINNING: Final = -1


@dataclass(slots=True)
class Hearing:
    """What was found about one subscriber; each entry is a sentence."""

    twice: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def heard(log: Sequence[Note], notes: Iterable[Note]) -> Hearing:
    """Follow a subscriber's notes along the log of all events, whose lines are a cursor and what it stands for."""
    reader = _Reader({each[0]: place for place, each in enumerate(log)}, log)
    for note in notes:
        reader.read(note)
    reader.found.missed += (f"never saw {' '.join(log[place])}" for place in sorted(reader.unseen))
    return reader.found


class _Reader:
    """Knows where a subscriber is; places count from 0."""

    def __init__(self, places: dict[str, int], log: Sequence[Note]) -> None:
        self.found = Hearing()
        self.unseen = set(range(len(log)))
        self._places = places
        self._log = log
        self._kept = _FROM_THE_BEGINNING
        # Cursors that it asked to be kept without hearing that they are.
        self._asked: set[int] = set()
        # Where the next event may be: anywhere of these at the beginning of a session, one behind the last one then.
        self._after: set[int] = set()

    def read(self, note: Note) -> None:
        """Take one note."""
        match list(note):
            case [word, *_] if word == BEGINS:
                self._after = {self._kept, *self._asked}
            case [word, cursor, *_] if word == SEES:
                self._see(cursor, note)
            case [word, cursor] if word == ASKS:
                self._asked.add(self._places.get(cursor, _FROM_THE_BEGINNING))
            case [word, cursor] if word == KEEPS:
                self._kept = self._places.get(cursor, _FROM_THE_BEGINNING)
                self._asked = {place for place in self._asked if place > self._kept}
            case [word, status] if word == FAILS:
                self.found.wrong += self._failure(status)
            case _:
                self.found.wrong.append(f"noted {' '.join(note)}")

    def _see(self, cursor: str, note: Note) -> None:
        place = self._places.get(cursor)
        if place is None or list(note[1:]) != list(self._log[place]):
            self.found.wrong.append(f"saw {' '.join(note[1:])}, which is not in the log")
            return
        self.unseen.discard(place)
        if place - 1 not in self._after:
            list_ = self.found.missed if place - 1 > max(self._after) else self.found.twice
            list_.append(f"saw event {place} after {sorted(self._after)}")
        self._after = {place}

    @staticmethod
    def _failure(status: str) -> Iterator[str]:
        if status not in _OF_THE_MOMENT:
            yield f"its stream ended with {status}"
