"""Fundings, peer reviews with their groups, research resources, and the person sections."""

from __future__ import annotations

import pytest
from orcid_simulator.testing import RunningSimulator, running_simulator

from tests.simulator.support import (
    Json,
    Member,
    changed,
    date,
    external_id,
    funding,
    ids,
    organization,
    peer_review,
    refused,
    research_resource,
    without,
)

FIRST_RESOURCE = ("resource-items", "resource-item", 0)
NO_ID = without(organization(), "disambiguated-organization")


@pytest.mark.parametrize(
    ("section", "item"),
    [("funding", funding()), ("peer-review", peer_review()), ("research-resource", research_resource())],
)
def test_an_item_is_created_read_listed_updated_and_deleted(member: Member, section: str, item: Json) -> None:
    put_code = member.add(section, item)
    read = member.get(f"/{section}/{put_code}").json()
    assert read["path"] == f"/{member.orcid}/{section}/{put_code}"
    assert read["display-index"] == "1"
    summary = member.get(f"/{section}/summary/{put_code}").json()
    listed = member.get(f"/{section}s").json()
    group = listed["group"][0]
    group = group["peer-review-group"][0] if section == "peer-review" else group
    assert group[f"{section}-summary"] == [summary]
    answer = member.put(f"/{section}/{put_code}", {**item, "put-code": put_code})
    assert answer.status_code == 200
    assert answer.json()["created-date"] == read["created-date"]
    assert member.delete(f"/{section}/{put_code}").status_code == 204
    assert member.get(f"/{section}s").json()["group"] == []


class TestFundings:
    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            (without(funding(), "title"), 9022),
            (changed(funding(), {"value": "T", "language-code": "xx"}, "title", "translated-title"), 9037),
            (without(funding(), "external-ids"), 9023),
            (funding(**{"external-ids": ids(external_id("FundRef", "1"))}), 9023),
            (funding(**{"external-ids": ids(external_id("grant_number", "1", None))}), 9023),
            (funding(amount={"value": "", "currency-code": "EUR"}), 9020),
            (funding(amount={"value": "1", "currency-code": ""}), 9020),
            (funding(amount={"value": "a lot", "currency-code": "EUR"}), 9054),
            (funding(amount={"value": "1", "currency-code": "XYZ"}), 9037),
            (funding(organization=NO_ID), 9045),
            (funding(**{"start-date": date("2020", "02", "30")}), 9049),
            (funding(**{"end-date": date("2020")}), 9050),
            (
                funding(
                    contributors={"contributor": [{"contributor-attributes": {"contributor-role": "author"}}]}
                ),
                9058,
            ),
            (funding(**{"put-code": 1}), 9024),
            (without(funding(), "organization"), 9047),
            (funding(type="gift"), 9047),
        ],
        ids=[
            "no title", "a language that is unknown", "no identifiers", "an unknown identifier type",
            "no relationship", "a currency without amount", "an amount without currency", "no number",
            "an unknown currency", "no organisation id", "an invalid date", "an end without start",
            "a role of works", "a put code", "no organisation", "an unknown type",
        ],
    )  # fmt: skip
    def test_a_funding_is_refused_for(self, member: Member, sent: Json, code: int) -> None:
        assert refused(member.post("/funding", sent), 400, code)

    @pytest.mark.parametrize(
        "sent",
        [
            funding(**{"start-date": date("2021"), "end-date": date("2020")}),
            funding(**{"external-ids": ids(external_id("grant_number", "1", "part-of"))}),
            funding(amount={"value": "1,000.50", "currency-code": "ADP"}),
            funding(contributors={"contributor": [{"contributor-attributes": {"contributor-role": "lead"}}]}),
        ],
        ids=["a start after the end", "no self identifier", "a retired currency", "a funding role"],
    )
    def test_a_funding_is_accepted_with(self, member: Member, sent: Json) -> None:
        member.add("funding", sent)

    @pytest.mark.parametrize(("value", "conflict"), [("G-1", True), ("g-1", False)])
    def test_values_are_compared_as_they_stand(self, member: Member, value: str, conflict: bool) -> None:
        member.add("funding")
        answer = member.post("/funding", funding(**{"external-ids": ids(external_id("grant_number", value))}))
        assert answer.status_code == (409 if conflict else 201)

    def test_normal_forms_are_not_returned(self, member: Member) -> None:
        read = member.get(f"/funding/{member.add('funding')}").json()["external-ids"]["external-id"][0]
        assert read["external-id-normalized"] is None
        assert read["external-id-normalized-error"] is None

    def test_the_source_is_checked_last(self, member: Member) -> None:
        put_code = member.registry.control.add_item(member.orcid, "funding", funding())
        invalid = without(funding(**{"put-code": put_code}), "title")
        assert refused(member.put(f"/funding/{put_code}", invalid), 400, 9022)
        assert refused(member.put(f"/funding/{put_code}", funding(**{"put-code": put_code})), 403, 9010)


class TestPeerReviews:
    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            (peer_review(**{"review-identifiers": ids()}), 9023),
            (peer_review(**{"review-identifiers": ids(external_id("unknown", "1"))}), 9023),
            (peer_review(**{"review-identifiers": ids(external_id("doi", "10.1/1", "version-of"))}), 9023),
            (peer_review(**{"subject-external-identifier": external_id("unknown", "1")}), 9023),
            (peer_review(**{"put-code": 1}), 9024),
            (
                changed(
                    peer_review(),
                    "",
                    "convening-organization",
                    "disambiguated-organization",
                    "disambiguated-organization-identifier",
                ),
                9045,
            ),
            (peer_review(**{"review-completion-date": date("2021", "02", "30")}), 9049),
            (peer_review(**{"review-group-id": "orcid-generated:unknown"}), 9020),
            (peer_review(**{"review-group-id": "issn:0028-0837"}), 9053),
            (peer_review(**{"review-group-id": "nature:1"}), 9047),
            (peer_review(**{"reviewer-role": "friend"}), 9047),
            (without(peer_review(), "review-completion-date"), 9047),
        ],
        ids=[
            "no identifiers", "an unknown type", "version-of without self", "an invalid subject", "a put code",
            "an empty organisation id", "an invalid date", "an unknown group", "an invalid ISSN",
            "a malformed group", "an unknown role", "no date",
        ],
    )  # fmt: skip
    def test_a_peer_review_is_refused_for(self, member: Member, sent: Json, code: int) -> None:
        assert refused(member.post("/peer-review", sent), 400, code)

    def test_the_organisation_needs_no_id(self, member: Member) -> None:
        member.add("peer-review", peer_review(**{"convening-organization": NO_ID}))

    def test_an_issn_group_is_brought_into_its_form_and_created(self, member: Member) -> None:
        put_code = member.add("peer-review", peer_review(**{"review-group-id": "issn:00280836"}))
        assert member.get(f"/peer-review/{put_code}").json()["review-group-id"] == "issn:0028-0836"
        groups = member.with_scope("/group-id-record/read", for_client=True)
        listed = groups.call("GET", "/group-id-record?group-id=issn:0028-0836", absolute=True).json()
        assert listed["group-id-record"][0]["source"]["source-client-id"] is None

    def test_an_issn_that_the_portal_does_not_know_is_9053(self) -> None:
        with running_simulator(known_issns_only=True, known_issns=frozenset({"0028-0836"})) as registry:
            member = Member.join(registry)
            member.add("peer-review")
            unknown = peer_review(
                **{
                    "review-group-id": "issn:2434-561X",
                    "review-identifiers": ids(external_id("doi", "10.1/2")),
                }
            )
            assert refused(member.post("/peer-review", unknown), 400, 9053)

    def test_reviews_are_grouped_by_group_id_and_then_by_identifier(self, member: Member) -> None:
        control = member.registry.control
        control.add_item(member.orcid, "peer-review", peer_review())
        member.add("peer-review")
        member.add("peer-review", peer_review(**{"review-identifiers": ids(external_id("doi", "10.1/2"))}))
        (outer,) = member.get("/peer-reviews").json()["group"]
        assert outer["external-ids"]["external-id"][0] == {
            "external-id-type": "peer-review",
            "external-id-value": "issn:0028-0836",
            "external-id-normalized": None,
            "external-id-normalized-error": None,
            "external-id-url": None,
            "external-id-relationship": None,
        }
        assert sorted(len(inner["peer-review-summary"]) for inner in outer["peer-review-group"]) == [1, 2]

    def test_dashes_of_identifier_types_survive(self, member: Member) -> None:
        assert refused(
            member.post("/peer-review", peer_review()) and member.post("/peer-review", peer_review()),
            409,
            9021,
        )


class TestGroups:
    @pytest.fixture
    def groups(self, member: Member) -> Member:
        return member.with_scope("/group-id-record/update", for_client=True)

    def body(self, group_id: str = "orcid-generated:abc", **more: object) -> Json:
        return {
            "name": "A journal",
            "group-id": group_id,
            "description": "About it",
            "type": "journal",
            **more,
        }

    def add(self, groups: Member, **more: object) -> int:
        answer = groups.call("POST", "/group-id-record", self.body(**more), absolute=True)  # type: ignore[arg-type]
        assert answer.status_code == 201, answer.text
        prefix, put_code = answer.headers["location"].rsplit("/", 1)
        assert prefix == f"{groups.registry.base_url}/v3.0/group-id-record"
        return int(put_code)

    def test_a_group_is_created_read_updated_and_deleted(self, groups: Member) -> None:
        put_code = self.add(groups)
        path = f"/group-id-record/{put_code}"
        assert groups.call("GET", path, absolute=True).json()["name"] == "A journal"
        body = self.body(**{"put-code": put_code, "name": "Renamed"})
        assert groups.call("PUT", path, body, absolute=True).json()["name"] == "Renamed"
        assert groups.call("DELETE", path, absolute=True).status_code == 204
        assert refused(groups.call("GET", path, absolute=True), 400, 9026)

    @pytest.mark.parametrize(
        ("sent", "status", "code"),
        [
            ({"group-id": "abc:def"}, 400, 9020),
            ({"group-id": "issn:00280836"}, 409, 9025),
            ({"group-id": "issn:0028-0837"}, 400, 9053),
            ({"put-code": 1}, 400, 9024),
            ({"type": "blog"}, 400, 9047),
            ({"name": ""}, 400, 9047),
        ],
        ids=["a malformed id", "a valid ISSN", "an invalid ISSN", "a put code", "an unknown type", "no name"],
    )
    def test_a_group_is_refused_for(self, groups: Member, sent: Json, status: int, code: int) -> None:
        answer = groups.call("POST", "/group-id-record", {**self.body(), **sent}, absolute=True)
        assert refused(answer, status, code)

    def test_a_valid_issn_is_created_all_the_same(self, groups: Member) -> None:
        groups.call("POST", "/group-id-record", self.body("issn:00280836"), absolute=True)
        found = groups.call("GET", "/group-id-record?group-id=issn:0028-0836", absolute=True).json()
        assert found["total"] == 1

    def test_the_same_id_twice_is_9025(self, groups: Member) -> None:
        self.add(groups)
        assert refused(groups.call("POST", "/group-id-record", self.body(), absolute=True), 409, 9025)

    def test_another_clients_group_cannot_be_changed(
        self, groups: Member, registry: RunningSimulator
    ) -> None:
        path = f"/group-id-record/{self.add(groups)}"
        other = Member.join(registry).with_scope("/group-id-record/update", for_client=True)
        body = self.body(**{"put-code": int(path.rsplit("/", 1)[1])})
        assert refused(other.call("PUT", path, body, absolute=True), 403, 9010)
        assert refused(other.call("DELETE", path, absolute=True), 403, 9010)

    def test_a_group_in_use_cannot_be_deleted(self, groups: Member, member: Member) -> None:
        put_code = self.add(groups)
        member.add("peer-review", peer_review(**{"review-group-id": "orcid-generated:abc"}))
        assert refused(groups.call("DELETE", f"/group-id-record/{put_code}", absolute=True), 409, 9040)

    def test_groups_are_listed_in_pages_and_found_by_name(self, groups: Member) -> None:
        for number in range(5):
            self.add(groups, group_id=f"orcid-generated:{number}a", name=f"Journal {number}")
        page = groups.call("GET", "/group-id-record?page=2&page-size=2", absolute=True).json()
        assert list(page) == ["last-modified-date", "total", "page", "page-size", "group-id-record"]
        assert (page["total"], page["page"], page["page-size"]) == (2, 2, 2)
        assert [group["name"] for group in page["group-id-record"]] == ["Journal 2", "Journal 3"]
        found = groups.call("GET", "/group-id-record?name=journal 4", absolute=True).json()
        assert [group["group-id"] for group in found["group-id-record"]] == ["orcid-generated:4a"]

    def test_a_search_without_hit_is_an_empty_list(self, groups: Member) -> None:
        answer = groups.call("GET", "/group-id-record?name=nothing", absolute=True)
        assert (answer.status_code, answer.json()["group-id-record"]) == (200, [])

    def test_reading_and_writing_need_their_scopes(self, member: Member) -> None:
        assert refused(member.call("GET", "/group-id-record", absolute=True), 403, 9038)
        reader = member.with_scope("/group-id-record/read", for_client=True)
        assert reader.call("GET", "/group-id-record", absolute=True).status_code == 200
        assert refused(reader.call("POST", "/group-id-record", self.body(), absolute=True), 403, 9038)


class TestResearchResources:
    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            (changed(research_resource(), ids(), "proposal", "external-ids"), 9023),
            (
                changed(research_resource(), ids(external_id("x")), *FIRST_RESOURCE, "external-ids"),
                9023,
            ),
            (changed(research_resource(), {"organization": [NO_ID]}, "proposal", "hosts"), 9045),
            (changed(research_resource(), date("2020"), "proposal", "end-date"), 9050),
            (research_resource(**{"put-code": 1}), 9024),
            (without(research_resource(), "proposal", "hosts"), 9047),
            (changed(research_resource(), {"organization": []}, "proposal", "hosts"), 9047),
            (changed(research_resource(), {"organization": [organization()] * 11}, "proposal", "hosts"), 9047),
            (changed(research_resource(), "service", *FIRST_RESOURCE, "resource-type"), 9047),
        ],
        ids=[
            "no proposal ids", "an unknown type on a resource", "a host without id", "an end without start",
            "a put code", "no hosts", "an empty list of hosts", "eleven hosts", "an unknown resource type",
        ],
    )  # fmt: skip
    def test_a_research_resource_is_refused_for(self, member: Member, sent: Json, code: int) -> None:
        assert refused(member.post("/research-resource", sent), 400, code)

    def test_duplicates_are_refused_on_post_and_overlooked_on_put(self, member: Member) -> None:
        member.add("research-resource")
        assert refused(member.post("/research-resource", research_resource()), 409, 9021)
        other = changed(
            research_resource(), ids(external_id("proposal-id", "P-2")), "proposal", "external-ids"
        )
        put_code = member.add("research-resource", other)
        answer = member.put(f"/research-resource/{put_code}", research_resource(**{"put-code": put_code}))
        assert answer.status_code == 200

    @pytest.mark.parametrize("shape", ["resource-item", "resource-items"])
    def test_the_resources_may_be_listed_with_or_without_the_wrapper(
        self, member: Member, shape: str
    ) -> None:
        whole = research_resource()
        resources = whole.pop("resource-items")["resource-item"]
        put_code = member.add("research-resource", {**whole, shape: resources})
        assert member.get(f"/research-resource/{put_code}").json()["resource-item"][0]["resource-name"]


PERSON_ITEMS: dict[str, Json] = {
    "other-names": {"content": "Jo"},
    "keywords": {"content": "physics"},
    "researcher-urls": {"url-name": "Home", "url": {"value": "https://a.org"}},
    "address": {"country": {"value": "GB"}},
    "external-identifiers": {
        "external-id-type": "Scopus",
        "external-id-value": "1",
        "external-id-url": {"value": "https://a.org/1"},
        "external-id-relationship": "self",
    },
}
SINGULAR = {
    "other-names": "other-name",
    "keywords": "keyword",
    "researcher-urls": "researcher-url",
    "address": "address",
    "external-identifiers": "external-identifier",
}


class TestPerson:
    @pytest.mark.parametrize("section", sorted(PERSON_ITEMS))
    def test_an_item_is_created_read_listed_updated_and_deleted(self, member: Member, section: str) -> None:
        put_code = member.add(section, PERSON_ITEMS[section])
        read = member.get(f"/{section}/{put_code}").json()
        assert read["path"] == f"/{member.orcid}/{section}/{put_code}"
        assert read["display-index"] == 1
        listed = member.get(f"/{section}").json()
        assert listed == {
            "last-modified-date": read["last-modified-date"],
            SINGULAR[section]: [read],
            "path": f"/{member.orcid}/{section}",
        }
        assert member.put(f"/{section}/{put_code}", {**PERSON_ITEMS[section], "put-code": put_code}).ok
        assert member.delete(f"/{section}/{put_code}").status_code == 204
        assert refused(member.get(f"/{section}/{put_code}"), 404, 9016)

    @pytest.mark.parametrize(
        "section", ["other-names", "keywords", "researcher-urls", "external-identifiers"]
    )
    def test_equal_content_of_one_source_is_9030(self, member: Member, section: str) -> None:
        member.add(section, PERSON_ITEMS[section])
        assert refused(member.post(f"/{section}", PERSON_ITEMS[section]), 409, 9030)
        other = Member.join(member.registry, member.orcid)
        assert other.post(f"/{section}", PERSON_ITEMS[section]).status_code == 201

    def test_equal_countries_are_not_found_out(self, member: Member) -> None:
        member.add("address", PERSON_ITEMS["address"])
        assert member.post("/address", PERSON_ITEMS["address"]).status_code == 201

    @pytest.mark.parametrize(
        ("section", "sent", "code"),
        [
            ("other-names", {"content": ""}, 9020),
            ("keywords", {"content": " "}, 9020),
            ("keywords", {"content": "x" * 256}, 9047),
            ("researcher-urls", {"url": {"value": ""}}, 9020),
            ("researcher-urls", {"url": {"value": "https://a.org/" + "x" * 2000}}, 9020),
            ("researcher-urls", {"url-name": "x" * 351, "url": {"value": "https://a.org"}}, 9047),
            ("address", {"country": {"value": "ZZ"}}, 9047),
            (
                "external-identifiers",
                changed(PERSON_ITEMS["external-identifiers"], "part-of", "external-id-relationship"),
                9020,
            ),
            (
                "external-identifiers",
                changed(PERSON_ITEMS["external-identifiers"], "x" * 256, "external-id-value"),
                9020,
            ),
            ("external-identifiers", without(PERSON_ITEMS["external-identifiers"], "external-id-url"), 9020),
            ("keywords", {"content": "x", "put-code": 1}, 9024),
        ],
    )
    def test_an_item_is_refused_for(self, member: Member, section: str, sent: Json, code: int) -> None:
        assert refused(member.post(f"/{section}", sent), 400, code)

    def test_put_without_put_code_is_9019(self, member: Member) -> None:
        put_code = member.add("keywords", {"content": "a"})
        assert refused(member.put(f"/keywords/{put_code}", {"content": "b"}), 400, 9019)

    def test_the_source_comes_first_for_addresses_and_last_for_the_rest(self, member: Member) -> None:
        control = member.registry.control
        address = control.add_item(member.orcid, "address", PERSON_ITEMS["address"])
        keyword = control.add_item(member.orcid, "keyword", {"content": "a"})
        sent = {"put-code": address, "country": {"value": "GB"}, "visibility": "private"}
        assert refused(member.put(f"/address/{address}", sent), 403, 9010)
        assert refused(member.put(f"/keywords/{keyword}", {"put-code": keyword, "content": ""}), 400, 9020)
        assert refused(member.put(f"/keywords/{keyword}", {"put-code": keyword, "content": "b"}), 403, 9010)

    @pytest.mark.parametrize(
        ("scope", "post", "delete"),
        [
            ("/person/update", 201, 204),
            ("/orcid-bio/update", 201, 204),
            ("/orcid-bio/external-identifiers/create", 201, 403),
            ("/activities/update", 403, 403),
        ],
    )
    def test_external_identifiers_are_deleted_with_a_wider_scope_than_added(
        self, member: Member, scope: str, post: int, delete: int
    ) -> None:
        caller = member.with_scope(scope)
        answer = caller.post("/external-identifiers", PERSON_ITEMS["external-identifiers"])
        assert answer.status_code == post
        put_code = (
            answer.headers["location"].rsplit("/", 1)[1]
            if post == 201
            else member.add("external-identifiers", PERSON_ITEMS["external-identifiers"])
        )
        assert caller.delete(f"/external-identifiers/{put_code}").status_code == delete

    @pytest.mark.parametrize("path", ["/biography", "/email", "/personal-details", "/person"])
    def test_names_biography_and_emails_cannot_be_written(self, member: Member, path: str) -> None:
        assert refused(member.post(path, {}), 405, 9001)

    def test_a_missing_biography_is_9041(self, member: Member) -> None:
        assert refused(member.get("/biography"), 404, 9041)
        member.registry.control.patch_record(member.orcid, biography="A life.")
        assert member.get("/biography").json()["content"] == "A life."

    @pytest.mark.parametrize(
        ("scope", "expected"),
        [
            ("/read-public", ["public@a.org"]),
            ("/read-limited", ["public@a.org", "limited@a.org"]),
            ("/read-limited /email/read-private", ["public@a.org", "limited@a.org", "private@a.org"]),
        ],
    )
    def test_verified_addresses_are_shown_by_visibility(
        self, member: Member, scope: str, expected: list[str]
    ) -> None:
        emails = [{"email": f"{name}@a.org", "visibility": name} for name in ("public", "limited", "private")]
        emails.append({"email": "unverified@a.org", "visibility": "public", "verified": False})
        member.registry.control.patch_record(member.orcid, emails=emails)
        shown = member.with_scope(scope).get("/email").json()["email"]
        assert [entry["email"] for entry in shown] == expected

    def test_person_and_personal_details_hold_the_sections(self, member: Member) -> None:
        member.add("keywords", {"content": "a"})
        person = member.get("/person").json()
        assert list(person) == [
            "last-modified-date", "name", "other-names", "biography", "researcher-urls", "emails", "addresses",
            "keywords", "external-identifiers", "path",
        ]  # fmt: skip
        assert person["keywords"] == member.get("/keywords").json()
        details = member.get("/personal-details").json()
        assert list(details) == ["last-modified-date", "name", "other-names", "biography", "path"]

    def test_hidden_names_are_null(self, member: Member) -> None:
        member.registry.control.patch_record(member.orcid, names_visibility="private")
        assert member.get("/person").json()["name"] is None


def test_the_summary_counts_what_others_validated(member: Member) -> None:
    member.add("funding")
    member.registry.control.add_item(
        member.orcid, "funding", funding(**{"external-ids": ids(external_id("grant_number", "2"))})
    )
    member.add("peer-review")
    for _ in range(4):
        member.add("employment")
    summary = member.get("/summary").json()
    assert summary["fundings"] == {"self-asserted-count": 1, "validated-count": 1}
    assert summary["peer-reviews"] == {
        "peer-review-publication-grants": 1,
        "self-asserted-count": 0,
        "total": 1,
    }
    assert summary["employments"]["count"] == 4
    assert len(summary["employments"]["employment"]) == 3
    assert refused(member.with_scope("/webhook", for_client=True).get("/summary"), 403, 9038)
