import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FaultKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAULT_KIND_UNSPECIFIED: _ClassVar[FaultKind]
    FAULT_KIND_ANSWER_LOST: _ClassVar[FaultKind]
    FAULT_KIND_CUT_BODY: _ClassVar[FaultKind]
    FAULT_KIND_ERROR_500_AFTER_COMMIT: _ClassVar[FaultKind]
    FAULT_KIND_STATUS: _ClassVar[FaultKind]
    FAULT_KIND_HTML: _ClassVar[FaultKind]
    FAULT_KIND_ERROR_BODY_200: _ClassVar[FaultKind]
    FAULT_KIND_REDIRECT: _ClassVar[FaultKind]
    FAULT_KIND_SLOW: _ClassVar[FaultKind]
    FAULT_KIND_RESET_BEFORE_READING: _ClassVar[FaultKind]
    FAULT_KIND_DUPLICATE_WEBHOOK: _ClassVar[FaultKind]

class TicketStep(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TICKET_STEP_UNSPECIFIED: _ClassVar[TicketStep]
    TICKET_STEP_CALCULATE: _ClassVar[TicketStep]
    TICKET_STEP_WIN: _ClassVar[TicketStep]
    TICKET_STEP_LOSE: _ClassVar[TicketStep]
    TICKET_STEP_VOID: _ClassVar[TicketStep]
    TICKET_STEP_ROLLBACK: _ClassVar[TicketStep]
    TICKET_STEP_REFUND: _ClassVar[TicketStep]
    TICKET_STEP_CLOSE: _ClassVar[TicketStep]
    TICKET_STEP_CANCEL: _ClassVar[TicketStep]
    TICKET_STEP_UPDATE: _ClassVar[TicketStep]
FAULT_KIND_UNSPECIFIED: FaultKind
FAULT_KIND_ANSWER_LOST: FaultKind
FAULT_KIND_CUT_BODY: FaultKind
FAULT_KIND_ERROR_500_AFTER_COMMIT: FaultKind
FAULT_KIND_STATUS: FaultKind
FAULT_KIND_HTML: FaultKind
FAULT_KIND_ERROR_BODY_200: FaultKind
FAULT_KIND_REDIRECT: FaultKind
FAULT_KIND_SLOW: FaultKind
FAULT_KIND_RESET_BEFORE_READING: FaultKind
FAULT_KIND_DUPLICATE_WEBHOOK: FaultKind
TICKET_STEP_UNSPECIFIED: TicketStep
TICKET_STEP_CALCULATE: TicketStep
TICKET_STEP_WIN: TicketStep
TICKET_STEP_LOSE: TicketStep
TICKET_STEP_VOID: TicketStep
TICKET_STEP_ROLLBACK: TicketStep
TICKET_STEP_REFUND: TicketStep
TICKET_STEP_CLOSE: TicketStep
TICKET_STEP_CANCEL: TicketStep
TICKET_STEP_UPDATE: TicketStep

class AddFaultRequest(_message.Message):
    __slots__ = ("fault",)
    FAULT_FIELD_NUMBER: _ClassVar[int]
    fault: Fault
    def __init__(self, fault: _Optional[_Union[Fault, _Mapping]] = ...) -> None: ...

class AddFaultResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFaultsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListFaultsResponse(_message.Message):
    __slots__ = ("pending", "fired", "fired_counts", "chaos")
    class FiredCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    PENDING_FIELD_NUMBER: _ClassVar[int]
    FIRED_FIELD_NUMBER: _ClassVar[int]
    FIRED_COUNTS_FIELD_NUMBER: _ClassVar[int]
    CHAOS_FIELD_NUMBER: _ClassVar[int]
    pending: _containers.RepeatedCompositeFieldContainer[Fault]
    fired: _containers.RepeatedCompositeFieldContainer[Fault]
    fired_counts: _containers.ScalarMap[str, int]
    chaos: Chaos
    def __init__(self, pending: _Optional[_Iterable[_Union[Fault, _Mapping]]] = ..., fired: _Optional[_Iterable[_Union[Fault, _Mapping]]] = ..., fired_counts: _Optional[_Mapping[str, int]] = ..., chaos: _Optional[_Union[Chaos, _Mapping]] = ...) -> None: ...

class ClearFaultsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ClearFaultsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SetChaosRequest(_message.Message):
    __slots__ = ("chaos",)
    CHAOS_FIELD_NUMBER: _ClassVar[int]
    chaos: Chaos
    def __init__(self, chaos: _Optional[_Union[Chaos, _Mapping]] = ...) -> None: ...

class SetChaosResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AdvanceTicketRequest(_message.Message):
    __slots__ = ("identifier", "step", "reason", "gross_payout")
    IDENTIFIER_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    GROSS_PAYOUT_FIELD_NUMBER: _ClassVar[int]
    identifier: str
    step: TicketStep
    reason: str
    gross_payout: int
    def __init__(self, identifier: _Optional[str] = ..., step: _Optional[_Union[TicketStep, str]] = ..., reason: _Optional[str] = ..., gross_payout: _Optional[int] = ...) -> None: ...

class AdvanceTicketResponse(_message.Message):
    __slots__ = ("status", "result")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    status: str
    result: str
    def __init__(self, status: _Optional[str] = ..., result: _Optional[str] = ...) -> None: ...

class AdvanceClockRequest(_message.Message):
    __slots__ = ("by",)
    BY_FIELD_NUMBER: _ClassVar[int]
    by: _duration_pb2.Duration
    def __init__(self, by: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class AdvanceClockResponse(_message.Message):
    __slots__ = ("now",)
    NOW_FIELD_NUMBER: _ClassVar[int]
    now: _timestamp_pb2.Timestamp
    def __init__(self, now: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class FundPlayerRequest(_message.Message):
    __slots__ = ("token", "amount", "currency")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    token: str
    amount: int
    currency: str
    def __init__(self, token: _Optional[str] = ..., amount: _Optional[int] = ..., currency: _Optional[str] = ...) -> None: ...

class FundPlayerResponse(_message.Message):
    __slots__ = ("player_id", "balance")
    PLAYER_ID_FIELD_NUMBER: _ClassVar[int]
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    player_id: str
    balance: int
    def __init__(self, player_id: _Optional[str] = ..., balance: _Optional[int] = ...) -> None: ...

class GetBooksRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class GetBooksResponse(_message.Message):
    __slots__ = ("tickets", "total", "balances", "notifications", "entries", "webhooks_waiting", "webhooks_sent")
    class BalancesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TICKETS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    NOTIFICATIONS_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    WEBHOOKS_WAITING_FIELD_NUMBER: _ClassVar[int]
    WEBHOOKS_SENT_FIELD_NUMBER: _ClassVar[int]
    tickets: int
    total: int
    balances: _containers.ScalarMap[str, int]
    notifications: int
    entries: int
    webhooks_waiting: int
    webhooks_sent: int
    def __init__(self, tickets: _Optional[int] = ..., total: _Optional[int] = ..., balances: _Optional[_Mapping[str, int]] = ..., notifications: _Optional[int] = ..., entries: _Optional[int] = ..., webhooks_waiting: _Optional[int] = ..., webhooks_sent: _Optional[int] = ...) -> None: ...

class ListTicketsRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListTicketsResponse(_message.Message):
    __slots__ = ("tickets",)
    TICKETS_FIELD_NUMBER: _ClassVar[int]
    tickets: _containers.RepeatedCompositeFieldContainer[TicketFacts]
    def __init__(self, tickets: _Optional[_Iterable[_Union[TicketFacts, _Mapping]]] = ...) -> None: ...

class SetWebhooksRequest(_message.Message):
    __slots__ = ("operator", "pam_url", "sms_url")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    PAM_URL_FIELD_NUMBER: _ClassVar[int]
    SMS_URL_FIELD_NUMBER: _ClassVar[int]
    operator: str
    pam_url: str
    sms_url: str
    def __init__(self, operator: _Optional[str] = ..., pam_url: _Optional[str] = ..., sms_url: _Optional[str] = ...) -> None: ...

class SetWebhooksResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeliverWebhooksRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DeliverWebhooksResponse(_message.Message):
    __slots__ = ("waiting",)
    WAITING_FIELD_NUMBER: _ClassVar[int]
    waiting: int
    def __init__(self, waiting: _Optional[int] = ...) -> None: ...

class ListWebhooksRequest(_message.Message):
    __slots__ = ("operator",)
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    operator: str
    def __init__(self, operator: _Optional[str] = ...) -> None: ...

class ListWebhooksResponse(_message.Message):
    __slots__ = ("deliveries",)
    DELIVERIES_FIELD_NUMBER: _ClassVar[int]
    deliveries: _containers.RepeatedCompositeFieldContainer[WebhookDelivery]
    def __init__(self, deliveries: _Optional[_Iterable[_Union[WebhookDelivery, _Mapping]]] = ...) -> None: ...

class WebhookDelivery(_message.Message):
    __slots__ = ("operator", "kind", "ticket_id", "url", "timestamp", "signature", "body", "sent", "status", "answer", "copy")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TICKET_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    COPY_FIELD_NUMBER: _ClassVar[int]
    operator: str
    kind: str
    ticket_id: str
    url: str
    timestamp: int
    signature: str
    body: str
    sent: _timestamp_pb2.Timestamp
    status: int
    answer: str
    copy: bool
    def __init__(self, operator: _Optional[str] = ..., kind: _Optional[str] = ..., ticket_id: _Optional[str] = ..., url: _Optional[str] = ..., timestamp: _Optional[int] = ..., signature: _Optional[str] = ..., body: _Optional[str] = ..., sent: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[int] = ..., answer: _Optional[str] = ..., copy: _Optional[bool] = ...) -> None: ...

class SetWebhookChaosRequest(_message.Message):
    __slots__ = ("chaos",)
    CHAOS_FIELD_NUMBER: _ClassVar[int]
    chaos: WebhookChaos
    def __init__(self, chaos: _Optional[_Union[WebhookChaos, _Mapping]] = ...) -> None: ...

class SetWebhookChaosResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WebhookChaos(_message.Message):
    __slots__ = ("duplicate", "resigned", "answer_lost", "delay", "overtaken", "longest_delay", "seed")
    DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    RESIGNED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_LOST_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    OVERTAKEN_FIELD_NUMBER: _ClassVar[int]
    LONGEST_DELAY_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    duplicate: float
    resigned: float
    answer_lost: float
    delay: float
    overtaken: float
    longest_delay: _duration_pb2.Duration
    seed: int
    def __init__(self, duplicate: _Optional[float] = ..., resigned: _Optional[float] = ..., answer_lost: _Optional[float] = ..., delay: _Optional[float] = ..., overtaken: _Optional[float] = ..., longest_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., seed: _Optional[int] = ...) -> None: ...

class SendOtpRequest(_message.Message):
    __slots__ = ("operator", "msisdn", "code")
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    MSISDN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    operator: str
    msisdn: str
    code: str
    def __init__(self, operator: _Optional[str] = ..., msisdn: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class SendOtpResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TicketFacts(_message.Message):
    __slots__ = ("id", "code", "operator", "status", "result", "type", "price", "currency", "rtag", "user_id")
    ID_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    OPERATOR_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    RTAG_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    code: str
    operator: str
    status: str
    result: str
    type: str
    price: int
    currency: str
    rtag: str
    user_id: str
    def __init__(self, id: _Optional[str] = ..., code: _Optional[str] = ..., operator: _Optional[str] = ..., status: _Optional[str] = ..., result: _Optional[str] = ..., type: _Optional[str] = ..., price: _Optional[int] = ..., currency: _Optional[str] = ..., rtag: _Optional[str] = ..., user_id: _Optional[str] = ...) -> None: ...

class Fault(_message.Message):
    __slots__ = ("kind", "path", "action", "method", "times", "status", "headers", "body", "code", "message", "location", "delay", "resigned")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    RESIGNED_FIELD_NUMBER: _ClassVar[int]
    kind: FaultKind
    path: str
    action: str
    method: str
    times: int
    status: int
    headers: _containers.ScalarMap[str, str]
    body: str
    code: int
    message: str
    location: str
    delay: _duration_pb2.Duration
    resigned: bool
    def __init__(self, kind: _Optional[_Union[FaultKind, str]] = ..., path: _Optional[str] = ..., action: _Optional[str] = ..., method: _Optional[str] = ..., times: _Optional[int] = ..., status: _Optional[int] = ..., headers: _Optional[_Mapping[str, str]] = ..., body: _Optional[str] = ..., code: _Optional[int] = ..., message: _Optional[str] = ..., location: _Optional[str] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., resigned: _Optional[bool] = ...) -> None: ...

class Chaos(_message.Message):
    __slots__ = ("probability", "kinds", "seed", "path", "methods", "delay")
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    KINDS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    METHODS_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    probability: float
    kinds: _containers.RepeatedScalarFieldContainer[FaultKind]
    seed: int
    path: str
    methods: _containers.RepeatedScalarFieldContainer[str]
    delay: _duration_pb2.Duration
    def __init__(self, probability: _Optional[float] = ..., kinds: _Optional[_Iterable[_Union[FaultKind, str]]] = ..., seed: _Optional[int] = ..., path: _Optional[str] = ..., methods: _Optional[_Iterable[str]] = ..., delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
