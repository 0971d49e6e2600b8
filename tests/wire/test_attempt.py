"""What did one try come to? A response or a failure, and how far it got."""

from __future__ import annotations

import pytest

from betstack.pam.v1 import pam_service_pb2 as pam
from gateway.failure import Failure, Reason
from gateway.wire.attempt import Attempt, Stage


def test_an_attempt_with_a_response_gives_it() -> None:
    """The result of a try that was answered is its response."""
    response = pam.PingResponse()

    assert Attempt(Stage.ANSWERED, response=response).result() is response


def test_an_attempt_with_a_failure_raises_it() -> None:
    """The result of a try that failed is its failure, at whatever stage."""
    failure = Failure(Reason.OUTCOME_UNKNOWN, "the connection was lost")

    with pytest.raises(Failure) as raised:
        Attempt(Stage.MAYBE_SENT, failure=failure).result()

    assert raised.value is failure
