"""Does every RPC of the contract work, and can every one be refused?

One row an RPC: a request the platform takes, one it does not, and the reason. The descriptors say whether a row is
missing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import Family, Sandbox
from tests.harness import Client, client_of, refused, settings_for
from tests.rpc.bets import AMOUNTS, TICKET_ID, account_ticket, placed, reserved, taken

FILES = (card.DESCRIPTOR, ticket.DESCRIPTOR, pam.DESCRIPTOR, sms.DESCRIPTOR)
METHODS = {
    f"/{service.full_name}/{method.name}": method
    for file in FILES
    for service in file.services_by_name.values()
    for method in service.methods
}
"""Every RPC of the four services."""

Arrange = Callable[[Sandbox, Client], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class Row:
    """How an RPC succeeds, how it is refused, and by whom: ``sent`` tells whether the platform was asked."""

    good: Arrange
    bad: Arrange
    reason: Reason
    sent: bool = True


def always(message: Message) -> Arrange:
    """Return what arranges nothing and gives this request."""

    async def arrange(_: Sandbox, __: Client) -> Message:
        return message

    return arrange


def made(make: Callable[[Sandbox], Message]) -> Arrange:
    """Return what makes a request of what the platform offers."""

    async def arrange(platform: Sandbox, _: Client) -> Message:
        return make(platform)

    return arrange


def listing(name: str) -> Row:
    """Return the row of a card list, which has nothing to refuse but its operator."""
    request = getattr(card, f"List{name}CardsRequest")
    return Row(always(request()), always(request(operator="nobody")), Reason.OPERATOR_NOT_CONFIGURED, sent=False)


def reading(name: str, family: Family) -> Row:
    """Return the row of one card."""
    request = getattr(card, f"Get{name}CardRequest")
    return Row(
        made(lambda platform: request(code=platform.cards.codes(family)[0])),
        always(request(code="FFFFFF")),
        Reason.PLATFORM_CODE_UNMAPPED,
    )


def on_ticket(rpc: str, first: str | None = None, reason: Reason = Reason.TICKET_NOT_FOUND, **fields: Any) -> Row:
    """Return the row of a PAM action on an open ticket, after the action ``first``."""
    request = getattr(pam, f"{rpc}Request")

    async def arrange(platform: Sandbox, client: Client) -> Message:
        await client.pam.CreateTicket(taken(platform))
        if first is not None:
            platform.accounts.apply(first, "site", TICKET_ID)
        message: Message = request(ticket_id=TICKET_ID, **fields)
        return message

    return Row(arrange, always(request(ticket_id="unseen", **fields)), reason)


async def _reserved_ticket(platform: Sandbox, client: Client) -> Message:
    held = await client.tickets.ReserveTicket(reserved(platform))
    return ticket.PayTicketRequest(request_id="pay-2", identifier=held.ticket.id)


async def _open_ticket(platform: Sandbox, client: Client) -> Message:
    created = await client.tickets.CreateTicket(placed(platform))
    return ticket.GetTicketRequest(identifier=created.ticket.code)


async def _jackpot_update(platform: Sandbox, client: Client) -> Message:
    fields = account_ticket(platform, ticket_type=ticket.TICKET_TYPE_JACKPOT)
    await client.pam.CreateTicket(pam.CreateTicketRequest(**fields))
    return pam.UpdateTicketRequest(**fields | {"request_id": "update-1", "net_payout": 1})


def _reservation(platform: Sandbox) -> Message:
    return pam.ReserveTicketRequest(**account_ticket(platform))


def _stranger(kind: type[Message]) -> Arrange:
    return made(lambda platform: kind(**account_ticket(platform, ticket_id="another", player_id="4711")))


SMARTBET = {"stake": 1000, "win": 5000, "risk": "1.25-4.99"}
STATUS: dict[str, Any] = {
    "ticket_code": "AB1234",
    "ticket_id": TICKET_ID,
    "msisdn": "213456451",
    "status": ticket.TICKET_STATUS_RESULTED,
    "result": ticket.TICKET_RESULT_WON,
}
BET_RESULT: dict[str, Any] = {"ticket_id": TICKET_ID, "result": ticket.TICKET_RESULT_LOST, "event_id": 1, "bet_id": 2}

CARDS: dict[str, Row] = {
    "GetFinanceDetails": Row(
        always(card.GetFinanceDetailsRequest(price=1000, odds=[1.24, 2.76])),
        always(card.GetFinanceDetailsRequest(price=1000)),
        Reason.INVALID_REQUEST,
        sent=False,
    ),
    "ListJackpotCards": listing("Jackpot"),
    "GetJackpotCard": reading("Jackpot", Family.JACKPOT),
    "PickJackpotBets": Row(
        made(lambda platform: card.PickJackpotBetsRequest(code=platform.cards.codes(Family.JACKPOT)[0])),
        always(card.PickJackpotBetsRequest(code="FFFFFF")),
        Reason.PLATFORM_CODE_UNMAPPED,
    ),
    "ListQuicktipCards": listing("Quicktip"),
    "GetQuicktipCard": reading("Quicktip", Family.QUICKTIP),
    "ListSmartbetCards": listing("Smartbet"),
    "GetSmartbetCard": reading("Smartbet", Family.SMARTBET),
    "GenerateSmartbet": Row(
        made(
            lambda platform: card.GenerateSmartbetRequest(code=platform.cards.codes(Family.SMARTBET)[0], **SMARTBET)  # type: ignore[arg-type]
        ),
        always(card.GenerateSmartbetRequest(code="FFFFFF", **SMARTBET)),  # type: ignore[arg-type]
        Reason.PLATFORM_CODE_UNMAPPED,
    ),
    "ListQuickbetCards": listing("Quickbet"),
    "GetQuickbetCard": reading("Quickbet", Family.QUICKBET),
    "ListSuperbetCards": listing("Superbet"),
    "GetSuperbetCard": reading("Superbet", Family.SUPERBET),
}
TICKETS: dict[str, Row] = {
    "CreateTicket": Row(made(placed), made(lambda platform: placed(platform, token="nobody")), Reason.PLAYER_NOT_FOUND),
    "ReserveTicket": Row(
        made(reserved), made(lambda platform: reserved(platform, token="nobody")), Reason.PLAYER_NOT_FOUND
    ),
    "PayTicket": Row(
        _reserved_ticket,
        always(ticket.PayTicketRequest(request_id="pay-1", identifier="unseen")),
        Reason.TICKET_NOT_FOUND,
    ),
    "GetTicket": Row(_open_ticket, always(ticket.GetTicketRequest(identifier="unseen")), Reason.TICKET_NOT_FOUND),
    "ListTickets": Row(
        always(ticket.ListTicketsRequest()), always(ticket.ListTicketsRequest(limit=-1)), Reason.INVALID_REQUEST
    ),
}
PAM: dict[str, Row] = {
    "Ping": Row(
        always(pam.PingRequest()),
        always(pam.PingRequest(operator="nobody")),
        Reason.OPERATOR_NOT_CONFIGURED,
        sent=False,
    ),
    "Identify": Row(
        always(pam.IdentifyRequest(token="demo")),
        always(pam.IdentifyRequest(token="nobody")),
        Reason.PLAYER_NOT_FOUND,
    ),
    "CreateTicket": Row(made(taken), _stranger(pam.CreateTicketRequest), Reason.PLAYER_NOT_FOUND),
    "ReserveTicket": Row(made(_reservation), _stranger(pam.ReserveTicketRequest), Reason.PLAYER_NOT_FOUND),
    "UpdateTicket": Row(
        _jackpot_update,
        made(lambda platform: pam.UpdateTicketRequest(**account_ticket(platform))),
        Reason.INVALID_REQUEST,
    ),
    "CloseTicket": on_ticket("CloseTicket", first="ticket_void"),
    "RefundTicket": on_ticket("RefundTicket"),
    "WinTicket": on_ticket("WinTicket"),
    "LoseTicket": on_ticket("LoseTicket"),
    "VoidTicket": on_ticket("VoidTicket", **AMOUNTS),
    "DiscardTicket": Row(
        on_ticket("DiscardTicket").good,
        always(pam.DiscardTicketRequest(reason="no ticket")),
        Reason.INVALID_REQUEST,
        sent=False,
    ),
    "RollbackTicket": on_ticket("RollbackTicket", first="ticket_lost"),
}
SMS: dict[str, Row] = {
    "SendOtp": Row(
        always(sms.SendOtpRequest(code="1234", msisdn="1")), always(sms.SendOtpRequest()), Reason.INVALID_REQUEST
    ),
    "SendTicketStatus": Row(
        always(sms.SendTicketStatusRequest(**STATUS)),
        always(sms.SendTicketStatusRequest(**STATUS | {"msisdn": ""})),
        Reason.INVALID_REQUEST,
    ),
    "SendBetResult": Row(
        always(sms.SendBetResultRequest(**BET_RESULT)),
        always(sms.SendBetResultRequest(**BET_RESULT | {"ticket_id": ""})),
        Reason.INVALID_REQUEST,
    ),
}
ROWS: dict[str, Row] = {
    **{f"/betstack.card.v1.CardService/{rpc}": row for rpc, row in CARDS.items()},
    **{f"/betstack.ticket.v1.TicketService/{rpc}": row for rpc, row in TICKETS.items()},
    **{f"/betstack.pam.v1.PamService/{rpc}": row for rpc, row in PAM.items()},
    **{f"/betstack.sms.v1.SmsService/{rpc}": row for rpc, row in SMS.items()},
}


def test_no_rpc_of_the_contract_is_left_out() -> None:
    """There is a row for each of the 33 RPCs, and no row for anything else."""
    assert ROWS.keys() == METHODS.keys()
    assert len(ROWS) == 33


@pytest.mark.parametrize("rpc", METHODS)
async def test_it_succeeds_and_is_refused(platform: Sandbox, rpc: str) -> None:
    """Through gateway and sandbox, the good request succeeds and the bad one fails for its reason."""
    row = ROWS[rpc]
    settings = settings_for(platform.url, server={"enable": ["SmsService/SendBetResult"]})
    async with client_of(settings) as client:
        call = client.unary(rpc, GetMessageClass(METHODS[rpc].output_type))

        bad = await row.bad(platform, client)
        with refused(row.reason):
            await call(bad)
        assert len(platform.journal) == row.sent

        await call(await row.good(platform, client))
        assert platform.journal.last.status == 200
