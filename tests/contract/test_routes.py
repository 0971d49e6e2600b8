"""Do the annotations say what the platform documents? Every RPC against literal tables."""

from __future__ import annotations

import pytest

from gateway.contract import CallClass, OperatorPlace, Route, load_contract
from gateway.contract.routes import Success

CONTRACT = load_contract()
ROUTES = {route.short: route for route in CONTRACT.routes.values()}

SERVICES = {
    "betstack.card.v1.CardService": [
        "GetFinanceDetails",
        "ListJackpotCards",
        "GetJackpotCard",
        "PickJackpotBets",
        "ListQuicktipCards",
        "GetQuicktipCard",
        "ListSmartbetCards",
        "GetSmartbetCard",
        "GenerateSmartbet",
        "ListQuickbetCards",
        "GetQuickbetCard",
        "ListSuperbetCards",
        "GetSuperbetCard",
    ],
    "betstack.ticket.v1.TicketService": ["CreateTicket", "ReserveTicket", "PayTicket", "GetTicket", "ListTickets"],
    "betstack.pam.v1.PamService": [
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
    ],
    "betstack.sms.v1.SmsService": ["SendOtp", "SendTicketStatus", "SendBetResult"],
}

CALLS = [
    ("CardService/GetFinanceDetails", "GET", "/bc/calculator/finance-details", None),
    ("CardService/ListJackpotCards", "GET", "/bc/jackpots", None),
    ("CardService/GetJackpotCard", "GET", "/bc/jackpots/{code}", None),
    ("CardService/PickJackpotBets", "POST", "/bc/jackpots/{code}", None),
    ("CardService/ListQuicktipCards", "GET", "/bc/quicktips", None),
    ("CardService/GetQuicktipCard", "GET", "/bc/quicktips/{code}", None),
    ("CardService/ListSmartbetCards", "GET", "/bc/smartbets", None),
    ("CardService/GetSmartbetCard", "GET", "/bc/smartbets/{code}", None),
    ("CardService/GenerateSmartbet", "POST", "/bc/smartbets/{code}", None),
    ("CardService/ListQuickbetCards", "GET", "/bc/quickbets", None),
    ("CardService/GetQuickbetCard", "GET", "/bc/quickbets/{code}", None),
    ("CardService/ListSuperbetCards", "GET", "/bc/superbets", None),
    ("CardService/GetSuperbetCard", "GET", "/bc/superbets/{code}", None),
    ("TicketService/CreateTicket", "POST", "/be/tickets", None),
    ("TicketService/ReserveTicket", "POST", "/be/tickets/reserve", None),
    ("TicketService/PayTicket", "POST", "/be/tickets/{identifier}/paid", None),
    ("TicketService/GetTicket", "GET", "/be/tickets/{identifier}", None),
    ("TicketService/ListTickets", "GET", "/be/tickets", None),
    ("PamService/Ping", "POST", "", ("action", "ping")),
    ("PamService/Identify", "POST", "", ("action", "identify")),
    ("PamService/CreateTicket", "POST", "", ("action", "ticket_create")),
    ("PamService/ReserveTicket", "POST", "", ("action", "ticket_reserve")),
    ("PamService/UpdateTicket", "POST", "", ("action", "ticket_update")),
    ("PamService/CloseTicket", "POST", "", ("action", "ticket_closed")),
    ("PamService/RefundTicket", "POST", "", ("action", "ticket_refund")),
    ("PamService/WinTicket", "POST", "", ("action", "ticket_win")),
    ("PamService/LoseTicket", "POST", "", ("action", "ticket_lost")),
    ("PamService/VoidTicket", "POST", "", ("action", "ticket_void")),
    ("PamService/DiscardTicket", "POST", "", ("action", "ticket_discard")),
    ("PamService/RollbackTicket", "POST", "", ("action", "ticket_rollback")),
    ("SmsService/SendOtp", "POST", "", ("type", "otp")),
    ("SmsService/SendTicketStatus", "POST", "", ("type", "ticket_status")),
    ("SmsService/SendBetResult", "POST", "", ("type", "bet_result")),
]

CLASSES = {
    CallClass.READ: {
        "CardService/GetFinanceDetails",
        "CardService/ListJackpotCards",
        "CardService/GetJackpotCard",
        "CardService/PickJackpotBets",
        "CardService/ListQuicktipCards",
        "CardService/GetQuicktipCard",
        "CardService/ListSmartbetCards",
        "CardService/GetSmartbetCard",
        "CardService/GenerateSmartbet",
        "CardService/ListQuickbetCards",
        "CardService/GetQuickbetCard",
        "CardService/ListSuperbetCards",
        "CardService/GetSuperbetCard",
        "TicketService/GetTicket",
        "TicketService/ListTickets",
        "PamService/Ping",
        "PamService/Identify",
    },
    CallClass.DEBIT: {"TicketService/CreateTicket", "PamService/CreateTicket"},
    CallClass.RESERVE: {"TicketService/ReserveTicket", "PamService/ReserveTicket"},
    CallClass.CREDIT: {
        "TicketService/PayTicket",
        "PamService/UpdateTicket",
        "PamService/CloseTicket",
        "PamService/RefundTicket",
        "PamService/WinTicket",
        "PamService/LoseTicket",
        "PamService/VoidTicket",
        "PamService/DiscardTicket",
        "PamService/RollbackTicket",
    },
    CallClass.NOTIFY: {"SmsService/SendOtp", "SmsService/SendTicketStatus", "SmsService/SendBetResult"},
}

OPERATORS = {
    OperatorPlace.BODY: {
        "TicketService/CreateTicket",
        "TicketService/ReserveTicket",
        "PamService/Ping",
        "PamService/Identify",
        "PamService/CreateTicket",
        "PamService/ReserveTicket",
        "PamService/UpdateTicket",
        "PamService/CloseTicket",
        "PamService/RefundTicket",
        "PamService/WinTicket",
        "PamService/LoseTicket",
        "PamService/VoidTicket",
        "PamService/DiscardTicket",
        "PamService/RollbackTicket",
    },
    OperatorPlace.QUERY: {
        "CardService/GetFinanceDetails",
        "CardService/ListJackpotCards",
        "CardService/GetJackpotCard",
        "CardService/ListQuicktipCards",
        "CardService/GetQuicktipCard",
        "CardService/ListSmartbetCards",
        "CardService/GetSmartbetCard",
        "CardService/ListQuickbetCards",
        "CardService/GetQuickbetCard",
        "CardService/ListSuperbetCards",
        "CardService/GetSuperbetCard",
    },
    OperatorPlace.HEADER: {
        "CardService/PickJackpotBets",
        "CardService/GenerateSmartbet",
        "TicketService/PayTicket",
        "TicketService/GetTicket",
        "TicketService/ListTickets",
        "SmsService/SendOtp",
        "SmsService/SendTicketStatus",
        "SmsService/SendBetResult",
    },
}

APIS = [
    ("betstack.card.v1.CardService", "bc", "platform_url", True),
    ("betstack.ticket.v1.TicketService", "be", "platform_url", True),
    ("betstack.pam.v1.PamService", "pam", "pam_url", False),
    ("betstack.sms.v1.SmsService", "sms", "sms_url", True),
]

ANSWERS = {
    "card": {
        "CardService/GetJackpotCard",
        "CardService/GetQuicktipCard",
        "CardService/GetSmartbetCard",
        "CardService/GetQuickbetCard",
        "CardService/GetSuperbetCard",
    },
    "cards": {
        "CardService/ListJackpotCards",
        "CardService/ListQuicktipCards",
        "CardService/ListSmartbetCards",
        "CardService/ListQuickbetCards",
        "CardService/ListSuperbetCards",
    },
    "ticket": {
        "TicketService/CreateTicket",
        "TicketService/ReserveTicket",
        "TicketService/PayTicket",
        "TicketService/GetTicket",
    },
    "tickets": {"TicketService/ListTickets"},
}

TAKES_REQUEST_ID = {
    "TicketService/CreateTicket",
    "TicketService/ReserveTicket",
    "TicketService/PayTicket",
    *(f"PamService/{rpc}" for rpc in SERVICES["betstack.pam.v1.PamService"]),
}

REQUIRES_REQUEST_ID = {
    "TicketService/CreateTicket",
    "TicketService/ReserveTicket",
    "TicketService/PayTicket",
    "PamService/CreateTicket",
    "PamService/ReserveTicket",
}

SUBJECTS = {
    "code": {
        "CardService/GetJackpotCard",
        "CardService/PickJackpotBets",
        "CardService/GetQuicktipCard",
        "CardService/GetSmartbetCard",
        "CardService/GenerateSmartbet",
        "CardService/GetQuickbetCard",
        "CardService/GetSuperbetCard",
    },
    "identifier": {"TicketService/PayTicket", "TicketService/GetTicket"},
    "ticket_id": {
        *(f"PamService/{rpc}" for rpc in SERVICES["betstack.pam.v1.PamService"] if rpc not in ("Ping", "Identify")),
        "SmsService/SendTicketStatus",
        "SmsService/SendBetResult",
    },
    "": {
        "CardService/GetFinanceDetails",
        "CardService/ListJackpotCards",
        "CardService/ListQuicktipCards",
        "CardService/ListSmartbetCards",
        "CardService/ListQuickbetCards",
        "CardService/ListSuperbetCards",
        "TicketService/CreateTicket",
        "TicketService/ReserveTicket",
        "TicketService/ListTickets",
        "PamService/Ping",
        "PamService/Identify",
        "SmsService/SendOtp",
    },
}


def _envelope(route: Route) -> tuple[str, str] | None:
    return (route.envelope.key, route.envelope.token) if route.envelope else None


def _required(route: Route) -> list[str]:
    return [field.name for field in route.request.fields if field.required]


def test_the_contract_has_exactly_the_documented_rpcs() -> None:
    """The four services have exactly the RPCs of the architecture's table, 33 in all, in declared order."""
    rpcs = [f"/{service}/{method}" for service, methods in SERVICES.items() for method in methods]

    assert list(CONTRACT.routes) == rpcs
    assert len(rpcs) == 33


def test_services_are_listed_in_declared_order() -> None:
    """The contract lists its services in declared order, and each with its own routes."""
    assert list(CONTRACT.services) == list(SERVICES)
    for service, methods in SERVICES.items():
        assert [route.method for route in CONTRACT.service(service)] == methods


@pytest.mark.parametrize(("rpc", "verb", "path", "envelope"), CALLS, ids=[call[0] for call in CALLS])
def test_each_rpc_is_served_by_the_documented_call(
    rpc: str, verb: str, path: str, envelope: tuple[str, str] | None
) -> None:
    """Method, path and envelope token of each RPC are the platform's."""
    route = ROUTES[rpc]

    assert (route.verb, route.path, _envelope(route)) == (verb, path, envelope)


def test_the_table_of_calls_is_complete() -> None:
    """No RPC is missing from the literal table of calls."""
    assert {call[0] for call in CALLS} == set(ROUTES)


@pytest.mark.parametrize("call_class", CallClass)
def test_each_rpc_has_its_class(call_class: CallClass) -> None:
    """What a call does to money is declared as the architecture lists it."""
    assert {rpc for rpc, route in ROUTES.items() if route.call_class is call_class} == CLASSES[call_class]


@pytest.mark.parametrize(
    ("call_class", "is_read", "is_money"),
    [
        (CallClass.READ, True, False),
        (CallClass.DEBIT, False, True),
        (CallClass.RESERVE, False, True),
        (CallClass.CREDIT, False, True),
        (CallClass.NOTIFY, False, False),
    ],
)
def test_debit_reserve_and_credit_are_money(call_class: CallClass, is_read: bool, is_money: bool) -> None:
    """A money call is a DEBIT, a RESERVE or a CREDIT, and only a READ changes nothing."""
    assert (call_class.is_read, call_class.is_money) == (is_read, is_money)


@pytest.mark.parametrize("place", OperatorPlace)
def test_the_operator_travels_where_the_platform_shows_it(place: OperatorPlace) -> None:
    """The operator is in the body, in the query, or in the header only, as the architecture lists it."""
    assert {rpc for rpc, route in ROUTES.items() if route.operator is place} == OPERATORS[place]


@pytest.mark.parametrize("rpc", sorted(OPERATORS[OperatorPlace.BODY] | OPERATORS[OperatorPlace.QUERY]))
def test_the_operator_comes_first(rpc: str) -> None:
    """Where the operator travels in a body or query, it is the first thing there."""
    route = ROUTES[rpc]

    assert next(part.name for part in route.body or route.query) == "operator"


@pytest.mark.parametrize(("service", "name", "setting", "operator_name"), APIS, ids=[api[1] for api in APIS])
def test_each_service_has_its_api(service: str, name: str, setting: str, operator_name: bool) -> None:
    """Each service has one API, one base URL, and says whether the header operator-name goes along."""
    apis = {route.api for route in CONTRACT.service(service)}

    assert [(api.name, api.base_url.setting, api.operator_name) for api in apis] == [(name, setting, operator_name)]


def test_only_ping_is_unsigned() -> None:
    """Every call but PAM's ping is signed."""
    assert {rpc for rpc, route in ROUTES.items() if not route.signed} == {"PamService/Ping"}


def test_only_the_bet_result_is_disabled() -> None:
    """The one RPC that is refused unless enabled is the one that the platform does not support."""
    assert {rpc for rpc, route in ROUTES.items() if route.disabled} == {"SmsService/SendBetResult"}


def test_success_is_the_status_for_ticket_actions_and_notifications() -> None:
    """HTTP 200 itself is the success of PAM's ticket actions and of the SMS types, and ping needs no body."""
    by_status = {
        rpc
        for rpc, route in ROUTES.items()
        if rpc.startswith(("PamService/", "SmsService/")) and rpc not in ("PamService/Ping", "PamService/Identify")
    }

    assert {rpc for rpc, route in ROUTES.items() if route.success is Success.STATUS} == by_status
    assert {rpc for rpc, route in ROUTES.items() if route.success is Success.BODY_OPTIONAL} == {"PamService/Ping"}


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_answer_goes_into_its_field(answer: str) -> None:
    """Tickets, cards and lists of them go into the one field of their response that is theirs."""
    assert {rpc for rpc, route in ROUTES.items() if route.answer == answer} == ANSWERS[answer]


def test_every_other_answer_is_the_response_itself() -> None:
    """An answer without a field of its own is the response."""
    wrapped = set().union(*ANSWERS.values())

    assert {rpc for rpc, route in ROUTES.items() if not route.answer} == set(ROUTES) - wrapped


def test_request_ids_are_taken_by_money_calls_and_pam_only() -> None:
    """The ticket RPCs that change something and all PAM actions take a request id, nothing else does."""
    assert {rpc for rpc, route in ROUTES.items() if route.takes_request_id} == TAKES_REQUEST_ID


def test_request_ids_are_required_on_exactly_five_rpcs() -> None:
    """A request id is required on DEBIT and RESERVE of both services and on pay."""
    assert {rpc for rpc, route in ROUTES.items() if "request_id" in _required(route)} == REQUIRES_REQUEST_ID


@pytest.mark.parametrize("rpc", ROUTES)
def test_request_ids_never_travel(rpc: str) -> None:
    """No body, query or path has the request id."""
    route = ROUTES[rpc]

    assert "request_id" not in {*(part.name for part in (*(route.body or ()), *route.query)), *route.variables}


@pytest.mark.parametrize("subject", SUBJECTS)
def test_each_call_is_about_the_field_that_names_its_subject(subject: str) -> None:
    """The subject of a call is its path variable, else the ticket's id, else nothing."""
    assert {rpc for rpc, route in ROUTES.items() if route.subject == subject} == SUBJECTS[subject]


def test_a_path_is_cut_at_its_variables() -> None:
    """The pieces of a path are text and field names in turn, text first and last."""
    route = ROUTES["TicketService/PayTicket"]

    assert route.pieces == ("/be/tickets/", "identifier", "/paid")
    assert route.variables == ("identifier",)


@pytest.mark.parametrize(
    "rpc",
    [
        "CardService/PickJackpotBets",
        "TicketService/PayTicket",
        *(rpc for rpc, verb, _, _ in CALLS if verb == "GET"),
    ],
)
def test_calls_without_a_body_have_none(rpc: str) -> None:
    """Every GET, picking jackpot bets and paying go out without a body."""
    assert ROUTES[rpc].body is None
