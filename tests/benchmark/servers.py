"""Who is measured? The gateway and its peers, each a process on the core that is kept for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from betstack.ticket.v1 import ticket_service_pb2 as pb
from tests.benchmark.machine import cpu_seconds, pinned_to, server_core
from tests.cli.program import environment

__all__ = ["GET", "REQUEST", "Server", "asked_once", "gateway", "node_peer", "node_problem", "python_peer"]

GET: Final = "/betstack.ticket.v1.TicketService/GetTicket"
REQUEST: Final = pb.GetTicketRequest(operator="site", identifier="64f1c0ffee1234567890abcd")

_ROOT: Final = Path(__file__).parents[2]
_NODE: Final = Path(__file__).parent / "peers" / "node"
_START_S: Final = 30.0
_INSTALL_S: Final = 120.0
_END_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; ``answer_bytes`` is the length of what it answers GetTicket."""

    target: str
    process: int
    answer_bytes: int

    def cpu_seconds(self) -> float:
        """CPU time so far, workers included."""
        return cpu_seconds(self.process)


@contextmanager
def gateway(
    home: Path,
    url: str,
    ledger: str = "",
    workers: int = 1,
    log: str = "warning",
    loop: str = "asyncio",
    under: tuple[str, ...] = (),
) -> Iterator[Server]:
    """Run the gateway as ``serve`` does, with its metrics on, and by way of a command if one is given."""
    home.mkdir()
    config = home / "gateway.toml"
    config.write_text(
        f"""
default_operator = "site"
[server]
listen = "127.0.0.1:0"
grace_s = 1
loop = "{loop}"
connection_age_s = 0
[admin]
listen = "127.0.0.1:0"
[log]
level = "{log}"
[ledger]
url = "{ledger or f"sqlite:///{home}/ledger.db"}"
[operators.site]
secret = "12345ABCDE"
platform_url = "{url}"
"""
    )
    config.chmod(0o600)
    command = (*under, sys.executable, "-m", "gateway", "serve", "--config", str(config), "--workers", str(workers))
    with _running(home / "log", *command) as server:
        yield server


@contextmanager
def python_peer(home: Path, name: str, *arguments: str, stand_back: bool = False) -> Iterator[Server]:
    """Run one of the peers in Python, with its threads scheduled as ours are, if that is wanted."""
    command = (sys.executable, "-m", f"tests.benchmark.peers.{name}", *arguments)
    with _running(home / f"{name}.log", *command, more={"STAND_BACK": "1"} if stand_back else None) as server:
        yield server


def node_problem() -> str:
    """Get the packages of the peer on Node.js; returns why it cannot run, nothing where it can."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node or npm is not installed"
    if (_NODE / "node_modules" / "undici").exists():
        return ""
    install = ("npm", "install", "--silent", "--no-package-lock", "--no-audit", "--no-fund")
    done = subprocess.run(install, cwd=_NODE, capture_output=True, timeout=_INSTALL_S, check=False)
    return "npm could not install its packages" if done.returncode else ""


@contextmanager
def node_peer(home: Path, url: str) -> Iterator[Server]:
    """Run the peer on Node.js."""
    with _running(home / "node.log", "node", str(_NODE / "gateway.js"), url, str(_ROOT / "protos")) as server:
        yield server


@contextmanager
def _running(log: Path, *command: str, more: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a server on its core, ask it once, and end it in the end."""
    with (
        log.open("w") as errors,
        subprocess.Popen(
            pinned_to(server_core(), *command),
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment(more),
            cwd=_ROOT,
            text=True,
        ) as process,
    ):
        try:
            assert process.stdout is not None
            words = process.stdout.readline().split()
            if words[:1] != ["gateway"]:
                raise RuntimeError(f"{command} did not start: {log.read_text()[-500:]}")
            yield Server(words[1], process.pid, len(asked_once(words[1])))
        finally:
            process.terminate()
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()


def asked_once(target: str) -> bytes:
    """Call GetTicket with a client of gRPC's own, which sees an error that a load generator does not."""
    with grpc.insecure_channel(target) as channel:
        call: Any = channel.unary_unary(GET)
        answer: bytes = call(REQUEST.SerializeToString(), timeout=_START_S, wait_for_ready=True)
    return answer
