"""The university's sign-in: by OpenID Connect at a real provider, by a trusted proxy's header; and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from orcid_sync.connections import connection_from_parts
from orcid_sync.consent.portal.oidc import OpenIdSignIn
from orcid_sync.consent.portal.setup import portal_from
from orcid_sync.errors import SettingInvalid
from orcid_sync.secret import Secret
from orcid_sync.settings import Settings

from tests.fixtures.portal import PortalSite, text_of


class TestOpenIdConnect:
    """The simulator is an OpenID provider too; its subject is the iD, so that here a person id is one."""

    @pytest.fixture
    def portal_settings(self) -> dict[str, Any]:
        return {"portal_sign_in": ("oidc",)}

    def test_a_member_of_staff_comes_in_and_nobody_else(self, site: PortalSite) -> None:
        member, stranger = site.record("Ada", "Okafor"), site.record("No", "Body")
        site.staff(member, "Ada", "Okafor")
        client = site.simulator.control.client(
            "Sign-in",
            redirect_uris=[f"{site.url}/sign-in/oidc/callback"],
            client_id="APP-SIGNIN0000000001",
            client_secret="x",
        )
        site.portal.sign_in = OpenIdSignIn(
            site.simulator.web_base,
            client.client_id,
            Secret(client.client_secret),
            f"{site.url}/sign-in/oidc/callback",
            scope="openid",
        )
        somebody = site.visitor()
        form = {"form_key": somebody.form_key_of("/")}
        address = somebody.post("/sign-in/oidc", form, allow_redirects=False).headers["location"]
        asked = parse_qs(urlsplit(address).query)
        assert asked["code_challenge_method"] == ["S256"]
        back = somebody.at_orcid(address, member)
        assert site.visitor().get(back).status_code == 409, "an answer is good in the browser that asked"
        assert somebody.get(back).url == f"{site.url}/me"
        assert site.house.one("SELECT signed_in_by FROM portal_session") == "oidc"
        assert somebody.get(back).status_code == 409, "and once"
        other = site.visitor()
        form = {"form_key": other.form_key_of("/")}
        address = other.post("/sign-in/oidc", form, allow_redirects=False).headers["location"]
        page = other.get(other.at_orcid(address, stranger))
        assert page.status_code == 403
        assert "not on the staff list" in text_of(page)


class TestProxy:
    """A proxy in front says who is there."""

    @pytest.fixture
    def portal_settings(self) -> dict[str, Any]:
        return {"portal_sign_in": ("proxy",), "portal_proxies": ("127.0.0.1",), "portal_match": "email"}

    def test_the_header_counts_from_a_trusted_proxy_alone(self, site: PortalSite, ada: int) -> None:
        somebody = site.visitor(**{"X-Remote-User": "ADA@university.example"})
        page = somebody.submit(somebody.get("/"), "/sign-in/proxy")
        assert page.url == f"{site.url}/me"
        liar = site.visitor(**{"X-Remote-User": "ada@university.example"})
        form = {"form_key": liar.form_key_of("/")}
        site.portal.settings = site.portal.settings.model_copy(update={"portal_proxies": ("192.0.2.1",)})
        assert "Go on with your university account" not in text_of(liar.get("/"))
        assert liar.post("/sign-in/proxy", form).status_code == 403


def test_the_demos_list_opens_nothing_where_records_are_real(site: PortalSite, ada: int) -> None:
    somebody = site.visitor()
    form = {"form_key": somebody.form_key_of("/"), "person": "p1"}
    site.portal.environment = "production"
    assert somebody.post("/sign-in/demo", form).status_code == 403
    assert "Ada" not in somebody.get("/").text


def test_production_needs_https(site: PortalSite) -> None:
    info = connection_from_parts(
        "orcid",
        conn_type="http",
        host="https://api.orcid.org",
        login="APP-1",
        password="x",
        port=None,
        schema=None,
        extra=None,
    )
    with pytest.raises(SettingInvalid, match="https"):
        portal_from(Settings(portal_url="http://orcid.university.example"), site.ledger, lambda _: info)
