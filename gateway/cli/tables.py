"""What does the gateway serve, how does it fail and what can be set? Tables, made from contract and settings."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, get_args, get_origin

import click
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc.code_pb2 import Code
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from betstack.event.v1 import event_service_pb2
from betstack.operation.v1 import operation_service_pb2
from gateway.callers import Right
from gateway.cli.comments import advice, descriptor_set
from gateway.contract import STATUS_OF, Route, load_contract, right_of
from gateway.contract.routes import PLATFORM_FILES
from gateway.settings import Settings
from gateway.telemetry.catalogue import CATALOGUE

__all__ = [
    "Table",
    "descriptor_command",
    "errors_command",
    "errors_table",
    "marks",
    "metrics_command",
    "metrics_table",
    "platform_call",
    "rights_table",
    "routes_command",
    "routes_table",
    "settings_command",
    "settings_table",
    "terminal_width",
]

_GAP: Final = "  "
_NARROWEST: Final = 30
_WIDTH: Final = 100
"""Columns where there is no terminal to ask."""

_REQUIRED: Final = "required"
_WORDS: Final = ("", _REQUIRED)
"""What stands among code and is none."""

_SERVED: Final = (*PLATFORM_FILES, operation_service_pb2.DESCRIPTOR, event_service_pb2.DESCRIPTOR)
"""The files of all services that need a caller."""

_IN_MARKDOWN: Final = click.option("--markdown", is_flag=True, help="As a Markdown table.")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first ``code`` columns are names and values, the others prose."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    code: int

    def markdown(self) -> str:
        """Return the table as GitHub renders it."""
        lines = [self.head, ("---",) * len(self.head), *(self._cells(row) for row in self.rows)]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def text(self, width: int) -> str:
        """Return the table for a terminal of this width; the last column is folded."""
        lines = [self.head, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.head) - 1)]
        return "".join(_folded(line, widths, width) for line in lines)

    def _cells(self, row: tuple[str, ...]) -> tuple[str, ...]:
        code = (cell if cell in _WORDS else f"`{cell}`" for cell in row[: self.code])
        return tuple(cell.replace("|", "\\|") for cell in (*code, *row[self.code :]))


def _folded(line: tuple[str, ...], widths: list[int], width: int) -> str:
    *cells, last = line
    begin = "".join(cell.ljust(room) + _GAP for cell, room in zip(cells, widths, strict=True))
    parts = textwrap.wrap(last, max(width - len(begin), _NARROWEST)) or [""]
    rest = ("\n" + " " * len(begin) + part for part in parts[1:])
    return (begin + parts[0]).rstrip() + "".join(rest) + "\n"


def _print(table: Table, markdown: bool) -> None:
    click.echo(table.markdown() if markdown else table.text(terminal_width()), nl=False)


def terminal_width() -> int:
    """Return how many columns there are to write in."""
    return shutil.get_terminal_size((_WIDTH, 24)).columns


@click.command()
@_IN_MARKDOWN
def routes_command(markdown: bool) -> None:
    """Print which platform call serves which RPC."""
    _print(routes_table(), markdown)


def routes_table() -> Table:
    """Return every RPC with the platform call that serves it."""
    rows = tuple(
        (route.short, platform_call(route), route.call_class.name.lower(), route.right.value, marks(route))
        for route in load_contract().routes.values()
    )
    return Table(("RPC", "Platform call", "Class", "Right", "Signed"), rows, code=2)


def platform_call(route: Route) -> str:
    """Return method, place and envelope of the platform call behind an RPC."""
    place = route.path or route.api.base_url.setting
    envelope = f" {route.envelope.key} {route.envelope.token}" if route.envelope else ""
    return f"{route.verb} {place}{envelope}"


def marks(route: Route) -> str:
    """Return whether a call is signed, and whether it is disabled."""
    return ("signed" if route.signed else "unsigned") + (", disabled" if route.disabled else "")


def rights_table() -> Table:
    """Return every right with the RPCs that need it, a service's name standing for all that it has."""
    services = [service for file in _SERVED for service in file.services_by_name.values()]
    rows = tuple(
        (right.value, ", ".join(f"`{name}`" for service in services for name in _needing(service, right)))
        for right in Right
    )
    return Table(("Right", "Needed for"), rows, code=1)


def _needing(service: ServiceDescriptor, right: Right) -> Iterator[str]:
    methods = [method.name for method in service.methods if right_of(method) is right]
    if len(methods) == len(service.methods):
        yield service.name
    else:
        yield from (f"{service.name}/{method}" for method in methods)


@click.command()
@_IN_MARKDOWN
def errors_command(markdown: bool) -> None:
    """Print why calls fail, and what to do about it."""
    table = errors_table()
    click.echo(table.markdown() if markdown else _paragraphs(table, terminal_width()), nl=False)


def errors_table() -> Table:
    """Return every reason with its status, what happened and what to do."""
    rows = tuple(
        (reason.value, Code.Name(status), advice()[reason].happened, advice()[reason].do)
        for reason, status in STATUS_OF.items()
    )
    return Table(("Reason", "Status", "What happened", "Do"), rows, code=2)


def _paragraphs(errors: Table, width: int) -> str:
    """Return the reasons one below the other: two columns of prose are too wide for a terminal."""
    return "\n".join(
        f"{reason}  {status}\n{_indented(happened, width)}{_indented(f'Do: {do}', width)}"
        for reason, status, happened, do in errors.rows
    )


def _indented(prose: str, width: int) -> str:
    return textwrap.fill(prose, width, initial_indent=_GAP, subsequent_indent=_GAP) + "\n"


@click.command()
@_IN_MARKDOWN
def settings_command(markdown: bool) -> None:
    """Print what can be set."""
    _print(settings_table(), markdown)


def settings_table() -> Table:
    """Return every setting with its default and its meaning."""
    return Table(("Setting", "Default", "Meaning"), tuple(_settings(Settings, "")), code=2)


def _settings(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        suffix, inner = _within(field.annotation)
        if inner is not None:
            yield from _settings(inner, f"{prefix}{name}{suffix}.")
        else:
            yield f"{prefix}{name}{suffix}", _default(field), field.description or ""


def _within(annotation: Any) -> tuple[str, type[BaseModel] | None]:  # noqa: ANN401 - a type
    """Return what stands for the keys of a table or the places of a list, and the model of what is in it, if any."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "", annotation
    arguments = get_args(annotation)
    models = [inner for inner in (_within(argument)[1] for argument in arguments) if inner is not None]
    if get_origin(annotation) is Mapping:
        return ".<number>" if arguments[0] is int else ".<name>", next(iter(models), None)
    return "[]" if models and get_origin(annotation) is tuple else "", next(iter(models), None)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return _REQUIRED
    value = field.default
    if value is None or isinstance(value, Mapping):
        return ""
    return json.dumps(value, default=str)


@click.command()
@_IN_MARKDOWN
def metrics_command(markdown: bool) -> None:
    """Print what can be measured."""
    _print(metrics_table(), markdown)


def metrics_table() -> Table:
    """Return every metric with its kind, its labels and its meaning."""
    rows = tuple((metric.full_name, metric.kind.value, " ".join(metric.labels), metric.meaning) for metric in CATALOGUE)
    return Table(("Metric", "Kind", "Labels", "Meaning"), rows, code=3)


@click.command()
@click.option("-o", "--output", type=click.File("wb"), default="-", help="A file; standard output if absent.")
def descriptor_command(output: BinaryIO) -> None:
    """Write the contract as a binary FileDescriptorSet."""
    output.write(descriptor_set())
