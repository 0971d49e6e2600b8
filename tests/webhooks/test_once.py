"""Is every fact passed on once, however often it is delivered? Over the wire, with services that count."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
import pytest

from tests.logs import lines
from tests.webhooks.circle import Circle, Clock, circle, circle_settings
from tests.webhooks.deliveries import ACTIONS, NOTIFICATIONS, SAMPLES, Delivery
from tests.webhooks.services import Held, agreeing, failing, until

LIFE: Final = [
    ("ticket_reserve", 1, "0"),
    ("ticket_create", 2, "0"),
    ("ticket_update", 3, "{}"),
    ("ticket_win", 4, "0"),
    ("ticket_rollback", 5, "1"),
    ("ticket_lost", 6, "1"),
    ("ticket_rollback", 7, "2"),
    ("ticket_void", 8, "2"),
    ("ticket_refund", 9, "0"),
    ("ticket_closed", 10, "2"),
]
"""A life with everything in it: action, second, and the epoch in its key."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


def said(response: httpx.Response) -> tuple[int, bytes]:
    """Return status and body."""
    return response.status_code, response.content


def tables(url: str, name: str) -> list[tuple[Any, ...]]:
    """Return what a table of a ledger's file holds."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        return connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608


def files(folder: Path) -> dict[str, bytes]:
    """Return what every file of a folder holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# ----------------------------------------------------------------------------------------------- one fact, one call


async def test_a_life_delivered_over_and_over_is_lived_once(round_trip: Circle) -> None:
    """The same bytes, the same fact signed anew, and both again after everything: one call each, with keys of its own."""
    made: list[Delivery] = []
    for token, at, _ in LIFE:
        made.append(round_trip.made(token, at))
        for _ in range(2):
            for each in made:
                assert said(await round_trip.post(each)) == (200, b"")
    for token, at, _ in LIFE:
        if token not in ("ticket_win", "ticket_lost", "ticket_void", "ticket_rollback"):
            assert said(await round_trip.send(token, at + 100)) == (200, b"")

    assert round_trip.services.rpcs == [ACTIONS[token] for token, _, _ in LIFE]
    stamps = [str(round_trip.base + at) for _, at, _ in LIFE]
    assert [call.key for call in round_trip.services.calls] == [
        f"site/{token}/{round_trip.ticket}/{epoch.format(stamp)}"
        for (token, _, epoch), stamp in zip(LIFE, stamps, strict=True)
    ]
    assert "webhook_out_of_place" not in round_trip.counts


async def test_the_same_delivery_gets_its_answer_whatever_happened_since(round_trip: Circle) -> None:
    """A create that was accepted is answered 200 although its ticket is discarded by now."""
    create = round_trip.made("ticket_create", 1)
    late = round_trip.made("ticket_update", 3, price=1)
    stale = round_trip.made("ticket_update", 2, price=2)
    for each in (create, late, stale, round_trip.made("ticket_discard", 4)):
        assert said(await round_trip.post(each)) == (200, b"")
    for each in (create, late, stale):
        assert said(await round_trip.post(each)) == (200, b"")
    assert round_trip.services.rpcs == ["CreateTicket", "UpdateTicket", "DiscardTicket"]


@pytest.mark.parametrize("token", ["ticket_create", "ticket_win", "ticket_discard", "otp"])
async def test_a_refused_delivery_is_judged_anew(round_trip: Circle, token: str) -> None:
    """The very same bytes are passed on again after a refusal, and once accepted no more."""
    rpc = {**ACTIONS, **NOTIFICATIONS}[token]
    made = round_trip.made(token)
    round_trip.services.will(
        rpc,
        failing(grpc.StatusCode.FAILED_PRECONDITION, "closed for lunch"),
        failing(grpc.StatusCode.INVALID_ARGUMENT, "never heard of it"),
        agreeing,
    )
    for message in ("closed for lunch", "never heard of it"):
        response = await round_trip.post(made)
        assert (response.status_code, response.json()) == (400, {"code": 0, "message": message})
    accepted = said(await round_trip.post(made))
    assert accepted[0] == 200
    assert said(await round_trip.post(made)) == accepted
    assert len(round_trip.services.of(rpc)) == 3
    assert len({call.metadata["idempotency-key"] for call in round_trip.services.calls}) == 1


async def test_a_misplaced_delivery_is_judged_anew(round_trip: Circle) -> None:
    """What was out of place once may fit later."""
    rollback = round_trip.made("ticket_rollback", 3)
    await round_trip.send("ticket_create", 1)
    assert (await round_trip.post(rollback)).status_code == 400
    await round_trip.send("ticket_win", 2)
    assert (await round_trip.post(rollback)).status_code == 200
    assert round_trip.services.rpcs == ["CreateTicket", "WinTicket", "RollbackTicket"]


async def test_a_create_with_other_data_is_refused_with_an_alert(
    round_trip: Circle, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is debited for it, and the first one stands."""
    for token in ("ticket_reserve", "ticket_create"):
        assert (await round_trip.send(token, 1)).status_code == 200
        for change in ({"price": 501}, {"rtag": "x"}, {"player_id": "another"}, {"new": 1}, {"ext_type": "exotic"}):
            response = await round_trip.send(token, 2, **change)
            assert response.status_code == 400
            assert response.json() == {"code": 0, "message": f"{token} came before with other data"}
        assert (await round_trip.send(token, 3, price=500.0)).status_code == 200
    assert round_trip.services.rpcs == ["ReserveTicket", "CreateTicket"]
    assert round_trip.counts["webhook_out_of_place"] == 10
    about = {"operator": "site", "action": "ticket_create", "ticket_id": round_trip.ticket}
    assert any(line["event"] == "webhook_out_of_place" and line.items() >= about.items() for line in lines(caplog))


async def test_a_late_create_meets_the_tombstone(round_trip: Circle) -> None:
    """The discard came first and was passed on; whatever opens the ticket afterwards is refused, nothing is debited."""
    assert said(await round_trip.send("ticket_discard", 5)) == (200, b"")
    for token, at in (("ticket_create", 1), ("ticket_create", 9), ("ticket_reserve", 9)):
        response = await round_trip.send(token, at)
        assert (response.status_code, response.json()["code"]) == (400, 0)
    assert round_trip.services.rpcs == ["DiscardTicket"]
    assert round_trip.counts["webhook_out_of_place"] == 3


async def test_a_discard_that_the_service_does_not_know_leaves_the_tombstone_too(round_trip: Circle) -> None:
    """NOT_FOUND is what a discard of an unseen ticket is answered, and it counts as done."""
    round_trip.services.will("DiscardTicket", failing(grpc.StatusCode.NOT_FOUND))
    assert said(await round_trip.send("ticket_discard", 5)) == (200, b"")
    assert (await round_trip.send("ticket_create", 1)).status_code == 400
    assert round_trip.services.rpcs == ["DiscardTicket"]


@pytest.mark.parametrize(
    ("before", "token"),
    [
        (["ticket_create", "ticket_win"], "ticket_lost"),
        (["ticket_create", "ticket_win", "ticket_closed"], "ticket_void"),
        (["ticket_create", "ticket_lost", "ticket_closed"], "ticket_rollback"),
        (["ticket_create", "ticket_refund"], "ticket_win"),
        (["ticket_create", "ticket_discard"], "ticket_closed"),
        (["ticket_create"], "ticket_rollback"),
    ],
)
async def test_what_does_not_fit_is_refused_with_an_alert(round_trip: Circle, before: list[str], token: str) -> None:
    """By HTTP 400, a code and a count; the service hears nothing of it."""
    for at, each in enumerate(before):
        assert (await round_trip.send(each, at)).status_code == 200
    response = await round_trip.send(token, 50)
    assert (response.status_code, response.json()["code"]) == (400, 0)
    assert round_trip.services.rpcs == [ACTIONS[each] for each in before]
    assert round_trip.counts["webhook_out_of_place"] == 1


async def test_tickets_and_operators_do_not_meet() -> None:
    """The same ticket id at another operator is another ticket."""
    async with circle() as probe:
        own = {"secret": "12345ABCDE", "platform_url": "http://127.0.0.1:1", "pam_target": probe.services.target}
        async with circle(probe.services, operators={"acme": own}) as running:
            assert (await running.send("ticket_discard")).status_code == 200
            assert (await running.send("ticket_create", of="acme")).status_code == 200
            assert (await running.send("ticket_create", ticket_id="another")).status_code == 200
        assert [call.request.operator for call in probe.services.calls] == ["site", "acme", "site"]


async def test_a_restart_forgets_nothing() -> None:
    """The same ledger, another gateway: repeats stay repeats, and tombstones stand."""
    async with circle() as probe:
        settings = circle_settings(probe.services.target)
        clock = Clock()
        async with circle(probe.services, settings=settings, clock=clock) as running:
            made = [running.made("ticket_create", 1), running.made("ticket_win", 2), running.made("otp")]
            answers = [said(await running.post(each)) for each in made]
            await running.send("ticket_discard", ticket_id="buried")
        calls = len(probe.services.calls)
        async with circle(probe.services, settings=settings, clock=clock) as running:
            assert [said(await running.post(each)) for each in made] == answers
            assert (await running.send("ticket_create", ticket_id="buried")).status_code == 400
            assert (await running.send("ticket_lost", 3)).status_code == 400
        assert len(probe.services.calls) == calls


# ------------------------------------------------------------------------------------------------------------ joining


@pytest.mark.parametrize("token", ["ticket_create", "ticket_reserve", "ticket_win", "ticket_discard"])
@pytest.mark.parametrize("code", [grpc.StatusCode.OK, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.UNAVAILABLE])
async def test_a_repeat_joins_the_first_one_in_flight(round_trip: Circle, token: str, code: grpc.StatusCode) -> None:
    """The same bytes and the same fact signed anew wait with it and get its answer; the service is called once."""
    held = Held(None if code is grpc.StatusCode.OK else failing(code))
    round_trip.services.will(ACTIONS[token], held, Held())
    first = asyncio.create_task(round_trip.send(token, 1))
    await held.asked.wait()
    others = [asyncio.create_task(round_trip.send(token, at)) for at in (1, 1, 2, 3)]
    await until(lambda: round_trip.counts.get("repeated") == len(others))
    assert not first.done()
    held.open.set()

    answer = said(await first)
    assert [said(await other) for other in others] == [answer] * len(others)
    is_credit = token in ("ticket_win", "ticket_discard")
    expected = {grpc.StatusCode.OK: 200, grpc.StatusCode.FAILED_PRECONDITION: 400}.get(code, 200 if is_credit else 500)
    assert answer[0] == expected
    if code is not grpc.StatusCode.UNAVAILABLE:
        assert len(round_trip.services.calls) == 1


async def test_many_at_once_are_one(round_trip: Circle) -> None:
    """A hundred of the same create, all at the same time."""
    answers = await asyncio.gather(*(round_trip.send("ticket_create", at % 7) for at in range(100)))
    assert {said(answer) for answer in answers} == {(200, b"")}
    assert round_trip.services.rpcs == ["CreateTicket"]


async def test_two_gateways_on_one_ledger_are_one(ledger_url: str) -> None:
    """On both databases: each delivery at both doors at once, and every fact is passed on once."""
    async with circle() as probe:
        settings = circle_settings(probe.services.target, ledger={"url": ledger_url})
        clock = Clock()
        one = circle(probe.services, settings=settings, clock=clock)
        other = circle(probe.services, settings=settings, clock=clock)
        async with one as first, other as second:
            held = Held()
            probe.services.will("CreateTicket", held)
            waiting = asyncio.gather(*(each.send("ticket_create", at) for at in (1, 2) for each in (first, second)))
            await held.asked.wait()
            held.open.set()
            assert {said(answer) for answer in await waiting} == {(200, b"")}
            for token, at, _ in LIFE[3:]:
                answers = await asyncio.gather(*(each.send(token, at) for each in (first, second, second, first)))
                assert {said(answer) for answer in answers} == {(200, b"")}, token
        assert probe.services.rpcs == ["CreateTicket", *(ACTIONS[token] for token, _, _ in LIFE[3:])]
        assert len({call.key for call in probe.services.calls}) == len(probe.services.calls)


# -------------------------------------------------------------------------------------- identify and notifications


async def test_identify_is_asked_anew_and_nothing_of_it_is_stored(round_trip: Circle) -> None:
    """Even the very same delivery; each call has a request id of its own."""
    made = round_trip.made("identify")
    round_trip.services.will(
        "Identify", agreeing, failing(grpc.StatusCode.NOT_FOUND), failing(grpc.StatusCode.PERMISSION_DENIED)
    )
    answers = [said(await round_trip.post(made)) for _ in range(3)]
    assert [status for status, _ in answers] == [200, 400, 403]
    assert json.loads(answers[0][1]) == {
        "player_id": "1660986605374148608",
        "lang": "en",
        "balance": 1000,
        "currency": "KES",
        "feature_flags": {"flag_name1": True},
    }
    assert json.loads(answers[1][1]) == {"code": 101, "message": "User not found"}
    keys = [call.key for call in round_trip.services.calls]
    assert len(set(keys)) == 3
    assert [call.metadata["x-request-id"] for call in round_trip.services.calls] == keys


async def test_a_notification_is_passed_on_once_for_each_signature(round_trip: Circle) -> None:
    """Only the same timestamp and signature is a repeat: the same text a second later is another message."""
    for token, rpc in NOTIFICATIONS.items():
        answers = [said(await round_trip.send(token, at)) for at in (0, 0, 1, 0, 1)]
        assert len(set(answers)) == 1
        assert answers[0][0] == 200
        assert json.loads(answers[0][1]).keys() == {"message"}
        assert len(round_trip.services.of(rpc)) == 2
        first, second = (call.metadata["idempotency-key"] for call in round_trip.services.of(rpc))
        assert first != second


@pytest.mark.parametrize("code", [grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE])
async def test_a_notification_in_flight_is_joined(round_trip: Circle, code: grpc.StatusCode) -> None:
    """One call for all that came meanwhile, one answer; a failed one is judged anew."""
    held = Held(None if code is grpc.StatusCode.OK else failing(code))
    round_trip.services.will("SendOtp", held)
    first = asyncio.create_task(round_trip.send("otp"))
    await held.asked.wait()
    others = [asyncio.create_task(round_trip.send("otp")) for _ in range(3)]
    await until(lambda: round_trip.counts.get("repeated") == 3)
    held.open.set()
    answers = {said(answer) for answer in await asyncio.gather(first, *others)}
    assert len(answers) == 1
    assert len(round_trip.services.calls) == 1
    await round_trip.send("otp")
    assert len(round_trip.services.calls) == (1 if code is grpc.StatusCode.OK else 2)


async def test_the_notification_carries_its_operator(round_trip: Circle) -> None:
    """It is not in the data, so the gateway fills it in."""
    for token in NOTIFICATIONS:
        await round_trip.send(token)
    assert {call.request.operator for call in round_trip.services.calls} == {"site"}
    assert {call.metadata["x-operator"] for call in round_trip.services.calls} == {"site"}


async def test_the_ledger_keeps_no_personal_data_of_these(tmp_path: Path) -> None:
    """Neither token nor number nor one-time code is anywhere in the files, accepted, refused or joined."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    async with circle(ledger={"url": url}) as running:
        running.services.will("SendTicketStatus", failing(grpc.StatusCode.UNAVAILABLE), agreeing)
        for token in ("identify", *NOTIFICATIONS):
            for at in (0, 0, 1):
                await running.send(token, at, **({"code": "one-time-9471"} if token == "otp" else {}))
        assert running.services.calls[-1].request.bet_id == 1
        assert {call.request.msisdn for call in running.services.of("SendTicketStatus")} == {"213456451"}
        live = files(tmp_path)
    closed = files(tmp_path)
    assert any(content for content in live.values())
    for content in (*live.values(), *closed.values()):
        for secret in (SAMPLES["identify"]["token"], "260977223120", "213456451", "one-time-9471"):
            assert secret.encode() not in content
    assert tables(url, "facts") == []
    assert [row[0:2] for row in tables(url, "deliveries")] == [("site", "sms")] * 6
    assert [row[2] for row in tables(url, "events")].count("otp") == 0
