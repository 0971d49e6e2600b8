"""Which calls are still open, and what becomes of them at a shutdown? None is torn: they end, or are answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from google.protobuf.message import Message

from gateway.failure import Failure, Reason

__all__ = ["OpenCalls"]

T = TypeVar("T")


class OpenCalls:
    """The calls that are on their way.

    Those that change something run in tasks of their own and survive their callers.
    """

    def __init__(self) -> None:
        self._count = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._waiting: dict[asyncio.Task[Message], asyncio.Future[Message]] = {}
        self._latest = float("-inf")
        self._leaving = False
        self._closing = asyncio.Event()
        self.counted = _Counted(self)
        """What counts a call as open meanwhile."""

    def begin(self) -> None:
        """Count a call as open."""
        self._count += 1
        self._latest = time.monotonic()
        self._idle.clear()

    def end(self) -> None:
        """Count it no more."""
        self._count -= 1
        if not self._count:
            self._idle.set()

    async def run(self, work: Coroutine[Any, Any, Message]) -> Message:
        """Run the work to its end even if this wait is cancelled; raises OUTCOME_UNKNOWN once ``answer`` was called."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        waiting: asyncio.Future[Message] = loop.create_future()
        self._waiting[task] = waiting
        task.add_done_callback(self._finished)
        return await waiting

    def _finished(self, task: asyncio.Task[Message]) -> None:
        waiting = self._waiting.pop(task)
        error = _interrupted() if task.cancelled() else task.exception()
        if waiting.done():  # an abandoned failure was seen above, so that it is not reported as lost
            return
        if error is None:
            waiting.set_result(task.result())
        else:
            waiting.set_exception(error)

    def leave(self) -> None:
        """Say that a shutdown has begun; work is still taken."""
        self._leaving = True

    @property
    def is_leaving(self) -> bool:
        """Whether a shutdown has begun."""
        return self._leaving

    def is_quiet(self, quiet_s: float) -> bool:
        """Tell whether no call has begun for so many seconds."""
        return time.monotonic() - self._latest >= quiet_s

    async def quiet(self, quiet_s: float, timeout_s: float) -> None:
        """Wait until no call has begun for ``quiet_s`` seconds, at most ``timeout_s``."""
        ends = time.monotonic() + timeout_s
        while (left_s := min(self._latest + quiet_s, ends) - time.monotonic()) > 0:  # noqa: ASYNC110 - calls move it on
            await asyncio.sleep(left_s)

    def close(self) -> None:
        """Take no new work: what is not known yet is refused from now on."""
        self._closing.set()

    @property
    def is_closed(self) -> bool:
        """Whether no new work is taken."""
        return self._closing.is_set()

    async def until_closed(self, news: Awaitable[T]) -> T:
        """Wait for something that may never happen; raises SHUTTING_DOWN once ``close`` was called."""
        waiting = asyncio.ensure_future(news)
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            await asyncio.wait({waiting, closing}, return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
        finally:
            waiting.cancel()
            closing.cancel()
        raise Failure(Reason.SHUTTING_DOWN, "the gateway is shutting down")

    async def idle(self, timeout_s: float) -> None:
        """Wait until no call is open and no work goes on, at most so many seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                while self._count or self._waiting:
                    await self._idle.wait()
                    if self._waiting:
                        await asyncio.wait(self._waiting)
        except TimeoutError:
            return

    async def answer(self) -> None:
        """Answer every call that changes something and is still open, and end its work."""
        remaining = dict(self._waiting)
        for task, waiting in remaining.items():
            if not waiting.done():
                waiting.set_exception(_interrupted())
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)


def _interrupted() -> Failure:
    return Failure(Reason.OUTCOME_UNKNOWN, "the outcome is unknown: the gateway is shutting down")


class _Counted:
    """Counts calls as open while a block runs; it keeps nothing of its own, so that one serves all."""

    __slots__ = ("_open_calls",)

    def __init__(self, open_calls: OpenCalls) -> None:
        self._open_calls = open_calls

    def __enter__(self) -> None:
        self._open_calls.begin()

    def __exit__(self, *_: object) -> None:
        self._open_calls.end()
