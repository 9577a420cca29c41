"""The three stages over the made-up university with every class of dirt: nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from orcid_sync.cris.demo import edit, generate
from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings
from orcid_sync.sync.extract import extract
from orcid_sync.sync.merge import merge
from orcid_sync.sync.validate import validate

from tests.conftest import DatabaseFactory

pytestmark = pytest.mark.slow


def test_every_row_of_the_demo_cris_is_accounted_for(
    database: DatabaseFactory, ledger: Ledger, tmp_path: Path
) -> None:
    dsn = database()
    made = generate(dsn, seed=3, staff=150, publications=1500, dirt=0.2)
    settings = Settings(data_docs_dir=tmp_path)

    def run(run_id: str, *, full: bool = False) -> dict[str, dict[str, int]]:
        extract(ledger, lambda: psycopg.connect(dsn), run_id=run_id, settings=settings, full=full)
        checked = validate(ledger, run_id=run_id, settings=settings)
        merged = merge(ledger, run_id=run_id, settings=settings)["merged"]
        held = sum(tally["quarantined"] for tally in merged.values())
        assert held == checked["quarantined"]
        for tally in merged.values():
            parts = ("new", "changed", "unchanged", "quarantined")
            assert tally["staged"] == sum(tally.get(name, 0) for name in parts)
        return merged

    first = run("run-1")
    assert first["publications"]["staged"] == made.publications
    assert first["staff"]["new"] == made.staff
    assert first["employments"]["staged"] == made.employments
    with ledger.transaction() as connection:
        rows = connection.execute("SELECT count(*) AS n FROM cris_row WHERE section = 'work'").fetchone()
        claims = connection.execute(
            "SELECT count(*) AS n FROM cris_claim JOIN cris_row ON id = row_id WHERE section = 'work'"
        ).fetchone()
    assert rows.n == made.publications
    # One person in two roles is one claim; a claim of somebody unknown is none.
    assert 0.97 * made.pairs < claims.n <= made.pairs

    assert run("run-2")["publications"]["staged"] == 0
    again = run("run-3", full=True)
    assert (again["publications"]["new"], again["publications"]["changed"]) == (0, 0)
    assert again["publications"]["unchanged"] + again["publications"]["quarantined"] == made.publications

    with psycopg.connect(dsn, autocommit=True) as cris:
        edit.touch_everything(cris)
        edit.retitle(cris, "W00000001", "Retitled")
    touched = run("run-4")
    assert touched["publications"]["staged"] == 1
    assert touched["staff"]["staged"] == touched["units"]["staged"] == 0
