"""Does the example operator do what it is told, once, over a real channel, and does its money add up?"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.pam.v1 import pam_service_pb2_grpc as pam_grpc
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.sms.v1 import sms_service_pb2_grpc as sms_grpc
from betstack.ticket.v1 import ticket_service_pb2 as tickets
from gateway.sandbox.wallet_service import WalletOptions, WalletService, wallet_service
from tests.sandbox.steering import refusal

Code = grpc.StatusCode


class Caller:
    """Calls a wallet as the gateway does."""

    def __init__(self, wallet: WalletService, channel: grpc.aio.Channel) -> None:
        pam_stub: Any = pam_grpc.PamServiceStub
        sms_stub: Any = sms_grpc.SmsServiceStub
        self.wallet = wallet
        self.channel = channel
        self.pam = pam_stub(channel)
        self.sms = sms_stub(channel)
        self._numbers = count()
        self._player = ""

    async def player(self) -> str:
        """Return the id of the player `demo`."""
        if not self._player:
            self._player = (await self.pam.Identify(pam.IdentifyRequest(operator="site", token="demo"))).player_id
        return self._player

    async def tell(self, action: str, ticket: str = "t1", key: str = "", **changes: Any) -> Message:
        """Tell what happens to a ticket, under a key of its own unless one is given."""
        request = getattr(pam, f"{action}TicketRequest")(
            request_id=key or f"site/{action}/{ticket}/{next(self._numbers)}", operator="site", ticket_id=ticket
        )
        if action in {"Create", "Reserve", "Update"}:
            given = {"player_id": await self.player(), "price": 1000, "net_payout": 1600, "currency": "KES"} | changes
            for name, value in given.items():
                setattr(request, name, value)
        answer: Message = await getattr(self.pam, f"{action}Ticket")(request)
        return answer

    def won(self, ticket: str = "t1") -> tuple[int, int]:
        """Return what the player has won or lost, and what is held for reservations."""
        entries = self.wallet.entries()
        assert sum(entry.amount for entry in entries) == 0
        assert all(entry.ticket == ticket for entry in entries if not entry.cause.startswith("opening/"))
        return self.wallet.balance("demo") - 100_000, self.wallet.balance("held")


@asynccontextmanager
async def calling(options: WalletOptions) -> AsyncIterator[Caller]:
    """Run a wallet and call it."""
    async with wallet_service(options) as wallet, grpc.aio.insecure_channel(wallet.target) as channel:
        yield Caller(wallet, channel)


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    """Run a wallet in memory and call it."""
    async with calling(WalletOptions()) as running:
        yield running


LIVES = [
    # what is told, what the player has won or lost by then, and what is held
    ("Create", -1000, 0),
    ("Reserve", -1000, 1000),
    ("Reserve Create", -1000, 0),
    ("Create Win", 600, 0),
    ("Create Lose", -1000, 0),
    ("Create Void", 0, 0),
    ("Reserve Create Win Close", 600, 0),
    ("Reserve Win", 600, 0),
    ("Reserve Lose", -1000, 0),
    ("Reserve Refund", 0, 0),
    ("Reserve Discard", 0, 0),
    ("Reserve Create Discard", 0, 0),
    ("Create Refund Close", 0, 0),
    ("Create Discard", 0, 0),
    ("Discard", 0, 0),
    ("Create Discard Discard", 0, 0),
    ("Create Win Rollback", -1000, 0),
    ("Create Void Rollback", -1000, 0),
    ("Create Lose Rollback", -1000, 0),
    ("Create Win Rollback Win Rollback Lose Close", -1000, 0),
    ("Reserve Win Rollback Win", 600, 0),
    ("Create Update Win", 1600, 0),
    ("Reserve Update Create Win", 1600, 0),
]


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize(("life", "won", "held"), LIVES)
async def test_the_money_follows_a_ticket(caller: Caller, times: int, life: str, won: int, held: int) -> None:
    """However often each call comes under its key; a second win has a key of its own."""
    for number, action in enumerate(life.split()):
        changes: dict[str, Any] = {"net_payout": 2600} if action == "Update" else {}
        for _ in range(times):
            await caller.tell(action, key=f"site/{action}/t1/{number}", **changes)

    assert caller.won() == (won, held)
    assert len(caller.wallet.calls) == times * len(life.split())


@pytest.mark.parametrize("action", ["Create", "Win", "Rollback"])
async def test_a_repeat_may_come_much_later(caller: Caller, action: str) -> None:
    """Its key is known although the ticket has gone on."""
    for each in ("Create", "Win", "Rollback", "Lose", "Close"):
        await caller.tell(each, key=f"key/{each}")

    await caller.tell(action, key=f"key/{action}")

    assert caller.won() == (-1000, 0)


@pytest.mark.parametrize(
    ("life", "action", "code"),
    [
        ("", "Win", Code.NOT_FOUND),
        ("", "Rollback", Code.NOT_FOUND),
        ("", "Refund", Code.NOT_FOUND),
        ("", "Update", Code.NOT_FOUND),
        ("", "Close", Code.NOT_FOUND),
        ("Discard", "Create", Code.FAILED_PRECONDITION),
        ("Discard", "Reserve", Code.FAILED_PRECONDITION),
        ("Create", "Create", Code.FAILED_PRECONDITION),
        ("Create", "Reserve", Code.FAILED_PRECONDITION),
        ("Create", "Rollback", Code.FAILED_PRECONDITION),
        ("Create", "Close", Code.FAILED_PRECONDITION),
        ("Create Win", "Win", Code.FAILED_PRECONDITION),
        ("Create Win", "Lose", Code.FAILED_PRECONDITION),
        ("Create Win", "Discard", Code.FAILED_PRECONDITION),
        ("Create Win", "Update", Code.FAILED_PRECONDITION),
        ("Create Win Close", "Rollback", Code.FAILED_PRECONDITION),
        ("Create Refund", "Void", Code.FAILED_PRECONDITION),
    ],
)
async def test_what_does_not_fit_is_refused(caller: Caller, life: str, action: str, code: grpc.StatusCode) -> None:
    """With a plain status, and nothing moves."""
    for each in life.split():
        await caller.tell(each)
    entries = caller.wallet.entries()

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await caller.tell(action)

    assert caught.value.code() is code
    assert rpc_status.from_call(caught.value) is None
    assert caller.wallet.entries() == entries


@pytest.mark.parametrize("action", ["Create", "Reserve"])
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": 100_001}, Code.FAILED_PRECONDITION),
        ({"player_id": "nobody"}, Code.NOT_FOUND),
        ({"currency": "USD"}, Code.FAILED_PRECONDITION),
    ],
)
async def test_who_cannot_pay_has_no_ticket(
    caller: Caller, action: str, changes: dict[str, Any], code: grpc.StatusCode
) -> None:
    """A refusal is no tombstone, and its key can be used once more."""
    assert (await refusal(caller.tell(action, key="k", **changes)))[0] is code
    assert caller.won() == (0, 0)

    await caller.tell(action, key="k", price=100_000)
    assert caller.wallet.balance("demo") == 0


async def test_players_are_known_by_their_tokens(caller: Caller) -> None:
    """With what they have now."""
    await caller.tell("Create")

    answer = await caller.pam.Identify(pam.IdentifyRequest(operator="site", token="demo"))

    assert answer == pam.IdentifyResponse(
        player_id=answer.player_id,
        lang="en",
        balance=99_000,
        currency="KES",
        feature_flags={"cashout": True, "bonus": False},
    )
    assert caller.wallet.balance(answer.player_id) == caller.wallet.balance("demo") == 99_000
    for token, code in (("nobody", Code.NOT_FOUND), ("blocked", Code.PERMISSION_DENIED)):
        assert (await refusal(caller.pam.Identify(pam.IdentifyRequest(token=token))))[0] is code


async def test_operators_may_have_the_same_ticket(caller: Caller) -> None:
    """A ticket is one operator's."""
    await caller.tell("Create")

    request = pam.WinTicketRequest(request_id="k", operator="acme", ticket_id="t1")

    assert (await refusal(caller.pam.WinTicket(request)))[0] is Code.NOT_FOUND


async def test_a_key_is_what_the_metadata_says(caller: Caller) -> None:
    """If there is none, the request's id; without either there is no telling a second try from a second win."""
    await caller.tell("Create", key="a")
    request = pam.WinTicketRequest(request_id="b", operator="site", ticket_id="t1")
    await caller.pam.WinTicket(request, metadata=(("idempotency-key", "c"),))
    await caller.pam.WinTicket(request, metadata=(("idempotency-key", "c"),))

    request.request_id = ""
    assert (await refusal(caller.pam.WinTicket(request)))[0] is Code.INVALID_ARGUMENT
    assert list(caller.wallet.calls) == ["a", "c", "c"]
    assert {entry.cause for entry in caller.wallet.entries() if entry.ticket} == {"a", "c"}


async def test_notifications_are_kept(caller: Caller) -> None:
    """All three kinds, in order."""
    otp = sms.SendOtpRequest(operator="site", code="1234", msisdn="+260977223120")
    status = sms.SendTicketStatusRequest(operator="site", ticket_id="t1", status=tickets.TICKET_STATUS_OPEN)
    result = sms.SendBetResultRequest(operator="site", ticket_id="t1", event_id=7)

    answers = [
        await caller.sms.SendOtp(otp),
        await caller.sms.SendTicketStatus(status),
        await caller.sms.SendBetResult(result),
    ]

    assert [answer.message for answer in answers] == ["Notification received"] * 3
    assert list(caller.wallet.notifications) == [otp, status, result]


@pytest.mark.parametrize("file", [pam, sms])
async def test_every_rpc_is_served(caller: Caller, file: Any) -> None:
    """What the contract has, the example answers."""
    (service,) = file.DESCRIPTOR.services_by_name.values()
    for rpc in service.methods:
        call: Any = caller.channel.unary_unary(f"/{service.full_name}/{rpc.name}")
        try:
            await call(b"")
        except grpc.aio.AioRpcError as error:
            assert error.code() in {Code.INVALID_ARGUMENT, Code.NOT_FOUND}, rpc.name  # noqa: PT017


@pytest.mark.parametrize("service", ["", "betstack.pam.v1.PamService", "betstack.sms.v1.SmsService"])
async def test_it_is_healthy(caller: Caller, service: str) -> None:
    """As a whole and in each service."""
    health: Any = health_pb2_grpc.HealthStub(caller.channel)

    answer = await health.Check(health_pb2.HealthCheckRequest(service=service))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_a_file_survives_a_restart(tmp_path: Path) -> None:
    """Money, tickets and keys; players are not opened twice."""
    options = WalletOptions(file=tmp_path / "wallet.db")
    async with calling(options) as first:
        await first.tell("Create", key="a")
    async with calling(options) as second:
        await second.tell("Create", key="a")
        await second.tell("Win", key="b")
        assert second.won() == (600, 0)


async def test_an_address_is_taken_once(caller: Caller) -> None:
    """One that is in use is an error."""
    with pytest.raises(OSError, match=caller.wallet.target):
        async with wallet_service(WalletOptions(listen=caller.wallet.target)):
            pass


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[bytes, bytes]:
    """Make a key, and a certificate for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1")
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    subprocess.run(
        ["openssl", "req", "-x509", *kind, *subject, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    return key.read_bytes(), certificate.read_bytes()


async def test_it_speaks_tls(certificate: tuple[bytes, bytes]) -> None:
    """With the credentials that it is given."""
    credentials = grpc.ssl_server_credentials([certificate])
    async with wallet_service(WalletOptions("localhost:0", credentials=credentials)) as wallet:
        trusted = grpc.ssl_channel_credentials(certificate[1])
        async with grpc.aio.secure_channel(wallet.target, trusted) as channel:
            await Caller(wallet, channel).tell("Create")
        assert wallet.balance("demo") == 99_000
        async with grpc.aio.insecure_channel(wallet.target) as channel:
            assert (await refusal(Caller(wallet, channel).tell("Win")))[0] is Code.UNAVAILABLE
