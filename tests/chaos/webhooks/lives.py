"""What becomes of the tickets? Players bet with the platform, and each ticket has its fate, whatever the operator hears."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import httpx

from gateway.sandbox import IllegalTransition, Result, Sandbox, UnknownTicket
from gateway.wire.signing import sign
from tests.sandbox.client import compact, order

__all__ = ["OPENING", "Bettor"]

RICH: Final = ("chaos-ada", "chaos-grace", "chaos-alan")
POOR: Final = "chaos-poor"
OPENING: Final[Mapping[str, int]] = {**dict.fromkeys(RICH, 10_000_000_00), POOR: 30_00}
"""What each player has at first, in cents, by token; one of them is soon refused for want of money."""

_SECRET: Final = b"12345ABCDE"
_POOR_SHARE: Final = 0.08
_RESERVED_SHARE: Final = 0.35
_PAID_SHARE: Final = 0.75
_DISCOURAGED_S: Final = 2.0
_KINDS: Final = ("quicktip", "superbet", "jackpot", "quickbet")

Step = Callable[[Sandbox, str, Random], object]


def _result(result: Result) -> Step:
    def step(platform: Sandbox, ticket_id: str, _: Random) -> None:
        platform.book.calculate(ticket_id)
        platform.book.result(ticket_id, result)

    return step


def _update(platform: Sandbox, ticket_id: str, random: Random) -> None:
    """Let a ticket pay more; less would be a repeat at times."""
    gross = platform.book.get(ticket_id).finance.gross_payout
    platform.book.update(ticket_id, gross + random.randint(1, 50_00))


_STEPS: Final[Mapping[str, Step]] = {
    "win": _result(Result.WON),
    "lose": _result(Result.LOST),
    "void": _result(Result.VOID),
    "rollback": lambda platform, ticket_id, _: platform.book.rollback(ticket_id, "a mistake"),
    "refund": lambda platform, ticket_id, _: platform.book.refund(ticket_id, "declined"),
    "cancel": lambda platform, ticket_id, _: platform.book.cancel(ticket_id, "not paid"),
    "update": _update,
}

_FATES: Final = (
    "",
    "win",
    "lose",
    "void",
    "refund",
    "win rollback",
    "win rollback lose",
    "win rollback win",
    "void rollback win",
    "lose rollback win rollback void",
    "win rollback win rollback win",
    "void rollback refund",
)
_JACKPOT_FATES: Final = (
    "update",
    "update win",
    "update update lose",
    "win rollback update win",
    "update void rollback win",
)


class Bettor:
    """Places one bet after another and lets each ticket live, until it is enough.

    ``said`` counts how the platform answered.
    """

    def __init__(
        self,
        platform: Sandbox,
        http: httpx.AsyncClient,
        random: Random,
        *,
        pause_s: float,
        enough: asyncio.Event,
    ) -> None:
        self._platform = platform
        self._http = http
        self._random = random
        self._pause_s = pause_s
        self._enough = enough
        self.said: Counter[str] = Counter()

    async def play(self) -> None:
        """Play until it is enough."""
        while not self._enough.is_set():
            kind = self._random.choice(_KINDS)
            if self._random.random() < _RESERVED_SHARE:
                ticket_id = await self._reserved(kind)
            else:
                ticket_id = await self._placed("/be/tickets", kind)
            if ticket_id is not None:
                await self._live(ticket_id, self._random.choice(_JACKPOT_FATES if kind == "jackpot" else _FATES))

    async def _reserved(self, kind: str) -> str | None:
        """Reserve and, mostly, pay; returns the ticket if it can be played on."""
        ticket_id = await self._placed("/be/tickets/reserve", kind)
        if ticket_id is None:
            return None
        await self._pause()
        if self._random.random() < _PAID_SHARE:
            return await self._asked(f"/be/tickets/{ticket_id}/paid", b"")
        await self._live(ticket_id, self._random.choice(("", "cancel")))
        return None

    async def _placed(self, path: str, kind: str) -> str | None:
        token = POOR if self._random.random() < _POOR_SHARE else self._random.choice(RICH)
        body = order(self._platform, kind, token=token, price=self._random.randint(1_00, 9_00))
        return await self._asked(path, compact(body))

    async def _asked(self, path: str, body: bytes) -> str | None:
        timestamp = str(int(self._platform.clock()))
        headers = {"timestamp": timestamp, "operator-name": "site", "signature": sign(_SECRET, timestamp, body)}
        answer = await self._http.post(path, content=body, headers=headers)
        self.said[f"{path.rpartition('/')[2]} {answer.status_code}"] += 1
        if answer.status_code != 200:
            await asyncio.sleep(self._random.uniform(0, _DISCOURAGED_S))
            return None
        ticket: dict[str, Any] = answer.json()
        return str(ticket["id"])

    async def _live(self, ticket_id: str, fate: str) -> None:
        for step in fate.split():
            await self._pause()
            try:
                _STEPS[step](self._platform, ticket_id, self._random)
            except (IllegalTransition, UnknownTicket):
                return  # it was closed meanwhile

    async def _pause(self) -> None:
        await asyncio.sleep(self._random.uniform(0, 2 * self._pause_s))
