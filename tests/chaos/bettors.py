"""How do callers behave whose calls fail? They repeat the same request id, lose patience, hang up, ask twice at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

import grpc.aio
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.chaos.diary import Diary, Intent, Told, Word
from tests.chaos.seats import Seat
from tests.chaos.wishes import Wishes

__all__ = ["PATIENT", "Bettor", "Manner", "asked"]

_TRIES: Final = 6
_TWICE_AT_ONCE: Final = 0.15
_ASKS_AGAIN: Final = 0.2
_OF_THE_MOMENT: Final = frozenset(
    {"UPSTREAM_UNREACHABLE", "UPSTREAM_CIRCUIT_OPEN", "DEADLINE_TOO_SHORT", "RATE_LIMITED"}
)
"""Refusals that a caller takes for worth another try."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How long a caller waits, in seconds: by the deadline of the call, or until it hangs up."""

    deadline_s: float
    hang_up_s: float | None = None


PATIENT: Final = Manner(4.0)


async def asked(intent: Intent, seat: Seat, manner: Manner = PATIENT) -> Told:
    """Try once, and write down what came of it."""
    begun = time.time()
    told = Told(Word.NOTHING, begun, begun, reason="CANCELLED")
    try:
        told = await _called(intent, seat, manner, begun)
    finally:
        intent.told.append(told)
    return told


async def _called(intent: Intent, seat: Seat, manner: Manner, begun: float) -> Told:
    call = seat.rpc(intent.deed)(intent.request, timeout=manner.deadline_s)
    hanging_up = None
    if manner.hang_up_s is not None:
        hanging_up = asyncio.get_running_loop().call_later(manner.hang_up_s, call.cancel)
    try:
        response = await call
        metadata = dict(await call.initial_metadata() or ())
    except grpc.aio.AioRpcError as error:
        return _refused(error, begun)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return Told(Word.NOTHING, begun, time.time(), reason="CANCELLED")
    finally:
        if hanging_up is not None:
            hanging_up.cancel()
    ticket_id = response.ticket.id if "ticket" in response.DESCRIPTOR.fields_by_name else ""
    is_replay = metadata.get("idempotent-replay") == "true"
    return Told(Word.OK, begun, time.time(), ticket_id=ticket_id, is_replay=is_replay)


def _refused(error: grpc.aio.AioRpcError, begun: float) -> Told:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    message = error.details() or ""
    if status is None or not any(detail.Unpack(info) for detail in status.details):
        return Told(Word.NOTHING, begun, time.time(), reason=error.code().name, message=message)
    execution = info.metadata.get("execution", "")
    return Told(Word.REFUSED, begun, time.time(), reason=info.reason, execution=execution, message=message)


class Bettor:
    """A caller that does one thing after another until it is enough."""

    def __init__(
        self,
        wishes: Wishes,
        diary: Diary,
        seats: Sequence[Seat],
        random: Random,
        *,
        pause_s: float,
        enough: asyncio.Event,
    ) -> None:
        self._wishes = wishes
        self._diary = diary
        self._seats = seats
        self._random = random
        self._pause_s = pause_s
        self._enough = enough

    async def play(self) -> None:
        """Bet, reserve and pay, and take, win and discard."""
        while not self._enough.is_set():
            match self._random.choices(("create", "reserve", "account"), (68, 14, 18))[0]:
                case "create":
                    await self._carried_through(self._wishes.create())
                case "reserve":
                    await self._reserve()
                case _:
                    await self._account()
            await asyncio.sleep(self._random.uniform(0, 2 * self._pause_s))

    async def _reserve(self) -> None:
        reserved = self._wishes.reserve()
        told = await self._carried_through(reserved)
        if told.word is Word.OK and self._random.random() < 0.8:
            await self._carried_through(self._wishes.pay(reserved, told.ticket_id))

    async def _account(self) -> None:
        taken = self._wishes.take()
        told = await self._carried_through(taken)
        chance = self._random.random()
        if told.word is Word.OK and chance < 0.5:
            await self._carried_through(self._wishes.win(taken))
        elif chance < 0.8:
            await self._carried_through(self._wishes.discard(taken))

    async def _carried_through(self, intent: Intent) -> Told:
        """Ask until there is an answer to rest on, or the caller's tries are used up; returns the last answer."""
        self._diary.note(intent)
        for _ in range(_TRIES):
            told = await self._once_or_twice(intent)
            if self._enough.is_set() or (self._is_definite(told) and self._random.random() > _ASKS_AGAIN):
                break
            await asyncio.sleep(self._random.uniform(0, 1.5 if told.reason == "UNAVAILABLE" else 0.3))
        return told

    async def _once_or_twice(self, intent: Intent) -> Told:
        times = 2 if self._random.random() < _TWICE_AT_ONCE else 1
        tries = [asked(intent, self._random.choice(self._seats), self._manner()) for _ in range(times)]
        told = await asyncio.gather(*tries)
        return next((each for each in told if each.word is Word.OK), told[0])

    def _is_definite(self, told: Told) -> bool:
        if told.word is Word.REFUSED:
            return told.reason not in _OF_THE_MOMENT and told.execution == "NOT_EXECUTED"
        return told.word is Word.OK

    def _manner(self) -> Manner:
        uniform = self._random.uniform
        match self._random.choices(("patient", "short", "too short", "hangs up"), (55, 18, 7, 20))[0]:
            case "patient":
                return PATIENT
            case "short":
                return Manner(uniform(0.55, 1.2))
            case "too short":
                return Manner(uniform(0.02, 0.45))
            case _:
                return Manner(PATIENT.deadline_s, hang_up_s=uniform(0, 0.4))
