"""Do several workers count as one?"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc.aio

from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from tests.admin.scraping import Page, page_of, read
from tests.harness import SECRET, hang_up, http_answer, scripted
from tests.rpc.calls import CREATE, GET_TICKET, Gate, refusal_of

FOUND: Final = http_answer(200, b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}')
WORKER: Final = """
import asyncio, json, sys
from gateway.app import serve
from gateway.settings import load_settings

def started(gateway):
    print(gateway.target, gateway.admin, flush=True)

asyncio.run(serve(load_settings(**json.loads(sys.argv[1])), started))
"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A gateway in a process of its own."""

    process: asyncio.subprocess.Process
    tickets: Any
    admin: str

    async def scrape(self) -> Page:
        """Scrape it."""
        return read((await page_of(self.admin, "/metrics")).text)


@asynccontextmanager
async def worker(url: str, folder: Path) -> AsyncIterator[Worker]:
    """Run a worker that keeps its numbers where others do."""
    content = {
        "server": {"listen": "127.0.0.1:0"},
        "admin": {"listen": "127.0.0.1:0"},
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "default_operator": "site",
        "operators": {"site": {"secret": SECRET, "platform_url": url}},
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORKER, json.dumps(content)),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics")},
    )
    assert process.stdout is not None
    try:
        target, admin = (await process.stdout.readline()).decode().split()
        async with grpc.aio.insecure_channel(target) as channel:
            stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]
            yield Worker(process, stub, admin)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_whichever_worker_is_asked_answers_for_all(tmp_path: Path) -> None:
    """Counts and histograms are sums, the ledger is one; what a dead worker had counted stays, its open calls do not."""
    gate = Gate(FOUND)
    async with (
        scripted(*[FOUND] * 5, hang_up, gate) as platform,
        worker(platform.url, tmp_path) as one,
        worker(platform.url, tmp_path) as other,
    ):
        for each in (one, one, other, other, other):
            await each.tickets.GetTicket(GET_TICKET.made())
        assert (await refusal_of(other.tickets.CreateTicket(CREATE.made()))).info.reason == "OUTCOME_UNKNOWN"
        call = asyncio.ensure_future(refusal_of(other.tickets.GetTicket(GET_TICKET.made())))
        await gate.asked.wait()

        for each in (one, other):  # a worker that is asked brings its own numbers up to date
            await each.scrape()
        for each in (one, other):
            page = await each.scrape()
            assert page.all("rpc_in_flight") == {("TicketService/GetTicket",): 1}
            _require_all_counted(page)

        other.process.kill()
        await asyncio.gather(other.process.wait(), call)
        page = await one.scrape()
        assert page.all("rpc_in_flight") == page.all("upstream_try_in_flight") == {}
        _require_all_counted(page)


def _require_all_counted(page: Page) -> None:
    assert page.value("rpcs_total", rpc="TicketService/GetTicket", operator="site", code="OK", reason="") == 5
    assert page.value("rpc_duration_seconds_count", rpc="TicketService/GetTicket") == 5
    assert page.value("upstream_tries_total", api="be", operator="site", status="200", stage="ANSWERED") == 5
    assert page.value("ledger_operations", operator="site", state="UNKNOWN") == 1
    assert page.meanings["rpc_in_flight"] == "How many RPCs are on their way."
