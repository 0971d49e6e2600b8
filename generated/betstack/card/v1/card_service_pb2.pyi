import datetime

from betstack.ticket.v1 import ticket_service_pb2 as _ticket_service_pb2
from betstack.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetFinanceDetailsRequest(_message.Message):
    __slots__ = ("operator", "price", "odds")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    operator: str
    price: int
    odds: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, operator: _Optional[str] = ..., price: _Optional[int] = ..., odds: _Optional[_Iterable[float]] = ...) -> None: ...

class GetFinanceDetailsResponse(_message.Message):
    __slots__ = ("price", "total_odds", "stake", "ext", "ext_amount", "ext_type", "wht", "wht_amount", "gross_payout", "net_payout", "unmapped")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ODDS_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXT_TYPE_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    price: int
    total_odds: float
    stake: int
    ext: float
    ext_amount: int
    ext_type: _ticket_service_pb2.ExciseTaxType
    wht: float
    wht_amount: int
    gross_payout: int
    net_payout: int
    unmapped: _struct_pb2.Struct
    def __init__(self, price: _Optional[int] = ..., total_odds: _Optional[float] = ..., stake: _Optional[int] = ..., ext: _Optional[float] = ..., ext_amount: _Optional[int] = ..., ext_type: _Optional[_Union[_ticket_service_pb2.ExciseTaxType, str]] = ..., wht: _Optional[float] = ..., wht_amount: _Optional[int] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListJackpotCardsRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListJackpotCardsResponse(_message.Message):
    __slots__ = ("cards",)
    CARDS_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[JackpotCard]
    def __init__(self, cards: _Optional[_Iterable[_Union[JackpotCard, _Mapping]]] = ...) -> None: ...

class GetJackpotCardRequest(_message.Message):
    __slots__ = ("operator", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class GetJackpotCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: JackpotCard
    def __init__(self, card: _Optional[_Union[JackpotCard, _Mapping]] = ...) -> None: ...

class PickJackpotBetsRequest(_message.Message):
    __slots__ = ("operator", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class PickJackpotBetsResponse(_message.Message):
    __slots__ = ("code", "events", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    events: _containers.RepeatedCompositeFieldContainer[PickedBet]
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., events: _Optional[_Iterable[_Union[PickedBet, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListQuicktipCardsRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListQuicktipCardsResponse(_message.Message):
    __slots__ = ("cards",)
    CARDS_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[QuicktipCard]
    def __init__(self, cards: _Optional[_Iterable[_Union[QuicktipCard, _Mapping]]] = ...) -> None: ...

class GetQuicktipCardRequest(_message.Message):
    __slots__ = ("operator", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class GetQuicktipCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: QuicktipCard
    def __init__(self, card: _Optional[_Union[QuicktipCard, _Mapping]] = ...) -> None: ...

class ListSmartbetCardsRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListSmartbetCardsResponse(_message.Message):
    __slots__ = ("cards",)
    CARDS_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[SmartbetCard]
    def __init__(self, cards: _Optional[_Iterable[_Union[SmartbetCard, _Mapping]]] = ...) -> None: ...

class GetSmartbetCardRequest(_message.Message):
    __slots__ = ("operator", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class GetSmartbetCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: SmartbetCard
    def __init__(self, card: _Optional[_Union[SmartbetCard, _Mapping]] = ...) -> None: ...

class GenerateSmartbetRequest(_message.Message):
    __slots__ = ("operator", "code", "stake", "win", "risk")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    WIN_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    stake: int
    win: int
    risk: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ..., stake: _Optional[int] = ..., win: _Optional[int] = ..., risk: _Optional[str] = ...) -> None: ...

class GenerateSmartbetResponse(_message.Message):
    __slots__ = ("price", "stake", "total_odds", "ext", "ext_amount", "wht", "wht_amount", "gross_payout", "net_payout", "risk", "events", "unmapped")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ODDS_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    price: int
    stake: int
    total_odds: float
    ext: float
    ext_amount: int
    wht: float
    wht_amount: int
    gross_payout: int
    net_payout: int
    risk: str
    events: _containers.RepeatedCompositeFieldContainer[Event]
    unmapped: _struct_pb2.Struct
    def __init__(self, price: _Optional[int] = ..., stake: _Optional[int] = ..., total_odds: _Optional[float] = ..., ext: _Optional[float] = ..., ext_amount: _Optional[int] = ..., wht: _Optional[float] = ..., wht_amount: _Optional[int] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., risk: _Optional[str] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ListQuickbetCardsRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListQuickbetCardsResponse(_message.Message):
    __slots__ = ("cards",)
    CARDS_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[QuickbetCard]
    def __init__(self, cards: _Optional[_Iterable[_Union[QuickbetCard, _Mapping]]] = ...) -> None: ...

class GetQuickbetCardRequest(_message.Message):
    __slots__ = ("operator", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class GetQuickbetCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: QuickbetCard
    def __init__(self, card: _Optional[_Union[QuickbetCard, _Mapping]] = ...) -> None: ...

class ListSuperbetCardsRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListSuperbetCardsResponse(_message.Message):
    __slots__ = ("cards",)
    CARDS_FIELD_NUMBER: _ClassVar[int]
    cards: _containers.RepeatedCompositeFieldContainer[SuperbetCard]
    def __init__(self, cards: _Optional[_Iterable[_Union[SuperbetCard, _Mapping]]] = ...) -> None: ...

class GetSuperbetCardRequest(_message.Message):
    __slots__ = ("operator", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class GetSuperbetCardResponse(_message.Message):
    __slots__ = ("card",)
    CARD_FIELD_NUMBER: _ClassVar[int]
    card: SuperbetCard
    def __init__(self, card: _Optional[_Union[SuperbetCard, _Mapping]] = ...) -> None: ...

class JackpotCard(_message.Message):
    __slots__ = ("code", "title", "description", "sitename", "domain", "preview_img", "operator", "price", "prize", "bonus_prizes", "closes", "events", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SITENAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMG_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRIZE_FIELD_NUMBER: _ClassVar[int]
    BONUS_PRIZES_FIELD_NUMBER: _ClassVar[int]
    CLOSES_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    title: str
    description: str
    sitename: str
    domain: str
    preview_img: str
    operator: str
    price: int
    prize: int
    bonus_prizes: _containers.RepeatedScalarFieldContainer[int]
    closes: _timestamp_pb2.Timestamp
    events: _containers.RepeatedCompositeFieldContainer[Event]
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., sitename: _Optional[str] = ..., domain: _Optional[str] = ..., preview_img: _Optional[str] = ..., operator: _Optional[str] = ..., price: _Optional[int] = ..., prize: _Optional[int] = ..., bonus_prizes: _Optional[_Iterable[int]] = ..., closes: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class QuicktipCard(_message.Message):
    __slots__ = ("code", "title", "description", "sitename", "domain", "preview_img", "operator", "events", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SITENAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMG_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    title: str
    description: str
    sitename: str
    domain: str
    preview_img: str
    operator: str
    events: _containers.RepeatedCompositeFieldContainer[Event]
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., sitename: _Optional[str] = ..., domain: _Optional[str] = ..., preview_img: _Optional[str] = ..., operator: _Optional[str] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SmartbetCard(_message.Message):
    __slots__ = ("code", "title", "description", "sitename", "domain", "preview_img", "operator", "risk", "min_price", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SITENAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMG_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    RISK_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    title: str
    description: str
    sitename: str
    domain: str
    preview_img: str
    operator: str
    risk: _containers.RepeatedScalarFieldContainer[str]
    min_price: int
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., sitename: _Optional[str] = ..., domain: _Optional[str] = ..., preview_img: _Optional[str] = ..., operator: _Optional[str] = ..., risk: _Optional[_Iterable[str]] = ..., min_price: _Optional[int] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class QuickbetCard(_message.Message):
    __slots__ = ("code", "title", "description", "sitename", "domain", "preview_img", "operator", "price", "total_odds", "events", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SITENAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMG_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_ODDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    title: str
    description: str
    sitename: str
    domain: str
    preview_img: str
    operator: str
    price: int
    total_odds: float
    events: _containers.RepeatedCompositeFieldContainer[Event]
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., sitename: _Optional[str] = ..., domain: _Optional[str] = ..., preview_img: _Optional[str] = ..., operator: _Optional[str] = ..., price: _Optional[int] = ..., total_odds: _Optional[float] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SuperbetCard(_message.Message):
    __slots__ = ("code", "title", "description", "sitename", "domain", "preview_img", "operator", "event", "bets", "unmapped")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    SITENAME_FIELD_NUMBER: _ClassVar[int]
    DOMAIN_FIELD_NUMBER: _ClassVar[int]
    PREVIEW_IMG_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    BETS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    code: str
    title: str
    description: str
    sitename: str
    domain: str
    preview_img: str
    operator: str
    event: Event
    bets: _containers.RepeatedCompositeFieldContainer[Bet]
    unmapped: _struct_pb2.Struct
    def __init__(self, code: _Optional[str] = ..., title: _Optional[str] = ..., description: _Optional[str] = ..., sitename: _Optional[str] = ..., domain: _Optional[str] = ..., preview_img: _Optional[str] = ..., operator: _Optional[str] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., bets: _Optional[_Iterable[_Union[Bet, _Mapping]]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("starts", "operator_time_starts", "category", "home_team", "away_team", "bet", "bets", "id", "unmapped")
    STARTS_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_TIME_STARTS_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    HOME_TEAM_FIELD_NUMBER: _ClassVar[int]
    AWAY_TEAM_FIELD_NUMBER: _ClassVar[int]
    BET_FIELD_NUMBER: _ClassVar[int]
    BETS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    starts: _timestamp_pb2.Timestamp
    operator_time_starts: str
    category: Category
    home_team: Team
    away_team: Team
    bet: Bet
    bets: _containers.RepeatedCompositeFieldContainer[Bet]
    id: int
    unmapped: _struct_pb2.Struct
    def __init__(self, starts: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., operator_time_starts: _Optional[str] = ..., category: _Optional[_Union[Category, _Mapping]] = ..., home_team: _Optional[_Union[Team, _Mapping]] = ..., away_team: _Optional[_Union[Team, _Mapping]] = ..., bet: _Optional[_Union[Bet, _Mapping]] = ..., bets: _Optional[_Iterable[_Union[Bet, _Mapping]]] = ..., id: _Optional[int] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Category(_message.Message):
    __slots__ = ("league_id", "league_slug", "league_name", "country_id", "country_slug", "country_name", "unmapped")
    LEAGUE_ID_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_SLUG_FIELD_NUMBER: _ClassVar[int]
    LEAGUE_NAME_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_ID_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_SLUG_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_NAME_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    league_id: int
    league_slug: str
    league_name: str
    country_id: int
    country_slug: str
    country_name: str
    unmapped: _struct_pb2.Struct
    def __init__(self, league_id: _Optional[int] = ..., league_slug: _Optional[str] = ..., league_name: _Optional[str] = ..., country_id: _Optional[int] = ..., country_slug: _Optional[str] = ..., country_name: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Team(_message.Message):
    __slots__ = ("slug", "name", "id", "unmapped")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    slug: str
    name: str
    id: int
    unmapped: _struct_pb2.Struct
    def __init__(self, slug: _Optional[str] = ..., name: _Optional[str] = ..., id: _Optional[int] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Bet(_message.Message):
    __slots__ = ("id", "bet_code", "bet_name", "market_code", "market_name", "line_code", "line_name", "odds", "updated", "unmapped")
    ID_FIELD_NUMBER: _ClassVar[int]
    BET_CODE_FIELD_NUMBER: _ClassVar[int]
    BET_NAME_FIELD_NUMBER: _ClassVar[int]
    MARKET_CODE_FIELD_NUMBER: _ClassVar[int]
    MARKET_NAME_FIELD_NUMBER: _ClassVar[int]
    LINE_CODE_FIELD_NUMBER: _ClassVar[int]
    LINE_NAME_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    id: int
    bet_code: str
    bet_name: str
    market_code: str
    market_name: str
    line_code: str
    line_name: str
    odds: float
    updated: _timestamp_pb2.Timestamp
    unmapped: _struct_pb2.Struct
    def __init__(self, id: _Optional[int] = ..., bet_code: _Optional[str] = ..., bet_name: _Optional[str] = ..., market_code: _Optional[str] = ..., market_name: _Optional[str] = ..., line_code: _Optional[str] = ..., line_name: _Optional[str] = ..., odds: _Optional[float] = ..., updated: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class PickedBet(_message.Message):
    __slots__ = ("id", "bet", "odds", "unmapped")
    ID_FIELD_NUMBER: _ClassVar[int]
    BET_FIELD_NUMBER: _ClassVar[int]
    ODDS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    id: int
    bet: int
    odds: float
    unmapped: _struct_pb2.Struct
    def __init__(self, id: _Optional[int] = ..., bet: _Optional[int] = ..., odds: _Optional[float] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
