"""Whatever the CRIS says: what is written and read back says the same, and is found again by what we know of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from orcid_simulator.testing import RunningSimulator, running_simulator
from orcid_sync.model.inputs import Organization
from orcid_sync.model.payloads import Payload, Surroundings, make_payload, match_keys
from orcid_sync.model.sections import AFFILIATIONS
from orcid_sync.model.validation import as_sendable, same_meaning
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.orcid.records import parse_item
from orcid_sync.secret import Secret
from orcid_sync.sync.mirror.store import keys_of

from tests.fixtures.section_rows import ROWS

pytestmark = pytest.mark.slow

TODAY = dt.date(2026, 6, 1)
CLIENT = "APP-0000000000000001"
SCOPES = "/read-limited /activities/update /person/update"

# Letters of several scripts, signs that XML and JSON treat, blanks of every width, markup.
WORDS = st.text(
    st.one_of(
        st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")),
        st.sampled_from(" \t\n&<>\"'\u00a0"),
    ),
    max_size=40,
) | st.sampled_from(
    ["<i>In vitro</i> &amp; more", "Ångström  e\u0301tude", "$\\alpha$-helix", "x" * 1200, "  "]
)
YEARS = st.integers(1950, 2025)
DATES = st.one_of(
    st.fixed_dictionaries({"year": YEARS}),
    st.fixed_dictionaries({"year": YEARS, "month": st.integers(1, 12)}),
    st.fixed_dictionaries({"year": YEARS, "month": st.integers(1, 12), "day": st.integers(1, 28)}),
)
TEXTS = {
    "funding": ("title", "short_description", "grant_number", "funder_name"),
    "peer-review": ("subject_container_name", "review_id", "convening_organization_name"),
    "research-resource": ("proposal_title", "proposal_id_value", "host_name"),
    "researcher-url": ("url_name",),
    "external-identifier": ("external_id_type", "external_id_value"),
    **dict.fromkeys(AFFILIATIONS, ("role_title", "department_name", "organization_name")),
}


@st.composite
def rows(draw: st.DrawFn, section: str) -> dict[str, Any]:
    """The section's row, with other words, and dates as exact as somebody knew them."""
    row = dict(ROWS[section])
    for name in TEXTS[section]:
        if name != "organization_name" or name in row:
            row[name] = draw(WORDS)
    for prefix in {name.rpartition("_")[0] for name in row if name.endswith("_year")}:
        for part in ("year", "month", "day"):
            row.pop(f"{prefix}_{part}", None)
        row |= {f"{prefix}_{part}": value for part, value in draw(DATES).items()}
    if section == "funding":
        row["amount"] = draw(st.decimals(1, 10**9, places=draw(st.integers(0, 4))))
    return row


@pytest.fixture(scope="module")
def simulator() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        running.control.client(client_id=CLIENT, client_secret="s")
        yield running


@pytest.fixture(scope="module")
def record(simulator: RunningSimulator) -> Iterator[tuple[ApiClient, str, Secret]]:
    """A client, a record and its token."""
    base = simulator.base_url
    api = ApiClient(Credentials(CLIENT, Secret("s"), base, base, f"{base}/pub"), NoLimiter())
    orcid = simulator.control.record()
    token = Secret(simulator.control.token(CLIENT, orcid, SCOPES)["access_token"])
    yield api, orcid, token
    api.close()


@pytest.mark.parametrize("uri", [None, "https://cris.example.edu/id"], ids=["", "by uri"])
@pytest.mark.parametrize("section", ROWS)
def test_what_is_written_reads_back_as_the_same(
    record: tuple[ApiClient, str, Secret], section: str, uri: str | None
) -> None:
    api, orcid, token = record
    unit = {"unit_id": "U1", "name": "Uppsala", "city": "Uppsala", "country": "SE", "ror_id": "048a87296"}
    around = Surroundings(
        TODAY, path=[Organization.from_row(unit)], item_uri=f"{uri}/{section}/X1" if uri else None
    )

    @settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(rows(section))
    def holds(row: dict[str, Any]) -> None:
        payload = make_payload(section, row, around)
        assume(isinstance(payload, Payload))
        assert isinstance(payload, Payload)
        again = make_payload(section, dict(reversed(row.items())), around)
        assert isinstance(again, Payload)
        assert again.digest == payload.digest
        put_code = api.add_item(orcid, section, payload.content, token)
        try:
            stays(section, put_code, payload)
        finally:
            api.delete_item(orcid, section, put_code, token)

    def stays(section: str, put_code: int, payload: Payload) -> None:
        read = api.read_item(orcid, section, put_code, token)
        assert same_meaning(section, payload.content, read)
        standing = api.read_activities(orcid, token, person=True)
        [item] = [one for one in standing.section(section) if one.put_code == put_code]
        assert any(keys_of(item).get(key) == "self" for key in match_keys(payload))
        assert keys_of(parse_item(section, read)) == keys_of(item)
        put_back = api.update_item(orcid, section, put_code, as_sendable(read), token)
        assert same_meaning(section, read, put_back)

    holds()
