"""Does an operator's own PAM endpoint keep the platform's rules? A contract test to run against it."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click
import httpx

from gateway.cli.pam_contract import Contract, Finding, Verdict
from gateway.cli.pam_endpoint import Endpoint, Signer, Unreachable
from gateway.cli.pam_scripts import Stake
from gateway.cli.signing_command import read_key
from gateway.cli.status_text import printable
from gateway.cli.tables import Table

__all__ = ["pam_command"]

_WIDTH: Final = 100


@click.group()
def pam_command() -> None:
    """Check a player account endpoint of one's own."""


def _url(_: click.Context, __: click.Parameter, given: str) -> str:
    try:
        url = httpx.URL(given)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host:
        raise click.BadParameter(f"{given!r} has to be an http or https URL")
    return given


@pam_command.command("check")
@click.option("--target", required=True, callback=_url, metavar="URL", help="The endpoint.")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The operator's key; a newline at its end does not count.",
)
@click.option("--operator", required=True, metavar="NAME", help="The operator's name.")
@click.option("--token", required=True, metavar="PLAYER_TOKEN", help="A test player who has the price and more.")
@click.option("--price", type=click.IntRange(min=1), default=100, show_default=True, help="Of each ticket, in cents.")
@click.option("--currency", default="KES", show_default=True, help="The player's.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How long an answer may take.",
)
def check_command(
    *, target: str, secret_file: Path, operator: str, token: str, price: int, currency: str, timeout: float
) -> None:
    """Try the platform's rules on a PAM endpoint, with a player's money.

    Signatures that have to be refused, deliveries that come twice, a discard before its create, a rollback and a second
    result, and the like. The tickets are new ones, and what was moved is moved back; nobody else should use the
    player's account meanwhile.

    The exit status is 0 if no case failed. A warning is about something that the platform does not document.
    """
    signer = Signer(operator, read_key(secret_file))
    findings, contract = asyncio.run(_checked(target, signer, Stake(token, price, currency), timeout))
    click.echo(_table(findings).text(shutil.get_terminal_size((_WIDTH, 24)).columns))
    click.echo(_summary(findings, contract))
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise SystemExit(1)


async def _checked(target: str, signer: Signer, stake: Stake, timeout_s: float) -> tuple[list[Finding], Contract]:
    # httpx loads certificates even for a client that will never need them, unless it is given a context.
    context = ssl.create_default_context() if target.startswith("https") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=None) as client:  # noqa: S113 - Endpoint's
        contract = Contract(Endpoint(target, client, timeout_s), signer, stake)
        try:
            return [finding async for finding in contract.findings()], contract
        except Unreachable as error:
            raise click.ClickException(f"cannot reach {target}: {printable(str(error))}") from None


def _table(findings: Iterable[Finding]) -> Table:
    rows = tuple((each.case, each.expected, each.verdict.value, each.seen) for each in findings)
    return Table(("Case", "Expected", "", "Seen"), rows, code=0)


def _summary(findings: list[Finding], contract: Contract) -> str:
    counts = {verdict: sum(each.verdict is verdict for each in findings) for verdict in Verdict}
    balance = {number: "unknown" if number is None else str(number) for number in (contract.before, contract.after)}
    return (
        f"{counts[Verdict.PASS]} passed, {counts[Verdict.WARN]} warned, {counts[Verdict.FAIL]} failed; "
        f"the balance was {balance[contract.before]} and is {balance[contract.after]}"
    )
