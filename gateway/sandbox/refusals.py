"""How does the platform say no?

Four ways. A platform error is HTTP 400 with ``{"code": integer, "message": string}``, "not found" included. Input that
cannot be understood is 422, a player who may not is 403, a request that is not signed as it should be is 401.

The bodies of 422 and 401 are not documented. Assumed: a JSON object with ``detail`` and without a code. It is there for
people; nothing should depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.sandbox.errors import (
    AccountRefused,
    AccountSilent,
    BlockedPlayer,
    IllegalTransition,
    NoSelection,
    NotEnoughMoney,
    OddsChanged,
    PayoutTooHigh,
    SandboxError,
    TicketDiscarded,
    UnknownBet,
    UnknownCard,
    UnknownPlayer,
    UnknownTicket,
)

__all__ = [
    "SPELLING",
    "Code",
    "Refusal",
    "answer",
    "invalid",
    "not_implemented",
    "not_signed",
    "operator_not_found",
    "platform_error",
]


class Code(IntEnum):
    """The platform's error codes that the sandbox can answer."""

    NOT_IMPLEMENTED = 100
    USER_NOT_FOUND = 101
    TICKET_NOT_FOUND = 102
    OPERATOR_NOT_FOUND = 106
    TICKET_NOT_RESERVED = 117

    # Assumed: the numbers below. That "Ticket odds changed" exists is documented, its number is not; the other
    # situations are not documented at all.
    CARD_NOT_FOUND = 103
    ODDS_CHANGED = 112
    NOT_ENOUGH_MONEY = 113
    BET_NOT_FOUND = 114
    NO_SELECTION = 115
    ACTION_DOES_NOT_FIT = 116
    TICKET_DISCARDED = 118
    ACCOUNT_REFUSED = 119
    ACCOUNT_SILENT = 120


class Refusal(Exception):  # noqa: N818 - an answer, not a mistake
    """An answer other than 200, on its way out of a handler."""

    def __init__(self, status: int, content: Mapping[str, object] | None = None) -> None:
        super().__init__(f"{status} {content}")
        self.status = status
        self.content = content


def platform_error(code: int, message: str) -> Refusal:
    """Return the platform's own error body."""
    # A name that came in with an unpaired surrogate cannot go out again.
    return Refusal(400, {"code": int(code), "message": message.encode("utf-8", "replace").decode()})


def operator_not_found(name: str) -> Refusal:
    """Return the platform's answer to an operator it does not know."""
    return platform_error(Code.OPERATOR_NOT_FOUND, f"Operator {name} was not found")


def not_implemented(feature: str) -> Refusal:
    """Return the platform's answer to an action or type that it does not know."""
    return platform_error(Code.NOT_IMPLEMENTED, f"{feature} feature not implemented yet")


def not_signed(why: str) -> Refusal:
    """Return the answer to a request that no operator signed as it stands."""
    return Refusal(401, {"detail": why})


def invalid(why: str, place: tuple[str | int, ...] = ()) -> Refusal:
    """Return the answer to input that cannot be understood."""
    return Refusal(422, {"detail": [{"loc": list(place), "msg": why}]})


def _user_not_found(_: SandboxError) -> Refusal:
    return platform_error(Code.USER_NOT_FOUND, "User not found")


def _player_refused(_: SandboxError) -> Refusal:
    return Refusal(403)


def _not_enough_money(_: SandboxError) -> Refusal:
    return platform_error(Code.NOT_ENOUGH_MONEY, "Not enough money")


def _ticket_not_found(error: UnknownTicket) -> Refusal:
    return platform_error(Code.TICKET_NOT_FOUND, f"Ticket with `{error.identifier}` identifier is not found")


def _ticket_not_reserved(_: SandboxError) -> Refusal:
    # The one transition that can be asked for over HTTP is `paid`.
    return platform_error(Code.TICKET_NOT_RESERVED, "Ticket has to have `reserved` status in order to do this action")


def _ticket_discarded(_: SandboxError) -> Refusal:
    return platform_error(Code.TICKET_DISCARDED, "Ticket has been discarded")


def _card_not_found(error: UnknownCard) -> Refusal:
    return platform_error(Code.CARD_NOT_FOUND, f"Bet card with `{error.code}` code is not found")


def _bet_not_found(error: UnknownBet) -> Refusal:
    return platform_error(Code.BET_NOT_FOUND, f"Bet `{error.bet_id}` of event `{error.event_id}` is not found")


def _odds_changed(_: SandboxError) -> Refusal:
    return platform_error(Code.ODDS_CHANGED, "Ticket odds changed")


def _no_selection(_: SandboxError) -> Refusal:
    return platform_error(Code.NO_SELECTION, "No bets fit the risk")


def _account_refused(error: AccountRefused) -> Refusal:
    # Assumed: what the player account system says is passed on as it is.
    return platform_error(Code.ACCOUNT_REFUSED if error.code is None else error.code, error.message)


def _account_silent(_: SandboxError) -> Refusal:
    # Assumed: 400 and no 500, since that is documented for create and reserve, and there certainly is no ticket.
    return platform_error(Code.ACCOUNT_SILENT, "Player account system did not answer")


def _payout_too_high(_: SandboxError) -> Refusal:
    return invalid("the payout is too high")


SPELLING: Final[Mapping[type[SandboxError], Callable[..., Refusal]]] = {
    UnknownPlayer: _user_not_found,
    BlockedPlayer: _player_refused,
    NotEnoughMoney: _not_enough_money,
    UnknownTicket: _ticket_not_found,
    IllegalTransition: _ticket_not_reserved,
    TicketDiscarded: _ticket_discarded,
    UnknownCard: _card_not_found,
    UnknownBet: _bet_not_found,
    OddsChanged: _odds_changed,
    NoSelection: _no_selection,
    PayoutTooHigh: _payout_too_high,
    AccountRefused: _account_refused,
    AccountSilent: _account_silent,
}


async def answer(_: Request, error: Exception) -> Response:
    """Turn what a handler raised into the platform's answer."""
    refusal = error if isinstance(error, Refusal) else _refusal(error)
    if refusal.content is None:
        return Response(status_code=refusal.status)
    return JSONResponse(refusal.content, refusal.status)


def _refusal(error: Exception) -> Refusal:
    if not isinstance(error, SandboxError):
        raise error
    return SPELLING[type(error)](error)
