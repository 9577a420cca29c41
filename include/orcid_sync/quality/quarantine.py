"""Quarantine: bad rows are set aside inside the database, by the very condition that counted them."""

from __future__ import annotations

from typing import Final

import psycopg

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Connection
from orcid_sync.quality.checks import Severity, Suite

# Not needed to correct a row, and not ours to keep.
_LEFT_OUT: Final = ("email",)


class CheckBroken(Misconfigured):
    """A check can't be carried out: the software is wrong, not the rows."""

    kind = "check_broken"


def view_name(suite: Suite) -> str:
    """The view that holds, for each staged row, 1 under each check that it fails."""
    return f"checked_{suite.relation}"


def create_view(connection: Connection, suite: Suite) -> None:
    """Make the view. Raises CheckBroken where a condition isn't valid SQL."""
    checks = ", ".join(f"coalesce(({check.bad}), false)::integer AS {check.name}" for check in suite.checks)
    data = "to_jsonb(t)" + "".join(f" - '{name}'" for name in _LEFT_OUT)
    name = f"staging.{view_name(suite)}"
    try:
        connection.execute(f"DROP VIEW IF EXISTS {name}")
        connection.execute(
            f"CREATE VIEW {name} AS SELECT coalesce({suite.key}, '?') AS row_key, {suite.cris_id} AS waiting_id, "
            f"({suite.section or 'NULL'})::text AS waiting_section, {data} AS row_data, {checks} "
            f"FROM staging.{suite.relation} t {suite.joins}"
        )
    except psycopg.ProgrammingError as error:
        raise broken(suite.relation, error.diag.message_primary or type(error).__name__) from None


def flag(connection: Connection, suite: Suite) -> None:
    """Put the bad rows of one relation into `staging.flagged`. Raises CheckBroken."""
    checks = [check for check in suite.checks if check.severity is Severity.WARNING]
    total = " + ".join(f"c.{check.name}" for check in checks)
    arms = ", ".join(f"(%s, %s, %s, c.{check.name})" for check in checks)
    values = [value for check in checks for value in (check.name, check.effect.value, check.message)]
    try:
        connection.execute(
            "INSERT INTO staging.flagged (relation, key, section, cris_id, check_name, effect, message, data) "
            "SELECT DISTINCT ON (c.row_key, v.name) "
            "%s, c.row_key, c.waiting_section, c.waiting_id, v.name, v.effect, v.message, c.row_data "
            f"FROM staging.{view_name(suite)} c "
            f"CROSS JOIN LATERAL (VALUES {arms}) v (name, effect, message, bad) WHERE {total} > 0 AND v.bad = 1",
            [suite.relation, *values],
        )
    except (psycopg.DataError, psycopg.ProgrammingError) as error:
        raise broken(suite.relation, error.diag.message_primary or type(error).__name__) from None


def keep(connection: Connection, suites: tuple[Suite, ...], run_id: str, *, full: bool) -> None:
    """Bring the ledger's quarantine up to date: new and standing rows from `staging.flagged`, resolved ones closed.

    A row counts as resolved once what owns it was read again and the check passed, or a full extraction no longer
    showed it.
    """
    connection.execute(
        "INSERT INTO quarantine (relation, key, section, cris_id, check_name, message, row, run_id) "
        "SELECT relation, key, section, cris_id, check_name, message, data, %s FROM staging.flagged "
        "ON CONFLICT (relation, key, check_name) WHERE resolved_at IS NULL DO UPDATE SET "
        "section = EXCLUDED.section, cris_id = EXCLUDED.cris_id, message = EXCLUDED.message, row = EXCLUDED.row, "
        "run_id = EXCLUDED.run_id, last_seen = now()",
        (run_id,),
    )
    for suite in suites:
        looked_at = (
            "" if full else f"AND open.cris_id IN (SELECT {suite.owner_key} FROM staging.{suite.owner}) "
        )
        connection.execute(
            "UPDATE quarantine open SET resolved_at = now() WHERE open.relation = %s AND open.resolved_at IS NULL "
            f"{looked_at}AND NOT EXISTS (SELECT FROM staging.flagged f WHERE f.relation = open.relation "
            "AND f.key = open.key AND f.check_name = open.check_name)",
            (suite.relation,),
        )


def broken(relation: str, why: str, check: str | None = None) -> CheckBroken:
    """The error that tells a broken check apart from bad rows."""
    named = f"the check {check} of {relation}" if check else f"a check of {relation}"
    return CheckBroken(
        f"{named[0].upper()}{named[1:]} can't be carried out; nothing was merged",
        why=why,
        remedy="The rows are not to blame: correct the check's condition in the quality suites",
    )
