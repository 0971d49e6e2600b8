"""Does the demo show that everything works?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.program import ended


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the demo in an empty directory."""
    answer = ended("demo", cwd=tmp_path_factory.mktemp("empty"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not answer.stderr
    return answer.stdout


def test_the_demo_sums_up(shown: str) -> None:
    """The last line counts the calls and says that all were as they should be."""
    assert shown.splitlines()[-1].endswith("served and 2 refused, all as they should be.")


@pytest.mark.parametrize("kind", ["quicktip", "smartbet", "quickbet", "superbet", "jackpot"])
def test_the_demo_places_a_ticket_of_each_type(shown: str, kind: str) -> None:
    """All five types of ticket are placed and open."""
    assert f'"type":"{kind}"' in shown
    assert f"OK  {kind} ticket " in shown


def test_the_demo_shows_every_rpc_beside_its_signed_request(shown: str) -> None:
    """Every RPC has one HTTP request, and all but the ping are signed."""
    lines = shown.splitlines()
    rpcs = [line for line in lines if re.match("[A-Z][a-z]+Service/", line)]
    requests = [number for number, line in enumerate(lines) if line.startswith("  → ")]
    unsigned = [number for number in requests if "signature: " not in lines[number + 1]]

    assert len(requests) == len(rpcs)
    assert [lines[number + 2] for number in unsigned] == ['    {"action":"ping","data":{"operator":"site"}}']


def test_the_demo_shows_the_whole_circle(shown: str) -> None:
    """A bet is asked for by signed webhooks before it is answered; its win is credited and told by SMS."""
    bet = shown[shown.index("\nTicketService/CreateTicket") :]
    won = bet[bet.index(" is won\n") :]
    order = [
        "  → POST /be/tickets\n",
        '{"action":"identify"',
        '{"action":"ticket_create"',
        "  ⇒ PamService/CreateTicket  player ",
        "  ← HTTP 200",
        " is open: ",
    ]
    places = [bet.index(each) for each in order]

    assert places == sorted(places)
    assert " -20.00  has 980.00\n" in bet
    for each in ('{"action":"ticket_win"', '"result":"won"}}', "⇒ SmsService/SendTicketStatus"):
        assert each in won
    assert re.search(r" \+[1-9][\d,]*\.\d\d  has ", won), "what is won is another sum each day, as the odds are"
    webhooks = [number for number, line in enumerate(shown.splitlines()) if line.startswith("  ⇐ webhook POST ")]
    assert all("signature: " in shown.splitlines()[number + 1] for number in webhooks)


@pytest.mark.parametrize("reason", ["ABORTED  ODDS_CHANGED", "FAILED_PRECONDITION  TICKET_NOT_RESERVED"])
def test_the_demo_shows_refusals(shown: str, reason: str) -> None:
    """Stale odds and a second payment are refused, each with status and reason."""
    assert f"  {reason}  " in shown


def test_the_demo_fits_a_terminal(shown: str) -> None:
    """No line is longer than 100 columns."""
    assert max(len(line) for line in shown.splitlines()) <= 100


def test_a_demo_that_goes_wrong_says_so(tmp_path: Path) -> None:
    """With a platform code mapped to another reason the demo names what it did not expect and ends with status 1."""
    answer = ended("demo", more={"GATEWAY_CODES__BE__112": "CONFLICT"}, cwd=tmp_path)

    assert answer.returncode == 1
    assert "TicketService/CreateTicket was refused for CONFLICT and not for ODDS_CHANGED" in answer.stderr
