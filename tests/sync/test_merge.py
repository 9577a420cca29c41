"""The merge: what the ledger knows of the CRIS afterwards, and that repeating or killing it does no harm."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from orcid_sync.cris import staging
from orcid_sync.errors import Misconfigured
from orcid_sync.sync import merge as merge_module
from orcid_sync.sync.merging.gone import TooManyVanished

from tests.fixtures.small_cris import Stages

pytestmark = pytest.mark.slow

W1 = "publication_id = 'W1'"


def _accounted(counts: dict[str, Any]) -> bool:
    """Each staged row is new, changed, unchanged or quarantined."""
    return all(
        tally["staged"] == sum(tally.get(name, 0) for name in ("new", "changed", "unchanged", "quarantined"))
        for tally in counts["merge"]["merged"].values()
    )


def test_the_first_run_brings_everything_in(stages: Stages) -> None:
    counts = stages.run()
    assert _accounted(counts)
    assert counts["merge"]["new"] == 3 + 2 + 2 + 3
    work = stages.row("W1")
    assert (work["section"], work["answer"], work["reason"], work["gone"]) == ("work", "yes", None, None)
    assert [c["person_id"] for c in work["data"]["contributors"]] == ["P1", "P2"]
    assert work["data"]["identifiers"][0]["external_id_value"] == "10.5555/w1"
    assert work["data"]["publication_year"] == 2024
    assert stages.claims("W1") == {"P1": "yes", "P2": "yes"}
    assert stages.claims("W2") == {"P2": "yes"}
    assert stages.claims("E2") == {"P2": "yes"}
    assert stages.row("E2")["unit_id"] == "U2"
    assert stages.one("SELECT path FROM cris_unit WHERE unit_id = 'U2'") == ["U2", "U1"]


def test_merging_the_same_extraction_again_does_nothing_and_says_the_same(stages: Stages) -> None:
    stages.extract("run-1")
    stages.validate("run-1")
    counts = stages.merge("run-1")
    before = stages.state()
    assert stages.merge("run-1") == counts
    assert stages.state() == before


@pytest.mark.parametrize("full", [False, True], ids=["incremental", "full"])
def test_a_run_without_changes_touches_nothing(stages: Stages, full: bool) -> None:
    stages.run()
    before = stages.state()
    counts = stages.run(full=full)
    assert _accounted(counts)
    assert (counts["merge"]["new"], counts["merge"]["changed"]) == (0, 0)
    assert stages.state() == before


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({}, ("yes", None)),
        ({"publication_status": "epub"}, ("yes", None)),
        ({"publication_status": "in-press"}, ("yes", None)),
        ({"publication_status": "submitted"}, ("cant_say", "not_published")),
        ({"publication_status": "unpublished"}, ("cant_say", "not_published")),
        ({"publication_status": None}, ("cant_say", "not_published")),
        ({"publication_status": "retracted"}, ("cant_say", "retracted")),
        ({"curation_status": "pending"}, ("cant_say", "pending_in_cris")),
        ({"curation_status": "withdrawn"}, ("no", "withdrawn")),
        ({"curation_status": "rejected"}, ("no", "rejected")),
        ({"visibility": "internal"}, ("no", "hidden")),
        ({"visibility": "hidden", "curation_status": "pending"}, ("no", "hidden")),
        ({"is_confidential": True}, ("no", "confidential")),
        ({"publication_status": "retracted", "curation_status": "withdrawn"}, ("no", "withdrawn")),
    ],
    ids=str,
)
def test_the_push_rule_of_publications(
    stages: Stages, values: dict[str, Any], answer: tuple[str, str | None]
) -> None:
    stages.cris.update("publications", W1, **values)
    stages.run()
    row = stages.row("W1")
    assert (row["answer"], row["reason"]) == answer


def test_in_press_needs_a_doi_that_holds(stages: Stages) -> None:
    stages.cris.update("publications", "true", publication_status="in-press")
    stages.cris.update("publication_identifiers", W1, external_id_value="n/a")
    stages.cris.update("publication_identifiers", "publication_id = 'W2'", external_id_type="handle")
    stages.run()
    assert [stages.row(key)["answer"] for key in ("W1", "W2", "W3")] == ["cant_say", "cant_say", "yes"]


def test_an_embargo_is_a_day_to_wait_for(stages: Stages) -> None:
    stages.cris.update("publications", W1, embargo_until=dt.date(2099, 1, 1))
    stages.run()
    row = stages.row("W1")
    assert (row["answer"], row["not_before"]) == ("yes", dt.date(2099, 1, 1))


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ({"claim_status": "approved"}, "yes"),
        ({"claim_status": "pending"}, "cant_say:pending_in_cris"),
        ({"claim_status": "who knows"}, "cant_say:pending_in_cris"),
        ({"claim_status": "rejected"}, "no:claim_rejected"),
        ({"visibility": "hidden"}, "no:claim_hidden"),
        ({"visibility": "hidden", "claim_status": "pending"}, "no:claim_hidden"),
    ],
    ids=str,
)
def test_each_person_answers_for_their_own_share(stages: Stages, values: dict[str, str], answer: str) -> None:
    stages.cris.update("publication_contributors", f"{W1} AND contributor_seq = 1", **values)
    stages.run()
    assert stages.claims("W1") == {"P1": answer, "P2": "yes"}


def test_a_person_twice_on_a_publication_is_one_claim_with_the_best_answer(stages: Stages) -> None:
    stages.cris.update("publication_contributors", f"{W1} AND contributor_seq = 1", claim_status="rejected")
    stages.cris.insert(
        "publication_contributors",
        publication_id="W1",
        contributor_seq=3,
        person_id="P1",
        contributor_role="editor",
    )
    stages.run()
    assert stages.claims("W1") == {"P1": "yes", "P2": "yes"}
    assert (
        stages.one("SELECT contributor_seq FROM cris_claim WHERE person_id = 'P1' AND contributor_seq = 3")
        == 3
    )
    assert len(stages.row("W1")["data"]["contributors"]) == 3


def test_an_author_taken_off_loses_the_claim(stages: Stages) -> None:
    stages.run()
    stages.cris.delete("publication_contributors", f"{W1} AND contributor_seq = 2")
    stages.cris.update("publications", W1)
    stages.run()
    assert stages.claims("W1") == {"P1": "yes"}


def test_an_unknown_person_stays_in_the_list_without_a_claim_until_the_staff_view_shows_them(
    stages: Stages,
) -> None:
    stages.cris.update("publication_contributors", f"{W1} AND contributor_seq = 2", person_id="P9")
    stages.run()
    assert stages.claims("W1") == {"P1": "yes"}
    assert stages.row("W1")["data"]["contributors"][1]["person_id"] == "P9"
    stages.cris.insert("staff", person_id="P9")
    stages.run()
    assert stages.claims("W1") == {"P1": "yes", "P9": "yes"}
    assert stages.quarantined() == set()


def test_a_post_waits_for_its_unit_and_person_and_comes_in_with_them(stages: Stages) -> None:
    stages.cris.insert("employments", employment_id="E9", person_id="P9", unit_id="U9")
    stages.run()
    assert stages.row("E9")["quarantined"]
    stages.cris.insert("units", unit_id="U9", parent_unit_id="U1")
    stages.run()
    assert {check for _, key, check in stages.quarantined() if key == "E9"} == {"person_known"}
    stages.cris.insert("staff", person_id="P9")
    stages.run()
    row = stages.row("E9")
    assert (row["quarantined"], row["answer"]) == (False, "yes")
    assert stages.claims("E9") == {"P9": "yes"}
    assert stages.quarantined() == set()


def test_a_changed_row_is_updated_and_dated(stages: Stages) -> None:
    stages.run()
    before, neighbour = stages.row("W1"), stages.row("W2")
    stages.cris.update("publication_identifiers", W1, external_id_value="10.5555/other")
    counts = stages.run()
    after = stages.row("W1")
    assert counts["merge"]["merged"]["publications"]["changed"] == 1
    assert after["row_hash"] != before["row_hash"]
    assert after["changed_at"] > before["changed_at"]
    assert after["id"] == before["id"]
    assert after["data"]["identifiers"][0]["external_id_value"] == "10.5555/other"
    assert stages.row("W2") == neighbour


def test_a_quarantined_publication_keeps_its_last_good_content_and_recovers(stages: Stages) -> None:
    stages.run()
    good = stages.row("W1")
    stages.cris.update("publications", W1, title="<i></i>", visibility="hidden")
    counts = stages.run()
    held = stages.row("W1")
    assert _accounted(counts)
    assert (held["quarantined"], held["answer"], held["data"]) == (True, "yes", good["data"])
    assert stages.claims("W1") == {"P1": "yes", "P2": "yes"}
    stages.cris.update("publications", W1, title="On tides", visibility="public")
    stages.run()
    assert stages.row("W1")["quarantined"] is False
    assert stages.row("W1")["row_hash"] == good["row_hash"]
    assert stages.quarantined() == set()
    assert stages.quarantined(resolved=True) == {("publications", "W1", "title_present")}


def test_a_publication_never_seen_good_waits_with_its_people(stages: Stages) -> None:
    stages.cris.update("publications", W1, title="")
    stages.run()
    row = stages.row("W1")
    assert (row["quarantined"], row["answer"], row["reason"], row["data"]) == (
        True,
        "cant_say",
        "quarantined",
        None,
    )
    assert stages.claims("W1") == {"P1": "yes", "P2": "yes"}
    stages.cris.update("publications", W1, title="On tides")
    stages.run()
    row = stages.row("W1")
    assert (row["quarantined"], row["answer"], row["data"]["title"]) == (False, "yes", "On tides")


def test_a_quarantined_row_read_again_without_a_change_is_no_news(stages: Stages) -> None:
    stages.cris.update("publications", W1, title="")
    stages.cris.update("publication_identifiers", "publication_id = 'W2'", external_id_value="n/a")
    stages.run()
    for relation in ("publications", "staff", "employments"):
        stages.cris.update(relation, "true")
    before = stages.state()
    assert stages.run()["validate"]["checked"] == 0
    assert stages.state() == before
    assert len(stages.quarantined()) == 2, "what waits still waits"


def test_a_bad_identifier_is_left_out_alone(stages: Stages) -> None:
    stages.cris.insert(
        "publication_identifiers", publication_id="W1", identifier_seq=2, external_id_value="not yet assigned"
    )
    stages.run()
    row = stages.row("W1")
    assert (row["quarantined"], row["answer"]) == (False, "yes")
    assert [i["external_id_value"] for i in row["data"]["identifiers"]] == ["10.5555/w1"]
    stages.cris.update(
        "publication_identifiers", f"{W1} AND identifier_seq = 2", external_id_value="10.5555/second"
    )
    stages.run()
    assert len(stages.row("W1")["data"]["identifiers"]) == 2
    assert stages.quarantined() == set()


def test_a_person_without_a_name_is_held_and_marked(stages: Stages) -> None:
    stages.run()
    stages.cris.update("staff", "person_id = 'P1'", family_names=" ")
    counts = stages.run()
    assert stages.query("SELECT family_names, quarantined FROM cris_staff WHERE person_id = 'P1'") == [
        ("Quill1", True)
    ]
    assert counts["merge"]["merged"]["staff"]["quarantined"] == 1


# --- what goes ----------------------------------------------------------------------------------------------------


def test_a_tombstone_deletes(stages: Stages) -> None:
    stages.run()
    stages.cris.remove_publication("W1")
    stages.cris.insert("tombstones", entity_id="W1")
    counts = stages.run()
    assert stages.row("W1")["gone"] == "deleted"
    assert counts["merge"]["gone"] == 1
    assert stages.run()["merge"]["gone"] == 0


def test_a_tombstone_of_a_row_that_is_still_shown_is_passed_over(stages: Stages) -> None:
    stages.run()
    stages.cris.insert("tombstones", entity_id="W1")
    stages.run()
    assert stages.row("W1")["gone"] is None


def test_a_row_that_comes_back_is_there_again(stages: Stages) -> None:
    stages.run()
    stages.cris.remove_publication("W1")
    stages.cris.insert("tombstones", entity_id="W1")
    stages.run()
    stages.cris.publication("W1", "P1", "P2")
    stages.run()
    assert stages.row("W1")["gone"] is None
    stages.run(full=True)
    assert stages.row("W1")["gone"] is None


def _merge_in_cris(stages: Stages, key: str, survivor: str | None) -> None:
    stages.cris.remove_publication(key)
    stages.cris.insert("tombstones", entity_id=key, reason="merged", merged_into_id=survivor)


def test_a_chain_of_merges_leads_to_the_last_survivor_whenever_its_links_come(stages: Stages) -> None:
    stages.run()
    _merge_in_cris(stages, "W1", "W2")
    stages.run()
    assert (stages.row("W1")["gone"], stages.row("W1")["merged_into"]) == ("merged", "W2")
    _merge_in_cris(stages, "W2", "WX")
    stages.cris.insert("tombstones", entity_id="WX", reason="merged", merged_into_id="W3")
    stages.run()
    assert stages.row("W1")["merged_into"] == "W3"
    assert stages.row("W2")["merged_into"] == "W3"
    assert stages.claims("W1") == {"P1": "yes", "P2": "yes"}, "whose put code moves is still to be known"


def test_a_circle_of_merges_leaves_nothing(stages: Stages) -> None:
    stages.run()
    _merge_in_cris(stages, "W1", "W2")
    _merge_in_cris(stages, "W2", "W1")
    stages.run(confirm_shrink=True)
    assert [stages.row(key)["gone"] for key in ("W1", "W2")] == ["deleted", "deleted"]


def test_a_merge_without_a_survivor_is_quarantined_and_deletes_nothing(stages: Stages) -> None:
    stages.run()
    _merge_in_cris(stages, "W1", None)
    stages.run()
    assert stages.row("W1")["gone"] is None
    assert stages.quarantined() == {("tombstones", "publications:W1", "survivor_named")}


def test_people_and_posts_are_buried_too(stages: Stages) -> None:
    stages.run()
    stages.cris.delete("staff", "person_id = 'P3'")
    stages.cris.insert("tombstones", entity="staff", entity_id="P3", reason="merged", merged_into_id="P1")
    stages.cris.delete("employments", "employment_id = 'E1'")
    stages.cris.insert("tombstones", entity="employments", entity_id="E1", reason="unpublished")
    stages.run()
    assert stages.query("SELECT gone, merged_into FROM cris_staff WHERE person_id = 'P3'") == [
        ("merged", "P1")
    ]
    assert stages.row("E1")["gone"] == "deleted"


def test_a_row_that_vanished_is_confirmed_only_by_the_next_full_extraction(stages: Stages) -> None:
    stages.run()
    stages.cris.remove_publication("W1")
    stages.run()
    assert stages.row("W1")["gone"] is None, "an incremental run can't know"
    counts = stages.run(full=True)
    assert stages.row("W1")["gone"] == "vanished"
    assert counts["merge"]["vanished"] == 1
    stages.run()
    assert stages.row("W1")["gone"] == "vanished"
    stages.run(full=True)
    assert stages.row("W1")["gone"] == "deleted"


def test_repeating_a_full_run_does_not_confirm_what_it_noticed_itself(stages: Stages) -> None:
    stages.run()
    stages.cris.remove_publication("W1")
    for _ in range(2):
        stages.extract("audit", full=True)
        stages.validate("audit")
        stages.merge("audit", full=True)
    assert stages.row("W1")["gone"] == "vanished"


def test_a_vanished_row_that_returns_is_there_again(stages: Stages) -> None:
    stages.run()
    stages.cris.remove_publication("W1")
    stages.run(full=True)
    stages.cris.publication("W1", "P1", "P2")
    stages.run()
    assert stages.row("W1")["gone"] is None


def test_keys_that_changed_all_at_once_stop_the_full_run(stages: Stages) -> None:
    for number in range(10, 15):
        stages.cris.publication(f"W{number}", "P1")
    stages.run()
    for relation in ("publications", "publication_contributors", "publication_identifiers"):
        stages.cris.execute(f"UPDATE orcid_feed.{relation} SET publication_id = 'new-' || publication_id")
    before = stages.state()
    run_id = stages.next_run()
    stages.extract(run_id, full=True)
    stages.validate(run_id)
    with pytest.raises(TooManyVanished, match=r"8 of 8 known rows are missing in orcid_feed\.publications"):
        stages.merge(run_id)
    assert stages.state() == before
    stages.merge(run_id, confirm_shrink=True)
    assert stages.row("W1")["gone"] == "vanished"


def test_quarantine_rows_of_what_is_gone_are_closed(stages: Stages) -> None:
    stages.cris.update("publications", W1, title="")
    stages.run()
    stages.cris.remove_publication("W1")
    stages.cris.insert("tombstones", entity_id="W1")
    stages.run()
    assert stages.quarantined() == set()


# --- units and posts ----------------------------------------------------------------------------------------------


def test_a_change_of_a_unit_reaches_the_posts_below_it(stages: Stages) -> None:
    stages.run()
    before = {key: stages.row(key) for key in ("E1", "E2")}
    stages.cris.update("units", "unit_id = 'U2'", city="Averholt")
    stages.run()
    assert stages.row("E1") == before["E1"]
    assert stages.row("E2")["row_hash"] != before["E2"]["row_hash"]
    assert stages.row("E2")["changed_at"] > before["E2"]["changed_at"]
    stages.cris.update("units", "unit_id = 'U1'", ror_id="https://ror.org/0abcde123")
    stages.run()
    assert stages.row("E1")["row_hash"] != before["E1"]["row_hash"]


def test_a_unit_that_moves_takes_its_path_along(stages: Stages) -> None:
    stages.cris.insert("units", unit_id="U3", parent_unit_id="U1")
    stages.run()
    stages.cris.update("units", "unit_id = 'U2'", parent_unit_id="U3")
    stages.run()
    assert stages.one("SELECT path FROM cris_unit WHERE unit_id = 'U2'") == ["U2", "U3", "U1"]


def test_units_in_a_circle_end_where_it_closes(stages: Stages) -> None:
    stages.cris.update("units", "unit_id = 'U1'", parent_unit_id="U2")
    stages.run()
    assert stages.query("SELECT unit_id, path FROM cris_unit ORDER BY 1") == [
        ("U1", ["U1", "U2"]),
        ("U2", ["U2", "U1"]),
    ]


def test_a_unit_is_dropped_when_nothing_refers_to_it(stages: Stages) -> None:
    stages.cris.insert("units", unit_id="U9")
    stages.run()
    stages.cris.delete("units", "unit_id IN ('U2', 'U9')")
    stages.run(full=True)
    assert [key for (key,) in stages.query("SELECT unit_id FROM cris_unit ORDER BY 1")] == ["U1", "U2"]


@pytest.mark.parametrize(
    ("end", "ended"),
    [
        ({}, False),
        ({"end_year": 2021}, True),
        ({"end_year": 2021, "end_month": 12, "end_day": 31}, True),
        ({"end_year": 2021, "end_day": 31}, True),
        ({"end_year": 2060}, False),
        ({"end_year": 2060, "end_month": 2}, False),
    ],
    ids=str,
)
def test_whether_a_post_has_ended(stages: Stages, end: dict[str, int], ended: bool) -> None:
    stages.cris.update("employments", "employment_id = 'E1'", **end)
    stages.run()
    assert stages.row("E1")["ended"] is ended


def test_a_post_ends_by_the_passing_of_time_alone(stages: Stages) -> None:
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    stages.cris.update(
        "employments",
        "employment_id = 'E1'",
        end_year=yesterday.year,
        end_month=yesterday.month,
        end_day=yesterday.day,
    )
    stages.run()
    ended = stages.row("E1")
    assert ended["ended"]
    with stages.ledger.transaction() as connection:
        connection.execute(
            "UPDATE cris_row SET ended = false, row_hash = %s WHERE cris_id = 'E1'", ("0" * 32,)
        )
    stages.run()
    assert stages.row("E1")["row_hash"] == ended["row_hash"]
    assert stages.row("E1")["ended"]


def test_the_kind_of_a_post_tells_its_section(stages: Stages) -> None:
    stages.cris.insert("employments", employment_id="E8", affiliation_type="service")
    counts = stages.run()
    assert _accounted(counts)
    assert counts["merge"]["merged"]["employments"] == {
        "staged": 3, "new": 3, "changed": 0, "unchanged": 0, "quarantined": 0
    }  # fmt: skip
    assert stages.row("E8")["section"] == "service"


def test_a_post_that_becomes_one_of_another_kind_leaves_the_section_it_was_in(stages: Stages) -> None:
    stages.run()
    stages.cris.update("employments", "employment_id = 'E1'", affiliation_type="distinction")
    counts = stages.run()
    assert _accounted(counts)
    answers = stages.query("SELECT section, answer, reason FROM cris_row WHERE cris_id = 'E1' ORDER BY 1")
    assert answers == [("distinction", "yes", None), ("employment", "no", "other_section")]
    stages.cris.update("employments", "employment_id = 'E1'")
    assert stages.run()["extract"]["employments"] == 0


# --- killed and repeated ------------------------------------------------------------------------------------------


def test_a_stage_killed_at_any_statement_can_be_run_again(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = None
    for step in (
        "remember_seen",
        "merge_units",
        "merge_section",
        "bury",
        "finish_posts",
        "resolve_quarantine",
    ):
        stages.extract("run-1")
        stages.validate("run-1")
        with monkeypatch.context() as patched:
            patched.setattr(merge_module, step, _killed)
            with pytest.raises(KeyboardInterrupt):
                stages.merge("run-1")
        assert stages.query("SELECT * FROM watermark") == []
        assert stages.query("SELECT * FROM cris_row") == []
    stages.validate("run-1")
    expected = stages.merge("run-1")
    assert expected["new"] == 10
    assert stages.one("SELECT count(*) FROM stage_run WHERE stage = 'merge' AND error IS NOT NULL") == 6


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_an_extraction_killed_on_the_way_leaves_the_staging_before_it(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages.extract("run-1")
    with monkeypatch.context() as patched:
        patched.setattr(staging, "record_extraction", _killed)
        with pytest.raises(KeyboardInterrupt):
            stages.extract("run-2")
    stages.validate("run-1")
    assert stages.merge("run-1")["new"] == 10


def test_what_was_extracted_and_never_merged_is_extracted_again(stages: Stages) -> None:
    stages.run()
    stages.cris.update("publications", W1, title="On currents")
    stages.extract("lost")
    stages.validate("lost")
    stages.run()
    assert stages.row("W1")["data"]["title"] == "On currents"


def test_a_full_merge_of_an_incremental_extraction_is_refused(stages: Stages) -> None:
    stages.run()
    stages.extract("run-2")
    stages.validate("run-2")
    with pytest.raises(Misconfigured, match="isn't a full one"):
        stages.merge("run-2", full=True)


def test_merging_without_validation_is_refused(stages: Stages) -> None:
    stages.extract("run-1")
    with pytest.raises(Misconfigured, match="isn't validated"):
        stages.merge("run-1")
