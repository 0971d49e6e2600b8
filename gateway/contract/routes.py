"""Which platform call serves an RPC? One frozen ``Route`` an RPC, read from the annotations and checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor, ServiceDescriptor

from betstack.card.v1 import card_service_pb2
from betstack.pam.v1 import pam_service_pb2
from betstack.sms.v1 import sms_service_pb2
from betstack.ticket.v1 import ticket_service_pb2
from betstack.upstream.v1 import options_pb2
from gateway.callers import Right
from gateway.contract.annotations import api_of, call_of
from gateway.contract.problems import ContractError
from gateway.contract.rights import right_of
from gateway.contract.shapes import OPERATOR, REQUEST_ID, Field, Kind, Shape, Variant, shape_of

__all__ = [
    "PLATFORM_FILES",
    "Api",
    "CallClass",
    "Contract",
    "Envelope",
    "OperatorPlace",
    "Route",
    "Success",
    "load_contract",
]

PLATFORM_FILES: Final[tuple[FileDescriptor, ...]] = (
    card_service_pb2.DESCRIPTOR,
    ticket_service_pb2.DESCRIPTOR,
    pam_service_pb2.DESCRIPTOR,
    sms_service_pb2.DESCRIPTOR,
)

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")


class BaseUrl(Enum):
    """Which of an operator's URLs a path is relative to."""

    PLATFORM = options_pb2.BASE_URL_PLATFORM
    PAM = options_pb2.BASE_URL_PAM
    SMS = options_pb2.BASE_URL_SMS

    @property
    def setting(self) -> str:
        """Name of the operator's setting."""
        return f"{self.name.lower()}_url"


class CallClass(Enum):
    """What a call does to money (architecture of the gateway, "Money safety")."""

    READ = options_pb2.CALL_CLASS_READ
    DEBIT = options_pb2.CALL_CLASS_DEBIT
    RESERVE = options_pb2.CALL_CLASS_RESERVE
    CREDIT = options_pb2.CALL_CLASS_CREDIT
    NOTIFY = options_pb2.CALL_CLASS_NOTIFY

    @property
    def is_read(self) -> bool:
        """Whether the call changes nothing."""
        return self is CallClass.READ

    @property
    def is_money(self) -> bool:
        """Whether the call's outcome is worth money, so that every error states whether it was executed."""
        return self in (CallClass.DEBIT, CallClass.RESERVE, CallClass.CREDIT)


class OperatorPlace(Enum):
    """Where the operator travels besides the header."""

    HEADER = options_pb2.OPERATOR_PLACE_UNSPECIFIED
    BODY = options_pb2.OPERATOR_PLACE_BODY
    QUERY = options_pb2.OPERATOR_PLACE_QUERY


class Success(Enum):
    """What makes an answer a success."""

    BODY = options_pb2.SUCCESS_UNSPECIFIED
    BODY_OPTIONAL = options_pb2.SUCCESS_BODY_OPTIONAL
    STATUS = options_pb2.SUCCESS_STATUS


@dataclass(frozen=True, slots=True)
class Api:
    """One of the platform's APIs: ``bc``, ``be``, ``pam`` or ``sms``."""

    name: str
    base_url: BaseUrl
    operator_name: bool


@dataclass(frozen=True, slots=True)
class Envelope:
    """The object around a body: ``{"action": token, "data": …}`` or ``{"type": token, "data": …}``."""

    key: str
    token: str


@dataclass(frozen=True, slots=True)
class Route:
    """One RPC and the platform call that serves it.

    ``pieces`` is the path cut at its variables: text, field name, text, field name, …, text. ``body`` and ``query`` are
    what travels there in declared order; ``body`` is None for a call without one.
    """

    rpc: str
    api: Api
    verb: str
    path: str
    pieces: tuple[str, ...]
    operator: OperatorPlace
    envelope: Envelope | None
    call_class: CallClass
    right: Right
    answer: str
    success: Success
    signed: bool
    disabled: bool
    request: Shape
    response: Shape
    body: tuple[Field | Variant, ...] | None
    query: tuple[Field, ...]

    @property
    def service(self) -> str:
        """Full name of the service."""
        return self.rpc.split("/")[1]

    @property
    def method(self) -> str:
        """Name of the RPC within its service."""
        return self.rpc.split("/")[2]

    @property
    def short(self) -> str:
        """Service and method without the package, as people say it: ``TicketService/CreateTicket``."""
        return f"{self.service.rpartition('.')[2]}/{self.method}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The request fields that travel in the path."""
        return self.pieces[1::2]

    @property
    def subject(self) -> str:
        """The request field that names what the call is about; empty where there is none."""
        names = (*self.variables, "ticket_id", "ticket_code")
        return next((name for name in names if self.request.field(name)), "")

    @property
    def takes_request_id(self) -> bool:
        """Whether the request has a ``request_id``."""
        return self.request.field(REQUEST_ID) is not None


@dataclass(frozen=True, slots=True)
class Contract:
    """All routes, by RPC (``/package.Service/Method``) in declared order."""

    routes: Mapping[str, Route] = field(repr=False)

    @property
    def services(self) -> tuple[str, ...]:
        """Full names of the services, in declared order."""
        return tuple(dict.fromkeys(route.service for route in self.routes.values()))

    def service(self, name: str) -> tuple[Route, ...]:
        """Return the routes of one service."""
        return tuple(route for route in self.routes.values() if route.service == name)


def load_contract(files: Iterable[FileDescriptor] = PLATFORM_FILES) -> Contract:
    """Read every RPC of these files; raises ContractError with all problems of an incomplete contract."""
    routes: dict[str, Route] = {}
    problems: list[str] = []
    for file in files:
        for service in file.services_by_name.values():
            for method in service.methods:
                try:
                    route = _route(service, method)
                except ContractError as error:
                    problems += error.problems
                else:
                    routes[route.rpc] = route
                    problems += _problems(route)
    problems += _collisions(routes.values())
    if problems:
        raise ContractError(problems)
    return Contract(MappingProxyType(routes))


def _route(service: ServiceDescriptor, method: MethodDescriptor) -> Route:
    rpc = f"/{service.full_name}/{method.name}"
    call = call_of(method)
    verb = call.WhichOneof("verb")
    if verb is None:
        raise ContractError([f"{rpc}: has no call"])
    if not getattr(call, "class"):
        raise ContractError([f"{rpc}: has no class"])
    request = shape_of(method.input_type)
    pieces = tuple(_VARIABLE.split(getattr(call, verb)))
    operator = OperatorPlace(call.operator)
    travelling = tuple(_travelling(request, pieces[1::2], operator))
    return Route(
        rpc=rpc,
        api=_api(service),
        verb=verb.upper(),
        path=getattr(call, verb),
        pieces=pieces,
        operator=operator,
        envelope=_envelope(call),
        call_class=CallClass(getattr(call, "class")),
        right=right_of(method),
        answer=call.answer,
        success=Success(call.success),
        signed=not call.unsigned,
        disabled=call.disabled,
        request=request,
        response=shape_of(method.output_type),
        body=travelling if verb == "post" and (travelling or _envelope(call)) else None,
        query=tuple(part for part in travelling if isinstance(part, Field)) if verb == "get" else (),
    )


def _travelling(request: Shape, variables: Iterable[str], operator: OperatorPlace) -> Iterator[Field | Variant]:
    """Yield what is left for body or query once path, header and request id have taken theirs."""
    elsewhere = {*variables, REQUEST_ID}
    if operator is OperatorPlace.HEADER:
        elsewhere.add(OPERATOR)
    return (part for part in request.parts if part.name not in elsewhere)


def _api(service: ServiceDescriptor) -> Api:
    api = api_of(service)
    if not api.name or not api.base_url:
        raise ContractError([f"{service.full_name}: has no api with name and base_url"])
    return Api(name=api.name, base_url=BaseUrl(api.base_url), operator_name=api.operator_name)


def _envelope(call: options_pb2.Call) -> Envelope | None:
    key = call.WhichOneof("envelope")
    return Envelope(key=key, token=getattr(call, key)) if key else None


def _problems(route: Route) -> Iterator[str]:
    for name in route.variables:
        variable = route.request.field(name)
        if variable is None or variable.kind is not Kind.TEXT or variable.repeated:
            yield f"{route.rpc}: path variable {{{name}}} is no string field of {route.request.name}"
    operator = route.request.field(OPERATOR)
    if operator is None or operator.kind is not Kind.TEXT:
        yield f"{route.rpc}: {route.request.name} has no string field {OPERATOR}"
    if route.answer and route.response.field(route.answer) is None:
        yield f"{route.rpc}: answer names no field of {route.response.name}"
    if route.verb == "GET" and route.operator is OperatorPlace.BODY:
        yield f"{route.rpc}: a GET has no body for the operator"
    if route.verb == "POST" and route.operator is OperatorPlace.QUERY:
        yield f"{route.rpc}: a POST has no query for the operator"
    for part in route.query:
        if part.kind is Kind.OBJECT or part.mapped:
            yield f"{route.rpc}: {part.name} cannot travel in a query"
    yield from _misplaced_rules(route)


def _misplaced_rules(route: Route) -> Iterator[str]:
    """Yield the rules that nobody would judge by: those of answers, and of fields that are judged in another way."""
    for name in (OPERATOR, REQUEST_ID):
        if f"{route.request.name}.{name}" in route.request.ruled():
            yield f"{route.request.name}.{name}: takes no rule"
    yield from (f"{name}: only requests take rules" for name in route.response.ruled())


def _collisions(routes: Iterable[Route]) -> Iterator[str]:
    seen: dict[tuple[object, ...], str] = {}
    for route in routes:
        target = (route.api.base_url, route.verb, _VARIABLE.sub("{}", route.path), route.envelope)
        if target in seen:
            yield f"{route.rpc}: {seen[target]} is served by the same call"
        seen.setdefault(target, route.rpc)
