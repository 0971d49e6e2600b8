"""How far did a request get, and what came back? One HTTP exchange, judged by facts and not by an exception's name.

"Server disconnected" covers a request that was never read and an answer that was cut; how far the bytes got does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from gateway.wire.attempt import Stage
from gateway.wire.envelope import HttpAnswer

__all__ = ["NO_HEADERS", "Exchange", "Headers", "Loss", "Outgoing", "Stage", "Transport", "header_lines"]


class Loss(StrEnum):
    """Why no whole answer came."""

    TIMEOUT = "no answer in time"
    BROKEN = "the connection broke"


def header_lines(fields: Mapping[str, str]) -> str:
    """Write headers as HTTP has them (RFC 9112, 5); raises ValueError for one that would end its line."""
    text = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if text.count("\n") != len(fields) or text.count("\r") != len(fields):
        raise ValueError("a header has a line break where none may be")
    return text


@dataclass(frozen=True, slots=True)
class Headers:
    """Headers that many requests have; written once."""

    fields: Mapping[str, str]
    lines: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", header_lines(self.fields))


NO_HEADERS: Final = Headers({})


class Outgoing(NamedTuple):
    """What is put on the wire: ``url`` says where to connect, ``target`` is the path and query, byte for byte.

    ``always`` are headers that other requests have as well; those of this one come after them.
    """

    verb: str
    url: str
    target: bytes
    headers: Mapping[str, str]
    body: bytes
    always: Headers = NO_HEADERS


class Exchange(NamedTuple):
    """What became of it: a whole answer, or why there is none."""

    stage: Stage
    answer: HttpAnswer | None = None
    loss: Loss | None = None


class Transport(Protocol):
    """Carries requests over connections that it keeps."""

    async def exchange(
        self,
        outgoing: Outgoing,
        *,
        timeout_s: float,
        connect_timeout_s: float,
        max_answer_bytes: int,
        clock: Callable[[], float],
    ) -> Exchange:
        """Send one request and read its whole answer within ``timeout_s`` seconds; raises nothing but CancelledError."""
