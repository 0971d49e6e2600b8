"""Does everything go wrong that shall, and nothing else?"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from gateway.sandbox import Fault, FaultKind, Sandbox, SandboxOptions, sandbox
from tests.sandbox.client import Client, order, plain_http

NOTHING_DONE = [FaultKind.RESET_BEFORE_READING, FaultKind.STATUS, FaultKind.ERROR_BODY_200, FaultKind.REDIRECT]
DONE = [
    FaultKind.ANSWER_LOST,
    FaultKind.CUT_BODY,
    FaultKind.ERROR_500_AFTER_COMMIT,
    FaultKind.HTML,
    FaultKind.SLOW,
]


class Sleep:
    """Sleeps for as long as nobody wakes it, and remembers for how long it was asked to."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.asleep = asyncio.Event()
        self.awake = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        """Sleep."""
        self.asked.append(seconds)
        self.asleep.set()
        await self.awake.wait()


@pytest.fixture
def sleep() -> Sleep:
    """Make a sleep that a test ends."""
    return Sleep()


@pytest.fixture
async def platform(options: SandboxOptions, sleep: Sleep) -> AsyncIterator[Sandbox]:
    """Run a platform whose slow answers wait for the test."""
    async with sandbox(replace(options, sleep=sleep)) as running:
        yield running


async def _create(client: Client, platform: Sandbox) -> httpx.Response:
    return await client.post("/be/tickets", order(platform))


async def _hit(client: Client, platform: Sandbox, sleep: Sleep, fault: Fault) -> httpx.Response | None:
    """Return the answer that a fault lets through, None if it lets none through."""
    sleep.awake.set()
    platform.faults.add(fault)
    try:
        return await _create(client, platform)
    except httpx.TransportError:
        return None


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.DUPLICATE_WEBHOOK])
async def test_each_fault_commits_or_not_as_it_says(
    client: Client, platform: Sandbox, sleep: Sleep, kind: FaultKind
) -> None:
    """The state of the platform afterwards is what tells the kinds apart."""
    await _hit(client, platform, sleep, Fault(kind))

    done = kind in DONE
    assert done != (kind in NOTHING_DONE)
    assert len(platform.book.tickets()) == done
    assert platform.wallet.balance(platform.wallet.player_of("demo").id) == 100_000 - 2000 * done


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.DUPLICATE_WEBHOOK])
async def test_a_fault_hits_once_and_is_noted(client: Client, platform: Sandbox, sleep: Sleep, kind: FaultKind) -> None:
    """The next request goes through; the journal and the list of what fired say which one did not."""
    fault = Fault(kind)
    await _hit(client, platform, sleep, fault)

    assert (await _create(client, platform)).status_code == 200
    assert [each.fault for each in platform.journal] == [kind, None]
    assert platform.faults.fired == [fault]
    assert platform.faults.pending == []


async def test_a_lost_answer_is_a_closed_connection(client: Client, platform: Sandbox) -> None:
    """The caller sees the connection end without a byte."""
    platform.faults.add(Fault(FaultKind.ANSWER_LOST))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        await _create(client, platform)

    assert (platform.journal.last.status, platform.journal.last.answer) == (None, b"")


async def test_a_cut_body_is_half_of_it(client: Client, platform: Sandbox) -> None:
    """The headers promise more than comes."""
    platform.faults.add(Fault(FaultKind.CUT_BODY))
    headers = client.headers(b"")
    received = b""

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):  # noqa: PT012 - it has to fail while reading
        async with client.http.stream("GET", "/bc/quicktips?operator=site", headers=headers) as answer:
            assert answer.status_code == 200
            async for part in answer.aiter_raw():
                received += part

    assert len(received) == int(answer.headers["content-length"]) // 2
    assert platform.journal.last.answer == received


async def test_an_empty_body_can_be_cut_too(client: Client, platform: Sandbox) -> None:
    """Where there is nothing to cut, something is promised that does not come."""
    platform.faults.add(Fault(FaultKind.CUT_BODY, action="ping"))

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        await client.http.post("/pam", content=b'{"action":"ping","data":{}}')


async def test_a_reset_is_a_reset(platform: Sandbox) -> None:
    """The connection is reset, not closed, before the body has been sent."""
    platform.faults.add(Fault(FaultKind.RESET_BEFORE_READING))
    host, port = platform.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))

    writer.write(b"POST /be/tickets HTTP/1.1\r\nhost: sandbox\r\ncontent-length: 100\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()

    writer.close()
    assert platform.journal.last.status is None


@pytest.mark.parametrize("status", [401, 403, 409, 429, 502, 503, 504])
async def test_a_status_is_answered_with_its_headers(client: Client, platform: Sandbox, status: int) -> None:
    """What a proxy would say before the platform has seen the request."""
    platform.faults.add(Fault(FaultKind.STATUS, status=status, headers={"Retry-After": "7"}, body=b"busy"))

    answer = await _create(client, platform)

    assert (answer.status_code, answer.headers["retry-after"], answer.content) == (status, "7", b"busy")


async def test_a_500_comes_after_the_fact(client: Client, platform: Sandbox) -> None:
    """The caller gets an error for something that has happened."""
    platform.faults.add(Fault(FaultKind.ERROR_500_AFTER_COMMIT))

    assert (await _create(client, platform)).status_code == 500


async def test_a_page_is_no_json(client: Client, platform: Sandbox) -> None:
    """The 200 of a proxy that has a page of its own."""
    platform.faults.add(Fault(FaultKind.HTML))

    answer = await _create(client, platform)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!doctype html>")


async def test_an_error_can_come_with_200(client: Client, platform: Sandbox) -> None:
    """An error body at a status that says all is well."""
    platform.faults.add(Fault(FaultKind.ERROR_BODY_200, code=119, message="No"))

    answer = await _create(client, platform)

    assert (answer.status_code, answer.json()) == (200, {"code": 119, "message": "No"})


async def test_a_redirect_leads_elsewhere(client: Client, platform: Sandbox) -> None:
    """A 302 to where nobody should follow."""
    platform.faults.add(Fault(FaultKind.REDIRECT, location="https://elsewhere.example/login"))

    answer = await _create(client, platform)

    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.example/login")


async def test_a_slow_answer_comes_late(client: Client, platform: Sandbox, sleep: Sleep) -> None:
    """The platform has done it, and takes its time to say so."""
    platform.faults.add(Fault(FaultKind.SLOW, seconds=45))
    asked = asyncio.create_task(_create(client, platform))

    await sleep.asleep.wait()
    assert sleep.asked == [45]
    assert len(platform.book.tickets()) == 1
    assert not asked.done()

    sleep.awake.set()
    assert (await asked).status_code == 200


async def test_nobody_waits_for_a_slow_answer_for_ever(client: Client, platform: Sandbox, sleep: Sleep) -> None:
    """A caller who hangs up leaves nothing behind, and others are served meanwhile."""
    platform.faults.add(Fault(FaultKind.SLOW))
    asked = asyncio.create_task(_create(client, platform))
    await sleep.asleep.wait()
    assert (await _create(client, platform)).status_code == 200

    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    async with asyncio.timeout(5):
        while len(platform.journal) < 2:  # noqa: ASYNC110 - the sandbox notices in its own time
            await asyncio.sleep(0)
    assert platform.journal.last.status is None


@pytest.mark.parametrize(
    ("fault", "hit"),
    [
        (Fault(FaultKind.STATUS), True),
        (Fault(FaultKind.STATUS, path="/be/"), True),
        (Fault(FaultKind.STATUS, path="/be/tickets/reserve"), False),
        (Fault(FaultKind.STATUS, path="/bc/"), False),
        (Fault(FaultKind.STATUS, action="quicktip"), True),
        (Fault(FaultKind.STATUS, action="superbet"), False),
        (Fault(FaultKind.STATUS, path="/be/", action="quicktip"), True),
        (Fault(FaultKind.STATUS, path="/pam", action="quicktip"), False),
        (Fault(FaultKind.STATUS, method="POST"), True),
        (Fault(FaultKind.STATUS, method="GET"), False),
        (Fault(FaultKind.RESET_BEFORE_READING, action="quicktip"), True),
        (Fault(FaultKind.RESET_BEFORE_READING, action="superbet"), False),
    ],
)
async def test_a_fault_hits_what_it_is_for(
    client: Client, platform: Sandbox, sleep: Sleep, fault: Fault, hit: bool
) -> None:
    """By path, method, and the action or type in the body."""
    await _hit(client, platform, sleep, fault)

    assert bool(platform.faults.fired) == hit
    assert bool(platform.faults.pending) != hit


async def test_faults_wait_in_line(client: Client, platform: Sandbox) -> None:
    """The first that fits is used up first, as many times as it says."""
    platform.faults.add(Fault(FaultKind.STATUS, status=503, times=2))
    platform.faults.add(Fault(FaultKind.STATUS, status=504))

    assert [(await _create(client, platform)).status_code for _ in range(4)] == [503, 503, 504, 200]


async def test_a_reset_does_not_jump_the_line(client: Client, platform: Sandbox) -> None:
    """A fault that is known before the body is read waits for those in front of it."""
    platform.faults.add(Fault(FaultKind.STATUS, action="quicktip"))
    platform.faults.add(Fault(FaultKind.RESET_BEFORE_READING))

    assert (await _create(client, platform)).status_code == 503
    with pytest.raises(httpx.TransportError):
        await _create(client, platform)


async def test_the_line_can_be_cleared(client: Client, platform: Sandbox) -> None:
    """What has not fired does not fire then."""
    platform.faults.add(Fault(FaultKind.STATUS, times=3))
    platform.faults.clear()

    assert (await _create(client, platform)).status_code == 200


def test_a_fault_that_never_hits_is_a_mistake() -> None:
    """Zero times is not a fault."""
    with pytest.raises(ValueError, match="at least once"):
        Fault(FaultKind.STATUS, times=0)


async def test_a_caller_may_leave_in_the_middle(platform: Sandbox) -> None:
    """A request that never ends is not handled and leaves no trace."""
    host, port = platform.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(b"POST /be/tickets HTTP/1.1\r\nhost: sandbox\r\ncontent-length: 100\r\n\r\n{")

    async with plain_http(platform.url) as http:
        assert (await http.get("/")).status_code == 404
    assert [exchange.target for exchange in platform.journal] == ["/"]
