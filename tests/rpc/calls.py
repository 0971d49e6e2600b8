"""How does one call of each class look that needs nothing on the platform? For platforms that answer as told."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc.aio
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from tests.harness import Answer, Client, Refusal, Scripted, client_of, scripted, settings_for


@dataclass(frozen=True, slots=True)
class To:
    """A call to one RPC; each time it is another bet: with a request id, and about a ticket, of its own."""

    service: str
    rpc: str
    request: Message
    api: str
    money: bool

    def __call__(self, client: Client, **options: Any) -> Any:
        """Make the call."""
        return getattr(getattr(client, self.service), self.rpc)(self.made(), **options)

    def made(self) -> Message:
        """Return the request of one call."""
        request = type(self.request)()
        request.CopyFrom(self.request)
        for name in ("request_id", "ticket_id"):
            if name in request.DESCRIPTOR.fields_by_name:
                setattr(request, name, uuid.uuid4().hex[:24])
        return request


_BET: Final[dict[str, Any]] = {
    "token": "demo",
    "price": 2000,
    "currency": "KES",
    "source": ticket.TICKET_SOURCE_MOBILE,
    "superbet": ticket.Superbet(event=100001, bets=[101, 102]),
}
_TAKEN: Final[dict[str, Any]] = {
    "price": 2000,
    "stake": 1778,
    "currency": "KES",
    "ext_type": ticket.EXCISE_TAX_TYPE_INCLUSIVE,
    "ticket_type": ticket.TICKET_TYPE_SUPERBET,
}

GET_TICKET: Final = To("tickets", "GetTicket", ticket.GetTicketRequest(identifier="AB12CD"), "be", money=False)
IDENTIFY: Final = To("pam", "Identify", pam.IdentifyRequest(token="demo"), "pam", money=False)
LIST_CARDS: Final = To("cards", "ListSuperbetCards", card.ListSuperbetCardsRequest(), "bc", money=False)
PING: Final = To("pam", "Ping", pam.PingRequest(), "pam", money=False)
CREATE: Final = To("tickets", "CreateTicket", ticket.CreateTicketRequest(**_BET), "be", money=True)
RESERVE: Final = To("tickets", "ReserveTicket", ticket.ReserveTicketRequest(**_BET), "be", money=True)
PAY: Final = To("tickets", "PayTicket", ticket.PayTicketRequest(identifier="AB12CD"), "be", money=True)
TAKE: Final = To("pam", "CreateTicket", pam.CreateTicketRequest(**_TAKEN), "pam", money=True)
HOLD: Final = To("pam", "ReserveTicket", pam.ReserveTicketRequest(**_TAKEN), "pam", money=True)
WIN: Final = To("pam", "WinTicket", pam.WinTicketRequest(), "pam", money=True)
OTP: Final = To("sms", "SendOtp", sms.SendOtpRequest(code="1234", msisdn="213456451"), "sms", money=False)

READS: Final = (GET_TICKET, LIST_CARDS, IDENTIFY)
CHANGES: Final = (CREATE, RESERVE, PAY, TAKE, HOLD, WIN, OTP)
"""Everything that is no READ: DEBIT, RESERVE and CREDIT of both services, and a NOTIFY."""


def name_of(to: To) -> str:
    """Return what to call a call in a list of tests."""
    return f"{to.service}.{to.rpc}"


@asynccontextmanager
async def facing(*answers: Answer, **overrides: Any) -> AsyncIterator[tuple[Client, Scripted]]:
    """Run a platform that answers as told, and a client of a gateway in front of it."""
    async with scripted(*answers) as platform, client_of(settings_for(platform.url, **overrides)) as client:
        yield client, platform


async def refusal_of(call: Awaitable[Any]) -> Refusal:
    """Return the error that a call ends with."""
    refusal = Refusal()
    try:
        await call
    except grpc.aio.AioRpcError as error:
        refusal.take(error)
    return refusal


class Gate:
    """An answer that waits until it is let through, and tells when it is waiting."""

    def __init__(self, answer: bytes) -> None:
        self.asked = asyncio.Event()
        self.open = asyncio.Event()
        self._answer = answer

    async def __call__(self, writer: asyncio.StreamWriter) -> None:
        """Answer once the gate is open."""
        self.asked.set()
        await self.open.wait()
        writer.write(self._answer)
        await writer.drain()


async def leaving_is_told(client: Client) -> None:
    """Wait until the gateway says that it is going away."""
    stub = health_pb2_grpc.HealthStub(client.channel)
    while (await stub.Check(health_pb2.HealthCheckRequest())).status != health_pb2.HealthCheckResponse.NOT_SERVING:
        pass


def error_body(code: object, message: object = "No") -> bytes:
    """Return the platform's error body."""
    return json.dumps({"code": code, "message": message}).encode()


@contextmanager
def closed_port() -> Iterator[str]:
    """Keep a port where nobody listens; every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
