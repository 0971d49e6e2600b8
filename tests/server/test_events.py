"""Who only wants to know hears of every verified webhook: typed, in order, once from each cursor on, for a while."""

from __future__ import annotations

import asyncio
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from betstack.event.v1 import event_service_pb2 as pb
from betstack.event.v1.event_service_pb2_grpc import EventServiceStub
from betstack.pam.v1 import pam_service_pb2 as pam
from gateway.app import gateway
from gateway.contract import load_contract
from gateway.failure import Failure, Reason
from gateway.ledger import events
from gateway.ledger.ledger import Ledger
from gateway.server.events import _cursor, _seq
from tests.harness import SECRET, refused
from tests.ledger.rows import Clock as Still
from tests.ledger.rows import ledger_at
from tests.webhooks.circle import Circle, Clock, circle, circle_settings, until_rows
from tests.webhooks.deliveries import ACTIONS, NOTIFICATIONS, SAMPLES
from tests.webhooks.process import process, settings_of
from tests.webhooks.services import Behaviour, Held, agreeing, failing, services, until

KINDS: Final = [token for token in (*ACTIONS, *NOTIFICATIONS) if token not in ("identify", "otp")]
PATIENCE_S: Final = 15
DAY_S: Final = 86_400


class Subscriber:
    """Reads a stream of events until it is told to stop."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    async def read(self, count: int, **request: Any) -> list[pb.SubscribeResponse]:
        """Subscribe, read so many events, and hang up."""
        found: list[pb.SubscribeResponse] = []
        async with aclosing(self.stream(**request)) as stream, asyncio.timeout(PATIENCE_S):
            while len(found) < count:
                found.append(await anext(stream))
        return found

    async def stream(self, **request: Any) -> AsyncGenerator[pb.SubscribeResponse, None]:
        """Subscribe and hang up at the end."""
        call = self._stub.Subscribe(pb.SubscribeRequest(**request))
        try:
            async for response in call:
                yield response
        finally:
            call.cancel()

    async def fails(self, reason: Reason, **request: Any) -> Any:
        """Subscribe, expect an error and return it."""
        with refused(reason) as refusal:
            await self.read(1_000_000, **request)
        return refusal

    async def acknowledge(self, consumer: str, cursor: str, operator: str = "") -> None:
        """Let the gateway keep a consumer's cursor."""
        await self._stub.Acknowledge(pb.AcknowledgeRequest(operator=operator, consumer=consumer, cursor=cursor))


def subscriber(running: Circle) -> Subscriber:
    """Return a subscriber to a circle's events."""
    return Subscriber(running.events)


def kinds_of(found: list[pb.SubscribeResponse]) -> list[str]:
    """Return the kinds of events in the platform's words."""
    return [str(each.event.WhichOneof("body")) for each in found]


def ticket_of(response: pb.SubscribeResponse) -> str:
    """Return the ticket that an event is about."""
    return str(getattr(response.event, str(response.event.WhichOneof("body"))).ticket_id)


async def tickets(running: Circle, names: list[str], action: str = "ticket_win") -> None:
    """Let something happen on each of these tickets, in order."""
    for name in names:
        assert (await running.send(action, ticket_id=name)).status_code == 200


@pytest.fixture
async def running() -> AsyncIterator[Circle]:
    """Return a circle, with a second operator."""
    async with services() as own:
        acme = {"secret": SECRET, "platform_url": "http://127.0.0.1:1", "pam_target": own.target}
        async with circle(own, operators={"acme": acme}, webhooks={"repeat_s": [0.05]}) as made:
            yield made


# ------------------------------------------------------------------------------------------------------ what is told


async def test_every_kind_is_an_event_of_its_own_type(running: Circle) -> None:
    """All but ``identify``, ``ping`` and ``otp``, with everything but what is sensitive, and when it was signed."""
    for at, token in enumerate(["ping", *ACTIONS, *NOTIFICATIONS]):
        changes = {"ticket_id": token, "colour": "blue"} if "ticket_id" in SAMPLES[token] else {}
        assert (await running.send(token, at, **changes)).status_code == 200

    found = await subscriber(running).read(len(KINDS))
    assert kinds_of(found) == KINDS
    called = {call.rpc: call.request for call in running.services.calls}
    rpcs = {**ACTIONS, **NOTIFICATIONS}
    for at, each in enumerate(found):
        token = KINDS[at]
        expected = type(called[rpcs[token]])()
        expected.CopyFrom(called[rpcs[token]])
        for name in ("request_id", "msisdn"):
            if name in expected.DESCRIPTOR.fields_by_name:
                expected.ClearField(name)
        body = getattr(each.event, token)
        assert body == expected
        assert dict(body.unmapped) == {"colour": "blue"}
        assert body.operator == each.event.operator == "site"
        signed = ["ping", *ACTIONS, *NOTIFICATIONS].index(token) + running.base
        assert each.event.signed_time.ToSeconds() == signed
        assert abs(each.event.accepted_time.ToSeconds() - running.clock()) < 60
    assert found[KINDS.index("ticket_status")].event.ticket_status.msisdn == ""


def test_the_kinds_are_those_of_the_contract() -> None:
    """Every action and type has an event but the three, and no ticket action has a field that would have to be left out."""
    routes = [route for route in load_contract().routes.values() if route.envelope]
    told = {route.envelope.token: route for route in routes if route.envelope}
    bodies = pb.Event.DESCRIPTOR.oneofs_by_name["body"].fields
    assert {field.name for field in bodies} == set(told) - {"ping", "identify", "otp"} == set(KINDS)
    for field in bodies:
        assert field.message_type is told[field.name].request.message.DESCRIPTOR
        if field.message_type.file is pam.DESCRIPTOR:
            assert not [each for each in told[field.name].request.fields if each.sensitive]
    names = {name.removeprefix("EVENT_KIND_").lower(): number for name, number in pb.EventKind.items() if number}
    assert names == {field.name: field.number for field in bodies}


async def test_what_was_not_accepted_is_no_event(running: Circle) -> None:
    """Neither what was refused, by gateway or service, nor a lost create, a repeat, an older update or a bad signature."""
    for at in (1, 1, 2):
        await running.send("ticket_create", at)
    await running.send("ticket_update", 5, price=1)
    await running.send("ticket_update", 4, price=2)
    await running.send("ticket_closed", 6)
    await running.send("ticket_create", 7, price=2)
    running.services.will("LoseTicket", failing(grpc.StatusCode.FAILED_PRECONDITION))
    await running.send("ticket_lost", 8)
    running.services.will("CreateTicket", failing(grpc.StatusCode.UNAVAILABLE))
    await running.send("ticket_create", 9, ticket_id="lost")
    running.services.will("SendBetResult", failing(grpc.StatusCode.UNAVAILABLE))
    await running.send("bet_result", 10)
    await running.send("ticket_win", 11, secret="wrong")
    await running.send("ticket_discard", 12, ticket_id="lost")
    assert kinds_of(await subscriber(running).read(3)) == ["ticket_create", "ticket_update", "ticket_discard"]
    await running.send("ticket_win", 13)
    assert kinds_of(await subscriber(running).read(4))[3:] == ["ticket_win"]


async def test_what_is_tried_on_is_told_once_and_in_order(running: Circle) -> None:
    """As soon as it is accepted, before what follows on the ticket, whatever its tries come to."""
    running.services.will("WinTicket", *[failing(grpc.StatusCode.UNAVAILABLE)] * 3, Held())
    reading = asyncio.create_task(subscriber(running).read(1))
    assert (await running.send("ticket_win", 1)).status_code == 200
    assert kinds_of(await reading) == ["ticket_win"]
    running.services.will("WinTicket", failing(grpc.StatusCode.INVALID_ARGUMENT))
    await until(lambda: running.counts.get("webhook_needs_human"))
    assert (await running.send("ticket_rollback", 2)).status_code == 200
    assert kinds_of(await subscriber(running).read(2)) == ["ticket_win", "ticket_rollback"]


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (agreeing, ["ticket_create", "ticket_discard"]),
        (failing(grpc.StatusCode.UNAVAILABLE), ["ticket_discard"]),
    ],
)
async def test_a_discard_is_told_after_its_create(ending: Behaviour, told: list[str]) -> None:
    """Though it is answered while the create's try is still out; that the create is lost is told to nobody."""
    async with circle(webhooks={"answer_after_s": 0.05}) as running:
        held = Held(ending)
        running.services.will("CreateTicket", held)
        create = asyncio.create_task(running.send("ticket_create", 1))
        await held.asked.wait()
        assert (await running.send("ticket_discard", 2)).status_code == 200
        held.open.set()
        await create
        assert kinds_of(await subscriber(running).read(len(told))) == told
        await until_rows(running, "SELECT COUNT(*) FROM events", len(told))


async def test_operators_do_not_hear_of_each_other(running: Circle) -> None:
    """An empty operator is the default one; one that is not configured is refused."""
    await tickets(running, ["site's"])
    assert (await running.send("ticket_win", of="acme", ticket_id="acme's")).status_code == 200
    await tickets(running, ["site's again"[:4]])
    own = subscriber(running)
    assert [ticket_of(each) for each in await own.read(2)] == ["site's", "site"]
    assert [ticket_of(each) for each in await own.read(2, operator="site")] == ["site's", "site"]
    [acme] = await own.read(1, operator="acme")
    assert (ticket_of(acme), acme.event.operator) == ("acme's", "acme")
    await own.fails(Reason.OPERATOR_NOT_CONFIGURED, operator="nobody")


# ---------------------------------------------------------------------------------------------------- where to resume


async def test_a_stream_goes_on_with_what_comes(running: Circle) -> None:
    """First what is kept, then every new one as it is accepted."""
    await tickets(running, ["a", "b"])
    async with aclosing(subscriber(running).stream()) as stream, asyncio.timeout(PATIENCE_S):
        for name in ("a", "b", "c", "d"):
            if name > "b":
                await tickets(running, [name])
            assert ticket_of(await anext(stream)) == name


async def test_a_cursor_resumes_with_the_next_event(running: Circle) -> None:
    """From each event on exactly the later ones, in order; cursors are opaque, different and the same for everybody."""
    names = [f"t{number}" for number in range(8)]
    await tickets(running, names)
    own = subscriber(running)
    everything = await own.read(8)
    assert len({each.cursor for each in everything}) == 8
    assert all(each.cursor.isascii() and each.cursor.replace("-", "").replace("_", "").isalnum() for each in everything)
    for index, each in enumerate(everything[:-1]):
        assert await own.read(7 - index, cursor=each.cursor) == everything[index + 1 :]
    waiting = asyncio.create_task(own.read(1, cursor=everything[-1].cursor))
    await tickets(running, ["new"])
    assert [ticket_of(each) for each in await waiting] == ["new"]


async def test_only_the_kinds_asked_for(running: Circle) -> None:
    """Also when resumed; a kind that does not exist is named."""
    for number in range(3):
        await tickets(running, [f"t{number}"])
        await tickets(running, [f"t{number}"], "ticket_rollback")
    own = subscriber(running)
    wins = await own.read(3, kinds=[pb.EVENT_KIND_TICKET_WIN])
    assert kinds_of(wins) == ["ticket_win"] * 3
    [first, *_] = wins
    both = [pb.EVENT_KIND_TICKET_ROLLBACK, pb.EVENT_KIND_TICKET_WIN, pb.EVENT_KIND_TICKET_WIN]
    assert kinds_of(await own.read(5, kinds=both, cursor=first.cursor)) == ["ticket_rollback", "ticket_win"] * 2 + [
        "ticket_rollback"
    ]
    for wrong in (0, 9, 22, -1):
        refusal = await own.fails(Reason.INVALID_REQUEST, kinds=[pb.EVENT_KIND_TICKET_WIN, wrong])
        assert refusal.fields == ["kinds[1]"]


async def test_a_request_with_very_many_kinds_harms_nobody(running: Circle) -> None:
    """A kind that is asked for a hundred thousand times is asked for once, and others are served meanwhile."""
    await tickets(running, ["a"])
    many, one = await asyncio.gather(
        subscriber(running).read(1, kinds=[pb.EVENT_KIND_TICKET_WIN] * 100_000), subscriber(running).read(1)
    )
    assert many == one


async def test_a_consumer_s_cursor_is_kept(running: Circle) -> None:
    """By name and operator; it begins at the beginning, never goes back, and yields to a cursor that is given."""
    await tickets(running, ["a", "b", "c"])
    own = subscriber(running)
    a, b, c = await own.read(3, consumer="mails")
    assert await own.read(3, consumer="mails") == [a, b, c]
    await own.acknowledge("mails", b.cursor)
    assert await own.read(1, consumer="mails") == [c]
    await own.acknowledge("mails", a.cursor)
    assert await own.read(1, consumer="mails") == [c]
    assert await own.read(3, consumer="reports") == [a, b, c]
    assert await own.read(2, consumer="mails", cursor=a.cursor) == [b, c]
    await own.acknowledge("mails", c.cursor)
    waiting = asyncio.create_task(own.read(1, consumer="mails"))
    await tickets(running, ["d"])
    assert [ticket_of(each) for each in await waiting] == ["d"]


async def test_a_consumer_has_a_name(running: Circle) -> None:
    """Of 1 to 128 printable characters; where the caller keeps the cursor it has none."""
    await tickets(running, ["a"])
    own = subscriber(running)
    [a] = await own.read(1)
    for name in ("x" * 128, "\u00e4 b", "a/b"):
        await own.acknowledge(name, a.cursor)
    for name in ("", "x" * 129, "a\0b", "a\n"):
        with refused(Reason.INVALID_REQUEST) as refusal:
            await own.acknowledge(name, a.cursor)
        assert refusal.fields == ["consumer"]
        if name:
            await own.fails(Reason.INVALID_REQUEST, consumer=name)


async def test_another_operator_s_cursor_is_refused(running: Circle) -> None:
    """It is a place among other events."""
    await tickets(running, ["a"])
    own = subscriber(running)
    [a] = await own.read(1)
    assert (await own.fails(Reason.INVALID_REQUEST, operator="acme", cursor=a.cursor)).fields == ["cursor"]
    with refused(Reason.INVALID_REQUEST):
        await own.acknowledge("mails", a.cursor, operator="acme")


def _encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def test_a_cursor_that_is_none_is_refused(running: Circle) -> None:
    """Whatever was made up: the field is named, and nothing else happens."""
    own = subscriber(running)
    spelled = [
        *(
            "",
            "1:5",
            "2:5:site",
            "1:x:site",
            "1:-5:site",
            "1:+5:site",
            "1: 5:site",
            "1:05:site",
            "1:0:site",
            "1:5_0:site",
        ),
        *("1:\u0665:site", "1:\u00b2:site", f"1:{2**63}:site", f"1:{'9' * 5000}:site", "1:5:Site", "1:5:site:"),
    ]
    good = _encoded("1:5:site")
    for cursor in (*map(_encoded, spelled), "x", "0", "\u00e4", "=", "A" * 10_000, good + "=", "!" + good, good + "\n"):
        if cursor:
            assert (await own.fails(Reason.INVALID_REQUEST, cursor=cursor)).fields == ["cursor"]
        with refused(Reason.INVALID_REQUEST) as refusal:
            await own.acknowledge("mails", cursor)
        assert refusal.fields == ["cursor"]
    await own.acknowledge("mails", good)


@given(st.text() | st.binary().map(lambda raw: urlsafe_b64encode(raw).decode()))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    """Reading one raises nothing else."""
    try:
        seq = _seq("site", text)
    except Failure as failure:
        seq, reason = 0, failure.reason
    assert _cursor("site", seq) == text if seq else reason is Reason.INVALID_REQUEST


@given(st.integers(1, 2**63 - 1), st.text(min_size=1, max_size=20).filter(str.isascii))
def test_a_cursor_reads_as_it_was_written(seq: int, operator: str) -> None:
    """For every operator, those with a colon too."""
    assert _seq(operator, _cursor(operator, seq)) == seq
    assert urlsafe_b64decode(_cursor(operator, seq) + "==")


# ------------------------------------------------------------------------------------------------------ what is kept


async def test_events_are_kept_for_a_while(running: Circle) -> None:
    """Then a cursor before them has expired; who has read everything, or names no cursor, goes on."""
    await tickets(running, ["rare"], "ticket_lost")
    await tickets(running, ["a", "b", "c"])
    own = subscriber(running)
    _, a, b, c = await own.read(4)
    await own.acknowledge("slow", a.cursor)
    await own.acknowledge("quick", c.cursor)
    async with AsyncExitStack() as stack:
        rare = await stack.enter_async_context(aclosing(own.stream(kinds=[pb.EVENT_KIND_TICKET_LOST])))
        assert ticket_of(await anext(rare)) == "rare"
        heard = asyncio.ensure_future(anext(rare))
        await _until_reading(running)
        running.clock.advance(121 * DAY_S)
        await until_rows(running, "SELECT COUNT(*) FROM events", 0)

        for expired in ({"cursor": a.cursor}, {"cursor": b.cursor}, {"consumer": "slow"}):
            refusal = await own.fails(Reason.CURSOR_EXPIRED, **expired)
            assert refusal.code is grpc.StatusCode.OUT_OF_RANGE
        at = int(running.clock()) - running.base
        assert (await running.send("ticket_lost", at, ticket_id="d")).status_code == 200
        for good in ({"cursor": c.cursor}, {"consumer": "quick"}, {"consumer": "new"}, {}):
            assert [ticket_of(each) for each in await own.read(1, **good)] == ["d"]
        # Somebody who waited for a rare kind all the time has missed nothing.
        async with asyncio.timeout(PATIENCE_S):
            assert ticket_of(await heard) == "d"


async def _until_reading(running: Circle) -> None:
    """Wait until an open stream has looked for events once more."""
    database = running.gateway.ledger.database
    before = getattr(database, "commits", 0)
    await until(lambda: getattr(database, "commits", 0) > before + 10)


async def test_how_long_is_a_setting() -> None:
    """``webhooks.keep_days``."""
    async with circle(webhooks={"keep_days": 1}) as running:
        await tickets(running, ["a"])
        running.clock.advance(DAY_S / 2 + 601)
        await _until_reading(running)
        assert len(await running.rows("SELECT 1 FROM events")) == 1
        running.clock.advance(DAY_S / 2)
        await until_rows(running, "SELECT COUNT(*) FROM events", 0)


async def test_no_event_is_missed_while_two_gateways_write(ledger_url: str) -> None:
    """Whoever has seen a number has seen all smaller ones, on both databases."""
    async with ledger_at(ledger_url, Still()) as one, ledger_at(ledger_url, Still()) as other:

        async def write(ledger: Ledger, name: str) -> None:
            for number in range(10):
                tell = partial(events.tell, "site", "ticket_win", f"{name}{number}".encode(), 1, 1.0)
                await ledger.database.run(tell)

        writing = asyncio.gather(
            *(write(each, f"{index}-{n}-") for index, each in enumerate((one, other)) for n in range(8))
        )
        seen: list[bytes] = []
        after = 0
        async with asyncio.timeout(PATIENCE_S):
            while len(seen) < 160:
                page = await other.database.run(partial(events.read_events, "site", ["ticket_win"], after, 7))
                assert page.newest >= after
                for event in page.events:
                    assert event.seq > after
                    after = event.seq
                    seen.append(event.payload)
        await writing
        assert len(set(seen)) == 160


# ------------------------------------------------------------------------------------------ subscribers of all sorts


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_a_subscriber_killed_at_random_sees_everything(seed: int) -> None:
    """It resumes from the cursor it last kept: every event at least once, from the cursor on none twice, in order."""
    asyncio.run(_killed_at_random(random.Random(seed)))


async def _killed_at_random(chance: random.Random) -> None:
    names = [f"t{number}" for number in range(60)]
    async with circle() as running:
        own = subscriber(running)
        happening = asyncio.create_task(tickets(running, names))
        kept = ""
        dealt_with: list[str] = []
        seen: set[str] = set()
        async with asyncio.timeout(PATIENCE_S):
            while len(dealt_with) < len(names):
                life = chance.randrange(1, 12)
                async with aclosing(own.stream(cursor=kept)) as stream:
                    async for each in stream:
                        seen.add(ticket_of(each))
                        life -= 1
                        if not life and len(seen) < len(names):
                            break  # killed before it was dealt with
                        assert ticket_of(each) not in dealt_with
                        dealt_with.append(ticket_of(each))
                        kept = each.cursor
                        if len(dealt_with) == len(names):
                            break
        await happening
        assert dealt_with == names


@asynccontextmanager
async def backlog(folder: Path, count: int, size: int) -> AsyncIterator[str]:
    """Make a ledger with so many large events, and yield its URL."""
    url = f"sqlite:///{folder}/ledger.db"
    payload = pam.RefundTicketRequest(operator="site", ticket_id="t", reason="x" * size).SerializeToString()
    async with ledger_at(url, Clock()) as ledger:
        tell = partial(events.tell, "site", "ticket_refund", payload, 1)
        now = Clock()()
        await asyncio.gather(*(ledger.database.run(partial(tell, now)) for _ in range(count)))
    yield url


async def test_a_consumer_that_does_not_read_costs_nothing(tmp_path: Path) -> None:
    """10,000 events of 4 KiB wait for one who reads the first and then nothing: the gateway grows by less than a tenth."""
    count, size = 10_000, 4096
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(backlog(tmp_path, count, size))
        own = await stack.enter_async_context(process(settings_of("127.0.0.1:1", url), tmp_path / "log"))
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(own.target))
        stub: Any = EventServiceStub(channel)  # type: ignore[no-untyped-call]
        await Subscriber(stub).read(200)
        before = own.memory()
        lazy = stub.Subscribe(pb.SubscribeRequest())
        assert (await lazy.read()).event.ticket_refund.ticket_id == "t"
        # Others are served meanwhile, which takes longer than filling every buffer that there is.
        for _ in range(10):
            await Subscriber(stub).read(200)
        assert own.memory() - before < count * size / 10
        lazy.cancel()


async def test_a_shutdown_ends_the_streams(tmp_path: Path) -> None:
    """Those that wait, and one that is in the middle of a long backlog: at once, and with the reason."""
    async with backlog(tmp_path, 3000, 2000) as url:
        settings = circle_settings("127.0.0.1:1", ledger={"url": url}, server={"grace_s": 60})
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(gateway(settings))
            async with grpc.aio.insecure_channel(running.target) as channel:
                stub: Any = EventServiceStub(channel)  # type: ignore[no-untyped-call]
                own = Subscriber(stub)
                last = (await own.read(3000))[-1].cursor
                waiting = asyncio.create_task(own.fails(Reason.SHUTTING_DOWN, cursor=last))
                reading = stub.Subscribe(pb.SubscribeRequest())
                for _ in range(10):
                    await reading.read()
                ended = asyncio.create_task(stack.aclose())
                refusal = await waiting
                assert refusal.code is grpc.StatusCode.UNAVAILABLE
                read = 10
                with refused(Reason.SHUTTING_DOWN):
                    async with asyncio.timeout(PATIENCE_S):
                        while await _more(reading):
                            read += 1
                assert read < 2500
                async with asyncio.timeout(PATIENCE_S):
                    await ended


async def _more(call: Any) -> bool:
    return await call.read() is not grpc.aio.EOF
