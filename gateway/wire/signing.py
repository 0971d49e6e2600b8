"""Which bytes are signed, and does a signature belong to them?

The platform signs ``{timestamp}{body with all spaces removed}`` with HMAC-SHA256 and spells the result as lower-case
hexadecimal digits (platform documentation, "Signature"). A request without a body signs its timestamp alone; method,
path, query and headers are not signed.

Whether "all spaces" means those inside string values too is not documented, so there are two readings:

* ``compact``: blanks inside strings are kept. This is the spelling that we send.
* ``strip-all``: blanks inside strings are taken away as well, for the signature only.

Everything here works on bytes. A body that was parsed and written again is another body: ``10`` and ``10.0`` are the
same number and give different signatures.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

__all__ = ["Whitespace", "message_to_sign", "sign", "verify"]

_BLANKS: Final = b" \t\n\r"
# A string that never ends is taken to its end as well: starting anew at each quote inside it would cost the square.
_STRING_OR_BLANKS: Final = re.compile(rb'("(?:[^"\\]|\\.)*+"?)|[ \t\n\r]++', re.DOTALL)


class Whitespace(StrEnum):
    """The two readings of "the request body with all spaces removed"."""

    COMPACT = "compact"
    STRIP_ALL = "strip-all"


def message_to_sign(timestamp: str, body: bytes, whitespace: Whitespace = Whitespace.COMPACT) -> bytes:
    """Return the bytes that a signature covers.

    ``timestamp`` is Unix time in whole seconds, spelled exactly as in the ``timestamp`` header. ``body`` is the body as
    it travels, empty where there is none. Whitespace is blank, tab, line feed and carriage return.
    """
    return timestamp.encode() + _without_blanks(body, whitespace)


def sign(secret: bytes, timestamp: str, body: bytes, whitespace: Whitespace = Whitespace.COMPACT) -> str:
    """Return the ``signature`` header for this body: 64 lower-case hexadecimal digits."""
    return hmac.digest(secret, message_to_sign(timestamp, body, whitespace), "sha256").hex()


def verify(secrets: Iterable[bytes], timestamp: str, body: bytes, signature: str) -> bool:
    """Tell whether ``signature`` covers the body as received, under one of the keys and either reading.

    Never raises, whatever the strings and bytes are; compares in constant time.
    """
    given = signature.encode("utf-8", "surrogatepass")
    stamp = timestamp.encode("utf-8", "surrogatepass")
    keys = list(secrets)
    return any(
        hmac.compare_digest(hmac.digest(key, stamp + _without_blanks(body, reading), "sha256").hex().encode(), given)
        for reading in Whitespace
        for key in keys
    )


def _without_blanks(body: bytes, whitespace: Whitespace) -> bytes:
    if whitespace is Whitespace.STRIP_ALL:
        return body.translate(None, _BLANKS)
    if b" " not in body and b"\n" not in body and b"\t" not in body and b"\r" not in body:
        return body
    return _STRING_OR_BLANKS.sub(rb"\1", body)
