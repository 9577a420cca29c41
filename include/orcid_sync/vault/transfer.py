"""Tokens from another system, each one proved before it is kept; and all of them out again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from orcid_sync.errors import (
    PermissionLost,
    RecordUnavailable,
    TokenOfAnotherRecord,
    Transient,
)
from orcid_sync.ledger.imports import ImportReport, Row, RowError
from orcid_sync.ledger.session import Connection, Ledger, actor_id, audit
from orcid_sync.model.orcid_id import parse_orcid
from orcid_sync.orcid.client import ApiClient
from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing
from orcid_sync.vault.permissions import set_permission
from orcid_sync.vault.tokens import Tokens, put_tokens, read_tokens

TOKEN_COLUMNS: Final = (
    "person_id",
    "orcid",
    "client",
    "access_token",
    "refresh_token",
    "scope",
    "expires_at",
)
# What a sealed file tells beside them.
SEALED_COLUMNS: Final = (*TOKEN_COLUMNS, "provenance", "stored_at")
NEEDED_SCOPE: Final = "/activities/update"
BATCH: Final = 200
THREADS: Final = 12


@dataclass(frozen=True)
class _Candidate:
    """A row whose fields are in order; whether its token is good only the registry can say."""

    line: int
    person_id: str
    orcid: str
    client: ApiClient
    tokens: Tokens
    scopes: frozenset[str]
    provenance: str


class _Refused(Exception):
    """This row does not go in."""

    def __init__(self, name: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.name, self.reason, self.remedy = name, reason, remedy

    def at(self, line: int) -> RowError:
        return RowError(line, self.name, self.reason, self.remedy)


@dataclass
class _Import:
    """What is known while a file is read: who owns which iD, in the ledger and further up in the file."""

    ledger: Ledger
    clients: Mapping[str, ApiClient]
    keys: KeyRing
    actor: str
    owners: dict[str, str] = field(default_factory=dict)
    seen: dict[tuple[str, str], int] = field(default_factory=dict)
    imported: int = 0
    unchanged: int = 0
    errors: list[RowError] = field(default_factory=list)


def import_tokens(
    ledger: Ledger,
    clients: Mapping[str, ApiClient],
    keys: KeyRing,
    rows: Iterable[tuple[int, Row]],
    *,
    actor: str,
) -> ImportReport:
    """Store the tokens of `rows` (`read_csv(file, TOKEN_COLUMNS, "tokens")`), each proved at the registry first.

    `clients` are the API clients by their codes. A row whose token isn't proved to belong to its iD stays out and is
    told by line; the others go in, also when the same file is imported again. Raises Misconfigured when nothing works
    until a person acts (a wrong client secret); what was proved by then is kept.
    """
    job = _Import(ledger, clients, keys, actor, owners=_known_owners(ledger))
    source = iter(rows)
    with ThreadPoolExecutor(THREADS, "tokens") as pool:
        while chunk := list(islice(source, BATCH)):
            candidates = _candidates(job, chunk)
            proofs = list(pool.map(_proof, candidates))
            _store(job, [c for c, refused in zip(candidates, proofs, strict=True) if refused is None])
            job.errors += [r.at(c.line) for c, r in zip(candidates, proofs, strict=True) if r is not None]
    with ledger.transaction() as connection:
        audit(
            connection,
            "tokens_imported",
            actor=actor_id(connection, actor),
            imported=job.imported,
            refused=len(job.errors),
        )
    return ImportReport(job.imported, job.unchanged, tuple(sorted(job.errors, key=lambda error: error.line)))


def export_tokens(ledger: Ledger, keys: KeyRing, *, actor: str) -> Iterator[dict[str, str]]:
    """Every token **in clear**, as rows of SEALED_COLUMNS: seal them, or write them where only their owner can read."""
    with ledger.transaction() as connection:
        audit(connection, "tokens_exported", actor=actor_id(connection, actor))
    last = 0
    while True:
        with ledger.transaction() as connection:
            found = connection.execute(
                "SELECT permission.id, researcher.person_id, permission.orcid, "
                "coalesce(api_client.code, permission.client_id) AS client, permission.scopes, "
                "token.provenance, token.stored_at "
                "FROM permission JOIN token ON token.permission_id = permission.id "
                "JOIN researcher ON researcher.id = permission.researcher_id "
                "JOIN api_client ON api_client.client_id = permission.client_id "
                "WHERE permission.id > %s ORDER BY permission.id LIMIT %s",
                (last, BATCH),
            ).fetchall()
            opened = read_tokens(connection, keys, [row.id for row in found])
        if not found:
            return
        last = found[-1].id
        for row in found:
            tokens = opened[row.id]
            yield {
                "person_id": row.person_id,
                "orcid": row.orcid,
                "client": row.client,
                "access_token": tokens.access.reveal(),
                "refresh_token": tokens.refresh.reveal() if tokens.refresh else "",
                "scope": " ".join(row.scopes),
                "expires_at": tokens.expires_at.isoformat() if tokens.expires_at else "",
                "provenance": row.provenance,
                "stored_at": row.stored_at.isoformat(),
            }


# --- the fields of a row -----------------------------------------------------------------------------------------


def _known_owners(ledger: Ledger) -> dict[str, str]:
    with ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT DISTINCT orcid, person_id FROM permission JOIN researcher ON researcher.id = researcher_id "
            "WHERE orcid IS NOT NULL"
        )
        return {row.orcid: row.person_id for row in rows}


def _candidates(job: _Import, chunk: Sequence[tuple[int, Row]]) -> list[_Candidate]:
    people, connected = _known(job.ledger, [row["person_id"] for _, row in chunk])
    candidates = []
    for line, row in chunk:
        try:
            candidates.append(_candidate(job, line, row, people, connected))
        except _Refused as refused:
            job.errors.append(refused.at(line))
    return candidates


def _known(ledger: Ledger, person_ids: Sequence[str]) -> tuple[set[str], dict[tuple[str, str], str]]:
    """Which persons exist, and the iDs that granted permissions have by person and client."""
    with ledger.transaction() as connection:
        people = connection.execute(
            "SELECT person_id FROM cris_staff WHERE person_id = ANY (%(ids)s) AND gone IS NULL "
            "UNION SELECT person_id FROM researcher WHERE person_id = ANY (%(ids)s)",
            {"ids": list(person_ids)},
        ).fetchall()
        connected = connection.execute(
            "SELECT person_id, client_id, orcid FROM permission JOIN researcher ON researcher.id = researcher_id "
            "WHERE person_id = ANY (%s) AND state = 'granted' AND orcid IS NOT NULL",
            (list(person_ids),),
        ).fetchall()
    return {row.person_id for row in people}, {(row.person_id, row.client_id): row.orcid for row in connected}


def _candidate(
    job: _Import, line: int, row: Row, people: set[str], connected: Mapping[tuple[str, str], str]
) -> _Candidate:
    person_id = row["person_id"]
    orcid = parse_orcid(row["orcid"])
    if orcid is None:
        raise _Refused(
            "orcid", "it is no valid ORCID iD", "Check for mistyped digits: its check digit does not fit"
        )
    if person_id not in people:
        raise _Refused(
            "person_id",
            "the CRIS has no such person",
            "Correct it, or run `orcid-sync extract` if the person is new",
        )
    client = job.clients.get(row["client"])
    if client is None:
        known = ", ".join(sorted(job.clients))
        raise _Refused("client", "there is no such API client", f"Use one of the units file's: {known}")
    if not row["access_token"]:
        raise _Refused("access_token", "it is empty", "Leave the row out, or ask the researcher to connect")
    scopes = frozenset(row["scope"].split())
    if NEEDED_SCOPE not in scopes:
        raise _Refused("scope", f"it does not hold {NEEDED_SCOPE}", "Ask the researcher to connect again")
    tokens = Tokens(
        Secret(row["access_token"]),
        Secret(row["refresh_token"]) if row["refresh_token"] else None,
        _expiry(row["expires_at"]),
    )
    _check_owner(job, line, person_id, orcid, client.client_id, connected.get((person_id, client.client_id)))
    # Where it came from before: a file that doesn't say so is a file.
    before = row.get("provenance") or ""
    provenance = f"import:{before.removeprefix('import:')}" if before else "import"
    return _Candidate(line, person_id, orcid, client, tokens, scopes, provenance)


def _expiry(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _Refused(
            "expires_at", "it is no time", "Write it like 2046-03-01T12:00:00Z, or leave it empty"
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    if moment <= dt.datetime.now(dt.UTC):
        raise _Refused("expires_at", "it is over", "Ask the researcher to connect again")
    return moment


def _check_owner(
    job: _Import, line: int, person_id: str, orcid: str, client_id: str, connected_as: str | None
) -> None:
    owner = job.owners.get(orcid)
    if owner is not None and owner != person_id:
        raise _Refused(
            "orcid",
            "this iD is connected to another person, or stands further up for another person",
            "Find out whose it is; two persons who are one are merged in the CRIS",
        )
    if connected_as is not None and connected_as != orcid:
        raise _Refused(
            "orcid",
            "this person is connected with another iD",
            "Find out which is right; disconnect the other first",
        )
    earlier = job.seen.setdefault((person_id, client_id), line)
    if earlier != line:
        raise _Refused(
            "person_id", f"this person and client stand in line {earlier} already", "Keep one of the rows"
        )
    job.owners[orcid] = person_id


# --- the proof ---------------------------------------------------------------------------------------------------


def _proof(candidate: _Candidate) -> _Refused | None:
    """None where the registry takes the token for this iD; Misconfigured is raised, for it concerns every row."""
    try:
        candidate.client.verify_token(candidate.orcid, candidate.tokens.access)
    except TokenOfAnotherRecord:
        return _Refused("access_token", "it was given for another iD", "Correct iD or token")
    except (PermissionLost, RecordUnavailable) as error:
        return _Refused("access_token", f"the registry refuses it: {error.why or error.what}", error.remedy)
    except Transient as error:
        return _Refused("access_token", f"it could not be proved: {error.what}", "Import the file again")
    return None


def _store(job: _Import, good: Sequence[_Candidate]) -> None:
    with job.ledger.transaction() as connection:
        actor = actor_id(connection, job.actor)
        for candidate in good:
            if _stands(connection, job.keys, candidate):
                job.unchanged += 1
                continue
            researcher = connection.execute(
                "INSERT INTO researcher (person_id) VALUES (%s) "
                "ON CONFLICT (person_id) DO UPDATE SET person_id = excluded.person_id RETURNING id",
                (candidate.person_id,),
            ).fetchone()
            assert researcher is not None
            permission_id = set_permission(
                connection,
                researcher_id=researcher.id,
                client_id=candidate.client.client_id,
                orcid=candidate.orcid,
                state="granted",
                cause="import",
                scopes=candidate.scopes,
                actor=actor,
            )
            put_tokens(connection, job.keys, permission_id, candidate.tokens, provenance=candidate.provenance)
            job.imported += 1


def _stands(connection: Connection, keys: KeyRing, candidate: _Candidate) -> bool:
    row = connection.execute(
        "SELECT permission.id, scopes FROM permission JOIN researcher ON researcher.id = researcher_id "
        "WHERE person_id = %s AND client_id = %s AND orcid = %s AND state = 'granted' AND suspect_since IS NULL",
        (candidate.person_id, candidate.client.client_id, candidate.orcid),
    ).fetchone()
    if row is None or frozenset(row.scopes) != candidate.scopes:
        return False
    return read_tokens(connection, keys, [row.id]).get(row.id) == candidate.tokens
