import datetime

from betstack.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TicketType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_TYPE_UNSPECIFIED: _ClassVar[TicketType]
    TICKET_TYPE_QUICKTIP: _ClassVar[TicketType]
    TICKET_TYPE_SMARTBET: _ClassVar[TicketType]
    TICKET_TYPE_QUICKBET: _ClassVar[TicketType]
    TICKET_TYPE_SUPERBET: _ClassVar[TicketType]
    TICKET_TYPE_JACKPOT: _ClassVar[TicketType]

class TicketStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_STATUS_UNSPECIFIED: _ClassVar[TicketStatus]
    TICKET_STATUS_NEW: _ClassVar[TicketStatus]
    TICKET_STATUS_CANCELLED: _ClassVar[TicketStatus]
    TICKET_STATUS_RESERVED: _ClassVar[TicketStatus]
    TICKET_STATUS_OPEN: _ClassVar[TicketStatus]
    TICKET_STATUS_CALCULATING: _ClassVar[TicketStatus]
    TICKET_STATUS_RESULTED: _ClassVar[TicketStatus]
    TICKET_STATUS_CLOSED: _ClassVar[TicketStatus]

class TicketResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_RESULT_UNSPECIFIED: _ClassVar[TicketResult]
    TICKET_RESULT_PENDING: _ClassVar[TicketResult]
    TICKET_RESULT_WON: _ClassVar[TicketResult]
    TICKET_RESULT_LOST: _ClassVar[TicketResult]
    TICKET_RESULT_VOID: _ClassVar[TicketResult]

class TicketSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_SOURCE_UNSPECIFIED: _ClassVar[TicketSource]
    TICKET_SOURCE_DESKTOP: _ClassVar[TicketSource]
    TICKET_SOURCE_MOBILE: _ClassVar[TicketSource]
    TICKET_SOURCE_ANDROID: _ClassVar[TicketSource]
    TICKET_SOURCE_IPHONE: _ClassVar[TicketSource]
    TICKET_SOURCE_USSD: _ClassVar[TicketSource]
    TICKET_SOURCE_SMS: _ClassVar[TicketSource]
    TICKET_SOURCE_TELEGRAM: _ClassVar[TicketSource]

class ExciseTaxType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXCISE_TAX_TYPE_UNSPECIFIED: _ClassVar[ExciseTaxType]
    EXCISE_TAX_TYPE_INCLUSIVE: _ClassVar[ExciseTaxType]
    EXCISE_TAX_TYPE_EXCLUSIVE: _ClassVar[ExciseTaxType]
TICKET_TYPE_UNSPECIFIED: TicketType
TICKET_TYPE_QUICKTIP: TicketType
TICKET_TYPE_SMARTBET: TicketType
TICKET_TYPE_QUICKBET: TicketType
TICKET_TYPE_SUPERBET: TicketType
TICKET_TYPE_JACKPOT: TicketType
TICKET_STATUS_UNSPECIFIED: TicketStatus
TICKET_STATUS_NEW: TicketStatus
TICKET_STATUS_CANCELLED: TicketStatus
TICKET_STATUS_RESERVED: TicketStatus
TICKET_STATUS_OPEN: TicketStatus
TICKET_STATUS_CALCULATING: TicketStatus
TICKET_STATUS_RESULTED: TicketStatus
TICKET_STATUS_CLOSED: TicketStatus
TICKET_RESULT_UNSPECIFIED: TicketResult
TICKET_RESULT_PENDING: TicketResult
TICKET_RESULT_WON: TicketResult
TICKET_RESULT_LOST: TicketResult
TICKET_RESULT_VOID: TicketResult
TICKET_SOURCE_UNSPECIFIED: TicketSource
TICKET_SOURCE_DESKTOP: TicketSource
TICKET_SOURCE_MOBILE: TicketSource
TICKET_SOURCE_ANDROID: TicketSource
TICKET_SOURCE_IPHONE: TicketSource
TICKET_SOURCE_USSD: TicketSource
TICKET_SOURCE_SMS: TicketSource
TICKET_SOURCE_TELEGRAM: TicketSource
EXCISE_TAX_TYPE_UNSPECIFIED: ExciseTaxType
EXCISE_TAX_TYPE_INCLUSIVE: ExciseTaxType
EXCISE_TAX_TYPE_EXCLUSIVE: ExciseTaxType

class CreateTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "token", "psp", "price", "currency", "atag", "rtag", "source", "quicktip", "smartbet", "quickbet", "superbet", "jackpot")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PSP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ATAG_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    QUICKTIP_FIELD_NUMBER: _ClassVar[int]
    SMARTBET_FIELD_NUMBER: _ClassVar[int]
    QUICKBET_FIELD_NUMBER: _ClassVar[int]
    SUPERBET_FIELD_NUMBER: _ClassVar[int]
    JACKPOT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    token: str
    psp: str
    price: int
    currency: str
    atag: str
    rtag: str
    source: TicketSource
    quicktip: Quicktip
    smartbet: Smartbet
    quickbet: Quickbet
    superbet: Superbet
    jackpot: Jackpot
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., token: _Optional[str] = ..., psp: _Optional[str] = ..., price: _Optional[int] = ..., currency: _Optional[str] = ..., atag: _Optional[str] = ..., rtag: _Optional[str] = ..., source: _Optional[_Union[TicketSource, str]] = ..., quicktip: _Optional[_Union[Quicktip, _Mapping]] = ..., smartbet: _Optional[_Union[Smartbet, _Mapping]] = ..., quickbet: _Optional[_Union[Quickbet, _Mapping]] = ..., superbet: _Optional[_Union[Superbet, _Mapping]] = ..., jackpot: _Optional[_Union[Jackpot, _Mapping]] = ...) -> None: ...

class CreateTicketResponse(_message.Message):
    __slots__ = ("ticket",)
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ticket: Ticket
    def __init__(self, ticket: _Optional[_Union[Ticket, _Mapping]] = ...) -> None: ...

class ReserveTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "token", "psp", "price", "currency", "atag", "rtag", "source", "quicktip", "smartbet", "quickbet", "superbet", "jackpot")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PSP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ATAG_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    QUICKTIP_FIELD_NUMBER: _ClassVar[int]
    SMARTBET_FIELD_NUMBER: _ClassVar[int]
    QUICKBET_FIELD_NUMBER: _ClassVar[int]
    SUPERBET_FIELD_NUMBER: _ClassVar[int]
    JACKPOT_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    token: str
    psp: str
    price: int
    currency: str
    atag: str
    rtag: str
    source: TicketSource
    quicktip: Quicktip
    smartbet: Smartbet
    quickbet: Quickbet
    superbet: Superbet
    jackpot: Jackpot
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., token: _Optional[str] = ..., psp: _Optional[str] = ..., price: _Optional[int] = ..., currency: _Optional[str] = ..., atag: _Optional[str] = ..., rtag: _Optional[str] = ..., source: _Optional[_Union[TicketSource, str]] = ..., quicktip: _Optional[_Union[Quicktip, _Mapping]] = ..., smartbet: _Optional[_Union[Smartbet, _Mapping]] = ..., quickbet: _Optional[_Union[Quickbet, _Mapping]] = ..., superbet: _Optional[_Union[Superbet, _Mapping]] = ..., jackpot: _Optional[_Union[Jackpot, _Mapping]] = ...) -> None: ...

class ReserveTicketResponse(_message.Message):
    __slots__ = ("ticket",)
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ticket: Ticket
    def __init__(self, ticket: _Optional[_Union[Ticket, _Mapping]] = ...) -> None: ...

class PayTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "identifier")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    identifier: str
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., identifier: _Optional[str] = ...) -> None: ...

class PayTicketResponse(_message.Message):
    __slots__ = ("ticket",)
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ticket: Ticket
    def __init__(self, ticket: _Optional[_Union[Ticket, _Mapping]] = ...) -> None: ...

class GetTicketRequest(_message.Message):
    __slots__ = ("operator", "identifier")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    operator: str
    identifier: str
    def __init__(self, operator: _Optional[str] = ..., identifier: _Optional[str] = ...) -> None: ...

class GetTicketResponse(_message.Message):
    __slots__ = ("ticket",)
    TICKET_FIELD_NUMBER: _ClassVar[int]
    ticket: Ticket
    def __init__(self, ticket: _Optional[_Union[Ticket, _Mapping]] = ...) -> None: ...

class ListTicketsRequest(_message.Message):
    __slots__ = ("operator", "limit", "user_id", "skip_types")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SKIP_TYPES_FIELD_NUMBER: _ClassVar[int]
    operator: str
    limit: int
    user_id: str
    skip_types: _containers.RepeatedScalarFieldContainer[TicketType]
    def __init__(self, operator: _Optional[str] = ..., limit: _Optional[int] = ..., user_id: _Optional[str] = ..., skip_types: _Optional[_Iterable[_Union[TicketType, str]]] = ...) -> None: ...

class ListTicketsResponse(_message.Message):
    __slots__ = ("tickets",)
    TICKETS_FIELD_NUMBER: _ClassVar[int]
    tickets: _containers.RepeatedCompositeFieldContainer[Ticket]
    def __init__(self, tickets: _Optional[_Iterable[_Union[Ticket, _Mapping]]] = ...) -> None: ...

class Quicktip(_message.Message):
    __slots__ = ("odds_diff", "events")
    ODDS_DIFF_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    odds_diff: float
    events: _containers.RepeatedCompositeFieldContainer[Selection]
    def __init__(self, odds_diff: _Optional[float] = ..., events: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ...) -> None: ...

class Smartbet(_message.Message):
    __slots__ = ("odds_diff", "events", "betcard_code")
    ODDS_DIFF_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BETCARD_CODE_FIELD_NUMBER: _ClassVar[int]
    odds_diff: float
    events: _containers.RepeatedCompositeFieldContainer[Selection]
    betcard_code: str
    def __init__(self, odds_diff: _Optional[float] = ..., events: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ..., betcard_code: _Optional[str] = ...) -> None: ...

class Quickbet(_message.Message):
    __slots__ = ("odds_diff", "events", "betcard_code")
    ODDS_DIFF_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BETCARD_CODE_FIELD_NUMBER: _ClassVar[int]
    odds_diff: float
    events: _containers.RepeatedCompositeFieldContainer[Selection]
    betcard_code: str
    def __init__(self, odds_diff: _Optional[float] = ..., events: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ..., betcard_code: _Optional[str] = ...) -> None: ...

class Superbet(_message.Message):
    __slots__ = ("event", "bets")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    BETS_FIELD_NUMBER: _ClassVar[int]
    event: int
    bets: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, event: _Optional[int] = ..., bets: _Optional[_Iterable[int]] = ...) -> None: ...

class Jackpot(_message.Message):
    __slots__ = ("odds_diff", "events", "betcard_code", "prize", "bonus_prizes")
    ODDS_DIFF_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BETCARD_CODE_FIELD_NUMBER: _ClassVar[int]
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    BONUS_PRIZES_FIELD_NUMBER: _ClassVar[int]
    odds_diff: float
    events: _containers.RepeatedCompositeFieldContainer[Selection]
    betcard_code: str
    prize: int
    bonus_prizes: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, odds_diff: _Optional[float] = ..., events: _Optional[_Iterable[_Union[Selection, _Mapping]]] = ..., betcard_code: _Optional[str] = ..., prize: _Optional[int] = ..., bonus_prizes: _Optional[_Iterable[int]] = ...) -> None: ...

class Selection(_message.Message):
    __slots__ = ("id", "bet", "odds")
    ID_FIELD_NUMBER: _ClassVar[int]
    BET_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    id: int
    bet: int
    odds: float
    def __init__(self, id: _Optional[int] = ..., bet: _Optional[int] = ..., odds: _Optional[float] = ...) -> None: ...

class Ticket(_message.Message):
    __slots__ = ("id", "code", "psp", "price", "stake", "currency", "gross_payout", "net_payout", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "status", "result", "approved", "source", "type", "atag", "rtag", "aff_instant_comm_amt", "aff_instant_comm_pct", "user_id", "created", "operator_time_created", "updated", "operator_time_updated", "events", "odds", "event", "bets", "unmapped")
    ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    PSP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    ATAG_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    AFF_INSTANT_COMM_AMT_FIELD_NUMBER: _ClassVar[int]
    AFF_INSTANT_COMM_PCT_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_TIME_CREATED_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_TIME_UPDATED_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    BETS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    id: str
    code: str
    psp: str
    price: int
    stake: int
    currency: str
    gross_payout: int
    net_payout: int
    wht_amount: int
    wht: float
    ext_amount: int
    ext: float
    ext_type: ExciseTaxType
    status: TicketStatus
    result: TicketResult
    approved: bool
    source: TicketSource
    type: TicketType
    atag: str
    rtag: str
    aff_instant_comm_amt: int
    aff_instant_comm_pct: float
    user_id: str
    created: _timestamp_pb2.Timestamp
    operator_time_created: str
    updated: _timestamp_pb2.Timestamp
    operator_time_updated: str
    events: _containers.RepeatedCompositeFieldContainer[TicketEvent]
    odds: float
    event: TicketEvent
    bets: _containers.RepeatedCompositeFieldContainer[TicketBet]
    unmapped: _struct_pb2.Struct
    def __init__(self, id: _Optional[str] = ..., code: _Optional[str] = ..., psp: _Optional[str] = ..., price: _Optional[int] = ..., stake: _Optional[int] = ..., currency: _Optional[str] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., wht_amount: _Optional[int] = ..., wht: _Optional[float] = ..., ext_amount: _Optional[int] = ..., ext: _Optional[float] = ..., ext_type: _Optional[_Union[ExciseTaxType, str]] = ..., status: _Optional[_Union[TicketStatus, str]] = ..., result: _Optional[_Union[TicketResult, str]] = ..., approved: _Optional[bool] = ..., source: _Optional[_Union[TicketSource, str]] = ..., type: _Optional[_Union[TicketType, str]] = ..., atag: _Optional[str] = ..., rtag: _Optional[str] = ..., aff_instant_comm_amt: _Optional[int] = ..., aff_instant_comm_pct: _Optional[float] = ..., user_id: _Optional[str] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operator_time_created: _Optional[str] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operator_time_updated: _Optional[str] = ..., events: _Optional[_Iterable[_Union[TicketEvent, _Mapping]]] = ..., odds: _Optional[float] = ..., event: _Optional[_Union[TicketEvent, _Mapping]] = ..., bets: _Optional[_Iterable[_Union[TicketBet, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TicketEvent(_message.Message):
    __slots__ = ("id", "starts", "operator_time_starts", "sport", "category", "league", "home_team", "away_team", "market", "bet", "line", "odds", "unmapped")
    ID_FIELD_NUMBER: _ClassVar[int]
    STARTS_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_TIME_STARTS_FIELD_NUMBER: _ClassVar[int]
    SPORT_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_FIELD_NUMBER: _ClassVar[int]
    HOME_TEAM_FIELD_NUMBER: _ClassVar[int]
    AWAY_TEAM_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    BET_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    id: int
    starts: _timestamp_pb2.Timestamp
    operator_time_starts: str
    sport: TicketEventPart
    category: TicketEventPart
    league: TicketEventPart
    home_team: TicketEventPart
    away_team: TicketEventPart
    market: TicketBetPart
    bet: TicketBetPart
    line: TicketBetPart
    odds: float
    unmapped: _struct_pb2.Struct
    def __init__(self, id: _Optional[int] = ..., starts: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operator_time_starts: _Optional[str] = ..., sport: _Optional[_Union[TicketEventPart, _Mapping]] = ..., category: _Optional[_Union[TicketEventPart, _Mapping]] = ..., league: _Optional[_Union[TicketEventPart, _Mapping]] = ..., home_team: _Optional[_Union[TicketEventPart, _Mapping]] = ..., away_team: _Optional[_Union[TicketEventPart, _Mapping]] = ..., market: _Optional[_Union[TicketBetPart, _Mapping]] = ..., bet: _Optional[_Union[TicketBetPart, _Mapping]] = ..., line: _Optional[_Union[TicketBetPart, _Mapping]] = ..., odds: _Optional[float] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TicketEventPart(_message.Message):
    __slots__ = ("id", "name", "unmapped")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    id: int
    name: str
    unmapped: _struct_pb2.Struct
    def __init__(self, id: _Optional[int] = ..., name: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TicketBetPart(_message.Message):
    __slots__ = ("code", "name", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    name: str
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., name: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class TicketBet(_message.Message):
    __slots__ = ("id", "market", "bet", "line", "odds", "unmapped")
    ID_FIELD_NUMBER: _ClassVar[int]
    MARKET_FIELD_NUMBER: _ClassVar[int]
    BET_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    id: int
    market: TicketBetPart
    bet: TicketBetPart
    line: TicketBetPart
    odds: float
    unmapped: _struct_pb2.Struct
    def __init__(self, id: _Optional[int] = ..., market: _Optional[_Union[TicketBetPart, _Mapping]] = ..., bet: _Optional[_Union[TicketBetPart, _Mapping]] = ..., line: _Optional[_Union[TicketBetPart, _Mapping]] = ..., odds: _Optional[float] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
