"""How is an RPC tried out? A small client over reflection: lists what a server offers, describes it, calls it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import grpc
from google.protobuf import json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.cli.connecting import Connection, connecting, no_answer
from gateway.cli.describing import described, listed
from gateway.cli.reflection_client import Metadata, NoReflection, NotServed, Schema
from gateway.cli.status_text import as_call, printable, refusal

__all__ = ["call_command"]

_REFLECTION_TIMEOUT_S: Final = 10.0
_SHOWN_METADATA: Final = ("request-id", "idempotent-replay")
_UNKNOWN_FIELD: Final = re.compile(r'Message type "([^"]+)" has no field named "([^"]+)" at "([^"]+)"')


def _data(_: click.Context, __: click.Parameter, given: str) -> str:
    """Read ``@file`` and ``-``."""
    if given != "-" and not given.startswith("@"):
        return given
    place = "standard input" if given == "-" else given[1:]
    try:
        return (sys.stdin.buffer.read() if given == "-" else Path(place).read_bytes()).decode()
    except OSError as error:
        raise click.BadParameter(f"{place}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise click.BadParameter(f"{place}: is not UTF-8") from None


@click.command()
@click.argument("name", required=False, metavar="[SERVICE[/METHOD]]")
@click.option(
    "-d", "--data", default="{}", callback=_data, metavar="JSON", help="The request; @FILE reads a file, - reads stdin."
)
@connecting
@click.option("--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="The call's deadline.")
@click.option("--describe", is_flag=True, help="Print the shape of a method, a message or an enum.")
def call_command(*, name: str | None, data: str, connection: Connection, timeout: float | None, describe: bool) -> None:
    """Call an RPC, or list what a server offers.

    Without a name all services are listed, with a SERVICE its methods. SERVICE may be short: TicketService. The
    response goes to standard output as JSON, one document a message; metadata and errors go to standard error. The exit
    status is 0 for OK and 1 for every other status.

    The server has to have reflection; proto files are not needed.
    """
    with connection.channel() as channel, _understandable(connection.target):
        schema = Schema(channel, connection.metadata, min(timeout or _REFLECTION_TIMEOUT_S, _REFLECTION_TIMEOUT_S))
        if name is None:
            click.echo("\n".join(schema.services))
        elif describe:
            click.echo(_shape(schema, name))
        elif "/" not in name:
            click.echo(listed(schema.service(name)))
        else:
            method = _method(schema, name)
            _Caller(channel, connection.metadata, timeout, schema).call(method, _document(data))


@contextmanager
def _understandable(target: str) -> Iterator[None]:
    """Say in a sentence why a server could not be asked what it serves."""
    try:
        yield
    except NoReflection:
        raise click.ClickException(f"{target} has no reflection, which is needed here") from None
    except NotServed as error:
        raise click.ClickException(printable(str(error))) from None
    except grpc.RpcError as error:
        raise click.ClickException(no_answer(target, error)) from None


def _method(schema: Schema, name: str) -> MethodDescriptor:
    service, _, method = name.removeprefix("/").rpartition("/")
    return schema.method(service, method)


def _shape(schema: Schema, name: str) -> str:
    if "/" in name:
        return described(_method(schema, name))
    try:
        return listed(schema.service(name))
    except NotServed:
        return described(schema.type(name))


def _document(data: str) -> Mapping[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise click.ClickException(f"the request is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise click.ClickException("the request has to be a JSON object")
    return document


@dataclass(frozen=True, slots=True)
class _Caller:
    """Sends requests over a channel and prints what comes back."""

    channel: grpc.Channel
    metadata: Metadata
    timeout_s: float | None
    schema: Schema

    def call(self, method: MethodDescriptor, document: Mapping[str, Any]) -> None:
        """Call a method; ends the program with status 1 unless the answer is OK."""
        if method.client_streaming:
            raise click.ClickException(f"{method.full_name} takes a stream of requests, which is not supported here")
        answers = self._send(method, _request(method, document, self.schema.pool))
        try:
            _print_metadata(answers.initial_metadata())
            for answer in answers:
                click.echo(_spelled(answer, self.schema))
        except grpc.RpcError as error:
            click.echo(refusal(as_call(error)), err=True)
            raise SystemExit(1) from None

    def _send(self, method: MethodDescriptor, request: Message) -> Any:  # noqa: ANN401 - a grpc call with answers
        """Send a request; a method that answers once is one that streams a single message, alike on the wire."""
        send: grpc.UnaryStreamMultiCallable[Any, Any] = self.channel.unary_stream(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        return send(request, timeout=self.timeout_s, metadata=tuple(self.metadata))


def _print_metadata(metadata: Iterable[tuple[str, str | bytes]]) -> None:
    for name, value in metadata:
        if name in _SHOWN_METADATA:
            click.echo(f"{name}: {value!s}", err=True)


def _spelled(message: Message, schema: Schema) -> str:
    for name in _packed(message):
        schema.load(name)
    return json_format.MessageToJson(
        message, preserving_proto_field_name=True, indent=2, ensure_ascii=False, descriptor_pool=schema.pool
    )


def _packed(message: Any) -> Iterator[str]:  # noqa: ANN401 - any message
    """Yield the types of what is packed into a message as ``Any``, which its own file need not know."""
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        yield message.type_url.rpartition("/")[2]
        return
    for field, value in message.ListFields():
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else (value,):
                yield from _packed(each)


def _request(method: MethodDescriptor, document: Mapping[str, Any], pool: DescriptorPool) -> Message:
    request = GetMessageClass(method.input_type)()
    try:
        return json_format.ParseDict(dict(document), request, descriptor_pool=pool)
    except json_format.ParseError as error:
        raise click.ClickException(f"the request does not fit: {_parse_problem(str(error), pool)}") from None


def _parse_problem(message: str, pool: DescriptorPool) -> str:
    """Return what json_format complains about; fields that there are instead are named as in the proto."""
    unknown = _UNKNOWN_FIELD.search(message)
    if unknown is None:
        return message.partition("\n")[0]
    kind, field, place = unknown.groups()
    return f"{place} has no field {field}; it has {', '.join(pool.FindMessageTypeByName(kind).fields_by_name)}"
