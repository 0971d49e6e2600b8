"""What is around the sections? The head with style and scripts, the navigation, the search, the switch for the light."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from gateway.cli.reference.examples import Examples
from gateway.cli.reference.facts import FILES, METHODS, enums, reasons, services, shared_messages
from gateway.cli.reference.page.calls import services_sections
from gateway.cli.reference.page.markup import Child, Html, tag, together
from gateway.cli.reference.page.overview import assumptions, errors, overview
from gateway.cli.reference.page.parts import link
from gateway.cli.reference.page.types import types
from gateway.cli.reference.prose import anchor_of_reason

__all__ = ["page"]

_TITLE: Final = "BetStack gateway: reference"
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%232f5fd0'/%3E"
    "%3Cpath d='M4 8h8M9 5l3 3-3 3' stroke='white' stroke-width='1.8' fill='none'/%3E%3C/svg%3E"
)


def page(examples: Examples) -> str:
    """Return the whole page."""
    early, late, style = (_file(name) for name in ("early.js", "script.js", "style.css"))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, early, late)),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", _TITLE),
        tag("link", rel="icon", href=_ICON),
        tag("style", Html(style)),
        tag("script", Html(early)),
    )
    skip = tag("a", "Skip to the content", href="#content", class_="skip")
    layout = tag("div", _navigation(), _main(examples), class_="layout")
    body = tag("body", skip, _header(), layout, tag("script", Html(late)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _file(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _policy(style: str, *scripts: str) -> str:
    """Let the page's own style and scripts work, and nothing else be loaded."""
    allowed = " ".join(map(_digest, scripts))
    return (
        f"default-src 'none'; style-src {_digest(style)}; script-src {allowed}; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _header() -> Html:
    menu = tag("button", "Contents", type="button", id="menu", aria_expanded="false", aria_controls="navigation")
    brand = tag("a", tag("b", "BetStack gateway"), tag("span", " reference"), href="#top", class_="brand")
    light = tag("button", "Light", type="button", id="light", aria_label="Switch between light and dark")
    return tag("header", menu, brand, _search(), light, id="top")


def _search() -> Html:
    box = tag(
        "input",
        type="search",
        id="query",
        placeholder="Search",
        autocomplete="off",
        spellcheck="false",
        role="combobox",
        aria_label="Search the reference",
        aria_controls="found",
        aria_expanded="false",
        aria_autocomplete="list",
        aria_keyshortcuts="/",
    )
    found = tag("div", tag("p", id="count", role="status"), tag("ul", id="found", role="listbox", aria_label="Found"))
    results = tag("div", found, id="results", hidden=True)
    return tag("search", box, tag("kbd", "/", aria_hidden="true"), results, class_="search")


def _main(examples: Examples) -> Html:
    return tag(
        "main",
        tag("h1", "Reference"),
        tag("p", _what_this_is(), class_="lead"),
        overview(),
        services_sections(examples),
        errors(examples),
        types(),
        assumptions(),
        tag("footer", tag("p", "Made from the contract by ", tag("code", "betstack-gateway reference"), ".")),
        id="content",
        tabindex="-1",
    )


def _what_this_is() -> str:
    return (
        f"{len(services())} services with {len(METHODS)} RPCs, their messages, and {len(reasons())} reasons for which calls"
        " fail: made from the contract, with examples from real calls."
    )


def _navigation() -> Html:
    parts = [
        _group("Before you call", _before()),
        *(_group(service.descriptor.name, _rpcs(service.descriptor.full_name), folded=True) for service in services()),
        _group("Errors", _reasons(), folded=True),
        _group("Types", _types(), folded=True),
        _group("Assumptions", [("assumed", "What is assumed")]),
    ]
    return tag("nav", parts, id="navigation", aria_label="Contents")


def _before() -> Iterator[tuple[str, str]]:
    yield "calls", "All calls"
    yield "classes", "Money"
    yield "rights", "Rights"
    yield "conventions", "Conventions"
    yield "examples", "Examples"


def _rpcs(service: str) -> Iterator[tuple[str, str]]:
    yield service, "Overview"
    for each in services():
        if each.descriptor.full_name == service:
            yield from ((rpc.full_name, rpc.method.name) for rpc in each.rpcs)


def _reasons() -> Iterator[tuple[str, str]]:
    yield "betstack.error.v1.ErrorReason", "Overview"
    yield from ((anchor_of_reason(reason.name), reason.name) for reason in reasons())


def _types() -> Iterator[tuple[str, str]]:
    for file in FILES:
        for kind in (*shared_messages(file), *enums(file)):
            yield kind.full_name, kind.name


def _group(title: str, links: Iterator[tuple[str, str]] | list[tuple[str, str]], *, folded: bool = False) -> Html:
    items: Child = tag("ul", (tag("li", link(target, name)) for target, name in links))
    if folded:
        return tag("details", tag("summary", title), items)
    return together(tag("h2", title), items)
