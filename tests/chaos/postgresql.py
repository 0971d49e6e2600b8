"""Where does a PostgreSQL server for a run come from? From Debian's binaries, with a directory and a socket of its own.

It listens on no network address. As root the server runs as the user ``postgres``, because it refuses to be root.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psycopg

__all__ = ["installed", "postgresql"]

_HOME: Final = Path("/usr/lib/postgresql")
_USER: Final = "postgres"
_PORT: Final = 5432  # of the socket's name only
_START_S: Final = 30.0
_END_S: Final = 10.0


def installed() -> Path | None:
    """Return the directory of the newest server's binaries; None where there is none, or no user to run it."""
    found = sorted(_HOME.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found or (os.geteuid() == 0 and not _has_user()):
        return None
    return found[-1].parent


@asynccontextmanager
async def postgresql(binaries: Path) -> AsyncIterator[str]:
    """Run a server with an empty database, and yield its URL."""
    home = Path(tempfile.mkdtemp(prefix="chaos-pg-"))
    if os.geteuid() == 0:
        shutil.chown(home, _USER, _USER)
    try:
        await _initialised(binaries, home)
        server = await asyncio.create_subprocess_exec(
            *(binaries / "postgres", "-D", home / "data", "-k", home, "-p", str(_PORT)),
            *("-c", "listen_addresses=", "-c", "fsync=off"),  # the server is not what is killed
            stdout=DEVNULL,
            stderr=DEVNULL,
            **_as_user(home),
        )
        try:
            url = f"postgresql://{_USER}@/{_USER}?host={quote(str(home), safe='')}&port={_PORT}"
            await _answering(url, server)
            yield url
        finally:
            await _ended(server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def _initialised(binaries: Path, home: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(
            binaries / "initdb",
            "-D",
            home / "data",
            "-U",
            _USER,
            "--auth=trust",
            "--no-sync",
            "--locale=C",
            "-E",
            "UTF8",
        ),
        stdout=DEVNULL,
        stderr=PIPE,
        **_as_user(home),
    )
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"initdb failed: {said.decode(errors='replace')}")


async def _answering(url: str, server: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(_START_S):
        while server.returncode is None:
            try:
                async with await psycopg.AsyncConnection.connect(url, connect_timeout=2):
                    return
            except psycopg.OperationalError:
                await asyncio.sleep(0.1)
    raise RuntimeError(f"the PostgreSQL server ended with status {server.returncode}")


async def _ended(server: asyncio.subprocess.Process) -> None:
    if server.returncode is not None:
        return
    server.send_signal(signal.SIGINT)  # PostgreSQL's word for: now, but properly
    try:
        async with asyncio.timeout(_END_S):
            await server.wait()
    except TimeoutError:
        server.kill()
        await server.wait()


def _has_user() -> bool:
    try:
        pwd.getpwnam(_USER)
    except KeyError:
        return False
    return True


def _as_user(home: Path) -> dict[str, Any]:
    # Root's own directories may be closed to the other user.
    other: dict[str, Any] = {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}
    return {**other, "cwd": home}
