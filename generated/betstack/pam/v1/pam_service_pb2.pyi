from betstack.ticket.v1 import ticket_service_pb2 as _ticket_service_pb2
from betstack.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PingRequest(_message.Message):
    __slots__ = ("request_id", "operator", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class PingResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class IdentifyRequest(_message.Message):
    __slots__ = ("request_id", "operator", "token", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    token: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., token: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class IdentifyResponse(_message.Message):
    __slots__ = ("player_id", "lang", "balance", "currency", "feature_flags", "unmapped")
    class FeatureFlagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bool
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bool] = ...) -> None: ...
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    LANG_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    FEATURE_FLAGS_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    player_id: str
    lang: str
    balance: int
    currency: str
    feature_flags: _containers.ScalarMap[str, bool]
    unmapped: _struct_pb2.Struct
    def __init__(self, player_id: _Optional[str] = ..., lang: _Optional[str] = ..., balance: _Optional[int] = ..., currency: _Optional[str] = ..., feature_flags: _Optional[_Mapping[str, bool]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CreateTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "ticket_code", "player_id", "price", "stake", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "gross_payout", "net_payout", "currency", "atag", "rtag", "ticket_type", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_CODE_FIELD_NUMBER: _ClassVar[int]
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_TYPE_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ATAG_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    TICKET_TYPE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    ticket_code: str
    player_id: str
    price: int
    stake: int
    wht_amount: int
    wht: float
    ext_amount: int
    ext: float
    ext_type: _ticket_service_pb2.ExciseTaxType
    gross_payout: int
    net_payout: int
    currency: str
    atag: str
    rtag: str
    ticket_type: _ticket_service_pb2.TicketType
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., ticket_code: _Optional[str] = ..., player_id: _Optional[str] = ..., price: _Optional[int] = ..., stake: _Optional[int] = ..., wht_amount: _Optional[int] = ..., wht: _Optional[float] = ..., ext_amount: _Optional[int] = ..., ext: _Optional[float] = ..., ext_type: _Optional[_Union[_ticket_service_pb2.ExciseTaxType, str]] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., currency: _Optional[str] = ..., atag: _Optional[str] = ..., rtag: _Optional[str] = ..., ticket_type: _Optional[_Union[_ticket_service_pb2.TicketType, str]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CreateTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ReserveTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "ticket_code", "player_id", "psp", "price", "stake", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "gross_payout", "net_payout", "currency", "atag", "rtag", "ticket_type", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_CODE_FIELD_NUMBER: _ClassVar[int]
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    PSP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_TYPE_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ATAG_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    TICKET_TYPE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    ticket_code: str
    player_id: str
    psp: str
    price: int
    stake: int
    wht_amount: int
    wht: float
    ext_amount: int
    ext: float
    ext_type: _ticket_service_pb2.ExciseTaxType
    gross_payout: int
    net_payout: int
    currency: str
    atag: str
    rtag: str
    ticket_type: _ticket_service_pb2.TicketType
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., ticket_code: _Optional[str] = ..., player_id: _Optional[str] = ..., psp: _Optional[str] = ..., price: _Optional[int] = ..., stake: _Optional[int] = ..., wht_amount: _Optional[int] = ..., wht: _Optional[float] = ..., ext_amount: _Optional[int] = ..., ext: _Optional[float] = ..., ext_type: _Optional[_Union[_ticket_service_pb2.ExciseTaxType, str]] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., currency: _Optional[str] = ..., atag: _Optional[str] = ..., rtag: _Optional[str] = ..., ticket_type: _Optional[_Union[_ticket_service_pb2.TicketType, str]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class ReserveTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class UpdateTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "ticket_code", "player_id", "psp", "price", "stake", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "gross_payout", "net_payout", "currency", "atag", "rtag", "ticket_type", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_CODE_FIELD_NUMBER: _ClassVar[int]
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    PSP_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_TYPE_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    ATAG_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    TICKET_TYPE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    ticket_code: str
    player_id: str
    psp: str
    price: int
    stake: int
    wht_amount: int
    wht: float
    ext_amount: int
    ext: float
    ext_type: _ticket_service_pb2.ExciseTaxType
    gross_payout: int
    net_payout: int
    currency: str
    atag: str
    rtag: str
    ticket_type: _ticket_service_pb2.TicketType
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., ticket_code: _Optional[str] = ..., player_id: _Optional[str] = ..., psp: _Optional[str] = ..., price: _Optional[int] = ..., stake: _Optional[int] = ..., wht_amount: _Optional[int] = ..., wht: _Optional[float] = ..., ext_amount: _Optional[int] = ..., ext: _Optional[float] = ..., ext_type: _Optional[_Union[_ticket_service_pb2.ExciseTaxType, str]] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., currency: _Optional[str] = ..., atag: _Optional[str] = ..., rtag: _Optional[str] = ..., ticket_type: _Optional[_Union[_ticket_service_pb2.TicketType, str]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class UpdateTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CloseTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class CloseTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RefundTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "reason", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    reason: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., reason: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RefundTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class WinTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class WinTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class LoseTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class LoseTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class VoidTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "price", "stake", "wht_amount", "wht", "ext_amount", "ext", "ext_type", "gross_payout", "net_payout", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STAKE_FIELD_NUMBER: _ClassVar[int]
    WHT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    WHT_FIELD_NUMBER: _ClassVar[int]
    EXT_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    EXT_FIELD_NUMBER: _ClassVar[int]
    EXT_TYPE_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    NET_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    price: int
    stake: int
    wht_amount: int
    wht: float
    ext_amount: int
    ext: float
    ext_type: _ticket_service_pb2.ExciseTaxType
    gross_payout: int
    net_payout: int
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., price: _Optional[int] = ..., stake: _Optional[int] = ..., wht_amount: _Optional[int] = ..., wht: _Optional[float] = ..., ext_amount: _Optional[int] = ..., ext: _Optional[float] = ..., ext_type: _Optional[_Union[_ticket_service_pb2.ExciseTaxType, str]] = ..., gross_payout: _Optional[int] = ..., net_payout: _Optional[int] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class VoidTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DiscardTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "reason", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    reason: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., reason: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class DiscardTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RollbackTicketRequest(_message.Message):
    __slots__ = ("request_id", "operator", "ticket_id", "reason", "unmapped")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    operator: str
    ticket_id: str
    reason: str
    unmapped: _struct_pb2.Struct
    def __init__(self, request_id: _Optional[str] = ..., operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., reason: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class RollbackTicketResponse(_message.Message):
    __slots__ = ("unmapped",)
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    unmapped: _struct_pb2.Struct
    def __init__(self, unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
