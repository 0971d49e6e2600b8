"""Who may import whom? The floors of the architecture as data, and every module's imports against them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TOP = "the top floor"
FLOORS: list[set[str]] = [
    {"failure", "settings", "callers", "certificates", "keys", "telemetry", "betstack"},
    {"contract"},
    {"wire"},
    {"upstream", "ledger", "http_listener"},
    {"server", "webhooks", "sandbox", "admin"},
    {TOP},
]
"""From the lowest to the highest. A unit imports lower floors and itself; every module that stands in ``gateway/``
itself and is not named here is on the top floor."""

MAY_MEET = [FLOORS[0], FLOORS[-1]]
"""The floors whose units may import each other; neighbours on the others never do."""

PURE = {"contract", "wire"}
NOT_PURE = {
    "grpc",
    "httpx",
    "socket",
    "asyncio",
    "os",
    "sqlite3",
    "pathlib",
    "subprocess",
    "http.client",
    "urllib.request",
    "ssl",
    "threading",
    "io",
    "shutil",
    "tempfile",
}

GRPC = ("grpc", "grpc_health", "grpc_reflection", "grpc_status", "grpc_channelz")
LIMITED: dict[str, tuple[str, ...]] = {
    "httpx": ("gateway.upstream", "gateway.sandbox", "gateway.cli"),
    "grpc": (
        "gateway.server",
        "gateway.webhooks.dispatch",
        "gateway.sandbox.control",
        "gateway.sandbox.wallet",
        "gateway.sandbox.wallet_service",
        "gateway.cli",
    ),
    "uvicorn": ("gateway.http_listener", "gateway.sandbox"),
    "prometheus_client": ("gateway.telemetry.metrics",),
    "opentelemetry": ("gateway.telemetry.spans",),
    "structlog": ("gateway.cli.log",),
}
"""Libraries that only these modules, and what is below them, import."""

SANDBOX_IMPORTS = ("gateway.sandbox", "gateway.wire.signing")
SANDBOX_SPEAKS_GRPC = ("gateway.sandbox.control", "gateway.sandbox.wallet_service")


def _within(name: str, places: tuple[str, ...] | set[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def _library(imported: str) -> str:
    """Say which library an import brings in: what is generated for gRPC brings gRPC."""
    first = imported.partition(".")[0]
    return "grpc" if first in GRPC or "_pb2_grpc" in imported else first


def _unit(name: str) -> str:
    """Say which unit of a floor a module belongs to: a folder or module of the gateway, or the generated code."""
    first, _, rest = name.partition(".")
    if first != "gateway":
        return first
    unit = rest.partition(".")[0]
    return unit if any(unit in floor for floor in FLOORS) else TOP


def _floor(unit: str) -> int:
    return next(index for index, floor in enumerate(FLOORS) if unit in floor)


def _imports(module: str, source: str, *, is_package: bool) -> Iterator[str]:
    """Yield what a module imports, wherever in it: full names, of what is imported from a module too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = module.split(".")
            if node.level:
                parents = parents[: len(parents) - node.level + is_package]
                origin = ".".join([*parents, node.module] if node.module else parents)
            else:
                origin = node.module or ""
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _modules() -> dict[str, str]:
    """Return the source of every module of the gateway, by name; a package has the name of its folder plus a dot."""
    sources = {}
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        sources[name.removesuffix("__init__")] = path.read_text("utf-8")
    return sources


def _breaches(sources: Mapping[str, str]) -> list[str]:
    """Return every import that breaks the floors, one line each."""
    found = []
    for key, source in sources.items():
        module = key.removesuffix(".")
        for imported in _imports(module, source, is_package=key.endswith(".")):
            found += [f"{module} imports {imported}: {why}" for why in _reasons(module, imported)]
    return found


def _reasons(module: str, imported: str) -> Iterator[str]:
    unit = _unit(module)
    if _within(imported, ("gateway", "betstack")):
        yield from _between_floors(unit, _unit(imported))
    if unit in PURE and (_within(imported, NOT_PURE) or _library(imported) in NOT_PURE):
        yield "this floor is pure"
    for library, places in LIMITED.items():
        if _library(imported) == library and not _within(module, places):
            yield f"{library} is for others"
    if unit == "sandbox" and _within(imported, ("gateway",)) and not _within(imported, SANDBOX_IMPORTS):
        yield "the sandbox reads the platform for itself"
    if unit == "sandbox" and _within(imported, ("betstack",)) and not _within(module, SANDBOX_SPEAKS_GRPC):
        yield "the sandbox reads the platform for itself"


def _between_floors(unit: str, imported: str) -> Iterator[str]:
    here, there = _floor(unit), _floor(imported)
    if here < there:
        yield "that is a higher floor"
    elif here == there and unit != imported and FLOORS[here] not in MAY_MEET:
        yield "neighbours never meet"


def test_no_module_breaks_the_floors() -> None:
    """Every import of the gateway goes down, stays in its own folder, and knows only the libraries it may know."""
    assert _breaches(_modules()) == []


def test_the_floors_that_exist_are_looked_at() -> None:
    """The modules of the two pure floors are among those that are checked."""
    assert {"gateway.failure", "gateway.contract.routes", "gateway.wire.codec", "gateway.wire."} <= set(_modules())


GOOD = {
    "gateway.app": "import gateway.cli\nfrom gateway import settings\nfrom gateway.server import adapter\nimport asyncio",
    "gateway.cli": "import grpc, httpx\nfrom gateway.app import gateway",
    "gateway.server.": "from gateway.server.steps import Step\nfrom . import steps",
    "gateway.server.steps": "import grpc.aio\nfrom ..upstream.platform import Platform\nfrom gateway.ledger import store",
    "gateway.upstream.transport": "import httpx\nfrom gateway.wire import binding\nfrom .. import failure",
    "gateway.wire.codec": "from gateway.contract.shapes import Shape\nfrom urllib.parse import quote\nimport json",
    "gateway.contract.routes": "from betstack.pam.v1 import pam_service_pb2\nfrom .shapes import Shape",
    "gateway.settings": "import os\nfrom gateway.failure import Reason",
    "gateway.sandbox.signatures": "from gateway.wire import signing\nfrom gateway.wire.signing import verify",
    "gateway.sandbox.control": "import grpc\nfrom betstack.sandbox.v1 import sandbox_service_pb2",
    "gateway.webhooks.dispatch": "from grpc import aio",
    "gateway.admin.pages": "from gateway.ledger.ledger import Ledger\nfrom gateway.telemetry.metrics import Metrics",
    "gateway.insight": "from gateway.http_listener import listening",
}

BAD = [
    ("gateway.wire.codec", "from gateway.server import steps", "that is a higher floor"),
    ("gateway.wire.codec", "def later():\n    import gateway.upstream.platform", "that is a higher floor"),
    ("gateway.wire.codec", "from ..app import gateway", "that is a higher floor"),
    ("gateway.wire.", "from ..upstream import platform", "that is a higher floor"),
    ("gateway.contract.routes", "from gateway.wire.codec import encoder", "that is a higher floor"),
    ("gateway.failure", "from gateway import contract", "that is a higher floor"),
    ("gateway.settings", "import gateway.readme", "that is a higher floor"),
    ("gateway.upstream.platform", "from gateway.cli import main", "that is a higher floor"),
    ("gateway.upstream.platform", "from gateway.ledger.store import Store", "neighbours never meet"),
    ("gateway.ledger.store", "from gateway.upstream import platform", "neighbours never meet"),
    ("gateway.server.steps", "from gateway.webhooks import receiver", "neighbours never meet"),
    ("gateway.webhooks.receiver", "import gateway.sandbox", "neighbours never meet"),
    ("gateway.wire.codec", "import grpc", "this floor is pure"),
    ("gateway.wire.codec", "from grpc_status import rpc_status", "this floor is pure"),
    ("gateway.wire.codec", "from betstack.pam.v1 import pam_service_pb2_grpc", "this floor is pure"),
    ("gateway.wire.codec", "import httpx", "this floor is pure"),
    ("gateway.wire.codec", "import asyncio", "this floor is pure"),
    ("gateway.wire.codec", "import os.path", "this floor is pure"),
    ("gateway.wire.codec", "from pathlib import Path", "this floor is pure"),
    ("gateway.wire.codec", "from http import client", "this floor is pure"),
    ("gateway.wire.codec", "from urllib.request import urlopen", "this floor is pure"),
    ("gateway.contract.routes", "import socket", "this floor is pure"),
    ("gateway.contract.routes", "import sqlite3", "this floor is pure"),
    ("gateway.contract.routes", "import subprocess", "this floor is pure"),
    ("gateway.server.steps", "import httpx", "httpx is for others"),
    ("gateway.app", "import httpx", "httpx is for others"),
    ("gateway.upstream.platform", "import grpc", "grpc is for others"),
    ("gateway.upstream.platform", "from betstack.pam.v1.pam_service_pb2_grpc import Stub", "grpc is for others"),
    ("gateway.webhooks.receiver", "from grpc import aio", "grpc is for others"),
    ("gateway.app", "import grpc.aio", "grpc is for others"),
    ("gateway.admin.pages", "from gateway.server.drain import OpenCalls", "neighbours never meet"),
    ("gateway.telemetry.telemetry", "from gateway.ledger.tally import Tally", "that is a higher floor"),
    ("gateway.admin.pages", "import prometheus_client", "prometheus_client is for others"),
    ("gateway.telemetry.record", "from opentelemetry import trace", "opentelemetry is for others"),
    ("gateway.sandbox.book", "from gateway.failure import Failure", "the sandbox reads the platform for itself"),
    ("gateway.sandbox.book", "from gateway.wire import codec", "the sandbox reads the platform for itself"),
    ("gateway.sandbox.book", "import gateway.wire", "the sandbox reads the platform for itself"),
    (
        "gateway.sandbox.book",
        "from betstack.pam.v1 import pam_service_pb2",
        "the sandbox reads the platform for itself",
    ),
]


def test_what_the_architecture_allows_passes() -> None:
    """Imports that go down, stay in their folder or use a library in its place are no breach."""
    assert _breaches(GOOD) == []


@pytest.mark.parametrize(("module", "source", "why"), BAD, ids=[f"{case[0]}: {case[1]}" for case in BAD])
def test_what_it_forbids_is_found(module: str, source: str, why: str) -> None:
    """An import that breaks the floors is found, and named with the rule that it breaks."""
    breaches = _breaches({module: source})

    assert [breach.partition(": ")[2] for breach in breaches].count(why) == 1
