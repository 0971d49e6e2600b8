"""What stands on the Markdown page, and in which order? The same as on the HTML page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor

from betstack.upstream.v1 import options_pb2
from gateway.callers import Right
from gateway.cli.reference.examples import Example, Examples
from gateway.cli.reference.facts import FILES, METHODS, Rpc, assumed, enums, reasons, services, shared_messages
from gateway.cli.reference.markdown.parts import anchor, cell, code, heading, inline, link, prose, table
from gateway.cli.reference.prose import anchor_of_reason, paragraphs, said
from gateway.cli.reference.told import CONVENTIONS, HOW_MADE, WHAT_IS_ASSUMED
from gateway.cli.reference.wording import (
    WELL_KNOWN,
    label,
    limits,
    oneof_of,
    places_of_operator,
    type_of,
    what_comes_back,
)
from gateway.cli.tables import marks, platform_call, settings_table
from gateway.contract import CallClass
from gateway.contract.annotations import token_of

__all__ = ["markdown"]

_REASON: Final = "betstack.error.v1.ErrorReason"
_OPTIONS: Final = options_pb2.DESCRIPTOR.package


def markdown(examples: Examples) -> str:
    """Return the whole page."""
    return "\n".join(_lines(examples))


def _lines(examples: Examples) -> Iterator[str]:
    yield from heading(1, "BetStack gateway: reference")
    yield (
        f"{len(services())} services with {len(METHODS)} RPCs, their messages, and {len(reasons())} reasons for which calls"
        " fail: made from the contract by `betstack-gateway reference`, with examples from real calls. `reference.html` is"
        " the same with a search."
    )
    yield ""
    yield from _contents()
    yield from _calls()
    yield from _words()
    yield from _conventions()
    for service in services():
        name = str(service.descriptor.full_name)
        yield from heading(2, service.descriptor.name, name)
        yield from prose(said(name))
        for rpc in service.rpcs:
            yield from _rpc(rpc, examples)
    yield from _errors()
    yield from _types()
    yield from _assumptions()


def _contents() -> Iterator[str]:
    yield f"- {link('calls', 'All calls')}"
    words = {"classes": "What a call does to money", "rights": "rights", "conventions": "conventions"}
    yield f"- {', '.join(link(target, text) for target, text in words.items())}"
    for service in services():
        rpcs = ", ".join(link(rpc.full_name, rpc.method.name) for rpc in service.rpcs)
        yield f"- {link(service.descriptor.full_name, service.descriptor.name)}: {rpcs}"
    yield f"- {link(_REASON, 'Errors')}"
    yield f"- {link('types', 'Types')}"
    yield f"- {link('assumed', 'What is assumed')}"
    yield ""


def _calls() -> Iterator[str]:
    yield from heading(2, "All calls", "calls")
    rows = [_call(rpc) for service in services() for rpc in service.rpcs]
    yield from table(("RPC", "Platform call", "Class", "Right", "Signed"), rows)


def _call(rpc: Rpc) -> list[str]:
    route = rpc.route
    name = link(rpc.full_name, f"`{rpc.short}`")
    if route is None:
        return [name, "", "", rpc.right, ""]
    return [name, f"`{platform_call(route)}`", route.call_class.name.lower(), rpc.right, marks(route)]


def _words() -> Iterator[str]:
    yield from heading(2, "What a call does to money", "classes")
    classes = [[each.name.lower(), cell(f"{_OPTIONS}.CallClass.CALL_CLASS_{each.name}")] for each in CallClass]
    yield from table(("Class", "Meaning"), classes)
    yield from heading(2, "Rights", "rights")
    rights = [[f"`{each.value}`", cell(f"{_OPTIONS}.Right.RIGHT_{each.name}")] for each in Right]
    yield from table(("Right", "What it allows"), rights)


def _conventions() -> Iterator[str]:
    yield from heading(2, "Conventions", "conventions")
    for each in paragraphs(CONVENTIONS):
        yield f"- {''.join(prose([each]))}"
    yield ""
    yield from heading(3, "The examples", "examples")
    yield from prose(paragraphs(HOW_MADE))


def _rpc(rpc: Rpc, examples: Examples) -> Iterator[str]:
    yield from heading(3, rpc.short, rpc.full_name)
    yield from prose(said(rpc.full_name))
    for name, value in _facts(rpc):
        yield f"- {name}: {value}"
    yield ""
    yield from _own("Request", rpc.method.input_type)
    yield from _own("A stream of" if rpc.method.server_streaming else "Response", rpc.method.output_type)
    calls = examples.calls.get(rpc.short, ())
    for example in calls[:1]:
        yield from _example(example)
    if came := examples.webhooks.get(rpc.short):
        yield from _folded("The same call, from the platform to your service", came)
    for example in calls[1:]:
        yield from _folded(example.title, example)


def _facts(rpc: Rpc) -> Iterator[tuple[str, str]]:
    yield "gRPC path", f"`{rpc.path}`"
    if rpc.right:
        yield "right", link("rights", f"`{rpc.right}`")
    route = rpc.route
    if route is None:
        return
    yield "class", link("classes", route.call_class.name.lower())
    yield "platform call", f"`{platform_call(route)}`, {marks(route)}"
    yield "operator", inline(places_of_operator(route))
    yield "answer", inline(what_comes_back(route))
    if route.disabled:
        yield "enabled by", f'`server.enable = ["{route.short}"]` in the settings'


def _own(title: str, message: Descriptor) -> Iterator[str]:
    yield f"{anchor(message.full_name)}{title} `{message.name}`{'' if message.fields else ', without fields'}"
    yield ""
    yield from prose(said(message.full_name))
    yield from _fields(message)


def _fields(message: Descriptor) -> Iterator[str]:
    if message.fields:
        yield from table(("Field", "Type", "Limits", "Meaning"), map(_field, message.fields))


def _field(field: FieldDescriptor) -> list[str]:
    name, target = type_of(field)
    kind = link(target, f"`{name}`") if target else f"`{name}`"
    before = f"{label(field)} " if label(field) else ""
    choice = f", one of `{oneof_of(field)}`" if oneof_of(field) else ""
    return [f"`{field.name}`", f"{before}{kind}{choice}", ", ".join(limits(field)), cell(field.full_name)]


def _example(example: Example) -> Iterator[str]:
    for part in example.parts:
        yield from code(part)


def _folded(title: str, example: Example) -> Iterator[str]:
    refused = f" ({example.reason})" if example.reason else ""
    yield f"<details><summary>{title}{refused}</summary>"
    yield ""
    yield from _example(example)
    yield "</details>"
    yield ""


def _errors() -> Iterator[str]:
    yield from heading(2, "Errors", _REASON)
    yield from prose(said(_REASON))
    package = _REASON.rpartition(".")[0]
    for reason in reasons():
        yield from heading(3, f"`{reason.name}`", anchor_of_reason(reason.name))
        yield f"Status `{reason.status}`. {inline(reason.advice.happened, package)}"
        yield ""
        yield f"Do: {inline(reason.advice.do, package)}"
        yield ""


def _types() -> Iterator[str]:
    yield from heading(2, "Types", "types")
    for file in FILES:
        if shared_messages(file) or any(enums(file)):
            yield from heading(3, file.package, file.package)
            yield from prose(said(file.package))
            yield from _package(file)
    yield from heading(3, "google.protobuf", "google.protobuf")
    rows = [[f"{anchor(name)}`{name}`", inline(text)] for name, text in WELL_KNOWN.items()]
    yield from table(("Message", "Meaning"), rows)


def _package(file: FileDescriptor) -> Iterator[str]:
    for message in shared_messages(file):
        yield from heading(4, message.name, message.full_name)
        yield from prose(said(message.full_name))
        yield from _fields(message)
    for enum in enums(file):
        yield from heading(4, enum.name, enum.full_name)
        yield from prose(said(enum.full_name))
        yield from table(("Value", "Number", "The platform says", "Meaning"), _values(enum))
    if file.extensions_by_name:
        yield from heading(4, "Options", f"{file.package}.options")
        yield from table(("Field", "Type", "Limits", "Meaning"), map(_field, file.extensions_by_name.values()))


def _values(enum: EnumDescriptor) -> Iterator[list[str]]:
    for value in enum.values:
        token = f"`{token_of(value)}`" if token_of(value) else ""
        yield [f"`{value.name}`", str(value.number), token, cell(f"{enum.full_name}.{value.name}")]


def _assumptions() -> Iterator[str]:
    yield from heading(2, "What is assumed", "assumed")
    yield from prose(paragraphs(WHAT_IS_ASSUMED))
    for file in FILES:
        for name in assumed(file):
            about = [each for each in said(name) if any("assumed" in span.text.lower() for span in each)]
            yield f"- `{'.'.join(name.split('.')[3:])}`: {' '.join(filter(None, prose(about)))}"
    for setting, _, meaning in settings_table().rows:
        if "(assumed)" in meaning:
            yield f"- the setting `{setting}`: {meaning.removesuffix(' (assumed)')}"
    yield ""
