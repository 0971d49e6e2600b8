"""How do several processes serve one port?"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from betstack.ticket.v1 import ticket_service_pb2 as ticket
from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from gateway.sandbox import Sandbox
from tests.admin.scraping import page_of, read
from tests.cli.conftest import Prompt
from tests.cli.program import FREE, PATIENCE_S, Program, ended, started
from tests.harness import SECRET
from tests.rpc.bets import placed


@pytest.fixture
def config(platform: Sandbox, tmp_path: Path) -> Path:
    """Write the settings of a gateway with two workers."""
    path = tmp_path / "gateway.toml"
    path.write_text(f"""
        default_operator = "site"
        server = {{ listen = "{FREE}", workers = 2, connection_age_s = 1 }}
        log = {{ level = "warning", format = "text" }}
        webhooks.listen = "{FREE}"
        admin.listen = "{FREE}"
        ledger.url = "sqlite:///{tmp_path}/gateway.db"
        [operators.site]
        secret = "{SECRET}"
        platform_url = "{platform.url}"
    """)
    return path


@contextmanager
def working(config: Path) -> Iterator[tuple[Program, str]]:
    """Start the gateway; gives it and where it serves."""
    with started("serve", "--config", str(config)) as program:
        yield program, program.line("gateway").split()[1]


def workers(program: Program) -> set[int]:
    """Return the processes that work for a program."""
    children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
    return set(map(int, children.read_text().split()))


def is_gone(process: int) -> bool:
    """Tell whether a process has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.02)


async def test_two_workers_serve_one_port_and_end_together(config: Path) -> None:
    """Both listen on the port that is printed once; at SIGTERM both drain, and the exit status is 0."""
    with working(config) as (program, target):
        both = workers(program)
        assert len(both) == 2
        assert len(listening(target)) == 2

        assert await asyncio.to_thread(program.end) == 0
        assert all(map(is_gone, both))


def listening(target: str) -> list[str]:
    """Return the sockets that listen on a port."""
    port = f":{int(target.rpartition(':')[2]):04X}"
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[1].endswith(port) and row[3] == "0A"]


async def test_a_dead_worker_is_replaced(config: Path) -> None:
    """Its place is taken, and the log says how it ended."""
    with working(config) as (program, target):
        first = min(workers(program))
        os.kill(first, signal.SIGKILL)

        await until(lambda: first not in workers(program) and len(workers(program)) == 2)
        await until(lambda: len(listening(target)) == 2)
        assert f"worker {first} ended with status -9" in await asyncio.to_thread(program.line, "2")


@pytest.fixture
def talkative(config: Path) -> Path:
    """Write the same settings with more to be heard."""
    config.write_text(config.read_text().replace("warning", "info"))
    return config


async def test_changed_settings_come_into_force_in_every_worker(talkative: Path) -> None:
    """One SIGHUP is one for all of them."""
    with working(talkative) as (program, _):
        program.send(signal.SIGHUP)

        for _ in range(2):
            assert await asyncio.to_thread(program.line_with, "the settings are in force")
        assert await asyncio.to_thread(program.end) == 0


async def test_workers_die_with_their_parent(config: Path) -> None:
    """Nobody is left serving when the process that started them is killed."""
    with working(config) as (program, target):
        both = workers(program)
        program.end(signal.SIGKILL)

        await until(lambda: all(map(is_gone, both)))
        assert listening(target) == []


async def test_a_rolling_restart_under_load_loses_no_call(config: Path, platform: Sandbox) -> None:
    """SIGUSR2 replaces both workers while bets are placed and tickets read: every call ends well, every bet once."""
    with working(config) as (program, target), ExitStack() as stop:
        before = workers(program)
        over = asyncio.Event()
        stop.callback(over.set)
        load = [asyncio.ensure_future(_calls(target, platform, over)) for _ in range(4)]

        os.kill(program.pid, signal.SIGUSR2)
        await until(lambda: workers(program).isdisjoint(before) and len(workers(program)) == 2)

        over.set()
        bets = sum(await asyncio.gather(*load))
        assert await asyncio.to_thread(program.end) == 0
    assert bets > 0
    assert len(platform.book.tickets(limit=10 * bets)) == bets


async def _calls(target: str, platform: Sandbox, over: asyncio.Event) -> int:
    """Place and read tickets over a channel of one's own, as gRPC makes it, and count the bets."""
    alone: Any = [("grpc.use_local_subchannel_pool", 1)]
    bets = 0
    async with grpc.aio.insecure_channel(target, alone) as channel:
        stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]
        while not over.is_set():
            made = (await stub.CreateTicket(placed(platform, price=1), timeout=PATIENCE_S)).ticket
            found = await stub.GetTicket(ticket.GetTicketRequest(identifier=made.id), timeout=PATIENCE_S)
            assert found.ticket.code == made.code
            bets += 1
    return bets


async def test_the_workers_count_as_one(config: Path) -> None:
    """Metrics and health have one address, and whichever worker answers there tells the numbers of all.

    What another worker has counted is seen a moment later.
    """
    with working(config) as (program, target):
        admin = program.line("admin").split("//")[1]
        alone: Any = [("grpc.use_local_subchannel_pool", 1)]
        for _ in range(6):
            async with grpc.aio.insecure_channel(target, alone) as channel:
                stub: Any = TicketServiceStub(channel)  # type: ignore[no-untyped-call]
                await stub.ListTickets(ticket.ListTicketsRequest(limit=1), timeout=PATIENCE_S)

        async with asyncio.timeout(PATIENCE_S):
            while await _counted(admin) < 6:
                pass
        for _ in range(6):
            assert await _counted(admin) == 6
            assert (await page_of(admin, "/readyz")).status_code == 200


async def _counted(admin: str) -> float:
    counted = read((await page_of(admin, "/metrics")).text).all("rpcs_total")
    return counted.get(("OK", "site", "", "TicketService/ListTickets"), 0)


async def test_workers_that_cannot_start_say_why(config: Path) -> None:
    """The problem is printed by those that have it, and the exit status is 1."""
    more = {"GATEWAY_LEDGER__URL": f"sqlite:///{config.parent}/none/gateway.db"}

    answer = await asyncio.to_thread(ended, "serve", "--config", str(config), more=more)

    assert answer.returncode == 1
    assert "Error: ledger.url: " in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("pipes", ["", "1", "a,b", "997,998"])
def test_the_option_of_workers_is_not_for_people(prompt: Prompt, pipes: str) -> None:
    """It takes descriptors that only the starting process can give."""
    answer = prompt("serve", "--worker", pipes)

    assert answer.exit_code == 2
    assert "is for workers, which `serve` starts itself" in answer.output
