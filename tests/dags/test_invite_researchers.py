"""Invitations on a schedule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from orcid_sync.ledger.session import Ledger
from orcid_sync.vault.crypto import KeyRing

from tests.dags.support import VAULT_KEY, airflow_uri
from tests.fixtures.invitations import Inviting, PostOffice
from tests.fixtures.ledger import LedgerDatabase
from tests.fixtures.ledger_rows import CLIENT_ID, LedgerRows

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag


@pytest.fixture
def inviting(
    ledger: Ledger,
    rows: LedgerRows,
    post_office: PostOffice,
    ledger_database: LedgerDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> Inviting:
    rows.unit("library")
    port = post_office.server_address[1]
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", airflow_uri(ledger_database.application_dsn))
    nowhere = "http://127.0.0.1:9"
    orcid = {"conn_type": "http", "host": nowhere, "login": CLIENT_ID, "password": "x"}
    extra = {"web_base": nowhere, "public_base": nowhere}
    monkeypatch.setenv("AIRFLOW_CONN_ORCID", json.dumps(orcid | {"extra": extra}))
    monkeypatch.setenv(
        "AIRFLOW_CONN_SMTP_DEFAULT",
        f'{{"conn_type": "smtp", "host": "127.0.0.1", "port": {port}, "extra": {{"starttls": false}}}}',
    )
    monkeypatch.setenv("ORCID_SYNC_MAIL_FROM", "Library <orcid@example.edu>")
    monkeypatch.setenv("ORCID_SYNC_INVITATION_DOMAINS", "example.edu")
    return Inviting(ledger, rows, post_office, KeyRing.parse(VAULT_KEY))


def test_what_is_due_goes_out(inviting: Inviting, dag_bag: DagBag, airflow_database: None) -> None:
    inviting.many_staff(7)
    inviting.plan()
    run = dag_bag.dags["invite_researchers"].test()
    assert str(run.state) == "success"
    assert len(set(inviting.office.envelopes)) == len(inviting.office.envelopes) == 7
