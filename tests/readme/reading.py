"""What does the README give its reader to type? Commands, settings and code, without what the program writes into it."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from gateway.cli import COMMANDS

__all__ = ["Block", "blocks", "commands", "is_command", "is_settings", "mentioned"]

README: Final = Path(__file__).parents[2] / "README.md"

_CALLING: Final = ("betstack-gateway", "buf", "curl", "grpcurl", "kill", "make", "openssl")
_BUILDING: Final = ("docker", "go", "kubectl", "mvn", "node", "npm", "npx", "pip", "protoc", "python", "python3", "uv")
PROGRAMS: Final = frozenset((*_CALLING, *_BUILDING))
"""What a line of a shell may begin with."""

_OURS: Final = frozenset(name for section in COMMANDS.values() for name in section)
_WRITTEN: Final = re.compile(r"<!-- begin: (\w+) -->.*?<!-- end: \1 -->\n", re.DOTALL)
_INLINE: Final = re.compile(r"`([^`]+)`")
_FENCE: Final = re.compile(r"```(\w*)")
_FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SHELLS: Final = ("", "bash", "console", "sh")
_SETTINGS: Final = ("", "toml")
_INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand together, as they would be typed; ``line`` is where they begin.

    ``language`` is what a fence says that they are; empty where it says nothing, and for indented lines.
    """

    line: int
    text: str
    language: str = ""

    @property
    def beginning(self) -> str:
        """The first line."""
        return self.text.partition("\n")[0]


@cache
def _text() -> str:
    """Return the README with empty lines in the place of what the program writes."""
    return _WRITTEN.sub(lambda found: "\n" * found[0].count("\n"), README.read_text("utf-8"))


@cache
def blocks() -> tuple[Block, ...]:
    """Return all blocks of code, in order; what is typed into a shell is one of its own."""
    return tuple(part for block in _blocks(_text().splitlines()) for part in _parts(block))


def _blocks(lines: list[str]) -> Iterator[Block]:
    """Yield blocks, indented by four or fenced; an empty line ends neither where it stands between two of their lines."""
    begin, taken = 0, list[str]()
    fence: str | None = None
    for number, line in enumerate([*lines, "."], 1):
        mark = _FENCE.match(line)
        if mark or (fence is None and line and not line.startswith(_INDENT)):
            if text := "\n".join(taken).strip("\n"):
                yield Block(begin, text, fence or "")
            taken = []
            fence = mark[1] if mark and fence is None else None
        elif line or taken:
            begin = begin if taken else number
            taken.append(line.removeprefix(_INDENT) if fence is None else line)


def _parts(block: Block) -> Iterator[Block]:
    """Yield the paragraphs of a block, those in one piece that are alike."""
    if block.language:
        yield block
        return
    line = block.line
    for _, alike in groupby(block.text.split("\n\n"), lambda text: _program(text) in PROGRAMS):
        text = "\n\n".join(alike)
        yield Block(line, text)
        line += text.count("\n") + 2


def is_command(block: Block) -> bool:
    """Tell whether a block is typed into a shell."""
    return block.language in _SHELLS and _program(block.beginning) in PROGRAMS


def is_settings(block: Block) -> bool:
    """Tell whether a block belongs into the file of settings."""
    try:
        return block.language in _SETTINGS and not is_command(block) and bool(tomllib.loads(block.text))
    except tomllib.TOMLDecodeError:
        return False


def commands(block: Block) -> list[str]:
    """Return the commands of a block, those over several lines in one piece."""
    found: list[str] = []
    begun = ""
    for line in block.text.splitlines():
        begun += line
        if _is_whole(begun):
            found.append(begun)
            begun = ""
        else:
            begun += "\n"
    assert not begun, f"line {block.line}: a command without its end: {begun}"
    return found


def _is_whole(command: str) -> bool:
    try:
        return bool(shlex.split(command, comments=True)) and not command.endswith("\\")
    except ValueError:
        return False


def mentioned() -> list[str]:
    """Return the commands that the text speaks of, each once."""
    spans = (re.sub(r"\s+", " ", span) for span in _INLINE.findall(_FENCED.sub("", _text())))
    return list(dict.fromkeys(span for span in spans if _is_typed(span)))


def _is_typed(span: str) -> bool:
    """Tell whether a span is a command: a program and what it is told, or a subcommand of ours with an option."""
    first, blank, rest = span.partition(" ")
    return bool(blank) and (_program(first) in PROGRAMS or (first in _OURS and rest.startswith("-")))


def _program(line: str) -> str:
    return line.partition(" ")[0].removeprefix(".venv/bin/")
