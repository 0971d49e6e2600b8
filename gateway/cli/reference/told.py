"""What has to be said that the contract does not say? How to read it, how the examples came about, what is assumed."""

from __future__ import annotations

from typing import Final

from gateway.cli.playground import USUAL
from gateway.contract.rules import MAX_LENGTH

__all__ = ["CONVENTIONS", "HOW_MADE", "WHAT_IS_ASSUMED"]

CONVENTIONS: Final = f"""
Names are the platform's own. Amounts are integers in cents, odds are decimal, rates are percent, times are UTC.

In JSON an `int64` is a text, as in every JSON form of protobuf; requests may write a number. Fields that hold zero, nothing
or an empty list are left out.

`optional` says that an absent value differs from zero.

A text of a request to the platform has at most {MAX_LENGTH} characters where its field says nothing else, and no control
characters; a number is finite; an enum has a known value. Everything that is wrong is told at once, in a `BadRequest` with
the path of each field.

`unmapped` keeps what the platform sends beyond this contract.

`request_id` is the caller's idempotency key: made once per intent, sent again with every repeat. A repeat is always safe.
It never goes to the platform.

Personal data is in no log, metric or span.
"""

HOW_MADE: Final = f"""
Every example is a call that was really made, of a gateway with the sandbox behind it; none was written by hand. Requests
are shown byte for byte, so their signatures hold: the key is the sandbox's, `12345ABCDE`. Answers are laid out for people,
and a comment says where the rest of a long list was.

So that two runs give the same page, the clock stands still at noon in Nairobi on the first of January 2026 and moves a
second with each call, and ids come from a seed. Free ports are written as those of `betstack-gateway run`: the gateway is
at `{USUAL.gateway}`, the sandbox at `{USUAL.sandbox}`, its steering at `{USUAL.control}`, and webhooks arrive at
`{USUAL.webhooks}`. A request id that the gateway made up is always the same one here, and entries of maps are sorted.
"""

WHAT_IS_ASSUMED: Final = """
The platform documents most of what the gateway does, but not all. What could not be found in its documentation, in public
clients or in samples is assumed by analogy, and marked wherever it is told. An assumed fact may turn out wrong; it is then
changed in one annotation or one entry of a table.
"""
