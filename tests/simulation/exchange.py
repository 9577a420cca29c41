"""An exchange of identifiers as a machine small enough to try every history of it.

Two or three entries of one record pass their identifiers round. The writer's calls are made one at a time, in the order
that the product computes from what stands there; each may be lost on its way, lose its answer, be refused for an identifier
that stands elsewhere or for its content, or end in a crash. Librarians take approvals back wherever that is possible.
`explore` visits every state and reports the first that breaks a promise, with the shortest history that leads there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from orcid_sync.sync.write.order import Move, Step, order_updates

FORMER, REDUCED, FINAL = "former", "reduced", "final"
GOING: Final = ("open", "writing")


@dataclass(frozen=True)
class Rules:
    """Which rules hold; and what the registry thinks of the new contents: `second` is only refused as a whole."""

    entries: int = 2
    refused: tuple[str, ...] = ("", "")
    begin_together: bool = True
    restore: bool = True


class Call(NamedTuple):
    """A call whose outcome is not booked: of which entry, to which content; in doubt after a crash or a lost answer."""

    entry: int
    content: str
    in_doubt: bool = False


class World(NamedTuple):
    """Content on the record, state of the change, whether its first phase is booked, whether the whole was refused."""

    content: tuple[str, ...]
    state: tuple[str, ...]
    reduced: tuple[bool, ...]
    failed: tuple[bool, ...]
    call: Call | None = None


Labelled = tuple[str, World]


def identifiers(rules: Rules, entry: int, content: str) -> frozenset[str]:
    """What an entry carries with this content: its own number before, the next one's after."""
    number = {FORMER: entry, FINAL: (entry + 1) % rules.entries}.get(content)
    return frozenset() if number is None else frozenset({str(number)})


def steps(world: World, rules: Rules) -> Iterator[Labelled]:
    """Every next thing that may happen."""
    for entry, state in enumerate(world.state):
        if state == "open":
            yield f"librarian: takes the approval of {entry} back", _with(world, entry, state="rejected")
    if world.call is None:
        yield from _begin(world, rules)
    elif world.call.in_doubt:
        yield f"writer: reads what became of {world.call.entry}", _heal(world, world.call)
    else:
        yield from _send(world, rules, world.call)


def _begin(world: World, rules: Rules) -> Iterator[Labelled]:
    step = _next_step(world, rules)
    if step is not None:
        content = REDUCED if step.strip else FINAL
        begun = _with(world, step.change_id, state="writing")
        for other in step.together if rules.begin_together else ():
            begun = _with(begun, other, state="writing")
        yield (
            f"writer: begins {step.change_id} ({content})",
            begun._replace(call=Call(step.change_id, content)),
        )
        return
    for entry, failed in enumerate(world.failed):
        if failed and world.state[entry] == "writing" and rules.restore:
            yield f"writer: begins to restore {entry}", world._replace(call=Call(entry, FORMER))
            return


def _next_step(world: World, rules: Rules) -> Step | None:
    """What the product would send next, seeing the record as it is."""
    moves = [
        Move(entry, identifiers(rules, entry, world.content[entry]), identifiers(rules, entry, FINAL))
        for entry, state in enumerate(world.state)
        if state in GOING and not world.failed[entry]
    ]
    return next(iter(order_updates(moves)), None)


def _send(world: World, rules: Rules, call: Call) -> Iterator[Labelled]:
    doubt = call._replace(in_doubt=True)
    yield "crash before the call, or its request is lost", world._replace(call=doubt)
    others = frozenset[str]().union(
        *(identifiers(rules, at, content) for at, content in enumerate(world.content) if at != call.entry)
    )
    word = rules.refused[call.entry]
    bad = call.content != FORMER and (word == "always" or (word == "second" and call.content == FINAL))
    if bad or identifiers(rules, call.entry, call.content) & others:
        yield "registry: refuses, and the answer is lost", world._replace(call=doubt)
        yield "registry: refuses, which is booked", _refused(world, call)
        return
    carried_out = _with(world, call.entry, content=call.content)
    yield "registry: carries it out, and the answer is lost", carried_out._replace(call=doubt)
    yield "registry: carries it out, which is booked", _arrived(carried_out, call)


def _arrived(world: World, call: Call) -> World:
    if call.content == REDUCED:
        return _with(world, call.entry, reduced=True)._replace(call=None)
    state = "written" if call.content == FINAL else "refused"
    return _released(_with(world, call.entry, state=state, reduced=False, failed=False)._replace(call=None))


def _refused(world: World, call: Call) -> World:
    if call.content == FORMER:
        done = _with(world, call.entry, state="between", reduced=False, failed=False)
    elif world.reduced[call.entry]:
        done = _with(world, call.entry, failed=True)
    else:
        done = _with(world, call.entry, state="refused")
    return _released(done._replace(call=None))


def _heal(world: World, call: Call) -> World:
    """By reading: what stands there is what was sent, or it was not carried out and is open again."""
    if world.content[call.entry] == call.content:
        return _arrived(world, call)
    return _released(world._replace(call=None))


def _released(world: World) -> World:
    """While an entry has given up identifiers all of the exchange stays with the writer; else it is open again."""
    if any(world.reduced):
        return world
    state = tuple("open" if state == "writing" else state for state in world.state)
    return world._replace(state=state)


def _with(world: World, entry: int, **changes: object) -> World:
    new = {
        name: (*values[:entry], changes[name], *values[entry + 1 :])
        for name in changes
        for values in [getattr(world, name)]
    }
    return world._replace(**new)  # type: ignore[arg-type]


def broken_promise(world: World, rules: Rules) -> str | None:
    """Which promise a state breaks, or None."""
    carried = [key for at, content in enumerate(world.content) for key in identifiers(rules, at, content)]
    if len(carried) > len(set(carried)):
        return "an identifier stands on two entries"
    if next(steps(world, rules), None) is not None:
        return None
    for content, state in zip(world.content, world.state, strict=True):
        if state == "between":
            continue
        if content != (FINAL if state == "written" else FORMER):
            return f"a change is {state}, and the record has its {content} content"
    return None


@dataclass
class Explored:
    """States, ends, ends with an entry between two versions; the shortest history to a broken promise, if there is one."""

    states: int = 0
    ends: int = 0
    between: int = 0
    promise: str | None = None
    history: list[str] = field(default_factory=list)


def explore(rules: Rules) -> Explored:
    """Visit every reachable state, nearest first. Each must have an end that some history leads to."""
    many = rules.entries
    start = World((FORMER,) * many, ("open",) * many, (False,) * many, (False,) * many)
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    before: dict[World, list[World]] = {start: []}
    explored, queue, ends = Explored(), deque([start]), list[World]()
    while queue:
        world = queue.popleft()
        promise = broken_promise(world, rules)
        if promise is not None:
            return Explored(len(came_from), promise=promise, history=_history(came_from, world))
        nexts = list(steps(world, rules))
        if not nexts:
            ends.append(world)
        for label, after in nexts:
            if after not in came_from:
                came_from[after] = (world, label)
                before[after] = []
                queue.append(after)
            before[after].append(world)
    explored.states, explored.ends = len(came_from), len(ends)
    explored.between = sum("between" in world.state for world in ends)
    reach, queue = set(ends), deque(ends)
    while queue:
        for world in before[queue.popleft()]:
            if world not in reach:
                reach.add(world)
                queue.append(world)
    stuck = [world for world in came_from if world not in reach]
    if stuck:
        explored.promise, explored.history = "an exchange is stuck", _history(came_from, stuck[0])
    return explored


def _history(came_from: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    labels: list[str] = []
    while (step := came_from[world]) is not None:
        world, label = step
        labels.append(label)
    return labels[::-1]
