"""How is a program in another language built and run? By that language's own tools, with stubs made for the occasion."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["FOLDER", "PROGRAMS", "ROOT", "Failed", "Program", "lacking", "run", "search_path"]

FOLDER: Final = Path(__file__).parent
ROOT: Final = FOLDER.parents[1]
_BUILD_S: Final = 900
"""How long a step may take on a machine that has to download everything."""


class Failed(Exception):  # noqa: N818 - a client did not do what it should
    """A program could not be built, or did not do what it should; its own words say why."""


@dataclass(frozen=True, slots=True)
class Program:
    """A client in some language: what it takes, and the commands that build and run it in its folder."""

    name: str
    tools: tuple[str, ...]
    build: tuple[tuple[str, ...], ...]
    run: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where it is."""
        return FOLDER / self.name


PROGRAMS: Final = (
    Program(
        "go",
        tools=("go",),
        build=(
            ("buf", "generate"),
            ("go", "vet", "./bettor", "./wallet"),
            ("go", "build", "-o", "bin/", "./bettor", "./wallet"),
        ),
        run=("bin/bettor",),
    ),
    Program(
        "java",
        tools=("java", "mvn"),
        build=(("mvn", "-B", "-q", "-ntp", "clean", "package"),),
        run=("java", "-jar", "target/bettor.jar"),
    ),
    Program(
        "node",
        tools=("node", "npm"),
        build=(
            ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"),
            ("npm", "run", "--silent", "generate"),
            ("npm", "run", "--silent", "build"),
        ),
        run=("node", "build/bettor.js"),
    ),
)


def search_path(*first: Path) -> str:
    """Return a PATH that begins with these folders; buf is where this Python is."""
    return os.pathsep.join((*map(str, first), str(Path(sys.executable).parent), os.environ["PATH"]))


def lacking(tools: Sequence[str], path: str | None = None) -> list[str]:
    """Return those that are not on the PATH."""
    return [tool for tool in tools if shutil.which(tool, path=path or search_path()) is None]


async def run(
    command: Sequence[str | Path], folder: Path, *, path: str | None = None, timeout_s: float = _BUILD_S
) -> str:
    """Run a command to its end and return what it printed; raises Failed where it fails or takes too long."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PATH": path or search_path()},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    shown = " ".join(map(str, command))
    try:
        output, errors = await asyncio.wait_for(process.communicate(), timeout_s)
    except TimeoutError:
        raise Failed(f"{shown}: not done after {timeout_s:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = "\n".join(filter(None, (output.decode().strip(), errors.decode().strip())))
        raise Failed(f"{shown}: ended with {process.returncode}\n{said}")
    return output.decode().strip()
