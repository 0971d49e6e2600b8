"""What does `serve` write while it runs?"""

from __future__ import annotations

import json
import logging
import os
import pty
import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.cli.log import log_to_stderr
from gateway.telemetry import CURRENT, CallRecord, Hop, Trace
from tests.cli.conftest import Prompt
from tests.cli.program import FREE, MODULE, Program, ended, started
from tests.cli.program import environment as surroundings

SECRET: Final = "s3cret-Key"
HELLO: Final = """
import logging
from gateway.cli.log import log_to_stderr

with log_to_stderr("info"):
    logging.getLogger("gateway").info("hello")
"""
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
TEXT: Final = re.compile(rf"{TIME.pattern} \[(debug|info|warning|error) *\] \S.* \[gateway(\.\w+)*\].*")


def environment(level: str | None = None, form: str | None = None) -> dict[str, str]:
    """Return the settings of a gateway that logs from this level on, in this form."""
    settings = {
        "GATEWAY_OPERATORS__SITE__SECRET": SECRET,
        "GATEWAY_OPERATORS__SITE__PLATFORM_URL": "http://127.0.0.1:1",
        "GATEWAY_DEFAULT_OPERATOR": "site",
        "GATEWAY_SERVER__LISTEN": FREE,
        "GATEWAY_UPSTREAM__TRIES": "1",
    }
    chosen = {"GATEWAY_LOG__LEVEL": level, "GATEWAY_LOG__FORMAT": form}
    return settings | {key: value for key, value in chosen.items() if value}


def read_ticket(prompt: Prompt, program: Program, identifier: str = "AB12CD") -> None:
    """Make a call that fails, because the platform is not there."""
    target = program.line("gateway").split()[1]
    data = json.dumps({"identifier": identifier})
    assert prompt("call", "TicketService/GetTicket", "--target", target, "-d", data).exit_code == 1


@pytest.mark.parametrize("level", [None, "info", "debug"])
def test_each_call_is_a_line(prompt: Prompt, tmp_path: Path, level: str | None) -> None:
    """Where nobody sits at a terminal a line is JSON: its time, its weight, what was called and how it ended."""
    with started("serve", more=environment(level), cwd=tmp_path) as program:
        read_ticket(prompt, program)
        written = iter(lambda: program.line("{"), "")
        line = next(each for each in written if json.loads(each)["event"] == "rpc")
        assert program.end() == 0

    told = json.loads(line)
    assert TIME.fullmatch(told.pop("timestamp"))
    assert told.pop("seconds") > 0
    assert len(told.pop("request_id")) == 36
    assert told == {
        "level": "info",
        "logger": "gateway",
        "event": "rpc",
        "call": "/betstack.ticket.v1.TicketService/GetTicket",
        "operator": "site",
        "code": "UNAVAILABLE",
        "reason": "UPSTREAM_UNREACHABLE",
        "api": "be",
        "stage": "NEVER_SENT",
    }
    assert SECRET not in line


def test_tries_are_lines_too_where_they_are_asked_for(prompt: Prompt, tmp_path: Path) -> None:
    """With ``debug`` each HTTP call is a line, under the request id of the RPC that it was made for."""
    with started("serve", more=environment("debug"), cwd=tmp_path) as program:
        read_ticket(prompt, program)
        tried, called = map(json.loads, program.lines("{", 2))
        assert program.end() == 0

    assert (tried["event"], tried["call"], called["event"]) == ("upstream", "GET /be/tickets/{identifier}", "rpc")
    assert tried["request_id"] == called["request_id"]


@pytest.mark.parametrize("level", ["warning", "error"])
def test_calls_are_not_logged_from_a_higher_level_on(prompt: Prompt, tmp_path: Path, level: str) -> None:
    """Who wants to hear of trouble only hears nothing of a refused call."""
    with started("serve", more=environment(level), cwd=tmp_path) as program:
        read_ticket(prompt, program)
        assert program.end() == 0
        assert program.line() == ""


def test_text_can_be_asked_for(prompt: Prompt, tmp_path: Path) -> None:
    """``format = "text"`` is for people, wherever it is written."""
    with started("serve", more=environment(form="text"), cwd=tmp_path) as program:
        read_ticket(prompt, program)
        line = program.line("2")
        assert program.end() == 0

    assert TEXT.fullmatch(line)
    assert " call=/betstack.ticket.v1.TicketService/GetTicket operator=site request_id=" in line
    assert " code=UNAVAILABLE reason=UPSTREAM_UNREACHABLE api=be stage=NEVER_SENT seconds=0." in line


@pytest.mark.parametrize(("key", "word"), [("level", "loud"), ("format", "xml")])
def test_words_that_are_none_are_refused(tmp_path: Path, key: str, word: str) -> None:
    """Another word is a problem of the settings, with the key's name."""
    answer = ended("serve", more=environment() | {f"GATEWAY_LOG__{key.upper()}": word}, cwd=tmp_path)

    assert answer.returncode == 2
    assert answer.stderr.startswith(f"log.{key}: ")
    assert SECRET not in answer.stderr


def test_on_a_terminal_it_is_text(tmp_path: Path) -> None:
    """A person at a terminal reads coloured lines, unless told otherwise."""
    terminal, side = pty.openpty()
    subprocess.run([MODULE[0], "-c", HELLO], env=surroundings(), cwd=tmp_path, stderr=side, timeout=20, check=True)
    os.close(side)
    line = os.read(terminal, 4096).decode()
    os.close(terminal)

    assert "hello" in line
    assert "\x1b[" in line
    assert not line.startswith("{")


# ------------------------------------------------------------------------------------------------------- one line


def written(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the one line of JSON that was written."""
    [line] = capsys.readouterr().err.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


LIE: Final = "bet\n2026-11-23T00:00:00.000Z [error    ] lost [gateway]\x1b[2J\u202e"


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_caller_cannot_write_a_line_of_its_own(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """What callers choose is one line, whatever is in it, and cannot steer a terminal."""
    with log_to_stderr("info", form):
        logging.getLogger("gateway").info("%s", LIE, extra={"request_id": LIE})

    [line] = capsys.readouterr().err.splitlines()
    assert line.isprintable()
    assert line.count("lost [gateway]") == 2


def test_an_exception_is_written_with_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody expected can be found in the code, and is one line of JSON, or text that cannot steer a terminal."""
    for form in ("json", "text"):
        with log_to_stderr("error", form):
            logging.getLogger("gateway.ledger").error("error 1", exc_info=RuntimeError("torn\x1b[2J"))

    first, second, *rest = capsys.readouterr().err.splitlines()
    assert json.loads(first)["exception"] == "RuntimeError: torn\x1b[2J"
    assert TEXT.fullmatch(second)
    assert rest[-1] == r"RuntimeError: torn\x1b[2J"


def test_libraries_write_the_same_form_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library has to complain about is a line like ours; its chatter, which may hold anything, is not written."""
    with log_to_stderr("debug"):
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("httpcore.http11").debug("signature: abc")
        logging.getLogger("httpx").info("GET /be/tickets")

    told = written(capsys)
    assert (told["logger"], told["level"]) == ("uvicorn.error", "warning")


def test_a_line_within_a_call_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is logged while a call is served has its request id and its trace."""
    trace = Trace(TRACE, "00f067aa0ba902b7", "01")
    token = CURRENT.set(CallRecord(Hop.RPC, "/a.B/C", "site", "bet-1", trace=trace))
    with log_to_stderr("info"):
        logging.getLogger("gateway.ledger").warning("the ledger waits")
    CURRENT.reset(token)

    told = written(capsys)
    assert (told["request_id"], told["trace_id"]) == ("bet-1", TRACE)


def test_what_json_does_not_know_is_written_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """No value breaks a line."""
    with log_to_stderr("info"):
        logging.getLogger("gateway").info("odd", extra={"things": {1: b"x"}, "path": Path("a")})

    assert written(capsys)["path"] == repr(Path("a"))


def test_the_log_ends_with_the_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    """Afterwards everything is as before."""
    loggers = [logging.getLogger(), logging.getLogger("gateway")]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    with log_to_stderr("debug"):
        pass
    logging.getLogger("gateway").info("later")

    assert capsys.readouterr().err == ""
    assert [(logger.level, list(logger.handlers)) for logger in loggers] == before
