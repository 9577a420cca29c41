"""`/search`, `/expanded-search` and `/csv-search`, over an index that may lag behind the records."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from orcid_simulator.errors import refusal
from orcid_simulator.member_api import Answer, Call, Route
from orcid_simulator.registry import Registry
from orcid_simulator.render import Renderer
from orcid_simulator.scopes import READ_PUBLIC
from orcid_simulator.search_index import HIDDEN_STATUSES, Content, Document, content_of
from orcid_simulator.search_query import Test, compile_query

MAX_ROWS = 1000
MAX_PUBLIC_START = 10_000
CSV_FIELDS: dict[str, Callable[[Document], list[str]]] = {
    "orcid": lambda document: [document.orcid],
    "email": lambda document: document.content.emails,
    "given-names": lambda document: [document.content.given_names or ""],
    "family-name": lambda document: [document.content.family_names or ""],
    "given-and-family-names": lambda document: [
        " ".join(filter(None, (document.content.given_names, document.content.family_names)))
    ],
    "current-institution-affiliation-name": lambda document: document.content.current_institutions,
    "past-institution-affiliation-name": lambda document: document.content.past_institutions,
    "credit-name": lambda document: [document.content.credit_name or ""],
    "other-names": lambda document: document.content.other_names,
}


class SearchApi:
    """The search endpoints and their index, which is filled when the first query comes."""

    def __init__(self, registry: Registry, renderer: Renderer) -> None:
        self._registry = registry
        self._renderer = renderer
        self._documents: dict[str, Document] | None = None
        self._pending: dict[str, float] = {}
        registry.changed.append(self._note_change)

    def forget(self) -> None:
        """Start with an empty index (after a reset)."""
        self._documents = None
        self._pending.clear()

    def refresh(self) -> None:
        """Bring the index up to date whatever the lag."""
        self._pending = dict.fromkeys(self._pending, 0.0)

    def search(self, rest: list[str], public: bool) -> Route | None:
        """`/search`."""
        return None if rest else Route("/search", {"GET": self._search})

    def expanded(self, rest: list[str], public: bool) -> Route | None:
        """`/expanded-search`."""
        return None if rest else Route("/expanded-search", {"GET": self._expanded})

    def csv(self, rest: list[str], public: bool) -> Route | None:
        """`/csv-search`."""
        return None if rest else Route("/csv-search", {"GET": self._csv}, offered=("text/csv",))

    def _search(self, call: Call) -> Answer:
        total, page = self._find(call)
        result = [{"orcid-identifier": self._renderer.orcid_id(document.orcid)} for document in page]
        return Answer(200, {"num-found": total, "result": result or None}, "search")

    def _expanded(self, call: Call) -> Answer:
        total, page = self._find(call)
        result = [
            {
                "orcid-id": document.orcid,
                "given-names": document.content.given_names,
                "family-names": document.content.family_names,
                "credit-name": document.content.credit_name,
                "other-name": document.content.other_names,
                "email": document.content.emails,
                "institution-name": document.content.institutions,
            }
            for document in page
        ]
        return Answer(200, {"num-found": total, "expanded-result": result or None}, "expanded-search")

    def _csv(self, call: Call) -> Answer:
        names = [name for name in call.request.query.get("fl", ",".join(CSV_FIELDS)).split(",") if name]
        unknown = [name for name in names if name not in CSV_FIELDS]
        if unknown:
            raise refusal(9012, f"fl knows no {', '.join(unknown)}")
        _, page = self._find(call)
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([",".join(CSV_FIELDS[name](document)) for name in names] for document in page)
        return Answer(200, text=out.getvalue())

    def _find(self, call: Call) -> tuple[int, list[Document]]:
        if not call.caller.is_public:
            self._registry.require_scope(call.caller, READ_PUBLIC)
        query = call.request.query
        rows = _bounded(query.get("rows", str(MAX_ROWS)), MAX_ROWS)
        if rows is None:
            raise refusal(9012, f"rows is a whole number from 0 to {MAX_ROWS}")
        start = _bounded(query.get("start", "0"), 10**9)
        if start is None:
            raise refusal(9043 if call.caller.is_public else 9012, "start is a whole number")
        if call.caller.is_public and start > MAX_PUBLIC_START:
            raise refusal(9043)
        fields: tuple[str, ...] = ()
        if query.get("defType") == "edismax" and query.get("qf"):
            fields = tuple(part.split("^")[0] for part in query["qf"].split())
        test = compile_query(query.get("q", ""), fields, self._registry.now())
        found = self._matching(test)
        return len(found), found[start : start + rows]

    def _matching(self, test: Test) -> list[Document]:
        return [document for document in self._current().values() if test(document)]

    def _current(self) -> dict[str, Document]:
        now = self._registry.clock()
        if self._documents is None:
            waiting = {orcid for orcid, due in self._pending.items() if due > now}
            self._documents = {
                orcid: self._document(orcid, created, modified)
                for orcid, status, created, modified in self._registry.store.record_dates()
                if status not in HIDDEN_STATUSES and orcid not in waiting
            }
        for orcid in [orcid for orcid, due in self._pending.items() if due <= now]:
            del self._pending[orcid]
            self._index(self._documents, orcid)
        return self._documents

    def _index(self, documents: dict[str, Document], orcid: str) -> None:
        record = self._registry.store.peek(orcid)
        if record is None or record.status in HIDDEN_STATUSES:
            documents.pop(orcid, None)
        else:
            documents[orcid] = self._document(orcid, record.created, record.modified)

    def _document(self, orcid: str, created: int, modified: int) -> Document:
        document = Document(orcid, created, modified, self._read)
        if self._registry.settings.index_lag_seconds:
            # A later change must not show through before its time.
            _ = document.content
        return document

    def _read(self, orcid: str) -> Content:
        record = self._registry.store.peek(orcid)
        return content_of(record, self._registry.clock()) if record else Content()

    def _note_change(self, orcid: str) -> None:
        self._pending.setdefault(orcid, self._registry.clock() + self._registry.settings.index_lag_seconds)


def _bounded(text: str, most: int) -> int | None:
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > most:
        return None
    return int(text)
