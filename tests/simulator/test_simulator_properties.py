"""What holds for any history: groups are the connected parts, and memory is what the file says."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from orcid_simulator import grouping
from orcid_simulator.model import Client, IdKey, Item, Record, Source, Token
from orcid_simulator.registry import Caller, Message, Registry
from orcid_simulator.sections import WORK
from orcid_simulator.settings import Settings
from orcid_simulator.store import Store

from tests.simulator.support import refusal_of

IDENTIFIERS = st.builds(
    lambda kind, value, relationship: IdKey(kind, value, value.lower(), relationship),
    st.sampled_from(["doi", "isbn"]),
    st.sampled_from(["a", "A", "b", "c", "d"]),
    st.sampled_from(["self", "version-of", "part-of", None]),
)


def item(number: int, ids: list[IdKey], display_index: int = 0) -> Item:
    return Item(number, "o", "work", Source(), "public", display_index, number, number, {}, tuple(ids))


def connected(items: list[Item]) -> set[frozenset[int]]:
    """The connected parts, found the slow way."""
    parts = [({entry.put_code}, set(grouping.group_keys(entry))) for entry in items]
    merged = True
    while merged:
        merged = False
        for first in parts:
            for second in parts:
                if first is not second and first[1] & second[1]:
                    first[0].update(second[0])
                    first[1].update(second[1])
                    parts.remove(second)
                    merged = True
                    break
            if merged:
                break
    return {frozenset(codes) for codes, _ in parts}


@given(st.lists(st.tuples(st.lists(IDENTIFIERS, max_size=3), st.integers(0, 2)), max_size=9))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_groups_are_the_connected_parts_each_in_order_of_preference(rows: list[Any]) -> None:
    items = [item(number, ids, index) for number, (ids, index) in enumerate(rows)]
    groups = grouping.group(items)
    assert {frozenset(entry.put_code for entry in group) for group in groups} == connected(items)
    for group in groups:
        order = [(-entry.display_index, entry.created) for entry in group]
        assert order == sorted(order)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "bulk", "update", "delete", "remove", "hide"]),
        st.sampled_from(["10.1/a", "10.1/A", "10.1/b", "junk", "Junk"]),
        st.sampled_from(["self", "version-of"]),
        st.integers(0, 5),
        st.sampled_from(["APP-A", "APP-B"]),
    ),
    max_size=25,
)


EXPECTED = (None, 9010, 9014, 9016, 9021)


def message(doi: str, relationship: str, put_code: int | None = None) -> Message:
    ids = [{"external-id-type": "doi", "external-id-value": doi, "external-id-relationship": relationship}]
    if relationship != "self":
        ids.append(
            {
                "external-id-type": "other-id",
                "external-id-value": f"x-{doi}",
                "external-id-relationship": "self",
            }
        )
    raw = {"title": {"title": {"value": "T"}}, "type": "book", "external-ids": {"external-id": ids}}
    content = WORK.message.read_json(raw, "")
    assert content is not None
    return Message(content, put_code)


def caller(client_id: str) -> Caller:
    token = Token("t", None, client_id, "o", frozenset({"/activities/update"}), 0, 1)
    return Caller(Client(client_id, "s", client_id, "member", ()), token)


@given(STEPS)
@settings(max_examples=120, deadline=None, derandomize=True)
def test_memory_is_what_the_file_says_and_no_source_has_one_work_twice(steps: list[Any]) -> None:
    store = Store(None, 1)
    registry = Registry(Settings(), store)
    registry.save(Record("o", "A", "B", "active", "public", 1, 1))
    record = store.record("o")
    assert record is not None
    for action, doi, relationship, place, client_id in steps:
        codes = sorted(record.items)
        put_code = codes[place % len(codes)] if codes else 0
        sent = message(doi, relationship, put_code or None)
        assert (
            refusal_of(partial(take, registry, record, action, sent, put_code, caller(client_id))) in EXPECTED
        )
        assert record is store.record("o")
        assert_same(record, store._load("o"))
        assert_no_duplicates(record)
    store.close()


def test_up_to_now_holds_every_change_although_the_clock_stands_still_or_goes_back() -> None:
    store = Store(None, 1)
    times = iter([1000.0005, 1000.0005, 1000.0005, 999.0])
    registry = Registry(Settings(), store, clock=lambda: next(times, 999.0))
    registry.save(Record("o", "A", "B", "active", "public", 1, 1))
    record = store.record("o")
    assert record is not None
    moments = []
    for number in range(4):
        registry.create(record, WORK, Message(message(f"10.1/{number}", "self").content), caller("APP-A"))
        moments.append(record.modified)
    assert moments == sorted(set(moments)), "each change is later than the one before"
    assert registry.now() >= moments[-1]
    store.close()


def take(registry: Registry, record: Record, action: str, sent: Message, put_code: int, who: Caller) -> None:
    new = Message(copy.deepcopy(sent.content))
    if action == "add":
        registry.create(record, WORK, new, who)
    elif action == "bulk":
        registry.create_bulk(record, [new, Message(copy.deepcopy(sent.content))], who)
    elif action == "update":
        registry.update(record, WORK, put_code, sent, who)
    elif action == "delete":
        registry.delete(record, WORK, put_code, who)
    elif put_code:
        found = registry.find(record, WORK, put_code)
        if action == "remove":
            registry.remove(record, found)
        else:
            registry.change_as_researcher(record, found, visibility="private")


def assert_same(kept: Record, stored: Record | None) -> None:
    assert stored is not None
    assert kept.items == stored.items
    assert {key: codes for key, codes in kept.duplicates.items() if codes} == stored.duplicates
    assert (kept.modified, kept.notifications) == (stored.modified, stored.notifications)


def assert_no_duplicates(record: Record) -> None:
    seen: set[Any] = set()
    for entry in record.items.values():
        own = {
            (entry.source, key.kind, key.normalized or key.value)
            for key in entry.ids
            if key.relationship == "self"
        }
        assert not own & seen
        seen |= own
