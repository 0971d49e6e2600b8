"""How does the platform deliver a webhook? Its documented samples, signed here anew and not by the gateway's own hand."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.harness import SECRET

__all__ = ["ACTIONS", "NOTIFICATIONS", "SAMPLES", "TICKET", "Delivery", "delivery", "fields_of", "signature"]

TICKET: Final = "668ef666333180bba97f0c93"

_OPENED: Final[dict[str, Any]] = {
    "ticket_id": TICKET,
    "ticket_code": "CD4BDD",
    "player_id": "sometokenvalue",
    "price": 500,
    "stake": 444,
    "wht_amount": 240,
    "wht": 10,
    "ext_amount": 56,
    "ext": 12.5,
    "ext_type": "inclusive",
    "gross_payout": 2842,
    "net_payout": 2602,
    "currency": "USD",
    "atag": "atag_value",
    "rtag": None,
    "ticket_type": "quickbet",
}
_RESERVED: Final[dict[str, Any]] = {
    key: value
    for name, item in _OPENED.items()
    for key, value in ((name, item), *((("psp", "mobile"),) if name == "player_id" else ()))
}
_MONEY: Final = (
    "ticket_id",
    "price",
    "stake",
    "wht_amount",
    "wht",
    "ext_amount",
    "ext",
    "ext_type",
    "gross_payout",
    "net_payout",
)

ACTIONS: Final[Mapping[str, str]] = {
    "identify": "Identify",
    "ticket_create": "CreateTicket",
    "ticket_reserve": "ReserveTicket",
    "ticket_update": "UpdateTicket",
    "ticket_closed": "CloseTicket",
    "ticket_refund": "RefundTicket",
    "ticket_win": "WinTicket",
    "ticket_lost": "LoseTicket",
    "ticket_void": "VoidTicket",
    "ticket_discard": "DiscardTicket",
    "ticket_rollback": "RollbackTicket",
}
"""The actions that are passed on, and the RPC of each."""

NOTIFICATIONS: Final[Mapping[str, str]] = {
    "otp": "SendOtp",
    "ticket_status": "SendTicketStatus",
    "bet_result": "SendBetResult",
}
"""The SMS types, and the RPC of each."""

SAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "ping": {},
    "identify": {"token": "UnIqUe-ToKeN"},
    "ticket_create": _OPENED,
    "ticket_reserve": _RESERVED,
    "ticket_update": _RESERVED,
    "ticket_closed": {"ticket_id": TICKET},
    "ticket_refund": {"ticket_id": TICKET, "reason": "declined"},
    "ticket_win": {"ticket_id": TICKET},
    "ticket_lost": {"ticket_id": TICKET},
    "ticket_void": {key: _OPENED[key] for key in _MONEY},
    "ticket_discard": {"ticket_id": TICKET, "reason": "no answer"},
    "ticket_rollback": {"ticket_id": TICKET, "reason": "wrong result"},
    "otp": {"code": "1234", "msisdn": "+260977223120"},
    "ticket_status": {
        "ticket_code": "AB1234",
        "ticket_id": TICKET,
        "msisdn": "213456451",
        "status": "open",
        "result": "pending",
    },
    "bet_result": {"ticket_id": TICKET, "result": "won", "event_id": 292275, "bet_id": 1},
}
"""The data of each action and type after ``operator``, in signing order."""


def fields_of(token: str) -> list[str]:
    """Return the documented fields of an action or type, ``operator`` among them where it travels in the data."""
    return [*(["operator"] if token not in NOTIFICATIONS else []), *SAMPLES[token]]


def signature(stamp: str, body: bytes, secret: str = SECRET) -> str:
    """Sign these very bytes, which have no blanks outside strings."""
    return hmac.new(secret.encode(), stamp.encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery, ready to be sent, and sent again."""

    path: str
    headers: Mapping[str, str]
    body: bytes


def delivery(
    token: str,
    stamp: int,
    /,
    *,
    of: str = "site",
    secret: str = SECRET,
    without: str = "",
    headers: Mapping[str, str] | None = None,
    **changes: Any,
) -> Delivery:
    """Make a delivery of a sample to an operator, with changes to its data."""
    is_sms = token in NOTIFICATIONS
    data = {**({} if is_sms else {"operator": of}), **SAMPLES[token], **changes}
    data.pop(without, None)
    envelope = {"type" if is_sms else "action": token, "data": data}
    body = json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()
    own = {"timestamp": str(stamp), "signature": signature(str(stamp), body, secret)}
    if is_sms:
        own["operator-name"] = of
    return Delivery(f"/{'sms' if is_sms else 'pam'}/{of}", {**own, **(headers or {})}, body)
