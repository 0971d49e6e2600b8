"""How is a message or an enum shown? Its fields or values with all that is said of them, and who uses it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from google.protobuf.descriptor import Descriptor, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor

from gateway.cli.reference.facts import FILES, enums, is_assumed, shared_messages, used_by
from gateway.cli.reference.page.markup import Child, Html, tag
from gateway.cli.reference.page.parts import chip, heading, inline, link, prose
from gateway.cli.reference.prose import said
from gateway.cli.reference.wording import WELL_KNOWN, label, limits, oneof_of, type_of
from gateway.contract.annotations import token_of

__all__ = ["fields", "types"]


def types() -> Html:
    """Return the section of all types that are no RPC's own."""
    packages = [_package(file) for file in FILES if shared_messages(file) or any(enums(file))]
    return tag("section", heading(2, "types", "Types"), packages, _well_known(), id="types")


def _package(file: FileDescriptor) -> Html:
    kinds = [*map(_message, shared_messages(file)), *map(_enum, enums(file)), *_extensions(file)]
    return tag("section", heading(3, file.package, file.package), prose(said(file.package)), kinds, id=file.package)


def _message(message: Descriptor) -> Html:
    return tag(
        "article",
        _title(message.full_name, message.name, "message"),
        prose(said(message.full_name)),
        fields(message),
        _users(message.full_name),
        id=message.full_name,
        class_="type",
        data_find=message.name,
        data_kind="message",
    )


def _title(full_name: str, name: str, kind: str) -> Html:
    marks = [chip("assumed", "assumed")] if is_assumed(full_name) else []
    return heading(4, full_name, tag("span", name, class_="name"), chip(kind), marks)


def fields(message: Descriptor) -> Html:
    """Return the fields of a message, those of a oneof under its name."""
    if not message.fields:
        return tag("p", "No fields.", class_="quiet")
    return tag("div", _groups(message), class_="rows")


def _groups(message: Descriptor) -> Iterator[Html]:
    for oneof, members in groupby(message.fields, key=oneof_of):
        rows = [_field(field) for field in members]
        if not oneof:
            yield from rows
            continue
        about = said(f"{message.full_name}.{oneof}")
        title = tag("div", tag("span", "one of ", tag("code", oneof)), prose(about), class_="oneof")
        yield tag("div", title, rows, class_="choice")


def _field(field: FieldDescriptor) -> Html:
    marks = [chip(each, "personal" if each == "personal data" else "limit") for each in limits(field)]
    head: list[Child] = [
        link(field.full_name, tag("code", field.name), class_="name"),
        tag("span", _type(field), class_="kind"),
        tag("span", f"= {field.number}", class_="number"),
    ]
    return _row(str(field.full_name), field.name, "field", head, marks)


def _type(field: FieldDescriptor) -> Child:
    name, target = type_of(field)
    before = f"{label(field)} " if label(field) else ""
    return [before, link(target, name) if target else name]


def _row(full_name: str, name: str, kind: str, head: list[Child], marks: list[Html]) -> Html:
    """Return one field or value: its name on one side, what is said of it on the other."""
    where = ".".join(full_name.split(".")[-2:]) if kind == "field" else name
    chips = tag("div", marks, class_="chips") if marks else ""
    return tag(
        "div",
        tag("div", head, class_="what"),
        tag("div", chips, prose(said(full_name)), class_="says"),
        id=full_name,
        class_="row",
        data_find=where,
        data_kind=kind,
    )


def _enum(enum: EnumDescriptor) -> Html:
    return tag(
        "article",
        _title(enum.full_name, enum.name, "enum"),
        prose(said(enum.full_name)),
        tag("div", (_value(enum, value) for value in enum.values), class_="rows"),
        _users(enum.full_name),
        id=enum.full_name,
        class_="type",
        data_find=enum.name,
        data_kind="enum",
    )


def _value(enum: EnumDescriptor, value: EnumValueDescriptor) -> Html:
    full_name = f"{enum.full_name}.{value.name}"
    token = token_of(value)
    spelled: Child = [tag("span", "the platform says ", tag("code", token), class_="kind")] if token else ""
    head: list[Child] = [
        link(full_name, tag("code", value.name), class_="name"),
        spelled,
        tag("span", f"= {value.number}", class_="number"),
    ]
    return _row(full_name, value.name, "value", head, [])


def _extensions(file: FileDescriptor) -> Iterator[Html]:
    """Yield the options that a file declares."""
    options = list(file.extensions_by_name.values())
    if not options:
        return
    anchor = f"{file.package}.options"
    title = heading(4, anchor, tag("span", "Options", class_="name"), chip("extensions"))
    yield tag("article", title, tag("div", map(_option, options), class_="rows"), id=anchor, class_="type")


def _option(option: FieldDescriptor) -> Html:
    extends = option.containing_type.full_name if option.containing_type else ""
    head: list[Child] = [
        link(option.full_name, tag("code", option.name), class_="name"),
        tag("span", _type(option), " of ", extends.removeprefix("google.protobuf."), class_="kind"),
        tag("span", f"= {option.number}", class_="number"),
    ]
    return _row(str(option.full_name), option.name, "option", head, [])


def _users(full_name: str) -> Child:
    """Return the fields that hold this type."""
    holders = used_by().get(full_name, ())
    if not holders:
        return ""
    links = [link(each.full_name, tag("code", ".".join(each.full_name.split(".")[-2:]))) for each in holders]
    return tag("p", "Used by ", (part for each in links for part in (each, " ")), class_="users")


def _well_known() -> Html:
    rows = [
        tag(
            "div",
            tag("div", link(name, tag("code", name), class_="name"), class_="what"),
            tag("div", tag("p", inline(text)), class_="says"),
            id=name,
            class_="row",
            data_find=name,
            data_kind="message",
        )
        for name, text in WELL_KNOWN.items()
    ]
    title = heading(3, "google.protobuf", "google.protobuf")
    about = tag("p", "Messages that come with protobuf in every language.")
    return tag("section", title, about, tag("div", rows, class_="rows"), id="google.protobuf")
