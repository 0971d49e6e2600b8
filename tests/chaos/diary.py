"""What did the players mean to do, and what were they told? Written down before each call, as a careful caller does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from google.protobuf.message import Message

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket

__all__ = ["ORPHAN", "RESPONSES", "Deed", "Diary", "Intent", "Told", "Word"]


class Deed(StrEnum):
    """What a player does, by the name that the ledger has for it."""

    CREATE = "betstack.ticket.v1.TicketService/CreateTicket"
    RESERVE = "betstack.ticket.v1.TicketService/ReserveTicket"
    PAY = "betstack.ticket.v1.TicketService/PayTicket"
    TAKE = "betstack.pam.v1.PamService/CreateTicket"
    WIN = "betstack.pam.v1.PamService/WinTicket"
    DISCARD = "betstack.pam.v1.PamService/DiscardTicket"


RESPONSES: Final[Mapping[Deed, type[Message]]] = {
    Deed.CREATE: ticket.CreateTicketResponse,
    Deed.RESERVE: ticket.ReserveTicketResponse,
    Deed.PAY: ticket.PayTicketResponse,
    Deed.TAKE: pam.CreateTicketResponse,
    Deed.WIN: pam.WinTicketResponse,
    Deed.DISCARD: pam.DiscardTicketResponse,
}


ORPHAN: Final = "the gateway that sent the call ended"
"""What the gateway says of a call whose process is gone."""


class Word(StrEnum):
    """What kind of answer a caller got."""

    OK = "OK"
    REFUSED = "refused by the gateway"
    NOTHING = "no answer of the gateway"


@dataclass(frozen=True, slots=True)
class Told:
    """The end of one try as its caller saw it, between two moments (Unix seconds).

    ``ticket_id`` is in answers that have a ticket. ``reason`` and ``execution`` are what a refusal says, or the status
    of the call where the gateway said nothing.
    """

    word: Word
    begun: float
    ended: float
    ticket_id: str = ""
    is_replay: bool = False
    reason: str = ""
    execution: str = ""
    message: str = ""


@dataclass(slots=True)
class Intent:
    """One request id: the request that is sent under it each time, whose money it is, and all that was told about it."""

    deed: Deed
    request: Any
    player_id: str
    told: list[Told] = field(default_factory=list)

    @property
    def request_id(self) -> str:
        """The request id."""
        return str(self.request.request_id)

    def __str__(self) -> str:
        return f"{self.deed.rpartition('.')[2]} {self.request_id}"


class Diary:
    """Everything that was meant, by request id."""

    def __init__(self) -> None:
        self._intents: dict[str, Intent] = {}

    def note(self, intent: Intent) -> Intent:
        """Write down what is about to be done."""
        assert intent.request_id not in self._intents
        self._intents[intent.request_id] = intent
        return intent

    def __iter__(self) -> Iterator[Intent]:
        return iter(tuple(self._intents.values()))

    def __getitem__(self, request_id: str) -> Intent:
        return self._intents[request_id]

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._intents

    def of(self, *deeds: Deed) -> list[Intent]:
        """Return the intents of some kinds."""
        return [intent for intent in self if intent.deed in deeds]

    def deeds(self) -> dict[Deed, int]:
        """Count what was meant, by its kind."""
        return {deed: len(self.of(deed)) for deed in Deed}

    def unknown(self) -> Iterable[str]:
        """Return the request ids whose callers were told that the outcome is unknown."""
        return (intent.request_id for intent in self if any(each.reason == "OUTCOME_UNKNOWN" for each in intent.told))

    def answers(self) -> Counter[str]:
        """Count the answers by what they said."""
        return Counter(each.reason or each.word for intent in self for each in intent.told)
