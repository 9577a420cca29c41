"""iDs that differ between the CRIS and ORCID's sign-in: shown to their units' librarians, with whose move it is."""

from __future__ import annotations

import csv
import io

from tests.fixtures.console import Browser, Story

SIGNED_IN, HINT = (
    "orcid FROM permission JOIN researcher ON researcher.id = researcher_id",
    "0000-0002-1825-0097",
)


def differs(story: Story, person: str, hint: str = HINT, assurance: str | None = None) -> str:
    """The CRIS has another iD for this person than they signed in with; returns the latter."""
    story.desk.run(
        "UPDATE cris_staff SET orcid_hint = %s, orcid_assurance = %s WHERE person_id = %s",
        hint,
        assurance,
        person,
    )
    return str(story.desk.row(f"SELECT {SIGNED_IN} WHERE person_id = %s", person).orcid)


def exported(browser: Browser, who: str = "ann") -> dict[str, dict[str, str]]:
    answer = browser.get("/differing-ids.csv", who)
    assert answer.headers["content-type"].startswith("text/csv")
    return {row["person_id"]: row for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))}


def test_each_has_its_cause_and_whose_move_it_is(browser: Browser, story: Story) -> None:
    typed = differs(story, "p1")
    twice = differs(story, "p2", "0000-0001-5109-3700", "authenticated")
    theirs = differs(story, "p4", "0000-0001-5000-0007")
    swapped = differs(story, "p3", theirs)
    differs(story, "p5", swapped)
    story.desk.run(
        "UPDATE permission SET state = 'revoked' FROM researcher WHERE researcher.id = researcher_id "
        "AND person_id = 'p2'"
    )
    found = exported(browser)
    assert {person: row["whose_move"] for person, row in found.items()} == {
        "p1": "CRIS team",
        "p2": "researcher",
        "p3": "us",
        "p4": "CRIS team",
        "p5": "us",
    }
    assert (found["p1"]["orcid_in_cris"], found["p1"]["orcid_signed_in"]) == (HINT, typed)
    assert (found["p2"]["connected"], found["p2"]["orcid_signed_in"]) == ("false", twice)
    assert "another person, p4" in found["p3"]["what"]
    assert "another entry, p3" in found["p4"]["what"]
    page = browser.get("/differing-ids").text
    assert "Mara Okafor" in page
    assert "no longer connected" in page
    assert "Okafor" not in browser.get("/differing-ids.csv").text, "the CSV goes by person ids alone"
    assert "Researchers with another iD in the CRIS" in browser.get("/health").text


def test_an_id_that_agrees_or_is_unknown_is_no_difference(browser: Browser, story: Story) -> None:
    differs(story, "p1", differs(story, "p1"))
    assert exported(browser) == {}
    assert "Nobody signed in with another iD" in browser.get("/differing-ids").text
    assert "another iD" not in browser.get("/health").text


def test_another_unit_sees_its_own_people_alone(browser: Browser, story: Story) -> None:
    differs(story, "p1")
    differs(story, "p7", "0000-0001-5109-3700")
    assert set(exported(browser, "ann")) == {"p1", "p7"}
    assert set(exported(browser, "mia")) == {"p7"}, "medicine has an item of p7 alone"
    assert set(exported(browser, "olga")) == {"p1", "p7"}
    assert browser.get("/differing-ids", "nobody").status_code == 403
    assert browser.get("/differing-ids.csv", "nobody").status_code == 403


def test_whom_no_unit_has_an_item_of_is_seen_by_the_unit_that_is_there_for_the_rest(
    browser: Browser, story: Story
) -> None:
    story.desk.person("=p9")
    differs(story, "=p9")
    assert set(exported(browser, "ann")) == {"'=p9"}
    assert exported(browser, "mia") == {}
