"""Organisations that the CRIS names, found in a copy of ROR or left alone."""

from __future__ import annotations

import io
import json
from collections import defaultdict

import pytest
from orcid_sync.model import ror
from orcid_sync.model.organization_directory import (
    NOTHING_LISTED,
    Directory,
    Listed,
    Mention,
    name_key,
)

from tests.fixtures.ror import COUNCIL, DUMP, EXAMPLES, FUNDER_ID, ORPHAN, SUCCESSOR, TWINS, WITHDRAWN


@pytest.fixture(scope="module")
def directory() -> Directory:
    """All of the dump, with its one-step successors."""
    by_key = defaultdict[str, tuple[tuple[str, Listed], ...]](tuple)
    for one in ror.read_organizations(io.StringIO(json.dumps(DUMP))):
        listed = Listed(one.ror_id, one.name, one.city, one.country, one.status, one.successor, one.funder_id)
        for key, kind in one.keys.items():
            by_key[key] += ((kind, listed),)
    return Directory(by_key)


@pytest.mark.parametrize(
    ("mention", "known"),
    [
        (Mention("University of Examples"), (EXAMPLES, "ROR")),
        (Mention("the UNIVERSITY of examples"), (EXAMPLES, "ROR")),
        (Mention("Exempeluniversitetet", country="SE"), (EXAMPLES, "ROR")),
        (Mention("UEX", country="SE"), (EXAMPLES, "ROR")),
        (Mention("Institute of Etude and Practice", country="SE"), (SUCCESSOR, "ROR")),
        (Mention("Trinity College", country="IE"), (TWINS[0], "ROR")),
        (Mention("Trinity College", city="Hartford"), (TWINS[1], "ROR")),
        # Withdrawn: the one that stands in its place, by name as by identifier.
        (Mention("Institute of Étude", country="SE"), (SUCCESSOR, "ROR")),
        (Mention("x", identifier=WITHDRAWN, source="ROR"), (SUCCESSOR, "ROR")),
        # An identifier of another registry is brought to ROR; what the CRIS says is not doubted.
        (Mention("x", identifier="grid.99999.1", source="GRID"), (EXAMPLES, "ROR")),
        (Mention("x", identifier="grid.11111.1", source="GRID"), ("grid.11111.1", "GRID")),
        (Mention("University of Examples", identifier=TWINS[0], source="ROR"), (TWINS[0], "ROR")),
        (Mention("x", identifier=ORPHAN, source="ROR"), (ORPHAN, "ROR")),
        # An identifier that is none: the name counts.
        (Mention("University of Examples", identifier="048a87297", source="ROR"), (EXAMPLES, "ROR")),
    ],
)
def test_an_organisation_is_found(directory: Directory, mention: Mention, known: tuple[str, str]) -> None:
    assert directory.find(mention).known == known


@pytest.mark.parametrize(
    "mention",
    [
        Mention("Trinity College"),
        Mention("UEX"),
        Mention("UoE", country="SE"),
        Mention("University of Examples", country="NO"),
        Mention("University of Exemples"),
        Mention("Lost College", country="SE"),
        Mention(None),
        Mention(" "),
    ],
    ids=["ambiguous", "alias alone", "acronym", "another country", "another name", "gone", "none", "blank"],
)
def test_where_it_is_not_certain_none_is_found(directory: Directory, mention: Mention) -> None:
    assert directory.find(mention).known is None


def test_a_funder_found_by_name_goes_out_under_its_funder_registry_id(directory: Directory) -> None:
    council = Mention("Research Council", country="SE")
    assert directory.find(council, funder=True).known == (FUNDER_ID, "FUNDREF")
    assert directory.find(council).known == (COUNCIL, "ROR")
    given = Mention("x", identifier="501100011111", source="FUNDREF")
    assert directory.find(given, funder=True).known == ("http://dx.doi.org/10.13039/501100011111", "FUNDREF")
    assert directory.find(given).known == (COUNCIL, "ROR")


def test_city_and_country_are_added_where_the_cris_has_none(directory: Directory) -> None:
    found = directory.find(Mention("University of Examples"))
    assert found.address == {"city": "Uppsala", "country": "SE"}
    assert directory.find(Mention("University of Examples", "Visby", country="SE")).address == {
        "city": "Visby",
        "country": "SE",
    }
    abroad = Mention("x", country="NO", identifier=EXAMPLES, source="ROR")
    assert directory.find(abroad).address == {"country": "NO"}


def test_without_a_copy_what_the_cris_says_is_sent() -> None:
    assert NOTHING_LISTED.find(Mention("University of Examples")).known is None
    given = Mention("x", "Uppsala", None, "SE", EXAMPLES, "ROR")
    assert NOTHING_LISTED.find(given).known == (EXAMPLES, "ROR")
    assert NOTHING_LISTED.find(given).address == {"city": "Uppsala", "country": "SE"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Université de Genève", "Universite de geneve"),
        ("Arts & Letters", "ARTS and letters"),
        ("The Open College", "open college"),
        ("Saint-Louis", "Saint Louis"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_a_dump_is_read_piece_by_piece(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(ror, "CHUNK", size)
    text = "\ufeff " + json.dumps(DUMP, ensure_ascii=False, indent=1)
    found = list(ror.read_organizations(io.StringIO(text)))
    assert [one.ror_id for one in found] == [one["id"] for one in DUMP]
    assert found[0].keys["grid grid.99999.1"] == "identifier"
    assert found[0].keys["name uex"] == "alias"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON array"),
        ('{"id": 1}', "no JSON array"),
        ("[", "ends in the middle"),
        (json.dumps(DUMP)[:-1], "ends in the middle"),
        ('[{"id": "https://ror.org/048a87296", "name": "X"}]', "entry number 1"),
        ('[{"id": "x", "names": []}]', "entry number 1"),
        ('["x"]', "entry number 1"),
    ],
)
def test_what_is_no_dump_is_refused(text: str, why: str) -> None:
    with pytest.raises(ror.NoDumpError, match=why):
        list(ror.read_organizations(io.StringIO(text)))
