"""Whatever is sent to the portal's routes: an answer of its own, in its frame, and never a server's error."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from orcid_sync.consent.broker.app import PREFIX
from orcid_sync.consent.broker.clients import add_client
from orcid_sync.ledger.units_file import Broker

from tests.fixtures.fuzz import try_cases
from tests.fixtures.portal import PortalSite, Visitor

# What the portal says; 502 to 504 are told by a registry that doesn't answer, which here it always does.
STATUSES = {200, 204, 303, 403, 404, 405, 409, 410, 422, 429}
LAST = ("/sign-out", "/erase")


@pytest.fixture
def portal_settings() -> dict[str, Any]:
    return {"unit": {"broker": Broker(calls=["GET activities"])}}


def operations(site: PortalSite) -> list[Any]:
    """Every route of the portal, those that end a session last."""
    described = schemathesis.openapi.from_dict(site.app.openapi())
    described.config.update(base_url=site.url)
    return sorted((found.ok() for found in described.get_all_operations()), key=lambda one: one.path in LAST)


@pytest.mark.slow
def test_no_route_breaks_whatever_it_is_sent(site: PortalSite, ada: int) -> None:
    connected = site.visitor()
    connected.demo("p1")
    connected.connect(site.record("Ada", "Okafor"))
    found = operations(site)
    assert len(found) >= 22
    for operation in found:
        stranger, known = site.visitor(), site.visitor()
        known.demo("p1")
        _try(operation, stranger, {})
        _try(operation, known, {"form_key": known.form_key_of("/me"), **_known(site, operation)})


def _known(site: PortalSite, operation: Any) -> dict[str, str]:
    """Something that is there, so that not every try ends at the door."""
    if operation.path == "/orcid/connect":
        return {"client": site.house.one("SELECT client_id FROM api_client WHERE code = 'default'")}
    return {}


def _try(operation: Any, visitor: Visitor, fields: dict[str, str]) -> None:
    def check(case: Any) -> None:
        if isinstance(case.body, dict):
            case.body = {**case.body, **fields}
        answer = case.call(
            session=visitor.session, headers={"Origin": visitor.site.url}, allow_redirects=False
        )
        assert answer.status_code in STATUSES, (case.method, case.path, answer.status_code, answer.text[:300])
        assert answer.headers["x-content-type-options"] == ["nosniff"]
        assert "default-src 'none'" in answer.headers["content-security-policy"][0]
        assert "Traceback" not in answer.text

    try_cases(operation, check, examples=6)


def test_what_no_column_can_hold_is_not_understood(site: PortalSite, ada: int) -> None:
    somebody = site.visitor()
    key = somebody.form_key_of()
    assert somebody.post("/sign-in/demo", {"form_key": key, "person": "p1\0"}).status_code == 422
    assert somebody.post("/webhooks/%00", {}).status_code == 422
    somebody.demo("p1")
    key = somebody.form_key_of("/me")
    for item in ("99999999999999999999", "-1", "0"):
        answer = somebody.post("/items", {"form_key": key, "choice": "keep_off", "item": item})
        assert answer.status_code in (404, 422), item
    assert somebody.post("/items", {"form_key": "ключ", "choice": "keep_off", "item": "1"}).status_code == 403


def test_the_broker_answers_at_the_portal(site: PortalSite, ada: int) -> None:
    somebody = site.visitor()
    somebody.demo("p1")
    orcid = site.record("Ada", "Okafor")
    somebody.connect(orcid)
    asked = f"{PREFIX}/researchers/p1?scopes=/read-limited"
    refused = somebody.get(asked)
    assert refused.status_code == 401, "a researcher's session is no unit's credential"
    assert refused.headers["content-type"] == "application/json"
    secret = add_client(site.ledger, "library", "repository", actor="test").reveal()
    credential = {"Authorization": f"Bearer {secret}"}
    told = site.visitor().get(asked, headers=credential)
    assert (told.status_code, told.json()["orcid"]) == (200, orcid)
    read = site.visitor().get(f"{PREFIX}/researchers/p1/orcid/activities", headers=credential)
    assert read.status_code == 200
    assert "default-src 'none'" in read.headers["content-security-policy"]
    assert site.visitor().get(f"{PREFIX}/nothing", headers=credential).status_code == 404
