"""What does `pam check` find out about an endpoint?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.cli.pam_contract import Contract, Finding, Verdict
from gateway.cli.pam_endpoint import Endpoint, Signer, Unreachable
from gateway.cli.pam_scripts import Stake
from gateway.sandbox import SandboxOptions, sandbox
from gateway.wire.signing import sign, verify
from tests.cli.conftest import Prompt
from tests.cli.program import FREE_SANDBOX, Program, started
from tests.harness import hang_up, http_answer, say_nothing, scripted

SECRET = b"12345ABCDE"
NOW = 1_706_191_612
OPENING = 100_000
URL = "http://pam.example/pam"


BEFORE = {
    "create": {"new"},
    "reserve": {"new"},
    "discard": {"new", "open"},
    "win": {"open"},
    "lost": {"open"},
    "void": {"open"},
    "refund": {"open"},
    "rollback": {"won", "lost", "void"},
    "closed": {"won", "lost", "void", "refund"},
}
AFTER = {"create": "open", "reserve": "open", "rollback": "open", "win": "won", "discard": "discarded"}


@dataclass
class Ticket:
    """What an endpoint knows of a ticket."""

    state: str = "new"
    price: int = 0
    payout: int = 0
    done: set[str] = field(default_factory=set)


class Pam:
    """An operator's endpoint, small, and with whichever bugs it is told to have."""

    def __init__(self, *bugs: str) -> None:
        self.bugs = bugs
        self.balance = OPENING
        self.tickets: dict[str, Ticket] = {}
        self.identified: list[str] = []
        self.app = Starlette(routes=[Route("/pam", self.receive, methods=["POST"])])

    async def receive(self, request: Request) -> Response:
        """Answer one delivery."""
        body = await request.body()
        try:
            envelope = json.loads(body)
        except ValueError:
            return Response(status_code=500 if "500 for what is not JSON" in self.bugs else 400)
        action, data = envelope["action"], envelope["data"]
        if action == "ping" and "ping signed" not in self.bugs:
            return Response()
        if not self.is_signed(request, body):
            return Response(status_code=400 if "400 for a signature" in self.bugs else 401)
        if action == "identify":
            self.identified.append(request.headers["timestamp"])
            return self.identify(data["token"])
        if action == "ticket_teleport":
            return JSONResponse({} if "no error body" in self.bugs else {"code": 100, "message": "no"}, 400)
        return self.change(action.removeprefix("ticket_"), data)

    def is_signed(self, request: Request, body: bytes) -> bool:
        """Verify a delivery."""
        stamp, signature = request.headers.get("timestamp", "0"), request.headers.get("signature")
        if signature is None or "any signature" in self.bugs:
            return "unsigned taken" in self.bugs or signature is not None
        if abs(NOW - int(stamp)) > 300 and "old stamps taken" not in self.bugs:
            return False
        if "whitespace signed" in self.bugs:
            return sign(SECRET, stamp + body.decode(), b"") == signature
        # Whoever does not sign the time takes a neighbouring second for it.
        stamps = range(int(stamp) - 1, int(stamp) + 2) if "stamp not signed" in self.bugs else [stamp]
        return any(verify([SECRET], str(each), body, signature) for each in stamps)

    def identify(self, token: str) -> Response:
        """Say who has a token."""
        if token != "demo":
            return JSONResponse({"code": 102 if "wrong code" in self.bugs else 101, "message": "User not found"}, 400)
        player = {"player_id": "1", "lang": "en", "balance": self.balance, "currency": "KES", "feature_flags": {}}
        missing = [name for name in player if f"no {name}" in self.bugs]
        return JSONResponse({name: value for name, value in player.items() if name not in missing})

    def change(self, action: str, data: dict[str, Any]) -> Response:
        """Do what an action says, once."""
        ticket = self.tickets.setdefault(data["ticket_id"], Ticket())
        repeats = action in ticket.done
        if repeats and f"{action} twice" not in self.bugs:
            return Response()
        if not repeats and ticket.state not in BEFORE[action] and not self.overlooks(action, ticket):
            return JSONResponse({"code": 116, "message": f"Ticket is {ticket.state}"}, 400)
        if action == "discard" and ticket.state == "new" and "discard must be known" in self.bugs:
            return JSONResponse({"code": 102, "message": "Ticket is not found"}, 400)
        if action in {"create", "reserve"}:
            ticket.price, ticket.payout = data["price"], data["net_payout"]
        if f"{action} keeps" not in self.bugs:
            self.balance += self.moved(action, ticket)
        self.note(action, ticket)
        return Response()

    def overlooks(self, action: str, ticket: Ticket) -> bool:
        """Tell whether a bug lets an action through."""
        return action == "create" and ticket.state == "discarded" and "late create taken" in self.bugs

    def moved(self, action: str, ticket: Ticket) -> int:
        """Return what the player gets."""
        match action:
            case "create" | "reserve":
                return -ticket.price
            case "void" | "refund" | "discard":
                return ticket.price
            case "win":
                return ticket.payout
            case "rollback":
                return -{"won": ticket.payout, "void": ticket.price}.get(ticket.state, 0)
            case _:
                return 1 if f"{action} pays" in self.bugs else 0

    def note(self, action: str, ticket: Ticket) -> None:
        """Remember an action; a rollback begins a new round."""
        if action != "closed":
            ticket.state = AFTER.get(action, action)
        if action != "rollback":
            ticket.done.add(action)
        elif "no rounds" not in self.bugs:
            ticket.done -= {"win", "lost", "void"}


def contract(client: httpx.AsyncClient, timer: Callable[[], float] = lambda: 0.0, **changes: Any) -> Contract:
    """Make a contract test by a clock that stands still."""
    stake = Stake("demo", 100, "KES")._replace(**changes)
    return Contract(Endpoint(URL, client, 10, timer), Signer("site", SECRET, lambda: NOW), stake)


async def checked(pam: Pam, **options: Any) -> dict[str, Finding]:
    """Check an endpoint in this process; return the findings by case."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=pam.app)) as client:
        return {finding.case: finding async for finding in contract(client, **options).findings()}


def with_verdict(findings: dict[str, Finding], verdict: Verdict) -> set[str]:
    """Return the cases that ended so."""
    return {case for case, finding in findings.items() if finding.verdict is verdict}


async def test_a_good_endpoint_passes() -> None:
    """Everything passes, and the player has what they had."""
    pam = Pam()

    findings = await checked(pam)

    assert {case: finding for case, finding in findings.items() if finding.verdict is not Verdict.PASS} == {}
    assert len(findings) == 23
    assert pam.balance == OPENING


MONEY = {
    "create delivered three times",
    "reserve delivered three times",
    "discard delivered three times",
    "discard first, then its create",
    "create again after its discard",
    "win delivered three times",
    "win, rollback, then lost",
    "win, rollback, then win again",
    "void delivered three times",
    "refund delivered three times",
    "closed after a result",
}
BUGS: list[tuple[str, set[str]]] = [
    ("ping signed", {"ping, which is not signed"}),
    ("no lang", {"identify a known token"}),
    ("no feature_flags", {"identify a known token"}),
    ("no currency", {"identify a known token"}),
    ("no balance", {"identify a known token", *MONEY}),
    ("wrong code", {"identify an unknown token"}),
    ("any signature", {"signed with another key", "timestamp changed after signing", "price changed after signing"}),
    ("unsigned taken", {"no signature"}),
    ("stamp not signed", {"timestamp changed after signing"}),
    ("400 for a signature", {"signed with another key", "price changed after signing"}),
    ("no error body", {"unknown action"}),
    ("500 for what is not JSON", {"signed, but not JSON"}),
    ("create twice", {"create delivered three times", "create again after its discard"}),
    ("reserve twice", {"reserve delivered three times"}),
    ("discard twice", {"discard delivered three times"}),
    ("discard keeps", {"discard delivered three times", "create again after its discard"}),
    ("discard must be known", {"discard first, then its create"}),
    ("late create taken", {"discard first, then its create"}),
    ("win twice", {"win delivered three times"}),
    ("win keeps", {"win delivered three times", "win, rollback, then lost", "win, rollback, then win again"}),
    ("rollback keeps", {"win, rollback, then lost", "win, rollback, then win again"}),
    ("no rounds", {"win, rollback, then win again"}),
    ("void keeps", {"void delivered three times", "closed after a result"}),
    ("void twice", {"void delivered three times"}),
    ("refund twice", {"refund delivered three times"}),
    ("closed pays", {"closed after a result"}),
]


@pytest.mark.parametrize(("bug", "cases"), BUGS, ids=[bug for bug, _ in BUGS])
async def test_a_bug_fails_its_cases(bug: str, cases: set[str]) -> None:
    """Each rule that is broken fails the cases that are about it, and no others."""
    assert with_verdict(await checked(Pam(bug)), Verdict.FAIL) == cases


@pytest.mark.parametrize(
    ("bug", "case"),
    [("old stamps taken", "a timestamp one hour old"), ("whitespace signed", "whitespace added after signing")],
)
async def test_what_is_not_documented_is_a_warning(bug: str, case: str) -> None:
    """What the platform leaves open does not fail."""
    findings = await checked(Pam(bug))

    assert with_verdict(findings, Verdict.WARN) == {case}
    assert with_verdict(findings, Verdict.FAIL) == set()


async def test_what_was_seen_is_said() -> None:
    """A finding names the action, its answer and the money that moved otherwise."""
    twice, unknown = await checked(Pam("win twice")), await checked(Pam("discard must be known"))

    payout = 267 - 18
    assert twice["win delivered three times"].seen == (
        f"ticket_win (the same delivery): 200, but the balance has changed by {2 * payout - 100:+} "
        f"and not by {payout - 100:+}"
    )
    assert unknown["discard first, then its create"].seen == "ticket_discard: 400 code 102 Ticket is not found"


async def test_money_taken_by_a_forgery_is_returned() -> None:
    """A create that should have been refused is discarded."""
    pam = Pam("any signature", "unsigned taken")

    findings = await checked(pam)

    assert findings["no signature"].seen == "200, 100 taken"
    assert pam.balance == OPENING


async def test_no_two_questions_are_signed_alike() -> None:
    """An endpoint that answers a repeated delivery from memory gives every balance anew."""
    pam = Pam()

    await checked(pam)

    # One unknown token, one with whitespace and one from an hour ago are apart from these.
    own = [stamp for stamp in pam.identified if int(stamp) > NOW - 60]
    assert len(own) > 40
    assert len(set(own)) >= len(own) - 2


async def test_who_cannot_pay_cannot_check() -> None:
    """A balance below the price is said, and no ticket is created."""
    pam = Pam()

    findings = await checked(pam, price=OPENING + 1)

    assert {findings[case].seen for case in MONEY} == {"not tried: the balance, 100000, is less than the price"}
    assert with_verdict(findings, Verdict.FAIL) == MONEY
    assert pam.balance == OPENING


async def test_another_currency_is_a_wrong_field() -> None:
    """The player's currency has to be the one that the check is told."""
    findings = await checked(Pam(), currency="USD")

    assert findings["identify a known token"].seen == "200, wrong: currency"


async def test_slow_answers_are_a_warning() -> None:
    """An endpoint that takes longer than two seconds is warned about, by a clock that says so."""
    seconds = count(0, 3)

    findings = await checked(Pam(), timer=lambda: next(seconds))

    assert findings["speed"].seen == "slowest: 3.00 s"
    assert with_verdict(findings, Verdict.WARN) == {"speed"}


async def answer_of(*script: Any, timeout_s: float = 10) -> str:
    """Return what is said of the last of an endpoint's answers."""
    async with scripted(*script) as place, httpx.AsyncClient(trust_env=False) as client:
        endpoint = Endpoint(place.url, client, timeout_s)
        signer = Signer("site", SECRET)
        answers = [str(await endpoint.deliver(signer.action("ping", {}))) for _ in script]
    return answers[-1]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ([http_answer(200, b"x" * 70_000)], "200 with a body of more than 65536 bytes"),
        ([http_answer(302, location="http://elsewhere/")], "302"),
        ([http_answer(400, rb'{"code":113,"message":"no\u001b[2J money"}')], "400 code 113 no�[2J money"),
        ([http_answer(400, b'{"code":113,"message":"' + b"x" * 99 + b'"}')], "400 code 113 " + "x" * 60 + "…"),
        ([http_answer(400, b'{"code":true,"message":"x"}')], "400"),
        ([http_answer(500, b"[" * 100)], "500"),
        ([hang_up], "no answer: Server disconnected without sending a response."),
        ([b"nonsense\r\n\r\n"], "no answer: "),
    ],
)
async def test_whatever_comes_back_is_said(script: list[Any], said: str) -> None:
    """An answer that is none, too long or not JSON is said in words that steer no terminal."""
    assert (await answer_of(*script)).startswith(said)


async def test_silence_ends_after_the_timeout() -> None:
    """An endpoint that says nothing is not waited for longer than one is told to."""
    assert await answer_of(say_nothing, timeout_s=0.01) == "no answer within 0.01 s"


async def test_an_endpoint_that_goes_away_is_no_answer() -> None:
    """Only an endpoint that was never there ends the check."""
    async with httpx.AsyncClient(trust_env=False) as client:
        async with scripted(http_answer(200, connection="close")) as place:
            endpoint = Endpoint(place.url, client, 10)
            delivery = Signer("site", SECRET).action("ping", {})
            assert (await endpoint.deliver(delivery)).ok
        assert str(await endpoint.deliver(delivery)) == "no connection"
        with pytest.raises(Unreachable):
            await Endpoint(place.url, client, 10).deliver(delivery)


async def test_the_sandbox_passes() -> None:
    """The sandbox's own PAM endpoint keeps every rule, for every operator."""
    options = SandboxOptions(listen="127.0.0.1:0", operators={"acme": "another key"})
    async with sandbox(options) as platform, httpx.AsyncClient(trust_env=False) as client:
        endpoint = Endpoint(f"{platform.url}/pam", client, 10)
        tried = Contract(endpoint, Signer("acme", b"another key"), Stake("demo", 4_321, "KES"))
        findings = [finding async for finding in tried.findings()]
        balance = platform.wallet.balance(platform.wallet.player_of("demo").id)

    assert {finding.verdict for finding in findings} == {Verdict.PASS}, findings
    assert (tried.before, tried.after, balance) == (OPENING, OPENING, OPENING)


@pytest.fixture(scope="module")
def platform() -> Iterator[Program]:
    """Run a sandbox on a free port."""
    with started("sandbox", *FREE_SANDBOX) as program:
        yield program
        assert program.end() == 0


@pytest.fixture(scope="module")
def target(platform: Program) -> str:
    """Return where the sandbox's PAM endpoint is."""
    return f"{platform.line('sandbox').split()[1]}/pam"


def test_the_command_prints_a_table(prompt: Prompt, key_file: Path, target: str) -> None:
    """Each case is a line with its verdict; the exit status is 0 where none failed."""
    who = ("--operator", "site", "--token", "demo")

    answer = prompt("pam", "check", "--target", target, "--secret-file", key_file, *who, env={"COLUMNS": "200"})

    lines = answer.output.splitlines()
    assert answer.exit_code == 0, answer.output
    assert lines[0].split() == ["Case", "Expected", "Seen"]
    assert lines[3].split("  ")[0] == "identify an unknown token"
    assert " pass  400 code 101 User not found" in lines[3]
    assert lines[-1] == "23 passed, 0 warned, 0 failed; the balance was 100000 and is 100000"
    assert "12345ABCDE" not in answer.output


def test_a_case_that_fails_ends_with_status_1(prompt: Prompt, key_file: Path, target: str) -> None:
    """With a key that is not the endpoint's, the table says what failed."""
    key_file.write_bytes(b"another key")
    who = ("--operator", "site", "--token", "demo")

    answer = prompt("pam", "check", "--target", target, "--secret-file", key_file, *who)

    assert answer.exit_code == 1
    assert " FAIL  401" in answer.output
    assert "14 failed; the balance was unknown and is unknown" in answer.output


@pytest.mark.parametrize(
    ("url", "said", "status"),
    [
        ("http://127.0.0.1:1/pam", "cannot reach http://127.0.0.1:1/pam: ", 1),
        ("https://127.0.0.1:1/pam", "cannot reach https://127.0.0.1:1/pam: ", 1),
        ("127.0.0.1:8080", "has to be an http or https URL", 2),
        ("ftp://x/pam", "has to be an http or https URL", 2),
        ("http://x:port/pam", "has to be an http or https URL", 2),
        ("http:///pam", "has to be an http or https URL", 2),
    ],
)
def test_a_target_that_cannot_be_is_refused(prompt: Prompt, key_file: Path, url: str, said: str, status: int) -> None:
    """Nobody there, and text that is no URL, are said in a sentence."""
    answer = prompt(
        *("pam", "check", "--target", url, "--secret-file", key_file, "--operator", "site", "--token", "demo")
    )

    assert answer.exit_code == status
    assert said in answer.output
