"""Can meshes see that the gateway is well, and can tools read what it serves?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import grpc.aio
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from gateway.cli.comments import descriptor_set
from gateway.contract import load_contract
from gateway.server.listener import OWN_SERVICES
from tests.harness import Client, client_of, settings_for, standing

PLATFORM_SERVICES: Final = (
    "betstack.card.v1.CardService",
    "betstack.ticket.v1.TicketService",
    "betstack.pam.v1.PamService",
    "betstack.sms.v1.SmsService",
)
OPERATIONS: Final = "betstack.operation.v1.OperationService"
EVENTS: Final = "betstack.event.v1.EventService"
HEALTH: Final = "grpc.health.v1.Health"
REFLECTIONS: Final = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
NOWHERE: Final = "http://127.0.0.1:1"


@pytest.fixture
async def lonely() -> AsyncIterator[Client]:
    """Return a client of a gateway whose platform is not there; nothing here needs it."""
    async with client_of(settings_for(NOWHERE)) as connected:
        yield connected


def health_of(client: Client) -> Any:
    """Return the health stub."""
    return health_pb2_grpc.HealthStub(client.channel)


def asked(service: str) -> health_pb2.HealthCheckRequest:
    """Return the question after a service."""
    return health_pb2.HealthCheckRequest(service=service)


@pytest.mark.parametrize("service", ["", *PLATFORM_SERVICES, OPERATIONS])
async def test_every_service_and_the_whole_server_are_serving(lonely: Client, service: str) -> None:
    """Health is about the gateway, not about the platform behind it."""
    answer = await health_of(lonely).Check(asked(service))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_the_health_of_an_unknown_service_is_not_found(lonely: Client) -> None:
    """A misspelled service is not healthy by accident."""
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await health_of(lonely).Check(asked("betstack.card.v1.Cards"))

    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND


async def test_a_watcher_is_told_at_once_and_when_the_gateway_goes() -> None:
    """Watch answers SERVING at first and NOT_SERVING as soon as the gateway begins to drain."""
    async with standing(settings_for(NOWHERE, server={"grace_s": 5})) as (client, end):
        watch = health_of(client).Watch(asked("betstack.pam.v1.PamService"))
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING

        ended = end()

        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
        await ended


def reflect(client: Client, service: str) -> Any:
    """Open a reflection stream under one of its names."""
    return client.channel.stream_stream(
        f"/{service}/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )()


async def ask(stream: Any, **question: str) -> Any:
    """Ask one question on an open stream."""
    await stream.write(reflection_pb2.ServerReflectionRequest(**question))
    return await stream.read()


@pytest.mark.parametrize("reflection", REFLECTIONS)
async def test_reflection_lists_everything_that_is_served(lonely: Client, reflection: str) -> None:
    """Under both of its names, reflection lists the platform's services, those of the gateway, health and itself."""
    stream = reflect(lonely, reflection)
    answer = await ask(stream, list_services="")
    await stream.done_writing()

    listed = {service.name for service in answer.list_services_response.service}
    assert listed == {*PLATFORM_SERVICES, OPERATIONS, EVENTS, HEALTH, *REFLECTIONS}
    assert listed == {*load_contract().services, *OWN_SERVICES}
    assert await stream.read() is grpc.aio.EOF


def test_every_service_of_the_contract_is_served_by_somebody() -> None:
    """What is not the platform's is the gateway's own; the sandbox's service is served by the sandbox alone."""
    contract = descriptor_pb2.FileDescriptorSet.FromString(descriptor_set())
    services = {f"{file.package}.{service.name}" for file in contract.file for service in file.service}

    own = {service for service in OWN_SERVICES if service.startswith("betstack.")}
    assert services == {*load_contract().services, *own, "betstack.sandbox.v1.SandboxService"}
    assert not own & set(load_contract().services)


SYMBOLS: Final = (
    *PLATFORM_SERVICES,
    OPERATIONS,
    "betstack.operation.v1.OperationService.WatchOperation",
    HEALTH,
    *REFLECTIONS,
    "betstack.ticket.v1.CreateTicketRequest",
    "betstack.ticket.v1.TicketService.CreateTicket",
    "betstack.ticket.v1.TicketSource",
    "grpc.reflection.v1.ServerReflectionRequest",
)


@pytest.mark.parametrize("reflection", REFLECTIONS)
async def test_reflection_finds_every_symbol_with_its_files(lonely: Client, reflection: str) -> None:
    """Each symbol comes with its file and all that file needs, so that a client without protos can call."""
    stream = reflect(lonely, reflection)
    for symbol in SYMBOLS:
        answer = await ask(stream, file_containing_symbol=symbol)

        files = [
            descriptor_pb2.FileDescriptorProto.FromString(file)
            for file in answer.file_descriptor_response.file_descriptor_proto
        ]
        names = {file.name for file in files}
        assert any(symbol.startswith(f"{file.package}.") for file in files), symbol
        assert all(dependency in names for file in files for dependency in file.dependency), symbol
    await stream.done_writing()


@pytest.mark.parametrize("reflection", REFLECTIONS)
async def test_reflection_of_the_newer_name_speaks_of_the_newer_name(lonely: Client, reflection: str) -> None:
    """The file of `grpc.reflection.v1` defines that package and points to nothing of the older one."""
    stream = reflect(lonely, reflection)
    answer = await ask(stream, file_by_filename="grpc/reflection/v1/reflection.proto")
    await stream.done_writing()

    [file] = answer.file_descriptor_response.file_descriptor_proto
    assert descriptor_pb2.FileDescriptorProto.FromString(file).package == "grpc.reflection.v1"
    assert b".grpc.reflection.v1alpha." not in file


async def test_reflection_does_not_know_what_is_not_there(lonely: Client) -> None:
    """An unknown symbol is an answer, and the stream goes on."""
    stream = reflect(lonely, REFLECTIONS[0])

    answer = await ask(stream, file_containing_symbol="betstack.card.v1.Nothing")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]
    assert (await ask(stream, list_services="")).HasField("list_services_response")
    await stream.done_writing()


@pytest.mark.parametrize("reflection", REFLECTIONS)
async def test_reflection_can_be_switched_off(reflection: str) -> None:
    """With `server.reflection = false` neither name is served, and everything else is."""
    async with client_of(settings_for(NOWHERE, server={"reflection": False})) as client:
        # Nothing is asked: a question that crosses the refusal would be an error of the client's own.
        assert await reflect(client, reflection).code() is grpc.StatusCode.UNIMPLEMENTED

        answer = await health_of(client).Check(asked(""))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
