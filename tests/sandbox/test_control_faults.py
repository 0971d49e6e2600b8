"""Do the faults that another process asks for hit, in line and at random?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
from google.protobuf.duration_pb2 import Duration

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from gateway.sandbox import Fault, FaultKind, Sandbox, SandboxOptions, sandbox
from tests.sandbox.client import Client, order, plain_http
from tests.sandbox.steering import refusal, stub

INVALID = grpc.StatusCode.INVALID_ARGUMENT
# All kinds that hit requests, as the contract has them.
KINDS: dict[FaultKind, str] = {
    kind: f"FAULT_KIND_{kind.name}" for kind in FaultKind if kind is not FaultKind.DUPLICATE_WEBHOOK
}
STATUS, ERROR_BODY, REDIRECT = (
    pb.FAULT_KIND_STATUS,
    pb.FAULT_KIND_ERROR_BODY_200,
    pb.FAULT_KIND_REDIRECT,
)
# What random faults of these kinds look like from outside, next to the 404 of a request that goes through.
LOOKS = {STATUS: 503, ERROR_BODY: 200, REDIRECT: 302}


class Sleep:
    """Sleeps no time at all, and remembers how long it should have."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Return."""
        self.asked.append(seconds)


@pytest.fixture
def sleep() -> Sleep:
    """Make a sleep that is none."""
    return Sleep()


@pytest.fixture
def options(options: SandboxOptions, sleep: Sleep) -> SandboxOptions:
    """Set up a sandbox that can be steered."""
    return replace(options, control="127.0.0.1:0", sleep=sleep)


async def _create(client: Client, platform: Sandbox) -> httpx.Response:
    return await client.post("/be/tickets", order(platform))


async def _outcome(client: Client, path: str = "/", method: str = "GET") -> int | None:
    """Return the status of a request, None if there is no answer."""
    try:
        return (await client.http.request(method, path)).status_code
    except httpx.TransportError:
        return None


async def _outcomes(client: Client, count: int = 200) -> list[int | None]:
    return [await _outcome(client) for _ in range(count)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_hits_a_request(steer: Any, client: Client, platform: Sandbox, kind: FaultKind) -> None:
    """Each kind that is added over gRPC hits one HTTP request, and the next one goes through."""
    await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=KINDS[kind])))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(client.http, "follow_redirects", False)
        await _outcome(client, "/be/tickets")
    assert (await _create(client, platform)).status_code == 200
    assert [each.fault for each in platform.journal] == [kind, None]


async def test_a_fault_arrives_as_it_was_sent(steer: Any, platform: Sandbox) -> None:
    """All fields, there and back."""
    fault = pb.Fault(
        kind=STATUS,
        path="/be/tickets",
        action="quicktip",
        method="POST",
        times=3,
        status=429,
        headers={"Retry-After": "7", "x-empty": ""},
        body="zu viele Łódź",
        code=119,
        message="No",
        location="/login",
        delay=Duration(seconds=1, nanos=500_000_000),
    )
    await steer.AddFault(pb.AddFaultRequest(fault=fault))

    assert platform.faults.pending == [
        Fault(
            FaultKind.STATUS,
            path="/be/tickets",
            action="quicktip",
            method="POST",
            times=3,
            status=429,
            headers={"Retry-After": "7", "x-empty": ""},
            body="zu viele Łódź".encode(),
            code=119,
            message="No",
            location="/login",
            seconds=1.5,
        )
    ]
    assert list((await steer.ListFaults(pb.ListFaultsRequest())).pending) == [fault]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_fault_has_defaults(steer: Any, platform: Sandbox, kind: FaultKind) -> None:
    """What is not said is as in a fault made without gRPC."""
    await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=KINDS[kind])))

    assert platform.faults.pending == [Fault(kind)]


async def test_no_delay_is_a_delay_too(steer: Any, client: Client, sleep: Sleep) -> None:
    """A delay of nothing is not the default of one second."""
    for delay in (Duration(), Duration(nanos=250_000_000), None):
        await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=pb.FAULT_KIND_SLOW, delay=delay)))
        await _outcome(client)

    assert sleep.asked == [0, 0.25, 1]


async def test_a_fault_says_how_it_looks(steer: Any, client: Client, platform: Sandbox) -> None:
    """Status, headers and body reach the caller, as many times as the fault says, where it shall."""
    fault = pb.Fault(kind=STATUS, status=429, headers={"retry-after": "7"}, body="busy", times=2, method="POST")
    await steer.AddFault(pb.AddFaultRequest(fault=fault))

    assert await _outcome(client) == 404
    for _ in range(2):
        answer = await _create(client, platform)
        assert (answer.status_code, answer.headers["retry-after"], answer.text) == (429, "7", "busy")
    assert (await _create(client, platform)).status_code == 200


@pytest.mark.parametrize("status", [200, 204, 304, 401, 599])
async def test_any_status_can_be_answered(steer: Any, client: Client, status: int) -> None:
    """Those without a body included."""
    await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=STATUS, status=status)))

    assert await _outcome(client) == status


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({}, "fault.kind"),
        ({"kind": 99}, "fault.kind"),
        ({"times": -1}, "fault.times"),
        ({"status": 199}, "fault.status"),
        ({"status": 600}, "fault.status"),
        ({"status": -1}, "fault.status"),
        ({"status": 204, "body": "x"}, "fault.body"),
        ({"path": "be/tickets"}, "fault.path"),
        ({"method": "post"}, "fault.method"),
        ({"headers": {"": "x"}}, "fault.headers"),
        ({"headers": {"no good": "x"}}, "fault.headers"),
        ({"headers": {"x": "a\r\nb: c"}}, "fault.headers"),
        ({"headers": {"x": " a"}}, "fault.headers"),
        ({"headers": {"x": "Łódź"}}, "fault.headers"),
        ({"headers": {"Content-Length": "3"}}, "fault.headers"),
        ({"headers": {"transfer-encoding": "chunked"}}, "fault.headers"),
        ({"location": "a b"}, "fault.location"),
        ({"delay": Duration(seconds=-1)}, "fault.delay"),
        ({"delay": Duration(nanos=2_000_000_000)}, "fault.delay"),
        ({"delay": Duration(seconds=1, nanos=-1)}, "fault.delay"),
        ({"delay": Duration(seconds=400_000_000_000)}, "fault.delay"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(
    steer: Any, platform: Sandbox, fault: dict[str, Any], field: str
) -> None:
    """The message says which field it is, and nothing is in line."""
    given = fault if field == "fault.kind" else {"kind": STATUS} | fault

    code, message = await refusal(steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(**given))))

    assert code is INVALID
    assert message.startswith(f"{field}: ")
    assert platform.faults.pending == []


async def test_no_fault_is_refused(steer: Any) -> None:
    """A request without a fault adds none."""
    assert await refusal(steer.AddFault(pb.AddFaultRequest())) == (INVALID, "fault: required")


async def test_a_fault_of_webhooks_hits_no_request(steer: Any, client: Client, platform: Sandbox) -> None:
    """It stays in line for a webhook, and what is behind it hits."""
    for kind in (pb.FAULT_KIND_DUPLICATE_WEBHOOK, STATUS):
        await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=kind, resigned=True)))

    assert [await _outcome(client) for _ in range(2)] == [503, 404]
    assert platform.faults.pending == [Fault(FaultKind.DUPLICATE_WEBHOOK, resigned=True)]


async def test_faults_are_listed(steer: Any, client: Client) -> None:
    """With the hits that each has left, those that were, and how many of each kind."""
    for fault in (pb.Fault(kind=STATUS, times=3), pb.Fault(kind=REDIRECT, path="/nowhere")):
        await steer.AddFault(pb.AddFaultRequest(fault=fault))
    await _outcomes(client, 2)

    answer = await steer.ListFaults(pb.ListFaultsRequest())

    assert [(each.kind, each.times, each.path) for each in answer.pending] == [
        (STATUS, 1, ""),
        (REDIRECT, 1, "/nowhere"),
    ]
    assert [(each.kind, each.times) for each in answer.fired] == [(STATUS, 3), (STATUS, 3)]
    assert dict(answer.fired_counts) == {"FAULT_KIND_STATUS": 2}
    assert not answer.HasField("chaos")


async def test_the_latest_hits_are_listed_and_all_are_counted(steer: Any, platform: Sandbox) -> None:
    """A sandbox under fire for hours does not drown in its own memory."""
    platform.faults.add(Fault(FaultKind.STATUS))
    platform.faults.add(Fault(FaultKind.HTML, times=1_000))
    for _ in range(1_001):
        platform.faults.take("GET", "/", None)

    answer = await steer.ListFaults(pb.ListFaultsRequest())

    assert {each.kind for each in answer.fired} == {pb.FAULT_KIND_HTML}
    assert len(answer.fired) == 1_000
    assert dict(answer.fired_counts) == {"FAULT_KIND_STATUS": 1, "FAULT_KIND_HTML": 1_000}


async def test_faults_can_be_cleared(steer: Any, client: Client) -> None:
    """What has not hit does not hit then; what has hit is remembered, and chaos stays."""
    await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=STATUS, times=2)))
    await steer.SetChaos(pb.SetChaosRequest(chaos=pb.Chaos(probability=1, kinds=[STATUS], path="/be")))
    assert await _outcome(client) == 503

    await steer.ClearFaults(pb.ClearFaultsRequest())

    assert await _outcome(client) == 404
    answer = await steer.ListFaults(pb.ListFaultsRequest())
    assert (len(answer.pending), len(answer.fired), answer.chaos.path) == (0, 1, "/be")


def _set_chaos(
    steer: Any, probability: float, *kinds: pb.FaultKind | str, **changes: Any
) -> Awaitable[pb.SetChaosResponse]:
    chaos = pb.Chaos(probability=probability, kinds=kinds, **changes)
    call: Awaitable[pb.SetChaosResponse] = steer.SetChaos(pb.SetChaosRequest(chaos=chaos))
    return call


async def test_chaos_is_the_same_for_the_same_seed(steer: Any, client: Client) -> None:
    """Which requests are hit, and by what, is decided by the seed."""
    runs = []
    for seed in (7, 7, 8, -8):
        await _set_chaos(steer, 0.3, STATUS, ERROR_BODY, REDIRECT, seed=seed)
        runs.append(await _outcomes(client))

    assert runs[0] == runs[1]
    assert len({tuple(run) for run in runs}) == 3


async def test_chaos_is_the_same_in_another_sandbox(options: SandboxOptions) -> None:
    """Another process, another day: the same seed gives the same hits."""
    hits = []
    for _ in range(2):
        async with sandbox(options) as platform, plain_http(platform.url) as http:
            assert platform.control_target is not None
            async with grpc.aio.insecure_channel(platform.control_target) as channel:
                await _set_chaos(stub(channel), 0.2, STATUS, seed=3)
            hits.append([number for number in range(40) if (await http.get("/")).status_code == 503])

    assert hits[0] == hits[1] == [1, 5, 6, 8, 11, 14, 20, 28, 38]


@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
async def test_chaos_hits_about_the_wanted_share(steer: Any, client: Client, probability: float) -> None:
    """Within three standard deviations, all kinds about as often; the counts say the same as the callers."""
    count = 1_000
    await _set_chaos(steer, probability, *LOOKS, seed=1)

    seen = Counter(await _outcomes(client, count))

    wanted = probability * count
    assert abs(count - seen[404] - wanted) < 3 * math.sqrt(wanted * (1 - probability))
    for look in LOOKS.values():
        assert abs(seen[look] - wanted / 3) < 3 * math.sqrt(wanted / 3)
    counts = (await steer.ListFaults(pb.ListFaultsRequest())).fired_counts
    assert {pb.FaultKind.Value(name): hits for name, hits in counts.items()} == {
        kind: seen[look] for kind, look in LOOKS.items()
    }


async def test_a_lower_probability_hits_some_of_the_same(steer: Any, client: Client) -> None:
    """Neither the probability nor the kinds move the other hits, so that a failure can be narrowed down."""
    hits = []
    for probability, kinds in ((0.5, [STATUS]), (0.5, [STATUS, REDIRECT, ERROR_BODY]), (0.1, [STATUS])):
        await _set_chaos(steer, probability, *kinds, seed=5)
        hits.append({number for number, outcome in enumerate(await _outcomes(client)) if outcome != 404})

    assert hits[0] == hits[1]
    assert set() < hits[2] < hits[0]


async def test_chaos_can_be_certain_and_can_end(steer: Any, client: Client) -> None:
    """A probability of 1 hits everything, 0 ends it."""
    await _set_chaos(steer, 1, STATUS)
    assert set(await _outcomes(client, 20)) == {503}
    assert (await steer.ListFaults(pb.ListFaultsRequest())).HasField("chaos")

    await _set_chaos(steer, 0)
    assert set(await _outcomes(client, 20)) == {404}
    assert not (await steer.ListFaults(pb.ListFaultsRequest())).HasField("chaos")


@pytest.mark.parametrize("kind", KINDS)
async def test_chaos_has_every_kind(steer: Any, client: Client, platform: Sandbox, kind: FaultKind) -> None:
    """One that needs no body read included."""
    await _set_chaos(steer, 1, KINDS[kind])

    await _outcome(client)

    assert platform.journal.last.fault is kind
    assert platform.faults.fired == [Fault(kind)]


async def test_chaos_keeps_to_path_and_methods(steer: Any, client: Client) -> None:
    """Others are not hit, and draw no number."""
    await _set_chaos(steer, 1, STATUS, path="/be/", methods=["POST", "PUT"])

    asked = [("/be/x", "POST"), ("/be/x", "PUT"), ("/be/x", "GET"), ("/bc/x", "POST")]
    assert [await _outcome(client, path, method) for path, method in asked] == [503, 503, 404, 404]

    hits = []
    for noise in (0, 3):
        await _set_chaos(steer, 0.4, STATUS, path="/be/", seed=2)
        run = []
        for _ in range(50):
            run.append(await _outcome(client, "/be/x"))
            assert {await _outcome(client) for _ in range(noise)} <= {404}
        hits.append(run)
    assert hits[0] == hits[1]


async def test_chaos_can_be_slow(steer: Any, client: Client, sleep: Sleep) -> None:
    """For as long as it says."""
    await _set_chaos(steer, 1, pb.FAULT_KIND_SLOW, delay=Duration(nanos=20_000_000))

    assert await _outcome(client) == 404
    assert sleep.asked == [0.02]


async def test_a_fault_in_line_comes_before_chaos(steer: Any, client: Client, platform: Sandbox) -> None:
    """One that is known by its action only, too; then it is not chaos that has hit."""
    await _set_chaos(steer, 1, pb.FAULT_KIND_RESET_BEFORE_READING)
    await steer.AddFault(pb.AddFaultRequest(fault=pb.Fault(kind=STATUS, action="quicktip")))

    assert (await _create(client, platform)).status_code == 503
    assert await _outcome(client) is None
    assert [each.kind for each in platform.faults.fired] == [FaultKind.STATUS, FaultKind.RESET_BEFORE_READING]


async def test_chaos_is_listed_as_it_was_set(steer: Any) -> None:
    """All fields, there and back."""
    chaos = pb.Chaos(
        probability=0.25,
        kinds=[STATUS, STATUS, pb.FAULT_KIND_SLOW],
        seed=-3,
        path="/be/",
        methods=["POST"],
        delay=Duration(nanos=1_000_000),
    )
    await steer.SetChaos(pb.SetChaosRequest(chaos=chaos))

    assert (await steer.ListFaults(pb.ListFaultsRequest())).chaos == chaos


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"probability": 1.01}, "chaos.probability"),
        ({"probability": -0.01}, "chaos.probability"),
        ({"probability": math.nan}, "chaos.probability"),
        ({"kinds": []}, "chaos.kinds"),
        ({"kinds": [0]}, "chaos.kinds"),
        ({"kinds": [STATUS, 99]}, "chaos.kinds"),
        ({"path": "be"}, "chaos.path"),
        ({"methods": ["POST", ""]}, "chaos.methods"),
        ({"methods": ["post"]}, "chaos.methods"),
        ({"delay": Duration(seconds=-1)}, "chaos.delay"),
        ({"kinds": [STATUS, pb.FAULT_KIND_DUPLICATE_WEBHOOK]}, "chaos.kinds"),
    ],
)
async def test_chaos_that_makes_no_sense_is_refused(
    steer: Any, platform: Sandbox, changes: dict[str, Any], field: str
) -> None:
    """The message says which field it is, and what was on stays on."""
    await _set_chaos(steer, 0.5, STATUS)
    before = platform.faults.chaos
    given: dict[str, Any] = {"probability": 0.1, "kinds": [REDIRECT]} | changes

    code, message = await refusal(steer.SetChaos(pb.SetChaosRequest(chaos=pb.Chaos(**given))))

    assert code is INVALID
    assert message.startswith(f"{field}: ")
    assert platform.faults.chaos == before


async def test_no_chaos_is_refused(steer: Any) -> None:
    """Nothing said is not the same as a probability of 0."""
    assert await refusal(steer.SetChaos(pb.SetChaosRequest())) == (INVALID, "chaos: required")
