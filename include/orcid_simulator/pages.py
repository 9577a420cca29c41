"""The registry as a person meets it: sign-in, consent, and a researcher's own record."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from jinja2 import Environment, FileSystemLoader

from orcid_simulator import person_view, scopes
from orcid_simulator.authorize import DENIED, RedirectedError, Wish, read_wish
from orcid_simulator.errors import ApiError, OAuthError
from orcid_simulator.model import Item, Record, Source
from orcid_simulator.notifications import NotificationsApi
from orcid_simulator.openid import Identity
from orcid_simulator.parsing import single
from orcid_simulator.registry import Registry
from orcid_simulator.sections import BY_SINGULAR
from orcid_simulator.sessions import Session, Sessions
from orcid_simulator.tokens import Grant, Tokens, unusable_record
from orcid_simulator.vocabularies import WORK_TYPES
from orcid_simulator.web import Request, Response, json_response

HTML = "text/html;charset=UTF-8"
IMPLICIT_LIFETIME_SECONDS = 600
VISIBILITIES = ("public", "limited", "private")
VISIBILITY_LABELS = {"public": "Everyone", "limited": "Trusted organisations", "private": "Only me"}
SHOWN_RESEARCHERS = 25
SECURITY_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}
SCOPE_LABELS = {
    "/authenticate": "Get your ORCID iD",
    "openid": "Get your ORCID iD",
    "/read-limited": "Read what you share with trusted organisations",
    "/activities/read-limited": "Read your activities that you share with trusted organisations",
    "/person/read-limited": "Read your personal data that you share with trusted organisations",
    "/activities/update": "Add and update your activities (works, employment, funding, ...)",
    "/person/update": "Add and update other information about you (country, keywords, ...)",
    "/email/read-private": "Read all of your e-mail addresses",
}


class Pages:
    """All pages of one registry."""

    def __init__(
        self, registry: Registry, tokens: Tokens, identity: Identity, notifications: NotificationsApi
    ) -> None:
        self._registry = registry
        self._store = registry.store
        self._tokens = tokens
        self._identity = identity
        self._notifications = notifications
        self.sessions = Sessions()
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            scope_label=lambda scope: SCOPE_LABELS.get(scope, scope),
            visibility_label=lambda visibility: VISIBILITY_LABELS.get(visibility, visibility),
            visibilities=VISIBILITIES,
        )
        self._exact: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", ""): self._home,
            ("GET", "signin"): self._sign_in_page,
            ("POST", "signin"): self._sign_in,
            ("POST", "register"): self._register,
            ("POST", "signout"): self._sign_out,
            ("GET", "oauth/authorize"): self._authorize,
            ("POST", "oauth/authorize"): self._decide,
            ("GET", "my-orcid"): self._own_record,
            ("POST", "my-orcid/default-visibility"): self._set_default_visibility,
            ("POST", "my-orcid/works"): self._add_work,
        }

    def handle(self, request: Request, segments: list[str]) -> Response | None:
        """The page at a path; None if there is none."""
        method = "GET" if request.method == "HEAD" else request.method
        page = self._exact.get((method, "/".join(segments)))
        if page is not None:
            return page(request)
        match (method, *segments):
            case ("POST", "my-orcid", "items", put_code, action):
                return self._change_item(request, put_code, action)
            case ("POST", "my-orcid", "organisations", client_id, "revoke"):
                return self._revoke_organisation(request, client_id)
            case ("POST", "my-orcid", "notifications", number, "read"):
                return self._read_notification(request, number)
            case ("GET", orcid) if (record := self._store.record(orcid)) is not None:
                return self._public_record(record)
        return None

    def error_page(self, error: OAuthError) -> Response:
        """An error that is shown and never redirected."""
        return self._page(
            "error.html", error.status, title="This request cannot be completed", message=error.description
        )

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        html = self._templates.get_template(template).render(**values)
        return Response(status, html.encode(), HTML, dict(SECURITY_HEADERS))

    def _home(self, request: Request) -> Response:
        orcids = self._store.orcids()[:SHOWN_RESEARCHERS]
        records = [record for orcid in orcids if (record := self._store.record(orcid))]
        return self._page("home.html", records=records, session=self.sessions.of(request))

    def _public_record(self, record: Record) -> Response:
        if record.status == "deprecated":
            return redirect(f"/{record.primary}", 301)
        if record.status == "deactivated":
            message = "This ORCID record was deactivated."
            return self._page("error.html", 200, title=record.orcid, message=message)
        shown = person_view.parts(self._registry, record, only_public=True)
        return self._page("record.html", record=record, parts=shown)

    def _sign_in_page(self, request: Request) -> Response:
        return self._sign_in_form(request, local_path(request.query.get("next", "/my-orcid")))

    def _sign_in_form(self, request: Request, next_path: str, error: str = "", status: int = 200) -> Response:
        asked = dict(_query_of(next_path))
        return self._page(
            "signin.html",
            status,
            next=next_path,
            error=error,
            user=asked.get("orcid") or asked.get("email") or "",
            given_names=asked.get("given_names", ""),
            family_name=asked.get("family_names", ""),
            client=self._store.client(asked.get("client_id", "")),
        )

    def _sign_in(self, request: Request) -> Response:
        form = request.form()
        next_path = local_path(form.get("next", "/my-orcid"))
        record = self._find_person(form.get("user", "").strip())
        if record is None or not _password_fits(record, form.get("password", "")):
            return self._sign_in_form(
                request, next_path, "There is no such iD or e-mail, or the password is wrong.", 401
            )
        if unusable_record(record.status):
            return self._sign_in_form(request, next_path, f"This record is {record.status}.", 403)
        return self._signed_in(record, next_path)

    def _register(self, request: Request) -> Response:
        form = request.form()
        next_path = local_path(form.get("next", "/my-orcid"))
        given_names = form.get("given_names", "").strip()
        if not given_names:
            return self._sign_in_form(request, next_path, "A given name is needed.", 400)
        email = form.get("email", "").strip()
        now = self._registry.now()
        profile = {"emails": [{"email": email, "primary": True}]} if email else {}
        record = Record(
            self._registry.new_orcid(), given_names, form.get("family_name", "").strip(), "active", "public", now, now,
            profile=profile,
        )  # fmt: skip
        self._registry.save(record)
        return self._signed_in(record, next_path)

    def _signed_in(self, record: Record, next_path: str) -> Response:
        response = redirect(next_path)
        response.headers["set-cookie"] = self.sessions.start(record.orcid, self._registry.clock())
        return response

    def _sign_out(self, request: Request) -> Response:
        response = redirect(local_path(request.form().get("next", "/")))
        response.headers["set-cookie"] = self.sessions.end(request)
        return response

    def _find_person(self, user: str) -> Record | None:
        orcid = user.removeprefix(self._registry.settings.uri_base).strip("/")
        if "@" in user:
            orcid = self._store.orcid_by_email(user) or ""
        return self._store.record(orcid)

    def _authorize(self, request: Request) -> Response:
        """Ask for what is missing: a sign-in, a consent; then send the browser back."""
        request.note.endpoint = "/oauth/authorize"
        try:
            wish = read_wish(self._store, request.query, pkce=self._registry.settings.pkce)
        except RedirectedError as error:
            return redirect(error.location)
        request.note.client_id = wish.client.client_id
        session = self._session_for(request, wish)
        silent = "none" in wish.prompt and "openid" in wish.scope
        if session is None:
            if silent:
                return redirect(wish.error_uri("login_required", "The user is not signed in"))
            return self._sign_in_form(request, _without_login(request))
        granted = wish.scope <= self._tokens.live_scopes(session.orcid, wish.client.client_id)
        if granted and "confirm" not in wish.prompt:
            return self._grant(request, wish, session)
        if silent:
            return redirect(wish.error_uri("interaction_required", "The user has to give permission"))
        return self._consent_form(request, wish, session)

    def _session_for(self, request: Request, wish: Wish) -> Session | None:
        session = self.sessions.of(request)
        if session is None or "login" in wish.prompt:
            return None
        record = self._store.record(session.orcid)
        if unusable_record(record.status if record else None):
            return None
        if wish.max_age is not None and self._registry.clock() - session.signed_in > wish.max_age:
            return None
        return session

    def _consent_form(self, request: Request, wish: Wish, session: Session) -> Response:
        return self._page(
            "consent.html",
            client=wish.client,
            scopes=sorted({SCOPE_LABELS.get(scope, scope) for scope in wish.scope}),
            record=self._store.record(session.orcid),
            query=urlencode(request.query),
            form_key=session.form_key,
        )

    def _decide(self, request: Request) -> Response:
        request.note.endpoint = "/oauth/authorize"
        try:
            wish = read_wish(self._store, request.query, pkce=self._registry.settings.pkce)
        except RedirectedError as error:
            return redirect(error.location)
        session = self._require_session(request)
        if request.form().get("decision") != "allow":
            return redirect(wish.answer_uri(dict(DENIED)))
        return self._grant(request, wish, session)

    def _grant(self, request: Request, wish: Wish, session: Session) -> Response:
        request.note.orcid = session.orcid
        if not wish.implicit:
            code = self._tokens.new_code(
                wish.client, session.orcid, wish.scope, wish.redirect_uri, wish.nonce, session.signed_in
            )
            if wish.challenge is not None:
                self._store.save_challenge(code.code, wish.challenge)
            return redirect(wish.answer_uri({"code": code.code}))
        token = self._tokens.issue(
            Grant(
                wish.client.client_id, session.orcid, wish.scope, IMPLICIT_LIFETIME_SECONDS, refreshable=False
            )
        )
        answer: dict[str, str] = {}
        if "token" in wish.response_type.split():
            issued = self._tokens.answer(token)
            answer = {name: str(value) for name, value in issued.items() if value is not None}
            answer |= {"tokenVersion": "1", "persistent": "false"}
        if "id_token" in wish.response_type.split() and "openid" in wish.scope:
            answer["id_token"] = self._identity.id_token(
                token, request.base_url, wish.nonce, session.signed_in
            )
        return redirect(wish.answer_uri(answer))

    def _own_record(self, request: Request) -> Response:
        session = self.sessions.of(request)
        record = self._store.record(session.orcid) if session else None
        if session is None or record is None:
            return redirect("/signin")
        return self._page(
            "my_orcid.html",
            record=record,
            parts=person_view.parts(self._registry, record),
            organisations=self._organisations(record.orcid),
            notifications=self._notifications.of(record.orcid),
            work_types=WORK_TYPES,
            form_key=session.form_key,
            message=request.query.get("message", ""),
        )

    def _organisations(self, orcid: str) -> list[dict[str, Any]]:
        """The organisations that hold a live token, with what they may do."""
        found: dict[str, dict[str, Any]] = {}
        now = self._registry.clock()
        for token in self._store.tokens_of(orcid):
            client = self._store.client(token.client_id)
            if client is None or token.state != "live" or token.expires <= now:
                continue
            entry = found.setdefault(client.client_id, {"client": client, "scopes": set()})
            entry["scopes"] |= {SCOPE_LABELS.get(scope, scope) for scope in token.scope}
        return [{**entry, "scopes": sorted(entry["scopes"])} for entry in found.values()]

    def _set_default_visibility(self, request: Request) -> Response:
        record = self._own(request)
        visibility = request.form().get("visibility", "")
        if visibility in VISIBILITIES:
            record.default_visibility = visibility
            self._registry.save(record)
        return _back("Your default visibility was saved.")

    def _add_work(self, request: Request) -> Response:
        record = self._own(request)
        form = request.form()
        section = BY_SINGULAR["work"]
        identifiers = []
        if form.get("doi", "").strip():
            identifiers.append(
                {
                    "external-id-type": "doi",
                    "external-id-value": form["doi"].strip(),
                    "external-id-relationship": "self",
                }
            )
        message = {
            "title": {"title": {"value": form.get("title", "").strip()}},
            "type": form.get("type", ""),
            "external-ids": {"external-id": identifiers},
        }
        try:
            parsed = single(orjson.dumps(message), "json", section.message, "work", "work")
        except ApiError:
            return _back("A work needs a title and a type.")
        self._registry.add_as(
            record, section, parsed, Source(orcid=record.orcid), record.default_visibility, 0
        )
        return _back("The work was added.")

    def _change_item(self, request: Request, put_code: str, action: str) -> Response:
        record = self._own(request)
        item = record.items.get(int(put_code)) if put_code.isascii() and put_code.isdigit() else None
        if item is None:
            return _back("That entry is gone already.")
        form = request.form()
        if action == "remove":
            self._registry.remove(record, item)
            return _back("The entry was removed.")
        if action == "visibility" and form.get("visibility") in VISIBILITIES:
            self._registry.change_as_researcher(record, item, visibility=form["visibility"])
            return _back("The visibility was saved.")
        if action == "prefer":
            top = max(other.display_index for other in record.of(item.section).values())
            self._registry.change_as_researcher(record, item, display_index=top + 1)
            return _back("The entry is now the preferred one.")
        if action == "edit" and item.source.orcid == record.orcid and form.get("title", "").strip():
            self._edit(record, item, form["title"].strip())
            return _back("The entry was saved.")
        return _back("Nothing was changed.")

    def _edit(self, record: Record, item: Item, title: str) -> None:
        content = copy.deepcopy(item.content)
        part: Any = content
        *path, last = person_view.title_path(item.section)
        for step in path:
            part = part[step]
        part[last] = title
        self._registry.change_as_researcher(record, item, content=content)

    def _revoke_organisation(self, request: Request, client_id: str) -> Response:
        record = self._own(request)
        ended = self._tokens.revoke_client(record.orcid, client_id)
        return _back(
            "The organisation's access was revoked." if ended else "That organisation has no access."
        )

    def _read_notification(self, request: Request, number: str) -> Response:
        record = self._own(request)
        own = {entry["put-code"] for entry in self._notifications.of(record.orcid)}
        if number.isascii() and number.isdigit() and int(number) in own:
            self._notifications.mark_read(int(number))
        return _back("The notification was marked as read.")

    def _require_session(self, request: Request) -> Session:
        session = self.sessions.of(request)
        form_key = request.form().get("form_key", "")
        if session is None or not secrets.compare_digest(form_key, session.form_key):
            raise OAuthError(
                403, "access_denied", "This form has expired. Go back, reload the page and try again."
            )
        return session

    def _own(self, request: Request) -> Record:
        record = self._store.record(self._require_session(request).orcid)
        if record is None or unusable_record(record.status):
            raise OAuthError(403, "access_denied", "This record cannot be changed now.")
        return record


def redirect(location: str, status: int = 303) -> Response:
    """Send the browser elsewhere."""
    return Response(status, headers={"location": location, "cache-control": "no-store"})


def userinfo(tokens: Tokens, identity: Identity, request: Request) -> Response:
    """OpenID's userinfo endpoint; its error has a hyphen of its own."""
    access = tokens.bearer_of(request)
    try:
        token = tokens.usable(access or "", for_delete=False)
    except OAuthError:
        token = None
    if token is None or "openid" not in scopes.closure(token.scope) or token.orcid is None:
        return json_response(403, {"error": "access_denied", "error-description": "access_token is invalid"})
    return json_response(200, identity.userinfo(token))


def local_path(path: str) -> str:
    """The path if it stays on this site, else the start page."""
    parts = urlsplit(path)
    is_local = (
        not parts.scheme and not parts.netloc and path.startswith("/") and not path.startswith(("//", "/\\"))
    )
    return path if is_local else "/my-orcid"


def _back(message: str) -> Response:
    return redirect("/my-orcid?" + urlencode({"message": message}))


def _without_login(request: Request) -> str:
    """The request's own address, without what would ask for the sign-in again."""
    query = dict(request.query)
    prompt = " ".join(part for part in query.pop("prompt", "").split() if part != "login")
    if prompt:
        query["prompt"] = prompt
    query.pop("max_age", None)
    return f"/oauth/authorize?{urlencode(query)}"


def _query_of(path: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(path).query)


def _password_fits(record: Record, password: str) -> bool:
    """Any password fits, unless one was set for the record."""
    expected = record.profile.get("password")
    return expected is None or secrets.compare_digest(str(expected).encode(), password.encode())
