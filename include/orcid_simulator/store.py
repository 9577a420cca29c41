"""The registry's state in SQLite, with the records in use kept in memory.

What a transaction wrote is in the write-ahead log when it ends, so that a process killed at any moment comes back
with every answered write and no half of one. Records are loaded whole when first used; nothing is read at start.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from orcid_simulator.model import Client, Code, DuplicateKey, IdKey, Item, Record, Source, Token
from orcid_simulator.pkce import Challenge

FILE_NAME = "registry.sqlite"
LOCK_TIMEOUT_SECONDS = 2
VERSION = 1
"""Of the tables; a file with another one is refused."""
MAX_LOADED_ITEMS = 50_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS client (
    client_id TEXT PRIMARY KEY, secret TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    redirect_uris TEXT NOT NULL, locked INTEGER NOT NULL DEFAULT 0, website TEXT, description TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    orcid TEXT PRIMARY KEY, given_names TEXT NOT NULL, family_name TEXT NOT NULL, status TEXT NOT NULL,
    default_visibility TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, primary_orcid TEXT,
    creator TEXT, notifications INTEGER NOT NULL DEFAULT 0, profile BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_modified ON record (modified);
CREATE TABLE IF NOT EXISTS item (
    put_code INTEGER PRIMARY KEY AUTOINCREMENT, orcid TEXT NOT NULL, section TEXT NOT NULL,
    source_client TEXT, source_orcid TEXT, origin_client TEXT, origin_orcid TEXT,
    visibility TEXT NOT NULL, display_index INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL,
    ids BLOB NOT NULL, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS item_orcid ON item (orcid);
CREATE TABLE IF NOT EXISTS token (
    access TEXT PRIMARY KEY, refresh TEXT, client_id TEXT NOT NULL, orcid TEXT, scope TEXT NOT NULL,
    issued REAL NOT NULL, expires REAL NOT NULL, state TEXT NOT NULL, origin_client TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS token_refresh ON token (refresh);
CREATE INDEX IF NOT EXISTS token_orcid ON token (orcid);
CREATE TABLE IF NOT EXISTS code (
    code TEXT PRIMARY KEY, client_id TEXT NOT NULL, orcid TEXT NOT NULL, scope TEXT NOT NULL,
    redirect_uri TEXT NOT NULL, nonce TEXT, created REAL NOT NULL, auth_time REAL NOT NULL, token TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS code_challenge (
    code TEXT PRIMARY KEY, method TEXT NOT NULL, challenge TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS review_group (
    put_code INTEGER PRIMARY KEY AUTOINCREMENT, group_id TEXT NOT NULL UNIQUE, source_client TEXT,
    created INTEGER NOT NULL, modified INTEGER NOT NULL, content BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS notification (
    id INTEGER PRIMARY KEY AUTOINCREMENT, orcid TEXT NOT NULL, client_id TEXT NOT NULL, created INTEGER NOT NULL,
    read INTEGER, archived INTEGER, content BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS notification_orcid ON notification (orcid);
CREATE TABLE IF NOT EXISTS webhook (
    orcid TEXT NOT NULL, uri TEXT NOT NULL, client_id TEXT NOT NULL, created INTEGER NOT NULL,
    due REAL, changed REAL, failures INTEGER NOT NULL DEFAULT 0, delivered INTEGER, PRIMARY KEY (orcid, uri)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS webhook_due ON webhook (due) WHERE due IS NOT NULL;
CREATE TABLE IF NOT EXISTS organization (
    source TEXT NOT NULL, identifier TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (source, identifier)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
TABLES = (
    "client",
    "record",
    "item",
    "token",
    "code",
    "code_challenge",
    "review_group",
    "notification",
    "webhook",
    "organization",
    "setting",
)


class Store:
    """All state of one registry. Not for use by several threads at once."""

    def __init__(self, folder: Path | None, first_put_code: int) -> None:
        """Open, or create, the state in a folder; None keeps it in memory.

        Raises:
            sqlite3.Error: the file is no database, or belongs to another program.
            OSError: the folder cannot be made.
        """
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        path = ":memory:" if folder is None else str(folder / FILE_NAME)
        self._db = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, timeout=LOCK_TIMEOUT_SECONDS
        )
        # One process owns the file: what it keeps in memory must not change behind its back.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("PRAGMA cache_size=-32000")
        self._require_version()
        self._db.executescript(SCHEMA)
        self._db.execute(f"PRAGMA user_version={VERSION}")
        self._first_put_code = first_put_code
        self._start_put_codes()
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._loaded_items = 0
        self._tokens: dict[str, Token | None] = {}
        self._clients: dict[str, Client | None] = {}
        self._depth = 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; what was cached is forgotten when a change fails. Inner transactions join the outer one."""
        if self._depth:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        changes = self._db.total_changes
        self._depth = 1
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.total_changes != changes:
                self._forget()
            self._db.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    def reset(self) -> None:
        """Forget everything."""
        with self.transaction():
            for table in TABLES:
                self._db.execute(f"DELETE FROM {table}")
            self._db.execute("DELETE FROM sqlite_sequence")
        self._start_put_codes()
        self._forget()

    def client(self, client_id: str) -> Client | None:
        """The API client with this id."""
        if client_id not in self._clients:
            row = self._db.execute(
                "SELECT client_id, secret, name, kind, redirect_uris, locked, website, description"
                " FROM client WHERE client_id = ?",
                (client_id,),
            ).fetchone()
            self._clients[client_id] = (
                Client(
                    row[0], row[1], row[2], row[3], tuple(orjson.loads(row[4])), bool(row[5]), row[6], row[7]
                )
                if row
                else None
            )
            if len(self._clients) > 10_000:
                self._clients.clear()
                return self.client(client_id)
        return self._clients[client_id]

    def clients(self) -> list[Client]:
        """Every API client."""
        ids = self._db.execute("SELECT client_id FROM client ORDER BY name").fetchall()
        return [client for (client_id,) in ids if (client := self.client(client_id))]

    def save_client(self, client: Client) -> None:
        """Add or replace an API client."""
        self._db.execute(
            "INSERT OR REPLACE INTO client VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                client.client_id,
                client.secret,
                client.name,
                client.kind,
                orjson.dumps(client.redirect_uris).decode(),
                int(client.locked),
                client.website,
                client.description,
            ),
        )
        self._clients[client.client_id] = client

    def token(self, access: str) -> Token | None:
        """The token with this access token, whatever its state."""
        if access not in self._tokens:
            if len(self._tokens) > 200_000:
                self._tokens.clear()
            found = self._token_rows("access = ?", access)
            self._tokens[access] = found[0] if found else None
        return self._tokens[access]

    def token_by_refresh(self, refresh: str) -> Token | None:
        """The token with this refresh token, whatever its state."""
        found = self._token_rows("refresh = ?", refresh)
        return found[0] if found else None

    def tokens_of(self, orcid: str) -> list[Token]:
        """Every token that a researcher ever gave."""
        return self._token_rows("orcid = ?", orcid)

    def save_token(self, token: Token) -> None:
        """Add or replace a token."""
        self._db.execute(
            "INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                token.access,
                token.refresh,
                token.client_id,
                token.orcid,
                " ".join(sorted(token.scope)),
                token.issued,
                token.expires,
                token.state,
                token.origin_client_id,
            ),
        )
        self._tokens[token.access] = token

    def code(self, code: str) -> Code | None:
        """The authorization code, used or not."""
        row = self._db.execute(
            "SELECT code, client_id, orcid, scope, redirect_uri, nonce, created, auth_time, token"
            " FROM code WHERE code = ?",
            (code,),
        ).fetchone()
        if row is None:
            return None
        return Code(row[0], row[1], row[2], frozenset(row[3].split()), *row[4:])

    def challenge(self, code: str) -> Challenge | None:
        """What has to be shown for an authorization code; None if it was asked for without a challenge."""
        row = self._db.execute(
            "SELECT method, challenge FROM code_challenge WHERE code = ?", (code,)
        ).fetchone()
        return None if row is None else Challenge(*row)

    def save_challenge(self, code: str, challenge: Challenge) -> None:
        """Keep what has to be shown for an authorization code."""
        self._db.execute(
            "INSERT OR REPLACE INTO code_challenge VALUES (?, ?, ?)", (code, challenge.method, challenge.text)
        )

    def save_code(self, code: Code) -> None:
        """Add or replace an authorization code."""
        self._db.execute(
            "INSERT OR REPLACE INTO code VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                code.code,
                code.client_id,
                code.orcid,
                " ".join(sorted(code.scope)),
                code.redirect_uri,
                code.nonce,
                code.created,
                code.auth_time,
                code.token,
            ),
        )

    def record(self, orcid: str) -> Record | None:
        """The record with all of its items, from memory or from the file."""
        record = self._records.get(orcid)
        if record is not None:
            self._records.move_to_end(orcid)
            return record
        record = self._load(orcid)
        if record is not None:
            self._remember(record)
        return record

    def peek(self, orcid: str) -> Record | None:
        """The record, for one look: what is in memory stays what it was."""
        return self._records.get(orcid) or self._load(orcid)

    def record_dates(self) -> list[tuple[str, str, int, int]]:
        """(iD, status, created, modified) of every record, oldest first."""
        return self._db.execute(
            "SELECT orcid, status, created, modified FROM record ORDER BY created, orcid"
        ).fetchall()

    def _load(self, orcid: str) -> Record | None:
        row = self._db.execute(
            "SELECT orcid, given_names, family_name, status, default_visibility, created, modified, primary_orcid,"
            " creator, notifications, profile FROM record WHERE orcid = ?",
            (orcid,),
        ).fetchone()
        if row is None:
            return None
        *fields, profile = row
        record = Record(*fields)
        record.profile = orjson.loads(profile)
        for item in self._items_of(orcid):
            self._attach(record, item)
        return record

    def orcids(self) -> list[str]:
        """Every iD, oldest record first."""
        return [row[0] for row in self._db.execute("SELECT orcid FROM record ORDER BY created, orcid")]

    def has_record(self, orcid: str) -> bool:
        """Whether the iD is taken."""
        return self._db.execute("SELECT 1 FROM record WHERE orcid = ?", (orcid,)).fetchone() is not None

    def orcid_by_email(self, email: str) -> str | None:
        """The iD that has this address among its own."""
        row = self._db.execute(
            "SELECT record.orcid FROM record, json_each(CAST(record.profile AS TEXT), '$.emails') AS entry"
            " WHERE lower(json_extract(entry.value, '$.email')) = lower(?)",
            (email,),
        ).fetchone()
        return row[0] if row else None

    def notification_counts(self) -> dict[str, int]:
        """How often each researcher was notified of a change, where at all."""
        return dict(
            self._db.execute("SELECT orcid, notifications FROM record WHERE notifications > 0").fetchall()
        )

    def save_record(self, record: Record) -> None:
        """Add or replace a record's own fields (not its items)."""
        self._db.execute(
            "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.orcid,
                record.given_names,
                record.family_name,
                record.status,
                record.default_visibility,
                record.created,
                record.modified,
                record.primary,
                record.creator,
                record.notifications,
                orjson.dumps(record.profile),
            ),
        )
        self._remember(record)

    def touch(self, record: Record, modified: int, notifications: int) -> None:
        """Note a change of the record and its notifications to the researcher."""
        record.modified = modified
        record.notifications += notifications
        self._db.execute(
            "UPDATE record SET modified = ?, notifications = ? WHERE orcid = ?",
            (modified, record.notifications, record.orcid),
        )

    def add_item(self, record: Record, item: Item) -> None:
        """Add an item; its put code is given by the store."""
        cursor = self._db.execute(
            "INSERT INTO item (orcid, section, source_client, source_orcid, origin_client, origin_orcid, visibility,"
            " display_index, created, modified, ids, content) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                item.orcid,
                item.section,
                *item.source,
                item.visibility,
                item.display_index,
                item.created,
                item.modified,
                orjson.dumps([tuple(entry) for entry in item.ids]),
                orjson.dumps(item.content),
            ),
        )
        item.put_code = int(cursor.lastrowid or 0)
        self._attach(record, item)
        self._loaded_items += 1

    def replace_item(self, record: Record, old: Item, new: Item) -> None:
        """Replace an item by its next state (same put code)."""
        self._db.execute(
            "UPDATE item SET section = ?, visibility = ?, display_index = ?, modified = ?, ids = ?, content = ?"
            " WHERE put_code = ?",
            (
                new.section,
                new.visibility,
                new.display_index,
                new.modified,
                orjson.dumps([tuple(entry) for entry in new.ids]),
                orjson.dumps(new.content),
                new.put_code,
            ),
        )
        self._detach(record, old)
        self._attach(record, new)

    def delete_item(self, record: Record, item: Item) -> None:
        """Remove an item; its put code is never given again."""
        self._db.execute("DELETE FROM item WHERE put_code = ?", (item.put_code,))
        self._detach(record, item)
        self._loaded_items -= 1

    def knows_organization(self, source: str, identifier: str) -> bool:
        """Whether exactly this identifier of this source is in the table."""
        found = self._db.execute(
            "SELECT 1 FROM organization WHERE source = ? AND identifier = ?", (source, identifier)
        )
        return found.fetchone() is not None

    def add_organizations(self, rows: list[tuple[str, str, str]]) -> None:
        """Add (source, identifier, name) rows to the organisations table."""
        with self.transaction():
            self._db.executemany("INSERT OR REPLACE INTO organization VALUES (?, ?, ?)", rows)

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        """Direct access for the parts with tables of their own (groups, notifications, webhooks)."""
        return self._db.execute(sql, parameters)

    def _require_version(self) -> None:
        (found,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables and found != VERSION:
            raise sqlite3.DatabaseError(
                f"it was made by another version of the simulator ({found}, not {VERSION})"
            )

    def _start_put_codes(self) -> None:
        for table, first in (("item", self._first_put_code), ("review_group", self._first_put_code)):
            known = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
            if known is None:
                self._db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, first - 1))

    def _forget(self) -> None:
        self._records.clear()
        self._loaded_items = 0
        self._tokens.clear()
        self._clients.clear()

    def _remember(self, record: Record) -> None:
        if self._records.get(record.orcid) is record:
            return
        self._records[record.orcid] = record
        self._loaded_items += len(record.items)
        while self._loaded_items > MAX_LOADED_ITEMS and len(self._records) > 1 and not self._depth:
            _, dropped = self._records.popitem(last=False)
            self._loaded_items -= len(dropped.items)

    def _token_rows(self, condition: str, value: str) -> list[Token]:
        rows = self._db.execute(
            "SELECT access, refresh, client_id, orcid, scope, issued, expires, state, origin_client"
            f" FROM token WHERE {condition} ORDER BY issued",
            (value,),
        )
        return [
            Token(row[0], row[1], row[2], row[3], frozenset(row[4].split()), row[5], row[6], row[7], row[8])
            for row in rows
        ]

    def _items_of(self, orcid: str) -> Iterator[Item]:
        rows = self._db.execute(
            "SELECT put_code, orcid, section, source_client, source_orcid, origin_client, origin_orcid, visibility,"
            " display_index, created, modified, content, ids FROM item WHERE orcid = ? ORDER BY put_code",
            (orcid,),
        )
        for row in rows:
            ids = tuple(IdKey(*entry) for entry in orjson.loads(row[12]))
            source = Source(row[3], row[4], row[5], row[6])
            content = orjson.loads(row[11])
            yield Item(row[0], row[1], row[2], source, row[7], row[8], row[9], row[10], content, ids)

    @staticmethod
    def _attach(record: Record, item: Item) -> None:
        record.items[item.put_code] = item
        record.sections.setdefault(item.section, {})[item.put_code] = item
        for key in duplicate_keys(item):
            record.duplicates.setdefault(key, set()).add(item.put_code)

    @staticmethod
    def _detach(record: Record, item: Item) -> None:
        record.items.pop(item.put_code, None)
        record.sections.get(item.section, {}).pop(item.put_code, None)
        for key in duplicate_keys(item):
            entries = record.duplicates.get(key)
            if entries is not None:
                entries.discard(item.put_code)
                if not entries:
                    del record.duplicates[key]


def duplicate_keys(item: Item) -> Iterator[DuplicateKey]:
    """Under which keys an item's identifiers are found."""
    for identifier in item.ids:
        place = (item.section, item.source, identifier.relationship, identifier.kind)
        yield (*place, "raw", identifier.value)
        if identifier.normalized is not None:
            yield (*place, "normalized", identifier.normalized)
