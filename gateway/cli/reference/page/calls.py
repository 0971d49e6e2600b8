"""How is a service shown? Each RPC with what it means, what it takes and gives, and what it looked like."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from google.protobuf.descriptor import Descriptor

from gateway.cli.playground import USUAL
from gateway.cli.reference.examples import Example, Examples
from gateway.cli.reference.facts import Rpc, Service, is_assumed, services
from gateway.cli.reference.page.markup import Child, Html, tag
from gateway.cli.reference.page.parts import chip, code_block, heading, inline, link, prose
from gateway.cli.reference.page.types import fields
from gateway.cli.reference.prose import anchor_of_reason, said
from gateway.cli.reference.wording import places_of_operator, what_comes_back
from gateway.cli.tables import platform_call

__all__ = ["class_chip", "grpcurl", "services_sections"]


def services_sections(examples: Examples) -> list[Html]:
    """Return a section for each service."""
    return [_service(service, examples) for service in services()]


def _service(service: Service, examples: Examples) -> Html:
    name = str(service.descriptor.full_name)
    return tag(
        "section",
        heading(2, name, service.descriptor.name),
        tag("p", tag("code", name), class_="path"),
        prose(said(name)),
        (_rpc(rpc, examples) for rpc in service.rpcs),
        id=name,
        data_find=service.descriptor.name,
        data_kind="service",
    )


def _rpc(rpc: Rpc, examples: Examples) -> Html:
    told = tag(
        "div",
        prose(said(rpc.full_name)),
        _about(rpc),
        _message("Request", rpc.method.input_type, streams=False),
        _message("Response", rpc.method.output_type, streams=rpc.method.server_streaming),
        class_="told",
    )
    return tag(
        "article",
        heading(3, rpc.full_name, tag("span", rpc.method.name, class_="name"), _chips(rpc)),
        tag("div", told, tag("div", _examples(rpc, examples), class_="examples"), class_="beside"),
        id=rpc.full_name,
        class_="rpc",
        data_find=rpc.short,
        data_kind="rpc",
    )


def class_chip(name: str) -> Html:
    """Return the chip of a call class, which leads to what it means."""
    return link("classes", chip(name, name))


def _chips(rpc: Rpc) -> Iterator[Html]:
    route = rpc.route
    if route is not None:
        yield class_chip(route.call_class.name.lower())
        yield chip("signed" if route.signed else "unsigned")
        if route.disabled:
            yield chip("disabled", "disabled")
    if rpc.method.server_streaming:
        yield chip("stream")
    if is_assumed(rpc.full_name):
        yield link("assumed", chip("assumed", "assumed"))


def _about(rpc: Rpc) -> Html:
    facts = [part for name, value in _facts(rpc) for part in (tag("dt", name), tag("dd", value))]
    return tag("dl", facts, class_="facts")


def _facts(rpc: Rpc) -> Iterator[tuple[str, Child]]:
    yield "gRPC path", tag("code", rpc.path)
    if rpc.right:
        yield "Right", link("rights", tag("code", rpc.right))
    route = rpc.route
    if route is None:
        return
    yield "Platform call", tag("code", platform_call(route))
    yield "Operator", inline(places_of_operator(route))
    yield "Answer", inline(what_comes_back(route))
    if route.disabled:
        yield "Enabled by", inline(f'`server.enable = ["{route.short}"]` in the settings')


def _message(title: str, message: Descriptor, *, streams: bool) -> Html:
    what = [title, ", a stream of " if streams else " ", tag("code", message.name)]
    return tag(
        "section",
        heading(4, message.full_name, what),
        prose(said(message.full_name)),
        fields(message),
        id=message.full_name,
        class_="own",
        data_find=message.name,
        data_kind="message",
    )


def _examples(rpc: Rpc, examples: Examples) -> Iterator[Html]:
    calls = examples.calls.get(rpc.short, ())
    yield tag("h4", "Example", class_="unseen")
    if calls:
        yield from _blocks(rpc, calls[0])
    else:
        yield tag("p", "There is no example yet.", class_="quiet")
    if came := examples.webhooks.get(rpc.short):
        yield _folded("The same call, from the platform to your service", rpc, came)
    for example in calls[1:]:
        yield _folded(example.title, rpc, example)


def _folded(title: str, rpc: Rpc, example: Example) -> Html:
    refused = chip(example.reason, "refused") if example.reason else ""
    more: Child = ""
    if example.reason:
        more = tag("p", "What to do: ", link(anchor_of_reason(example.reason), example.reason), class_="quiet")
    return tag("details", tag("summary", title, " ", refused), more, _blocks(rpc, example), class_="example")


def _blocks(rpc: Rpc, example: Example) -> list[Html]:
    first, *rest = example.parts
    return [code_block(first, grpcurl(rpc, example)), *map(code_block, rest)]


def grpcurl(rpc: Rpc, example: Example) -> str:
    """Return the command that makes the same call; nothing where the platform made it."""
    if not example.typed:
        return ""
    target = (USUAL.control or "") if not rpc.right else USUAL.gateway
    command = ["grpcurl", "-plaintext", "-d", example.typed, target, rpc.path.removeprefix("/")]
    return shlex.join(command)
