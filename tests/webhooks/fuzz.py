"""Does anything that can be sent make the receiver do anything undocumented? Seeded mutations of valid deliveries.

``python -m tests.webhooks.fuzz --requests 100000`` sends them to a gateway in a process of its own, prints how many
answers had which status, and ends with 1 where one was not documented or the log shows an exception.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.webhooks.deliveries import ACTIONS, NOTIFICATIONS, delivery, signature
from tests.webhooks.process import Process, process, settings_of
from tests.webhooks.services import services

__all__ = ["DOCUMENTED", "Fuzzed", "fuzz"]

DOCUMENTED: Final = (200, 400, 401, 404, 405, 413)
"""What a healthy gateway with healthy services answers; 403, 429 and 500 need a service that says so or fails."""

_SENDERS: Final = 32
_TICKETS: Final = 200
_TOKENS: Final = ["ping", *ACTIONS, *NOTIFICATIONS]
_NOT_HTTP: Final = b"Invalid HTTP request received."
_PATIENCE_S: Final = 30
_METHODS: Final = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "post", "BREW"]
_PATHS: Final = [
    "/",
    "/pam",
    "/pam/",
    "/pam/site/",
    "/sms/nobody",
    "/pam/%00",
    "/pam/site?x=y",
    "//pam/site",
    "/sms/%C3%A4",
]
_PIECES: Final = [
    *(
        b"null",
        b"true",
        b"0",
        b"-1",
        b"1e999",
        b"NaN",
        b'""',
        b"[]",
        b"{}",
        b'"\\u0000"',
        b'"\\ud800"',
        b"\xff",
        b"\x00",
    ),
    *(
        b" ",
        b"\n",
        b",",
        b":",
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"9" * 400,
        b"[" * 100,
        b'{"a":' * 70,
        b"\xef\xbb\xbf",
    ),
    *(b'"action":"ping"', b'"operator":"acme"', b'"ticket_id":""', b'"data":null'),
]
_VALUES: Final[list[Any]] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        2**64,
        10**30,
        1.5,
        500.0,
        1e300,
        "",
        " ",
        "x",
        "\0",
        "\u00e4",
        "x" * 5000,
    ),
    *([], {}, [None], {"a": 1}, "site", "won", "open", "inclusive", "ping", "ticket_win", "2024-07-17T17:00:00"),
]


@dataclass(slots=True)
class Request:
    """One request as it will be sent."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    chunked: bool = False
    hangs_up: bool = False
    may_be_no_http: bool = False

    def bytes(self) -> bytes:
        """Spell it."""
        framing = b"transfer-encoding: chunked" if self.chunked else b"content-length: %d" % len(self.body)
        lines = [b"%s %s HTTP/1.1" % (self.method.encode(), self.path.encode()), b"host: gateway", framing]
        lines += [name + b": " + value for name, value in self.headers]
        head = b"\r\n".join([*lines, b"", b""])
        if not self.chunked:
            return head + self.body
        pieces = [self.body[start : start + 50_000] for start in range(0, len(self.body), 50_000)]
        return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@dataclass(slots=True)
class Fuzzed:
    """What came of it."""

    statuses: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def take(self, request: Request, status: int | None, body: bytes) -> None:
        """Judge one answer; no status means that the connection ended without one."""
        self.statuses[str(status or ("hung up" if request.hangs_up else "no answer"))] += 1
        what = _undocumented(request, status, body)
        if what and len(self.problems) < 20:
            self.problems.append(f"{what}: {status} {body[:200]!r} to {request.bytes()[:2000]!r}")


def _undocumented(request: Request, status: int | None, body: bytes) -> str:
    if status is None:
        return "" if request.hangs_up or request.may_be_no_http else "no answer"
    if body == _NOT_HTTP:
        return "" if status == 400 and request.may_be_no_http else "not taken for HTTP"
    if status not in DOCUMENTED:
        return "undocumented status"
    if status == 200 or request.method == "HEAD":
        return ""
    if status == 401:
        return "401 with a body" if body else ""
    try:
        told = json.loads(body)
    except ValueError:
        return "no error body"
    is_error = list(told) == ["code", "message"] and type(told["code"]) is int and type(told["message"]) is str
    return "" if is_error else "another error body"


# --------------------------------------------------------------------------------------------------------- mutations


def requests(count: int, seed: int) -> Iterator[Request]:
    """Make so many requests; the same seed makes the same, but for the time."""
    chance = random.Random(seed)
    for _ in range(count):
        yield _request(chance)


def _request(chance: random.Random) -> Request:
    token = chance.choice(_TOKENS)
    ticket = f"t{chance.randrange(_TICKETS)}-{int(time.time()) // 20}"
    changes: dict[str, Any] = {} if token in ("ping", "identify", "otp") else {"ticket_id": ticket}
    made = delivery(token, int(time.time()) + chance.randrange(-290, 290), **changes)
    body = made.body
    if chance.random() < 0.7:
        body = chance.choice(_BODY_MUTATIONS)(chance, body)
    headers = dict(made.headers)
    if chance.random() < 0.6:
        headers["signature"] = signature(headers["timestamp"], body)
    request = Request("POST", made.path, [(key.encode(), value.encode()) for key, value in headers.items()], body)
    while chance.random() < 0.3:
        chance.choice(_REQUEST_MUTATIONS)(chance, request)
    return request


def _bytes_changed(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0:
                changed[at:at] = chance.choice(_PIECES)
            case 1:
                del changed[at : at + chance.randrange(1, 20)]
            case 2:
                changed[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                changed[at:at] = changed[at : at + chance.randrange(1, 50)]
            case _:
                changed[at : at + chance.randrange(1, 8)] = chance.choice(_PIECES)
    return bytes(changed)


def _cut(chance: random.Random, body: bytes) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


def _value_changed(chance: random.Random, body: bytes) -> bytes:
    envelope = json.loads(body)
    data = envelope["data"]
    for _ in range(chance.randrange(1, 3)):
        where = chance.choice([envelope, data])
        key = chance.choice([*where, "new", "unmapped", "request_id"])
        if chance.random() < 0.2:
            where.pop(key, None)
        else:
            where[key] = chance.choice(_VALUES)
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=chance.random() < 0.5).encode()


def _spelled_differently(chance: random.Random, body: bytes) -> bytes:
    return json.dumps(json.loads(body), indent=chance.choice([0, 1, 4])).encode()


def _nested(chance: random.Random, body: bytes) -> bytes:
    depth = chance.choice([5, 30, 62, 63, 64, 65, 500, 20_000])
    opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}")])
    value = opening * depth + b"1" + closing * depth
    return body[:-2] + b',"new":' + value + b"}}"


def _large(chance: random.Random, body: bytes) -> bytes:
    return body.ljust(chance.choice([1000, 100_000, 262_143, 262_144, 262_145, 300_000]))


_BODY_MUTATIONS: Final[list[Callable[[random.Random, bytes], bytes]]] = [
    *[_bytes_changed] * 6,
    *[_value_changed] * 6,
    _cut,
    _spelled_differently,
    _nested,
]


def _header_changed(chance: random.Random, request: Request) -> None:
    if not request.headers:
        return
    index = chance.randrange(len(request.headers))
    name, value = request.headers[index]
    match chance.randrange(6):
        case 0:
            del request.headers[index]
        case 1:
            request.headers.append((name, value))
        case 2:
            request.headers[index] = (name.upper(), value)
        case 3:
            request.headers[index] = (name, value + chance.choice([b"0", b",", b" x", b"\xff", b"\xc3\xa4", b"\t1"]))
        case 4:
            request.headers[index] = (name, chance.choice([b"", b"0", b"-1", b"9" * 400, b"\xed\xa0\x80", b"x" * 3000]))
        case _:
            junk = bytes(chance.randrange(256) for _ in range(chance.randrange(1, 80)))
            request.headers[index] = (name, junk)
            request.may_be_no_http = True


def _header_added(chance: random.Random, request: Request) -> None:
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    added = [
        (b"traceparent", trace),
        (b"traceparent", b"\xff\xfe"),
        (b"content-type", b"text/html; charset=utf-7"),
        (b"content-encoding", b"gzip"),
        (b"expect", b"a miracle"),
        (b"x-operator", b"acme"),
        (b"connection", b"upgrade"),
        (b"upgrade", b"websocket"),
        (b"cookie", b"=" * 500),
    ]
    request.headers.append(chance.choice(added))


def _method_changed(chance: random.Random, request: Request) -> None:
    request.method = chance.choice(_METHODS)


def _path_changed(chance: random.Random, request: Request) -> None:
    request.path = chance.choice([*_PATHS, request.path.replace("site", "acme"), request.path + "x" * 2000])


def _chunked(_: random.Random, request: Request) -> None:
    request.chunked = True


def _padded(chance: random.Random, request: Request) -> None:
    if chance.random() < 0.1:
        request.body = _large(chance, request.body)


def _hanging_up(chance: random.Random, request: Request) -> None:
    request.hangs_up = chance.random() < 0.1


_REQUEST_MUTATIONS: Final[list[Callable[[random.Random, Request], None]]] = [
    *[_header_changed] * 4,
    *[_header_added] * 2,
    _method_changed,
    _path_changed,
    _chunked,
    _padded,
    _hanging_up,
]


# ----------------------------------------------------------------------------------------------------------- sending


class _Sender:
    """Sends one request after the other on a connection, and opens another one where it was closed."""

    def __init__(self, gateway: Process) -> None:
        self._host, _, port = gateway.webhooks.removeprefix("http://").partition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: Request) -> tuple[int | None, bytes]:
        """Send a request and read the answer; one that went to a connection just closed is sent anew."""
        for is_new in (self._streams is None, True):
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    return await self._exchange(request, *self._streams)
            except (ConnectionError, asyncio.IncompleteReadError):
                await self.close()
                if is_new:
                    break
        return None, b""

    async def _exchange(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int | None, bytes]:
        spelled = request.bytes()
        if request.hangs_up:
            writer.write(spelled[: len(spelled) // 2])
            await writer.drain()
            await self.close()
            return None, b""
        writer.write(spelled)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head.split(b" ", 2)[1])
        lines = dict(line.partition(b": ")[::2] for line in head.split(b"\r\n")[1:])
        is_last = lines.get(b"connection") == b"close"
        if request.method == "HEAD":
            body = b""
        elif lines.get(b"transfer-encoding") == b"chunked":
            body = await _chunks(reader)
        elif b"content-length" in lines:
            body = await reader.readexactly(int(lines[b"content-length"]))
        else:
            body = await reader.read() if is_last else b""
        if is_last or request.may_be_no_http:
            await self.close()
        return status, body

    async def close(self) -> None:
        """Close the connection."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].close()
            with suppress(ConnectionError):
                await streams[1].wait_closed()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def fuzz(count: int, seed: int, folder: Path) -> Fuzzed:
    """Send so many requests to a gateway whose ledger and log are in a folder."""
    fuzzed = Fuzzed()
    made = requests(count, seed)
    log = folder / "log"
    async with services() as own, process(settings_of(own.target, f"sqlite:///{folder}/ledger.db"), log) as gateway:

        async def work() -> None:
            sender = _Sender(gateway)
            for request in made:
                fuzzed.take(request, *await sender.send(request))
                if len(own.calls) > 10_000:
                    own.calls.clear()
            await sender.close()

        await asyncio.gather(*(work() for _ in range(_SENDERS)))
        last = _Sender(gateway)
        if await last.send(_ping()) != (200, b""):
            fuzzed.problems.append("the gateway does not answer any more")
        await last.close()
        if await gateway.end() != 0:
            fuzzed.problems.append("the gateway did not end in order")
    fuzzed.problems += _exceptions(log)
    return fuzzed


def _ping() -> Request:
    return Request("POST", "/pam/site", [], b'{"action":"ping"}')


def _exceptions(log: Path) -> Iterator[str]:
    lines = log.read_text("utf-8", "replace").splitlines()
    signs = ("Traceback", "error_id", "unexpected", "Exception", "never retrieved", "was destroyed")
    found = [index for index, line in enumerate(lines) if any(sign in line for sign in signs)]
    for index in found[:5]:
        yield "in the log: " + "\n".join(lines[max(0, index - 2) : index + 30])


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="how many are sent")
    parser.add_argument("--seed", type=int, default=0, help="decides what they are")
    arguments = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        fuzzed = asyncio.run(fuzz(arguments.requests, arguments.seed, Path(folder)))
    for status, count in sorted(fuzzed.statuses.items()):
        print(f"{status:>10} {count:>8}")
    print(f"{sum(fuzzed.statuses.values())} requests in {time.monotonic() - began:.0f} s, seed {arguments.seed}")
    for problem in fuzzed.problems:
        print(problem, file=sys.stderr)
    return 1 if fuzzed.problems else 0


if __name__ == "__main__":
    sys.exit(main())
