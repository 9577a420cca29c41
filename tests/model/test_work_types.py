"""Types of sources, and the ORCID work types they are."""

from __future__ import annotations

import pytest
from orcid_sync.model import vocabulary
from orcid_sync.model.work_types import SKIP, _table, map_work_type, schemes

PURE = "/dk/atira/pure/researchoutput/researchoutputtypes"


@pytest.mark.parametrize(
    ("scheme", "source_type", "subtype", "expected"),
    [
        ("dspace-dc-type", "Article", None, "journal-article"),
        ("dspace-dc-type", "book  chapter", None, "book-chapter"),
        ("dspace-dc-type", "text::journal::journal article", None, "journal-article"),
        ("coar", "http://purl.org/coar/resource_type/c_6501", None, "journal-article"),
        ("coar", "text::journal::journal article", None, "journal-article"),
        ("coar", "c_46ec", None, "dissertation-thesis"),
        ("coar", "Resource Types::text::thesis::doctoral thesis", None, "dissertation-thesis"),
        ("pure", f"{PURE}/contributiontojournal/article", None, "journal-article"),
        ("pure", f"{PURE}/contributiontojournal/our_own_leaf", None, "journal-article"),
        ("pure", "contributiontobookanthology", "entry", "encyclopedia-entry"),
        ("pure", f"{PURE}/thesis/doc", None, "dissertation-thesis"),
        ("pure", f"{PURE}/nontextual/unheard_of", None, None),
        ("elements", "journal-article", None, "journal-article"),
        ("elements", "thesis-dissertation", None, "dissertation-thesis"),
        ("eprints", "monograph", "technical_report", "report"),
        ("eprints", "monograph", "working_paper", "working-paper"),
        ("eprints", "monograph", None, None),
        ("eprints", "conference_item", "poster", "conference-poster"),
        ("eprints", "conference_item", "unheard_of", "conference-paper"),
        ("eprints", "thesis", "phd", "dissertation-thesis"),
        ("crossref", "posted-content", "preprint", "preprint"),
        ("crossref", "reference-book", None, "book"),
        ("csl", "article-journal", None, "journal-article"),
        ("bibtex", "misc", "eprint", "preprint"),
        ("bibtex", "misc", None, "other"),
        ("bibtex", "unpublished", None, None),
        ("no-such-scheme", "Article", None, None),
        ("crossref", None, None, None),
    ],
)
def test_a_sources_type_is_mapped_or_left_alone(
    scheme: str, source_type: str | None, subtype: str | None, expected: str | None
) -> None:
    mapping = map_work_type(scheme, source_type, subtype)
    assert mapping.work_type == expected
    assert not mapping.skip
    assert bool(mapping.reason) is (expected is None)


@pytest.mark.parametrize(
    ("scheme", "source_type", "subtype"),
    [
        ("pure", f"{PURE}/contributiontojournal/erratum", None),
        ("dspace-dc-type", "Retraction", None),
        ("coar", "c_7acd", None),
        ("crossref", "peer-review", None),
        ("crossref", "journal-issue", None),
        ("csl", "event", None),
    ],
)
def test_notices_and_containers_are_skipped_with_a_reason(
    scheme: str, source_type: str, subtype: str | None
) -> None:
    mapping = map_work_type(scheme, source_type, subtype)
    assert mapping.skip
    assert mapping.work_type is None
    assert mapping.reason


def test_an_override_wins_over_the_table() -> None:
    assert map_work_type("crossref", "journal-article", override="Data Set").work_type == "data-set"
    assert map_work_type("nobody", "knows", override="dataset").work_type == "data-set"


def test_an_override_that_cannot_be_written_is_refused_by_name() -> None:
    mapping = map_work_type("crossref", "journal-article", override="undefined")
    assert mapping.work_type is None
    assert "'undefined'" in mapping.reason


def test_a_book_with_editors_only_is_an_edited_book() -> None:
    assert map_work_type("elements", "book", only_editors=True).work_type == "edited-book"
    assert map_work_type("elements", "chapter", only_editors=True).work_type == "book-chapter"


def test_the_table_speaks_of_known_schemes_and_writable_types() -> None:
    assert schemes() == {"dspace-dc-type", "coar", "pure", "elements", "eprints", "crossref", "csl", "bibtex"}
    assert {work_type for work_type, _ in _table().values()} <= vocabulary.WRITABLE_WORK_TYPES | {SKIP}
