"""Which right does each RPC need? The protos against a literal table."""

from __future__ import annotations

from typing import Final

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from gateway.callers import Right
from gateway.cli.comments import descriptor_set
from gateway.contract import load_contract, right_of
from gateway.contract.problems import ContractError

SERVICES: Final = {
    "betstack.card.v1.CardService": "read",
    "betstack.ticket.v1.TicketService": "bet",
    "betstack.pam.v1.PamService": "pam",
    "betstack.sms.v1.SmsService": "sms",
    "betstack.operation.v1.OperationService": "read",
    "betstack.event.v1.EventService": "read",
}
RPCS: Final = {
    "/betstack.ticket.v1.TicketService/GetTicket": "read",
    "/betstack.ticket.v1.TicketService/ListTickets": "read",
    "/betstack.operation.v1.OperationService/ResolveOperation": "admin",
}
NOT_SERVED: Final = "betstack.sandbox.v1.SandboxService"


@pytest.fixture(scope="module")
def pool() -> DescriptorPool:
    """Return the whole contract."""
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(descriptor_set()).file:
        pool.Add(file)
    return pool


def test_every_rpc_of_the_contract_needs_one_right(pool: DescriptorPool) -> None:
    """Reading is one right, moving money toward the platform, PAM and SMS one each, and verdicts are an administrator's."""
    found = {
        f"/{service.full_name}/{method.name}": str(right_of(method))
        for name in SERVICES
        for service in [pool.FindServiceByName(name)]
        for method in service.methods
    }

    assert found == {rpc: RPCS.get(rpc, SERVICES[rpc.split("/")[1]]) for rpc in found}
    assert set(found) >= set(RPCS)


def test_no_service_is_forgotten() -> None:
    """Every service of the contract is in the table, but the sandbox's own, which no gateway serves."""
    files = FileDescriptorSet.FromString(descriptor_set()).file
    services = {f"{file.package}.{service.name}" for file in files for service in file.service}

    assert services == {*SERVICES, NOT_SERVED}


def test_an_rpc_that_says_nothing_is_refused(pool: DescriptorPool) -> None:
    """No right is no default: the start stops."""
    [method, *_] = pool.FindServiceByName(NOT_SERVED).methods

    with pytest.raises(ContractError, match="has no right"):
        right_of(method)


def test_a_route_knows_its_right() -> None:
    """What a call of the platform needs stands in the route table."""
    rights = {route.right for route in load_contract().routes.values()}

    assert rights == {Right.READ, Right.BET, Right.PAM, Right.SMS}
