"""How far did a request get, and what came back? One HTTP exchange, judged by facts and not by an exception's name.

"Server disconnected" covers a request that was never read and an answer that was cut; how far the bytes got does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import httpx

from gateway.wire.attempt import Stage
from gateway.wire.envelope import HttpAnswer

__all__ = ["Exchange", "Loss", "Outgoing", "Stage", "Transport"]


class Loss(StrEnum):
    """Why no whole answer came."""

    TIMEOUT = "no answer in time"
    BROKEN = "the connection broke"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is put on the wire: ``url`` says where to connect, ``target`` is the path and query, byte for byte."""

    verb: str
    url: httpx.URL
    target: bytes
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Exchange:
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
