"""What happens to notifications?"""

from __future__ import annotations

import pytest

from gateway.sandbox import Notification, Sandbox
from tests.sandbox.client import Client

NOTIFICATIONS: list[tuple[str, dict[str, object]]] = [
    ("otp", {"code": "1234", "msisdn": "+260977223120"}),
    (
        "ticket_status",
        {
            "ticket_code": "AB1234",
            "ticket_id": "66a62424b1770731244c1f3f",
            "msisdn": "213456451",
            "status": "open",
            "result": "pending",
        },
    ),
    ("bet_result", {"ticket_id": "66a62424b1770731244c1f3f", "result": "won", "event_id": 292275, "bet_id": 1}),
]


@pytest.mark.parametrize(("kind", "data"), NOTIFICATIONS)
async def test_a_notification_is_received_and_kept(
    client: Client, platform: Sandbox, kind: str, data: dict[str, object]
) -> None:
    """All three types, `bet_result` included, which the platform calls not supported."""
    answer = await client.sms(kind, **data)

    assert answer.status_code == 200
    assert answer.json() == {"message": "Notification received"}
    assert list(platform.sms) == [Notification("site", kind, data)]


async def test_notifications_are_kept_in_order_until_cleared(client: Client, platform: Sandbox) -> None:
    """A test reads them like a player would."""
    for number in ("1", "2", "3"):
        await client.sms("otp", code=number, msisdn="1")

    assert [each.data["code"] for each in platform.sms] == ["1", "2", "3"]
    assert platform.sms[-1].data["code"] == "3"

    platform.sms.clear()
    assert len(platform.sms) == 0


async def test_an_unknown_type_is_100(client: Client) -> None:
    """The platform's words for it."""
    answer = await client.sms("jackpot_won", msisdn="1")

    assert answer.status_code == 400
    assert answer.json() == {"code": 100, "message": "jackpot_won feature not implemented yet"}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("otp", {"code": 1234}),
        ("otp", {"msisdn": ""}),
        ("ticket_status", {"status": "closed"}),
        ("ticket_status", {"result": "draw"}),
        ("bet_result", {"result": "pending"}),
        ("bet_result", {"event_id": "292275"}),
    ],
)
async def test_one_bad_field_is_422(client: Client, platform: Sandbox, kind: str, change: dict[str, object]) -> None:
    """A field of the wrong type is 422, and nothing is kept."""
    assert (await client.sms(kind, **(dict(NOTIFICATIONS)[kind] | change))).status_code == 422
    assert len(platform.sms) == 0


@pytest.mark.parametrize("body", [{"data": {}}, {"type": None, "data": {}}, {"type": "otp", "data": []}])
async def test_a_broken_envelope_is_422(client: Client, body: object) -> None:
    """So is an envelope without a type, or with data that is none."""
    assert (await client.post("/sms", body)).status_code == 422
