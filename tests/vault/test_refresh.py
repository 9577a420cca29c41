"""Tokens renewed at the registry: the returned pair is kept, by one refresher at a time."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from orcid_simulator.testing import RunningSimulator
from orcid_sync.errors import TokenRefused
from orcid_sync.ledger.session import Ledger
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.refresh import refresh_token, refresh_tokens
from orcid_sync.vault.registry import Registry
from orcid_sync.vault.store import Tokens, put_tokens, read_tokens, set_permission

from tests.fixtures.ledger_rows import LedgerRows

MONTH = dt.timedelta(days=30)


@dataclass
class Vault:
    """A researcher who connected, and the registry that gave the token."""

    ledger: Ledger
    rows: LedgerRows
    simulator: RunningSimulator
    registry: Registry
    orcid: str
    permission: int
    granted: dict[str, str]

    def tokens(self) -> Tokens:
        with self.ledger.transaction() as connection:
            return read_tokens(connection, self.registry.keys, [self.permission])[self.permission]

    def expires_in(self, interval: str) -> dt.datetime:
        self.rows.execute("UPDATE token SET expires_at = now() + %s::interval", (interval,))
        when: dt.datetime = self.rows.one("SELECT expires_at FROM token")
        return when


@pytest.fixture
def vault(ledger: Ledger, rows: LedgerRows, orcid_registry: RunningSimulator) -> Iterator[Vault]:
    client_id, secret = orcid_registry.control.client()
    bases = (orcid_registry.api_base, orcid_registry.web_base, orcid_registry.public_base)
    client = ApiClient(Credentials(client_id, Secret(secret), *bases), NoLimiter(), sleep=lambda _: None)
    keys = KeyRing.parse(f"k:{KeyRing.generate_key().reveal()}")
    rows.client(client_id)
    orcid = orcid_registry.control.record()
    granted = orcid_registry.control.token(client_id, orcid)
    researcher = rows.researcher()
    with ledger.transaction() as connection:
        key = set_permission(
            connection,
            researcher_id=researcher,
            client_id=client_id,
            state="granted",
            cause="portal",
            orcid=orcid,
            scopes=granted["scope"].split(),
        )
        pair = Tokens(Secret(granted["access_token"]), Secret(granted["refresh_token"]))
        put_tokens(connection, keys, key, pair, provenance="portal")
    registry = Registry({"default": client}, ledger, keys)
    yield Vault(ledger, rows, orcid_registry, registry, orcid, key, granted)
    registry.close()


def test_a_token_that_expires_soon_is_renewed_and_both_parts_are_kept(vault: Vault) -> None:
    vault.expires_in("10 days")

    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH) == {
        "refreshed": 1,
        "refused": 0,
        "failed": 0,
    }

    new = vault.tokens()
    assert new.access.reveal() != vault.granted["access_token"]
    assert new.refresh is not None
    assert new.refresh.reveal() != vault.granted["refresh_token"]
    vault.registry.client(vault.registry.client_ids[0]).verify_token(vault.orcid, new.access)
    assert vault.rows.one("SELECT provenance FROM token") == "refresh"
    # The new one lives long: nothing is due.
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["refreshed"] == 0


def test_a_token_that_lives_long_or_cannot_be_renewed_is_left_alone(vault: Vault) -> None:
    vault.expires_in("31 days")
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["refreshed"] == 0
    vault.expires_in("1 day")
    vault.rows.execute("UPDATE token SET refresh_sealed = NULL, refresh_key_id = NULL")
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["refreshed"] == 0


def test_one_of_many_refreshers_refreshes(vault: Vault) -> None:
    seen = vault.expires_in("1 day")
    answers: list[bool] = []

    def refresh() -> None:
        answers.append(refresh_token(vault.ledger, vault.registry, vault.permission, expiring_at=seen))

    threads = [threading.Thread(target=refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [False, False, False, True]
    assert sum(call["path"] == "/oauth/token" for call in vault.simulator.control.calls()) == 1
    vault.registry.client(vault.registry.client_ids[0]).verify_token(vault.orcid, vault.tokens().access)


def test_a_refused_refresh_puts_the_permission_in_doubt(vault: Vault) -> None:
    seen = vault.expires_in("1 day")
    vault.simulator.control.revoke(vault.granted["access_token"], by="user")
    with pytest.raises(TokenRefused):
        refresh_token(vault.ledger, vault.registry, vault.permission, expiring_at=seen)
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["refused"] == 1
    assert vault.rows.one("SELECT suspect_since IS NOT NULL FROM permission")
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["refused"] == 0


def test_a_registry_that_does_not_answer_costs_nothing(vault: Vault) -> None:
    vault.expires_in("1 day")
    vault.simulator.control.fault("status", status=503, times=1)
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["failed"] == 1
    assert vault.tokens().access.reveal() == vault.granted["access_token"]
    assert refresh_tokens(vault.ledger, vault.registry, before=MONTH)["refreshed"] == 1
