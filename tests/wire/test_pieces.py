"""Is a list that is read in pieces read as it would be in one?"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.contract import load_contract
from gateway.failure import Failure
from gateway.wire.codes import code_tables
from gateway.wire.envelope import HttpAnswer
from gateway.wire.translation import Translation, translations

TRANSLATIONS: Final = {
    each.route.short: each for each in translations(load_contract(), code_tables().__getitem__).values()
}
LISTS: Final = [short for short, each in TRANSLATIONS.items() if "/List" in short]
LIST_TICKETS: Final = TRANSLATIONS["TicketService/ListTickets"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
TICKETS = st.fixed_dictionaries(
    {"id": st.sampled_from(["t1", "", None, 5])},
    optional={"price": JSON, "events": JSON, "status": st.sampled_from(["open", "?"]), "new": JSON},
)
BODIES = st.lists(TICKETS | JSON, max_size=4) | JSON
BROKEN: Final = [
    *(b"", b" ", b"[", b"[]", b" [ ] ", b"[]]", b"[],", b"[,]", b"]", b"null", b"{}", b"[1]", b"\xff", b'["\xff"]'),
    *(
        b'[{"id":"a"},]',
        b'[{"id":"a"}',
        b'[{"id":"a"} {"id":"b"}]',
        b'[{"id":"a"}] x',
        b'\n[\t{"id":"a"} , {"id":"b"}\r]\n',
    ),
    *(
        b'[{"id":"a","wht":NaN}]',
        b'[{"id":"a","wht":1e999}]',
        b'[{"id":"\\ud800"}]',
        b"\xef\xbb\xbf[]",
        b'[{"id":"a"}]\x00',
    ),
    *(b'[{"id":"a","new":' + b"[" * depth + b"]" * depth + b"}]" for depth in (61, 62, 63, 100_000)),
    *(b'{"code":102,"message":"No"}', b'[{"code":102,"message":"No"}]', b'[{"id":"a","price":' + b"9" * 5000 + b"}]"),
]


def outcome(translation: Translation, answer: HttpAnswer, *, in_pieces: bool) -> tuple[Any, list[str]]:
    """Return what comes of an answer, and what was lost to ``unmapped``."""
    lost: list[str] = ["before"]
    try:
        if not in_pieces:
            return translation.read(answer, lost), lost
        work = translation.pieces(answer, lost)
        while True:
            next(work)
    except StopIteration as end:
        return end.value, lost
    except Failure as failure:
        return (failure.reason, failure.message, failure.metadata, failure.retry_after_s), lost


def check(body: bytes, status: int = 200, short: str = "TicketService/ListTickets", *, overlong: bool = False) -> None:
    """Fail where the two ways differ."""
    answer = HttpAnswer(status, {}, body, 0, overlong)
    whole = outcome(TRANSLATIONS[short], answer, in_pieces=False)
    assert outcome(TRANSLATIONS[short], answer, in_pieces=True) == whole


@settings(max_examples=100, deadline=None)
@given(BODIES)
@example([{"id": "t1", "new": 1}, {"id": "t2", "created": "never"}, {"id": ""}])
def test_pieces_make_the_same_of_every_value(value: Any) -> None:
    """Messages, refusals and what is kept in ``unmapped`` are the same, wherever in the list something does not fit."""
    check(json.dumps(value).encode())


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: repr(body[:30]))
def test_pieces_make_the_same_of_bytes_that_are_no_list(body: bytes) -> None:
    """What is no JSON, no list, cut, too deep or followed by something else is refused in the same words."""
    check(body)


@pytest.mark.parametrize("short", sorted(TRANSLATIONS))
def test_every_rpc_can_be_read_in_pieces(short: str) -> None:
    """Routes whose answers are no lists, statuses that are no success and answers that were cut make no difference."""
    for body in (b"", b"[]", b"{}", b'{"id":"t1","code":"c1"}', b'[{"id":"t1","code":"c1"},{"id":"t2","code":"c2"}]'):
        for status in (200, 201, 204, 302, 400, 503):
            check(body, status, short)
    check(b'[{"id":"t1"}]', short=short, overlong=True)


def test_a_pause_is_offered_after_every_element_of_every_list() -> None:
    """No list of the contract has to be read at once."""
    body = b'[{"id":"t1","code":"c1"},{"id":"t2","code":"c2"},{"id":"t3","code":"c3"}]'

    assert len(LISTS) == 6
    for short in LISTS:
        assert len(list(TRANSLATIONS[short].pieces(HttpAnswer(200, {}, body), []))) == 3, short
