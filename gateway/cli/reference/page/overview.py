"""What should a reader know before the first call? All calls at a glance, what the words mean, and what is assumed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from google.protobuf.descriptor import FileDescriptor

from betstack.upstream.v1 import options_pb2
from gateway.callers import Right
from gateway.cli.reference.examples import Example, Examples
from gateway.cli.reference.facts import FILES, Reason, Rpc, assumed, reasons, services
from gateway.cli.reference.page.calls import class_chip
from gateway.cli.reference.page.markup import Child, Html, tag
from gateway.cli.reference.page.parts import chip, heading, inline, link, prose, table
from gateway.cli.reference.prose import anchor_of_reason, paragraphs, said
from gateway.cli.reference.told import CONVENTIONS, HOW_MADE, WHAT_IS_ASSUMED
from gateway.cli.tables import marks, platform_call, settings_table
from gateway.contract import CallClass

__all__ = ["assumptions", "errors", "overview"]

_REASON: Final = "betstack.error.v1.ErrorReason"


def overview() -> list[Html]:
    """Return the sections before the services."""
    return [_calls(), _classes(), _rights(), _conventions()]


def _calls() -> Html:
    head = ("RPC", "Platform call", "Class", "Right", "Signed")
    groups = [(link(each.descriptor.full_name, each.descriptor.name), map(_call, each.rpcs)) for each in services()]
    return tag(
        "section",
        heading(2, "calls", "All calls"),
        tag("p", inline("Calls without a platform call are answered by the gateway itself, or by the sandbox.")),
        table("All calls", head, groups),
        id="calls",
    )


def _call(rpc: Rpc) -> list[Child]:
    route = rpc.route
    name = link(rpc.full_name, tag("code", rpc.method.name))
    if route is None:
        return [name, "", "", rpc.right, ""]
    return [name, tag("code", platform_call(route)), class_chip(route.call_class.name.lower()), rpc.right, marks(route)]


def _classes() -> Html:
    prefix = f"{options_pb2.CallClass.DESCRIPTOR.full_name}.CALL_CLASS_"
    rows = [[class_chip(each.name.lower()), prose(said(f"{prefix}{each.name}"))] for each in CallClass]
    return tag(
        "section",
        heading(2, "classes", "What a call does to money"),
        table("Call classes", ("Class", "Meaning"), [("", rows)]),
        id="classes",
        data_find="Call classes",
        data_kind="section",
    )


def _rights() -> Html:
    prefix = f"{options_pb2.Right.DESCRIPTOR.full_name}.RIGHT_"
    rows = [[tag("code", each.value), prose(said(f"{prefix}{each.name}"))] for each in Right]
    return tag(
        "section",
        heading(2, "rights", "Rights"),
        table("Rights", ("Right", "What it allows"), [("", rows)]),
        id="rights",
        data_find="Rights",
        data_kind="section",
    )


def _conventions() -> Html:
    return tag(
        "section",
        heading(2, "conventions", "Conventions"),
        tag("ul", (tag("li", prose([each])) for each in paragraphs(CONVENTIONS))),
        tag("section", heading(3, "examples", "The examples"), prose(paragraphs(HOW_MADE)), id="examples"),
        id="conventions",
        data_find="Conventions",
        data_kind="section",
    )


def assumptions() -> Html:
    """Return the list of everything that is assumed."""
    return tag(
        "section",
        heading(2, "assumed", "What is assumed"),
        prose(paragraphs(WHAT_IS_ASSUMED)),
        [_assumed_in(file) for file in FILES],
        heading(3, "assumed.settings", "Settings"),
        tag("ul", _assumed_settings(), class_="assumptions", id="assumed.settings"),
        id="assumed",
        data_find="What is assumed",
        data_kind="section",
    )


def _assumed_in(file: FileDescriptor) -> Child:
    items = [_assumption(name) for name in assumed(file)]
    anchor = f"assumed.{file.package}"
    return [heading(3, anchor, file.package), tag("ul", items, class_="assumptions", id=anchor)] if items else ""


def _assumption(full_name: str) -> Html:
    about = (each for each in said(full_name) if any("assumed" in span.text.lower() for span in each))
    return tag("li", link(full_name, tag("code", ".".join(full_name.split(".")[3:]))), prose(about))


def _assumed_settings() -> Iterator[Html]:
    for name, _, meaning in settings_table().rows:
        if "(assumed)" in meaning:
            yield tag(
                "li", tag("code", name), tag("p", chip("assumed", "assumed"), f" {meaning.removesuffix(' (assumed)')}")
            )


def errors(examples: Examples) -> Html:
    """Return all reasons for which calls fail."""
    return tag(
        "section",
        heading(2, _REASON, "Errors"),
        prose(said(_REASON)),
        (_reason(reason, list(examples.refused(reason.name))) for reason in reasons()),
        id=_REASON,
        data_find="ErrorReason",
        data_kind="enum",
    )


def _reason(reason: Reason, seen: list[Example]) -> Html:
    anchor = anchor_of_reason(reason.name)
    happened = inline(reason.advice.happened, _REASON.rpartition(".")[0])
    do = inline(reason.advice.do, _REASON.rpartition(".")[0])
    return tag(
        "article",
        heading(3, anchor, tag("code", reason.name, class_="name"), chip(reason.status)),
        tag("p", happened),
        tag("p", tag("b", "Do: "), do),
        [_seen(example) for example in seen],
        id=anchor,
        class_="reason",
        data_find=reason.name,
        data_kind="reason",
    )


def _seen(example: Example) -> Html:
    rpc = next(rpc for service in services() for rpc in service.rpcs if rpc.short == example.rpc)
    return tag("p", "Seen at ", link(rpc.full_name, tag("code", rpc.short)), f": {example.title}.", class_="quiet")
