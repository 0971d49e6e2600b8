"""Is no money call executed twice, none lost, and no outcome guessed? Through the whole road."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import grpc.aio
import pytest
from google.rpc import error_details_pb2

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import Operation, State
from gateway.ledger.transactions import Ending, find_debt
from gateway.sandbox import Fault, FaultKind, Sandbox, Status
from gateway.sandbox.accounts import State as Account
from gateway.settings import Settings
from gateway.upstream.breaker import Breaker, Outcome
from gateway.wire.attempt import Stage
from tests.cli.program import environment
from tests.harness import (
    SECRET,
    Answer,
    Client,
    Refusal,
    client_of,
    connected,
    hang_up,
    http_answer,
    refused,
    say_nothing,
    scripted,
    settings_for,
    standing,
)
from tests.ledger.rows import begun, state, until, until_state
from tests.ledger.trouble import Troubled
from tests.rpc.bets import TICKET_ID, account_ticket, balance, placed, reserved, taken
from tests.rpc.calls import (
    CREATE,
    GET_TICKET,
    HOLD,
    LIST_CARDS,
    PAY,
    RESERVE,
    TAKE,
    WIN,
    Gate,
    To,
    closed_port,
    error_body,
    facing,
    leaving_is_told,
    name_of,
    refusal_of,
)

FULL: Final = 1_000_00
TICKET: Final = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD"}'
DONE: Final = http_answer(200, TICKET)
MONEY: Final = (CREATE, RESERVE, PAY, TAKE, HOLD, WIN)

QUICKLY: Final[dict[str, Any]] = {
    "poll_s": 0.02,
    "settle_s": 0.05,
    "repeat_s": [0.05, 0.1],
    "discard_s": 0.1,
    "first_absence_s": 0.6,
    "between_looks_s": 0.1,
    "clock_tolerance_s": 1,
}
"""Paces at which the reconciliation works in these tests."""


def settings(url: str, ledger: str, **overrides: Any) -> Settings:
    """Return settings of a gateway on this ledger; no pace is changed, so nothing is reconciled."""
    return settings_for(url, **{"ledger": {"url": ledger}, **overrides})


def reconciling(url: str, ledger: str, *, correlate: str | None = "rtag", **reconcile: Any) -> Settings:
    """Return settings of a gateway that soon finds out what it does not know."""
    site = {"secret": SECRET, "platform_url": url, "pam_url": f"{url}/pam", "correlate": correlate}
    return settings(
        url, ledger, upstream={"timeout_s": 0.5}, reconcile={**QUICKLY, **reconcile}, operators={"site": site}
    )


@pytest.fixture
async def money(platform: Sandbox, ledger_url: str) -> AsyncIterator[Client]:
    """Return a client of a gateway in front of the sandbox, on a ledger of each kind."""
    async with client_of(settings(platform.url, ledger_url)) as client:
        yield client


@pytest.fixture
async def finding(platform: Sandbox, ledger_url: str) -> AsyncIterator[Client]:
    """Return a client of a gateway that finds out what it does not know."""
    async with client_of(reconciling(platform.url, ledger_url)) as client:
        yield client


def again(to: To, request: Any) -> Callable[[Client], Any]:
    """Return the same call once more."""
    return lambda client: getattr(getattr(client, to.service), to.rpc)(request)


def ledger_of(client: Client) -> Ledger:
    """Return the ledger of the gateway behind a client."""
    return client.gateway.ledger


async def known(client: Client, request: Any) -> Operation:
    """Return the row of a request."""
    found = await ledger_of(client).find("site", request.request_id)
    assert found is not None
    return found


async def answered(call: Any) -> tuple[Any, dict[str, Any]]:
    """Return the response of a call, and its initial metadata."""
    response = await call
    return response, dict(await call.initial_metadata())


def sent(platform: Sandbox, target: str) -> int:
    """Return how many requests came to a path."""
    return len([seen for seen in platform.journal if seen.target == target])


# =============================================================================================== same id, same answer


async def test_a_bet_that_was_placed_is_placed_once(platform: Sandbox, money: Client) -> None:
    """A repeat gets the same ticket, told to be an answer from before; the platform hears nothing of it."""
    bet = placed(platform)
    first, told_first = await answered(money.tickets.CreateTicket(bet))

    for _ in range(3):
        repeat, told = await answered(money.tickets.CreateTicket(bet))
        assert repeat == first
        assert told["idempotent-replay"] == "true"

    assert "idempotent-replay" not in told_first
    assert sent(platform, "/be/tickets") == 1
    assert balance(platform) == FULL - bet.price


async def test_every_money_call_is_made_once(ledger_url: str) -> None:
    """The same goes for reservations, payments and the account's actions."""
    async with facing(DONE, ledger={"url": ledger_url}) as (client, platform):
        for to in MONEY:
            platform.requests.clear()
            request: Any = to.made()
            first, _ = await answered(again(to, request)(client))
            repeat, told = await answered(again(to, request)(client))
            assert (repeat, told["idempotent-replay"]) == (first, "true"), name_of(to)
            assert len(platform.requests) == 1, name_of(to)


async def test_a_refusal_with_a_code_is_final(platform: Sandbox, money: Client) -> None:
    """A repeat is refused alike, told to be an answer from before; the platform is not asked again."""
    bet = placed(platform, token="nobody")
    payment = ticket.PayTicketRequest(request_id="pay-1", identifier="nothing")
    cases = [
        (money.tickets.CreateTicket, bet, Reason.PLAYER_NOT_FOUND, "101"),
        (money.tickets.PayTicket, payment, Reason.TICKET_NOT_FOUND, "102"),
    ]
    for rpc, request, reason, code in cases:
        platform.journal.clear()
        with refused(reason, platform_code=code, execution="NOT_EXECUTED") as first:
            await rpc(request)
        with refused(reason, platform_code=code, execution="NOT_EXECUTED") as repeat:
            await rpc(request)
        assert repeat.status == first.status
        assert "idempotent-replay" not in first.initial
        assert repeat.initial["idempotent-replay"] == "true"
        assert len(platform.journal) == 1


@pytest.mark.parametrize("gateways", [1, 2])
async def test_calls_of_one_id_that_come_together_are_one(ledger_url: str, gateways: int) -> None:
    """At one gateway or at two on one ledger: the first is sent, and the others end as it ends."""
    gate = Gate(DONE)
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(scripted(gate))
        clients = [
            await stack.enter_async_context(client_of(settings(platform.url, ledger_url))) for _ in range(gateways)
        ]
        request = CREATE.made()
        calls = [again(CREATE, request)(client) for client in clients * 3]
        waits = asyncio.gather(*calls)
        await gate.asked.wait()
        await asyncio.wait({waits}, timeout=0.05)
        gate.open.set()

        responses = await waits

        assert len({response.SerializeToString() for response in responses}) == 1
        told = [dict(await call.initial_metadata()) for call in calls]
        assert sorted("idempotent-replay" in metadata for metadata in told) == [False] + [True] * (len(calls) - 1)
        assert len(platform.requests) == 1


async def test_one_request_id_is_one_intent(platform: Sandbox, money: Client) -> None:
    """Another payload, or another RPC, under a known id is refused and not sent."""
    bet = placed(platform)
    await money.tickets.CreateTicket(bet)
    for rpc, request in (
        (money.tickets.CreateTicket, placed(platform, request_id=bet.request_id, price=100)),
        (money.tickets.ReserveTicket, reserved(platform, request_id=bet.request_id)),
        (money.tickets.PayTicket, ticket.PayTicketRequest(request_id=bet.request_id, identifier="AB12CD")),
        (money.pam.CreateTicket, taken(platform, request_id=bet.request_id)),
    ):
        with refused(Reason.REQUEST_ID_REUSED, execution="NOT_EXECUTED") as refusal:
            await rpc(request)
        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT

    assert len(platform.journal) == 1


async def test_the_default_operator_is_the_same_by_its_name(platform: Sandbox, money: Client) -> None:
    """Whether a caller names the default operator makes no other intent of it."""
    bet = placed(platform)
    first = await money.tickets.CreateTicket(bet)
    bet.operator = "site"

    assert await money.tickets.CreateTicket(bet) == first
    assert sent(platform, "/be/tickets") == 1


async def test_an_unknown_outcome_stays_unknown(ledger_url: str) -> None:
    """A repeat never sends again, whether the outcome is still looked for or waits for a person."""
    async with facing(http_answer(500), ledger={"url": ledger_url}) as (client, platform):
        for number, to in enumerate(MONEY, start=1):
            request: Any = to.made()
            for _ in range(2):
                await assert_unknown(client, to, request)
            ending = Ending(State.NEEDS_HUMAN, Stage.ANSWERED)
            await ledger_of(client).decide(await known(client, request), ending)
            await assert_unknown(client, to, request)
            assert len(platform.requests) == number, name_of(to)


async def assert_unknown(client: Client, to: To, request: Any) -> None:
    """Check what a caller hears of an unknown outcome."""
    with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN") as refusal:
        await again(to, request)(client)
    assert refusal.code is grpc.StatusCode.UNKNOWN, name_of(to)
    assert refusal.trailers["grpc-retry-pushback-ms"] == "-1"
    assert "idempotent-replay" not in refusal.initial


async def test_what_was_undone_is_undone_for_its_id(platform: Sandbox, money: Client) -> None:
    """A take that was discarded is OPERATION_REVERSED, not executed, and not sent again."""
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, action="ticket_create"))
    take = taken(platform)
    with refused(Reason.OUTCOME_UNKNOWN):
        await money.pam.CreateTicket(take)
    await money.pam.DiscardTicket(pam.DiscardTicketRequest(ticket_id=TICKET_ID, reason="no answer"))

    with refused(Reason.OPERATION_REVERSED, execution="NOT_EXECUTED") as refusal:
        await money.pam.CreateTicket(take)

    assert refusal.code is grpc.StatusCode.ABORTED
    assert "idempotent-replay" not in refusal.initial
    assert sent(platform, "/pam") == 2
    assert balance(platform) == FULL


FREEING: Final = {
    "a redirect": http_answer(302, b"", location="https://elsewhere.example/"),
    "400 without a code": http_answer(400),
    "401": http_answer(401),
    "403": http_answer(403, TICKET),
    "404": http_answer(404),
    "409": http_answer(409),
    "422": http_answer(422, b'{"detail":"no"}'),
    "429": http_answer(429, b"", retry_after="1"),
}
"""Definite answers without a platform code."""


async def test_a_refusal_without_a_code_frees_the_id(ledger_url: str) -> None:
    """The same request id is sent again, which may now be answered; a take or hold keeps its refusal."""
    async with facing(DONE, ledger={"url": ledger_url}) as (client, platform):
        for name, answer in FREEING.items():
            for to in MONEY:
                platform.requests.clear()
                platform.answers[:] = [answer, DONE]
                request: Any = to.made()
                first = await refusal_of(again(to, request)(client))
                second = await refusal_of(again(to, request)(client))
                assert first.metadata["execution"] == "NOT_EXECUTED", (name, name_of(to))
                frees = to not in (TAKE, HOLD)
                assert len(platform.requests) == (2 if frees else 1), (name, name_of(to))
                assert (second.code is grpc.StatusCode.OK) == frees, (name, name_of(to))
                if not frees:
                    assert second.status == first.status
                    assert second.initial["idempotent-replay"] == "true"


async def test_what_was_never_sent_frees_the_id(ledger_url: str) -> None:
    """Where nobody listened, every call may be made again under the same request id, a take or hold too."""
    with socket.socket() as taken_port:
        taken_port.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken_port.getsockname()[1]}"
        async with client_of(settings(url, ledger_url)) as client:
            made: list[tuple[To, Any]] = [(to, to.made()) for to in MONEY]
            for to, request in made:
                with refused(Reason.UPSTREAM_UNREACHABLE, execution="NOT_EXECUTED") as refusal:
                    await again(to, request)(client)
                assert refusal.code is grpc.StatusCode.UNAVAILABLE
                row = await known(client, request)
                assert (row.state, row.stage, row.free) == (State.NOT_SENT, Stage.NEVER_SENT, True)
            async with scripted(DONE, sock=taken_port) as platform:
                for to, request in made:
                    _, told = await answered(again(to, request)(client))
                    assert "idempotent-replay" not in told, name_of(to)
                assert len(platform.requests) == len(made)


@pytest.mark.parametrize("to", [CREATE, RESERVE, PAY, TAKE, HOLD], ids=name_of)
async def test_a_call_without_its_request_id_is_not_sent(ledger_url: str, to: To) -> None:
    """What takes money, and pay, need an id of the caller's own; the field is named."""
    async with facing(DONE, ledger={"url": ledger_url}) as (client, platform):
        request: Any = to.made()
        request.request_id = ""
        with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED") as refusal:
            await again(to, request)(client)

        assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.fields == ["request_id"]
        assert platform.requests == []
        assert await ledger_of(client).listed("site", [], 0, None, 10) == []


async def test_an_action_without_a_request_id_gets_one(ledger_url: str) -> None:
    """The gateway makes one and tells it; under it the action is found, and is not made twice."""
    async with facing(DONE, ledger={"url": ledger_url}) as (client, platform):
        request = pam.WinTicketRequest(ticket_id=TICKET_ID)
        _, told = await answered(client.pam.WinTicket(request))
        request.request_id = str(told["request-id"])
        _, again_told = await answered(client.pam.WinTicket(request))

        assert again_told["idempotent-replay"] == "true"
        assert "request-id" not in again_told
        assert len(platform.requests) == 1


# ---------------------------------------------------------------------- a repeat is answered whatever the moment says


async def hurried(rpc: Callable[[float], Awaitable[Any]]) -> Refusal:
    """Return the gateway's answer to a call with 100 ms left, however busy this machine is."""
    async with asyncio.timeout(10):
        while (refusal := await refusal_of(rpc(0.1))).info is None:
            assert refusal.code is grpc.StatusCode.DEADLINE_EXCEEDED
    return refusal


async def test_an_unknown_outcome_is_told_with_100_ms_left(ledger_url: str) -> None:
    """Too little time to send anything is enough to say that; a new request id is DEADLINE_TOO_SHORT."""
    async with facing(http_answer(500), ledger={"url": ledger_url}) as (client, platform):
        request = CREATE.made()
        await refusal_of(again(CREATE, request)(client))

        repeat = await hurried(lambda left: client.tickets.CreateTicket(request, timeout=left))
        new = await hurried(lambda left: client.tickets.CreateTicket(CREATE.made(), timeout=left))

        assert (repeat.info.reason, repeat.metadata["execution"]) == (Reason.OUTCOME_UNKNOWN, "UNKNOWN")
        assert (new.info.reason, new.metadata["execution"]) == (Reason.DEADLINE_TOO_SHORT, "NOT_EXECUTED")
        assert len(platform.requests) == 1


async def test_an_unknown_outcome_is_told_with_the_breaker_open(ledger_url: str) -> None:
    """A pause for the platform is no reason to say that nothing was executed; a new request id hears when to come."""
    async with facing(http_answer(503), ledger={"url": ledger_url}, upstream={"breaker_calls": 1}) as (
        client,
        platform,
    ):
        request = CREATE.made()
        for _ in range(2):
            with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
                await again(CREATE, request)(client)

        with refused(Reason.UPSTREAM_CIRCUIT_OPEN, execution="NOT_EXECUTED") as refusal:
            await CREATE(client)

        assert refusal.code is grpc.StatusCode.UNAVAILABLE
        assert 5 < refusal.detail(error_details_pb2.RetryInfo).retry_delay.seconds + 1 <= 11
        assert len(platform.requests) == 1


async def test_what_is_known_is_told_while_draining(ledger_url: str) -> None:
    """A gateway that is going away answers from its rows until its last call is over; new calls are refused."""
    gate = Gate(DONE)
    async with (
        scripted(DONE, http_answer(500), gate) as platform,
        standing(settings(platform.url, ledger_url, server={"grace_s": 60})) as (client, end),
    ):
        success, unknown = CREATE.made(), CREATE.made()
        await client.tickets.CreateTicket(success)
        await refusal_of(client.tickets.CreateTicket(unknown))
        in_flight = asyncio.ensure_future(refusal_of(CREATE(client)))
        await gate.asked.wait()
        ended = end()
        await leaving_is_told(client)

        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await client.tickets.CreateTicket(unknown)
        _, told = await answered(client.tickets.CreateTicket(success))
        assert told["idempotent-replay"] == "true"
        with refused(Reason.SHUTTING_DOWN, execution="NOT_EXECUTED"):
            await CREATE(client)

        gate.open.set()
        assert (await in_flight).code is grpc.StatusCode.OK
        await ended
        assert len(platform.requests) == 3


# ======================================================================================= the send survives its caller


@pytest.mark.parametrize("leaving", ["deadline", "hang-up"])
async def test_the_outcome_is_known_although_its_caller_is_gone(ledger_url: str, leaving: str) -> None:
    """The call goes on, its answer is in the ledger, and a repeat gets it."""
    async with facing(DONE, ledger={"url": ledger_url}, upstream={"min_deadline_ms": 0}) as (client, platform):
        for to in MONEY:
            gate = Gate(DONE)
            platform.answers[:] = [gate, DONE]
            platform.requests.clear()
            request: Any = to.made()
            rpc = getattr(getattr(client, to.service), to.rpc)
            call = rpc(request, timeout=0.5 if leaving == "deadline" else None)
            async with asyncio.timeout(5):
                await gate.asked.wait()
            if leaving == "deadline":
                assert (await refusal_of(call)).code is grpc.StatusCode.DEADLINE_EXCEEDED
            else:
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            assert await state(ledger_of(client), request.request_id) is State.SENDING, name_of(to)

            gate.open.set()
            await until_state(ledger_of(client), request.request_id, State.SUCCEEDED)

            _, told = await answered(rpc(request))
            assert told["idempotent-replay"] == "true"
            assert len(platform.requests) == 1, name_of(to)


async def test_calls_open_at_the_end_of_the_grace_are_unknown_in_the_ledger(ledger_url: str) -> None:
    """Half a second before it, what may have been sent is recorded so, and what still waited as not sent."""
    async with scripted(say_nothing) as platform:
        made: list[tuple[To, Any]] = [(to, to.made()) for to in MONEY]
        waiting = pam.RollbackTicketRequest(request_id="behind", reason="a mistake", ticket_id=made[-1][1].ticket_id)
        async with standing(settings(platform.url, ledger_url, server={"grace_s": 0.7})) as (client, end):
            calls = [asyncio.ensure_future(refusal_of(again(to, request)(client))) for to, request in made]
            await until(lambda: len(platform.requests) == len(made))
            calls.append(asyncio.ensure_future(refusal_of(client.pam.RollbackTicket(waiting))))
            await begun(ledger_of(client), "behind")
            await end()
            refusals = await asyncio.gather(*calls)

        for refusal in refusals:
            assert (refusal.info.reason, refusal.metadata["execution"]) == (Reason.OUTCOME_UNKNOWN, "UNKNOWN")
        async with client_of(settings(platform.url, ledger_url)) as client:
            for to, request in made:
                row = await known(client, request)
                assert (row.state, row.stage, row.maybe_sent) == (State.UNKNOWN, Stage.MAYBE_SENT, True), name_of(to)
            row = await known(client, waiting)
            assert (row.state, row.free) == (State.NOT_SENT, True)
        assert len(platform.requests) == len(made)


# ========================================================================================================= wire stage


async def test_the_row_says_how_far_a_call_got(platform: Sandbox, ledger_url: str) -> None:
    """Refused, cut before it was read, without an answer, with half of one, with a whole one."""
    faults = {
        FaultKind.RESET_BEFORE_READING: (State.UNKNOWN, {Stage.MAYBE_SENT, Stage.SENT_NO_ANSWER}),
        FaultKind.ANSWER_LOST: (State.UNKNOWN, {Stage.SENT_NO_ANSWER}),
        FaultKind.CUT_BODY: (State.UNKNOWN, {Stage.ANSWERED}),
        FaultKind.ERROR_500_AFTER_COMMIT: (State.UNKNOWN, {Stage.ANSWERED}),
        None: (State.SUCCEEDED, {Stage.ANSWERED}),
    }
    async with client_of(settings(platform.url, ledger_url)) as client:
        for kind, (expected, stages) in faults.items():
            bet = placed(platform, price=100)
            if kind is not None:
                platform.faults.add(Fault(kind))
            await refusal_of(client.tickets.CreateTicket(bet))
            row = await known(client, bet)
            assert (row.state, row.maybe_sent, row.attempts) == (expected, True, 1), kind
            assert row.stage in stages, kind
    with closed_port() as url:
        async with client_of(settings(url, ledger_url)) as client:
            bet = placed(platform)
            await refusal_of(client.tickets.CreateTicket(bet))
            row = await known(client, bet)
            assert (row.state, row.stage, row.maybe_sent) == (State.NOT_SENT, Stage.NEVER_SENT, False)


async def test_a_call_that_is_silent_has_left(ledger_url: str) -> None:
    """After `timeout_s` without an answer the row says that the whole request is out."""
    async with facing(say_nothing, ledger={"url": ledger_url}, upstream={"timeout_s": 0.5}) as (client, _):
        request = CREATE.made()
        await refusal_of(again(CREATE, request)(client))

        row = await known(client, request)
        assert (row.state, row.stage) == (State.UNKNOWN, Stage.SENT_NO_ANSWER)


# ================================================================================================ a ledger that fails


async def test_with_a_ledger_that_takes_nothing_nothing_is_sent(
    platform: Sandbox, money: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new bet is GATEWAY_FAULT and not executed; what has a row is answered from it, and reads go on."""
    old = placed(platform)
    there = (await money.tickets.CreateTicket(old)).ticket
    platform.journal.clear()
    database = Troubled(ledger_of(money)._database)
    monkeypatch.setattr(ledger_of(money), "_database", database)
    database.fails = {"claim"}

    for _ in range(2):
        with refused(Reason.GATEWAY_FAULT, execution="NOT_EXECUTED") as refusal:
            await money.tickets.CreateTicket(placed(platform))
        assert refusal.code is grpc.StatusCode.INTERNAL
    replay, told = await answered(money.tickets.CreateTicket(old))
    assert (replay.ticket, told["idempotent-replay"]) == (there, "true")
    assert len(platform.journal) == 0
    assert (await money.tickets.GetTicket(ticket.GetTicketRequest(identifier=there.id))).ticket == there


async def test_a_bet_whose_end_cannot_be_written_was_executed(
    platform: Sandbox, money: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 2xx that the ledger does not take is EXECUTED; once it does, the same request id gets the ticket."""
    monkeypatch.setattr("gateway.ledger.ledger._FINAL_WRITE_TRIES_S", (0.01,))
    database = Troubled(ledger_of(money)._database)
    monkeypatch.setattr(ledger_of(money), "_database", database)
    database.fails = {"end"}
    bet = placed(platform)
    with refused(Reason.GATEWAY_FAULT, execution="EXECUTED") as refusal:
        await money.tickets.CreateTicket(bet)
    assert refusal.code is grpc.StatusCode.INTERNAL
    with refused(Reason.PLAYER_NOT_FOUND, execution="NOT_EXECUTED"):
        await money.tickets.CreateTicket(placed(platform, token="nobody"))
    database.fails = set()

    await until_state(ledger_of(money), bet.request_id, State.SUCCEEDED)

    replay, told = await answered(money.tickets.CreateTicket(bet))
    assert told["idempotent-replay"] == "true"
    assert replay.ticket.id == platform.book.tickets()[0].id
    assert platform.book.count() == 1


# ===================================================================================================== reconciliation


LOST_AFTER_COMMIT: Final = (
    FaultKind.ANSWER_LOST,
    FaultKind.CUT_BODY,
    FaultKind.ERROR_500_AFTER_COMMIT,
    FaultKind.HTML,
    FaultKind.SLOW,
)


async def test_a_bet_whose_answer_was_lost_is_found(platform: Sandbox, finding: Client) -> None:
    """Each of them, by its request id in rtag: its ticket is the answer of a repeat, and there is no second one."""
    bets = [placed(platform, price=100) for _ in LOST_AFTER_COMMIT]
    for kind, bet in zip(LOST_AFTER_COMMIT, bets, strict=True):
        platform.faults.add(Fault(kind, path="/be/tickets", method="POST", seconds=0.8))
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await finding.tickets.CreateTicket(bet)

    for bet in bets:
        await until_state(ledger_of(finding), bet.request_id, State.SUCCEEDED)
        found, told = await answered(finding.tickets.CreateTicket(bet))
        assert told["idempotent-replay"] == "true"
        [facts] = [each for each in platform.book.facts() if each.rtag == bet.request_id]
        assert found.ticket.id == facts.id
    assert platform.book.count() == len(bets)
    assert balance(platform) == FULL - 100 * len(bets)


async def test_a_bet_that_never_arrived_may_be_placed_again(platform: Sandbox, finding: Client) -> None:
    """Two looks did not find it: its id is free, and the repeat places it, once."""
    bet = placed(platform)
    platform.faults.add(Fault(FaultKind.RESET_BEFORE_READING, path="/be/tickets", method="POST"))
    with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
        await finding.tickets.CreateTicket(bet)
    assert (await until_state(ledger_of(finding), bet.request_id, State.REJECTED)).free

    _, told = await answered(finding.tickets.CreateTicket(bet))

    assert "idempotent-replay" not in told
    assert platform.book.count() == 1


@pytest.mark.parametrize(
    ("correlate", "rtag"), [(None, None), ("rtag", "a-friend")], ids=["no correlation", "the caller's own rtag"]
)
async def test_a_bet_that_cannot_be_told_from_others_is_for_a_person(
    platform: Sandbox, ledger_url: str, correlate: str | None, rtag: str | None
) -> None:
    """The caller's rtag travels as it is, none is made up, and the outcome stays unknown."""
    bet = placed(platform, rtag=rtag)
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, path="/be/tickets"))
    async with client_of(reconciling(platform.url, ledger_url, correlate=correlate)) as client:
        await refusal_of(client.tickets.CreateTicket(bet))
        await until_state(ledger_of(client), bet.request_id, State.NEEDS_HUMAN)
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await client.tickets.CreateTicket(bet)

    [facts] = platform.book.facts()
    assert facts.rtag == rtag
    assert sent(platform, "/be/tickets") == 1


async def test_a_list_that_is_not_complete_is_for_a_person(platform: Sandbox, ledger_url: str) -> None:
    """Where the list is full and does not reach back far enough, absence is not believed in."""
    async with client_of(reconciling(platform.url, ledger_url, list_limit=2)) as client:
        for _ in range(2):
            await client.tickets.CreateTicket(placed(platform, price=100))
        bet = placed(platform)
        platform.faults.add(Fault(FaultKind.RESET_BEFORE_READING, path="/be/tickets", method="POST"))
        await refusal_of(client.tickets.CreateTicket(bet))

        row = await until_state(ledger_of(client), bet.request_id, State.NEEDS_HUMAN)
        assert "may not be complete" in row.notes[-1].text


async def test_a_payment_whose_answer_was_lost_is_paid_once(platform: Sandbox, finding: Client) -> None:
    """It is repeated; where the platform says 117, the ticket says that the first try was executed."""
    kinds = (*LOST_AFTER_COMMIT, FaultKind.RESET_BEFORE_READING)
    payments = []
    for kind in kinds:
        held = (await finding.tickets.ReserveTicket(reserved(platform, price=100))).ticket
        platform.faults.add(Fault(kind, path=f"/be/tickets/{held.id}/paid", seconds=0.8))
        payments.append(ticket.PayTicketRequest(request_id=f"pay-{kind}", identifier=held.id))
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await finding.tickets.PayTicket(payments[-1])

    for payment in payments:
        await until_state(ledger_of(finding), payment.request_id, State.SUCCEEDED)
        paid, told = await answered(finding.tickets.PayTicket(payment))
        assert told["idempotent-replay"] == "true"
        assert paid.ticket.status == ticket.TICKET_STATUS_OPEN
        assert platform.book.get(payment.identifier).status is Status.OPEN
    assert balance(platform) == FULL - 100 * len(kinds)


async def test_a_win_whose_answer_was_lost_is_paid_out_once(platform: Sandbox, finding: Client) -> None:
    """The repeat says the same under a signature of its own time; the player has the money once."""
    await finding.pam.CreateTicket(taken(platform))
    for kind in (FaultKind.ANSWER_LOST, FaultKind.RESET_BEFORE_READING):
        platform.faults.add(Fault(kind, path="/pam"))
    win = pam.WinTicketRequest(request_id="win-1", ticket_id=TICKET_ID)
    platform.journal.clear()
    with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
        await finding.pam.WinTicket(win)
    platform.clock.advance(1)

    row = await until_state(ledger_of(finding), "win-1", State.SUCCEEDED)

    assert row.attempts == 3
    read = [seen for seen in platform.journal if seen.body]
    assert {seen.body for seen in read} == {read[0].body}
    assert json.loads(read[0].body)["data"] == {"operator": "site", "ticket_id": TICKET_ID}
    assert all(seen.header("signature") for seen in read)
    assert balance(platform) == FULL - 500 + 2602


async def test_a_repeat_is_signed_anew(ledger_url: str) -> None:
    """Its timestamp is that of the repeat, not of the first try."""
    clock = SimpleNamespace(now=1_700_000_000.0)
    async with (
        scripted(http_answer(500), DONE) as platform,
        client_of(settings(platform.url, ledger_url), clock=lambda: clock.now) as client,
    ):
        request: Any = WIN.made()
        await refusal_of(again(WIN, request)(client))
        clock.now += 60
        behind = pam.RollbackTicketRequest(request_id="behind", reason="a mistake", ticket_id=request.ticket_id)
        await client.pam.RollbackTicket(behind)

    first, repeat, _ = platform.requests
    assert first.split(b"\r\n\r\n")[1] == repeat.split(b"\r\n\r\n")[1]
    assert b"timestamp: 1700000000" in first
    assert b"timestamp: 1700000060" in repeat


async def test_a_win_that_is_refused_after_a_lost_answer_is_for_a_person(ledger_url: str) -> None:
    """Both answers are in the row; the caller goes on hearing that it is unknown."""
    async with (
        scripted(http_answer(500), http_answer(400, error_body(116, "Ticket is closed"))) as platform,
        client_of(reconciling(platform.url, ledger_url)) as client,
    ):
        request: Any = WIN.made()
        await refusal_of(again(WIN, request)(client))

        row = await until_state(ledger_of(client), request.request_id, State.NEEDS_HUMAN)

        assert row.failure is not None
        assert "HTTP 500" in row.failure.message
        assert "Ticket is closed" in row.notes[-1].text
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN", http_status="500"):
            await again(WIN, request)(client)
        assert len(platform.requests) == 2


async def is_settled(client: Client) -> bool:
    """Tell whether the discard that was owed for the ticket is made."""
    debt = await ledger_of(client).run(lambda: find_debt("site", TICKET_ID))
    return debt is not None and debt.state == "SETTLED"


OPENING: Final = {"CreateTicket": "ticket_create", "ReserveTicket": "ticket_reserve"}


@pytest.mark.parametrize("rpc", OPENING)
async def test_a_take_whose_answer_was_lost_is_undone(platform: Sandbox, finding: Client, rpc: str) -> None:
    """The discard is repeated until it is answered; the player has the money back, and the ticket is never opened."""
    kinds = (*LOST_AFTER_COMMIT, FaultKind.RESET_BEFORE_READING)
    platform.faults.add(Fault(FaultKind.STATUS, action="ticket_discard", status=503, times=2))
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, action="ticket_discard", times=2))
    takes: list[Any] = []
    for number, kind in enumerate(kinds):
        action = None if kind is FaultKind.RESET_BEFORE_READING else OPENING[rpc]
        if action is None:  # it hits whatever comes next, so nothing else may be on its way
            for earlier in takes:
                await until_state(ledger_of(finding), earlier.request_id, State.REVERSED)
        platform.faults.add(Fault(kind, path="/pam", action=action, seconds=0.8))
        takes.append(getattr(pam, f"{rpc}Request")(**account_ticket(platform, ticket_id=f"{number:024}")))
        with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
            await getattr(finding.pam, rpc)(takes[-1])

    for take in takes:
        await until_state(ledger_of(finding), take.request_id, State.REVERSED)
        account = platform.accounts.find("site", take.ticket_id)
        assert account is not None
        assert account.state is Account.DISCARDED
    assert balance(platform) == FULL
    platform.journal.clear()
    for take in takes:
        for another in (take, taken(platform, ticket_id=take.ticket_id)):
            with refused(Reason.OPERATION_REVERSED, execution="NOT_EXECUTED"):
                await getattr(finding.pam, rpc if another is take else "CreateTicket")(another)
    assert len(platform.journal) == 0


async def test_a_refused_take_is_discarded_and_stays_refused(platform: Sandbox, finding: Client) -> None:
    """The account is told that the ticket is none, and its caller goes on hearing why."""
    take = taken(platform, player_id="poor-token")
    with refused(Reason.PLATFORM_CODE_UNMAPPED, platform_code="113", execution="NOT_EXECUTED"):
        await finding.pam.CreateTicket(take)
    await until(lambda: is_settled(finding))

    with refused(Reason.PLATFORM_CODE_UNMAPPED, platform_code="113", execution="NOT_EXECUTED") as refusal:
        await finding.pam.CreateTicket(take)
    assert refusal.initial["idempotent-replay"] == "true"
    assert [json.loads(seen.body)["action"] for seen in platform.journal] == ["ticket_create", "ticket_discard"]
    assert json.loads(platform.journal.last.body)["data"]["ticket_id"] == TICKET_ID


async def test_a_take_that_never_left_owes_no_discard(ledger_url: str) -> None:
    """Nothing is sent to the account where nothing reached it."""
    with closed_port() as url:
        async with client_of(reconciling(url, ledger_url)) as client:
            await refusal_of(TAKE(client))
            assert await ledger_of(client).run(lambda: find_debt("site", TICKET_ID)) is None


async def test_actions_of_a_ticket_reach_the_account_in_order(platform: Sandbox, money: Client) -> None:
    """Whatever comes together at the gateway goes out one at a time, as it came."""
    await money.pam.CreateTicket(taken(platform))
    platform.faults.add(Fault(FaultKind.SLOW, path="/pam", times=5, seconds=0.02))
    platform.journal.clear()
    given: list[tuple[str, Any]] = [
        ("WinTicket", pam.WinTicketRequest(request_id="1", ticket_id=TICKET_ID)),
        ("RollbackTicket", pam.RollbackTicketRequest(request_id="2", ticket_id=TICKET_ID, reason="a mistake")),
        ("LoseTicket", pam.LoseTicketRequest(request_id="3", ticket_id=TICKET_ID)),
        ("RollbackTicket", pam.RollbackTicketRequest(request_id="4", ticket_id=TICKET_ID, reason="another")),
        ("WinTicket", pam.WinTicketRequest(request_id="5", ticket_id=TICKET_ID)),
    ]
    calls = []
    for rpc, request in given:
        calls.append(asyncio.ensure_future(refusal_of(getattr(money.pam, rpc)(request))))
        await begun(ledger_of(money), request.request_id)

    assert [refusal.code for refusal in await asyncio.gather(*calls)] == [grpc.StatusCode.OK] * 5
    assert [json.loads(seen.body)["action"] for seen in platform.journal] == [
        "ticket_win",
        "ticket_rollback",
        "ticket_lost",
        "ticket_rollback",
        "ticket_win",
    ]
    assert balance(platform) == FULL - 500 + 2602


async def test_an_unknown_action_is_repeated_before_the_next_one(platform: Sandbox, money: Client) -> None:
    """A rollback behind a win whose answer was lost has the win repeated, and then goes; else it is CONFLICT."""
    await money.pam.CreateTicket(taken(platform))
    platform.faults.add(Fault(FaultKind.ANSWER_LOST, action="ticket_win", times=2))
    win = pam.WinTicketRequest(request_id="win-1", ticket_id=TICKET_ID)
    rollback = pam.RollbackTicketRequest(request_id="back-1", ticket_id=TICKET_ID, reason="a mistake")
    with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
        await money.pam.WinTicket(win)
    platform.journal.clear()

    with refused(Reason.CONFLICT, execution="NOT_EXECUTED") as refusal:
        await money.pam.RollbackTicket(rollback)
    assert refusal.code is grpc.StatusCode.ABORTED
    await money.pam.RollbackTicket(rollback)

    assert [json.loads(seen.body)["action"] for seen in platform.journal] == [
        "ticket_win",
        "ticket_win",
        "ticket_rollback",
    ]
    assert (await known(money, win)).state is State.SUCCEEDED
    assert balance(platform) == FULL - 500


# =================================================================================================== several gateways


@asynccontextmanager
async def a_gateway_to_kill(
    url: str, ledger: str, folder: Path
) -> AsyncIterator[tuple[Any, Callable[[], Awaitable[None]]]]:
    """Run a gateway in a process of its own; yields a channel to it, and what kills it."""
    config = folder / "gateway.toml"
    config.write_text(
        f"""
        default_operator = "site"
        [server]
        listen = "127.0.0.1:0"
        [ledger]
        url = "{ledger}"
        [reconcile]
        poll_s = 3600
        [operators.site]
        secret = "{SECRET}"
        platform_url = "{url}"
        pam_url = "{url}/pam"
        """,
        encoding="utf-8",
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve", "--config", str(config)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment(),
    )

    async def kill() -> None:
        process.send_signal(signal.SIGKILL)
        await process.wait()

    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            said = (await process.stdout.readline()).decode().split()
        assert said[0] == "gateway"
        async with connected(SimpleNamespace(target=said[1])) as client:  # type: ignore[arg-type]
            yield client, kill
    finally:
        if process.returncode is None:
            await kill()


async def test_a_gateway_that_is_killed_leaves_no_doubt_and_no_harm(ledger_url: str, tmp_path: Path) -> None:
    """What it was sending is unknown at once, what waited there was not sent, and its neighbour's calls go on."""
    gate = Gate(DONE)
    async with (
        scripted(say_nothing, say_nothing, gate, DONE) as platform,
        client_of(settings(platform.url, ledger_url)) as client,
        a_gateway_to_kill(platform.url, ledger_url, tmp_path) as (doomed, kill),
    ):
        requests: Any = (CREATE.made(), WIN.made(), CREATE.made())
        bet, win, live = requests
        behind = pam.RollbackTicketRequest(request_id="behind", reason="a mistake", ticket_id=win.ticket_id)
        calls = [
            asyncio.ensure_future(refusal_of(again(to, request)(doomed))) for to, request in ((CREATE, bet), (WIN, win))
        ]
        await until(lambda: len(platform.requests) == 2)
        calls.append(asyncio.ensure_future(refusal_of(doomed.pam.RollbackTicket(behind))))
        await begun(ledger_of(client), "behind")
        survivor = again(CREATE, live)(client)
        await gate.asked.wait()

        await kill()

        assert {refusal.code for refusal in await asyncio.gather(*calls)} == {grpc.StatusCode.UNAVAILABLE}
        for to, request in ((CREATE, bet), (WIN, win)):
            with refused(Reason.OUTCOME_UNKNOWN, execution="UNKNOWN"):
                await again(to, request)(client)
        rows = {row.request_id: row.state for row in await ledger_of(client).listed("site", [], 0, None, 10)}
        assert rows == {
            bet.request_id: State.UNKNOWN,
            win.request_id: State.UNKNOWN,
            live.request_id: State.SENDING,
            "behind": State.NOT_SENT,
        }
        gate.open.set()
        assert (await survivor).ticket.code == "AB12CD"
        assert await state(ledger_of(client), live.request_id) is State.SUCCEEDED
        assert len(platform.requests) == 3


async def test_of_several_gateways_one_finds_out(ledger_url: str) -> None:
    """Three gateways that reconcile the same ledger make one repeat, or one discard."""
    async with AsyncExitStack() as stack:
        lost = http_answer(500)
        platform = await stack.enter_async_context(scripted(lost, lost, lost, DONE))
        given = reconciling(platform.url, ledger_url)
        clients = [await stack.enter_async_context(client_of(given)) for _ in range(3)]
        requests: list[Any] = []
        for to in (WIN, PAY, TAKE):
            requests.append(to.made())
            await refusal_of(again(to, requests[-1])(clients[0]))
        for request in requests:
            await until_state(ledger_of(clients[0]), request.request_id, State.SUCCEEDED, State.REVERSED)

        # By the time that another one is known, every row has been due again.
        platform.answers[:] = [lost, DONE]
        requests.append(WIN.made())
        await refusal_of(again(WIN, requests[-1])(clients[1]))
        await until_state(ledger_of(clients[2]), requests[-1].request_id, State.SUCCEEDED)
        assert len(platform.requests) == 2 * len(requests)


# ============================================================================================================= breaker


class Limits:
    """The breaker's settings, as they are by default."""

    breaker_calls = 20
    breaker_window_s = 10.0
    breaker_pause_s = 5.0
    timeout_s = 30.0


class Ticking:
    """A monotonic clock that is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def breaker_after(*outcomes: Outcome) -> tuple[Breaker, Ticking]:
    """Return a breaker that has seen this, and its clock."""
    clock = Ticking()
    breaker = Breaker(Limits(), clock)
    for outcome in outcomes:
        assert breaker.enter(is_read=True) == 0
        breaker.report(outcome)
    return breaker, clock


A, B, D = Outcome.ANSWERED, Outcome.BROKEN, Outcome.DOWN


@pytest.mark.parametrize(
    ("outcomes", "opens"),
    [
        ([D] * 19, False),
        ([D] * 20, True),
        ([A] * 10 + [D] * 10, False),
        ([A] * 10 + [D] * 11, True),
        ([B] * 40, False),
        ([B] * 10 + [D] * 11, True),
        ([A] * 100 + [D] * 100, False),
    ],
    ids=["19 of 19", "20 of 20", "half", "more than half", "broken connections", "among broken ones", "half of many"],
)
def test_the_breaker_opens_when_most_of_enough_calls_failed(outcomes: list[Outcome], opens: bool) -> None:
    """At least twenty calls, more than half of them unreachable, timed out or 502 to 504."""
    breaker, _ = breaker_after(*outcomes)

    assert breaker.is_open == opens
    assert (breaker.wait_s(is_read=True) > 0) == opens


def test_the_breaker_forgets() -> None:
    """Failures of more than ten seconds ago do not count."""
    breaker, clock = breaker_after(*[D] * 15)
    clock.now += 11.1
    for _ in range(10):
        breaker.report(D)
    assert not breaker.is_open


def test_an_open_breaker_lets_one_read_through_after_its_pause() -> None:
    """Not before five seconds, and then one; everybody else goes on waiting for what it finds out."""
    breaker, clock = breaker_after(*[D] * 20)
    assert breaker.wait_s(is_read=True) == pytest.approx(5)
    assert breaker.enter(is_read=True) == pytest.approx(5)
    clock.now += 4.99
    assert breaker.enter(is_read=True) > 0
    clock.now += 0.01

    assert breaker.enter(is_read=False) > 0
    assert breaker.enter(is_read=True) == 0
    assert breaker.enter(is_read=True) > 0
    assert breaker.enter(is_read=False) > 0


def test_where_no_read_comes_any_call_finds_out() -> None:
    """After ten seconds one call of any class is let through."""
    breaker, clock = breaker_after(*[D] * 20)
    clock.now += 9.99
    assert breaker.enter(is_read=False) > 0
    clock.now += 0.01

    assert breaker.enter(is_read=False) == 0
    assert breaker.enter(is_read=False) > 0
    assert breaker.enter(is_read=True) > 0


@pytest.mark.parametrize("outcome", [D, B])
def test_a_failed_attempt_begins_the_pause_anew(outcome: Outcome) -> None:
    """Whoever was let through and found nothing leaves it open for as long again."""
    breaker, clock = breaker_after(*[D] * 20)
    clock.now += 5
    assert breaker.enter(is_read=True) == 0
    breaker.report(outcome)

    assert breaker.wait_s(is_read=True) == pytest.approx(5)
    assert breaker.wait_s(is_read=False) == pytest.approx(10)


def test_any_answer_closes_the_breaker_and_clears_what_was() -> None:
    """A refusal is an answer too; twenty more calls have to be seen before it opens again."""
    breaker, clock = breaker_after(*[D] * 20)
    clock.now += 5
    assert breaker.enter(is_read=True) == 0
    breaker.report(A)

    assert not breaker.is_open
    for _ in range(19):
        breaker.report(D)
    assert not breaker.is_open
    breaker.report(D)
    assert breaker.is_open


def test_an_attempt_that_never_reports_does_not_block_for_ever() -> None:
    """A caller that hung up in the middle of it leaves the place to the next one after `timeout_s`."""
    breaker, clock = breaker_after(*[D] * 20)
    clock.now += 5
    assert breaker.enter(is_read=True) == 0
    clock.now += 29.9
    assert breaker.enter(is_read=True) > 0
    clock.now += 0.2
    assert breaker.enter(is_read=True) == 0


def test_late_failures_of_earlier_calls_do_not_lengthen_the_pause() -> None:
    """What was sent before it opened says nothing new; an answer, however late, does."""
    breaker, clock = breaker_after(*[D] * 20)
    clock.now += 3
    breaker.report(D)
    assert breaker.wait_s(is_read=True) == pytest.approx(2)
    breaker.report(A)
    assert not breaker.is_open


PAUSING: Final[dict[str, Any]] = {"breaker_calls": 4, "breaker_pause_s": 0.2}


@pytest.mark.parametrize(
    "closing", [DONE, http_answer(400, error_body(102)), http_answer(500)], ids=["success", "refusal", "500"]
)
async def test_a_platform_that_fails_is_given_a_pause(closing: bytes) -> None:
    """Nothing is sent meanwhile; a READ may try first, and any answer, a refusal or a 500 too, lets everybody in."""
    async with facing(http_answer(503), upstream=PAUSING) as (client, platform):
        for _ in range(4):
            with refused(Reason.UPSTREAM_UNAVAILABLE):
                await GET_TICKET(client)
        for to in (GET_TICKET, LIST_CARDS, *MONEY):
            with refused(Reason.UPSTREAM_CIRCUIT_OPEN) as refusal:
                await to(client)
            assert refusal.code is grpc.StatusCode.UNAVAILABLE
            assert refusal.metadata.get("execution") == ("NOT_EXECUTED" if to.money else None)
            assert 0 < refusal.detail(error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() <= 400
        assert len(platform.requests) == 4
        assert await ledger_of(client).listed("site", [], 0, None, 10) == []

        platform.answers[:] = [closing, DONE]
        async with asyncio.timeout(5):
            while len(platform.requests) == 4:
                assert (await refusal_of(GET_TICKET(client))).code is not None
                await asyncio.sleep(0.01)
        await CREATE(client)
        assert len(platform.requests) == 6


async def test_hosts_have_breakers_of_their_own() -> None:
    """An account system that is down is no reason not to place bets."""
    with closed_port() as dead:
        async with scripted(DONE) as platform:
            site = {"secret": SECRET, "platform_url": platform.url, "pam_url": f"{dead}/pam"}
            given = settings_for(platform.url, upstream=PAUSING, operators={"site": site})
            async with client_of(given) as client:
                for _ in range(4):
                    with refused(Reason.UPSTREAM_UNREACHABLE):
                        await WIN(client)
                with refused(Reason.UPSTREAM_CIRCUIT_OPEN):
                    await WIN(client)
                await CREATE(client)


# ============================================================================================================= repeats


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the delays before repeats, which take no time."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("gateway.upstream.platform.asyncio", SimpleNamespace(sleep=sleep))
    return waited


REPEATED: Final[dict[str, Answer]] = {
    "502": http_answer(502),
    "503": http_answer(503),
    "504": http_answer(504),
    "408": http_answer(408),
    "429": http_answer(429),
    "cut": hang_up,
}
THRICE: Final[dict[str, Any]] = {"tries": 3}


@pytest.mark.parametrize("name", REPEATED)
async def test_a_read_is_repeated(delays: list[float], name: str) -> None:
    """Three tries at most, with a growing and random delay between them; the third answer is the caller's."""
    failing = REPEATED[name]
    async with facing(failing, failing, DONE, upstream=THRICE) as (client, platform):
        assert (await GET_TICKET(client)).ticket.code == "AB12CD"
        assert len(platform.requests) == 3

        platform.answers[:] = [failing]
        assert (await refusal_of(GET_TICKET(client))).code is not grpc.StatusCode.OK
        assert len(platform.requests) == 6
    assert len(delays) == 4
    for first, second in (delays[:2], delays[2:]):
        assert 0.05 <= first <= 0.1 <= second <= 0.2


@pytest.mark.parametrize(
    "answer",
    [http_answer(500), http_answer(400, error_body(102)), http_answer(200, b"<html>")],
    ids=["500", "refusal", "nonsense"],
)
async def test_an_answer_that_would_be_the_same_is_not_asked_for_again(delays: list[float], answer: bytes) -> None:
    """An error, a refusal and nonsense are told as they are."""
    async with facing(answer, upstream=THRICE) as (client, platform):
        await refusal_of(GET_TICKET(client))
        assert (len(platform.requests), delays) == (1, [])


async def test_a_read_waits_as_long_as_it_is_asked_to(delays: list[float]) -> None:
    """`Retry-After` takes the place of the delay of ours."""
    limited = http_answer(429, b"", retry_after="2")
    async with facing(limited, DONE, upstream=THRICE) as (client, platform):
        await GET_TICKET(client, timeout=10)
        assert (len(platform.requests), delays) == (2, [2])


async def test_a_delay_that_does_not_fit_is_not_waited_for(delays: list[float]) -> None:
    """Where the caller would be gone by then, the error goes out at once and says when to come back."""
    limited = http_answer(429, b"", retry_after="60")
    async with facing(limited, upstream=THRICE) as (client, platform):
        with refused(Reason.RATE_LIMITED) as refusal:
            await GET_TICKET(client, timeout=10)
        assert refusal.detail(error_details_pb2.RetryInfo).retry_delay.seconds == 60
        assert (len(platform.requests), delays) == (1, [])


@pytest.mark.parametrize(
    "answer", [http_answer(503), http_answer(429, b"", retry_after="0"), hang_up], ids=["503", "429", "cut"]
)
async def test_what_may_have_been_sent_is_not_repeated(delays: list[float], answer: Any) -> None:
    """Of every call that is no READ, one request at most reaches the platform."""
    async with facing(answer, upstream=THRICE) as (client, platform):
        for number, to in enumerate(MONEY, start=1):
            await refusal_of(to(client))
            assert (len(platform.requests), delays) == (number, []), name_of(to)


@pytest.mark.parametrize("to", [GET_TICKET, *MONEY], ids=name_of)
async def test_what_was_never_sent_is_tried_again(monkeypatch: pytest.MonkeyPatch, to: To) -> None:
    """A platform that begins to listen in time gets the call, once; the row counts it as one attempt."""
    async with AsyncExitStack() as stack:
        taken_port = stack.enter_context(socket.socket())
        taken_port.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken_port.getsockname()[1]}"
        platforms: list[Any] = []

        async def begin_to_listen(_: float) -> None:
            platforms.append(await stack.enter_async_context(scripted(DONE, sock=taken_port)))

        monkeypatch.setattr("gateway.upstream.platform.asyncio", SimpleNamespace(sleep=begin_to_listen))
        client = await stack.enter_async_context(client_of(settings_for(url, upstream=THRICE)))
        request: Any = to.made()

        await again(to, request)(client)

        [platform] = platforms
        assert len(platform.requests) == 1
        if to.money:
            row = await known(client, request)
            assert (row.state, row.attempts) == (State.SUCCEEDED, 1)


# ===================================================================================================== table of faults

Expected = tuple[Reason | None, grpc.StatusCode, str | None, State | None]
"""Reason and status, what is said of the execution, and the row's state right after."""

OK: Final = (None, grpc.StatusCode.OK, None)
UNKNOWN: Final[Expected] = (Reason.OUTCOME_UNKNOWN, grpc.StatusCode.UNKNOWN, "UNKNOWN", State.UNKNOWN)


def read(reason: Reason, code: grpc.StatusCode) -> Expected:
    """Return how a READ ends."""
    return (reason, code, None, None)


def not_executed(reason: Reason, code: grpc.StatusCode) -> Expected:
    """Return how a definite refusal of a money call ends."""
    return (reason, code, "NOT_EXECUTED", State.REJECTED)


LIMITED: Final = (Reason.RATE_LIMITED, grpc.StatusCode.RESOURCE_EXHAUSTED)
AWAY: Final = (Reason.UPSTREAM_UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
MISSING: Final = (Reason.FEATURE_NOT_IMPLEMENTED, grpc.StatusCode.UNIMPLEMENTED)
MOVED: Final = (Reason.UPSTREAM_REDIRECT, grpc.StatusCode.INTERNAL)
BAD: Final = (Reason.UPSTREAM_BAD_PAYLOAD, grpc.StatusCode.INTERNAL)
LATE: Final = (Reason.UPSTREAM_TIMEOUT, grpc.StatusCode.DEADLINE_EXCEEDED)
WON: Final[Expected] = (*OK, State.SUCCEEDED)

TABLE: Final[list[tuple[Fault, Expected, Expected, Expected, Expected]]] = [
    # fault, GetTicket (READ), CreateTicket (DEBIT), PayTicket (CREDIT), WinTicket (CREDIT of the account)
    (Fault(FaultKind.RESET_BEFORE_READING), read(*AWAY), UNKNOWN, UNKNOWN, UNKNOWN),
    (Fault(FaultKind.ANSWER_LOST), read(*AWAY), UNKNOWN, UNKNOWN, UNKNOWN),
    (Fault(FaultKind.CUT_BODY), read(*AWAY), UNKNOWN, UNKNOWN, UNKNOWN),
    (
        Fault(FaultKind.ERROR_500_AFTER_COMMIT),
        read(Reason.UPSTREAM_ERROR, grpc.StatusCode.INTERNAL),
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
    ),
    (Fault(FaultKind.STATUS, status=502), read(*AWAY), UNKNOWN, UNKNOWN, UNKNOWN),
    (Fault(FaultKind.STATUS, status=503), read(*AWAY), UNKNOWN, UNKNOWN, UNKNOWN),
    (Fault(FaultKind.STATUS, status=504), read(*AWAY), UNKNOWN, UNKNOWN, UNKNOWN),
    (
        Fault(FaultKind.STATUS, status=429, headers={"retry-after": "7"}),
        read(*LIMITED),
        not_executed(*LIMITED),
        not_executed(*LIMITED),
        not_executed(*LIMITED),
    ),
    (Fault(FaultKind.HTML), read(*BAD), UNKNOWN, UNKNOWN, UNKNOWN),
    # HTTP 200 is the success of an action of the account, whatever its body looks like.
    (Fault(FaultKind.ERROR_BODY_200), read(*MISSING), not_executed(*MISSING), not_executed(*MISSING), WON),
    (Fault(FaultKind.REDIRECT), read(*MOVED), not_executed(*MOVED), not_executed(*MOVED), not_executed(*MOVED)),
    (Fault(FaultKind.SLOW, seconds=30), read(*LATE), UNKNOWN, UNKNOWN, UNKNOWN),
]


def test_the_table_has_every_kind_of_fault() -> None:
    """A fault that the sandbox learns has its row here, but for the one that hits webhooks only."""
    assert {fault.kind for fault, *_ in TABLE} == set(FaultKind) - {FaultKind.DUPLICATE_WEBHOOK}


async def test_each_fault_leads_where_it_should(platform: Sandbox, ledger_url: str) -> None:
    """Status, reason, execution and row right after, for a READ, a DEBIT and two CREDITs."""
    limits = {"timeout_s": 1.0, "read_timeout_s": 1.0}
    async with client_of(settings(platform.url, ledger_url, upstream=limits)) as client:
        for number, (fault, *expected) in enumerate(TABLE):
            calls = await prepared(platform, client, f"{number:024}")
            for (name, call), (reason, code, execution, after) in zip(calls.items(), expected, strict=True):
                case = f"{fault.kind} {fault.status} {name}"
                platform.faults.add(fault)
                refusal = await refusal_of(call())
                assert refusal.code is code, case
                assert (refusal.info and refusal.info.reason) == reason, case
                assert (refusal.metadata.get("execution") if refusal.info else None) == execution, case
                row = await ledger_of(client).find("site", f"{name}-{number:024}")
                assert (row.state if row else None) == after, case
                if reason is Reason.RATE_LIMITED:
                    assert refusal.detail(error_details_pb2.RetryInfo).retry_delay.seconds == 7, case
    assert not platform.faults.pending
    assert platform.wallet.total() == 0


async def prepared(platform: Sandbox, client: Client, ticket_id: str) -> dict[str, Callable[[], Any]]:
    """Return a call of each column of the table, and what it needs to succeed."""
    there = (await client.tickets.CreateTicket(placed(platform, price=100))).ticket
    held = (await client.tickets.ReserveTicket(reserved(platform, price=100))).ticket
    await client.pam.CreateTicket(taken(platform, ticket_id=ticket_id))
    get = ticket.GetTicketRequest(identifier=there.id)
    bet = placed(platform, request_id=f"bet-{ticket_id}", price=100)
    payment = ticket.PayTicketRequest(request_id=f"pay-{ticket_id}", identifier=held.id)
    win = pam.WinTicketRequest(request_id=f"win-{ticket_id}", ticket_id=ticket_id)
    return {
        "get": lambda: client.tickets.GetTicket(get),
        "bet": lambda: client.tickets.CreateTicket(bet),
        "pay": lambda: client.tickets.PayTicket(payment),
        "win": lambda: client.pam.WinTicket(win),
    }
