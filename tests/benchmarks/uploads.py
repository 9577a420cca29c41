"""A file of affiliations: seconds to check it and take it over, and to find that nothing in it is new."""

from __future__ import annotations

import csv
import datetime as dt
import io
import time
from typing import Any

from orcid_sync.ledger.imports import read_csv
from orcid_sync.ledger.uploads import upload_affiliations
from orcid_sync.model.upload_rows import COLUMNS, NEEDED

from tests.benchmarks.setup import Server, new_ledger

TODAY = dt.date(2026, 6, 1)


def upload_times(server: Server, rows: int = 10_000) -> dict[str, Any]:
    """The same file three times: checked, taken over, uploaded again."""
    ledger, _ = new_ledger(server)
    with ledger.transaction() as connection:
        connection.execute(
            "INSERT INTO cris_staff (person_id, family_names, is_current, visible, opted_out, row_hash) "
            "SELECT 'p' || n, 'Someone', true, true, false, gen_random_uuid() FROM generate_series(0, %s) n",
            (rows // 3,),
        )
    text = _file(rows)
    found = []
    for label, check_only in (("checked", True), ("taken over", False), ("uploaded again", False)):
        started = time.perf_counter()
        report = upload_affiliations(
            ledger,
            read_csv(io.StringIO(text), NEEDED, "affiliations", optional=COLUMNS),
            unit="library",
            actor="bench",
            today=TODAY,
            check_only=check_only,
        )
        seconds = time.perf_counter() - started
        found.append({"file": label, "rows": report.rows, "new": report.new, "seconds": round(seconds, 2)})
    return {"affiliations": rows, "rows": found}


def _file(rows: int) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for number in range(rows):
        writer.writerow(
            {
                "person-id": f"p{number // 3}",
                "affiliation-section": "employment",
                "role-title": f"Degree {number % 3}",
                "department-name": "Faculty of Everything",
                "start-date": f"{1980 + number % 40}-09",
                "end-date": f"{1984 + number % 40}-06-30",
                "org-name": "University of Examples",
                "org-city": "Uppsala",
                "org-country": "SE",
                "disambiguation-source": "ROR",
                "disambiguated-organization-identifier": "https://ror.org/048a87296",
                "id": f"r{number}",
            }
        )
    return text.getvalue()
