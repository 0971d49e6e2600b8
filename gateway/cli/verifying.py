"""Why does a signature not fit? Says that it does, or what was signed instead, and how far the clock is off."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from gateway.cli.explaining import Explanation, Key, explained, fitting, message
from gateway.cli.received import Received, from_curl, from_files
from gateway.cli.signed_headers import Clock, Signature, Timestamp, read_signature, read_timestamp
from gateway.wire.signing import Whitespace

__all__ = ["Verdict", "verify_command"]

_CONTEXT: Final = 24
"""Bytes shown on either side of a difference."""
_SHORTEST_MASKED: Final = 4

_READINGS: Final = {
    Whitespace.COMPACT: "compact: blanks inside strings count",
    Whitespace.STRIP_ALL: "strip-all: blanks inside strings do not count either",
}
_SHOULD_BE: Final = "the timestamp as in its header, and right behind it the body without whitespace"

Line = tuple[str, str]

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--headers", type=_FILE, help="The headers received, a 'name: value' on each line.")
@click.option("--body", type=_FILE, help="The body received, byte for byte; without it there was none.")
@click.option("--curl", is_flag=True, help="Read headers and body from a line for curl on standard input.")
@click.option(
    "--secret-file",
    "secret_files",
    type=_FILE,
    required=True,
    multiple=True,
    help="A key, once for each that is active; a newline at its end does not count.",
)
@click.option("--now", type=click.IntRange(min=0), help="Unix time in seconds to compare with; this clock if absent.")
@click.option("--tolerance", type=click.IntRange(min=0), default=300, show_default=True, help="Seconds, either way.")
@click.option("--expect", metavar="FILE|TEXT", help="The message that the signer says was signed.")
def verify_command(
    *,
    headers: Path | None,
    body: Path | None,
    curl: bool,
    secret_files: tuple[Path, ...],
    now: int | None,
    tolerance: int,
    expect: str | None,
) -> None:
    """Verify a signature, or say why it does not fit.

    The headers are `timestamp` and `signature`. Where the signature does not fit, this looks for what was signed
    instead: a body with other whitespace, sorted or written again, a timestamp in milliseconds, and the like.

    The exit status is 0 if the signature fits and its timestamp is within the tolerance, and 1 otherwise. A key is
    never printed.
    """
    keys = [_key(number, file) for number, file in enumerate(secret_files, 1)]
    clock = Clock(int(time.time()) if now is None else now, tolerance)
    verdict = Verdict.on(_received(headers, body, curl), keys, clock)
    click.echo(verdict.text(None if expect is None else _expected(expect)))
    if not verdict.accepts:
        raise SystemExit(1)


def _key(number: int, file: Path) -> Key:
    key = Key(number, file, file.read_bytes())
    if not key.secret:
        raise click.ClickException(f"{file}: the file is empty")
    return key


def _received(headers: Path | None, body: Path | None, curl: bool) -> Received:
    if curl and (headers or body):
        raise click.UsageError("--curl brings headers and body, so --headers and --body do not go with it")
    if curl:
        return from_curl(sys.stdin.buffer.read())
    if headers is None:
        raise click.UsageError("--headers or --curl is needed")
    return from_files(headers, body)


def _expected(given: str) -> bytes:
    """Read an expected message from a file, whose last newline does not count; what is no file is the message."""
    try:
        return Path(given).read_bytes().rstrip(b"\r\n")
    except (OSError, ValueError):
        return given.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said about a request and its signature."""

    body: bytes
    keys: list[Key]
    clock: Clock
    stamp: Timestamp
    signature: Signature
    found: Explanation | None

    @classmethod
    def on(cls, received: Received, keys: list[Key], clock: Clock) -> Verdict:
        """Judge a request."""
        stamp, signature = read_timestamp(received, clock), read_signature(received)
        found = _search(keys, stamp.text, received.body, signature.digest)
        return cls(received.body, keys, clock, stamp, signature, found)

    @property
    def fits(self) -> bool:
        """Tell whether everything is as it should be, the clock aside."""
        problems = self.stamp.problem or self.signature.problem
        return not problems and self.found is not None and not self.found.words

    @property
    def accepts(self) -> bool:
        """Tell whether a receiver would take the request."""
        return self.fits and self.clock.allows(int(self.stamp.text or 0))

    def text(self, expected: bytes | None) -> str:
        """Return the verdict and what it is made of, one fact a line."""
        lines = [*self._lines(), *(self._compared(expected) if expected is not None else ())]
        width = max(len(name) for name, _ in lines)
        return "\n".join((self._head(), *(f"  {name.ljust(width)}  {text}" for name, text in lines)))

    def _head(self) -> str:
        if not self.fits:
            return "not verified"
        return "verified" if self.accepts else "verified, but the timestamp is outside the tolerance"

    def _lines(self) -> Iterator[Line]:
        yield "timestamp", self._about_stamp()
        if self.signature.problem:
            yield "signature", self.signature.problem
        if self.found is None:
            if self.signature.digest is not None:
                yield "signed", "nothing that is known here: with another key, or something changed on its way"
            return
        yield "key", f"{self._name(self.found.key)}"
        if self.found.words:
            yield "signed", f"the signer signed {self._shown('; '.join(self.found.words))}"
            yield "instead of", _SHOULD_BE
        elif self.found.reading is not None:
            yield "reading", _READINGS[self.found.reading] + ("" if self.fits else "; the signature itself would fit")

    def _about_stamp(self) -> str:
        text, problem = self.stamp
        if text is None:
            return problem
        return f"{self._shown(text)} {problem}" if problem else f"{text}, {self.clock.says(int(text))}"

    def _name(self, key: Key) -> str:
        return f"{key.number} of {len(self.keys)}, {self._shown(str(key.file))}"

    def _compared(self, expected: bytes) -> Iterator[Line]:
        """Yield whether the expected message was signed, and where it differs from the one received."""
        signer = next((key for key in self.keys if key.digest(expected) == self.signature.digest), None)
        covers = "is not what the signature covers, whichever key" if signer is None else "is what the signature covers"
        yield "expected", f"the message {covers}"
        ours, reading = self._nearest(expected)
        place = _shared(ours, expected)
        if ours == expected:
            yield "", f"it is the message that was received, {reading}"
            return
        yield "", f"it differs from the message that was received, {reading}, at byte {place}"
        yield "", f"expected  {self._around(expected, place)}"
        yield "", f"received  {self._around(ours, place)}"

    def _nearest(self, expected: bytes) -> tuple[bytes, Whitespace]:
        messages = [(message(self.stamp.text or "", self.body, reading), reading) for reading in Whitespace]
        return max(messages, key=lambda each: (each[0] == expected, _shared(each[0], expected)))

    def _shown(self, text: str) -> str:
        return _printable(_masked(text.encode("utf-8", "surrogateescape"), self.keys))

    def _around(self, message: bytes, place: int) -> str:
        """Return what stands around a place of a message."""
        after = "…" if place + _CONTEXT < len(message) else ""
        if place == len(message):
            after = " (and ends there)"
        first = max(place - _CONTEXT, 0)
        part = _printable(_masked(message, self.keys)[first : place + _CONTEXT])
        return f"{'…' if first else ''}{part}{after}"


def _search(keys: list[Key], stamp: str | None, body: bytes, digest: bytes | None) -> Explanation | None:
    if digest is None:
        return None
    found = fitting(keys, stamp, body, digest) if stamp is not None else None
    return found or explained(keys, stamp, body, digest)


def _shared(one: bytes, other: bytes) -> int:
    """Return how many bytes are alike from the beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (left, right) in pairs if left != right), min(len(one), len(other)))


def _masked(raw: bytes, keys: Iterable[Key]) -> bytes:
    """Return the bytes with every key in them covered, everything in its place."""
    for key in keys:
        if len(key.secret) >= _SHORTEST_MASKED:
            raw = raw.replace(key.secret, b"*" * len(key.secret))
    return raw


def _printable(raw: bytes) -> str:
    """Return bytes as text, with escapes for what would steer a terminal."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
