"""Which HTTP call is a request? Every RPC against key lists copied from the platform's documentation."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import load_contract
from gateway.failure import Failure, Reason
from gateway.wire.binding import HttpCall, binder
from gateway.wire.validation import checker

Draw = Callable[[type[Message]], SearchStrategy[Message]]

ROUTES = {route.short: route for route in load_contract().routes.values()}

TARGETS = {
    "CardService/GetFinanceDetails": ("GET", "/bc/calculator/finance-details", ""),
    "CardService/ListJackpotCards": ("GET", "/bc/jackpots", ""),
    "CardService/GetJackpotCard": ("GET", "/bc/jackpots/", "code"),
    "CardService/PickJackpotBets": ("POST", "/bc/jackpots/", "code"),
    "CardService/ListQuicktipCards": ("GET", "/bc/quicktips", ""),
    "CardService/GetQuicktipCard": ("GET", "/bc/quicktips/", "code"),
    "CardService/ListSmartbetCards": ("GET", "/bc/smartbets", ""),
    "CardService/GetSmartbetCard": ("GET", "/bc/smartbets/", "code"),
    "CardService/GenerateSmartbet": ("POST", "/bc/smartbets/", "code"),
    "CardService/ListQuickbetCards": ("GET", "/bc/quickbets", ""),
    "CardService/GetQuickbetCard": ("GET", "/bc/quickbets/", "code"),
    "CardService/ListSuperbetCards": ("GET", "/bc/superbets", ""),
    "CardService/GetSuperbetCard": ("GET", "/bc/superbets/", "code"),
    "TicketService/CreateTicket": ("POST", "/be/tickets", ""),
    "TicketService/ReserveTicket": ("POST", "/be/tickets/reserve", ""),
    "TicketService/PayTicket": ("POST", "/be/tickets/", "identifier"),
    "TicketService/GetTicket": ("GET", "/be/tickets/", "identifier"),
    "TicketService/ListTickets": ("GET", "/be/tickets", ""),
}

QUERIES = {
    "CardService/GetFinanceDetails": "operator price odds",
    "CardService/ListJackpotCards": "operator",
    "CardService/GetJackpotCard": "operator",
    "CardService/ListQuicktipCards": "operator",
    "CardService/GetQuicktipCard": "operator",
    "CardService/ListSmartbetCards": "operator",
    "CardService/GetSmartbetCard": "operator",
    "CardService/ListQuickbetCards": "operator",
    "CardService/GetQuickbetCard": "operator",
    "CardService/ListSuperbetCards": "operator",
    "CardService/GetSuperbetCard": "operator",
    "TicketService/ListTickets": "limit user_id skip_types",
}

ENVELOPES = {
    "PamService/Ping": ("action", "ping"),
    "PamService/Identify": ("action", "identify"),
    "PamService/CreateTicket": ("action", "ticket_create"),
    "PamService/ReserveTicket": ("action", "ticket_reserve"),
    "PamService/UpdateTicket": ("action", "ticket_update"),
    "PamService/CloseTicket": ("action", "ticket_closed"),
    "PamService/RefundTicket": ("action", "ticket_refund"),
    "PamService/WinTicket": ("action", "ticket_win"),
    "PamService/LoseTicket": ("action", "ticket_lost"),
    "PamService/VoidTicket": ("action", "ticket_void"),
    "PamService/DiscardTicket": ("action", "ticket_discard"),
    "PamService/RollbackTicket": ("action", "ticket_rollback"),
    "SmsService/SendOtp": ("type", "otp"),
    "SmsService/SendTicketStatus": ("type", "ticket_status"),
    "SmsService/SendBetResult": ("type", "bet_result"),
}

TICKET = "operator token psp price currency atag rtag source"
AMOUNTS = "price stake wht_amount wht ext_amount ext ext_type gross_payout net_payout"

BODIES = {
    "CardService/GenerateSmartbet": "stake win risk",
    "TicketService/CreateTicket": TICKET,
    "TicketService/ReserveTicket": TICKET,
    "PamService/Ping": "operator",
    "PamService/Identify": "operator token",
    "PamService/CreateTicket": (f"operator ticket_id ticket_code player_id {AMOUNTS} currency atag rtag ticket_type"),
    "PamService/ReserveTicket": (
        f"operator ticket_id ticket_code player_id psp {AMOUNTS} currency atag rtag ticket_type"
    ),
    "PamService/UpdateTicket": (
        f"operator ticket_id ticket_code player_id psp {AMOUNTS} currency atag rtag ticket_type"
    ),
    "PamService/CloseTicket": "operator ticket_id",
    "PamService/RefundTicket": "operator ticket_id reason",
    "PamService/WinTicket": "operator ticket_id",
    "PamService/LoseTicket": "operator ticket_id",
    "PamService/VoidTicket": f"operator ticket_id {AMOUNTS}",
    "PamService/DiscardTicket": "operator ticket_id reason",
    "PamService/RollbackTicket": "operator ticket_id reason",
    "SmsService/SendOtp": "code msisdn",
    "SmsService/SendTicketStatus": "ticket_code ticket_id msisdn status result",
    "SmsService/SendBetResult": "ticket_id result event_id bet_id",
}

SELECTIONS = {
    "superbet": "event bets",
    "quicktip": "odds_diff events",
    "jackpot": "odds_diff events betcard_code prize bonus_prizes",
    "quickbet": "odds_diff events betcard_code",
    "smartbet": "odds_diff events betcard_code",
}

NULLABLE = {"psp", "atag", "rtag", "limit", "user_id"}

TYPES = {1: "quicktip", 2: "smartbet", 3: "quickbet", 4: "superbet", 5: "jackpot"}
WORDS = {
    "source": {1: "desktop", 2: "mobile", 3: "android", 4: "iphone", 5: "ussd", 6: "sms", 7: "telegram"},
    "ticket_type": TYPES,
    "skip_types": TYPES,
    "ext_type": {1: "inclusive", 2: "exclusive"},
    "status": {1: "new", 2: "cancelled", 3: "reserved", 4: "open", 5: "calculating", 6: "resulted", 7: "closed"},
    "result": {1: "pending", 2: "won", 3: "lost", 4: "void"},
}


def _fact(message: Any, key: str) -> Any:
    """Say what a JSON object has under a key, read from the message by the platform's name for it."""
    if key in NULLABLE and not message.HasField(key):
        return None
    value = getattr(message, key)
    if key == "events":
        return [_facts(event, "id bet odds") for event in value]
    if hasattr(value, "append"):
        return [_plain(key, item) for item in value]
    return _plain(key, value)


def _plain(key: str, value: Any) -> Any:
    if key in WORDS:
        return WORDS[key][value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _facts(message: Any, keys: str) -> dict[str, Any]:
    return {key: _fact(message, key) for key in keys.split()}


def _spelled(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _expected_body(rpc: str, request: Any) -> bytes:
    if rpc not in BODIES:
        return b""
    facts = _facts(request, BODIES[rpc])
    if rpc in ("TicketService/CreateTicket", "TicketService/ReserveTicket"):
        chosen = request.WhichOneof("selection")
        facts |= {"type": chosen} | _facts(getattr(request, chosen), SELECTIONS[chosen])
    if rpc in ENVELOPES:
        key, token = ENVELOPES[rpc]
        facts = {key: token, "data": facts}
    return _spelled(facts).encode()


def _expected_pairs(rpc: str, request: Any) -> list[tuple[str, str]]:
    facts = _facts(request, QUERIES.get(rpc, ""))
    pairs = [(key, item) for key, value in facts.items() for item in (value if isinstance(value, list) else [value])]
    return [(key, item if isinstance(item, str) else _spelled(item)) for key, item in pairs if item is not None]


def _expected_target(rpc: str, request: Any) -> str:
    _, path, variable = TARGETS.get(rpc, ("POST", "", ""))
    if variable:
        path += quote(getattr(request, variable), safe="")
    if rpc == "TicketService/PayTicket":
        path += "/paid"
    pairs = _expected_pairs(rpc, request)
    return path + ("?" + urlencode(pairs, quote_via=quote) if pairs else "")


def _bind(rpc: str, request: Message) -> HttpCall:
    return binder(ROUTES[rpc])(request)


def test_every_rpc_is_in_the_tables() -> None:
    """The literal tables know every RPC: those with a path, and those that go to a URL of their own."""
    assert TARGETS.keys() | ENVELOPES.keys() == ROUTES.keys()


@pytest.mark.parametrize("rpc", ROUTES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_request_is_spelled_as_documented(rpc: str, valid_messages: Draw, data: DataObject) -> None:
    """Method, target and the bytes of the body are what the documentation's tables say, key order included."""
    request = data.draw(valid_messages(ROUTES[rpc].request.message))

    call = _bind(rpc, request)

    assert call.verb == TARGETS.get(rpc, ("POST",))[0]
    assert call.target == _expected_target(rpc, request)
    assert parse_qsl(urlsplit(call.target).query, keep_blank_values=True) == _expected_pairs(rpc, request)
    assert call.body == _expected_body(rpc, request)


@pytest.mark.parametrize("rpc", ROUTES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_request_without_violations_binds(rpc: str, any_messages: Draw, data: DataObject) -> None:
    """Whatever a message holds, either the check names a violation or there is a call for it."""
    request = data.draw(any_messages(ROUTES[rpc].request.message))

    assert checker(ROUTES[rpc])(request) or isinstance(_bind(rpc, request), HttpCall)


def test_a_ticket_without_a_selection_has_no_spelling() -> None:
    """A request that nobody checked fails as invalid rather than with half a body."""
    with pytest.raises(Failure) as failure:
        _bind("TicketService/CreateTicket", ticket.CreateTicketRequest(source=ticket.TICKET_SOURCE_MOBILE))

    assert failure.value.reason is Reason.INVALID_REQUEST
    assert [violation.field for violation in failure.value.violations] == ["selection"]


PUBLISHED = [
    (
        "PamService/CreateTicket",
        pam.CreateTicketRequest(
            request_id="never on the wire",
            operator="acme",
            ticket_id="668ef666333180bba97f0c93",
            ticket_code="CD4BDD",
            player_id="sometokenvalue",
            price=500,
            stake=444,
            wht_amount=240,
            wht=10,
            ext_amount=56,
            ext=12.5,
            ext_type=ticket.EXCISE_TAX_TYPE_INCLUSIVE,
            gross_payout=2842,
            net_payout=2602,
            currency="USD",
            atag="atag_value",
            ticket_type=ticket.TICKET_TYPE_QUICKBET,
        ),
        (
            '{"action":"ticket_create","data":{"operator":"acme","ticket_id":"668ef666333180bba97f0c93","ticket_code":"CD4BDD",'
            '"player_id":"sometokenvalue","price":500,"stake":444,"wht_amount":240,"wht":10,"ext_amount":56,"ext":12.5,'
            '"ext_type":"inclusive","gross_payout":2842,"net_payout":2602,"currency":"USD","atag":"atag_value","rtag":null,'
            '"ticket_type":"quickbet"}}'
        ),
    ),
    (
        "SmsService/SendOtp",
        sms.SendOtpRequest(operator="only in the header", code="1234", msisdn="+260977223120"),
        '{"type":"otp","data":{"code":"1234","msisdn":"+260977223120"}}',
    ),
    (
        "SmsService/SendTicketStatus",
        sms.SendTicketStatusRequest(
            ticket_code="AB1234",
            ticket_id="66a62424b1770731244c1f3f",
            msisdn="213456451",
            status=ticket.TICKET_STATUS_OPEN,
            result=ticket.TICKET_RESULT_PENDING,
        ),
        (
            '{"type":"ticket_status","data":{"ticket_code":"AB1234","ticket_id":"66a62424b1770731244c1f3f",'
            '"msisdn":"213456451","status":"open","result":"pending"}}'
        ),
    ),
    (
        "TicketService/CreateTicket",
        ticket.CreateTicketRequest(
            request_id="never on the wire",
            operator="site",
            token="sGhx12",
            psp="mobile",
            price=2000,
            currency="KES",
            atag="affiliate-1",
            source=ticket.TICKET_SOURCE_MOBILE,
            superbet=ticket.Superbet(event=100001, bets=[101, 102, 103, 104, 105, 106]),
        ),
        (
            '{"operator":"site","token":"sGhx12","psp":"mobile","price":2000,"currency":"KES","atag":"affiliate-1",'
            '"rtag":null,"source":"mobile","type":"superbet","event":100001,"bets":[101,102,103,104,105,106]}'
        ),
    ),
    (
        "PamService/Ping",
        pam.PingRequest(operator="site"),
        '{"action":"ping","data":{"operator":"site"}}',
    ),
]


@pytest.mark.parametrize(("rpc", "request_", "body"), PUBLISHED, ids=[case[0] for case in PUBLISHED])
def test_the_platform_s_samples_come_out_byte_by_byte(rpc: str, request_: Message, body: str) -> None:
    """The messages that the platform's samples show are spelled exactly like the samples."""
    assert _bind(rpc, request_).body.decode() == body


EMPTY = [
    (
        ticket.CreateTicketRequest(source=ticket.TICKET_SOURCE_USSD, quicktip=ticket.Quicktip()),
        (
            '{"operator":"","token":"","psp":null,"price":0,"currency":"","atag":null,"rtag":null,"source":"ussd",'
            '"type":"quicktip","odds_diff":0,"events":[]}'
        ),
    ),
    (
        ticket.CreateTicketRequest(psp="", atag="", rtag="", source=ticket.TICKET_SOURCE_SMS, jackpot=ticket.Jackpot()),
        (
            '{"operator":"","token":"","psp":"","price":0,"currency":"","atag":"","rtag":"","source":"sms",'
            '"type":"jackpot","odds_diff":0,"events":[],"betcard_code":"","prize":0,"bonus_prizes":[]}'
        ),
    ),
]


@pytest.mark.parametrize(("request_", "body"), EMPTY, ids=["absent", "empty"])
def test_absent_is_null_and_empty_is_empty(request_: Message, body: str) -> None:
    """An optional field takes part as null when it is absent, and as itself when it is empty."""
    assert _bind("TicketService/CreateTicket", request_).body.decode() == body


ODDS = [
    (0.0, "0"),
    (-0.0, "0"),
    (10.0, "10"),
    (-3.0, "-3"),
    (1.95, "1.95"),
    (12.5, "12.5"),
    (0.1 + 0.2, "0.30000000000000004"),
    (999999999999999.0, "999999999999999"),
    (-999999999999999.0, "-999999999999999"),
    (1e15, "1000000000000000.0"),
    (1e16, "1e+16"),
    (1e-7, "1e-07"),
    (5e-324, "5e-324"),
    (1.7976931348623157e308, "1.7976931348623157e+308"),
]


@pytest.mark.parametrize(("odds", "text"), ODDS, ids=[case[1] for case in ODDS])
def test_numbers_have_one_spelling(odds: float, text: str) -> None:
    """A whole number below 1e15 is written without a point, every other one with the digits that read back the same."""
    selection = ticket.Quicktip(events=[ticket.Selection(id=1, bet=2, odds=odds)])
    request = ticket.CreateTicketRequest(source=ticket.TICKET_SOURCE_MOBILE, quicktip=selection)

    body = _bind("TicketService/CreateTicket", request).body

    assert body.endswith(f'"events":[{{"id":1,"bet":2,"odds":{text}}}]}}'.encode())
    assert json.loads(body)["events"][0]["odds"] == odds


STRINGS = [
    ("Zürich, 東京 🎉", '"Zürich, 東京 🎉"'),
    ('say "no"', r'"say \"no\""'),
    ("C:\\dir", r'"C:\\dir"'),
    ("a/b", '"a/b"'),
    ("\b\f\n\r\t", r'"\b\f\n\r\t"'),
    ("\x00\x1f\x7f", '"\\u0000\\u001f\x7f"'),
    ("\u2028<b>&", '"\u2028<b>&"'),
]


@pytest.mark.parametrize(("text", "spelled"), STRINGS, ids=[ascii(case[0]) for case in STRINGS])
def test_text_has_one_spelling(text: str, spelled: str) -> None:
    """Text is written as UTF-8; only quotes, backslashes and control characters are escaped."""
    request = pam.RefundTicketRequest(operator="o", ticket_id="t", reason=text)

    body = _bind("PamService/RefundTicket", request).body.decode()

    assert body == f'{{"action":"ticket_refund","data":{{"operator":"o","ticket_id":"t","reason":{spelled}}}}}'


PATHS = [
    ("668ef666333180bba97f0c93", "668ef666333180bba97f0c93"),
    ("CD4BDD", "CD4BDD"),
    ("a/b", "a%2Fb"),
    ("../admin", "..%2Fadmin"),
    ("a%2Fb", "a%252Fb"),
    ("100%", "100%25"),
    ("a b", "a%20b"),
    ("a+b", "a%2Bb"),
    ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"),
    ("a;b:c@d", "a%3Bb%3Ac%40d"),
    ("Zürich", "Z%C3%BCrich"),
    ("東京", "%E6%9D%B1%E4%BA%AC"),
    ("🎉", "%F0%9F%8E%89"),
    ("..x", "..x"),
    ("...", "..."),
    ("~", "~"),
    ("a.b-c_d", "a.b-c_d"),
    ("\x00\n", "%00%0A"),
    ("\\", "%5C"),
]


@pytest.mark.parametrize(("value", "segment"), PATHS, ids=[ascii(case[0]) for case in PATHS])
def test_a_path_variable_stays_one_segment(value: str, segment: str) -> None:
    """Whatever a caller puts into a path variable is one percent-encoded segment of the path."""
    assert (
        _bind("TicketService/GetTicket", ticket.GetTicketRequest(identifier=value)).target == f"/be/tickets/{segment}"
    )
    assert (
        _bind("TicketService/PayTicket", ticket.PayTicketRequest(request_id="r", identifier=value)).target
        == f"/be/tickets/{segment}/paid"
    )
    assert (
        _bind("CardService/GetSmartbetCard", card.GetSmartbetCardRequest(operator="o", code=value)).target
        == f"/bc/smartbets/{segment}?operator=o"
    )


LISTS = [
    (ticket.ListTicketsRequest(), "/be/tickets"),
    (ticket.ListTicketsRequest(operator="only in the header"), "/be/tickets"),
    (ticket.ListTicketsRequest(limit=0), "/be/tickets?limit=0"),
    (ticket.ListTicketsRequest(user_id=""), "/be/tickets?user_id="),
    (
        ticket.ListTicketsRequest(
            limit=10, user_id="a b/ü&", skip_types=[ticket.TICKET_TYPE_SUPERBET, ticket.TICKET_TYPE_JACKPOT]
        ),
        "/be/tickets?limit=10&user_id=a%20b%2F%C3%BC%26&skip_types=superbet&skip_types=jackpot",
    ),
]


@pytest.mark.parametrize(("request_", "target"), LISTS, ids=[case[1] for case in LISTS])
def test_what_is_absent_is_left_out_of_a_query(request_: Message, target: str) -> None:
    """A query has the parameters that are set, a list once for each of its elements."""
    assert _bind("TicketService/ListTickets", request_) == HttpCall("GET", target, b"")


def test_odds_are_repeated_in_a_query() -> None:
    """Finance details are asked for as the platform's sample does."""
    request = card.GetFinanceDetailsRequest(operator="acme", price=3500, odds=[1.24, 2.76, 3.0, 1e16])

    assert _bind("CardService/GetFinanceDetails", request) == HttpCall(
        "GET", "/bc/calculator/finance-details?operator=acme&price=3500&odds=1.24&odds=2.76&odds=3&odds=1e%2B16", b""
    )


@pytest.mark.parametrize(
    ("rpc", "request_"),
    [
        ("TicketService/PayTicket", ticket.PayTicketRequest(request_id="r", operator="o", identifier="i")),
        ("CardService/PickJackpotBets", card.PickJackpotBetsRequest(operator="o", code="c")),
    ],
    ids=["pay", "pick"],
)
def test_a_post_with_nothing_to_say_has_no_body(rpc: str, request_: Message) -> None:
    """Paying and picking go out without a body and sign their timestamp alone."""
    call = _bind(rpc, request_)

    assert (call.verb, call.body) == ("POST", b"")
