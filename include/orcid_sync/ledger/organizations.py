"""The institution's copy of ROR: loaded from a dump, and looked up when payloads are made."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from orcid_sync.errors import Misconfigured
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.model.organization_directory import Directory, Listed, Mention, lookup_keys
from orcid_sync.model.ror import NoDumpError, RorOrganization, read_organizations

_CHUNK: Final = 5000
_REMEDY: Final = "Use the file that ROR publishes: the zip, or the .json in it of schema version 2"

_TEMPORARY: Final = """
CREATE TEMP TABLE arriving_organization (ror_id text, name text, city text, country text, status text, successor text,
                                         funder_id text) ON COMMIT DROP;
CREATE TEMP TABLE arriving_key (key text, kind text, ror_id text) ON COMMIT DROP
"""
# A withdrawn organisation may have been taken over by one that was withdrawn in turn.
_REPLACE: Final = """
CREATE INDEX ON arriving_organization (ror_id);
ANALYZE arriving_organization;
DELETE FROM organization_key;
DELETE FROM organization;
WITH RECURSIVE step (ror_id, instead, length) AS (
    SELECT ror_id, successor, 1 FROM arriving_organization WHERE status = 'withdrawn' AND successor IS NOT NULL
    UNION ALL
    SELECT step.ror_id, next.successor, step.length + 1
    FROM step JOIN arriving_organization next ON next.ror_id = step.instead
    WHERE next.status = 'withdrawn' AND next.successor IS NOT NULL AND step.length < 20
), heir AS (
    SELECT DISTINCT ON (step.ror_id) step.ror_id, step.instead
    FROM step JOIN arriving_organization last ON last.ror_id = step.instead AND last.status <> 'withdrawn'
    ORDER BY step.ror_id, step.length
)
INSERT INTO organization (ror_id, name, city, country, status, instead, funder_id)
SELECT DISTINCT ON (arriving.ror_id) arriving.ror_id, name, city, country, status, heir.instead, funder_id
FROM arriving_organization arriving LEFT JOIN heir ON heir.ror_id = arriving.ror_id ORDER BY arriving.ror_id;
INSERT INTO organization_key (key, kind, ror_id) SELECT key, kind, ror_id FROM arriving_key ON CONFLICT DO NOTHING;
DELETE FROM organization_load;
"""
_FIND: Final = """
SELECT organization_key.key, organization_key.kind, organization.ror_id, organization.name, organization.city,
       organization.country, organization.status, organization.instead, organization.funder_id
FROM organization_key JOIN organization ON organization.ror_id = organization_key.ror_id
WHERE organization_key.key = ANY (%(keys)s)
UNION
SELECT 'ror ' || lower(heir.ror_id), 'identifier', heir.ror_id, heir.name, heir.city, heir.country, heir.status,
       heir.instead, heir.funder_id
FROM organization_key JOIN organization ON organization.ror_id = organization_key.ror_id
JOIN organization heir ON heir.ror_id = organization.instead
WHERE organization_key.key = ANY (%(keys)s)
"""


@dataclass(frozen=True)
class OrganizationsLoaded:
    """What a load came to; `withdrawn` of the organisations are, `replaced` of these have one in their place."""

    organizations: int
    names: int
    withdrawn: int
    replaced: int


def load_organizations(ledger: Ledger, file: Path, *, actor: str) -> OrganizationsLoaded:
    """Put a dump of ROR in the place of the one before, in one transaction.

    `file` is the zip as ROR publishes it, or the JSON of schema version 2 in it. Raises Misconfigured for anything else;
    the copy from before then stays.
    """
    with ledger.transaction() as connection, _opened(file) as stream:
        connection.execute(_TEMPORARY)
        try:
            version = _copy_organizations(connection, read_organizations(stream))
        except (NoDumpError, UnicodeDecodeError) as error:
            why = str(error) if isinstance(error, NoDumpError) else "it is no UTF-8 text"
            raise Misconfigured(f"The file {file} can't be loaded", why=why, remedy=_REMEDY) from None
        connection.execute(_REPLACE)
        counted = connection.execute(
            "SELECT count(*) AS n, count(*) FILTER (WHERE status = 'withdrawn') AS withdrawn, "
            "count(instead) AS replaced, (SELECT count(*) FROM organization_key WHERE kind <> 'identifier') AS names "
            "FROM organization"
        ).fetchone()
        assert counted is not None
        if not counted.n:
            raise Misconfigured(
                f"The file {file} can't be loaded", why="it holds no organisation", remedy=_REMEDY
            )
        connection.execute(
            "INSERT INTO organization_load (version, organizations) VALUES (%s, %s)", (version, counted.n)
        )
        audit(
            connection,
            "organizations_loaded",
            actor=actor_id(connection, actor),
            organizations=counted.n,
        )
        return OrganizationsLoaded(counted.n, counted.names, counted.withdrawn, counted.replaced)


def loaded_version(connection: Connection) -> str:
    """Tells one loaded dump from another; empty where none is loaded."""
    row = connection.execute("SELECT version FROM organization_load").fetchone()
    return str(row.version) if row else ""


def directory_for(connection: Connection, mentions: Iterable[Mention]) -> Directory:
    """What the copy has of the organisations that are mentioned, by one query."""
    keys = sorted(set(lookup_keys(mentions)))
    by_key: dict[str, tuple[tuple[str, Listed], ...]] = {}
    for row in connection.execute(_FIND, {"keys": keys}) if keys else ():
        listed = Listed(*row[2:])
        by_key[row.key] = (*by_key.get(row.key, ()), (row.kind, listed))
    return Directory(by_key)


def _copy_organizations(connection: Connection, organizations: Iterable[RorOrganization]) -> str:
    """Fill the temporary tables; returns what tells this dump from another."""
    version = hashlib.sha256()
    arriving = iter(organizations)
    while chunk := list(islice(arriving, _CHUNK)):
        with (
            connection.cursor() as cursor,
            cursor.copy(
                "COPY arriving_organization (ror_id, name, city, country, status, successor, funder_id) FROM STDIN"
            ) as copy,
        ):
            for one in chunk:
                row = (one.ror_id, one.name, one.city, one.country, one.status, one.successor, one.funder_id)
                version.update(repr((row, sorted(one.keys.items()))).encode())
                copy.write_row(row)
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY arriving_key (key, kind, ror_id) FROM STDIN") as copy,
        ):
            for one in chunk:
                for key, kind in one.keys.items():
                    copy.write_row((key, kind, one.ror_id))
    return version.hexdigest()


@contextmanager
def _opened(file: Path) -> Iterator[TextIO]:
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive, archive.open(_member(file, archive)) as inside:
                yield io.TextIOWrapper(inside, encoding="utf-8")
        else:
            with file.open(encoding="utf-8") as plain:
                yield plain
    except (OSError, zipfile.BadZipFile) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Misconfigured(f"The file {file} can't be read", why=why, remedy=_REMEDY) from None


def _member(file: Path, archive: zipfile.ZipFile) -> str:
    """The dump in the zip; older ones hold schema version 1 beside, without a mark in its name."""
    found = [
        name for name in archive.namelist() if name.endswith(".json") and not name.startswith("__MACOSX")
    ]
    marked = [name for name in found if "schema_v2" in name]
    if len(marked or found) != 1:
        raise Misconfigured(
            f"The file {file} can't be loaded", why=f"it holds {len(found)} .json files", remedy=_REMEDY
        )
    return (marked or found)[0]
