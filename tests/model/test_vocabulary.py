"""The registry's lists, and the words of sources."""

from __future__ import annotations

import pytest
from orcid_sync.model import vocabulary
from orcid_sync.model.vocabulary import contributor_role, country, language, work_type

CREDIT = "http://credit.niso.org/contributor-roles/"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("en", "en"), ("EN", "en"), ("en-GB", "en"), ("eng", "en"), ("English", "en"), ("ger", "de"), ("deu", "de"),
        ("he", "iw"), ("heb", "iw"), ("id", "in"), ("yi", "ji"), ("zh", "zh_CN"), ("zh-hans", "zh_CN"),
        ("zh-Hant-HK", "zh_TW"), ("zh_TW", "zh_TW"), ("zho", "zh_CN"), ("pt_BR", "pt"), ("nb-NO", "nb"), ("iw", "iw"),
        ("mul", None), ("und", None), ("xx", None), ("Klingonish", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_languages_become_the_registrys_codes(text: str | None, code: str | None) -> None:
    assert language(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("GB", "GB"), ("gb", "GB"), ("UK", "GB"), ("DEU", "DE"), ("Germany", "DE"), ("XK", "XK"), ("Kosovo", "XK"),
        ("The Netherlands", "NL"), ("Scotland", "GB"), ("Narnia", None), ("ZZ", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_countries_become_two_letters(text: str | None, code: str | None) -> None:
    assert country(text) == code


@pytest.mark.parametrize(
    ("term", "role"),
    [
        ("author", "author"),
        ("Author", "author"),
        ("dc.contributor.editor", "editor"),
        ("/dk/atira/pure/researchoutput/roles/contributiontojournal/author", "author"),
        ("translator", "chair-or-translator"),
        ("inventor", "co-inventor"),
        ("Supervision", f"{CREDIT}supervision/"),
        ("Writing \u2013 review & editing", f"{CREDIT}writing-review-editing/"),
        ("HTTP://credit.niso.org/contributor-roles/Software/", f"{CREDIT}software/"),
        ("illustrator", None),
        ("", None),
        (None, None),
    ],
)
def test_roles_become_the_registrys_or_nothing(term: str | None, role: str | None) -> None:
    assert contributor_role(term) == role


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("journal-article", "journal-article"),
        ("Journal Article", "journal-article"),
        ("dataset", "data-set"),
        ("chapter", "book-chapter"),
        ("undefined", None),
        ("poem", None),
        (None, None),
    ],
)
def test_an_orcid_work_type_is_recognised(text: str | None, name: str | None) -> None:
    assert work_type(text) == name


def test_the_lists_are_whole() -> None:
    assert len(vocabulary.WORK_TYPES) == 59
    assert sorted(vocabulary.WORK_TYPES - vocabulary.WRITABLE_WORK_TYPES) == ["undefined"]
    assert len(vocabulary.CREDIT_ROLES) == 14
    assert len(vocabulary.LEGACY_ROLES) == 11
    assert {"he", "id", "yi", "zh"}.isdisjoint(vocabulary.LANGUAGES)
