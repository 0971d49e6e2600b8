"""Who calls, and what may they do? The callers of the settings, and the policy that is made of them.

A caller is known by a bearer token, of which the settings have nothing but the SHA-256, or by a name in its client
certificate. Who is no caller may do nothing. Where the settings name no callers everybody may do everything; the settings
see to it that such a gateway is on loopback.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.failure import Failure, Reason

__all__ = [
    "ANYBODY",
    "Access",
    "Caller",
    "CallerTable",
    "Credentials",
    "Policy",
    "Right",
    "caller_problems",
    "digest_of",
    "require_known",
    "token_hash",
]

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAME: Final = re.compile(r"dns:[!-~]+|[a-z][a-z0-9+.-]*://[!-~]+")
_EVERY: Final = "*"


class Right(StrEnum):
    """What a caller may be allowed to do for an operator; the protos say which RPC needs which."""

    READ = "read"
    BET = "bet"
    PAM = "pam"
    SMS = "sms"
    ADMIN = "admin"


def digest_of(token: str) -> bytes:
    """Return the SHA-256 of a token; tokens are random, so that nothing slower is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def token_hash(token: str) -> str:
    """Spell the hash of a token as the settings have it."""
    return f"sha256:{digest_of(token).hex()}"


def _hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise ValueError("has to be a hash that `betstack-gateway token` prints: sha256: and 64 hexadecimal digits")
    if text == token_hash(""):
        raise ValueError("is the hash of nothing")
    return text


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("has to be spiffe://…, another URI, or dns:NAME")
    return name.lower() if name.startswith("dns:") else name


class CallerTable(BaseModel):
    """One caller: how it is known, and what it may do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: tuple[Annotated[str, AfterValidator(_hash)], ...] = Field(
        default=(), description="hashes of its bearer tokens, as `betstack-gateway token` prints them"
    )
    certificates: tuple[Annotated[str, AfterValidator(_name)], ...] = Field(
        default=(), description="names in its client certificate: `spiffe://…` or another URI, or `dns:NAME`"
    )
    operators: tuple[str, ...] = Field(min_length=1, description='operators that it may call for; `["*"]` for all')
    rights: tuple[Right, ...] = Field(min_length=1, description="what it may do: `read`, `bet`, `pam`, `sms`, `admin`")


def caller_problems(
    callers: Mapping[str, CallerTable], operators: Collection[str], *, is_near: bool, sees_certificates: bool
) -> Iterator[str]:
    """Yield what is wrong with callers taken together.

    ``is_near`` says that nobody but this machine can call, ``sees_certificates`` that callers show certificates.
    """
    if not callers and not is_near:
        yield "none is named, and server.listen is not on loopback: say who may call"
    seen: dict[str, str] = {}
    for name, table in callers.items():
        if not name.isascii() or not name.isprintable() or not name.strip():
            yield f"{name!r}: a name has to be printable ASCII"
        if not table.tokens and not table.certificates:
            yield f"{name}: tokens or certificates are needed to know it by"
        if table.certificates and not sees_certificates:
            yield f"{name}.certificates: no caller shows a certificate without server.client_ca_file"
        for operator in table.operators:
            if operator != _EVERY and operator not in operators:
                yield f"{name}.operators: no operator {operator!r} is configured"
        for proof in chain(table.tokens, table.certificates):
            if seen.setdefault(proof, name) != name:
                yield f"{name}: is known by the same token or certificate as {seen[proof]}"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody that the gateway knows; ``operators`` is None for all of them."""

    name: str
    operators: frozenset[str] | None
    rights: frozenset[Right]

    def require(self, right: Right, operator: str) -> None:
        """Raise CALLER_NOT_ALLOWED unless the caller has this right for this operator.

        An operator that is not the caller's and one that does not exist are refused alike. That no operator is named at all
        is nobody's secret, and said by whoever needs one.
        """
        is_its_own = self.operators is None or not operator or operator in self.operators
        if right not in self.rights or not is_its_own:
            raise Failure(
                Reason.CALLER_NOT_ALLOWED,
                f"the caller does not have the right `{right}` for this operator",
                metadata={"right": right},
            )


ANYBODY: Final = Caller("", None, frozenset(Right))
"""Everybody, where there is no policy."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a call shows of its caller: digests of the bearer tokens, and names in the certificate that was verified."""

    tokens: tuple[bytes, ...] = ()
    names: tuple[str, ...] = ()


class Policy:
    """Who the callers are."""

    def __init__(self, callers: Mapping[str, CallerTable]) -> None:
        self.is_open = not callers
        self._tokens: list[tuple[bytes, Caller]] = []
        self._names: dict[str, Caller] = {}
        for name, table in callers.items():
            operators = None if _EVERY in table.operators else frozenset(table.operators)
            caller = Caller(name, operators, frozenset(table.rights))
            self._tokens += ((bytes.fromhex(token.partition(":")[2]), caller) for token in table.tokens)
            self._names |= dict.fromkeys(table.certificates, caller)

    def caller(self, shown: Credentials) -> Caller | None:
        """Return the caller; None where it is unknown.

        A token decides where there is one, so that services behind one certificate can be told apart. Two tokens, and a
        certificate with the names of two callers, are nobody's.
        """
        if self.is_open:
            return ANYBODY
        if shown.tokens:
            return self._of_token(shown.tokens[0]) if len(shown.tokens) == 1 else None
        found = {self._names[name] for name in shown.names if name in self._names}
        return found.pop() if len(found) == 1 else None

    def _of_token(self, digest: bytes) -> Caller | None:
        """Look at every token, so that the time says nothing about which of them came close."""
        found = None
        for known, caller in self._tokens:
            if hmac.compare_digest(known, digest):
                found = caller
        return found


def require_known(caller: Caller | None) -> Caller:
    """Return a caller; raises CALLER_UNKNOWN where there is none, whatever the cause in the same words."""
    if caller is None:
        raise Failure(
            Reason.CALLER_UNKNOWN, "the call has no bearer token or client certificate that the gateway knows"
        )
    return caller


class Access:
    """The policy in force, and who wants to know when it is another one."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._told: set[Callable[[], None]] = set()

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def replace(self, policy: Policy) -> None:
        """Put another policy in force."""
        self._policy = policy
        for told in tuple(self._told):
            told()

    @contextmanager
    def telling(self, told: Callable[[], None]) -> Iterator[None]:
        """Call a function each time that there is another policy."""
        self._told.add(told)
        try:
            yield
        finally:
            self._told.discard(told)
