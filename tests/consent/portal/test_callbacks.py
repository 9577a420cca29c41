"""The registry's callbacks, as they reach the portal."""

from __future__ import annotations

import requests

from tests.fixtures.portal import CLIENT, PortalSite

RECORD = "0000-0002-1825-0097"


def test_a_callback_has_its_record_read_again_and_a_guessed_one_has_nothing(site: PortalSite) -> None:
    site.desk.run("INSERT INTO record (orcid, client_id, read_at) VALUES (%s, %s, now())", RECORD, CLIENT)
    site.desk.run(
        "INSERT INTO webhook (orcid, client_id, path, base) VALUES (%s, %s, 'kJ3-unguessable', 'https://a.example')",
        RECORD,
        CLIENT,
    )

    guessed = requests.post(f"{site.url}/webhooks/another", timeout=30)
    assert (guessed.status_code, guessed.content) == (404, b"")
    assert site.house.one("SELECT flagged_at FROM record") is None

    called = requests.post(f"{site.url}/webhooks/kJ3-unguessable", timeout=30)
    assert (called.status_code, called.content) == (204, b"")
    assert site.house.one("SELECT flagged_at FROM record") is not None
    assert requests.get(f"{site.url}/webhooks/kJ3-unguessable", timeout=30).status_code == 405
