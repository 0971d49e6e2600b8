"""Which lives does a ticket have, as the platform tells a PAM endpoint, and what do they do to a player's balance?"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gateway.cli.pam_endpoint import Answer

__all__ = ["Script", "Stake", "Step", "Ticket", "scripts"]

_EXCISE: Final = 12.5
_WITHHOLDING: Final = 10
_ODDS: Final = 3


class Stake(NamedTuple):
    """Who plays, and for how much."""

    token: str
    price: int
    currency: str


def _payout(price: int) -> tuple[int, int, int, int]:
    """Return stake, gross payout, tax and net payout of a ticket, as the platform's calculator does."""
    stake = _half_up(price / (1 + _EXCISE / 100))
    gross = stake * _ODDS
    tax = _half_up((gross - stake) * _WITHHOLDING / 100)
    return stake, gross, tax, gross - tax


def _half_up(amount: float) -> int:
    return int(amount + 0.5)


def _amounts(price: int) -> dict[str, object]:
    stake, gross, tax, net = _payout(price)
    return {
        "price": price,
        "stake": stake,
        "wht_amount": tax,
        "wht": _WITHHOLDING,
        "ext_amount": price - stake,
        "ext": _EXCISE,
        "ext_type": "inclusive",
        "gross_payout": gross,
        "net_payout": net,
    }


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that nobody has seen, and the data of its actions."""

    id: str
    code: str
    player_id: str
    stake: Stake

    @classmethod
    def new(cls, player_id: str, stake: Stake) -> Ticket:
        """Make up a ticket."""
        return cls(secrets.token_hex(12), secrets.token_hex(3).upper(), player_id, stake)

    def data(self, action: str) -> dict[str, object]:
        """Return an action's data in the documented order, but for the operator."""
        match action:
            case "ticket_create":
                return self._taking({})
            case "ticket_reserve":
                return self._taking({"psp": "mobile"})
            case "ticket_void":
                return {"ticket_id": self.id, **_amounts(self.stake.price)}
            case "ticket_refund" | "ticket_discard" | "ticket_rollback":
                return {"ticket_id": self.id, "reason": "pam check"}
            case _:
                return {"ticket_id": self.id}

    def _taking(self, provider: Mapping[str, object]) -> dict[str, object]:
        return {
            "ticket_id": self.id,
            "ticket_code": self.code,
            "player_id": self.player_id,
            **provider,
            **_amounts(self.stake.price),
            "currency": self.stake.currency,
            "atag": None,
            "rtag": None,
            "ticket_type": "quicktip",
        }


class Step(NamedTuple):
    """An action, what the player has won or lost by then, and whether it is to be accepted; None where both will do."""

    action: str
    won: int
    accepted: bool | None = True
    again: str = ""

    def takes(self, answer: Answer) -> bool:
        """Tell whether this is the answer that is wanted."""
        return (answer.ok and self.accepted is not False) or (answer.refused and not self.accepted)


@dataclass(frozen=True, slots=True)
class Script:
    """The life of a ticket; ``undo`` takes back what is left of it, whatever came out."""

    case: str
    expected: str
    steps: tuple[Step, ...]
    undo: tuple[str, ...] = ()


def _thrice(action: str, won: int) -> tuple[Step, ...]:
    """Return an action, the same delivery again, and the same action signed anew."""
    return (
        Step(action, won),
        Step(action, won, again="the same delivery"),
        Step(action, won, again="signed anew"),
    )


def scripts(price: int) -> tuple[Script, ...]:
    """Return every life that is tried, for tickets of this price."""
    *_, payout = _payout(price)
    created = Step("ticket_create", -price)
    back = ("ticket_rollback", "ticket_void")
    return (
        Script(
            "create delivered three times",
            "200, price taken once",
            _thrice("ticket_create", -price),
            undo=("ticket_discard",),
        ),
        Script(
            "reserve delivered three times",
            "200, price taken once",
            _thrice("ticket_reserve", -price),
            undo=("ticket_discard",),
        ),
        Script(
            "discard delivered three times",
            "200, price returned once",
            (created, *_thrice("ticket_discard", 0)),
        ),
        Script(
            "discard first, then its create",
            "4xx for the create, nothing taken",
            (Step("ticket_discard", 0), Step("ticket_create", 0, accepted=False)),
            undo=("ticket_discard",),
        ),
        Script(
            "create again after its discard",
            "nothing taken",
            (created, Step("ticket_discard", 0), Step("ticket_create", 0, accepted=None, again="signed anew")),
            undo=("ticket_discard",),
        ),
        Script(
            "win delivered three times",
            "200, net payout paid once",
            (created, *_thrice("ticket_win", payout - price)),
            undo=back,
        ),
        Script(
            "win, rollback, then lost",
            "200, payout taken back",
            (
                created,
                Step("ticket_win", payout - price),
                Step("ticket_rollback", -price),
                Step("ticket_lost", -price),
            ),
            undo=back,
        ),
        Script(
            "win, rollback, then win again",
            "200, net payout paid again",
            (
                created,
                Step("ticket_win", payout - price),
                Step("ticket_rollback", -price),
                Step("ticket_win", payout - price, again="after the rollback"),
            ),
            undo=back,
        ),
        Script(
            "void delivered three times",
            "200, price returned once",
            (created, *_thrice("ticket_void", 0)),
        ),
        Script(
            "refund delivered three times",
            "200, price returned once",
            (created, *_thrice("ticket_refund", 0)),
        ),
        Script(
            "closed after a result",
            "200, nothing moved",
            (created, Step("ticket_void", 0), *_thrice("ticket_closed", 0)),
        ),
    )
