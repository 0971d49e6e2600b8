"""Was the operator called as often as it had to be, and not oftener? Judged by what it wrote down of each call.

A call may be made again under its key if it was refused, or where its answer may not have come: the caller's patience was
over, or somebody was killed on the way. A create or reserve is made again only if it was refused.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tests.chaos.webhooks.door import Connection
from tests.chaos.webhooks.wallet_process import GONE, Call

__all__ = ["Ways", "called_again", "called_late", "called_together"]

_REFUSALS: Final = frozenset({"FAILED_PRECONDITION", "NOT_FOUND", "PERMISSION_DENIED"})
_OPENINGS: Final = frozenset({"ticket_create", "ticket_reserve"})
_DISCARD: Final = "ticket_discard"
_NEAR_S: Final = 1.0
"""How close to the end of its caller's patience an answer may come too late, on a busy machine."""

_NEWS_S: Final = 2.0
"""How long it may take on a busy machine until it is known that a connection was cut."""


@dataclass(frozen=True, slots=True)
class Ways:
    """The connections to the operator, by the address that it saw, oldest first."""

    by_peer: Mapping[str, Sequence[Connection]]

    @classmethod
    def of(cls, connections: Iterable[Connection]) -> Ways:
        """Sort connections."""
        found: dict[str, list[Connection]] = {}
        for each in sorted(connections, key=lambda connection: connection.opened):
            found.setdefault(each.peer, []).append(each)
        return cls(found)

    def was_open(self, call: Call, until: float) -> bool:
        """Tell whether the connection of a call lived until then, and was not cut just before."""
        ways = self.by_peer.get(call.peer, ())
        latest = bisect_left(ways, call.begun, key=lambda way: way.opened) - 1
        if latest < 0:
            return False
        closed = ways[latest].closed
        return closed is None or closed > until + _NEWS_S


def action_of(call: Call) -> str:
    """Return the action that a key names."""
    return call.key.split("/")[1]


def called_again(calls: Iterable[Call], ways: Ways) -> Iterator[str]:
    """Find second calls for which there was no reason."""
    for key, tries in _by(calls, "key").items():
        for first, second in pairwise(tries):
            is_opening = action_of(first) in _OPENINGS and first.code not in _REFUSALS
            if is_opening or _was_heard(first, ways, second.begun):
                yield f"{key} was called again after {first.code or 'no answer'}"


def called_late(calls: Iterable[Call], ways: Ways) -> Iterator[str]:
    """Find creates and reserves that the operator was asked for after their discard, not by somebody killed meanwhile."""
    for ticket_id, some in _by(calls, "ticket_id").items():
        discarded = min((call.begun for call in some if action_of(call) == _DISCARD), default=math.inf)
        for call in some:
            if action_of(call) in _OPENINGS and call.begun > discarded and ways.was_open(call, call.begun):
                yield f"{ticket_id}: {call.key} was called after the ticket's discard"


def called_together(calls: Iterable[Call], ways: Ways) -> Iterator[str]:
    """Find calls on one ticket that were out at the same time, though the first one's caller was still there."""
    for ticket_id, some in _by(calls, "ticket_id").items():
        for first, second in pairwise(some):
            if (
                first.process == second.process
                and first.ended is not None
                and first.code != GONE
                and second.begun < first.ended < first.patient_until - _NEAR_S
                and ways.was_open(first, second.begun)
            ):
                yield f"{ticket_id}: {first.key} and {second.key} were out at the same time"


def _was_heard(call: Call, ways: Ways, until: float) -> bool:
    """Tell whether a caller has heard that it was done; what was refused may be asked for again."""
    return (
        call.ended is not None
        and call.code == "OK"
        and call.ended < call.patient_until - _NEAR_S
        and ways.was_open(call, until)
    )


def _by(calls: Iterable[Call], name: str) -> dict[str, list[Call]]:
    """Sort the calls about tickets, each list by the time of coming."""
    found: dict[str, list[Call]] = {}
    for call in sorted(calls, key=lambda call: call.begun):
        if call.ticket_id:
            found.setdefault(getattr(call, name), []).append(call)
    return found
