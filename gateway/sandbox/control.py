"""How is a running sandbox steered from another process?

By ``betstack.sandbox.v1.SandboxService``, with health and reflection beside it, in the sandbox's own event loop. An RPC
is a plain function of its request, so nothing else happens in the sandbox while it is at work; only the one that sends
webhooks waits. This is the only module of the platform that knows gRPC.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from gateway.sandbox.book import Book, Result, Status, Ticket, TicketFacts
from gateway.sandbox.clock import SteerableClock
from gateway.sandbox.courier import Delivery
from gateway.sandbox.errors import IllegalTransition, SandboxError, UnknownPlayer, UnknownTicket
from gateway.sandbox.faults import Chaos, Fault, FaultKind, Faults
from gateway.sandbox.options import WebhookTargets
from gateway.sandbox.sms_api import Notifications
from gateway.sandbox.wallet import Wallet
from gateway.sandbox.webhook_bodies import Api
from gateway.sandbox.webhook_chaos import WebhookChaos
from gateway.sandbox.webhooks import Webhooks

__all__ = ["SERVICE", "Steering", "steered"]

SERVICE: Final = pb.DESCRIPTOR.services_by_name["SandboxService"].full_name

Context = grpc.aio.ServicerContext[Any, Any]

_HEALTH: Final = health.SERVICE_NAME
_REFLECTION: Final = ("grpc.reflection.v1.ServerReflection", reflection.SERVICE_NAME)

# JSON readers agree on integers up to here.
_MOST_CENTS: Final = 2**53 - 1
# How many tickets or webhooks travel in one message: far below the 4 MiB that clients accept, whatever their tags are.
_PAGE: Final = 250
# How long the end waits for callers who hold on to a stream.
_GRACE_S: Final = 0.1
# What google.protobuf.Duration says of itself.
_LONGEST_S: Final = 315_576_000_000

_METHOD: Final = re.compile(r"[A-Z]+")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE: Final = re.compile(r"([!-~]([ \t!-~]*[!-~])?)?")
_LOCATION: Final = re.compile(r"[!-~]*")
# The sandbox says itself how long a body is.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})
_WITHOUT_BODY: Final = frozenset({204, 304})

_NAMES: Final = {kind: f"FAULT_KIND_{kind.name}" for kind in FaultKind}
_KINDS: Final[Mapping[int, FaultKind]] = {pb.FaultKind.Value(name): kind for kind, name in _NAMES.items()}


class _Refused(Exception):  # noqa: N818 - an answer, not a mistake
    """A status other than OK, on its way out of an RPC."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Steering:
    """What each RPC of the service does."""

    def __init__(
        self,
        *,
        book: Book,
        wallet: Wallet,
        notifications: Notifications,
        faults: Faults,
        clock: SteerableClock,
        webhooks: Webhooks,
    ) -> None:
        self._book = book
        self._wallet = wallet
        self._notifications = notifications
        self._faults = faults
        self._clock = clock
        self._webhooks = webhooks

    def add_fault(self, request: pb.AddFaultRequest) -> pb.AddFaultResponse:
        """Put a fault in line."""
        if not request.HasField("fault"):
            raise _invalid("fault", "required")
        self._faults.add(_fault(request.fault))
        return pb.AddFaultResponse()

    def list_faults(self, _: pb.ListFaultsRequest) -> pb.ListFaultsResponse:
        """Tell what can hit and what has hit."""
        chaos = self._faults.chaos
        return pb.ListFaultsResponse(
            pending=map(_fault_message, self._faults.pending),
            fired=map(_fault_message, self._faults.fired),
            fired_counts={_NAMES[kind]: count for kind, count in self._faults.counts.items()},
            chaos=None if chaos is None else _chaos_message(chaos),
        )

    def clear_faults(self, _: pb.ClearFaultsRequest) -> pb.ClearFaultsResponse:
        """Take all faults out of the line."""
        self._faults.clear()
        return pb.ClearFaultsResponse()

    def set_chaos(self, request: pb.SetChaosRequest) -> pb.SetChaosResponse:
        """Let faults hit at random, or end that."""
        if not request.HasField("chaos"):
            raise _invalid("chaos", "required")
        self._faults.set_chaos(_chaos(request.chaos))
        return pb.SetChaosResponse()

    def advance_ticket(self, request: pb.AdvanceTicketRequest) -> pb.AdvanceTicketResponse:
        """Move a ticket on."""
        identifier = request.identifier or self._latest()
        if request.step == pb.TICKET_STEP_UPDATE:
            ticket = self._update(identifier, request.gross_payout)
        elif request.step in _STEPS:
            ticket = _STEPS[request.step](self._book, identifier, request.reason or "asked for")
        else:
            raise _invalid("step", "has to be something that happens to a ticket")
        return pb.AdvanceTicketResponse(status=ticket.status, result=ticket.result)

    def _latest(self) -> str:
        tickets = self._book.tickets(limit=1)
        if not tickets:
            raise _invalid("identifier", "there is no ticket yet")
        return tickets[0].id

    def advance_clock(self, request: pb.AdvanceClockRequest) -> pb.AdvanceClockResponse:
        """Move the clock, and read it."""
        try:
            self._clock.advance(_seconds("by", request.by))
        except ValueError as error:
            raise _invalid("by", str(error)) from None
        return pb.AdvanceClockResponse(now=_timestamp(self._clock()))

    def fund_player(self, request: pb.FundPlayerRequest) -> pb.FundPlayerResponse:
        """Put money into an account that may have to be opened first."""
        if not request.token:
            raise _invalid("token", "required")
        if request.currency and _CURRENCY.fullmatch(request.currency) is None:
            raise _invalid("currency", "has to be three capital letters")
        try:
            player = self._wallet.player_of(request.token)
        except UnknownPlayer:
            _require_amount(request.amount, 0)
            player = self._wallet.add_player(request.token, request.amount, request.currency or "KES")
        else:
            if request.currency not in {"", player.currency}:
                raise _invalid("currency", f"the player's is {player.currency}")
            _require_amount(request.amount, self._wallet.balance(player.id))
            if request.amount:
                self._wallet.fund(player, request.amount)
        return pb.FundPlayerResponse(player_id=player.id, balance=self._wallet.balance(player.id))

    def get_books(self, request: pb.GetBooksRequest) -> pb.GetBooksResponse:
        """Add everything up."""
        if request.token:
            player = self._wallet.player_of(request.token)
            balances = {player.id: self._wallet.balance(player.id)}
        else:
            balances = self._wallet.balances()
        return pb.GetBooksResponse(
            tickets=self._book.count(),
            total=self._wallet.total(),
            balances=balances,
            notifications=self._notifications.count,
            entries=self._wallet.count(),
            webhooks_waiting=self._webhooks.waiting(),
            webhooks_sent=self._webhooks.deliveries.count,
        )

    def list_tickets(self, request: pb.ListTicketsRequest) -> Iterator[pb.ListTicketsResponse]:
        """Return all tickets in pages."""
        facts = self._book.facts(request.operator or None)
        for start in range(0, len(facts), _PAGE):
            yield pb.ListTicketsResponse(tickets=map(_ticket_message, facts[start : start + _PAGE]))

    def set_webhooks(self, request: pb.SetWebhooksRequest) -> pb.SetWebhooksResponse:
        """Call an operator back somewhere else."""
        if not request.operator:
            raise _invalid("operator", "required")
        targets = WebhookTargets(_url("pam_url", request.pam_url), _url("sms_url", request.sms_url))
        try:
            self._webhooks.set_targets(request.operator, targets)
        except ValueError as error:
            raise _Refused(grpc.StatusCode.NOT_FOUND, f"operator: {error}") from None
        return pb.SetWebhooksResponse()

    async def deliver_webhooks(self, _: pb.DeliverWebhooksRequest) -> pb.DeliverWebhooksResponse:
        """Send what waits."""
        return pb.DeliverWebhooksResponse(waiting=await self._webhooks.deliver())

    def list_webhooks(self, request: pb.ListWebhooksRequest) -> Iterator[pb.ListWebhooksResponse]:
        """Return the latest webhooks in pages."""
        found = [each for each in self._webhooks.deliveries if request.operator in {"", each.webhook.operator}]
        for start in range(0, len(found), _PAGE):
            yield pb.ListWebhooksResponse(deliveries=map(_delivery_message, found[start : start + _PAGE]))

    def set_webhook_chaos(self, request: pb.SetWebhookChaosRequest) -> pb.SetWebhookChaosResponse:
        """Let things go wrong with webhooks at random, or end that."""
        if not request.HasField("chaos"):
            raise _invalid("chaos", "required")
        self._webhooks.set_chaos(_webhook_chaos(request.chaos))
        return pb.SetWebhookChaosResponse()

    def send_otp(self, request: pb.SendOtpRequest) -> pb.SendOtpResponse:
        """Send a one-time password."""
        for field in ("operator", "msisdn", "code"):
            if not getattr(request, field):
                raise _invalid(field, "required")
        if not self._webhooks.knows(request.operator):
            raise _Refused(grpc.StatusCode.NOT_FOUND, f"operator: there is no operator {request.operator!r}")
        if not self._webhooks.sends(request.operator, Api.SMS):
            raise _Refused(grpc.StatusCode.FAILED_PRECONDITION, "operator: it has no SMS endpoint that is known")
        self._webhooks.send_otp(request.operator, request.code, request.msisdn)
        return pb.SendOtpResponse()

    def _update(self, identifier: str, gross_payout: int) -> Ticket:
        stake = self._book.get(identifier).finance.stake
        if not stake <= gross_payout <= _MOST_CENTS:
            raise _invalid("gross_payout", f"has to be from {stake} to {_MOST_CENTS}")
        return self._book.update(identifier, gross_payout)


@asynccontextmanager
async def steered(steering: Steering, listen: str) -> AsyncIterator[str]:
    """Serve until the block ends, on the host and port that are yielded; OSError if the address cannot be had."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((_service(steering), *_reflection()))
    await _add_health(server)
    try:
        try:
            port = server.add_insecure_port(listen)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {listen}: in use, or not an address of this machine") from error
        await server.start()
        yield f"{listen.rpartition(':')[0]}:{port}"
    finally:
        await server.stop(_GRACE_S)


def _service(steering: Steering) -> grpc.GenericRpcHandler:
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "AddFault": _unary(steering.add_fault, pb.AddFaultRequest),
            "ListFaults": _unary(steering.list_faults, pb.ListFaultsRequest),
            "ClearFaults": _unary(steering.clear_faults, pb.ClearFaultsRequest),
            "SetChaos": _unary(steering.set_chaos, pb.SetChaosRequest),
            "AdvanceTicket": _unary(steering.advance_ticket, pb.AdvanceTicketRequest),
            "AdvanceClock": _unary(steering.advance_clock, pb.AdvanceClockRequest),
            "FundPlayer": _unary(steering.fund_player, pb.FundPlayerRequest),
            "GetBooks": _unary(steering.get_books, pb.GetBooksRequest),
            "ListTickets": _stream(steering.list_tickets, pb.ListTicketsRequest),
            "SetWebhooks": _unary(steering.set_webhooks, pb.SetWebhooksRequest),
            "DeliverWebhooks": _unary(steering.deliver_webhooks, pb.DeliverWebhooksRequest),
            "ListWebhooks": _stream(steering.list_webhooks, pb.ListWebhooksRequest),
            "SetWebhookChaos": _unary(steering.set_webhook_chaos, pb.SetWebhookChaosRequest),
            "SendOtp": _unary(steering.send_otp, pb.SendOtpRequest),
        },
    )


def _unary(
    act: Callable[[Any], Message | Awaitable[Message]], request_type: type[Message]
) -> grpc.RpcMethodHandler[Any, Any]:
    async def serve(request: Message, context: Context) -> Message:
        try:
            answer = act(request)
            return answer if isinstance(answer, Message) else await answer
        except (_Refused, SandboxError) as error:
            refused = error if isinstance(error, _Refused) else _refusal(error)
            await context.abort(refused.code, refused.message)

    return grpc.unary_unary_rpc_method_handler(serve, request_type.FromString, _serialized)


def _stream(act: Callable[[Any], Iterator[Message]], request_type: type[Message]) -> grpc.RpcMethodHandler[Any, Any]:
    async def serve(request: Message, _: Context) -> AsyncIterator[Message]:
        for message in act(request):
            yield message

    return grpc.unary_stream_rpc_method_handler(serve, request_type.FromString, _serialized)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _refusal(error: SandboxError) -> _Refused:
    match error:
        case UnknownTicket():
            return _Refused(grpc.StatusCode.NOT_FOUND, f"identifier: there is no ticket {error.identifier!r}")
        case UnknownPlayer():
            return _Refused(grpc.StatusCode.NOT_FOUND, f"token: no player has {error.args[0]!r}")
        case IllegalTransition():
            return _Refused(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        case _:
            raise error


def _invalid(field: str, why: str) -> _Refused:
    return _Refused(grpc.StatusCode.INVALID_ARGUMENT, f"{field}: {why}")


def _fault(message: pb.Fault) -> Fault:
    """Read a fault; what is empty or 0 stays as ``Fault`` has it by default."""
    kind = _kind("fault.kind", message.kind)
    if message.times < 0:
        raise _invalid("fault.times", "has to be positive, or 0 for once")
    if message.status and not 200 <= message.status <= 599:
        raise _invalid("fault.status", "has to be from 200 to 599")
    if message.body and message.status in _WITHOUT_BODY:
        raise _invalid("fault.body", f"{message.status} has none")
    if _LOCATION.fullmatch(message.location) is None:
        raise _invalid("fault.location", "has to be printable ASCII without spaces")
    given: dict[str, Any] = {
        "path": _path("fault.path", message.path),
        "action": message.action,
        "times": message.times,
        "method": _method("fault.method", message.method) if message.method else None,
        "status": message.status,
        "headers": _headers("fault.headers", message.headers),
        "body": message.body.encode(),
        "code": message.code,
        "message": message.message,
        "location": message.location,
        "resigned": message.resigned,
    }
    return Fault(kind, **{name: value for name, value in given.items() if value}, **_delay("fault.delay", message))


def _chaos(message: pb.Chaos) -> Chaos | None:
    kinds = tuple(_kind("chaos.kinds", number) for number in message.kinds)
    if FaultKind.DUPLICATE_WEBHOOK in kinds:
        raise _invalid("chaos.kinds", "webhooks have a chaos of their own, see SetWebhookChaos")
    methods = tuple(_method("chaos.methods", method) for method in message.methods)
    path, delay = _path("chaos.path", message.path), _delay("chaos.delay", message)
    if not 0 <= message.probability <= 1:
        raise _invalid("chaos.probability", "has to be from 0 to 1")
    if message.probability == 0:
        return None
    if not kinds:
        raise _invalid("chaos.kinds", "has to name one kind of fault or more")
    return Chaos(message.probability, kinds, message.seed, path, methods, **delay)


_SHARES: Final = ("duplicate", "resigned", "answer_lost", "delay", "overtaken")
# Without one of these, nothing goes wrong.
_CAUSES: Final = frozenset(_SHARES) - {"resigned"}


def _webhook_chaos(message: pb.WebhookChaos) -> WebhookChaos | None:
    shares = {name: getattr(message, name) for name in _SHARES}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise _invalid(f"chaos.{name}", "has to be from 0 to 1")
    if message.HasField("longest_delay"):
        shares["longest_delay_s"] = _seconds("chaos.longest_delay", message.longest_delay)
        if shares["longest_delay_s"] < 0:
            raise _invalid("chaos.longest_delay", "has to be positive")
    return WebhookChaos(**shares, seed=message.seed) if any(shares[name] for name in _CAUSES) else None


def _kind(field: str, number: int) -> FaultKind:
    if number not in _KINDS:
        raise _invalid(field, "has to be a kind of fault")
    return _KINDS[number]


def _url(field: str, url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _invalid(field, "is no URL") from None
    if url and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise _invalid(field, "has to be a URL of HTTP")
    return url or None


def _path(field: str, path: str) -> str | None:
    if path and not path.startswith("/"):
        raise _invalid(field, "has to begin with a slash")
    return path or None


def _method(field: str, method: str) -> str:
    if _METHOD.fullmatch(method) is None:
        raise _invalid(field, "has to be an HTTP method in capitals")
    return method


def _headers(field: str, headers: Mapping[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if _HEADER_NAME.fullmatch(name) is None:
            raise _invalid(field, f"{name!r} is not the name of a header")
        if name.lower() in _FRAMING:
            raise _invalid(field, f"{name} is the sandbox's own")
        if _HEADER_VALUE.fullmatch(value) is None:
            raise _invalid(field, f"the value of {name} has to be printable ASCII without spaces around it")
    return dict(headers)


def _delay(field: str, message: pb.Fault | pb.Chaos) -> dict[str, Any]:
    """Return the argument ``seconds``, if there is a delay."""
    if not message.HasField("delay"):
        return {}
    seconds = _seconds(field, message.delay)
    if seconds < 0:
        raise _invalid(field, "has to be positive")
    return {"seconds": seconds}


def _seconds(field: str, duration: Duration) -> float:
    seconds, nanos = duration.seconds, duration.nanos
    if abs(seconds) > _LONGEST_S or abs(nanos) >= 1_000_000_000 or seconds * nanos < 0:
        raise _invalid(field, "is no duration")
    return seconds + nanos / 1_000_000_000


def _require_amount(amount: int, balance: int) -> None:
    if amount < 0:
        raise _invalid("amount", "has to be 0 or more")
    if balance + amount > _MOST_CENTS:
        raise _invalid("amount", f"the balance would be more than {_MOST_CENTS}")


def _fault_message(fault: Fault) -> pb.Fault:
    return pb.Fault(
        kind=_NAMES[fault.kind],
        path=fault.path,
        action=fault.action,
        method=fault.method,
        times=fault.times,
        status=fault.status,
        headers=fault.headers,
        body=fault.body.decode("utf-8", "replace"),
        code=fault.code,
        message=fault.message,
        location=fault.location,
        delay=_duration(fault.seconds),
        resigned=fault.resigned,
    )


def _chaos_message(chaos: Chaos) -> pb.Chaos:
    return pb.Chaos(
        probability=chaos.probability,
        kinds=[_NAMES[kind] for kind in chaos.kinds],
        seed=chaos.seed,
        path=chaos.path,
        methods=chaos.methods,
        delay=_duration(chaos.seconds),
    )


def _delivery_message(delivery: Delivery) -> pb.WebhookDelivery:
    webhook = delivery.webhook
    return pb.WebhookDelivery(
        operator=webhook.operator,
        kind=webhook.kind,
        ticket_id=webhook.ticket_id or "",
        url=delivery.url,
        timestamp=delivery.sealed.timestamp,
        signature=delivery.sealed.signature,
        body=webhook.body.decode(),
        sent=_timestamp(delivery.at),
        status=delivery.status or 0,
        answer=delivery.answer.decode("utf-8", "replace"),
        copy=delivery.copy,
    )


def _timestamp(instant: float) -> Timestamp:
    timestamp = Timestamp()
    # Microseconds are what a float of today's time has.
    timestamp.FromMicroseconds(round(instant * 1_000_000))
    return timestamp


def _duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(seconds * 1_000_000_000))
    return duration


def _ticket_message(facts: TicketFacts) -> pb.TicketFacts:
    return pb.TicketFacts(
        id=facts.id,
        code=facts.code,
        operator=facts.operator,
        status=facts.status,
        result=facts.result,
        type=facts.type,
        price=facts.price,
        currency=facts.currency,
        rtag=facts.rtag,
        user_id=facts.player_id,
    )


def _decided(result: Result) -> Callable[[Book, str, str], Ticket]:
    def decide(book: Book, identifier: str, _: str) -> Ticket:
        if book.get(identifier).status is Status.OPEN:
            book.calculate(identifier)
        return book.result(identifier, result)

    return decide


_STEPS: Final[Mapping[int, Callable[[Book, str, str], Ticket]]] = {
    pb.TICKET_STEP_CALCULATE: lambda book, identifier, _: book.calculate(identifier),
    pb.TICKET_STEP_WIN: _decided(Result.WON),
    pb.TICKET_STEP_LOSE: _decided(Result.LOST),
    pb.TICKET_STEP_VOID: _decided(Result.VOID),
    pb.TICKET_STEP_ROLLBACK: Book.rollback,
    pb.TICKET_STEP_REFUND: Book.refund,
    pb.TICKET_STEP_CLOSE: lambda book, identifier, _: book.close(identifier),
    pb.TICKET_STEP_CANCEL: Book.cancel,
}


async def _add_health(server: grpc.aio.Server) -> None:
    servicer = health.aio.HealthServicer()
    await servicer.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)


def _reflection() -> Iterator[grpc.GenericRpcHandler]:
    """Yield reflection under both of its names; grpcio ships the older one, and both are alike on the wire."""
    names = (SERVICE, _HEALTH, *_REFLECTION)
    servicer: Any = reflection.aio.ReflectionServicer(names, pool=_pool_with_v1())
    behaviour = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for name in _REFLECTION:
        yield grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": behaviour})


def _pool_with_v1() -> descriptor_pool.DescriptorPool:
    """Return the default pool, with the v1 file in it: the v1alpha file under its later name."""
    pool = descriptor_pool.Default()
    try:
        pool.FindFileContainingSymbol(_REFLECTION[0])
    except KeyError:
        older, later = descriptor_pb2.FileDescriptorProto(), descriptor_pb2.FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(older)
        text_format.Parse(text_format.MessageToString(older).replace("v1alpha", "v1"), later)
        # The name that the rest of the world knows it by.
        later.name = "grpc/reflection/v1/reflection.proto"
        pool.AddSerializedFile(later.SerializeToString())
    return pool
