"""How a page is made: the templates with the words they use, and the files of style and script."""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from orcid_sync.errors import SyncError
from orcid_sync.report.schedule import next_write
from orcid_sync.review.console import words
from orcid_sync.review.console.context import console_of
from orcid_sync.review.console.filters import GROUPINGS, SORTINGS
from orcid_sync.review.console.visitor import Desk
from orcid_sync.review.items import ASSERTABLE

_HERE: Final = Path(__file__).parent
_CODE: Final = re.compile("`([^`<>]+)`")
STATIC: Final = ("console.css", "console.js", "theme.js", "affiliations.js")
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals.update(
    words=words,
    counted=words.counted,
    number=words.number,
    ago=words.ago,
    KINDS=words.KINDS,
    GROUPINGS=GROUPINGS,
    SORTINGS=SORTINGS,
    ASSERTABLE=ASSERTABLE,
)


def _coded(text: str) -> Markup:
    """What stands between backticks is a command or a name."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


_TEMPLATES.filters["coded"] = _coded


@cache
def asset(name: str) -> tuple[bytes, str]:
    """A file of ours and its fingerprint."""
    content = (_HERE / "static" / name).read_bytes()
    return content, sha256(content).hexdigest()[:12]


def render(
    request: Request, template: str, desk: Desk | None, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page with what all pages show; `desk` is None where nobody is known to look."""
    console = console_of(request)
    text = _TEMPLATES.get_template(template).render(
        base=request.scope.get("root_path", ""),
        assets={name: asset(name)[1] for name in STATIC},
        clock=words.Clock(console.settings.zone),
        environment=console.environment(),
        visitor=desk.visitor if desk else None,
        next_write=next_write(console.settings),
        path=request.url.path.removeprefix(request.scope.get("root_path", "")),
        **values,
    )
    return HTMLResponse(text, status_code=status)


def error_page(request: Request, status: int, error: SyncError) -> HTMLResponse:
    """What went wrong, in words, with what to do."""
    return render(request, "error.html", None, status, error=error, code=status)
