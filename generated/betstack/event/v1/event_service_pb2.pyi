import datetime

from betstack.pam.v1 import pam_service_pb2 as _pam_service_pb2
from betstack.sms.v1 import sms_service_pb2 as _sms_service_pb2
from betstack.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_TICKET_CREATE: _ClassVar[EventKind]
    EVENT_KIND_TICKET_RESERVE: _ClassVar[EventKind]
    EVENT_KIND_TICKET_UPDATE: _ClassVar[EventKind]
    EVENT_KIND_TICKET_CLOSED: _ClassVar[EventKind]
    EVENT_KIND_TICKET_REFUND: _ClassVar[EventKind]
    EVENT_KIND_TICKET_WIN: _ClassVar[EventKind]
    EVENT_KIND_TICKET_LOST: _ClassVar[EventKind]
    EVENT_KIND_TICKET_VOID: _ClassVar[EventKind]
    EVENT_KIND_TICKET_DISCARD: _ClassVar[EventKind]
    EVENT_KIND_TICKET_ROLLBACK: _ClassVar[EventKind]
    EVENT_KIND_TICKET_STATUS: _ClassVar[EventKind]
    EVENT_KIND_BET_RESULT: _ClassVar[EventKind]
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_TICKET_CREATE: EventKind
EVENT_KIND_TICKET_RESERVE: EventKind
EVENT_KIND_TICKET_UPDATE: EventKind
EVENT_KIND_TICKET_CLOSED: EventKind
EVENT_KIND_TICKET_REFUND: EventKind
EVENT_KIND_TICKET_WIN: EventKind
EVENT_KIND_TICKET_LOST: EventKind
EVENT_KIND_TICKET_VOID: EventKind
EVENT_KIND_TICKET_DISCARD: EventKind
EVENT_KIND_TICKET_ROLLBACK: EventKind
EVENT_KIND_TICKET_STATUS: EventKind
EVENT_KIND_BET_RESULT: EventKind

class SubscribeRequest(_message.Message):
    __slots__ = ("operator", "kinds", "cursor", "consumer")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    operator: str
    kinds: _containers.RepeatedScalarFieldContainer[EventKind]
    cursor: str
    consumer: str
    def __init__(self, operator: _Optional[str] = ..., kinds: _Optional[_Iterable[_Union[EventKind, str]]] = ..., cursor: _Optional[str] = ..., consumer: _Optional[str] = ...) -> None: ...

class SubscribeResponse(_message.Message):
    __slots__ = ("cursor", "event")
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    cursor: str
    event: Event
    def __init__(self, cursor: _Optional[str] = ..., event: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class AcknowledgeRequest(_message.Message):
    __slots__ = ("operator", "consumer", "cursor")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    CONSUMER_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    consumer: str
    cursor: str
    def __init__(self, operator: _Optional[str] = ..., consumer: _Optional[str] = ..., cursor: _Optional[str] = ...) -> None: ...

class AcknowledgeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Event(_message.Message):
    __slots__ = ("operator", "signed_time", "accepted_time", "ticket_create", "ticket_reserve", "ticket_update", "ticket_closed", "ticket_refund", "ticket_win", "ticket_lost", "ticket_void", "ticket_discard", "ticket_rollback", "ticket_status", "bet_result")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    SIGNED_TIME_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_TIME_FIELD_NUMBER: _ClassVar[int]
    TICKET_CREATE_FIELD_NUMBER: _ClassVar[int]
    TICKET_RESERVE_FIELD_NUMBER: _ClassVar[int]
    TICKET_UPDATE_FIELD_NUMBER: _ClassVar[int]
    TICKET_CLOSED_FIELD_NUMBER: _ClassVar[int]
    TICKET_REFUND_FIELD_NUMBER: _ClassVar[int]
    TICKET_WIN_FIELD_NUMBER: _ClassVar[int]
    TICKET_LOST_FIELD_NUMBER: _ClassVar[int]
    TICKET_VOID_FIELD_NUMBER: _ClassVar[int]
    TICKET_DISCARD_FIELD_NUMBER: _ClassVar[int]
    TICKET_ROLLBACK_FIELD_NUMBER: _ClassVar[int]
    TICKET_STATUS_FIELD_NUMBER: _ClassVar[int]
    BET_RESULT_FIELD_NUMBER: _ClassVar[int]
    operator: str
    signed_time: _timestamp_pb2.Timestamp
    accepted_time: _timestamp_pb2.Timestamp
    ticket_create: _pam_service_pb2.CreateTicketRequest
    ticket_reserve: _pam_service_pb2.ReserveTicketRequest
    ticket_update: _pam_service_pb2.UpdateTicketRequest
    ticket_closed: _pam_service_pb2.CloseTicketRequest
    ticket_refund: _pam_service_pb2.RefundTicketRequest
    ticket_win: _pam_service_pb2.WinTicketRequest
    ticket_lost: _pam_service_pb2.LoseTicketRequest
    ticket_void: _pam_service_pb2.VoidTicketRequest
    ticket_discard: _pam_service_pb2.DiscardTicketRequest
    ticket_rollback: _pam_service_pb2.RollbackTicketRequest
    ticket_status: _sms_service_pb2.SendTicketStatusRequest
    bet_result: _sms_service_pb2.SendBetResultRequest
    def __init__(self, operator: _Optional[str] = ..., signed_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., accepted_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ticket_create: _Optional[_Union[_pam_service_pb2.CreateTicketRequest, _Mapping]] = ..., ticket_reserve: _Optional[_Union[_pam_service_pb2.ReserveTicketRequest, _Mapping]] = ..., ticket_update: _Optional[_Union[_pam_service_pb2.UpdateTicketRequest, _Mapping]] = ..., ticket_closed: _Optional[_Union[_pam_service_pb2.CloseTicketRequest, _Mapping]] = ..., ticket_refund: _Optional[_Union[_pam_service_pb2.RefundTicketRequest, _Mapping]] = ..., ticket_win: _Optional[_Union[_pam_service_pb2.WinTicketRequest, _Mapping]] = ..., ticket_lost: _Optional[_Union[_pam_service_pb2.LoseTicketRequest, _Mapping]] = ..., ticket_void: _Optional[_Union[_pam_service_pb2.VoidTicketRequest, _Mapping]] = ..., ticket_discard: _Optional[_Union[_pam_service_pb2.DiscardTicketRequest, _Mapping]] = ..., ticket_rollback: _Optional[_Union[_pam_service_pb2.RollbackTicketRequest, _Mapping]] = ..., ticket_status: _Optional[_Union[_sms_service_pb2.SendTicketStatusRequest, _Mapping]] = ..., bet_result: _Optional[_Union[_sms_service_pb2.SendBetResultRequest, _Mapping]] = ...) -> None: ...
