"""What can be typed?"""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from gateway.cli import COMMANDS, main
from tests.cli.conftest import Prompt
from tests.cli.program import ended

ALL = [(name, sentence) for commands in COMMANDS.values() for name, (_, sentence) in commands.items()]
HEAVY = ("grpc", "uvicorn", "starlette", "httpx", "pydantic", "google.protobuf")


def test_help_lists_every_command(prompt: Prompt) -> None:
    """The help has every command with what it does."""
    shown = prompt("--help").output

    for name, sentence in ALL:
        assert f"  {name} " in shown
        assert sentence in shown


@pytest.mark.parametrize(("name", "sentence"), ALL)
def test_a_command_says_what_the_list_says(name: str, sentence: str) -> None:
    """Each command's own help begins with the sentence that it is listed with."""
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert (command.help or "").splitlines()[0] == sentence


def test_help_imports_nothing_heavy() -> None:
    """The help is quick, because no server and no gRPC is imported for it."""
    question = f"import sys, gateway.cli; print([name for name in {HEAVY!r} if name in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


def test_the_package_can_be_run() -> None:
    """`python -m gateway` is the same program, and knows its version."""
    answer = ended("--version")

    assert answer.returncode == 0
    assert "version" in answer.stdout


def test_an_unknown_command_is_refused(prompt: Prompt) -> None:
    """A command that does not exist is named, and the exit status is 2."""
    answer = prompt("fly")

    assert answer.exit_code == 2
    assert "No such command 'fly'" in answer.output
