"""A gateway with a sandbox behind it, in another process, and a prompt to type commands at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.cli.program import FREE_ALL, Program, started

Prompt = Callable[..., Result]


@pytest.fixture
def prompt() -> Prompt:
    """Return what runs a command in this process."""
    return lambda *arguments, **options: CliRunner().invoke(
        main, [str(each) for each in arguments], prog_name="betstack-gateway", **options
    )


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Write the key of the platform's published samples, with the newline that an editor leaves."""
    path = tmp_path / "key"
    path.write_bytes(b"12345ABCDE\n")
    return path


@pytest.fixture(scope="module")
def both() -> Iterator[Program]:
    """Run gateway and sandbox on free ports."""
    with started("run", *FREE_ALL) as program:
        yield program
        assert program.end() == 0


@pytest.fixture(scope="module")
def target(both: Program) -> str:
    """Return where the gateway is."""
    return both.line("gateway").split()[1]
