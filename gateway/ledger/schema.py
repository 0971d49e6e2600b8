"""Which tables does the ledger have? The schema by version; a database is brought to the latest one at start."""

from __future__ import annotations

from typing import Final

from gateway.ledger.database import LedgerUnavailable, Query, Transaction

__all__ = ["MIGRATIONS", "migrate"]

MIGRATIONS: Final = (
    (
        """
        CREATE TABLE operations (
            seq $serial,
            operator TEXT NOT NULL,
            request_id TEXT NOT NULL,
            method TEXT NOT NULL,
            fingerprint $blob NOT NULL,
            request $blob NOT NULL,
            ticket_id TEXT,
            state TEXT NOT NULL,
            free INTEGER NOT NULL,
            stage TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            maybe_sent INTEGER NOT NULL,
            owner TEXT NOT NULL,
            response $blob,
            failure TEXT,
            notes TEXT NOT NULL,
            received DOUBLE PRECISION NOT NULL,
            sent DOUBLE PRECISION,
            updated DOUBLE PRECISION NOT NULL,
            next_at DOUBLE PRECISION,
            tries INTEGER NOT NULL,
            looks INTEGER NOT NULL,
            leased_until DOUBLE PRECISION,
            UNIQUE (operator, request_id)
        )
        """,
        "CREATE INDEX operations_by_ticket ON operations (operator, ticket_id) WHERE ticket_id IS NOT NULL",
        "CREATE INDEX operations_open ON operations (state) WHERE state IN ('RECEIVED', 'SENDING')",
        "CREATE INDEX operations_due ON operations (next_at) WHERE next_at IS NOT NULL",
        "CREATE INDEX operations_by_age ON operations (updated)",
        """
        CREATE TABLE debts (
            operator TEXT NOT NULL,
            ticket_id TEXT NOT NULL,
            request_id TEXT NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            notes TEXT NOT NULL,
            received DOUBLE PRECISION NOT NULL,
            updated DOUBLE PRECISION NOT NULL,
            next_at DOUBLE PRECISION,
            tries INTEGER NOT NULL,
            PRIMARY KEY (operator, ticket_id)
        )
        """,
        "CREATE INDEX debts_due ON debts (next_at) WHERE next_at IS NOT NULL",
    ),
    (
        """
        CREATE TABLE facts (
            seq $serial,
            key TEXT NOT NULL UNIQUE,
            operator TEXT NOT NULL,
            ticket_id TEXT NOT NULL,
            action TEXT NOT NULL,
            epoch BIGINT NOT NULL,
            stamp BIGINT NOT NULL,
            data $blob NOT NULL,
            request $blob NOT NULL,
            state TEXT NOT NULL,
            status INTEGER,
            body $blob,
            owner TEXT NOT NULL,
            received DOUBLE PRECISION NOT NULL,
            updated DOUBLE PRECISION NOT NULL,
            next_at DOUBLE PRECISION,
            tries INTEGER NOT NULL,
            told INTEGER NOT NULL
        )
        """,
        "CREATE INDEX facts_by_ticket ON facts (operator, ticket_id)",
        "CREATE INDEX facts_open ON facts (state) WHERE state IN ('TRYING', 'PENDING')",
        "CREATE INDEX facts_by_age ON facts (updated)",
        """
        CREATE TABLE deliveries (
            operator TEXT NOT NULL,
            api TEXT NOT NULL,
            stamp BIGINT NOT NULL,
            signature TEXT NOT NULL,
            key TEXT NOT NULL,
            status INTEGER,
            body $blob,
            received DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (operator, api, stamp, signature)
        )
        """,
        "CREATE INDEX deliveries_by_key ON deliveries (operator, key)",
        "CREATE INDEX deliveries_by_age ON deliveries (received)",
        """
        CREATE TABLE events (
            seq $serial,
            operator TEXT NOT NULL,
            kind TEXT NOT NULL,
            payload $blob NOT NULL,
            stamp BIGINT NOT NULL,
            accepted DOUBLE PRECISION NOT NULL
        )
        """,
        "CREATE INDEX events_by_operator ON events (operator, seq)",
        "CREATE INDEX events_by_age ON events (accepted)",
        "CREATE TABLE events_gone (operator TEXT PRIMARY KEY, seq BIGINT NOT NULL)",
        """
        CREATE TABLE consumers (
            operator TEXT NOT NULL,
            consumer TEXT NOT NULL,
            seq BIGINT NOT NULL,
            updated DOUBLE PRECISION NOT NULL,
            PRIMARY KEY (operator, consumer)
        )
        """,
    ),
    (
        """
        CREATE INDEX operations_undecided ON operations (operator, state, received)
        WHERE state IN ('UNKNOWN', 'NEEDS_HUMAN')
        """,
        "CREATE INDEX debts_open ON debts (operator, state, received) WHERE state <> 'SETTLED'",
        "CREATE TABLE probes (probe INTEGER PRIMARY KEY, written DOUBLE PRECISION NOT NULL)",
    ),
)
"""The statements that lead from each version to the next one; a released entry is never changed."""


def migrate(now: float) -> Transaction[int]:
    """Bring the schema to the latest version and return how many steps that took.

    Raises LedgerUnavailable where a later gateway has brought it further.
    """
    yield Query("SELECT $serialise(?)", ("schema",))
    yield Query("CREATE TABLE IF NOT EXISTS schema_versions (version INTEGER PRIMARY KEY, applied DOUBLE PRECISION)")
    rows = yield Query("SELECT COALESCE(MAX(version), 0) FROM schema_versions")
    version = int(rows[0][0])
    if version > len(MIGRATIONS):
        raise LedgerUnavailable(f"the ledger's schema has version {version}, this gateway knows {len(MIGRATIONS)}")
    for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
        for statement in statements:
            yield Query(statement)
        yield Query("INSERT INTO schema_versions (version, applied) VALUES (?, ?)", (number, now))
    return len(MIGRATIONS) - version
