"""What differs between two runs of the same calls, and what is written in its place?

Only the free ports that everything listened on, and the request ids that the gateway makes for what has none: the clock
stands still, other ids come from a seed or from the caller, and the key is the sandbox's. So signatures hold for the bytes
that are shown. Ports become those of ``betstack-gateway run``. Deliveries that travelled side by side are put in the order
of their kinds, and the entries of maps, which have no order, in that of their keys.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, Final

from gateway.cli.playground import USUAL, Addresses, Playground
from gateway.cli.reference.facts import FILES, messages
from gateway.sandbox import Delivery

__all__ = ["START", "StillClock", "in_order", "ordered", "request_id", "stabilised"]

START: Final = 1_767_258_000
"""Noon of the first of January 2026 where the sandbox's operator is, in Nairobi: Unix time in seconds."""

_NAMESPACE: Final = uuid.UUID("6f1d2c3b-0a59-4e78-9c67-8b5a4d3e2f10")

_MADE_UP: Final = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
"""A random UUID; those of our own are of version 5."""

_MAPS: Final = frozenset(
    {"metadata"}  # of the ErrorInfo, too, which is no message of ours
    | {
        field.name
        for file in FILES
        for message in messages(file)
        for field in message.fields
        if field.message_type is not None and field.message_type.GetOptions().map_entry
    }
)
"""Fields that hold maps."""


class StillClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self._now: float = START

    def __call__(self) -> float:
        """Return the time, as Unix time in seconds."""
        return self._now

    def tick(self) -> None:
        """Move a second on."""
        self._now += 1


def request_id(intent: str) -> str:
    """Return the request id of an intent: it looks random, and is always the same."""
    return str(uuid.uuid5(_NAMESPACE, intent))


def in_order(deliveries: Iterable[Delivery]) -> list[Delivery]:
    """Put the actions before the notifications; each of them arrives in order, and side by side with the other."""
    return sorted(deliveries, key=lambda each: each.webhook.api)


def ordered(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with the entries of its maps in the order of their keys, in texts that are JSON, too."""
    if isinstance(value, str) and value.startswith("{"):
        return _ordered_text(value)
    if isinstance(value, list):
        return [ordered(each) for each in value]
    if not isinstance(value, dict):
        return value
    inner = {key: ordered(each) for key, each in value.items()}
    return {
        key: dict(sorted(each.items())) if key in _MAPS and isinstance(each, dict) else each
        for key, each in inner.items()
    }


def _ordered_text(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text
    inner = ordered(found)
    return text if json.dumps(inner) == json.dumps(found) else json.dumps(inner, separators=(",", ":"))


def stabilised(place: Playground) -> Callable[[str], str]:
    """Return what makes a text of a playground the same in every run."""
    here = Addresses(
        gateway=place.gateway.target,
        webhooks=place.gateway.webhooks or "",
        wallet=place.wallet.target,
        sandbox=place.platform.url.removeprefix("http://"),
        control=place.platform.control_target,
    )
    ports = [(getattr(here, each.name), getattr(USUAL, each.name)) for each in fields(Addresses)]

    def rewritten(text: str) -> str:
        for found, usual in ports:
            text = text.replace(found, usual)
        return _MADE_UP.sub(request_id("made by the gateway"), text)

    return rewritten
