"""What the database itself promises, attacked as the application and as another unit."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from orcid_sync.ledger.session import Connection, Ledger
from psycopg import errors

from tests.fixtures.ledger import LedgerDatabase, drop_ledger_database, make_ledger_database
from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows, digest

if TYPE_CHECKING:
    from tests.conftest import DatabaseFactory

ORCID = "0000-0002-1825-0097"
APPEND_ONLY = ("decision", "intent", "outcome", "audit_event", "permission_event")
START = "UPDATE change SET state = 'writing' WHERE id = %s"


@dataclass(frozen=True)
class Story:
    """One unit with one researcher, an item and its open change."""

    unit: int
    other_unit: int
    researcher: int
    item: int
    change: int


@pytest.fixture
def story(rows: LedgerRows) -> Story:
    unit, other = rows.unit("library"), rows.unit("medicine")
    researcher = rows.researcher()
    item = rows.item(unit, researcher)
    return Story(unit, other, researcher, item, rows.change(item))


@pytest.fixture
def application(ledger: Ledger) -> Iterator[Connection]:
    with ledger.connection() as connection:
        yield connection


@pytest.fixture(scope="module")
def untouched(create_database: DatabaseFactory) -> Iterator[Connection]:
    """The application's session on a ledger that all tests of this module share: for attempts that all fail."""
    database = make_ledger_database(create_database())
    with Ledger(database.connect_application).connection() as connection:
        yield connection
    drop_ledger_database(database)


@pytest.fixture
def as_unit(ledger: Ledger, ledger_database: LedgerDatabase) -> Callable[[str], Any]:
    """`with as_unit("medicine") as connection:` is a session of that unit."""

    @contextmanager
    def connect(code: str) -> Iterator[Connection]:
        with ledger.connection(unit_role=f"{ledger_database.name}_{code}") as connection:
            yield connection

    return connect


def decide(
    connection: Connection, story: Story, verdict: str, *, unit: int | None = None, of: str | None = None
) -> None:
    connection.execute(
        "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
        "SELECT id, item_id, %s, coalesce(%s, digest), %s, 1, 'librarian', 'console' FROM change WHERE id = %s",
        (unit or story.unit, of, verdict, story.change),
    )


def begin_intent(connection: Connection, story: Story) -> int:
    row = connection.execute(
        "INSERT INTO intent (change_id, item_id, unit_id, run_id, action, digest, sent_keys, settles_at) "
        "SELECT id, item_id, unit_id, 'run', action, digest, '{}', now() FROM change WHERE id = %s RETURNING id",
        (story.change,),
    ).fetchone()
    assert row is not None
    return int(row.id)


def report(connection: Connection, story: Story, intent: int, result: str) -> None:
    connection.execute(
        "INSERT INTO outcome (intent_id, change_id, result) VALUES (%s, %s, %s)",
        (intent, story.change, result),
    )


def state(rows: LedgerRows, story: Story) -> Any:
    return rows.one("SELECT state FROM change WHERE id = %s", (story.change,))


# --- put codes and owners ----------------------------------------------------------------------------------------

NEW_PUT_CODE = (
    "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, origin) "
    "VALUES (%s, %s, %s, %s, 'work', %s, 'written')"
)


def test_an_item_has_one_live_put_code(rows: LedgerRows, story: Story, application: Connection) -> None:
    first = rows.put_code(story.item, ORCID, 1)

    with pytest.raises(errors.UniqueViolation):
        application.execute(NEW_PUT_CODE, (story.item, story.unit, CLIENT_ID, ORCID, 2))

    application.execute(
        "UPDATE put_code SET closed_at = now(), closed_because = 'removed' WHERE id = %s", (first,)
    )
    application.execute(NEW_PUT_CODE, (story.item, story.unit, CLIENT_ID, ORCID, 2))
    with pytest.raises(errors.UniqueViolation):
        application.execute("UPDATE put_code SET closed_at = NULL WHERE id = %s", (first,))


def test_what_stands_on_a_record_has_one_owner(
    rows: LedgerRows, story: Story, application: Connection
) -> None:
    rows.put_code(story.item, ORCID, 1)
    rival = rows.item(story.other_unit, story.researcher)

    with pytest.raises(errors.UniqueViolation):
        application.execute(NEW_PUT_CODE, (rival, story.other_unit, CLIENT_ID, ORCID, 1))


def test_a_put_code_belongs_to_its_items_unit(story: Story, application: Connection) -> None:
    with pytest.raises(errors.ForeignKeyViolation):
        application.execute(NEW_PUT_CODE, (story.item, story.other_unit, CLIENT_ID, ORCID, 1))


def test_a_put_codes_place_on_the_record_never_changes(
    rows: LedgerRows, story: Story, application: Connection
) -> None:
    rows.put_code(story.item, ORCID, 1)
    for column in ("put_code", "orcid", "section", "client_id", "item_id", "unit_id"):
        with pytest.raises(errors.InsufficientPrivilege):
            application.execute(f"UPDATE put_code SET {column} = {column}")
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute("DELETE FROM put_code")


def test_an_item_has_one_open_change(rows: LedgerRows, story: Story) -> None:
    with pytest.raises(errors.UniqueViolation):
        rows.change(story.item, text="other content")

    rows.execute("UPDATE change SET state = 'superseded' WHERE id = %s", (story.change,))
    rows.change(story.item, text="other content")


# --- decisions ---------------------------------------------------------------------------------------------------


def test_nothing_is_written_without_a_decision(
    rows: LedgerRows, story: Story, application: Connection
) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="does not approve"):
        application.execute(START, (story.change,))
    assert state(rows, story) == "open"


@pytest.mark.parametrize(
    ("verdicts", "writable"),
    [
        pytest.param(["approve"], True, id="approved"),
        pytest.param(["reject"], False, id="rejected"),
        pytest.param(["approve", "reject"], False, id="approved, then rejected"),
        pytest.param(["approve", "withdraw"], False, id="approved, then taken back"),
        pytest.param(["reject", "approve"], True, id="rejected, then approved"),
        pytest.param(["approve", "withdraw", "approve"], True, id="taken back and approved again"),
    ],
)
def test_only_the_latest_decision_counts(
    rows: LedgerRows, story: Story, application: Connection, verdicts: list[str], *, writable: bool
) -> None:
    for verdict in verdicts:
        decide(application, story, verdict)
    if writable:
        application.execute(START, (story.change,))
    else:
        with pytest.raises(errors.ObjectNotInPrerequisiteState):
            application.execute(START, (story.change,))
    assert state(rows, story) == ("writing" if writable else "open")


def test_what_a_decision_stands_on_is_action_section_put_code_and_content(untouched: Connection) -> None:
    row = untouched.execute(
        "SELECT count(DISTINCT change_digest(action, section, put_code, content)) AS different, count(*) AS cases "
        "FROM (VALUES ('update', 'work', 17, 'd1'), ('add', 'work', 17, 'd1'), ('update', 'employment', 17, 'd1'), "
        "('update', 'work', 18, 'd1'), ('update', 'work', NULL, 'd1'), ('update', 'work', 17, 'd2'), "
        "('update', 'work', 17, NULL)) AS change (action, section, put_code, content)"
    ).fetchone()
    assert row.different == row.cases == 7


def test_a_decision_on_other_content_is_refused(story: Story, application: Connection) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="other content"):
        decide(application, story, "approve", of=digest("something else"))


@pytest.mark.parametrize("closed", ["superseded", "withdrawn", "refused", "writing"])
def test_a_decision_on_a_change_that_is_not_open_is_refused(
    story: Story, application: Connection, closed: str
) -> None:
    decide(application, story, "approve")
    application.execute("UPDATE change SET state = %s WHERE id = %s", (closed, story.change))

    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="only an open change"):
        decide(application, story, "reject")


def test_a_decision_on_no_change_is_refused(application: Connection) -> None:
    with pytest.raises(errors.ForeignKeyViolation, match="no change 999"):
        application.execute(
            "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
            "VALUES (999, 1, 1, 'x', 'approve', 1, 'librarian', 'console')"
        )


def test_a_decision_in_another_units_name_is_refused(story: Story, application: Connection) -> None:
    with pytest.raises(errors.InsufficientPrivilege, match="another unit"):
        decide(application, story, "approve", unit=story.other_unit)


@pytest.mark.parametrize("column", ["id", "at"])
def test_nobody_chooses_when_a_decision_was(story: Story, application: Connection, column: str) -> None:
    value = {"id": "9999", "at": "'2020-01-01'"}[column]
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(
            f"INSERT INTO decision ({column}, change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
            f"OVERRIDING SYSTEM VALUE SELECT {value}, id, item_id, unit_id, digest, 'approve', 1, 'librarian', 'cli' "
            "FROM change WHERE id = %s",
            (story.change,),
        )


def test_an_approval_of_the_former_owner_binds_nobody(
    rows: LedgerRows, story: Story, application: Connection
) -> None:
    decide(application, story, "approve")
    application.execute("UPDATE item SET unit_id = %s WHERE id = %s", (story.other_unit, story.item))

    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        application.execute(START, (story.change,))


@pytest.mark.parametrize(
    "column", ["digest", "action", "payload_digest", "put_code", "item_id", "unit_id", "verdict"]
)
def test_what_was_decided_on_never_changes(story: Story, application: Connection, column: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(f"UPDATE change SET {column} = {column}")


def test_a_change_is_born_open_and_undecided(story: Story, application: Connection) -> None:
    for column, value in (("state", "writing"), ("verdict", "approve")):
        with pytest.raises(errors.InsufficientPrivilege):
            application.execute(
                f"INSERT INTO change (item_id, unit_id, action, digest, put_code, why, run_id, {column}) "
                "VALUES (%s, %s, 'remove', 'x', 1, 'test', 'test', %s)",
                (story.item, story.unit, value),
            )


def test_a_closed_change_stays_closed(story: Story, application: Connection) -> None:
    decide(application, story, "approve")
    application.execute("UPDATE change SET state = 'superseded' WHERE id = %s", (story.change,))
    for reopened in ("open", "writing", "written"):
        with pytest.raises(errors.ObjectNotInPrerequisiteState, match="is closed"):
            application.execute("UPDATE change SET state = %s WHERE id = %s", (reopened, story.change))


def test_a_rejection_outlives_its_change_until_it_is_taken_back(
    rows: LedgerRows, story: Story, application: Connection
) -> None:
    decide(application, story, "reject")
    assert rows.one("SELECT count(*) FROM standing_rejection") == 1

    decide(application, story, "withdraw")
    assert rows.one("SELECT count(*) FROM standing_rejection") == 0


# --- intents and outcomes ----------------------------------------------------------------------------------------


@pytest.fixture
def writing(story: Story, application: Connection) -> Story:
    decide(application, story, "approve")
    application.execute(START, (story.change,))
    return story


WRITTEN = "UPDATE change SET state = 'written' WHERE id = %s"


def test_a_change_is_written_only_with_an_outcome_that_says_so(
    rows: LedgerRows, writing: Story, application: Connection
) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="no outcome"):
        application.execute(WRITTEN, (writing.change,))

    intent = begin_intent(application, writing)
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="no outcome"):
        application.execute(WRITTEN, (writing.change,))

    report(application, writing, intent, "failed")
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="no outcome"):
        application.execute(WRITTEN, (writing.change,))

    report(application, writing, begin_intent(application, writing), "written")
    application.execute(WRITTEN, (writing.change,))
    assert rows.one("SELECT closed_at IS NOT NULL FROM change WHERE id = %s", (writing.change,))


def test_the_second_call_of_an_update_must_have_its_outcome_too(
    writing: Story, application: Connection
) -> None:
    report(application, writing, begin_intent(application, writing), "written")
    second = begin_intent(application, writing)
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        application.execute(WRITTEN, (writing.change,))

    report(application, writing, second, "refused")
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        application.execute(WRITTEN, (writing.change,))


def test_an_open_change_is_not_called_written(story: Story, application: Connection) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState):
        application.execute(WRITTEN, (story.change,))


def test_a_call_without_outcome_holds_its_change(writing: Story, application: Connection) -> None:
    intent = begin_intent(application, writing)
    for left in ("open", "superseded", "withdrawn", "refused"):
        with pytest.raises(errors.ObjectNotInPrerequisiteState, match="no outcome yet"):
            application.execute("UPDATE change SET state = %s WHERE id = %s", (left, writing.change))

    report(application, writing, intent, "not_arrived")
    application.execute("UPDATE change SET state = 'open' WHERE id = %s", (writing.change,))


def test_an_intent_needs_a_change_that_is_being_written(story: Story, application: Connection) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="intent refused"):
        begin_intent(application, story)


def test_an_intent_with_other_content_is_refused(writing: Story, application: Connection) -> None:
    with pytest.raises(errors.ObjectNotInPrerequisiteState, match="intent refused"):
        application.execute(
            "INSERT INTO intent (change_id, item_id, unit_id, run_id, action, digest, sent_keys, settles_at) "
            "VALUES (%s, %s, %s, 'run', 'add', 'other', '{}', now())",
            (writing.change, writing.item, writing.unit),
        )


def test_an_outcome_needs_its_own_intent(rows: LedgerRows, writing: Story, application: Connection) -> None:
    intent = begin_intent(application, writing)
    with pytest.raises(errors.ForeignKeyViolation, match="outcome refused"):
        application.execute(
            "INSERT INTO outcome (intent_id, change_id, result) VALUES (%s, 1000, 'written')", (intent,)
        )
    with pytest.raises(errors.ForeignKeyViolation, match="outcome refused"):
        report(application, writing, intent + 1, "written")
    report(application, writing, intent, "written")
    with pytest.raises(errors.UniqueViolation):
        report(application, writing, intent, "failed")


# --- append-only -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("attack", ["UPDATE {} SET {column} = {column}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_journal_is_append_only(untouched: Connection, table: str, attack: str) -> None:
    column = "intent_id" if table == "outcome" else "id"
    with pytest.raises(errors.InsufficientPrivilege):
        untouched.execute(attack.format(table, column=column).replace("SET id = id", "SET at = at"))


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_the_journal_holds_no_personal_data(untouched: Connection, table: str) -> None:
    """Only keys, digests and closed lists: no column could take a name, an iD or an e-mail address."""
    columns = untouched.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'ledger' AND table_name = %s",
        (table,),
    ).fetchall()
    known = (
        "id at change_id item_id unit_id digest verdict actor_id role via system_actor_id run_id action phase put_code "
        "sent_keys settles_at intent_id result status error_code what researcher_id detail permission_id state cause"
    )
    assert {row.column_name for row in columns} <= set(known.split())


def test_erasing_a_person_leaves_the_journal(
    rows: LedgerRows, writing: Story, application: Connection
) -> None:
    report(application, writing, begin_intent(application, writing), "written")
    application.execute(WRITTEN, (writing.change,))

    application.execute("DELETE FROM researcher WHERE id = %s", (writing.researcher,))

    assert rows.one("SELECT count(*) FROM change") == 0
    assert [rows.one(f"SELECT count(*) FROM {table}") for table in ("decision", "intent", "outcome")] == [
        1,
        1,
        1,
    ]


# --- units -------------------------------------------------------------------------------------------------------

UNIT_TABLES = (
    "item",
    "change",
    "put_code",
    "decision",
    "batch",
    "batch_change",
    "decision_note",
    "item_state",
)


@pytest.fixture
def full(rows: LedgerRows, story: Story, application: Connection) -> Story:
    """Every table of units holds something of the library."""
    rows.put_code(story.item, ORCID, 1)
    decide(application, story, "approve")
    application.execute(
        "WITH made AS (INSERT INTO batch (unit_id, run_id) VALUES (%s, 'run') RETURNING id) "
        "INSERT INTO batch_change (batch_id, change_id) SELECT id, %s FROM made",
        (story.unit, story.change),
    )
    application.execute("INSERT INTO decision_note (decision_id, note) SELECT id, 'note' FROM decision")
    return story


@pytest.mark.parametrize("table", UNIT_TABLES)
def test_a_unit_sees_its_own_and_nothing_of_another(
    full: Story, as_unit: Callable[[str], Any], table: str
) -> None:
    count = f"SELECT count(*) AS n FROM {table}"
    with as_unit("library") as connection:
        assert connection.execute(count).fetchone().n == 1
    with as_unit("medicine") as connection:
        assert connection.execute(count).fetchone().n == 0


def test_a_unit_changes_nothing_of_another(
    rows: LedgerRows, full: Story, as_unit: Callable[[str], Any]
) -> None:
    with as_unit("medicine") as connection:
        closed = connection.execute("UPDATE put_code SET closed_at = now()")
        held = connection.execute("UPDATE item SET suppressed_at = now()")
        replaced = connection.execute("UPDATE batch SET state = 'closed'")
    assert [cursor.rowcount for cursor in (closed, held, replaced)] == [0, 0, 0]
    assert rows.one("SELECT count(*) FROM put_code WHERE closed_at IS NULL") == 1


def test_a_unit_adds_nothing_in_anothers_name(
    rows: LedgerRows, story: Story, as_unit: Callable[[str], Any]
) -> None:
    change = (
        "INSERT INTO change (item_id, unit_id, action, digest, put_code, why, run_id) "
        "VALUES (%s, %s, 'remove', 'x', 1, '', '')"
    )
    content = rows.one("SELECT digest FROM change")
    bare = rows.item(story.unit, story.researcher, "pub-2")
    with as_unit("medicine") as connection:
        for unit in (story.unit, story.other_unit):
            refused = (errors.InsufficientPrivilege, errors.ForeignKeyViolation)
            with pytest.raises(refused):
                connection.execute(NEW_PUT_CODE, (story.item, unit, CLIENT_ID, ORCID, 7))
            with pytest.raises(refused):
                connection.execute(change, (bare, unit))
            with pytest.raises(refused):
                connection.execute(
                    "INSERT INTO decision (change_id, item_id, unit_id, digest, verdict, actor_id, role, via) "
                    "VALUES (%s, %s, %s, %s, 'approve', 1, 'librarian', 'console')",
                    (story.change, story.item, unit, content),
                )
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("INSERT INTO decision_note (decision_id, note) VALUES (1000, 'x')")


def test_a_unit_decides_on_its_own_but_never_starts_writing(
    rows: LedgerRows, story: Story, as_unit: Callable[[str], Any]
) -> None:
    with as_unit("library") as connection:
        decide(connection, story, "approve")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(START, (story.change,))
    assert rows.one("SELECT verdict FROM change WHERE id = %s", (story.change,)) == "approve"


@pytest.mark.parametrize(
    "table", ["token", "permission", "permission_event", "api_client", "intent", "outcome"]
)
def test_a_unit_reads_no_tokens_and_no_journal(
    story: Story, as_unit: Callable[[str], Any], table: str
) -> None:
    with as_unit("library") as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(f"SELECT count(*) FROM {table}")


def test_a_session_without_a_units_role_sees_no_unit(ledger_database: LedgerDatabase, full: Story) -> None:
    """A login that belongs to two units has to say for which one it speaks."""
    with ledger_database.connect_owner() as owner:
        owner.execute(f"CREATE ROLE {ledger_database.name}_clerk LOGIN PASSWORD 'clerk'")
        owner.execute(
            f"GRANT {ledger_database.name}_library, {ledger_database.name}_medicine TO {ledger_database.name}_clerk"
        )
    clerk = psycopg.conninfo.make_conninfo(
        ledger_database.owner_dsn, user=f"{ledger_database.name}_clerk", password="clerk"
    )
    with psycopg.connect(clerk) as connection:
        assert connection.execute("SELECT count(*) FROM ledger.put_code").fetchone() == (0,)
        connection.execute(f"SET ROLE {ledger_database.name}_library")
        assert connection.execute("SELECT count(*) FROM ledger.put_code").fetchone() == (1,)


# --- roles -------------------------------------------------------------------------------------------------------


def test_the_application_role_is_neither_owner_nor_above_the_rules(application: Connection) -> None:
    row = application.execute(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcanlogin, "
        "(SELECT count(*) FROM pg_tables WHERE schemaname = 'ledger' AND tableowner = current_user) AS owned, "
        "pg_has_role(current_user, current_database() || '_owner', 'member') AS owner "
        "FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert row is not None
    assert tuple(row) == (False, False, False, False, 0, False)


def test_a_session_that_logged_in_as_more_works_as_the_application(ledger_database: LedgerDatabase) -> None:
    with Ledger(ledger_database.connect_owner).connection() as connection:
        row = connection.execute("SELECT current_user AS name, session_user AS login").fetchone()
        assert row is not None
        assert (row.name, row.login) == (f"{ledger_database.name}_app", "postgres")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DELETE FROM decision")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE unit SET approval = 'automatic'",
        "INSERT INTO unit (code) VALUES ('x')",
        "ALTER TABLE decision DISABLE TRIGGER ALL",
        "ALTER TABLE put_code DISABLE ROW LEVEL SECURITY",
        "DROP POLICY own_unit ON put_code",
        "CREATE TABLE ledger.mine ()",
        "SET session_replication_role = replica",
    ],
)
def test_the_application_changes_no_rules(untouched: Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        untouched.execute(statement)


def test_copy_into_a_secured_table_is_refused(story: Story, application: Connection) -> None:
    """Rows come by INSERT from staging: COPY would go round the row-level policies, so the server refuses it."""
    with (
        pytest.raises(psycopg.Error),
        application.cursor() as cursor,
        cursor.copy(
            "COPY put_code (item_id, unit_id, client_id, orcid, section, put_code, origin) FROM STDIN"
        ),
    ):
        pass


# --- two sessions ------------------------------------------------------------------------------------------------


def in_thread(work: Callable[[], None]) -> tuple[threading.Thread, list[BaseException]]:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except psycopg.Error as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, failures


def wait_until_blocked(rows: LedgerRows, pid: int) -> None:
    """Until the other session waits for a lock of ours."""
    for _ in range(2000):
        if rows.one("SELECT cardinality(pg_blocking_pids(%s)) > 0 FROM pg_sleep(0.005)", (pid,)):
            return
    pytest.fail("the other session was never blocked")


def test_a_rejection_under_way_stops_the_start_of_writing(
    rows: LedgerRows, story: Story, ledger: Ledger
) -> None:
    with ledger.connection() as librarian, ledger.connection() as writer:
        decide(librarian, story, "approve")
        with librarian.transaction():
            decide(librarian, story, "reject")
            thread, failures = in_thread(lambda: writer.execute(START, (story.change,)) and None)
            wait_until_blocked(rows, writer.info.backend_pid)
        thread.join()
    assert isinstance(failures[0], errors.ObjectNotInPrerequisiteState)
    assert state(rows, story) == "open"


def test_a_rejection_after_the_start_of_writing_is_refused(
    rows: LedgerRows, story: Story, ledger: Ledger
) -> None:
    with ledger.connection() as librarian, ledger.connection() as writer:
        decide(librarian, story, "approve")
        with writer.transaction():
            writer.execute(START, (story.change,))
            thread, failures = in_thread(lambda: decide(librarian, story, "reject"))
            wait_until_blocked(rows, librarian.info.backend_pid)
        thread.join()
    assert isinstance(failures[0], errors.ObjectNotInPrerequisiteState)
    assert state(rows, story) == "writing"


def test_two_writers_never_start_the_same_change(rows: LedgerRows, story: Story, ledger: Ledger) -> None:
    claim = "UPDATE change SET state = 'writing' WHERE id = %s AND state = 'open'"
    claimed: list[int] = []
    with ledger.connection() as first, ledger.connection() as second:
        decide(first, story, "approve")
        with first.transaction():
            assert first.execute(claim, (story.change,)).rowcount == 1
            thread, failures = in_thread(
                lambda: claimed.append(second.execute(claim, (story.change,)).rowcount)
            )
            wait_until_blocked(rows, second.info.backend_pid)
        thread.join()
    assert (claimed, failures) == ([0], [])


def test_a_change_does_not_leave_writing_while_an_intent_is_recorded(
    rows: LedgerRows, story: Story, ledger: Ledger
) -> None:
    with ledger.connection() as writer, ledger.connection() as other:
        decide(writer, story, "approve")
        writer.execute(START, (story.change,))
        with writer.transaction():
            begin_intent(writer, story)
            thread, failures = in_thread(
                lambda: (
                    other.execute("UPDATE change SET state = 'open' WHERE id = %s", (story.change,)) and None
                )
            )
            wait_until_blocked(rows, other.info.backend_pid)
        thread.join()
    assert isinstance(failures[0], errors.ObjectNotInPrerequisiteState)
