"""What of this machine's environment may reach the gateways that tests run? Of all settings, the transport alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from gateway.settings import ENV_PREFIX

TRANSPORT: Final = f"{ENV_PREFIX}UPSTREAM__TRANSPORT"
"""The variable that says over which transport the tests run; `make test TRANSPORT=httpx` sets it."""


def foreign() -> Iterator[str]:
    """Yield the names of the other variables that gateways would read."""
    return (name for name in tuple(os.environ) if name.upper().startswith(ENV_PREFIX) and name != TRANSPORT)


def environment() -> dict[str, str]:
    """Return this process's environment without them."""
    left_out = set(foreign())
    return {name: value for name, value in os.environ.items() if name not in left_out}
