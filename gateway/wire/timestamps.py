"""How are instants spelled? ``YYYY-MM-DDTHH:MM:SS.ffffff`` without a zone means UTC; older spellings carry one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["EARLIEST", "LATEST", "parse_instant", "spell_instant"]

EARLIEST: Final = -62_135_596_800
"""0001-01-01T00:00:00Z in Unix seconds, the first instant of ``google.protobuf.Timestamp``."""

LATEST: Final = 253_402_300_799
"""9999-12-31T23:59:59Z in Unix seconds, the last one."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_DAY_S: Final = 86_400
_SPELLING: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?"
    r"(?:Z|([+-])([01][0-9]|2[0-3]):?([0-5][0-9]))?"
)


def parse_instant(text: str) -> tuple[int, int]:
    """Return Unix seconds and nanoseconds; raises ValueError for text that spells no instant."""
    found = _SPELLING.fullmatch(text)
    if found is None:
        raise ValueError("not a time")
    *date, fraction, sign, hours, minutes = found.groups()
    since = datetime(*map(int, date)) - _NAIVE_EPOCH  # type: ignore[arg-type]  # noqa: DTZ001 - its zone comes next
    seconds = since.days * _DAY_S + since.seconds
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes)) // timedelta(seconds=1)
        seconds += offset if sign == "-" else -offset
    if not EARLIEST <= seconds <= LATEST:
        raise ValueError("out of range")
    return seconds, int((fraction or "").ljust(9, "0"))


def spell_instant(seconds: int, nanos: int) -> str:
    """Spell an instant with six digits of fraction and no zone; what is finer than a microsecond is cut off."""
    instant = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%f").rjust(26, "0")
