"""The badges: nothing is met that is not so, everything missing says what to do."""

from __future__ import annotations

from orcid_sync.ledger.session import Ledger
from orcid_sync.report.badges import BADGES, badges
from orcid_sync.settings import Settings

from tests.fixtures.house import House


def missing(ledger: Ledger, settings: Settings, environment: str = "sandbox") -> set[str]:
    return {found.criterion for found in badges(ledger, settings, environment) if found.state == "missing"}


def test_an_empty_deployment_misses_what_only_use_can_show(ledger: Ledger) -> None:
    found = badges(ledger, Settings(), "simulator")
    assert {criterion.badge for criterion in found} == set(BADGES)
    assert all(criterion.missing for criterion in found if criterion.state != "met")
    assert {criterion.badge for criterion in found if criterion.state == "missing"} == set(BADGES) - {
        "display"
    }
    assert all(criterion.line.count("\n") == 0 for criterion in found)


def test_what_is_done_and_set_is_met(house: House) -> None:
    unit = house.unit()
    person = house.researcher()
    before = missing(house.ledger, Settings())
    with house.ledger.transaction() as connection:
        connection.execute("UPDATE permission SET checked_at = now()")
        connection.execute(
            "INSERT INTO record (orcid, client_id, read_at) SELECT orcid, client_id, now() FROM permission"
        )
        for section in ("work", "employment"):
            connection.execute(
                "INSERT INTO put_code (item_id, unit_id, client_id, orcid, section, put_code, origin) "
                "SELECT %s, %s, client_id, orcid, %s, 7, 'written' FROM permission",
                (house.item(unit, person, section=section), unit, section),
            )
    settings = Settings(portal_url="https://orcid.example.edu", portal_contact="orcid@example.edu")
    after = missing(house.ledger, settings, "production")
    assert after == {"a correction in the CRIS reaches the record"}
    assert after < before


def test_a_scope_that_is_not_asked_for_is_missing(ledger: Ledger) -> None:
    found = missing(ledger, Settings(portal_scopes="/read-limited"))
    assert "researchers are asked for permission to read and to add" in found
