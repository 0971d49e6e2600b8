"""Can a person set up a gateway that is not for everybody, call it, and change its mind?"""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from gateway.callers import token_hash
from tests.certificates import Authority
from tests.cli.conftest import Prompt
from tests.cli.program import FREE, FREE_ALL, Program, started
from tests.harness import secret_file

ASKED: Final = "OperationService/ListOperations"
NAME: Final = "gateway.site.example"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")


def config(folder: Path, token: str, right: str = "read", more: str = "") -> Path:
    """Write the settings of a gateway with TLS and one caller."""
    path = folder / "gateway.toml"
    path.write_text(
        f"""
        default_operator = "site"
        ledger.url = "sqlite:///{folder}/gateway.db"
        [server]
        listen = "{FREE}"
        tls_cert_file = "{folder}/server.pem"
        tls_key_file = "{folder}/server.key"
        [operators.site]
        platform_url = "http://127.0.0.1:1"
        secret_file = "{folder}/key"
        [callers.office]
        tokens = ["{token_hash(token)}"]
        operators = ["site"]
        rights = ["{right}"]
        {more}
        """
    )
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a key, and a certificate for a name."""
    secret_file(tmp_path / "key", b"S3cret")
    Authority(tmp_path).signed("server", f"DNS:{NAME}")
    return tmp_path


def test_a_token_is_new_each_time_and_fits_its_hash(prompt: Prompt) -> None:
    """The hash that is printed is the one that the settings take."""
    shown = [prompt("token").output.split() for _ in range(2)]

    for _, token, _, hashed in shown:
        assert re.fullmatch(r"betstack_[A-Za-z0-9_-]{43}", token)
        assert hashed == token_hash(token)
    assert shown[0][1] != shown[1][1]


@pytest.fixture
def secured(folder: Path) -> Iterator[Program]:
    """Run a gateway whose caller's token is ``t0ken``."""
    with started("serve", "--config", str(config(folder, "t0ken"))) as program:
        yield program
        assert program.end() == 0


def test_a_gateway_is_called_with_a_token_and_changed_by_a_signal(
    prompt: Prompt, folder: Path, secured: Program
) -> None:
    """With the right options a command gets through; SIGHUP takes the right away, and a broken file changes nothing."""
    target = secured.line("gateway").split()[1]
    trusting = ("call", ASKED, "--target", target, "--cacert", folder / "authority.pem", "--servername", NAME)
    (folder / "token").write_text("t0ken\n")

    def outcomes() -> list[str]:
        asked: list[dict[str, Any]] = [{"args": ("--token-file", folder / "token")}, {"env": "t0ken"}, {"env": "x"}, {}]
        answers = [
            prompt(*trusting, *each.get("args", ()), env={"BETSTACK_TOKEN": each["env"]} if "env" in each else None)
            for each in asked
        ]
        return [(re.findall("CALLER_[A-Z_]+", answer.stderr) or [str(answer.exit_code)])[0] for answer in answers]

    assert outcomes() == ["0", "0", "CALLER_UNKNOWN", "CALLER_UNKNOWN"]
    assert "cannot reach" in prompt("call", ASKED, "--target", target).output
    assert "cannot reach" in prompt("call", ASKED, "--target", target, "--tls").output

    config(folder, "t0ken", right="pam")
    secured.send(signal.SIGHUP)
    assert secured.line_with("the settings are in force")
    assert outcomes() == ["CALLER_NOT_ALLOWED"] * 2 + ["CALLER_UNKNOWN"] * 2

    config(folder, "t0ken", right="everything")
    secured.send(signal.SIGHUP)
    assert "callers.office.rights.0: " in secured.line_with("what was in force stays")
    assert outcomes()[0] == "CALLER_NOT_ALLOWED"

    config(folder, "t0ken", more="[log]\nlevel = 'debug'")
    secured.send(signal.SIGHUP)
    assert "log.level: has changed and needs a restart" in secured.line_with("restart")
    assert outcomes()[0] == "0"


@pytest.mark.parametrize("given", ["two words", "", "tökén"])
def test_what_is_no_token_is_not_sent(prompt: Prompt, tmp_path: Path, given: str) -> None:
    """A file with something else in it is refused before anybody is called, and not repeated."""
    (tmp_path / "token").write_text(given, encoding="utf-8")

    answer = prompt("call", "--token-file", tmp_path / "token")

    assert answer.exit_code == 2
    assert "a token is printable ASCII without blanks" in answer.output
    assert not given or given not in answer.output


def test_the_settings_are_printed_without_secrets(prompt: Prompt, folder: Path) -> None:
    """Each setting is a line with its key, defaults included; keys and passwords are masked."""
    url = "postgresql://gateway:S3cret@db.example/ledger?password=S3cret"
    more = "[operators.acme]\nsecret = 'S3cret'\nplatform_url = 'https://api.betstack.io'\n[codes.be]\n112 = 'CONFLICT'"

    answer = prompt("config", "check", "--config", config(folder, "t0ken", more=more), env={"GATEWAY_LEDGER__URL": url})

    assert answer.exit_code == 0
    assert "S3cret" not in answer.output
    assert set(answer.output.splitlines()) >= {
        'default_operator = "site"',
        'operators.acme.secret = "**********"',
        f'operators.site.secret_file = "{folder}/key"',
        'callers.office.rights = ["read"]',
        "upstream.timeout_s = 30",
        'codes.be.112 = "CONFLICT"',
        'ledger.url = "postgresql://**********@db.example/ledger?**********"',
    }


def test_several_keys_are_printed_one_by_one(prompt: Prompt, folder: Path) -> None:
    """Keys have the names that problems give them."""
    path = folder / "keys.toml"
    path.write_text(
        f"""
        [operators.site]
        platform_url = "http://127.0.0.1:1"
        keys = [
          {{ id = "a", secret_file = "{folder}/key", use = "active" }},
          {{ id = "b", secret_file = "{folder}/key", use = "retired", until = 2030-01-01T00:00:00Z }},
        ]
        """
    )

    lines = prompt("config", "check", "--config", path).output.splitlines()

    assert {'operators.site.keys.0.use = "active"', "operators.site.keys.1.until = 2030-01-01T00:00:00+00:00"} <= {
        *lines
    }


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("[webhooks]\nlisten = 'x'", "webhooks.listen: "),
        ("[callers.x]\noperators = ['*']\nrights = ['read']", "callers: x: tokens or certificates are needed"),
    ],
)
def test_settings_that_cannot_be_used_are_a_status(prompt: Prompt, folder: Path, more: str, problem: str) -> None:
    """What `serve` would refuse is printed line by line, and the exit status is 2."""
    answer = prompt("config", "check", "--config", config(folder, "t0ken", more=more))

    assert answer.exit_code == 2
    assert answer.stderr.startswith(problem)
    assert answer.stdout == ""


def test_an_rpc_to_enable_has_to_exist(prompt: Prompt, folder: Path) -> None:
    """What only the contract knows is checked, too."""
    answer = prompt("config", "check", "--config", config(folder, "t0ken"), env={"GATEWAY_SERVER__ENABLE": '["X/Y"]'})

    assert answer.exit_code == 2
    assert answer.stderr.startswith("server.enable: X/Y: has to be one of ")


def test_run_does_not_open_a_gateway_to_everybody(prompt: Prompt) -> None:
    """A playground on another address than loopback is refused as any gateway is."""
    answer = prompt("run", *FREE_ALL, "--listen", "0.0.0.0:0")

    assert answer.exit_code == 2
    assert [line.partition(":")[0] for line in answer.stderr.splitlines()] == ["server.insecure", "callers"]
