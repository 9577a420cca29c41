"""What the local stack keeps: private, the same at the next start, and ports that are free."""

from __future__ import annotations

import socket
from pathlib import Path

from orcid_sync.local.state import State


def test_a_new_state_has_secrets_of_its_own_and_they_are_kept_privately(tmp_path: Path) -> None:
    path = tmp_path / "local" / "state.json"
    state = State.load(path)
    state.save(path)
    assert path.stat().st_mode & 0o077 == 0
    assert State.load(path) == state
    other = State()
    assert other.users["librarian"] != state.users["librarian"]
    assert other.ledger != state.ledger


def test_a_port_stays_while_it_is_free_and_changes_when_it_is_taken() -> None:
    state = State()
    port = state.port("airflow")
    assert state.port("airflow") == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert state.port("airflow") != port
