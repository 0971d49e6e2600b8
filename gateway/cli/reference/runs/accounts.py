"""What is a player account system asked and told? Every call of PamService and SmsService."""

from __future__ import annotations

from typing import Final

from gateway.cli.reference.display import Json
from gateway.cli.reference.recording import Recorder
from gateway.cli.reference.stable import request_id

__all__ = ["keep_accounts", "send_messages"]

_TICKETS: Final = {
    "first": ("668ef666333180bba97f0c93", "CD4BDD"),
    "jackpot": ("668ef666333180bba97f0c94", "CD4BDE"),
    "later": ("668ef666333180bba97f0c95", "CD4BDF"),
    "declined": ("668ef666333180bba97f0c96", "CD4BE0"),
}
"""Tickets of another engine, say: the gateway passes on what it is told."""

_AMOUNTS: Final[Json] = {
    "price": 500,
    "stake": 444,
    "wht_amount": 240,
    "wht": 10,
    "ext_amount": 56,
    "ext": 12.5,
    "ext_type": "EXCISE_TAX_TYPE_INCLUSIVE",
    "gross_payout": 2842,
    "net_payout": 2602,
}
_MSISDN: Final = "+254700000000"


async def keep_accounts(recorder: Recorder) -> None:
    """Make every call of PamService."""
    await recorder.call("PamService/Ping", {"operator": "site"})
    player = await recorder.call("PamService/Identify", {"operator": "site", "token": "demo"})
    await _from_bet_to_close(recorder, player.player_id)
    await _jackpot(recorder, player.player_id)
    await _undone(recorder, player.player_id)


async def _from_bet_to_close(recorder: Recorder, player: str) -> None:
    await recorder.call("PamService/CreateTicket", _ticket("first", player, "TICKET_TYPE_QUICKBET"))
    await recorder.call("PamService/WinTicket", _about("first", "win"))
    await recorder.call("PamService/RollbackTicket", _about("first", "rollback", reason="wrong score"))
    await recorder.call("PamService/LoseTicket", _about("first", "lose"))
    await recorder.call("PamService/CloseTicket", _about("first", "close"))


async def _jackpot(recorder: Recorder, player: str) -> None:
    jackpot = _ticket("jackpot", player, "TICKET_TYPE_JACKPOT")
    await recorder.aside("PamService/CreateTicket", jackpot)
    better = jackpot | {"request_id": request_id("update jackpot"), "gross_payout": 5684, "net_payout": 5204}
    await recorder.call("PamService/UpdateTicket", better)
    await recorder.call("PamService/VoidTicket", _about("jackpot", "void", **_AMOUNTS))


async def _undone(recorder: Recorder, player: str) -> None:
    await recorder.call(
        "PamService/ReserveTicket", _ticket("later", player, "TICKET_TYPE_QUICKBET") | {"psp": "mobile"}
    )
    await recorder.call("PamService/DiscardTicket", _about("later", "discard", reason="not paid in time"))
    await recorder.aside("PamService/CreateTicket", _ticket("declined", player, "TICKET_TYPE_QUICKBET"))
    await recorder.call("PamService/RefundTicket", _about("declined", "refund", reason="declined by risk"))


def _about(ticket: str, action: str, **more: object) -> Json:
    found, _ = _TICKETS[ticket]
    return {"request_id": request_id(f"{action} {ticket}"), "operator": "site", "ticket_id": found, **more}


def _ticket(name: str, player: str, kind: str) -> Json:
    ticket, code = _TICKETS[name]
    return {
        "request_id": request_id(f"create {name}"),
        "operator": "site",
        "ticket_id": ticket,
        "ticket_code": code,
        "player_id": player,
        **_AMOUNTS,
        "currency": "KES",
        "atag": "affiliate-1",
        "ticket_type": kind,
    }


async def send_messages(recorder: Recorder) -> None:
    """Make every call of SmsService."""
    ticket, code = _TICKETS["first"]
    await recorder.call("SmsService/SendOtp", {"operator": "site", "code": "1234", "msisdn": _MSISDN})
    status = {
        "operator": "site",
        "ticket_code": code,
        "ticket_id": ticket,
        "msisdn": _MSISDN,
        "status": "TICKET_STATUS_RESULTED",
        "result": "TICKET_RESULT_LOST",
    }
    await recorder.call("SmsService/SendTicketStatus", status)
    result = {"operator": "site", "ticket_id": ticket, "result": "TICKET_RESULT_LOST", "event_id": 292275, "bet_id": 1}
    await recorder.call("SmsService/SendBetResult", result)
