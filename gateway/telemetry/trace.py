"""Which trace does a call belong to? W3C Trace Context, read from headers and written into them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self

__all__ = ["TRACE_HEADERS", "Trace"]

TRACE_HEADERS: Final = frozenset({"traceparent", "tracestate"})

_TRACEPARENT: Final = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})"
    r"(?P<rest>-[!-~]*)?"
)
_TRACESTATE: Final = re.compile(r"[ -~]{1,512}")


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace: ``span_id`` is whoever called. ``flags`` and ``state`` travel on as they came."""

    trace_id: str
    span_id: str
    flags: str
    state: str = ""

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self | None:
        """Return the trace that headers (in lower case) name; None where they name none, or not as the standard says."""
        traceparent = headers.get("traceparent")
        found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        if found is None or (found["version"] == "00" and found["rest"]):
            return None
        state = headers.get("tracestate", "")
        return cls(found["trace"], found["span"], found["flags"], state if _TRACESTATE.fullmatch(state) else "")

    def headers(self) -> Iterator[tuple[str, str]]:
        """Yield the headers that carry it on."""
        yield "traceparent", f"00-{self.trace_id}-{self.span_id}-{self.flags}"
        if self.state:
            yield "tracestate", self.state
