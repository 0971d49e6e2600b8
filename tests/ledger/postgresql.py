"""Where does a PostgreSQL server for the tests come from? From the Debian package, one for a test run."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
import pytest

__all__ = ["Server", "server"]

_PACKAGED: Final = Path("/usr/lib/postgresql")
_USER: Final = "postgres"
_SETTINGS: Final = ("fsync=off", "autovacuum=off", "max_connections=200", "listen_addresses=127.0.0.1")
"""The machine is not what fails in these tests, so nothing has to reach its disk."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - what stands there is in a folder with a name of its own
_ENOUGH: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; ``url`` ends where the name of a database begins."""

    url: str
    _numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def database(self) -> Iterator[str]:
        """Make an empty database and yield its URL."""
        name = f"ledger_{next(self._numbers)}"
        with psycopg.connect(f"{self.url}postgres", autocommit=True) as connection:
            # Since version 15 this has to be asked for; it is what takes the least time.
            quickly = " STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
            connection.execute(f"CREATE DATABASE {name}{quickly}".encode())
        try:
            yield f"{self.url}{name}"
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str, database: str = "postgres") -> None:
        """Run one statement."""
        with psycopg.connect(f"{self.url}{database}", autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def server() -> Iterator[Server]:
    """Run a server; without its programs the test is skipped, and fails in CI."""
    programs = _programs()
    if isinstance(programs, str):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(programs)
    with tempfile.TemporaryDirectory(prefix="postgresql-", dir=_roomy_memory()) as directory:
        home = Path(directory)
        if os.geteuid() == 0:
            shutil.chown(home, _USER)
        data, port = home / "data", _free_port()
        _run(
            home, programs / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
        )
        options = " ".join(
            f"-c {setting}" for setting in (*_SETTINGS, f"port={port}", f"unix_socket_directories={home}")
        )
        _run(home, programs / "pg_ctl", "-D", data, "-l", home / "log", "-o", options, "-w", "start")
        try:
            yield Server(f"postgresql://{_USER}@127.0.0.1:{port}/")
        finally:
            _run(home, programs / "pg_ctl", "-D", data, "-m", "fast", "-w", "stop")


def _programs() -> Path | str:
    """Return the folder of the newest server's programs, or why there is none that can be used."""
    packaged = sorted(_PACKAGED.glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    on_path = [Path(found).parent for found in (shutil.which("pg_ctl"),) if found]
    programs = next((path for path in (*packaged, *on_path) if (path / "initdb").exists()), None)
    if programs is None:
        return "PostgreSQL is not installed; the Debian package postgresql has it"
    if os.geteuid() == 0 and _USER not in {user.pw_name for user in pwd.getpwall()}:
        return f"PostgreSQL does not run as root, and there is no user {_USER}"
    return programs


def _roomy_memory() -> Path | None:
    """Return a folder in memory, where a database is made ten times as fast; None where there is little room."""
    usable = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return _MEMORY if usable else None


def _run(home: Path, *command: str | Path) -> None:
    """Run a program as somebody who may run PostgreSQL."""
    other: Sequence[str] = ("runuser", "-u", _USER, "--") if os.geteuid() == 0 else ()
    # Not a pipe: the server would inherit it, and its end would never come.
    with (home / "output").open("w+") as output:
        done = subprocess.run(
            [*other, *map(str, command)], cwd=home, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
        output.seek(0)
        assert done.returncode == 0, output.read()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
