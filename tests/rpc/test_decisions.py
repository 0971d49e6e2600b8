"""In which order does an answer's status, code and shape decide what it means?"""

from __future__ import annotations

from typing import Any

import pytest

from gateway.failure import Reason
from tests.harness import http_answer
from tests.rpc.calls import (
    CREATE,
    GET_TICKET,
    IDENTIFY,
    LIST_CARDS,
    OTP,
    PAY,
    PING,
    RESERVE,
    TAKE,
    WIN,
    To,
    error_body,
    facing,
    name_of,
    refusal_of,
)

HTML = b"<html></html>"
TICKET = b'{"id":"668ef666333180bba97f0c93","code":"AB12CD","status":"open"}'

OK = None
Case = tuple[str, To, int, bytes, Reason | None]

CASES: list[Case] = [
    # 5xx and 408: for money the body does not count, for a READ a known code does.
    ("a known code in a server error of a bet", CREATE, 500, error_body(102), Reason.OUTCOME_UNKNOWN),
    ("a ticket in a server error of a bet", CREATE, 502, TICKET, Reason.OUTCOME_UNKNOWN),
    ("a known code in a server error of a PAM action", WIN, 503, error_body(102), Reason.OUTCOME_UNKNOWN),
    ("a known code in a 408 of a payment", PAY, 408, error_body(117), Reason.OUTCOME_UNKNOWN),
    ("a known code in a server error of a notification", OTP, 500, error_body(100), Reason.OUTCOME_UNKNOWN),
    ("a known code in a server error of a read", GET_TICKET, 500, error_body(102), Reason.TICKET_NOT_FOUND),
    ("a known code in a 503 of a read", LIST_CARDS, 503, error_body(106), Reason.OPERATOR_NOT_FOUND),
    ("a known code in a 408 of a read", IDENTIFY, 408, error_body(101), Reason.PLAYER_NOT_FOUND),
    ("an unknown code in a server error of a read", GET_TICKET, 500, error_body(999), Reason.UPSTREAM_ERROR),
    # A known code decides at any other status.
    ("a known code with 404", GET_TICKET, 404, error_body(102), Reason.TICKET_NOT_FOUND),
    ("a known code with 401", CREATE, 401, error_body(106), Reason.OPERATOR_NOT_FOUND),
    ("a known code with 403 on identify", IDENTIFY, 403, error_body(101), Reason.PLAYER_NOT_FOUND),
    ("a known code with 422", CREATE, 422, error_body(101), Reason.PLAYER_NOT_FOUND),
    ("a known code with 302", GET_TICKET, 302, error_body(102), Reason.TICKET_NOT_FOUND),
    ("a known code with 200 on a read", GET_TICKET, 200, error_body(102), Reason.TICKET_NOT_FOUND),
    ("a known code with 200 on a bet", CREATE, 200, error_body(101), Reason.PLAYER_NOT_FOUND),
    ("a known code with 200 on a reservation", RESERVE, 200, error_body(106), Reason.OPERATOR_NOT_FOUND),
    ("a known code with 200 on a payment", PAY, 200, error_body(117), Reason.TICKET_NOT_RESERVED),
    ("a known code with 201 on a payment", PAY, 201, error_body(117), Reason.TICKET_NOT_RESERVED),
    ("a known code with 200 on identify", IDENTIFY, 200, error_body(101), Reason.PLAYER_NOT_FOUND),
    ("a known code with 200 on ping", PING, 200, error_body(100), Reason.FEATURE_NOT_IMPLEMENTED),
    # Where HTTP 200 is the success, what looks like an error is none.
    ("a known code with 200 on a PAM action", WIN, 200, error_body(102), OK),
    ("a known code with 200 on PAM create", TAKE, 200, error_body(101), OK),
    ("an unknown code with 200 on a PAM action", WIN, 200, error_body(999), OK),
    ("a known code with 200 on a notification", OTP, 200, error_body(100), OK),
    ("a known code with 400 on a PAM action", WIN, 400, error_body(102), Reason.TICKET_NOT_FOUND),
    ("a known code with 201 on a PAM action", WIN, 201, error_body(102), Reason.TICKET_NOT_FOUND),
    ("an unknown code with 201 on a PAM action", WIN, 201, error_body(999), Reason.OUTCOME_UNKNOWN),
    # An unknown code.
    ("an unknown code with 400 on a read", GET_TICKET, 400, error_body(999), Reason.PLATFORM_CODE_UNMAPPED),
    ("an unknown code with 400 on a bet", CREATE, 400, error_body(999), Reason.PLATFORM_CODE_UNMAPPED),
    ("an unknown code with 200 on a read", GET_TICKET, 200, error_body(999), Reason.PLATFORM_CODE_UNMAPPED),
    ("an unknown code with 200 on a list", LIST_CARDS, 200, error_body(999), Reason.PLATFORM_CODE_UNMAPPED),
    ("an unknown code with 200 on a bet", CREATE, 200, error_body(999), Reason.OUTCOME_UNKNOWN),
    ("an unknown code with 200 on a payment", PAY, 200, error_body(999), Reason.OUTCOME_UNKNOWN),
    # Any other status has its row, whatever the body is.
    ("an unknown code with 401", CREATE, 401, error_body(999), Reason.SIGNATURE_REJECTED),
    ("an unknown code with 403", PAY, 403, error_body(999), Reason.ACCESS_DENIED),
    ("an unknown code with 404", GET_TICKET, 404, error_body(999), Reason.UPSTREAM_ROUTE_MISSING),
    ("an unknown code with 409", PAY, 409, error_body(999), Reason.CONFLICT),
    ("a ticket with 404", GET_TICKET, 404, TICKET, Reason.UPSTREAM_ROUTE_MISSING),
    ("a ticket with 302", CREATE, 302, TICKET, Reason.UPSTREAM_REDIRECT),
    # What is no error body decides nothing.
    ("a code in quotes", CREATE, 400, error_body("102"), Reason.INVALID_REQUEST),
    ("a code that is true", CREATE, 400, error_body(code=True), Reason.INVALID_REQUEST),
    ("a code with a fraction", CREATE, 400, error_body(102.5), Reason.INVALID_REQUEST),
    ("a message that is no text", CREATE, 400, error_body(102, ["No"]), Reason.INVALID_REQUEST),
    ("no message", CREATE, 400, b'{"code":102}', Reason.INVALID_REQUEST),
    ("an error body in a list", CREATE, 400, b"[" + error_body(102) + b"]", Reason.INVALID_REQUEST),
    ("a code spelled as 102.0", GET_TICKET, 400, b'{"code":102.0,"message":"No"}', Reason.TICKET_NOT_FOUND),
    # A success that does not fit.
    ("a page instead of a read", GET_TICKET, 200, HTML, Reason.UPSTREAM_BAD_PAYLOAD),
    ("a page instead of a bet", CREATE, 200, HTML, Reason.OUTCOME_UNKNOWN),
    ("a page instead of a PAM action", WIN, 200, HTML, Reason.OUTCOME_UNKNOWN),
    ("a page instead of a ping", PING, 200, HTML, Reason.UPSTREAM_BAD_PAYLOAD),
    ("nothing instead of a bet", CREATE, 204, b"", Reason.OUTCOME_UNKNOWN),
    ("nothing instead of a read", GET_TICKET, 204, b"", Reason.UPSTREAM_BAD_PAYLOAD),
    # Successes.
    ("a bet with 201", CREATE, 201, TICKET, OK),
    ("a PAM action without body", WIN, 200, b"", OK),
    ("a PAM action with null", WIN, 200, b"null", OK),
    ("a PAM action with 204", WIN, 204, b"", OK),
    ("a notification without body", OTP, 200, b"", OK),
    ("a ping without body", PING, 200, b"", OK),
    ("a ping with anything", PING, 200, b'{"pong":true}', OK),
]


async def test_each_answer_means_what_the_error_model_says() -> None:
    """The first fact that decides wins, in the order of the error model."""
    answers = [http_answer(status, body) for _, _, status, body, _ in CASES]
    async with facing(*answers) as (client, platform):
        for name, to, status, _, reason in CASES:
            refusal = await refusal_of(to(client))
            found = refusal.info.reason if refusal.info else None
            assert found == reason, f"{name}: {name_of(to)}"
            if reason is not None:
                assert refusal.metadata["http_status"] == str(status), name
        assert len(platform.requests) == len(CASES)


UNMAPPED: list[tuple[To, dict[str, Any]]] = [
    (WIN, {"code": 102, "message": "x"}),
    (TAKE, {"code": 102, "message": "x"}),
    (OTP, {"code": 102}),
]


@pytest.mark.parametrize(("to", "kept"), UNMAPPED, ids=[name_of(to) for to, _ in UNMAPPED])
async def test_what_looks_like_an_error_in_a_success_is_kept(to: To, kept: dict[str, Any]) -> None:
    """HTTP 200 is a success by the platform's rule; what came with it is not thrown away, and is counted."""
    async with facing(http_answer(200, error_body(102, "x"))) as (client, _):
        response = await to(client)

        assert dict(response.unmapped.items()) == kept
        assert sum(client.gateway.telemetry.unmapped_fields.values()) == len(kept)
    if to is OTP:
        assert response.message == "x"
