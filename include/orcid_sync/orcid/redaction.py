"""What may be kept of the registry's own words."""

from __future__ import annotations

import re

LONGEST = 500
_TOKEN = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE)
_ORCID = re.compile(r"\b\d{4}-\d{4}-\d{4}-\d{3}[\dX]\b")
_EMAIL = re.compile(r"[^\s@<>()\"',;:]+@[^\s@<>()\"',;:]+\.[^\s@<>()\"',;:]+")


def redact(text: str) -> str:
    """A message without tokens, iDs and e-mail addresses, on one line, cut at `LONGEST` characters.

    The registry echoes the token it was sent, and names iDs, in its messages.
    """
    for pattern, substitute in ((_TOKEN, "***"), (_ORCID, "(iD)"), (_EMAIL, "(e-mail)")):
        text = pattern.sub(substitute, text)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
