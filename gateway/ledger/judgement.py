"""What does the end of a try mean for its row? The money rules, as pure functions.

A refusal proves that nothing was executed only as long as no earlier try of the same operation may have been sent; so
these functions judge first tries, and the reconciliation judges repeats by its own rules.
"""

from __future__ import annotations

from gateway.failure import Execution, Failure, Reason
from gateway.ledger.operation import NewOperation, Operation, State
from gateway.ledger.transactions import Ending, Owed
from gateway.wire.attempt import Attempt, Stage

__all__ = ["end_of_first_try", "failure_of", "unknown_failure"]


def end_of_first_try(new: NewOperation, attempt: Attempt, now: float, settled_at: float) -> Ending:
    """Return what the only try of an operation leaves; ``settled_at`` is when no call can still be waiting."""
    failure = attempt.failure
    if attempt.response is not None or failure is None:
        response = attempt.response.SerializeToString() if attempt.response is not None else b""
        return Ending(State.SUCCEEDED, attempt.stage, response=response, settles_discard=new.discards)
    if failure.reason is Reason.OUTCOME_UNKNOWN:
        owed = Owed("The outcome of the ticket's creation is unknown", settled_at) if new.opens else None
        return Ending(State.UNKNOWN, attempt.stage, failure=failure, next_at=settled_at, owed=owed)
    if attempt.stage is Stage.NEVER_SENT:
        return Ending(State.NOT_SENT, attempt.stage, free=True, failure=failure)
    is_coded = "platform_code" in failure.metadata
    return Ending(
        State.REJECTED,
        attempt.stage,
        free=not is_coded and not new.opens,
        failure=failure,
        owed=Owed("The ticket's creation was refused", now) if new.opens else None,
        settles_discard=new.discards and failure.reason is Reason.TICKET_NOT_FOUND,
    )


def unknown_failure(message: str) -> Failure:
    """Return the failure of a call that may have been executed."""
    return Failure(Reason.OUTCOME_UNKNOWN, f"the outcome is unknown: {message}")


def failure_of(operation: Operation) -> Failure | None:
    """Return the failure that a row answers with; None where it answers with its response."""
    match operation.state:
        case State.SUCCEEDED if operation.response is not None:
            return None
        case State.SUCCEEDED:
            return Failure(
                Reason.OUTCOME_UNKNOWN,
                "it was executed, but the platform's answer is not known; read the ticket",
                metadata={"execution": Execution.EXECUTED},
            )
        case State.REVERSED:
            return Failure(Reason.OPERATION_REVERSED, "the operation was undone")
        case State.REJECTED | State.NOT_SENT if operation.failure is not None:
            return operation.failure
        case State.REJECTED:
            return Failure(Reason.OPERATION_REVERSED, "the operation was found not to have been executed")
        case State.UNKNOWN | State.NEEDS_HUMAN if operation.failure is not None:
            return operation.failure
        case State.NOT_SENT:
            return Failure(Reason.UPSTREAM_UNREACHABLE, "the gateway that took the call ended before it was sent")
        case _:
            return unknown_failure("the gateway that sent the call ended before it was answered")
