"""What goes wrong with webhooks at random, within what a platform may do?

It delivers at least once: a webhook may come twice, its answer may get lost, it may come late, and a create that got
stuck on the way may come after the discard that undid it. It does not change the order of what is told about a ticket.

The same seed does the same to the same webhooks, in whatever order they are sent.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final
from urllib.parse import urlsplit

from gateway.sandbox.faults import Faults
from gateway.sandbox.webhook_bodies import Webhook

__all__ = ["Mishap", "Mishaps", "WebhookChaos"]

_CAN_BE_OVERTAKEN: Final = frozenset({"ticket_create", "ticket_reserve"})


@dataclass(frozen=True, slots=True)
class WebhookChaos:
    """How much goes wrong: shares of the webhooks, from 0 to 1."""

    # Sent once more, later.
    duplicate: float = 0
    # Of those that are: with a timestamp and signature of their own.
    resigned: float = 0.5
    # The connection is closed before the answer is read.
    answer_lost: float = 0
    # Sent later than it could be; not those that somebody waits for.
    delay: float = 0
    # Creates and reserves that arrive after their discard only.
    overtaken: float = 0
    # The most by which something is later, by the sandbox's clock.
    longest_delay_s: float = 2
    # Decides which webhooks are hit.
    seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.duplicate, self.resigned, self.answer_lost, self.delay, self.overtaken)
        if not all(0 <= share <= 1 for share in shares):
            raise ValueError("a share is from 0 to 1")
        if not self.longest_delay_s >= 0:
            raise ValueError("nothing is earlier")


@dataclass(frozen=True, slots=True)
class Mishap:
    """What happens to one try to send a webhook."""

    # After how many seconds it is sent once more; None: it is not.
    copy_after_s: float | None = None
    resigned: bool = False
    answer_lost: bool = False
    # It does not arrive now, but after so many seconds; None: it does.
    stuck_s: float | None = None


class Mishaps:
    """Decides what happens to each webhook: the faults in line first, then chance."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._counts: Counter[str] = Counter()
        # None: nothing happens by chance.
        self.chaos: WebhookChaos | None = None

    def of(self, webhook: Webhook, url: str, tries: int = 0) -> Mishap:
        """Decide what happens to a try to send a webhook."""
        fault = self._faults.take_for_webhook(urlsplit(url).path, webhook.kind)
        if fault is not None:
            return Mishap(copy_after_s=fault.seconds, resigned=fault.resigned)
        chaos = self.chaos
        if chaos is None:
            return Mishap()
        chance = self._chance(chaos, webhook, "try", tries)
        duplicate, resigned, lost, overtaken, later = (chance.random() for _ in range(5))
        after_s = later * chaos.longest_delay_s
        if webhook.kind in _CAN_BE_OVERTAKEN and overtaken < chaos.overtaken:
            return Mishap(stuck_s=after_s)
        return Mishap(
            copy_after_s=after_s if duplicate < chaos.duplicate else None,
            resigned=resigned < chaos.resigned,
            answer_lost=lost < chaos.answer_lost,
        )

    def delay_s(self, webhook: Webhook) -> float:
        """Decide how much later a webhook is sent than it could be."""
        chaos = self.chaos
        if chaos is None or not chaos.delay:
            return 0
        chance = self._chance(chaos, webhook, "delay", 0)
        return chance.random() * chaos.longest_delay_s if chance.random() < chaos.delay else 0

    def _chance(self, chaos: WebhookChaos, webhook: Webhook, what: str, tries: int) -> Random:
        name = f"{chaos.seed}:{what}:{webhook.api}:{webhook.kind}:{webhook.ticket_id}:{tries}"
        if webhook.ticket_id is None:
            # There are many of these, and each has a fate of its own.
            self._counts[name] += 1
            name += f":{self._counts[name]}"
        return Random(name)  # noqa: S311
