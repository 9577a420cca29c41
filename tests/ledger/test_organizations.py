"""A dump of ROR becomes the copy that proposals ask, and takes the place of the one before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.organizations import (
    OrganizationsLoaded,
    directory_for,
    load_organizations,
    loaded_version,
)
from orcid_sync.ledger.session import Ledger
from orcid_sync.model.organization_directory import Mention

from tests.fixtures.ror import DUMP, EXAMPLES, SUCCESSOR, WITHDRAWN_BEFORE, write_dump, write_zip


def version(ledger: Ledger) -> str:
    with ledger.transaction() as connection:
        return loaded_version(connection)


def found(ledger: Ledger, *mentions: Mention) -> list[str | None]:
    """What a lookup of all of them at once finds of each."""
    with ledger.transaction() as connection:
        directory = directory_for(connection, mentions)
    known = [directory.find(mention).known for mention in mentions]
    return [pair[0] if pair else None for pair in known]


def test_the_zip_and_the_json_in_it_are_loaded_alike(ledger: Ledger, tmp_path: Path) -> None:
    assert version(ledger) == ""
    loaded = load_organizations(ledger, write_zip(tmp_path), actor="ann")
    assert loaded == OrganizationsLoaded(organizations=8, names=11, withdrawn=3, replaced=2)
    zipped = version(ledger)
    assert load_organizations(ledger, write_dump(tmp_path), actor="ann") == loaded
    assert version(ledger) == zipped


def test_names_identifiers_and_chains_of_successors_are_found_by_one_query(
    ledger: Ledger, tmp_path: Path
) -> None:
    load_organizations(ledger, write_dump(tmp_path), actor="ann")
    wanted = (
        Mention("Exempeluniversitetet"),
        Mention("x", identifier="grid.99999.1", source="GRID"),
        Mention("x", identifier=WITHDRAWN_BEFORE, source="ROR"),
        Mention("School of Etude", country="SE"),
        Mention("Nowhere"),
    )
    assert found(ledger, *wanted) == [EXAMPLES, EXAMPLES, SUCCESSOR, SUCCESSOR, None]
    assert found(ledger) == []


def test_a_new_dump_takes_the_place_of_the_one_before(ledger: Ledger, tmp_path: Path) -> None:
    load_organizations(ledger, write_dump(tmp_path), actor="ann")
    before = version(ledger)
    load_organizations(ledger, write_dump(tmp_path, DUMP[:1]), actor="ann")
    assert version(ledger) != before
    assert found(ledger, Mention("School of Etude", country="SE")) == [None]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (json.dumps(DUMP).encode()[:-3], "ends in the middle"),
        (b"[]", "no organisation"),
        (b"\xff\xfe", "no UTF-8"),
        (b"PK\x03\x04", "no UTF-8|no JSON"),
    ],
)
def test_a_broken_dump_changes_nothing(ledger: Ledger, tmp_path: Path, content: bytes, why: str) -> None:
    load_organizations(ledger, write_dump(tmp_path), actor="ann")
    broken = tmp_path / "broken.json"
    broken.write_bytes(content)
    with pytest.raises(Misconfigured, match=why):
        load_organizations(ledger, broken, actor="ann")
    assert found(ledger, Mention("Exempeluniversitetet")) == [EXAMPLES]


def test_a_file_that_is_not_there_is_named(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"missing\.zip"):
        load_organizations(ledger, tmp_path / "missing.zip", actor="ann")
