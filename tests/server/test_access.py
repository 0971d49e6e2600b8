"""Can anybody do what is not theirs to do? Every RPC of the contract, called by everybody but the right one, and by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import grpc
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from betstack.event.v1 import event_service_pb2 as event
from betstack.operation.v1 import operation_service_pb2 as operation
from betstack.pam.v1 import pam_service_pb2 as pam
from gateway.callers import CallerTable, Right, token_hash
from gateway.contract import right_of
from gateway.contract.routes import PLATFORM_FILES
from gateway.failure import Reason
from gateway.ledger import events
from gateway.settings import Settings
from tests.harness import SECRET, Client, Refusal, Scripted, client_of, http_answer, refused, scripted, settings_for
from tests.rpc.calls import CREATE, refusal_of

METHODS: Final[dict[str, MethodDescriptor]] = {
    f"/{service.full_name}/{method.name}": method
    for file in (*PLATFORM_FILES, operation.DESCRIPTOR, event.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}
"""Every RPC of the services that need a caller."""

OPERATIONS: Final = "/betstack.operation.v1.OperationService"
GET, LIST = f"{OPERATIONS}/GetOperation", f"{OPERATIONS}/ListOperations"
WATCH, RESOLVE = f"{OPERATIONS}/WatchOperation", f"{OPERATIONS}/ResolveOperation"
EXECUTED: Final = operation.OPERATION_VERDICT_EXECUTED
SUBSCRIBE, ACKNOWLEDGE = (f"/betstack.event.v1.EventService/{method}" for method in ("Subscribe", "Acknowledge"))
PATIENCE_S: Final = 20
TICKET: Final = b'{"id":"668ef666333180bba97f0c93"}'


def caller(token: str, *rights: str, operators: tuple[str, ...] = ("site",)) -> dict[str, Any]:
    """Return the settings of a caller."""
    return {"tokens": [token_hash(token)], "operators": operators, "rights": rights or tuple(Right)}


CALLERS: Final = {
    "all": caller("all", operators=("*",)),
    "site": caller("site"),
    "acme": caller("acme", operators=("acme",)),
    **{f"only-{right}": caller(f"only-{right}", right) for right in Right},
    **{f"not-{right}": caller(f"not-{right}", *(each for each in Right if each != right)) for right in Right},
}
"""Callers by token, which is also their name: of everything, of one operator, with one right alone, with all but one."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A gateway that knows these callers, with two operators, its client, and the platform behind it."""

    client: Client
    platform: Scripted
    settings: Settings

    async def reread(self, **callers: dict[str, Any]) -> None:
        """Let the gateway read settings with other callers."""
        tables = {name: CallerTable(**table) for name, table in callers.items()}
        await self.client.gateway.reloading.reread(lambda: self.settings.model_copy(update={"callers": tables}))

    async def tell(self, operator: str, ticket_id: str = "ticket-1") -> None:
        """Let the platform have told something about an operator's ticket."""
        payload = pam.WinTicketRequest(operator=operator, ticket_id=ticket_id).SerializeToString()
        await self.client.gateway.ledger.database.run(lambda: events.tell(operator, "ticket_win", payload, 1, 2))


@asynccontextmanager
async def guarded() -> AsyncIterator[Guarded]:
    """Run a gateway in front of a platform that answers tickets; each operator has been told something."""
    async with scripted(http_answer(200, TICKET)) as platform:
        operator = {"secret": SECRET, "platform_url": platform.url, "pam_url": platform.url, "sms_url": platform.url}
        operators = {"site": operator, "acme": operator}
        settings = settings_for(platform.url, operators=operators, callers=CALLERS)
        async with client_of(settings) as client:
            running = Guarded(client, platform, settings)
            for name in operators:
                await running.tell(name)
            yield running


def shown(token: str | None) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call with this token."""
    return () if token is None else (("authorization", f"Bearer {token}"),)


def called(client: Client, rpc: str, request: Message, token: str | None) -> Any:
    """Call an RPC by its path."""
    return _called(client, rpc, request, shown(token))


def _called(client: Client, rpc: str, request: Message, metadata: Any) -> Any:
    make = client.channel.unary_stream if METHODS[rpc].server_streaming else client.channel.unary_unary
    call: Any = make(
        rpc,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=GetMessageClass(METHODS[rpc].output_type).FromString,
    )
    return call(request, metadata=metadata)


async def outcome(client: Client, rpc: str, metadata: Any, operator: str = "site") -> Refusal:
    """Call an RPC with an empty request for an operator; of a stream the first message is read."""
    request: Any = GetMessageClass(METHODS[rpc].input_type)(operator=operator)
    call = _called(client, rpc, request, metadata)
    return await refusal_of(call.read() if METHODS[rpc].server_streaming else call)


async def outcomes(client: Client, token: str | None, operator: str = "site") -> dict[str, str]:
    """Return why every RPC was refused to a caller, empty where it was not for want of identity or right."""
    found = {}
    for rpc in METHODS:
        refusal = await outcome(client, rpc, shown(token), operator)
        reason = refusal.info.reason if refusal.info else ""
        found[rpc] = reason if reason.startswith("CALLER_") else ""
        if found[rpc]:
            assert "execution" not in refusal.metadata
            assert operator not in refusal.message
    return found


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        shown("nobody"),
        shown(""),
        shown("site") * 2,
        (("authorization", "site"),),
        (("authorization", "Basic site"),),
        (("authorization", token_hash("site")),),
        (("authorization", f"Bearer {token_hash('site')}"),),
        (("x-authorization", "Bearer site"),),
    ],
    ids=["nothing", "unknown", "empty", "two", "no scheme", "other scheme", "hash", "hash as token", "other header"],
)
async def test_who_is_not_known_gets_one_answer_everywhere(metadata: Any) -> None:
    """Whatever is wrong with what a caller shows, every RPC is refused in the same words, and nothing is sent."""
    async with guarded() as running:
        client, platform = running.client, running.platform
        found = [await outcome(client, rpc, metadata) for rpc in METHODS]

        assert {(refusal.code, refusal.info.reason) for refusal in found} == {
            (grpc.StatusCode.UNAUTHENTICATED, "CALLER_UNKNOWN")
        }
        assert len({refusal.message for refusal in found}) == 1
        assert all("execution" not in refusal.metadata for refusal in found)
        assert platform.connections == 0


async def test_no_rpc_is_for_a_caller_of_another_operator() -> None:
    """All rights for one operator are none for another; one that does not exist is refused in the same words."""
    async with guarded() as running:
        client, platform = running.client, running.platform
        assert set((await outcomes(client, "acme")).values()) == {"CALLER_NOT_ALLOWED"}
        assert set((await outcomes(client, "acme", operator="nobody")).values()) == {"CALLER_NOT_ALLOWED"}
        for rpc in METHODS:
            there = await outcome(client, rpc, shown("acme"), "site")
            nowhere = await outcome(client, rpc, shown("acme"), "nobody")
            own_ids = {"request_id": ""}
            assert (there.message, there.metadata | own_ids) == (nowhere.message, nowhere.metadata | own_ids)
            assert len(there.status.details) == len(nowhere.status.details) == 1
        assert platform.connections == 0


async def test_no_operator_means_the_default_one_for_its_callers_alone() -> None:
    """A request that names nobody is one for the default operator, and refused without naming it."""
    async with guarded() as running:
        client, platform = running.client, running.platform
        for rpc in METHODS:
            refusal = await outcome(client, rpc, shown("acme"), operator="")
            assert refusal.info.reason == "CALLER_NOT_ALLOWED"
            assert "site" not in str(refusal.status)
        assert platform.connections == 0


async def test_every_rpc_needs_exactly_its_right() -> None:
    """With all rights but one the RPCs of that one are refused and no others; with that one alone it is the reverse."""
    async with guarded() as running:
        client = running.client
        for right in Right:
            needed = {rpc for rpc, method in METHODS.items() if right_of(method) is right}
            without = await outcomes(client, f"not-{right}")
            alone = await outcomes(client, f"only-{right}")

            assert needed
            assert {rpc for rpc, reason in without.items() if reason == "CALLER_NOT_ALLOWED"} == needed
            assert {rpc for rpc, reason in alone.items() if not reason} == needed


async def test_the_right_caller_gets_through() -> None:
    """A caller with all rights is refused nothing for want of them, by its own operator's name or as one for all."""
    async with guarded() as running:
        client = running.client
        assert set((await outcomes(client, "site")).values()) == {""}
        assert set((await outcomes(client, "all")).values()) == {""}
        with refused(Reason.OPERATOR_NOT_CONFIGURED):
            await bet(client, "all", operator="nobody")


async def bet(client: Client, token: str, request_id: str = "bet-1", operator: str = "site") -> Any:
    """Place a bet."""
    request: Any = CREATE.made()
    request.operator, request.request_id = operator, request_id
    return await client.tickets.CreateTicket(request, metadata=shown(token))


# ------------------------------------------------------------------------------------ what belongs to operators


async def test_an_operation_is_seen_by_its_operators_callers_alone() -> None:
    """The same request id is another operation for another operator, and a list is of one operator."""
    async with guarded() as running:
        client = running.client
        await bet(client, "site")

        mine = await called(client, GET, operation.GetOperationRequest(operator="site", request_id="bet-1"), "site")
        assert mine.operation.operator == "site"
        for rpc, request in (
            (GET, operation.GetOperationRequest(operator="acme", request_id="bet-1")),
            (
                RESOLVE,
                operation.ResolveOperationRequest(operator="acme", request_id="bet-1", verdict=EXECUTED, reason="x"),
            ),
            (WATCH, operation.WatchOperationRequest(operator="acme", request_id="bet-1")),
        ):
            with refused(Reason.OPERATION_NOT_FOUND):
                call = called(client, rpc, request, "acme")
                await (call.read() if rpc == WATCH else call)
        theirs = await called(client, LIST, operation.ListOperationsRequest(operator="acme"), "acme")
        assert list(theirs.operations) == []


async def test_a_page_of_one_operators_list_leads_nowhere_in_anothers() -> None:
    """A page token is good for the operator whose list it came with."""
    async with guarded() as running:
        client = running.client
        for number in range(2):
            await bet(client, "site", f"bet-{number}")
        page = await called(client, LIST, operation.ListOperationsRequest(operator="site", page_size=1), "site")
        assert page.next_page_token

        with refused(Reason.INVALID_REQUEST) as refusal:
            request = operation.ListOperationsRequest(operator="acme", page_token=page.next_page_token)
            await called(client, LIST, request, "acme")
        assert refusal.fields == ["page_token"]


async def test_events_are_seen_by_their_operators_callers_alone() -> None:
    """Each sees its own; a cursor of another's is none, and a consumer's name is each operator's own."""
    async with guarded() as running:
        client = running.client
        mine = await called(client, SUBSCRIBE, event.SubscribeRequest(operator="site"), "site").read()
        theirs = await called(client, SUBSCRIBE, event.SubscribeRequest(operator="acme"), "acme").read()
        assert (mine.event.operator, theirs.event.operator) == ("site", "acme")

        for rpc, request in (
            (SUBSCRIBE, event.SubscribeRequest(operator="acme", cursor=mine.cursor)),
            (ACKNOWLEDGE, event.AcknowledgeRequest(operator="acme", consumer="books", cursor=mine.cursor)),
        ):
            with refused(Reason.INVALID_REQUEST) as refusal:
                call = called(client, rpc, request, "acme")
                await (call.read() if rpc == SUBSCRIBE else call)
            assert refusal.fields == ["cursor"]

        acknowledged = event.AcknowledgeRequest(operator="acme", consumer="books", cursor=theirs.cursor)
        await called(client, ACKNOWLEDGE, acknowledged, "acme")
        again = event.SubscribeRequest(operator="site", consumer="books")
        assert (await called(client, SUBSCRIBE, again, "site").read()).cursor == mine.cursor


async def test_an_answer_is_replayed_to_its_operators_callers_alone() -> None:
    """The request id of another operator's bet is free, so that it tells nothing."""
    async with guarded() as running:
        await bet(running.client, "site")
        await bet(running.client, "acme", operator="acme")

        assert len(running.platform.requests) == 2


# ------------------------------------------------------------------------------------------------- another policy


async def test_a_caller_that_is_one_no_more_loses_its_streams() -> None:
    """Another policy ends streams that wait for news, too, and leaves those alone whose callers are still allowed."""
    async with guarded() as running:
        client = running.client
        subscribe, streams = event.SubscribeRequest(operator="site"), {}
        for token in ("site", "all", "only-read"):
            streams[token] = called(client, SUBSCRIBE, subscribe, token)
            await streams[token].read()

        await running.reread(site=CALLERS["site"], reader=caller("only-read", "bet"))

        async with asyncio.timeout(PATIENCE_S):
            with refused(Reason.CALLER_UNKNOWN):
                await streams["all"].read()
            with refused(Reason.CALLER_NOT_ALLOWED):
                await streams["only-read"].read()
            await running.tell("site", "ticket-2")
            assert (await streams["site"].read()).event.ticket_win.ticket_id == "ticket-2"


async def test_another_policy_counts_from_the_next_call_on() -> None:
    """On a connection that is there already, a new caller is let in and an old one is not."""
    async with guarded() as running:
        client = running.client
        with refused(Reason.CALLER_UNKNOWN):
            await bet(client, "new", "bet-1")

        await running.reread(new=caller("new"))

        await bet(client, "new", "bet-1")
        with refused(Reason.CALLER_UNKNOWN):
            await bet(client, "site", "bet-2")


async def test_health_is_for_everybody() -> None:
    """Who asks whether the gateway is there needs no token; nor does reflection, which is a setting."""
    async with guarded() as running:
        health: Any = HealthStub(running.client.channel)
        assert (await health.Check(HealthCheckRequest())).status == HealthCheckResponse.SERVING
