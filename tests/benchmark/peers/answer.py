"""What do the peers say to the platform, and how do they read its answer? By hand, as cheaply as it is written readably."""

from __future__ import annotations

import hmac
import time
from datetime import datetime
from typing import Any, Final

from betstack.ticket.v1 import ticket_service_pb2 as pb

__all__ = ["response_of", "signed_headers"]

_KEY: Final = b"12345ABCDE"
_EXT_TYPES: Final = {"inclusive": 1, "exclusive": 2}
_STATUSES: Final = {"open": pb.TICKET_STATUS_OPEN}
_SOURCES: Final = {"mobile": pb.TICKET_SOURCE_MOBILE}
_TYPES: Final = {"quicktip": pb.TICKET_TYPE_QUICKTIP}
_RESULTS: Final = {"pending": pb.TICKET_RESULT_PENDING}


def signed_headers(body: bytes = b"") -> dict[str, str]:
    """Return the headers of a call, signed as the platform wants it."""
    timestamp = str(int(time.time()))
    return {
        "accept": "application/json",
        "timestamp": timestamp,
        "signature": hmac.digest(_KEY, timestamp.encode() + body, "sha256").hex(),
    }


def response_of(ticket: dict[str, Any]) -> pb.GetTicketResponse:
    """Map the platform's ticket, field by field."""
    created = datetime.fromisoformat(ticket["created"])
    return pb.GetTicketResponse(
        ticket=pb.Ticket(
            id=ticket["id"],
            code=ticket["code"],
            price=ticket["price"],
            stake=ticket["stake"],
            currency=ticket["currency"],
            gross_payout=ticket["gross_payout"],
            net_payout=ticket["net_payout"],
            wht_amount=ticket["wht_amount"],
            wht=ticket["wht"],
            ext_amount=ticket["ext_amount"],
            ext=ticket["ext"],
            ext_type=_EXT_TYPES.get(ticket["ext_type"], 0),  # type: ignore[arg-type]
            status=_STATUSES.get(ticket["status"], pb.TICKET_STATUS_UNSPECIFIED),
            result=_RESULTS.get(ticket["result"], pb.TICKET_RESULT_UNSPECIFIED),
            approved=ticket["approved"],
            source=_SOURCES.get(ticket["source"], pb.TICKET_SOURCE_UNSPECIFIED),
            type=_TYPES.get(ticket["type"], pb.TICKET_TYPE_UNSPECIFIED),
            user_id=ticket["user_id"],
            created={"seconds": int(created.timestamp()), "nanos": created.microsecond * 1000},
            odds=ticket["odds"],
        )
    )
