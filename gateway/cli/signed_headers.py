"""Are the two signed headers what they have to be? ``timestamp`` is Unix seconds, ``signature`` 64 hexadecimal digits."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.cli.received import Received

__all__ = ["Clock", "Signature", "Timestamp", "read_signature", "read_timestamp"]

_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_MILLISECONDS: Final = re.compile(r"[0-9]{13,15}")
_DIGITS: Final = re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_DIGEST_SIZE: Final = 32
_WANTED: Final = "64 lower-case hexadecimal digits are wanted"

_HOUR: Final = 3_600
_FARTHEST_ZONE: Final = 14


class Timestamp(NamedTuple):
    """The header ``timestamp``, None if there is not exactly one; and what is wrong with it, if anything."""

    text: str | None
    problem: str = ""


class Signature(NamedTuple):
    """The bytes that the header ``signature`` spells, if it does; and what is wrong with it, if anything."""

    digest: bytes | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """What time it is, and how far from it a timestamp may be, in seconds."""

    now: int
    tolerance: int

    def allows(self, stamp: int) -> bool:
        """Tell whether a timestamp is within the tolerance."""
        return abs(self.now - stamp) <= self.tolerance

    def says(self, stamp: int) -> str:
        """Say how old a timestamp is, and guess why where it is off by whole hours."""
        age = self.now - stamp
        when = f"{_span(abs(age))} {'ahead' if age < 0 else 'ago'}"
        if self.allows(stamp):
            return f"{when}, within the tolerance of {self.tolerance} s"
        hours = round(age / _HOUR)
        near = 1 <= abs(hours) <= _FARTHEST_ZONE and abs(age - hours * _HOUR) <= self.tolerance
        guess = f"; nearly {abs(hours)} h: is it local time taken for UTC?" if near else ""
        return f"{when}, outside the tolerance of {self.tolerance} s{guess}"


def _span(seconds: int) -> str:
    if seconds < 2 * 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s"))
    return f"{seconds} s ({' '.join(f'{count} {unit}' for count, unit in parts if count)})"


def read_timestamp(received: Received, clock: Clock) -> Timestamp:
    """Return the timestamp, and what is wrong with it."""
    stamp, problem = _only(received, "timestamp")
    if stamp is None or _SECONDS.fullmatch(stamp):
        return Timestamp(stamp, problem)
    if _MILLISECONDS.fullmatch(stamp):
        age = clock.says(int(stamp) // 1000)
        return Timestamp(stamp, f"is in milliseconds, and Unix time in whole seconds is wanted; {age}")
    return Timestamp(stamp, "is not Unix time in whole seconds")


def read_signature(received: Received) -> Signature:
    """Return the signature, however it is spelled, and what is wrong with its spelling."""
    text, problem = _only(received, "signature")
    if text is None:
        return Signature(None, problem)
    found = _DIGITS.search(text)
    if found is not None:
        faults = ["more than its digits in it"] if found[0] != text else []
        faults += ["capital digits"] if found[0] != found[0].lower() else []
        return Signature(bytes.fromhex(found[0]), f"has {' and '.join(faults)}; {_WANTED}" if faults else "")
    digest = _from_base64(text)
    how = f"has {len(text)} characters that are no such digits" if digest is None else "is base64"
    return Signature(digest, f"{how}; {_WANTED}")


def _only(received: Received, name: str) -> tuple[str | None, str]:
    """Return the value of a header, None and why if there is not exactly one."""
    values = received.header(name)
    if len(values) != 1:
        return None, f"the header is there {len(values)} times" if values else "the header is missing"
    return (values[0], "") if values[0] else (None, "the header is empty")


def _from_base64(text: str) -> bytes | None:
    try:
        digest = base64.b64decode(text.translate(str.maketrans("-_", "+/")), validate=True)
    except (binascii.Error, ValueError):
        return None
    return digest if len(digest) == _DIGEST_SIZE else None
