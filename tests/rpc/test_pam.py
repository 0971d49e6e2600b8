"""What can a caller tell an operator's player account system?"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2

from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.failure import Reason
from gateway.sandbox import HOUSE, Opening, Sandbox, SandboxOptions, sandbox
from gateway.sandbox.accounts import State
from tests.harness import SECRET, Client, client_of, refused, settings_for
from tests.rpc.bets import (
    AMOUNTS,
    AMOUNTS_ON_THE_WIRE,
    TICKET_ID,
    account_ticket,
    assert_secret_between_us,
    assert_signed,
    balance,
    player_id,
    taken,
)

FULL = 1_000_00
PRICE, NET = 500, 2602


def state(platform: Sandbox, ticket_id: str = TICKET_ID) -> State:
    """Return where a ticket is, seen from the player's account."""
    found = platform.accounts.find("site", ticket_id)
    assert found is not None
    return found.state


async def test_ping_is_the_one_action_that_is_not_signed(platform: Sandbox, client: Client) -> None:
    """Ping says whose system is meant, and carries neither timestamp nor signature nor operator-name."""
    assert await client.pam.Ping(pam.PingRequest()) == pam.PingResponse()

    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", "/pam")
    assert seen.body == b'{"action":"ping","data":{"operator":"site"}}'
    for header in ("timestamp", "signature", "operator-name"):
        assert seen.header(header) is None


async def test_identify_tells_who_is_behind_a_token(platform: Sandbox, client: Client) -> None:
    """A token becomes a player with balance, currency, language and features."""
    found = await client.pam.Identify(pam.IdentifyRequest(token="grace-token"))

    assert found == pam.IdentifyResponse(
        player_id=player_id(platform, "grace-token"),
        lang="en",
        balance=250_00,
        currency="KES",
        feature_flags={"cashout": True, "bonus": False},
    )
    seen = platform.journal.last
    assert (seen.method, seen.target) == ("POST", "/pam")
    assert seen.body == b'{"action":"identify","data":{"operator":"site","token":"grace-token"}}'
    assert_signed(seen, operator=None)


@pytest.mark.parametrize(
    ("token", "reason", "code", "metadata"),
    [
        ("nobody", Reason.PLAYER_NOT_FOUND, grpc.StatusCode.NOT_FOUND, {"platform_code": "101"}),
        ("blocked", Reason.PLAYER_REFUSED, grpc.StatusCode.UNAUTHENTICATED, {"http_status": "403"}),
    ],
)
async def test_a_player_who_is_unknown_or_blocked_is_refused(
    client: Client, token: str, reason: Reason, code: grpc.StatusCode, metadata: dict[str, str]
) -> None:
    """Both documented refusals of identify have their reason, and neither repeats the token."""
    with refused(reason, api="pam", **metadata) as refusal:
        await client.pam.Identify(pam.IdentifyRequest(token=token))

    assert refusal.code is code
    assert token not in str(refusal.status)


async def test_identify_without_token_is_not_sent(platform: Sandbox, client: Client) -> None:
    """There is nobody behind an empty token."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await client.pam.Identify(pam.IdentifyRequest())

    assert refusal.fields == ["token"]
    assert not len(platform.journal)


def bodies(player: str) -> dict[str, tuple[dict[str, Any], str, str]]:
    """Return for each RPC the fields of a request, the action and the rest of the data, in documented order."""
    start = f'"operator":"site","ticket_id":"{TICKET_ID}"'
    whole: dict[str, Any] = {
        "ticket_code": "CD4BDD",
        "player_id": player,
        **AMOUNTS,
        "currency": "KES",
        "rtag": "friend",
        "ticket_type": ticket.TICKET_TYPE_JACKPOT,
    }
    end = f'{AMOUNTS_ON_THE_WIRE},"currency":"KES","atag":null,"rtag":"friend","ticket_type":"jackpot"'
    named = f'{start},"ticket_code":"CD4BDD","player_id":"{player}"'
    why = 'he said "no"'
    because = f'{start},"reason":"he said \\"no\\""'
    return {
        "CreateTicket": (whole, "ticket_create", f"{named},{end}"),
        "ReserveTicket": (whole | {"psp": "brite"}, "ticket_reserve", f'{named},"psp":"brite",{end}'),
        "UpdateTicket": (whole, "ticket_update", f'{named},"psp":null,{end}'),
        "CloseTicket": ({}, "ticket_closed", start),
        "RefundTicket": ({"reason": why}, "ticket_refund", because),
        "WinTicket": ({}, "ticket_win", start),
        "LoseTicket": ({}, "ticket_lost", start),
        "VoidTicket": (dict(AMOUNTS), "ticket_void", f"{start},{AMOUNTS_ON_THE_WIRE}"),
        "DiscardTicket": ({"reason": why}, "ticket_discard", because),
        "RollbackTicket": ({"reason": why}, "ticket_rollback", because),
    }


ACTIONS = list(bodies(""))
TAKING = ("CreateTicket", "ReserveTicket")
"""The actions that need a request id of the caller's."""


def action(rpc: str, **fields: Any) -> Any:
    """Return the request of a ticket action."""
    return getattr(pam, f"{rpc}Request")(ticket_id=TICKET_ID, **fields)


BEFORE: dict[str, Callable[[Sandbox], None]] = {
    "CloseTicket": lambda platform: platform.accounts.apply("ticket_lost", "site", TICKET_ID),
    "RollbackTicket": lambda platform: platform.accounts.apply("ticket_win", "site", TICKET_ID),
}
"""What has to have happened to an open ticket before an action."""

AFTER: dict[str, tuple[State, int]] = {
    "CreateTicket": (State.OPEN, -PRICE),
    "ReserveTicket": (State.OPEN, -PRICE),
    "UpdateTicket": (State.OPEN, -PRICE),
    "CloseTicket": (State.CLOSED, -PRICE),
    "RefundTicket": (State.REFUNDED, 0),
    "WinTicket": (State.WON, NET - PRICE),
    "LoseTicket": (State.LOST, -PRICE),
    "VoidTicket": (State.VOID, 0),
    "DiscardTicket": (State.DISCARDED, 0),
    "RollbackTicket": (State.OPEN, -PRICE),
}
"""Where the ticket is after an action, and what the player has more than in the beginning."""


@pytest.mark.parametrize("rpc", ACTIONS)
async def test_an_action_says_the_documented_words_and_moves_the_money_it_means(
    platform: Sandbox, client: Client, rpc: str
) -> None:
    """The body is the documented one to the byte, signed without an operator-name; ticket and wallet follow."""
    if rpc not in TAKING:
        await client.pam.CreateTicket(taken(platform, ticket_type=ticket.TICKET_TYPE_JACKPOT))
    if rpc in BEFORE:
        BEFORE[rpc](platform)
    fields, name, data = bodies(player_id(platform))[rpc]

    answer = await getattr(client.pam, rpc)(action(rpc, request_id="act-1", **fields))

    assert answer == getattr(pam, f"{rpc}Response")()
    seen = platform.journal.last
    assert (seen.method, seen.target, seen.status) == ("POST", "/pam", 200)
    assert seen.body.decode() == f'{{"action":"{name}","data":{{{data}}}}}'
    assert_signed(seen, operator=None)
    assert_secret_between_us(seen, "act-1")
    after, gained = AFTER[rpc]
    assert state(platform) is after
    assert balance(platform) == FULL + gained


async def test_a_ticket_lives_through_all_its_actions(platform: Sandbox, client: Client) -> None:
    """A ticket is won, taken back, lost, taken back, void and closed; every cent is where it belongs."""
    await client.pam.CreateTicket(taken(platform))
    steps: list[tuple[str, dict[str, Any], int]] = [
        ("WinTicket", {}, NET - PRICE),
        ("RollbackTicket", {"reason": "wrong score"}, -PRICE),
        ("LoseTicket", {}, -PRICE),
        ("RollbackTicket", {"reason": "wrong score again"}, -PRICE),
        ("VoidTicket", dict(AMOUNTS), 0),
        ("CloseTicket", {}, 0),
    ]
    for rpc, fields, gained in steps:
        await getattr(client.pam, rpc)(action(rpc, **fields))
        assert balance(platform) == FULL + gained, rpc

    entries = [(entry.reason, entry.amount) for entry in platform.wallet.entries(TICKET_ID) if entry.account != HOUSE]
    assert entries == [
        ("ticket_create", -PRICE),
        ("ticket_win", NET),
        ("ticket_rollback", -NET),
        ("ticket_void", PRICE),
    ]
    assert state(platform) is State.CLOSED


async def test_a_discard_of_a_ticket_nobody_saw_keeps_it_from_being_taken(platform: Sandbox, client: Client) -> None:
    """A discard may come first; the create that comes late is refused and takes nothing."""
    await client.pam.DiscardTicket(action("DiscardTicket", reason="no answer"))

    with refused(Reason.PLATFORM_CODE_UNMAPPED, api="pam", platform_code="118", execution="NOT_EXECUTED"):
        await client.pam.CreateTicket(taken(platform))

    assert balance(platform) == FULL


@pytest.mark.parametrize(
    ("changes", "reason", "metadata"),
    [
        ({"player_id": "4711"}, Reason.PLAYER_NOT_FOUND, {"platform_code": "101"}),
        ({"price": FULL + 1}, Reason.PLATFORM_CODE_UNMAPPED, {"platform_code": "113"}),
        ({"currency": "EUR"}, Reason.INVALID_REQUEST, {"http_status": "422"}),
    ],
    ids=["unknown player", "not enough money", "foreign currency"],
)
async def test_a_ticket_that_cannot_be_taken_leaves_the_money_where_it_is(
    platform: Sandbox, client: Client, changes: dict[str, Any], reason: Reason, metadata: dict[str, str]
) -> None:
    """The refusal says why, and that nothing was executed; a reservation is refused alike."""
    for rpc in TAKING:
        request = getattr(pam, f"{rpc}Request")(**account_ticket(platform, ticket_id=f"{rpc}-1") | changes)

        with refused(reason, api="pam", request_id=request.request_id, execution="NOT_EXECUTED", **metadata):
            await getattr(client.pam, rpc)(request)

        assert platform.accounts.find("site", request.ticket_id) is None
    assert balance(platform) == FULL


@pytest.mark.parametrize("rpc", [rpc for rpc in ACTIONS if rpc not in {*TAKING, "DiscardTicket"}])
async def test_an_action_on_an_unknown_ticket_is_refused_by_name(client: Client, rpc: str) -> None:
    """The platform's code 102 is TICKET_NOT_FOUND, and the error names the ticket."""
    with refused(Reason.TICKET_NOT_FOUND, api="pam", platform_code="102", execution="NOT_EXECUTED") as refusal:
        await getattr(client.pam, rpc)(action(rpc, **bodies("demo")[rpc][0]))

    resource = refusal.detail(error_details_pb2.ResourceInfo)
    assert (resource.resource_type, resource.resource_name) == ("ticket", TICKET_ID)


async def test_a_ticket_that_was_won_is_not_discarded(platform: Sandbox, client: Client) -> None:
    """An action that does not fit the ticket's state comes back with the platform's number, and moves nothing."""
    await client.pam.CreateTicket(taken(platform))
    await client.pam.WinTicket(action("WinTicket"))

    with refused(Reason.PLATFORM_CODE_UNMAPPED, platform_code="116", platform_message="Ticket is won"):
        await client.pam.DiscardTicket(action("DiscardTicket", reason="too late"))

    assert state(platform) is State.WON


@pytest.mark.parametrize("rpc", ACTIONS)
async def test_an_action_without_ticket_is_not_sent(platform: Sandbox, client: Client, rpc: str) -> None:
    """Every action needs a ticket, and those that take money a request id as well; both are named."""
    fields, _, _ = bodies("demo")[rpc]

    with refused(Reason.INVALID_REQUEST, execution="NOT_EXECUTED") as refusal:
        await getattr(client.pam, rpc)(getattr(pam, f"{rpc}Request")(**fields))

    assert refusal.fields == (["request_id", "ticket_id"] if rpc in TAKING else ["ticket_id"])
    assert not len(platform.journal)


async def test_fields_for_the_webhook_receiver_are_not_for_callers(platform: Sandbox, client: Client) -> None:
    """A caller who fills `unmapped` is refused."""
    request = action("WinTicket")
    request.unmapped["bonus"] = 1

    with refused(Reason.INVALID_REQUEST) as refusal:
        await client.pam.WinTicket(request)

    assert refusal.fields == ["unmapped"]
    assert not len(platform.journal)


@pytest.mark.parametrize("rpc", ["CreateTicket", "ReserveTicket", "UpdateTicket", "VoidTicket"])
async def test_enums_of_an_action_have_to_be_given(platform: Sandbox, client: Client, rpc: str) -> None:
    """A type or tax type that is unspecified cannot be written, and is refused by its field."""
    fields = {name: value for name, value in bodies("demo")[rpc][0].items() if not name.endswith("_type")}
    with refused(Reason.INVALID_REQUEST) as refusal:
        await getattr(client.pam, rpc)(action(rpc, request_id="act-1", **fields))

    assert refusal.fields == (["ext_type"] if rpc == "VoidTicket" else ["ext_type", "ticket_type"])
    assert not len(platform.journal)


OPTIONAL = ["Ping", "Identify", *(rpc for rpc in ACTIONS if rpc not in TAKING)]


@pytest.mark.parametrize("rpc", OPTIONAL)
async def test_a_request_id_is_made_where_none_is_given(platform: Sandbox, client: Client, rpc: str) -> None:
    """The id that the gateway makes comes back in the initial metadata, a new UUID each time, errors included."""
    platform.accounts.apply("ticket_discard", "site", TICKET_ID)
    fields = {} if rpc == "Ping" else {"token": "nobody"}
    if rpc in ACTIONS:
        fields = {"ticket_id": TICKET_ID, **bodies("demo")[rpc][0]}
    request = getattr(pam, f"{rpc}Request")(**fields)

    made = []
    for _ in range(2):
        call = getattr(client.pam, rpc)(request)
        initial = dict(await call.initial_metadata())
        made.append(initial["request-id"])
        details = await call.code()
        assert details in {grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION}

    assert len(set(made)) == 2
    assert all(str(uuid.UUID(request_id)) == request_id for request_id in made)
    assert all(request_id.encode() not in seen.body for seen in platform.journal for request_id in made)


async def test_a_made_request_id_is_the_one_in_the_error(client: Client) -> None:
    """The error speaks of the same request as the initial metadata."""
    with refused(Reason.TICKET_NOT_FOUND) as refusal:
        await client.pam.WinTicket(action("WinTicket"))

    assert refusal.initial["request-id"] == refusal.metadata["request_id"]


@pytest.mark.parametrize("rpc", ["Ping", "WinTicket"])
async def test_a_given_request_id_is_not_repeated(platform: Sandbox, client: Client, rpc: str) -> None:
    """A caller who made an id knows it already."""
    await client.pam.CreateTicket(taken(platform))
    request = action(rpc, request_id="mine") if rpc in ACTIONS else pam.PingRequest(request_id="mine")

    call = getattr(client.pam, rpc)(request)

    assert "request-id" not in dict(await call.initial_metadata())
    await call


@pytest.mark.parametrize("rpc", TAKING)
async def test_no_request_id_is_made_where_the_caller_has_to_give_one(client: Client, rpc: str) -> None:
    """An id made here would let a caller take money without being able to name the attempt again."""
    with refused(Reason.INVALID_REQUEST) as refusal:
        await getattr(client.pam, rpc)(action(rpc, **bodies("demo")[rpc][0]))

    assert refusal.fields == ["request_id"]
    assert "request-id" not in refusal.initial


async def test_the_platforms_signed_sample_comes_out_to_the_byte() -> None:
    """With the clock and key of the documentation, the request is the published one, signature included."""
    clock = 1_706_191_612.0
    sample = SandboxOptions(
        listen="127.0.0.1:0",
        operators={"acme": SECRET},
        players=(Opening("sometokenvalue", 500, "USD"),),
        clock=lambda: clock,
    )
    async with sandbox(sample) as platform:
        acme = {"acme": {"secret": SECRET, "platform_url": platform.url, "pam_url": f"{platform.url}/pam"}}
        settings = settings_for(platform.url, operators=acme)
        async with client_of(settings, clock=lambda: clock) as client:
            await client.pam.CreateTicket(
                pam.CreateTicketRequest(
                    request_id="take-1",
                    operator="acme",
                    ticket_id=TICKET_ID,
                    ticket_code="CD4BDD",
                    player_id="sometokenvalue",
                    **AMOUNTS,
                    currency="USD",
                    atag="atag_value",
                    ticket_type=ticket.TICKET_TYPE_QUICKBET,
                )
            )

        seen = platform.journal.last
        assert seen.body == (
            b'{"action":"ticket_create","data":{"operator":"acme","ticket_id":"668ef666333180bba97f0c93",'
            b'"ticket_code":"CD4BDD","player_id":"sometokenvalue","price":500,"stake":444,"wht_amount":240,"wht":10,'
            b'"ext_amount":56,"ext":12.5,"ext_type":"inclusive","gross_payout":2842,"net_payout":2602,'
            b'"currency":"USD","atag":"atag_value","rtag":null,"ticket_type":"quickbet"}}'
        )
        assert seen.header("timestamp") == "1706191612"
        assert seen.header("signature") == "3fe37f41ba6dc960fd2a7098bd4643f971ff1408a31bcea9f3ef8d03b3ba2d0a"
        assert balance(platform, "sometokenvalue") == 0
