"""What can go wrong in the sandbox's own world?

    SandboxError
    ├── UnknownPlayer       no player has this token or id
    ├── BlockedPlayer       the player may not play
    ├── NotEnoughMoney      the balance does not cover the amount
    ├── UnknownTicket       no ticket has this id or code
    ├── IllegalTransition   the ticket is not in a state that allows this
    ├── TicketDiscarded     a discard came before the money was to be taken
    ├── UnknownCard         no bet card has this code
    ├── UnknownBet          no upcoming event has this bet
    ├── OddsChanged         the odds moved further than the player accepts
    ├── NoSelection         no bet fits the risk asked for
    ├── PayoutTooHigh       the amounts leave the range that JSON readers agree on
    ├── AccountRefused      the operator's player account system said no
    └── AccountSilent       the operator's player account system did not give an answer

None of them knows HTTP: ``refusals`` says how the platform spells each.
"""

# ruff: noqa: N818 - the names say what is the case; none of it is a mistake of the program

from __future__ import annotations

__all__ = [
    "AccountRefused",
    "AccountSilent",
    "BlockedPlayer",
    "IllegalTransition",
    "NoSelection",
    "NotEnoughMoney",
    "OddsChanged",
    "PayoutTooHigh",
    "SandboxError",
    "TicketDiscarded",
    "UnknownBet",
    "UnknownCard",
    "UnknownPlayer",
    "UnknownTicket",
]


class SandboxError(Exception):
    """The root of everything that can go wrong in the sandbox's world."""


class UnknownPlayer(SandboxError):
    """No player has this token or id."""


class BlockedPlayer(SandboxError):
    """The player may not play."""


class NotEnoughMoney(SandboxError):
    """The player's balance does not cover the amount."""


class UnknownTicket(SandboxError):
    """No ticket has this id or code."""

    def __init__(self, identifier: str) -> None:
        super().__init__(identifier)
        self.identifier = identifier


class IllegalTransition(SandboxError):
    """The ticket is not in a state that allows what was asked of it."""

    def __init__(self, ticket_id: str, state: str, wanted: str) -> None:
        super().__init__(f"ticket {ticket_id} is {state} and cannot become {wanted}")
        self.ticket_id = ticket_id
        self.state = state
        self.wanted = wanted


class TicketDiscarded(SandboxError):
    """The ticket was discarded; its money is not taken any more."""


class UnknownCard(SandboxError):
    """No bet card of this family has this code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class UnknownBet(SandboxError):
    """No upcoming event has this bet."""

    def __init__(self, event_id: int, bet_id: int) -> None:
        super().__init__(f"bet {bet_id} of event {event_id}")
        self.event_id = event_id
        self.bet_id = bet_id


class OddsChanged(SandboxError):
    """The odds moved further than the player accepts."""


class NoSelection(SandboxError):
    """No bet of the card fits the risk asked for."""


class PayoutTooHigh(SandboxError):
    """The amounts of the bet are too large to be written exactly."""


class AccountRefused(SandboxError):
    """The operator's player account system said no."""

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(message)
        # The code that it gave, if it gave one.
        self.code = code
        self.message = message


class AccountSilent(SandboxError):
    """The operator's player account system did not give an answer."""

    def __init__(self, action: str) -> None:
        super().__init__(f"no answer to {action}")
