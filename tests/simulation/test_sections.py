"""Every section from the CRIS to the record and back: written, read, compared, corrected, lost on the way, taken off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from orcid_sync.ledger.organizations import load_organizations
from orcid_sync.ledger.session import Ledger
from orcid_sync.model.sections import AFFILIATIONS, OF_PERSON, SECTIONS
from orcid_sync.model.validation import same_meaning
from orcid_sync.secret import Secret
from orcid_sync.sync.mirror.store import Reading, store_readings

from tests.fixtures.promises import CLIENT
from tests.fixtures.ror import EXAMPLES, FUNDER_ID, write_dump
from tests.fixtures.section_rows import EDITS, ROWS
from tests.fixtures.world import World

pytestmark = pytest.mark.slow


URI_BASE = "https://cris.example.edu/id"
WAYS = [
    *(pytest.param(section, None, id=section) for section in ROWS),
    *(pytest.param(section, URI_BASE, id=f"{section} by uri") for section in sorted(AFFILIATIONS)),
]


def test_every_section_has_a_row_to_be_tested_with() -> None:
    assert {"work", *ROWS} == set(SECTIONS)


def enter(world: World, section: str, cris_id: str = "X1", person: str = "p1", **changes: Any) -> None:
    """The section's row, corrected."""
    gone = changes.pop("gone", None)
    world.enter(section, cris_id, person, ROWS[section] | changes, gone=gone)


def at_rest(world: World) -> None:
    """Nothing more is proposed and nothing more is sent."""
    world.run("mirror", everything=True)
    counts = world.proposes()
    assert counts is not None
    assert counts["proposed"] == 0
    assert not world.open_changes(undecided=False)


@pytest.mark.parametrize(("section", "base"), WAYS)
def test_what_is_written_is_recognised_when_it_is_read_again(
    world: World, section: str, base: str | None
) -> None:
    world.settings = world.settings.model_copy(update={"item_uri_base": base})
    # Somebody who never connects anything: the view is never empty, whatever goes.
    enter(world, section, "X0", "p0")
    enter(world, section)
    world.round()
    [written] = world.ours("p1", section)
    at_rest(world)
    enter(world, section, **EDITS[section])
    world.round()
    [corrected] = world.ours("p1", section)
    assert corrected["put_code"] == written["put_code"]
    assert corrected["item"] != written["item"]
    at_rest(world)
    enter(world, section, gone="deleted")
    world.round()
    assert world.ours("p1", section) == []
    at_rest(world)


@pytest.mark.parametrize(("section", "base"), WAYS)
def test_an_entry_whose_answer_was_lost_is_found_though_the_cris_has_changed_since(
    world: World, section: str, base: str | None
) -> None:
    world.settings = world.settings.model_copy(update={"item_uri_base": base})
    enter(world, section)
    world.control.fault("drop_after", method="POST", path=f"/{SECTIONS[section].endpoint}$")
    world.round()
    [arrived] = world.ours("p1", section)
    enter(world, section, **EDITS[section])
    world.time_passes()
    world.proposes()
    world.round()
    world.round()
    [one] = world.ours("p1", section)
    assert one["put_code"] == arrived["put_code"]
    assert one["item"] != arrived["item"]
    at_rest(world)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(400, 9045, "refused_by_orcid"), (409, 9018, "record_locked")],
)
def test_what_the_registry_refuses_waits_in_every_section_until_it_is_corrected(
    world: World, status: int, code: int, reason: str
) -> None:
    world.control.fault("status", method="POST", path="v3", status=status, error_code=code, times=100)
    for section in ROWS:
        enter(world, section, section)
    world.round()
    assert {world.item("p1", section).reason for section in ROWS} <= {reason, None}
    assert [one for section in ROWS for one in world.ours("p1", section)] == []
    world.control.clear_faults()
    for section in ROWS:
        enter(world, section, section, **EDITS[section])
    world.time_passes()
    world.round()
    world.round()
    assert {section: len(world.ours("p1", section)) for section in ROWS} == dict.fromkeys(ROWS, 1)
    at_rest(world)


def test_every_section_is_put_back_as_it_was(world: World) -> None:
    """Several crowded together: an outage in the middle, two lost answers, a change of heart."""
    for section in ROWS:
        enter(world, section, section)
    world.round()
    before = {section: world.ours("p1", section)[0] for section in ROWS}
    for section in ROWS:
        enter(world, section, section, **EDITS[section])
    world.control.fault("status", method="PUT", path="v3", status=503, times=2)
    world.control.fault("drop_after", method="PUT", path="v3", times=2)
    world.round()
    world.rest()
    for section in ROWS:
        enter(world, section, section)
    world.round()
    world.rest()
    after = {section: world.ours("p1", section)[0] for section in ROWS}
    for section in ROWS:
        assert after[section]["put_code"] == before[section]["put_code"]
        assert same_meaning(section, after[section]["item"], before[section]["item"])
    at_rest(world)


def test_a_permission_that_covers_less_than_a_person_waits_and_takes_nothing_away(world: World) -> None:
    for section in OF_PERSON:
        enter(world, section, section)
    world.sql("UPDATE permission SET scopes = '{/read-limited,/activities/update}'")
    world.round()
    assert {world.item("p1", section).reason for section in OF_PERSON} == {"less_granted"}
    world.grant("p1")
    world.round()
    assert [len(world.ours("p1", section)) for section in OF_PERSON] == [1, 1]
    at_rest(world)


def test_a_page_that_the_researcher_entered_is_not_entered_again(world: World) -> None:
    page = {"url-name": "Me", "url": {"value": "https://www.example.edu/people/p1"}}
    world.control.add_item(world.people["p1"].orcid, "researcher-url", page, source="user")
    enter(world, "researcher-url")
    world.round()
    assert world.item("p1", "X1").reason == "already_on_record"
    assert world.ours("p1", "researcher-url") == []


def test_what_the_researcher_removed_of_the_person_stays_away(world: World) -> None:
    enter(world, "external-identifier")
    world.round()
    [one] = world.ours("p1", "external-identifier")
    world.control.remove_item(world.people["p1"].orcid, "external-identifier", one["put_code"])
    world.round()
    assert world.item("p1", "X1").state == "removed_by_researcher"
    at_rest(world)
    assert world.ours("p1", "external-identifier") == []


def test_a_reading_without_the_person_concludes_nothing_about_it(world: World) -> None:
    enter(world, "researcher-url")
    world.round()
    with Ledger(world.site.database.connect_application).transaction() as connection:
        registry = world.registry()
        person = world.people["p1"]
        assert person.token is not None
        client = registry.client(CLIENT)
        activities = client.read_activities(person.orcid, Secret(person.token))
        permission = connection.execute(
            "SELECT id FROM permission WHERE orcid = %s", (person.orcid,)
        ).fetchone()
        assert permission is not None
        started = connection.execute("SELECT clock_timestamp() + interval '1 minute' AS now").fetchone()
        assert started is not None
        reading = Reading(permission.id, CLIENT, person.orcid, started.now, activities)
        assert store_readings(connection, [reading]).removed_by_researcher == 0
        registry.close()
    world.sql("UPDATE record SET read_at = now() - interval '1 hour'")
    at_rest(world)
    assert len(world.ours("p1", "researcher-url")) == 1


def test_a_group_of_reviews_is_made_once_and_remembered(world: World) -> None:
    for number, person in enumerate(("p1", "p2", "p1")):
        enter(
            world,
            "peer-review",
            f"R{number}",
            person,
            review_group_id="publons:journal-of-examples",
        )
    world.round()
    assert (len(world.ours("p1", "peer-review")), len(world.ours("p2", "peer-review"))) == (2, 1)
    calls = [one for one in world.control.calls() if "group-id-record" in one["path"]]
    assert [one["method"] for one in calls] == ["GET", "POST"]
    at_rest(world)


def test_a_journals_group_costs_no_call_of_its_own(world: World) -> None:
    enter(world, "peer-review")
    world.round()
    assert not [one for one in world.control.calls() if "group-id-record" in one["path"]]


def by_hand(section: str, **changes: Any) -> dict[str, Any]:
    """What a researcher typed into the record: another spelling of the same thing, without a department."""
    return {
        "role-title": "lecturer",
        "start-date": {"year": {"value": "2020"}},
        "organization": {
            "name": "UNIVERSITY of Examples",
            "address": {"city": "Uppsala", "country": "SE"},
            "disambiguated-organization": {
                "disambiguated-organization-identifier": "https://ror.org/048a87296",
                "disambiguation-source": "ROR",
            },
        },
        **changes,
    }


@pytest.mark.parametrize("section", sorted(AFFILIATIONS - {"education", "qualification"}))
def test_a_near_entry_of_somebody_else_holds_ours_back_and_is_named(world: World, section: str) -> None:
    world.control.add_item(world.people["p1"].orcid, section, by_hand(section), source="user")
    enter(world, section)
    world.round()
    item = world.item("p1", "X1")
    assert (item.held, item.reason) == ("withheld", "already_on_record")
    assert "lecturer" in item.detail
    assert world.ours("p1", section) == []
    world.insist("p1", "X1")
    world.round()
    assert len(world.ours("p1", section)) == 1
    at_rest(world)


@pytest.mark.parametrize("section", ["membership", "service", "distinction", "invited-position"])
def test_another_role_in_the_same_year_is_another_entry(world: World, section: str) -> None:
    theirs = by_hand(section, **{"role-title": "Treasurer"})
    world.control.add_item(world.people["p1"].orcid, section, theirs, source="user")
    enter(world, section)
    world.round()
    assert len(world.ours("p1", section)) == 1


@pytest.mark.parametrize("section", ["membership", "employment"])
def test_another_year_is_another_entry(world: World, section: str) -> None:
    theirs = by_hand(section, **{"start-date": {"year": {"value": "2012"}}})
    world.control.add_item(world.people["p1"].orcid, section, theirs, source="user")
    enter(world, section)
    world.round()
    assert len(world.ours("p1", section)) == 1


def test_our_own_entry_of_former_days_is_taken_over(world: World) -> None:
    """Written before there was a ledger, in the same words: linked, not written twice."""
    enter(world, "education")
    world.round()
    [before] = world.ours("p1", "education")
    world.sql("DELETE FROM put_code")
    world.round()
    world.round()
    [one] = world.ours("p1", "education")
    assert one["put_code"] == before["put_code"]
    at_rest(world)


def test_organisations_known_by_name_alone_go_out_once_ror_is_loaded(world: World, tmp_path: Path) -> None:
    unknown = {
        "disambiguated_organization_identifier": None,
        "disambiguation_source": None,
        "organization_city": None,
    }
    enter(world, "education", "D1", **unknown)
    enter(
        world,
        "funding",
        "A1",
        funder_identifier=None,
        funder_identifier_source=None,
        funder_city=None,
    )
    world.round()
    assert world.item("p1", "D1").reason == world.item("p1", "A1").reason == "organisation_unknown"
    load_organizations(world.ledger(), write_dump(tmp_path), actor="ann")
    world.round()
    [degree], [grant] = world.ours("p1", "education"), world.ours("p1", "funding")
    assert degree["item"]["organization"] == grant["item"]["organization"] | {
        "name": "University of Examples",
        "address": {"city": "Uppsala", "region": None, "country": "SE"},
        "disambiguated-organization": {
            "disambiguated-organization-identifier": EXAMPLES,
            "disambiguation-source": "ROR",
        },
    }
    funder = grant["item"]["organization"]["disambiguated-organization"]
    assert funder == {
        "disambiguated-organization-identifier": FUNDER_ID,
        "disambiguation-source": "FUNDREF",
    }
    load_organizations(world.ledger(), write_dump(tmp_path), actor="ann")
    at_rest(world)
    counts = world.run("propose")
    assert counts is not None
    assert counts["payloads"]["made"] == 0
