from __future__ import annotations

from typing import Any

import pytest
from orcid_simulator.testing import running_simulator

from tests.simulator.support import Json, Member, changed, date, external_id, ids, refused, without, work


def test_post_answers_201_without_body_and_with_the_put_code_in_the_location(member: Member) -> None:
    answer = member.post("/work", work())
    assert (answer.status_code, answer.text) == (201, "")
    prefix, put_code = answer.headers["location"].rsplit("/", 1)
    assert prefix == member.url("/work")
    assert int(put_code) > 0


def test_a_work_is_read_back_with_everything_that_was_sent_and_null_for_the_rest(member: Member) -> None:
    sent = work(
        **{"journal-title": {"value": "Nature"}, "short-description": "In short.", "language-code": "en"}
    )
    put_code = member.add("work", sent)
    read = member.get(f"/work/{put_code}").json()
    assert list(read) == [
        "created-date", "last-modified-date", "source", "put-code", "path", "title", "journal-title",
        "short-description", "citation", "type", "publication-date", "external-ids", "url", "contributors",
        "language-code", "country", "visibility",
    ]  # fmt: skip
    assert read["put-code"] == put_code
    assert read["path"] == f"/{member.orcid}/work/{put_code}"
    assert read["journal-title"] == {"value": "Nature"}
    assert read["citation"] is None
    assert read["contributors"] == {"contributor": []}
    assert read["visibility"] == "public"
    assert read["source"]["source-client-id"] == {
        "uri": f"https://orcid.org/client/{member.client.client_id}",
        "path": member.client.client_id,
        "host": "orcid.org",
    }
    assert read["source"]["source-name"] == {"value": "Test University"}
    assert read["source"]["source-orcid"] is None
    assert isinstance(read["created-date"]["value"], int)


def test_identifiers_come_back_with_their_normal_form(member: Member) -> None:
    put_code = member.add("work", work("https://doi.org/10.5555/ABC"))
    identifier = member.get(f"/work/{put_code}").json()["external-ids"]["external-id"][0]
    assert identifier == {
        "external-id-type": "doi",
        "external-id-value": "https://doi.org/10.5555/ABC",
        "external-id-normalized": {"value": "10.5555/abc", "transient": True},
        "external-id-normalized-error": None,
        "external-id-url": None,
        "external-id-relationship": "self",
    }


def test_an_identifier_that_cannot_be_normalised_is_accepted_with_error_8001(member: Member) -> None:
    put_code = member.add("work", work("nonsense"))
    identifier = member.get(f"/work/{put_code}").json()["external-ids"]["external-id"][0]
    assert identifier["external-id-normalized"] is None
    assert identifier["external-id-normalized-error"]["error-code"] == "8001"


def test_the_summary_has_a_display_index_of_one_as_text(member: Member) -> None:
    put_code = member.add("work")
    summary = member.get(f"/work/summary/{put_code}").json()
    assert list(summary) == [
        "put-code", "created-date", "last-modified-date", "source", "title", "external-ids", "url", "type",
        "publication-date", "journal-title", "visibility", "path", "display-index",
    ]  # fmt: skip
    assert summary["display-index"] == "1"


def test_a_contributors_email_is_accepted_and_never_returned(member: Member) -> None:
    contributor = {"credit-name": {"value": "A. Other"}, "contributor-email": {"value": "a@example.org"}}
    put_code = member.add("work", work(contributors={"contributor": [contributor]}))
    read = member.get(f"/work/{put_code}").json()["contributors"]["contributor"]
    assert read == [
        {
            "contributor-orcid": None,
            "credit-name": {"value": "A. Other"},
            "contributor-email": None,
            "contributor-attributes": None,
        }
    ]


@pytest.mark.parametrize(
    ("alias", "stored"),
    [
        ("article-journal", "journal-article"),
        ("chapter", "book-chapter"),
        ("dataset", "data-set"),
        ("standard", "standards-and-policy"),
    ],
)
def test_an_input_alias_of_a_work_type_is_stored_as_the_type(member: Member, alias: str, stored: str) -> None:
    put_code = member.add("work", work(type=alias))
    assert member.get(f"/work/{put_code}").json()["type"] == stored


BULK_RULES = [
    ("no title", without(work(), "title"), 400, 9022),
    ("a blank title", changed(work(), " ", "title", "title", "value"), 400, 9022),
    ("an unknown country", work(country={"value": "ZZ"}), 400, 9037),
    ("an empty country", work(country={"value": ""}), 400, 9037),
    (
        "a translated title with a language and no text",
        changed(work(), {"value": "", "language-code": "en"}, "title", "translated-title"),
        400,
        9020,
    ),
    (
        "a translated title without language",
        changed(work(), {"value": "Titel"}, "title", "translated-title"),
        400,
        9037,
    ),
    (
        "a translated title in an unknown language",
        changed(work(), {"value": "Titel", "language-code": "he"}, "title", "translated-title"),
        400,
        9037,
    ),
    ("no type", without(work(), "type"), 400, 9037),
    ("an unknown type", work(type="thesis"), 400, 9037),
    ("an unknown language", work(**{"language-code": "id"}), 400, 9037),
    ("a month that does not exist", work(**{"publication-date": date("2020", "13")}), 400, 9049),
    ("a month without a leading zero", work(**{"publication-date": date("2020", "1")}), 400, 9049),
    ("a day that does not exist", work(**{"publication-date": date("2021", "02", "29")}), 400, 9049),
    (
        "a day without month",
        work(**{"publication-date": {"year": {"value": "2020"}, "day": {"value": "01"}}}),
        400,
        9049,
    ),
    ("a citation without type", work(citation={"citation-value": "x"}), 400, 9037),
    ("a blank citation", work(citation={"citation-type": "bibtex", "citation-value": " "}), 400, 9020),
    ("no identifiers", without(work(), "external-ids"), 400, 9023),
    ("an empty list of identifiers", work(**{"external-ids": ids()}), 400, 9023),
    (
        "funded-by with a type that cannot fund",
        work(**{"external-ids": ids(external_id(), external_id("isbn", "1", "funded-by"))}),
        400,
        9020,
    ),
    (
        "a contributor iD with http",
        work(
            contributors={
                "contributor": [{"contributor-orcid": {"uri": "http://orcid.org/0000-0002-1825-0097"}}]
            }
        ),
        400,
        9020,
    ),
    (
        "a contributor path that is no iD",
        work(contributors={"contributor": [{"contributor-orcid": {"path": "x"}}]}),
        400,
        9020,
    ),
    ("a blank credit name", work(contributors={"contributor": [{"credit-name": {"value": ""}}]}), 400, 9020),
    ("a put code on create", work(**{"put-code": 5}), 400, 9024),
    ("an unknown identifier type", work(**{"external-ids": ids(external_id("DOI"))}), 400, 9023),
    ("an empty identifier value", work(**{"external-ids": ids(external_id("doi", ""))}), 400, 9023),
    ("no relationship", work(**{"external-ids": ids(external_id("doi", "10.1/1", None))}), 400, 9023),
    (
        "an unknown relationship",
        work(**{"external-ids": ids(external_id(), external_id("doi", "10.1/2", "child"))}),
        400,
        9023,
    ),
    ("no self identifier", work(**{"external-ids": ids(external_id("doi", "10.1/1", "part-of"))}), 400, 9023),
    (
        "an unknown contributor role",
        work(
            contributors={
                "contributor": [{"contributor-attributes": {"contributor-role": "bystander"}}],
            }
        ),
        400,
        9058,
    ),
    ("a title over the limit", changed(work(), "x" * 1001, "title", "title", "value"), 500, 9008),
]


@pytest.mark.parametrize(
    ("sent", "status", "code"), [row[1:] for row in BULK_RULES], ids=[row[0] for row in BULK_RULES]
)
def test_in_a_bulk_an_item_is_refused_alone_with(member: Member, sent: Json, status: int, code: int) -> None:
    first, error, last = member.bulk(work("10.1/first"), sent, work("10.1/last"))
    assert "work" in first
    assert "work" in last
    assert (error["error"]["response-code"], error["error"]["error-code"]) == (status, code)


SINGLE_RULES = [
    ("an unknown country", work(country={"value": "ZZ"}), 9037),
    ("no identifiers", without(work(), "external-ids"), 9023),
    ("an unknown identifier type", work(**{"external-ids": ids(external_id("DOI"))}), 9023),
    ("no relationship", work(**{"external-ids": ids(external_id("doi", "10.1/1", None))}), 9023),
    ("no self identifier", work(**{"external-ids": ids(external_id("doi", "10.1/1", "part-of"))}), 9023),
    ("a month without a leading zero", work(**{"publication-date": date("2020", "1")}), 9049),
    ("a day that does not exist", work(**{"publication-date": date("2021", "02", "30")}), 9049),
    ("a put code", work(**{"put-code": 5}), 9024),
    ("an unknown property", work(doi="10.1/1", dio=1), 9047),
    ("no title", without(work(), "title"), 9047),
    ("no type", without(work(), "type"), 9047),
    ("an unknown type", work(type="dissertation"), 9047),
    ("an upper-case type", work(type="JOURNAL_ARTICLE"), 9047),
    ("an unknown relationship", work(**{"external-ids": ids(external_id("doi", "10.1/1", "SELF"))}), 9047),
    ("a wrong kind of value", work(title="A title"), 9047),
    ("a title over 1000 characters", changed(work(), "x" * 1001, "title", "title", "value"), 9047),
    ("a journal title over 1000 characters", work(**{"journal-title": {"value": "x" * 1001}}), 9047),
    ("a description over 5000 characters", work(**{"short-description": "x" * 5001}), 9047),
    ("a year before 1900", work(**{"publication-date": date("1899")}), 9047),
    ("a year after 2100", work(**{"publication-date": date("2101")}), 9047),
    ("a blank identifier value", work(**{"external-ids": ids(external_id("doi", " "))}), 9047),
    ("an unknown visibility", work(visibility="PUBLIC"), 9047),
    (
        "a credit name over 150 characters",
        work(contributors={"contributor": [{"credit-name": {"value": "x" * 151}}]}),
        9047,
    ),
    ("a bulk", {"bulk": [{"work": work()}]}, 9047),
]


@pytest.mark.parametrize(
    ("sent", "code"), [row[1:] for row in SINGLE_RULES], ids=[row[0] for row in SINGLE_RULES]
)
def test_a_single_work_is_refused_with_400_for(member: Member, sent: Json, code: int) -> None:
    assert refused(member.post("/work", sent), 400, code)


def test_text_that_is_no_json_is_9001(member: Member) -> None:
    assert refused(member.post("/work", "{not json"), 400, 9001)


def test_a_single_work_sent_to_the_bulk_endpoint_is_400(member: Member) -> None:
    assert member.post("/works", work()).status_code == 400


def test_a_single_identifier_stands_for_a_list_of_one(member: Member) -> None:
    put_code = member.add("work", work(**{"external-ids": {"external-id": external_id()}}))
    assert len(member.get(f"/work/{put_code}").json()["external-ids"]["external-id"]) == 1


def test_years_before_1900_pass_in_a_bulk(member: Member) -> None:
    (slot,) = member.bulk(work(**{"publication-date": date("1850")}))
    assert slot["work"]["publication-date"]["year"] == {"value": "1850"}


@pytest.mark.parametrize("role", ["author", "http://credit.niso.org/contributor-roles/Software/", "AUTHOR"])
def test_roles_of_both_vocabularies_are_accepted_and_returned_as_sent(member: Member, role: str) -> None:
    contributor = {"contributor-attributes": {"contributor-sequence": "first", "contributor-role": role}}
    put_code = member.add("work", work(contributors={"contributor": [contributor]}))
    read = member.get(f"/work/{put_code}").json()["contributors"]["contributor"][0]
    assert read["contributor-attributes"]["contributor-role"] == role


def test_bulk_keeps_length_and_order_and_returns_works_without_path(member: Member) -> None:
    slots = member.bulk(work("10.1/a"), {}, work("10.1/b"), work("10.1/a"))
    assert [next(iter(slot)) for slot in slots] == ["work", "error", "work", "error"]
    assert slots[0]["work"]["path"] is None
    assert slots[0]["work"]["put-code"] < slots[2]["work"]["put-code"]
    assert slots[3]["error"]["error-code"] == 9021
    assert f"put-code {slots[0]['work']['put-code']}." in slots[3]["error"]["developer-message"]


def test_bulk_answers_200_even_if_every_item_fails(member: Member) -> None:
    assert [slot["error"]["error-code"] for slot in member.bulk({}, {})] == [9022, 9022]


def test_more_than_100_works_are_refused_as_a_whole(member: Member) -> None:
    sent = {"bulk": [{"work": work(f"10.1/{number}")} for number in range(101)]}
    assert refused(member.post("/works", sent), 400, 9006)
    assert member.get("/works").json()["group"] == []


def test_error_items_in_a_bulk_come_back_untouched(member: Member) -> None:
    error = {"response-code": 400, "developer-message": "mine", "error-code": 9022}
    answer = member.post("/works", {"bulk": [{"error": error}, {"work": work()}]}).json()["bulk"]
    assert answer[0] == {"error": error}
    assert "work" in answer[1]


def test_bulk_read_lists_found_works_first_and_then_an_error_for_each_unknown_code(member: Member) -> None:
    first, second = member.add("work", work("10.1/1")), member.add("work", work("10.1/2"))
    bulk = member.get(f"/works/{second},999999,{first}").json()["bulk"]
    assert {slot["work"]["put-code"] for slot in bulk[:2]} == {first, second}
    assert bulk[0]["work"]["path"] == f"/{member.orcid}/work/{bulk[0]['work']['put-code']}"
    assert (bulk[2]["error"]["response-code"], bulk[2]["error"]["error-code"]) == (400, 9034)
    assert "'999999' is not a valid put code" in bulk[2]["error"]["developer-message"]


@pytest.mark.parametrize(
    ("codes", "code"),
    [(",".join(str(number) for number in range(101)), 9042), ("1,x", 9006)],
    ids=["more than 100 codes", "a code that is no number"],
)
def test_bulk_read_is_refused_for(member: Member, codes: str, code: int) -> None:
    assert refused(member.get(f"/works/{codes}"), 400, code)


def test_bulk_read_replaces_what_the_caller_may_not_see_by_its_error(member: Member) -> None:
    control = member.registry.control
    private = control.add_item(member.orcid, "work", work("10.1/p"), visibility="private")
    limited = control.add_item(member.orcid, "work", work("10.1/l"), visibility="limited")
    slots = member.get(f"/works/{private},{limited}").json()["bulk"]
    assert slots[0]["error"]["error-code"] == 9013
    assert slots[1]["work"]["put-code"] == limited
    slots = member.with_scope("/activities/update").get(f"/works/{private},{limited}").json()["bulk"]
    assert [slot["error"]["error-code"] for slot in slots] == [9038, 9038]


def test_put_replaces_the_whole_work_and_keeps_its_creation_date(member: Member) -> None:
    put_code = member.add("work", work(**{"journal-title": {"value": "Nature"}}))
    before = member.get(f"/work/{put_code}").json()
    answer = member.put(f"/work/{put_code}", work(**{"put-code": put_code, "type": "book"}))
    assert answer.status_code == 200
    after = answer.json()
    assert after["journal-title"] is None
    assert after["type"] == "book"
    assert after["created-date"] == before["created-date"]
    assert after["last-modified-date"]["value"] >= before["last-modified-date"]["value"]
    assert member.get(f"/work/{put_code}").json() == after


@pytest.mark.parametrize("body_code", [None, 1], ids=["missing", "another"])
def test_put_with_a_body_put_code_that_is_not_that_of_the_url_is_9019(
    member: Member, body_code: int | None
) -> None:
    put_code = member.add("work")
    answer = member.put(f"/work/{put_code}", work(**{"put-code": body_code}))
    assert refused(answer, 400, 9019)
    assert str("null" if body_code is None else body_code) in answer.json()["developer-message"]


def test_an_unchanged_work_is_answered_and_not_saved(member: Member) -> None:
    put_code = member.add("work", work(type="book"))
    before = member.registry.control.get_record(member.orcid)
    answer = member.put(
        f"/work/{put_code}", work(**{"put-code": put_code, "type": "book", "visibility": "public"})
    )
    after = member.registry.control.get_record(member.orcid)
    assert answer.status_code == 200
    assert after["last_modified"] == before["last_modified"]
    assert after["notifications"] == before["notifications"]


def test_an_unchanged_work_of_another_source_is_9014_and_a_changed_one_9010(member: Member) -> None:
    put_code = member.registry.control.add_item(member.orcid, "work", work())
    same = work(**{"put-code": put_code})
    assert refused(member.put(f"/work/{put_code}", same), 403, 9014)
    assert refused(member.put(f"/work/{put_code}", {**same, "type": "book"}), 403, 9010)


def test_a_work_is_validated_before_its_duplicates_and_those_before_its_source(member: Member) -> None:
    member.add("work", work("10.1/mine"))
    theirs = member.registry.control.add_item(member.orcid, "work", work("10.1/theirs"))
    invalid = work("10.1/mine", **{"put-code": theirs, "country": {"value": "ZZ"}})
    assert refused(member.put(f"/work/{theirs}", invalid), 400, 9037)
    assert refused(member.put(f"/work/{theirs}", work("10.1/mine", **{"put-code": theirs})), 409, 9021)


def test_the_visibility_cannot_be_changed_by_put(member: Member) -> None:
    put_code = member.add("work")
    sent = work(**{"put-code": put_code, "visibility": "private", "type": "book"})
    assert refused(member.put(f"/work/{put_code}", sent), 403, 9035)


@pytest.mark.parametrize("default", ["public", "limited", "private"])
def test_a_new_item_gets_the_researchers_default_visibility_whatever_was_sent(
    member: Member, default: str
) -> None:
    member.registry.control.patch_record(member.orcid, default_visibility=default)
    put_code = member.add("work", work(visibility="public"))
    assert member.get(f"/work/{put_code}").json()["visibility"] == default


def test_delete_answers_204_and_the_put_code_is_gone_for_good(member: Member) -> None:
    put_code = member.add("work")
    answer = member.delete(f"/work/{put_code}")
    assert (answer.status_code, answer.text) == (204, "")
    assert refused(member.get(f"/work/{put_code}"), 404, 9016)
    assert refused(member.delete(f"/work/{put_code}"), 404, 9016)
    assert refused(member.put(f"/work/{put_code}", work(**{"put-code": put_code})), 404, 9016)
    assert member.add("work") > put_code


def test_an_item_of_another_source_cannot_be_deleted(member: Member) -> None:
    put_code = member.registry.control.add_item(member.orcid, "work", work())
    assert refused(member.delete(f"/work/{put_code}"), 403, 9010)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_put_code_that_is_no_number_is_9034(member: Member, method: str) -> None:
    assert refused(member.call(method, "/work/abc", work() if method == "PUT" else None), 400, 9034)


def test_a_put_code_of_another_record_is_not_found(member: Member) -> None:
    other = member.registry.control.record("Ann", "Other")
    put_code = member.registry.control.add_item(other, "work", work())
    assert refused(member.get(f"/work/{put_code}"), 404, 9016)


class TestDuplicates:
    @pytest.mark.parametrize(
        ("existing", "incoming", "conflict"),
        [
            (external_id("doi", "10.1/A"), external_id("doi", "https://doi.org/10.1/a"), True),
            (external_id("doi", "10.1/A"), external_id("handle", "10.1/a"), False),
            (external_id("doi", "rubbish"), external_id("doi", "rubbish"), True),
            (external_id("doi", "rubbish"), external_id("doi", "Rubbish"), False),
            (external_id("isbn", "978-3-16-148410-0"), external_id("isbn", "9783161484100"), True),
            (external_id("uri", "https://a.org/"), external_id("uri", "https://a.org"), False),
        ],
        ids=["normalised", "other type", "raw", "raw by case", "isbn", "uri is taken literally"],
    )
    def test_two_works_of_one_source_conflict_by_equal_self_identifiers(
        self, member: Member, existing: Json, incoming: Json, conflict: bool
    ) -> None:
        put_code = member.add("work", work(**{"external-ids": ids(existing)}))
        answer = member.post("/work", work(**{"external-ids": ids(incoming)}))
        if conflict:
            assert refused(answer, 409, 9021)
            assert f"put-code {put_code}." in answer.json()["developer-message"]
        else:
            assert answer.status_code == 201

    def test_the_same_identifier_of_another_source_is_no_conflict(self, member: Member) -> None:
        member.registry.control.add_item(member.orcid, "work", work())
        assert member.post("/work", work()).status_code == 201

    def test_the_researcher_may_add_the_same_work_twice(self, member: Member) -> None:
        control = member.registry.control
        assert control.add_item(member.orcid, "work", work()) < control.add_item(member.orcid, "work", work())

    def test_part_of_is_no_conflict(self, member: Member) -> None:
        first = ids(external_id("doi", "10.1/a"), external_id("issn", "0028-0836", "part-of"))
        second = ids(external_id("doi", "10.1/b"), external_id("issn", "0028-0836", "part-of"))
        member.add("work", work(**{"external-ids": first}))
        assert member.post("/work", work(**{"external-ids": second})).status_code == 201

    def test_an_existing_version_of_conflicts_with_a_new_self_in_bulk_only(self, member: Member) -> None:
        existing = ids(
            external_id("doi", "10.1/preprint"), external_id("doi", "10.1/published", "version-of")
        )
        member.add("work", work(**{"external-ids": existing}))
        (slot,) = member.bulk(work("10.1/published"))
        assert slot["error"]["error-code"] == 9021
        assert member.post("/work", work("10.1/published")).status_code == 201

    def test_put_does_not_conflict_with_itself_and_does_with_others(self, member: Member) -> None:
        first, second = member.add("work", work("10.1/1")), member.add("work", work("10.1/2"))
        assert member.put(f"/work/{first}", work("10.1/1", **{"put-code": first, "type": "book"})).ok
        assert refused(member.put(f"/work/{second}", work("10.1/1", **{"put-code": second})), 409, 9021)

    def test_a_deleted_works_identifier_is_free_again(self, member: Member) -> None:
        member.delete(f"/work/{member.add('work')}")
        assert member.post("/work", work()).status_code == 201


class TestGroups:
    def groups(self, member: Member) -> list[Any]:
        return list(member.get("/works").json()["group"])

    def test_works_of_any_source_with_one_identifier_form_one_group(self, member: Member) -> None:
        user = member.registry.control.add_item(member.orcid, "work", work("10.1/A"))
        mine = member.add("work", work("10.1/a"))
        (group,) = self.groups(member)
        assert [summary["put-code"] for summary in group["work-summary"]] == [mine, user]
        assert len(group["external-ids"]["external-id"]) == 1

    def test_grouping_is_transitive(self, member: Member) -> None:
        member.add("work", work("10.1/a"))
        member.add("work", work("10.1/b"))
        both = ids(external_id("doi", "10.1/a"), external_id("doi", "10.1/b"))
        member.registry.control.add_item(member.orcid, "work", work(**{"external-ids": both}))
        (group,) = self.groups(member)
        assert len(group["work-summary"]) == 3
        assert len(group["external-ids"]["external-id"]) == 2

    def test_version_of_groups_and_part_of_does_not(self, member: Member) -> None:
        journal = external_id("issn", "0028-0836", "part-of")
        member.add("work", work(**{"external-ids": ids(external_id("doi", "10.1/a"), journal)}))
        member.add("work", work(**{"external-ids": ids(external_id("doi", "10.1/b"), journal)}))
        version = ids(external_id("doi", "10.1/c"), external_id("doi", "10.1/a", "version-of"))
        member.add("work", work(**{"external-ids": version}))
        assert sorted(len(group["work-summary"]) for group in self.groups(member)) == [1, 2]

    def test_a_work_without_groupable_identifier_stands_alone(self, member: Member) -> None:
        only_part = work(**{"external-ids": ids(external_id("issn", "0028-0836", "part-of"))})
        for _ in range(2):
            member.registry.control.add_item(member.orcid, "work", only_part)
        assert [group["external-ids"] for group in self.groups(member)] == [{"external-id": []}] * 2

    def test_the_highest_display_index_is_first_and_ties_go_by_age(self, member: Member) -> None:
        control = member.registry.control
        low = control.add_item(member.orcid, "work", work(), display_index=0)
        older = control.add_item(member.orcid, "work", work(), display_index=2)
        newer = control.add_item(member.orcid, "work", work(), display_index=2)
        (group,) = self.groups(member)
        assert [summary["put-code"] for summary in group["work-summary"]] == [older, newer, low]

    def test_groups_are_ordered_by_date_descending_then_title(self, member: Member) -> None:
        def titled(title: str, doi: str, **more: Any) -> Json:
            return changed(work(doi, **more), title, "title", "title", "value")

        member.add("work", titled("B", "10.1/1"))
        member.add("work", titled("A", "10.1/2"))
        member.add("work", titled("C", "10.1/3", **{"publication-date": date("2019", "12")}))
        member.add("work", titled("D", "10.1/4", **{"publication-date": date("2020")}))
        titles = [group["work-summary"][0]["title"]["title"]["value"] for group in self.groups(member)]
        assert titles == ["D", "C", "A", "B"]

    def test_only_items_that_the_caller_sees_take_part(self, member: Member) -> None:
        control = member.registry.control
        bridge = ids(external_id("doi", "10.1/a"), external_id("doi", "10.1/b"))
        control.add_item(member.orcid, "work", work(**{"external-ids": bridge}), visibility="private")
        member.add("work", work("10.1/a"))
        member.add("work", work("10.1/b"))
        assert len(self.groups(member)) == 2


def test_a_record_holds_no_more_works_than_the_limit() -> None:
    with running_simulator(max_works=3) as small:
        member = Member.join(small)
        member.bulk(work("10.1/1"), work("10.1/2"))
        sent = {"bulk": [{"work": work(f"10.2/{number}")} for number in range(2)]}
        assert refused(member.post("/works", sent), 409, 9048)
        member.add("work", work("10.1/3"))
        assert refused(member.post("/work", work("10.1/4")), 409, 9048)
        too_many_both_ways = {"bulk": [{"work": work(f"10.3/{number}")} for number in range(101)]}
        assert refused(member.post("/works", too_many_both_ways), 409, 9048)
