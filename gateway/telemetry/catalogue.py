"""Which metrics are there? All of them as data: names, labels and meanings, without the library that serves them.

The values of every label come from a set that ends: the contract, the settings, an enum, HTTP statuses. What is in none of
them is counted as ``other``. No player, ticket or request id is a label.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from gateway.telemetry.record import Hop

__all__ = ["CATALOGUE", "HOPS", "OTHER", "HopMetrics", "Kind", "Metric"]

OTHER: Final = "other"
_PREFIX: Final = "betstack_gateway_"
_CALL_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_LAG_S: Final = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Kind(StrEnum):
    """What a number means: how often, how much now, how it is spread."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric. ``known`` are the series that are there from the start, so that their first increase is seen.

    ``is_read`` says that it is not kept but read from the ledger at each scrape; ``workers`` is how a gauge of several
    workers adds up, in the words of prometheus-client.
    """

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    known: tuple[tuple[str, ...], ...] = ()
    is_read: bool = False
    workers: Literal["livesum", "livemax"] = "livesum"

    @property
    def full_name(self) -> str:
        """Its name for Prometheus."""
        return f"{_PREFIX}{self.name}"


@dataclass(frozen=True, slots=True)
class HopMetrics:
    """What is kept of all calls of one kind: how many there were, how long they took, how many are on their way."""

    total: Metric
    seconds: Metric
    in_flight: Metric


def _counter(name: str, meaning: str, *labels: str, known: tuple[str, ...] = ()) -> Metric:
    return Metric(name, Kind.COUNTER, meaning, labels, known=tuple((value,) for value in known))


def _read(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, meaning, labels, is_read=True)


def _hop(total: Metric, prefix: str, calls: str, label: str) -> HopMetrics:
    return HopMetrics(
        total,
        Metric(f"{prefix}_duration_seconds", Kind.HISTOGRAM, f"How long {calls} took.", (label,), _CALL_S),
        Metric(f"{prefix}_in_flight", Kind.GAUGE, f"How many {calls} are on their way.", (label,)),
    )


HOPS: Final[Mapping[Hop, HopMetrics]] = {
    Hop.RPC: _hop(
        _counter(
            "rpcs_total",
            "RPCs that ended, by gRPC code and by the gateway's own reason, which is empty for OK.",
            *("rpc", "operator", "code", "reason"),
        ),
        "rpc",
        "RPCs",
        "rpc",
    ),
    Hop.UPSTREAM: _hop(
        _counter(
            "upstream_tries_total",
            "Tries to call the platform, by HTTP status (empty where no answer came) and by how far they got on the wire.",
            *("api", "operator", "status", "stage"),
        ),
        "upstream_try",
        "tries to call the platform",
        "api",
    ),
    Hop.WEBHOOK: _hop(
        _counter(
            "webhooks_total",
            "Deliveries whose signature holds, by the HTTP status that they were answered.",
            *("api", "operator", "action", "status"),
        ),
        "webhook",
        "deliveries whose signature holds",
        "api",
    ),
    Hop.DISPATCH: _hop(
        _counter(
            "dispatch_tries_total",
            "Tries to call an operator's own service, by gRPC code.",
            *("rpc", "operator", "code"),
        ),
        "dispatch_try",
        "tries to call an operator's own service",
        "api",
    ),
}

REPLAYS: Final = _counter("replays_total", "Money calls that were answered from the ledger.", "rpc", "operator")
WEBHOOK_OUTCOMES: Final = _counter(
    "webhook_outcomes_total",
    "What became of deliveries, unsigned and wrongly signed ones included.",
    "outcome",
    known=(
        "accepted",
        "repeated",
        "refused",
        "no_signature",
        "wrong_signature",
        "malformed",
        "unknown_action",
        "webhook_out_of_place",
        "webhook_lost",
        "webhook_needs_human",
    ),
)
RECONCILED: Final = _counter(
    "reconciled_total",
    "Unknown outcomes and owed discards that the gateway is done with, by what they became.",
    "outcome",
    known=("succeeded", "rejected", "discarded", "needs_human"),
)
UNMAPPED_CODES: Final = _counter(
    "unmapped_codes_total", "Answers of the platform with a code that no table knows.", "api", "code"
)
UNMAPPED_FIELDS: Final = _counter(
    "unmapped_fields_total", "Values of the platform that the contract has no field for.", "field"
)
FAULTS: Final = _counter("faults_total", "Exceptions that nobody expected; the log has each one's error id.")
BREAKER_OPEN: Final = Metric(
    "breaker_open",
    Kind.GAUGE,
    "1 where the circuit breaker of a platform host holds calls back, in any worker.",
    ("host",),
    workers="livemax",
)
BREAKER_OPENED: Final = _counter("breaker_opened_total", "How often the circuit breaker of a host opened.", "host")
LOOP_LAG: Final = Metric(
    "event_loop_lag_seconds",
    Kind.HISTOGRAM,
    "How much later than asked the event loop came back, measured twice a second.",
    buckets=_LAG_S,
)
LEDGER_OPERATIONS: Final = _read(
    "ledger_operations", "Money calls whose outcome is not known yet, by state.", "operator", "state"
)
LEDGER_OLDEST: Final = _read(
    "ledger_oldest_seconds", "Age of the oldest money call in each of these states; 0 without one.", "operator", "state"
)
LEDGER_DISCARDS: Final = _read(
    "ledger_discards", "Discards that are owed to the player account system, by state.", "operator", "state"
)
WEBHOOKS_WAITING: Final = _read(
    "webhooks_waiting", "Accepted ticket actions that the operator's service has not taken yet.", "operator"
)
WEBHOOKS_OLDEST: Final = _read(
    "webhooks_oldest_waiting_seconds", "Age of the oldest of them; 0 without one.", "operator"
)
LEDGER_READABLE: Final = _read("ledger_readable", "1 where the ledger answered this scrape.")
INFO: Final = _read("info", "1, with the version that runs.", "version")

CATALOGUE: Final[tuple[Metric, ...]] = (
    *(metric for hop in HOPS.values() for metric in (hop.total, hop.seconds, hop.in_flight)),
    REPLAYS,
    WEBHOOK_OUTCOMES,
    RECONCILED,
    UNMAPPED_CODES,
    UNMAPPED_FIELDS,
    FAULTS,
    BREAKER_OPEN,
    BREAKER_OPENED,
    LOOP_LAG,
    LEDGER_OPERATIONS,
    LEDGER_OLDEST,
    LEDGER_DISCARDS,
    WEBHOOKS_WAITING,
    WEBHOOKS_OLDEST,
    LEDGER_READABLE,
    INFO,
)
