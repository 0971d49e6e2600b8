"""How is the gateway run? Until SIGTERM or SIGINT; where it is reached is printed once it answers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import click

from gateway.app import Gateway, serve
from gateway.cli.addresses import require_free
from gateway.cli.log import log_to_stderr
from gateway.cli.settings_file import CONFIG, settings_refused
from gateway.cli.workers import Pipes, WorkersFailed, supervised
from gateway.event_loop import run_on_loop
from gateway.ledger.database import LedgerUnavailable
from gateway.settings import Settings, load_settings

__all__ = ["serve_command"]


@click.command()
@CONFIG
@click.option(
    "--workers", type=click.IntRange(1, 64), metavar="N", help="Processes on one port; as set if absent, or 1."
)
@click.option("--worker", type=Pipes(), hidden=True)
def serve_command(config: Path | None, workers: int | None, worker: tuple[int, int] | None) -> None:
    """Run the gateway.

    Without a file the environment alone says everything; `betstack-gateway settings` prints what can be said.

    SIGTERM and SIGINT let it drain and end; SIGHUP lets it read changed settings. With several workers a dead one is
    replaced, and SIGUSR2 replaces all, one by one, under load.
    """

    def read() -> Settings:
        return _with_workers(load_settings(config), workers)

    with settings_refused():
        settings = read()
    try:
        with settings_refused(), log_to_stderr(settings.log.level, settings.log.format):
            if worker is not None:
                _work(settings, read, *worker)
            elif settings.server.workers > 1:
                asyncio.run(supervised(settings, ["--config", str(config)] if config else []))
            else:
                for address in (settings.server.listen, settings.webhooks.listen, settings.admin.listen):
                    if address is not None:
                        require_free(address)
                run_on_loop(settings.server, serve(settings, _announce, reread=read))
    except LedgerUnavailable as error:
        raise click.ClickException(f"ledger.url: {error}") from None
    except WorkersFailed:
        raise SystemExit(1) from None


def _with_workers(settings: Settings, workers: int | None) -> Settings:
    if workers is None:
        return settings
    return settings.model_copy(update={"server": settings.server.model_copy(update={"workers": workers})})


def _work(settings: Settings, reread: Callable[[], Settings], life: int, tells: int) -> None:
    """Serve as one of several workers, until the one that started it is gone; tells where once it does."""

    def announce(running: Gateway) -> None:
        with os.fdopen(tells, "w") as out:
            out.write(_addresses(running))

    run_on_loop(settings.server, serve(settings, announce, reread=reread, life=life))


def _announce(running: Gateway) -> None:
    click.echo(_addresses(running))


def _addresses(running: Gateway) -> str:
    """Return where it can be reached, one line each."""
    lines = [f"gateway  {running.target}"]
    if running.webhooks is not None:
        lines.append(f"webhooks {running.webhooks}")
    if running.admin is not None:
        lines.append(f"admin    http://{running.admin}")
    return "\n".join(lines)
