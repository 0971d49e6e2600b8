"""Who may send a money call now, and what does its request id answer with? The ledger as the road sees it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from itertools import repeat as repeat_forever
from pathlib import Path
from typing import Final, Self, TypeVar

from gateway.failure import Execution, Failure, Reason
from gateway.ledger import transactions
from gateway.ledger.bell import Bell
from gateway.ledger.database import Database, LedgerUnavailable, Transaction
from gateway.ledger.judgement import end_of_first_try, failure_of, unknown_failure
from gateway.ledger.operation import ACTIVE, NewOperation, Operation, State
from gateway.ledger.schema import migrate
from gateway.ledger.sqlite import SqliteDatabase
from gateway.ledger.tally import Tally, prove_writable, tally
from gateway.ledger.transactions import Claim, Claimed, Debt, Ending, Known, Process, Reversed, Waiting
from gateway.wire.attempt import Attempt, Stage

__all__ = ["Answer", "Ledger", "Repeat", "Send", "open_database"]

T = TypeVar("T")
LOG: Final = logging.getLogger("gateway.ledger")

Send = Callable[[], Awaitable[Attempt]]
"""Makes the one try of an operation."""

Repeat = Callable[[Operation], Awaitable[object]]
"""Tries to find out about an operation that keeps another one waiting."""

_POLL_S: Final = (0.02, 0.05, 0.1, 0.25)
_SQLITE: Final = "sqlite:///"
_FINAL_WRITE_TRIES_S: Final = (0.1, 0.5, 2.0, 5.0, 15.0, 60.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request id answers with: its row, and whether this call only found it."""

    operation: Operation
    is_replay: bool

    def failure(self) -> Failure | None:
        """Return the failure to raise; None where ``operation.response`` is the answer."""
        return failure_of(self.operation)


@dataclass(slots=True)
class _Live:
    """A call of this process that is on its way, for repeats to join."""

    fingerprint: bytes
    answer: asyncio.Future[Answer]


async def open_database(url: str) -> Database:
    """Open the database behind a URL: ``sqlite:///path`` or ``postgresql://…``; raises LedgerUnavailable."""
    if url.startswith(_SQLITE):
        return await SqliteDatabase.open(Path(url.removeprefix(_SQLITE)))
    try:
        from gateway.ledger.postgresql import PostgresqlDatabase  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise LedgerUnavailable("a PostgreSQL ledger needs the extra betstack-gateway[postgresql]") from error
    return await PostgresqlDatabase.open(url)


class Ledger:
    """The rows of all money calls.

    ``settle_s`` is how long after a send, in seconds, no call of any process can still be waiting for its answer.
    """

    def __init__(self, database: Database, *, settle_s: float, clock: Callable[[], float]) -> None:
        self._database = database
        self._settle_s = settle_s
        self._clock = clock
        self._live: dict[tuple[str, str], _Live] = {}
        self._bell = Bell()
        self._writing: set[asyncio.Task[None]] = set()

    @property
    def database(self) -> Database:
        """The database behind it, for what else is kept there."""
        return self._database

    @classmethod
    async def open(cls, url: str, *, settle_s: float, clock: Callable[[], float]) -> Self:
        """Open the ledger and bring its schema up to date; raises LedgerUnavailable."""
        database = await open_database(url)
        try:
            await database.run(lambda: migrate(clock()))
        except BaseException:
            await database.close()
            raise
        return cls(database, settle_s=settle_s, clock=clock)

    async def close(self) -> None:
        """Finish what is being written, as far as the database lets."""
        await asyncio.sleep(0)  # who has not begun yet would end without having tried
        for task in tuple(self._writing):
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)
        await self._database.close()

    # -------------------------------------------------------------------------------------------- sending

    async def perform(self, new: NewOperation, send: Send, repeat: Repeat) -> Answer:
        """Send a money call once, or answer it from its row.

        Raises Failure where there is no row to answer from: REQUEST_ID_REUSED, OPERATION_REVERSED, CONFLICT, or
        GATEWAY_FAULT where the ledger cannot be written and so nothing was sent.
        """
        key = (new.operator, new.request_id)
        live = self._live.get(key)
        if live is not None:
            if live.fingerprint != new.fingerprint:
                raise _reused()
            answer = await asyncio.shield(live.answer)
            return Answer(answer.operation, is_replay=True)
        live = self._live[key] = _Live(new.fingerprint, asyncio.get_running_loop().create_future())
        try:
            answer = await self._perform(new, send, repeat)
        except BaseException as error:
            _hand_on(live.answer, error)
            raise
        finally:
            del self._live[key]
        live.answer.set_result(answer)
        return answer

    async def _perform(self, new: NewOperation, send: Send, repeat: Repeat) -> Answer:
        claim = await self._claim(new)
        if isinstance(claim, Waiting):
            claim = await self._turn(new, claim, repeat)
        match claim:
            case Claimed(operation):
                return Answer(await self._send(new, operation, send), is_replay=False)
            case Known(operation):
                return await self._known(new, operation)
            case _:
                raise _reversed()

    async def _claim(self, new: NewOperation) -> Claim:
        received: list[float] = []

        def transaction() -> Transaction[Claim]:
            received[:] = [self._clock()]
            return transactions.claim(new, process, received[0])

        try:
            process = await self._process()
            return await self._database.run(transaction)
        except LedgerUnavailable as error:
            if received:
                self._in_background(_until_written(lambda: self._release(new, process, received[0])))
            return await self._unclaimed(new, error)

    async def _release(self, new: NewOperation, process: Process, received: float) -> None:
        """Take back a claim that may have been written although the database said otherwise.

        A later claim of the same request id is another one and goes on; when it was received tells them apart.
        """
        operation = await self.find(new.operator, new.request_id)
        if operation is not None and (operation.owner, operation.received) == (process.identity, received):
            await self._write_end(operation, ACTIVE, Ending(State.NOT_SENT, Stage.NEVER_SENT, free=True))

    async def _unclaimed(self, new: NewOperation, error: LedgerUnavailable) -> Claim:
        """Answer from the row where the ledger can be read and not written; nothing is sent."""
        LOG.error("nothing was sent: %s", error)
        try:
            operation = await self._peek(new)
        except LedgerUnavailable:
            raise _ledger_fault("cannot be read or written", Execution.UNKNOWN) from error
        if operation is None or operation.free:
            raise _ledger_fault("cannot be written", Execution.NOT_EXECUTED) from error
        if operation.state in ACTIVE:
            raise _ledger_fault("cannot be written", Execution.UNKNOWN) from error
        return Known(operation)

    async def _peek(self, new: NewOperation) -> Operation | None:
        return await self._database.read(lambda: transactions.peek(new.operator, new.request_id))

    async def _send(self, new: NewOperation, operation: Operation, send: Send) -> Operation:
        try:
            attempt = await send()
        except asyncio.CancelledError:
            attempt = Attempt(Stage.MAYBE_SENT, failure=unknown_failure("the gateway is shutting down"))
            await asyncio.shield(self._end(new, operation, attempt))
            raise
        except Exception:
            LOG.exception("a try failed unexpectedly: %s", operation.method)
            attempt = Attempt(Stage.MAYBE_SENT, failure=unknown_failure("the gateway failed"))
        try:
            return await self._end(new, operation, attempt)
        except asyncio.CancelledError:  # whatever was written or not: it has to be, and once more changes nothing
            await asyncio.shield(self._end(new, operation, attempt))
            raise

    async def _end(self, new: NewOperation, operation: Operation, attempt: Attempt) -> Operation:
        now = self._clock()
        ending = end_of_first_try(new, attempt, now, (operation.sent or now) + self._settle_s)
        expected = {State.SENDING}
        try:
            return await self._write_end(operation, expected, ending)
        except LedgerUnavailable as error:
            LOG.error("the end of a try could not be written yet: %s", error)  # noqa: TRY400 - it says all
            self._in_background(_until_written(lambda: self._write_end(operation, expected, ending)))
            raise _end_not_written(attempt) from error

    async def _write_end(self, operation: Operation, expected: Collection[State], ending: Ending) -> Operation:
        """Write how a row of this process ends, if it is as expected and still this process's."""
        written = await self._database.run(
            lambda: transactions.end(operation, expected, operation.owner, ending, self._clock())
        )
        self._ring(written)
        return written

    # ------------------------------------------------------------------------------------------ waiting

    async def _turn(self, new: NewOperation, waiting: Waiting, repeat: Repeat) -> Claim:
        """Wait until the earlier actions on the ticket are over; one that is unknown is repeated once.

        Raises Failure where that does not help; nothing was sent then.
        """
        repeated: set[int] = set()
        polls = iter(_POLL_S)
        claim: Claim = waiting
        try:
            while isinstance(claim, Waiting):
                blocker = next(iter(claim.blockers), None)
                if blocker is None or claim.is_busy:
                    await self._bell.heard(_ticket(waiting.operation), next(polls, _POLL_S[-1]))
                elif blocker.state is State.UNKNOWN and blocker.seq not in repeated:
                    repeated.add(blocker.seq)
                    await repeat(blocker)
                else:
                    raise _conflict(blocker)  # noqa: TRY301 - it ends the wait like everything else that does
                claim = await self._advance(new, waiting.operation)
            if isinstance(claim, Reversed):
                raise _reversed()  # noqa: TRY301
        except LedgerUnavailable as error:
            await asyncio.shield(self._withdraw(waiting.operation, None))
            raise _ledger_fault("cannot be written", Execution.NOT_EXECUTED) from error
        except BaseException as error:
            failure = error if isinstance(error, Failure) else None
            await asyncio.shield(self._withdraw(waiting.operation, failure))
            raise
        return claim

    async def _advance(self, new: NewOperation, operation: Operation) -> Claim:
        process = Process(operation.owner, self._settle_s)
        return await self._database.run(lambda: transactions.advance(new, operation, process, self._clock()))

    async def _withdraw(self, operation: Operation, failure: Failure | None) -> None:
        """Give up a row that waited; nothing was sent, even if its turn came unseen, so its id is free."""
        ending = Ending(State.NOT_SENT, Stage.NEVER_SENT, free=True, failure=failure)
        try:
            await self._write_end(operation, ACTIVE, ending)
        except LedgerUnavailable:
            self._in_background(_until_written(lambda: self._write_end(operation, ACTIVE, ending)))

    async def _known(self, new: NewOperation, operation: Operation) -> Answer:
        """Answer from a row, waiting for its end where another process is sending it."""
        if operation.fingerprint != new.fingerprint:
            raise _reused()
        polls = iter(_POLL_S)
        while operation.state in ACTIVE:
            await self._bell.heard((new.operator, new.request_id), next(polls, _POLL_S[-1]))
            operation = await self.find(new.operator, new.request_id) or operation
        return Answer(operation, is_replay=True)

    def _ring(self, operation: Operation) -> None:
        self._bell.ring((operation.operator, operation.request_id))
        if operation.ticket_id is not None:
            self._bell.ring(_ticket(operation))

    # ------------------------------------------------------------------------------------------ reading

    async def find(self, operator: str, request_id: str) -> Operation | None:
        """Return the row of a request id."""
        process = await self._process()
        return await self._database.run(lambda: transactions.find(operator, request_id, process, self._clock()))

    async def listed(
        self, operator: str, states: Collection[State], older_than_s: float, below: int | None, limit: int
    ) -> list[Operation]:
        """Return the newest rows of an operator: at most ``limit``, received at least ``older_than_s`` seconds ago."""
        await self.take_over()  # so that nothing is listed in a state that its death has ended
        before = self._clock() - older_than_s if older_than_s > 0 else None
        return await self._database.run(lambda: transactions.list_operations(operator, states, before, below, limit))

    async def changed(self, operation: Operation) -> Operation:
        """Wait until a row is no longer as it is here, and return it."""
        polls = iter(_POLL_S)
        while True:
            now = await self.find(operation.operator, operation.request_id)
            if now is None or now.revision != operation.revision:
                return now or operation
            await self._bell.heard((operation.operator, operation.request_id), next(polls, _POLL_S[-1]))

    async def resolve(self, operator: str, request_id: str, ending: Ending) -> Operation | None:
        """Write a person's verdict; None where the outcome is known."""
        resolved = await self._database.run(lambda: transactions.resolve(operator, request_id, ending, self._clock()))
        if resolved is not None:
            self._ring(resolved)
        return resolved

    async def known(self, new: NewOperation) -> Answer | None:
        """Answer a money call from its row; None where there is none, or its id is free again."""
        try:
            operation = await self.find(new.operator, new.request_id)
        except LedgerUnavailable:
            operation = await self._peek(new)
        if operation is None or operation.free:
            return None
        return await self._known(new, operation)

    async def tally(self) -> Tally:
        """Count what waits, also where nothing can be written; raises LedgerUnavailable."""
        return await self._database.read(tally)

    async def prove_writable(self) -> None:
        """Write and commit something; raises LedgerUnavailable."""
        await self._database.run(lambda: prove_writable(self._clock()))

    def may_be_live(self, operation: Operation) -> bool:
        """Tell whether the call of an operation whose gateway went silent may still be on its way."""
        return operation.failure is None and self._clock() < (operation.sent or 0) + self._settle_s

    # -------------------------------------------------------------------------------------- finding out

    async def run(self, transaction: Callable[[], Transaction[T]]) -> T:
        """Run a transaction of the reconciliation."""
        return await self._database.run(transaction)

    async def take_over(self) -> list[Operation]:
        """Judge the rows of processes that live no more."""
        process = await self._process()
        judged = await self._database.run(lambda: transactions.take_over(process, self._clock()))
        for operation in judged:
            self._ring(operation)
        return judged

    async def decide(
        self, operation: Operation, ending: Ending, *, attempts: int = 0, tries: int = 0, looks: int = 0
    ) -> Operation:
        """Write what was found out about an unknown row; ``attempts``, ``tries`` and ``looks`` are added."""
        decided = await self._database.run(
            lambda: transactions.decide(operation, ending, self._clock(), attempts=attempts, tries=tries, looks=looks)
        )
        self._ring(decided)
        return decided

    async def settle_debt(self, debt: Debt, state: str, note: str, next_at: float | None) -> None:
        """Write what became of a try to discard."""
        await self._database.run(lambda: transactions.move_debt(debt, state, note, next_at, self._clock()))
        self._bell.ring(("ticket", debt.operator, debt.ticket_id))
        self._bell.ring((debt.operator, debt.request_id))

    async def _process(self) -> Process:
        return Process(await self._database.identity(), self._settle_s)

    def _in_background(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)


async def _until_written(write: Callable[[], Awaitable[object]]) -> None:
    """Try again and again to write what has to be known, one last time when cancelled."""
    try:
        for delay in chain(_FINAL_WRITE_TRIES_S, repeat_forever(_FINAL_WRITE_TRIES_S[-1])):
            await asyncio.sleep(delay)
            try:
                await write()
            except LedgerUnavailable as error:
                LOG.warning("the ledger still cannot be written: %s", error)
            else:
                return
    except asyncio.CancelledError:
        with suppress(LedgerUnavailable):
            await write()
        raise


def _hand_on(answer: asyncio.Future[Answer], error: BaseException) -> None:
    """Let those who joined a call end as it ended; a call that was ended from outside leaves its outcome unknown."""
    if isinstance(error, asyncio.CancelledError):
        error = unknown_failure("the gateway is shutting down")
    answer.set_exception(error)
    answer.exception()  # seen, so that a call nobody joined is not reported


def _ticket(operation: Operation) -> tuple[str, str, str | None]:
    return ("ticket", operation.operator, operation.ticket_id)


def _reused() -> Failure:
    return Failure(Reason.REQUEST_ID_REUSED, "the request id was used with another payload; this one was not sent")


def _conflict(blocker: Operation) -> Failure:
    return Failure(
        Reason.CONFLICT,
        f"an earlier {blocker.method.rpartition('/')[2]} of this ticket has no known outcome; nothing was sent",
        metadata={"blocked_by": blocker.request_id, "execution": Execution.NOT_EXECUTED},
    )


def _reversed() -> Failure:
    return Failure(Reason.OPERATION_REVERSED, "the ticket was discarded; nothing was sent")


def _ledger_fault(what: str, execution: Execution) -> Failure:
    """Return the failure of a call that was not sent; ``execution`` speaks of all tries of its request id."""
    message = f"the ledger {what}, so nothing was sent"
    return Failure(Reason.GATEWAY_FAULT, message, metadata={"execution": execution})


def _end_not_written(attempt: Attempt) -> Failure:
    """Return what the caller is told when the answer is known and could not be written."""
    if attempt.failure is not None:
        return attempt.failure
    return Failure(
        Reason.GATEWAY_FAULT,
        "the call was executed, but the ledger could not be written; read the operation",
        metadata={"execution": Execution.EXECUTED},
    )
