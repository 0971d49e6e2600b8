"""What becomes of deliveries whose gateway is killed in the middle? Real processes on one ledger, of each kind."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ledger.postgresql import Server
from tests.webhooks.circle import platform_at
from tests.webhooks.deliveries import ACTIONS, Delivery, delivery
from tests.webhooks.process import Process, process, settings_of
from tests.webhooks.services import Held, Services, agreeing, services, until


class Platform:
    """The platform's hands: what it delivers may find nobody."""

    def __init__(self, stamp: int) -> None:
        self._stamp = stamp

    def made(self, token: str, at: int, **changes: Any) -> Delivery:
        """Make a delivery."""
        return delivery(token, self._stamp + at, **changes)

    async def post(self, gateway: Process, made: Delivery) -> tuple[int, bytes] | None:
        """Deliver; None where the connection broke before an answer."""
        async with platform_at(gateway.webhooks) as http:
            try:
                response = await http.post(made.path, content=made.body, headers=dict(made.headers))
            except httpx.TransportError:
                return None
            return response.status_code, response.content


@pytest.fixture
def platform() -> Platform:
    """Return the platform, a little behind the clock, so that everything is stamped in the past."""
    return Platform(int(time.time()) - 60)


async def killed(own: Services, made: list[Delivery], platform: Platform, settings: dict[str, Any], log: Path) -> None:
    """Deliver, and kill the gateway while all these calls are out."""
    helds = [Held() for _ in made]
    for each, held in zip(made, helds, strict=True):
        own.will(ACTIONS[json.loads(each.body)["action"]], held, agreeing)
    async with process(settings, log) as gateway:
        answers = [asyncio.create_task(platform.post(gateway, each)) for each in made]
        await asyncio.gather(*(held.asked.wait() for held in helds))
        await gateway.kill()
        assert await asyncio.gather(*answers) == [None] * len(made)
    for held in helds:
        held.open.set()
    own.agree()


async def test_what_was_out_is_lost_or_passed_on_again(ledger_url: str, tmp_path: Path, platform: Platform) -> None:
    """A create is lost: its repeats are answered 500 without a second call; what follows it is passed on.

    A win is passed on again, by itself and with the same key, before what follows on its ticket.
    """
    async with services() as own:
        settings = settings_of(own.target, ledger_url)
        create = platform.made("ticket_create", 1, ticket_id="one")
        win = platform.made("ticket_win", 1, ticket_id="other")
        await killed(own, [create, win], platform, settings, tmp_path / "log")
        async with process(settings, tmp_path / "log") as gateway:
            assert await platform.post(gateway, platform.made("ticket_rollback", 2, ticket_id="other")) == (200, b"")
            for made in (create, create, platform.made("ticket_create", 2, ticket_id="one")):
                answer = await platform.post(gateway, made)
                assert answer == (500, b'{"code":0,"message":"nobody knows whether it was carried out"}')
            for at, token in enumerate(("ticket_update", "ticket_win", "ticket_discard"), start=3):
                assert await platform.post(gateway, platform.made(token, at, ticket_id="one")) == (200, b"")
            await until(lambda: len(own.calls) == 7)
            assert await platform.post(gateway, win) == (200, b"")
        for ticket, rpcs in (
            ("one", ["CreateTicket", "UpdateTicket", "WinTicket", "DiscardTicket"]),
            ("other", ["WinTicket", "WinTicket", "RollbackTicket"]),
        ):
            calls = [call for call in own.calls if call.request.ticket_id == ticket]
            assert [call.rpc for call in calls] == rpcs
            assert len({call.key for call in calls if call.rpc == "WinTicket"}) == 1


async def test_a_neighbour_takes_over(postgresql: Server, tmp_path: Path, platform: Platform) -> None:
    """Of two gateways on a ledger one is killed: the other one tries on what was out, and knows what is lost."""
    with postgresql.database() as url:
        async with services() as own:
            settings = settings_of(own.target, url)
            created, won = Held(), Held()
            own.will("CreateTicket", created)
            own.will("WinTicket", won, agreeing)
            create, win = platform.made("ticket_create", 1), platform.made("ticket_win", 1, ticket_id="another")
            async with process(settings, tmp_path / "log") as neighbour, process(settings, tmp_path / "log") as gateway:
                answers = [asyncio.create_task(platform.post(gateway, each)) for each in (create, win)]
                await asyncio.gather(created.asked.wait(), won.asked.wait())
                joined = asyncio.create_task(platform.post(neighbour, create))
                await gateway.kill()
                assert await asyncio.gather(*answers) == [None, None]
                assert (await joined or (0,))[0] == 500
                await until(lambda: len(own.of("WinTicket")) == 2)
                assert await platform.post(neighbour, win) == (200, b"")
            assert len(own.of("CreateTicket")) == 1
            created.open.set()
            won.open.set()


async def test_an_orderly_end_answers_what_is_under_way(tmp_path: Path, platform: Platform) -> None:
    """SIGTERM lets the create that is out come back, answers it, and ends with status 0."""
    async with services() as own:
        held = Held()
        own.will("CreateTicket", held)
        settings = settings_of(own.target, f"sqlite:///{tmp_path}/ledger.db")
        async with process(settings, tmp_path / "log") as gateway:
            answer = asyncio.create_task(platform.post(gateway, platform.made("ticket_create", 1)))
            await held.asked.wait()
            ended = asyncio.create_task(gateway.end())
            async with platform_at(gateway.webhooks) as http:
                async with asyncio.timeout(10):
                    while not await _refuses_connections(http):
                        pass
            held.open.set()
            assert await answer == (200, b"")
            assert await ended == 0


async def _refuses_connections(http: httpx.AsyncClient) -> bool:
    try:
        await http.get("/pam/site")
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False
    return False
