"""What does each command of the README do? One row a command: where it is typed, and what its output looks like.

A row says which command it is for with ``…`` in the place of any words. A command without a row fails a test, and so does a
row without a command.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from gateway.contract import load_contract
from tests.readme.places import OpenPlace, exposed, lost, nowhere, played, playground, set_up

__all__ = ["EXPECTED", "IN_CI", "Elsewhere", "Here", "Served", "expected", "rows"]

Shape = Callable[[str], bool]
"""Tells of an output whether it looks as it should."""


@dataclass(frozen=True, slots=True)
class Here:
    """It is run here, in this place, as it stands or as ``typed`` where the README only mentions it."""

    place: OpenPlace
    shape: Shape
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Served:
    """It is run here, and says where it serves until it is told to end."""

    place: OpenPlace


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """It is not run here; says what runs it, or why nothing does."""

    why: str


def services(output: str) -> bool:
    """Tell whether all services of the contract are there, one a line."""
    return set(load_contract().services) <= set(output.splitlines())


def methods(output: str) -> bool:
    """Tell whether all RPCs of the contract are there, one a line."""
    contract = load_contract()
    expected = {f"{name}/{route.method}" for name in contract.services for route in contract.service(name)}
    return expected <= set(output.splitlines())


def says(*patterns: str) -> Shape:
    """Take what has each of these somewhere."""
    return lambda output: all(re.search(pattern, output, re.MULTILINE) for pattern in patterns)


def answers(*paths: str, **exact: object) -> Shape:
    """Take JSON with something at each of these places, and exactly this at others."""

    def fits(output: str) -> bool:
        document = json.loads(output)
        return all(_at(document, path) for path in paths) and exact.items() <= document.items()

    return fits


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[0][name] if isinstance(document, list) else document.get(name)
        if not document:
            return None
    return document


SHOWN: Final = Elsewhere("the README shows it, too, with what it has to be told")
IN_CI: Final = Elsewhere("CI runs it beside this test")

Expected = Here | Served | Elsewhere
EXPECTED: Final[Mapping[str, Expected]] = {
    "make run": Here(nowhere, says(r"^\.venv/bin/betstack-gateway run$"), typed="make --dry-run run"),
    ".venv/bin/betstack-gateway call": Here(playground, services),
    ".venv/bin/betstack-gateway call CardService/ListSuperbetCards …": Here(
        playground, answers("cards.code", "cards.event.id", "cards.bets.id")
    ),
    ".venv/bin/betstack-gateway call TicketService/CreateTicket …": Here(
        playground, answers("ticket.id", "ticket.code", "ticket.bets.market.name")
    ),
    ".venv/bin/betstack-gateway call … SandboxService/AdvanceTicket …": Here(
        playground, answers(status="resulted", result="won")
    ),
    ".venv/bin/betstack-gateway call PamService/Identify …": Here(playground, answers("player_id", currency="KES")),
    "grpcurl … list": Here(played, services),
    "grpcurl … describe betstack.ticket.v1.TicketService": Here(
        played, says(r"^service TicketService \{$", r"^  rpc CreateTicket \( \S+CreateTicketRequest \) returns")
    ),
    "grpcurl … betstack.card.v1.CardService/GetFinanceDetails": Here(played, answers("total_odds", "gross_payout")),
    "grpcurl … betstack.ticket.v1.TicketService/ListTickets": Here(played, answers("tickets.id", "tickets.code")),
    "grpcurl … betstack.pam.v1.PamService/Identify": Here(played, answers("player_id", "balance", currency="KES")),
    "buf curl … --list-services …": Here(played, services),
    "buf curl … --list-methods …": Here(played, methods),
    "buf curl … http://127.0.0.1:50051/betstack.card.v1.CardService/GetFinanceDetails": Here(
        played, answers("totalOdds", "grossPayout")
    ),
    "buf curl … http://127.0.0.1:50051/betstack.pam.v1.PamService/Identify": Here(
        played, answers("playerId", "balance", currency="KES")
    ),
    "betstack-gateway ledger list …": Here(lost, says(r" NEEDS_HUMAN .* bet-1 ")),
    "betstack-gateway ledger show bet-1": Here(lost, says(r"^state +NEEDS_HUMAN", r"TicketService/CreateTicket")),
    "betstack-gateway ledger resolve bet-1 …": Here(lost, says(r"^state +SUCCEEDED", "seen in the back office")),
    "betstack-gateway serve --config gateway.toml": Served(set_up),
    "betstack-gateway config check --config gateway.toml": Here(
        set_up, says(r'^default_operator = "site"$', r'^operators\.site\.correlate = "rtag"$')
    ),
    "betstack-gateway doctor --config gateway.toml": Here(set_up, says(r"^ok +signing ", r"^ok +site pam_url ")),
    "betstack-gateway call --target gateway.example:50051 … OperationService/ListOperations": Here(exposed, answers()),
    "betstack-gateway call": SHOWN,
    "betstack-gateway config check": SHOWN,
    "betstack-gateway descriptor -o contract.binpb": Here(nowhere, says(r"\A\Z")),
    "buf generate …": Elsewhere("`make clients` does, with all plugins that are to be had"),
    "betstack-gateway pam check": Here(
        set_up,
        says(r"\b0 failed"),
        typed="betstack-gateway pam check --target https://pam.site.example/betstack --secret-file site --operator site "
        "--token demo",
    ),
    "betstack-gateway service-config": Here(nowhere, answers("methodConfig.name.service", "methodConfig.timeout")),
    "betstack-gateway sign --secret-file F < body": Here(nowhere, says("^message ", "^signature ", "^curl ")),
    "betstack-gateway token": Here(nowhere, says(r"^token +betstack_\S+$", r"^hash +sha256:[0-9a-f]{64}$")),
    "betstack-gateway verify": Here(
        nowhere,
        says("^verified$", "^  key +1 of 1"),
        typed="betstack-gateway sign --secret-file F < body | tail -n 1 | betstack-gateway verify --curl --secret-file F",
    ),
    "serve --workers N": Elsewhere("tests/cli/test_workers.py does, with signals"),
    "make bench": IN_CI,
    "make bench QUICK=1": IN_CI,
    "make profile": IN_CI,
    "make chaos": IN_CI,
    "make check": Elsewhere("runs this test"),
    "make clients": IN_CI,
    "make demo": Elsewhere("`make wheel-check` and tests/cli/test_demo.py do"),
    "make generate readme check": Elsewhere("write into the tree; generated-check and readme-check compare"),
    "make help": Here(nowhere, says(r"^  make help ", r"^  make run ")),
    "make reference": Elsewhere("writes into the tree; generated-check compares"),
    "make test": Elsewhere("runs this test"),
}


def expected(command: str) -> Expected | None:
    """Return what is expected of a command; None where it has no row, or several."""
    found = rows(command)
    return EXPECTED[found[0]] if len(found) == 1 else None


def rows(command: str) -> list[str]:
    """Return the rows that fit a command."""
    spelled = re.sub(r"\s+", " ", command.partition(" #")[0].replace("\\\n", " ")).strip()
    return [key for key in EXPECTED if _pattern(key).fullmatch(spelled)]


def _pattern(key: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, key.split("…"))))
