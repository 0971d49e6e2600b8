"""Is a request that breaks a rule kept from the platform, by every RPC, with all that is wrong told at once?"""

from __future__ import annotations

from typing import Any, Final

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import Sandbox
from tests.harness import Client, client_of, http_answer, refused, settings_for
from tests.ledger.rows import ANSWERED, operation_of, perform, unknown
from tests.rpc.bets import bet, placed
from tests.rpc.calls import facing

LONG: Final = "x" * 257
ODD: Final = "a\x1b[2Jb"
NAN: Final = float("nan")

AMOUNTS: Final[dict[str, Any]] = {
    "price": 0,
    "stake": -1,
    "wht_amount": -1,
    "wht": -10,
    "ext_amount": -1,
    "ext": NAN,
    "ext_type": 9,
    "gross_payout": -1,
    "net_payout": -1,
}
OPENED: Final[dict[str, Any]] = {
    "request_id": "a b",
    "ticket_id": LONG,
    "ticket_code": ODD,
    "player_id": LONG,
    **AMOUNTS,
    "currency": "ksh",
    "atag": ODD,
    "rtag": "\n",
    "ticket_type": 0,
}
BET: Final[dict[str, Any]] = {
    "request_id": "",
    "token": "x" * 4097,
    "psp": ODD,
    "price": -2000,
    "currency": "kes",
    "atag": LONG,
    "rtag": "\x7f",
    "source": 0,
}
JACKPOT: Final = ticket.Jackpot(
    odds_diff=-1,
    events=[ticket.Selection(odds=1), ticket.Selection(odds=0.99), ticket.Selection(odds=NAN)],
    betcard_code=ODD,
    prize=-1,
    bonus_prizes=[0, -1],
)
JACKPOT_PATHS: Final = " ".join(
    f"jackpot.{path}"
    for path in ("odds_diff", "events[1].odds", "events[2].odds", "betcard_code", "prize", "bonus_prizes[1]")
)

NOTHING_TO_BREAK: Final = {
    f"CardService/List{name}Cards" for name in ("Jackpot", "Quicktip", "Smartbet", "Quickbet", "Superbet")
}
"""RPCs whose requests have nothing but an operator, which the settings know."""

BROKEN: Final[dict[str, tuple[Message, str]]] = {
    "CardService/GetFinanceDetails": (
        card.GetFinanceDetailsRequest(price=-1, odds=[0, 2, NAN]),
        "price odds[0] odds[2]",
    ),
    "CardService/GetJackpotCard": (card.GetJackpotCardRequest(code=ODD), "code"),
    "CardService/PickJackpotBets": (card.PickJackpotBetsRequest(code=LONG), "code"),
    "CardService/GetQuicktipCard": (card.GetQuicktipCardRequest(code=""), "code"),
    "CardService/GetSmartbetCard": (card.GetSmartbetCardRequest(code=".."), "code"),
    "CardService/GenerateSmartbet": (
        card.GenerateSmartbetRequest(code="\t", stake=0, win=-1, risk=LONG),
        "code stake win risk",
    ),
    "CardService/GetQuickbetCard": (card.GetQuickbetCardRequest(code=ODD), "code"),
    "CardService/GetSuperbetCard": (card.GetSuperbetCardRequest(code=ODD), "code"),
    "TicketService/CreateTicket": (
        ticket.CreateTicketRequest(**BET, jackpot=JACKPOT),
        f"request_id token psp price currency atag rtag source {JACKPOT_PATHS}",
    ),
    "TicketService/ReserveTicket": (
        ticket.ReserveTicketRequest(**BET, superbet=ticket.Superbet(event=1)),
        "request_id token psp price currency atag rtag source superbet.bets",
    ),
    "TicketService/PayTicket": (ticket.PayTicketRequest(identifier=LONG), "request_id identifier"),
    "TicketService/GetTicket": (ticket.GetTicketRequest(identifier=ODD), "identifier"),
    "TicketService/ListTickets": (ticket.ListTicketsRequest(user_id=ODD, skip_types=[1, 0]), "user_id skip_types[1]"),  # type: ignore[list-item]
    "PamService/Ping": (pam.PingRequest(request_id="ł"), "request_id"),
    "PamService/Identify": (pam.IdentifyRequest(token=ODD), "token"),
    "PamService/CreateTicket": (pam.CreateTicketRequest(**OPENED), " ".join(OPENED)),
    "PamService/ReserveTicket": (pam.ReserveTicketRequest(psp=ODD, **OPENED), " ".join({**OPENED, "psp": ODD})),
    "PamService/UpdateTicket": (pam.UpdateTicketRequest(psp=LONG, **OPENED), " ".join({**OPENED, "psp": LONG})),
    "PamService/CloseTicket": (pam.CloseTicketRequest(ticket_id=ODD), "ticket_id"),
    "PamService/RefundTicket": (pam.RefundTicketRequest(reason=ODD), "ticket_id reason"),
    "PamService/WinTicket": (pam.WinTicketRequest(request_id=LONG, ticket_id=LONG), "request_id ticket_id"),
    "PamService/LoseTicket": (pam.LoseTicketRequest(ticket_id=ODD, unmapped={}), "ticket_id unmapped"),
    "PamService/VoidTicket": (pam.VoidTicketRequest(ticket_id=ODD, **AMOUNTS), " ".join(["ticket_id", *AMOUNTS])),
    "PamService/DiscardTicket": (pam.DiscardTicketRequest(ticket_id="t", reason="x" * 1001), "reason"),
    "PamService/RollbackTicket": (pam.RollbackTicketRequest(ticket_id="t", reason="\0"), "reason"),
    "SmsService/SendOtp": (sms.SendOtpRequest(code=ODD, msisdn="1" * 33), "code msisdn"),
    "SmsService/SendTicketStatus": (
        sms.SendTicketStatusRequest(ticket_code=ODD, ticket_id=LONG, msisdn=ODD, status=0, result=5),  # type: ignore[arg-type]
        "ticket_code ticket_id msisdn status result",
    ),
    "SmsService/SendBetResult": (sms.SendBetResultRequest(ticket_id=ODD, result=0), "ticket_id result"),  # type: ignore[arg-type]
}
"""A request of each RPC that breaks its rules, and the fields that are named."""

METHODS: Final = {
    f"{service.name}/{method.name}": method
    for file in (card.DESCRIPTOR, ticket.DESCRIPTOR, pam.DESCRIPTOR, sms.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}


async def rows(client: Client) -> int:
    """Return how many operations the ledger has."""
    return len(await client.gateway.ledger.listed("site", [], 0, None, 10))


def test_no_rpc_is_left_out() -> None:
    """Every RPC whose request has anything to break is in the table."""
    assert METHODS.keys() - NOTHING_TO_BREAK == BROKEN.keys()


async def test_a_broken_request_goes_nowhere(platform: Sandbox) -> None:
    """Whatever the RPC: every field that is wrong is named at once, nothing is sent, and no row is written."""
    async with client_of(settings_for(platform.url, server={"enable": ["SmsService/SendBetResult"]})) as client:
        for name, (request, fields) in BROKEN.items():
            method = METHODS[name]
            rpc = f"/{method.containing_service.full_name}/{method.name}"
            call = client.unary(rpc, GetMessageClass(method.output_type))

            with refused(Reason.INVALID_REQUEST) as refusal:
                await call(request)

            assert sorted(refusal.fields) == sorted(fields.split()), name
            assert not refusal.metadata.keys() & {"http_status", "platform_code"}, name
            if client.gateway.contract.routes[rpc].call_class.is_money:
                assert refusal.metadata["execution"] == "NOT_EXECUTED", name
        assert not len(platform.journal)
        assert await rows(client) == 0


async def test_a_refused_request_id_is_still_free(platform: Sandbox, client: Client) -> None:
    """The request id of a request that was refused for its form serves the mended one."""
    broken = ticket.CreateTicketRequest(**bet(platform, request_id="bet-1", price=0))
    with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED"):
        await client.tickets.CreateTicket(broken)

    await client.tickets.CreateTicket(placed(platform, request_id="bet-1"))

    assert len(platform.book.tickets()) == 1
    assert await rows(client) == 1


async def test_of_two_hundred_violations_as_many_as_fit_are_named() -> None:
    """The status stays readable, and its message says how many fields are wrong besides those it names."""
    events = [ticket.Selection(id=index, bet=1, odds=0.5) for index in range(200)]
    request = ticket.CreateTicketRequest(
        request_id="bet-1", price=1, currency="KES", source="TICKET_SOURCE_SMS", quicktip=ticket.Quicktip(events=events)
    )
    async with facing(http_answer(500)) as (client, platform):
        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED") as refusal:
            await client.tickets.CreateTicket(request)

    named = len(refusal.fields)
    assert refusal.status.ByteSize() < 4096
    assert refusal.fields == [f"quicktip.events[{index}].odds" for index in range(named)]
    assert 30 < named < 200
    assert refusal.message.startswith("quicktip.events[0].odds: has to be at least 1; ")
    assert refusal.message.endswith(f" ({200 - named} more than BadRequest has room for)")
    assert platform.connections == 0


@pytest.mark.parametrize("currency", ["kes", "Kes"])
async def test_a_currency_in_small_letters_is_told_its_capitals(
    client: Client, platform: Sandbox, currency: str
) -> None:
    """The mistake that is made most is named as what it is."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await client.tickets.CreateTicket(placed(platform, currency=currency))

    [violation] = refusal.detail(error_details_pb2.BadRequest).field_violations
    assert (violation.field, violation.description) == ("currency", "has to be in capital letters: KES")


async def test_no_value_is_repeated_in_the_refusal(client: Client) -> None:
    """What a caller wrote may be personal, so the refusal says what was expected and not what was found."""
    secret = "LEAK" * 2000
    requests = [
        sms.SendOtpRequest(code=secret, msisdn=secret),
        pam.IdentifyRequest(token=secret),
        ticket.CreateTicketRequest(token=secret, currency=secret, psp=secret),
    ]
    for request, call in zip(
        requests, (client.sms.SendOtp, client.pam.Identify, client.tickets.CreateTicket), strict=True
    ):
        with refused(Reason.INVALID_REQUEST) as refusal:
            await call(request)
        assert "LEAK" not in str(refusal.status)


async def test_what_an_earlier_release_let_through_is_not_called_unsent(ledger_url: str) -> None:
    """A repeat of a bet that is in the ledger is answered from its row, although it would not be sent any more."""
    request = ticket.CreateTicketRequest(
        request_id="bet-1",
        operator="site",
        price=2000,
        currency="OLD",
        source="TICKET_SOURCE_SMS",
        superbet=ticket.Superbet(event=1, bets=[1]),
    )
    rpc = "/betstack.ticket.v1.TicketService/CreateTicket"
    done = ticket.CreateTicketRequest()
    done.CopyFrom(request)
    done.request_id = "bet-2"
    async with facing(http_answer(500), ledger={"url": ledger_url}) as (client, platform):
        await perform(client.gateway.ledger, operation_of(rpc, request), unknown())
        await perform(client.gateway.ledger, operation_of(rpc, done), ANSWERED)

        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await client.tickets.CreateTicket(request)
        assert (await client.tickets.CreateTicket(done)).ticket.code == "AB12CD"
        done.request_id = "bet-3"
        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED"):
            await client.tickets.CreateTicket(done)
        assert platform.connections == 0
