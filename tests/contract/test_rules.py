"""Which rules do callers have to keep? The annotations against literal tables, and no amount without a rule."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.contract import Field, Kind, Shape, load_contract
from gateway.contract.rules import NO_RULE, Format

CONTRACT = load_contract()

TAXES = {"wht_amount", "wht", "ext_amount", "ext", "gross_payout", "net_payout"}
PAM_WITH_AMOUNTS = ("CreateTicketRequest", "ReserveTicketRequest", "UpdateTicketRequest", "VoidTicketRequest")

AT_LEAST_1 = {
    "betstack.card.v1.GetFinanceDetailsRequest.price",
    "betstack.card.v1.GetFinanceDetailsRequest.odds",
    "betstack.card.v1.GenerateSmartbetRequest.stake",
    "betstack.card.v1.GenerateSmartbetRequest.win",
    "betstack.ticket.v1.CreateTicketRequest.price",
    "betstack.ticket.v1.ReserveTicketRequest.price",
    "betstack.ticket.v1.Selection.odds",
    *(f"betstack.pam.v1.{request}.{field}" for request in PAM_WITH_AMOUNTS for field in ("price", "stake")),
}
NOT_NEGATIVE = {
    *(f"betstack.ticket.v1.{kind}.odds_diff" for kind in ("Quicktip", "Smartbet", "Quickbet", "Jackpot")),
    "betstack.ticket.v1.Jackpot.prize",
    "betstack.ticket.v1.Jackpot.bonus_prizes",
    *(f"betstack.pam.v1.{request}.{field}" for request in PAM_WITH_AMOUNTS for field in TAXES),
}
NUMBERS_THAT_ARE_NO_AMOUNTS = {
    "betstack.ticket.v1.ListTicketsRequest.limit",
    "betstack.ticket.v1.Superbet.event",
    "betstack.ticket.v1.Superbet.bets",
    "betstack.ticket.v1.Selection.id",
    "betstack.ticket.v1.Selection.bet",
    "betstack.sms.v1.SendBetResultRequest.event_id",
    "betstack.sms.v1.SendBetResultRequest.bet_id",
}
NOT_EMPTY = {
    "betstack.card.v1.GetFinanceDetailsRequest.odds",
    *(f"betstack.ticket.v1.{kind}.events" for kind in ("Quicktip", "Smartbet", "Quickbet", "Jackpot")),
    "betstack.ticket.v1.Superbet.bets",
}
MAY_BE_EMPTY = {
    "betstack.ticket.v1.ListTicketsRequest.skip_types",
    "betstack.ticket.v1.Jackpot.bonus_prizes",
}
CURRENCIES = {
    "betstack.ticket.v1.CreateTicketRequest.currency",
    "betstack.ticket.v1.ReserveTicketRequest.currency",
    "betstack.pam.v1.CreateTicketRequest.currency",
    "betstack.pam.v1.ReserveTicketRequest.currency",
    "betstack.pam.v1.UpdateTicketRequest.currency",
}
SEVERAL_LINES = {f"betstack.pam.v1.{action}TicketRequest.reason" for action in ("Refund", "Discard", "Rollback")}
LENGTHS = {
    "betstack.ticket.v1.CreateTicketRequest.token": 4096,
    "betstack.ticket.v1.ReserveTicketRequest.token": 4096,
    "betstack.pam.v1.IdentifyRequest.token": 4096,
    "betstack.sms.v1.SendOtpRequest.msisdn": 32,
    "betstack.sms.v1.SendTicketStatusRequest.msisdn": 32,
    **dict.fromkeys(SEVERAL_LINES, 1000),
}


def _fields(shape: Shape) -> Iterator[tuple[str, Field]]:
    for field in shape.fields:
        yield f"{shape.name}.{field.name}", field
        if field.shape:
            yield from _fields(field.shape)
    for variant in shape.variants:
        for inner in variant.choices.values():
            yield from _fields(inner)


FIELDS = dict(entry for route in CONTRACT.routes.values() for entry in _fields(route.request))
"""Every field that a caller can fill, by its full name."""


def test_numbers_have_their_smallest_value() -> None:
    """Prices, stakes, wins and odds are at least 1; other amounts, rates and deviations are not negative."""
    found = {name: field.rule.least for name, field in FIELDS.items() if field.rule.least is not None}

    assert found == dict.fromkeys(AT_LEAST_1, 1) | dict.fromkeys(NOT_NEGATIVE, 0)


def test_no_number_is_forgotten() -> None:
    """Every number of a request has a smallest value, or is an id or a count."""
    numbers = {name for name, field in FIELDS.items() if field.kind in (Kind.INT32, Kind.INT64, Kind.NUMBER)}

    assert numbers == AT_LEAST_1 | NOT_NEGATIVE | NUMBERS_THAT_ARE_NO_AMOUNTS


def test_a_bet_is_on_something() -> None:
    """Lists have at least one value, but for the types left out of a list and the prizes of a jackpot without any."""
    lists = {name: field.rule.not_empty for name, field in FIELDS.items() if field.repeated}

    assert lists == dict.fromkeys(NOT_EMPTY, True) | dict.fromkeys(MAY_BE_EMPTY, False)


def test_every_currency_is_one() -> None:
    """Each field called currency, and nothing else, has to be a code of ISO 4217."""
    assert {name for name, field in FIELDS.items() if field.rule.format is Format.CURRENCY} == CURRENCIES
    assert {name for name in FIELDS if name.endswith(".currency")} == CURRENCIES


def test_texts_have_a_length_and_one_line() -> None:
    """256 characters on one line are the rule; tokens and reasons are longer, and reasons may have lines."""
    texts = {name: field.rule for name, field in FIELDS.items() if field.kind is Kind.TEXT}

    assert {name: rule.max_length for name, rule in texts.items() if rule.max_length != 256} == LENGTHS
    assert {name for name, rule in texts.items() if rule.lines} == SEVERAL_LINES


def test_answers_are_not_judged() -> None:
    """What the platform sends has no rules."""
    answers = [field for route in CONTRACT.routes.values() for _, field in _fields(route.response)]

    assert {field.rule for field in answers} == {NO_RULE}
