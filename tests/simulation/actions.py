"""What curators, librarians, researchers, the registry, accidents and we may do, in any order.

An action takes the world and a source of chance. Everything it chooses comes from there, so that a step of a history is
a name and a number, and a history a list of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tests.fixtures.crash import Life
from tests.fixtures.world import OTHER_CLIENT, Entry, World
from tests.fixtures.world_cris import POST_FLAWS, WORK_FLAWS

PEOPLE: Final = ("p1", "p2", "p3")
WORKS: Final = tuple(f"W{number}" for number in range(1, 7))
POSTS: Final = ("E1", "E2", "E3")
FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "drop_before"},
    {"kind": "drop_before", "method": "POST"},
    {"kind": "drop_after"},
    {"kind": "drop_after", "method": "POST"},
    {"kind": "drop_after", "method": "PUT"},
    {"kind": "drop_after", "method": "DELETE"},
    {"kind": "drop_after", "method": "POST", "path": "/works$", "after_items": 1},
    {"kind": "drop_after", "method": "POST", "path": "/works$", "after_items": 2},
    {"kind": "status", "status": 500, "times": 2},
    {"kind": "status", "status": 502, "method": "POST"},
    {"kind": "status", "status": 503, "times": 3},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "status", "status": 503, "method": "PUT", "retry_after": "2"},
    {"kind": "status", "error_code": 9008, "status": 500, "method": "POST"},
)
# What curators do to a publication, by what the edit is called.
WORK_EDITS: Final[tuple[dict[str, Any], ...]] = (
    {"curation": "withdrawn"},
    {"curation": "rejected"},
    {"curation": "pending"},
    {"curation": "approved"},
    {"curation": "approved", "flaw": None, "embargo": False, "visibility": "public", "type": "Article"},
    {"visibility": "hidden"},
    {"visibility": "public"},
    {"confidential": True},
    {"confidential": False},
    {"embargo": True},
    {"embargo": False},
    {"status": "retracted"},
    {"status": "submitted"},
    {"status": "in-press"},
    {"status": "published"},
    {"type": "Nothing that anybody knows"},
    {"type": "Article"},
    {"dois": ()},
    {"dois": ("not an identifier",)},
    {"gone": "deleted"},
    {"gone": "unpublished"},
    {"gone": "vanished"},
    {"gone": None, "merged_into": None},
    {"flaw": None},
    *({"flaw": flaw} for flaw in WORK_FLAWS),
)
POST_EDITS: Final[tuple[dict[str, Any], ...]] = (
    {"ended": True},
    {"ended": False},
    {"visibility": "hidden"},
    {"visibility": "public"},
    {"type": "service"},
    {"type": "employment"},
    {"unit": "U1"},
    {"unit": "U2"},
    {"gone": "deleted"},
    {"gone": "vanished"},
    {"gone": None},
    {"flaw": None},
    *({"flaw": flaw} for flaw in POST_FLAWS),
)
STAFF_EDITS: Final[tuple[dict[str, Any], ...]] = (
    {"is_current": False},
    {"is_current": True},
    {"opted_out": True},
    {"opted_out": False},
    {"visibility": "internal"},
    {"visibility": "public"},
    {"flawed": True},
    {"flawed": False, "shown": True, "is_current": True, "opted_out": False, "visibility": "public"},
    {"shown": False},
    {"shown": True},
    {"orcid_hint": "not an iD"},
    {"orcid_hint": "0000-0002-1825-0097"},
    {"orcid_hint": None},
)
STAGES: Final = ("mirror", "propose", "write", "write", "audit", "watch", "rebuild")
CRIS_STAGES: Final = ("extract", "validate", "merge")

Act = Callable[[World, random.Random], None]


@dataclass(frozen=True)
class Action:
    """`weight`: how often it is chosen, compared with the others."""

    name: str
    weight: int
    act: Act


ACTIONS: Final[dict[str, Action]] = {}


def action(weight: int = 2) -> Callable[[Act], Act]:
    """Register an action under its function's name."""

    def register(act: Act) -> Act:
        ACTIONS[act.__name__] = Action(act.__name__, weight, act)
        return act

    return register


def begin(world: World) -> None:
    """How every history begins: three people, two of them connected, three publications and two posts."""
    for name in PEOPLE:
        world.hire(name)
    for name in PEOPLE[:2]:
        world.grant(name)
    world.publish("W1", "p1", "p2")
    world.publish("W2", "p1")
    world.publish("W3", "p1", "p2", "p3")
    world.employ("E1", "p1")
    world.employ("E2", "p2", unit="U2")


# ---- curators


@action(4)
def publish(world: World, chance: random.Random) -> None:
    new = [name for name in WORKS if name not in world.things]
    if new:
        who = chance.sample(PEOPLE, chance.randint(1, 3))
        world.publish(new[0], *sorted(who), unit=chance.choice(("U1", "U2")))


@action()
def employ(world: World, chance: random.Random) -> None:
    new = [name for name in POSTS if name not in world.things]
    if new:
        world.employ(new[0], chance.choice(PEOPLE), unit=chance.choice(("U1", "U2")))


@action(5)
def retitle(world: World, chance: random.Random) -> None:
    world.edit(chance.choice(sorted(world.things)))


@action()
def correct_identifier(world: World, chance: random.Random) -> None:
    world.edit(chance.choice(_works(world)), dois=(world.new_doi(),))


@action()
def add_or_remove_identifier(world: World, chance: random.Random) -> None:
    name = chance.choice(_works(world))
    dois = world.things[name].dois
    world.edit(name, dois=dois[1:] if len(dois) > 1 else (*dois, world.new_doi()))


@action()
def swap_identifiers(world: World, chance: random.Random) -> None:
    world.swap_dois(*chance.sample(_works(world), 2))


@action(1)
def swap_identifiers_in_two_runs(world: World, chance: random.Random) -> None:
    one, two = chance.sample(_works(world), 2)
    first, second = world.things[one].dois, world.things[two].dois
    world.edit(one, dois=second)
    _round(world, chance)
    world.edit(two, dois=first)


@action(1)
def share_an_identifier(world: World, chance: random.Random) -> None:
    one, two = chance.sample(_works(world), 2)
    world.edit(one, dois=world.things[two].dois)


@action(8)
def edit_publication(world: World, chance: random.Random) -> None:
    name = chance.choice(_works(world))
    (world.edit if chance.random() < 0.3 else world.state)(name, **chance.choice(WORK_EDITS))


@action(3)
def edit_post(world: World, chance: random.Random) -> None:
    posts = sorted(name for name, thing in world.things.items() if thing.section == "employment")
    (world.edit if chance.random() < 0.3 else world.state)(chance.choice(posts), **chance.choice(POST_EDITS))


@action()
def merge_publications(world: World, chance: random.Random) -> None:
    standing = [name for name in _works(world) if not world.things[name].gone]
    if len(standing) > 1:
        world.merge(*chance.sample(standing, 2))


@action(3)
def change_claim(world: World, chance: random.Random) -> None:
    name, who = chance.choice(_works(world)), chance.choice(PEOPLE)
    claims = {key: value for key, value in world.things[name].claims.items() if key != who}
    share = chance.choice(("approved", "approved", "rejected", "pending", "hidden", None))
    world.state(name, claims=claims | ({who: share} if share else {}))


@action(3)
def change_staff(world: World, chance: random.Random) -> None:
    world.staff(chance.choice(PEOPLE), **chance.choice(STAFF_EDITS))


@action(1)
def move_a_unit_in_the_cris(world: World, chance: random.Random) -> None:
    world.cris.move_unit(chance.choice(("U1", None)))


@action(1)
def touch_every_row(world: World, chance: random.Random) -> None:
    world.cris.touch_everything()


# ---- librarians


@action(4)
def approve_all(world: World, chance: random.Random) -> None:
    world.approve_all()


@action(3)
def decide_some(world: World, chance: random.Random) -> None:
    open_changes = [row.id for row in world.open_changes(undecided=False)]
    if open_changes:
        chosen = chance.sample(open_changes, chance.randint(1, len(open_changes)))
        world.decide(chance.choice(("approve", "reject", "withdraw")), chosen)


@action()
def undo_a_batch(world: World, chance: random.Random) -> None:
    batches = [
        row.id for row in world.sql("SELECT id FROM batch WHERE kind = 'sync' ORDER BY id DESC LIMIT 3")
    ]
    if batches:
        world.run("undo", batch_id=chance.choice(batches))


@action(1)
def suppress(world: World, chance: random.Random) -> None:
    world.suppress(chance, back=chance.random() < 0.5)


@action(1)
def insist(world: World, chance: random.Random) -> None:
    """A librarian lets something go on that was held back, or that was stopped."""
    held = world.sql("SELECT id FROM item WHERE held IN ('withheld', 'blocked') ORDER BY id")
    if held:
        world.insist_on(chance.choice(held).id)


@action(1)
def pause(world: World, chance: random.Random) -> None:
    whom: dict[str, str] = chance.choice(({}, {"unit": "library"}, {"unit": "medicine"}, {"person": "p1"}))
    world.pause(**whom)


@action()
def resume(world: World, chance: random.Random) -> None:
    world.resume()


@action(1)
def move_units(world: World, chance: random.Random) -> None:
    world.move_items(*chance.choice((("library", "medicine"), ("medicine", "library"))))


# ---- researchers


@action(3)
def grant(world: World, chance: random.Random) -> None:
    who = chance.choice(PEOPLE)
    if _status(world, who) == "active":
        world.grant(who)


@action()
def revoke(world: World, chance: random.Random) -> None:
    world.revoke(chance.choice(PEOPLE), chance.choice(("user", "user", "client")))


@action(1)
def expire_a_token(world: World, chance: random.Random) -> None:
    who = chance.choice(PEOPLE)
    if _status(world, who) == "active":
        world.token_expires(who)


@action(1)
def connect_another_record(world: World, chance: random.Random) -> None:
    world.grant(chance.choice(PEOPLE), world.control.record())


@action(1)
def connect_the_record_of_another(world: World, chance: random.Random) -> None:
    one, two = chance.sample(PEOPLE, 2)
    if _status(world, two) == "active":
        world.grant(one, world.people[two].orcid)


@action(3)
def remove_our_entry(world: World, chance: random.Random) -> None:
    entry = _entry(world, chance)
    if entry is not None:
        world.removes(entry)


@action(1)
def restore(world: World, chance: random.Random) -> None:
    world.restore(chance)


@action()
def add_by_hand(world: World, chance: random.Random) -> None:
    who = chance.choice(PEOPLE)
    if _status(world, who) == "active":
        dois = world.things[chance.choice(_works(world))].dois
        doi = dois[0] if dois and chance.random() < 0.7 else world.new_doi()
        world.adds_by_hand(who, doi, chance.choice(("user", OTHER_CLIENT)))


@action(1)
def remove_by_hand(world: World, chance: random.Random) -> None:
    orcid = world.people[chance.choice(PEOPLE)].orcid
    others = world.others(orcid)
    if others:
        world.control.remove_item(orcid, "work", chance.choice(others))


@action(1)
def change_visibility(world: World, chance: random.Random) -> None:
    entry = _entry(world, chance)
    if entry is not None:
        path = f"/records/{entry.orcid}/{entry.section}/{entry.put_code}"
        world.control.call("PATCH", path, {"visibility": chance.choice(("public", "limited", "private"))})


# ---- the registry


@action(3)
def change_record(world: World, chance: random.Random) -> None:
    who = chance.choice(PEOPLE)
    if _status(world, who) != "deprecated":
        status = chance.choice(("locked", "deactivated", "active", "active"))
        world.control.patch_record(world.people[who].orcid, status=status)


@action(1)
def merge_records(world: World, chance: random.Random) -> None:
    who = chance.choice(PEOPLE)
    if _status(world, who) == "active":
        world.merge_record(who, world.control.record())


@action(6)
def accident(world: World, chance: random.Random) -> None:
    world.control.fault(**chance.choice(FAULTS))


@action(3)
def time_passes(world: World, chance: random.Random) -> None:
    world.time_passes()


# ---- we


@action(5)
def read_the_cris(world: World, chance: random.Random) -> None:
    world.run("extract_cris", _life(chance, 600), full=chance.random() < 0.3)


@action(2)
def read_the_cris_in_part(world: World, chance: random.Random) -> None:
    """One task of the run after the other, some of them twice or crashed, the last ones perhaps never."""
    full = chance.random() < 0.3
    run_id = f"part-{world.runs}"
    for stage in CRIS_STAGES[: chance.randint(1, 3)]:
        for _ in range(chance.choice((1, 1, 2))):
            options = {} if stage == "validate" else {"full": full}
            world.run(stage, _life(chance, 300), run_id=run_id, **options)


@action(1)
def finish_reading_the_cris(world: World, chance: random.Random) -> None:
    """A retry of what stands in staging, whatever became of it."""
    if world.last_run is not None:
        for stage in ("validate", "merge"):
            world.run(stage, _life(chance, 300), run_id=world.last_run)


@action(1)
def break_a_view(world: World, chance: random.Random) -> None:
    world.cris.double_a_row()
    known = world.last_merge
    world.extract(full=True)
    assert world.last_merge == known, "rows that can't be trusted were merged"
    world.cris.undouble()


@action(8)
def run_stage(world: World, chance: random.Random) -> None:
    world.run(chance.choice(STAGES), _life(chance))


@action(2)
def write_in_part(world: World, chance: random.Random) -> None:
    world.run("write", _life(chance), limit=1)


@action(2)
def run_for_one_unit(world: World, chance: random.Random) -> None:
    world.run(chance.choice(("propose", "write")), unit=chance.choice(("library", "medicine")))


@action(10)
def a_round(world: World, chance: random.Random) -> None:
    _round(world, chance)


@action(3)
def run_together(world: World, chance: random.Random) -> None:
    stages = (*STAGES, "extract_cris")
    world.run_together([chance.choice(stages), chance.choice(stages)], chance.randrange(1000))


@action(1)
def lose_the_lock(world: World, chance: random.Random) -> None:
    world.lose_the_lock(chance)


@action(1)
def rotate_keys(world: World, chance: random.Random) -> None:
    world.rotate_keys()


@action(1)
def migrate_again(world: World, chance: random.Random) -> None:
    world.migrate_again()


def _works(world: World) -> list[str]:
    return sorted(name for name, thing in world.things.items() if thing.section == "work")


def _entry(world: World, chance: random.Random) -> Entry | None:
    entries = world.entries()
    return chance.choice(entries) if entries else None


def _life(chance: random.Random, longest: int = 400) -> Life | None:
    """Half of the lives end by themselves; a stage has some fifty to a few hundred points."""
    return Life(chance.randint(1, chance.choice((60, 150, longest)))) if chance.random() < 0.5 else None


def _round(world: World, chance: random.Random) -> None:
    world.run("extract_cris", _life(chance, 600) if chance.random() < 0.2 else None)
    world.run("mirror")
    world.run("propose", _life(chance) if chance.random() < 0.2 else None)
    world.approve_all()
    world.run("write", _life(chance))


def _status(world: World, who: str) -> str:
    return str(world.control.get_record(world.people[who].orcid)["status"])


Steps = Sequence[tuple[str, int]]


def play(world: World, steps: Steps) -> None:
    """One history from beginning to end, with every promise checked on the way."""
    begin(world)
    for name, number in steps:
        world.log.append(f"-- {name} {number}")
        ACTIONS[name].act(world, random.Random(number))
        world.check()
    finish(world)


def finish(world: World) -> None:
    """Everything comes to rest; what is still asked for is approved, and comes to rest as well."""
    world.rest()
    world.check_at_rest()
    world.approve_all()
    world.rest()
    world.check_in_the_end()
