"""What came in, byte for byte, and what went out?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.sandbox.faults import FaultKind

__all__ = ["Exchange", "Journal"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it arrived, and the answer as it left."""

    method: str
    # Path and query as they came over the wire, nothing decoded.
    target: str
    # Names in lower case, in the order of arrival.
    headers: tuple[tuple[str, str], ...]
    body: bytes
    # None and empty where the connection was closed without an answer.
    status: int | None
    answer: bytes
    fault: FaultKind | None = None

    def header(self, name: str) -> str | None:
        """Return the value of a header, None if there is none."""
        return next((value for key, value in self.headers if key == name), None)


class Journal:
    """The latest exchanges, oldest first. An exchange is in it before the last byte of its answer leaves."""

    def __init__(self, size: int) -> None:
        self._exchanges: deque[Exchange] = deque(maxlen=size)

    def add(self, exchange: Exchange) -> None:
        """Remember an exchange."""
        self._exchanges.append(exchange)

    def clear(self) -> None:
        """Forget all exchanges."""
        self._exchanges.clear()

    @property
    def last(self) -> Exchange:
        """The latest exchange; IndexError if there was none."""
        return self._exchanges[-1]

    def __iter__(self) -> Iterator[Exchange]:
        return iter(tuple(self._exchanges))

    def __len__(self) -> int:
        return len(self._exchanges)

    def __getitem__(self, place: int) -> Exchange:
        return self._exchanges[place]
