"""What does the platform rely on at an operator's PAM endpoint? One case for each rule, tried out with small tickets.

Every ticket is a new one, and what a case has taken or paid it takes back at the end, so that the player's balance is
what it was if the endpoint keeps the rules.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from enum import StrEnum
from typing import Final, NamedTuple

from gateway.cli.pam_endpoint import Answer, Delivery, Endpoint, Signer
from gateway.cli.pam_scripts import Script, Stake, Ticket, scripts

__all__ = ["Contract", "Finding", "Verdict"]

_PATIENCE_S: Final = 2
_STALE_S: Final = 3_600
_SCRIPT_S: Final = 10
"""A ticket's deliveries are stamped one second apart, from so long ago on."""
_MOST_BACK_S: Final = 60


class Verdict(StrEnum):
    """How a case ended."""

    PASS = "pass"  # noqa: S105 - passed, not a password
    WARN = "warn"
    FAIL = "FAIL"


class Finding(NamedTuple):
    """A case, what the platform expects, and what was seen."""

    case: str
    expected: str
    seen: str
    verdict: Verdict


class _Player(NamedTuple):
    id: str
    balance: int


class Contract:
    """The cases, in the order in which they are tried."""

    def __init__(self, endpoint: Endpoint, signer: Signer, stake: Stake) -> None:
        self._endpoint = endpoint
        self._signer = signer
        self._stake = stake
        self._stamps: set[int] = set()
        self.before: int | None = None
        """The player's balance in cents at the start, None if it could not be had."""
        self.after: int | None = None

    async def findings(self) -> AsyncIterator[Finding]:
        """Try everything; raises Unreachable if there is no connection."""
        yield await self._ping()
        known = await self._known()
        yield known
        yield await self._unknown_token()
        player = await self._player()
        self.before = player.balance if player else None
        for forgery in _FORGERIES:
            yield await self._forged(forgery, player)
        for probe in (self._stale, self._pretty, self._unknown_action, self._malformed):
            yield await probe()
        for script in scripts(self._stake.price):
            yield await self._played(script, player)
        yield self._speed()
        last = await self._player()
        self.after = last.balance if last else None

    async def _ping(self) -> Finding:
        answer = await self._endpoint.deliver(Delivery({}, self._signer.body("ping", {})))
        return _finding("ping, which is not signed", "200", answer, answer.ok)

    async def _identify(self, token: str) -> Answer:
        """Ask who has a token; no two of these are signed alike while that can be had."""
        back = next((back for back in range(_MOST_BACK_S) if self._second() - back not in self._stamps), 0)
        self._stamps.add(self._second() - back)
        return await self._endpoint.deliver(self._signer.action("identify", {"token": token}, late_by=back))

    def _second(self) -> int:
        return int(self._signer.clock())

    async def _player(self) -> _Player | None:
        content = (await self._identify(self._stake.token)).content
        if not isinstance(content, dict):
            return None
        player, balance = content.get("player_id"), content.get("balance")
        if not isinstance(player, str) or not isinstance(balance, int):
            return None
        return _Player(player, balance)

    async def _known(self) -> Finding:
        answer = await self._identify(self._stake.token)
        wrong = _wrong_fields(answer.content, self._stake.currency) if answer.ok else []
        expected = "200 with all five fields"
        seen = f"{answer}, wrong: {', '.join(wrong)}" if wrong else str(answer)
        return _finding("identify a known token", expected, seen, answer.ok and not wrong)

    async def _unknown_token(self) -> Finding:
        answer = await self._identify(f"nobody-{secrets.token_hex(8)}")
        good = answer.status == 403 or (answer.status == 400 and answer.code == 101)
        return _finding("identify an unknown token", "403, or 400 with code 101", answer, good)

    async def _forged(self, forgery: _Forgery, player: _Player | None) -> Finding:
        """Deliver a create that is not signed as it should be."""
        ticket = Ticket.new(player.id if player else self._stake.token, self._stake)
        answer = await self._endpoint.deliver(forgery.forge(self._signer, ticket))
        taken = await self._taken(player)
        if answer.ok or taken:
            await self._endpoint.deliver(self._signer.action("ticket_discard", ticket.data("ticket_discard")))
        seen = f"{answer}, {taken} taken" if taken else str(answer)
        good = answer.status in {401, 403} or (answer.refused and not forgery.is_forbidden)
        expected = f"{'401 or 403' if forgery.is_forbidden else '4xx'}, nothing taken"
        return _finding(forgery.case, expected, seen, good and not taken)

    async def _taken(self, player: _Player | None) -> int:
        now = await self._player() if player else None
        return player.balance - now.balance if player and now else 0

    async def _stale(self) -> Finding:
        delivery = self._signer.action("identify", {"token": self._stake.token}, late_by=_STALE_S)
        answer = await self._endpoint.deliver(delivery)
        return _finding("a timestamp one hour old", "4xx", answer, answer.refused, otherwise=Verdict.WARN)

    async def _pretty(self) -> Finding:
        body = self._signer.body("identify", {"token": self._stake.token})
        spaced = json.dumps(json.loads(body), indent=2, ensure_ascii=False).encode()
        answer = await self._endpoint.deliver(replace(self._signer.signed(body), body=spaced))
        case = "whitespace added after signing"
        return _finding(case, "200", answer, answer.ok, otherwise=Verdict.WARN)

    async def _unknown_action(self) -> Finding:
        answer = await self._endpoint.deliver(
            self._signer.action("ticket_teleport", {"ticket_id": secrets.token_hex(12)})
        )
        good = answer.refused and answer.code is not None
        seen = str(answer) if not answer.refused or good else f"{answer} without code and message"
        return _finding("unknown action", '4xx with {"code", "message"}', seen, good)

    async def _malformed(self) -> Finding:
        whole = self._signer.body("identify", {"token": self._stake.token})
        answer = await self._endpoint.deliver(self._signer.signed(whole[:-2]))
        return _finding("signed, but not JSON", "4xx", answer, answer.refused)

    async def _played(self, script: Script, player: _Player | None) -> Finding:
        start = await self._player() if player else None
        if start is None:
            return Finding(script.case, script.expected, "not tried: no balance", Verdict.FAIL)
        if start.balance < self._stake.price:
            seen = f"not tried: the balance, {start.balance}, is less than the price"
            return Finding(script.case, script.expected, seen, Verdict.FAIL)
        ticket = Ticket.new(start.id, self._stake)
        deviation = await self._deviation(script, ticket, start)
        for place, action in enumerate(script.undo, len(script.steps)):
            await self._endpoint.deliver(self._on(ticket, action, place))
        return _finding(script.case, script.expected, deviation or "as expected", not deviation)

    async def _deviation(self, script: Script, ticket: Ticket, start: _Player) -> str:
        """Play a script; return where it came out otherwise, empty if it did not."""
        delivery = Delivery({}, b"")
        for place, step in enumerate(script.steps):
            if step.again != "the same delivery":
                delivery = self._on(ticket, step.action, place)
            answer = await self._endpoint.deliver(delivery)
            name = f"{step.action} ({step.again})" if step.again else step.action
            if not step.takes(answer):
                return f"{name}: {answer}"
            now = await self._player()
            if now is None:
                return f"{name}: {answer}, and no balance after it"
            won = now.balance - start.balance
            if won != step.won:
                return f"{name}: {answer}, but the balance has changed by {won:+} and not by {step.won:+}"
        return ""

    def _on(self, ticket: Ticket, action: str, place: int) -> Delivery:
        return self._signer.action(action, ticket.data(action), late_by=_SCRIPT_S - place)

    def _speed(self) -> Finding:
        slowest = self._endpoint.slowest_s
        seen = f"slowest: {slowest:.2f} s"
        return _finding("speed", f"answers within {_PATIENCE_S} s", seen, slowest <= _PATIENCE_S, Verdict.WARN)


class _Forgery(NamedTuple):
    """A delivery that is not signed as it should be, and whether only 401 and 403 will do for it."""

    case: str
    forge: Callable[[Signer, Ticket], Delivery]
    is_forbidden: bool


def _create(signer: Signer, ticket: Ticket) -> Delivery:
    return signer.action("ticket_create", ticket.data("ticket_create"))


def _other_key(signer: Signer, ticket: Ticket) -> Delivery:
    return _create(replace(signer, secret=secrets.token_bytes(32)), ticket)


def _no_signature(signer: Signer, ticket: Ticket) -> Delivery:
    delivery = _create(signer, ticket)
    return replace(delivery, headers={"timestamp": delivery.headers["timestamp"]})


def _other_time(signer: Signer, ticket: Ticket) -> Delivery:
    delivery = _create(signer, ticket)
    stamp = str(int(delivery.headers["timestamp"]) - 1)
    return replace(delivery, headers={**delivery.headers, "timestamp": stamp})


def _other_price(signer: Signer, ticket: Ticket) -> Delivery:
    delivery = _create(signer, ticket)
    dearer = replace(ticket, stake=ticket.stake._replace(price=ticket.stake.price + 1))
    return replace(delivery, body=signer.body("ticket_create", dearer.data("ticket_create")))


_FORGERIES: Final = (
    _Forgery("signed with another key", _other_key, is_forbidden=True),
    _Forgery("no signature", _no_signature, is_forbidden=False),
    _Forgery("timestamp changed after signing", _other_time, is_forbidden=False),
    _Forgery("price changed after signing", _other_price, is_forbidden=True),
)


def _wrong_fields(content: object, currency: str) -> list[str]:
    """Return the fields of an identify answer that are missing or not what they should be."""
    if not isinstance(content, dict):
        return ["the body is not a JSON object"]
    flags = content.get("feature_flags")
    balance = content.get("balance")
    good = {
        "player_id": isinstance(content.get("player_id"), str) and content["player_id"] != "",
        "lang": isinstance(content.get("lang"), str),
        "balance": isinstance(balance, int) and not isinstance(balance, bool),
        "currency": content.get("currency") == currency,
        "feature_flags": isinstance(flags, dict) and all(isinstance(flag, bool) for flag in flags.values()),
    }
    return [name for name, is_good in good.items() if not is_good]


def _finding(case: str, expected: str, seen: Answer | str, good: bool, otherwise: Verdict = Verdict.FAIL) -> Finding:
    return Finding(case, expected, str(seen), Verdict.PASS if good else otherwise)
