"""How are gateway and sandbox run? Until SIGTERM or SIGINT; what runs where is printed once it answers."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import click

from gateway.app import Gateway, serve
from gateway.cli.addresses import Address, require_free
from gateway.cli.log import log_to_stderr
from gateway.cli.playground import Playground, play_settings, playground
from gateway.ledger.database import LedgerUnavailable
from gateway.sandbox import Family, Sandbox, SandboxOptions, sandbox
from gateway.settings import Settings, SettingsProblems, load_settings

__all__ = ["run_command", "sandbox_command", "serve_command", "settings_refused"]

_SANDBOX_ADDRESS: Final = "127.0.0.1:9090"
_CONTROL_ADDRESS: Final = "127.0.0.1:50060"
_CALL_TARGET: Final = "127.0.0.1:50051"
"""What `call` calls where nothing else is said."""

_CONFIG: Final = click.option(
    "--config", type=click.Path(path_type=Path), metavar="FILE", help="Settings, a TOML file; the environment wins."
)
_CONTROL: Final = click.option(
    "--control",
    type=Address(),
    default=_CONTROL_ADDRESS,
    show_default=True,
    help="Where SandboxService listens, which steers the sandbox.",
)


@click.command()
@_CONFIG
def serve_command(config: Path | None) -> None:
    """Run the gateway.

    Without a file the environment alone says everything; `betstack-gateway settings` prints what can be said.
    """
    with settings_refused():
        settings = load_settings(config)
    for address in (settings.server.listen, settings.admin.listen):
        if address is not None:
            require_free(address)
    try:
        with settings_refused(), log_to_stderr(settings.log.level, settings.log.format):
            asyncio.run(serve(settings, _announce))
    except LedgerUnavailable as error:
        raise click.ClickException(f"ledger.url: {error}") from None


def _announce(running: Gateway) -> None:
    click.echo(f"gateway  {running.target}")
    if running.admin is not None:
        click.echo(f"admin    http://{running.admin}")


@contextmanager
def settings_refused() -> Iterator[None]:
    """Print what is wrong with settings, one line a problem, and end with status 2."""
    try:
        yield
    except SettingsProblems as error:
        for problem in error.problems:
            click.echo(problem, err=True)
        raise SystemExit(2) from None


def _operators(_: click.Context, __: click.Parameter, given: Iterable[str]) -> Mapping[str, str]:
    """Take ``NAME=SECRET`` apart."""
    operators = {}
    for each in given:
        name, _equals, secret = each.partition("=")
        if not name or not secret:
            raise click.BadParameter(f"{each!r} has to be NAME=SECRET")
        operators[name] = secret
    return operators


@click.command()
@click.option("--listen", type=Address(), default=_SANDBOX_ADDRESS, show_default=True, help="Port 0 takes a free one.")
@_CONTROL
@click.option("--data", type=click.Path(path_type=Path), metavar="DIR", help="Keep tickets and money here.")
@click.option(
    "--operator",
    "operators",
    multiple=True,
    callback=_operators,
    metavar="NAME=SECRET",
    help="An operator and its key, once for each; site=12345ABCDE if absent.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Decides matches, odds and codes.")
def sandbox_command(*, listen: str, control: str, data: Path | None, operators: Mapping[str, str], seed: int) -> None:
    """Run a platform of our own, to test against."""
    options = SandboxOptions(listen=listen, control=control, data=data, seed=seed)
    require_free(listen)
    require_free(control)
    try:
        asyncio.run(_run_sandbox(replace(options, operators=operators) if operators else options))
    except OSError as error:
        raise click.ClickException(f"the sandbox cannot run: {error}") from None


async def _run_sandbox(options: SandboxOptions) -> None:
    with _told_to_end() as end:
        async with sandbox(options) as platform:
            click.echo(_about_sandbox(platform, options.operators))
            await end.wait()


def _about_sandbox(platform: Sandbox, operators: Iterable[str]) -> str:
    players = "\n".join(
        f"    {player.token:<16}{platform.wallet.balance(player.id) / 100:>12,.2f} {player.currency}"
        + ("  blocked" if player.blocked else "")
        for player in platform.wallet.players()
    )
    return "\n".join(
        (
            f"sandbox  {platform.url}",
            f"control  {platform.control_target}",
            f"  operators: {', '.join(operators)}",
            f"  player tokens:\n{players}",
        )
    )


@contextmanager
def _told_to_end() -> Iterator[asyncio.Event]:
    """Set the event at SIGTERM and SIGINT."""
    end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end.set)
    yield end


@click.command()
@_CONFIG
@click.option("--listen", type=Address(), help="Where the gateway listens; what the settings say if absent.")
@click.option(
    "--sandbox-listen", type=Address(), default=_SANDBOX_ADDRESS, show_default=True, help="Where the sandbox listens."
)
@_CONTROL
def run_command(*, config: Path | None, listen: str | None, sandbox_listen: str, control: str) -> None:
    """Run the gateway and a sandbox to play with, in one process.

    Without a file there is one operator, `site`. Every operator is served by the sandbox, whatever URLs it has in the
    file, and nothing is kept. Port 0 takes a free port.
    """
    with settings_refused():
        settings = play_settings(config)
    with log_to_stderr("warning", settings.log.format):
        asyncio.run(_run_both(settings, listen or settings.server.listen, sandbox_listen, control))


async def _run_both(settings: Settings, listen: str, sandbox_listen: str, control: str) -> None:
    with _told_to_end() as end:
        async with playground(settings, listen, sandbox_listen, control) as place:
            click.echo(f"gateway  {place.gateway.target}")
            click.echo(_about_sandbox(place.platform, settings.operators))
            click.echo(_to_paste(place, settings.default_operator or next(iter(settings.operators))))
            await end.wait()


def _to_paste(place: Playground, operator: str) -> str:
    """Return three commands for another terminal: what there is, a card, a bet on it."""
    target = [] if place.gateway.target == _CALL_TARGET else ["--target", place.gateway.target]
    named = json.dumps({"operator": operator})
    bet = json.dumps(_superbet(place.platform, operator))
    commands: tuple[tuple[str, ...], ...] = (
        (),
        ("CardService/ListSuperbetCards", "-d", named),
        ("TicketService/CreateTicket", "-d", bet),
    )
    lines = (f"  {_program()} {shlex.join(['call', *target, *command])}" for command in commands)
    return "\n".join(("\nIn another terminal:\n", *lines))


def _superbet(platform: Sandbox, operator: str) -> Mapping[str, object]:
    """Return a request that places a bet on today's first superbet card."""
    card: Any = platform.cards.card(Family.SUPERBET, platform.cards.codes(Family.SUPERBET)[0], operator)
    player = platform.wallet.players()[0]
    return {
        "request_id": str(uuid4()),
        "operator": operator,
        "token": player.token,
        "price": 2000,
        "currency": player.currency,
        "source": "TICKET_SOURCE_MOBILE",
        "superbet": {"event": card["event"]["id"], "bets": [bet["id"] for bet in card["bets"][:2]]},
    }


def _program() -> str:
    """Return how this program was called, to be pasted into a shell."""
    called = Path(sys.argv[0])
    return f"{shlex.quote(sys.executable)} -m gateway" if called.name == "__main__.py" else shlex.quote(str(called))
