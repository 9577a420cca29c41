"""What every page has in common; the first page, the page of a researcher, and the files they use."""

from __future__ import annotations

import mimetypes
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from orcid_sync.consent.choices import Entry, entries
from orcid_sync.consent.portal import sessions, words
from orcid_sync.consent.portal.connections import Connection as OrcidConnection
from orcid_sync.consent.portal.connections import connections_of
from orcid_sync.consent.portal.context import LANGUAGE_COOKIE, Here, Portal, Visitor, Who
from orcid_sync.consent.portal.entrance import known_to_proxy, people_of_the_demo, signed_in
from orcid_sync.consent.portal.guard import form_key
from orcid_sync.consent.portal.rendering import LANGUAGES, asset, moment, render

router = APIRouter()


def common(portal: Portal, visitor: Visitor | None) -> dict[str, Any]:
    """What the frame of every page shows."""
    settings = portal.settings
    return {
        "environment": portal.environment,
        "institution": settings.portal_institution,
        "contact": settings.portal_contact,
        "web_base": portal.web_base,
        "visitor": visitor,
        "key": lambda: Markup('<input type="hidden" name="form_key" value="{}">').format(
            form_key(visitor.cookie) if visitor else ""
        ),
        "words": words,
    }


def page(portal: Portal, visitor: Visitor, template: str, *, status: int = 200, **values: Any) -> Response:
    """A page in the visitor's language, with a cookie for whoever came without one."""
    text = render(template, visitor.language, **common(portal, visitor), **values)
    response = HTMLResponse(text, status_code=status, headers={"Content-Language": visitor.language})
    if visitor.is_new:
        sessions.give_cookie(response, visitor.cookie, https=portal.https)
    return response


@router.get("/health")
def health() -> Response:
    """Whether the process answers; asks nobody else."""
    return PlainTextResponse("ok")


@router.get("/static/{name}")
def static(name: str) -> Response:
    """Our style and our script."""
    content = asset(name)
    if content is None:
        raise HTTPException(404)
    return Response(
        content,
        media_type=mimetypes.guess_type(name)[0],
        headers={"Cache-Control": "public, max-age=31536000, immutable"},
    )


@router.get("/language/{code}")
def language(code: str, portal: Here) -> Response:
    """Remember the language that was chosen."""
    response = RedirectResponse("/", status_code=303)
    if code in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, code, max_age=31536000, httponly=True, secure=portal.https, samesite="lax"
        )
    return response


@router.get("/")
def first_page(request: Request, portal: Here, visitor: Who, said: str | None = None) -> Response:
    """What this is, and the ways in; whoever is signed in goes on to their own page."""
    if visitor.session is not None:
        return RedirectResponse("/me", status_code=303)
    ways = portal.ways_in()
    return page(
        portal,
        visitor,
        "first.html",
        ways=ways,
        by_proxy=known_to_proxy(request, portal) if "proxy" in ways else None,
        people=people_of_the_demo(portal) if "demo" in ways else [],
        said=words.SAID.get(said or ""),
    )


@router.get("/me")
def own_page(portal: Here, visitor: Who, said: str | None = None) -> Response:
    """A researcher's own page: the connection, and everything that is or would be on the record."""
    session, staff = signed_in(visitor)
    with portal.ledger.transaction() as connection:
        found = connections_of(connection, session.researcher_id, portal.settings)
        listed = entries(connection, session.researcher_id)
    return page(
        portal,
        visitor,
        "me.html",
        staff=staff,
        connections=found,
        first_write=_first_write(found, portal, visitor),
        groups=grouped(listed),
        any_connected=any(one.connected for one in found),
        can_choose=any("send" in entry.choices for entry in listed),
        said=words.SAID.get(said or ""),
        consent=consent_text(portal, visitor.language),
        moment=lambda when: moment(when, visitor.language, portal.settings.zone),
    )


def consent_text(portal: Portal, language: str) -> str:
    """What a researcher reads before the button: why, what is read and written, how to stop. As HTML."""
    return render(
        "consent.html",
        language,
        institution=portal.settings.portal_institution,
        scopes=[words.SCOPES.get(scope, scope) for scope in portal.settings.portal_scopes],
        days=f"{portal.settings.portal_veto_days:g}",
    )


def grouped(listed: list[Entry]) -> list[tuple[str, str, list[Entry]]]:
    """Items under their headings: key, heading, items; empty headings are left out."""
    found: dict[str, list[Entry]] = {key: [] for key in words.GROUPS}
    for entry in listed:
        found[words.group_of(entry.state, entry.choices, entry.being_taken_off)].append(entry)
    return [(key, words.GROUPS[key], rows) for key, rows in found.items() if rows]


def _first_write(found: list[OrcidConnection], portal: Portal, visitor: Visitor) -> str | None:
    """When the first entries are written, as long as that lies ahead."""
    ahead = [one.write_after for one in found if one.write_after is not None and one.connected]
    return moment(min(ahead), visitor.language, portal.settings.zone) if ahead else None
