"""Do clients in other languages get along with the gateway? ``python -m tests.clients [go|java|node ...]``.

Each is built and walks its road twice: in plaintext, and over TLS with a token. With Go there is a wallet, too; with all
three, stubs for every language that the contract is offered for. One line each says what was seen.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import click
import grpc.aio

from tests.clients.programs import PROGRAMS, ROOT, Failed, Program, lacking, run
from tests.clients.stubs import generated_stubs
from tests.clients.wallet import wallet_in_go
from tests.clients.world import Door, guarded, world

_SERVICE_CONFIG: Final = ROOT / "generated" / "betstack" / "service_config.json"
_WALK_S: Final = 120


class _Report:
    """What went wrong, and what could not be tried; told line by line."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.skipped: list[str] = []

    async def tell(self, name: str, work: Awaitable[str]) -> bool:
        """Do something, and say in a line what came of it; return whether it went well."""
        try:
            self._line(name, await work)
        except (Failed, grpc.aio.AioRpcError) as problem:
            self.failed.append(name)
            said = f"{problem.code().name} {problem.details()}" if isinstance(problem, grpc.RpcError) else str(problem)
            self._line(name, click.style(f"FAILED: {said}", fg="red"))
            return False
        return True

    def skip(self, name: str, missing: Sequence[str]) -> None:
        """Say that something cannot be tried on this machine."""
        self.skipped.append(name)
        self._line(name, click.style(f"not tried: {', '.join(missing)} not found", fg="yellow"))

    @staticmethod
    def _line(name: str, text: str) -> None:
        click.echo(f"{name:<8}{text}")


async def _walk(program: Program, door: Door) -> str:
    """Let a client walk its road, and return the line that it prints."""
    async with world(door) as running:
        places = ("--target", f"localhost:{running.gateway.port}", "--sandbox", running.platform.control_target or "")
        arguments = (*places, "--service-config", str(_SERVICE_CONFIG), *door.arguments)
        return await run((*program.run, *arguments), program.folder, timeout_s=_WALK_S)


async def _tried(program: Program, folder: Path) -> str:
    for command in program.build:
        await run(command, program.folder)
    await _walk(program, Door({}, ()))
    return f"in plaintext, and over TLS with a token: {await _walk(program, guarded(folder))}"


async def _all(names: Sequence[str]) -> _Report:
    report = _Report()
    done: list[str] = []
    for program in (each for each in PROGRAMS if not names or each.name in names):
        if missing := lacking(program.tools):
            report.skip(program.name, missing)
            continue
        with TemporaryDirectory(prefix="client-") as scratch:
            if not await report.tell(program.name, _tried(program, Path(scratch))):
                continue
        done.append(program.name)
        if program.name == "go":
            with TemporaryDirectory(prefix="wallet-") as scratch:
                await report.tell("wallet", wallet_in_go(program.folder / "bin" / "wallet", Path(scratch)))
    if len(done) == len(PROGRAMS):
        with TemporaryDirectory(prefix="stubs-") as scratch:
            await report.tell("stubs", generated_stubs(Path(scratch)))
    return report


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([each.name for each in PROGRAMS]))
def main(names: tuple[str, ...]) -> None:
    """Build and run the clients; a tool that is missing is a failure in CI only."""
    report = asyncio.run(_all(names))
    if report.failed or (report.skipped and os.environ.get("CI") == "true"):
        sys.exit(1)


if __name__ == "__main__":
    main()
