"""What did one try come to? How far it got, and a response or a failure."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from google.protobuf.message import Message

from gateway.failure import Failure

__all__ = ["Attempt", "Stage"]


class Stage(StrEnum):
    """How far a request got; the stage only ever advances."""

    NEVER_SENT = "NEVER_SENT"
    MAYBE_SENT = "MAYBE_SENT"
    SENT_NO_ANSWER = "SENT_NO_ANSWER"
    ANSWERED = "ANSWERED"


class Attempt(NamedTuple):
    """What one try came to: ``response`` or ``failure``, one of the two."""

    stage: Stage
    response: Message | None = None
    failure: Failure | None = None

    def result(self) -> Message:
        """Return the response, or raise the failure."""
        if self.failure is not None:
            raise self.failure
        assert self.response is not None
        return self.response
