"""Does a gateway keep its contract, whatever it is sent? Generated requests to every unary RPC, and a verdict on each.

A generator of our own: Schemathesis, which does this for OpenAPI and GraphQL, speaks no gRPC as of its release 4.32.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.conformance.contract import Rpc, Served, served
from tests.conformance.requests import Known, requests
from tests.conformance.verdict import problems, problems_of_repeat
from tests.conformance.world import World

__all__ = ["Found", "conform"]


@dataclass(slots=True)
class Found:
    """What came back, by RPC, and what of it was wrong."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def outcomes(self, name: str) -> dict[str, int]:
        """Return how calls of an RPC ended, ``OK`` or with a reason, and how many."""
        return {outcome: number for (rpc, outcome), number in sorted(self.answers.items()) if rpc == name}

    def told(self, name: str) -> str:
        """Return the same as a line."""
        return ", ".join(f"{outcome} {number}" for outcome, number in self.outcomes(name).items())


def conform(there: World, examples: int, number: int = 0, *, said: Callable[[str], None] = print) -> Found:
    """Send so many requests to each RPC, twice as many where money moves; ``number`` decides which."""
    contract, known, found = served(there.gateway), there.known(), Found()
    for rpc in contract.rpcs:
        _conform_one(there, contract, known, rpc, examples * (1 + rpc.is_money), number, found)
        said(
            f"{rpc.name:40} {' '.join(f'{name} {n}' for (of, name), n in sorted(found.answers.items()) if of == rpc.name)}"
        )
    found.problems += there.disagreements()
    return found


def _conform_one(
    there: World, contract: Served, known: Known, rpc: Rpc, examples: int, number: int, found: Found
) -> None:
    """Try one RPC; what goes wrong first is made as small as it gets."""

    @seed(zlib.crc32(rpc.name.encode()) + number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(sent=requests(rpc.request, known))
    def keeps_the_contract(sent: Any) -> None:
        answer = there.send(rpc, sent)
        found.answers[rpc.name, answer.reason or answer.code.name] += 1
        wrong = list(problems(contract, rpc, sent, answer))
        if rpc.is_money and answer.error is None and sent.message is not None and sent.message.request_id:
            wrong += problems_of_repeat(answer, there.send(rpc, sent))
        assert not wrong, f"{rpc.name}: {wrong} after {sent!r}"

    try:
        keeps_the_contract()
    except AssertionError as error:
        found.problems.append(str(error))
    except BaseExceptionGroup as errors:
        found.problems += [str(error) for error in errors.exceptions]
