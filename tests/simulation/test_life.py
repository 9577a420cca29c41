"""Three years of a member of staff, from the first post to the return: what stands on the record after every run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from orcid_sync.ledger.session import Ledger
from orcid_sync.ledger.units import apply_units
from orcid_sync.ledger.units_file import UnitsFile

from tests.fixtures.promises import CLIENT
from tests.fixtures.section_rows import ROWS
from tests.fixtures.world import UNITS, World

pytestmark = pytest.mark.slow

POST: dict[str, Any] = {
    "affiliation_type": "employment",
    "role_title": "Lecturer",
    "department_name": "Physics",
    "start_year": 2023,
    "start_month": 9,
}


def date(content: dict[str, Any], name: str) -> str:
    """A date as text; empty where it isn't told."""
    parts = content.get(name) or {}
    return "-".join(parts[part]["value"] for part in ("year", "month", "day") if parts.get(part))


class Life:
    """One person's posts and degrees; after every run nothing more is proposed and nothing more is sent."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.posts: dict[str, dict[str, Any]] = {}

    def post(self, key: str, **changes: Any) -> None:
        """A post is as this says from now on."""
        self.posts[key] = {**self.posts.get(key, POST), **changes}
        self.world.enter("employment", key, "p1", self.posts[key])

    def stands(self, section: str = "employment") -> list[str]:
        """After a run: the entries of a section as `role, department, start, end`, by put code."""
        world = self.world
        world.round()
        calls = world.calls()
        world.run("mirror", everything=True)
        read = world.calls() - calls
        counts = world.proposes()
        assert counts is not None
        assert (counts["proposed"], world.open_changes(undecided=False)) == (0, [])
        world.run("write")
        assert world.calls() - calls == read
        world.check()
        ours = sorted(world.ours("p1", section), key=lambda one: one["put_code"])
        return [
            ", ".join(
                (
                    one["item"]["role-title"],
                    one["item"].get("department-name") or "",
                    date(one["item"], "start-date"),
                    date(one["item"], "end-date"),
                )
            )
            for one in ours
        ]


@pytest.fixture
def life(world: World) -> Life:
    """A life in which a later start under another title is a new post."""
    world.settings = world.settings.model_copy(update={"new_post_by": ("title",)})
    return Life(world)


@pytest.mark.parametrize("base", [None, "https://cris.example.edu/id"], ids=["by content", "by uri"])
def test_three_years_of_a_member_of_staff(life: Life, base: str | None) -> None:
    world = life.world
    world.settings = world.settings.model_copy(update={"item_uri_base": base})
    life.post("E1")
    assert life.stands() == ["Lecturer, Physics, 2023-09, "]
    # A word is corrected: the entry is, too.
    life.post("E1", role_title="University Lecturer")
    assert life.stands() == ["University Lecturer, Physics, 2023-09, "]
    # A second post beside the first.
    life.post("E2", role_title="Head of Laboratory", start_year=2024, start_month=1, is_primary=False)
    second = "Head of Laboratory, Physics, 2024-01, "
    assert life.stands() == ["University Lecturer, Physics, 2023-09, ", second]
    # The department moves to another name.
    life.post("E1", department_name="Astronomy")
    assert life.stands() == ["University Lecturer, Astronomy, 2023-09, ", second]
    # An end that lies ahead is nobody's business yet.
    life.post("E1", end_year=dt.datetime.now(dt.UTC).year + 5, end_month=12)
    assert life.stands() == ["University Lecturer, Astronomy, 2023-09, ", second]
    life.post("E1", end_year=None, end_month=None)
    # Promoted: the CRIS shows the new title from a day on, under the key of the former.
    life.post("E1", role_title="Professor", start_year=2025, start_month=3, start_day=1)
    lecturer, professor = (
        "University Lecturer, Astronomy, 2023-09, 2025-02-28",
        "Professor, Astronomy, 2025-03-01, ",
    )
    assert life.stands() == [lecturer, second, professor]
    # The second post ends.
    life.post("E2", end_year=2025, end_month=6, end_day=30)
    second += "2025-06-30"
    assert life.stands() == [lecturer, second, professor]
    # Gone: the last end goes out, later changes wait.
    life.post("E1", end_year=2025, end_month=12, end_day=31)
    world.staff("p1", is_current=False)
    professor += "2025-12-31"
    assert life.stands() == [lecturer, second, professor]
    life.post("E3", role_title="Consultant", start_year=2026, start_month=1)
    assert life.stands() == [lecturer, second, professor]
    assert world.item("p1", "E3").reason == "left_institution"
    # An alumna now: the degree that was taken here goes out, another one doesn't.
    world.enter("education", "D1", "p1", {**ROWS["education"], "given_here": True})
    world.enter("education", "D2", "p1", {**ROWS["education"], "role_title": "Bachelor", "given_here": False})
    assert life.stands("education") == ["Doctor of Philosophy, Physics, 2010, 2014"]
    # Back: what waited goes out.
    world.staff("p1", is_current=True)
    assert life.stands() == [lecturer, second, professor, "Consultant, Physics, 2026-01, "]
    assert life.stands("education") == [
        "Doctor of Philosophy, Physics, 2010, 2014",
        "Bachelor, Physics, 2010, 2014",
    ]
    # The CRIS deletes the first post as a mistake: what it once was goes as well.
    world.enter("employment", "E1", "p1", {}, gone="deleted")
    assert life.stands() == [second, "Consultant, Physics, 2026-01, "]


def test_a_title_with_the_start_it_had_is_a_correction(life: Life) -> None:
    life.post("E1")
    life.stands()
    life.post("E1", role_title="Professor")
    assert life.stands() == ["Professor, Physics, 2023-09, "]


def test_the_day_of_an_import_begins_no_post(life: Life) -> None:
    import_day = dt.date(2025, 11, 16)
    life.world.settings = life.world.settings.model_copy(update={"unknown_dates": (import_day,)})
    life.post("E1")
    life.stands()
    life.post("E1", role_title="Professor", start_year=2025, start_month=11, start_day=16)
    assert life.stands() == ["Professor, Physics, , "]


def test_by_default_a_promotion_is_a_correction(life: Life) -> None:
    life.world.settings = life.world.settings.model_copy(update={"new_post_by": ()})
    life.post("E1")
    life.stands()
    life.post("E1", role_title="Professor", start_year=2025)
    assert life.stands() == ["Professor, Physics, 2025-09, "]


def test_somebody_promoted_twice_has_three_entries(life: Life) -> None:
    for year, title in ((2020, "Lecturer"), (2022, "Reader"), (2024, "Professor")):
        life.post("E1", role_title=title, start_year=year, start_month=1)
        stands = life.stands()
    assert stands == [
        "Lecturer, Physics, 2020-01, 2022-01",
        "Reader, Physics, 2022-01, 2024-01",
        "Professor, Physics, 2024-01, ",
    ]
    life.world.extract(full=True)
    life.world.extract(full=True)
    assert life.stands() == stands
    # Hidden as a whole: all of it goes.
    life.post("E1", visibility="hidden")
    assert life.stands() == []


def test_a_unit_that_adds_main_posts_alone_keeps_what_stands_true(world: World) -> None:
    life = Life(world)
    policy(world, "primary")
    try:
        life.post("E1", is_primary=True)
        life.post("E2", role_title="Head of Laboratory", is_primary=False)
        life.post("E3", role_title="Fellow", is_primary=None)
        assert life.stands() == ["Lecturer, Physics, 2023-09, ", "Fellow, Physics, 2023-09, "]
        life.post("E1", is_primary=False, role_title="Reader")
        assert life.stands() == ["Reader, Physics, 2023-09, ", "Fellow, Physics, 2023-09, "]
        life.post("E2", is_primary=True)
        assert len(life.stands()) == 3
    finally:
        policy(world, "all")


def policy(world: World, posts: str) -> None:
    """Which posts the units add."""
    apply_units(
        world.site.database.connect_owner,
        Ledger(world.site.database.connect_application),
        UnitsFile(Path("units.yaml"), (), tuple(unit.model_copy(update={"posts": posts}) for unit in UNITS)),
        actor="test",
        client_ids={"default": CLIENT},
    )
