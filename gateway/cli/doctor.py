"""Would it work? What can be found out about settings without placing a bet, one line a finding."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import click
import grpc.aio
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.cli.settings_file import CONFIG, settings_refused
from gateway.cli.status_text import printable
from gateway.ledger.database import LedgerUnavailable
from gateway.ledger.ledger import Ledger
from gateway.live import Live
from gateway.open_files import open_files_problem
from gateway.settings import Operator, Settings, load_settings
from gateway.webhooks.dispatch import Target
from gateway.wire.signing import Whitespace, sign, verify

__all__ = ["doctor_command"]

_SAMPLE: Final = (
    b"12345ABCDE",
    "1706090303",
    (
        b'{"operator":"site","token":"UnIqUe-ToKeN","price":5000,"currency":"KES","atag":"affiliate-1","source":"mobile",'
        b'"type":"superbet","event":100001,"bets":[101,102,103,104,105,106]}'
    ),
    "f99aee9f77eef1ee8b64c78e7f8612e3234f03cce5fecdebd7ea27f2b9081423",
)
"""Key, timestamp, body and signature that the platform publishes."""

_SKEW_S: Final = 30
"""From here on a clock is worth a word, in seconds; signatures hold ten times as long."""

_EXPIRES_SOON_S: Final = 14 * 86_400
_PING: Final = '{"action":"ping","data":{"operator":"%s"}}'


class Verdict(StrEnum):
    """How it is."""

    OK = "ok"
    ODD = "odd"
    BAD = "BAD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    subject: str
    what: str

    @classmethod
    def ok(cls, subject: str, what: str) -> Finding:
        """Say that it is as it should be."""
        return cls(Verdict.OK, subject, what)

    @classmethod
    def odd(cls, subject: str, what: str) -> Finding:
        """Say that it works, and that somebody should know."""
        return cls(Verdict.ODD, subject, what)

    @classmethod
    def bad(cls, subject: str, what: str) -> Finding:
        """Say that it does not work."""
        return cls(Verdict.BAD, subject, what)


@click.command()
@CONFIG
@click.option(
    "--timeout", "timeout_s", type=click.FloatRange(0.1, 60), default=5, show_default=True, help="In seconds."
)
def doctor_command(config: Path | None, timeout_s: float) -> None:
    """Look for what would keep the gateway from working.

    Signs a published sample, writes to the ledger, asks every operator's platform for its cards and its account system
    for a ping, compares the clocks, looks at certificates and at the health of the operator's own services. Nothing is
    changed anywhere. The exit status is 1 if something does not work.
    """
    with settings_refused():
        settings = load_settings(config)
        live = Live(settings, time.time)
    findings = asyncio.run(_printed(_findings(settings, live.signing_key, timeout_s)))
    bad = sum(finding.verdict is Verdict.BAD for finding in findings)
    if bad:
        raise click.ClickException(f"{bad} of {len(findings)} do not work")


async def _printed(findings: AsyncIterator[Finding]) -> list[Finding]:
    seen = []
    async for finding in findings:
        seen.append(finding)
        click.echo(f"{finding.verdict:<4} {finding.subject:<24} {finding.what}")
    return seen


async def _findings(settings: Settings, key_of: Callable[[str], bytes], timeout_s: float) -> AsyncIterator[Finding]:
    yield _signing()
    yield _open_files(settings)
    yield await _ledger(settings, timeout_s)
    async with _client(settings, timeout_s) as http:
        for name, operator in settings.operators.items():
            async for finding in _platform(http, settings, name, operator, key_of(name)):
                yield finding
            if operator.pam_url is not None:
                yield await _ping(http, name, operator.pam_url)
            for setting in ("pam_target", "sms_target"):
                address = getattr(operator, setting)
                if address is not None:
                    yield await _target(f"{name} {setting}", Target.of(operator, address), timeout_s)


def _signing() -> Finding:
    key, timestamp, body, signature = _SAMPLE
    holds = sign(key, timestamp, body) == signature and verify([key], timestamp, body, signature)
    return (
        Finding.ok("signing", "the platform's sample") if holds else Finding.bad("signing", "not as the platform does")
    )


def _open_files(settings: Settings) -> Finding:
    problem = open_files_problem(settings.upstream)
    return Finding.odd("open files", problem) if problem else Finding.ok("open files", "as many as may be needed")


async def _ledger(settings: Settings, timeout_s: float) -> Finding:
    try:
        async with asyncio.timeout(timeout_s):
            ledger = await Ledger.open(settings.ledger.url, settle_s=settings.upstream.timeout_s, clock=time.time)
            try:
                await ledger.prove_writable()
            finally:
                await ledger.close()
    except LedgerUnavailable as error:
        return Finding.bad("ledger", str(error))
    except TimeoutError:
        return Finding.bad("ledger", f"no answer within {timeout_s:g} s")
    return Finding.ok("ledger", "can be written")


@asynccontextmanager
async def _client(settings: Settings, timeout_s: float) -> AsyncIterator[httpx.AsyncClient]:
    cafile = str(settings.upstream.ca_file) if settings.upstream.ca_file else None
    context = ssl.create_default_context(cafile=cafile)
    async with httpx.AsyncClient(verify=context, trust_env=False, timeout=timeout_s) as http:
        yield http


async def _platform(
    http: httpx.AsyncClient, settings: Settings, name: str, operator: Operator, key: bytes
) -> AsyncIterator[Finding]:
    """Ask for the superbet cards, which changes nothing and has to be signed."""
    timestamp = str(int(time.time()))
    signature = sign(key, timestamp, b"", Whitespace(settings.upstream.whitespace))
    headers = {"timestamp": timestamp, "operator-name": name, "signature": signature}
    subject = f"{name} platform_url"
    try:
        answer = await http.get(f"{operator.platform_url}/bc/superbets", params={"operator": name}, headers=headers)
    except httpx.HTTPError as error:
        yield Finding.bad(subject, _trouble(error))
        return
    yield _signed(subject, answer)
    for finding in (*_clock(name, answer), *_certificate(name, answer)):
        yield finding


def _signed(subject: str, answer: httpx.Response) -> Finding:
    if answer.status_code == httpx.codes.OK:
        return Finding.ok(subject, "a signed call is answered")
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return Finding.bad(subject, "HTTP 401: the signature is refused; the key is wrong, or the clock")
    return Finding.bad(subject, f"HTTP {answer.status_code} {printable(answer.text[:100])}".rstrip())


def _clock(name: str, answer: httpx.Response) -> Iterator[Finding]:
    """Compare the clocks by the answer's Date (RFC 9110, 6.6.1), which has whole seconds."""
    subject = f"{name} clock"
    try:
        there = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        yield Finding.odd(subject, "the platform sends no Date to compare it with")
        return
    skew_s = round(time.time() - there)
    if abs(skew_s) <= _SKEW_S:
        yield Finding.ok(subject, f"{skew_s:+d} s from the platform's")
    else:
        yield Finding.odd(subject, f"{skew_s:+d} s from the platform's; signatures will be refused when it grows")


def _certificate(name: str, answer: httpx.Response) -> Iterator[Finding]:
    stream = answer.extensions.get("network_stream")
    secured: Any = stream.get_extra_info("ssl_object") if stream is not None else None
    if secured is None:
        return
    certificate = secured.getpeercert()
    left_s = ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()
    subject, what = f"{name} certificate", f"{secured.version()}, the platform's ends in {left_s / 86_400:.0f} days"
    yield Finding.ok(subject, what) if left_s > _EXPIRES_SOON_S else Finding.odd(subject, what)


async def _ping(http: httpx.AsyncClient, name: str, url: str) -> Finding:
    subject = f"{name} pam_url"
    headers = {"content-type": "application/json"}
    try:
        answer = await http.post(url, content=_PING % name, headers=headers)
    except httpx.HTTPError as error:
        return Finding.bad(subject, _trouble(error))
    if answer.status_code == httpx.codes.OK:
        return Finding.ok(subject, "answers a ping")
    return Finding.bad(subject, f"HTTP {answer.status_code} to a ping")


async def _target(subject: str, target: Target, timeout_s: float) -> Finding:
    async with target.channel() as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return Finding.ok(subject, "can be called, and has no health service")
            return Finding.bad(subject, f"{error.code().name} {printable((error.details() or '')[:100])}".rstrip())
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
    return (Finding.ok if name == "SERVING" else Finding.bad)(subject, name)


def _trouble(error: httpx.HTTPError) -> str:
    return printable(str(error)[:150]) or type(error).__name__
