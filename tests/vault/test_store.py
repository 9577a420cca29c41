"""Permissions and tokens in the ledger, tokens from files proved at a registry."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from orcid_simulator.testing import RunningSimulator
from orcid_sync.connections import connection_from_parts
from orcid_sync.errors import Misconfigured, SettingInvalid, TokenRefused
from orcid_sync.ledger.imports import ImportReport, read_csv
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.registry import Registry, registry_from
from orcid_sync.vault.store import (
    TOKEN_COLUMNS,
    Tokens,
    change_permission,
    end_delete_only,
    export_tokens,
    import_tokens,
    permission_lost,
    put_tokens,
    read_tokens,
    rotate_keys,
    set_permission,
    suspect_permission,
)

from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows

ORCID = "0000-0002-1825-0097"
OLD_KEY, NEW_KEY = (KeyRing.generate_key().reveal() for _ in range(2))


def key_ring(text: str) -> KeyRing:
    return KeyRing.parse(text)


@pytest.fixture
def keys() -> KeyRing:
    return key_ring(f"old:{OLD_KEY}")


def permission(ledger: Ledger, rows: LedgerRows, person: str = "P1", orcid: str | None = ORCID) -> int:
    rows.client()
    researcher = rows.researcher(person)
    with ledger.transaction() as connection:
        return set_permission(
            connection,
            researcher_id=researcher,
            client_id=CLIENT_ID,
            state="granted" if orcid else "invited",
            cause="portal" if orcid else "invitation",
            orcid=orcid,
            scopes=["/activities/update", "/read-limited"],
        )


def events(rows: LedgerRows) -> list[Any]:
    return rows.execute("SELECT state, cause FROM permission_event ORDER BY id")


# --- permissions -------------------------------------------------------------------------------------------------


def test_each_change_of_a_permission_is_one_event(ledger: Ledger, rows: LedgerRows) -> None:
    key = permission(ledger, rows, orcid=None)
    researcher = rows.one("SELECT researcher_id FROM permission")
    with ledger.transaction() as connection:
        for _ in range(2):
            again = set_permission(
                connection,
                researcher_id=researcher,
                client_id=CLIENT_ID,
                state="granted",
                cause="portal",
                orcid=ORCID,
                scopes=["/read-limited"],
            )
        assert again == key
        assert change_permission(connection, key, state="paused_by_researcher", cause="portal")
        assert not change_permission(connection, key, state="paused_by_researcher", cause="portal")
        assert change_permission(connection, key, state="granted", cause="portal")

    assert events(rows) == [
        ("invited", "invitation"),
        ("granted", "portal"),
        ("paused_by_researcher", "portal"),
        ("granted", "portal"),
    ]
    assert rows.execute("SELECT state, orcid, scopes FROM permission") == [
        ("granted", ORCID, ["/read-limited"])
    ]


def test_a_denial_keeps_the_known_id(ledger: Ledger, rows: LedgerRows) -> None:
    permission(ledger, rows)
    researcher = rows.one("SELECT researcher_id FROM permission")
    with ledger.transaction() as connection:
        set_permission(
            connection, researcher_id=researcher, client_id=CLIENT_ID, state="denied", cause="portal"
        )
    assert rows.execute("SELECT state, orcid FROM permission") == [("denied", ORCID)]


def test_a_suspicion_is_told_once_and_ends_with_a_new_state(ledger: Ledger, rows: LedgerRows) -> None:
    key = permission(ledger, rows)
    with ledger.transaction() as connection:
        assert suspect_permission(connection, key, "token_refused")
        assert not suspect_permission(connection, key, "token_refused")
        change_permission(connection, key, state="revoked", cause="token_refused")
    assert events(rows)[1:] == [("granted", "token_refused"), ("revoked", "token_refused")]
    assert rows.one("SELECT suspect_since FROM permission") is None


@pytest.mark.parametrize(
    ("expires", "wrote", "state", "kept"),
    [
        pytest.param(None, False, "revoked", 0, id="nothing of ours stands"),
        pytest.param(None, True, "delete_only", 1, id="something of ours stands"),
        pytest.param("-1 day", True, "expired", 0, id="its time is over"),
        pytest.param("1 day", True, "delete_only", 1, id="its time is not over"),
    ],
)
def test_a_lost_permission_keeps_its_token_only_to_remove_what_we_wrote(
    ledger: Ledger,
    rows: LedgerRows,
    keys: KeyRing,
    expires: str | None,
    state: str,
    kept: int,
    *,
    wrote: bool,
) -> None:
    key = permission(ledger, rows)
    with ledger.transaction() as connection:
        put_tokens(connection, keys, key, Tokens(Secret("access")), provenance="portal")
    rows.execute("UPDATE token SET expires_at = now() + %s::interval", (expires,))
    if wrote:
        rows.put_code(rows.item(rows.unit(), rows.one("SELECT researcher_id FROM permission")), ORCID, 1)

    with ledger.transaction() as connection:
        assert permission_lost(connection, key, "token_refused")
        assert not permission_lost(connection, key, "token_refused")

    assert rows.one("SELECT state FROM permission") == state
    assert rows.one("SELECT count(*) FROM token") == kept
    assert events(rows)[1:] == [(state, "token_refused")]


def test_the_right_to_remove_ends_after_its_time(ledger: Ledger, rows: LedgerRows) -> None:
    key = permission(ledger, rows)
    rows.execute("UPDATE permission SET state = 'delete_only', changed_at = now() - interval '91 days'")
    with ledger.transaction() as connection:
        assert end_delete_only(connection, days=92) == 0
        assert end_delete_only(connection, days=90) == 1
    assert rows.one("SELECT state FROM permission WHERE id = %s", (key,)) == "revoked"


def test_a_right_to_remove_that_is_refused_is_over(ledger: Ledger, rows: LedgerRows) -> None:
    key = permission(ledger, rows)
    with ledger.transaction() as connection:
        change_permission(connection, key, state="delete_only", cause="token_refused")
        assert suspect_permission(connection, key, "token_refused")
    assert rows.execute("SELECT state, suspect_since FROM permission") == [("revoked", None)]


# --- tokens ------------------------------------------------------------------------------------------------------


def test_tokens_are_sealed_and_opened(ledger: Ledger, rows: LedgerRows, keys: KeyRing) -> None:
    key = permission(ledger, rows)
    tokens = Tokens(Secret("the-access-token"), Secret("the-refresh-token"))
    with ledger.transaction() as connection:
        put_tokens(connection, keys, key, tokens, provenance="portal")
        assert read_tokens(connection, keys, [key, 999]) == {key: tokens}
    everything = rows.one("SELECT token::text || encode(access_sealed, 'escape') FROM token")
    assert "the-access-token" not in everything
    assert rows.execute("SELECT access_key_id, refresh_key_id, provenance FROM token") == [
        ("old", "old", "portal")
    ]


def test_a_token_needs_an_authenticated_id(ledger: Ledger, rows: LedgerRows, keys: KeyRing) -> None:
    key = permission(ledger, rows, orcid=None)
    with ledger.transaction() as connection, pytest.raises(ValueError, match="no authenticated iD"):
        put_tokens(connection, keys, key, Tokens(Secret("access")), provenance="portal")


def test_a_token_moved_to_another_permission_does_not_open(
    ledger: Ledger, rows: LedgerRows, keys: KeyRing
) -> None:
    mine, other = permission(ledger, rows), permission(ledger, rows, "P2", "0000-0001-5109-3700")
    with ledger.transaction() as connection:
        put_tokens(connection, keys, mine, Tokens(Secret("access")), provenance="portal")
        connection.execute("UPDATE token SET permission_id = %s", (other,))
        with pytest.raises(SettingInvalid, match="moved"):
            read_tokens(connection, keys, [other])


def test_keys_rotate_in_batches_and_again_does_nothing(
    ledger: Ledger, rows: LedgerRows, keys: KeyRing
) -> None:
    people = {
        permission(ledger, rows, f"P{n}", f"0000-0000-0000-000{n}"): Tokens(
            Secret(f"access-{n}"), Secret(f"refresh-{n}") if n % 2 else None
        )
        for n in range(1, 6)
    }
    with ledger.transaction() as connection:
        for key, tokens in people.items():
            put_tokens(connection, keys, key, tokens, provenance="import")
    both = key_ring(f"new:{NEW_KEY},old:{OLD_KEY}")

    assert rotate_keys(ledger, both, batch=2) == 5
    assert rotate_keys(ledger, both, batch=2) == 0

    assert rows.execute("SELECT DISTINCT access_key_id, coalesce(refresh_key_id, 'new') FROM token") == [
        ("new", "new")
    ]
    with ledger.transaction() as connection:
        assert read_tokens(connection, key_ring(f"new:{NEW_KEY}"), list(people)) == people


def test_a_rotation_that_meets_a_lost_key_goes_on_when_it_is_back(
    ledger: Ledger, rows: LedgerRows, keys: KeyRing
) -> None:
    first, second = permission(ledger, rows), permission(ledger, rows, "P2", "0000-0001-5109-3700")
    lost = key_ring(f"lost:{KeyRing.generate_key().reveal()}")
    with ledger.transaction() as connection:
        put_tokens(connection, keys, first, Tokens(Secret("one")), provenance="import")
        put_tokens(connection, lost, second, Tokens(Secret("two")), provenance="import")

    with pytest.raises(SettingInvalid, match="no key with the id 'lost'"):
        rotate_keys(ledger, key_ring(f"new:{NEW_KEY},old:{OLD_KEY}"), batch=1)
    assert rows.execute("SELECT access_key_id FROM token ORDER BY permission_id") == [("new",), ("lost",)]


# --- import ------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """A file of tokens at hand, and a registry that proves them."""

    ledger: Ledger
    rows: LedgerRows
    simulator: RunningSimulator
    client: ApiClient
    keys: KeyRing

    def row(self, person: str = "P1", **fields: str) -> dict[str, str]:
        orcid = fields.pop("orcid", None) or self.simulator.control.record()
        granted = self.simulator.control.token(
            self.client.client_id, orcid, "/read-limited /activities/update"
        )
        return {
            "person_id": person,
            "orcid": orcid,
            "client": "default",
            "access_token": granted["access_token"],
            "refresh_token": granted["refresh_token"],
            "scope": "/read-limited /activities/update",
            "expires_at": "2046-01-01T00:00:00Z",
            **fields,
        }

    def load(self, *rows: Mapping[str, str]) -> ImportReport:
        return import_tokens(
            self.ledger, {"default": self.client}, self.keys, enumerate(rows, start=2), actor="system user op"
        )


@pytest.fixture
def desk(ledger: Ledger, rows: LedgerRows, orcid_registry: RunningSimulator, keys: KeyRing) -> Iterator[Desk]:
    client_id, secret = orcid_registry.control.client()
    bases = (orcid_registry.api_base, orcid_registry.web_base, orcid_registry.public_base)
    client = ApiClient(Credentials(client_id, Secret(secret), *bases), NoLimiter(), sleep=lambda _: None)
    rows.client(client_id)
    rows.execute(
        "INSERT INTO cris_staff (person_id, family_names, is_current, visible, opted_out, row_hash) "
        "SELECT id, 'Name', true, true, false, gen_random_uuid() FROM unnest(ARRAY['P1', 'P2', 'P3']) AS id"
    )
    yield Desk(ledger, rows, orcid_registry, client, keys)
    client.close()


def test_good_rows_become_granted_permissions(desk: Desk) -> None:
    first, second = desk.row("P1"), desk.row("P2", refresh_token="", expires_at="")

    report = desk.load(first, second)

    assert (report.imported, report.unchanged, report.errors) == (2, 0, ())
    granted = desk.rows.execute(
        "SELECT person_id, orcid, state, scopes FROM permission JOIN researcher ON researcher.id = researcher_id "
        "ORDER BY person_id"
    )
    scopes = ["/activities/update", "/read-limited"]
    assert granted == [("P1", first["orcid"], "granted", scopes), ("P2", second["orcid"], "granted", scopes)]
    assert events(desk.rows) == [("granted", "import")] * 2
    again = desk.load(first, second)
    assert (again.imported, again.unchanged) == (0, 2)
    assert events(desk.rows) == [("granted", "import")] * 2


def test_what_is_exported_can_be_imported_elsewhere(desk: Desk) -> None:
    rows = [desk.row("P1"), desk.row("P2", refresh_token="", expires_at="")]
    desk.load(*rows)
    exported = list(export_tokens(desk.ledger, desk.keys, actor="op"))
    assert [row["access_token"] for row in exported] == [row["access_token"] for row in rows]
    assert exported[0]["expires_at"] == "2046-01-01T00:00:00+00:00"

    desk.rows.execute("DELETE FROM researcher")
    assert desk.load(*exported).imported == 2


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        pytest.param({"orcid": "0000-0002-1825-0098"}, "orcid", "no valid ORCID iD", id="check digit"),
        pytest.param({"person_id": "P9"}, "person_id", "no such person", id="unknown person"),
        pytest.param({"client": "med"}, "client", "no such API client", id="unknown client"),
        pytest.param({"access_token": ""}, "access_token", "empty", id="no token"),
        pytest.param({"access_token": "nonsense"}, "access_token", "refuses it", id="unknown token"),
        pytest.param({"scope": "/read-limited"}, "scope", "/activities/update", id="reading only"),
        pytest.param({"expires_at": "soon"}, "expires_at", "no time", id="no time"),
        pytest.param({"expires_at": "2020-01-01"}, "expires_at", "over", id="expired"),
    ],
)
def test_a_wrong_row_stays_out_and_its_neighbours_go_in(
    desk: Desk, change: dict[str, str], field: str, reason: str
) -> None:
    wrong = desk.row("P1") | change

    report = desk.load(wrong, desk.row("P2"))

    assert report.imported == 1
    [error] = report.errors
    assert (error.line, error.field) == (2, field)
    assert reason in error.reason
    assert error.remedy
    for value in ("access_token", "refresh_token", "orcid"):
        assert not wrong[value] or wrong[value] not in str(error)


def test_a_token_of_another_id_is_found_out(desk: Desk) -> None:
    row = desk.row("P1") | {"orcid": desk.simulator.control.record()}
    [error] = desk.load(row).errors
    assert (error.field, error.reason) == ("access_token", "it was given for another iD")


def test_two_people_with_one_id_are_told(desk: Desk) -> None:
    mine = desk.row("P1")
    report = desk.load(mine, mine | {"person_id": "P2"})
    assert report.imported == 1
    assert "another person" in report.errors[0].reason

    later = desk.load(desk.row("P3", orcid=mine["orcid"]))
    assert "another person" in later.errors[0].reason


def test_a_person_is_not_reconnected_to_another_id(desk: Desk) -> None:
    desk.load(desk.row("P1"))
    [error] = desk.load(desk.row("P1")).errors
    assert error.reason == "this person is connected with another iD"


def test_a_person_stands_in_one_row_for_a_client(desk: Desk) -> None:
    mine = desk.row("P1")
    [error] = desk.load(mine, mine).errors
    assert (error.line, error.field) == (3, "person_id")


def test_a_token_of_a_locked_record_waits(desk: Desk) -> None:
    row = desk.row("P1")
    desk.simulator.control.patch_record(row["orcid"], status="locked")
    [error] = desk.load(row).errors
    assert "locked" in error.reason


def test_a_registry_that_does_not_answer_loses_no_row(desk: Desk) -> None:
    row = desk.row("P1")
    desk.simulator.control.fault("status", status=503, times=20)
    [error] = desk.load(row).errors
    assert (error.field, error.remedy) == ("access_token", "Import the file again")


def test_a_new_token_replaces_the_old_one(desk: Desk) -> None:
    row = desk.row("P1")
    desk.load(row)
    newer = desk.row("P1", orcid=row["orcid"])
    assert desk.load(newer).imported == 1
    [exported] = export_tokens(desk.ledger, desk.keys, actor="op")
    assert exported["access_token"] == newer["access_token"]
    assert events(desk.rows) == [("granted", "import")]


def test_a_file_is_read_with_its_line_numbers() -> None:
    text = ",".join(TOKEN_COLUMNS) + "\nP1, 0000 ,default,t,,s,\n\nP2,1,default,t,,s,\n"
    rows = list(read_csv(io.StringIO(text), TOKEN_COLUMNS, "tokens"))
    assert [(line, row["person_id"], row["orcid"]) for line, row in rows] == [
        (2, "P1", "0000"),
        (4, "P2", "1"),
    ]


# --- the registry ------------------------------------------------------------------------------------------------


def info(client_id: str = CLIENT_ID) -> Any:
    return lambda name: connection_from_parts(
        name,
        conn_type="http",
        host="http://127.0.0.1:9",
        login=client_id,
        password="secret",
        extra={"web_base": "http://127.0.0.1:9", "public_base": "http://127.0.0.1:9/pub"},
    )


def test_the_registry_has_a_client_for_each_code(ledger: Ledger, rows: LedgerRows, keys: KeyRing) -> None:
    key = permission(ledger, rows)
    rows.client("APP-00000000000000AA", None)
    with ledger.transaction() as connection:
        put_tokens(connection, keys, key, Tokens(Secret("access")), provenance="import")

    registry = registry_from(Settings(keys=f"old:{OLD_KEY}"), ledger, info())

    assert list(registry.clients) == ["default"]
    assert registry.client(CLIENT_ID).client_id == CLIENT_ID
    assert registry.token(key) == Secret("access")
    with pytest.raises(Misconfigured, match="no connection for the API client"):
        registry.client("APP-00000000000000AA")
    with pytest.raises(TokenRefused):
        registry.token(999)
    registry.close()


def test_a_connection_that_names_another_client_is_told(ledger: Ledger, rows: LedgerRows) -> None:
    rows.client()
    with pytest.raises(Misconfigured, match="another API client than the units"):
        registry_from(Settings(keys=f"old:{OLD_KEY}"), ledger, info("APP-00000000000000AA"))


def test_a_ledger_without_units_is_told(ledger: Ledger) -> None:
    with pytest.raises(Misconfigured, match="units apply"):
        registry_from(Settings(keys=f"old:{OLD_KEY}"), ledger, info())


def test_missing_keys_are_told(ledger: Ledger) -> None:
    with pytest.raises(SettingInvalid, match="ORCID_SYNC_KEYS"):
        registry_from(Settings(), ledger, info())


def test_calls_are_counted_until_they_are_written_down(desk: Desk) -> None:
    registry = Registry({"default": desk.client}, desk.ledger, desk.keys)
    row = desk.row("P1")
    for _ in range(2):
        desk.client.verify_token(row["orcid"], Secret(row["access_token"]))
    with pytest.raises(TokenRefused):
        desk.client.verify_token(row["orcid"], Secret("wrong"))

    assert registry.flush_calls(desk.ledger, "run-1") == 3
    assert registry.flush_calls(desk.ledger, "run-1") == 0
    desk.client.verify_token(row["orcid"], Secret(row["access_token"]))
    assert registry.flush_calls(desk.ledger, "run-1") == 1

    counted = desk.rows.execute("SELECT endpoint, status, error_code, calls FROM api_call ORDER BY status")
    assert counted == [("/{orcid}/employments", 200, 0, 3), ("/{orcid}/employments", 401, 0, 1)]
