"""OAuth and the record page as a person meets them, by forms and redirects."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import html
from orcid_simulator.authorize import redirect_matches
from orcid_simulator.testing import ClientCredentials, RunningSimulator, running_simulator

from tests.simulator.support import FULL_SCOPE, Member, employment, work

REDIRECT = "https://app.example.org/oauth/back"


class Browser:
    """A browser that sends forms and stops at redirects to other sites."""

    def __init__(self, base_url: str) -> None:
        self.base = base_url
        self.session = requests.Session()
        self.page: Any = None
        self.status = 0
        self.left_for: str | None = None

    def open(self, path: str) -> None:
        self._follow(self.session.get(self.base + path, allow_redirects=False, timeout=5, headers=HTML))

    def send(self, action: str, **fields: str) -> None:
        """Fill in and send the form whose action starts like this."""
        form = next(form for form in self.page.forms if form.action.startswith(action))
        values = {**dict(form.form_values()), **fields}
        answer = self.session.post(
            self.base + form.action, data=values, allow_redirects=False, timeout=5, headers=HTML
        )
        self._follow(answer)

    def text(self) -> str:
        return " ".join(self.page.text_content().split())

    def _follow(self, answer: requests.Response) -> None:
        for _ in range(5):
            location = answer.headers.get("location")
            if location is None:
                break
            if urlsplit(location).netloc and not location.startswith(self.base):
                self.left_for, self.page = location, None
                return
            answer = self.session.get(self.base + location, allow_redirects=False, timeout=5, headers=HTML)
        self.status, self.left_for = answer.status_code, None
        self.page = html.fromstring(answer.content)

    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.left_for or "").query))

    def fragment(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.left_for or "").fragment))


HTML = {"Accept": "text/html"}


@pytest.fixture
def client(registry: RunningSimulator) -> ClientCredentials:
    return registry.control.client("University of Example", redirect_uris=[REDIRECT])


@pytest.fixture
def orcid(registry: RunningSimulator) -> str:
    return registry.control.record("Ann", "Lee", emails=["ann@example.org"])


@pytest.fixture
def browser(registry: RunningSimulator) -> Browser:
    return Browser(registry.base_url)


def authorize(client: ClientCredentials, **changes: str | None) -> str:
    query: dict[str, str | None] = {
        "client_id": client.client_id,
        "response_type": "code",
        "scope": FULL_SCOPE,
        "redirect_uri": REDIRECT,
        "state": "a b&c",
        **changes,
    }
    return "/oauth/authorize?" + urlencode(
        {name: value for name, value in query.items() if value is not None}
    )


# The verifier of the example in RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def exchange(
    registry: RunningSimulator, client: ClientCredentials, code: str, **more: str
) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
        **more,
    }
    return requests.post(f"{registry.base_url}/oauth/token", data=form, timeout=5)


def token_for(registry: RunningSimulator, client: ClientCredentials, code: str) -> dict[str, Any]:
    answer = exchange(registry, client, code)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class TestConsent:
    @pytest.mark.parametrize("by", ["orcid", "uri", "email"])
    def test_sign_in_consent_and_back_with_a_code(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str, by: str
    ) -> None:
        user = {"orcid": orcid, "uri": f"https://orcid.org/{orcid}", "email": "Ann@example.org"}[by]
        browser.open(authorize(client))
        assert "University of Example" in browser.text()
        browser.send("/signin", user=user, password="x")
        assert "University of Example" in browser.text()
        assert "Add and update your activities" in browser.text()
        browser.send("/oauth/authorize", decision="allow")
        assert (browser.left_for or "").startswith(REDIRECT + "?code=")
        assert browser.query()["state"] == "a b&c"
        token = token_for(registry, client, browser.query()["code"])
        assert token["orcid"] == orcid

    @pytest.mark.parametrize(
        ("method", "challenge"),
        [("S256", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"), ("plain", VERIFIER), (None, VERIFIER)],
        ids=["the example of RFC 7636", "plain", "plain where no method is named"],
    )
    def test_a_code_that_was_asked_for_with_a_challenge_takes_its_verifier(
        self,
        registry: RunningSimulator,
        browser: Browser,
        client: ClientCredentials,
        orcid: str,
        method: str | None,
        challenge: str,
    ) -> None:
        browser.open(authorize(client, code_challenge=challenge, code_challenge_method=method))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="allow")
        code = browser.query()["code"]
        for wrong in ({}, {"code_verifier": "x" * 43}, {"code_verifier": "short"}):
            answer = exchange(registry, client, code, **wrong)
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        assert exchange(registry, client, code, code_verifier=VERIFIER).json()["orcid"] == orcid

    def test_a_verifier_without_a_challenge_is_refused(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="allow")
        code = browser.query()["code"]
        assert exchange(registry, client, code, code_verifier=VERIFIER).status_code == 400
        assert exchange(registry, client, code).status_code == 200

    @pytest.mark.parametrize(
        "challenge",
        [
            {"code_challenge": "x" * 43, "code_challenge_method": "S512"},
            {"code_challenge": "too-short", "code_challenge_method": "S256"},
            {"code_challenge": "=" * 43, "code_challenge_method": "S256"},
            {"code_challenge_method": "S256"},
        ],
        ids=["unknown method", "too short", "other characters", "a method alone"],
    )
    def test_a_challenge_that_cannot_be_used_is_sent_back(
        self, browser: Browser, client: ClientCredentials, challenge: dict[str, str]
    ) -> None:
        browser.open(authorize(client, **challenge))
        assert browser.fragment()["error"] == "invalid_request"

    def test_denial_comes_back_in_the_query(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="deny")
        assert browser.query() == {
            "error": "access_denied",
            "error_description": "User denied access",
            "state": "a b&c",
        }

    def test_a_redirect_uri_with_a_query_keeps_it(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client, redirect_uri=REDIRECT + "?unit=1"))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="deny")
        assert browser.query()["unit"] == "1"
        assert browser.query()["error"] == "access_denied"

    def test_consent_is_skipped_while_a_token_covers_the_scopes(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        registry.control.token(client.client_id, orcid, FULL_SCOPE)
        browser.open(authorize(client, scope="/read-limited"))
        browser.send("/signin", user=orcid)
        assert "code" in browser.query()
        browser.open(authorize(client, prompt="confirm"))
        assert browser.left_for is None
        browser.open(authorize(client, scope="/read-limited /email/read-private"))
        assert "has asked for the following access" in browser.text()

    def test_prompt_login_asks_for_the_password_again(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open("/signin")
        browser.send("/signin", user=orcid)
        browser.open(authorize(client, prompt="login"))
        assert "Sign in to ORCID" in browser.text()
        browser.send("/signin", user=orcid)
        assert "has asked for the following access" in browser.text()

    def test_max_age_asks_for_the_password_again(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open("/signin")
        browser.send("/signin", user=orcid)
        browser.open(authorize(client, max_age="1000"))
        assert "has asked for the following access" in browser.text()
        browser.open(authorize(client, max_age="0"))
        assert "Sign in to ORCID" in browser.text()

    def test_prompt_none_never_shows_a_page(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        wish = authorize(client, prompt="none", scope="openid")
        browser.open(wish)
        assert browser.fragment()["error"] == "login_required"
        browser.open("/signin")
        browser.send("/signin", user=orcid)
        browser.open(wish)
        assert browser.fragment()["error"] == "interaction_required"
        registry.control.token(client.client_id, orcid, "openid")
        browser.open(wish)
        assert "code" in browser.query()

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"scope": "/read-public"}, "invalid_scope"),
            ({"scope": "/webhook"}, "invalid_scope"),
            ({"scope": "/unknown"}, "invalid_scope"),
            ({"scope": ""}, "invalid_scope"),
            ({"response_type": "password"}, "unsupported_response_type"),
            ({"response_type": "token"}, "invalid_scope"),
        ],
    )
    def test_what_cannot_be_granted_comes_back_in_the_fragment(
        self, browser: Browser, client: ClientCredentials, change: dict[str, str], error: str
    ) -> None:
        browser.open(authorize(client, **change))
        assert browser.fragment()["error"] == error
        assert browser.fragment()["state"] == "a b&c"

    def test_openids_extra_scopes_are_ignored(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client, scope="openid profile email phone address offline_access"))
        browser.send("/signin", user=orcid)
        assert "has asked for the following access" in browser.text()

    @pytest.mark.parametrize(
        "change",
        [
            {"client_id": "APP-0000000000000000"},
            {"redirect_uri": "https://evil.example.org/"},
            {"redirect_uri": None},
        ],
        ids=["unknown client", "foreign redirect", "no redirect"],
    )
    def test_an_untrusted_request_is_shown_and_never_redirected(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, change: dict[str, Any]
    ) -> None:
        browser.open(authorize(client, **change))
        assert browser.left_for is None
        assert browser.status == 400
        answer = requests.get(
            registry.base_url + authorize(client, **change), allow_redirects=False, timeout=5
        )
        assert answer.json()["error"] == "invalid_request"
        assert answer.json()["error_description"].startswith("Invalid parameter: ")

    def test_public_clients_get_the_id_and_nothing_else(
        self, registry: RunningSimulator, browser: Browser
    ) -> None:
        public = registry.control.client("Public", "public", [REDIRECT])
        browser.open(authorize(public))
        assert browser.fragment()["error"] == "invalid_scope"
        browser.open(authorize(public, scope="/authenticate"))
        assert browser.left_for is None

    def test_a_forged_form_grants_nothing(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="allow", form_key="forged")
        assert (browser.left_for, browser.status) == (None, 403)

    def test_the_implicit_flow_answers_in_the_fragment(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client, response_type="id_token token", scope="openid", nonce="n"))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="allow")
        answer = browser.fragment()
        assert answer["orcid"] == orcid
        assert int(answer["expires_in"]) <= 600
        assert "refresh_token" not in answer
        assert answer["id_token"].count(".") == 2

    def test_the_sign_in_form_is_filled_with_what_the_client_knows(
        self, browser: Browser, client: ClientCredentials
    ) -> None:
        browser.open(authorize(client, email="bob@a.org", given_names="Bob", family_names="Ray"))
        values = {name: value for form in browser.page.forms for name, value in form.form_values()}
        assert (values["user"], values["given_names"], values["family_name"]) == ("bob@a.org", "Bob", "Ray")

    def test_a_newcomer_registers_on_the_way(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials
    ) -> None:
        browser.open(authorize(client))
        browser.send("/register", given_names="New", family_name="Comer", email="new@a.org")
        browser.send("/oauth/authorize", decision="allow")
        orcid = token_for(registry, client, browser.query()["code"])["orcid"]
        assert registry.control.get_record(orcid)["given_names"] == "New"


class TestSignIn:
    def test_somebody_else_at_the_consent_page_signs_out_and_comes_back_to_it(
        self, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        browser.open(authorize(client))
        browser.send("/signin", user=orcid)
        browser.send("/signout")
        assert "University of Example asks you to connect" in browser.text()

    def test_a_wrong_name_or_password_is_told(
        self, registry: RunningSimulator, browser: Browser, orcid: str
    ) -> None:
        browser.open("/signin")
        browser.send("/signin", user="nobody")
        assert browser.status == 401
        registry.control.patch_record(orcid, password="secret")
        browser.send("/signin", user=orcid, password="wrong")
        assert browser.status == 401
        browser.send("/signin", user=orcid, password="secret")
        assert "Ann Lee" in browser.text()

    @pytest.mark.parametrize("status", ["locked", "deactivated"])
    def test_a_record_that_is_closed_cannot_be_used(
        self, registry: RunningSimulator, browser: Browser, orcid: str, status: str
    ) -> None:
        registry.control.patch_record(orcid, status=status)
        browser.open("/signin")
        browser.send("/signin", user=orcid)
        assert browser.status == 403
        assert status in browser.text()

    @pytest.mark.parametrize("next_path", ["https://evil.example.org/", "//evil.example.org", "/\\evil"])
    def test_the_way_on_stays_on_this_site(
        self, registry: RunningSimulator, orcid: str, next_path: str
    ) -> None:
        form = {"user": orcid, "next": next_path}
        answer = requests.post(f"{registry.base_url}/signin", data=form, allow_redirects=False, timeout=5)
        assert answer.headers["location"] == "/my-orcid"

    def test_signing_out_ends_the_session(self, browser: Browser, orcid: str) -> None:
        browser.open("/signin")
        browser.send("/signin", user=orcid)
        browser.send("/signout")
        browser.open("/my-orcid")
        assert "Sign in to ORCID" in browser.text()


class TestOwnRecord:
    @pytest.fixture
    def signed_in(self, browser: Browser, member: Member) -> Browser:
        browser.open("/signin")
        browser.send("/signin", user=member.orcid)
        return browser

    def test_it_shows_every_entry_with_its_source(self, signed_in: Browser, member: Member) -> None:
        member.add("work", work(title={"title": {"value": "<b>Bold</b> claims"}}))
        member.registry.control.add_item(member.orcid, "employment", employment(), visibility="private")
        signed_in.open("/my-orcid")
        assert "<b>Bold</b> claims" in signed_in.text()
        assert "Source: Test University" in signed_in.text()
        assert "Lecturer" in signed_in.text()

    def test_an_entry_is_removed(self, signed_in: Browser, member: Member) -> None:
        put_code = member.add("work")
        signed_in.open("/my-orcid")
        signed_in.send(f"/my-orcid/items/{put_code}/remove")
        assert "The entry was removed." in signed_in.text()
        assert member.get(f"/work/{put_code}").status_code == 404

    def test_the_visibility_of_an_entry_is_changed(self, signed_in: Browser, member: Member) -> None:
        put_code = member.add("work")
        signed_in.open("/my-orcid")
        signed_in.send(f"/my-orcid/items/{put_code}/visibility", visibility="private")
        assert member.get(f"/work/{put_code}").json()["visibility"] == "private"

    def test_own_entries_are_edited_and_others_are_not(self, signed_in: Browser, member: Member) -> None:
        own = member.registry.control.add_item(member.orcid, "work", work())
        foreign = member.add("work", work("10.1/2"))
        signed_in.open("/my-orcid")
        signed_in.send(f"/my-orcid/items/{own}/edit", title="Renamed")
        assert member.get(f"/work/{own}").json()["title"]["title"]["value"] == "Renamed"
        assert f"/my-orcid/items/{foreign}/edit" not in [form.action for form in signed_in.page.forms]

    def test_a_version_is_preferred(self, signed_in: Browser, member: Member) -> None:
        own = member.registry.control.add_item(member.orcid, "work", work())
        member.add("work")
        signed_in.open("/my-orcid")
        signed_in.send(f"/my-orcid/items/{own}/prefer")
        (group,) = member.get("/works").json()["group"]
        assert group["work-summary"][0]["put-code"] == own

    def test_a_work_is_added(self, signed_in: Browser, member: Member) -> None:
        signed_in.open("/my-orcid")
        signed_in.send("/my-orcid/works", title="By hand", doi="10.1/hand")
        (item,) = member.registry.control.get_record(member.orcid)["items"]
        assert (item["source"], item["display_index"]) == ("user", 0)

    def test_the_default_visibility_is_changed(self, signed_in: Browser, member: Member) -> None:
        signed_in.open("/my-orcid")
        signed_in.send("/my-orcid/default-visibility", visibility="limited")
        put_code = member.add("work")
        assert member.get(f"/work/{put_code}").json()["visibility"] == "limited"

    def test_an_organisations_access_is_revoked_and_it_can_still_clean_up(
        self, signed_in: Browser, member: Member
    ) -> None:
        put_code = member.add("work")
        signed_in.open("/my-orcid")
        assert "Test University" in signed_in.text()
        signed_in.send(f"/my-orcid/organisations/{member.client.client_id}/revoke")
        assert "No organisation has access" in signed_in.text()
        assert member.get("/works").status_code == 401
        assert member.delete(f"/work/{put_code}").status_code == 204

    def test_a_forged_form_changes_nothing(self, signed_in: Browser, member: Member) -> None:
        put_code = member.add("work")
        signed_in.open("/my-orcid")
        signed_in.send(f"/my-orcid/items/{put_code}/remove", form_key="forged")
        assert signed_in.status == 403
        assert member.get(f"/work/{put_code}").status_code == 200

    def test_a_notification_is_read(self, signed_in: Browser, member: Member) -> None:
        premium = member.registry.control.client("Premium", "premium")
        sender = Member(member.registry, premium, member.orcid, "").with_scope(
            "/premium-notification", for_client=True
        )
        body = {
            "notification-type": "permission",
            "authorization-url": {"uri": "https://app.example.org/"},
            "notification-subject": "Connect",
            "notification-intro": "Please.",
            "items": {"item": [{"item-type": "work", "item-name": "A"}]},
        }
        location = sender.post("/notification-permission", body).headers["location"]
        number = location.rsplit("/", 1)[1]
        signed_in.open("/my-orcid")
        signed_in.send(f"/my-orcid/notifications/{number}/read")
        answer = sender.delete(f"/notification-permission/{number}")
        assert (answer.status_code, answer.json()["error-code"]) == (403, 9009)

    def test_the_public_page_shows_what_is_public(self, browser: Browser, member: Member) -> None:
        member.add("work")
        member.registry.control.add_item(member.orcid, "employment", employment(), visibility="private")
        browser.open(f"/{member.orcid}")
        assert "On the nature of tests" in browser.text()
        assert "Lecturer" not in browser.text()
        browser.open("/")
        assert member.orcid in browser.text()


class TestOpenId:
    def decode(self, part: str) -> dict[str, Any]:
        return dict(orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))

    def sign_in(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> dict[str, Any]:
        browser.open(authorize(client, scope="openid", nonce="n-1"))
        browser.send("/signin", user=orcid)
        browser.send("/oauth/authorize", decision="allow")
        return token_for(registry, client, browser.query()["code"])

    def test_an_id_token_is_signed_by_the_published_key(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        head, body, signature = self.sign_in(registry, browser, client, orcid)["id_token"].split(".")
        claims = self.decode(body)
        assert self.decode(head)["alg"] == "RS256"
        assert (claims["sub"], claims["aud"], claims["nonce"]) == (orcid, client.client_id, "n-1")
        assert (claims["iss"], claims["amr"]) == (registry.base_url, "pwd")
        assert (claims["name"], claims["given_name"], claims["family_name"]) == ("Ann Lee", "Ann", "Lee")
        assert {"at_hash", "auth_time", "exp", "iat", "jti"} <= claims.keys()
        (key,) = requests.get(f"{registry.base_url}/oauth/jwks", timeout=5).json()["keys"]
        numbers = rsa.RSAPublicNumbers(self.number(key["e"]), self.number(key["n"]))
        numbers.public_key().verify(
            base64.urlsafe_b64decode(signature + "=="),
            f"{head}.{body}".encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )

    @staticmethod
    def number(text: str) -> int:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")

    def test_userinfo_tells_the_public_names(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        token = self.sign_in(registry, browser, client, orcid)["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = requests.get(f"{registry.base_url}/oauth/userinfo", headers=headers, timeout=5)
        assert answer.json() == {"sub": orcid, "name": "Ann Lee", "given_name": "Ann", "family_name": "Lee"}

    def test_userinfo_without_openid_is_403_with_its_own_spelling(self, member: Member) -> None:
        headers = {"Authorization": f"Bearer {member.token}"}
        answer = requests.get(f"{member.registry.base_url}/oauth/userinfo", headers=headers, timeout=5)
        assert answer.status_code == 403
        assert answer.json() == {"error": "access_denied", "error-description": "access_token is invalid"}

    def test_discovery_names_the_endpoints(self, registry: RunningSimulator) -> None:
        url = f"{registry.base_url}/.well-known/openid-configuration"
        found = requests.get(url, timeout=5).json()
        assert found["token_endpoint"] == f"{registry.base_url}/oauth/token"
        assert found["id_token_signing_alg_values_supported"] == ["RS256"]
        assert found["code_challenge_methods_supported"] == ["S256", "plain"]

    def test_a_registry_without_code_challenges_names_none_and_ignores_them(self) -> None:
        with running_simulator(pkce=False) as registry:
            found = requests.get(f"{registry.base_url}/.well-known/openid-configuration", timeout=5).json()
            assert "code_challenge_methods_supported" not in found
            client = registry.control.client("University", redirect_uris=[REDIRECT])
            browser = Browser(registry.base_url)
            browser.open(authorize(client, code_challenge="x" * 43, code_challenge_method="S256"))
            browser.send("/signin", user=registry.control.record("Ann", "Lee"))
            browser.send("/oauth/authorize", decision="allow")
            answer = exchange(registry, client, browser.query()["code"], code_verifier=VERIFIER)
            assert answer.status_code == 200

    def test_an_id_token_is_exchanged_for_a_token_on_behalf_of_its_client(
        self, registry: RunningSimulator, browser: Browser, client: ClientCredentials, orcid: str
    ) -> None:
        registry.control.token(client.client_id, orcid, "/activities/update")
        id_token = self.sign_in(registry, browser, client, orcid)["id_token"]
        helper = Member.join(registry, orcid, name="Service provider")
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "client_id": helper.client.client_id,
            "client_secret": helper.client.client_secret,
            "subject_token": id_token,
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }
        answer = requests.post(f"{registry.base_url}/oauth/token", data=form, timeout=5).json()
        assert answer["refresh_token"] is None
        assert answer["expires_in"] <= 3600
        behalf = Member(registry, helper.client, orcid, answer["access_token"])
        put_code = behalf.add("work")
        source = behalf.get(f"/work/{put_code}").json()["source"]
        assert source["source-client-id"]["path"] == helper.client.client_id
        assert source["assertion-origin-client-id"]["path"] == client.client_id
        assert helper.delete(f"/work/{put_code}").json()["error-code"] == 9010
        old = requests.get(
            f"{registry.base_url}/v2.0/{orcid}/works",
            headers={"Authorization": f"Bearer {behalf.token}", "Accept": "application/json"},
            timeout=5,
        )
        assert (old.status_code, old.json()["error-code"]) == (403, 9052)


@pytest.mark.parametrize(
    ("registered", "requested", "matches"),
    [
        ("https://a.org/x", "https://a.org/x", True),
        ("https://a.org/x", "https://a.org/x/y?z=1", True),
        ("https://a.org", "https://a.org/anything", True),
        ("https://a.org/x", "https://a.org/X", False),
        ("https://a.org/x", "https://a.org/x/../y", False),
        ("https://a.org/x", "http://a.org/x", False),
        ("https://a.org/x", "https://A.org/x", False),
        ("https://a.org/x", "https://a.org:8443/x", False),
        ("https://a.org/x", "https://user@a.org/x", False),
        ("https://a.org/x", "https://a.org.evil.org/x", False),
        ("https://a.org/x", "javascript:alert(1)", False),
        ("https://a.org/x", "https://[bad/x", False),
    ],
)
def test_a_redirect_uri_is_covered_by_a_registered_one(
    registered: str, requested: str, matches: bool
) -> None:
    assert redirect_matches(registered, requested) is matches
