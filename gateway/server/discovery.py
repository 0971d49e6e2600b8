"""Who is there, and what can be called? Health and reflection, for meshes, grpcurl and clients without protos."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

__all__ = ["HEALTH", "REFLECTION_SERVICES", "Health", "add_health", "add_reflection"]

HEALTH: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
REFLECTION_SERVICES: Final = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")

Health = HealthServicer


async def add_health(server: grpc.aio.Server, services: Iterable[str]) -> HealthServicer:
    """Serve ``grpc.health.v1``, every service and the server as a whole (the empty name) being SERVING."""
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    for service in ("", *services):
        await health.set(service, health_pb2.HealthCheckResponse.SERVING)
    return health


def add_reflection(server: grpc.aio.Server, services: Iterable[str]) -> None:
    """Serve reflection under both of its names; grpcio ships the older one, and both are alike on the wire."""
    pool = _Pool(_pool_with_v1())
    servicer: Any = ReflectionServicer((*services, *REFLECTION_SERVICES), pool=pool)
    behaviour = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    handlers = [
        grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": behaviour}) for name in REFLECTION_SERVICES
    ]
    server.add_generic_rpc_handlers(tuple(handlers))


class _Pool:
    """A pool that knows the file of a method, too; protobuf's own knows that of every other symbol."""

    def __init__(self, pool: descriptor_pool.DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever protobuf's pool has
        return getattr(self._pool, name)

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - protobuf's name
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindMethodByName(symbol).containing_service.file


def _pool_with_v1() -> descriptor_pool.DescriptorPool:
    """Return the default pool, into which the v1 file has been put: the v1alpha file under its later name."""
    pool = descriptor_pool.Default()
    file = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    _rename(file)
    try:
        pool.FindFileByName(file.name)
    except KeyError:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _rename(file: descriptor_pb2.FileDescriptorProto) -> None:
    old, new = ".grpc.reflection.v1alpha.", ".grpc.reflection.v1."
    file.name = "grpc/reflection/v1/reflection.proto"
    file.package = "grpc.reflection.v1"
    for message in file.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(old, new)
    for service in file.service:
        for method in service.method:
            method.input_type = method.input_type.replace(old, new)
            method.output_type = method.output_type.replace(old, new)
