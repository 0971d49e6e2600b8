"""May this request be sent? Each rule broken alone and all at once, with the path of the field."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import load_contract
from gateway.wire.validation import checker

ROUTES = {route.short: route for route in load_contract().routes.values()}

CREATE = "TicketService/CreateTicket"
PAY = "TicketService/PayTicket"
GET = "TicketService/GetTicket"
LIST = "TicketService/ListTickets"
PAM_CREATE = "PamService/CreateTicket"
WIN = "PamService/WinTicket"
REFUND = "PamService/RefundTicket"
OTP = "SmsService/SendOtp"
FINANCE = "CardService/GetFinanceDetails"
SMARTBET = "CardService/GenerateSmartbet"

NAN, INFINITY = float("nan"), float("inf")
NO_SOURCE = "has to be one of desktop, mobile, android, iphone, ussd, sms, telegram"
NO_TYPE = "has to be one of quicktip, smartbet, quickbet, superbet, jackpot"
NO_TAX = "has to be one of inclusive, exclusive"
NO_SELECTION = "one of quicktip, smartbet, quickbet, superbet, jackpot is required"
NOT_FINITE = "has to be a finite number"
TOO_SMALL = "has to be at least 1"
NEGATIVE = "has to be at least 0"
EMPTY = "may not be empty"
NO_CURRENCY = "has to be a currency code of ISO 4217, such as KES"
CONTROL = "may have no control characters"
NO_REQUEST_ID = "has to be 1 to 128 printable ASCII characters without blanks"
NO_SEGMENT = "may not be . or .."
OURS = "is filled by the gateway only"


def _create(**changes: object) -> ticket.CreateTicketRequest:
    """Return a valid request, but for the changes; None takes a field away."""
    fields: dict[str, object] = {
        "request_id": "5f0c7c1e-6a4e-4a53-9d5c-2f6f7f7a3f11",
        "operator": "site",
        "token": "sGhx12",
        "price": 2000,
        "currency": "KES",
        "source": ticket.TICKET_SOURCE_MOBILE,
    }
    if not changes.keys() & {"quicktip", "smartbet", "quickbet", "superbet", "jackpot"}:
        fields["superbet"] = ticket.Superbet(event=100001, bets=[101])
    fields |= changes
    return ticket.CreateTicketRequest(**{name: value for name, value in fields.items() if value is not None})  # type: ignore[arg-type]


def _pam(**changes: object) -> pam.CreateTicketRequest:
    fields: dict[str, object] = {
        "request_id": "r1",
        "ticket_id": "668ef666333180bba97f0c93",
        "price": 500,
        "stake": 444,
        "currency": "USD",
        "ext_type": ticket.EXCISE_TAX_TYPE_INCLUSIVE,
        "ticket_type": ticket.TICKET_TYPE_QUICKTIP,
    }
    return pam.CreateTicketRequest(**(fields | changes))  # type: ignore[arg-type]


def _finance(**changes: object) -> card.GetFinanceDetailsRequest:
    return card.GetFinanceDetailsRequest(**({"price": 1000, "odds": [1.24, 2.76]} | changes))  # type: ignore[arg-type]


def _smartbet(**changes: object) -> card.GenerateSmartbetRequest:
    fields: dict[str, object] = {"code": "F2964C", "stake": 1000, "win": 5000, "risk": "1.25-4.99"}
    return card.GenerateSmartbetRequest(**(fields | changes))  # type: ignore[arg-type]


def _odds(*odds: float) -> list[ticket.Selection]:
    return [ticket.Selection(id=index, bet=1, odds=value) for index, value in enumerate(odds)]


VALID: list[tuple[str, Message]] = [
    (CREATE, _create()),
    (CREATE, _create(request_id="x")),
    (CREATE, _create(request_id="~" * 128)),
    (CREATE, _create(request_id='!"#$%&')),
    (CREATE, _create(operator="", token="", price=1)),
    (CREATE, _create(psp="", atag="", rtag="")),
    (CREATE, _create(token="t" * 4096, atag="ł" * 256, rtag="a \u00a0\u2028b 🎲")),
    (CREATE, _create(quicktip=ticket.Quicktip(events=_odds(1.0)))),
    (CREATE, _create(quickbet=ticket.Quickbet(events=_odds(1.5), betcard_code=""))),
    (CREATE, _create(superbet=ticket.Superbet(bets=[0, -1]))),
    (CREATE, _create(jackpot=ticket.Jackpot(events=_odds(1.5, 1e300), prize=0, bonus_prizes=[0]))),
    (PAY, ticket.PayTicketRequest(request_id="r", identifier="a/b")),
    (PAY, ticket.PayTicketRequest(request_id="r", identifier="...")),
    (PAY, ticket.PayTicketRequest(request_id="r", identifier="..x")),
    (GET, ticket.GetTicketRequest(identifier=" ")),
    (LIST, ticket.ListTicketsRequest()),
    (LIST, ticket.ListTicketsRequest(limit=-1, user_id="", skip_types=[ticket.TICKET_TYPE_JACKPOT])),
    (PAM_CREATE, _pam()),
    (PAM_CREATE, _pam(price=1, stake=1, wht_amount=0, wht=0.0, ext=12.5, gross_payout=2**62, net_payout=0)),
    (REFUND, pam.RefundTicketRequest(ticket_id="t", reason="first line\r\n\tsecond line" + "x" * 900)),
    (WIN, pam.WinTicketRequest(ticket_id="t")),
    (WIN, pam.WinTicketRequest(ticket_id="..")),
    ("PamService/Ping", pam.PingRequest()),
    ("SmsService/SendOtp", sms.SendOtpRequest()),
    (FINANCE, _finance()),
    (FINANCE, _finance(price=1, odds=[1])),
    (SMARTBET, _smartbet(stake=1, win=1, risk="")),
    ("CardService/ListJackpotCards", card.ListJackpotCardsRequest()),
]

BROKEN: list[tuple[str, Message, list[tuple[str, str]]]] = [
    # request_id
    (CREATE, _create(request_id=None), [("request_id", "is required")]),
    (CREATE, _create(request_id="a b"), [("request_id", NO_REQUEST_ID)]),
    (CREATE, _create(request_id=" "), [("request_id", NO_REQUEST_ID)]),
    (CREATE, _create(request_id="a\n"), [("request_id", NO_REQUEST_ID)]),
    (CREATE, _create(request_id="\x7f"), [("request_id", NO_REQUEST_ID)]),
    (CREATE, _create(request_id="bücher"), [("request_id", NO_REQUEST_ID)]),
    (CREATE, _create(request_id="x" * 129), [("request_id", NO_REQUEST_ID)]),
    (PAY, ticket.PayTicketRequest(identifier="t"), [("request_id", "is required")]),
    (PAM_CREATE, _pam(request_id=""), [("request_id", "is required")]),
    (
        "PamService/ReserveTicket",
        pam.ReserveTicketRequest(
            ticket_id="t",
            price=1,
            stake=1,
            currency="XOF",
            ext_type="EXCISE_TAX_TYPE_EXCLUSIVE",
            ticket_type="TICKET_TYPE_JACKPOT",
        ),
        [("request_id", "is required")],
    ),
    (WIN, pam.WinTicketRequest(ticket_id="t", request_id="a b"), [("request_id", NO_REQUEST_ID)]),
    # what a request cannot be without
    (PAM_CREATE, _pam(ticket_id=""), [("ticket_id", "is required")]),
    (WIN, pam.WinTicketRequest(), [("ticket_id", "is required")]),
    ("PamService/Identify", pam.IdentifyRequest(), [("token", "is required")]),
    # path variables
    (GET, ticket.GetTicketRequest(), [("identifier", "is required")]),
    (GET, ticket.GetTicketRequest(identifier="."), [("identifier", NO_SEGMENT)]),
    (GET, ticket.GetTicketRequest(identifier=".."), [("identifier", NO_SEGMENT)]),
    (PAY, ticket.PayTicketRequest(request_id="r", identifier=".."), [("identifier", NO_SEGMENT)]),
    ("CardService/GetSmartbetCard", card.GetSmartbetCardRequest(), [("code", "is required")]),
    ("CardService/PickJackpotBets", card.PickJackpotBetsRequest(code=".."), [("code", NO_SEGMENT)]),
    (SMARTBET, _smartbet(code="."), [("code", NO_SEGMENT)]),
    # the selection
    (CREATE, _create(superbet=None), [("selection", NO_SELECTION)]),
    # enums
    (CREATE, _create(source=ticket.TICKET_SOURCE_UNSPECIFIED), [("source", NO_SOURCE)]),
    (CREATE, _create(source=99), [("source", NO_SOURCE)]),
    (CREATE, _create(source=-1), [("source", NO_SOURCE)]),
    (PAM_CREATE, _pam(ticket_type=ticket.TICKET_TYPE_UNSPECIFIED), [("ticket_type", NO_TYPE)]),
    (PAM_CREATE, _pam(ext_type=7), [("ext_type", NO_TAX)]),
    (
        LIST,
        ticket.ListTicketsRequest(skip_types=[ticket.TICKET_TYPE_UNSPECIFIED, ticket.TICKET_TYPE_JACKPOT]),
        [("skip_types[0]", NO_TYPE)],
    ),
    (LIST, ticket.ListTicketsRequest(skip_types=[1, 99, 0]), [("skip_types[1]", NO_TYPE), ("skip_types[2]", NO_TYPE)]),  # type: ignore[list-item]
    (
        "SmsService/SendTicketStatus",
        sms.SendTicketStatusRequest(status=ticket.TICKET_STATUS_OPEN),
        [("result", "has to be one of pending, won, lost, void")],
    ),
    # numbers that are none
    (
        CREATE,
        _create(quicktip=ticket.Quicktip(odds_diff=NAN, events=_odds(2))),
        [("quicktip.odds_diff", NOT_FINITE)],
    ),
    (CREATE, _create(quicktip=ticket.Quicktip(events=_odds(1.5, NAN))), [("quicktip.events[1].odds", NOT_FINITE)]),
    (CREATE, _create(smartbet=ticket.Smartbet(events=_odds(1.5, INFINITY))), [("smartbet.events[1].odds", NOT_FINITE)]),
    (CREATE, _create(quickbet=ticket.Quickbet(events=_odds(-INFINITY))), [("quickbet.events[0].odds", NOT_FINITE)]),
    (CREATE, _create(jackpot=ticket.Jackpot(events=_odds(1, 2, NAN))), [("jackpot.events[2].odds", NOT_FINITE)]),
    (PAM_CREATE, _pam(wht=NAN, ext=INFINITY), [("wht", NOT_FINITE), ("ext", NOT_FINITE)]),
    (
        FINANCE,
        _finance(odds=[1.5, -INFINITY, 2.0, NAN]),
        [("odds[1]", NOT_FINITE), ("odds[3]", NOT_FINITE)],
    ),
    # amounts, rates and odds
    (CREATE, _create(price=None), [("price", TOO_SMALL)]),
    (CREATE, _create(price=-2000), [("price", TOO_SMALL)]),
    (SMARTBET, _smartbet(stake=0, win=-1), [("stake", TOO_SMALL), ("win", TOO_SMALL)]),
    (
        FINANCE,
        _finance(price=0, odds=[0.99, 1, 0]),
        [("price", TOO_SMALL), ("odds[0]", TOO_SMALL), ("odds[2]", TOO_SMALL)],
    ),
    (CREATE, _create(quickbet=ticket.Quickbet(events=_odds(1, 0.5))), [("quickbet.events[1].odds", TOO_SMALL)]),
    (
        CREATE,
        _create(quicktip=ticket.Quicktip(odds_diff=-0.1, events=_odds(2))),
        [("quicktip.odds_diff", NEGATIVE)],
    ),
    (
        CREATE,
        _create(jackpot=ticket.Jackpot(events=_odds(2), prize=-1, bonus_prizes=[1, -1, 0, -2])),
        [("jackpot.prize", NEGATIVE), ("jackpot.bonus_prizes[1]", NEGATIVE), ("jackpot.bonus_prizes[3]", NEGATIVE)],
    ),
    (
        PAM_CREATE,
        _pam(price=0, stake=0, wht_amount=-1, wht=-0.5, ext_amount=-1, ext=-12.5, gross_payout=-1, net_payout=-1),
        [
            ("price", TOO_SMALL),
            ("stake", TOO_SMALL),
            ("wht_amount", NEGATIVE),
            ("wht", NEGATIVE),
            ("ext_amount", NEGATIVE),
            ("ext", NEGATIVE),
            ("gross_payout", NEGATIVE),
            ("net_payout", NEGATIVE),
        ],
    ),
    # lists
    (CREATE, _create(quicktip=ticket.Quicktip()), [("quicktip.events", EMPTY)]),
    (CREATE, _create(smartbet=ticket.Smartbet()), [("smartbet.events", EMPTY)]),
    (CREATE, _create(quickbet=ticket.Quickbet()), [("quickbet.events", EMPTY)]),
    (CREATE, _create(superbet=ticket.Superbet(event=1)), [("superbet.bets", EMPTY)]),
    (CREATE, _create(jackpot=ticket.Jackpot()), [("jackpot.events", EMPTY)]),
    (FINANCE, _finance(odds=[]), [("odds", EMPTY)]),
    # currencies
    (CREATE, _create(currency=""), [("currency", NO_CURRENCY)]),
    (CREATE, _create(currency="KSH"), [("currency", NO_CURRENCY)]),
    (CREATE, _create(currency="KES "), [("currency", NO_CURRENCY)]),
    (CREATE, _create(currency="kes"), [("currency", "has to be in capital letters: KES")]),
    (PAM_CREATE, _pam(currency="Usd"), [("currency", "has to be in capital letters: USD")]),
    (PAM_CREATE, _pam(currency="XXX"), [("currency", NO_CURRENCY)]),
    # texts
    (CREATE, _create(token="t" * 4097), [("token", "may have at most 4096 characters")]),
    (CREATE, _create(psp="mobile\n", rtag="\x1b[31m"), [("psp", CONTROL), ("rtag", CONTROL)]),
    (
        CREATE,
        _create(atag="\x85" * 257),
        [("atag", "may have at most 256 characters and no control characters")],
    ),
    (GET, ticket.GetTicketRequest(identifier="AB12CD\0"), [("identifier", CONTROL)]),
    (LIST, ticket.ListTicketsRequest(user_id="\x7f"), [("user_id", CONTROL)]),
    (SMARTBET, _smartbet(risk="1.25-\t4.99"), [("risk", CONTROL)]),
    (REFUND, pam.RefundTicketRequest(ticket_id="t", reason="\0"), [("reason", CONTROL)]),
    (
        REFUND,
        pam.RefundTicketRequest(ticket_id="t\n", reason="x" * 1001),
        [("ticket_id", CONTROL), ("reason", "may have at most 1000 characters")],
    ),
    (OTP, sms.SendOtpRequest(msisdn="+" * 33), [("msisdn", "may have at most 32 characters")]),
    # what is not the caller's to fill
    (PAM_CREATE, _pam(unmapped=Struct()), [("unmapped", OURS)]),
    (WIN, pam.WinTicketRequest(ticket_id="t", unmapped={"a": 1}), [("unmapped", OURS)]),
    ("PamService/Ping", pam.PingRequest(unmapped={}), [("unmapped", OURS)]),
    (OTP, sms.SendOtpRequest(unmapped={"a": 1}), [("unmapped", OURS)]),
    # several at once
    (
        CREATE,
        ticket.CreateTicketRequest(),
        [
            ("request_id", "is required"),
            ("price", TOO_SMALL),
            ("currency", NO_CURRENCY),
            ("source", NO_SOURCE),
            ("selection", NO_SELECTION),
        ],
    ),
    (
        CREATE,
        _create(request_id="a b", source=99, quicktip=ticket.Quicktip(odds_diff=NAN, events=_odds(NAN, 1.5, INFINITY))),
        [
            ("request_id", NO_REQUEST_ID),
            ("source", NO_SOURCE),
            ("quicktip.odds_diff", NOT_FINITE),
            ("quicktip.events[0].odds", NOT_FINITE),
            ("quicktip.events[2].odds", NOT_FINITE),
        ],
    ),
    (PAY, ticket.PayTicketRequest(), [("request_id", "is required"), ("identifier", "is required")]),
    (
        PAM_CREATE,
        pam.CreateTicketRequest(wht=NAN, unmapped={}),
        [
            ("request_id", "is required"),
            ("ticket_id", "is required"),
            ("price", TOO_SMALL),
            ("stake", TOO_SMALL),
            ("wht", NOT_FINITE),
            ("ext_type", NO_TAX),
            ("currency", NO_CURRENCY),
            ("ticket_type", NO_TYPE),
            ("unmapped", OURS),
        ],
    ),
]


@pytest.mark.parametrize(("rpc", "message"), VALID, ids=[f"{index}-{case[0]}" for index, case in enumerate(VALID)])
def test_a_valid_request_has_no_violations(rpc: str, message: Message) -> None:
    """What the contract allows may be sent: the rest is the platform's to judge."""
    assert checker(ROUTES[rpc])(message) == ()


@pytest.mark.parametrize(
    ("rpc", "message", "violations"),
    BROKEN,
    ids=[f"{case[0]}: {', '.join(field for field, _ in case[2])}" for case in BROKEN],
)
def test_each_violation_names_its_field(rpc: str, message: Message, violations: list[tuple[str, str]]) -> None:
    """All that is wrong with a request is told at once, each with the path of its field and what was expected."""
    found = checker(ROUTES[rpc])(message)

    assert [(violation.field, violation.description) for violation in found] == violations


def test_the_same_rules_hold_for_reserving() -> None:
    """Reserving a ticket is checked as creating one is."""
    broken = ticket.ReserveTicketRequest(price=1, currency="KES", quicktip=ticket.Quicktip(events=_odds(NAN)))

    fields = [violation.field for violation in checker(ROUTES["TicketService/ReserveTicket"])(broken)]

    assert fields == ["request_id", "source", "quicktip.events[0].odds"]
