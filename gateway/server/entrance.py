"""Who stands at the entrance? What a call shows: a bearer token, and the names in a certificate that gRPC has verified."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

import grpc.aio

from gateway.callers import ANYBODY, Access, Caller, Credentials, digest_of

__all__ = ["Context", "Entrance", "Metadata"]

Context = grpc.aio.ServicerContext[Any, Any]

Metadata = Collection[tuple[str, str | bytes]]
"""What came with a call; asked for once, because gRPC makes it anew each time."""

_TOKEN_HEADER: Final = "authorization"  # noqa: S105
_SCHEME: Final = "bearer"
_NO_URIS: Final = (b"spiffe:", b"dns:")
"""What a URI in a certificate may not begin with to count as one: the first is vouched for by gRPC, the second a host."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """What every call is met with.

    ``sees_certificates`` says that callers show certificates, ``default_operator`` whom they mean who name none.
    """

    access: Access
    sees_certificates: bool
    default_operator: str

    def caller(self, context: Context, metadata: Metadata) -> Caller | None:
        """Return who calls; None where the gateway does not know."""
        policy = self.access.policy
        return ANYBODY if policy.is_open else policy.caller(self.shown(context, metadata))

    def shown(self, context: Context, metadata: Metadata) -> Credentials:
        """Return what a call shows; of a token no more than its digest."""
        tokens = tuple(_digest(str(value)) for key, value in metadata if key == _TOKEN_HEADER)
        return Credentials(tokens, tuple(_names(context)) if self.sees_certificates else ())


def _digest(header: str) -> bytes:
    """Return the digest of a bearer token; what is none has one that no token has."""
    scheme, _, token = header.partition(" ")
    return digest_of(token.strip()) if scheme.lower() == _SCHEME else b""


def _names(context: Context) -> Iterator[str]:
    """Yield names as the settings spell them; an identity of SPIFFE counts where it is the only URI, as SPIFFE wants it."""
    shown = context.auth_context()
    for name in shown.get("peer_spiffe_id", ()):
        yield name.decode()
    for name in shown.get("peer_uri", ()):
        if not name.lower().startswith(_NO_URIS):
            yield name.decode(errors="replace")
    for name in shown.get("peer_dns", ()):
        yield f"dns:{name.decode(errors='replace').lower()}"
