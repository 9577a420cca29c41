"""Ways into the portal: a link that was sent and the name, the university's sign-in, a trusted proxy, the demo's list."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Form
from fastapi.responses import RedirectResponse
from starlette.requests import Request
from starlette.responses import Response

from orcid_sync.consent import links
from orcid_sync.consent.people import Staff, find_staff, staff_of
from orcid_sync.consent.portal import sessions
from orcid_sync.consent.portal.context import Here, Portal, Visitor, Who, address_of
from orcid_sync.consent.portal.guard import check_form, origin_of
from orcid_sync.consent.portal.sessions import Session, SignedInBy
from orcid_sync.consent.portal.tries import count_try
from orcid_sync.errors import ConsentFailed, SyncError
from orcid_sync.errors import Who as Whose

router = APIRouter()
FormKey = Annotated[str, Form(alias="form_key", max_length=100)]
DEMO_PEOPLE = 40


class NotSignedIn(SyncError):
    """This page is for somebody who is signed in."""

    kind: ClassVar[str] = "not_signed_in"


class NotKnown(SyncError):
    """The sign-in named nobody of the staff list, or somebody else than the link was sent to."""

    kind: ClassVar[str] = "not_known"
    default_who: ClassVar[Whose] = Whose.RESEARCHER


def signed_in(visitor: Visitor) -> tuple[Session, Staff]:
    """Who is signed in. Raises NotSignedIn."""
    if visitor.session is None or visitor.staff is None:
        raise NotSignedIn("Nobody is signed in")
    return visitor.session, visitor.staff


def check(request: Request, portal: Portal, visitor: Visitor, sent: str | None) -> None:
    """Raises ForeignForm unless one of our pages, shown to this visitor, sent the form."""
    check_form(
        request, None if visitor.is_new else visitor.cookie, sent, origin_of(portal.settings.portal_url)
    )


def enter(portal: Portal, visitor: Visitor, staff: Staff, way: SignedInBy, to: str = "/me") -> Response:
    """Begin a session of somebody who was recognised, with a cookie that nobody knew before."""
    with portal.ledger.transaction() as connection:
        cookie = sessions.start(connection, staff.researcher_id, way, instead_of=visitor.cookie)
    response = RedirectResponse(to, status_code=303)
    sessions.give_cookie(response, cookie, https=portal.https)
    return response


# --- a link that was sent ----------------------------------------------------------------------------------------


@router.get("/connect/{sealed}")
def link_page(sealed: str, request: Request, portal: Here, visitor: Who) -> Response:
    """Asks whoever opens a link who they are; opening it changes nothing."""
    from orcid_sync.consent.portal.pages import page

    link = _read(request, portal, sealed)
    if visitor.session is not None:
        return RedirectResponse("/me", status_code=303) if _is_theirs(visitor, link) else _of_another()
    if "link" not in portal.ways_in():
        return RedirectResponse("/", status_code=303)
    return page(portal, visitor, "link.html", sealed=sealed, wrong=False, left=None)


@router.post("/connect/{sealed}")
def come_by_link(
    sealed: str,
    request: Request,
    portal: Here,
    visitor: Who,
    form_key: FormKey,
    family_name: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Whoever can say the name of the person that the link was sent to comes in; the link is used up by it."""
    from orcid_sync.consent.portal.pages import page

    check(request, portal, visitor, form_key)
    link = _read(request, portal, sealed)
    if visitor.session is not None:
        return RedirectResponse("/me", status_code=303) if _is_theirs(visitor, link) else _of_another()
    if "link" not in portal.ways_in():
        return RedirectResponse("/", status_code=303)
    with portal.ledger.transaction() as connection:
        staff = staff_of(connection, link.researcher_id)
        if staff is None or not staff.is_current or not staff.is_called(family_name):
            left = links.wrong_answer(connection, link)
            staff = None
        else:
            links.use_link(connection, link)
    if staff is None:
        # The same answer whether the name is wrong or the person has left: a link tells nobody whose it is.
        return page(portal, visitor, "link.html", status=403, sealed=sealed, wrong=True, left=left)
    return enter(portal, visitor, staff, "link")


def _read(request: Request, portal: Portal, sealed: str) -> links.Link:
    # In transactions of their own, so that the try counts whatever comes of it.
    with portal.ledger.connection() as connection:
        try:
            return links.read_link(connection, portal.registry.keys, "connect", sealed)
        except links.LinkRefused:
            # Good links are not counted: a whole campus may come from one address.
            count_try(connection, "link", address_of(request, portal))
            raise


def _is_theirs(visitor: Visitor, link: links.Link) -> bool:
    return visitor.session is not None and visitor.session.researcher_id == link.researcher_id


def _of_another() -> Response:
    raise NotKnown(
        "This link was sent to somebody else",
        why="you are signed in under another name",
        remedy="If the link is yours, sign out first; if it was passed on to you, nothing has to be done",
    )


# --- the university's sign-in --------------------------------------------------------------------------------------


@router.post("/sign-in/oidc")
def to_the_sign_in(request: Request, portal: Here, visitor: Who, form_key: FormKey) -> Response:
    """Send the browser to the university's sign-in."""
    check(request, portal, visitor, form_key)
    _allowed(portal, "oidc")
    return RedirectResponse(portal.sign_in.address(visitor.cookie), status_code=303)


@router.get("/sign-in/oidc/callback")
def from_the_sign_in(request: Request, portal: Here, visitor: Who) -> Response:
    """Take the sign-in's answer; it has to answer a question of this browser."""
    _allowed(portal, "oidc")
    try:
        claims: dict[str, Any] = portal.sign_in.answer(
            visitor.cookie if not visitor.is_new else "", dict(request.query_params)
        )
    except ConsentFailed:
        with portal.ledger.connection() as connection:
            count_try(connection, "sign_in", address_of(request, portal))
        raise
    value = claims.get(portal.settings.portal_claim)
    if portal.settings.portal_match == "email" and claims.get("email_verified") is False:
        value = None
    return _enter_as(portal, visitor, value, "oidc")


def known_to_proxy(request: Request, portal: Portal) -> str | None:
    """Who a trusted proxy says is there; what anybody else writes into the header is not looked at."""
    peer = request.client.host if request.client else ""
    if peer not in portal.settings.portal_proxies:
        return None
    return request.headers.get(portal.settings.portal_proxy_header) or None


@router.post("/sign-in/proxy")
def by_proxy(request: Request, portal: Here, visitor: Who, form_key: FormKey) -> Response:
    """Come in as the one whom the trusted proxy names."""
    check(request, portal, visitor, form_key)
    _allowed(portal, "proxy")
    return _enter_as(portal, visitor, known_to_proxy(request, portal), "proxy")


@router.post("/sign-in/demo")
def by_demo(
    request: Request,
    portal: Here,
    visitor: Who,
    form_key: FormKey,
    person: Annotated[str, Form(max_length=200)],
) -> Response:
    """Come in as anybody; only where every record is the simulator's."""
    check(request, portal, visitor, form_key)
    _allowed(portal, "demo")
    with portal.ledger.transaction() as connection:
        staff = find_staff(connection, person, "person_id")
    if staff is None:
        raise NotKnown("There is no such person in the demo")
    return enter(portal, visitor, staff, "demo")


def people_of_the_demo(portal: Portal) -> list[tuple[str, str, bool]]:
    """Some of the demo's staff, by person id, name and whether they are connected: those who aren't first."""
    with portal.ledger.transaction() as connection:
        rows = connection.execute(
            "SELECT staff.person_id, concat_ws(' ', given_names, family_names) AS name, "
            "coalesce(bool_or(permission.state = 'granted'), false) AS connected FROM cris_staff staff "
            "LEFT JOIN researcher ON researcher.person_id = staff.person_id "
            "LEFT JOIN permission ON permission.researcher_id = researcher.id "
            "WHERE staff.is_current AND staff.gone IS NULL GROUP BY 1, 2 ORDER BY connected, name LIMIT %s",
            (DEMO_PEOPLE,),
        ).fetchall()
    return [(row.person_id, row.name, row.connected) for row in rows]


@router.post("/sign-out")
def sign_out(request: Request, portal: Here, visitor: Who, form_key: FormKey) -> Response:
    """End the session."""
    check(request, portal, visitor, form_key)
    with portal.ledger.transaction() as connection:
        sessions.end(connection, visitor.cookie)
    response = RedirectResponse("/?said=signed_out", status_code=303)
    response.delete_cookie(
        sessions.cookie_name(portal.https), path="/", secure=portal.https, httponly=True, samesite="lax"
    )
    return response


def _enter_as(portal: Portal, visitor: Visitor, value: object, way: SignedInBy) -> Response:
    staff = None
    if isinstance(value, str) and value:
        with portal.ledger.transaction() as connection:
            staff = find_staff(connection, value, portal.settings.portal_match)
    if staff is None:
        raise NotKnown(
            "You are signed in, but not on the staff list",
            why="the university's database has no current member of staff under this account",
            remedy="Ask us; the account and the entry of the staff list may not be linked yet",
        )
    return enter(portal, visitor, staff, way)


def _allowed(portal: Portal, way: str) -> None:
    if way not in portal.ways_in() or (way == "oidc" and portal.sign_in is None):
        raise NotKnown("This way to sign in is not open here", remedy="Use one that the first page offers")
