"""Can a person list money calls, look at one and say what became of it?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result

from tests.cli.conftest import Prompt
from tests.cli.program import FREE_ALL, Program, started
from tests.rpc.calls import closed_port

Ledger = Callable[..., Result]
Place = Callable[..., str]

CARDS = "CardService/ListSuperbetCards"
CREATE = "TicketService/CreateTicket"


@pytest.fixture(scope="module")
def both() -> Iterator[Program]:
    """Run gateway and sandbox of our own, so that the list has nothing but what is placed here."""
    with started("run", *FREE_ALL) as program:
        yield program
        assert program.end() == 0


@pytest.fixture(scope="module")
def targets(both: Program) -> tuple[str, str]:
    """Return where the gateway is, and what steers the sandbox."""
    return both.line("gateway").split()[1], both.line("control").split()[1]


@pytest.fixture
def ledger(prompt: Prompt, targets: tuple[str, str]) -> Ledger:
    """Return what asks the ledger."""
    return lambda command, *arguments: prompt(
        "ledger", command, "--target", targets[0], *arguments, env={"COLUMNS": "180"}
    )


@pytest.fixture
def place(prompt: Prompt, targets: tuple[str, str]) -> Place:
    """Return what places a bet, whose answer may get lost, and returns its request id."""
    gateway, control = targets

    def place(fault: str = "", **changes: Any) -> str:
        if fault:
            told = {"fault": {"kind": fault, "path": "/be/tickets"}}
            assert prompt("call", "SandboxService/AddFault", "--target", control, "-d", json.dumps(told)).exit_code == 0
        card = json.loads(prompt("call", CARDS, "--target", gateway).stdout)["cards"][0]
        bet = {
            "request_id": f"bet-{uuid4()}",
            "token": "ada-token",
            "price": 2000,
            "currency": "KES",
            "source": "TICKET_SOURCE_MOBILE",
            "superbet": {"event": card["event"]["id"], "bets": [card["bets"][0]["id"]]},
            **changes,
        }
        prompt("call", CREATE, "--target", gateway, "-d", json.dumps(bet))
        return str(bet["request_id"])

    return place


@pytest.fixture
def lost(place: Place) -> str:
    """Place a bet whose answer gets lost, and return its request id."""
    return place("FAULT_KIND_ANSWER_LOST")


def facts(answer: Result) -> dict[str, str]:
    """Return the lines of ``show`` by their names; of several notes the last."""
    assert answer.exit_code == 0, answer.output
    lines = (line.split("  ", 1) for line in answer.stdout.partition("\n\n")[0].splitlines())
    return {name: value.strip() for name, value in lines}


def test_an_empty_list_has_its_head(prompt: Prompt) -> None:
    """A ledger without calls is a table without rows."""
    with started("run", *FREE_ALL) as program:
        target = program.line("gateway").split()[1]
        answer = prompt("ledger", "list", "--target", target)
        assert program.end() == 0

    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.split() == ["Received", "State", "RPC", "Request", "id", "What", "is", "known"]


def test_a_list_has_a_line_for_each_call(ledger: Ledger, place: Place, lost: str) -> None:
    """The newest call comes first, with when, what, its state and what is known."""
    placed, refused = place(), place(token="nobody")

    answer = ledger("list", "--limit", "3")

    lines = answer.stdout.splitlines()
    assert answer.exit_code == 0
    assert [line.split()[5] for line in lines[1:]] == [refused, placed, lost]
    assert [line.split()[3] for line in lines[1:]] == ["REJECTED", "SUCCEEDED", "UNKNOWN"]
    assert " UTC  REJECTED   TicketService/CreateTicket  " in lines[1]
    assert lines[1].endswith("the platform answered HTTP 400 with code 101: User not found")
    assert lines[3].endswith("the outcome is unknown: the connection broke")


def test_a_list_can_be_of_some_states(ledger: Ledger, place: Place, lost: str) -> None:
    """States may be given several times, and in small letters."""
    placed = place()

    unknown = ledger("list", "--state", "unknown").stdout
    both = ledger("list", "--state", "UNKNOWN", "--state", "SUCCEEDED").stdout

    assert lost in unknown
    assert placed not in unknown
    assert lost in both
    assert placed in both


def test_a_list_can_be_of_old_calls(ledger: Ledger, lost: str) -> None:
    """What was received just now is not older than an hour, but than nothing at all."""
    assert lost not in ledger("list", "--older-than", "1d2h3m4s").stdout
    assert lost in ledger("list", "--older-than", "0s").stdout


@pytest.mark.parametrize("age", ["", "15", "m", "-1m", "1m2h", "1.5h", "9" * 30 + "d"])
def test_an_age_has_a_number_and_a_unit(ledger: Ledger, age: str) -> None:
    """What is no length of time is refused before anything is asked."""
    answer = ledger("list", "--older-than", age)

    assert answer.exit_code == 2
    assert "--older-than" in answer.stderr


def test_a_list_says_that_there_is_more(ledger: Ledger, place: Place) -> None:
    """Whoever sees a part of the list is told so."""
    place()
    last = place()

    answer = ledger("list", "--limit", "1")

    assert answer.stdout.splitlines()[1].split()[5] == last
    assert len(answer.stdout.splitlines()) == 2
    assert answer.stderr == "there are more than 1; --limit shows them\n"


def test_a_long_list_comes_in_pages(ledger: Ledger, place: Place) -> None:
    """A limit beyond what a page may have is no mistake."""
    last = place()

    answer = ledger("list", "--limit", "100000")

    assert answer.exit_code == 0
    assert answer.stdout.splitlines()[1].split()[5] == last


def test_a_call_that_succeeded_is_shown_with_its_response(ledger: Ledger, place: Place) -> None:
    """What is known comes line by line, the response as JSON with the names of the proto."""
    request_id = place()

    answer = ledger("show", request_id)

    shown = facts(answer)
    assert list(shown) == [
        "request id",
        "operator",
        "rpc",
        "state",
        "wire stage",
        "attempts",
        "received",
        "sent",
        "updated",
    ]
    assert shown["request id"] == request_id
    assert shown["rpc"] == "betstack.ticket.v1.TicketService/CreateTicket"
    assert (shown["state"], shown["wire stage"], shown["attempts"]) == ("SUCCEEDED", "ANSWERED", "1")
    head, _, response = answer.stdout.partition("\n\n")[2].partition("\n")
    assert head == "betstack.ticket.v1.CreateTicketResponse"
    assert json.loads(response)["ticket"]["status"] == "TICKET_STATUS_OPEN"


def test_a_call_whose_outcome_is_unknown_is_shown_with_its_failure(ledger: Ledger, lost: str) -> None:
    """Reason, advice and when the gateway looks next are there, and no response."""
    answer = ledger("show", lost, "--operator", "site")

    shown = facts(answer)
    assert (shown["state"], shown["reason"], shown["execution"]) == ("UNKNOWN", "OUTCOME_UNKNOWN", "UNKNOWN")
    assert shown["failure"] == "the outcome is unknown: the connection broke"
    assert shown["do"].startswith("not place the bet again")
    assert shown["next"] > shown["received"]
    assert "\n\n" not in answer.stdout


@pytest.mark.parametrize(
    ("verdict", "state", "reason"),
    [
        ("executed", "SUCCEEDED", "OUTCOME_UNKNOWN"),
        ("not-executed", "REJECTED", "OPERATION_REVERSED"),
        ("reversed", "REVERSED", "OPERATION_REVERSED"),
    ],
)
def test_a_verdict_decides(ledger: Ledger, lost: str, verdict: str, state: str, reason: str) -> None:
    """The call is shown as it is afterwards, with the verdict, who gave it and how it is known."""
    answer = ledger("resolve", lost, "--verdict", verdict, "--reason", "seen in the back office", "--by", "ada")

    shown = facts(answer)
    assert (shown["state"], shown["reason"]) == (state, reason)
    assert shown["note"].endswith(f"  verdict {verdict.upper().replace('-', '_')} by ada: seen in the back office")
    assert facts(ledger("show", lost)) == shown
    assert ledger("list", "--limit", "1").stdout.endswith(f"{shown['note'].partition('  ')[2]}\n")


def test_a_person_need_not_say_who_they_are(ledger: Ledger, lost: str) -> None:
    """A reason is enough."""
    answer = ledger("resolve", lost, "--verdict", "EXECUTED", "--reason", "seen")

    assert facts(answer)["note"].endswith("  verdict EXECUTED: seen")


def test_a_second_verdict_is_refused(ledger: Ledger, place: Place) -> None:
    """A known outcome takes none: the refusal is printed as `call` prints it, and the exit status is 1."""
    request_id = place()

    answer = ledger("resolve", request_id, "--verdict", "reversed", "--reason", "seen")

    lines = [line.split(maxsplit=1) for line in answer.stderr.splitlines()]
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("FAILED_PRECONDITION: the operation is SUCCEEDED\n")
    assert ["reason", "OPERATION_FINAL"] in lines
    assert ["do", "read the operation."] in lines
    assert ["request_id", request_id] in lines


@pytest.mark.parametrize(
    ("arguments", "head"),
    [
        (("show", "nobody"), "NOT_FOUND: no money call of this operator has used the request id\n"),
        (("show", "nobody", "--operator", "acme"), "NOT_FOUND: operator 'acme' is not configured\n"),
        (("list", "--operator", "acme"), "NOT_FOUND: operator 'acme' is not configured\n"),
        (("show", "a b"), "INVALID_ARGUMENT: request_id: has to be "),
        (("resolve", "nobody", "--verdict", "executed", "--reason", " "), "INVALID_ARGUMENT: reason: is required\n"),
    ],
)
def test_a_refusal_is_printed(ledger: Ledger, arguments: tuple[str, ...], head: str) -> None:
    """What the gateway refuses goes to standard error, and the exit status is 1."""
    answer = ledger(*arguments)

    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith(head)


@pytest.mark.parametrize(
    "arguments",
    [
        ("resolve", "bet-1", "--verdict", "executed"),
        ("resolve", "bet-1", "--reason", "seen"),
        ("resolve", "bet-1", "--reason", "seen", "--verdict", "perhaps"),
        ("show",),
        ("list", "--state", "LOST"),
        ("list", "--limit", "0"),
        ("list", "--cert", __file__),
    ],
)
def test_what_is_said_wrong_is_refused(ledger: Ledger, arguments: tuple[str, ...]) -> None:
    """A missing or impossible option is refused before anything is asked, with exit status 2."""
    assert ledger(*arguments).exit_code == 2


@pytest.mark.parametrize("command", [("list",), ("show", "bet-1")])
def test_an_unreachable_server_is_named(prompt: Prompt, command: tuple[str, ...]) -> None:
    """Where nobody listens, the address and the cause are said, and the exit status is 1."""
    with closed_port() as url:
        target = url.removeprefix("http://")
        answer = prompt("ledger", *command, "--target", target)

    assert answer.exit_code == 1
    assert answer.output == f"Error: cannot reach {target}: Connection refused\n"


def test_a_server_without_a_ledger_is_refused_in_its_words(prompt: Prompt, targets: tuple[str, str]) -> None:
    """A server that does not have the service says so itself."""
    answer = prompt("ledger", "list", "--target", targets[1])

    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("UNIMPLEMENTED: ")


def test_what_came_from_elsewhere_cannot_steer_the_terminal(ledger: Ledger, lost: str) -> None:
    """A reason with an escape sequence is printed without it, in one line."""
    answer = ledger("resolve", lost, "--verdict", "executed", "--reason", "\x1b[2Jseen\nstate  LOST")

    assert "\x1b" not in answer.stdout
    assert facts(answer)["state"] == "SUCCEEDED"


def test_an_operation_can_be_called_without_proto_files(prompt: Prompt, targets: tuple[str, str], place: Place) -> None:
    """`call` prints the response that is packed into an operation, whose type no file of the service names."""
    asked = json.dumps({"request_id": place()})

    answer = prompt("call", "OperationService/GetOperation", "--target", targets[0], "-d", asked)

    assert answer.exit_code == 0, answer.output
    response = json.loads(answer.stdout)["operation"]["response"]
    assert response["@type"] == "type.googleapis.com/betstack.ticket.v1.CreateTicketResponse"
    assert response["ticket"]["status"] == "TICKET_STATUS_OPEN"


def test_a_list_can_be_called_without_proto_files(prompt: Prompt, targets: tuple[str, str], place: Place) -> None:
    """Packed responses are printed wherever they are in an answer."""
    request_id = place()

    answer = prompt("call", "OperationService/ListOperations", "--target", targets[0])

    found = {each["request_id"]: each for each in json.loads(answer.stdout)["operations"]}
    assert found[request_id]["response"]["ticket"]["status"] == "TICKET_STATUS_OPEN"
