"""The journal protocol as a machine small enough to try every history of it.

Two workers, one record, the changes of one call, a network that may lose requests and answers, a clock, and crashes at
any moment. `explore` visits every state that any history reaches and reports the first one that breaks a promise, with
the shortest history that leads there. The registry of the model never refuses a duplicate: what the protocol promises,
it must keep without that help (a real registry has no such check for most affiliations).

Print every crash point and what heals it, as docs/exactly-once.md shows it: `python -m tests.simulation.protocol`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple


class At(StrEnum):
    """Where a worker is. It holds the record's lock at all of these but IDLE."""

    IDLE = "idle"
    LOOKING = "lock taken"
    READ = "record read"
    CHECKING = "intents committed"
    SENDING = "checks passed"
    WAITING = "request sent"
    BOOKING = "answer received"


class Worker(NamedTuple):
    """A worker, what it last read from the record or the answer, and whether its connection with the lock lives."""

    at: At = At.IDLE
    view: tuple[int, ...] = ()
    connected: bool = True


class Change(NamedTuple):
    """A change in the ledger: its state, its open intent (none, fresh, settled), whether a put code is linked."""

    state: str = "open"
    intent: str = "none"
    linked: bool = False


class Flight(NamedTuple):
    """A request under way: whose it is, and which of its items the registry has carried out."""

    worker: int
    left: tuple[int, ...]


class World(NamedTuple):
    """Everything: `entries` counts what stands on the record for each change."""

    changes: tuple[Change, ...]
    entries: tuple[int, ...]
    workers: tuple[Worker, ...]
    flights: tuple[Flight, ...] = ()


@dataclass(frozen=True)
class Protocol:
    """Which rules hold. Each can be taken away, to see that it is needed."""

    lock: bool = True
    intent_before_call: bool = True
    wait_until_settled: bool = True
    read_before_repeating: bool = True
    outcome_in_one_transaction: bool = True
    refuse_to_send_late: bool = True
    check_lock_before_call: bool = True


@dataclass(frozen=True)
class Action:
    """What carrying out a request does to the entries of a change: adds count up, the others are idempotent."""

    name: str
    apply: Callable[[int], int]


ADD: Final = Action("add", lambda entries: entries + 1)
UPDATE: Final = Action("update", lambda _: 1)
REMOVE: Final = Action("remove", lambda _: 1)
"""For updates and removals `entries` is 1 where the record shows the wanted content, or the wanted absence."""

Step = tuple[str, World]


def steps(world: World, protocol: Protocol, action: Action) -> Iterator[Step]:
    """Every next thing that may happen."""
    for number, worker in enumerate(world.workers):
        for label, after in _work(world, number, worker, protocol):
            yield f"worker {number}: {label}", after
        if worker.at is not At.IDLE:
            yield (
                f"worker {number}: crash at '{worker.at}'",
                _with_worker(world, number, Worker()),
            )
            if worker.connected:
                yield (
                    f"worker {number}: its connection with the lock is lost at '{worker.at}'",
                    _with_worker(world, number, worker._replace(connected=False)),
                )
    for number, flight in enumerate(world.flights):
        rest = world.flights[:number] + world.flights[number + 1 :]
        yield "network: the rest of a request is lost", world._replace(flights=rest)
        if flight.left:
            first, *others = flight.left
            entries = tuple(
                action.apply(count) if at == first else count for at, count in enumerate(world.entries)
            )
            moved = tuple(sorted((*rest, flight._replace(left=tuple(others)))))
            yield f"registry: carries out element {first}", world._replace(entries=entries, flights=moved)
    yield from _time(world, protocol)


def _time(world: World, protocol: Protocol) -> Iterator[Step]:
    """The settle time ends. It is longer than any call that passed its checks in time, so nothing is under way then."""
    under_way = world.flights or any(worker.at in (At.SENDING, At.WAITING) for worker in world.workers)
    fresh = any(change.intent == "fresh" for change in world.changes)
    if fresh and not (under_way and protocol.wait_until_settled):
        settled = tuple(
            change._replace(intent="settled") if change.intent == "fresh" else change
            for change in world.changes
        )
        yield "clock: the open intents are settled", world._replace(changes=settled)


def _work(world: World, number: int, worker: Worker, protocol: Protocol) -> Iterator[Step]:
    if not worker.connected and (
        worker.at in (At.LOOKING, At.READ, At.BOOKING)
        or (worker.at is At.CHECKING and protocol.check_lock_before_call)
    ):
        yield "finds its connection lost and stops", _with_worker(world, number, Worker())
        return
    match worker.at:
        case At.IDLE:
            held = any(other.at is not At.IDLE and other.connected for other in world.workers)
            if _unfinished(world) and not (protocol.lock and held):
                yield "takes the lock", _with_worker(world, number, Worker(At.LOOKING))
        case At.LOOKING:
            yield from _look(world, number, protocol)
        case At.READ:
            changes = tuple(
                _healed(change, protocol.read_before_repeating and count > 0)
                for change, count in zip(world.changes, worker.view, strict=True)
            )
            yield "books what the reading showed", _moved(world, number, At.LOOKING, changes)
        case At.CHECKING:
            yield from _check(world, number, protocol)
        case At.SENDING:
            wanted = tuple(at for at, change in enumerate(world.changes) if change.state == "writing")
            flight = Flight(number, wanted)
            sent = world._replace(flights=tuple(sorted((*world.flights, flight))))
            yield "sends the request", _with_worker(sent, number, worker._replace(at=At.WAITING))
        case At.WAITING:
            own = Flight(number, ())
            if own in world.flights:
                left = list(world.flights)
                left.remove(own)
                arrived = world._replace(flights=tuple(left))
                yield "gets the answer", _with_worker(arrived, number, worker._replace(at=At.BOOKING))
            yield "gives up waiting: in doubt", _with_worker(world, number, Worker())
        case At.BOOKING:
            yield from _book(world, number, protocol)


def _look(world: World, number: int, protocol: Protocol) -> Iterator[Step]:
    intents = {change.intent for change in world.changes}
    if protocol.wait_until_settled and "fresh" in intents:
        yield "leaves alone what may still land", _with_worker(world, number, Worker())
    elif intents & {"fresh", "settled"} or any(change.state == "writing" for change in world.changes):
        yield "reads the record", _with_worker(world, number, Worker(At.READ, world.entries))
    elif any(change.state == "open" for change in world.changes):
        intent = "fresh" if protocol.intent_before_call else "none"
        begun = tuple(
            change._replace(state="writing", intent=intent) if change.state == "open" else change
            for change in world.changes
        )
        yield "commits the intents", _moved(world, number, At.CHECKING, begun)
    else:
        yield "has nothing left to do", _with_worker(world, number, Worker())


def _check(world: World, number: int, protocol: Protocol) -> Iterator[Step]:
    if protocol.refuse_to_send_late and any(change.intent == "settled" for change in world.changes):
        back = tuple(_healed(change, False) for change in world.changes)
        yield (
            "waited too long for its turn: books that nothing was sent",
            _moved(world, number, At.IDLE, back),
        )
    else:
        yield "passes the checks", _moved(world, number, At.SENDING, world.changes)


def _book(world: World, number: int, protocol: Protocol) -> Iterator[Step]:
    if any(change.intent == "none" and change.state != "writing" for change in world.changes):
        # The outcome of an intent is unique: somebody else has booked it.
        yield "finds the outcome booked and stops", _with_worker(world, number, Worker())
        return
    if protocol.outcome_in_one_transaction:
        done = tuple(
            change._replace(state="written", intent="none", linked=True)
            if change.state == "writing"
            else change
            for change in world.changes
        )
        yield "books outcome, put codes and states", _moved(world, number, At.LOOKING, done)
        return
    if any(change.state == "writing" for change in world.changes):
        states = tuple(change._replace(state="written", intent="none") for change in world.changes)
        yield "books the states", _moved(world, number, At.BOOKING, states)


def _healed(change: Change, arrived: bool) -> Change:
    if change.state != "writing":
        return change
    if arrived:
        return Change("written", "none", linked=True)
    return Change("open", "none")


def _unfinished(world: World) -> bool:
    return any(change.state != "written" for change in world.changes)


def _moved(world: World, number: int, at: At, changes: tuple[Change, ...]) -> World:
    worker = Worker() if at is At.IDLE else world.workers[number]._replace(at=at, view=())
    return _with_worker(world._replace(changes=changes), number, worker)


def _with_worker(world: World, number: int, worker: Worker) -> World:
    workers = (*world.workers[:number], worker, *world.workers[number + 1 :])
    return world._replace(workers=workers)


def broken_promise(world: World) -> str | None:
    """Which promise a state breaks, or None."""
    if any(count > 1 for count in world.entries):
        return "an own duplicate stands on the record"
    for change, count in zip(world.changes, world.entries, strict=True):
        if change.state == "written" and count != 1:
            return "the ledger says written and the record does not have it"
        if change.state == "written" and not change.linked and _at_rest(world):
            return "an entry on the record has no put code in the ledger"
    return None


def finished(world: World) -> bool:
    """Everything is written once and linked, and nothing is under way."""
    return _at_rest(world) and all(
        change == Change("written", "none", linked=True) and count == 1
        for change, count in zip(world.changes, world.entries, strict=True)
    )


def _at_rest(world: World) -> bool:
    return not world.flights and all(worker.at is At.IDLE for worker in world.workers)


@dataclass
class Explored:
    """What `explore` found: the number of states and steps, and the shortest history to a broken promise, if any."""

    states: int = 0
    steps: int = 0
    promise: str | None = None
    history: list[str] = field(default_factory=list)


def explore(protocol: Protocol = Protocol(), *, action: Action = ADD, changes: int = 1) -> Explored:
    """Visit every reachable state, nearest first. Stuck is a state from which no history leads to the end."""
    start = World((Change(),) * changes, (0,) * changes, (Worker(), Worker()))
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    reached_from: dict[World, list[World]] = {start: []}
    explored = Explored()
    queue = deque([start])
    while queue:
        world = queue.popleft()
        promise = broken_promise(world)
        if promise is not None:
            return Explored(len(came_from), explored.steps, promise, _history(came_from, world))
        for label, after in steps(world, protocol, action):
            explored.steps += 1
            if after not in came_from:
                came_from[after] = (world, label)
                reached_from[after] = []
                queue.append(after)
            reached_from[after].append(world)
    explored.states = len(came_from)
    stuck = _without_end(reached_from)
    if stuck:
        nearest = next(world for world in came_from if world in stuck)
        explored.promise, explored.history = "a change is stuck", _history(came_from, nearest)
    return explored


def _without_end(reached_from: dict[World, list[World]]) -> set[World]:
    can_end = {world for world in reached_from if finished(world)}
    queue = deque(can_end)
    while queue:
        for before in reached_from[queue.popleft()]:
            if before not in can_end:
                can_end.add(before)
                queue.append(before)
    return set(reached_from) - can_end


def _history(came_from: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    labels: list[str] = []
    while (step := came_from[world]) is not None:
        world, label = step
        labels.append(label)
    return labels[::-1]


class CrashPoint(NamedTuple):
    """One row of the table: where the worker died, what the record had by the end of the settle time, what heals it."""

    action: str
    at: str
    record: str
    ledger: str
    heals: str


_ON_RECORD: Final = {
    "add": ("no entry", "the entry"),
    "update": ("the former content", "the new content"),
    "remove": ("the entry", "no entry"),
}
_HEALS: Final = {
    (False, True): "sends it: nothing had begun",
    (True, True): "reads the record: it has not arrived; sends it again",
    (True, False): "reads the record: it has arrived; books it without a call",
}


def crash_table(protocol: Protocol = Protocol()) -> list[CrashPoint]:
    """Every crash point of one worker with every fate of its request, and what the next worker does about it."""
    rows: dict[CrashPoint, None] = {}
    for action in (ADD, UPDATE, REMOVE):
        for at, world in _crashes(protocol, action):
            [change], [count] = world.changes, world.entries
            ledger = change.state if change.intent == "none" else f"{change.state}, intent without outcome"
            heals = _next_worker(world, protocol, action)
            rows[CrashPoint(action.name, at, _ON_RECORD[action.name][count], ledger, heals)] = None
    return list(rows)


def _crashes(protocol: Protocol, action: Action) -> Iterator[tuple[str, World]]:
    """Worlds after a crash, once everything under way has landed or is lost and the intents are settled."""
    start = World((Change(),), (0,), (Worker(),))
    seen, queue = {start}, deque([start])
    while queue:
        world = queue.popleft()
        for label, after in steps(world, protocol, action):
            if "connection" in label:
                continue
            doubt = "in doubt" in label
            if ("crash" in label or doubt) and not finished(after):
                at = "request sent, no answer in time" if doubt else str(world.workers[0].at)
                yield from ((at, calm) for calm in _calm(after, protocol, action) if not finished(calm))
            if "crash" not in label and after not in seen:
                seen.add(after)
                queue.append(after)


def _calm(world: World, protocol: Protocol, action: Action) -> Iterator[World]:
    seen, queue = {world}, deque([world])
    while queue:
        now = queue.popleft()
        moves = [step for step in steps(now, protocol, action) if not step[0].startswith("worker")]
        if not moves:
            yield now
        for _, after in moves:
            if after not in seen:
                seen.add(after)
                queue.append(after)


def _next_worker(world: World, protocol: Protocol, action: Action) -> str:
    """What the next worker does, told by the steps of the machine when nothing else goes wrong."""
    told: list[str] = []
    while not finished(world):
        label, world = next(
            step
            for step in steps(world, protocol, action)
            if not any(word in step[0] for word in ("crash", "lost", "in doubt"))
        )
        told.append(label.partition(": ")[2])
    return _HEALS["reads the record" in told, "sends the request" in told]


def markdown(rows: list[CrashPoint]) -> str:
    """The table as docs/exactly-once.md shows it."""
    lines = [
        "| call | the worker dies at | the record then has | the ledger then says | the next worker |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {row.action} | {row.at} | {row.record} | {row.ledger} | {row.heals} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(markdown(crash_table()))  # noqa: T201
