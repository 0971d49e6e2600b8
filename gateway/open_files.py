"""May this process open as many files as it will have connections? Where the system lets it, it is allowed to."""

from __future__ import annotations

import resource
from typing import Final

from gateway.settings import Upstream

__all__ = ["allow_open_files", "open_files_problem"]

_BESIDE: Final = 4096
"""Files beside the connections to the platform: callers, webhooks, the ledger, and what is imported."""


def allow_open_files(upstream: Upstream) -> None:
    """Raise the limit that this process may raise itself as far as these settings need it, and no further."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _least(_needed(upstream), hard)
    if _least(soft, wanted) != wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def open_files_problem(upstream: Upstream) -> str | None:
    """Say what is wrong where the limit that only the system may raise is too low for these settings."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = _needed(upstream)
    if _least(hard, needed) == needed:
        return None
    return (
        f"a process may open {hard} files here, and {upstream.max_connections} connections to the platform "
        f"(upstream.max_connections) with all else may need {needed}: raise that limit (ulimit -Hn), or lower the setting"
    )


def _needed(upstream: Upstream) -> int:
    return upstream.max_connections + _BESIDE


def _least(one: int, other: int) -> int:
    """Return the lower of two limits, one of which may be none."""
    if resource.RLIM_INFINITY in (one, other):
        return one if other == resource.RLIM_INFINITY else other
    return min(one, other)
