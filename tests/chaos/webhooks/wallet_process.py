"""How does the operator of a chaos run serve? The example wallet in a process of its own, which writes down every call.

It is slow at times, and fails: before it has done what it was asked for, or afterwards, so that nobody knows.

    python -m tests.chaos.webhooks.wallet_process '{"home": "…", "seed": 1, "trouble": 0.3, "players": {"ada": 1000}}'
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc
import grpc.aio

from gateway.sandbox import Opening
from gateway.sandbox.wallet_service import WalletOptions, wallet_service

__all__ = ["CALLS", "GONE", "WALLET", "Call", "Habits", "calls_in"]

WALLET: Final = "wallet.db"
CALLS: Final = "calls.jsonl"
GONE: Final = "the caller is gone"
_LONGEST_S: Final = 0.8
_FAILURES: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN)
_PAM: Final = "/betstack.pam.v1.PamService/"
_IDENTIFY: Final = f"{_PAM}Identify"


@dataclass(frozen=True, slots=True)
class Habits:
    """Where files are, what decides what is random, how much goes wrong, and what the players have at first."""

    home: str
    seed: int
    trouble: float
    players: Mapping[str, int]

    def spelled(self) -> str:
        """Return what the process is told."""
        return json.dumps(asdict(self))


@dataclass(slots=True)
class Call:
    """One call, from its begin to its end; times are of the machine's monotonic clock.

    ``process`` got it, over the connection of ``peer``; ``patient_until`` is when its caller gives up. Without a ``code``
    it did not come to an end.
    """

    key: str
    ticket_id: str
    process: int
    peer: str
    begun: float
    patient_until: float
    ended: float | None = None
    code: str | None = None


class Journal:
    """The calls of one process, each written down before it is heard and before it is answered."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._count = 0

    def begin(self, call: Call) -> int:
        """Write that a call has come; returns its number."""
        self._count += 1
        self._write({"number": self._count, **asdict(call)})
        return self._count

    def end(self, number: int, code: str) -> None:
        """Write how a call is answered."""
        self._write({"number": number, "process": os.getpid(), "ended": time.monotonic(), "code": code})

    def _write(self, line: Mapping[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")


def calls_in(path: Path) -> list[Call]:
    """Return the calls that were written down, in the order of their coming."""
    calls: dict[tuple[int, int], Call] = {}
    for text in path.read_text().splitlines():
        line = json.loads(text)
        number = line.pop("number")
        if "key" in line:
            calls[line["process"], number] = Call(**line)
        else:
            call = calls[line["process"], number]
            call.ended, call.code = line["ended"], line["code"]
    return sorted(calls.values(), key=lambda call: call.begun)


class Trouble(grpc.aio.ServerInterceptor):
    """Stands before the wallet."""

    def __init__(self, journal: Journal, random: Random, trouble: float) -> None:
        self._journal = journal
        self._random = random
        self._trouble = trouble

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Let a call through, with trouble if it is about a ticket's money."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(_PAM) or method == _IDENTIFY:
            return handler
        serve = handler.unary_unary
        assert serve is not None

        async def troubled(request: Any, context: Any) -> Any:
            with self._written_down(request, context):
                await self._perhaps_late()
                await self._perhaps_failing(context, "before it was done")
                answer = await serve(request, context)
                await self._perhaps_late()
                await self._perhaps_failing(context, "after it was done")
                return answer

        return grpc.unary_unary_rpc_method_handler(
            troubled,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

    @contextmanager
    def _written_down(self, request: Any, context: Any) -> Iterator[None]:
        now = time.monotonic()
        peer = context.peer().removeprefix("ipv4:")
        call = Call(
            request.request_id, request.ticket_id, os.getpid(), peer, now, now + (context.time_remaining() or 0)
        )
        number = self._journal.begin(call)
        try:
            yield
        except asyncio.CancelledError:
            self._journal.end(number, GONE)
            raise
        except BaseException:
            self._journal.end(number, grpc.StatusCode(context.code()).name)
            raise
        self._journal.end(number, "OK")

    async def _perhaps_late(self) -> None:
        if self._random.random() < self._trouble:
            await asyncio.sleep(self._random.uniform(0, _LONGEST_S))

    async def _perhaps_failing(self, context: Any, when: str) -> None:
        if self._random.random() < self._trouble / 2:
            await context.abort(self._random.choice(_FAILURES), f"the operator failed {when}")


async def main(habits: Habits) -> None:
    """Serve until SIGTERM."""
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    home = Path(habits.home)
    trouble = Trouble(Journal(home / CALLS), Random(f"{habits.seed}:{os.getpid()}"), habits.trouble)
    players = [Opening(token, balance) for token, balance in habits.players.items()]
    options = WalletOptions(players=players, file=home / WALLET, interceptors=[trouble])
    async with wallet_service(options) as wallet:
        print(f"operator {wallet.target}", flush=True)
        await end.wait()


if __name__ == "__main__":
    asyncio.run(main(Habits(**json.loads(sys.argv[1]))))
