"""How is a sandbox set up?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final

from gateway.sandbox.calculator import Rates

__all__ = ["DEFAULT_PLAYERS", "Clock", "Opening", "SandboxOptions", "Sleep", "WebhookTargets"]

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Opening:
    """A player who is there from the start."""

    token: str
    balance: int
    currency: str = "KES"
    blocked: bool = False


DEFAULT_PLAYERS: Final = (
    Opening("demo", 1_000_00),
    Opening("ada-token", 1_000_00),
    Opening("grace-token", 250_00),
    Opening("poor-token", 0),
    Opening("blocked", 1_000_00, blocked=True),
)


@dataclass(frozen=True, slots=True)
class WebhookTargets:
    """Where an operator wants to be told what happens to its tickets."""

    # Gets the PAM actions, e.g. `http://127.0.0.1:8080/pam/site`; then the operator's players have their money there,
    # and the sandbox moves none of it. None: they have it in the sandbox.
    pam_url: str | None = None
    # Gets the notifications, e.g. `http://127.0.0.1:8080/sms/site`; None: there are none.
    sms_url: str | None = None


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Everything that can be chosen about a sandbox."""

    # Host and port; port 0 takes a free one.
    listen: str = "127.0.0.1:9090"
    # Host and port of the steering service, for other processes; port 0 takes a free one, None does without.
    control: str | None = None
    # Secret key by operator name.
    operators: Mapping[str, str] = field(default_factory=lambda: {"site": "12345ABCDE"}, repr=False)
    # Further keys that an operator may sign with, by operator name: while it changes its key, the old and the new one hold.
    # Assumed: the platform documents no change of keys.
    more_keys: Mapping[str, Collection[str]] = field(default_factory=dict, repr=False)
    # The directory of the database; None keeps it in memory, gone at the end.
    data: Path | None = None
    # Who plays from the start.
    players: tuple[Opening, ...] = DEFAULT_PLAYERS
    # Decides fixtures, ids and codes.
    seed: int = 0
    # Unix time in seconds.
    clock: Clock = time.time
    # How SLOW answers wait.
    sleep: Sleep = asyncio.sleep
    # The operators' own zone, for `operator_time_*`.
    utc_offset: timedelta = timedelta(hours=3)
    # Taxes of all operators.
    rates: Rates = field(default_factory=Rates)
    # How far a timestamp header may be from the clock. Assumed: no tolerance is documented.
    timestamp_tolerance_s: int = 300
    # How many exchanges the journal remembers, and how many webhooks theirs.
    journal_size: int = 1_000
    # Who is called back, by operator name. They are signed with the time of `clock`, however far that of the sandbox has
    # been moved: the receivers' clocks have not been.
    webhooks: Mapping[str, WebhookTargets] = field(default_factory=dict)
    # How long a webhook's answer is waited for. Assumed: the platform documents no limit.
    webhook_patience_s: float = 8
