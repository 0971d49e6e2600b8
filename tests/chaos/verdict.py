"""Do the ledger, the platform, the money and the callers agree? Pure judgements about the facts; each says what is wrong.

``doubles``: request ids with more than one ticket. ``lost``: tickets whose request id did not succeed, as far as the ledger
knows. ``wrong``: whatever else does not agree. ``needs_human``: rows that wait for a person, with their evidence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from betstack.sandbox.v1 import sandbox_service_pb2 as pb
from betstack.ticket.v1 import ticket_service_pb2 as ticket
from gateway.ledger.operation import Operation, State
from gateway.sandbox import AccountTicket
from gateway.sandbox.accounts import State as Account
from tests.chaos.diary import RESPONSES, Deed, Diary, Intent, Told, Word
from tests.chaos.facts import OPERATOR, Facts

__all__ = ["Verdict", "judged"]

_MAKES_TICKET: Final = (Deed.CREATE, Deed.RESERVE)
_UNSETTLED: Final = frozenset({State.RECEIVED, State.SENDING, State.UNKNOWN})
_TAKEN: Final = frozenset({"open", "calculating", "resulted", "closed"})
"""Statuses of a ticket that the player has paid."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found; each entry is a sentence. ``broken`` are promises that no other list counts."""

    doubles: tuple[str, ...]
    lost: tuple[str, ...]
    wrong: tuple[str, ...]
    needs_human: tuple[str, ...]
    broken: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that may not be."""
        return (*self.doubles, *self.lost, *self.wrong, *self.broken)


def judged(diary: Diary, facts: Facts) -> Verdict:
    """Compare everything with everything."""
    tickets = _by_request_id(facts.tickets)
    return Verdict(
        doubles=tuple(_doubles(tickets)),
        lost=tuple(_lost(tickets, facts.rows)),
        wrong=(
            *_strangers(diary, facts.rows),
            *_unlike_rows(diary, facts, tickets),
            *_unlike_accounts(diary, facts),
            *_unlike_answers(diary, facts.rows),
            *_wrongly_denied(diary, facts.rows),
        ),
        needs_human=tuple(_needing_human(facts.rows)),
        broken=(*_still_unknown(facts), *_knowable(diary, facts), *_money(diary, facts)),
    )


def _by_request_id(tickets: Iterable[pb.TicketFacts]) -> Mapping[str, list[pb.TicketFacts]]:
    found: dict[str, list[pb.TicketFacts]] = {}
    for each in tickets:
        found.setdefault(each.rtag, []).append(each)
    return found


# ----------------------------------------------------------------------------------------- tickets and their rows


def _doubles(tickets: Mapping[str, list[pb.TicketFacts]]) -> Iterator[str]:
    for request_id, found in tickets.items():
        if len(found) > 1:
            yield f"{request_id} has {len(found)} tickets: {', '.join(each.id for each in found)}"


def _lost(tickets: Mapping[str, list[pb.TicketFacts]], rows: Mapping[str, Operation]) -> Iterator[str]:
    for request_id, found in tickets.items():
        row = rows.get(request_id)
        if row is None or row.state is not State.SUCCEEDED or row.method not in _MAKES_TICKET:
            yield f"ticket {found[0].id} of {request_id or 'nobody'}: the ledger says {_story(row)}"


def _strangers(diary: Diary, rows: Mapping[str, Operation]) -> Iterator[str]:
    for request_id, row in rows.items():
        if request_id not in diary or diary[request_id].deed != row.method:
            yield f"{request_id}: nobody asked for {_story(row)}"


def _unlike_rows(diary: Diary, facts: Facts, tickets: Mapping[str, list[pb.TicketFacts]]) -> Iterator[str]:
    """Find rows that say of a ticket what the platform does not."""
    by_id = {each.id: each for each in facts.tickets}
    for intent, row in _rows_of(diary, facts.rows, *_MAKES_TICKET):
        found = tickets.get(intent.request_id, [])
        if row.state is State.SUCCEEDED and not found:
            yield f"{intent}: succeeded, but there is no ticket; {_story(row)}"
        elif row.state is State.SUCCEEDED and not _fits(found[0], intent, row):
            yield f"{intent}: succeeded with another ticket than {found[0].id}; {_story(row)}"
    paid = set()
    for intent, row in _rows_of(diary, facts.rows, Deed.PAY):
        each = by_id[intent.request.identifier]
        paid.add(each.id)
        if row.state is not State.NEEDS_HUMAN and (row.state is State.SUCCEEDED) != (each.status in _TAKEN):
            yield f"{intent}: the ticket is {each.status}; {_story(row)}"
    for each in facts.tickets:
        intended = diary[each.rtag].deed if each.rtag in diary else None
        if intended is Deed.RESERVE and each.id not in paid and each.status in _TAKEN:
            yield f"ticket {each.id} is {each.status}, and nobody paid it"


def _fits(found: pb.TicketFacts, intent: Intent, row: Operation) -> bool:
    """Tell whether the platform's ticket is the one that was asked for, and the one in the ledger's answer."""
    answer = RESPONSES[intent.deed].FromString(row.response or b"")
    kind = ticket.TicketType.Name(answer.ticket.type).removeprefix("TICKET_TYPE_").lower()  # type: ignore[attr-defined]
    return (found.id, found.type, found.price, found.currency, found.user_id, found.operator) == (
        answer.ticket.id,  # type: ignore[attr-defined]
        kind,
        intent.request.price,
        intent.request.currency,
        intent.player_id,
        OPERATOR,
    ) and kind == intent.request.WhichOneof("selection")


# ------------------------------------------------------------------------------------------- the players' accounts


def _unlike_accounts(diary: Diary, facts: Facts) -> Iterator[str]:
    """Find tickets that the player account system has in another state than the ledger's rows add up to."""
    later = {row.ticket_id: row for _, row in _rows_of(diary, facts.rows, Deed.WIN, Deed.DISCARD)}
    for intent in diary.of(Deed.TAKE):
        ticket_id = intent.request.ticket_id
        row, after = facts.rows.get(intent.request_id), later.get(ticket_id)
        account = facts.accounts.get(ticket_id)
        state = None if account is None else account.state
        if state not in _states(row, after):
            yield f"{intent}: the account's ticket {ticket_id} is {state}; {_story(row)}; then {_story(after)}"


def _states(row: Operation | None, after: Operation | None) -> Collection[Account | None]:
    """Return the states that a ticket may have after its creation and what came later, by their rows."""
    then = {Account.WON if after.method == Deed.WIN else Account.DISCARDED} if after is not None else set()
    if after is not None and after.state is State.SUCCEEDED:
        return then
    before: Collection[Account | None]
    match None if row is None else row.state:
        case None | State.NOT_SENT:
            before = {None}
        case State.SUCCEEDED:
            before = {Account.OPEN}
        case State.REJECTED | State.REVERSED:
            before = {Account.DISCARDED}
        case _:
            before = {*Account, None}
    return {*before, *then} if _is_open(after) else before


def _is_open(row: Operation | None) -> bool:
    return row is not None and row.state in (*_UNSETTLED, State.NEEDS_HUMAN)


# ------------------------------------------------------------------------------------------- what callers were told


def _unlike_answers(diary: Diary, rows: Mapping[str, Operation]) -> Iterator[str]:
    """Find answers that the row does not bear out, and refusals that do not say whether anything was executed."""
    for intent in diary:
        row = rows.get(intent.request_id)
        is_executed = row is not None and row.state is State.SUCCEEDED
        for told in intent.told:
            if told.word is Word.OK and not (is_executed and told.ticket_id == _ticket_id(intent, row)):
                yield f"{intent}: a caller was told OK {told.ticket_id}; {_story(row)}"
            if told.word is Word.REFUSED and told.execution == "EXECUTED" and not is_executed:
                yield f"{intent}: a caller was told that it was executed; {_story(row)}"
            if told.word is Word.REFUSED and not told.execution:
                yield f"{intent}: a caller was told {told.reason} without a word about its execution"
            if told.reason == "GATEWAY_FAULT":
                yield f"{intent}: the gateway failed: {told.message}"


def _ticket_id(intent: Intent, row: Operation | None) -> str:
    if row is None or intent.deed not in (*_MAKES_TICKET, Deed.PAY):
        return ""
    return str(RESPONSES[intent.deed].FromString(row.response or b"").ticket.id)  # type: ignore[attr-defined]


def _wrongly_denied(diary: Diary, rows: Mapping[str, Operation]) -> Iterator[str]:
    """Find answers that said NOT_EXECUTED of what was executed, or was about to be without another word of the caller."""
    for intent in diary:
        row = rows.get(intent.request_id)
        if row is None or row.state is not State.SUCCEEDED or row.sent is None:
            continue
        for told in intent.told:
            if told.execution == "NOT_EXECUTED" and not _is_explained(told, intent.told, row.sent):
                yield f"{intent}: a caller was told {told.reason}, NOT_EXECUTED; {_story(row)}"


def _is_explained(denial: Told, tries: Iterable[Told], sent: float) -> bool:
    """Tell whether what was sent after a denial began was sent for another try that could still lead to it.

    That is one that was open at the time, or came later; or one whose caller had gone, but not its request.
    """
    return sent > denial.begun and any(
        other is not denial and other.begun <= sent and (other.ended >= denial.begun or other.word is Word.NOTHING)
        for other in tries
    )


# ----------------------------------------------------------------------------------------------------- loose ends


def _still_unknown(facts: Facts) -> Iterator[str]:
    for row in facts.rows.values():
        if row.state in _UNSETTLED:
            yield f"{row.request_id} is still {_story(row)}"
    for debt in facts.owed:
        yield f"ticket {debt.ticket_id} still owes its discard: {[note.text for note in debt.notes]}"


def _needing_human(rows: Mapping[str, Operation]) -> Iterator[str]:
    for row in rows.values():
        if row.state is State.NEEDS_HUMAN:
            yield f"{row.request_id}: {_story(row)}"


def _knowable(diary: Diary, facts: Facts) -> Iterator[str]:
    """Find rows that wait for a person although the gateway could know, or without saying what it was refused."""
    taken = {each.id for each in facts.tickets if each.status in _TAKEN}
    for intent, row in _rows_of(diary, facts.rows, *Deed):
        is_refused = any("refused" in note.text for note in row.notes)
        is_plain = intent.deed in _MAKES_TICKET or (intent.deed is Deed.PAY and intent.request.identifier in taken)
        if row.state is State.NEEDS_HUMAN and (is_plain or not is_refused):
            yield f"{row.request_id} waits for a person, who knows no more than the gateway: {_story(row)}"


def _money(diary: Diary, facts: Facts) -> Iterator[str]:
    """Compare what the players have with what they had, less what was taken, plus what was won."""
    if facts.total:
        yield f"the entries of all accounts add up to {facts.total} cents"
    spent: Counter[str] = Counter()
    for each in facts.tickets:
        if each.status in _TAKEN:
            spent[each.user_id] += each.price
    for intent in diary.of(Deed.TAKE):
        spent[intent.player_id] += _spent(intent, facts.accounts.get(intent.request.ticket_id))
    for player_id, opening in facts.opening.items():
        expected, balance = opening - spent[player_id], facts.balances[player_id]
        if balance != expected:
            yield f"player {player_id} has {balance} cents instead of {expected}"


def _spent(intent: Intent, account: AccountTicket | None) -> int:
    """Return what a ticket of the player account system has cost its player."""
    price, payout = int(intent.request.price), int(intent.request.net_payout)
    match None if account is None else account.state:
        case Account.OPEN:
            return price
        case Account.WON:
            return price - payout
        case _:
            return 0


def _rows_of(diary: Diary, rows: Mapping[str, Operation], *deeds: Deed) -> Iterator[tuple[Intent, Operation]]:
    for intent in diary.of(*deeds):
        row = rows.get(intent.request_id)
        if row is not None:
            yield intent, row


def _story(row: Operation | None) -> str:
    """Tell all that a row says."""
    if row is None:
        return "no row"
    failure = "" if row.failure is None else f", {row.failure.reason}: {row.failure.message}"
    notes = "".join(f"; {note.text}" for note in row.notes)
    return f"{row.method.rpartition('/')[2]} {row.state}, stage {row.stage}, attempts {row.attempts}{failure}{notes}"
