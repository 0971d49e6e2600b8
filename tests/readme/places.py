"""Where are the README's commands typed? In a folder like the reader's, beside what the text before them has started.

A command means the addresses that everything has by default. They may be taken on this machine, so what runs here listens
on free ports, and ``Place.run`` writes those into a command; nothing else of it is changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.certificates import Authority
from tests.cli.program import FREE, FREE_ALL, FREE_SANDBOX, PATIENCE_S, SCRIPT, environment, started
from tests.harness import SECRET, secret_file
from tests.readme.reading import Block, blocks, commands

__all__ = [
    "OpenPlace",
    "Place",
    "block_with",
    "exposed",
    "lost",
    "nowhere",
    "played",
    "playground",
    "require",
    "set_up",
    "sign_certificates",
]

_ROOT: Final = Path(__file__).parents[2]
_PROGRAMS: Final = Path(sys.executable).parent
_PATH: Final = os.pathsep.join((str(_PROGRAMS), str(_ROOT / ".venv-go"), os.environ["PATH"]))
"""Where programs are found: ours first, then what `.ci/run` installs."""

_GATEWAY: Final = "127.0.0.1:50051"
_CONTROL: Final = "127.0.0.1:50060"
_ASKING: Final = re.compile(r"betstack-gateway (call|ledger \w+)\b(?!.*--target)", re.DOTALL)
"""A command that means the address which it calls by default."""

_QUICK: Final = f"""
default_operator = "site"
reconcile = {{poll_s = 0.1, settle_s = 0.1}}
upstream = {{timeout_s = 1}}
[operators.site]
secret = "{SECRET}"
platform_url = "http://127.0.0.1:9090"
"""
"""Settings with which the gateway gives up finding out within two seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to type commands in, and where what they mean really is."""

    folder: Path
    addresses: Mapping[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        """Write the addresses and folders of this place into a text."""
        text = text.replace("make ", f"make --no-print-directory --directory {_ROOT} ", text.startswith("make "))
        if _GATEWAY in self.addresses:
            text = _ASKING.sub(rf"\g<0> --target {_GATEWAY}", text)
        for told, meant in self.addresses.items():
            text = text.replace(told, meant)
        return text

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type a command and wait for its end."""
        return subprocess.run(
            ["bash", "-c", self.here(command)],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Return an environment in which our programs are found first."""
        return environment({"PATH": _PATH, "HOME": str(self.folder), "COLUMNS": "200"})


OpenPlace = Callable[[Path], AbstractContextManager[Place]]


def block_with(words: str) -> Block:
    """Return the one block with these words."""
    [block] = [block for block in blocks() if words in block.text]
    return block


def require(*tools: str) -> None:
    """Leave a test out for which a program of others is missing; in CI that is a failure."""
    for tool in tools:
        if shutil.which(tool, path=_PATH) is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{tool} is not installed")


@contextmanager
def nowhere(folder: Path) -> Iterator[Place]:
    """Give a folder in which nothing runs; the programs are where `make setup` puts them."""
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(_PROGRAMS)
    secret_file(folder / "F", SECRET.encode())
    (folder / "body").write_text('{"action":"identify","data":{"operator":"site","token":"demo"}}')
    yield Place(folder)


@contextmanager
def playground(folder: Path, *more: str) -> Iterator[Place]:
    """Give a folder beside what `make run` starts."""
    with nowhere(folder), started("run", *FREE_ALL, *more, command=SCRIPT, cwd=folder) as program:
        gateway, control = (program.line(name).split()[1] for name in ("gateway", "control"))
        yield Place(folder, {_GATEWAY: gateway, _CONTROL: control})
        assert program.end() == 0


@contextmanager
def played(folder: Path) -> Iterator[Place]:
    """Give such a folder after the bet of the first section was placed."""
    with playground(folder) as place:
        assert place.run(_bet()).returncode == 0
        yield place


@contextmanager
def lost(folder: Path) -> Iterator[Place]:
    """Give such a folder after the answer to that bet got lost, and the gateway has given up finding out."""
    config = folder / "play.toml"
    config.write_text(_QUICK, encoding="utf-8")
    with playground(folder, "--config", str(config)) as place:
        fault = """-d '{"fault": {"kind": "FAULT_KIND_ANSWER_LOST", "path": "/be/tickets"}}'"""
        assert place.run(f"betstack-gateway call --target {_CONTROL} SandboxService/AddFault {fault}").returncode == 0
        assert "OUTCOME_UNKNOWN" in place.run(_bet()).stderr
        watch = ("OperationService/WatchOperation", "-d", '{"request_id": "bet-1"}')
        with started("call", "--target", place.addresses[_GATEWAY], *watch, command=SCRIPT) as program:
            assert program.line_with("OPERATION_STATE_NEEDS_HUMAN")
        yield place


def _bet() -> str:
    """Return the command that places a bet."""
    [bet] = [each for each in commands(block_with("TicketService/CreateTicket")) if "CreateTicket" in each]
    return bet


@contextmanager
def set_up(folder: Path) -> Iterator[Place]:
    """Give a folder with the file of settings that the README shows, beside a platform."""
    with nowhere(folder), started("sandbox", *FREE_SANDBOX, command=SCRIPT, cwd=folder) as program:
        platform = program.line("sandbox").split()[1]
        place = Place(folder, {_GATEWAY: FREE, **_urls(platform), "/run/secrets": str(folder)})
        secret_file(folder / "site", SECRET.encode())
        _write_settings(place, block_with("default_operator").text)
        yield place
        assert program.end() == 0


def _urls(platform: str) -> dict[str, str]:
    pam, sms = (f"https://{api}.site.example/betstack" for api in ("pam", "sms"))
    return {"https://api.betstack.io": platform, pam: f"{platform}/pam", sms: f"{platform}/sms"}


def _write_settings(place: Place, *texts: str) -> Path:
    """Write the file of settings."""
    path = place.folder / "gateway.toml"
    path.write_text("\n".join(place.here(text) for text in texts), encoding="utf-8")
    return path


@contextmanager
def exposed(folder: Path) -> Iterator[Place]:
    """Give a folder with token and certificates, beside a gateway whose callers are those that the README shows."""
    require("openssl")
    with nowhere(folder) as place:
        token, hashed = place.run("betstack-gateway token").stdout.split()[1::2]
        secret_file(folder / "token", token.encode())
        secret_file(folder / "site", SECRET.encode())
        sign_certificates(folder)
        told = Place(folder, {"0.0.0.0:50051": FREE, "/run/tls": str(folder), "/run/secrets": str(folder)})
        callers = block_with("[callers.web]").text.replace("sha256:…", hashed)
        head, _, operators = block_with("default_operator").text.partition("[operators.site]")
        config = _write_settings(told, head.partition("[server]")[0], callers, f"[operators.site]{operators}")
        with started("serve", "--config", str(config), command=SCRIPT, cwd=folder) as program:
            yield Place(folder, {"gateway.example:50051": program.line("gateway").split()[1]})
            assert program.end() == 0


def sign_certificates(folder: Path) -> None:
    """Write the certificates that the README's settings and commands name."""
    authority = Authority(folder, "ca")
    certificates = {"tls": authority.signed("tls"), "office": authority.signed("office")}
    for name, pair in certificates.items():
        pair.certificate.rename(folder / f"{name}.crt")
    for name in ("ca.crt", "clients.crt"):
        (folder / name).write_bytes(authority.path.read_bytes())
