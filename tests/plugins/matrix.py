"""What every route of the console answers to whom: the same under each of Airflow's user managements."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from tests.fixtures.console import PREFIX, Story

# The kinds of people, and what a route answers them. A librarian is one of the story's library; `elsewhere` has the same
# role in Airflow and no unit; `reader` may only read and is named for the library, `auditor` is named nowhere; `guest` is
# signed in and has no right whatever.
KINDS: Final = ("librarian", "elsewhere", "reader", "auditor", "operator", "guest", "stranger")
_SEEN: Final = (200, 404, 200, 200, 200, 403, 401)
_LISTED: Final = (200, 200, 200, 200, 200, 403, 401)
_UNITS: Final = (200, 403, 200, 200, 200, 403, 401)
_DECIDES: Final = (200, 404, 403, 403, 403, 403, 401)
_OPERATES: Final = (403, 403, 403, 403, 200, 403, 401)
_WHOLE: Final = (403, 403, 403, 404, 404, 403, 401)
_SIGNED_IN: Final = (200, 200, 200, 200, 200, 200, 401)
EXPECTED: Final[dict[tuple[str, str], tuple[int, ...]]] = {
    ("GET", "/api/openapi.json"): _SIGNED_IN,
    ("GET", "/static/{name}"): _SIGNED_IN,
    ("GET", "/api/batches"): _LISTED,
    ("GET", "/api/items"): _LISTED,
    ("GET", "/api/runs"): _LISTED,
    ("GET", "/items"): _LISTED,
    ("GET", "/not-sent"): _LISTED,
    ("GET", "/removed"): _LISTED,
    ("GET", "/health"): _LISTED,
    ("GET", "/runs/{run_id:path}"): _LISTED,
    ("GET", "/charts/funnel.svg"): _LISTED,
    ("GET", "/charts/stages.svg"): _LISTED,
    ("GET", "/charts/adoption.svg"): _LISTED,
    ("GET", "/charts/units.svg"): _LISTED,
    ("GET", "/charts/quality.svg"): _LISTED,
    ("GET", "/"): _UNITS,
    ("GET", "/corrections"): _UNITS,
    ("GET", "/corrections.csv"): _UNITS,
    ("GET", "/not-sent.csv"): _UNITS,
    ("GET", "/differing-ids"): _UNITS,
    ("GET", "/differing-ids.csv"): _UNITS,
    ("GET", "/affiliations"): _UNITS,
    ("GET", "/affiliations/{unit}/rows.csv"): _SEEN,
    ("POST", "/api/affiliations/{unit}"): _DECIDES,
    ("GET", "/api/batches/{batch}"): _SEEN,
    ("GET", "/api/batches/{batch}/changes"): _SEEN,
    ("GET", "/api/changes/{change}"): _SEEN,
    ("GET", "/batches/{batch}"): _SEEN,
    ("GET", "/changes/{change}"): _SEEN,
    ("GET", "/items/{item}"): _SEEN,
    ("POST", "/api/batches/{batch}/preview"): _SEEN,
    ("POST", "/api/batches/{batch}/decisions"): _DECIDES,
    ("POST", "/api/decisions"): _DECIDES,
    ("POST", "/api/wishes"): _DECIDES,
    ("POST", "/api/pause"): _OPERATES,
    ("POST", "/api/resume"): _OPERATES,
    # There are none in the story: who may see them is told so.
    ("GET", "/data-docs/{path:path}"): _WHOLE,
}
Send = Callable[[str, str, str, Any], int]


def requests(story: Story) -> Iterator[tuple[str, str, str, Any]]:
    """(method, route, address, body) for every route, about the library's things."""
    change = story.desk.open_change("pub-3", "p4")
    values = {
        "batch": story.batch,
        "change": change.id,
        "item": change.item_id,
        "name": "console.js",
        "run_id": "run-2",
        "path": "index.html",
        "unit": "library",
    }
    bodies = {
        "/api/decisions": {"verdict": "reject", "changes": [{"change": change.id}]},
        "/api/batches/{batch}/decisions": {"verdict": "approve", "filter": {"text": "no such title"}},
        "/api/wishes": {"wish": "unassert", "items": [change.item_id]},
        "/api/affiliations/{unit}": {"text": "affiliation-section,org-name\n"},
    }
    for method, route in EXPECTED:
        address = PREFIX + route.replace(":path", "").format(**values)
        if route == "/charts/stages.svg":
            address += "?run=run-2"
        yield method, route, address, bodies.get(route, {}) if method == "POST" else None


def differences(story: Story, send: Send, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """Send everything as everybody; `send(kind, method, address, body)` answers the status."""
    found = []
    for method, route, address, body in requests(story):
        for kind in kinds:
            expected = EXPECTED[method, route][KINDS.index(kind)]
            status = send(kind, method, address, body)
            if status != expected:
                found.append(f"{method} {route} as {kind}: {status} instead of {expected}")
    return found
