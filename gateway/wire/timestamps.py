"""How are instants spelled? ``YYYY-MM-DDTHH:MM:SS.ffffff`` without a zone means UTC; older spellings carry one."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

__all__ = ["EARLIEST", "LATEST", "parse_instant", "spell_instant"]

EARLIEST: Final = -62_135_596_800
"""0001-01-01T00:00:00Z in Unix seconds, the first instant of ``google.protobuf.Timestamp``."""

LATEST: Final = 253_402_300_799
"""9999-12-31T23:59:59Z in Unix seconds, the last one."""

_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_SPELLING: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])"
    r"(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?"
)


def parse_instant(text: str) -> tuple[int, int]:
    """Return Unix seconds and nanoseconds; raises ValueError for text that spells no instant."""
    found = _SPELLING.fullmatch(text)
    if found is None:
        raise ValueError("not a time")
    day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    seconds = _day(day) * _DAY_S + (int(hour) * 60 + int(minute)) * 60 + int(second)
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes)) // timedelta(seconds=1)
        seconds += offset if sign == "-" else -offset
    if not EARLIEST <= seconds <= LATEST:
        raise ValueError("out of range")
    return seconds, int((fraction or "").ljust(9, "0"))


def spell_instant(seconds: int, nanos: int) -> str:
    """Spell an instant with six digits of fraction and no zone; what is finer than a microsecond is cut off."""
    day, rest = divmod(seconds, _DAY_S)
    minutes, second = divmod(rest, 60)
    return f"{_date(day)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{nanos // 1000:06}"


@lru_cache(maxsize=4096)
def _day(text: str) -> int:
    """Return the number of a day, spelled ``YYYY-MM-DD``, since 1970; most of what is read happened on a few days."""
    return date.fromisoformat(text).toordinal() - _FIRST_DAY


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    return date.fromordinal(day + _FIRST_DAY).isoformat()
