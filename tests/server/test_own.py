"""Do all RPCs of the gateway's own take the same road, whatever they answer?"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import Any, Final

import pytest
from google.protobuf.message import Message

from betstack.operation.v1 import operation_service_pb2 as pb
from gateway.callers import Access, Credentials, Policy
from gateway.failure import Failure, Reason
from gateway.server.drain import OpenCalls
from gateway.server.own import Answers, OwnCall, once, own_road, own_rpc
from gateway.telemetry import Telemetry
from tests.logs import calls, lines

SERVICE: Final = pb.DESCRIPTOR.services_by_name["OperationService"]
REQUEST: Final = pb.WatchOperationRequest(operator="site", request_id="bet-1")
NEWS: Final = [pb.WatchOperationResponse(operation=pb.Operation(attempts=n)) for n in range(3)]


async def answered(answers: Answers, calls: OpenCalls | None = None, **fields: Any) -> list[Message]:
    """Take the road with one call, to its end."""
    rpc = own_rpc(SERVICE, "WatchOperation", answers, subject="request_id")
    road = own_road({"site"}, calls or OpenCalls(), Telemetry(), Access(Policy({})))
    call = OwnCall(**{"rpc": rpc, "request": REQUEST, "shown": Credentials(), **fields})
    return [answer async for answer in road(call)]


async def news(_: Any) -> AsyncGenerator[Message, None]:
    """Answer three times."""
    for each in NEWS:
        yield each


def test_an_rpc_is_described_by_its_proto() -> None:
    """Path, request and whether it streams are those of the proto."""
    watch = own_rpc(SERVICE, "WatchOperation", news, subject="request_id")
    get = own_rpc(SERVICE, "GetOperation", news)

    assert (watch.rpc, watch.request) == (
        "/betstack.operation.v1.OperationService/WatchOperation",
        pb.WatchOperationRequest,
    )
    assert (watch.service, watch.method) == (SERVICE.full_name, "WatchOperation")
    assert (watch.streams, get.streams) == (True, False)


async def test_answers_come_in_order() -> None:
    """All answers of a stream arrive, and one that is given once is a stream of one."""

    async def single(_: Any) -> Message:
        return NEWS[0]

    assert await answered(news) == NEWS
    assert await answered(once(single)) == NEWS[:1]


async def test_a_call_is_open_until_its_last_answer() -> None:
    """A shutdown waits for a stream while it goes on, and no longer."""
    calls = OpenCalls()
    idle: list[bool] = []

    async def look(_: Any) -> AsyncGenerator[Message, None]:
        for each in NEWS:
            idle.append(calls._idle.is_set())
            yield each

    await answered(look, calls)

    assert idle == [False] * 3
    await calls.idle(60)


async def test_a_stream_may_fail_after_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The failure comes after what was answered, and is what the record says."""
    rpc = own_rpc(SERVICE, "WatchOperation", _torn, subject="request_id")
    road = own_road({"site"}, OpenCalls(), Telemetry(), Access(Policy({})))
    stream = road(OwnCall(rpc, REQUEST, Credentials()))

    with caplog.at_level(logging.INFO, logger="gateway"):
        assert await anext(stream) == NEWS[0]
        with pytest.raises(Failure) as ended:
            await anext(stream)

    assert (ended.value.reason, ended.value.metadata) == (Reason.CONFLICT, {"request_id": "bet-1"})
    [line] = calls(caplog)
    assert (line["code"], line["reason"]) == ("ABORTED", "CONFLICT")


async def _torn(_: Any) -> AsyncGenerator[Message, None]:
    yield NEWS[0]
    raise Failure(Reason.CONFLICT, "torn")


async def test_an_unexpected_exception_keeps_its_text(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets a number; the log has the number and the text."""

    async def fail(_: Any) -> Message:
        raise RuntimeError("s3cret")

    with pytest.raises(Failure) as ended:
        await answered(once(fail))

    assert ended.value.reason is Reason.GATEWAY_FAULT
    assert "s3cret" not in ended.value.message
    assert lines(caplog)[0]["error_id"] == ended.value.metadata["error_id"]
    assert "s3cret" in caplog.text


async def test_what_cannot_be_read_is_not_answered() -> None:
    """Neither broken bytes nor a foreign operator reach what answers."""
    asked: list[Any] = []

    async def note(request: Any) -> Message:
        asked.append(request)
        return NEWS[0]

    for fields in ({"unreadable": True}, {"request": pb.WatchOperationRequest(operator="acme")}):
        with pytest.raises(Failure):
            await answered(once(note), **fields)
    assert asked == []
