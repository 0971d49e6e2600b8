"""What does `serve` write while it runs?"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from gateway.cli.log import log_to_stderr
from tests.cli.conftest import Prompt
from tests.cli.program import FREE, Program, ended, started

SECRET = "s3cret-Key"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR) +gateway(\.\w+)*  \S.*")


def environment(level: str | None = None) -> dict[str, str]:
    """Return the settings of a gateway that logs from this level on."""
    settings = {
        "GATEWAY_OPERATORS__SITE__SECRET": SECRET,
        "GATEWAY_OPERATORS__SITE__PLATFORM_URL": "http://127.0.0.1:1",
        "GATEWAY_DEFAULT_OPERATOR": "site",
        "GATEWAY_SERVER__LISTEN": FREE,
        "GATEWAY_UPSTREAM__TRIES": "1",
    }
    return settings | ({"GATEWAY_LOG__LEVEL": level} if level else {})


def read_ticket(prompt: Prompt, program: Program, identifier: str = "AB12CD") -> None:
    """Make a call that fails, because the platform is not there."""
    target = program.line("gateway").split()[1]
    data = json.dumps({"identifier": identifier})
    assert prompt("call", "TicketService/GetTicket", "--target", target, "-d", data).exit_code == 1


@pytest.mark.parametrize("level", [None, "info", "debug"])
def test_each_call_is_a_line(prompt: Prompt, tmp_path: Path, level: str | None) -> None:
    """A line has the time, its weight, and what was called with which end; nothing in it is a secret."""
    with started("serve", more=environment(level), cwd=tmp_path) as program:
        read_ticket(prompt, program)
        line = next(filter(LINE.fullmatch, iter(program.line, "")))
        assert program.end() == 0

    assert " INFO    gateway  rpc=/betstack.ticket.v1.TicketService/GetTicket operator=site " in line
    assert " reason=UPSTREAM_UNREACHABLE seconds=0." in line
    assert SECRET not in line


@pytest.mark.parametrize("level", ["warning", "error"])
def test_calls_are_not_logged_from_a_higher_level_on(prompt: Prompt, tmp_path: Path, level: str) -> None:
    """Who wants to hear of trouble only hears nothing of a refused call."""
    with started("serve", more=environment(level), cwd=tmp_path) as program:
        read_ticket(prompt, program)
        assert program.end() == 0
        assert program.line() == ""


def test_a_level_has_to_be_one(tmp_path: Path) -> None:
    """Another word is a problem of the settings, with the key's name."""
    answer = ended("serve", more=environment("loud"), cwd=tmp_path)

    assert answer.returncode == 2
    assert answer.stderr.startswith("log.level: ")
    assert SECRET not in answer.stderr


def test_a_caller_cannot_write_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """What callers choose is one line, whatever is in it, and cannot steer a terminal."""
    with log_to_stderr("info"):
        logging.getLogger("gateway").info("request_id=%s", "bet\n2026-11-23T00:00:00.000Z ERROR  gateway  lost\x1b[2J")

    [line] = capsys.readouterr().err.splitlines()
    assert LINE.fullmatch(line)
    assert line.endswith(r"request_id=bet\n2026-11-23T00:00:00.000Z ERROR  gateway  lost\x1b[2J")


def test_an_exception_is_written_with_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody expected can be found in the code."""
    with log_to_stderr("error"):
        logging.getLogger("gateway.ledger").error("error_id=1", exc_info=RuntimeError("torn"))

    first, *rest = capsys.readouterr().err.splitlines()
    assert LINE.fullmatch(first)
    assert rest[-1] == "RuntimeError: torn"


def test_the_log_ends_with_the_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    """Afterwards everything is as before."""
    before = logging.getLogger("gateway").level
    with log_to_stderr("debug"):
        pass
    logging.getLogger("gateway").info("later")

    assert capsys.readouterr().err == ""
    assert logging.getLogger("gateway").level == before
