"""A researcher's list: what is shown before anything is written, their word on it, and who outranks whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.portal import PortalSite, Visitor, text_of

LATER = "UPDATE permission SET write_after = now() - interval '1 second' RETURNING 1"


@pytest.fixture
def somebody(site: PortalSite, ada: int) -> Visitor:
    """Ada, connected, with two publications in the CRIS that a librarian approved."""
    made = site.visitor()
    made.demo("p1")
    made.connect(site.record("Ada", "Okafor"))
    for number in (1, 2):
        site.desk.publication(f"pub-{number}", f"10.5555/{number}")
    site.sync()
    return made


def say(visitor: Visitor, choice: str, cris_id: str) -> Any:
    item = visitor.site.house.one("SELECT id FROM item WHERE cris_id = %s", cris_id)
    return visitor.post(
        "/items", {"form_key": visitor.form_key_of("/me"), "choice": choice, "item": str(item)}
    )


def approve_all(site: PortalSite) -> None:
    for row in site.house.all("SELECT id FROM change WHERE state = 'open' AND verdict IS NULL ORDER BY id"):
        site.desk.approve(row.id)


def on_record(site: PortalSite) -> list[str]:
    [orcid] = [row.orcid for row in site.house.all("SELECT orcid FROM permission")]
    items = site.simulator.control.get_record(orcid)["items"]
    return sorted(item["item"]["title"]["title"]["value"] for item in items)


def test_the_list_is_there_before_the_permission(site: PortalSite, ada: int) -> None:
    site.desk.publication("pub-1", "10.5555/1")
    site.desk.propose()
    nobody_yet = site.visitor()
    page = text_of(nobody_yet.demo("p1"))
    assert "Title of pub-1" in page
    assert "Waiting for your permission" in page
    page = text_of(nobody_yet.connect(site.record("Ada", "Okafor")))
    assert "Title of pub-1" in page
    assert "Waiting for your permission" not in page
    assert "Comes with the next update" in page


def test_nothing_is_written_before_the_days_to_object_are_over(site: PortalSite, somebody: Visitor) -> None:
    page = text_of(somebody.get("/me"))
    assert "Nothing is written before" in page
    assert "Title of pub-1" in page
    approve_all(site)
    assert site.sync()["written"]["add"] == 0
    assert "Will be added" in text_of(somebody.get("/me"))
    assert say(somebody, "keep_off", "pub-2").url.endswith("said=changed#list")
    site.house.one(LATER)
    assert site.sync()["written"]["add"] == 1
    assert on_record(site) == ["Title of pub-1"]
    page = text_of(somebody.get("/me"))
    assert "On your ORCID record" in page
    assert "You decided against it" in page
    assert "Nothing is written before" not in page
    [decision] = site.house.all("SELECT * FROM decision WHERE role = 'researcher'")
    assert (decision.verdict, decision.via) == ("reject", "portal")


def test_no_librarian_overrules_the_researcher_but_they_themselves_do(
    site: PortalSite, somebody: Visitor
) -> None:
    say(somebody, "keep_off", "pub-1")
    site.house.one(LATER)
    site.sync()
    assert not site.house.all(
        "SELECT FROM change JOIN item ON item.id = item_id WHERE cris_id = 'pub-1' AND change.state = 'open'"
    ), "it isn't even proposed to a librarian"
    say(somebody, "bring_back", "pub-1")
    site.sync()
    approve_all(site)
    assert site.sync()["written"]["add"] == 2
    assert on_record(site) == ["Title of pub-1", "Title of pub-2"]


def test_what_stands_is_taken_off_and_brought_back(site: PortalSite, somebody: Visitor) -> None:
    site.house.one(LATER)
    approve_all(site)
    site.sync()
    say(somebody, "take_off", "pub-1")
    assert "Is being removed from your record" in text_of(somebody.get("/me"))
    # A proposal in between keeps the removal, and no guard takes it for a broken feed.
    counts = site.sync()
    assert counts["written"]["remove"] == 1
    assert on_record(site) == ["Title of pub-2"]
    assert site.sync()["written"] == {"add": 0, "update": 0, "remove": 0}
    say(somebody, "bring_back", "pub-1")
    site.sync()
    approve_all(site)
    site.sync()
    assert on_record(site) == ["Title of pub-1", "Title of pub-2"]


def test_a_removal_that_was_asked_for_can_be_called_off(site: PortalSite, somebody: Visitor) -> None:
    site.house.one(LATER)
    approve_all(site)
    site.sync()
    say(somebody, "take_off", "pub-1")
    say(somebody, "bring_back", "pub-1")
    assert site.sync()["written"]["remove"] == 0
    assert len(on_record(site)) == 2


class TestWhereTheResearcherApproves:
    """Units with the approval policy `researcher`."""

    @pytest.fixture
    def portal_settings(self) -> dict[str, Any]:
        return {"unit": {"approval": "researcher", "librarians": []}, "portal_veto_days": 0}

    def test_send_is_a_standing_choice(self, site: PortalSite, somebody: Visitor) -> None:
        assert "For you to choose" in text_of(somebody.get("/me"))
        assert site.sync()["written"]["add"] == 0
        say(somebody, "send", "pub-1")
        assert site.sync()["written"]["add"] == 1
        assert on_record(site) == ["Title of pub-1"]
        [decision] = site.house.all("SELECT * FROM decision")
        assert (decision.verdict, decision.role, decision.via) == ("approve", "researcher", "portal")
        # A corrected title is the same choice; what was never chosen stays unsent.
        site.desk.run(
            "UPDATE cris_content SET data = jsonb_set(data, '{title}', '\"Better title\"') FROM cris_row "
            "WHERE cris_row.id = row_id AND cris_id = 'pub-1'"
        )
        site.desk.run("UPDATE cris_row SET row_hash = gen_random_uuid() WHERE cris_id = 'pub-1'")
        assert site.sync()["written"] == {"add": 0, "update": 1, "remove": 0}
        assert on_record(site) == ["Better title"]
