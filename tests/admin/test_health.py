"""Is a gateway alive, and may it be given calls?"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest

from gateway.app import Gateway, gateway
from gateway.failure import Reason
from gateway.ledger.database import Query, Transaction
from gateway.settings import SettingsProblems
from tests.admin.scraping import ADMIN, page_of, seen
from tests.harness import client_of, http_answer, refused, scripted, settings_for, standing
from tests.rpc.calls import CREATE, GET_TICKET, Gate, closed_port

FOUND: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')
READY: Final = {"settings": "ok", "ledger": "ok", "serving": "ok"}


async def readiness(running: Gateway) -> tuple[int, dict[str, Any]]:
    """Ask whether a gateway is ready."""
    response = await page_of(running.admin, "/readyz")
    assert response.headers["content-type"] == "application/json"
    return response.status_code, response.json()


async def is_alive(running: Gateway) -> bool:
    """Ask whether it is alive."""
    return (await page_of(running.admin, "/livez")).status_code == 200


async def test_a_gateway_is_alive_and_ready() -> None:
    """As soon as it runs, and each check says so."""
    async with seen(FOUND) as (client, _):
        assert await is_alive(client.gateway)
        assert await readiness(client.gateway) == (200, {"status": "ready", "checks": READY})


async def test_a_platform_that_is_down_is_no_reason_against() -> None:
    """Calls are refused with what callers need to know; no other gateway would do better."""
    with closed_port() as url:
        async with client_of(settings_for(url, **ADMIN)) as client:
            with refused(Reason.UPSTREAM_UNREACHABLE):
                await GET_TICKET(client)
            assert (await readiness(client.gateway))[0] == 200


async def test_without_a_ledger_it_is_not_ready(ledger_url: str) -> None:
    """A money call would be refused, so another gateway should get it; restarting this one would not help."""
    async with gateway(settings_for("http://127.0.0.1:1", ledger={"url": ledger_url}, **ADMIN)) as running:
        await running.ledger.run(_drop_probes)
        refusal = {"status": "not ready", "checks": {**READY, "ledger": "cannot be written"}}
        assert await readiness(running) == (503, refusal)
        assert await is_alive(running)


def _drop_probes() -> Transaction[None]:
    yield Query("DROP TABLE probes")


async def test_a_ledger_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes in time for whoever asks; once the ledger can be written, all is well again."""
    monkeypatch.setattr("gateway.admin.readiness._LEDGER_S", 0.5)
    settings = settings_for("http://127.0.0.1:1", **ADMIN)
    async with gateway(settings) as running:
        with _locked(settings.ledger.url):
            answers = await asyncio.gather(*(readiness(running) for _ in range(3)))
        assert [status for status, _ in answers] == [503] * 3
        assert answers[0][1]["checks"]["ledger"] == "cannot be written within 0.5 s"
        monkeypatch.undo()
        assert await readiness(running) == (200, {"status": "ready", "checks": READY})


@contextmanager
def _locked(url: str) -> Iterator[None]:
    """Keep everybody else from writing."""
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def test_a_gateway_that_goes_away_is_alive_and_not_ready() -> None:
    """From the first moment of a shutdown to its last call."""
    gate = Gate(FOUND)
    async with scripted(gate) as platform:
        settings = settings_for(platform.url, server={"grace_s": 60}, **ADMIN)
        async with standing(settings) as (client, end):
            call = asyncio.ensure_future(_answered(CREATE(client)))
            await gate.asked.wait()
            ended = end()
            async with asyncio.timeout(15):
                while (answer := await readiness(client.gateway))[0] == 200:
                    pass
            assert answer == (503, {"status": "not ready", "checks": {**READY, "serving": "no new work is taken"}})
            assert await is_alive(client.gateway)

            gate.open.set()
            await call
            await asyncio.wait_for(ended, 15)


async def _answered(call: Any) -> Any:
    return await call


@pytest.mark.parametrize(
    ("path", "verb", "status"),
    [
        ("/", "GET", 404),
        ("/metrics/", "GET", 404),
        ("/metrics", "POST", 405),
        ("/livez", "DELETE", 405),
        ("/readyz", "PUT", 405),
        ("/livez", "HEAD", 200),
    ],
)
async def test_there_is_nothing_else(path: str, verb: str, status: int) -> None:
    """Three pages, and they are read."""
    async with gateway(settings_for("http://127.0.0.1:1", **ADMIN)) as running:
        assert (await page_of(running.admin, path, verb)).status_code == status


# ---------------------------------------------------------------------------------------------------- not asked for

UNUSED: Final = """
import asyncio, json, sys
from gateway.app import gateway
from gateway.settings import load_settings

async def main():
    async with gateway(load_settings(**json.loads(sys.argv[1]))) as running:
        print(json.dumps([running.admin, [name for name in ("prometheus_client", "opentelemetry") if name in sys.modules]]))

asyncio.run(main())
"""


async def test_what_is_not_asked_for_is_not_there(tmp_path: Any) -> None:
    """Without the settings there is no listener, and neither library is even imported."""
    content = {
        "server": {"listen": "127.0.0.1:0"},
        "ledger": {"url": f"sqlite:///{tmp_path}/ledger.db"},
        "operators": {"site": {"secret": "x", "platform_url": "http://127.0.0.1:1"}},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", UNUSED, json.dumps(content), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        said, _ = await process.communicate()

    assert json.loads(said) == [None, []]


async def test_an_address_that_is_taken_stops_the_start() -> None:
    """Whoever relies on the metrics hears at once that there are none."""
    async with gateway(settings_for("http://127.0.0.1:1", **ADMIN)) as running:
        with pytest.raises(OSError, match="in use"):
            async with gateway(settings_for("http://127.0.0.1:1", admin={"listen": running.admin})):
                pytest.fail("it started")


@pytest.mark.parametrize("listen", ["9464", ":9464", "127.0.0.1:x", "127.0.0.1:70000"])
def test_an_address_has_to_be_one(listen: str) -> None:
    """Host and port, as everywhere."""
    with pytest.raises(SettingsProblems, match=r"^admin\.listen: has to be host:port$"):
        settings_for("http://127.0.0.1:1", admin={"listen": listen})
