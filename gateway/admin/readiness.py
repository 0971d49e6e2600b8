"""May this gateway be given calls? It may if it can write down what becomes of them and is not on its way out.

A platform that is down is no reason against: its calls are refused with what callers need to know, and no other gateway
would fare better.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.ledger import Ledger

__all__ = ["Readiness"]

OK: Final = "ok"
_LEDGER_S: Final = 2.0


class Readiness:
    """The checks of one gateway; ``is_serving`` tells whether its gRPC face takes new work."""

    def __init__(self, ledger: Ledger, is_serving: Callable[[], bool]) -> None:
        self._ledger = ledger
        self._is_serving = is_serving
        self._writing: asyncio.Task[str] | None = None

    async def checks(self) -> Mapping[str, str]:
        """Return what each check says, ``ok`` or what is wrong; the settings were valid, or nothing would run."""
        serving = OK if self._is_serving() else "no new work is taken"
        return {"settings": OK, "ledger": await self._ledger_check(), "serving": serving}

    async def _ledger_check(self) -> str:
        """Write to the ledger; whoever asks meanwhile waits for the same write."""
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await asyncio.shield(self._writing)

    async def _write(self) -> str:
        try:
            async with asyncio.timeout(_LEDGER_S):
                await self._ledger.prove_writable()
        except TimeoutError:
            return f"cannot be written within {_LEDGER_S:g} s"
        except LedgerUnavailable:
            return "cannot be written"
        return OK
