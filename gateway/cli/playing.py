"""How are sandbox and gateway run to play with? Until SIGTERM or SIGINT; what runs where is printed once it answers."""

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
from google.protobuf.message import Message

from gateway.cli.addresses import Address, require_free
from gateway.cli.log import log_to_stderr
from gateway.cli.playground import USUAL, Addresses, Playground, play_settings, playground
from gateway.cli.settings_file import CONFIG, settings_refused
from gateway.cli.wallet_lines import wallet_line
from gateway.event_loop import run_on_loop
from gateway.sandbox import Family, Sandbox, SandboxOptions, sandbox
from gateway.settings import Settings

__all__ = ["run_command", "sandbox_command"]

_CALL_TARGET: Final = USUAL.gateway
"""What `call` calls where nothing else is said."""

_CONTROL: Final = click.option(
    "--control",
    type=Address(),
    default=USUAL.control,
    show_default=True,
    help="Where SandboxService listens, which steers the sandbox.",
)


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
@click.option("--listen", type=Address(), default=USUAL.sandbox, show_default=True, help="Port 0 takes a free one.")
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
@CONFIG
@click.option("--listen", type=Address(), help="Where the gateway listens; what the settings say if absent.")
@click.option(
    "--webhooks-listen",
    type=Address(),
    help=f"Where the gateway receives webhooks; what the settings say if absent, or {USUAL.webhooks}.",
)
@click.option(
    "--wallet-listen",
    type=Address(),
    default=USUAL.wallet,
    show_default=True,
    help="Where the operators' own services listen.",
)
@click.option(
    "--sandbox-listen", type=Address(), default=USUAL.sandbox, show_default=True, help="Where the sandbox listens."
)
@_CONTROL
def run_command(
    *,
    config: Path | None,
    listen: str | None,
    webhooks_listen: str | None,
    wallet_listen: str,
    sandbox_listen: str,
    control: str,
) -> None:
    """Run gateway, sandbox and an operator's wallet, to play with.

    All run in one process. Without a file there is one operator, `site`. Every operator is served by the sandbox and has
    the wallet for its own services, whatever addresses it has in the file, and nothing is kept. What the wallet does is
    printed. Port 0 takes a free port.
    """
    with settings_refused():
        settings = play_settings(config)
    addresses = Addresses(
        gateway=listen or settings.server.listen,
        webhooks=webhooks_listen or settings.webhooks.listen or USUAL.webhooks,
        wallet=wallet_listen,
        sandbox=sandbox_listen,
        control=control,
    )
    with settings_refused(), log_to_stderr("warning", settings.log.format):
        run_on_loop(settings.server, _run_all(settings, addresses))


async def _run_all(settings: Settings, addresses: Addresses) -> None:
    def heard(request: Message, key: str) -> None:
        click.echo(f"wallet   {wallet_line(place.wallet, request, key)}")

    with _told_to_end() as end:
        async with playground(settings, addresses, heard) as place:
            click.echo(f"gateway  {place.gateway.target}")
            click.echo(f"webhooks {place.gateway.webhooks}")
            click.echo(f"wallet   {place.wallet.target}")
            click.echo(_about_sandbox(place.platform, settings.operators))
            click.echo(_to_paste(place, settings.default_operator or next(iter(settings.operators))))
            await end.wait()


def _to_paste(place: Playground, operator: str) -> str:
    """Return commands for another terminal: what there is, a card, a bet on it, its result."""
    target = [] if place.gateway.target == _CALL_TARGET else ["--target", place.gateway.target]
    control = ["--target", place.platform.control_target or ""]
    named = json.dumps({"operator": operator})
    bet = json.dumps(_superbet(place.platform, operator))
    won = json.dumps({"step": "TICKET_STEP_WIN"})
    player = json.dumps({"operator": operator, "token": place.platform.wallet.players()[0].token})
    commands: tuple[tuple[str, ...], ...] = (
        tuple(target),
        (*target, "CardService/ListSuperbetCards", "-d", named),
        (*target, "TicketService/CreateTicket", "-d", bet),
        (*control, "SandboxService/AdvanceTicket", "-d", won),
        (*target, "PamService/Identify", "-d", player),
    )
    lines = (f"  {_program()} {shlex.join(['call', *command])}" for command in commands)
    return "\n".join(("\nIn another terminal, line by line:\n", *lines, ""))


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
