"""Where keys come from, and keys that change while others read and write."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from orcid_sync.connections import ConnectionInfo, connection_from_parts
from orcid_sync.errors import SettingInvalid
from orcid_sync.ledger.session import Ledger
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import KeyRing, token_context
from orcid_sync.vault.keys import key_ring, key_source
from orcid_sync.vault.store import Tokens, put_tokens, read_tokens, rotate_keys, set_permission

from tests.fixtures.house import some_orcid
from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows

OLD, NEW = (f"{name}:{KeyRing.generate_key().reveal()}" for name in ("old", "new"))


def nowhere(name: str) -> ConnectionInfo:
    raise SettingInvalid(f"Connection {name}", why="there is none", variable=name)


def backend(keys: str) -> Callable[[str], ConnectionInfo]:
    return lambda name: connection_from_parts(name, conn_type="generic", password=keys)


def test_keys_come_from_a_variable_before_a_file_before_a_connection(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# the newest first\n{NEW}\n\n{OLD}\n")

    assert key_ring(Settings(keys=OLD, keys_file=file), backend(NEW)).key_ids == ("old",)
    assert key_ring(Settings(keys_file=file), backend(OLD)).key_ids == ("new", "old")
    assert key_ring(Settings(), backend(f"{OLD},{NEW}")).key_ids == ("old", "new")
    assert key_source(Settings(keys_file=file), nowhere) == f"the file {file}"
    assert key_source(Settings(), backend(OLD)) == "connection vault_keys"


def test_no_keys_anywhere_are_told_with_every_place_they_could_stand() -> None:
    with pytest.raises(SettingInvalid) as caught:
        key_ring(Settings(), nowhere)
    for place in ("ORCID_SYNC_KEYS", "ORCID_SYNC_KEYS_FILE", "vault_keys", "openssl"):
        assert place in str(caught.value)


def test_a_file_that_cannot_be_read_is_named_and_its_content_is_not(tmp_path: Path) -> None:
    with pytest.raises(SettingInvalid, match="ORCID_SYNC_KEYS_FILE"):
        key_ring(Settings(keys_file=tmp_path / "none"), nowhere)
    file = tmp_path / "keys"
    file.write_text("k1:this-is-no-key")
    with pytest.raises(SettingInvalid, match="entry 1") as caught:
        key_ring(Settings(keys_file=file), nowhere)
    assert "this-is-no-key" not in str(caught.value)


def test_a_running_process_learns_a_new_key_when_it_meets_it(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(OLD)
    running = key_ring(Settings(keys_file=file), nowhere)
    file.write_text(f"{NEW}\n{OLD}\n")
    context = token_context(CLIENT_ID, some_orcid(1), "access")

    sealed = KeyRing.parse(NEW).encrypt(Secret("token"), context)

    assert running.decrypt(sealed, context) == Secret("token")
    assert running.encrypt(Secret("token"), context).key_id == "new"


def test_a_key_that_stands_nowhere_is_told_by_its_id(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(OLD)
    context = token_context(CLIENT_ID, some_orcid(1), "access")
    sealed = KeyRing.parse(NEW).encrypt(Secret("token"), context)
    with pytest.raises(SettingInvalid, match="no key with the id 'new'"):
        key_ring(Settings(keys_file=file), nowhere).decrypt(sealed, context)


def test_another_key_under_a_known_id_does_not_open_and_says_so() -> None:
    context = token_context(CLIENT_ID, some_orcid(1), "access")
    sealed = KeyRing.parse(NEW).encrypt(Secret("token"), context)
    wrong = KeyRing.parse(f"new:{KeyRing.generate_key().reveal()}")
    with pytest.raises(SettingInvalid, match="key 'new' is another one than it was"):
        wrong.decrypt(sealed, context)


def test_keys_rotate_while_others_read_and_write(ledger: Ledger, rows: LedgerRows, tmp_path: Path) -> None:
    """Readers and a writer began with the old key; the file changes and the rotation runs under them."""
    file = tmp_path / "keys"
    file.write_text(OLD)
    settings = Settings(keys_file=file)
    rows.client()
    people = [_connected(ledger, rows, number, key_ring(settings, nowhere)) for number in range(60)]
    failures: list[BaseException] = []
    done = threading.Event()

    def repeatedly(act: Callable[[KeyRing, int], None]) -> None:
        ring, turn = key_ring(settings, nowhere), 0
        try:
            while not done.is_set() or turn == 0:
                act(ring, turn)
                turn += 1
        except BaseException as failure:
            failures.append(failure)

    def read(ring: KeyRing, _: int) -> None:
        with ledger.transaction() as connection:
            found = read_tokens(connection, ring, people)
        assert len(found) == len(people)
        assert {tokens.access.reveal()[:6] for tokens in found.values()} == {"access"}

    def write(ring: KeyRing, turn: int) -> None:
        with ledger.transaction() as connection:
            tokens = Tokens(Secret(f"access-{turn}"), Secret(f"refresh-{turn}"))
            put_tokens(connection, ring, people[turn % len(people)], tokens, provenance="portal")

    threads = [threading.Thread(target=repeatedly, args=(act,)) for act in (read, read, write)]
    # One who never meets a new token keeps its ring, and goes on sealing with the old key.
    for thread in threads:
        thread.start()
    file.write_text(f"{NEW}\n{OLD}\n")
    rotate_keys(ledger, key_ring(settings, nowhere), batch=7)
    done.set()
    for thread in threads:
        thread.join()

    assert failures == []
    rotate_keys(ledger, key_ring(settings, nowhere), batch=7)
    assert rows.execute("SELECT DISTINCT access_key_id, refresh_key_id FROM token") == [("new", "new")]
    file.write_text(NEW)
    with ledger.transaction() as connection:
        assert len(read_tokens(connection, key_ring(settings, nowhere), people)) == len(people)


def _connected(ledger: Ledger, rows: LedgerRows, number: int, ring: KeyRing) -> int:
    researcher = rows.researcher(f"P{number}")
    with ledger.transaction() as connection:
        known: dict[str, Any] = {"researcher_id": researcher, "client_id": CLIENT_ID, "cause": "portal"}
        key = set_permission(connection, **known, state="granted", orcid=some_orcid(number), scopes=["/x"])
        put_tokens(
            connection, ring, key, Tokens(Secret("access-0"), Secret("refresh-0")), provenance="portal"
        )
    return key
