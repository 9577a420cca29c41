"""The commands as programs outside use them: arguments in, one JSON object or lines out, an exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
import requests
from orcid_sync.cli import main
from orcid_sync.vault.crypto import KeyRing

from tests.fixtures.desk import Desk
from tests.fixtures.house import CLIENT, House
from tests.fixtures.ledger import LedgerDatabase
from tests.fixtures.ror import write_zip


class Done(NamedTuple):
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one JSON object; what went to stderr where there is none."""
        assert self.out, self.err
        return json.loads(self.out)


Cli = Callable[..., Done]


def airflow_connection(dsn: str) -> str:
    """A libpq DSN as an Airflow connection in JSON form."""
    parts = psycopg.conninfo.conninfo_to_dict(dsn)
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": parts.get("host"),
            "port": parts.get("port"),
            "login": parts.get("user"),
            "password": parts.get("password"),
            "schema": parts.get("dbname"),
        }
    )


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the surroundings' configuration."""
    for name in os.environ:
        if name.startswith(("AIRFLOW_CONN_", "ORCID_SYNC_")):
            monkeypatch.delenv(name)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command in this process."""

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        code: Any = 0
        try:
            main(list(arguments))
        except SystemExit as end:
            code = end.code or 0
        return Done(int(code), *capsys.readouterr())

    return run


@pytest.fixture
def in_house(house: House, ledger_database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch) -> House:
    """The house's ledger as the configured one."""
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_connection(ledger_database.application_dsn))
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER_OWNER", airflow_connection(ledger_database.owner_dsn))
    return house


@pytest.fixture
def batch(in_house: House) -> int:
    """An open batch of the library: an addition, a removal, and an addition with a warning."""
    library = in_house.unit("library", librarians=["ann"])
    researcher = in_house.researcher("p-1", orcid="0000-0002-1825-0097")
    return in_house.batch(
        library,
        [
            in_house.change(in_house.item(library, researcher, cris_id="c-1"), title="A title"),
            in_house.change(in_house.item(library, researcher, cris_id="c-2"), "remove"),
            in_house.change(in_house.item(library, researcher, cris_id="c-3"), warnings=["year_unlikely"]),
        ],
    )


# --- batches and decisions ---------------------------------------------------------------------------------------


def test_review_list_and_show_print_one_json_object(cli: Cli, batch: int) -> None:
    [listed] = cli("review", "list", "--json").json["batches"]
    assert (listed["batch"], listed["unit"], listed["state"], listed["undecided"]) == (
        batch,
        "library",
        "open",
        3,
    )
    shown = cli("review", "show", "--batch", str(batch), "--json").json
    fields = ("person_id", "orcid", "section", "cris_id", "action", "decision", "reason")
    assert [shown["changes"][0][field] for field in fields] == [
        "p-1",
        "0000-0002-1825-0097",
        "work",
        "c-1",
        "add",
        None,
        "new in the CRIS",
    ]
    assert isinstance(shown["changes"][0]["item"], int)


def test_review_list_and_show_print_lines_for_people(cli: Cli, batch: int) -> None:
    assert (
        f"batch {batch} of library, open: 2 add, 0 update, 1 remove, 3 undecided" in cli("review", "list").out
    )
    out = cli("review", "show", "--batch", str(batch)).out
    assert "A title" in out
    assert "[year_unlikely]" in out


def test_approving_a_batch_leaves_removals_and_warnings_until_they_are_named(cli: Cli, batch: int) -> None:
    done = cli("review", "approve", "--batch", str(batch), "--as", "ann", "--json")
    assert done.json == {
        "unit": "library",
        "verdict": "approve",
        "decided": 1,
        "add": 1,
        "update": 0,
        "remove": 0,
        "left": {"removals": 1, "warnings": 1},
    }
    done = cli("review", "approve", "--batch", str(batch), "--as", "ann", "--warnings")
    assert "approve: 1 changes of library (1 additions" in done.out
    assert "removals; add --removals" in done.out
    assert (
        cli("review", "approve", "--batch", str(batch), "--all", "--as", "ann", "--json").json["remove"] == 1
    )


def test_an_item_is_named_by_number_or_by_what_it_is(cli: Cli, in_house: House, batch: int) -> None:
    item = in_house.one("SELECT id FROM item WHERE cris_id = 'c-2'")
    done = cli(
        "review",
        "reject",
        "--batch",
        str(batch),
        "--item",
        str(item),
        "--as",
        "ann",
        "--note",
        "no",
        "--json",
    )
    assert (done.json["decided"], done.json["remove"]) == (1, 1)
    who = ["--unit", "library", "--person", "p-1", "--section", "work", "--cris-id", "c-1"]
    assert cli("review", "approve", *who, "--as", "ann", "--json").json["add"] == 1
    assert cli("review", "withdraw", *who, "--as", "ann", "--json").json["decided"] == 1
    system = in_house.one("SELECT count(*) FROM decision WHERE via = 'cli' AND system_actor_id IS NOT NULL")
    assert system == 3


@pytest.mark.parametrize(
    ("unit", "section", "said"),
    [
        pytest.param("nowhere", "work", "There is no unit nowhere", id="unknown unit"),
        pytest.param("med", "work", "c-1 of that person in unit med: it is held by library", id="other unit"),
        pytest.param("library", "book", "no item for book c-1 of that person in unit library: it was never", id="section"),
    ],
)  # fmt: skip
def test_an_item_that_is_not_there_is_named(
    cli: Cli, in_house: House, batch: int, unit: str, section: str, said: str
) -> None:
    in_house.unit("med", librarians=["mia"])
    who = ["--unit", unit, "--person", "p-1", "--section", section, "--cris-id", "c-1"]
    done = cli("review", "approve", *who, "--as", "ann", "--json")
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_batches_are_listed_by_unit_and_state(cli: Cli, batch: int) -> None:
    assert len(cli("review", "list", "--unit", "library", "--state", "open", "--json").json["batches"]) == 1
    assert cli("review", "list", "--state", "closed", "--json").json["batches"] == []
    done = cli("review", "list", "--state", "opened", "--json")
    assert (done.code, done.out, "'open'" in done.err) == (2, "", True)


def test_half_a_name_is_refused(cli: Cli, batch: int) -> None:
    done = cli("review", "approve", "--batch", str(batch), "--person", "p-1", "--as", "ann")
    assert done.code == 2
    assert "--cris-id" in done.err


def test_somebody_who_is_no_librarian_is_refused_in_one_line(cli: Cli, in_house: House, batch: int) -> None:
    done = cli("review", "approve", "--batch", str(batch), "--as", "eve", "--json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("orcid-sync: eve may not decide for unit library")
    assert "Traceback" not in done.err
    assert in_house.one("SELECT count(*) FROM decision") == 0


def test_items_are_suppressed_asserted_and_restored_and_back(cli: Cli, in_house: House, batch: int) -> None:
    library = in_house.one("SELECT id FROM unit")
    researcher = in_house.one("SELECT id FROM researcher")
    held = in_house.item(library, researcher, cris_id="h", held="withheld", reason="already_on_record")
    gone = in_house.item(library, researcher, cris_id="g", tombstone_at="2026-01-02T00:00:00Z")
    for command, item, more in (
        ("suppress", held, []),
        ("suppress", held, ["--undo"]),
        ("assert", held, ["--batch", str(batch)]),
        ("assert", held, ["--undo"]),
        ("restore", gone, ["--note", "asked on 3 March"]),
        ("restore", gone, ["--undo"]),
    ):
        done = cli("review", command, "--item", str(item), "--as", "ann", "--json", *more)
        assert (done.code, done.json["items"]) == (0, 1), (command, more, done.err)
    for _ in range(2):
        # Said twice is as good as said once.
        assert cli("review", "suppress", "--item", str(held), "--as", "ann", "--json").code == 0
    done = cli("review", "restore", "--item", str(gone), "--as", "ann")
    assert (done.code, "--note" in done.err) == (2, True)
    done = cli("review", "assert", "--item", str(gone), "--as", "ann")
    assert (done.code, "it is not withheld" in done.out) == (1, True)


# --- operators ---------------------------------------------------------------------------------------------------


def test_status_counts_items_permissions_and_batches(cli: Cli, in_house: House, batch: int) -> None:
    found = cli("status", "--json").json
    assert found["items"] == {"proposed": 3}
    assert found["permissions"] == {"granted": 1}
    assert found["batches"] == {"open": 1, "decided": 0, "replaced": 0, "closed": 0, "undecided": 3}
    assert found["by_unit"] == {"library": {"proposed": 3}}
    done = cli("status")
    assert "Proposed" in done.out
    assert "written next on" in done.out


def test_everything_is_paused_and_resumed(cli: Cli, in_house: House) -> None:
    in_house.unit("library")
    cli("pause", "--unit", "library")
    assert cli("pause", "--json").json["unit"] is None
    assert cli("resume", "--json").json == {"ended": 1, "still_held": ["library"]}
    assert cli("resume", "--all", "--json").json == {"ended": 1, "still_held": []}
    done = cli("pause", "--unit", "nowhere")
    assert (done.code, "There is no unit nowhere" in done.err) == (2, True)


def test_a_proposal_says_who_cant_be_served_and_whose_move_it_is(cli: Cli, in_house: House) -> None:
    in_house.unit("library")
    desk = Desk(in_house)
    desk.person("p1", permitted=False)
    desk.publication("pub-1", "10.5555/1")
    assert cli("propose").out.splitlines()[-1].startswith("1 researcher can't be served: 1 ")
    assert cli("propose", "--json").json["batches"] == []


def test_the_snapshot_of_a_day_is_taken(cli: Cli, in_house: House, batch: int) -> None:
    assert cli("snapshot", "--json").json["item"] == 1


# --- ledger, units, put codes ------------------------------------------------------------------------------------


def test_migrate_makes_roles_and_schema_and_then_has_nothing_to_do(
    cli: Cli, database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dsn = database()
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_connection(dsn))
    first = cli("migrate")
    assert "AIRFLOW_CONN_LEDGER_OWNER is not set" in first.out
    assert "created the roles" in first.out
    assert len(cli("migrate", "--json").json["done"]) == 1


def test_units_are_applied_from_a_file(
    cli: Cli, in_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_ORCID",
        json.dumps({"conn_type": "http", "host": "http://127.0.0.1:9", "login": "APP-0000000000000001"}),
    )
    file = tmp_path / "units.yaml"
    file.write_text("units: [{code: library, name: Library, sections: [work], librarians: [ann]}]")
    assert "unit library: created" in cli("units", "apply", str(file), "--dry-run").out
    assert in_house.one("SELECT count(*) FROM unit") == 0
    assert "unit library: created" in cli("units", "apply", str(file)).out
    assert "Nothing to do" in cli("units", "apply", str(file)).out
    file.write_text("units: [{code: library, name: Library, sections: [work]}]")
    done = cli("units", "apply", str(file))
    assert (done.code, "nobody could approve" in done.err) == (2, True)


def test_items_are_moved_between_units(cli: Cli, in_house: House, batch: int) -> None:
    in_house.unit("med", librarians=["mia"])
    assert cli("units", "move", "--from", "library", "--to", "med", "--json").json["moved"] == 3


def test_put_codes_go_out_and_come_in(cli: Cli, in_house: House, batch: int, tmp_path: Path) -> None:
    in_house.put_code(in_house.one("SELECT id FROM item WHERE cris_id = 'c-2'"), 77, "a" * 64)
    out = cli("put-codes", "export").out
    [row] = csv.DictReader(io.StringIO(out))
    assert (row["unit"], row["person_id"], row["put_code"]) == ("library", "p-1", "77")
    file = tmp_path / "put_codes.csv"
    assert cli("put-codes", "export", str(file)).out == ""
    assert file.read_text() == out
    assert cli("put-codes", "import", str(file), "--json").json == {
        "imported": 0,
        "unchanged": 1,
        "errors": [],
    }
    file.write_text(out.replace("77", "none"))
    done = cli("put-codes", "import", str(file))
    assert (done.code, "line 2, put_code" in done.err) == (1, True)
    done = cli("put-codes", "import", str(tmp_path / "missing.csv"))
    assert (done.code, "missing.csv" in done.err) == (2, True)


def test_keys_are_made_and_rotated(cli: Cli, in_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    key = cli("keys", "generate", "--id", "k1").out.strip()
    assert key.startswith("k1:")
    done = cli("keys", "rotate")
    assert (done.code, "ORCID_SYNC_KEYS" in done.err) == (2, True)
    monkeypatch.setenv("ORCID_SYNC_KEYS", key)
    assert cli("keys", "rotate", "--json").json == {"rotated": 0, "key": "k1"}


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "code", "said"),
    [
        (None, 2, "AIRFLOW_CONN_LEDGER"),
        ("mysql://x@127.0.0.1/db", 2, "not postgres"),
        ("postgres://x:hidden-word@127.0.0.1:9/db", 1, "AIRFLOW_CONN_LEDGER"),
    ],
    ids=["missing", "wrong type", "unreachable"],
)
def test_a_ledger_that_cannot_be_used_is_one_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, connection: str | None, code: int, said: str
) -> None:
    if connection:
        monkeypatch.setenv("AIRFLOW_CONN_LEDGER", connection)
    done = cli("status", "--json")
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert "hidden-word" not in done.err


def test_a_ledger_that_was_never_migrated_names_the_remedy(
    cli: Cli, database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_connection(database()))
    done = cli("status")
    assert (done.code, "orcid-sync migrate" in done.err) == (2, True)


def test_an_unknown_command_is_a_usage_error(cli: Cli) -> None:
    assert cli("nonsense").code == 2
    assert cli("review", "approve").code == 2


@pytest.mark.slow
def test_the_command_runs_as_a_module_and_shows_its_help_without_airflow_or_gx() -> None:
    probe = "import sys; sys.argv = ['orcid-sync', '--help']\n"
    probe += "from orcid_sync.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
    probe += (
        "print(sorted({'airflow', 'great_expectations', 'sqlalchemy', 'psycopg', 'requests', 'pydantic'} & "
    )
    probe += "set(sys.modules)), file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "include")}
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=environment
    )
    assert "doctor" in done.stdout
    assert done.stderr.strip() == "[]"


@pytest.mark.slow
def test_libraries_are_heard_only_when_it_is_asked_for() -> None:
    probe = "import logging; from orcid_sync.cli import options\noptions(debug=False, verbose=False)\n"
    probe += "chatty = logging.getLogger('chatty'); chatty.setLevel(logging.INFO)\n"
    probe += "chatty.info('all is well'); chatty.warning('something is odd')"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "include")}
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=environment
    )
    assert (done.stdout, done.stderr) == ("", "WARNING chatty: something is odd\n")


@pytest.mark.slow
def test_the_simulator_runs_alone_until_it_is_stopped(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "orcid_sync",
        "simulator",
        "--port",
        "0",
        "--state",
        str(tmp_path / "state"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent / "include")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            body = {"given_names": "Josiah", "family_name": "Carberry"}
            answer = requests.post(f"{address}/control/records", json=body, timeout=10)
            assert answer.json()["orcid"].count("-") == 3
        finally:
            process.terminate()
        assert process.wait(timeout=20) in (0, -15)


def test_extract_says_why_it_takes_no_unit_and_no_limit(cli: Cli) -> None:
    for option, value in (("--unit", "library"), ("--limit", "5")):
        done = cli("extract", option, value)
        assert done.code == 2
        assert "the CRIS is read as a whole" in done.err


def test_an_emptied_record_is_listed_and_decided_on(cli: Cli, in_house: House) -> None:
    unit = in_house.unit("library")
    item = in_house.item(unit, in_house.researcher("p-emptied"), held="blocked", reason="record_emptied")
    in_house.put_code(item, 1)
    with in_house.ledger.transaction() as connection:
        connection.execute("UPDATE put_code SET written_at = now() - interval '1 hour'")
        connection.execute(
            "INSERT INTO record (orcid, client_id, status, read_at) "
            "SELECT orcid, client_id, 'emptied', now() FROM permission"
        )
    [record] = cli("review", "emptied", "--json").json["records"]
    assert (record["persons"], record["vanished"]) == (["p-emptied"], 1)
    assert "p-emptied: 1 entries of library gone" in cli("review", "emptied").out
    assert cli("review", "emptied", "--person", "p-emptied", "--answer", "removed").code == 2, "by whom?"
    done = cli("review", "emptied", "--person", "p-emptied", "--answer", "removed", "--as", "eve")
    assert (done.code, "may not decide" in done.err) == (1, True)
    done = cli(
        "review", "emptied", "--orcid", record["orcid"], "--answer", "removed", "--as", "ann", "--json"
    )
    assert done.json["items"] == 1
    assert cli("review", "emptied").out == "No record waits.\n"


# --- organisations -----------------------------------------------------------------------------------------------


def test_a_dump_of_ror_is_loaded_by_hand(cli: Cli, in_house: House, tmp_path: Path) -> None:
    done = cli("organisations", "load", str(write_zip(tmp_path)), "--json")
    assert done.json == {"organizations": 8, "names": 11, "withdrawn": 3, "replaced": 2}
    broken = tmp_path / "ror.json"
    broken.write_text("{}")
    refused = cli("organisations", "load", str(broken))
    assert (refused.code, refused.out) == (2, "")
    assert "no JSON array" in refused.err
    assert "schema version 2" in refused.err


# --- affiliations as a file --------------------------------------------------------------------------------------


def test_affiliations_are_uploaded_with_a_report_of_wrong_rows_and_links_for_who_is_not_connected(
    cli: Cli, in_house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_house.unit("library", sections=["work", "education"])
    Desk(in_house).person("p1", permitted=False)
    monkeypatch.setenv("ORCID_SYNC_KEYS", f"k1:{KeyRing.generate_key().reveal()}")
    base = "http://127.0.0.1:9"
    bases = {"web_base": base, "public_base": f"{base}/pub"}
    registry = {"conn_type": "http", "host": base, "login": CLIENT, "password": "s", "extra": bases}
    monkeypatch.setenv("AIRFLOW_CONN_ORCID", json.dumps(registry))
    monkeypatch.setenv("ORCID_SYNC_PORTAL_URL", "https://orcid.university.example")
    row = "p1,education,Master,2001,University of Examples,Uppsala,SE,ROR,https://ror.org/048a87296,r{}\n"
    header = (
        "person-id,affiliation-section,role-title,start-date,org-name,org-city,org-country,"
        "disambiguation-source,disambiguated-organization-identifier,id\n"
    )
    file, report, links = (tmp_path / name for name in ("file.csv", "report.csv", "links.csv"))
    file.write_text(header + row.format(1) + row.format(2).replace("2001", "once").replace(",ROR,", ",GRID,"))
    upload = ("affiliations", "upload", str(file), "--unit", "library")
    refused = cli(*upload, "--report", str(report))
    assert refused.code == 1
    assert "2 rows, 1 wrong: nothing was changed" in refused.out
    told = list(csv.DictReader(report.open()))
    assert {one["field"] for one in told} == {"start-date", "disambiguated-organization-identifier"}
    assert all(one["line"] == "3" and one["remedy"] for one in told)
    taken = cli(*upload, "--good-rows", "--links", str(links), "--json")
    assert (taken.code, taken.json["new"], taken.json["not_connected"]) == (1, 1, ["p1"])
    [link] = csv.DictReader(links.open())
    assert link["person-id"] == "p1"
    assert link["permission-link"].startswith("https://orcid.university.example/connect/")
    assert links.stat().st_mode & 0o077 == 0
    assert link["permission-link"] not in taken.out + taken.err
    down = cli("affiliations", "download", "--unit", "library")
    [shown] = csv.DictReader(io.StringIO(down.out))
    assert (shown["id"], shown["status"]) == ("r1", "not_proposed_yet")
    file.write_bytes("person-id,affiliation-section,org-name\np1,education,Universität\n".encode("latin-1"))
    assert "no UTF-8 text" in cli(*upload).err
