"""What did the signer sign, if not what was received? Tries what signers are known to get wrong, the simplest first.

An HMAC fits by no accident: the first text that fits is the one that was signed.
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from gateway.cli.respelling import Spelling, respelled
from gateway.wire.signing import Whitespace, message_to_sign

__all__ = ["Explanation", "Key", "explained", "fitting", "message"]

Words = tuple[str, ...]
Frame = Callable[[bytes, bytes], bytes]

_MILLISECONDS: Final = 13
"""Digits of a Unix time in milliseconds, until the year 2286."""

_BODY_ALONE: Final[tuple[Words, Frame]] = (("the body alone, without the timestamp",), lambda _, text: text)
_FRAMES: Final[tuple[tuple[Words, Frame], ...]] = (
    ((), lambda stamp, text: stamp + text),
    _BODY_ALONE,
    (("the timestamp alone, without the body",), lambda stamp, _: stamp),
    (("the body first and the timestamp after it",), lambda stamp, text: text + stamp),
    (("'.' between timestamp and body",), lambda stamp, text: stamp + b"." + text),
    (("':' between timestamp and body",), lambda stamp, text: stamp + b":" + text),
    (("a newline between timestamp and body",), lambda stamp, text: stamp + b"\n" + text),
    (("a blank between timestamp and body",), lambda stamp, text: stamp + b" " + text),
)


@dataclass(frozen=True)
class Key:
    """A key, and what programs that read its file with less care take for it."""

    number: int
    file: Path
    content: bytes

    @cached_property
    def secret(self) -> bytes:
        """The key: a newline at the end of the file does not count."""
        return self.content.rstrip(b"\r\n")

    def digest(self, message: bytes) -> bytes:
        """Return the signature of a message, not yet spelled."""
        return hmac.digest(self.secret, message, "sha256")

    def mistaken(self) -> Iterator[tuple[Words, bytes]]:
        """Yield the key, then what it may have been taken for."""
        yield (), self.secret
        ended = self.content if self.content != self.secret else self.secret + b"\n"
        yield ("the newline at the end of the key's file taken for a part of the key",), ended
        if self.secret.strip() != self.secret:
            yield ("the key without the blanks around it",), self.secret.strip()
        decoded = _from_hex(self.secret)
        if decoded is not None:
            yield ("the key read as hexadecimal digits",), decoded
        yield ("an empty key",), b""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whose key fits and what was signed; no words where it is what should have been."""

    key: Key
    words: Words
    reading: Whitespace | None = None


@dataclass(frozen=True, slots=True)
class _Text:
    words: Words
    text: bytes
    reading: Whitespace | None = None
    changes: int = 1


def message(timestamp: str, body: bytes, reading: Whitespace) -> bytes:
    """Return what should have been signed, whatever the header's bytes are."""
    return timestamp.encode("utf-8", "surrogateescape") + message_to_sign("", body, reading)


def fitting(keys: Iterable[Key], timestamp: str, body: bytes, digest: bytes) -> Explanation | None:
    """Return which key and reading a signature fits, None if it fits none."""
    for reading, key in itertools.product(Whitespace, keys):
        if hmac.compare_digest(key.digest(message(timestamp, body, reading)), digest):
            return Explanation(key, (), reading)
    return None


def explained(keys: Iterable[Key], timestamp: str | None, body: bytes, digest: bytes) -> Explanation | None:
    """Return what was signed, the explanation with the fewest differences; None if it is nothing that is known here."""
    keys = list(keys)
    texts = list(_texts(body))
    secrets = [(key, words, secret) for key in keys for words, secret in key.mistaken()]
    stamps = list(_stamps(timestamp)) if timestamp is not None else [((), b"")]
    frames = _FRAMES if timestamp is not None else (_BODY_ALONE,)
    attempts = sorted(
        itertools.product(secrets, stamps, frames, texts),
        key=lambda each: len(each[0][1]) + len(each[1][0]) + len(each[2][0]) + each[3].changes,
    )
    for (key, about_key, secret), (about_stamp, stamp), (about_frame, frame), text in attempts:
        if hmac.compare_digest(hmac.digest(secret, frame(stamp, text.text), "sha256"), digest):
            return Explanation(key, (*about_frame, *about_stamp, *text.words, *about_key), text.reading)
    return _in_milliseconds(keys, timestamp, texts, digest)


def _texts(body: bytes) -> Iterator[_Text]:
    """Yield every spelling of a body once, under the simplest words for it."""
    seen: set[bytes] = set()
    for each in itertools.chain(_as_received(body), map(_written_again, respelled(body))):
        if each.text not in seen:
            seen.add(each.text)
            yield each


def _as_received(body: bytes) -> Iterator[_Text]:
    for reading in Whitespace:
        yield _Text((), message_to_sign("", body, reading), reading, changes=0)
    yield _Text(("the body with its whitespace, as it travels",), body)
    bare = body.rstrip(b"\r\n")
    yield _Text(("the body with its whitespace, but without the newline at its end",), bare)
    for newline in (b"\n", b"\r\n"):
        yield _Text(("the body with its whitespace, and a newline at its end",), bare + newline)
    lines = body.replace(b"\r\n", b"\n")
    yield _Text(("the body with its whitespace, its lines ended by LF",), lines)
    yield _Text(("the body with its whitespace, its lines ended by CR LF",), lines.replace(b"\n", b"\r\n"))


def _written_again(spelling: Spelling) -> _Text:
    how = f": {', '.join(spelling.ways)}" if spelling.ways else ""
    return _Text((f"the body parsed and written again{how}",), spelling.text, changes=1 + len(spelling.ways))


def _stamps(timestamp: str) -> Iterator[tuple[Words, bytes]]:
    yield (), timestamp.encode("utf-8", "surrogateescape")
    whole = timestamp.partition(".")[0]
    if whole != timestamp:
        yield (f"the timestamp {whole}, without its fraction",), whole.encode("utf-8", "surrogateescape")
    elif timestamp.isascii() and timestamp.isdigit() and len(timestamp) == _MILLISECONDS:
        yield (f"the timestamp in seconds, {timestamp[:-3]}",), timestamp[:-3].encode()


def _in_milliseconds(
    keys: Iterable[Key], timestamp: str | None, texts: Iterable[_Text], digest: bytes
) -> Explanation | None:
    """Try every millisecond of a second, with a body that is spelled as it should be."""
    if timestamp is None or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < _MILLISECONDS):
        return None
    likely = [text for text in texts if text.changes == 0]
    for key, text, fraction in itertools.product(keys, likely, range(1000)):
        stamp = f"{timestamp}{fraction:03}"
        if hmac.compare_digest(key.digest(stamp.encode() + text.text), digest):
            return Explanation(key, (f"the timestamp in milliseconds, {stamp}",), text.reading)
    return None


def _from_hex(text: bytes) -> bytes | None:
    try:
        return bytes.fromhex(text.decode())
    except ValueError:
        return None
