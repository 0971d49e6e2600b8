"""Can a server be explored and called without proto files?"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result

from gateway.contract import Contract, load_contract
from tests.cli.conftest import Prompt

Call = Callable[..., Result]

OTHER_SERVICES = [
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
]
SERVICES = load_contract().services


@pytest.fixture
def call(prompt: Prompt, target: str) -> Call:
    """Return what calls the gateway."""
    return lambda *arguments, **options: prompt("call", "--target", target, *arguments, **options)


@pytest.fixture
def bet(call: Call) -> dict[str, Any]:
    """Return a bet on today's first superbet card."""
    card = json.loads(call("CardService/ListSuperbetCards").stdout)["cards"][0]
    return {
        "request_id": str(uuid4()),
        "token": "ada-token",
        "price": 2000,
        "currency": "KES",
        "source": "TICKET_SOURCE_MOBILE",
        "superbet": {"event": card["event"]["id"], "bets": [card["bets"][0]["id"]]},
    }


def test_all_services_are_listed(call: Call) -> None:
    """Without a name the services are listed: those of the contract, health and reflection."""
    answer = call()

    assert answer.exit_code == 0
    assert set(answer.stdout.splitlines()) >= {*SERVICES, *OTHER_SERVICES}


@pytest.mark.parametrize("service", SERVICES)
def test_the_methods_of_every_service_are_listed(call: Call, service: str) -> None:
    """With a service its methods are listed with request and response, in declared order."""
    contract: Contract = load_contract()

    answer = call(service)

    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == [
        service,
        *(
            f"  {each.method}({each.method}Request) returns ({each.method}Response)"
            for each in contract.service(service)
        ),
    ]


@pytest.mark.parametrize(
    ("name", "document", "found"),
    [
        ("CardService/GetFinanceDetails", {"price": 3500, "odds": [1.24, 2.76]}, {"total_odds": 3.42}),
        ("betstack.card.v1.CardService/GetFinanceDetails", {"price": 3500, "odds": [2]}, {"stake": "3111"}),
        ("/betstack.ticket.v1.TicketService/ListTickets", {"user_id": "nobody"}, {}),
        ("PamService/Identify", {"token": "demo"}, {"feature_flags": {"cashout": True, "bonus": False}}),
        ("SmsService/SendOtp", {"code": "1", "msisdn": "+254"}, {"message": "Notification received"}),
        ("Health/Check", {"service": "betstack.card.v1.CardService"}, {"status": "SERVING"}),
    ],
)
def test_every_service_can_be_called(call: Call, name: str, document: Any, found: dict[str, object]) -> None:
    """An RPC is called by its full name or the end of it, and the response is JSON with the names of the proto."""
    answer = call(name, "-d", json.dumps(document))

    assert answer.exit_code == 0, answer.output
    assert found.items() <= json.loads(answer.stdout).items()


def test_a_bet_is_placed(call: Call, bet: dict[str, Any]) -> None:
    """A bet built from a listed card becomes an open ticket, which can be read by its code."""
    placed = call("TicketService/CreateTicket", "-d", json.dumps(bet))
    ticket = json.loads(placed.stdout)["ticket"]
    read = call("TicketService/GetTicket", "-d", json.dumps({"identifier": ticket["code"]}))

    assert placed.exit_code == 0
    assert ticket["status"] == "TICKET_STATUS_OPEN"
    assert json.loads(read.stdout)["ticket"] == ticket


def test_a_repeated_bet_is_said_to_be_a_replay(call: Call, bet: dict[str, Any]) -> None:
    """The same request id gets the same ticket, and a word on standard error that it is not a new one."""
    first, second = (call("TicketService/CreateTicket", "-d", json.dumps(bet)) for _ in range(2))

    assert first.stdout == second.stdout
    assert (first.stderr, second.stderr) == ("", "idempotent-replay: true\n")


def test_a_refusal_is_printed_with_its_reason(call: Call, bet: dict[str, Any]) -> None:
    """Status, reason, advice and metadata go to standard error, and the exit status is 1."""
    ticket = json.loads(call("TicketService/CreateTicket", "-d", json.dumps(bet)).stdout)["ticket"]

    answer = call("TicketService/PayTicket", "-d", json.dumps({"request_id": str(uuid4()), "identifier": ticket["id"]}))

    facts = [line.split(maxsplit=1) for line in answer.stderr.splitlines()]
    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("FAILED_PRECONDITION: the platform answered HTTP 400 with code 117: ")
    assert ["reason", "TICKET_NOT_RESERVED"] in facts
    assert ["do", "read the ticket; `open` or later means that it has been paid before."] in facts
    assert ["execution", "NOT_EXECUTED"] in facts


def test_wrong_fields_are_named_by_the_gateway(call: Call) -> None:
    """The fields that the gateway refuses are printed one by one."""
    answer = call("TicketService/PayTicket")

    assert answer.exit_code == 1
    assert "\n  field       request_id is required\n" in answer.stderr
    assert "\n  field       identifier is required\n" in answer.stderr


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("{", "the request is not JSON: "),
        ("[]", "the request has to be a JSON object"),
        ('{"identifer": "x"}', "GetTicketRequest has no field identifer; it has operator, identifier"),
        ('{"identifier": {}}', "Failed to parse identifier field"),
    ],
)
def test_a_request_that_does_not_fit_is_explained(call: Call, data: str, sentence: str) -> None:
    """What is wrong with the JSON is said with the field's name, and nothing is called."""
    answer = call("TicketService/GetTicket", "-d", data)

    assert answer.exit_code == 1
    assert answer.stdout == ""
    assert sentence in answer.stderr


def test_a_wrong_field_deep_inside_is_named_with_its_place(call: Call) -> None:
    """The path of an unknown field says where it was."""
    answer = call("TicketService/CreateTicket", "-d", '{"quicktip": {"events": [{"odd": 2}]}}')

    assert "CreateTicketRequest.quicktip.events[0] has no field odd; it has id, bet, odds" in answer.stderr


def test_the_request_comes_from_a_file_or_from_standard_input(call: Call, tmp_path: Path) -> None:
    """`@file` and `-` are read."""
    file = tmp_path / "request.json"
    file.write_text('{"token": "demo"}')

    from_file = call("PamService/Identify", "-d", f"@{file}")
    from_input = call("PamService/Identify", "-d", "-", input=file.read_text())

    assert from_file.exit_code == from_input.exit_code == 0
    assert from_file.stdout == from_input.stdout


@pytest.mark.parametrize(("content", "sentence"), [(None, "cannot be read: No such file"), (b"\xff", "is not UTF-8")])
def test_a_file_that_cannot_be_read_is_named(call: Call, tmp_path: Path, content: bytes | None, sentence: str) -> None:
    """A missing file and one that is no text are refused before anything is called."""
    file = tmp_path / "request.json"
    if content is not None:
        file.write_bytes(content)

    answer = call("PamService/Identify", "-d", f"@{file}")

    assert answer.exit_code == 2
    assert sentence in answer.output


def test_the_request_id_made_by_the_gateway_is_printed(call: Call) -> None:
    """Initial metadata that a caller needs goes to standard error."""
    answer = call("PamService/Identify", "-d", '{"token": "demo"}')

    assert answer.stderr.startswith("request-id: ")


def test_a_stream_is_printed_message_by_message(call: Call) -> None:
    """A server stream gives one JSON document a message, until the deadline ends it."""
    answer = call("Health/Watch", "--timeout", "0.3")

    assert json.loads(answer.stdout) == {"status": "SERVING"}
    assert answer.stderr.startswith("DEADLINE_EXCEEDED: ")
    assert answer.exit_code == 1


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Nothing", "the server has no service Nothing"),
        ("TicketService/Fly", "betstack.ticket.v1.TicketService has no method Fly; it has CreateTicket, "),
        ("ServerReflection", "may be grpc.reflection.v1.ServerReflection or grpc.reflection.v1alpha.ServerReflection"),
        ("grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "takes a stream of requests"),
    ],
)
def test_a_name_that_cannot_be_called_is_explained(call: Call, name: str, sentence: str) -> None:
    """An unknown name, one that says too little and a stream of requests are refused in a sentence."""
    answer = call(name)

    assert answer.exit_code == 1
    assert sentence in answer.stderr


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("TicketService/ListTickets", ["rpc ListTickets(ListTicketsRequest) returns (ListTicketsResponse);"]),
        ("ListTicketsRequest", ["  optional int32 limit = 2;", "  repeated TicketType skip_types = 4;"]),
        ("betstack.ticket.v1.CreateTicketRequest", ["  oneof selection {", "    Quicktip quicktip = 10;"]),
        ("IdentifyResponse", ["  map<string, bool> feature_flags = 5;", "  google.protobuf.Struct unmapped = 100;"]),
        ("TicketStatus", ["enum betstack.ticket.v1.TicketStatus {", "  TICKET_STATUS_OPEN = 4;"]),
        ("Health", ["  Watch(HealthCheckRequest) returns (stream HealthCheckResponse)"]),
    ],
)
def test_shapes_are_described(call: Call, name: str, lines: list[str]) -> None:
    """Methods, messages, enums and services are written as in a proto file."""
    answer = call("--describe", name)

    assert answer.exit_code == 0
    assert set(lines) <= set(answer.stdout.splitlines())


@pytest.mark.parametrize("header", ["no colon", "Upper: x", ": x", "data-bin: !", "name: é"])
def test_a_header_has_name_and_value(call: Call, header: str) -> None:
    """Metadata that cannot be sent is refused before anything is called."""
    answer = call("Health/Check", "-H", header)

    assert answer.exit_code == 2
    assert "--header" in answer.output


def test_an_unreachable_server_is_named(prompt: Prompt) -> None:
    """Where nobody listens, the address and the cause are said, and the exit status is 1."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        target = "127.0.0.1:{1}".format(*nobody.getsockname())

        answer = prompt("call", "--target", target)

    assert answer.exit_code == 1
    assert answer.output == f"Error: cannot reach {target}: Connection refused\n"
