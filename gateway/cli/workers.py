"""How do several processes serve one port? Each binds it for itself; this one starts, watches, replaces and ends them.

Workers are programs of their own and not forks, because gRPC's threads do not survive one. They share the ledger as any
gateways do. A worker holds the reading end of a pipe whose other end only this process has: when it dies, however it dies,
they drain and go.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Final

import click

from gateway.cli.addresses import require_free
from gateway.settings import ENV_PREFIX, Server, Settings, host_and_port

__all__ = ["Pipes", "WorkersFailed", "supervised"]

LOG: Final = logging.getLogger("gateway.workers")

_METRICS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where all workers keep their numbers, so that any of them can tell those of all."""

_PAUSE_S: Final = 1.0
"""How long a dead worker's place stays empty, so that one that cannot live does not take all the time there is."""

_MARGIN_S: Final = 5.0
"""How much longer than its settings allow a worker may take to end, in seconds."""


class WorkersFailed(Exception):  # noqa: N818 - it says what happened
    """The workers did not come up; they have said why."""


class Pipes(click.ParamType[tuple[int, int], str]):
    """The type of the option by which a worker gets its two pipes."""

    name = "life,tells"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return the descriptors, or refuse what is none."""
        try:
            life, tells = map(int, value.split(","))
            os.fstat(life), os.fstat(tells)
        except (ValueError, OSError):
            self.fail("is for workers, which `serve` starts itself", param, ctx)
        return life, tells


@dataclass(frozen=True, slots=True)
class _Worker:
    process: asyncio.subprocess.Process
    addresses: str


async def supervised(settings: Settings, arguments: Sequence[str]) -> None:
    """Run ``settings.server.workers`` processes of `serve` with these arguments until SIGTERM or SIGINT.

    Where they can be reached goes to standard output once all serve. SIGHUP goes on to the workers; SIGUSR2 replaces
    them one by one. Raises WorkersFailed where one does not come up at the start.
    """
    with ExitStack() as stack:
        addresses = {
            "SERVER__LISTEN": settings.server.listen,
            "WEBHOOKS__LISTEN": settings.webhooks.listen,
            "ADMIN__LISTEN": settings.admin.listen,
        }
        held = {name: stack.enter_context(_held(at)) for name, at in addresses.items() if at is not None}
        environment = {f"{ENV_PREFIX}{name}": address for name, address in held.items()}
        environment[f"{ENV_PREFIX}SERVER__WORKERS"] = str(settings.server.workers)
        if settings.admin.listen is not None:
            environment[_METRICS] = stack.enter_context(TemporaryDirectory(prefix="betstack-gateway-"))
        life, mine = os.pipe()
        stack.callback(os.close, mine)
        stack.callback(os.close, life)
        workers = _Workers(settings.server, arguments, environment, life)
        await workers.run()


@contextmanager
def _held(address: str) -> Iterator[str]:
    """Keep an address for the workers; gives it with the port that it has."""
    require_free(address)
    host, port = host_and_port(address)
    family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with closing(socket.socket(family, kind, protocol)) as held:
        # Bound and not listening: nobody else gets the port, and no connection comes here.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(place)
        yield f"{address.rpartition(':')[0]}:{held.getsockname()[1]}"


class _Workers:
    """The processes, each in its place."""

    def __init__(self, settings: Server, arguments: Sequence[str], environment: Mapping[str, str], life: int) -> None:
        self._settings = settings
        self._arguments = arguments
        self._environment = {**os.environ, **environment}
        self._life = life
        self._places: list[_Worker] = []
        self._end = asyncio.Event()
        self._replacing: asyncio.Task[None] | None = None
        self._hangups = 0

    async def run(self) -> None:
        """Start them, keep their number, and end them."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        started = await asyncio.gather(
            *(self._started() for _ in range(self._settings.workers)), return_exceptions=True
        )
        self._places = [worker for worker in started if isinstance(worker, _Worker)]
        try:
            if len(self._places) < len(started):
                raise WorkersFailed
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
            loop.add_signal_handler(signal.SIGUSR2, self._replace)
            click.echo(self._places[0].addresses)
            keepers = [asyncio.ensure_future(self._keep(place)) for place in range(len(self._places))]
            await self._end.wait()
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
        finally:
            await self._stop_replacing()
            await asyncio.gather(*(self._ended(worker) for worker in self._places))

    async def _started(self) -> _Worker:
        """Start a process and wait until it serves; raises WorkersFailed where it ends before that."""
        hangups = self._hangups
        hears, tells = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway",
                "serve",
                *self._arguments,
                "--worker",
                f"{self._life},{tells}",
                env=self._environment,
                pass_fds=(self._life, tells),
                # What a terminal sends goes to all of its programs; workers are told by this one alone.
                start_new_session=True,
            )
        finally:
            os.close(tells)
        addresses = await _text(hears)
        if addresses:
            if hangups != self._hangups:  # it may have read its settings before they changed
                process.send_signal(signal.SIGHUP)
            return _Worker(process, addresses)
        raise WorkersFailed(f"a worker ended with status {await process.wait()} before it served")

    async def _keep(self, place: int) -> None:
        """Put another worker where one died."""
        while True:
            worker = self._places[place]
            status = await worker.process.wait()
            if worker is not self._places[place]:
                continue
            LOG.error("worker %d ended with status %d; another takes its place", worker.process.pid, status)
            await asyncio.sleep(_PAUSE_S)
            with suppress(WorkersFailed):
                self._places[place] = await self._started()

    def _hang_up(self) -> None:
        self._hangups += 1
        for worker in self._places:
            with suppress(ProcessLookupError):
                worker.process.send_signal(signal.SIGHUP)

    def _replace(self) -> None:
        if self._replacing is None or self._replacing.done():
            self._replacing = asyncio.ensure_future(self._replaced())

    async def _replaced(self) -> None:
        """Let a new worker serve before the old one goes, one place after the other."""
        for place, old in enumerate(tuple(self._places)):
            try:
                new = await self._started()
            except WorkersFailed as problem:
                LOG.error("%s; the old workers go on", problem)  # noqa: TRY400 - it has no more to tell
                return
            self._places[place] = new
            await self._ended(old)
            LOG.info("worker %d took the place of worker %d", new.process.pid, old.process.pid)

    async def _stop_replacing(self) -> None:
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.gather(self._replacing, return_exceptions=True)

    async def _ended(self, worker: _Worker) -> None:
        """Ask a worker to drain, and wait for it; one that does not end is killed."""
        settings = self._settings
        patience_s = settings.lameduck_s + 1.2 * settings.connection_age_s + settings.grace_s + _MARGIN_S
        with suppress(ProcessLookupError):
            worker.process.terminate()
        try:
            async with asyncio.timeout(patience_s):
                await worker.process.wait()
        except TimeoutError:
            LOG.error("worker %d did not end and is killed", worker.process.pid)  # noqa: TRY400 - nothing was raised
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()


async def _text(descriptor: int) -> str:
    """Read all that is written into a pipe, and close it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        return (await reader.read()).decode()
    finally:
        transport.close()
