"""What can be typed after ``betstack-gateway``? A table of commands, each imported when it is asked for.

So ``--help`` is quick although ``serve`` and its neighbours import gRPC and an HTTP server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

__all__ = ["COMMANDS", "main"]

# gRPC reads this when it is imported. What it writes by itself is in another form than our log, and names no call.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

COMMANDS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Run": {
        "run": ("gateway.cli.playing", "Run gateway, sandbox and an operator's wallet, to play with."),
        "demo": ("gateway.cli.demo", "Place bets through gateway and sandbox and print every call."),
        "serve": ("gateway.cli.serving", "Run the gateway."),
        "sandbox": ("gateway.cli.playing", "Run a platform of our own, to test against."),
    },
    "Set up": {
        "config": ("gateway.cli.config", "Check what the gateway was told."),
        "token": ("gateway.cli.token_command", "Make a bearer token for a caller."),
    },
    "Call": {
        "call": ("gateway.cli.calling", "Call an RPC, or list what a server offers."),
        "ledger": ("gateway.cli.ledger", "List, show and resolve money calls."),
        "sign": ("gateway.cli.signing_command", "Sign a body as the platform wants it signed."),
    },
    "Check": {
        "doctor": ("gateway.cli.doctor", "Look for what would keep the gateway from working."),
        "verify": ("gateway.cli.verifying", "Verify a signature, or say why it does not fit."),
        "pam": ("gateway.cli.pam_checking", "Check a player account endpoint of one's own."),
    },
    "Look up": {
        "routes": ("gateway.cli.tables", "Print which platform call serves which RPC."),
        "errors": ("gateway.cli.tables", "Print why calls fail, and what to do about it."),
        "settings": ("gateway.cli.tables", "Print what can be set."),
        "metrics": ("gateway.cli.tables", "Print what can be measured."),
        "reference": ("gateway.cli.reference.command", "Write the contract as a page with examples of every call."),
        "descriptor": ("gateway.cli.tables", "Write the contract as a binary FileDescriptorSet."),
        "service-config": ("gateway.cli.service_config", "Write how gRPC clients should wait and repeat."),
    },
}
"""Module and first sentence of every command, by section of the help; the module has it as ``<name>_command``."""


class _Commands(click.Group):
    """A group whose commands are imported one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return all names, in the order of the help."""
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        modules = {name: module for commands in COMMANDS.values() for name, (module, _) in commands.items()}
        return _imported(cmd_name, modules[cmd_name]) if cmd_name in modules else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, without importing anything."""
        for title, commands in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, sentence) for name, (_, sentence) in commands.items()])


def _imported(name: str, module: str) -> click.Command:
    command: click.Command = getattr(import_module(module), f"{name.replace('-', '_')}_command")
    return command


@click.group(cls=_Commands)
@click.version_option(package_name="betstack-gateway")
def main() -> None:
    """Gateway to the BetStack platform: gRPC in, signed JSON over HTTP out."""
