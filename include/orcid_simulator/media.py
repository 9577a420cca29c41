"""Media types: what a caller sent and what it wants back."""

from __future__ import annotations

from dataclasses import dataclass

from orcid_simulator.errors import ApiError, refusal

JSON_TYPES = ("application/json", "application/vnd.orcid+json", "application/orcid+json")
XML_TYPES = ("application/xml", "application/vnd.orcid+xml", "application/orcid+xml")
SUPPORTED = frozenset((*JSON_TYPES, *XML_TYPES))
DEFAULT = "application/vnd.orcid+xml"
_WEIGHTS = {
    "application/xml": 1.0,
    "application/json": 0.99,
    "application/vnd.orcid+xml": 0.5,
    "application/vnd.orcid+json": 0.4,
    "application/orcid+xml": 0.3,
    "application/orcid+json": 0.2,
}
"""The server's own preference where a caller leaves the choice; plain types weigh most."""


@dataclass(frozen=True)
class Range:
    """One entry of an Accept header."""

    kind: str
    quality: float


def is_json(media: str) -> bool:
    """Whether this is one of the JSON types."""
    return media in JSON_TYPES


def negotiate_request(content_type: str) -> str:
    """json or xml for a body's media type; 415 for anything else."""
    if content_type in JSON_TYPES:
        return "json"
    if content_type in XML_TYPES:
        return "xml"
    raise refusal(9001, f"the content type '{content_type}' is not supported", status=415)


def negotiate_response(accept: str | None, content_type: str, offered: tuple[str, ...] = ()) -> str:
    """The media type of the answer; 406 where nothing fits.

    Without Accept, or with exactly `*/*`, the type of the request's body counts, else XML.
    """
    accept = (accept or "").strip()
    if accept in SUPPORTED and not offered:
        return accept
    if offered:
        return _best(accept or "*/*", dict.fromkeys(offered, 1.0))
    if accept in ("", "*/*"):
        return content_type if content_type in SUPPORTED else DEFAULT
    return _best(accept, _WEIGHTS)


def preferred_error_type(accept: str | None, content_type: str) -> str | None:
    """The media type of an error's body, None where the caller takes none of ours."""
    try:
        return negotiate_response(accept, content_type)
    except ApiError:
        return None


def _best(accept: str, weights: dict[str, float]) -> str:
    best: tuple[float, float] | None = None
    chosen = ""
    for wanted in _ranges(accept):
        for kind, weight in weights.items():
            if wanted.quality > 0 and _matches(wanted.kind, kind):
                rank = (wanted.quality, weight)
                if best is None or rank > best:
                    best, chosen = rank, kind
    if not chosen:
        raise refusal(9001, f"none of the types in '{accept}' can be sent", status=406)
    return chosen


def _ranges(accept: str) -> list[Range]:
    ranges = []
    for part in accept.split(","):
        kind, *parameters = part.split(";")
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.strip().partition("=")
            if name == "q":
                try:
                    quality = float(value)
                except ValueError:
                    quality = 0.0
        ranges.append(Range(kind.strip().lower(), quality))
    return ranges


def _matches(wanted: str, kind: str) -> bool:
    if wanted in (kind, "*/*"):
        return True
    return wanted.endswith("/*") and kind.startswith(wanted[:-1])
