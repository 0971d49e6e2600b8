"""Does the receiver stay within what is documented, whatever comes and however much of it at once?"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.contract import load_contract
from gateway.telemetry import Telemetry
from gateway.webhooks.answers import OK, Reply
from gateway.webhooks.receiver import Receiver
from gateway.wire.inbound import inbound
from gateway.wire.signing import verify
from tests.harness import SECRET
from tests.webhooks.circle import circle_settings
from tests.webhooks.deliveries import ACTIONS, NOTIFICATIONS, delivery, signature
from tests.webhooks.fuzz import fuzz
from tests.webhooks.process import Process, process, settings_of
from tests.webhooks.services import services

NOW: Final = 1_706_191_612
SENDERS: Final = 1000
LIMIT: Final = 262_144
MIB: Final = 1 << 20

text = st.text() | st.binary().map(lambda raw: raw.decode("latin-1"))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


class Passed:
    """Stands behind the receiver and takes everything that gets through."""

    def __init__(self) -> None:
        self.count = 0

    def serves(self, *_: object) -> bool:
        """Say that there is a service."""
        return True

    async def deliver(self, *_: object) -> Reply:
        """Take a ticket action."""
        self.count += 1
        return OK

    async def ask(self, *_: object) -> Reply:
        """Take a question."""
        return await self.deliver()

    async def notify(self, *_: object) -> Reply:
        """Take a notification."""
        return await self.deliver()


_CONTRACT: Final = load_contract()
_ACTIONS: Final = {api: inbound(_CONTRACT, api) for api in ("pam", "sms")}
_SETTINGS: Final = circle_settings("127.0.0.1:1")


def answered(
    path: str, headers: list[tuple[bytes, bytes]], body: bytes, method: str = "POST"
) -> tuple[int, bytes, Telemetry, int]:
    """Give a request to the application as a server that checks nothing would; returns what it answers."""
    behind: Any = Passed()
    telemetry = Telemetry()
    app = Receiver(
        _SETTINGS, behind, behind, _ACTIONS, telemetry, lambda: float(NOW), lambda _: [SECRET.encode()]
    ).app()
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "raw_path": b"", "headers": headers}
    scope |= {"query_string": b"", "http_version": "1.1", "scheme": "http", "root_path": ""}
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], b"".join(part.get("body", b"") for part in sent[1:]), telemetry, behind.count


@given(secret=st.binary(), stamp=text, body=st.binary(), given_signature=text)
def test_a_verifier_says_yes_or_no(secret: bytes, stamp: str, body: bytes, given_signature: str) -> None:
    """Nothing in header or body makes it raise."""
    assert verify([secret], stamp, body, given_signature) is False


@given(st.binary(), st.binary(max_size=4))
def test_a_verifier_knows_its_own(body: bytes, more: bytes) -> None:
    """What was signed verifies, with any blanks after it, and nothing else does."""
    compact = body.translate(None, b' \t\r\n"\\')
    signed = signature("17", compact, "secret")
    assert verify([b"another", b"secret"], "17", compact + b" \r\n\t", signed)
    assert verify([b"secret"], "17", compact + more, signed) is (not more.translate(None, b" \t\r\n"))


@settings(max_examples=200, deadline=None)
@given(
    path=st.sampled_from(["/pam/site", "/sms/site"]),
    headers=st.dictionaries(
        st.sampled_from([b"signature", b"timestamp", b"operator-name", b"traceparent", b"content-type"]), st.binary()
    ),
    body=st.binary() | values.map(lambda value: json.dumps(value).encode()),
)
def test_no_bytes_get_in_unsigned(path: str, headers: dict[bytes, bytes], body: bytes) -> None:
    """Whatever headers and body are: 401 with nothing in it, and nothing passed on."""
    status, answer, telemetry, passed_on = answered(path, list(headers.items()), body)
    assert (status, answer, passed_on) == (401, b"", 0)
    assert sum(telemetry.webhooks.values()) == 1


@settings(max_examples=300, deadline=None)
@given(
    api=st.sampled_from(["pam", "sms"]),
    body=st.binary()
    | values.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda key, token, data: json.dumps({key: token, "data": data}).encode(),
        st.sampled_from(["action", "type"]),
        st.sampled_from([*ACTIONS, *NOTIFICATIONS, "ping", "another"]) | values,
        st.dictionaries(st.sampled_from(["operator", "ticket_id", "token", "reason", "code", "msisdn", "x"]), values)
        | values,
    ),
)
def test_signed_bytes_are_taken_or_malformed(api: str, body: bytes) -> None:
    """The key proves who sends; what is sent may still be anything, and is passed on or answered 400 in our form."""
    compact = body if _is_compact(body) else json.dumps(json.loads(body), separators=(",", ":")).encode()
    headers = {"timestamp": str(NOW), "signature": signature(str(NOW), compact), "operator-name": "site"}
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    status, answer, _, passed_on = answered(f"/{api}/site", raw, compact)
    if status == 401:
        assert any(blank in compact for blank in b" \t\r\n")
        return
    assert status in (200, 400)
    assert passed_on == (status == 200) or b"ping" in body
    if status == 400:
        assert list(json.loads(answer)) == ["code", "message"]


def _is_compact(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return True
    return False


async def test_mutated_deliveries_get_documented_answers(tmp_path: Path) -> None:
    """The short form of ``python -m tests.webhooks.fuzz``."""
    fuzzed = await fuzz(2000, 4, tmp_path)
    assert fuzzed.problems == []
    assert fuzzed.statuses.total() == 2000
    assert {"200", "400", "401", "404", "405"} <= set(fuzzed.statuses)


# -------------------------------------------------------------------------------------------------------- in masses


@contextmanager
def many_files() -> Iterator[None]:
    """Let this process, and those that it starts, have a socket for each sender."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * SENDERS
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_a_thousand_senders_at_once_cost_no_more_than_what_they_send(tmp_path: Path) -> None:
    """Each with the largest body, all but its last byte sent, at the same time; then all end, and all are answered.

    The bound is what they send, one and a half times, and 100 MiB.
    """
    with many_files():
        async with services() as own:
            content = settings_of(own.target, f"sqlite:///{tmp_path}/ledger.db")
            async with process(content, tmp_path / "log") as gateway:
                before = gateway.memory()
                assert await _all_at_once(gateway) == {b"HTTP/1.1 200 OK": SENDERS}
                grown = gateway.memory("VmHWM") - before
                assert grown < SENDERS * LIMIT * 3 // 2 + 100 * MIB, f"{grown // MIB} MiB"
            assert len(own.calls) == SENDERS


async def _all_at_once(gateway: Process) -> dict[bytes, int]:
    """Send everything but the last byte of every body, then the rest; returns how often each answer came."""
    host, _, port = gateway.webhooks.removeprefix("http://").partition(":")
    barrier = asyncio.Barrier(SENDERS)
    stamp = int(time.time())

    async def send(sender: int) -> bytes:
        made = delivery("ticket_win", stamp, ticket_id=f"t{sender}")
        headers = {**made.headers, "host": host, "content-length": str(LIMIT)}
        lines = [f"POST {made.path} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items()), "", ""]
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write("\r\n".join(lines).encode() + made.body.ljust(LIMIT - 1))
            await writer.drain()
            await barrier.wait()
            writer.write(b" ")
            return (await reader.readline()).rstrip()
        finally:
            writer.close()
            await writer.wait_closed()

    answers = await asyncio.gather(*map(send, range(SENDERS)))
    return {answer: answers.count(answer) for answer in answers}
