"""How does a well-behaved caller speak to the sandbox, and how can it misbehave in one point?"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from gateway.sandbox import Family, Sandbox
from gateway.wire.signing import sign

NOON = 1_721_131_200.0  # 2024-07-16T12:00:00Z


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class Client:
    """Signs what it sends as one operator."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock) -> None:
        self.http = http
        self.clock = clock
        self.operator = "site"
        self.secret = "12345ABCDE"

    def headers(self, body: bytes) -> dict[str, str]:
        """Return the headers that belong to a body."""
        timestamp = str(int(self.clock.now))
        return {
            "timestamp": timestamp,
            "operator-name": self.operator,
            "signature": sign(self.secret.encode(), timestamp, body),
            "content-type": "application/json",
        }

    async def get(self, path: str, params: Sequence[tuple[str, str | int | float]] = ()) -> httpx.Response:
        """Send a signed GET."""
        return await self.http.get(path, params=list(params), headers=self.headers(b""))

    async def post(self, path: str, body: object = None) -> httpx.Response:
        """Send a signed POST with a JSON body, or without one."""
        content = b"" if body is None else compact(body)
        return await self.http.post(path, content=content, headers=self.headers(content))

    async def pam(self, action: str, **data: object) -> httpx.Response:
        """Send a PAM action; the operator comes first in the data."""
        content = compact({"action": action, "data": {"operator": self.operator, **data}})
        headers = self.headers(content)
        del headers["operator-name"]
        return await self.http.post("/pam", content=content, headers=headers)

    async def sms(self, kind: str, **data: object) -> httpx.Response:
        """Send a notification."""
        return await self.post("/sms", {"type": kind, "data": data})


def compact(body: object) -> bytes:
    """Write JSON as it is signed."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def plain_http(url: str) -> httpx.AsyncClient:
    """Return an HTTP client; without certificates, whose loading takes longer than most tests."""
    return httpx.AsyncClient(base_url=url, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def code(answer: httpx.Response) -> int:
    """Return the platform's code of a 400."""
    assert answer.status_code == 400, answer.text
    number: int = answer.json()["code"]
    return number


def selections(platform: Sandbox, count: int = 3, bet: int = 1) -> list[dict[str, Any]]:
    """Return the home win of some of today's matches, at the odds of now."""
    events = platform.cards.fixtures.today()[:count]
    return [{"id": event.id, "bet": bet, "odds": event.bet(bet).odds} for event in events]


def order(platform: Sandbox, kind: str = "quicktip", /, **changes: Any) -> dict[str, Any]:
    """Return the body of a good ticket of a type, fields in the documented order."""
    head: dict[str, Any] = {
        "operator": "site",
        "token": "demo",
        "psp": "mobile",
        "price": 2000,
        "currency": "KES",
        "atag": "affiliate-1",
        "rtag": None,
        "source": "mobile",
        "type": kind,
    }
    return head | _selection(platform, kind) | changes


def _selection(platform: Sandbox, kind: str) -> dict[str, Any]:
    events: dict[str, Any] = {"odds_diff": 0, "events": selections(platform)}
    match kind:
        case "superbet":
            event = platform.cards.fixtures.today()[0]
            return {"event": event.id, "bets": [bet.id for bet in event.specials[:3]]}
        case "jackpot":
            card = platform.cards.codes(Family.JACKPOT)[0]
            picked = platform.cards.pick(card)["events"]
            return events | {
                "events": picked,
                "betcard_code": card,
                "prize": 100_000_00,
                "bonus_prizes": [10_000_00, 1_000_00],
            }
        case "quickbet":
            return events | {"betcard_code": platform.cards.codes(Family.QUICKBET)[0]}
        case "smartbet":
            return events | {"betcard_code": platform.cards.codes(Family.SMARTBET)[0]}
        case _:
            return events


AMOUNTS: Mapping[str, object] = {
    "price": 500,
    "stake": 444,
    "wht_amount": 240,
    "wht": 10,
    "ext_amount": 56,
    "ext": 12.5,
    "ext_type": "inclusive",
    "gross_payout": 2842,
    "net_payout": 2602,
}


def account_ticket(
    ticket_id: str = "668ef666333180bba97f0c93", player_id: str = "demo", **changes: object
) -> dict[str, object]:
    """Return the data of a ``ticket_create``, fields in the documented order."""
    return {
        "ticket_id": ticket_id,
        "ticket_code": "CD4BDD",
        "player_id": player_id,
        **AMOUNTS,
        "currency": "KES",
        "atag": "atag_value",
        "rtag": None,
        "ticket_type": "quickbet",
    } | changes
