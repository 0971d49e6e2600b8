"""What is true in the end? The ledger's rows on one side, the sandbox's tickets, accounts and money on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from gateway.ledger import transactions
from gateway.ledger.ledger import Ledger
from gateway.ledger.operation import Operation, State
from gateway.ledger.transactions import Debt
from gateway.sandbox import AccountTicket, Sandbox
from tests.chaos.diary import Deed, Diary

__all__ = ["OPERATOR", "Facts", "gathered", "rows_in", "unsettled"]

OPERATOR: Final = "site"

_PAGE: Final = 500
_ALL: Final = 100_000
_END_OF_TIME: Final = 1e12


@dataclass(frozen=True, slots=True)
class Facts:
    """Both sides.

    ``rows`` are the ledger's, by request id; ``owed`` are the discards that are not done. ``accounts`` is what the player
    account system knows, by ticket id. ``opening`` and ``balances`` are in cents, by player id; ``total`` is the sum of
    all entries of all accounts.
    """

    rows: Mapping[str, Operation]
    owed: Sequence[Debt]
    tickets: Sequence[pb.TicketFacts]
    accounts: Mapping[str, AccountTicket]
    opening: Mapping[str, int]
    balances: Mapping[str, int]
    total: int


async def gathered(ledger: Ledger, platform: Sandbox, steering: Any, diary: Diary, opening: Mapping[str, int]) -> Facts:
    """Ask everybody."""
    books = await steering.GetBooks(pb.GetBooksRequest())
    pages = [page async for page in steering.ListTickets(pb.ListTicketsRequest(operator=OPERATOR))]
    ids = [intent.request.ticket_id for intent in diary.of(Deed.TAKE)]
    accounts = {ticket_id: platform.accounts.find(OPERATOR, ticket_id) for ticket_id in ids}
    return Facts(
        rows={row.request_id: row for row in await rows_in(ledger)},
        owed=await _owed(ledger),
        tickets=[each for page in pages for each in page.tickets],
        accounts={ticket_id: account for ticket_id, account in accounts.items() if account is not None},
        opening=opening,
        balances={player: books.balances[player] for player in opening},
        total=books.total,
    )


async def rows_in(ledger: Ledger, *states: State) -> list[Operation]:
    """Return all rows in these states; none means any."""
    found: list[Operation] = []
    below: int | None = None
    while page := await ledger.listed(OPERATOR, states, 0, below, _PAGE):
        found += page
        below = page[-1].seq
    return found


async def unsettled(ledger: Ledger) -> int:
    """Count what is still on its way to being known."""
    rows = await rows_in(ledger, State.RECEIVED, State.SENDING, State.UNKNOWN)
    return len(rows) + len(await _owed(ledger))


async def _owed(ledger: Ledger) -> list[Debt]:
    return await ledger.run(lambda: transactions.due_debts(_END_OF_TIME, _ALL))
