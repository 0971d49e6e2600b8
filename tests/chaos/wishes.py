"""What do the players want? Requests that the sandbox takes, each with a request id of its own, from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any, Final
from uuid import UUID

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.sandbox import Sandbox
from tests.chaos.diary import Deed, Intent
from tests.rpc.bets import AMOUNTS, picks

__all__ = ["OPENING", "POOR", "Wishes"]

RICH: Final = ("chaos-ada", "chaos-grace", "chaos-alan")
POOR: Final = "chaos-poor"
OPENING: Final[Mapping[str, int]] = {**dict.fromkeys(RICH, 10_000_000_00), POOR: 30_00}
"""What each player has at first, in cents, by token; one of them is soon refused for want of money."""

_POOR_SHARE: Final = 0.05


class Wishes:
    """Makes the players' requests; ``ids`` are the players' ids by token."""

    def __init__(self, platform: Sandbox, ids: Mapping[str, str], random: Random) -> None:
        self._platform = platform
        self._ids = ids
        self._random = random

    def create(self) -> Intent:
        """Place a bet."""
        token = self._token()
        request = ticket.CreateTicketRequest(**self._bet(token), quicktip=self._quicktip())
        return Intent(Deed.CREATE, request, self._ids[token])

    def superbet(self) -> Intent:
        """Place a bet of the type that nobody else places, for faults that are meant for it alone."""
        event = self._platform.cards.fixtures.today()[0]
        bets = ticket.Superbet(event=event.id, bets=[event.specials[0].id])
        request = ticket.CreateTicketRequest(**self._bet(RICH[0]), superbet=bets)
        return Intent(Deed.CREATE, request, self._ids[RICH[0]])

    def reserve(self) -> Intent:
        """Reserve a bet, as somebody who can pay for it: to refuse a payment once more leaves it to a person."""
        token = self._random.choice(RICH)
        request = ticket.ReserveTicketRequest(**self._bet(token), quicktip=self._quicktip())
        return Intent(Deed.RESERVE, request, self._ids[token])

    def pay(self, reserved: Intent, ticket_id: str) -> Intent:
        """Pay a reserved bet."""
        request = ticket.PayTicketRequest(request_id=self._id(), identifier=ticket_id)
        return Intent(Deed.PAY, request, reserved.player_id)

    def take(self) -> Intent:
        """Take a player's money for a ticket of this caller's own."""
        token = self._token()
        request = pam.CreateTicketRequest(
            **{
                **AMOUNTS,
                "request_id": self._id(),
                "ticket_id": f"{self._random.getrandbits(96):024x}",
                "ticket_code": f"{self._random.getrandbits(24):06X}",
                "player_id": self._ids[token],
                "price": self._price(),
                "currency": "KES",
                "ticket_type": ticket.TICKET_TYPE_QUICKTIP,
            }
        )
        return Intent(Deed.TAKE, request, self._ids[token])

    def win(self, taken: Intent) -> Intent:
        """Pay out what was taken for."""
        request = pam.WinTicketRequest(request_id=self._id(), ticket_id=taken.request.ticket_id)
        return Intent(Deed.WIN, request, taken.player_id)

    def discard(self, taken: Intent) -> Intent:
        """Undo what was taken."""
        request = pam.DiscardTicketRequest(
            request_id=self._id(), ticket_id=taken.request.ticket_id, reason="the caller changed its mind"
        )
        return Intent(Deed.DISCARD, request, taken.player_id)

    def _bet(self, token: str) -> dict[str, Any]:
        return {
            "request_id": self._id(),
            "token": token,
            "price": self._price(),
            "currency": "KES",
            "source": ticket.TICKET_SOURCE_MOBILE,
        }

    def _quicktip(self) -> ticket.Quicktip:
        return ticket.Quicktip(events=picks(self._platform, 1))

    def _token(self) -> str:
        return POOR if self._random.random() < _POOR_SHARE else self._random.choice(RICH)

    def _price(self) -> int:
        return self._random.randint(1_00, 9_00)

    def _id(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))
