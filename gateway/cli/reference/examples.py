"""What is an example made of? A call, and the texts that went over the wire for it, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.cli.reference.blocks import Block, Fold

__all__ = ["Example", "Examples"]


@dataclass(frozen=True, slots=True)
class Example:
    """One call from its request to its end; ``reason`` is why it was refused, empty where it was not.

    ``typed`` is the request in a line, as a caller types it; empty where the call came from the platform.
    """

    rpc: str
    title: str
    parts: tuple[Block | Fold, ...]
    reason: str = ""
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Examples:
    """Everything that was recorded: calls by RPC (``Service/Method``), and how the platform makes the same calls."""

    calls: Mapping[str, tuple[Example, ...]]
    webhooks: Mapping[str, Example]

    def refused(self, reason: str) -> Iterator[Example]:
        """Yield the calls that were refused for a reason."""
        return (each for examples in self.calls.values() for each in examples if each.reason == reason)
