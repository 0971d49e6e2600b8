"""Is everything of the contract in the reference, and is what it says true?"""

from __future__ import annotations

import hmac
import re
from pathlib import Path

import pytest

from gateway.cli.comments import advice, comments
from gateway.contract import STATUS_OF, Route, load_contract
from gateway.failure import Reason
from tests.cli.program import ended
from tests.reference.reading import Element, Page, contract_files, names_in

NAMES = [name for file in contract_files() for name in names_in(file)]
RPCS = [name for kind, name in NAMES if kind == "rpc"]
ROUTES: dict[str, Route] = {rpc.replace("/", ".").lstrip("."): route for rpc, route in load_contract().routes.items()}
NEVER_SENT_BY_THE_PLATFORM = {"betstack.pam.v1.PamService.Ping", "betstack.sms.v1.SmsService.SendBetResult"}
PORTS = {"50051", "50060", "8080", "9090"}
SAME_CALL = "The same call, from the platform to your service"


def anchor(kind: str, name: str) -> str:
    """Return where an element of the contract is on the page."""
    return f"reason.{name}" if kind == "reason" else name


def captions(part: Element) -> list[str]:
    """Return what the texts in a part of the page are."""
    return [each.text for each in part if each.name in ("figcaption", "summary")]


def example_of(page: Page, rpc: str) -> Element:
    """Return the examples of an RPC."""
    (found,) = page.by_id[rpc].all(kind="examples")
    return found


def test_everything_of_the_contract_is_on_both_pages(page: Page, markdown: str) -> None:
    """Every service, RPC, message, field, enum, value, option and reason has its place."""
    assert {kind for kind, _ in NAMES} == {"service", "rpc", "message", "field", "enum", "value", "option", "reason"}
    assert [name for kind, name in NAMES if anchor(kind, name) not in page.by_id] == []
    places = set(re.findall(r'<a id="([^"]+)">', markdown))
    rows = {"field", "value", "option"}
    assert [name for kind, name in NAMES if kind not in rows and anchor(kind, name) not in places] == []
    assert [name for kind, name in NAMES if kind in rows and f"| `{name.rpartition('.')[2]}` |" not in markdown] == []


def test_every_comment_of_the_contract_is_told(page: Page) -> None:
    """What the protos say of an element stands where the element is."""

    def words(text: str) -> str:
        return re.sub(r"\W+", " ", text).lower().replace("assumed ", "").strip()

    told = {name: words(comments()[name]) for kind, name in NAMES if kind != "reason"}
    told = {name: text for name, text in told.items() if not re.fullmatch(r"the (request|response) of \w+", text)}

    assert len(told) > 800
    assert [name for name, text in told.items() if text not in words(page.by_id[name].text)] == []


@pytest.mark.parametrize("rpc", ROUTES)
def test_a_platform_call_is_told_with_its_class_and_right(page: Page, rpc: str) -> None:
    """An RPC that the platform serves shows method and path or action, class, right, and whether it is signed."""
    route = ROUTES[rpc]
    text = page.by_id[rpc].text
    chips = [each.text for each in page.by_id[rpc].all(kind="chip")]

    assert f"{route.verb} {route.path or f'{route.api.name}_url'}" in text
    assert route.envelope is None or f"{route.envelope.key} {route.envelope.token}" in text
    assert {route.call_class.name.lower(), "signed" if route.signed else "unsigned"} <= set(chips)
    assert ("disabled" in chips) == route.disabled
    assert f"Right{route.right.value}" in text


@pytest.mark.parametrize("rpc", RPCS)
def test_every_rpc_has_a_complete_example(page: Page, rpc: str) -> None:
    """Each call is shown from its request to its response, with the HTTP call between where the platform serves it."""
    shown = captions(example_of(page, rpc))

    assert shown[0] == "Request"
    assert {"Response", "Responses, one after the other"} & set(shown)
    if rpc in ROUTES:
        assert ("Signed HTTP request" if ROUTES[rpc].signed else "HTTP request, not signed") in shown
        assert "HTTP answer" in shown


@pytest.mark.parametrize("rpc", [rpc for rpc, route in ROUTES.items() if route.envelope])
def test_what_the_platform_calls_is_shown_from_there_too(page: Page, rpc: str) -> None:
    """PAM and SMS calls also come as webhooks: the signed request, the call it becomes, and the answer."""
    found = [each for each in example_of(page, rpc).all("details", "example") if each.text.startswith(SAME_CALL)]

    assert len(found) == (rpc not in NEVER_SENT_BY_THE_PLATFORM)
    for example in found:
        sent, called, told = captions(example)[1:]
        assert (sent, told) == ("What the platform sends", "What the platform is told")
        assert called.startswith("What your service is called with")


def test_every_signature_on_the_page_holds(page: Page, markdown: str) -> None:
    """Each signed request is shown byte for byte: its signature is that of the sandbox's key."""
    texts = [each.text for each in page.elements if each.name == "code" and "\nsignature: " in each.text]
    assert len(texts) > len([route for route in ROUTES.values() if route.signed])
    for text in texts:
        head, _, body = text.partition("\n\n")
        headers = dict(line.split(": ", 1) for line in head.split("\n")[1:])
        message = f"{headers['timestamp']}{body}".encode()
        assert headers["signature"] == hmac.new(b"12345ABCDE", message, "sha256").hexdigest()
        assert f"\n{text}\n```" in markdown


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_says_what_to_do(page: Page, reason: Reason) -> None:
    """A reason stands with its status, what happened and what to do."""
    text = page.by_id[f"reason.{reason}"].text.replace("`", "")

    assert advice()[reason].happened.replace("`", "") in text
    assert f"Do: {advice()[reason].do}".replace("`", "") in text
    assert STATUS_OF[reason]


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("ticket.v1.CreateTicketRequest.request_id", ["required"]),
        ("ticket.v1.CreateTicketRequest.token", ["at most 4096 characters", "personal data"]),
        ("ticket.v1.CreateTicketRequest.price", ["at least 1"]),
        ("ticket.v1.CreateTicketRequest.currency", ["ISO 4217 code"]),
        ("ticket.v1.Superbet.bets", ["not empty"]),
        ("pam.v1.CreateTicketRequest.wht", ["at least 0"]),
        ("ticket.v1.Quickbet.betcard_code", ["assumed"]),
    ],
)
def test_limits_stand_beside_the_field(page: Page, name: str, limits: list[str]) -> None:
    """What the options of a field declare is told where the field is."""
    assert [each.text for each in page.by_id[f"betstack.{name}"].all(kind="chip") if each.text] == limits


def test_whatever_is_assumed_is_marked_and_listed(page: Page) -> None:
    """Every comment that says "Assumed:" has its mark, and a place in the list of assumptions."""
    assumed = [name for name, comment in comments().items() if "Assumed:" in comment and name.startswith("betstack.")]
    listed = {each.attributes["href"] for each in page.by_id["assumed"].all("a")}

    assert len(assumed) > 50
    for name in assumed:
        assert "assumed" in [each.text for each in page.by_id[name].all(kind="chip")], name
        assert f"#{name}" in listed


def test_every_link_leads_somewhere(page: Page, markdown: str) -> None:
    """All links stay on the page and have a target, on both pages."""
    targets = {each.attributes["href"] for each in page.elements if each.name == "a"}
    assert {each for each in targets if each[0] != "#" or each[1:] not in page.by_id} == set()
    places = set(re.findall(r'<a id="([^"]+)">', markdown))
    assert {each for each in re.findall(r"\]\(#([^)]+)\)", markdown) if each not in places} == set()


def test_the_page_needs_nothing_else(page: Page) -> None:
    """Nothing is loaded: no address, no import, and a policy that forbids it."""
    assert not re.search(r"url\(|@import|<iframe|<img", page.source)
    assert {each.attributes["href"][:5] for each in page.elements if each.name == "link"} == {"data:"}
    assert not any("src" in each.attributes for each in page.elements)
    (policy,) = [each.attributes["content"] for each in page.elements if "http-equiv" in each.attributes]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")


def test_nothing_of_this_machine_is_on_the_pages(page: Page, markdown: str, folder: Path) -> None:
    """Ports are those of `run`, nothing is random, and no key, path or date of this machine is there."""
    for text in (page.source, markdown):
        assert set(re.findall(r"127\.0\.0\.1:(\d+)", text)) == PORTS
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-", text)
        assert set(re.findall(r"\b20\d\d-\d\d-\d\dT", text)) <= {
            f"{day}T" for day in ("2025-12-31", *(f"2026-01-{number:02}" for number in range(1, 10)))
        }
        assert str(folder) not in text
        assert str(Path.home()) not in text
        assert "PRIVATE KEY" not in text
        assert text.count("12345ABCDE") == 1


def test_two_runs_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Settings, time zone and hash seed of the machine change nothing."""
    more = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "GATEWAY_DEFAULT_OPERATOR": "nobody", "COLUMNS": "40"}
    answer = ended("reference", "-o", str(tmp_path), cwd=tmp_path, more=more)

    assert answer.returncode == 0, answer.stderr
    for name in ("reference.html", "reference.md"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
