"""Which bytes does the platform receive?"""

from __future__ import annotations

import hmac
from typing import Any, Final

import pytest

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import Sandbox
from tests.harness import SECRET, Client, client_of, http_answer, refused, scripted, settings_for
from tests.rpc.calls import CHANGES, CREATE, GET_TICKET, LIST_CARDS, OTP, PAY, PING, WIN, facing, refusal_of

NOW: Final = 1_706_090_303
TICKET: Final = b'{"id":"668ef666333180bba97f0c93"}'


def head_of(request: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """Split a request into its first line, headers with lower-case names, and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return first, sorted(headers), body


def signature(body: bytes, now: int = NOW) -> str:
    """Sign as the platform documents it."""
    return hmac.new(SECRET.encode(), f"{now}".encode() + body, "sha256").hexdigest()


PATHS: Final = {
    "AB12CD": "AB12CD",
    "a/b": "a%2Fb",
    "/": "%2F",
    "%": "%25",
    "%2F": "%252F",
    "a b": "a%20b",
    "a+b": "a%2Bb",
    "Łódź": "%C5%81%C3%B3d%C5%BA",
    "🎲": "%F0%9F%8E%B2",
    "...": "...",
    "a..b": "a..b",
    "../x": "..%2Fx",
    "?limit=1#top": "%3Flimit%3D1%23top",
    "a&b=c;d:e@f": "a%26b%3Dc%3Bd%3Ae%40f",
    "~-_.": "~-_.",
    "{identifier}": "%7Bidentifier%7D",
    "x HTTP/1.1\u2028host: elsewhere": "x%20HTTP%2F1.1%E2%80%A8host%3A%20elsewhere",
    "\u00a0\u200b": "%C2%A0%E2%80%8B",
}


async def test_an_identifier_stays_one_segment_of_the_path() -> None:
    """Whatever a caller calls a ticket, the path is what it was meant to be, byte for byte."""
    async with facing(http_answer(200, TICKET)) as (client, platform):
        for identifier, spelled in PATHS.items():
            platform.requests.clear()
            await client.tickets.GetTicket(ticket.GetTicketRequest(identifier=identifier))
            await client.tickets.PayTicket(ticket.PayTicketRequest(request_id=f"pay-{spelled}", identifier=identifier))

            got, paid = platform.requests
            assert head_of(got)[0] == f"GET /be/tickets/{spelled} HTTP/1.1", identifier
            assert head_of(paid)[0] == f"POST /be/tickets/{spelled}/paid HTTP/1.1", identifier


async def test_the_platform_reads_the_identifier_that_was_meant(client: Client) -> None:
    """A platform that decodes the path finds what the caller wrote."""
    for identifier in PATHS:
        with refused(Reason.TICKET_NOT_FOUND, platform_message=f"Ticket with `{identifier}` identifier is not found"):
            await client.tickets.GetTicket(ticket.GetTicketRequest(identifier=identifier))


QUERIES: Final[list[tuple[Any, str]]] = [
    (ticket.ListTicketsRequest(), ""),
    (ticket.ListTicketsRequest(user_id=""), "?user_id="),
    (ticket.ListTicketsRequest(user_id="a&limit=5"), "?user_id=a%26limit%3D5"),
    (ticket.ListTicketsRequest(user_id="Łódź +#"), "?user_id=%C5%81%C3%B3d%C5%BA%20%2B%23"),
    (ticket.ListTicketsRequest(limit=-3), "?limit=-3"),
]
ODDS: Final = {
    1.5: "1.5",
    10.0: "10",
    1e15: "1000000000000000.0",
    1e16: "1e%2B16",
    1.1: "1.1",
    4 / 3: "1.3333333333333333",
    1.0: "1",
}


async def test_a_query_is_what_was_asked_for() -> None:
    """Values are escaped, order is the documented one, and what was not given is not there."""
    async with facing(http_answer(200, b"[]")) as (client, platform):
        for request, query in QUERIES:
            await client.tickets.ListTickets(request)
            assert head_of(platform.requests[-1])[0] == f"GET /be/tickets{query} HTTP/1.1"

        await refusal_of(client.cards.GetFinanceDetails(card.GetFinanceDetailsRequest(price=1, odds=ODDS)))
        odds = "&".join(f"odds={spelled}" for spelled in ODDS.values())
        target = f"/bc/calculator/finance-details?operator=site&price=1&{odds}"
        assert head_of(platform.requests[-1])[0] == f"GET {target} HTTP/1.1"


async def test_a_bet_has_these_headers_and_no_others() -> None:
    """Every header of a signed POST is meant: length instead of chunks, no cookies, no compression."""
    async with scripted(http_answer(200, TICKET)) as platform:
        async with client_of(settings_for(platform.url), clock=lambda: NOW + 0.9) as client:
            await CREATE(client)
        first, headers, body = head_of(platform.requests[0])

    assert first == "POST /be/tickets HTTP/1.1"
    assert body.startswith(b'{"operator":"site","token":"demo","psp":null,"price":2000,')
    assert headers == [
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("content-length", str(len(body))),
        ("content-type", "application/json"),
        ("host", platform.url.removeprefix("http://")),
        ("operator-name", "site"),
        ("signature", signature(body)),
        ("timestamp", str(NOW)),
        ("user-agent", "betstack-gateway"),
    ]


async def test_a_call_without_body_signs_its_timestamp_alone() -> None:
    """A GET has no length; a POST without body has length 0, and neither has a content type."""
    async with scripted(http_answer(200, TICKET)) as platform:
        async with client_of(settings_for(platform.url), clock=lambda: NOW) as client:
            await GET_TICKET(client)
            await PAY(client)
        common = [
            ("accept", "application/json"),
            ("accept-encoding", "identity"),
            ("host", platform.url.removeprefix("http://")),
            ("operator-name", "site"),
            ("signature", signature(b"")),
            ("timestamp", str(NOW)),
            ("user-agent", "betstack-gateway"),
        ]
        got, paid = (head_of(request) for request in platform.requests)

    assert got == ("GET /be/tickets/AB12CD HTTP/1.1", common, b"")
    assert paid == ("POST /be/tickets/AB12CD/paid HTTP/1.1", sorted([*common, ("content-length", "0")]), b"")


async def test_every_second_has_its_signature() -> None:
    """A call without body is signed as of its own second, also after others and where the clock was put back."""
    seconds = [NOW, NOW, NOW + 1, NOW + 3, NOW]
    now = float(NOW)
    async with scripted(http_answer(200, TICKET)) as platform:
        async with client_of(settings_for(platform.url), clock=lambda: now) as client:
            for second in seconds:
                now = second + 0.7
                await GET_TICKET(client)
        signed = [dict(head_of(request)[1]) for request in platform.requests]

    assert [(each["timestamp"], each["signature"]) for each in signed] == [
        (str(second), signature(b"", second)) for second in seconds
    ]


async def test_the_pam_is_not_told_the_operator_in_a_header_and_ping_is_not_signed() -> None:
    """PAM calls have no operator-name; ping has neither timestamp nor signature."""
    async with facing(http_answer(200)) as (client, platform):
        await WIN(client)
        await PING(client)
        won, pinged = ({name for name, _ in head_of(request)[1]} for request in platform.requests)

    assert {"timestamp", "signature"} <= won
    assert not {"operator-name", "timestamp", "signature"} & pinged
    assert "operator-name" not in won


async def test_a_platform_that_hands_out_cookies_does_not_get_them_back() -> None:
    """The gateway keeps nothing of one call for the next but the connection."""
    baked = http_answer(200, TICKET, set_cookie="session=1; Path=/", connection="keep-alive")
    async with facing(baked) as (client, platform):
        await CREATE(client)
        await CREATE(client)

        assert platform.connections == 1
        assert all(b"cookie" not in request.lower() for request in platform.requests)


async def test_no_request_is_ever_chunked() -> None:
    """Whatever the call, its body has a length."""
    async with facing(http_answer(200, TICKET)) as (client, platform):
        for to in CHANGES:
            await to(client)

        for request in platform.requests:
            _, headers, body = head_of(request)
            assert ("content-length", str(len(body))) in headers
            assert "transfer-encoding" not in dict(headers)


@pytest.mark.parametrize(
    ("path", "targets"),
    [
        ("", ("/be/tickets", "/", "/")),
        ("/", ("/be/tickets", "/", "/")),
        ("/v1/site/", ("/v1/site/be/tickets", "/v1/site", "/v1/site")),
        ("/a%2Fb", ("/a%2Fb/be/tickets", "/a%2Fb", "/a%2Fb")),
    ],
)
async def test_paths_are_below_the_configured_url(path: str, targets: tuple[str, str, str]) -> None:
    """Slashes at its end do not count, and escapes in it stay as they are."""
    async with scripted(http_answer(200, TICKET)) as platform:
        url = platform.url + path
        site = {"site": {"secret": SECRET, "platform_url": url, "pam_url": url, "sms_url": url}}
        async with client_of(settings_for(url, operators=site)) as client:
            for to in (CREATE, WIN, OTP):
                await to(client)

        assert tuple(head_of(request)[0].split()[1] for request in platform.requests) == targets


async def test_each_operator_is_called_where_its_platform_is() -> None:
    """Two operators with two platforms do not meet."""
    async with scripted(http_answer(200, b"[]")) as one, scripted(http_answer(200, b"[]")) as other:
        acme = {"acme": {"secret": "other", "platform_url": other.url}}
        async with client_of(settings_for(one.url, operators=acme)) as client:
            await client.cards.ListSuperbetCards(card.ListSuperbetCardsRequest(operator="acme"))
            await LIST_CARDS(client)

        assert head_of(one.requests[0])[0] == "GET /bc/superbets?operator=site HTTP/1.1"
        assert head_of(other.requests[0])[0] == "GET /bc/superbets?operator=acme HTTP/1.1"
        assert ("host", other.url.removeprefix("http://")) in head_of(other.requests[0])[1]


@pytest.mark.parametrize(("whitespace", "signed"), [("compact", 'a b\\tc "d"'), ("strip-all", 'ab\\tc"d"')])
async def test_what_is_signed_of_blanks_is_a_setting(platform: Sandbox, whitespace: str, signed: str) -> None:
    """The bytes sent are the same; the setting says whether blanks inside strings are signed. The platform takes both."""
    settings = settings_for(platform.url, upstream={"whitespace": whitespace})
    async with client_of(settings) as client:
        with refused(Reason.TICKET_NOT_FOUND):
            await client.pam.RefundTicket(pam.RefundTicketRequest(ticket_id="unseen", reason='a b\tc "d"'))

    seen = platform.journal.last
    spelled = signed.replace('"', '\\"')
    assert b'"reason":"a b\\tc \\"d\\""' in seen.body
    covered = seen.body.replace(b'a b\\tc \\"d\\"', spelled.encode())
    message = (seen.header("timestamp") or "").encode() + covered
    assert seen.header("signature") == hmac.new(SECRET.encode(), message, "sha256").hexdigest()
