"""How else can this body be spelled? As other programs write the same JSON: sorted, indented, ``10.0`` for ``10``.

A signature covers one spelling. Whoever signs an object and lets something else write it signs another one.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any, Final, NamedTuple

from gateway.wire.jsontext import NotJson, parse, spell_number

__all__ = ["Spelling", "respelled"]

_BIG: Final = 16_384
"""Bytes; a longer body is respelled in one way at a time."""
_MOST_WAYS: Final = 3

_RATES: Final = frozenset({"wht", "ext", "odds", "odds_diff", "total_odds"})
"""The fields whose numbers are fractions even where they are whole."""


class Spelling(NamedTuple):
    """A text with the same meaning, and in which ways its spelling is another one."""

    ways: tuple[str, ...]
    text: bytes


class _Number(str):
    """A number as it was spelled."""

    __slots__ = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether it is spelled without point and exponent."""
        return self.lstrip("-").isdigit()


Numbers = Callable[[_Number, str], str]
Strings = Callable[[str], str]


def _as_they_are(number: _Number, _: str) -> str:
    return number


def _shortest(number: _Number, _: str) -> str:
    return number if number.is_whole else repr(float(number))


def _without_point(number: _Number, _: str) -> str:
    return number if number.is_whole else spell_number(float(number))


def _with_point(number: _Number, field: str) -> str:
    return repr(float(number)) if field in _RATES or not number.is_whole else number


def _two_digits(number: _Number, field: str) -> str:
    return f"{float(number):.2f}" if field in _RATES or not number.is_whole else number


def _slashes(text: str) -> str:
    return encode_basestring_ascii(text).replace("/", "\\/")


def _for_html(text: str) -> str:
    escaped = encode_basestring(text)
    for character in "<>&":
        escaped = escaped.replace(character, f"\\u{ord(character):04x}")
    return escaped


@dataclass(frozen=True, slots=True)
class _Layout:
    comma: str = ","
    colon: str = ":"
    indent: str = ""
    strip: bool = False


# The first of each is how the body came, as far as parsing it has left of that.
_NUMBERS: Final[tuple[tuple[str, Numbers], ...]] = (
    ("", _as_they_are),
    ("10.0 written as 10", _without_point),
    ("rates and odds that are whole written as 10.0", _with_point),
    ("fractions with their shortest digits", _shortest),
    ("fractions with two digits", _two_digits),
)
_ORDERS: Final = (("", False), ("its keys sorted", True))
_STRINGS: Final[tuple[tuple[str, Strings], ...]] = (
    ("", encode_basestring),
    (r"what is not ASCII written as \u00e9", encode_basestring_ascii),
    (r"/ written as \/, as PHP does", _slashes),
    (r"< > & written as \u003c, as Go does", _for_html),
)
_LAYOUTS: Final = (
    ("", _Layout()),
    ("a blank after each comma and colon", _Layout(", ", ": ")),
    ("lines indented by 2", _Layout(colon=": ", indent="  ")),
    ("lines indented by 4", _Layout(colon=": ", indent="    ")),
    ("blanks inside strings taken away", _Layout(strip=True)),
)
_ENDS: Final = (("", b""), ("a newline at its end", b"\n"))


def respelled(body: bytes) -> Iterator[Spelling]:
    """Yield other spellings of a JSON text, the least changed first; none of what is not JSON."""
    try:
        parse(body)
    except NotJson:
        return
    value = json.loads(body, parse_float=_Number, parse_int=_Number)
    most = 1 if len(body) > _BIG else _MOST_WAYS
    choices = itertools.product(_NUMBERS, _ORDERS, _STRINGS, _LAYOUTS, _ENDS)
    named = ((tuple(word for word, _ in choice if word), choice) for choice in choices)
    for ways, (numbers, order, strings, layout, end) in sorted(named, key=lambda each: len(each[0])):
        if len(ways) > most:
            return
        text = _Writer(numbers[1], strings[1], layout[1], order[1]).write(value).encode("utf-8", "replace")
        yield Spelling(ways, (text.translate(None, b" \t\r\n") if layout[1].strip else text) + end[1])


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes JSON in one of the ways."""

    numbers: Numbers
    strings: Strings
    layout: _Layout
    sorts: bool

    def write(self, value: Any, field: str = "", depth: int = 1) -> str:  # noqa: ANN401 - any JSON value
        """Return a value's text; ``field`` is the key that it stands under."""
        match value:
            case _Number():
                return self.numbers(value, field)
            case str():
                return self.strings(value)
            case dict():
                return self._within("{}", list(self._members(value, depth)), depth)
            case list():
                return self._within("[]", [self.write(each, field, depth + 1) for each in value], depth)
            case _:
                return json.dumps(value)

    def _members(self, value: dict[str, Any], depth: int) -> Iterator[str]:
        for key, member in sorted(value.items(), key=lambda each: each[0]) if self.sorts else value.items():
            yield f"{self.strings(key)}{self.layout.colon}{self.write(member, key, depth + 1)}"

    def _within(self, brackets: str, parts: list[str], depth: int) -> str:
        if not parts or not self.layout.indent:
            return brackets[0] + self.layout.comma.join(parts) + brackets[1]
        line, last = (f"\n{self.layout.indent * level}" for level in (depth, depth - 1))
        return brackets[0] + line + f"{self.layout.comma}{line}".join(parts) + last + brackets[1]
