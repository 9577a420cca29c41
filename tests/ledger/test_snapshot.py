"""The figures of a day."""

from __future__ import annotations

import datetime as dt

from orcid_sync.ledger.session import Ledger
from orcid_sync.ledger.snapshot import take_snapshot

from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows

ORCID = "0000-0002-1825-0097"


def test_a_day_has_permissions_items_and_writes(rows: LedgerRows, ledger: Ledger) -> None:
    unit = rows.unit("library")
    researcher = rows.researcher()
    rows.permission(researcher, ORCID)
    rows.permission(rows.researcher("P2"), None, state="invited")
    written = rows.item(unit, researcher, "pub-1")
    change = rows.change(written)
    rows.decision(change)
    rows.execute("UPDATE change SET state = 'writing'")
    rows.execute(
        "INSERT INTO intent (change_id, item_id, unit_id, run_id, action, digest, sent_keys, settles_at) "
        "SELECT id, item_id, unit_id, 'run', action, digest, '{}', now() FROM change"
    )
    rows.execute(
        "INSERT INTO outcome (intent_id, change_id, result) SELECT id, change_id, 'written' FROM intent"
    )
    rows.execute("UPDATE change SET state = 'written'")
    rows.put_code(written, ORCID, 1)
    rows.change(rows.item(unit, researcher, "pub-2"))

    assert take_snapshot(ledger) == {"permission": 2, "adoption": 0, "item": 2, "write": 1}
    assert take_snapshot(ledger) == {"permission": 2, "adoption": 0, "item": 2, "write": 1}

    assert rows.execute(
        "SELECT kind, unit, client, state, count FROM daily_snapshot ORDER BY kind, state"
    ) == [
        ("item", "library", CLIENT_ID, "proposed", 1),
        ("item", "library", CLIENT_ID, "written", 1),
        ("permission", "", CLIENT_ID, "granted", 1),
        ("permission", "", CLIENT_ID, "invited", 1),
        ("write", "library", CLIENT_ID, "add", 1),
    ]

    # The day after: what was written after the last figures of a day is not lost.
    rows.execute("DELETE FROM daily_snapshot")
    assert take_snapshot(ledger, dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1))["write"] == 0
    assert rows.execute(
        "SELECT day = current_date, state, count FROM daily_snapshot WHERE kind = 'write'"
    ) == [(True, "add", 1)]


def test_adoption_counts_the_staff_that_each_unit_serves(rows: LedgerRows, ledger: Ledger) -> None:
    rows.unit("library")
    rows.unit("medicine", subtree=["u-med"])
    rows.unit("trial", pilot=["P2"])
    rows.execute(
        "INSERT INTO cris_unit (unit_id, path, data, row_hash) VALUES ('u-med', '{u-med,u-all}', '{}', "
        "gen_random_uuid()), ('u-heart', '{u-heart,u-med,u-all}', '{}', gen_random_uuid())"
    )
    rows.execute(
        "INSERT INTO cris_staff (person_id, family_names, is_current, visible, opted_out, row_hash) SELECT person, 'N', "
        "person <> 'P4', true, false, gen_random_uuid() FROM unnest(ARRAY['P1', 'P2', 'P3', 'P4']) person"
    )
    for person, ended in (("P1", False), ("P2", True), ("P4", False)):
        rows.execute(
            "WITH post AS (INSERT INTO cris_row (section, cris_id, row_hash, answer, unit_id, ended) "
            "VALUES ('employment', %(person)s, gen_random_uuid(), 'yes', 'u-heart', %(ended)s) RETURNING id) "
            "INSERT INTO cris_claim (row_id, person_id, answer) SELECT id, %(person)s, 'yes' FROM post",
            {"person": person, "ended": ended},
        )
    rows.permission(rows.researcher("P1"), ORCID)
    rows.permission(rows.researcher("P2"), None, state="invited")
    take_snapshot(ledger)
    assert rows.execute(
        "SELECT unit, client, state, count FROM daily_snapshot WHERE kind = 'adoption' ORDER BY unit, state"
    ) == [
        ("library", CLIENT_ID, "granted", 1),
        ("library", CLIENT_ID, "invited", 1),
        ("library", CLIENT_ID, "never_asked", 1),
        ("medicine", CLIENT_ID, "granted", 1),
        ("trial", CLIENT_ID, "invited", 1),
    ]


def test_an_empty_ledger_has_no_figures(ledger: Ledger) -> None:
    assert take_snapshot(ledger) == {"permission": 0, "adoption": 0, "item": 0, "write": 0}
