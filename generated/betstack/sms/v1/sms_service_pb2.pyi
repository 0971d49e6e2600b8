from betstack.ticket.v1 import ticket_service_pb2 as _ticket_service_pb2
from betstack.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SendOtpRequest(_message.Message):
    __slots__ = ("operator", "code", "msisdn", "unmapped")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MSISDN_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    operator: str
    code: str
    msisdn: str
    unmapped: _struct_pb2.Struct
    def __init__(self, operator: _Optional[str] = ..., code: _Optional[str] = ..., msisdn: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SendOtpResponse(_message.Message):
    __slots__ = ("message", "unmapped")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    message: str
    unmapped: _struct_pb2.Struct
    def __init__(self, message: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SendTicketStatusRequest(_message.Message):
    __slots__ = ("operator", "ticket_code", "ticket_id", "msisdn", "status", "result", "unmapped")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_CODE_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    MSISDN_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    operator: str
    ticket_code: str
    ticket_id: str
    msisdn: str
    status: _ticket_service_pb2.TicketStatus
    result: _ticket_service_pb2.TicketResult
    unmapped: _struct_pb2.Struct
    def __init__(self, operator: _Optional[str] = ..., ticket_code: _Optional[str] = ..., ticket_id: _Optional[str] = ..., msisdn: _Optional[str] = ..., status: _Optional[_Union[_ticket_service_pb2.TicketStatus, str]] = ..., result: _Optional[_Union[_ticket_service_pb2.TicketResult, str]] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SendTicketStatusResponse(_message.Message):
    __slots__ = ("message", "unmapped")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    message: str
    unmapped: _struct_pb2.Struct
    def __init__(self, message: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SendBetResultRequest(_message.Message):
    __slots__ = ("operator", "ticket_id", "result", "event_id", "bet_id", "unmapped")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    BET_ID_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    operator: str
    ticket_id: str
    result: _ticket_service_pb2.TicketResult
    event_id: int
    bet_id: int
    unmapped: _struct_pb2.Struct
    def __init__(self, operator: _Optional[str] = ..., ticket_id: _Optional[str] = ..., result: _Optional[_Union[_ticket_service_pb2.TicketResult, str]] = ..., event_id: _Optional[int] = ..., bet_id: _Optional[int] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class SendBetResultResponse(_message.Message):
    __slots__ = ("message", "unmapped")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    UNMAPPED_FIELD_NUMBER: _ClassVar[int]
    message: str
    unmapped: _struct_pb2.Struct
    def __init__(self, message: _Optional[str] = ..., unmapped: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
