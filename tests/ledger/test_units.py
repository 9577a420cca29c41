"""Units applied and items moved, on a real ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from orcid_sync.errors import Misconfigured, SettingInvalid, Transient
from orcid_sync.ledger.session import UNIT_LOCK, Connect, Ledger
from orcid_sync.ledger.units import apply_units, move_items
from orcid_sync.ledger.units_file import Unit, UnitsFile

from tests.fixtures.ledger import LedgerDatabase
from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows

ORCID = "0000-0002-1825-0097"
OLD = "APP-00000000000000AA"


def unit(code: str, **fields: Any) -> Unit:
    return Unit(**{"code": code, "name": code.title(), "sections": ["work"], "librarians": ["ann"], **fields})


def file(*units: Unit, ours: tuple[str, ...] = ()) -> UnitsFile:
    return UnitsFile(Path("units.yaml"), ours, units)


class Applier:
    def __init__(self, ledger: Ledger, owner: Connect) -> None:
        self.ledger, self.owner = ledger, owner

    def __call__(
        self,
        *units: Unit,
        ours: tuple[str, ...] = (),
        clients: dict[str, str] | None = None,
        dry_run: bool = False,
    ) -> list[str]:
        return apply_units(
            self.owner,
            self.ledger,
            file(*units, ours=ours),
            actor="system user op",
            dry_run=dry_run,
            client_ids=clients or {"default": CLIENT_ID},
        )


@pytest.fixture
def apply(ledger: Ledger, ledger_owner: Connect) -> Applier:
    return Applier(ledger, ledger_owner)


# --- apply -------------------------------------------------------------------------------------------------------


def test_units_are_made_once(apply: Applier, rows: LedgerRows, ledger_database: LedgerDatabase) -> None:
    role = f"{ledger_database.name}_library"
    assert apply(unit("library"), ours=(OLD,)) == [
        f"API client {OLD}: ours, written with by something else",
        f"API client {CLIENT_ID}: client `default`",
        f"unit library: role {role} created",
        "unit library: created (work; approval librarian, 1 librarians; client default)",
    ]
    assert apply(unit("library"), ours=(OLD,)) == []
    assert rows.execute("SELECT code, role_name, active FROM unit") == [("library", role, True)]
    assert rows.one("SELECT count(*) FROM audit_event WHERE what = 'units_applied'") == 1


def test_a_dry_run_shows_and_keeps_nothing(apply: Applier, rows: LedgerRows) -> None:
    shown = apply(unit("library"), dry_run=True)
    assert rows.one("SELECT count(*) FROM unit") == 0
    assert rows.one("SELECT count(*) FROM pg_roles WHERE rolname = current_database() || '_library'") == 0
    assert apply(unit("library")) == shown


def test_changes_are_shown_and_name_no_person(apply: Applier, rows: LedgerRows) -> None:
    apply(unit("library", librarians=["ann", "bob"]))
    diff = apply(
        unit(
            "library",
            name="The Library",
            approval="automatic",
            sections=["work", "employment"],
            default_for=["work"],
            librarians=["ann", "cara", "dan"],
            pilot=["P1"],
            contacts={"main": {"name": "Ann", "email": "ann@example.org"}},
        )
    )
    assert diff == [
        "unit library: name Library -> The Library",
        "unit library: approval librarian -> automatic",
        "unit library: sections work -> work, employment",
        "unit library: default_for none -> work",
        "unit library: librarians 2 added, 1 removed",
        "unit library: pilot 1 added, 0 removed",
        "unit library: contacts changed",
    ]
    assert rows.execute("SELECT user_name FROM unit_librarian ORDER BY 1") == [("ann",), ("cara",), ("dan",)]


def test_a_unit_that_left_the_file_is_inactive_and_keeps_what_it_owns(
    apply: Applier, rows: LedgerRows
) -> None:
    apply(unit("library"), unit("med"))
    med = rows.one("SELECT id FROM unit WHERE code = 'med'")
    rows.put_code(rows.item(med, rows.researcher()), ORCID, 1)

    [line] = apply(unit("library"))

    assert line.startswith(
        "unit med: inactive, the file doesn't name it any more; 1 items of it stand on records"
    )
    assert rows.one("SELECT active FROM unit WHERE code = 'med'") is False
    assert apply(unit("library"), unit("med")) == ["unit med: active again"]


def test_a_units_role_is_a_mask_that_the_application_may_put_on(
    apply: Applier, rows: LedgerRows, ledger_database: LedgerDatabase
) -> None:
    apply(unit("library"))
    row = rows.execute(
        "SELECT rolcanlogin, rolsuper, rolbypassrls, pg_has_role(rolname, current_database() || '_unit', 'usage'), "
        "pg_has_role(current_database() || '_app', rolname, 'set'), "
        "pg_has_role(current_database() || '_app', rolname, 'usage') "
        "FROM pg_roles WHERE rolname = current_database() || '_library'"
    )
    assert row == [(False, False, False, True, True, False)]


def test_a_lost_membership_is_given_back(
    apply: Applier, rows: LedgerRows, ledger_database: LedgerDatabase
) -> None:
    apply(unit("library"))
    name = ledger_database.name
    rows.execute(f"REVOKE {name}_library FROM {name}_app")
    assert apply(unit("library")) == [f"unit library: role {name}_library given its memberships"]


def test_a_role_that_may_do_more_is_refused(
    apply: Applier, rows: LedgerRows, ledger_database: LedgerDatabase
) -> None:
    rows.execute(f"CREATE ROLE {ledger_database.name}_library LOGIN")
    with pytest.raises(Misconfigured, match="may log in"):
        apply(unit("library"))


def test_an_owner_connection_without_rights_is_told(ledger: Ledger, ledger_database: LedgerDatabase) -> None:
    with pytest.raises(Misconfigured, match="AIRFLOW_CONN_LEDGER_OWNER"):
        apply_units(
            ledger_database.connect_application,
            ledger,
            file(unit("library")),
            actor="op",
            client_ids={"default": CLIENT_ID},
        )


def test_the_clients_come_from_the_connections(
    ledger: Ledger, ledger_owner: Connect, rows: LedgerRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = "http://APP-000000000000MED0:secret@127.0.0.1:8090"
    monkeypatch.setenv("AIRFLOW_CONN_ORCID_MED", uri)
    apply_units(ledger_owner, ledger, file(unit("med", client="med")), actor="op")
    assert rows.execute("SELECT client_id, code FROM api_client") == [("APP-000000000000MED0", "med")]

    monkeypatch.delenv("AIRFLOW_CONN_ORCID_MED")
    with pytest.raises(SettingInvalid, match="AIRFLOW_CONN_ORCID_MED"):
        apply_units(ledger_owner, ledger, file(unit("med", client="med")), actor="op")


def test_a_client_can_be_replaced_and_the_old_one_stays_ours(apply: Applier, rows: LedgerRows) -> None:
    new = "APP-00000000000000BB"
    apply(unit("library"))
    rows.permission(rows.researcher(), ORCID)

    assert apply(unit("library"), clients={"default": new}) == [f"API client {new}: client `default`"]
    assert rows.execute("SELECT client_id, code FROM api_client ORDER BY 1") == [
        (new, "default"),
        (CLIENT_ID, None),
    ]
    assert apply(unit("library"), clients={"default": new}) == []


def test_a_client_that_never_wrote_anything_is_forgotten(apply: Applier, rows: LedgerRows) -> None:
    apply(unit("library"), ours=(OLD,))
    assert apply(unit("library")) == [f"API client {OLD}: removed"]
    assert apply(unit("library")) == []


def test_two_codes_for_one_client_are_refused(apply: Applier) -> None:
    with pytest.raises(Misconfigured, match="one client id between them"):
        apply(unit("a"), unit("b", client="med"), clients={"default": CLIENT_ID, "med": CLIENT_ID})


# --- move --------------------------------------------------------------------------------------------------------


@pytest.fixture
def two(rows: LedgerRows) -> tuple[int, int]:
    return rows.unit("library"), rows.unit("med", sections=["work"])


def owners(rows: LedgerRows, table: str = "item") -> list[Any]:
    return [
        code
        for (code,) in rows.execute(
            f"SELECT code FROM {table} x JOIN unit ON unit.id = x.unit_id ORDER BY x.id"
        )
    ]


def test_an_item_moves_with_its_put_code_and_is_asked_about_again(
    rows: LedgerRows, ledger: Ledger, two: tuple[int, int]
) -> None:
    researcher = rows.researcher()
    item = rows.item(two[0], researcher)
    rows.put_code(item, ORCID, 1)
    change = rows.change(item, "update", put_code=1)
    rows.decision(change)

    assert move_items(ledger, "library", "med", actor="op", note="Moved with the institute") == 1

    assert owners(rows) == ["med"]
    assert owners(rows, "put_code") == ["med"]
    assert rows.execute("SELECT put_code, client_id, closed_at FROM put_code") == [(1, CLIENT_ID, None)]
    assert rows.one("SELECT state FROM change WHERE id = %s", (change,)) == "superseded"
    events = rows.execute("SELECT what, item_id FROM audit_event WHERE what LIKE 'item%' ORDER BY id")
    assert events == [("items_moved", None), ("item_moved", item)]
    assert rows.one("SELECT note FROM audit_note") == "Moved with the institute"


def test_filters_choose_what_moves(rows: LedgerRows, ledger: Ledger, two: tuple[int, int]) -> None:
    rows.execute(
        "INSERT INTO cris_unit (unit_id, path, data, row_hash) VALUES "
        "('ROOT', ARRAY['ROOT'], '{}', gen_random_uuid()), ('MED', ARRAY['MED', 'ROOT'], '{}', gen_random_uuid()), "
        "('SURGERY', ARRAY['SURGERY', 'MED', 'ROOT'], '{}', gen_random_uuid())"
    )
    rows.execute(
        "INSERT INTO cris_row (section, cris_id, row_hash, answer, owning_unit_id) VALUES "
        "('work', 'a', gen_random_uuid(), 'yes', 'SURGERY'), ('work', 'b', gen_random_uuid(), 'yes', 'ROOT'), "
        "('work', 'c', gen_random_uuid(), 'yes', 'ROOT')"
    )
    researcher = rows.researcher()
    a, b, c = (rows.item(two[0], researcher, cris_id) for cris_id in "abc")
    rows.item(two[0], researcher, "post", section="employment")

    assert move_items(ledger, "library", "med", actor="op", subtree=["MED"]) == 1
    assert move_items(ledger, "library", "med", actor="op", items=[b]) == 1
    assert move_items(ledger, "library", "med", actor="op", items=[a, b]) == 0
    assert move_items(ledger, "library", "med", actor="op", section="work") == 1
    assert owners(rows) == ["med", "med", "med", "library"]
    assert c


def test_a_unit_gets_no_section_that_it_may_not_own(
    rows: LedgerRows, ledger: Ledger, two: tuple[int, int]
) -> None:
    rows.item(two[0], rows.researcher(), section="employment")
    with pytest.raises(Misconfigured, match="may not own the section employment"):
        move_items(ledger, "library", "med", actor="op")
    assert owners(rows) == ["library"]


def test_an_owner_that_has_the_same_item_takes_over_the_put_code(
    rows: LedgerRows, ledger: Ledger, two: tuple[int, int]
) -> None:
    researcher = rows.researcher()
    rows.put_code(rows.item(two[0], researcher), ORCID, 1)
    twin = rows.item(two[1], researcher)

    assert move_items(ledger, "library", "med", actor="op") == 1

    assert owners(rows) == ["library", "med"]
    live = rows.execute("SELECT item_id, put_code, origin, client_id FROM put_code WHERE closed_at IS NULL")
    assert live == [(twin, 1, "moved", CLIENT_ID)]
    assert rows.one("SELECT closed_because FROM put_code WHERE closed_at IS NOT NULL") == "moved"


def test_nothing_moves_onto_an_item_that_stands_already(
    rows: LedgerRows, ledger: Ledger, two: tuple[int, int]
) -> None:
    researcher = rows.researcher()
    rows.put_code(rows.item(two[0], researcher), ORCID, 1)
    rows.put_code(rows.item(two[1], researcher), ORCID, 2)
    assert move_items(ledger, "library", "med", actor="op") == 0
    assert rows.one("SELECT count(*) FROM put_code WHERE closed_at IS NULL") == 2


def test_what_is_being_written_moves_along(rows: LedgerRows, ledger: Ledger, two: tuple[int, int]) -> None:
    item = rows.item(two[0], rows.researcher())
    change = rows.change(item)
    rows.decision(change)
    rows.execute("UPDATE change SET state = 'writing' WHERE id = %s", (change,))
    assert move_items(ledger, "library", "med", actor="op") == 1
    assert rows.execute("SELECT state, unit_id FROM change") == [("writing", two[1])]


def test_nothing_moves_while_a_stage_works_on_a_unit(
    rows: LedgerRows, ledger: Ledger, two: tuple[int, int]
) -> None:
    rows.item(two[0], rows.researcher())
    with ledger.connection() as stage:
        stage.execute("SELECT pg_advisory_lock_shared(%s, %s)", (UNIT_LOCK, two[1]))
        with pytest.raises(Transient, match="Unit med is being proposed or written"):
            move_items(ledger, "library", "med", actor="op")
    assert owners(rows) == ["library"]


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("nobody", "med", "no unit nobody"),
        ("library", "nobody", "no unit nobody"),
        ("med", "med", "the same unit"),
    ],
)
def test_units_must_exist_and_differ(
    ledger: Ledger, two: tuple[int, int], source: str, target: str, why: str
) -> None:
    assert two
    with pytest.raises(Misconfigured, match=why):
        move_items(ledger, source, target, actor="op")
