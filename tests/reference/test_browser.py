"""Can people use the reference? The page in a real browser, from a file, as somebody opens it who was sent it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.reference.browser import DOWN, ENTER, ESCAPE, PASTE, Browser, browser

RPC = "betstack.ticket.v1.TicketService.CreateTicket"
PHONE = (390, 844)
DESK = (1440, 1000)

VISIBLE = """
    const element = document.getElementById(arguments[0]);
    const place = element.getBoundingClientRect();
    return place.top >= 0 && place.top < innerHeight;
"""
FOUND = "return [...document.querySelectorAll('#found .title')].map((each) => each.textContent)"
TOO_WIDE = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
CONTRASTS = """
    const style = getComputedStyle(document.documentElement);
    const light = (name) => {
      const [, ...parts] = style.getPropertyValue(name).trim().match(/^#(..)(..)(..)$/);
      const [red, green, blue] = parts.map((part) => {
        const value = parseInt(part, 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const found = {};
    for (const back of ["--back", "--soft", "--code"]) {
      for (const text of arguments[0]) {
        const [dim, bright] = [light(back), light(text)].sort((one, other) => one - other);
        found[`${text} on ${back}`] = (bright + 0.05) / (dim + 0.05);
      }
    }
    return found;
"""
INKS = ["--text", "--quiet", "--link", "--strong", "--green", "--red", "--amber", "--violet", "--blue", "--numeral"]


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    """Run a browser for the tests of this module."""
    with browser() as running:
        yield running


@pytest.fixture
def opened(window: Browser, folder: Path) -> Iterator[Browser]:
    """Open the page on a desk, in the light, with nothing chosen; the console has to stay silent."""
    window.wide(*DESK)
    window.prefer("light")
    window.open((folder / "reference.html").as_uri())
    yield window
    window.run("localStorage.clear()")
    assert window.complaints() == []


def at(window: Browser, anchor: str, folder: Path) -> None:
    """Open the page at an anchor."""
    window.open(f"{(folder / 'reference.html').as_uri()}#{anchor}")


def background(window: Browser) -> str:
    """Return the colour behind the text."""
    return str(window.run("return getComputedStyle(document.body).backgroundColor"))


def test_a_slash_begins_a_search_and_enter_goes_there(opened: Browser) -> None:
    """Typing a slash focuses the search; the RPC asked for is first, and Enter shows it."""
    opened.type("/")
    opened.type("create ticket bet")

    assert opened.run("return document.activeElement.id") == "query"
    assert opened.run(FOUND)[0] == "TicketService/CreateTicket"

    opened.type(ENTER)
    assert opened.run("return decodeURIComponent(location.hash)") == f"#{RPC}"
    assert opened.run(VISIBLE, RPC)
    assert not opened.run("return document.getElementById('results').checkVisibility()")


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"),
        ("win ticket", "PamService/WinTicket"),
        ("ticket status resulted", "TICKET_STATUS_RESULTED"),
        ("gross_payout TicketService", "TicketService/CreateTicket"),
        ("excise percent", "GetFinanceDetailsResponse.ext"),
        ("Kakamega", ""),
        ("affiliate-1", "TicketService/CreateTicket"),
        ("  [.*(  ", ""),
    ],
)
def test_everything_is_searched(opened: Browser, words: str, first: str) -> None:
    """Names, prose and examples are found, the best first; what is nowhere is said to be nowhere."""
    opened.run("document.getElementById('query').focus()")
    opened.type(words)

    found = opened.run(FOUND)
    assert found[:1] == ([first] if first else [])
    assert first or opened.run("return document.getElementById('count').textContent") == "Nothing found"


def test_results_are_chosen_by_keys_and_announced(opened: Browser) -> None:
    """Arrows move through the results, whose choice assistive technology is told; Escape closes them."""
    opened.type("/")
    opened.type(f"jackpot{DOWN}{DOWN}")
    state = "return [...document.querySelectorAll('[aria-selected]')].map((each) => each.id)"

    assert opened.run(state) == ["hit-2"]
    assert opened.run("return document.activeElement.getAttribute('aria-activedescendant')") == "hit-2"
    assert opened.run("return document.activeElement.getAttribute('aria-expanded')") == "true"

    opened.type(ESCAPE)
    assert opened.run("return document.activeElement.getAttribute('aria-expanded')") == "false"


def test_a_click_on_a_result_goes_there(opened: Browser) -> None:
    """A result can be clicked."""
    opened.type("/")
    opened.type("odds_changed")
    opened.click("#found li")

    assert opened.run(VISIBLE, "reason.ODDS_CHANGED")


def test_links_are_followed(opened: Browser, folder: Path) -> None:
    """From an RPC to the type of a field, to a message inside it, and from prose to the reason it names."""
    at(opened, RPC, folder)
    for link, anchor in (
        (f"[id='{RPC}'] a[href='#betstack.ticket.v1.Ticket']", "betstack.ticket.v1.Ticket"),
        ("[id='betstack.ticket.v1.Ticket.event'] .kind a", "betstack.ticket.v1.TicketEvent"),
        ("nav a[href='#calls']", "calls"),
        ("#calls a[href='#betstack.ticket.v1.TicketService.PayTicket']", "betstack.ticket.v1.TicketService.PayTicket"),
        ("article:target .told a[href='#reason.TICKET_NOT_RESERVED']", "reason.TICKET_NOT_RESERVED"),
    ):
        opened.click(link)
        assert opened.run(VISIBLE, anchor), anchor


def test_the_contents_show_where_the_reader_is(opened: Browser, folder: Path) -> None:
    """The navigation marks the place, opens its group and keeps it in sight."""
    at(opened, "betstack.sandbox.v1.SandboxService.SendOtp", folder)
    current = "return document.querySelector('nav [aria-current]')"

    assert opened.run(f"{current}.hash") == "#betstack.sandbox.v1.SandboxService.SendOtp"
    assert opened.run(f"{current}.checkVisibility()")


def test_dark_and_light_follow_the_system_until_one_is_chosen(opened: Browser, folder: Path) -> None:
    """The page is dark where the system is; the switch turns it, and is remembered."""
    bright = background(opened)
    opened.prefer("dark")
    dark = background(opened)
    assert bright != dark
    assert opened.run("return document.getElementById('light').textContent") == "Light"

    opened.click("#light")
    assert background(opened) == bright
    at(opened, "calls", folder)
    assert background(opened) == bright
    assert opened.run("return document.getElementById('light').textContent") == "Dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_both(opened: Browser, scheme: str) -> None:
    """Every ink has a contrast of at least 4.5 with every background, as WCAG AA asks."""
    opened.prefer(scheme)
    found: dict[str, float] = opened.run(CONTRASTS, INKS)

    assert len(found) == 3 * len(INKS)
    assert {pair: ratio for pair, ratio in found.items() if ratio < 4.5} == {}


def test_no_width_scrolls_sideways(opened: Browser) -> None:
    """From a small phone to a big screen nothing is wider than the window, folded or not."""
    widths = (320, PHONE[0], 768, 1024, DESK[0], 2560)
    for unfold in ("", "for (const each of document.querySelectorAll('main details')) each.open = true"):
        opened.run(unfold)
        for width in widths:
            opened.wide(width, 844)
            assert opened.run(TOO_WIDE) == 0, (width, unfold)


def test_a_phone_has_its_contents_behind_a_button(opened: Browser) -> None:
    """The contents open and close, and a link in them leads to its place."""
    opened.wide(*PHONE)
    shown = "return document.getElementById('navigation').checkVisibility()"
    assert not opened.run(shown)

    opened.click("#menu")
    assert opened.run(shown)
    opened.click("nav a[href='#rights']")
    assert not opened.run(shown)
    assert opened.run(VISIBLE, "rights")


def test_a_table_that_is_too_wide_scrolls_by_itself(opened: Browser) -> None:
    """On a phone the table of all calls can be scrolled, by keys too."""
    opened.wide(*PHONE)
    table = "const table = document.querySelector('#calls .wide');"

    assert opened.run(f"{table} return table.scrollWidth > table.clientWidth")
    assert opened.run(f"{table} table.focus(); return document.activeElement === table")


def test_a_call_is_copied_as_a_command(opened: Browser, folder: Path) -> None:
    """What the button copies is a line for a shell; pasted, it is what the page has."""
    at(opened, RPC, folder)
    opened.devtools(
        "Browser.setPermission", permission={"name": "clipboard-write"}, setting="granted", origin="file:///"
    )
    button = f"[id='{RPC}'] .copy[data-copy]"
    opened.click(button)
    opened.run("document.getElementById('query').focus()")
    opened.type(PASTE)

    pasted = opened.run("return document.getElementById('query').value")
    assert re.match(
        r"grpcurl -plaintext -d '\{.*\}' 127\.0\.0\.1:50051 betstack\.ticket\.v1\.\w+/CreateTicket$", pasted
    )
    assert pasted == opened.run(f'return document.querySelector("{button}").dataset.copy')


def test_what_is_folded_opens_on_paper(opened: Browser) -> None:
    """In print everything is unfolded and nothing is there that only a screen needs; afterwards it is as before."""
    folded = "return document.querySelectorAll('main details:not([open])').length"
    before = opened.run(folded)
    opened.run("dispatchEvent(new Event('beforeprint'))")
    assert opened.run(folded) == 0
    opened.prefer("dark", "print")
    assert not opened.run("return document.querySelector('header').checkVisibility()")
    assert opened.run(TOO_WIDE) == 0

    opened.run("dispatchEvent(new Event('afterprint'))")
    assert opened.run(folded) == before > 0


def test_the_page_has_landmarks_and_names(opened: Browser) -> None:
    """There are header, search, navigation and main; controls have names, headings leave out no level."""
    landmarks = "return ['header', 'search', 'nav', 'main'].map((each) => document.querySelectorAll(each).length)"
    assert opened.run(landmarks) == [1, 1, 1, 1]
    unnamed = """return [...document.querySelectorAll('button, input, [role=region], pre, nav')]
        .filter((each) => !each.textContent.trim() && !each.getAttribute('aria-label')).length"""
    assert opened.run(unnamed) == 0
    headings = "return [...document.querySelectorAll('main :is(h1,h2,h3,h4)')].map((each) => +each.tagName[1])"
    levels: list[int] = opened.run(headings)
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_reads_without_scripts(opened: Browser, folder: Path) -> None:
    """Where scripts do not run, everything is there but what needs them."""
    opened.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        at(opened, RPC, folder)
        root: Any = opened.devtools("DOM.getDocument", depth=0)["root"]["nodeId"]
        menu = opened.devtools("DOM.querySelector", nodeId=root, selector="#menu")["nodeId"]
        model = opened.devtools("CSS.enable")
        assert model == {}
        style = opened.devtools("CSS.getComputedStyleForNode", nodeId=menu)["computedStyle"]
        assert {"name": "display", "value": "none"} in style
    finally:
        opened.devtools("Emulation.setScriptExecutionDisabled", value=False)
