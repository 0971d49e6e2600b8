"""What does the platform say to an operator, and where?

Bodies as they travel: compact, fields in the documented order. The functions are the documented tables, one each.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gateway.sandbox.book import Happening, LifeCycleEvent, Result, Status, Ticket
from gateway.sandbox.calculator import plain
from gateway.sandbox.cards import Json
from gateway.sandbox.identities import digest

__all__ = ["Api", "Webhook", "action_of", "create", "discard", "identify", "msisdn", "otp", "reserve", "status_of"]


class Api(StrEnum):
    """Which of an operator's two addresses."""

    PAM = "pam"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One thing to tell an operator."""

    operator: str
    api: Api
    # The ``action`` or ``type``.
    kind: str
    body: bytes
    # None where it is about no ticket.
    ticket_id: str | None = None


def identify(operator: str, token: str) -> Webhook:
    """Ask who has this token."""
    return _pam(operator, "identify", {"token": token})


def create(ticket: Ticket) -> Webhook:
    """Ask for the player's money for a ticket."""
    return _of_ticket(ticket, "ticket_create", _terms(ticket))


def reserve(ticket: Ticket) -> Webhook:
    """Ask for leave to keep a ticket until it is paid."""
    return _of_ticket(ticket, "ticket_reserve", _terms_with_psp(ticket))


def discard(ticket: Ticket, reason: str) -> Webhook:
    """Undo a create or reserve."""
    return _of_ticket(ticket, "ticket_discard", {"reason": reason})


def action_of(event: LifeCycleEvent) -> Webhook | None:
    """Return what an operator's player account system is told of an event, once it has happened."""
    if event.happening not in _ACTIONS:
        return None
    action, data = _ACTIONS[event.happening]
    return _of_ticket(event.ticket, action, data(event.ticket) | ({"reason": event.reason} if event.reason else {}))


def status_of(event: LifeCycleEvent) -> Webhook | None:
    """Return what a player is told of an event: that a ticket which had been reserved is open, and each result."""
    ticket = event.ticket
    if event.happening is not Happening.PAID and ticket.status is not Status.RESULTED:
        return None
    data: Json = {
        "ticket_code": ticket.code,
        "ticket_id": ticket.id,
        "msisdn": msisdn(ticket.player_id),
        "status": ticket.status,
        "result": ticket.result if ticket.status is Status.RESULTED else Result.PENDING,
    }
    return _sms(ticket.operator, "ticket_status", data, ticket.id)


def otp(operator: str, code: str, to: str) -> Webhook:
    """Send a one-time password."""
    return _sms(operator, "otp", {"code": code, "msisdn": to})


def msisdn(player_id: str) -> str:
    """Return a player's telephone number. Assumed: where the platform has it from is not documented."""
    return f"+2547{int(digest('msisdn', player_id)[:12], 16) % 10**8:08d}"


def _amounts(ticket: Ticket) -> Json:
    finance = ticket.finance
    return {
        "price": finance.price,
        "stake": finance.stake,
        "wht_amount": finance.wht_amount,
        "wht": plain(finance.wht),
        "ext_amount": finance.ext_amount,
        "ext": plain(finance.ext),
        "ext_type": finance.ext_type,
        "gross_payout": finance.gross_payout,
        "net_payout": finance.net_payout,
    }


def _terms(ticket: Ticket) -> Json:
    return {"ticket_code": ticket.code, "player_id": ticket.player_id} | _amounts(ticket) | _tags(ticket)


def _terms_with_psp(ticket: Ticket) -> Json:
    names = {"ticket_code": ticket.code, "player_id": ticket.player_id, "psp": ticket.psp}
    return names | _amounts(ticket) | _tags(ticket)


def _tags(ticket: Ticket) -> Json:
    return {"currency": ticket.currency, "atag": ticket.atag, "rtag": ticket.rtag, "ticket_type": ticket.type}


def _nothing(_: Ticket) -> Json:
    return {}


_ACTIONS: Final[Mapping[Happening, tuple[str, Callable[[Ticket], Json]]]] = {
    Happening.WON: ("ticket_win", _nothing),
    Happening.LOST: ("ticket_lost", _nothing),
    # Assumed: the amounts of the ticket as it was; what the player gets back is the price.
    Happening.VOIDED: ("ticket_void", _amounts),
    Happening.ROLLED_BACK: ("ticket_rollback", _nothing),
    Happening.REFUNDED: ("ticket_refund", _nothing),
    # Assumed: a reservation that nobody paid is undone as one that failed is.
    Happening.CANCELLED: ("ticket_discard", _nothing),
    Happening.CLOSED: ("ticket_closed", _nothing),
    Happening.UPDATED: ("ticket_update", _terms_with_psp),
}


def _of_ticket(ticket: Ticket, action: str, data: Json) -> Webhook:
    return _pam(ticket.operator, action, {"ticket_id": ticket.id} | data, ticket.id)


def _pam(operator: str, action: str, data: Json, ticket_id: str | None = None) -> Webhook:
    body = _compact({"action": action, "data": {"operator": operator} | data})
    return Webhook(operator, Api.PAM, action, body, ticket_id)


def _sms(operator: str, kind: str, data: Json, ticket_id: str | None = None) -> Webhook:
    return Webhook(operator, Api.SMS, kind, _compact({"type": kind, "data": data}), ticket_id)


def _compact(body: Json) -> bytes:
    # ASCII only: a tag that came in with an unpaired surrogate can go out again as an escape.
    return json.dumps(body, separators=(",", ":")).encode()
