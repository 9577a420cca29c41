"""What is finished goes after its time; what is not, and what was decided, stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

from orcid_sync.ledger.retention import let_go_of_finished
from orcid_sync.settings import Settings

from tests.fixtures.house import House

DAY = 86400


def test_only_what_was_finished_long_ago_goes(house: House, tmp_path: Path) -> None:
    with house.ledger.transaction() as connection:
        connection.execute(
            "INSERT INTO run (run_id) VALUES ('r'); "
            "INSERT INTO quarantine (relation, key, check_name, message, row, run_id, resolved_at) "
            "SELECT 'staff', n::text, 'orcid_valid', 'm', '{}', 'r', "
            "CASE WHEN n > 0 THEN now() - make_interval(days => n) END FROM unnest(ARRAY[0, 39, 41]) AS n; "
            "INSERT INTO alert (cause, what, remedy, who, resolved_at) "
            "SELECT 'failed:' || n, 'w', 'r', 'us', CASE WHEN n > 0 THEN now() - make_interval(days => n) END "
            "FROM unnest(ARRAY[0, 39, 41]) AS n"
        )
    for name, days in (("new", 1), ("old", 41)):
        pages = tmp_path / name
        pages.mkdir()
        (pages / "index.html").write_text("pages")
        os.utime(pages / "index.html", (time.time() - days * DAY,) * 2)
    (tmp_path / "not_ours").mkdir()
    settings = Settings(keep_days=40, data_docs_dir=tmp_path)
    assert let_go_of_finished(house.ledger, settings) == {"quarantine": 1, "alerts": 1, "data_docs": 1}
    assert [row.key for row in house.all("SELECT key FROM quarantine ORDER BY key")] == ["0", "39"]
    assert [row.cause for row in house.all("SELECT cause FROM alert ORDER BY cause")] == [
        "failed:0",
        "failed:39",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "not_ours"]
    assert let_go_of_finished(house.ledger, settings) == {"quarantine": 0, "alerts": 0, "data_docs": 0}
