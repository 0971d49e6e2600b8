"""Do the messages have the platform's keys, tokens and marks? Shapes against literal tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from betstack.card.v1 import card_service_pb2 as card
from betstack.pam.v1 import pam_service_pb2 as pam
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.contract import Field, Kind, Shape, load_contract, shape_of
from gateway.contract.routes import PLATFORM_FILES

CONTRACT = load_contract()
ROUTES = {route.short: route for route in CONTRACT.routes.values()}

MESSAGES: dict[str, Descriptor] = {
    message.full_name: message for file in PLATFORM_FILES for message in file.message_types_by_name.values()
}

KEYS: list[tuple[type[Message], str]] = [
    (
        card.GetFinanceDetailsResponse,
        "price total_odds stake ext ext_amount ext_type wht wht_amount gross_payout net_payout",
    ),
    (
        card.GenerateSmartbetResponse,
        "price stake total_odds ext ext_amount wht wht_amount gross_payout net_payout risk events",
    ),
    (card.PickJackpotBetsResponse, "code events"),
    (card.PickedBet, "id bet odds"),
    (card.Event, "starts operator_time_starts category home_team away_team bet bets id"),
    (card.Category, "league_id league_slug league_name country_id country_slug country_name"),
    (card.Team, "slug name id"),
    (card.Bet, "id bet_code bet_name market_code market_name line_code line_name odds updated"),
    (card.QuicktipCard, "code title description sitename domain preview_img operator events"),
    (card.QuickbetCard, "code title description sitename domain preview_img operator price total_odds events"),
    (card.SmartbetCard, "code title description sitename domain preview_img operator risk min_price"),
    (card.SuperbetCard, "code title description sitename domain preview_img operator event bets"),
    (
        card.JackpotCard,
        "code title description sitename domain preview_img operator price prize bonus_prizes closes events",
    ),
    (
        ticket.Ticket,
        (
            "id code psp price stake currency gross_payout net_payout wht_amount wht ext_amount ext ext_type status "
            "result approved source type atag rtag aff_instant_comm_amt aff_instant_comm_pct user_id created "
            "operator_time_created updated operator_time_updated events odds event bets"
        ),
    ),
    (
        ticket.TicketEvent,
        "id starts operator_time_starts sport category league home_team away_team market bet line odds",
    ),
    (ticket.TicketEventPart, "id name"),
    (ticket.TicketBetPart, "code name"),
    (pam.IdentifyResponse, "player_id lang balance currency feature_flags"),
]

KINDS: list[tuple[type[Message], str, Kind]] = [
    (ticket.Ticket, "price", Kind.INT64),
    (ticket.Ticket, "wht", Kind.NUMBER),
    (ticket.Ticket, "approved", Kind.FLAG),
    (ticket.Ticket, "status", Kind.TOKEN),
    (ticket.Ticket, "created", Kind.TIME),
    (ticket.Ticket, "operator_time_created", Kind.TEXT),
    (ticket.Ticket, "events", Kind.OBJECT),
    (ticket.ListTicketsRequest, "limit", Kind.INT32),
    (card.Bet, "odds", Kind.NUMBER),
    (card.Team, "id", Kind.INT64),
    (card.Category, "country_id", Kind.INT64),
]

NULLABLE: dict[str, set[str]] = {
    "betstack.card.v1.JackpotCard": {"description", "sitename", "domain", "preview_img", "closes"},
    "betstack.card.v1.QuicktipCard": {"description", "sitename", "domain", "preview_img"},
    "betstack.card.v1.Bet": {"line_code", "line_name", "updated"},
    "betstack.ticket.v1.CreateTicketRequest": {"psp", "atag", "rtag"},
    "betstack.ticket.v1.ReserveTicketRequest": {"psp", "atag", "rtag"},
    "betstack.ticket.v1.ListTicketsRequest": {"limit", "user_id"},
    "betstack.pam.v1.CreateTicketRequest": {"atag", "rtag"},
    "betstack.pam.v1.ReserveTicketRequest": {"psp", "atag", "rtag"},
    "betstack.pam.v1.UpdateTicketRequest": {"psp", "atag", "rtag"},
    "betstack.pam.v1.VoidTicketRequest": set(),
}

SENSITIVE = {
    "betstack.ticket.v1.CreateTicketRequest.token",
    "betstack.ticket.v1.ReserveTicketRequest.token",
    "betstack.pam.v1.IdentifyRequest.token",
    "betstack.sms.v1.SendOtpRequest.code",
    "betstack.sms.v1.SendOtpRequest.msisdn",
    "betstack.sms.v1.SendTicketStatusRequest.msisdn",
}

REQUIRED_OF_REQUESTS = {
    "TicketService/CreateTicket": ["request_id"],
    "TicketService/ReserveTicket": ["request_id"],
    "TicketService/PayTicket": ["request_id", "identifier"],
    "TicketService/GetTicket": ["identifier"],
    "CardService/GetJackpotCard": ["code"],
    "CardService/PickJackpotBets": ["code"],
    "CardService/GetQuicktipCard": ["code"],
    "CardService/GetSmartbetCard": ["code"],
    "CardService/GenerateSmartbet": ["code"],
    "CardService/GetQuickbetCard": ["code"],
    "CardService/GetSuperbetCard": ["code"],
    "PamService/Identify": ["token"],
    "PamService/CreateTicket": ["request_id", "ticket_id"],
    "PamService/ReserveTicket": ["request_id", "ticket_id"],
    "PamService/UpdateTicket": ["ticket_id"],
    "PamService/CloseTicket": ["ticket_id"],
    "PamService/RefundTicket": ["ticket_id"],
    "PamService/WinTicket": ["ticket_id"],
    "PamService/LoseTicket": ["ticket_id"],
    "PamService/VoidTicket": ["ticket_id"],
    "PamService/DiscardTicket": ["ticket_id"],
    "PamService/RollbackTicket": ["ticket_id"],
}

REQUIRED_OF_ANSWERS = {
    "betstack.ticket.v1.Ticket": ["id"],
    "betstack.card.v1.JackpotCard": ["code"],
    "betstack.card.v1.QuicktipCard": ["code"],
    "betstack.card.v1.SmartbetCard": ["code"],
    "betstack.card.v1.QuickbetCard": ["code"],
    "betstack.card.v1.SuperbetCard": ["code"],
    "betstack.card.v1.GetFinanceDetailsResponse": ["price"],
    "betstack.card.v1.GenerateSmartbetResponse": ["price"],
    "betstack.card.v1.PickJackpotBetsResponse": ["code"],
    "betstack.pam.v1.IdentifyResponse": ["player_id"],
}

KEEPS_UNMAPPED = {
    *(f"betstack.card.v1.{family}Card" for family in ("Jackpot", "Quicktip", "Smartbet", "Quickbet", "Superbet")),
    *(f"betstack.card.v1.{part}" for part in ("Event", "Category", "Team", "Bet", "PickedBet")),
    "betstack.card.v1.GetFinanceDetailsResponse",
    "betstack.card.v1.GenerateSmartbetResponse",
    "betstack.card.v1.PickJackpotBetsResponse",
    "betstack.ticket.v1.Ticket",
    "betstack.ticket.v1.TicketEvent",
    "betstack.ticket.v1.TicketEventPart",
    "betstack.ticket.v1.TicketBetPart",
    "betstack.ticket.v1.TicketBet",
    *(
        f"betstack.pam.v1.{action}{side}"
        for side in ("Request", "Response")
        for action in (
            "Ping",
            "Identify",
            "CreateTicket",
            "ReserveTicket",
            "UpdateTicket",
            "CloseTicket",
            "RefundTicket",
            "WinTicket",
            "LoseTicket",
            "VoidTicket",
            "DiscardTicket",
            "RollbackTicket",
        )
    ),
    *(
        f"betstack.sms.v1.{notification}{side}"
        for side in ("Request", "Response")
        for notification in ("SendOtp", "SendTicketStatus", "SendBetResult")
    ),
}

TOKENS = {
    "TicketType": {
        "TICKET_TYPE_QUICKTIP": "quicktip",
        "TICKET_TYPE_SMARTBET": "smartbet",
        "TICKET_TYPE_QUICKBET": "quickbet",
        "TICKET_TYPE_SUPERBET": "superbet",
        "TICKET_TYPE_JACKPOT": "jackpot",
    },
    "TicketStatus": {
        "TICKET_STATUS_NEW": "new",
        "TICKET_STATUS_CANCELLED": "cancelled",
        "TICKET_STATUS_RESERVED": "reserved",
        "TICKET_STATUS_OPEN": "open",
        "TICKET_STATUS_CALCULATING": "calculating",
        "TICKET_STATUS_RESULTED": "resulted",
        "TICKET_STATUS_CLOSED": "closed",
    },
    "TicketResult": {
        "TICKET_RESULT_PENDING": "pending",
        "TICKET_RESULT_WON": "won",
        "TICKET_RESULT_LOST": "lost",
        "TICKET_RESULT_VOID": "void",
    },
    "TicketSource": {
        "TICKET_SOURCE_DESKTOP": "desktop",
        "TICKET_SOURCE_MOBILE": "mobile",
        "TICKET_SOURCE_ANDROID": "android",
        "TICKET_SOURCE_IPHONE": "iphone",
        "TICKET_SOURCE_USSD": "ussd",
        "TICKET_SOURCE_SMS": "sms",
        "TICKET_SOURCE_TELEGRAM": "telegram",
    },
    "ExciseTaxType": {"EXCISE_TAX_TYPE_INCLUSIVE": "inclusive", "EXCISE_TAX_TYPE_EXCLUSIVE": "exclusive"},
}

FIELDS_WITH_TOKENS: list[tuple[type[Message], str, str]] = [
    (ticket.Ticket, "ext_type", "ExciseTaxType"),
    (ticket.Ticket, "status", "TicketStatus"),
    (ticket.Ticket, "result", "TicketResult"),
    (ticket.Ticket, "source", "TicketSource"),
    (ticket.Ticket, "type", "TicketType"),
    (ticket.CreateTicketRequest, "source", "TicketSource"),
    (ticket.ListTicketsRequest, "skip_types", "TicketType"),
    (pam.CreateTicketRequest, "ticket_type", "TicketType"),
    (pam.CreateTicketRequest, "ext_type", "ExciseTaxType"),
]


def _field(message: type[Message], name: str) -> Field:
    field = _shape(message).field(name)
    assert field is not None
    return field


def _shape(message: type[Message]) -> Shape:
    return shape_of(message.DESCRIPTOR)


def _fields() -> Iterator[tuple[str, Field]]:
    for name, descriptor in MESSAGES.items():
        for field in shape_of(descriptor).fields:
            yield f"{name}.{field.name}", field


@pytest.mark.parametrize(("message", "keys"), KEYS, ids=[keys[0].DESCRIPTOR.name for keys in KEYS])
def test_messages_have_the_platform_s_keys(message: type[Message], keys: str) -> None:
    """Each JSON object of the platform has its documented keys, in documented order."""
    assert [field.key for field in _shape(message).fields] == keys.split()


def test_field_names_are_the_platform_s_words() -> None:
    """No field is called anything but its JSON key, so that the platform's documentation still applies."""
    assert [name for name, field in _fields() if field.key != field.name] == []


@pytest.mark.parametrize(("message", "name", "kind"), KINDS)
def test_fields_have_their_kind(message: type[Message], name: str, kind: Kind) -> None:
    """Money and ids are 64-bit integers, odds and rates doubles, platform times instants, operator times text."""
    assert _field(message, name).kind is kind


@pytest.mark.parametrize(("message", "names"), NULLABLE.items(), ids=list(NULLABLE))
def test_absent_differs_from_zero_where_the_platform_knows_null(message: str, names: set[str]) -> None:
    """The fields that may be null on the wire are optional, the others are not."""
    shape = shape_of(MESSAGES[message])

    assert {field.name for field in shape.fields if field.nullable} == names


def test_personal_data_is_marked() -> None:
    """Telephone numbers, one-time passwords and tokens are sensitive wherever they are, and nothing else is."""
    assert {name for name, field in _fields() if field.sensitive} == SENSITIVE


def test_every_token_and_telephone_number_is_marked() -> None:
    """No message has a field token or msisdn that is not sensitive."""
    assert [name for name, field in _fields() if field.name in ("token", "msisdn") and not field.sensitive] == []


def test_requests_require_what_they_cannot_be_sent_without() -> None:
    """Path variables, the ticket of an action, the token to identify and five request ids are required."""
    required = {rpc: [field.name for field in route.request.fields if field.required] for rpc, route in ROUTES.items()}

    assert {rpc: names for rpc, names in required.items() if names} == REQUIRED_OF_REQUESTS


def test_every_path_variable_is_required() -> None:
    """A field that travels in the path cannot be empty."""
    assert [
        (rpc, name)
        for rpc, route in ROUTES.items()
        for name in route.variables
        if name not in [field.name for field in route.request.fields if field.required]
    ] == []


def test_objects_require_what_they_are_nothing_without() -> None:
    """A ticket without id and a card without code are none."""
    requests = {route.request.name for route in ROUTES.values()}
    required = {
        name: [field.name for field in shape_of(descriptor).fields if field.required]
        for name, descriptor in MESSAGES.items()
        if name not in requests
    }

    assert {name: names for name, names in required.items() if names} == REQUIRED_OF_ANSWERS


def test_messages_that_mirror_an_object_keep_what_is_unmapped() -> None:
    """Every message that is a JSON object of the platform's has room for unknown keys, and no other has."""
    keeping = {name for name, descriptor in MESSAGES.items() if shape_of(descriptor).unmapped}

    assert keeping == KEEPS_UNMAPPED


def test_unmapped_is_a_struct_numbered_100() -> None:
    """What is unmapped is always field 100, a google.protobuf.Struct."""
    found = {
        (field.number, field.message_type.full_name if field.message_type else "")
        for descriptor in MESSAGES.values()
        for field in descriptor.fields
        if field.name == "unmapped"
    }

    assert found == {(100, "google.protobuf.Struct")}


def test_every_enum_value_has_its_token() -> None:
    """Every value but the unspecified one has the platform's token, in every enum of the contract."""
    words = {
        name: {value.name: value.number for value in enum.values if value.number}
        for file in PLATFORM_FILES
        for name, enum in file.enum_types_by_name.items()
    }

    assert {name: set(values) for name, values in words.items()} == {
        name: set(values) for name, values in TOKENS.items()
    }


@pytest.mark.parametrize(("message", "name", "enum"), FIELDS_WITH_TOKENS)
def test_fields_spell_their_enum_with_the_platform_s_tokens(message: type[Message], name: str, enum: str) -> None:
    """The tokens of a field are those of its enum, by number."""
    numbers = {
        value.name: value.number
        for file in PLATFORM_FILES
        if enum in file.enum_types_by_name
        for value in file.enum_types_by_name[enum].values
    }

    assert _field(message, name).tokens == {numbers[value]: token for value, token in TOKENS[enum].items()}


@pytest.mark.parametrize("message", [ticket.CreateTicketRequest, ticket.ReserveTicketRequest])
def test_the_selection_is_written_flat_under_type(message: type[Message]) -> None:
    """The oneof of a ticket request is spelled by the key type, and its choices are the platform's five types."""
    (variant,) = _shape(message).variants

    assert (variant.name, variant.key) == ("selection", "type")
    assert {name: [part.name for part in shape.parts] for name, shape in variant.choices.items()} == {
        "quicktip": ["odds_diff", "events"],
        "smartbet": ["odds_diff", "events", "betcard_code"],
        "quickbet": ["odds_diff", "events", "betcard_code"],
        "superbet": ["event", "bets"],
        "jackpot": ["odds_diff", "events", "betcard_code", "prize", "bonus_prizes"],
    }


def test_feature_flags_are_a_map() -> None:
    """The feature flags of a player are a map of flags."""
    flags = _field(pam.IdentifyResponse, "feature_flags")

    assert (flags.mapped, flags.repeated, flags.kind) == (True, False, Kind.FLAG)
