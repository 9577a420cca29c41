"""What would be sent for a publication or a post, or why nothing is."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync.model.payloads import (
    Contributor,
    Employment,
    Identifier,
    Organization,
    Payload,
    Publication,
    Refusal,
    content_digest,
    employment_payload,
    work_payload,
)
from orcid_sync.model.validation import problems

TODAY = dt.date(2024, 6, 15)
JOSIAH = "0000-0002-1825-0097"
OTHER = "0000-0001-5109-3700"
ARTICLE = Publication(
    publication_id="P1",
    title="On <i>Things</i>",
    source_type="Article",
    source_type_scheme="dspace-dc-type",
    journal_title="Things &amp; Matters",
    publication_year=2020,
    publication_month=5,
    publication_status="published",
    language_code="eng",
    country="Germany",
    short_description="<p>We show things.</p>",
    url="https://repository.example.edu/1",
)
PATH = (
    Organization("U3", "Group of Things", parent_unit_id="U2"),
    Organization("U2", "Faculty of Matters", parent_unit_id="U1"),
    Organization(
        "U1", "University of Examples", city="Exampleton", region="Ex", country="GB", ror_id="05qwgg493"
    ),
)
POST = Employment(
    employment_id="E1", person_id="p1", unit_id="U3", role_title="Lecturer", start_year=2015, start_month=9
)


def author(seq: int, name: str, **more: Any) -> Contributor:
    return Contributor("P1", seq, more.pop("role", "author"), name, **more)


def identifier(seq: int, id_type: str, value: str, related: str | None = "self") -> Identifier:
    return Identifier("P1", seq, id_type, value, external_id_relationship=related)


DOI = identifier(1, "doi", "https://doi.org/10.1000/Things.1")


def made(result: Payload | Refusal) -> Payload:
    assert isinstance(result, Payload), result
    assert problems(result.section, result.content) == []
    return result


def refused(result: Payload | Refusal) -> Refusal:
    assert isinstance(result, Refusal), result
    return result


def test_a_publication_becomes_a_work_in_the_registrys_shape() -> None:
    payload = made(work_payload(ARTICLE, [author(1, "Things, A.")], [DOI]))
    assert payload.content == {
        "title": {"title": {"value": "On Things"}},
        "type": "journal-article",
        "publication-date": {"year": {"value": "2020"}, "month": {"value": "05"}},
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "doi",
                    "external-id-value": "10.1000/Things.1",
                    "external-id-url": {"value": "https://doi.org/10.1000/things.1"},
                    "external-id-relationship": "self",
                }
            ]
        },
        "journal-title": {"value": "Things & Matters"},
        "url": {"value": "https://repository.example.edu/1"},
        "contributors": {
            "contributor": [
                {
                    "credit-name": {"value": "Things, A."},
                    "contributor-attributes": {"contributor-sequence": "first", "contributor-role": "author"},
                }
            ]
        },
        "short-description": "We show things.",
        "language-code": "en",
        "country": {"value": "DE"},
    }
    assert payload.self_keys == ("doi:10.1000/things.1",)
    assert (payload.title, payload.type, payload.year, payload.is_preprint) == (
        "On Things",
        "journal-article",
        2020,
        False,
    )
    assert payload.warnings == ()


def test_visibility_put_codes_and_addresses_are_never_sent() -> None:
    row = {
        **{
            name: getattr(ARTICLE, name)
            for name in ("publication_id", "title", "source_type", "source_type_scheme")
        },
        "visibility": "public",
        "put_code": 17,
        "contributor_email": "a@example.edu",
    }
    person = {
        "publication_id": "P1",
        "contributor_seq": 1,
        "contributor_role": "author",
        "credit_name": "A. B.",
    }
    payload = made(
        work_payload(
            Publication.from_row(row),
            [Contributor.from_row({**person, "contributor_email": "a@example.edu"})],
            [DOI],
        )
    )
    shown = orjson.dumps(payload.content)
    assert b"visibility" not in shown
    assert b"put-code" not in shown
    assert b"example.edu" not in shown


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"publication_status": "submitted"}, "not_published", "publication_status"),
        ({"publication_status": "unpublished"}, "not_published", "publication_status"),
        ({"publication_status": "retracted"}, "retracted", "publication_status"),
        ({"source_type": "Unheard Of"}, "type_not_mapped", "source_type"),
        ({"source_type": "Erratum"}, "type_not_mapped", "source_type"),
        ({"work_type": "undefined"}, "type_not_mapped", "work_type"),
        ({"title": "<i> </i>"}, "invalid_field", "title"),
        ({"publication_month": 13}, "invalid_field", "publication_date"),
        ({"publication_year": 1492}, "invalid_field", "publication_date"),
    ],
)
def test_a_publication_that_cannot_go_out_is_refused_with_reason_and_column(
    change: dict[str, Any], reason: str, field: str
) -> None:
    refusal = refused(work_payload(replace(ARTICLE, **change), [], [DOI]))
    assert (refusal.reason, refusal.field) == (reason, field)
    assert refusal.message


@pytest.mark.parametrize("status", ["published", "epub", "Published", None, ""])
def test_published_work_goes_out(status: str | None) -> None:
    made(work_payload(replace(ARTICLE, publication_status=status), [], [DOI]))


def test_work_in_press_goes_out_only_with_a_doi() -> None:
    in_press = replace(ARTICLE, publication_status="in-press")
    made(work_payload(in_press, [], [DOI]))
    assert (
        refused(work_payload(in_press, [], [identifier(1, "handle", "2027.42/100")])).reason
        == "not_published"
    )


@pytest.mark.parametrize(
    "identifiers",
    [
        pytest.param([], id="none"),
        pytest.param([identifier(1, "doi", "10.1162/")], id="invalid"),
        pytest.param([identifier(1, "issn", "0028-0836")], id="an article's ISSN"),
        pytest.param([identifier(1, "arxiv", "2101.12345")], id="an article's preprint"),
        pytest.param([identifier(1, "doi", "10.1000/x", "part-of")], id="part-of only"),
        pytest.param([identifier(1, "doi", "   ")], id="blank"),
    ],
)
def test_a_work_without_an_identifier_of_its_own_is_refused(identifiers: list[Identifier]) -> None:
    assert refused(work_payload(ARTICLE, [], identifiers)).reason == "no_usable_identifier"


def test_an_institutions_own_uri_stands_in_where_it_is_wanted() -> None:
    uri = "https://cris.example.edu/work/P1"
    assert made(work_payload(ARTICLE, [], [], item_uri=uri)).self_keys == (f"uri:{uri}",)
    assert made(work_payload(ARTICLE, [], [DOI], item_uri=uri)).self_keys == ("doi:10.1000/things.1",)


def test_identifiers_are_cleaned_related_and_sent_once() -> None:
    payload = made(
        work_payload(
            ARTICLE,
            [],
            [
                identifier(4, "ISSN", "0028\u20130836"),
                identifier(1, "DOI", "10.1000/THINGS.1"),
                identifier(2, "doi", "doi:10.1000/things.1"),
                identifier(3, "PMID", "PMID: 123456"),
                identifier(5, "arXiv", "arXiv:2101.12345"),
                identifier(6, "grant_number", "X-1", "funded-by"),
            ],
        )
    )
    sent = [
        (i["external-id-type"], i["external-id-value"], i["external-id-relationship"])
        for i in payload.content["external-ids"]["external-id"]
    ]
    assert sent == [
        ("doi", "10.1000/THINGS.1", "self"),
        ("pmid", "123456", "self"),
        ("issn", "0028-0836", "part-of"),
        ("arxiv", "arXiv:2101.12345", "version-of"),
        ("grant_number", "X-1", "funded-by"),
    ]
    assert payload.self_keys == ("doi:10.1000/things.1", "pmid:123456")
    assert ("issn:0028-0836", "part-of") in payload.other_keys


def test_an_unlabelled_identifier_and_one_in_the_wrong_column_are_recognised() -> None:
    unlabelled = identifier(1, "id_number", "10.1000/things.1")
    misplaced = identifier(2, "doi", "https://hdl.handle.net/2027.42/100")
    payload = made(work_payload(ARTICLE, [], [unlabelled, misplaced]))
    assert payload.self_keys == ("doi:10.1000/things.1", "handle:2027.42/100")


def test_an_identifier_that_is_left_out_is_a_warning() -> None:
    payload = made(
        work_payload(ARTICLE, [], [DOI, identifier(2, "pmid", "soon"), identifier(3, "shelfmark", "A1")])
    )
    assert len(payload.warnings) == 2
    assert "'soon'" in payload.warnings[0]
    assert "'shelfmark'" in payload.warnings[1]


def test_unknown_language_country_and_role_are_left_out_without_a_warning() -> None:
    odd = replace(ARTICLE, language_code="tlh", country="Atlantis", translated_title="X")
    payload = made(work_payload(odd, [author(1, "A. B.", role="illustrator")], [DOI]))
    assert "language-code" not in payload.content
    assert "country" not in payload.content
    assert "translated-title" not in payload.content["title"]
    attributes = payload.content["contributors"]["contributor"][0]["contributor-attributes"]
    assert attributes == {"contributor-sequence": "first"}
    assert payload.warnings == ()


def test_a_translated_title_goes_out_with_its_language() -> None:
    payload = made(
        work_payload(replace(ARTICLE, translated_title="Dinge", translated_title_language="ger"), [], [DOI])
    )
    assert payload.content["title"]["translated-title"] == {"value": "Dinge", "language-code": "de"}


def test_long_texts_are_cut_and_a_cut_title_is_a_warning() -> None:
    payload = made(
        work_payload(
            replace(ARTICLE, title="word " * 400, short_description="word " * 2000),
            [author(1, "N" * 200)],
            [DOI],
        )
    )
    assert len(payload.title) <= 1000
    assert len(payload.content["short-description"]) <= 5000
    assert payload.warnings == ("title cut at 1000 characters",)


def test_758_authors_all_go_out_in_order() -> None:
    people = [author(seq, f"Author {seq}") for seq in range(1, 759)]
    shuffled = people[:]
    random.Random(7).shuffle(shuffled)
    payload = made(work_payload(ARTICLE, shuffled, [DOI]))
    names = [one["credit-name"]["value"] for one in payload.content["contributors"]["contributor"]]
    assert names == [f"Author {seq}" for seq in range(1, 759)]
    sequences = {
        one["contributor-attributes"]["contributor-sequence"]
        for one in payload.content["contributors"]["contributor"][1:]
    }
    assert sequences == {"additional"}


def orcids(payload: Payload) -> list[str | None]:
    return [
        one["contributor-orcid"]["path"] if "contributor-orcid" in one else None
        for one in payload.content["contributors"]["contributor"]
    ]


@pytest.mark.parametrize(
    ("contributor", "sent"),
    [
        pytest.param(author(1, "A", person_id="p1"), JOSIAH, id="authenticated here"),
        pytest.param(author(1, "A", person_id="p2"), None, id="not authenticated"),
        pytest.param(author(1, "A", contributor_orcid=OTHER), None, id="only known to the CRIS"),
        pytest.param(
            author(
                1, "A", contributor_orcid=f"http://orcid.org/{OTHER}", contributor_orcid_authenticated=True
            ),
            OTHER,
            id="declared authenticated",
        ),
        pytest.param(
            author(1, "A", contributor_orcid="0000-0001-5109-3701", contributor_orcid_authenticated=True),
            None,
            id="wrong check digit",
        ),
        pytest.param(author(1, "A", person_id="p1", claim_status="pending"), None, id="claim pending"),
        pytest.param(author(1, "A", person_id="p1", claim_status="rejected"), None, id="claim rejected"),
        pytest.param(author(1, "A", person_id="p1", visibility="hidden"), None, id="hidden by the person"),
        pytest.param(author(1, "The A Collaboration", person_id="p1", is_group=True), None, id="group"),
    ],
)
def test_an_id_is_sent_only_if_it_is_authenticated_and_the_claim_stands(
    contributor: Contributor, sent: str | None
) -> None:
    payload = made(work_payload(ARTICLE, [contributor], [DOI], authenticated={"p1": JOSIAH}))
    assert orcids(payload) == [sent]


def test_one_id_on_two_people_is_sent_for_neither() -> None:
    people = [author(1, "A", person_id="p1"), author(2, "B", person_id="p2")]
    payload = made(work_payload(ARTICLE, people, [DOI], authenticated={"p1": JOSIAH, "p2": JOSIAH}))
    assert orcids(payload) == [None, None]
    assert len(payload.warnings) == 1


def test_one_person_in_two_roles_keeps_the_id_in_both() -> None:
    people = [author(1, "A", person_id="p1"), author(2, "A", person_id="p1", role="editor")]
    assert orcids(made(work_payload(ARTICLE, people, [DOI], authenticated={"p1": JOSIAH}))) == [
        JOSIAH,
        JOSIAH,
    ]


def test_a_sandbox_has_ids_of_its_own_host() -> None:
    payload = made(
        work_payload(
            ARTICLE,
            [author(1, "A", person_id="p1")],
            [DOI],
            authenticated={"p1": JOSIAH},
            web_base="https://sandbox.orcid.org",
        )
    )
    assert payload.content["contributors"]["contributor"][0]["contributor-orcid"] == {
        "uri": f"https://sandbox.orcid.org/{JOSIAH}",
        "path": JOSIAH,
        "host": "sandbox.orcid.org",
    }


def test_a_contributor_without_a_credit_name_goes_by_their_names() -> None:
    nameless = [author(1, "", given_names="Ada", family_names="Byron"), author(2, " ")]
    payload = made(work_payload(ARTICLE, nameless, [DOI]))
    assert [one["credit-name"]["value"] for one in payload.content["contributors"]["contributor"]] == [
        "Ada Byron"
    ]
    assert payload.notes == ("contributor 2 has no name: left out",)


def test_a_book_of_editors_is_an_edited_book_with_its_isbn() -> None:
    book = replace(ARTICLE, source_type="Book")
    isbn = identifier(1, "isbn", "978-3-16-148410-0")
    assert made(work_payload(book, [author(1, "E", role="editor")], [isbn])).type == "edited-book"
    payload = made(work_payload(book, [author(1, "A"), author(2, "E", role="editor")], [isbn]))
    assert payload.type == "book"
    assert payload.self_keys == ("isbn:9783161484100",)


def test_a_preprint_is_known_as_one() -> None:
    preprint = replace(ARTICLE, source_type="Preprint")
    assert made(work_payload(preprint, [], [identifier(1, "arxiv", "2101.12345")])).is_preprint
    working_paper = replace(ARTICLE, source_type="Working Paper")
    assert made(work_payload(working_paper, [], [identifier(1, "doi", "10.2139/ssrn.123")])).is_preprint


def test_the_digest_changes_with_the_meaning_alone() -> None:
    people = [author(1, "A"), author(2, "B")]
    ids = [DOI, identifier(2, "pmid", "123456")]
    base = made(work_payload(ARTICLE, people, ids)).digest
    same = [
        made(work_payload(replace(ARTICLE, short_description="Other words"), people, ids)),
        made(work_payload(replace(ARTICLE, language_code="de", country="FR"), people, ids)),
        made(work_payload(replace(ARTICLE, title=" On Things "), people[::-1], ids)),
        made(work_payload(ARTICLE, people, [replace(DOI, identifier_seq=3), ids[1]])),
        made(work_payload(ARTICLE, people, [replace(DOI, external_id_value="doi:10.1000/THINGS.1"), ids[1]])),
    ]
    assert {payload.digest for payload in same} == {base}
    other = [
        made(work_payload(replace(ARTICLE, title="On Other Things"), people, ids)),
        made(work_payload(replace(ARTICLE, subtitle="A view"), people, ids)),
        made(work_payload(replace(ARTICLE, publication_month=6), people, ids)),
        made(work_payload(replace(ARTICLE, source_type="Preprint"), people, ids)),
        made(work_payload(replace(ARTICLE, journal_title="Else"), people, ids)),
        made(work_payload(replace(ARTICLE, url=None), people, ids)),
        made(work_payload(ARTICLE, people[:1], ids)),
        made(work_payload(ARTICLE, [author(1, "B"), author(2, "A")], ids)),
        made(work_payload(ARTICLE, people, [DOI])),
        made(work_payload(ARTICLE, people, [DOI, identifier(2, "pmid", "123456", "version-of")])),
    ]
    assert len({payload.digest for payload in other} | {base}) == len(other) + 1


def test_a_post_becomes_an_affiliation_of_the_nearest_known_organisation() -> None:
    uri = "https://cris.example.edu/employment/E1"
    payload = made(employment_payload(POST, PATH, item_uri=uri, today=TODAY))
    assert payload.content == {
        "department-name": "Group of Things",
        "role-title": "Lecturer",
        "start-date": {"year": {"value": "2015"}, "month": {"value": "09"}},
        "organization": {
            "name": "University of Examples",
            "address": {"city": "Exampleton", "region": "Ex", "country": "GB"},
            "disambiguated-organization": {
                "disambiguated-organization-identifier": "https://ror.org/05qwgg493",
                "disambiguation-source": "ROR",
            },
        },
        "external-ids": {
            "external-id": [
                {
                    "external-id-type": "uri",
                    "external-id-value": uri,
                    "external-id-url": {"value": uri},
                    "external-id-relationship": "self",
                }
            ]
        },
    }
    assert payload.self_keys == (f"uri:{uri}",)
    assert payload.title == "Lecturer, Group of Things, University of Examples"
    assert (payload.section, payload.type, payload.year) == ("employment", "employment", 2015)


def test_a_post_at_the_institution_itself_has_no_department() -> None:
    payload = made(employment_payload(POST, PATH[2], item_uri=None, today=TODAY))
    assert "department-name" not in payload.content
    assert "external-ids" not in payload.content
    assert payload.self_keys == ()


def test_the_posts_own_department_name_wins() -> None:
    named = replace(POST, department_name="Chair of <b>Things</b>")
    payload = made(employment_payload(named, PATH, item_uri=None, today=TODAY))
    assert payload.content["department-name"] == "Chair of Things"


def test_an_address_comes_from_above_where_the_organisation_has_none() -> None:
    hospital = Organization("U4", "Hospital", ror_id="https://ror.org/05qwgg493", city="Exampleton")
    payload = made(employment_payload(POST, (hospital, PATH[2]), item_uri=None, today=TODAY))
    assert payload.content["organization"]["name"] == "Hospital"
    assert payload.content["organization"]["address"]["country"] == "GB"


@pytest.mark.parametrize(
    ("end", "sent"),
    [
        ((2024, 6, 15), True),
        ((2024, 6, 16), False),
        ((2024, 5, None), True),
        ((2024, 6, None), False),
        ((2023, None, None), True),
        ((2024, None, None), False),
        ((2030, 1, 1), False),
        ((None, None, None), False),
    ],
)
def test_an_end_that_may_lie_ahead_is_not_sent(end: tuple[int | None, ...], sent: bool) -> None:
    year, month, day = end
    ending = replace(POST, end_year=year, end_month=month, end_day=day)
    payload = made(employment_payload(ending, PATH, item_uri=None, today=TODAY))
    assert ("end-date" in payload.content) is sent


def test_a_start_on_the_day_of_an_import_is_unknown() -> None:
    imported = replace(POST, start_month=7, start_day=20)
    unknown = frozenset({dt.date(2015, 7, 20)})
    payload = made(employment_payload(imported, PATH, item_uri=None, today=TODAY, unknown_dates=unknown))
    assert "start-date" not in payload.content


@pytest.mark.parametrize(
    ("post", "path", "reason", "field"),
    [
        (POST, PATH[:2], "organisation_unknown", "ror_id"),
        (POST, (), "organisation_unknown", "ror_id"),
        (POST, (replace(PATH[2], ror_id="05qwgg494"),), "organisation_unknown", "ror_id"),
        (POST, (replace(PATH[2], city=None),), "organisation_unknown", "city"),
        (POST, (replace(PATH[2], country="Atlantis"),), "organisation_unknown", "city"),
        (replace(POST, affiliation_type="hobby"), PATH, "type_not_mapped", "affiliation_type"),
        (replace(POST, start_month=0, start_day=3), PATH, "invalid_field", "start_date"),
        (replace(POST, end_year=2014), PATH, "invalid_field", "end-date"),
    ],
)
def test_a_post_that_cannot_go_out_is_refused(
    post: Employment, path: tuple[Organization, ...], reason: str, field: str
) -> None:
    refusal = refused(employment_payload(post, path, item_uri=None, today=TODAY))
    assert (refusal.reason, refusal.field) == (reason, field)


@pytest.mark.parametrize("kind", ["employment", "invited-position", "Service", "membership", "distinction"])
def test_all_kinds_of_affiliations_are_made(kind: str) -> None:
    payload = made(employment_payload(replace(POST, affiliation_type=kind), PATH, item_uri=None, today=TODAY))
    assert payload.section == kind.lower()


def test_every_field_of_an_affiliation_counts_for_its_digest() -> None:
    uri = "https://cris.example.edu/employment/E1"
    base = made(employment_payload(POST, PATH, item_uri=uri, today=TODAY)).digest
    others = {
        made(employment_payload(replace(POST, role_title="Reader"), PATH, item_uri=uri, today=TODAY)).digest,
        made(employment_payload(replace(POST, end_year=2020), PATH, item_uri=uri, today=TODAY)).digest,
        made(
            employment_payload(replace(POST, url="https://example.edu/x"), PATH, item_uri=uri, today=TODAY)
        ).digest,
        made(employment_payload(POST, PATH[1:], item_uri=uri, today=TODAY)).digest,
        made(employment_payload(POST, PATH, item_uri=None, today=TODAY)).digest,
    }
    assert len(others | {base}) == 6


TEXTS = st.one_of(
    st.none(), st.text(max_size=30), st.sampled_from(["<i>x</i>", "&lt;", "$x$", "10.1000/x", "en", "DE"])
)
NUMBERS = st.one_of(st.none(), st.integers(-1, 32), st.integers(1890, 2110))
PUBLICATIONS = st.builds(
    Publication,
    publication_id=st.just("P"),
    title=st.one_of(st.text(max_size=40), st.just("A title")),
    source_type=st.sampled_from(["Article", "Book", "Preprint", "Thesis", "Erratum", "?"]),
    source_type_scheme=st.just("dspace-dc-type"),
    subtitle=TEXTS,
    translated_title=TEXTS,
    translated_title_language=TEXTS,
    journal_title=TEXTS,
    publication_year=NUMBERS,
    publication_month=NUMBERS,
    publication_day=NUMBERS,
    publication_status=st.sampled_from([None, "published", "epub", "in-press", "submitted"]),
    language_code=TEXTS,
    country=TEXTS,
    short_description=TEXTS,
    url=TEXTS,
    citation_type=st.sampled_from([None, "bibtex", "odd"]),
    citation_value=TEXTS,
)
CONTRIBUTORS = st.builds(
    Contributor,
    publication_id=st.just("P"),
    contributor_seq=st.integers(1, 9),
    contributor_role=st.sampled_from(["author", "editor", "odd"]),
    credit_name=st.text(max_size=20),
    person_id=st.sampled_from([None, "p1", "p2"]),
    is_group=st.booleans(),
    contributor_orcid=TEXTS,
    contributor_orcid_authenticated=st.booleans(),
)
IDENTIFIERS = st.builds(
    Identifier,
    publication_id=st.just("P"),
    identifier_seq=st.integers(1, 9),
    external_id_type=st.sampled_from(
        ["doi", "isbn", "issn", "uri", "other-id", "pmid", "id_number", "odd", "handle"]
    ),
    external_id_value=st.one_of(
        st.text(max_size=20),
        st.sampled_from(["10.1000/x", "978-3-16-148410-0", "0028-0836", "https://example.org/x", "123"]),
    ),
    external_id_url=TEXTS,
    external_id_relationship=st.sampled_from([None, "self", "part-of", "version_of", "funded-by", "odd"]),
)


@given(PUBLICATIONS, st.lists(CONTRIBUTORS, max_size=4), st.lists(IDENTIFIERS, max_size=4), st.randoms())
def test_whatever_the_cris_holds_the_registry_would_take_it_or_we_refuse(
    publication: Publication, people: list[Contributor], ids: list[Identifier], shuffle: random.Random
) -> None:
    result = work_payload(publication, people, ids, authenticated={"p1": JOSIAH})
    if isinstance(result, Refusal):
        assert result.message
        return
    assert problems("work", result.content) == []
    again = orjson.loads(orjson.dumps(result.content))
    shuffle.shuffle(again["external-ids"]["external-id"])
    reordered = dict(shuffle.sample(list(again.items()), len(again)))
    assert content_digest("work", reordered) == result.digest


@given(
    st.builds(
        Employment,
        employment_id=st.just("E"),
        person_id=st.just("p"),
        unit_id=st.just("U"),
        role_title=TEXTS,
        department_name=TEXTS,
        start_year=NUMBERS,
        start_month=NUMBERS,
        end_year=NUMBERS,
        end_month=NUMBERS,
        end_day=NUMBERS,
        url=TEXTS,
    )
)
def test_whatever_a_post_holds_the_registry_would_take_it_or_we_refuse(post: Employment) -> None:
    result = employment_payload(post, PATH, item_uri="https://cris.example.edu/employment/E", today=TODAY)
    if isinstance(result, Payload):
        assert problems("employment", result.content) == []
        assert content_digest("employment", dict(reversed(result.content.items()))) == result.digest
