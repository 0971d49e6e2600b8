"""Which message is this JSON? What fits is read, what does not is kept, and some of it is no answer at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from betstack.card.v1 import card_service_pb2 as card
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import load_contract
from gateway.failure import Failure, Reason
from gateway.wire.codes import code_tables
from gateway.wire.envelope import HttpAnswer, reader

READERS = {route.short: reader(route, code_tables().__getitem__) for route in load_contract().routes.values()}

GET_TICKET = "TicketService/GetTicket"
TICKET = "betstack.ticket.v1.Ticket"


def _read(rpc: str, body: str | bytes) -> tuple[Any, list[str]]:
    """Read a body of HTTP 200; returns the response and what was lost to ``unmapped``."""
    lost: list[str] = []
    content = body.encode() if isinstance(body, str) else body
    return READERS[rpc](HttpAnswer(200, {}, content), lost), lost


def _ticket(members: str) -> tuple[ticket.Ticket, list[str]]:
    response, lost = _read(GET_TICKET, f'{{"id":"t1",{members}}}')
    return response.ticket, lost


def _kept(unmapped: Struct) -> Any:
    return MessageToDict(unmapped)


def _refused(rpc: str, body: str | bytes) -> Reason:
    with pytest.raises(Failure) as failure:
        _read(rpc, body)
    return failure.value.reason


FITTING: list[tuple[str, str, object]] = [
    ("price", "2000", 2000),
    ("price", "2000.0", 2000),
    ("price", "2e3", 2000),
    ("price", "-0", 0),
    ("price", "9223372036854775807", 2**63 - 1),
    ("price", "-9223372036854775808", -(2**63)),
    ("price", "9007199254740993", 2**53 + 1),
    ("aff_instant_comm_amt", "0", 0),
    ("wht", "10", 10.0),
    ("wht", "10.0", 10.0),
    ("wht", "12.5", 12.5),
    ("wht", "1e-7", 1e-7),
    ("wht", "9007199254740993", 9007199254740992.0),
    ("code", '""', ""),
    ("code", '"Z\\u00fcrich \\ud83c\\udf89"', "Zürich 🎉"),
    ("code", '"\\ud800"', "\ufffd"),
    ("code", '"a\\udfff\\ud83cb"', "a\ufffd\ufffdb"),
    ("code", '"\\\\ud800"', "\\ud800"),
    ("approved", "true", True),
    ("approved", "false", False),
    ("status", '"calculating"', ticket.TICKET_STATUS_CALCULATING),
    ("ext_type", '"exclusive"', ticket.EXCISE_TAX_TYPE_EXCLUSIVE),
    ("created", '"2024-07-17T17:00:00.000000"', Timestamp(seconds=1721235600)),
    ("created", '"2024-07-17T17:00:00+00:00"', Timestamp(seconds=1721235600)),
    ("created", '"2024-07-17T17:00:00"', Timestamp(seconds=1721235600)),
    ("operator_time_created", '"2024-07-17T19:00:00.000000"', "2024-07-17T19:00:00.000000"),
    ("event", '{"id":7}', ticket.TicketEvent(id=7)),
    ("event", "{}", ticket.TicketEvent()),
    ("events", "[]", []),
    ("events", '[{"id":7},{}]', [ticket.TicketEvent(id=7), ticket.TicketEvent()]),
]

UNFITTING: list[tuple[str, str, object]] = [
    ("price", '"2000"', "2000"),
    ("price", "true", True),
    ("price", "false", False),
    ("price", "2000.5", 2000.5),
    ("price", "9223372036854775808", "9223372036854775808"),
    ("price", "-9223372036854775809", "-9223372036854775809"),
    ("price", "9223372036854775808.0", 9223372036854775808.0),
    ("price", "1e300", 1e300),
    ("price", "1" + "0" * 400, "1" + "0" * 400),
    ("price", "[2000]", [2000]),
    ("price", "{}", {}),
    ("wht", '"10"', "10"),
    ("wht", "true", True),
    ("wht", "1" + "0" * 400, "1" + "0" * 400),
    ("wht", "[]", []),
    ("code", "123456", 123456),
    ("code", "true", True),
    ("code", '["A"]', ["A"]),
    ("approved", "1", 1),
    ("approved", '"true"', "true"),
    ("status", '"flying"', "flying"),
    ("status", '"OPEN"', "OPEN"),
    ("status", '"TICKET_STATUS_OPEN"', "TICKET_STATUS_OPEN"),
    ("status", '""', ""),
    ("status", "4", 4),
    ("created", '"yesterday"', "yesterday"),
    ("created", '"2024-07-17T17:00:00+99:99"', "2024-07-17T17:00:00+99:99"),
    ("created", "1721235600", 1721235600),
    ("created", "{}", {}),
    ("event", '"7"', "7"),
    ("event", "[]", []),
    ("event", "7", 7),
    ("events", "{}", {}),
    ("events", '"none"', "none"),
    ("events", '[{"id":7},8]', [{"id": 7}, 8]),
    ("events", '[{"id":7,"new":1},null]', [{"id": 7, "new": 1}, None]),
    ("events", '[[{"id":7}]]', [[{"id": 7}]]),
]

UNKNOWN: list[tuple[str, object]] = [
    ("null", None),
    ("true", True),
    ("12", 12),
    ("12.5", 12.5),
    ('"text"', "text"),
    ('"\\ud800 and \\udc00"', "\ufffd and \ufffd"),
    ("[]", []),
    ("{}", {}),
    ('[1,[2,{"a":null}]]', [1, [2, {"a": None}]]),
    ('{"a":{"b":[true,"c"]}}', {"a": {"b": [True, "c"]}}),
    ("9007199254740992", 2**53),
    ("-9007199254740992", -(2**53)),
    ("9007199254740993", "9007199254740993"),
    ("-9007199254740993", "-9007199254740993"),
    ('{"deep":[18446744073709551616]}', {"deep": ["18446744073709551616"]}),
    ("1" + "0" * 4000, "1" + "0" * 4000),
]

NEW = '"new":{"a":[1]}'
INNERMOST: list[tuple[str, str, Callable[[Any], Any], str]] = [
    (GET_TICKET, f'{{"id":"t",{NEW}}}', lambda r: r.ticket, TICKET),
    (
        GET_TICKET,
        f'{{"id":"t","events":[{{}},{{{NEW}}}]}}',
        lambda r: r.ticket.events[1],
        "betstack.ticket.v1.TicketEvent",
    ),
    (GET_TICKET, f'{{"id":"t","event":{{{NEW}}}}}', lambda r: r.ticket.event, "betstack.ticket.v1.TicketEvent"),
    (
        GET_TICKET,
        f'{{"id":"t","events":[{{"sport":{{{NEW}}}}}]}}',
        lambda r: r.ticket.events[0].sport,
        "betstack.ticket.v1.TicketEventPart",
    ),
    (
        GET_TICKET,
        f'{{"id":"t","event":{{"line":{{{NEW}}}}}}}',
        lambda r: r.ticket.event.line,
        "betstack.ticket.v1.TicketBetPart",
    ),
    (GET_TICKET, f'{{"id":"t","bets":[{{{NEW}}}]}}', lambda r: r.ticket.bets[0], "betstack.ticket.v1.TicketBet"),
    (
        "TicketService/ListTickets",
        f'[{{"id":"t"}},{{"id":"u",{NEW}}}]',
        lambda r: r.tickets[1],
        TICKET,
    ),
    (
        "CardService/GetFinanceDetails",
        f'{{"price":1,{NEW}}}',
        lambda r: r,
        "betstack.card.v1.GetFinanceDetailsResponse",
    ),
    (
        "CardService/GenerateSmartbet",
        f'{{"price":1,"events":[{{"bet":{{{NEW}}}}}]}}',
        lambda r: r.events[0].bet,
        "betstack.card.v1.Bet",
    ),
    (
        "CardService/GetSmartbetCard",
        f'{{"code":"F2964C",{NEW}}}',
        lambda r: r.card,
        "betstack.card.v1.SmartbetCard",
    ),
    (
        "CardService/ListJackpotCards",
        f'[{{"code":"F2964C","events":[{{"home_team":{{{NEW}}}}}]}}]',
        lambda r: r.cards[0].events[0].home_team,
        "betstack.card.v1.Team",
    ),
    (
        "CardService/ListQuicktipCards",
        f'[{{"code":"F2964C","events":[{{"category":{{{NEW}}}}}]}}]',
        lambda r: r.cards[0].events[0].category,
        "betstack.card.v1.Category",
    ),
    (
        "CardService/PickJackpotBets",
        f'{{"code":"F2964C","events":[{{{NEW}}}]}}',
        lambda r: r.events[0],
        "betstack.card.v1.PickedBet",
    ),
    ("PamService/Identify", f'{{"player_id":"p",{NEW}}}', lambda r: r, "betstack.pam.v1.IdentifyResponse"),
    ("PamService/Ping", f"{{{NEW}}}", lambda r: r, "betstack.pam.v1.PingResponse"),
    ("PamService/CreateTicket", f"{{{NEW}}}", lambda r: r, "betstack.pam.v1.CreateTicketResponse"),
    ("SmsService/SendOtp", f"{{{NEW}}}", lambda r: r, "betstack.sms.v1.SendOtpResponse"),
]

NOTHING_WITHOUT = [
    (GET_TICKET, "{}"),
    (GET_TICKET, '{"code":"CD4BDD","price":500}'),
    (GET_TICKET, '{"id":null}'),
    (GET_TICKET, '{"id":""}'),
    (GET_TICKET, '{"id":123}'),
    (GET_TICKET, '[{"id":"t1"}]'),
    (GET_TICKET, '"t1"'),
    (GET_TICKET, "17"),
    (GET_TICKET, "true"),
    (GET_TICKET, "null"),
    (GET_TICKET, ""),
    ("TicketService/ListTickets", '{"tickets":[]}'),
    ("TicketService/ListTickets", '{"id":"t1"}'),
    ("TicketService/ListTickets", '[{"id":"t1"},{}]'),
    ("TicketService/ListTickets", '[{"id":"t1"},null]'),
    ("TicketService/ListTickets", '["t1"]'),
    ("TicketService/ListTickets", "null"),
    ("CardService/GetSmartbetCard", '{"title":"World"}'),
    ("CardService/GetJackpotCard", '{"code":null}'),
    ("CardService/GetQuicktipCard", '{"code":17}'),
    ("CardService/GetQuickbetCard", '{"code":""}'),
    ("CardService/GetSuperbetCard", "[]"),
    ("CardService/ListSuperbetCards", '[{"code":"F2964C"},{"title":"World"}]'),
    ("CardService/ListJackpotCards", "{}"),
    ("CardService/GetFinanceDetails", '{"stake":889}'),
    ("CardService/GetFinanceDetails", '{"price":"1000"}'),
    ("CardService/GenerateSmartbet", "{}"),
    ("CardService/PickJackpotBets", '{"events":[]}'),
    ("PamService/Identify", '{"lang":"en"}'),
    ("PamService/Identify", '{"player_id":1660986605374148608}'),
    ("PamService/Ping", '"pong"'),
    ("PamService/Ping", "[]"),
]

NOT_JSON: list[tuple[str, bytes]] = [
    ("NaN", b'{"id":"t1","wht":NaN}'),
    ("Infinity", b'{"id":"t1","wht":Infinity}'),
    ("-Infinity", b'{"id":"t1","wht":-Infinity}'),
    ("a float beyond range", b'{"id":"t1","wht":1e999}'),
    ("a float far below range", b'{"id":"t1","new":[-1e999]}'),
    ("an integer of 5000 digits", b'{"id":"t1","price":1' + b"0" * 4999 + b"}"),
    ("an unknown integer of 5000 digits", b'{"id":"t1","new":-1' + b"0" * 4999 + b"}"),
    ("a byte order mark", b'\xef\xbb\xbf{"id":"t1"}'),
    ("UTF-16", '{"id":"t1"}'.encode("utf-16")),
    ("Latin-1", '{"id":"Zürich"}'.encode("latin-1")),
    ("a surrogate as UTF-8", b'{"id":"\xed\xa0\x80"}'),
    ("an overlong zero", b'{"id":"\xc0\x80"}'),
    ("cut in the middle", b'{"id":"t1","pri'),
    ("something behind", b'{"id":"t1"}}'),
    ("two values", b'{"id":"t1"}{"id":"t2"}'),
    ("single quotes", b"{'id':'t1'}"),
    ("a trailing comma", b'{"id":"t1",}'),
    ("a comment", b'{"id":"t1"} // ok'),
    ("a raw line break in a string", b'{"id":"t\n1"}'),
    ("a raw zero in a string", b'{"id":"t\x001"}'),
    ("a leading zero", b'{"id":"t1","price":0100}'),
    ("HTML", b"<html><body>It works!</body></html>"),
    ("nested beyond the stack", b"[" * 100_000),
    ("closed and nested beyond the stack", b'{"id":"t1","new":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ("objects nested beyond the stack", b'{"id":' * 100_000 + b"1" + b"}" * 100_000),
]


@pytest.mark.parametrize(("key", "text", "value"), FITTING, ids=[f"{case[0]}: {case[1][:40]}" for case in FITTING])
def test_values_that_fit_are_read(key: str, text: str, value: object) -> None:
    """A value of the documented kind is read into its field, and nothing is lost."""
    found, lost = _ticket(f'"{key}":{text}')

    assert getattr(found, key) == value
    assert (lost, found.HasField("unmapped")) == ([], False)


@pytest.mark.parametrize(("key", "text", "kept"), UNFITTING, ids=[f"{case[0]}: {case[1][:40]}" for case in UNFITTING])
def test_values_that_do_not_fit_are_kept(key: str, text: str, kept: object) -> None:
    """A value of another kind goes to unmapped as it is, its field stays absent, and the rest is read."""
    found, lost = _ticket(f'"{key}":{text},"stake":1778')

    assert _kept(found.unmapped) == {key: kept}
    assert found == ticket.Ticket(id="t1", stake=1778, unmapped=found.unmapped)
    assert lost == [f"{TICKET}.{key}"]


@pytest.mark.parametrize(("text", "kept"), UNKNOWN, ids=[case[0][:40] for case in UNKNOWN])
def test_keys_that_the_contract_does_not_know_are_kept(text: str, kept: object) -> None:
    """An unknown key goes to unmapped with its value; integers that a double cannot hold go there as text."""
    found, lost = _ticket(f'"cashout":{text},"stake":1778')

    assert _kept(found.unmapped) == {"cashout": kept}
    assert found == ticket.Ticket(id="t1", stake=1778, unmapped=found.unmapped)
    assert lost == [f"{TICKET}.cashout"]


@pytest.mark.parametrize(
    ("rpc", "body", "find", "name"), INNERMOST, ids=[f"{case[0]}: {case[3]}" for case in INNERMOST]
)
def test_the_innermost_message_keeps_what_is_unmapped(
    rpc: str, body: str, find: Callable[[Any], Any], name: str
) -> None:
    """What is unmapped is kept where it was found, and named with the message that keeps it."""
    response, lost = _read(rpc, body)

    found = find(response)
    assert found.DESCRIPTOR.full_name == name
    assert _kept(found.unmapped) == {"new": {"a": [1]}}
    assert lost == [f"{name}.new"]
    assert str(response).count("unmapped") == 1


def test_a_list_that_is_kept_as_a_whole_is_counted_once() -> None:
    """What was lost inside a list that then did not fit is part of that list, and not counted besides."""
    found, lost = _ticket('"events":[{"id":7,"new":1},8]')

    assert _kept(found.unmapped) == {"events": [{"id": 7, "new": 1}, 8]}
    assert lost == [f"{TICKET}.events"]


def test_a_message_inside_one_that_fits_keeps_its_own() -> None:
    """A ticket and its events keep each what was theirs, whatever the order of the keys."""
    found, lost = _ticket('"a":1,"events":[{"b":2,"id":"x"}],"status":"flying"')

    assert _kept(found.unmapped) == {"a": 1, "status": "flying"}
    assert _kept(found.events[0].unmapped) == {"b": 2, "id": "x"}
    assert sorted(lost) == [f"{TICKET}.a", f"{TICKET}.status", f"{TICKET}Event.b", f"{TICKET}Event.id"]


def test_a_key_called_unmapped_is_a_key_like_any_other() -> None:
    """The platform cannot write into the field unmapped from outside."""
    found, _ = _ticket('"unmapped":{"a":1}')

    assert _kept(found.unmapped) == {"unmapped": {"a": 1}}


def test_null_and_absent_are_the_same() -> None:
    """A null leaves its field absent, known or optional, list or object, and is nothing lost."""
    nulls = ",".join(
        f'"{field.name}":null' for field in ticket.Ticket.DESCRIPTOR.fields if field.name not in ("id", "unmapped")
    )

    assert _ticket(nulls) == (ticket.Ticket(id="t1"), [])
    assert _ticket('"psp":null') == _ticket('"psp":null,"atag":null')


@pytest.mark.parametrize("key", ["psp", "atag", "rtag", "aff_instant_comm_amt", "aff_instant_comm_pct", "odds"])
def test_optional_fields_know_whether_they_were_there(key: str) -> None:
    """Zero and empty are set where absent would mean something else."""
    present, _ = _ticket(f'"{key}":' + ('""' if key in ("psp", "atag", "rtag") else "0"))
    absent, _ = _ticket(f'"{key}":null')

    assert (present.HasField(key), absent.HasField(key)) == (True, False)


def test_of_a_repeated_key_the_last_one_counts() -> None:
    """A key that comes twice has its last value, even when an earlier one would not have fitted."""
    assert _ticket('"psp":"brite","psp":"mobile"') == (ticket.Ticket(id="t1", psp="mobile"), [])
    assert _ticket('"price":"x","price":5') == (ticket.Ticket(id="t1", price=5), [])
    assert _ticket('"psp":"brite","psp":null') == (ticket.Ticket(id="t1"), [])


@pytest.mark.parametrize(
    ("rpc", "body", "response"),
    [
        ("TicketService/ListTickets", "[]", ticket.ListTicketsResponse()),
        (
            "TicketService/ListTickets",
            '[{"id":"a"},{"id":"b"}]',
            ticket.ListTicketsResponse(tickets=[ticket.Ticket(id="a"), ticket.Ticket(id="b")]),
        ),
        (
            "CardService/ListSuperbetCards",
            ' [ {"code":"F2964C","title":"World"} ] ',
            card.ListSuperbetCardsResponse(cards=[card.SuperbetCard(code="F2964C", title="World")]),
        ),
    ],
)
def test_lists_are_bare_arrays(rpc: str, body: str, response: Message) -> None:
    """A list answers with an array and nothing around it."""
    assert _read(rpc, body) == (response, [])


@pytest.mark.parametrize(("rpc", "body"), NOTHING_WITHOUT, ids=[f"{case[0]}: {case[1]}" for case in NOTHING_WITHOUT])
def test_an_object_without_what_it_cannot_be_without_does_not_decode(rpc: str, body: str) -> None:
    """A ticket without id, a card without code and a value that is no object are no answer."""
    assert _refused(rpc, body) is Reason.UPSTREAM_BAD_PAYLOAD


@pytest.mark.parametrize(("_", "body"), NOT_JSON, ids=[case[0] for case in NOT_JSON])
def test_bytes_that_are_not_json_do_not_decode(_: str, body: bytes) -> None:
    """What strict JSON does not allow is no answer, and neither is a number that nothing can hold."""
    assert _refused(GET_TICKET, body) is Reason.UPSTREAM_BAD_PAYLOAD


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["lists", "objects"])
def test_nesting_is_read_to_a_depth_of_64(opening: str, closing: str) -> None:
    """An answer nested 64 deep decodes, one level more does not."""

    def body(depth: int) -> str:
        return '{"id":"t1","new":' + opening * (depth - 1) + "1" + closing * (depth - 1) + "}"

    assert _read(GET_TICKET, body(64))[0].ticket.id == "t1"
    assert _refused(GET_TICKET, body(65)) is Reason.UPSTREAM_BAD_PAYLOAD


def test_depth_is_not_width() -> None:
    """Many brackets side by side, or inside a text, are not deep."""
    wide, _ = _ticket('"new":[' + ",".join(["[]"] * 1000) + '],"code":"' + "[{" * 1000 + '"')

    assert len(wide.unmapped.fields["new"].list_value.values) == 1000


def _restored(kept: Any, depth: int = 0) -> Any:
    """Undo the keeping: what is nested deeper than a Struct may be is kept as JSON text."""
    match kept:
        case dict():
            return {key: _restored(value, depth + 1) for key, value in kept.items()}
        case list():
            return [_restored(value, depth + 1) for value in kept]
        case str() if depth > 24:
            return json.loads(kept)
        case _:
            return kept


@pytest.mark.parametrize("depth", [1, 2, 23, 24, 25, 26, 40, 58])
@pytest.mark.parametrize("shape", ["lists", "objects", "both"])
def test_what_is_nested_deep_survives_as_a_message(depth: int, shape: str) -> None:
    """Unknown values of any depth are kept whole, and in a message that every protobuf reader reads."""
    value: Any = 1.5
    for level in range(depth):
        value = [value] if shape == "lists" or (shape == "both" and level % 2) else {"a": value}
    body = json.dumps([{"id": "t1", "event": {"sport": {"new": value}}}])

    response, lost = _read("TicketService/ListTickets", body)

    again = ticket.ListTicketsResponse.FromString(response.SerializeToString())
    assert again == response
    assert _restored(_kept(again.tickets[0].event.sport.unmapped)) == {"new": value}
    assert lost == ["betstack.ticket.v1.TicketEventPart.new"]


def test_lone_surrogates_in_keys_become_replacement_characters() -> None:
    """A key that protobuf could not hold is kept under one that it can."""
    found, lost = _ticket('"\\ud800":1')

    assert _kept(found.unmapped) == {"\ufffd": 1}
    assert lost == [f"{TICKET}.\ufffd"]


FLAGS: list[tuple[str, dict[str, bool], object]] = [
    ('{"a":true,"b":false}', {"a": True, "b": False}, None),
    ("{}", {}, None),
    ("null", {}, None),
    ('{"a":true,"b":1}', {}, {"a": True, "b": 1}),
    ('{"a":null}', {}, {"a": None}),
    ("[]", {}, []),
]


@pytest.mark.parametrize(("text", "flags", "kept"), FLAGS, ids=[case[0] for case in FLAGS])
def test_a_map_with_one_unfitting_value_is_kept_as_a_whole(text: str, flags: dict[str, bool], kept: object) -> None:
    """Feature flags are read when all of them are flags, else they go to unmapped together."""
    response, _ = _read("PamService/Identify", f'{{"player_id":"p","feature_flags":{text}}}')

    assert response.feature_flags == flags
    assert _kept(response.unmapped) == ({} if kept is None else {"feature_flags": kept})


def test_the_documented_event_is_read() -> None:
    """The platform's sample of an event with its bet has a place for every key."""
    event = """
    {"starts":"2024-07-17T17:00:00.000000","operator_time_starts":"2024-07-17T19:00:00.000000",
     "category":{"league_id":18450000,"league_slug":"football/finland/kakkonen-group-a",
                 "league_name":"Kakkonen Group A","country_id":1880000,"country_slug":"finland",
                 "country_name":"Finland"},
     "home_team":{"slug":"ppj","name":"PPJ","id":1141060000},
     "away_team":{"slug":"japs-47","name":"JaPS/47","id":1222480000},
     "bet":{"id":1,"bet_code":"1","bet_name":"Home","market_code":"MRFT","market_name":"Match Result Full Time",
            "line_code":null,"line_name":null,"odds":1.95,"updated":"2024-07-16T06:45:11"},
     "id":292275}
    """

    response, lost = _read("CardService/GenerateSmartbet", f'{{"price":2000,"events":[{event}]}}')

    assert lost == []
    assert response == card.GenerateSmartbetResponse(
        price=2000,
        events=[
            card.Event(
                starts=Timestamp(seconds=1721235600),
                operator_time_starts="2024-07-17T19:00:00.000000",
                category=card.Category(
                    league_id=18450000,
                    league_slug="football/finland/kakkonen-group-a",
                    league_name="Kakkonen Group A",
                    country_id=1880000,
                    country_slug="finland",
                    country_name="Finland",
                ),
                home_team=card.Team(slug="ppj", name="PPJ", id=1141060000),
                away_team=card.Team(slug="japs-47", name="JaPS/47", id=1222480000),
                bet=card.Bet(
                    id=1,
                    bet_code="1",
                    bet_name="Home",
                    market_code="MRFT",
                    market_name="Match Result Full Time",
                    odds=1.95,
                    updated=Timestamp(seconds=1721112311),
                ),
                id=292275,
            )
        ],
    )


def test_the_documented_finance_details_are_read() -> None:
    """The calculator's documented answer has a place for every key."""
    body = (
        '{"price":1000,"total_odds":3.42,"stake":889,"ext":12.5,"ext_amount":111,"ext_type":"inclusive","wht":20,'
        '"wht_amount":430,"gross_payout":3040,"net_payout":2610}'
    )

    assert _read("CardService/GetFinanceDetails", body) == (
        card.GetFinanceDetailsResponse(
            price=1000,
            total_odds=3.42,
            stake=889,
            ext=12.5,
            ext_amount=111,
            ext_type=ticket.EXCISE_TAX_TYPE_INCLUSIVE,
            wht=20,
            wht_amount=430,
            gross_payout=3040,
            net_payout=2610,
        ),
        [],
    )
