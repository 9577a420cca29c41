"""Peer-review groups: who reviews are grouped under."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from orcid_simulator.errors import refusal
from orcid_simulator.identifiers import is_valid_issn, normalize
from orcid_simulator.messages import GROUP_ID_PATTERN

if TYPE_CHECKING:
    from orcid_simulator.registry import Registry

COLUMNS = "put_code, group_id, source_client, created, modified, content"
ISSN_PREFIX = "issn:"


@dataclass(frozen=True)
class Group:
    """A peer-review group; without a source client it was made by the registry itself."""

    put_code: int
    group_id: str
    source_client: str | None
    created: int
    modified: int
    content: dict[str, Any]


def require(registry: Registry, group_id: str) -> str:
    """The canonical id of a group that exists; a group of a valid ISSN is created on demand.

    Raises:
        ApiError: 9053 for an invalid ISSN, 9020 for a group that does not exist.
    """
    if group_id.lower().startswith(ISSN_PREFIX):
        return issn_group(registry, group_id).group_id
    if find(registry, group_id) is None:
        raise refusal(9020, f"the group {group_id} does not exist")
    return group_id


def issn_group(registry: Registry, group_id: str) -> Group:
    """The group of a journal, created if its ISSN is valid and known; 9053 otherwise."""
    issn = normalize("issn", group_id[len(ISSN_PREFIX) :])
    settings = registry.settings
    if (
        issn is None
        or not is_valid_issn(issn)
        or (settings.known_issns_only and issn not in settings.known_issns)
    ):
        raise refusal(9053)
    canonical = f"{ISSN_PREFIX}{issn}"
    existing = find(registry, canonical)
    if existing is not None:
        return existing
    content = {
        "name": f"Journal {issn}",
        "group-id": canonical,
        "description": f"ISSN {issn}",
        "type": "journal",
    }
    return add(registry, content, None)


def find(registry: Registry, group_id: str) -> Group | None:
    """The group with this id."""
    found = _select(registry, "group_id = ?", group_id)
    return found[0] if found else None


def by_put_code(registry: Registry, put_code: int) -> Group:
    """The group with this put code; 9026 if there is none."""
    found = _select(registry, "put_code = ?", put_code)
    if not found:
        raise refusal(9026)
    return found[0]


def page(registry: Registry, number: int, size: int) -> list[Group]:
    """One page of all groups, oldest first."""
    rows = registry.store.execute(
        f"SELECT {COLUMNS} FROM review_group ORDER BY put_code LIMIT ? OFFSET ?", (size, (number - 1) * size)
    )
    return [_group(row) for row in rows]


def by_name(registry: Registry, name: str) -> list[Group]:
    """The groups with this name, upper and lower case alike."""
    rows = registry.store.execute(
        f"SELECT {COLUMNS} FROM review_group WHERE lower(json_extract(CAST(content AS TEXT), '$.name')) = lower(?)"
        " ORDER BY put_code",
        (name,),
    )
    return [_group(row) for row in rows]


def create(registry: Registry, content: dict[str, Any], source_client: str) -> Group:
    """A new group for an API client.

    Raises:
        ApiError: 9020 bad id, 9025 exists already. A valid ISSN's group is made and answered with 9025 all the same.
    """
    group_id = _checked_id(content)
    if group_id.lower().startswith(ISSN_PREFIX):
        issn_group(registry, group_id)
        raise refusal(9025)
    if find(registry, group_id) is not None:
        raise refusal(9025)
    return add(registry, content, source_client)


def update(registry: Registry, group: Group, content: dict[str, Any], client_id: str) -> Group:
    """Replace a group's description.

    Raises:
        ApiError: 9010 other source, 9020 bad id, 9025 the id belongs to another group.
    """
    _require_source(group, client_id)
    group_id = _checked_id(content)
    other = find(registry, group_id)
    if other is not None and other.put_code != group.put_code:
        raise refusal(9025)
    with registry.store.transaction():
        registry.store.execute(
            "UPDATE review_group SET group_id = ?, modified = ?, content = ? WHERE put_code = ?",
            (group_id, registry.now(), orjson.dumps(content), group.put_code),
        )
    return by_put_code(registry, group.put_code)


def delete(registry: Registry, group: Group, client_id: str) -> None:
    """Remove a group.

    Raises:
        ApiError: 9010 other source, 9040 while reviews use it.
    """
    _require_source(group, client_id)
    used = registry.store.execute(
        "SELECT 1 FROM item WHERE section = 'peer-review'"
        " AND json_extract(CAST(content AS TEXT), '$.\"review-group-id\"') = ? LIMIT 1",
        (group.group_id,),
    ).fetchone()
    if used:
        raise refusal(9040)
    with registry.store.transaction():
        registry.store.execute("DELETE FROM review_group WHERE put_code = ?", (group.put_code,))


def add(registry: Registry, content: dict[str, Any], source_client: str | None) -> Group:
    """Store a group without further questions."""
    now = registry.now()
    with registry.store.transaction():
        cursor = registry.store.execute(
            "INSERT INTO review_group (group_id, source_client, created, modified, content) VALUES (?, ?, ?, ?, ?)",
            (content["group-id"], source_client, now, now, orjson.dumps(content)),
        )
    return by_put_code(registry, int(cursor.lastrowid or 0))


def _checked_id(content: dict[str, Any]) -> str:
    group_id = str(content["group-id"])
    if not GROUP_ID_PATTERN.fullmatch(group_id):
        raise refusal(9020, f"{group_id} is not a group id")
    return group_id


def _require_source(group: Group, client_id: str) -> None:
    if group.source_client != client_id:
        raise refusal(9010, activity="group-id-record")


def _select(registry: Registry, condition: str, value: object) -> list[Group]:
    rows = registry.store.execute(f"SELECT {COLUMNS} FROM review_group WHERE {condition}", (value,))
    return [_group(row) for row in rows]


def _group(row: tuple[Any, ...]) -> Group:
    return Group(row[0], row[1], row[2], row[3], row[4], orjson.loads(row[5]))
