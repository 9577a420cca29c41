from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
import requests
from orcid_simulator import scopes
from orcid_simulator.testing import RunningSimulator, running_simulator

from tests.simulator.support import FULL_SCOPE, Member, refused, work

REDIRECT = "https://app.example.org/back"


def token_call(registry: RunningSimulator, client: Any, host: str = "", **form: str) -> requests.Response:
    fields = {"client_id": client.client_id, "client_secret": client.client_secret, **form}
    return requests.post(f"{registry.base_url}{host}/oauth/token", data=fields, timeout=5)


def code_for(member: Member, scope: str = FULL_SCOPE) -> str:
    body = {
        "client_id": member.client.client_id,
        "orcid": member.orcid,
        "scope": scope,
        "redirect_uri": REDIRECT,
    }
    return str(member.registry.control.call("POST", "/codes", body)["code"])


def exchange(member: Member, code: str, redirect_uri: str = REDIRECT) -> requests.Response:
    return token_call(
        member.registry, member.client, grant_type="authorization_code", code=code, redirect_uri=redirect_uri
    )


def is_oauth_error(answer: requests.Response, status: int, error: str) -> bool:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    return True


class TestBearer:
    def test_no_token_is_403_with_an_oauth_body(self, member: Member) -> None:
        answer = requests.get(member.url("/works"), timeout=5)
        assert is_oauth_error(answer, 403, "forbidden")

    def test_an_unknown_token_is_401_with_an_oauth_body(self, member: Member) -> None:
        member.token = str(uuid.uuid4())
        answer = member.get("/works", Accept="application/xml")
        assert is_oauth_error(answer, 401, "invalid_token")
        assert answer.json()["error_description"] == f"Invalid access token: {member.token}"

    def test_an_expired_token_is_401(self, member: Member) -> None:
        body = {"client_id": member.client.client_id, "orcid": member.orcid, "scope": "/read-limited"}
        member.token = member.registry.control.call("POST", "/tokens", {**body, "expires_in": 0})[
            "access_token"
        ]
        assert is_oauth_error(member.get("/works"), 401, "invalid_token")

    def test_a_public_clients_token_is_403(self, member: Member) -> None:
        client = member.registry.control.client("Public app", "public")
        member.token = member.registry.control.token(client.client_id, member.orcid, "/authenticate")[
            "access_token"
        ]
        assert is_oauth_error(member.get("/works"), 403, "forbidden")

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
    def test_the_scheme_is_read_in_any_case(self, member: Member, scheme: str) -> None:
        assert member.get("/works", Authorization=f"{scheme} {member.token}").status_code == 200

    def test_the_token_may_stand_in_the_query(self, member: Member) -> None:
        answer = requests.get(member.url("/works"), params={"access_token": member.token}, timeout=5)
        assert answer.status_code == 200

    def test_a_locked_client_is_9057(self, member: Member) -> None:
        member.registry.control.call("PATCH", f"/clients/{member.client.client_id}", {"locked": True})
        assert refused(member.get("/works"), 409, 9057)


class TestTarget:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
    def test_a_token_of_another_record_is_9017_before_anything_else_is_looked_at(
        self, member: Member, method: str
    ) -> None:
        member.orcid = "0000-0000-0000-0000"
        path = "/works" if method == "GET" else "/work" if method == "POST" else "/work/1"
        assert refused(member.call(method, path, "{broken" if method in ("POST", "PUT") else None), 401, 9017)

    def test_the_body_is_checked_before_the_record(self, member: Member) -> None:
        member.registry.control.patch_record(member.orcid, status="locked")
        assert refused(member.post("/work", {"nonsense": 1}), 400, 9047)
        assert refused(member.post("/work", work()), 409, 9018)

    def test_the_record_is_checked_before_the_scope(self, member: Member) -> None:
        reader = member.with_scope("/read-public", for_client=True)
        assert refused(reader.post("/work", work()), 403, 9038)
        member.registry.control.patch_record(member.orcid, status="locked")
        assert refused(reader.post("/work", work()), 409, 9018)

    def test_the_scope_is_checked_before_the_put_codes(self, member: Member) -> None:
        reader = member.with_scope("/read-limited")
        assert refused(reader.put("/work/1", work(**{"put-code": 2})), 403, 9038)
        assert refused(member.put("/work/1", work(**{"put-code": 2})), 400, 9019)

    @pytest.mark.parametrize(
        ("scope", "status"),
        [
            ("/activities/update", 201),
            ("/read-limited", 403),
            ("/person/update", 403),
            ("/orcid-works/update", 201),
            ("/affiliations/update", 403),
        ],
    )
    def test_adding_a_work_needs_a_scope_that_covers_it(
        self, member: Member, scope: str, status: int
    ) -> None:
        assert member.with_scope(scope).post("/work", work()).status_code == status


class TestRevocation:
    def test_a_user_revoked_token_still_deletes_and_nothing_else(self, member: Member) -> None:
        put_code = member.add("work")
        member.registry.control.revoke(member.token, by="user")
        assert is_oauth_error(member.get("/works"), 401, "invalid_token")
        assert is_oauth_error(member.post("/work", work("10.1/2")), 401, "invalid_token")
        assert is_oauth_error(member.put(f"/work/{put_code}", work()), 401, "invalid_token")
        assert member.delete(f"/work/{put_code}").status_code == 204

    def test_a_token_that_its_client_revoked_deletes_nothing(self, member: Member) -> None:
        put_code = member.add("work")
        member.registry.control.revoke(member.token, by="client")
        assert is_oauth_error(member.delete(f"/work/{put_code}"), 401, "invalid_token")

    @pytest.mark.parametrize("which", ["access_token", "refresh_token"])
    def test_revoking_one_of_the_pair_ends_both(self, member: Member, which: str) -> None:
        pair = member.registry.control.token(member.client.client_id, member.orcid, FULL_SCOPE)
        answer = self.revoke(member, pair[which])
        assert (answer.status_code, answer.text) == (200, "")
        member.token = pair["access_token"]
        assert member.get("/works").status_code == 401
        again = token_call(
            member.registry, member.client, grant_type="refresh_token", refresh_token=pair["refresh_token"]
        )
        assert is_oauth_error(again, 400, "invalid_grant")

    def test_revoking_without_a_token_is_400_and_an_unknown_one_is_no_error(self, member: Member) -> None:
        assert self.revoke(member, "").status_code == 400
        assert self.revoke(member, "unknown").status_code == 200

    def test_one_client_cannot_revoke_anothers_token(self, member: Member) -> None:
        other = Member.join(member.registry, name="Other")
        assert self.revoke(other, member.token).status_code == 200
        assert member.get("/works").status_code == 200

    @staticmethod
    def revoke(member: Member, token: str) -> requests.Response:
        fields = {
            "client_id": member.client.client_id,
            "client_secret": member.client.client_secret,
            "token": token,
        }
        return requests.post(f"{member.registry.base_url}/oauth/revoke", data=fields, timeout=5)


class TestAuthorizationCode:
    def test_a_code_gives_a_token_of_the_researcher(self, member: Member) -> None:
        code = code_for(member)
        assert re.fullmatch(r"[A-Za-z0-9]{6}", code)
        answer = exchange(member, code)
        token = answer.json()
        assert answer.headers["cache-control"] == "no-store"
        assert list(token) == [
            "access_token", "token_type", "refresh_token", "expires_in", "scope", "name", "orcid",
        ]  # fmt: skip
        assert str(uuid.UUID(token["access_token"])) == token["access_token"]
        assert token["token_type"] == "bearer"
        assert 631138500 < token["expires_in"] <= 631138519
        assert set(token["scope"].split()) == set(FULL_SCOPE.split())
        assert (token["name"], token["orcid"]) == ("Josiah Carberry", member.orcid)
        member.token = token["access_token"]
        assert member.post("/work", work()).status_code == 201

    def test_the_name_is_null_if_it_is_not_public(self, member: Member) -> None:
        member.registry.control.patch_record(member.orcid, names_visibility="limited")
        assert exchange(member, code_for(member)).json()["name"] is None

    def test_a_reused_code_is_refused_and_its_token_dies(self, member: Member) -> None:
        code = code_for(member)
        member.token = exchange(member, code).json()["access_token"]
        answer = exchange(member, code)
        assert is_oauth_error(answer, 400, "invalid_grant")
        assert answer.json()["error_description"] == f"Reused authorization code: {code}"
        assert member.get("/works").status_code == 401

    def test_an_unknown_code_is_refused(self, member: Member) -> None:
        answer = exchange(member, "nocode")
        assert is_oauth_error(answer, 400, "invalid_grant")
        assert answer.json()["error_description"] == "Invalid authorization code: nocode"

    def test_a_code_of_another_client_is_refused(self, member: Member) -> None:
        other = Member.join(member.registry, member.orcid, name="Other")
        assert is_oauth_error(exchange(other, code_for(member)), 400, "invalid_grant")

    def test_another_redirect_uri_is_refused(self, member: Member) -> None:
        answer = exchange(member, code_for(member), "https://app.example.org/other")
        assert is_oauth_error(answer, 400, "invalid_grant")

    def test_an_old_code_is_refused(self) -> None:
        with running_simulator(code_lifetime_seconds=-1) as registry:
            member = Member.join(registry)
            assert is_oauth_error(exchange(member, code_for(member)), 400, "invalid_grant")

    @pytest.mark.parametrize("status", ["locked", "deactivated"])
    def test_a_record_that_takes_no_calls_gets_no_token(self, member: Member, status: str) -> None:
        code = code_for(member)
        member.registry.control.patch_record(member.orcid, status=status)
        assert is_oauth_error(exchange(member, code), 400, "unauthorized_client")


class TestRefresh:
    def refresh(self, member: Member, pair: dict[str, Any], **form: str) -> requests.Response:
        return token_call(
            member.registry,
            member.client,
            grant_type="refresh_token",
            refresh_token=pair["refresh_token"],
            **form,
        )

    def pair(self, member: Member, scope: str = FULL_SCOPE) -> dict[str, Any]:
        return member.registry.control.token(member.client.client_id, member.orcid, scope)

    def test_the_answer_is_a_new_pair_and_the_old_one_is_dead(self, member: Member) -> None:
        old = self.pair(member)
        new = self.refresh(member, old).json()
        assert new["access_token"] != old["access_token"]
        assert new["refresh_token"] != old["refresh_token"]
        assert set(new["scope"].split()) == set(FULL_SCOPE.split())
        member.token = old["access_token"]
        assert member.get("/works").status_code == 401
        again = self.refresh(member, old)
        assert is_oauth_error(again, 400, "invalid_grant")
        assert again.json()["error_description"] == "Parent token is disabled"

    def test_revoke_old_false_keeps_the_old_pair(self, member: Member) -> None:
        old = self.pair(member)
        self.refresh(member, old, revoke_old="false")
        member.token = old["access_token"]
        assert member.get("/works").status_code == 200

    def test_revoke_old_can_be_ignored_as_todays_proxy_does(self) -> None:
        with running_simulator(honour_revoke_old=False) as registry:
            member = Member.join(registry)
            old = self.pair(member)
            self.refresh(member, old, revoke_old="false")
            member.token = old["access_token"]
            assert member.get("/works").status_code == 401

    def test_the_old_pair_can_be_kept_by_default(self) -> None:
        with running_simulator(revoke_old_default=False) as registry:
            member = Member.join(registry)
            old = self.pair(member)
            self.refresh(member, old)
            member.token = old["access_token"]
            assert member.get("/works").status_code == 200

    @pytest.mark.parametrize(
        ("parent", "wanted", "allowed"),
        [
            ("/activities/update", "/orcid-works/update", True),
            ("/activities/update", "/read-public", True),
            ("/read-limited", "/activities/read-limited", True),
            ("/read-limited", "/activities/update", False),
            ("/orcid-works/update", "/activities/update", False),
        ],
    )
    def test_scopes_may_narrow_within_what_the_parent_implies(
        self, member: Member, parent: str, wanted: str, allowed: bool
    ) -> None:
        answer = self.refresh(member, self.pair(member, parent), scope=wanted)
        assert answer.json()["scope"] == wanted if allowed else is_oauth_error(answer, 400, "invalid_scope")

    def test_expires_in_shortens_and_never_lengthens(self, member: Member) -> None:
        assert self.refresh(member, self.pair(member), expires_in="60").json()["expires_in"] in (59, 60)
        assert self.refresh(member, self.pair(member), expires_in="9" * 12).status_code == 400

    def test_a_refresh_token_of_another_client_is_refused(self, member: Member) -> None:
        other = Member.join(member.registry, name="Other")
        assert is_oauth_error(self.refresh(other, self.pair(member)), 400, "invalid_grant")


class TestClientCredentials:
    @pytest.mark.parametrize(
        ("kind", "scope", "outcome"),
        [
            ("member", "/read-public", "/read-public"),
            ("public", "/read-public", "/read-public"),
            ("member", "/group-id-record/update", "/group-id-record/update"),
            ("public", "/group-id-record/update", (400, "invalid_scope")),
            ("premium", "/webhook", "/webhook"),
            ("premium", "/premium-notification", "/premium-notification"),
            ("member", "/webhook", (400, "invalid_scope")),
            ("member", "/read-limited", (400, "invalid_scope")),
            ("member", "", (400, "invalid_scope")),
            ("member", "/web-hook", (401, "invalid_scope")),
            ("member", "/read-public /read-limited", "/read-public"),
        ],
    )
    def test_a_client_gets_its_own_scopes_only(
        self, registry: RunningSimulator, kind: str, scope: str, outcome: Any
    ) -> None:
        client = registry.control.client("C", kind)
        answer = token_call(registry, client, grant_type="client_credentials", scope=scope)
        if isinstance(outcome, tuple):
            assert is_oauth_error(answer, *outcome)
        else:
            assert answer.json()["scope"] == outcome
            assert answer.json()["orcid"] is None
            assert "name" not in answer.json()

    def test_the_token_endpoint_answers_on_the_public_host_too(self, registry: RunningSimulator) -> None:
        client = registry.control.client()
        answer = token_call(registry, client, "/pub", grant_type="client_credentials", scope="/read-public")
        assert answer.status_code == 200

    def test_http_basic_authenticates_a_client(self, registry: RunningSimulator) -> None:
        client = registry.control.client()
        form = {"grant_type": "client_credentials", "scope": "/read-public"}
        url = f"{registry.base_url}/oauth/token"
        assert requests.post(url, data=form, auth=tuple(client), timeout=5).status_code == 200


class TestTokenErrors:
    @pytest.mark.parametrize(
        ("form", "status", "error"),
        [
            ({}, 400, "unsupported_grant_type"),
            ({"grant_type": "password"}, 400, "unsupported_grant_type"),
            ({"grant_type": "authorization_code"}, 401, "invalid_request"),
            ({"grant_type": "authorization_code", "code": "abc123"}, 400, "invalid_grant"),
            ({"grant_type": "refresh_token"}, 401, "invalid_request"),
            ({"grant_type": "refresh_token", "refresh_token": "x"}, 400, "invalid_grant"),
        ],
        ids=[
            "no grant type",
            "unknown grant type",
            "no code",
            "unknown code",
            "no refresh token",
            "unknown refresh",
        ],
    )
    def test_the_token_endpoint_refuses(
        self, member: Member, form: dict[str, str], status: int, error: str
    ) -> None:
        assert is_oauth_error(token_call(member.registry, member.client, **form), status, error)

    def test_a_missing_grant_type_is_named(self, member: Member) -> None:
        assert (
            token_call(member.registry, member.client).json()["error_description"] == "grant_type is missing"
        )

    def test_a_json_body_is_415(self, member: Member) -> None:
        answer = requests.post(f"{member.registry.base_url}/oauth/token", json={}, timeout=5)
        assert answer.status_code == 415

    def test_a_wrong_secret_is_401(self, member: Member) -> None:
        wrong = member.client._replace(client_secret="wrong")
        answer = token_call(member.registry, wrong, grant_type="client_credentials", scope="/read-public")
        assert is_oauth_error(answer, 401, "invalid_client")
        assert answer.json()["error_description"] == "Client authentication failed"

    def test_a_missing_field_is_named(self, member: Member) -> None:
        form = {"grant_type": "client_credentials"}
        answer = requests.post(f"{member.registry.base_url}/oauth/token", data=form, timeout=5)
        assert is_oauth_error(answer, 401, "invalid_request")
        assert answer.json()["error_description"] == "client_id is required"

    def test_a_locked_client_gets_no_token(self, member: Member) -> None:
        member.registry.control.call("PATCH", f"/clients/{member.client.client_id}", {"locked": True})
        answer = token_call(
            member.registry, member.client, grant_type="client_credentials", scope="/read-public"
        )
        assert is_oauth_error(answer, 400, "unauthorized_client")


@pytest.mark.parametrize(
    ("scope", "implied"),
    [
        ("/authenticate", {"/read-public"}),
        ("openid", {"/read-public"}),
        ("/read-limited", {"/orcid-works/read-limited", "/orcid-bio/read-limited", "/read-public"}),
        ("/activities/update", {"/orcid-works/create", "/peer-review/update", "/read-public"}),
        ("/person/update", {"/orcid-bio/external-identifiers/create", "/read-public"}),
        ("/email/read-private", {"/read-public"}),
        ("/group-id-record/update", {"/group-id-record/read"}),
        ("/premium-notification", {"/basic-notification"}),
    ],
)
def test_a_scope_implies_others(scope: str, implied: set[str]) -> None:
    assert implied <= scopes.closure(frozenset({scope}))


@pytest.mark.parametrize("scope", ["/group-id-record/update", "/premium-notification", "/webhook"])
def test_some_scopes_do_not_imply_read_public(scope: str) -> None:
    assert "/read-public" not in scopes.closure(frozenset({scope}))
