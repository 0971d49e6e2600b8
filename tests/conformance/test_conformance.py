"""Does no request get anything undocumented out of the gateway? Few generated requests; `make conformance` sends more."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status

from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import load_contract
from tests.conformance.contract import Rpc, Served
from tests.conformance.requests import Sent
from tests.conformance.run import conform
from tests.conformance.verdict import Answer, problems
from tests.conformance.world import world

EXAMPLES: Final = 12

METHOD: Final = ticket.DESCRIPTOR.services_by_name["TicketService"].methods_by_name["CreateTicket"]
CREATE: Final = Rpc(METHOD, is_money=True)
SERVED: Final = Served(
    (CREATE,), {"INVALID_REQUEST": grpc.StatusCode.INVALID_ARGUMENT, "GATEWAY_FAULT": grpc.StatusCode.INTERNAL}
)
BET: Final = ticket.CreateTicketRequest(request_id="bet-1", token="a-players-token", superbet=ticket.Superbet(bets=[1]))
SENT: Final = Sent(BET.SerializeToString(), BET)


def test_every_unary_rpc_keeps_the_contract(tmp_path: Path) -> None:
    """Every answer is a response or a documented error, and afterwards ledger and platform agree on every ticket."""
    with world(tmp_path) as there:
        found = conform(there, EXAMPLES, said=lambda _: None)

    assert not found.problems
    called = {rpc for rpc, _ in found.answers}
    assert called >= {route.short for route in load_contract().routes.values()}
    assert called >= {"OperationService/ListOperations", "EventService/Acknowledge"}
    for rpc in ("TicketService/CreateTicket", "TicketService/ReserveTicket", "PamService/CreateTicket"):
        assert found.outcomes(rpc).keys() >= {"OK", "INVALID_REQUEST"}, "the requests are too good, or too bad"


class Error:
    """An error that keeps the contract, but for what it is told to do otherwise."""

    def __init__(
        self,
        *details: Message,
        code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT,
        message: str = "it is wrong",
        told: str = "",
    ) -> None:
        status = Status(code=code.value[0], message=told or message)
        for detail in details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        self._all = (code, message, (("grpc-status-details-bin", status.SerializeToString()),))

    def code(self) -> grpc.StatusCode:
        """Return the status."""
        return self._all[0]

    def details(self) -> str:
        """Return the message."""
        return self._all[1]

    def trailing_metadata(self) -> Any:
        """Return the trailers."""
        return self._all[2]


def info(reason: str = "INVALID_REQUEST", domain: str = "betstack-gateway", **metadata: str) -> ErrorInfo:
    """Return the detail that every error has."""
    return ErrorInfo(reason=reason, domain=domain, metadata={"execution": "NOT_EXECUTED", **metadata})


def field(path: str) -> BadRequest:
    """Return the detail that names a field."""
    return BadRequest(field_violations=[BadRequest.FieldViolation(field=path, description="is wrong")])


GOOD: Final = [
    Error(info()),
    Error(info(request_id="bet-1"), field("superbet.bets[0]")),
    Error(info(), field("selection")),
]
BAD: Final = {
    "no ErrorInfo": (Error(), "0 ErrorInfos"),
    "two": (Error(info(), info()), "2 ErrorInfos"),
    "another domain": (Error(info(domain="example.com")), "the domain is"),
    "an unknown reason": (Error(info("WHATEVER")), "nobody documented the reason WHATEVER"),
    "another status": (Error(info(), code=grpc.StatusCode.INTERNAL), "is documented as"),
    "a fault": (Error(info("GATEWAY_FAULT"), code=grpc.StatusCode.INTERNAL), "GATEWAY_FAULT: it is wrong"),
    "no execution": (Error(ErrorInfo(reason="INVALID_REQUEST", domain="betstack-gateway")), "says execution"),
    "an odd execution": (Error(info(execution="PERHAPS")), "says execution"),
    "another request id": (Error(info(request_id="bet-2")), "became bet-2"),
    "details of another error": (Error(info(), told="something else"), "speak of another error"),
    "a long status": (Error(info(platform_message="x" * 5000)), "bytes"),
    "a colourful message": (Error(info(), message="\x1b[31mno"), "control characters"),
    "a field that does not exist": (Error(info(), field("superbet.colour")), "has no superbet.colour"),
    "an element that does not exist": (Error(info(), field("superbet.bets[1]")), "has no superbet.bets[1]"),
    "personal data": (Error(info(), message="who is a-players-token?"), "personal data is told"),
}


@pytest.mark.parametrize("error", GOOD)
def test_an_error_that_keeps_the_contract_is_fine(error: Error) -> None:
    """The verdict finds nothing where there is nothing."""
    assert not list(problems(SERVED, CREATE, SENT, Answer(None, error)))


@pytest.mark.parametrize(("error", "sentence"), BAD.values(), ids=BAD)
def test_an_error_that_does_not_is_found(error: Error, sentence: str) -> None:
    """The verdict says what is wrong."""
    assert sentence in "\n".join(problems(SERVED, CREATE, SENT, Answer(None, error)))
