"""The run record that ties stages together: when each began and ended, and what it counted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from orcid_sync.ledger.session import Ledger

Counts = dict[str, Any]


def new_run_id(command: str) -> str:
    """A run id for a stage started by hand, readable and unique: `cli-extract-20260301T031500-1f2e`."""
    return f"cli-{command}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


@contextmanager
def stage_run(ledger: Ledger, run_id: str, stage: str) -> Iterator[Counts]:
    """Record one stage of a run. The caller fills the counts that it yields; a failure is recorded by its text.

    The row is committed before the stage begins, so that a killed stage leaves a row without an end.
    """
    with ledger.transaction() as connection:
        connection.execute("INSERT INTO run (run_id) VALUES (%s) ON CONFLICT DO NOTHING", (run_id,))
        started = connection.execute(
            "INSERT INTO stage_run (run_id, stage) VALUES (%s, %s) RETURNING id", (run_id, stage)
        ).fetchone()
    assert started is not None
    counts: Counts = {"run": run_id}
    error: str | None = None
    try:
        yield counts
    except BaseException as failure:
        error = f"{type(failure).__name__}: {failure}"
        raise
    finally:
        with ledger.transaction() as connection:
            connection.execute(
                "UPDATE stage_run SET ended_at = clock_timestamp(), counts = %s, error = %s WHERE id = %s",
                (Jsonb(counts), error, started.id),
            )
