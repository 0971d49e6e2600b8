"""How does an operator receive the platform's webhooks?

An example, written from the generated stubs. The gateway verifies the webhooks and calls ``PamService`` and
``SmsService``. It may make a call more than once; all tries of one have the same ``idempotency-key``, so what a call
does is done once under its key. A refusal is a gRPC status, and nothing has been done then.

    async with wallet_service(WalletOptions()) as wallet:
        ... wallet.target ...
"""

# ruff: noqa: N802 - the methods have the names of the contract

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.pam.v1 import pam_service_pb2_grpc as pam_grpc
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.sms.v1 import sms_service_pb2_grpc as sms_grpc
from gateway.sandbox.options import DEFAULT_PLAYERS, Opening
from gateway.sandbox.wallet_ledger import Blocked, Entry, Ledger, NotEnough, Terms, TicketKey, UnknownHere, Unsuitable

__all__ = ["WalletOptions", "WalletService", "wallet_service"]

Context = grpc.aio.ServicerContext[Any, Any]
Answer = TypeVar("Answer")
Heard = Callable[[Message, str], None]

# How many calls and notifications are remembered.
_KEPT: Final = 100_000
# How long the end waits for callers.
_GRACE_S: Final = 0.1
_SERVICES: Final = ("", "betstack.pam.v1.PamService", "betstack.sms.v1.SmsService")
_STATUS: Final = {
    UnknownHere: grpc.StatusCode.NOT_FOUND,
    Blocked: grpc.StatusCode.PERMISSION_DENIED,
    NotEnough: grpc.StatusCode.FAILED_PRECONDITION,
    Unsuitable: grpc.StatusCode.FAILED_PRECONDITION,
}


@dataclass(frozen=True, slots=True)
class WalletOptions:
    """How a wallet is set up."""

    # Host and port; port 0 takes a free one.
    listen: str = "127.0.0.1:0"
    # Who has an account from the start.
    players: Sequence[Opening] = DEFAULT_PLAYERS
    # The file of the database; None keeps it in memory, gone at the end.
    file: Path | None = None
    # Is told of each call that did something, with the key under which it was done; empty for notifications.
    heard: Heard = lambda _, __: None
    # What each call passes through first, e.g. to be counted.
    interceptors: Sequence[grpc.aio.ServerInterceptor] = ()
    # For TLS; None: plaintext, which is for one machine only.
    credentials: grpc.ServerCredentials | None = field(default=None, repr=False)


class WalletService:
    """A running wallet."""

    def __init__(self, ledger: Ledger, target: str) -> None:
        self._ledger = ledger
        # Host and port of both services.
        self.target = target
        # The request ids of the calls that came, repeats and refused ones included, oldest first; the latest 100,000.
        self.calls: deque[str] = deque(maxlen=_KEPT)
        # What players would have read, oldest first; the latest 100,000.
        self.notifications: deque[Message] = deque(maxlen=_KEPT)

    def balance(self, player: str) -> int:
        """Return what a player has, by id or token, in cents; also `house`, and `held` for reservations."""
        return self._ledger.balance(player)

    def entries(self) -> list[Entry]:
        """Return all movements of money, two entries each, oldest first."""
        return self._ledger.entries()

    def moved(self, key: str) -> list[Entry]:
        """Return the movements under a key."""
        return self._ledger.moved(key)


class _Pam(pam_grpc.PamServiceServicer):
    """The player account system: what each action means is the ledger's business."""

    def __init__(self, ledger: Ledger, calls: deque[str], heard: Heard) -> None:
        self._ledger = ledger
        self._calls = calls
        self._heard = heard

    async def Ping(self, _: pam.PingRequest, __: Context) -> pam.PingResponse:
        return pam.PingResponse()

    async def Identify(self, request: pam.IdentifyRequest, context: Context) -> pam.IdentifyResponse:
        if request.request_id:
            self._calls.append(request.request_id)
        account = await _answered(context, lambda: self._ledger.account_of(request.token))
        return pam.IdentifyResponse(
            player_id=account.id,
            lang="en",
            balance=account.balance,
            currency=account.currency,
            feature_flags={"cashout": True, "bonus": False},
        )

    async def CreateTicket(self, request: pam.CreateTicketRequest, context: Context) -> pam.CreateTicketResponse:
        await self._once(request, context, lambda: self._ledger.create(_ticket(request), _terms(request)))
        return pam.CreateTicketResponse()

    async def ReserveTicket(self, request: pam.ReserveTicketRequest, context: Context) -> pam.ReserveTicketResponse:
        await self._once(request, context, lambda: self._ledger.reserve(_ticket(request), _terms(request)))
        return pam.ReserveTicketResponse()

    async def UpdateTicket(self, request: pam.UpdateTicketRequest, context: Context) -> pam.UpdateTicketResponse:
        await self._once(request, context, lambda: self._ledger.update(_ticket(request), request.net_payout))
        return pam.UpdateTicketResponse()

    async def WinTicket(self, request: pam.WinTicketRequest, context: Context) -> pam.WinTicketResponse:
        await self._once(request, context, lambda: self._ledger.win(_ticket(request)))
        return pam.WinTicketResponse()

    async def LoseTicket(self, request: pam.LoseTicketRequest, context: Context) -> pam.LoseTicketResponse:
        await self._once(request, context, lambda: self._ledger.lose(_ticket(request)))
        return pam.LoseTicketResponse()

    async def VoidTicket(self, request: pam.VoidTicketRequest, context: Context) -> pam.VoidTicketResponse:
        await self._once(request, context, lambda: self._ledger.void(_ticket(request)))
        return pam.VoidTicketResponse()

    async def RollbackTicket(self, request: pam.RollbackTicketRequest, context: Context) -> pam.RollbackTicketResponse:
        await self._once(request, context, lambda: self._ledger.rollback(_ticket(request)))
        return pam.RollbackTicketResponse()

    async def RefundTicket(self, request: pam.RefundTicketRequest, context: Context) -> pam.RefundTicketResponse:
        await self._once(request, context, lambda: self._ledger.refund(_ticket(request)))
        return pam.RefundTicketResponse()

    async def DiscardTicket(self, request: pam.DiscardTicketRequest, context: Context) -> pam.DiscardTicketResponse:
        await self._once(request, context, lambda: self._ledger.discard(_ticket(request)))
        return pam.DiscardTicketResponse()

    async def CloseTicket(self, request: pam.CloseTicketRequest, context: Context) -> pam.CloseTicketResponse:
        await self._once(request, context, lambda: self._ledger.close_ticket(_ticket(request)))
        return pam.CloseTicketResponse()

    async def _once(self, request: Any, context: Context, act: Callable[[], None]) -> None:  # noqa: ANN401
        """Do what a request says, unless an earlier try of it has; a request of any action."""
        metadata = dict(context.invocation_metadata() or ())
        key = str(metadata.get("idempotency-key", request.request_id))
        if not key:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "request_id: required")
        self._calls.append(key)
        if await _answered(context, lambda: self._ledger.once(key, act)):
            self._heard(request, key)


class _Sms(sms_grpc.SmsServiceServicer):
    """Where the notifications go; this operator keeps them instead of sending them."""

    def __init__(self, notifications: deque[Message], heard: Heard) -> None:
        self._notifications = notifications
        self._heard = heard

    async def SendOtp(self, request: sms.SendOtpRequest, _: Context) -> sms.SendOtpResponse:
        return sms.SendOtpResponse(message=self._keep(request))

    async def SendTicketStatus(self, request: sms.SendTicketStatusRequest, _: Context) -> sms.SendTicketStatusResponse:
        return sms.SendTicketStatusResponse(message=self._keep(request))

    async def SendBetResult(self, request: sms.SendBetResultRequest, _: Context) -> sms.SendBetResultResponse:
        return sms.SendBetResultResponse(message=self._keep(request))

    def _keep(self, request: Message) -> str:
        self._notifications.append(request)
        self._heard(request, "")
        return "Notification received"


@asynccontextmanager
async def wallet_service(options: WalletOptions) -> AsyncIterator[WalletService]:
    """Serve a wallet until the block ends; OSError if the address cannot be had."""
    with closing(Ledger(options.file)) as ledger:
        for player in options.players:
            ledger.once(f"opening/{player.token}", lambda player=player: ledger.open_account(player))  # type: ignore[misc]
        server = grpc.aio.server(interceptors=options.interceptors, options=[("grpc.so_reuseport", 0)])
        try:
            wallet = WalletService(ledger, f"{options.listen.rpartition(':')[0]}:{_bind(server, options)}")
            # What is generated for gRPC has no types.
            pam_grpc.add_PamServiceServicer_to_server(_Pam(ledger, wallet.calls, options.heard), server)  # type: ignore[no-untyped-call]
            sms_grpc.add_SmsServiceServicer_to_server(_Sms(wallet.notifications, options.heard), server)  # type: ignore[no-untyped-call]
            await _add_health(server)
            await server.start()
            yield wallet
        finally:
            await server.stop(_GRACE_S)


def _bind(server: grpc.aio.Server, options: WalletOptions) -> int:
    try:
        if options.credentials is None:
            return server.add_insecure_port(options.listen)
        return server.add_secure_port(options.listen, options.credentials)
    except RuntimeError as error:
        raise OSError(f"cannot listen on {options.listen}") from error


async def _add_health(server: grpc.aio.Server) -> None:
    servicer = health.aio.HealthServicer()
    for service in _SERVICES:
        await servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)


async def _answered(context: Context, act: Callable[[], Answer]) -> Answer:
    """Return what ``act`` returns, or end the call with the status of what it raises."""
    try:
        return act()
    except tuple(_STATUS) as refusal:
        await context.abort(_STATUS[type(refusal)], str(refusal))
    raise AssertionError("abort has raised")


def _ticket(request: Any) -> TicketKey:  # noqa: ANN401 - a request of any action
    return TicketKey(request.operator, request.ticket_id)


def _terms(request: pam.CreateTicketRequest | pam.ReserveTicketRequest) -> Terms:
    return Terms(request.player_id, request.currency, request.price, request.net_payout)
