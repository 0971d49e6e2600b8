"""What does an HTTP answer say? The order of decision as a table, and what a failure tells about the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from google.protobuf.message import Message

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.sms.v1 import sms_service_pb2 as sms
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import load_contract
from gateway.failure import Failure, Reason
from gateway.wire.codes import APIS, PLATFORM_CODES, code_tables
from gateway.wire.envelope import HttpAnswer, reader

ROUTES = {route.short: route for route in load_contract().routes.values()}
OVERLAY = {"be": {112: Reason.ODDS_CHANGED, 102: Reason.ACCESS_DENIED}, "pam": {119: Reason.PLAYER_REFUSED}}

FINANCE = "CardService/GetFinanceDetails"
LIST_CARDS = "CardService/ListJackpotCards"
PICK = "CardService/PickJackpotBets"
GET = "TicketService/GetTicket"
LIST = "TicketService/ListTickets"
CREATE = "TicketService/CreateTicket"
RESERVE = "TicketService/ReserveTicket"
PAY = "TicketService/PayTicket"
PING = "PamService/Ping"
IDENTIFY = "PamService/Identify"
PAM_CREATE = "PamService/CreateTicket"
PAM_RESERVE = "PamService/ReserveTicket"
WIN = "PamService/WinTicket"
OTP = "SmsService/SendOtp"

READS = [FINANCE, LIST_CARDS, PICK, GET, LIST, PING, IDENTIFY]
NOT_READS = [CREATE, RESERVE, PAY, PAM_CREATE, PAM_RESERVE, WIN, OTP]
BY_STATUS = [PAM_CREATE, PAM_RESERVE, WIN, OTP]
BY_BODY = [CREATE, RESERVE, PAY]
ALL = [*READS, *NOT_READS]

NOTHING = b""
GARBAGE = b"Traceback (most recent call last): secret"
HTML = b"<html><body>Bad Gateway</body></html>"
OBJECT = b"{}"
TICKET = b'{"id":"t1"}'
CUT = b'{"id":"t1","pri'
NOT_FOUND = b'{"code":102,"message":"Ticket with `t1` identifier is not found"}'
UNKNOWN = b'{"code":999,"message":"Ticket odds changed"}'

STATUSES = {
    Reason.UPSTREAM_REDIRECT: [300, 301, 302, 303, 304, 307, 308, 399],
    Reason.SIGNATURE_REJECTED: [401],
    Reason.UPSTREAM_ROUTE_MISSING: [404],
    Reason.CONFLICT: [409],
    Reason.INVALID_REQUEST: [413, 422, 431],
    Reason.RATE_LIMITED: [429],
    Reason.UPSTREAM_CONTRACT: [402, 405, 406, 407, 410, 411, 412, 414, 415, 417, 418, 421, 425, 426, 428, 451, 499],
}

FAULTS = {
    Reason.UPSTREAM_UNAVAILABLE: [408, 502, 503, 504],
    Reason.UPSTREAM_ERROR: [500, 501, 505, 507, 508, 511, 520, 599],
}

CODES = [
    (100, Reason.FEATURE_NOT_IMPLEMENTED),
    (101, Reason.PLAYER_NOT_FOUND),
    (102, Reason.TICKET_NOT_FOUND),
    (106, Reason.OPERATOR_NOT_FOUND),
    (117, Reason.TICKET_NOT_RESERVED),
]

BLANKS = [NOTHING, b" \r\n", b"null"]
NO_CODE = [NOTHING, GARBAGE, HTML, OBJECT, TICKET, b"[]", b"null"]
ANYTHING = [*NO_CODE, NOT_FOUND, UNKNOWN]

Row = tuple[str, list[str], list[int], list[bytes], Reason | None]

DECISIONS: list[Row] = [
    # (2) 5xx and 408 leave the outcome of a call that is no READ unknown, whatever the body says.
    *(("a fault", NOT_READS, statuses, ANYTHING, Reason.OUTCOME_UNKNOWN) for statuses in FAULTS.values()),
    # (3) A known code decides, at any status; but HTTP 200 may be the success itself.
    (
        "a known code",
        READS,
        [200, 201, 302, 400, 401, 403, 404, 408, 429, 500, 503],
        [NOT_FOUND],
        Reason.TICKET_NOT_FOUND,
    ),
    ("a known code", BY_BODY, [200, 201, 302, 400, 401, 403, 404, 409, 429], [NOT_FOUND], Reason.TICKET_NOT_FOUND),
    ("a known code", BY_STATUS, [302, 400, 401, 403, 404, 409, 429], [NOT_FOUND], Reason.TICKET_NOT_FOUND),
    ("a code where 200 is the success", BY_STATUS, [200], [NOT_FOUND, UNKNOWN], None),
    # (4) An unknown code, with 400 or with 200.
    ("an unknown code", ALL, [400], [UNKNOWN], Reason.PLATFORM_CODE_UNMAPPED),
    ("an unknown code", READS, [200], [UNKNOWN], Reason.PLATFORM_CODE_UNMAPPED),
    ("an unknown code", BY_BODY, [200], [UNKNOWN], Reason.OUTCOME_UNKNOWN),
    # (5) Any other status has its row, whatever the body is.
    *(("a status", ALL, statuses, [*NO_CODE, UNKNOWN], reason) for reason, statuses in STATUSES.items()),
    *(("a fault", READS, statuses, [*NO_CODE, UNKNOWN], reason) for reason, statuses in FAULTS.items()),
    ("400 without code", ALL, [400], NO_CODE, Reason.INVALID_REQUEST),
    ("403", [rpc for rpc in ALL if rpc != IDENTIFY], [403], [*NO_CODE, UNKNOWN], Reason.ACCESS_DENIED),
    ("403 on identify", [IDENTIFY], [403], [*NO_CODE, UNKNOWN], Reason.PLAYER_REFUSED),
    # (6) A 2xx that is not JSON, is cut, or does not have the expected shape.
    ("another shape", READS, [200, 201], [GARBAGE, HTML, CUT, b'"ok"', b"17"], Reason.UPSTREAM_BAD_PAYLOAD),
    ("another shape", NOT_READS, [200, 201], [GARBAGE, HTML, CUT, b'"ok"', b"17", b"[]"], Reason.OUTCOME_UNKNOWN),
    ("no body", [rpc for rpc in READS if rpc != PING], [200, 204], BLANKS, Reason.UPSTREAM_BAD_PAYLOAD),
    ("no body", BY_BODY, [200, 204], [*BLANKS, OBJECT], Reason.OUTCOME_UNKNOWN),
    ("no body where none is needed", [PING, *BY_STATUS], [200, 204], [*BLANKS, OBJECT], None),
    # An error body has an integer and a string, and nothing less.
    ("a whole code", [GET], [400], [b'{"code":102.0,"message":"x"}'], Reason.TICKET_NOT_FOUND),
    ("a code and more", [GET], [400], [b'{"code":102,"message":"x","more":1}'], Reason.TICKET_NOT_FOUND),
    ("a negative code", [GET], [400], [b'{"code":-1,"message":""}'], Reason.PLATFORM_CODE_UNMAPPED),
    ("a code that is text", [GET], [400], [b'{"code":"102","message":"x"}'], Reason.INVALID_REQUEST),
    ("a code that is true", [GET], [400], [b'{"code":true,"message":"x"}'], Reason.INVALID_REQUEST),
    ("a broken code", [GET], [400], [b'{"code":102.5,"message":"x"}'], Reason.INVALID_REQUEST),
    ("a code alone", [GET], [400], [b'{"code":102}', b'{"code":102,"message":null}'], Reason.INVALID_REQUEST),
    ("a message alone", [GET], [400], [b'{"message":"x"}'], Reason.INVALID_REQUEST),
    ("a code in a list", [GET], [400], [b'[{"code":102,"message":"x"}]'], Reason.INVALID_REQUEST),
    ("a ticket that has a message", [GET], [200], [b'{"id":"t1","code":"CD4BDD","message":"x"}'], None),
    # An interim status is no answer.
    ("an interim status", NOT_READS, [100, 101, 103, 199], ANYTHING, Reason.OUTCOME_UNKNOWN),
    ("an interim status", READS, [100, 101, 103, 199], NO_CODE, Reason.UPSTREAM_CONTRACT),
]


def _read(rpc: str, status: int, body: bytes, **rest: Any) -> Message:
    return reader(ROUTES[rpc], code_tables().__getitem__)(HttpAnswer(status, rest.pop("headers", {}), body, **rest), [])


def _failure(rpc: str, status: int, body: bytes, **rest: Any) -> Failure:
    with pytest.raises(Failure) as failure:
        _read(rpc, status, body, **rest)
    return failure.value


def _reason(rpc: str, status: int, body: bytes) -> Reason | None:
    try:
        _read(rpc, status, body)
    except Failure as failure:
        return failure.reason
    return None


@pytest.mark.parametrize(
    ("_", "rpcs", "statuses", "bodies", "reason"),
    DECISIONS,
    ids=[f"{row[0]}: {row[1][0]}, {row[2][0]}, {row[4]}" for row in DECISIONS],
)
def test_the_order_of_decision(
    _: str, rpcs: list[str], statuses: list[int], bodies: list[bytes], reason: Reason | None
) -> None:
    """Status and body of an answer decide about success or reason, as the architecture's table says."""
    cases = list(product(rpcs, statuses, bodies))

    assert {case: _reason(*case) for case in cases} == dict.fromkeys(cases, reason)


@pytest.mark.parametrize(("code", "reason"), CODES)
@pytest.mark.parametrize("rpc", [FINANCE, GET, CREATE, PAM_CREATE, OTP])
def test_every_documented_code_has_its_reason(rpc: str, code: int, reason: Reason) -> None:
    """The documented numbers mean the same in all four APIs."""
    assert _failure(rpc, 400, f'{{"code":{code},"message":"x"}}'.encode()).reason is reason


def test_the_documented_codes_are_all_there_are() -> None:
    """The table of codes holds what is documented and nothing else; each API has all of it."""
    assert dict(CODES) == PLATFORM_CODES
    assert code_tables() == {api: dict(CODES) for api in ("bc", "be", "pam", "sms")}
    assert {route.api.name for route in ROUTES.values()} == set(APIS)


@pytest.mark.parametrize(
    ("rpc", "code", "reason"),
    [
        (CREATE, 112, Reason.ODDS_CHANGED),
        (GET, 112, Reason.ODDS_CHANGED),
        (GET, 102, Reason.ACCESS_DENIED),
        (GET, 106, Reason.OPERATOR_NOT_FOUND),
        (FINANCE, 112, Reason.PLATFORM_CODE_UNMAPPED),
        (FINANCE, 102, Reason.TICKET_NOT_FOUND),
        (PAM_CREATE, 112, Reason.PLATFORM_CODE_UNMAPPED),
        (PAM_CREATE, 119, Reason.PLAYER_REFUSED),
    ],
)
def test_settings_overlay_the_codes_of_one_api(rpc: str, code: int, reason: Reason) -> None:
    """A number that the settings map has their reason in that API, before the documented one, and no other changes."""
    read = reader(ROUTES[rpc], code_tables(OVERLAY).__getitem__)

    with pytest.raises(Failure) as failure:
        read(HttpAnswer(400, {}, f'{{"code":{code},"message":"x"}}'.encode()), [])

    assert failure.value.reason is reason


@pytest.mark.parametrize("rpc", BY_BODY)
def test_a_code_from_the_settings_decides_about_a_200(rpc: str) -> None:
    """Once the settings know a code, it is a refusal at HTTP 200 too and no longer an unknown outcome."""
    read = reader(ROUTES[rpc], code_tables(OVERLAY).__getitem__)

    with pytest.raises(Failure) as failure:
        read(HttpAnswer(200, {}, b'{"code":112,"message":"Ticket odds changed"}'), [])

    assert failure.value.reason is Reason.ODDS_CHANGED


FACTS: list[tuple[str, int, bytes, dict[str, str]]] = [
    (
        GET,
        400,
        NOT_FOUND,
        {
            "api": "be",
            "http_status": "400",
            "payload": "json",
            "platform_code": "102",
            "platform_message": "Ticket with `t1` identifier is not found",
        },
    ),
    (
        PAM_CREATE,
        403,
        UNKNOWN,
        {
            "api": "pam",
            "http_status": "403",
            "payload": "json",
            "platform_code": "999",
            "platform_message": "Ticket odds changed",
        },
    ),
    (
        CREATE,
        503,
        UNKNOWN,
        {
            "api": "be",
            "http_status": "503",
            "payload": "json",
            "platform_code": "999",
            "platform_message": "Ticket odds changed",
        },
    ),
    (FINANCE, 502, HTML, {"api": "bc", "http_status": "502", "payload": "other"}),
    (FINANCE, 422, b'{"detail":[]}', {"api": "bc", "http_status": "422", "payload": "json"}),
    (FINANCE, 400, b"[]", {"api": "bc", "http_status": "400", "payload": "json"}),
    (FINANCE, 400, b"null", {"api": "bc", "http_status": "400", "payload": "json"}),
    (OTP, 500, b"", {"api": "sms", "http_status": "500", "payload": "empty"}),
    (OTP, 500, b" \r\n\t", {"api": "sms", "http_status": "500", "payload": "empty"}),
    (GET, 200, OBJECT, {"api": "be", "http_status": "200", "payload": "json"}),
    (CREATE, 200, CUT, {"api": "be", "http_status": "200", "payload": "other"}),
]


@pytest.mark.parametrize(("rpc", "status", "body", "metadata"), FACTS)
def test_a_failure_tells_what_the_answer_was(rpc: str, status: int, body: bytes, metadata: dict[str, str]) -> None:
    """The metadata has the API, the status, the kind of body and, of an error body, number and message intact."""
    assert _failure(rpc, status, body).metadata == metadata


def test_an_answer_cut_at_our_limit_is_no_json() -> None:
    """Of a body that was too long nothing is read, not even an error body that happens to be whole."""
    read = _failure(GET, 200, TICKET, overlong=True)
    money = _failure(CREATE, 200, NOT_FOUND, overlong=True)
    refused = _failure(CREATE, 400, NOT_FOUND, overlong=True)

    assert (read.reason, read.metadata["payload"]) == (Reason.UPSTREAM_BAD_PAYLOAD, "other")
    assert (money.reason, money.metadata["payload"]) == (Reason.OUTCOME_UNKNOWN, "other")
    assert (refused.reason, refused.metadata["payload"]) == (Reason.INVALID_REQUEST, "other")


def test_a_long_message_of_the_platform_is_cut() -> None:
    """The platform's message reaches the caller, but for what would burst the status."""
    failure = _failure(GET, 400, b'{"code":102,"message":"' + b"x" * 5000 + b'"}')

    assert failure.metadata["platform_message"] == "x" * 1024
    assert len(failure.message) < 1200


@pytest.mark.parametrize("rpc", [GET, CREATE])
@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
def test_what_was_not_understood_is_not_repeated(rpc: str, status: int) -> None:
    """Nothing of a body that is no error body reaches the caller: it may hold tracebacks or personal data."""
    failure = _failure(rpc, status, GARBAGE)

    assert "secret" not in f"{failure.message}{failure.metadata}"


def test_an_unknown_outcome_says_so() -> None:
    """The message of an unknown outcome says that it is unknown, and what the answer was."""
    assert _failure(CREATE, 503, NOTHING).message == "the outcome is unknown: the platform answered HTTP 503"


DAY = "Wed, 17 Jul 2024 17:00:00 GMT"
NOW = 1721235600.0

RETRIES: list[tuple[str, float | None]] = [
    ("7", 7.0),
    ("0", 0.0),
    (" 120 ", 120.0),
    ("9" * 400, 999_999_999.0),
    ("Wed, 17 Jul 2024 17:00:30 GMT", 30.0),
    ("Wednesday, 17-Jul-24 17:00:30 GMT", 30.0),
    ("Wed Jul 17 17:00:30 2024", 30.0),
    ("Wed, 17 Jul 2024 17:00:30 -0000", 30.0),
    ("Wed, 17 Jul 2024 19:00:30 +0200", 30.0),
    (DAY, 0.0),
    ("Wed, 17 Jul 2024 16:00:00 GMT", 0.0),
    ("Tue, 01 Jan 1901 00:00:00 GMT", 0.0),
    ("", None),
    ("soon", None),
    ("-5", None),
    ("1.5", None),
    ("\u00b2", None),
    ("Wed, 99 Jul 2024 17:00:30 GMT", None),
    ("Wed, 17 Jul 99999999999999999999 17:00:30 GMT", None),
    ("Wed, 17 Jul 2024 17:00:30 +9999", None),
    (",", None),
    ("\x00", None),
]


@pytest.fixture
def _far_from_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_far_from_utc")
@pytest.mark.parametrize(("text", "seconds"), RETRIES, ids=[ascii(case[0])[:40] for case in RETRIES])
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    """The delay asked for is read as seconds or as any HTTP date, in UTC whatever zone the machine is in."""
    failure = _failure(GET, 429, NOTHING, headers={"retry-after": text}, received=NOW)

    assert (failure.reason, failure.retry_after_s) == (Reason.RATE_LIMITED, seconds)


@pytest.mark.parametrize(("rpc", "status"), [(CREATE, 429), (GET, 503), (GET, 408), (OTP, 429)])
def test_retry_after_comes_with_any_failure(rpc: str, status: int) -> None:
    """Whoever asks for a delay is heard, and without the header there is none."""
    assert _failure(rpc, status, NOTHING, headers={"retry-after": "3"}).retry_after_s == 3.0
    assert _failure(rpc, status, NOTHING).retry_after_s is None


SUCCESSES: list[tuple[str, bytes, Message]] = [
    (CREATE, TICKET, ticket.CreateTicketResponse(ticket=ticket.Ticket(id="t1"))),
    (PAY, TICKET, ticket.PayTicketResponse(ticket=ticket.Ticket(id="t1"))),
    (LIST, b"[]", ticket.ListTicketsResponse()),
    (PAM_CREATE, NOTHING, pam.CreateTicketResponse()),
    (
        IDENTIFY,
        (
            b'{"player_id":"1660986605374148608","lang":"en","balance":1000,"currency":"KES",'
            b'"feature_flags":{"flag_name1":true,"flag_name2":false}}'
        ),
        pam.IdentifyResponse(
            player_id="1660986605374148608",
            lang="en",
            balance=1000,
            currency="KES",
            feature_flags={"flag_name1": True, "flag_name2": False},
        ),
    ),
    (OTP, b'{"message":"Notification received"}', sms.SendOtpResponse(message="Notification received")),
]


@pytest.mark.parametrize(("rpc", "body", "response"), SUCCESSES, ids=[case[0] for case in SUCCESSES])
def test_the_documented_answers_are_successes(rpc: str, body: bytes, response: Message) -> None:
    """What the platform documents as an answer is the response."""
    assert _read(rpc, 200, body) == response


def test_a_body_that_looks_like_an_error_is_kept_where_the_status_is_the_success() -> None:
    """A notification that was accepted keeps an unknown code in unmapped."""
    response = _read(OTP, 200, b'{"code":102,"message":"queued"}')

    assert isinstance(response, sms.SendOtpResponse)
    assert (response.message, dict(response.unmapped)) == ("queued", {"code": 102})
