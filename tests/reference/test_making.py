"""Is the reference made of what really happened, and put into words as it should be?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli.reference.command import reference_command
from gateway.cli.reference.display import shown
from gateway.cli.reference.prose import Span, Style, paragraphs
from gateway.cli.reference.recording import Recorder
from gateway.cli.reference.runs import day

NOBODY = {"operator": "site", "token": "nobody"}

Day = Callable[[Recorder], Awaitable[Any]]


@pytest.mark.parametrize(
    ("unlike", "sentence"),
    [
        (lambda made: made.call("PamService/Identify", NOBODY), "PamService/Identify: NOT_FOUND "),
        (
            lambda made: made.refusal("PamService/Ping", {}, "CONFLICT", ""),
            "PamService/Ping succeeded and should have been refused for CONFLICT",
        ),
        (lambda made: made.aside("PamService/Identify", NOBODY), "PamService/Identify: NOT_FOUND "),
        (lambda made: made.call("PamService/Ping", {"player": 1}), 'PamService/Ping: Message type "betstack.pam.v1.'),
        (lambda made: made.call("PamService/Pong", {}), "PamService/Pong: the contract has no such RPC"),
        (lambda made: made.refusal("PamService/Identify", NOBODY, "CONFLICT", ""), ", and not CONFLICT"),
    ],
)
def test_a_call_that_goes_another_way_leaves_no_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unlike: Day, sentence: str
) -> None:
    """What a page would not show truly is an error that names the call, and nothing is written."""
    monkeypatch.setattr(day, "_day", unlike)

    answer = CliRunner().invoke(reference_command, ["-o", str(tmp_path / "made")])

    assert answer.exit_code == 1
    assert sentence in answer.output
    assert not (tmp_path / "made").exists()


LONG = [{"number": number, "name": "x" * 60} for number in range(20)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ({"price": 2000, "odds": [1.8]}, '{"price": 2000, "odds": [1.8]}'),
        ({"name": "Łódź", "long": "x" * 70}, '{\n  "name": "Łódź",\n  "long": "' + "x" * 70 + '"\n}'),
        ([["x" * 40, "y" * 40]], '[\n  [\n    "' + "x" * 40 + '",\n    "' + "y" * 40 + '"\n  ]\n]'),
    ],
)
def test_json_stays_in_a_line_where_it_fits(value: Any, text: str) -> None:
    """What is short stays together; what is not has a line for each part."""
    assert shown(value) == text


def test_long_lists_are_cut_and_say_so() -> None:
    """Only where it may be cut a list ends early, and tells how much is left out."""
    cut = shown({"items": LONG}, cut=True)

    assert cut.count('"number"') == 5
    assert cut.endswith("    },\n    // … and 15 more\n  ]\n}")
    assert shown({"items": LONG}).count('"number"') == 20


@pytest.mark.parametrize(
    ("text", "package", "spans"),
    [
        (
            "Fails with CONFLICT.",
            "betstack.pam.v1",
            [Span("Fails with "), Span("CONFLICT", target="reason.CONFLICT"), Span(".")],
        ),
        (
            "Paid with PayTicket.",
            "betstack.ticket.v1",
            [Span("Paid with "), Span("PayTicket", target="betstack.ticket.v1.TicketService.PayTicket"), Span(".")],
        ),
        ("A CreateTicket of either service", "", [Span("A CreateTicket of either service")]),
        ("A Ticket, and an Event", "betstack.ticket.v1", [Span("A Ticket, and an Event")]),
        (
            "`Ticket`",
            "betstack.ticket.v1",
            [Span(""), Span("Ticket", Style.CODE, "betstack.ticket.v1.Ticket"), Span("")],
        ),
        ("Assumed: so.", "", [Span(""), Span("Assumed:", Style.ASSUMED), Span(" so.")]),
        ("[codes.be] <b>", "", [Span("[codes.be] <b>")]),
    ],
)
def test_names_in_comments_become_links(text: str, package: str, spans: list[Span]) -> None:
    """Names that can be nothing else lead to what they name; plain words and names of two things do not."""
    (found,) = paragraphs(text, package)

    assert list(found) == spans
