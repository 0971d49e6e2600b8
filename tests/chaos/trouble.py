"""What goes wrong during a run? Faults of every kind on the platform's side, and gateways that are killed on ours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from tests.chaos.bettors import asked
from tests.chaos.diary import ORPHAN, Diary, Told, Word
from tests.chaos.seats import Seat
from tests.chaos.wishes import Wishes

__all__ = ["KINDS", "TIMEOUT_S", "Killer", "Saboteur"]

TIMEOUT_S: Final = 1.0
"""How long the gateways wait for the platform."""

_AT_RANDOM: Final = (
    pb.FAULT_KIND_ANSWER_LOST,
    pb.FAULT_KIND_CUT_BODY,
    pb.FAULT_KIND_ERROR_500_AFTER_COMMIT,
    pb.FAULT_KIND_STATUS,
    pb.FAULT_KIND_HTML,
    pb.FAULT_KIND_SLOW,
    pb.FAULT_KIND_RESET_BEFORE_READING,
)
"""What may hit any request: none of these is a refusal."""

KINDS: Final = (*_AT_RANDOM, pb.FAULT_KIND_REDIRECT, pb.FAULT_KIND_ERROR_BODY_200)
"""Every kind that the sandbox has, except webhooks that come twice."""

_STATUSES: Final = (400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 504)
_CODES: Final = (100, 101, 102, 106, 112, 117, 555)
_BETS: Final[Mapping[str, Any]] = {"path": "/be/tickets", "action": "quicktip"}
_TAKES: Final[Mapping[str, Any]] = {"path": "/pam", "action": "ticket_create"}
_LISTS: Final[Mapping[str, Any]] = {"path": "/be/tickets", "method": "GET"}
_LATER: Final[Mapping[str, Any]] = {"path": "/pam", "action": "ticket_win"}
_WITNESS: Final[Mapping[str, Any]] = {"path": "/be/tickets", "action": "superbet"}
_MOODS: Final = (0.05, 0.15, 0.3, 0.6)
_OUTAGE: Final = 0.15
_SLOWED: Final = 6


class Saboteur:
    """Changes the sandbox's faults all the time.

    Refusals (a redirect, an error body, most statuses) are aimed at what is sent once, and at reading: to refuse the
    repeat of an action that may have been executed leaves it to a person, by the rules, and that has tests of its own.
    An error body with status 200 is a success to the player account system's callers, so it does not go there.
    """

    def __init__(self, steering: Any, random: Random) -> None:
        self._steering = steering
        self._random = random

    async def work(self, enough: asyncio.Event) -> None:
        """Make trouble until it is enough, then end it."""
        while not enough.is_set():
            await self._chaos()
            for _ in range(self._random.randint(1, 3)):
                await self._steering.AddFault(pb.AddFaultRequest(fault=self._fault()))
            await asyncio.sleep(self._random.uniform(0.3, 1.2))
        await self._steering.SetChaos(pb.SetChaosRequest(chaos=pb.Chaos()))
        await self._steering.ClearFaults(pb.ClearFaultsRequest())

    async def _chaos(self) -> None:
        is_outage = self._random.random() < _OUTAGE
        chaos = pb.Chaos(
            probability=1 if is_outage else self._random.choice(_MOODS),
            kinds=[pb.FAULT_KIND_STATUS] if is_outage else _AT_RANDOM,
            seed=self._random.getrandbits(32),
            delay=_duration(self._random.uniform(1.1, 1.5) * TIMEOUT_S),
        )
        await self._steering.SetChaos(pb.SetChaosRequest(chaos=chaos))

    def _fault(self) -> pb.Fault:
        kinds: Sequence[Callable[[], pb.Fault]] = (self._redirect, self._error_body, self._status)
        return self._random.choice(kinds)()

    def _redirect(self) -> pb.Fault:
        return pb.Fault(kind=pb.FAULT_KIND_REDIRECT, **self._random.choice((_BETS, _TAKES, _LISTS)))

    def _error_body(self) -> pb.Fault:
        place = self._random.choice((_BETS, _LISTS))
        return pb.Fault(kind=pb.FAULT_KIND_ERROR_BODY_200, code=self._random.choice(_CODES), **place)

    def _status(self) -> pb.Fault:
        status = self._random.choice(_STATUSES)
        headers = {"retry-after": "1"} if status == 429 else {}
        place = self._random.choice((_BETS, _TAKES, _LISTS))
        return pb.Fault(kind=pb.FAULT_KIND_STATUS, status=status, headers=headers, **place)


class Killer:
    """Kills gateways at random moments and starts them again.

    Where there are two, a call that is on its way through the other one is a witness: it has to end as if nothing had
    happened, at the kill and again when the next process comes and looks for what the killed one left.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        steering: Any,
        wishes: Wishes,
        diary: Diary,
        random: Random,
        *,
        pause_s: tuple[float, float],
    ) -> None:
        self._seats = seats
        self._steering = steering
        self._wishes = wishes
        self._diary = diary
        self._random = random
        self._pause_s = pause_s
        self.unharmed = 0
        self.harmed: list[str] = []

    async def work(self, enough: asyncio.Event) -> None:
        """Kill until it is enough; all gateways run then."""
        while not enough.is_set():
            await asyncio.sleep(self._random.uniform(*self._pause_s))
            seat = self._random.choice(self._seats)
            survivors = [each for each in self._seats if each is not seat]
            await self._slow_down()
            witness = await self._witness(survivors)
            await asyncio.sleep(self._random.uniform(0, 0.3) * TIMEOUT_S)
            await seat.kill()
            await self._hear(witness)
            await self._steering.ClearFaults(pb.ClearFaultsRequest())
            await asyncio.sleep(self._random.uniform(0, 0.3))
            await seat.start()
            await self._hear(await self._witness(survivors))

    async def _slow_down(self) -> None:
        """Make the platform take its time, so that a kill meets calls that are on their way."""
        for place in (_BETS, _TAKES, _LATER):
            delay = _duration(self._random.uniform(0.3, 0.9) * TIMEOUT_S)
            slow = pb.Fault(kind=pb.FAULT_KIND_SLOW, times=_SLOWED, delay=delay, **place)
            await self._steering.AddFault(pb.AddFaultRequest(fault=slow))

    async def _witness(self, survivors: Sequence[Seat]) -> asyncio.Task[Told] | None:
        """Put a call on its way through a survivor, and return once the platform is at work on it."""
        if not survivors:
            return None
        slow = pb.Fault(kind=pb.FAULT_KIND_SLOW, delay=_duration(0.4 * TIMEOUT_S), **_WITNESS)
        await self._steering.AddFault(pb.AddFaultRequest(fault=slow))
        intent = self._diary.note(self._wishes.superbet())
        witness = asyncio.create_task(asked(intent, self._random.choice(survivors)))
        while not witness.done() and await self._is_waiting():  # noqa: ASYNC110 - another process would ask like this
            await asyncio.sleep(0.01)
        return witness

    async def _is_waiting(self) -> bool:
        faults = await self._steering.ListFaults(pb.ListFaultsRequest())
        return any(fault.action == _WITNESS["action"] for fault in faults.pending)

    async def _hear(self, witness: asyncio.Task[Told] | None) -> None:
        """Judge how the witness ended; what the platform itself delayed or kept away says nothing."""
        if witness is None:
            return
        told = await witness
        if told.word is Word.OK:
            self.unharmed += 1
        elif told.word is Word.NOTHING or ORPHAN in told.message:
            self.harmed.append(f"a call through the surviving gateway ended with {told.reason}: {told.message}")


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration
