"""Where does the reference go, and is the one that is there still right?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from gateway.cli.reference.markdown import markdown
from gateway.cli.reference.page import page
from gateway.cli.reference.recording import UnlikeTheReference
from gateway.cli.reference.runs.day import examples

__all__ = ["reference_command"]


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="FOLDER",
    help="Where the two files go; the working directory if absent.",
)
def reference_command(output: Path) -> None:
    """Write the contract as a page with examples of every call.

    There are two files, reference.html and reference.md. The examples are calls that are made while they are written, of
    a gateway and a sandbox on free ports.
    """
    try:
        recorded = asyncio.run(examples())
    except UnlikeTheReference as error:
        raise click.ClickException(str(error)) from None
    output.mkdir(parents=True, exist_ok=True)
    (output / "reference.html").write_text(page(recorded), encoding="utf-8")
    (output / "reference.md").write_text(markdown(recorded), encoding="utf-8")
