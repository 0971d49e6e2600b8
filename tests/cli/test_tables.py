"""What do the tables say?"""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.cli.comments import advice
from gateway.cli.tables import Table, errors_table, metrics_table, rights_table, routes_table, settings_table
from gateway.contract import load_contract
from gateway.failure import Reason
from gateway.telemetry.catalogue import CATALOGUE
from tests.cli.conftest import Prompt


def test_every_rpc_has_one_route() -> None:
    """Each RPC of the contract is in the table once."""
    assert [row[0] for row in routes_table().rows] == [route.short for route in load_contract().routes.values()]


@pytest.mark.parametrize(
    "row",
    [
        ("TicketService/CreateTicket", "POST /be/tickets", "debit", "bet", "signed"),
        ("CardService/GetSuperbetCard", "GET /bc/superbets/{code}", "read", "read", "signed"),
        ("PamService/Ping", "POST pam_url action ping", "read", "pam", "unsigned"),
        ("PamService/CreateTicket", "POST pam_url action ticket_create", "debit", "pam", "signed"),
        ("SmsService/SendBetResult", "POST sms_url type bet_result", "notify", "sms", "signed, disabled"),
    ],
)
def test_a_route_says_which_call_serves_the_rpc(row: tuple[str, ...]) -> None:
    """A row has RPC, platform call, what it does to money, the right it needs, and whether it is signed and enabled."""
    assert row in routes_table().rows


def test_a_right_says_what_it_is_needed_for() -> None:
    """A service stands for all of its RPCs; one whose RPCs need several rights is told RPC by RPC."""
    rights = {row[0]: row[1] for row in rights_table().rows}

    assert list(rights) == ["read", "bet", "pam", "sms", "admin"]
    assert rights["pam"] == "`PamService`"
    assert rights["admin"] == "`OperationService/ResolveOperation`"
    assert rights["read"].startswith("`CardService`, `TicketService/GetTicket`")
    assert "OperationService/ResolveOperation" not in rights["read"]


def test_every_reason_says_what_happened_and_what_to_do() -> None:
    """Each reason is in the table once, and none lacks an advice."""
    rows = errors_table().rows

    assert {row[0] for row in rows} == {reason.value for reason in Reason}
    assert len(rows) == len(Reason)
    assert all(all(row) for row in rows)


def test_a_reason_has_its_status_and_its_advice() -> None:
    """Status and words of a reason are those of the contract."""
    assert (
        "TICKET_NOT_RESERVED",
        "FAILED_PRECONDITION",
        "The ticket is not in status `reserved` (code 117).",
        "read the ticket; `open` or later means that it has been paid before.",
    ) in errors_table().rows


def test_what_is_never_sent_is_not_listed() -> None:
    """The value that stands for no reason is no reason."""
    assert "UNSPECIFIED" not in advice()


@pytest.mark.parametrize(
    ("setting", "default"),
    [
        ("operators.<name>.secret", ""),
        ("operators.<name>.platform_url", "required"),
        ("server.listen", '"127.0.0.1:50051"'),
        ("server.reflection", "true"),
        ("upstream.timeout_s", "30"),
        ("codes.be.<number>", ""),
    ],
)
def test_a_setting_has_its_key_and_its_default(setting: str, default: str) -> None:
    """Keys are written as in the file, with a placeholder where a name or number is to be chosen."""
    assert (setting, default) in [row[:2] for row in settings_table().rows]


def test_a_metric_has_its_kind_its_labels_and_its_meaning() -> None:
    """A row has all that is needed to ask for it."""
    rows = metrics_table().rows

    name, kind, labels, meaning = rows[0]
    assert (name, kind, labels) == ("betstack_gateway_rpcs_total", "counter", "rpc operator code reason")
    assert meaning.startswith("RPCs that ended")
    assert len({row[0] for row in rows}) == len(rows) == len(CATALOGUE)


def test_every_setting_has_a_meaning() -> None:
    """No setting is without an explanation."""
    assert [key for key, _, meaning in settings_table().rows if not meaning] == []


@pytest.mark.parametrize("command", ["routes", "errors", "settings"])
def test_markdown_is_a_table(prompt: Prompt, command: str) -> None:
    """Every line of a Markdown table has as many cells as its head."""
    answer = prompt(command, "--markdown")
    lines = answer.output.splitlines()

    assert answer.exit_code == 0
    assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}
    assert set(lines[1]) == {"|", " ", "-"}


@pytest.mark.parametrize("command", ["routes", "errors", "settings"])
def test_a_table_fits_the_terminal(prompt: Prompt, command: str) -> None:
    """On 100 columns no line is longer, and nothing is cut."""
    answer = prompt(command, env={"COLUMNS": "100"})

    assert answer.exit_code == 0
    assert max(len(line) for line in answer.output.splitlines()) <= 100


def test_a_bar_in_a_cell_stays_in_its_cell() -> None:
    """A bar is escaped in Markdown, and only there."""
    table = Table(("A", "B"), (("a|b", "c|d"),), code=1)

    assert table.markdown().splitlines()[2] == "| `a\\|b` | c\\|d |"
    assert "a|b  c|d" in table.text(80)


def test_the_descriptor_set_is_the_contract(prompt: Prompt, tmp_path: Path) -> None:
    """File and standard output both get the whole contract, imports included."""
    file = tmp_path / "contract.binpb"

    assert prompt("descriptor", "-o", file).exit_code == 0
    answer = prompt("descriptor")

    assert answer.stdout_bytes == file.read_bytes()
    names = {each.name for each in FileDescriptorSet.FromString(file.read_bytes()).file}
    assert {"betstack/ticket/v1/ticket_service.proto", "google/protobuf/timestamp.proto"} <= names
