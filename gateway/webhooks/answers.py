"""What is the platform told? One table from the operator's gRPC status to HTTP, and error bodies in the platform's form."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from gateway.failure import Reason

__all__ = ["OK", "Ending", "Numbers", "Reply", "Said", "ending_of", "error", "reply_to"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status and JSON body, which may be empty."""

    status: int
    body: bytes = b""


class Ending(Enum):
    """How a call of the operator's service ended."""

    DONE = "it was carried out"
    REFUSED = "it was definitely refused"
    UNCLEAR = "nobody knows whether it was carried out"


@dataclass(frozen=True, slots=True)
class Said:
    """What the operator's service said: the name of its status, its message, its reason if it was one of ours."""

    code: str
    message: str = ""
    reason: Reason | None = None
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The error codes of an API: those of ``codes``, and ``other`` where none fits."""

    codes: Callable[[], Mapping[int, Reason]]
    other: int

    def of(self, reason: Reason | None) -> int | None:
        """Return the code of a reason, the first one where it has two, None where it has none."""
        return next((code for code, meant in self.codes().items() if meant is reason), None)


OK: Final = Reply(200)

_STATUSES: Final[Mapping[str, int]] = {
    "OK": 200,
    "ALREADY_EXISTS": 200,
    "INVALID_ARGUMENT": 400,
    "OUT_OF_RANGE": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 400,
    "UNAUTHENTICATED": 403,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
}
"""Everything else is 500, so that the platform discards or repeats."""

_DEFINITE: Final = frozenset(
    {
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
    }
)
"""The refusals that no later try will change."""

_IDENTIFY: Final = "identify"
_DISCARD: Final = "ticket_discard"
_PLAYER_NOT_FOUND: Final = 101
_TICKET_NOT_FOUND: Final = 102


def error(status: int, code: int, message: str) -> Reply:
    """Return an error body: ``{"code": …, "message": …}``."""
    text = json.dumps({"code": code, "message": message}, ensure_ascii=False, separators=(",", ":"))
    return Reply(status, text.encode("utf-8", "replace"))


def reply_to(action: str, said: Said, numbers: Numbers) -> Reply:
    """Return what the platform is told."""
    status = 200 if _is_done(action, said.code) else _STATUSES.get(said.code, 500)
    if status == 200:
        return Reply(200, said.body)
    number = numbers.of(said.reason)
    if number is not None:
        return error(status, number, said.message or str(said.reason))
    if said.code == "NOT_FOUND":
        if action == _IDENTIFY:
            return error(400, _PLAYER_NOT_FOUND, "User not found")
        return error(400, _TICKET_NOT_FOUND, said.message or "not found")
    return error(status, numbers.other, said.message if said.code in _DEFINITE else "the operator's service failed")


def ending_of(action: str, code: str, *, is_opening: bool) -> Ending:
    """Tell how a call ended.

    For a create or reserve every refusal that is answered as one is definite; any other action is tried again where a later
    try may succeed.
    """
    if _is_done(action, code):
        return Ending.DONE
    if code in _DEFINITE or (is_opening and code in _STATUSES):
        return Ending.REFUSED
    return Ending.UNCLEAR


def _is_done(action: str, code: str) -> bool:
    if action == _DISCARD and code == "NOT_FOUND":
        return True
    return code in ("OK", "ALREADY_EXISTS")
