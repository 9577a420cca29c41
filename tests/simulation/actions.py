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
STATES: Final[tuple[dict[str, Any], ...]] = (
    {"answer": "no"},
    {"answer": "yes"},
    {"answer": "cant_say"},
    {"gone": "deleted"},
    {"gone": "vanished"},
    {"gone": None, "merged_into": None},
    {"quarantined": True},
    {"quarantined": False},
    {"ended": True},
)
STAGES: Final = ("mirror", "propose", "write", "write", "audit")

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
    world.dois += 1
    world.edit(chance.choice(_works(world)), dois=(f"10.5555/{world.dois}",))


@action()
def swap_identifiers(world: World, chance: random.Random) -> None:
    world.swap_dois(*chance.sample(_works(world), 2))


@action(1)
def share_an_identifier(world: World, chance: random.Random) -> None:
    one, two = chance.sample(_works(world), 2)
    world.edit(one, dois=world.things[two].dois)


@action(4)
def change_state(world: World, chance: random.Random) -> None:
    world.state(chance.choice(sorted(world.things)), **chance.choice(STATES))


@action()
def merge_publications(world: World, chance: random.Random) -> None:
    standing = [name for name in _works(world) if not world.things[name].gone]
    if len(standing) > 1:
        world.merge(*chance.sample(standing, 2))


@action(3)
def change_claim(world: World, chance: random.Random) -> None:
    name, who = chance.choice(_works(world)), chance.choice(PEOPLE)
    claims = {key: value for key, value in world.things[name].claims.items() if key != who}
    answer = chance.choice(("yes", "no", "cant_say", None))
    world.state(name, claims=claims | ({who: answer} if answer else {}))


@action()
def change_staff(world: World, chance: random.Random) -> None:
    change: dict[str, Any] = chance.choice(
        ({"is_current": False}, {"is_current": True}, {"opted_out": True}, {"opted_out": False})
    )
    world.staff(chance.choice(PEOPLE), **change)


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
        doi = world.things[chance.choice(_works(world))].dois[0]
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
    world.run("mirror")
    world.run("propose", _life(chance) if chance.random() < 0.2 else None)
    world.approve_all()
    world.run("write", _life(chance))


@action(3)
def run_together(world: World, chance: random.Random) -> None:
    world.run_together([chance.choice(STAGES), chance.choice(STAGES)], chance.randrange(1000))


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


def _life(chance: random.Random) -> Life | None:
    """Half of the lives end by themselves; a stage has some fifty to a few hundred points."""
    return Life(chance.randint(1, chance.choice((60, 150, 400)))) if chance.random() < 0.5 else None


def _status(world: World, who: str) -> str:
    return str(world.control.get_record(world.people[who].orcid)["status"])


Steps = Sequence[tuple[str, int]]


def play(world: World, steps: Steps) -> None:
    """One history from beginning to end, with every promise checked on the way."""
    begin(world)
    for name, number in steps:
        ACTIONS[name].act(world, random.Random(number))
        world.check()
    world.rest()
    world.check_at_rest()
