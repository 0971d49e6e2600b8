"""How does the platform spell an instant?

Times are UTC without a zone; a field called ``operator_time_*`` is the same instant in the operator's own zone, spelled
the same way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["DAY", "HOUR", "spelled", "spelled_without_fraction"]

HOUR: Final = 3_600
DAY: Final = 24 * HOUR


def spelled(instant: float, offset: timedelta = timedelta(0)) -> str:
    """Return ``2024-07-17T17:00:00.000000`` for a Unix time, shifted by a zone's offset."""
    return _zoned(instant, offset).strftime("%Y-%m-%dT%H:%M:%S.%f")


def spelled_without_fraction(instant: float) -> str:
    """Return ``2024-07-16T06:45:11``: the time at which odds changed has no fraction in the platform's samples."""
    return _zoned(instant, timedelta(0)).strftime("%Y-%m-%dT%H:%M:%S")


def _zoned(instant: float, offset: timedelta) -> datetime:
    return datetime.fromtimestamp(instant, UTC) + offset
