"""Does it hold whatever happens? Random calls, faults, repeats, hang-ups and restarts, against what the platform knows.

Once a byte of a money call may have left and no definite answer came, the call ends with OUTCOME_UNKNOWN, or with the
caller's own deadline or hang-up. No request id has two tickets. What was a success has one, what was said not to be
executed has none, and the money adds up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import grpc.aio
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.app import gateway
from gateway.failure import Reason
from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.operation import Operation, State
from gateway.ledger.transactions import due_debts
from gateway.sandbox import Exchange, Fault, FaultKind, Opening, Sandbox, SandboxOptions, Status, sandbox
from gateway.sandbox.accounts import State as Account
from gateway.settings import Settings
from tests.harness import SECRET, Client, Refusal, connected, settings_for
from tests.ledger.postgresql import Server
from tests.ledger.rows import die, until
from tests.rpc.bets import account_ticket, placed, player_id, reserved
from tests.rpc.calls import refusal_of

T = TypeVar("T")

PRICE: Final = 100
TIMEOUT_S: Final = 0.15
STATUSES: Final = {f"status {status}": Fault(FaultKind.STATUS, status=status) for status in (429, 502, 503)}
_OTHERS: Final = {FaultKind.STATUS, FaultKind.DUPLICATE_WEBHOOK}
FAULTS: Final = {kind: Fault(kind, seconds=0.5) for kind in FaultKind if kind not in _OTHERS} | STATUSES
TROUBLE: Final = st.one_of(st.none(), st.sampled_from(sorted(FAULTS)))
STYLES: Final = st.sampled_from(["wait", "wait", "wait", "hang up", "hurry"])
GONE: Final = {grpc.StatusCode.CANCELLED, grpc.StatusCode.DEADLINE_EXCEEDED}


BETS: Final = Bundle("bets")
HOLDS: Final = Bundle("holds")
PAYMENTS: Final = Bundle("payments")
ACCOUNTS: Final = Bundle("accounts")
ACTIONS: Final = Bundle("actions")
EVERYTHING: Final = st.one_of(BETS, HOLDS, PAYMENTS, ACCOUNTS, ACTIONS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A money call: what was asked for, and where on the platform it goes."""

    service: str
    rpc: str
    request: Any
    target: str

    @property
    def request_id(self) -> str:
        """The request's id."""
        found: str = self.request.request_id
        return found


class Deaf:
    """A database that hears nothing any more: what a killed process would have written, it does not write."""

    def __init__(self, real: Any) -> None:
        self._real = real

    async def identity(self) -> str:
        """Fail."""
        raise LedgerUnavailable("killed")

    async def run(self, _: Any) -> Any:
        """Fail."""
        raise LedgerUnavailable("killed")

    read = run

    async def close(self) -> None:
        """Close the real one."""
        await self._real.close()


class World:
    """A platform, and one gateway after another on the same ledger."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = AsyncExitStack()
        self._running = AsyncExitStack()
        self.platform: Sandbox
        self.client: Client

    async def begin(self) -> None:
        """Start the platform and the first gateway."""
        options = SandboxOptions(listen="127.0.0.1:0", players=(Opening("demo", 1_000_000),))
        self.platform = await self._stack.enter_async_context(sandbox(options))
        await self._start()

    async def end(self) -> None:
        """Stop everything."""
        await self._running.aclose()
        await self._stack.aclose()

    async def restart(self, *, kill: bool) -> None:
        """End the gateway, as a shutdown or as a kill would, and start another one."""
        if kill:
            ledger = self.client.gateway.ledger
            await die(ledger)
            ledger._database = Deaf(ledger._database)
        await self._running.aclose()
        await self._start()

    async def _start(self) -> None:
        self._running = AsyncExitStack()
        running = await self._running.enter_async_context(gateway(self._settings()))
        self.client = await self._running.enter_async_context(connected(running))

    def _settings(self) -> Settings:
        url = self.platform.url
        site = {"secret": SECRET, "platform_url": url, "pam_url": f"{url}/pam", "correlate": "rtag"}
        return settings_for(
            url,
            ledger={"url": self._url},
            server={"grace_s": 0.6},
            upstream={"timeout_s": TIMEOUT_S, "read_timeout_s": TIMEOUT_S, "min_deadline_ms": 10},
            reconcile={
                "poll_s": 0.02,
                "settle_s": 0.05,
                "repeat_s": [0.05],
                "discard_s": 0.05,
                "first_absence_s": 0.25,
                "between_looks_s": 0.05,
                "clock_tolerance_s": 1,
            },
            operators={"site": site},
        )

    # ------------------------------------------------------------------------------------------------- what is done

    async def make(self, asked: Asked, style: str) -> tuple[Refusal, list[Exchange]]:
        """Make a call in some style; returns its end, and what the platform saw of it meanwhile."""
        before = len(self.platform.journal)
        rpc = getattr(getattr(self.client, asked.service), asked.rpc)
        call = rpc(asked.request, timeout=0.04 if style == "hurry" else None)
        if style == "hang up":
            refusal = await self._hung_up(call, asked)
        else:
            refusal = await refusal_of(call)
        meanwhile = list(self.platform.journal)[before:]
        return refusal, [seen for seen in meanwhile if seen.method == "POST" and seen.target == asked.target]

    async def _hung_up(self, call: Any, asked: Asked) -> Refusal:
        """Hang up once the gateway has taken the call."""

        async def is_taken() -> bool:
            return call.done() or await self.row(asked) is not None

        await until(is_taken)
        call.cancel()
        try:
            return await refusal_of(call)
        except asyncio.CancelledError:
            return Refusal(code=grpc.StatusCode.CANCELLED)

    async def row(self, asked: Asked) -> Operation | None:
        """Return the row of a call."""
        return await self.client.gateway.ledger.find("site", asked.request_id)

    async def settled(self) -> None:
        """Let nothing go wrong any more, and wait until all that can be known is."""
        self.platform.faults.clear()
        ledger = self.client.gateway.ledger

        async def is_settled() -> bool:
            undecided = await ledger.listed("site", [State.RECEIVED, State.SENDING, State.UNKNOWN], 0, None, 1)
            return not undecided and not await ledger.run(lambda: due_debts(float("inf"), 1))

        await until(is_settled)

    # --------------------------------------------------------------------------------------------------- what is true

    def tickets(self, asked: Asked) -> list[Any]:
        """Return the platform's tickets of a bet."""
        return [facts for facts in self.platform.book.facts() if facts.rtag == asked.request_id]

    def moved(self, ticket_id: str, *reasons: str) -> list[int]:
        """Return what the player got and paid for an account ticket."""
        player = player_id(self.platform)
        entries = self.platform.wallet.entries(ticket_id)
        return [entry.amount for entry in entries if entry.account == player and entry.reason in reasons]


class Machine(RuleBasedStateMachine):
    """What may happen; ``url`` makes an empty ledger."""

    def __init__(self, url: Callable[[], str]) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._numbers = count()
        self._asked: dict[str, Asked] = {}
        self._world = World(url())
        self._do(self._world.begin())

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def teardown(self) -> None:
        """Compare what the ledger says in the end with what the platform knows."""
        try:
            self._do(self._world.settled())
            for asked in self._asked.values():
                self._judge(asked, self._do(self._world.row(asked)))
        finally:
            self._do(self._world.end())
            self._runner.close()

    # -------------------------------------------------------------------------------------------------------- rules

    @rule(target=BETS, style=STYLES, trouble=TROUBLE)
    def place(self, style: str, trouble: str | None) -> Asked:
        """Place a bet under a request id of its own."""
        bet = placed(self._world.platform, request_id=self._name("bet"), price=PRICE)
        return self._ask(Asked("tickets", "CreateTicket", bet, "/be/tickets"), style, trouble)

    @rule(target=HOLDS, style=STYLES, trouble=TROUBLE)
    def reserve(self, style: str, trouble: str | None) -> Asked:
        """Reserve a ticket."""
        hold = reserved(self._world.platform, request_id=self._name("hold"), price=PRICE)
        return self._ask(Asked("tickets", "ReserveTicket", hold, "/be/tickets/reserve"), style, trouble)

    @rule(target=PAYMENTS, hold=HOLDS, style=STYLES, trouble=TROUBLE)
    def pay(self, hold: Asked, style: str, trouble: str | None) -> Any:
        """Pay a ticket that was reserved, once."""
        found = self._world.tickets(hold)
        request_id = f"pay-{hold.request_id}"
        if not found or request_id in self._asked:
            return multiple()
        payment = ticket.PayTicketRequest(request_id=request_id, identifier=found[0].id)
        return self._ask(Asked("tickets", "PayTicket", payment, f"/be/tickets/{found[0].id}/paid"), style, trouble)

    @rule(target=ACCOUNTS, rpc=st.sampled_from(["CreateTicket", "ReserveTicket"]), style=STYLES, trouble=TROUBLE)
    def take(self, rpc: str, style: str, trouble: str | None) -> Asked:
        """Take a player's money for a ticket."""
        name = self._name("take")
        given = account_ticket(self._world.platform, request_id=name, ticket_id=name)
        return self._ask(Asked("pam", rpc, getattr(pam, f"{rpc}Request")(**given), "/pam"), style, trouble)

    @rule(
        target=ACTIONS,
        account=ACCOUNTS,
        rpc=st.sampled_from(["WinTicket", "DiscardTicket"]),
        style=STYLES,
        trouble=TROUBLE,
    )
    def act(self, account: Asked, rpc: str, style: str, trouble: str | None) -> Any:
        """Win or discard a ticket of an account, each once."""
        request_id = f"{rpc}-{account.request_id}"
        if request_id in self._asked:
            return multiple()
        request = getattr(pam, f"{rpc}Request")(request_id=request_id, ticket_id=account.request.ticket_id)
        if rpc == "DiscardTicket":
            request.reason = "no longer wanted"
        return self._ask(Asked("pam", rpc, request, "/pam"), style, trouble)

    @rule(asked=EVERYTHING, style=STYLES, trouble=TROUBLE)
    def repeat(self, asked: Asked, style: str, trouble: str | None) -> None:
        """Make a call once more, under its request id."""
        self._ask(asked, style, trouble)

    @rule(asked=EVERYTHING, times=st.integers(2, 4), trouble=TROUBLE)
    def repeat_together(self, asked: Asked, times: int, trouble: str | None) -> None:
        """Make a call several times at once, under its request id."""
        self._trouble(asked, trouble)

        async def together() -> list[tuple[Refusal, list[Exchange]]]:
            return await asyncio.gather(*(self._world.make(asked, "wait") for _ in range(times)))

        for refusal, _ in self._do(together()):
            self._check(asked, refusal, [])

    @rule(trouble=st.sampled_from(sorted(FAULTS)))
    def trouble_the_reconciliation(self, trouble: str) -> None:
        """Let the next look at a ticket or the list go wrong."""
        self._world.platform.faults.add(replace(FAULTS[trouble], path="/be/tickets", method="GET"))

    @rule(kill=st.booleans())
    def restart(self, kill: bool) -> None:
        """End the gateway in the middle of whatever it does, and start another one."""
        self._do(self._world.restart(kill=kill))

    @rule()
    def wait_until_all_is_known(self) -> None:
        """Give the reconciliation the time that it needs."""
        self._do(self._world.settled())

    # ------------------------------------------------------------------------------------------------------- checks

    @invariant()
    def the_money_adds_up(self) -> None:
        """Every movement has two sides."""
        assert self._world.platform.wallet.total() == 0

    @invariant()
    def no_request_id_has_two_tickets(self) -> None:
        """Whatever was repeated by whomever."""
        rtags = [facts.rtag for facts in self._world.platform.book.facts()]
        assert len(rtags) == len(set(rtags)), rtags

    def _name(self, what: str) -> str:
        return f"{what}-{next(self._numbers)}"

    def _trouble(self, asked: Asked, trouble: str | None) -> None:
        """Let the call that follows go wrong, if it gets as far as the platform."""
        # To an account system's action an error body with 200 is a success, and here it would be a lie.
        if trouble is not None and not (asked.service == "pam" and trouble == FaultKind.ERROR_BODY_200):
            self._world.platform.faults.add(replace(FAULTS[trouble], path=asked.target, method="POST"))

    def _ask(self, asked: Asked, style: str, trouble: str | None) -> Asked:
        self._asked[asked.request_id] = asked
        self._trouble(asked, trouble)
        self._check(asked, *self._do(self._world.make(asked, style)))
        return asked

    def _check(self, asked: Asked, refusal: Refusal, seen: list[Exchange]) -> None:
        """Compare what a caller was told with what happened."""
        if refusal.info is None:
            assert refusal.code in GONE | {grpc.StatusCode.OK}, refusal
            if refusal.code is grpc.StatusCode.OK:
                assert not self._may_be_lost(asked, seen), seen
                assert self._was_done(asked), asked
            return
        assert refusal.info.reason != Reason.GATEWAY_FAULT, refusal
        execution = refusal.metadata["execution"]
        if self._may_be_lost(asked, seen):
            assert refusal.info.reason == Reason.OUTCOME_UNKNOWN, (refusal, seen)
        assert (execution == "UNKNOWN") == (refusal.info.reason == Reason.OUTCOME_UNKNOWN), refusal
        if execution == "NOT_EXECUTED":
            assert not self._stands(asked), (refusal, asked)

    def _may_be_lost(self, asked: Asked, seen: list[Exchange]) -> bool:
        """Tell whether a request that only this call can have made had no definite answer."""
        if asked.service != "tickets" or asked.rpc == "PayTicket":
            return False  # the reconciliation makes these, too
        own = [each for each in seen if asked.request_id.encode() in each.body]
        assert len(own) <= 1, own
        return any(each.status is None or each.status >= 500 or each.fault in _GARBLED for each in own)

    def _was_done(self, asked: Asked) -> bool:
        """Tell whether the platform did what was asked for, undone or not."""
        match asked.rpc:
            case "PayTicket":
                return self._world.platform.book.get(asked.request.identifier).status is Status.OPEN
            case "CreateTicket" | "ReserveTicket" if asked.service == "tickets":
                return bool(self._world.tickets(asked))
            case "CreateTicket" | "ReserveTicket":
                return bool(self._world.moved(asked.request.ticket_id, *_TAKING))
            case "WinTicket":
                return bool(self._world.moved(asked.request.ticket_id, "ticket_win"))
            case _:
                account = self._world.platform.accounts.find("site", asked.request.ticket_id)
                return account is not None and account.state is Account.DISCARDED

    def _stands(self, asked: Asked) -> bool:
        """Tell whether what was asked for is done and not undone; a discard may be the gateway's own."""
        if asked.rpc == "DiscardTicket":
            return False
        if asked.service == "pam" and asked.rpc != "WinTicket":
            return sum(self._world.moved(asked.request.ticket_id, *_TAKING, "ticket_discard")) != 0
        return self._was_done(asked)

    def _judge(self, asked: Asked, row: Operation | None) -> None:
        """Compare what the ledger says in the end with what is true."""
        if row is not None and row.state is State.SUCCEEDED:
            assert self._was_done(asked), (row, asked)
        elif row is not None and row.state is State.NEEDS_HUMAN:
            assert asked.service == "pam" or asked.rpc == "PayTicket", row
        else:
            assert not self._stands(asked), (row, asked)
        assert self._moved_once(asked), asked

    def _moved_once(self, asked: Asked) -> bool:
        if asked.service == "tickets":
            return True
        ticket_id = asked.request.ticket_id
        return all(
            len(self._world.moved(ticket_id, *reasons)) <= 1
            for reasons in (_TAKING, ("ticket_win",), ("ticket_discard",))
        )


_TAKING: Final = ("ticket_create", "ticket_reserve")
_GARBLED: Final = {FaultKind.CUT_BODY, FaultKind.HTML}


@contextmanager
def ledgers(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Callable[[], str]]:
    """Yield what makes an empty ledger of a kind."""
    if kind == "sqlite":
        numbers = count()
        yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"
        return
    server: Server = request.getfixturevalue("postgresql")
    with ExitStack() as stack:
        yield lambda: stack.enter_context(server.database())


@pytest.mark.parametrize(("kind", "examples"), [("sqlite", 8), ("postgresql", 4)], ids=["sqlite", "postgresql"])
def test_no_outcome_is_guessed_no_bet_lost_and_none_doubled(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, examples: int
) -> None:
    """Whatever is called, goes wrong, is repeated, given up or restarted: what is said is true, and becomes known."""
    bounds = settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        database=None,
        derandomize=True,  # the same walk every time; the chaos run takes a new one each time
        phases=[Phase.generate],  # a shorter example would take minutes to find
        suppress_health_check=list(HealthCheck),
    )
    with ledgers(request, kind, tmp_path) as url:
        run_state_machine_as_test(lambda: Machine(url), settings=bounds)  # type: ignore[arg-type]
