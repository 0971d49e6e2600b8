"""How are instants spelled? Every spelling that the platform has used, and text that is none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.timestamps import EARLIEST, LATEST, parse_instant, spell_instant

SPELLINGS = [
    ("2024-07-17T17:00:00.000000", 1721235600, 0),
    ("2024-07-16T06:45:11", 1721112311, 0),
    ("2024-07-17T17:00:00.000000+00:00", 1721235600, 0),
    ("2024-07-17T17:00:00+00:00", 1721235600, 0),
    ("2024-07-17T17:00:00Z", 1721235600, 0),
    ("2024-07-17T17:00:00-00:00", 1721235600, 0),
    ("2024-07-17T19:00:00+02:00", 1721235600, 0),
    ("2024-07-17T19:00:00+0200", 1721235600, 0),
    ("2024-07-17T11:30:00-05:30", 1721235600, 0),
    ("2024-07-18T16:59:00+23:59", 1721235600, 0),
    ("2024-07-17T17:00:00.5", 1721235600, 500_000_000),
    ("2024-07-17T17:00:00.123456", 1721235600, 123_456_000),
    ("2024-07-17T17:00:00.123456789", 1721235600, 123_456_789),
    ("2024-07-17T17:00:00.000001Z", 1721235600, 1_000),
    ("1970-01-01T00:00:00", 0, 0),
    ("1969-12-31T23:59:59.999999", -1, 999_999_000),
    ("2024-02-29T12:00:00", 1709208000, 0),
    ("0001-01-01T00:00:00.000000", EARLIEST, 0),
    ("9999-12-31T23:59:59.999999", LATEST, 999_999_000),
]

NO_INSTANTS = [
    "",
    "yesterday",
    "2024-07-17",
    "2024-07-17T17:00",
    "2024-07-17 17:00:00",
    "2024-07-17t17:00:00",
    " 2024-07-17T17:00:00",
    "2024-07-17T17:00:00\n",
    "2024-07-17T17:00:00.",
    "2024-07-17T17:00:00.1234567890",
    "2024-07-17T17:00:00,5",
    "2024-07-17T17:00:00 Z",
    "2024-07-17T17:00:00ZZ",
    "2024-07-17T17:00:00+02",
    "2024-07-17T17:00:00+24:00",
    "2024-07-17T17:00:00+02:60",
    "2024-07-17T17:00:00+99:99",
    "2024-13-01T00:00:00",
    "2023-02-29T00:00:00",
    "2024-07-17T24:00:00",
    "2024-07-17T17:00:60",
    "0000-01-01T00:00:00",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "+2024-07-17T17:00:00",
    "\u0662\u0660\u0662\u0664-07-17T17:00:00",
    "1721235600",
]


@pytest.mark.parametrize(("text", "seconds", "nanos"), SPELLINGS, ids=[case[0] for case in SPELLINGS])
def test_every_spelling_of_an_instant_is_read(text: str, seconds: int, nanos: int) -> None:
    """A time without a zone means UTC, one with a zone means what it says, and a fraction is optional."""
    assert parse_instant(text) == (seconds, nanos)


@pytest.mark.parametrize("text", NO_INSTANTS, ids=ascii)
def test_text_that_spells_no_instant_is_refused(text: str) -> None:
    """What is not a time of these spellings raises ValueError and is never guessed at."""
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


@pytest.mark.parametrize("value", [1721235600, 1.5, True, None, [], {}], ids=str)
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    """A number is no time, whatever it counts."""
    with pytest.raises(TypeError):
        parse_instant(value)


@pytest.mark.parametrize(
    ("seconds", "nanos", "text"),
    [
        (1721235600, 0, "2024-07-17T17:00:00.000000"),
        (1721235600, 123_456_999, "2024-07-17T17:00:00.123456"),
        (-1, 999_999_999, "1969-12-31T23:59:59.999999"),
        (EARLIEST, 0, "0001-01-01T00:00:00.000000"),
        (LATEST, 999_999_999, "9999-12-31T23:59:59.999999"),
    ],
)
def test_instants_are_written_with_six_digits_and_no_zone(seconds: int, nanos: int, text: str) -> None:
    """The spelling written is the platform's; what is finer than a microsecond is cut off."""
    assert spell_instant(seconds, nanos) == text


@settings(max_examples=150, deadline=None)
@given(seconds=st.integers(EARLIEST, LATEST), micros=st.integers(0, 999_999))
def test_what_is_written_reads_back(seconds: int, micros: int) -> None:
    """Every instant of the years 1 to 9999 survives to the microsecond."""
    assert parse_instant(spell_instant(seconds, micros * 1000)) == (seconds, micros * 1000)


@settings(max_examples=150, deadline=None)
@given(text=st.text() | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.+\-Z]{8,20}", fullmatch=True))
def test_reading_text_raises_nothing_but_value_error(text: str) -> None:
    """Whatever text arrives, it is an instant of the years 1 to 9999 or a ValueError."""
    try:
        seconds, nanos = parse_instant(text)
    except ValueError:
        return
    assert EARLIEST <= seconds <= LATEST
    assert 0 <= nanos < 1_000_000_000
