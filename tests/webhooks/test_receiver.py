"""Which deliveries get in, and what are the others answered? Over real HTTP; nothing of a refused one reaches a service."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio

from gateway.contract import load_contract
from gateway.contract.shapes import Field, Kind
from gateway.ledger.database import LedgerUnavailable
from gateway.wire.jsontext import DEPTH_LIMIT
from gateway.wire.validation import checker
from tests.harness import SECRET
from tests.logs import facts_of
from tests.webhooks.circle import Circle, Clock, circle
from tests.webhooks.deliveries import (
    ACTIONS,
    NOTIFICATIONS,
    SAMPLES,
    TICKET,
    Delivery,
    delivery,
    fields_of,
    signature,
)

LIMIT: Final = 262_144
TOKENS: Final = [*ACTIONS, *NOTIFICATIONS]
ROUTES: Final = [*load_contract().routes.values()]
PERSONAL: Final = ("UnIqUe-ToKeN", "260977223120", "1234", "213456451", "sometokenvalue")

pytestmark = pytest.mark.asyncio(loop_scope="module")


class FrozenClock(Clock):
    """A clock that stands still, so that the edge of the tolerance can be hit."""

    def __init__(self) -> None:
        super().__init__()
        self._now = float(int(super().__call__()))

    def __call__(self) -> float:
        """Return the time it was made."""
        return self._now


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Circle]:
    """Return a circle that all tests here share."""
    async with circle(clock=FrozenClock()) as running:
        yield running


@pytest.fixture
def door(shared: Circle) -> Circle:
    """Return the circle without calls of an earlier test."""
    shared.services.calls.clear()
    return shared


def raw(body: bytes, stamp: int | str, *, path: str = "/pam/site", **headers: str) -> Delivery:
    """Sign any bytes as they stand."""
    own = {"timestamp": str(stamp), "signature": signature(str(stamp), body)}
    own |= {"operator-name": "site"} if path.startswith("/sms") else {}
    return Delivery(path, own | {name.replace("_", "-"): value for name, value in headers.items()}, body)


def is_refused(response: httpx.Response, status: int, code: int = 0) -> bool:
    """Tell whether an answer is this status with an error body in the platform's form."""
    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert list(body) == ["code", "message"], body
    assert isinstance(body["message"], str)
    assert body["message"]
    return (response.status_code, body["code"]) == (status, code)


def is_unsigned(response: httpx.Response) -> bool:
    """Tell whether an answer says nothing but 401."""
    return (response.status_code, response.content, response.headers.get("content-type")) == (401, b"", None)


# ------------------------------------------------------------------------------------------------ size and place


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
async def test_the_largest_body_is_read_and_a_larger_one_is_not(door: Circle, *, chunked: bool) -> None:
    """The limit is 256 KiB to the byte, whether the length is told first or not."""

    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 60_000):
            yield body[start : start + 60_000]

    made = door.made("ticket_win", ticket_id=f"large-{chunked}")
    for size, status in ((LIMIT, 200), (LIMIT + 1, 413)):
        body = made.body.ljust(size)
        response = await door.http.post(
            made.path, content=pieces(body) if chunked else body, headers=dict(made.headers)
        )
        assert response.status_code == status
    assert is_refused(response, 413)
    assert len(door.services.calls) == 1


async def test_a_body_that_is_far_too_large_is_refused_and_the_connection_lives(door: Circle) -> None:
    """Who sends megabytes is told so; the next delivery arrives as ever."""
    too_large = await door.http.post("/pam/site", content=bytes(8 << 20))
    assert is_refused(too_large, 413)
    assert (await door.send("ticket_win", ticket_id="after-large")).status_code == 200


@pytest.mark.parametrize("made", [("ticket_win", "pam"), ("otp", "sms")], ids=["pam", "sms"])
async def test_an_unknown_operator_is_not_found(door: Circle, made: tuple[str, str]) -> None:
    """The path names the operator; one that is not configured has no secret to check anything with."""
    token, api = made
    known = door.made(token)
    for operator in ("nobody", "Site", "site%20", "%73ite2", "x" * 5000):
        response = await door.post(Delivery(f"/{api}/{operator}", known.headers, known.body))
        assert is_refused(response, 404, 106)
        assert len(response.content) < 300
    assert door.services.calls == []


@pytest.mark.parametrize("path", ["/", "/pam", "/pam/", "/pam/site/", "/sms/site/", "/pam/site/x", "/be/site", "/docs"])
async def test_other_paths_are_not_found(door: Circle, path: str) -> None:
    """Nothing but the two documented paths exists; nobody is led from one to the other."""
    made = door.made("ticket_win")
    assert is_refused(await door.post(Delivery(path, made.headers, made.body)), 404)


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/pam/site", "/sms/site"])
async def test_other_methods_are_not_allowed(door: Circle, path: str, verb: str) -> None:
    """Both paths take POST alone, and say so."""
    made = door.made("ticket_win")
    response = await door.http.request(verb, path, content=made.body, headers=dict(made.headers))
    assert is_refused(response, 405)
    assert response.headers["allow"] == "POST"
    assert door.services.calls == []


# ----------------------------------------------------------------------------------------------------- signature


@pytest.mark.parametrize("token", TOKENS)
async def test_only_the_right_signature_lets_a_delivery_in(door: Circle, token: str) -> None:
    """Missing, malformed or wrong: 401 with an empty body, whatever the action."""
    made = door.made(token)
    right = made.headers["signature"]
    wrong: list[str | None] = [
        None,
        "",
        right[:-1],
        right + "0",
        right.upper(),
        ("0" if right[0] != "0" else "1") + right[1:],
        right + "," + right,
        signature(made.headers["timestamp"], made.body, "another secret"),
        signature(made.headers["timestamp"], made.body + b" x"),
        signature("", made.body),
        hashlib.sha256(SECRET.encode() + made.body).hexdigest(),
    ]
    for each in wrong:
        headers = {key: value for key, value in made.headers.items() if key != "signature"}
        response = await door.post(
            Delivery(made.path, headers if each is None else headers | {"signature": each}, made.body)
        )
        assert is_unsigned(response)
    assert door.services.calls == []


async def test_a_signature_of_any_bytes_is_merely_wrong(door: Circle) -> None:
    """Header bytes outside ASCII raise nothing."""
    made = door.made("ticket_win")
    for junk in (b"\xff\xfe", b"\xc3\xa4" * 32, b"\xed\xa0\x80", b"\x80" * 64, b"a\tb"):
        headers = [(b"timestamp", made.headers["timestamp"].encode()), (b"signature", junk)]
        response = await door.http.post(made.path, content=made.body, headers=headers)
        assert is_unsigned(response)
        headers = [(b"timestamp", junk), (b"signature", made.headers["signature"].encode())]
        assert is_unsigned(await door.http.post(made.path, content=made.body, headers=headers))


async def test_one_changed_byte_is_enough(door: Circle) -> None:
    """The signature covers every byte that is no blank, and the spelling of numbers with it."""
    made = door.made("ticket_create")
    for changed in (
        made.body.replace(b'"price":500', b'"price":501'),
        made.body.replace(b'"wht":10,', b'"wht":10.0,'),
        made.body.replace(b"ticket_create", b"ticket_win"),
        made.body + b"\x00",
        made.body.replace(b'"rtag":null', b'"rtag":"x"'),
    ):
        assert changed != made.body
        assert is_unsigned(await door.post(Delivery(made.path, made.headers, changed)))
    assert door.services.calls == []


@pytest.mark.parametrize(
    "stamp",
    ["", "x", "-{}", "+{}", "{}.0", "{}e0", "0x{}", "1_{}", "{}000", "9" * 16, "9" * 5000, "\u0661\u0662", "{} 1"],
)
async def test_a_timestamp_is_nothing_but_digits(door: Circle, stamp: str) -> None:
    """Even with a signature that covers it, another spelling is refused."""
    spelled = stamp.format(door.base)
    body = door.made("ticket_win").body
    headers = [(b"timestamp", spelled.encode()), (b"signature", signature(spelled, body).encode())]
    assert is_unsigned(await door.http.post("/pam/site", content=body, headers=headers))


async def test_a_timestamp_is_required(door: Circle) -> None:
    """A signature over the body alone is none."""
    body = door.made("ticket_win").body
    headers = {"signature": signature("", body)}
    assert is_unsigned(await door.http.post("/pam/site", content=body, headers=headers))


@pytest.mark.parametrize(("skew", "status"), [(-300, 200), (300, 200), (-301, 401), (301, 401), (10**8, 401)])
@pytest.mark.parametrize("token", ["ticket_win", "otp"])
async def test_timestamps_may_be_five_minutes_off(door: Circle, token: str, skew: int, status: int) -> None:
    """Either way: the past is no safer than the future."""
    changes = {"ticket_id": f"skew{skew}"} if token == "ticket_win" else {}
    response = await door.send(token, skew, **changes)
    assert response.status_code == status
    assert is_unsigned(response) is (status == 401)
    assert len(door.services.calls) == (status == 200)


async def test_the_tolerance_is_a_setting() -> None:
    """``webhooks.tolerance_s`` counts both ways."""
    async with circle(clock=FrozenClock(), webhooks={"tolerance_s": 5}) as running:
        for skew, status in ((-6, 401), (-5, 200), (5, 200), (6, 401)):
            assert (await running.send("ticket_win", skew, ticket_id=f"t{skew}")).status_code == status


async def test_each_operator_has_a_key_of_its_own() -> None:
    """What one operator's key signs is nothing to another."""
    own = {"secret": "another", "platform_url": "http://127.0.0.1:1"}
    async with circle() as probe:
        target = probe.services.target
        operators = {"acme": own | {"pam_target": target}}
        async with circle(probe.services, operators=operators) as running:
            right = delivery("ticket_win", running.base, of="acme", secret="another")
            wrong = delivery("ticket_win", running.base, of="acme")
            assert is_unsigned(await running.post(wrong))
            assert is_unsigned(await running.post(Delivery("/pam/site", right.headers, right.body)))
            assert (await running.post(right)).status_code == 200


async def test_no_personal_data_gets_into_the_log(door: Circle, caplog: pytest.LogCaptureFixture) -> None:
    """Neither refused nor accepted deliveries leave a trace of whom they are about."""
    caplog.set_level(logging.DEBUG)
    for token in TOKENS:
        made = door.made(token)
        for headers in ({}, {"signature": "0" * 64}, {**made.headers, "timestamp": "0"}, made.headers):
            await door.post(Delivery(made.path, headers, made.body))
        await door.post(raw(made.body[:-1], door.base, path=made.path))
        await door.post(door.made(token, 1, unknown="+260977223120"))
        for field in fields_of(token):
            await door.send(token, without=field)
    own = "\n".join(
        f"{record.getMessage()} {facts_of(record)}"
        for record in caplog.records
        if not record.name.startswith(("httpx", "httpcore"))
    )
    assert not [word for word in PERSONAL if re.search(rf"\b{word}\b", own)]


# ---------------------------------------------------------------------------------------------------------- ping


@pytest.mark.parametrize(
    "body",
    [
        b'{"action":"ping"}',
        b'{"action":"ping","data":{"operator":"site"}}',
        b'{"action":"ping","data":{"operator":"another"}}',
        b' {\n "data" : [] ,\t"action" : "ping" }',
        b'{"action":"ticket_win","action":"ping"}',
        b'{"action":"\\u0070ing"}',
    ],
)
async def test_a_ping_needs_no_signature_and_is_not_passed_on(door: Circle, body: bytes) -> None:
    """The gateway answers it, whatever its data."""
    response = await door.http.post("/pam/site", content=body)
    assert (response.status_code, response.content) == (200, b"")
    assert door.services.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ping",
        b'"ping"',
        b'["ping"]',
        b'{"type":"ping"}',
        b'{"action":"Ping"}',
        b'{"action":"ping "}',
        b'{"action":["ping"]}',
        b'{"action":null}',
        b'{"action":"ping","action":"ticket_win"}',
        b'{"data":{"action":"ping"}}',
        b'{"action":"ping"',
        b'{"action":"ping"}}',
        b'[{"action":"ping"}]',
        b'{"action":"identify","data":{"operator":"site","token":"x"}}',
        b"[" * 100_000,
        b"\xff",
    ],
)
async def test_nothing_else_gets_in_without_a_signature(door: Circle, body: bytes) -> None:
    """Is the action exactly ``ping``? Nothing else is looked at."""
    assert is_unsigned(await door.http.post("/pam/site", content=body))
    assert is_unsigned(await door.http.post("/sms/site", content=body, headers={"operator-name": "site"}))
    assert door.services.calls == []


async def test_a_ping_is_one_of_the_pam_actions_only(door: Circle) -> None:
    """The SMS endpoint has no ping, signed or not."""
    body = b'{"action":"ping"}'
    assert is_unsigned(await door.http.post("/sms/site", content=body))
    assert is_refused(await door.post(raw(b'{"type":"ping","data":{}}', door.base, path="/sms/site")), 400, 100)


async def test_a_ping_with_a_signature_has_to_be_signed_right(door: Circle) -> None:
    """A signature that is there counts."""
    right = door.made("ping")
    assert (await door.post(right)).status_code == 200
    assert is_unsigned(await door.post(Delivery(right.path, {**right.headers, "signature": "0" * 64}, right.body)))
    assert door.services.calls == []


# ---------------------------------------------------------------------------------------------------- whitespace


@pytest.mark.parametrize("reading", ["compact", "strip-all"])
@pytest.mark.parametrize("spelling", [{}, {"indent": 4}, {"indent": "\t"}, {"separators": (" , ", " : ")}], ids=str)
async def test_both_readings_of_the_blanks_verify(door: Circle, reading: str, spelling: dict[str, Any]) -> None:
    """However it is printed, and whether blanks in strings were signed or not; the strings arrive as they are."""
    ticket = f"{reading}-{hashlib.sha256(str(spelling).encode()).hexdigest()[:8]}"
    reason = 'no answer\tin \u00e4 "day" '
    data = {"operator": "site", "ticket_id": ticket, "reason": reason}
    text = json.dumps({"action": "ticket_discard", "data": data}, ensure_ascii=False, **spelling).replace("\n", "\r\n")
    compact = json.dumps({"action": "ticket_discard", "data": data}, ensure_ascii=False, separators=(",", ":"))
    signed = re.sub(r"[ \t\r\n]", "", compact) if reading == "strip-all" else compact
    headers = {"timestamp": str(door.base), "signature": signature(str(door.base), signed.encode())}
    assert (await door.post(Delivery("/pam/site", headers, text.encode()))).status_code == 200
    assert [call.request.reason for call in door.services.calls] == [reason]


async def test_the_published_vector_verifies() -> None:
    """The platform's own sample, with its time and its signature."""
    body = (
        b'{"action":"ticket_create","data":{"operator":"acme","ticket_id":"668ef666333180bba97f0c93","ticket_code":"CD4BDD",'
        b'"player_id":"sometokenvalue","price":500,"stake":444,"wht_amount":240,"wht":10,"ext_amount":56,"ext":12.5,'
        b'"ext_type":"inclusive","gross_payout":2842,"net_payout":2602,"currency":"USD","atag":"atag_value","rtag":null,'
        b'"ticket_type":"quickbet"}}'
    )
    headers = {
        "timestamp": "1706191612",
        "signature": "3fe37f41ba6dc960fd2a7098bd4643f971ff1408a31bcea9f3ef8d03b3ba2d0a",
    }
    clock = Clock()
    clock.advance(1706191612 - clock())
    async with circle() as probe:
        acme = {"secret": SECRET, "platform_url": "http://127.0.0.1:1", "pam_target": probe.services.target}
        async with circle(probe.services, clock=clock, operators={"acme": acme}) as running:
            assert (await running.post(Delivery("/pam/acme", headers, body))).status_code == 200
        [call] = probe.services.calls
    assert (call.request.ticket_id, call.request.price, call.request.wht) == (TICKET, 500, 10)


# ---------------------------------------------------------------------------------------------------------- JSON


async def test_a_body_that_is_cut_anywhere_is_malformed(door: Circle) -> None:
    """Signed as it arrived, but no JSON: at any depth, 400."""
    for token in ("ticket_create", "ticket_status"):
        made = door.made(token)
        for length in range(0, len(made.body), 7):
            assert is_refused(await door.post(raw(made.body[:length], door.base, path=made.path)), 400)
    assert door.services.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nul",
        b"{]",
        b'{"action":"ticket_win",}',
        b"{'action':'ticket_win'}",
        b'{"action":"ticket_win"} {}',
        b'\xef\xbb\xbf{"action":"ticket_win"}',
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"\xff"}}',
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"t","x":NaN}}',
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"t","x":1e999}}',
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"t","x":-Infinity}}',
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"t","x":[[[[{"a":[}]]]]}}',
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"t","x":' + b"9" * 5000 + b"}}",
        b'{"action":"ticket_win","data":{"operator":"site","ticket_id":"t","x":"\n"}}',
        b"[" * 200_000,
        b'{"x":' * 40_000,
        b"[" * 200_000 + b"]" * 60_000,
        b'{"action":"ticket_win","data":' + b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT + b"}",
    ],
    ids=range(19),
)
async def test_what_is_not_json_is_malformed(door: Circle, body: bytes) -> None:
    """Nothing in a body gets further than the reading of it."""
    spaced = raw(body, door.base)
    compact = re.sub(rb"[ \n]", b"", body)
    headers = {**spaced.headers, "signature": signature(str(door.base), compact)}
    assert is_refused(await door.post(Delivery("/pam/site", headers, body)), 400)
    assert door.services.calls == []


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        5,
        [],
        "ticket_win",
        {},
        {"data": {}},
        {"action": None},
        {"action": 5},
        {"action": ["ticket_win"]},
        {"action": {"ticket_win": 1}},
        {"type": "ticket_win", "data": {"operator": "site", "ticket_id": "t"}},
        {"action": "ticket_win"},
        {"action": "ticket_win", "data": None},
        {"action": "ticket_win", "data": []},
        {"action": "ticket_win", "data": "site"},
        {"action": "ticket_win", "data": {}},
        {"action": "ticket_win", "operator": "site", "ticket_id": "t"},
    ],
    ids=str,
)
async def test_an_envelope_has_an_action_and_data(door: Circle, envelope: Any) -> None:
    """Anything else is malformed."""
    body = json.dumps(envelope, separators=(",", ":")).encode()
    assert is_refused(await door.post(raw(body, door.base)), 400)
    assert door.services.calls == []


@pytest.mark.parametrize("token", TOKENS)
async def test_a_field_that_may_not_be_null_is_required(door: Circle, token: str) -> None:
    """Each field of each action and type, missing or null: 400 that names it, unless the platform documents null."""
    at = -200
    for field in fields_of(token):
        for changes in ({"without": field}, {field: None}):
            at += 1
            made = delivery(token, door.base + at, **_own_ticket(token, at, field), **changes)
            response = await door.post(made)
            if field in ("psp", "atag", "rtag"):
                assert response.status_code == 200
                assert not door.services.calls.pop().request.HasField(field)
            else:
                assert is_refused(response, 400)
                assert field in response.json()["message"]
    assert door.services.calls == []


def _own_ticket(token: str, number: int, field: str) -> dict[str, Any]:
    """Return a ticket of its own for each delivery, so that none is another one's repeat."""
    if token in NOTIFICATIONS or token == "identify" or field == "ticket_id":
        return {}
    return {"ticket_id": f"{token}{number}"}


_WRONG: Final[dict[Kind, list[Any]]] = {
    Kind.TEXT: [5, 1.5, True, [], {}, ["x"], {"x": "x"}],
    Kind.INT64: ["5", "", 1.5, True, [], {}, 2**63, -(2**63) - 1, 1e300],
    Kind.NUMBER: ["5", True, [], {}, 10**400],
    Kind.TOKEN: [5, True, [], {}, 1.5],
}


def _fields(token: str) -> dict[str, Field]:
    routes = load_contract().routes.values()
    [route] = [route for route in routes if route.envelope and route.envelope.token == token]
    return {part.key: part for part in route.body or () if isinstance(part, Field)}


@pytest.mark.parametrize("token", TOKENS)
async def test_a_field_of_another_type_is_refused(door: Circle, token: str) -> None:
    """Each field of each action and type, with every other type: 400 that names it."""
    fields = _fields(token)
    assert list(fields) == fields_of(token)
    for key, field in fields.items():
        for value in _WRONG[field.kind]:
            made = delivery(token, door.base, **{key: value})
            response = await door.post(raw(made.body, door.base, path=made.path))
            assert is_refused(response, 400), (key, value)
            assert key in response.json()["message"], (key, value)
            assert str(value) not in response.json()["message"] or len(str(value)) < 5
    assert door.services.calls == []


async def test_numbers_may_be_spelled_with_a_point(door: Circle) -> None:
    """``2000.0`` is an integer and ``10`` a rate."""
    response = await door.send("ticket_create", ticket_id="points", price=2000.0, wht=10, ext=0)
    assert response.status_code == 200
    [call] = door.services.calls
    assert (call.request.price, call.request.wht, call.request.ext) == (2000, 10.0, 0.0)


async def test_unknown_keys_and_words_reach_the_service(door: Circle) -> None:
    """A new field or a new kind of ticket is no reason to refuse a bet."""
    news = {"ticket_type": "newbet", "colour": "blue", "deep": {"a": [1, None, 2**60]}}
    assert (await door.send("ticket_create", ticket_id="news", **news)).status_code == 200
    [call] = door.services.calls
    assert dict(call.request.unmapped) == {
        "ticket_type": "newbet",
        "colour": "blue",
        "deep": call.request.unmapped["deep"],
    }
    assert list(call.request.unmapped["deep"]["a"]) == [1, None, str(2**60)]
    assert call.request.ticket_type == 0
    assert door.gateway.telemetry.unmapped_fields["betstack.pam.v1.CreateTicketRequest.colour"] == 1


BEYOND_THE_RULES: Final[dict[str, Any]] = {
    "token": "t" * 5000,
    "ticket_code": "x" * 300,
    "player_id": "p\n",
    "psp": "mobile\u0085",
    "price": 0,
    "stake": 0,
    "wht_amount": -1,
    "wht": -0.5,
    "ext_amount": -1,
    "ext": -12.5,
    "gross_payout": -1,
    "net_payout": -1,
    "currency": "shilling",
    "atag": "a\u001b",
    "rtag": "r" * 300,
    "reason": "x" * 2000,
    "code": "\u0007",
    "msisdn": "+" * 40,
}
"""What a caller may not send, by field."""


@pytest.mark.parametrize("token", TOKENS)
async def test_the_rules_for_callers_are_not_for_the_platform(door: Circle, token: str) -> None:
    """A verified delivery is passed on as it is, although the gateway would not send a caller's request like it."""
    changes = {key: value for key, value in BEYOND_THE_RULES.items() if key in SAMPLES[token]}
    named = {"ticket_id": f"beyond-{token}"} if "ticket_id" in SAMPLES[token] else {}

    assert (await door.send(token, **named, **changes)).status_code == 200

    [call] = door.services.calls
    assert {key: getattr(call.request, key) for key in changes} == changes
    [route] = [route for route in ROUTES if route.envelope and route.envelope.token == token]
    assert {violation.field for violation in checker(route)(call.request)} == changes.keys()


async def test_characters_that_no_database_keeps_arrive(door: Circle) -> None:
    """Zero bytes, unpaired surrogates and a repeated key are legal JSON; the last key counts."""
    data = f'"operator":"another","operator":"site","ticket_id":"{TICKET}odd","reason":"a\\u0000b\\ud800c"'
    body = ('{"action":"ticket_refund","data":{' + data + "}}").encode()
    assert (await door.post(raw(body, door.base))).status_code == 200
    assert door.services.calls[-1].request.reason == "a\0b\ufffdc"


@pytest.mark.parametrize("ticket_id", ["", " ", "a b", "t\u0000", "t\u00e9", "t\n", "x" * 129, "\U0001f600"])
@pytest.mark.parametrize("token", [token for token in ACTIONS if token != "identify"])
async def test_a_ticket_id_fits_into_a_key(door: Circle, token: str, ticket_id: str) -> None:
    """The key travels as metadata, where not every text can; the platform's ids are 24 hexadecimal digits."""
    response = await door.send(token, ticket_id=ticket_id)
    assert is_refused(response, 400)
    assert "ticket_id" in response.json()["message"]
    assert door.services.calls == []


async def test_an_empty_token_identifies_nobody(door: Circle) -> None:
    """What a request is nothing without may not be empty."""
    assert is_refused(await door.send("identify", token=""), 400)


@pytest.mark.parametrize("operator", ["another", "", "Site", "site ", ["site"], None, 5, {}], ids=str)
@pytest.mark.parametrize("token", ACTIONS)
async def test_the_operator_in_the_data_is_that_of_the_path(door: Circle, token: str, operator: object) -> None:
    """The signature does not cover the path, so the data have to say the same."""
    made = door.made(token)
    data = {"operator": operator, **SAMPLES[token]}
    body = json.dumps({"action": token, "data": data}, separators=(",", ":")).encode()
    assert is_refused(await door.post(raw(body, door.base, path=made.path)), 400)
    assert door.services.calls == []


@pytest.mark.parametrize("token", NOTIFICATIONS)
async def test_the_operator_name_is_that_of_the_path(door: Circle, token: str) -> None:
    """An SMS notification says it in a header."""
    made = door.made(token)
    for name in (None, "", "another", "Site", "site,another"):
        headers = {key: value for key, value in made.headers.items() if key != "operator-name"}
        response = await door.post(
            Delivery(made.path, headers if name is None else headers | {"operator-name": name}, made.body)
        )
        assert is_refused(response, 400)
    assert door.services.calls == []


async def test_an_unknown_action_or_type_is_counted(door: Circle) -> None:
    """It gets the code of what the platform itself calls not implemented."""
    for number, (path, key) in enumerate([("/pam/site", "action"), ("/sms/site", "type")]):
        for unknown in ("ticket_cashout", "ticket_close", "Ticket_win", "", "x" * 10_000, "pong"):
            before = door.counts.get("unknown action", 0)
            body = json.dumps({key: unknown, "data": {"operator": "site"}}, separators=(",", ":")).encode()
            response = await door.post(raw(body, door.base + number, path=path))
            assert is_refused(response, 400, 100)
            assert len(response.content) < 300
            assert door.counts["unknown action"] == before + 1
    assert door.services.calls == []


async def test_the_receiver_says_where_it_listens() -> None:
    """By the host that the settings name, and the port that it got."""
    async with circle(webhooks={"listen": "localhost:0"}) as running:
        host, _, port = (running.gateway.webhooks or "").partition(":")
        assert host == "localhost"
        assert int(port) > 0
        assert (await running.send("ping")).status_code == 200


async def test_the_two_numbers_that_nobody_documented_are_settings() -> None:
    """``webhooks.unknown_action_code`` and ``webhooks.other_code``."""
    async with circle(webhooks={"unknown_action_code": 177, "other_code": 155}) as running:
        unknown = raw(b'{"action":"ticket_cashout","data":{"operator":"site"}}', running.base)
        assert is_refused(await running.post(unknown), 400, 177)
        assert is_refused(await running.send("ticket_win", without="ticket_id"), 400, 155)
        assert is_refused(await running.http.get("/pam/site"), 405, 155)


# ------------------------------------------------------------------------------------------------ the gateway's part


@pytest.mark.parametrize("token", TOKENS)
async def test_without_a_target_nothing_is_accepted(token: str) -> None:
    """Who configured no service of this kind is told by a 500 each, so that the platform discards or repeats."""
    async with circle(site={"pam_target": None, "sms_target": None}) as running:
        assert is_refused(await running.send(token), 500)


async def test_a_ledger_that_cannot_write_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is passed on that is not written down."""

    async def unavailable(*_: object) -> None:
        raise LedgerUnavailable("the disk is full")

    async with circle() as running:
        monkeypatch.setattr(running.gateway.ledger.database, "run", unavailable, raising=False)
        for token in (token for token in TOKENS if token != "identify"):
            assert is_refused(await running.send(token), 500)
        monkeypatch.undo()
        assert running.services.calls == []


async def test_an_unexpected_exception_stays_inside(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The platform gets an error in its own form, and an id that the log has too."""

    async def broken(*_: object) -> None:
        raise RuntimeError("hic sunt dracones")

    async with circle() as running:
        monkeypatch.setattr(running.gateway.ledger.database, "identity", broken, raising=False)
        response = await running.send("ticket_win")
        monkeypatch.undo()
    assert is_refused(response, 500)
    assert "dracones" not in response.text
    assert response.json()["message"].rpartition(" ")[2] in caplog.text
