"""units.yaml, read strictly: every mistake is told with unit, field and remedy."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from orcid_sync.ledger.units_file import UnitsFileInvalid, load_units

GOOD = """
our_clients: [APP-OLD0123456789AB]
units:
  - code: library
    name: University Library
    sections: [work, employment]
    default_for: [work]
    subtree: [U-0001]
    librarians: [ann]
    contacts: {main: {name: Ann, email: ann@example.org, confirmed: 2026-01-31}}
  - code: med
    name: Medicine
    sections: [work]
    subtree: ["U-0002"]
    client: med
    approval: automatic
    duplicates: assert
    pilot: ["12345"]
"""
UNIT = """
units:
  - code: library
    name: University Library
    sections: [work]
    librarians: [ann]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "units.yaml"
    path.write_text(text)
    return path


def test_a_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    file = load_units(write(tmp_path, GOOD.replace("APP-OLD0123456789AB", "APP-OLD0123456789ABC")))

    library, med = file.units
    assert file.our_clients == ("APP-OLD0123456789ABC",)
    assert (library.client, library.approval, library.duplicates, library.pilot) == (
        "default",
        "librarian",
        "skip",
        [],
    )
    assert library.contacts.main is not None
    assert library.contacts.main.confirmed == dt.date(2026, 1, 31)
    assert (med.client, med.approval, med.duplicates) == ("med", "automatic", "assert")


@pytest.mark.parametrize(
    ("text", "unit", "field", "why"),
    [
        pytest.param(
            UNIT + "    librarian: [x]\n", "library", "librarian", "no such field", id="unknown field"
        ),
        pytest.param("units: []\nmore: 1\n", "", "more", "no such field", id="unknown key"),
        pytest.param("units: []\n", "", "units", "empty", id="no units"),
        pytest.param("{}\n", "", "units", "missing", id="empty file"),
        pytest.param("- a\n", "", "its content", "dictionary", id="a list"),
        pytest.param(
            UNIT.replace("    name: University Library\n", ""), "library", "name", "missing", id="no name"
        ),
        pytest.param(
            UNIT.replace("[ann]", "[]"), "library", "librarians", "nobody could approve", id="no approvers"
        ),
        pytest.param(
            UNIT.replace("[work]", "[poem]"), "library", "sections", "no section poem", id="section"
        ),
        pytest.param(
            UNIT + "    default_for: [employment]\n",
            "library",
            "default_for",
            "isn't allowed to own",
            id="default",
        ),
        pytest.param(UNIT + "    approval: nobody\n", "library", "approval", "should be", id="approval"),
        pytest.param(
            UNIT + "    client: Med School\n", "library", "client", "no code of an API client", id="client"
        ),
        pytest.param(
            UNIT.replace("code: library", "code: app"), "app", "code", "reserved", id="reserved code"
        ),
        pytest.param(UNIT.replace("code: library", "code: L-1"), "L-1", "code", "lower-case", id="bad code"),
        pytest.param(UNIT.replace("code: library", "code: 12"), "12", "code", "no text", id="number as code"),
        pytest.param(UNIT + "    pilot: [12]\n", "library", "pilot.0", "no text", id="number as person"),
        pytest.param(UNIT + "    sections: [work]\n", "", "line 3", "stands twice", id="field twice"),
        pytest.param(
            UNIT + "    subtree: [A, A]\n", "library", "subtree", "stands 2 times", id="twice in a list"
        ),
        pytest.param(UNIT + "    pilot: [' ']\n", "library", "pilot", "blank", id="blank entry"),
        pytest.param("our_clients: [X]\n" + UNIT, "", "our_clients", "no API client id", id="our clients"),
        pytest.param(
            UNIT + UNIT.replace("units:\n", ""), "", "units", "library stands 2 times", id="unit twice"
        ),
        pytest.param(
            UNIT + "    contacts: {main: {name: A, email: nowhere}}\n",
            "library",
            "contacts.main.email",
            "pattern",
            id="e-mail",
        ),
        pytest.param(
            UNIT + "    contacts: {boss: {name: A}}\n",
            "library",
            "contacts.boss",
            "no such field",
            id="contact",
        ),
        pytest.param(
            UNIT + "    contacts: {librarians: [{name: A, email: a@b}, {name: B, email: A@b}]}\n",
            "library",
            "contacts.librarians",
            "stands 2 times",
            id="one librarian twice",
        ),
        pytest.param("units: [\n", "", "line 2", "no valid YAML", id="broken YAML"),
        pytest.param(
            UNIT
            + "    default_for: [work]\n"
            + UNIT.replace("units:\n", "").replace("library", "med")
            + "    default_for: [work]\n",
            "library",
            "default_for",
            "also claimed by med",
            id="two defaults",
        ),
        pytest.param(
            UNIT
            + "    subtree: [A]\n"
            + UNIT.replace("units:\n", "").replace("library", "med")
            + "    subtree: [A]\n",
            "library",
            "subtree",
            "work of A is also claimed by med",
            id="one subtree, two units",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(
    tmp_path: Path, text: str, unit: str, field: str, why: str
) -> None:
    path = write(tmp_path, text)

    with pytest.raises(UnitsFileInvalid) as caught:
        load_units(path)

    told = [(problem.unit, problem.field) for problem in caught.value.problems]
    assert (unit, field) in told
    problem = caught.value.problems[told.index((unit, field))]
    assert why in problem.why
    assert problem.remedy
    assert str(path) in str(caught.value)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = UNIT.replace("[ann]", "[]").replace("[work]", "[poem]") + "    client: M-1\n"
    with pytest.raises(UnitsFileInvalid) as caught:
        load_units(write(tmp_path, text))
    assert {problem.field for problem in caught.value.problems} == {"librarians", "sections", "client"}


def test_a_likely_meaning_is_offered(tmp_path: Path) -> None:
    with pytest.raises(UnitsFileInvalid, match="Did you mean duplicates"):
        load_units(write(tmp_path, UNIT + "    duplicate: skip\n"))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnitsFileInvalid, match="can't be read"):
        load_units(tmp_path / "nowhere.yaml")


def test_the_same_subtree_in_other_sections_is_no_contradiction(tmp_path: Path) -> None:
    other = UNIT.replace("units:\n", "").replace("library", "staff").replace("[work]", "[employment]")
    load_units(write(tmp_path, UNIT + "    subtree: [A]\n" + other + "    subtree: [A]\n"))
