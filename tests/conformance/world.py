"""Against what are requests sent? A gateway and a platform in processes of their own, and what can be known of both."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
from google.protobuf.message import Message

from betstack.card.v1 import card_service_pb2 as card
from betstack.card.v1.card_service_pb2_grpc import CardServiceStub
from betstack.operation.v1 import operation_service_pb2 as operation
from betstack.operation.v1.operation_service_pb2_grpc import OperationServiceStub
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.pam.v1.pam_service_pb2_grpc import PamServiceStub
from betstack.sandbox.v1 import sandbox_service_pb2 as control
from betstack.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from betstack.ticket.v1.ticket_service_pb2_grpc import TicketServiceStub
from tests.cli.program import FREE, FREE_SANDBOX, Program, started
from tests.conformance.contract import Rpc
from tests.conformance.requests import Known, Sent
from tests.conformance.verdict import Answer
from tests.harness import SECRET

__all__ = ["World", "world"]

OPERATORS: Final = {"site": SECRET, "acme": "s3cret-Key"}
RICH: Final = ("demo", "ada-token", "grace-token")
TOKENS: Final = (*RICH * 4, "poor-token", "blocked", "nobody-at-all")
PATIENCE_S: Final = 30
_MUCH: Final = 10**12
_PLACING: Final = {"betstack.ticket.v1.TicketService/CreateTicket", "betstack.ticket.v1.TicketService/ReserveTicket"}
_TAKING: Final = {"betstack.pam.v1.PamService/CreateTicket", "betstack.pam.v1.PamService/ReserveTicket"}


@dataclass(frozen=True, slots=True)
class World:
    """A running gateway and the platform behind it."""

    gateway: grpc.Channel
    sandbox: grpc.Channel
    admin: str
    accounts: Path

    def send(self, rpc: Rpc, sent: Sent) -> Answer:
        """Send a request to the gateway and wait for what comes back."""
        call: Any = self.gateway.unary_unary(rpc.path)
        try:
            body, done = call.with_call(sent.body, timeout=PATIENCE_S, metadata=sent.metadata)
        except grpc.RpcError as error:
            return Answer(None, error)
        return Answer(body, initial=dict(done.initial_metadata()))

    def known(self) -> Known:
        """Return what a client can know: cards and tickets that exist, players, names."""
        cards = self._cards()
        bets = {kind: [_bet(kind, each) for each in shown] for kind, shown in cards.items()}
        placed = list(self._place(bets["Superbet"][0]))
        codes = {kind: [each.code for each in shown] for kind, shown in cards.items()}
        return {
            **{f"betstack.ticket.v1.{kind}": [bet.SerializeToString() for bet in made] for kind, made in bets.items()},
            **{f"Get{kind}CardRequest.code": some for kind, some in codes.items()},
            "PickJackpotBetsRequest.code": codes["Jackpot"],
            "GenerateSmartbetRequest.code": codes["Smartbet"],
            "risk": [risk for each in cards["Smartbet"] for risk in each.risk],
            "operator": ("", *["site"] * 8, "acme"),
            "request_id": ("again-1", "again-2", "open-1", "held-1"),
            "token": TOKENS,
            "player_id": self._players(),
            "currency": (*["KES"] * 9, "EUR"),
            "identifier": [name for each in placed for name in (each.id, each.code)],
            "ticket_id": [f"668ef666333180bba97f0c{number:02x}" for number in range(60)],
            "msisdn": ("260977223120",),
            "odds": (1.8, 2.5, 1.24),
            "skip_types": (1, 2),
            "page_token": ("",),
        }

    def _cards(self) -> dict[str, Any]:
        stub: Any = CardServiceStub(self.gateway)  # type: ignore[no-untyped-call]
        return {
            "Superbet": stub.ListSuperbetCards(card.ListSuperbetCardsRequest()).cards,
            "Jackpot": stub.ListJackpotCards(card.ListJackpotCardsRequest()).cards,
            "Quickbet": stub.ListQuickbetCards(card.ListQuickbetCardsRequest()).cards,
            "Smartbet": stub.ListSmartbetCards(card.ListSmartbetCardsRequest()).cards,
            "Quicktip": stub.ListQuicktipCards(card.ListQuicktipCardsRequest()).cards,
        }

    def _players(self) -> list[str]:
        stub: Any = PamServiceStub(self.gateway)  # type: ignore[no-untyped-call]
        return [stub.Identify(pam.IdentifyRequest(token=token)).player_id for token in RICH]

    def _place(self, bet: Message) -> Iterator[Any]:
        """Place and reserve a bet each."""
        for token in RICH:
            SandboxServiceStub(self.sandbox).FundPlayer(control.FundPlayerRequest(token=token, amount=_MUCH))  # type: ignore[no-untyped-call]
        tickets: Any = TicketServiceStub(self.gateway)  # type: ignore[no-untyped-call]
        common: dict[str, Any] = {"token": "demo", "price": 100, "currency": "KES", "source": 1, "superbet": bet}
        for number in range(10):
            yield tickets.CreateTicket(ticket.CreateTicketRequest(request_id=f"open-{number}", **common)).ticket
            yield tickets.ReserveTicket(ticket.ReserveTicketRequest(request_id=f"held-{number}", **common)).ticket

    def disagreements(self) -> Iterator[str]:
        """Yield where ledger and platform do not agree, and what else is not well."""
        operations = [each for name in OPERATORS for each in self._operations(name)]
        yield from self._unsettled(operations)
        yield from self._tickets(operations)
        yield from self._accounts(operations)
        books = SandboxServiceStub(self.sandbox).GetBooks(control.GetBooksRequest())  # type: ignore[no-untyped-call]
        if books.total:
            yield f"the platform's books do not balance: {books.total}"
        metrics = httpx.get(f"{self.admin}/metrics", timeout=PATIENCE_S).text
        if "betstack_gateway_faults_total 0.0" not in metrics.splitlines():
            yield "the gateway counted an exception that nobody expected"
        ready = httpx.get(f"{self.admin}/readyz", timeout=PATIENCE_S)
        if ready.status_code != 200:
            yield f"the gateway is not ready: {ready.text}"

    def _operations(self, operator: str) -> Iterator[Any]:
        stub: Any = OperationServiceStub(self.gateway)  # type: ignore[no-untyped-call]
        asked = operation.ListOperationsRequest(operator=operator, page_size=200)
        while True:
            page = stub.ListOperations(asked)
            yield from page.operations
            if not page.next_page_token:
                return
            asked.page_token = page.next_page_token

    def _unsettled(self, operations: list[Any]) -> Iterator[str]:
        final = {operation.OPERATION_STATE_SUCCEEDED, operation.OPERATION_STATE_REJECTED}
        final |= {operation.OPERATION_STATE_NOT_SENT, operation.OPERATION_STATE_REVERSED}
        for each in operations:
            if each.state not in final:
                yield f"{each.method} {each.request_id} is {operation.OperationState.Name(each.state)}"

    def _tickets(self, operations: list[Any]) -> Iterator[str]:
        """Yield tickets without an operation that was executed, and such operations without a ticket."""
        executed = [
            _ticket_of(each)
            for each in operations
            if each.method in _PLACING and each.state == operation.OPERATION_STATE_SUCCEEDED
        ]
        listed = SandboxServiceStub(self.sandbox).ListTickets(control.ListTicketsRequest())  # type: ignore[no-untyped-call]
        there = [each.id for page in listed for each in page.tickets]
        if sorted(executed) != sorted(there):
            yield f"tickets: the ledger has {sorted(executed)}, the platform {sorted(there)}"

    def _accounts(self, operations: list[Any]) -> Iterator[str]:
        """Yield the same for the player account system, which has taken money for a ticket or has not."""
        taken = {
            (each.operator, each.ticket_id)
            for each in operations
            if each.method in _TAKING and each.state == operation.OPERATION_STATE_SUCCEEDED
        }
        with closing(sqlite3.connect(f"file:{self.accounts}?mode=ro", uri=True)) as database:
            rows = set(database.execute("SELECT operator, ticket_id FROM account_tickets WHERE player_id IS NOT NULL"))
        if taken != rows:
            yield f"accounts: the ledger has {sorted(taken - rows)} alone, the platform {sorted(rows - taken)}"


def _bet(kind: str, shown: Any) -> Message:
    """Return what a bet on a card would be on."""
    if kind == "Superbet":
        return ticket.Superbet(event=shown.event.id, bets=[bet.id for bet in shown.bets][:2])
    events = [_pick(event) for event in getattr(shown, "events", ())]
    match kind:
        case "Quicktip":
            return ticket.Quicktip(events=events[:2], odds_diff=1)
        case "Quickbet":
            return ticket.Quickbet(events=events, odds_diff=1, betcard_code=shown.code)
        case "Jackpot":
            return ticket.Jackpot(
                events=events, betcard_code=shown.code, prize=shown.prize, bonus_prizes=shown.bonus_prizes
            )
        case _:
            return ticket.Smartbet(betcard_code=shown.code)


def _pick(event: Any) -> ticket.Selection:
    bet = event.bets[0] if event.bets else event.bet
    return ticket.Selection(id=event.id, bet=bet.id, odds=bet.odds)


def _ticket_of(each: Any) -> str:
    for kind in (ticket.CreateTicketResponse, ticket.ReserveTicketResponse):
        response = kind()
        if each.response.Unpack(response):
            return response.ticket.id
    return f"none in {each.request_id}"


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Run both until the block ends."""
    keys = [word for name, key in OPERATORS.items() for word in ("--operator", f"{name}={key}")]
    with started("sandbox", *FREE_SANDBOX, "--data", str(folder / "platform"), *keys, cwd=folder) as platform:
        url, steering = (platform.line(name).split()[1] for name in ("sandbox", "control"))
        config = folder / "gateway.toml"
        config.write_text(_settings(url, folder), encoding="utf-8")
        with started("serve", "--config", str(config), cwd=folder) as program:
            target, admin = (program.line(name).split()[1] for name in ("gateway", "admin"))
            with grpc.insecure_channel(target) as gateway, grpc.insecure_channel(steering) as sandbox:
                yield World(gateway, sandbox, admin, next((folder / "platform").iterdir()))
            _require_order(program)


def _settings(url: str, folder: Path) -> str:
    tables: dict[str, dict[str, Any]] = {
        "server": {"listen": FREE, "connection_age_s": 0, "grace_s": 1},
        "ledger": {"url": f"sqlite:///{folder}/ledger.db"},
        "admin": {"listen": FREE},
        "log": {"level": "error"},
        "codes.be": {"112": "ODDS_CHANGED"},
        "operators.site": {"secret": SECRET, "platform_url": url, "pam_url": f"{url}/pam", "sms_url": f"{url}/sms"},
        "operators.acme": {"secret": OPERATORS["acme"], "platform_url": url},
    }
    lines = ['default_operator = "site"']
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines)


def _require_order(program: Program) -> None:
    """End the gateway; it may not have complained about anything."""
    assert program.end() == 0
    assert not (complaint := program.line()), complaint
