"""What shall go wrong, where, and how often?

A fault is a value that is put in line before the request that it is for. The first fault in line that fits a request
hits it, and is used up after as many hits as it says. Chaos hits at random, where no fault in line does.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random
from typing import Final

__all__ = ["Chaos", "Fault", "FaultKind", "Faults"]


class FaultKind(StrEnum):
    """The ways in which an answer can go wrong."""

    # The request is not handled; nothing has happened.
    RESET_BEFORE_READING = "reset-before-reading"
    STATUS = "status"
    ERROR_BODY_200 = "error-body-200"
    REDIRECT = "redirect"

    # The request is handled as if nothing were wrong; the caller does not get to know.
    ANSWER_LOST = "answer-lost"
    CUT_BODY = "cut-body"
    ERROR_500_AFTER_COMMIT = "error-500-after-commit"
    HTML = "html"
    SLOW = "slow"

    # Not a request's: a webhook is sent once more, later.
    DUPLICATE_WEBHOOK = "duplicate-webhook"


_REMEMBERED: Final = 1_000
_PAGE: Final = b"<!doctype html><title>Please wait</title><p>Checking your connection.</p>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that shall go wrong.

    ``path`` is a prefix of the request's path, ``action`` the ``action`` or ``type`` in its body; None fits all. What a
    fault of webhooks is for is said by the same fields of the webhook. The fields after ``method`` say how exactly, each
    for the kinds in its comment.
    """

    kind: FaultKind
    path: str | None = None
    action: str | None = None
    times: int = 1
    method: str | None = None
    # STATUS
    status: int = 503
    # STATUS and REDIRECT: e.g. {"retry-after": "1"}
    headers: Mapping[str, str] = field(default_factory=dict)
    # STATUS; HTML has a page of its own unless this is given
    body: bytes = b""
    # ERROR_BODY_200
    code: int = 100
    message: str = "Something went wrong"
    # REDIRECT
    location: str = "https://elsewhere.example/"
    # SLOW; DUPLICATE_WEBHOOK: how much later, by the sandbox's clock
    seconds: float = 1.0
    # DUPLICATE_WEBHOOK: with a timestamp and signature of its own, not byte for byte
    resigned: bool = False

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError("a fault hits at least once")

    @property
    def page(self) -> bytes:
        """The page that HTML answers with."""
        return self.body or _PAGE

    def may_fit(self, method: str, path: str) -> bool:
        """Tell whether the fault fits, as far as can be said before the body is read."""
        return (self.method is None or self.method == method) and path.startswith(self.path or "")


@dataclass(frozen=True, slots=True)
class Chaos:
    """Faults at random: what hits which share of the requests that fit."""

    probability: float
    # One that comes twice hits twice as often.
    kinds: tuple[FaultKind, ...]
    seed: int = 0
    # A prefix of the request's path; None fits all.
    path: str | None = None
    # Empty fits all.
    methods: tuple[str, ...] = ()
    # SLOW
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ValueError("a probability is from 0 to 1")
        if not self.kinds:
            raise ValueError("chaos has at least one kind of fault")
        if FaultKind.DUPLICATE_WEBHOOK in self.kinds:
            raise ValueError("this is the chaos of requests; webhooks have their own")

    def fits(self, method: str, path: str) -> bool:
        """Tell whether a request can be hit."""
        return (not self.methods or method in self.methods) and path.startswith(self.path or "")


@dataclass(slots=True)
class _Waiting:
    fault: Fault
    left: int


class Faults:
    """The faults in line, the chaos behind them, and what has hit."""

    def __init__(self) -> None:
        self._line: list[_Waiting] = []
        self._fired: deque[Fault] = deque(maxlen=_REMEMBERED)
        self._counts: Counter[FaultKind] = Counter()
        self._chaos: Chaos | None = None
        self._random = Random()  # noqa: S311

    def add(self, fault: Fault) -> None:
        """Put a fault in line."""
        self._line.append(_Waiting(fault, fault.times))

    def clear(self) -> None:
        """Take all faults out of the line; ``fired`` stays, and so does chaos."""
        self._line.clear()

    @property
    def pending(self) -> list[Fault]:
        """What is in line; ``times`` is how many hits each has left."""
        return [replace(each.fault, times=each.left) for each in self._line]

    @property
    def fired(self) -> list[Fault]:
        """What has hit, once for each request, oldest first; the latest 1,000."""
        return list(self._fired)

    @property
    def counts(self) -> dict[FaultKind, int]:
        """How many requests each kind has hit; without those that hit none."""
        return dict(self._counts)

    @property
    def chaos(self) -> Chaos | None:
        """What hits at random."""
        return self._chaos

    def set_chaos(self, chaos: Chaos | None) -> None:
        """Let faults hit at random from now on, or end that."""
        self._chaos = chaos
        self._random = Random(None if chaos is None else f"chaos:{chaos.seed}")  # noqa: S311

    def draw(self, method: str, path: str) -> Fault | None:
        """Decide at random what hits a request that has just arrived, if nothing in line does."""
        chaos = self._chaos
        if chaos is None or not chaos.fits(method, path):
            return None
        # Two numbers each time, so that nothing but the seed and the probability decides which requests are hit.
        number, place = self._random.random(), self._random.random()
        if number >= chaos.probability:
            return None
        return Fault(chaos.kinds[int(place * len(chaos.kinds))], seconds=chaos.seconds)

    def take_before_reading(self, method: str, path: str, drawn: Fault | None = None) -> Fault | None:
        """Use up the fault for a request whose body shall not be read."""
        first = next(self._candidates(method, path, drawn), None)
        if first is None or first.fault.kind is not FaultKind.RESET_BEFORE_READING or first.fault.action is not None:
            return None
        return self._fire(first)

    def take(self, method: str, path: str, action: str | None, drawn: Fault | None = None) -> Fault | None:
        """Use up the fault for a request."""
        for waiting in self._candidates(method, path, drawn):
            if waiting.fault.action in {None, action}:
                return self._fire(waiting)
        return None

    def take_for_webhook(self, path: str, kind: str) -> Fault | None:
        """Use up the fault for a webhook that is being sent."""
        for waiting in self._line:
            fault = waiting.fault
            if (
                fault.kind is FaultKind.DUPLICATE_WEBHOOK
                and fault.may_fit("POST", path)
                and fault.action in {None, kind}
            ):
                return self._fire(waiting)
        return None

    def _candidates(self, method: str, path: str, drawn: Fault | None) -> Iterator[_Waiting]:
        for waiting in self._line:
            if waiting.fault.kind is not FaultKind.DUPLICATE_WEBHOOK and waiting.fault.may_fit(method, path):
                yield waiting
        if drawn is not None:
            yield _Waiting(drawn, 1)

    def _fire(self, waiting: _Waiting) -> Fault:
        waiting.left -= 1
        self._line = [each for each in self._line if each.left]
        self._fired.append(waiting.fault)
        self._counts[waiting.fault.kind] += 1
        return waiting.fault
