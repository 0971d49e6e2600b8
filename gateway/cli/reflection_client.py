"""What does a server serve? Asked over reflection, so that no proto files are needed here.

The answers go into a descriptor pool of their own: what this program knows of the contract does not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import grpc
from google.protobuf.descriptor import Descriptor, EnumDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest, ServerReflectionResponse

from gateway.cli.status_text import as_call

__all__ = ["Metadata", "NoReflection", "NotServed", "Schema"]

_SERVICES: Final = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
"""The newer name first; messages of the two are alike on the wire."""

Metadata = Sequence[tuple[str, str | bytes]]


class NoReflection(Exception):  # noqa: N818 - nothing went wrong here
    """The server has no reflection."""


class NotServed(Exception):  # noqa: N818 - what was asked for does not exist there
    """The server knows nothing of this name, or more than one thing; the text is a sentence."""


class Schema:
    """The services of a server with their messages, read as far as they are asked for."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata, timeout_s: float) -> None:
        self._reflection = _Reflection(channel, metadata, timeout_s)
        self._loaded: set[str] = set()
        self.pool = DescriptorPool()
        self.services = self._reflection.services()

    def service(self, name: str) -> ServiceDescriptor:
        """Return a service by its full name or the end of it; raises NotServed."""
        full_name = _the_one(name, self.services, "service")
        self.load(full_name)
        return self.pool.FindServiceByName(full_name)

    def method(self, service: str, name: str) -> MethodDescriptor:
        """Return a method of a service; raises NotServed."""
        found = self.service(service)
        method = found.methods_by_name.get(name)
        if method is None:
            raise NotServed(f"{found.full_name} has no method {name}; it has {', '.join(found.methods_by_name)}")
        return method

    def type(self, name: str) -> Descriptor | EnumDescriptor:
        """Return a message or an enum of any service by its full name or the end of it; raises NotServed."""
        types: dict[str, Descriptor | EnumDescriptor] = {}
        for service in self.services:
            for method in self.service(service).methods:
                _collect(method.input_type, types)
                _collect(method.output_type, types)
        return types[_the_one(name, types, "message or enum")]

    def load(self, symbol: str) -> None:
        """Put the file that declares a name into the pool, and everything that it imports; raises NotServed."""
        files = {file.name: file for file in self._reflection.files_of(symbol)}
        while missing := _imported(files.values()) - self._loaded - files.keys():
            files |= {file.name: file for name in missing for file in self._reflection.file(name)}
        for name in files:
            self._add(name, files)

    def _add(self, name: str, files: Mapping[str, FileDescriptorProto]) -> None:
        """Add a file to the pool, after what it imports."""
        if name in self._loaded:
            return
        self._loaded.add(name)
        for imported in files[name].dependency:
            self._add(imported, files)
        self.pool.AddSerializedFile(files[name].SerializeToString())


def _imported(files: Iterable[FileDescriptorProto]) -> set[str]:
    return {name for file in files for name in file.dependency}


def _the_one(name: str, known: Iterable[str], kind: str) -> str:
    """Return the full name that is this one or, if there is no other, ends with it."""
    names = list(known)
    found = [each for each in names if each == name] or [each for each in names if each.endswith(f".{name}")]
    if not found:
        raise NotServed(f"the server has no {kind} {name}")
    if len(found) > 1:
        raise NotServed(f"{name} may be {' or '.join(found)}; say which")
    return found[0]


def _collect(message: Descriptor, types: dict[str, Descriptor | EnumDescriptor]) -> None:
    if message.full_name in types:
        return
    types[message.full_name] = message
    for field in message.fields:
        if field.message_type is not None:
            _collect(field.message_type, types)
        if field.enum_type is not None:
            types[field.enum_type.full_name] = field.enum_type


class _Reflection:
    """Questions and answers of the reflection service."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata, timeout_s: float) -> None:
        self._channel = channel
        self._metadata = tuple(metadata)
        self._timeout_s = timeout_s
        self._candidates = list(_SERVICES)

    def services(self) -> tuple[str, ...]:
        """Return the full names of all services."""
        answer = self._ask(ServerReflectionRequest(list_services="*"))
        return tuple(service.name for service in answer.list_services_response.service)

    def files_of(self, symbol: str) -> list[FileDescriptorProto]:
        """Return the file that declares a name, perhaps with what it imports; raises NotServed."""
        return _files(self._ask(ServerReflectionRequest(file_containing_symbol=symbol)), symbol)

    def file(self, name: str) -> list[FileDescriptorProto]:
        """Return a file, perhaps with what it imports; raises NotServed."""
        return _files(self._ask(ServerReflectionRequest(file_by_filename=name)), name)

    def _ask(self, question: ServerReflectionRequest) -> ServerReflectionResponse:
        while self._candidates:
            try:
                return self._ask_one(self._candidates[0], question)
            except grpc.RpcError as error:
                if as_call(error).code() is not grpc.StatusCode.UNIMPLEMENTED:
                    raise
                del self._candidates[0]
        raise NoReflection

    def _ask_one(self, service: str, question: ServerReflectionRequest) -> ServerReflectionResponse:
        ask: grpc.StreamStreamMultiCallable[Any, Any] = self._channel.stream_stream(
            f"/{service}/ServerReflectionInfo",
            request_serializer=ServerReflectionRequest.SerializeToString,
            response_deserializer=ServerReflectionResponse.FromString,
        )
        answers = list(ask(iter([question]), timeout=self._timeout_s, metadata=self._metadata))
        if not answers:
            raise NotServed("the server's reflection does not answer")
        return answers[0]


def _files(answer: ServerReflectionResponse, name: str) -> list[FileDescriptorProto]:
    if answer.HasField("error_response"):
        raise NotServed(f"the server's reflection does not know {name}")
    return [FileDescriptorProto.FromString(file) for file in answer.file_descriptor_response.file_descriptor_proto]
