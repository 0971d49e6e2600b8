"""Which requests does a platform accept today, and did it see what was meant?"""

from __future__ import annotations

import hmac
import json
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.sandbox import Exchange, Family, Sandbox
from tests.harness import SECRET

KINDS: Final = ("quicktip", "smartbet", "quickbet", "superbet", "jackpot")
TICKET_ID: Final = "668ef666333180bba97f0c93"

AMOUNTS: Final[Mapping[str, Any]] = {
    "price": 500,
    "stake": 444,
    "wht_amount": 240,
    "wht": 10,
    "ext_amount": 56,
    "ext": 12.5,
    "ext_type": ticket.EXCISE_TAX_TYPE_INCLUSIVE,
    "gross_payout": 2842,
    "net_payout": 2602,
}
"""The amounts of the platform's own sample of ``ticket_create``."""

AMOUNTS_ON_THE_WIRE: Final = (
    '"price":500,"stake":444,"wht_amount":240,"wht":10,"ext_amount":56,"ext":12.5,"ext_type":"inclusive",'
    '"gross_payout":2842,"net_payout":2602'
)


def picks(platform: Sandbox, count: int = 2) -> list[ticket.Selection]:
    """Return the home win of some of today's matches, at the odds of now."""
    events = platform.cards.fixtures.today()[:count]
    return [ticket.Selection(id=event.id, bet=1, odds=event.bet(1).odds) for event in events]


def selection(platform: Sandbox, kind: str) -> Message:
    """Return what a bet of a kind is on."""
    match kind:
        case "quicktip":
            return ticket.Quicktip(events=picks(platform))
        case "smartbet":
            return ticket.Smartbet(events=picks(platform), betcard_code=platform.cards.codes(Family.SMARTBET)[0])
        case "quickbet":
            return ticket.Quickbet(
                odds_diff=0.25, events=picks(platform), betcard_code=platform.cards.codes(Family.QUICKBET)[0]
            )
        case "superbet":
            event = platform.cards.fixtures.today()[0]
            return ticket.Superbet(event=event.id, bets=[bet.id for bet in event.specials[:3]])
        case _:
            return ticket.Jackpot(
                events=picks(platform),
                betcard_code=platform.cards.codes(Family.JACKPOT)[0],
                prize=6_000_000_00,
                bonus_prizes=[60_000_00, 6_000_00],
            )


def bet(platform: Sandbox, kind: str = "quicktip", **changes: Any) -> dict[str, Any]:
    """Return the fields of a ticket request that the platform takes, with a request id of its own."""
    return {
        "request_id": f"bet-{uuid.uuid4()}",
        "token": "demo",
        "price": 2000,
        "currency": "KES",
        "source": ticket.TICKET_SOURCE_MOBILE,
        kind: selection(platform, kind),
        **changes,
    }


def placed(platform: Sandbox, kind: str = "quicktip", **changes: Any) -> ticket.CreateTicketRequest:
    """Return a bet to place."""
    return ticket.CreateTicketRequest(**bet(platform, kind, **changes))


def reserved(platform: Sandbox, kind: str = "quicktip", **changes: Any) -> ticket.ReserveTicketRequest:
    """Return a bet to reserve."""
    return ticket.ReserveTicketRequest(**bet(platform, kind, **changes))


def account_ticket(platform: Sandbox, **changes: Any) -> dict[str, Any]:
    """Return what PAM create says about a ticket, with a request id of its own."""
    return {
        "request_id": f"take-{uuid.uuid4()}",
        "ticket_id": TICKET_ID,
        "ticket_code": "CD4BDD",
        "player_id": player_id(platform),
        **AMOUNTS,
        "currency": "KES",
        "atag": "atag_value",
        "ticket_type": ticket.TICKET_TYPE_QUICKBET,
        **changes,
    }


def taken(platform: Sandbox, **changes: Any) -> pam.CreateTicketRequest:
    """Return the request that takes a player's money."""
    return pam.CreateTicketRequest(**account_ticket(platform, **changes))


def player_id(platform: Sandbox, player: str = "demo") -> str:
    """Return the id of the player with this token."""
    return platform.wallet.player_of(player).id


def balance(platform: Sandbox, player: str = "demo") -> int:
    """Return what a player has; the books have to balance."""
    assert platform.wallet.total() == 0
    return platform.wallet.balance(player_id(platform, player))


def assert_signed(exchange: Exchange, operator: str | None = "site", secret: str = SECRET) -> None:
    """Check that these bytes were signed just now, once, by this operator; PAM calls name none."""
    headers = [name for name, _ in exchange.headers]
    assert headers.count("timestamp") == headers.count("signature") == 1
    assert exchange.header("operator-name") == operator
    timestamp = exchange.header("timestamp") or ""
    assert timestamp == str(int(timestamp))
    assert abs(time.time() - int(timestamp)) < 60
    expected = hmac.new(secret.encode(), timestamp.encode() + exchange.body, "sha256").hexdigest()
    assert exchange.header("signature") == expected


def assert_secret_between_us(exchange: Exchange, request_id: str) -> None:
    """Check that a request id did not go on the wire."""
    assert request_id not in exchange.target
    assert request_id.encode() not in exchange.body
    assert all(request_id not in value for _, value in exchange.headers)


def assert_says(message: Any, value: Mapping[str, Any]) -> None:
    """Check that a message has everything that a JSON object has, and nothing left over."""
    assert not message.HasField("unmapped")
    for key, item in value.items():
        _assert_field(message, key, item)


def answer_of(exchange: Exchange) -> Any:
    """Return the JSON that the platform answered."""
    return json.loads(exchange.answer)


def _assert_field(message: Any, key: str, item: Any) -> None:
    field = message.DESCRIPTOR.fields_by_name[key]
    found = getattr(message, key)
    if item is None:
        assert not (message.HasField(key) if field.has_presence else found), key
    elif isinstance(item, list):
        assert len(found) == len(item), key
        for element, expected in zip(found, item, strict=True):
            _assert_value(field, element, expected)
    else:
        _assert_value(field, found, item)


def _assert_value(field: Any, found: Any, item: Any) -> None:
    if isinstance(found, Timestamp):
        assert found.ToDatetime(UTC) == datetime.fromisoformat(item).replace(tzinfo=UTC), field.name
    elif field.enum_type is not None:
        assert field.enum_type.values_by_number[found].name.endswith(f"_{item.upper()}"), field.name
    elif isinstance(item, dict):
        assert_says(found, item)
    else:
        assert found == item, field.name
