import datetime

from betstack.error.v1 import error_reason_pb2 as _error_reason_pb2
from betstack.upstream.v1 import options_pb2 as _options_pb2
from google.protobuf import any_pb2 as _any_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OperationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_STATE_UNSPECIFIED: _ClassVar[OperationState]
    OPERATION_STATE_RECEIVED: _ClassVar[OperationState]
    OPERATION_STATE_SENDING: _ClassVar[OperationState]
    OPERATION_STATE_SUCCEEDED: _ClassVar[OperationState]
    OPERATION_STATE_REJECTED: _ClassVar[OperationState]
    OPERATION_STATE_NOT_SENT: _ClassVar[OperationState]
    OPERATION_STATE_UNKNOWN: _ClassVar[OperationState]
    OPERATION_STATE_REVERSED: _ClassVar[OperationState]
    OPERATION_STATE_NEEDS_HUMAN: _ClassVar[OperationState]

class WireStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WIRE_STAGE_UNSPECIFIED: _ClassVar[WireStage]
    WIRE_STAGE_NEVER_SENT: _ClassVar[WireStage]
    WIRE_STAGE_MAYBE_SENT: _ClassVar[WireStage]
    WIRE_STAGE_SENT_NO_ANSWER: _ClassVar[WireStage]
    WIRE_STAGE_ANSWERED: _ClassVar[WireStage]

class OperationVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OPERATION_VERDICT_UNSPECIFIED: _ClassVar[OperationVerdict]
    OPERATION_VERDICT_EXECUTED: _ClassVar[OperationVerdict]
    OPERATION_VERDICT_NOT_EXECUTED: _ClassVar[OperationVerdict]
    OPERATION_VERDICT_REVERSED: _ClassVar[OperationVerdict]
OPERATION_STATE_UNSPECIFIED: OperationState
OPERATION_STATE_RECEIVED: OperationState
OPERATION_STATE_SENDING: OperationState
OPERATION_STATE_SUCCEEDED: OperationState
OPERATION_STATE_REJECTED: OperationState
OPERATION_STATE_NOT_SENT: OperationState
OPERATION_STATE_UNKNOWN: OperationState
OPERATION_STATE_REVERSED: OperationState
OPERATION_STATE_NEEDS_HUMAN: OperationState
WIRE_STAGE_UNSPECIFIED: WireStage
WIRE_STAGE_NEVER_SENT: WireStage
WIRE_STAGE_MAYBE_SENT: WireStage
WIRE_STAGE_SENT_NO_ANSWER: WireStage
WIRE_STAGE_ANSWERED: WireStage
OPERATION_VERDICT_UNSPECIFIED: OperationVerdict
OPERATION_VERDICT_EXECUTED: OperationVerdict
OPERATION_VERDICT_NOT_EXECUTED: OperationVerdict
OPERATION_VERDICT_REVERSED: OperationVerdict

class GetOperationRequest(_message.Message):
    __slots__ = ("operator", "request_id")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    operator: str
    request_id: str
    def __init__(self, operator: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class GetOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class ListOperationsRequest(_message.Message):
    __slots__ = ("operator", "states", "older_than", "page_size", "page_token")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    OLDER_THAN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    operator: str
    states: _containers.RepeatedScalarFieldContainer[OperationState]
    older_than: _duration_pb2.Duration
    page_size: int
    page_token: str
    def __init__(self, operator: _Optional[str] = ..., states: _Optional[_Iterable[_Union[OperationState, str]]] = ..., older_than: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListOperationsResponse(_message.Message):
    __slots__ = ("operations", "next_page_token")
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    next_page_token: str
    def __init__(self, operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchOperationRequest(_message.Message):
    __slots__ = ("operator", "request_id")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    operator: str
    request_id: str
    def __init__(self, operator: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class WatchOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class ResolveOperationRequest(_message.Message):
    __slots__ = ("operator", "request_id", "verdict", "reason", "resolved_by")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_BY_FIELD_NUMBER: _ClassVar[int]
    operator: str
    request_id: str
    verdict: OperationVerdict
    reason: str
    resolved_by: str
    def __init__(self, operator: _Optional[str] = ..., request_id: _Optional[str] = ..., verdict: _Optional[_Union[OperationVerdict, str]] = ..., reason: _Optional[str] = ..., resolved_by: _Optional[str] = ...) -> None: ...

class ResolveOperationResponse(_message.Message):
    __slots__ = ("operation",)
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    operation: Operation
    def __init__(self, operation: _Optional[_Union[Operation, _Mapping]] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("operator", "request_id", "method", "state", "wire_stage", "attempts", "ticket_id", "received_time", "sent_time", "update_time", "next_time", "response", "failure", "notes")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WIRE_STAGE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_TIME_FIELD_NUMBER: _ClassVar[int]
    SENT_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    NEXT_TIME_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    operator: str
    request_id: str
    method: str
    state: OperationState
    wire_stage: WireStage
    attempts: int
    ticket_id: str
    received_time: _timestamp_pb2.Timestamp
    sent_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    next_time: _timestamp_pb2.Timestamp
    response: _any_pb2.Any
    failure: OperationFailure
    notes: _containers.RepeatedCompositeFieldContainer[OperationNote]
    def __init__(self, operator: _Optional[str] = ..., request_id: _Optional[str] = ..., method: _Optional[str] = ..., state: _Optional[_Union[OperationState, str]] = ..., wire_stage: _Optional[_Union[WireStage, str]] = ..., attempts: _Optional[int] = ..., ticket_id: _Optional[str] = ..., received_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sent_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., next_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., response: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., failure: _Optional[_Union[OperationFailure, _Mapping]] = ..., notes: _Optional[_Iterable[_Union[OperationNote, _Mapping]]] = ...) -> None: ...

class OperationFailure(_message.Message):
    __slots__ = ("reason", "message", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    reason: _error_reason_pb2.ErrorReason
    message: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, reason: _Optional[_Union[_error_reason_pb2.ErrorReason, str]] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...

class OperationNote(_message.Message):
    __slots__ = ("time", "text")
    TIME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    time: _timestamp_pb2.Timestamp
    text: str
    def __init__(self, time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., text: _Optional[str] = ...) -> None: ...
