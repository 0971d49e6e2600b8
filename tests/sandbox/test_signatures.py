"""Who is let in, and who is not?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.sandbox import Sandbox
from gateway.wire.signing import Whitespace, sign
from tests.sandbox.client import NOON, Client, account_ticket, code, compact, order, plain_http

Headers = dict[str, str]


def _without(name: str) -> Callable[[Headers], Headers]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def _with(name: str, value: str) -> Callable[[Headers], Headers]:
    return lambda headers: headers | {name: value}


NOW = int(NOON)

BROKEN_HEADERS = {
    "no timestamp": _without("timestamp"),
    "no signature": _without("signature"),
    "no operator": _without("operator-name"),
    "empty signature": _with("signature", ""),
    "another timestamp than the signed one": _with("timestamp", str(NOW + 1)),
    "the signed timestamp with a zero before it": _with("timestamp", f"0{NOW}"),
    "a timestamp with a fraction": _with("timestamp", f"{NOW}.0"),
    "a timestamp in words": _with("timestamp", "noon"),
    "a signature cut short": lambda headers: headers | {"signature": headers["signature"][:-1]},
    "a signature in upper case": lambda headers: headers | {"signature": headers["signature"].upper()},
    "another operator than the one whose key it is": _with("operator-name", "acme"),
}


@pytest.mark.parametrize("broken", BROKEN_HEADERS.values(), ids=BROKEN_HEADERS.keys())
async def test_headers_that_do_not_belong_together_are_refused(
    client: Client, platform: Sandbox, broken: Callable[[Headers], Headers]
) -> None:
    """One thing wrong in the headers is 401 without a platform code, and nothing happens."""
    body = compact(order(platform))

    answer = await client.http.post("/be/tickets", content=body, headers=broken(client.headers(body)))

    assert answer.status_code == 401
    assert "code" not in answer.json()
    assert platform.book.tickets() == []


@pytest.mark.parametrize("path", ["/be/tickets", "/be/tickets/reserve", "/sms", "/bc/smartbets/F2964C"])
async def test_a_wrong_key_is_refused(client: Client, platform: Sandbox, path: str) -> None:
    """A signature made with another secret key is 401 at every signed endpoint."""
    client.secret = "12345ABCDF"

    assert (await client.post(path, order(platform))).status_code == 401


async def test_an_altered_body_is_refused(client: Client, platform: Sandbox) -> None:
    """One digit changed on the way is 401."""
    body = compact(order(platform))

    answer = await client.http.post("/be/tickets", content=body.replace(b"2000", b"1000"), headers=client.headers(body))

    assert answer.status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
async def test_old_and_future_timestamps_are_refused(
    client: Client, platform: Sandbox, seconds: int, status: int
) -> None:
    """A signature is good for 300 seconds either way."""
    headers = client.headers(b"")
    client.clock.now += seconds

    answer = await client.http.get("/be/tickets", headers=headers)

    assert answer.status_code == status
    assert platform.journal.last.status == status


async def test_a_header_that_comes_twice_is_refused(client: Client) -> None:
    """Two signatures are none."""
    headers = [*client.headers(b"").items(), ("signature", "0" * 64)]

    assert (await client.http.get("/be/tickets", headers=headers)).status_code == 401


@pytest.mark.parametrize("reading", list(Whitespace))
async def test_blanks_do_not_matter(client: Client, platform: Sandbox, reading: Whitespace) -> None:
    """A body with blanks verifies under both readings of "all spaces removed"."""
    body = json.dumps(order(platform, atag="affiliate 1"), indent=2).encode()
    headers = client.headers(body) | {"signature": sign(b"12345ABCDE", str(NOW), body, reading)}

    assert (await client.http.post("/be/tickets", content=body, headers=headers)).status_code == 200


async def test_an_unknown_operator_is_named(client: Client) -> None:
    """The platform says which operator it does not know, with code 106."""
    client.operator = "wrong-name"

    answer = await client.get("/be/tickets")

    assert answer.status_code == 400
    assert answer.json() == {"code": 106, "message": "Operator wrong-name was not found"}


def _last_first(body: dict[str, Any]) -> dict[str, Any]:
    last = list(body)[-1]
    return {last: body[last]} | body


def _missing_last(body: dict[str, Any]) -> dict[str, Any]:
    return dict(list(body.items())[:-1])


def _one_more(body: dict[str, Any]) -> dict[str, Any]:
    return body | {"note": "mine"}


REARRANGED = [_last_first, _missing_last, _one_more]


@pytest.mark.parametrize("rearranged", REARRANGED)
@pytest.mark.parametrize("kind", ["superbet", "quicktip", "jackpot", "quickbet", "smartbet"])
@pytest.mark.parametrize("path", ["/be/tickets", "/be/tickets/reserve"])
async def test_tickets_with_other_fields_are_refused(
    client: Client, platform: Sandbox, path: str, kind: str, rearranged: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """A signature counts for the documented fields in the documented order: anything else is 401."""
    assert (await client.post(path, rearranged(order(platform, kind)))).status_code == 401


async def test_selections_with_reordered_fields_are_refused(client: Client, platform: Sandbox) -> None:
    """The order counts within the events too."""
    body = order(platform)
    body["events"] = [_last_first(event) for event in body["events"]]

    assert (await client.post("/be/tickets", body)).status_code == 401


@pytest.mark.parametrize("rearranged", REARRANGED)
async def test_smartbets_with_other_fields_are_refused(
    client: Client, rearranged: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Generating a smartbet has its fields in the documented order."""
    body = rearranged({"stake": 1000, "win": 5000, "risk": "1.25-4.99"})

    assert (await client.post("/bc/smartbets/F2964C", body)).status_code == 401


@pytest.mark.parametrize("rearranged", REARRANGED)
async def test_pam_actions_with_other_fields_are_refused(
    client: Client, rearranged: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """So has the data of a PAM action."""
    assert (await client.pam("ticket_create", **rearranged(account_ticket()))).status_code == 401


@pytest.mark.parametrize("path", ["/pam", "/sms"])
async def test_an_envelope_has_its_name_first(client: Client, path: str) -> None:
    """The action or type comes before the data."""
    name, data = {
        "/pam": ("action", {"operator": "site", "token": "demo"}),
        "/sms": ("type", {"code": "1234", "msisdn": "+260977223120"}),
    }[path]
    value = {"/pam": "identify", "/sms": "otp"}[path]

    assert (await client.post(path, {name: value, "data": data})).status_code == 200
    assert (await client.post(path, {"data": data, name: value})).status_code == 401


async def test_a_pam_action_is_signed_by_the_operator_in_its_data(client: Client) -> None:
    """The player account system finds the key by the operator in the body."""
    assert (await client.pam("identify", token="demo")).status_code == 200

    client.operator = "acme"
    assert (await client.pam("identify", token="demo")).status_code == 401

    client.operator = "nobody"
    assert code(await client.pam("identify", token="demo")) == 106


async def test_a_body_for_another_operator_is_refused(client: Client, platform: Sandbox) -> None:
    """An operator cannot bet for another one: 422 if it exists, 106 if it does not."""
    assert (await client.post("/be/tickets", order(platform, operator="acme"))).status_code == 422
    assert code(await client.post("/be/tickets", order(platform, operator="nobody"))) == 106


SAMPLES = {
    "/pam": (
        '{"action":"ticket_create","data":{"operator":"acme","ticket_id":"668ef666333180bba97f0c93",'
        '"ticket_code":"CD4BDD","player_id":"sometokenvalue","price":500,"stake":444,"wht_amount":240,"wht":10,'
        '"ext_amount":56,"ext":12.5,"ext_type":"inclusive","gross_payout":2842,"net_payout":2602,"currency":"USD",'
        '"atag":"atag_value","rtag":null,"ticket_type":"quickbet"}}'
    ),
    "/sms": '{"type":"otp","data":{"code":"1234","msisdn":"+260977223120"}}',
}
SIGNATURES = {
    "/pam": "3fe37f41ba6dc960fd2a7098bd4643f971ff1408a31bcea9f3ef8d03b3ba2d0a",
    "/sms": "46b1ec8d2a05129bb57c8256f2cdd3029b2cf72dbed57f0d3eedd6b156573433",
}


@pytest.mark.parametrize("path", SAMPLES)
async def test_published_samples_are_let_in(platform_of_samples: Sandbox, path: str) -> None:
    """What the platform publishes as signed by `acme` is signed."""
    headers = {"timestamp": "1706191612", "signature": SIGNATURES[path], "operator-name": "acme"}

    async with plain_http(platform_of_samples.url) as http:
        answer = await http.post(path, content=SAMPLES[path], headers=headers)

    assert answer.status_code == 200, answer.text
