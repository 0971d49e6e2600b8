"""What does a call need of this floor? Each route's check, binding and reading, compiled once at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contract.routes import Contract, Route
from gateway.wire.binding import Bind, binder
from gateway.wire.codes import CodesOf
from gateway.wire.envelope import Read, reader
from gateway.wire.pieces import Pieces, pieces_reader
from gateway.wire.validation import Check, checker

__all__ = ["Translation", "translations"]


@dataclass(frozen=True, slots=True)
class Translation:
    """One route with its compiled functions; ``pieces`` is how long answers are read."""

    route: Route
    check: Check
    bind: Bind
    read: Read
    pieces: Pieces


def translations(contract: Contract, codes_of: CodesOf) -> Mapping[str, Translation]:
    """Compile every route of the contract; the result is keyed by RPC."""
    return {rpc: _translation(route, codes_of) for rpc, route in contract.routes.items()}


def _translation(route: Route, codes_of: CodesOf) -> Translation:
    read = reader(route, codes_of)
    return Translation(route, checker(route), binder(route), read, pieces_reader(route, read))
