"""What can be known in the end? The platform's book, the operator's files, the gateway's ledger, the subscribers' notes."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc.aio

from betstack.event.v1 import event_service_pb2 as pb
from betstack.event.v1.event_service_pb2_grpc import EventServiceStub
from gateway.ledger.database import Query, Transaction
from gateway.ledger.ledger import Ledger
from gateway.sandbox import Api, LifeCycleEvent, Sandbox
from tests.chaos.webhooks import prescribed
from tests.chaos.webhooks.door import Connection
from tests.chaos.webhooks.prescribed import Deed
from tests.chaos.webhooks.subscriber import Note, described, notes_in
from tests.chaos.webhooks.verdict import Evidence
from tests.chaos.webhooks.wallet_process import CALLS, WALLET, calls_in

__all__ = ["count_of_events", "gathered", "log_of", "opening_of", "states_in"]

_READ_S: Final = 30.0
_OWN: Final = ("house", "held")


async def gathered(
    *,
    home: Path,
    platform: Sandbox,
    history: Iterable[LifeCycleEvent],
    opening: Mapping[str, int],
    connections: Sequence[Connection],
    ledger: Ledger,
    log: Sequence[Note],
    notes: Mapping[str, Path],
) -> Evidence:
    """Ask everybody; the operator's process has ended."""
    lives = prescribed.lives(history)
    told = {each.webhook.ticket_id for each in platform.webhooks.deliveries if each.webhook.api is Api.PAM}
    with closing(sqlite3.connect(home / WALLET)) as wallet:
        done = _done(wallet)
        balances = dict(wallet.execute("SELECT account, SUM(amount) FROM entries GROUP BY account"))
    return Evidence(
        lives=lives,
        given_up=[ticket_id for ticket_id in told if ticket_id is not None and ticket_id not in lives],
        prescribed=prescribed.balances(opening, platform.book.tickets()),
        done=done,
        balances=balances,
        total=sum(balances.values()),
        calls=calls_in(home / CALLS),
        connections=connections,
        states=await states_in(ledger),
        waiting=_waiting(platform),
        log=log,
        notes={name: list(notes_in(path)) for name, path in notes.items()},
    )


def opening_of(home: Path, players: Mapping[str, int]) -> dict[str, int]:
    """Return what the players have at first, by the ids that the operator has given them."""
    with closing(sqlite3.connect(home / WALLET)) as wallet:
        return {player: players[token] for player, token in wallet.execute("SELECT id, token FROM players")}


def _done(wallet: sqlite3.Connection) -> dict[str, list[Deed]]:
    """Return what was done for each ticket, by the keys under which it was done, in order."""
    amounts: dict[str, int] = {}
    for account, amount, cause in wallet.execute("SELECT account, amount, cause FROM entries"):
        amounts[cause] = amounts.get(cause, 0) + (0 if account in _OWN else amount)
    found: dict[str, list[Deed]] = {}
    for (key,) in wallet.execute("SELECT key FROM done WHERE key NOT LIKE 'opening/%' ORDER BY rowid"):
        _, action, ticket_id, epoch = key.split("/")
        deed = Deed(action, None if action == "ticket_update" else int(epoch), amounts.get(key, 0))
        found.setdefault(ticket_id, []).append(deed)
    return found


def _waiting(platform: Sandbox) -> list[str]:
    """Return what the platform could not get rid of, each with what was last answered."""
    if not platform.webhooks.waiting():
        return []
    failed = {
        (each.webhook.kind, each.webhook.ticket_id): f"{each.webhook.kind} of {each.webhook.ticket_id}: {each.status}"
        for each in platform.webhooks.deliveries
        if not each.accepted and not each.copy
    }
    return [*failed.values()][-platform.webhooks.waiting() :] or ["something"]


async def states_in(ledger: Ledger) -> dict[str, str]:
    """Return the state of each action, by its key."""
    return dict(await ledger.database.read(partial(_query, "SELECT key, state FROM facts")))


async def count_of_events(ledger: Ledger) -> int:
    """Count the events that the gateway keeps."""
    return int((await ledger.database.read(partial(_query, "SELECT COUNT(*) FROM events")))[0][0])


def _query(sql: str) -> Transaction[list[tuple[Any, ...]]]:
    return (yield Query(sql))


async def log_of(target: str, count: int) -> list[Note]:
    """Return so many events, as somebody sees them who subscribes only now."""
    found: list[Note] = []
    async with grpc.aio.insecure_channel(target) as channel, asyncio.timeout(_READ_S):
        stub: Any = EventServiceStub(channel)  # type: ignore[no-untyped-call]
        stream = stub.Subscribe(pb.SubscribeRequest())
        while len(found) < count:
            response = await stream.read()
            found.append([response.cursor, *described(response.event)])
        stream.cancel()
    return found
