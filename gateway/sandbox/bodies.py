"""Does a body have the documented fields, in the documented order, with the documented types?

Order is a matter of the signature: the platform builds the message it signs from its own list of fields, so a body
whose fields are other ones, or come in another order, does not verify (401). Types are a matter of validation (422).
The order of the attributes below is the documented one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.sandbox.refusals import Refusal, invalid, not_signed

__all__ = [
    "NOTIFICATIONS",
    "PAM_ACTIONS",
    "TICKETS",
    "CardBody",
    "Document",
    "EventsBody",
    "GenerateBody",
    "Identify",
    "SuperbetBody",
    "TakeMoney",
    "TicketBody",
    "TicketCreate",
    "TicketReserve",
    "TicketUpdate",
    "documented",
    "json_object",
]

# Assumed: no limits are documented. These keep the arithmetic exact.
_MOST_CENTS: Final = 10**12
_MOST_SELECTIONS: Final = 60

Text = Annotated[str, Field(min_length=1)]
Price = Annotated[int, Field(gt=0, le=_MOST_CENTS)]
Cents = Annotated[int, Field(ge=0, le=2**53)]
Rate = Annotated[float, Field(ge=0, le=100)]
Odds = Annotated[float, Field(ge=1, le=1_000_000)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}\z")]
Number = Annotated[int, Field(ge=0, le=2**53)]
TaxType = Literal["inclusive", "exclusive"]
TicketType = Literal["quicktip", "smartbet", "quickbet", "superbet", "jackpot"]
Source = Literal["desktop", "mobile", "android", "iphone", "ussd", "sms", "telegram"]


class Document(BaseModel):
    """An object whose fields come in a documented order."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    # Fields that are lists of objects with an order of their own.
    lists: ClassVar[Mapping[str, type[Document]]] = {}


class SelectionBody(Document):
    """One bet on one event, with the odds that the player saw."""

    id: Number
    bet: Number
    odds: Odds


class TicketBody(Document):
    """How every ticket begins."""

    operator: Text
    token: Text
    psp: str | None
    price: Price
    currency: Currency
    atag: str | None
    rtag: str | None
    source: Source
    type: TicketType


class SuperbetBody(TicketBody):
    """Several bets on one event."""

    event: Number
    bets: Annotated[list[Number], Field(min_length=1, max_length=_MOST_SELECTIONS)]


class EventsBody(TicketBody):
    """One bet each on several events: a quicktip."""

    lists: ClassVar[Mapping[str, type[Document]]] = {"events": SelectionBody}

    odds_diff: Annotated[float, Field(ge=0)]
    events: Annotated[list[SelectionBody], Field(min_length=1, max_length=_MOST_SELECTIONS)]


class CardBody(EventsBody):
    """The same from a card: a quickbet or a smartbet (assumed)."""

    betcard_code: Text


class JackpotBody(CardBody):
    """A pick for the events of a jackpot card."""

    prize: Cents
    bonus_prizes: list[Cents]


class GenerateBody(Document):
    """What a player wants of a smartbet."""

    stake: Price
    win: Price
    risk: Text


class PamDocument(Document):
    """How the data of every signed PAM action begins."""

    operator: Text


class Identify(PamDocument):
    """Whose token is this?"""

    token: Text


class TicketNamed(PamDocument):
    """An action that says nothing but which ticket."""

    ticket_id: Text


class TicketReasoned(TicketNamed):
    """An action that gives its reason."""

    reason: str


class TicketVoid(TicketNamed):
    """A void ticket, with its amounts."""

    price: Price
    stake: Cents
    wht_amount: Cents
    wht: Rate
    ext_amount: Cents
    ext: Rate
    ext_type: TaxType
    gross_payout: Cents
    net_payout: Cents


class TicketCreate(PamDocument):
    """Take the player's money for a ticket."""

    ticket_id: Text
    ticket_code: Text
    player_id: Text
    price: Price
    stake: Cents
    wht_amount: Cents
    wht: Rate
    ext_amount: Cents
    ext: Rate
    ext_type: TaxType
    gross_payout: Cents
    net_payout: Cents
    currency: Currency
    atag: str | None
    rtag: str | None
    ticket_type: TicketType


class TicketReserve(PamDocument):
    """The same for a reservation: with a payment provider after the player."""

    ticket_id: Text
    ticket_code: Text
    player_id: Text
    psp: str | None
    price: Price
    stake: Cents
    wht_amount: Cents
    wht: Rate
    ext_amount: Cents
    ext: Rate
    ext_type: TaxType
    gross_payout: Cents
    net_payout: Cents
    currency: Currency
    atag: str | None
    rtag: str | None
    ticket_type: TicketType


class TicketUpdate(TicketReserve):
    """New amounts of a jackpot ticket."""


TakeMoney = TicketCreate | TicketReserve


class Otp(Document):
    """A one-time password."""

    code: Text
    msisdn: Text


class TicketStatus(Document):
    """A ticket was opened or has a result."""

    ticket_code: Text
    ticket_id: Text
    msisdn: Text
    status: Literal["open", "resulted"]
    result: Literal["pending", "won", "lost", "void"]


class BetResult(Document):
    """One bet of a ticket has a result."""

    ticket_id: Text
    result: Literal["won", "lost", "void"]
    event_id: Number
    bet_id: Number


TICKETS: Final[Mapping[str, type[SuperbetBody | EventsBody]]] = {
    "superbet": SuperbetBody,
    "quicktip": EventsBody,
    "jackpot": JackpotBody,
    "quickbet": CardBody,
    "smartbet": CardBody,
}

PAM_ACTIONS: Final[Mapping[str, type[PamDocument]]] = {
    "identify": Identify,
    "ticket_create": TicketCreate,
    "ticket_reserve": TicketReserve,
    "ticket_update": TicketUpdate,
    "ticket_closed": TicketNamed,
    "ticket_refund": TicketReasoned,
    "ticket_win": TicketNamed,
    "ticket_lost": TicketNamed,
    "ticket_void": TicketVoid,
    "ticket_discard": TicketReasoned,
    "ticket_rollback": TicketReasoned,
}

NOTIFICATIONS: Final[Mapping[str, type[Document]]] = {
    "otp": Otp,
    "ticket_status": TicketStatus,
    "bet_result": BetResult,
}

D = TypeVar("D", bound=Document)


def json_object(body: bytes) -> dict[str, object]:
    """Parse a body that has to be a JSON object."""
    try:
        parsed = json.loads(body.decode(), object_pairs_hook=_without_repeats, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise invalid("the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise invalid("the body is not a JSON object")
    return parsed


def documented(kind: type[D], given: object, place: tuple[str, ...] = ()) -> D:
    """Return the object as what it is documented to be, or raise the refusal."""
    if not isinstance(given, dict):
        raise invalid("not a JSON object", place)
    _check_order(kind, given)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise _invalid(error, place) from None


def in_order(given: Mapping[str, object], fields: Sequence[str]) -> None:
    """Raise the refusal of another signature unless the keys are these, in this order."""
    if list(given) != list(fields):
        raise not_signed(f"fields are {', '.join(given)}; the platform signs {', '.join(fields)}")


def _check_order(kind: type[Document], given: Mapping[str, object]) -> None:
    in_order(given, list(kind.model_fields))
    for name, inner in kind.lists.items():
        elements = given[name]
        for element in elements if isinstance(elements, list) else ():
            if isinstance(element, dict):
                _check_order(inner, element)


def _invalid(error: ValidationError, place: tuple[str, ...]) -> Refusal:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return Refusal(422, {"detail": [{"loc": [*place, *problem["loc"]], "msg": problem["msg"]} for problem in problems]})


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = dict(pairs)
    if len(keys) != len(pairs):
        raise ValueError("a key comes twice")
    return keys


def _no_number(spelled: str) -> NoReturn:
    raise ValueError(f"{spelled} is no JSON")
