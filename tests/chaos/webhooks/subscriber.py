"""How does a service listen to events that may be killed at any moment? It notes what it sees, and where to go on.

Each line of its notes is one of these, written before anything else happens:

    begins   where it goes on, as far as it knows
    sees     a cursor, and the event: kind and ticket, status and result if it has them
    asks     for its cursor to be kept, where the gateway keeps it
    keeps    a cursor: it has dealt with everything up to there
    fails    the status with which a stream ended

    python -m tests.chaos.webhooks.subscriber '{"target": "…", "notes": "…", "consumer": "", "seed": 1}'
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import grpc
import grpc.aio

from betstack.event.v1 import event_service_pb2 as pb
from betstack.event.v1.event_service_pb2_grpc import EventServiceStub

__all__ = ["ASKS", "BEGINS", "FAILS", "KEEPS", "SEES", "Listener", "Note", "described", "notes_in"]

BEGINS: Final = "begins"
SEES: Final = "sees"
ASKS: Final = "asks"
KEEPS: Final = "keeps"
FAILS: Final = "fails"
_KEEPS_EACH: Final = 0.3
_PAUSE_S: Final = 0.1
_PATIENCE_S: Final = 5.0

Note = Sequence[str]


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom it listens to, where its notes are, and the name under which the gateway keeps its cursor, or none."""

    target: str
    notes: str
    consumer: str
    seed: int

    def spelled(self) -> str:
        """Return what the process is told."""
        return json.dumps(asdict(self))


def described(event: pb.Event) -> list[str]:
    """Return the kind of an event, its ticket, and status and result where it has them."""
    kind = str(event.WhichOneof("body"))
    body = getattr(event, kind)
    return [kind, body.ticket_id, *(_token(body, name) for name in ("status", "result") if hasattr(body, name))]


def _token(body: Any, name: str) -> str:
    """Return an enum's value as the platform spells it."""
    enum = body.DESCRIPTOR.fields_by_name[name].enum_type
    return str(enum.values_by_number[getattr(body, name)].name.rpartition("_")[2].lower())


def notes_in(path: Path) -> Iterator[Note]:
    """Return what was noted; a last line without an end is none."""
    if path.exists():
        yield from (line.split() for line in path.read_text().splitlines(keepends=True) if line.endswith("\n"))


class Subscriber:
    """Reads events for ever."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._random = Random(f"{listener.seed}:{os.getpid()}")
        notes = Path(listener.notes)
        kept = [note[1] for note in notes_in(notes) if note[0] == KEEPS]
        self._kept = kept[-1] if kept else ""
        self._file = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def listen(self) -> None:
        """Subscribe, and again whenever the stream ends."""
        while True:
            try:
                async with grpc.aio.insecure_channel(self._listener.target) as channel:
                    stub: Any = EventServiceStub(channel)  # type: ignore[no-untyped-call]
                    await self._read(stub)
            except grpc.aio.AioRpcError as error:
                self._note(FAILS, error.code().name)
            await asyncio.sleep(_PAUSE_S)

    async def _read(self, stub: Any) -> None:
        consumer = self._listener.consumer
        self._note(BEGINS, self._kept or "-")
        request = pb.SubscribeRequest(consumer=consumer) if consumer else pb.SubscribeRequest(cursor=self._kept)
        async for response in stub.Subscribe(request):
            self._note(SEES, response.cursor, *described(response.event))
            if self._random.random() < _KEEPS_EACH:
                await self._keep(stub, response.cursor)

    async def _keep(self, stub: Any, cursor: str) -> None:
        if self._listener.consumer:
            self._note(ASKS, cursor)
            request = pb.AcknowledgeRequest(consumer=self._listener.consumer, cursor=cursor)
            await stub.Acknowledge(request, timeout=_PATIENCE_S)
        self._note(KEEPS, cursor)
        self._kept = cursor

    def _note(self, *words: str) -> None:
        os.write(self._file, (" ".join(words) + "\n").encode())


async def main(listener: Listener) -> None:
    """Listen until killed."""
    print(f"subscriber {listener.target}", flush=True)
    await Subscriber(listener).listen()


if __name__ == "__main__":
    asyncio.run(main(Listener(**json.loads(sys.argv[1]))))
