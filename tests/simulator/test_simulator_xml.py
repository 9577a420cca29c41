from __future__ import annotations

from typing import Any

import pytest
import requests
from lxml import etree
from orcid_simulator import parsing, xml_output
from orcid_simulator.errors import ApiError
from orcid_simulator.sections import BY_SINGULAR

from tests.simulator.support import SAMPLES, Member, changed, employment, external_id, funding, ids, work

XML = "application/vnd.orcid+xml"
NS = {
    name: f"http://www.orcid.org/ns/{name}"
    for name in ("common", "work", "activities", "error", "bulk", "record", "employment")
}

WORK = """<work:work {attributes}
    xmlns:work="http://www.orcid.org/ns/work" xmlns:common="http://www.orcid.org/ns/common">
  <work:title><common:title>{title}</common:title></work:title>
  <work:type>{type}</work:type>
  {more}
  <common:external-ids><common:external-id>
    <common:external-id-type>doi</common:external-id-type>
    <common:external-id-value>{doi}</common:external-id-value>
    <common:external-id-relationship>{relationship}</common:external-id-relationship>
  </common:external-id></common:external-ids>
</work:work>"""


def xml_work(**parts: str) -> str:
    defaults = {
        "attributes": "",
        "title": "A title",
        "type": "journal-article",
        "more": "",
        "doi": "10.5555/x",
        "relationship": "self",
    }
    return WORK.format(**{**defaults, **parts})


def error_of(answer: requests.Response) -> tuple[int, int]:
    root = etree.fromstring(answer.content)
    assert etree.QName(root).localname == "error"
    return answer.status_code, int(root.findtext("error:error-code", namespaces=NS) or 0)


@pytest.fixture
def writer(member: Member) -> Member:
    member.media = XML
    return member


def test_an_xml_work_is_added_and_read_in_both_formats(writer: Member) -> None:
    answer = writer.post("/work", xml_work(title="Über &amp; unter"))
    assert answer.status_code == 201, answer.text
    put_code = answer.headers["location"].rsplit("/", 1)[1]
    read = writer.get(f"/work/{put_code}")
    assert read.headers["content-type"] == f"{XML};charset=UTF-8"
    root = etree.fromstring(read.content)
    assert root.get("put-code") == put_code
    assert root.get("visibility") == "public"
    assert root.findtext("work:title/common:title", namespaces=NS) == "Über & unter"
    as_json = writer.get(f"/work/{put_code}", Accept="application/json").json()
    assert as_json["title"]["title"]["value"] == "Über & unter"


@pytest.mark.parametrize("section", sorted(SAMPLES))
def test_what_is_written_as_xml_reads_back_as_the_same_message(member: Member, section: str) -> None:
    put_code = member.add(section)
    body = member.get(f"/{section}/{put_code}").json()
    xml = member.get(f"/{section}/{put_code}", Accept=XML).content
    declared = BY_SINGULAR[section]
    parsed = parsing.single(xml, "xml", declared.message, section, declared.ns)
    declared.settle(parsed.content)
    assert parsed.content == {name: body[name] for name in parsed.content}
    assert (parsed.put_code, parsed.visibility) == (put_code, "public")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ("<not xml", 400, 9001),
        ("", 400, 9001),
        (xml_work(more="<work:colour>red</work:colour>"), 400, 9012),
        (xml_work(more="<work:type>book</work:type>"), 400, 9012),
        (xml_work(title=" "), 400, 9012),
        (xml_work(title="x" * 1001), 400, 9012),
        (xml_work(type="dissertation"), 400, 9051),
        (xml_work(relationship="SELF"), 400, 9051),
        (xml_work(attributes='visibility="secret"'), 400, 9051),
        (xml_work(relationship="part-of"), 400, 9023),
        (xml_work(attributes='put-code="5"'), 400, 9024),
        (xml_work().replace("/ns/work", "/ns/werk"), 400, 9012),
        (xml_work().replace("work:work", "work:werk"), 400, 9012),
        (f"<bulk:bulk xmlns:bulk='http://www.orcid.org/ns/bulk'>{xml_work()}</bulk:bulk>", 400, 9012),
    ],
    ids=[
        "no xml", "nothing", "an unknown element", "an element out of order", "a blank title", "a long title",
        "an unknown type", "an unknown relationship", "an unknown visibility", "no self identifier", "a put code",
        "another namespace", "another root", "a bulk",
    ],
)  # fmt: skip
def test_an_xml_work_is_refused_for(writer: Member, sent: str, status: int, code: int) -> None:
    assert error_of(writer.post("/work", sent)) == (status, code)


def test_external_entities_are_not_read(writer: Member) -> None:
    doctype = '<!DOCTYPE work [<!ENTITY secret SYSTEM "file:///etc/hostname">]>'
    answer = writer.post("/work", doctype + xml_work(title="&secret;"))
    assert answer.status_code == 400


def test_an_xml_bulk_is_taken_item_by_item(writer: Member) -> None:
    items = [xml_work(doi="10.1/1"), xml_work(doi="10.1/2", type="unheard-of"), xml_work(doi="10.1/1")]
    answer = writer.post("/works", f"<bulk:bulk xmlns:bulk='{NS['bulk']}'>{''.join(items)}</bulk:bulk>")
    assert answer.status_code == 200
    root = etree.fromstring(answer.content)
    assert [etree.QName(child).localname for child in root] == ["work", "error", "error"]
    codes = root.xpath("error:error/error:error-code/text()", namespaces=NS)
    assert codes == ["9037", "9021"]


def test_an_xml_bulk_is_not_held_against_the_schema(writer: Member) -> None:
    strange = xml_work(more="<work:colour>red</work:colour><work:journal-title>Late</work:journal-title>")
    answer = writer.post("/works", f"<bulk:bulk xmlns:bulk='{NS['bulk']}'>{strange}</bulk:bulk>")
    root = etree.fromstring(answer.content)
    assert root.findtext("work:work/work:journal-title", namespaces=NS) == "Late"


def test_characters_that_xml_cannot_hold_are_left_out(member: Member) -> None:
    put_code = member.add("work", changed(work(), "bell\u0007", "title", "title", "value"))
    answer = member.get(f"/work/{put_code}", Accept=XML)
    assert etree.fromstring(answer.content).findtext("work:title/common:title", namespaces=NS) == "bell"


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accept", "expected"),
        [
            ("application/json", "application/json"),
            ("application/vnd.orcid+json", "application/vnd.orcid+json"),
            ("application/orcid+json", "application/orcid+json"),
            ("application/xml", "application/xml"),
            ("application/vnd.orcid+xml", "application/vnd.orcid+xml"),
            ("application/orcid+xml", "application/orcid+xml"),
            ("*/*", "application/vnd.orcid+xml"),
            (None, "application/vnd.orcid+xml"),
            ("text/html, application/json;q=0.5", "application/json"),
            ("application/json;q=0.5, application/vnd.orcid+xml", "application/vnd.orcid+xml"),
            ("application/*", "application/xml"),
        ],
    )
    def test_the_accept_header_decides(self, member: Member, accept: str | None, expected: str) -> None:
        session = requests.Session()
        del session.headers["Accept"]
        headers = {"Authorization": f"Bearer {member.token}"} | ({"Accept": accept} if accept else {})
        answer = session.get(member.url("/works"), headers=headers, timeout=5)
        assert answer.headers["content-type"].split(";")[0] == expected

    @pytest.mark.parametrize("accept", [None, "*/*"])
    def test_without_a_wish_the_type_of_the_body_counts(self, member: Member, accept: str | None) -> None:
        put_code = member.add("work")
        session = requests.Session()
        del session.headers["Accept"]
        headers = {"Authorization": f"Bearer {member.token}", "Content-Type": "application/orcid+json"}
        headers |= {"Accept": accept} if accept else {}
        answer = session.put(
            member.url(f"/work/{put_code}"), json=work(**{"put-code": put_code}), headers=headers, timeout=5
        )
        assert answer.headers["content-type"].startswith("application/orcid+json")

    def test_a_type_that_cannot_be_sent_is_406_without_content_type(self, member: Member) -> None:
        answer = member.get("/works", Accept="text/html")
        assert answer.status_code == 406
        assert "content-type" not in answer.headers

    def test_a_body_of_another_type_is_415(self, member: Member) -> None:
        answer = member.post("/work", "x", Content_Type="text/plain")
        assert (answer.status_code, answer.json()["error-code"]) == (415, 9001)

    def test_a_wrong_method_is_405(self, member: Member) -> None:
        answer = member.call("PATCH", "/work/1")
        assert (answer.status_code, answer.json()["error-code"]) == (405, 9001)

    @pytest.mark.parametrize("path", ["/nothing", "/work/1/2/3", "/works/1/2"])
    def test_an_unknown_path_is_404(self, member: Member, path: str) -> None:
        answer = member.get(path)
        assert (answer.status_code, answer.json()["error-code"]) == (404, 9001)

    def test_plain_json_is_compact_and_orcids_own_is_indented(self, member: Member) -> None:
        assert b"\n" not in member.get("/works").content
        assert b"\n  " in member.get("/works", Accept="application/vnd.orcid+json").content


class TestVersions:
    def test_a_read_without_version_is_redirected(self, member: Member) -> None:
        url = f"{member.registry.base_url}/pub/{member.orcid}/works"
        answer = requests.get(url, allow_redirects=False, timeout=5)
        assert answer.status_code == 302
        assert answer.headers["location"] == f"{member.registry.base_url}/pub/v3.0/{member.orcid}/works"

    def test_a_write_without_version_is_9012(self, member: Member) -> None:
        url = f"{member.registry.base_url}/pub/{member.orcid}/work"
        answer = requests.post(url, json={}, headers={"Accept": "application/json"}, timeout=5)
        assert (answer.status_code, answer.json()["error-code"]) == (400, 9012)

    @pytest.mark.parametrize(("version", "code"), [("v3.0_rc1", 9059), ("v2.0_rc2", 9056), ("v4.0", 9056)])
    def test_a_release_candidate_is_308_to_the_stable_version(
        self, member: Member, version: str, code: int
    ) -> None:
        url = f"{member.registry.base_url}/{version}/{member.orcid}/works"
        headers = {"Accept": "application/json"}
        answer = requests.get(url, headers=headers, allow_redirects=False, timeout=5)
        assert (answer.status_code, answer.json()["error-code"]) == (308, code)
        assert answer.headers["location"] == member.url("/works")

    @pytest.mark.parametrize("version", ["v1.1", "v1.2"])
    def test_dead_versions_are_9012(self, member: Member, version: str) -> None:
        url = f"{member.registry.base_url}/{version}/{member.orcid}/works"
        answer = requests.get(url, headers={"Accept": "application/json"}, timeout=5)
        assert (answer.status_code, answer.json()["error-code"]) == (400, 9012)


@pytest.mark.parametrize(
    "body",
    [
        {"record": {}},
        employment(**{"external-ids": ids(external_id("uri", "https://a.org"))}),
        funding(amount={"value": "1.00", "currency-code": "EUR"}),
    ],
)
def test_a_foreign_message_never_breaks_the_reader(body: dict[str, Any]) -> None:
    section = BY_SINGULAR["work"]
    with pytest.raises(ApiError):
        parsing.single(str(body).encode(), "xml", section.message, "work", "work")


def test_an_error_object_is_written_in_its_order() -> None:
    body = {
        "response-code": 400,
        "developer-message": "d",
        "user-message": "u",
        "error-code": 9001,
        "more-info": "m",
    }
    root = etree.fromstring(xml_output.document("error", body))
    assert [etree.QName(child).localname for child in root] == list(body)
