"""What was received? Headers and body, from files or from a line for curl that was pasted."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

__all__ = ["Received", "from_curl", "from_files"]

_REQUEST_LINE: Final = re.compile(r"[A-Z]+ \S+ HTTP/[0-9.]+")
_SHELL: Final = re.compile(
    r"""\$'(?P<ansi>(?:[^'\\]|\\.)*)'|'[^']*'|(?P<double>"(?:[^"\\]|\\.)*")|(?P<joint>\\\r?\n)|\\.""", re.DOTALL
)
_IN_DOUBLE: Final = re.compile(r"\\(?:\r?\n|([$`]))")
_ANSI: Final = re.compile(
    r"\\(?:u([0-9a-fA-F]{1,4})|U([0-9a-fA-F]{1,8})|x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL
)
_ANSI_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}

_WITH_VALUE: Final = frozenset("AbcCdDeEFHKmoPQrtTuUwxXyYz")
"""curl's short options that take a value."""
_LONG: Final = {
    "H": "header",
    "d": "data",
    "F": "form",
    "G": "get",
    "T": "upload-file",
    "data-ascii": "data",
}
_TAKEN: Final = frozenset({"header", "data", "data-raw", "data-binary", "json"})
_REFUSED: Final = frozenset({"data-urlencode", "form", "form-string", "get", "upload-file"})
_HEADER_LINE: Final = re.compile(r"([^:\s]+)[ \t]*:(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as far as a signature is concerned."""

    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes

    def header(self, name: str) -> tuple[str, ...]:
        """Return every value of a header."""
        return tuple(value for each, value in self.headers if each == name)


def from_files(headers: Path, body: Path | None) -> Received:
    """Read ``name: value`` lines, and the body as it is; without a file there is no body."""
    lines = _text(headers.read_bytes()).splitlines()
    return Received(tuple(_headers(lines, str(headers))), body.read_bytes() if body else b"")


def from_curl(line: bytes) -> Received:
    """Read a line for curl as a shell and curl would; raises ClickException for what cannot be read here."""
    headers: list[tuple[str, str]] = []
    data: list[bytes] = []
    json: list[bytes] = []
    for option, value in _options(_words(_text(line))):
        if option in _REFUSED:
            raise click.ClickException(f"curl's --{option} cannot be read here; give --headers and --body")
        if option == "header":
            headers += _curl_headers(value)
        elif option == "json":
            json.append(_content(option, value))
        else:
            data.append(_content(option, value))
    return Received(tuple(headers), b"&".join(data) + b"".join(json))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _headers(lines: Iterable[str], place: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or _REQUEST_LINE.fullmatch(line.strip()):
            continue
        found = _HEADER_LINE.fullmatch(line.strip())
        if found is None:
            raise click.ClickException(f"{place}, line {number}: has to be 'name: value'")
        yield found[1].lower(), found[2].strip(" \t")


def _curl_headers(given: str) -> Iterator[tuple[str, str]]:
    """Yield the headers of one ``-H``: a name without a value takes a header of curl's away, ``name;`` sends it empty."""
    if given.startswith("@"):
        yield from _headers(_text(_file("header", given[1:])).splitlines(), given[1:])
    elif given.endswith(";") and ":" not in given:
        yield given[:-1].strip().lower(), ""
    else:
        yield from ((name, value) for name, value in _headers([given], "curl's --header") if value)


def _content(option: str, value: str) -> bytes:
    if option == "data-raw" or not value.startswith("@"):
        return value.encode("utf-8", "surrogateescape")
    content = _file(option, value[1:])
    return content.translate(None, b"\r\n\0") if option == "data" else content


def _file(option: str, name: str) -> bytes:
    if name == "-":
        raise click.ClickException(f"curl's --{option} @- cannot be read here: standard input is the line itself")
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError):
        raise click.ClickException(f"curl's --{option}: {name} cannot be read") from None


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(_SHELL.sub(_as_shlex_reads, line))
    except ValueError as error:
        raise click.ClickException(f"this is no line for a shell: {str(error).lower()}") from None
    if "curl" not in words[:2]:
        raise click.ClickException("standard input has to be a line that begins with curl")
    return words[words.index("curl") + 1 :]


def _as_shlex_reads(found: re.Match[str]) -> str:
    """Spell what shlex does not know: ``$'…'``, lines that go on, and the escapes that double quotes have in a shell."""
    if found["ansi"] is not None:
        return shlex.quote(_ANSI.sub(_unescaped, found["ansi"]))
    if found["double"] is not None:
        return _IN_DOUBLE.sub(r"\1", found["double"])
    return "" if found["joint"] is not None else found[0]


def _unescaped(found: re.Match[str]) -> str:
    short, long, byte, octal, letter = found.groups()
    if letter is not None:
        return _ANSI_LETTERS.get(letter, letter)
    if byte is not None or octal is not None:
        return _text(bytes([int(byte, 16) if byte is not None else int(octal, 8) & 0xFF]))
    number = int(short or long, 16)
    is_character = number < 0x110000 and not 0xD800 <= number < 0xE000
    return chr(number) if is_character else "\N{REPLACEMENT CHARACTER}"


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the options that matter here by their long names; whatever else curl is told is passed over."""
    waiting = iter(words)
    for word in waiting:
        if word.startswith("--"):
            name = _LONG.get(word[2:], word[2:])
            if name in _REFUSED:
                yield name, ""
            elif name in _TAKEN:
                yield name, _value(name, waiting)
        elif word.startswith("-"):
            yield from _short(word[1:], waiting)


def _short(letters: str, waiting: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Take ``-sSd VALUE`` and ``-dVALUE`` apart."""
    for index, letter in enumerate(letters):
        name = _LONG.get(letter, letter)
        if letter in _WITH_VALUE:
            value = letters[index + 1 :] or _value(name, waiting)
            if name in _TAKEN | _REFUSED:
                yield name, value
            return
        if name in _REFUSED:
            yield name, ""


def _value(name: str, waiting: Iterator[str]) -> str:
    value = next(waiting, None)
    if value is None:
        raise click.ClickException(f"curl's {'--' if len(name) > 1 else '-'}{name} has no value")
    return value
