"""Does every command of the README do what the text around it says?

They are typed as they stand, block by block, each block in a place of its own. Tools of others are needed only for what is
theirs; where one is missing its block is left out, and in CI that is a failure.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

import pytest

from tests.cli.program import started
from tests.readme.expected import EXPECTED, IN_CI, Here, Served, expected, rows
from tests.readme.places import Place, require
from tests.readme.reading import Block, blocks, commands, is_command, mentioned

SHOWN: Final = [block for block in blocks() if is_command(block)]
TOOLS: Final = ("buf", "curl", "grpcurl", "openssl")
"""Programs of others; `make setup` installs the first."""

CI: Final = Path(__file__).parents[2] / ".ci" / "run"


def test_every_command_has_a_row_and_every_row_a_command() -> None:
    """The README does not gain a command that nobody runs, and nothing is expected of one that is gone."""
    found = {
        command: rows(command) for command in (*(each for block in SHOWN for each in commands(block)), *mentioned())
    }

    unclear = {command: keys for command, keys in found.items() if len(keys) != 1}
    assert not unclear, f"each of these needs one row in tests/readme/expected.py: {unclear}"
    assert EXPECTED.keys() == {key for keys in found.values() for key in keys}


def test_ci_runs_what_is_left_to_it() -> None:
    """A command that is too long for a test, or needs more than Python, is in the script of CI."""
    makes = [set(line.split()) for line in CI.read_text().splitlines() if line.lstrip().startswith("make ")]
    for command in (command for command, how in EXPECTED.items() if how is IN_CI):
        assert any(set(command.split()) <= words for words in makes), command


def _run_here(block: Block) -> list[tuple[str, Here | Served]]:
    """Return the commands of a block that are run here."""
    both = ((command, expected(command)) for command in commands(block))
    return [(command, how) for command, how in both if isinstance(how, Here | Served)]


@pytest.mark.parametrize(
    "block", [block for block in SHOWN if _run_here(block)], ids=lambda block: block.beginning.partition(" -")[0]
)
def test_what_is_shown_works(tmp_path: Path, block: Block) -> None:
    """The commands of a block, one after the other, end well and answer in the shape that they should."""
    shown = _run_here(block)
    [place] = {how.place for _, how in shown}
    require(*(tool for tool in TOOLS if any(command.startswith(tool) for command, _ in shown)))
    with place(tmp_path) as there:
        for command, how in shown:
            _try(there, command, how)


@pytest.mark.parametrize("command", [each for each in mentioned() if isinstance(expected(each), Here)])
def test_what_is_mentioned_works(tmp_path: Path, command: str) -> None:
    """A command that the text speaks of ends well, told what it needs, and answers in the shape that it should."""
    how = expected(command)
    assert isinstance(how, Here)
    with how.place(tmp_path) as there:
        _try(there, command, how)


def _try(place: Place, command: str, how: Here | Served) -> None:
    if isinstance(how, Served):
        _serve(place, command)
        return
    done = place.run(how.typed or command)
    assert done.returncode == 0, f"{done.args[-1]}\n{done.stdout}{done.stderr}"
    assert how.shape(done.stdout), f"{done.args[-1]}\n{done.stdout}"


def _serve(place: Place, command: str) -> None:
    """Start what runs until it is told to end."""
    with started(
        command=tuple(shlex.split(place.here(command))), more=place.environment(), cwd=place.folder
    ) as program:
        assert program.line("gateway ")
        assert program.end() == 0
