"""Every refusal of the registry means one thing: status, code and body in, error class out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orcid_sync import errors
from orcid_sync.errors import SyncError
from orcid_sync.orcid.answers import RULES, element_error, error_from, retry_after
from orcid_sync.orcid.calls import Answer, Call, Target
from orcid_sync.orcid.redaction import redact

ORCID = "0000-0002-1825-0097"
NEW_ORCID = "0000-0001-5109-3700"
TOKEN = "4bed1e13-7792-4129-9f07-aaf7b88ba88f"

ADD = Call("POST", "/{orcid}/employment", Target.RECORD, ORCID, 1)
BULK = Call("POST", "/{orcid}/works", Target.RECORD, ORCID, 100)
UPDATE = Call("PUT", "/{orcid}/work/{put_code}", Target.ITEM, ORCID, 1)
DELETE = Call("DELETE", "/{orcid}/work/{put_code}", Target.ITEM, ORCID, 1)
READ = Call("GET", "/{orcid}/activities", Target.RECORD, ORCID)
READ_ITEM = Call("GET", "/{orcid}/work/{put_code}", Target.ITEM, ORCID, 1)
READ_WORKS = Call("GET", "/{orcid}/works/{put_codes}", Target.BULK_READ, ORCID, 3)
SEARCH = Call("GET", "/search", Target.CLIENT)
EXCHANGE = Call("POST", "/oauth/token", Target.TOKEN, grant="authorization_code")
REFRESH = Call("POST", "/oauth/token", Target.TOKEN, grant="refresh_token")
CLIENT = Call("POST", "/oauth/token", Target.TOKEN, grant="client_credentials")
REVOKE = Call("POST", "/oauth/revoke", Target.TOKEN)


def coded(status: int, code: int, message: str = "the registry's words") -> Answer:
    body = {
        "response-code": status,
        "developer-message": message,
        "user-message": message,
        "error-code": code,
        "more-info": "https://members.orcid.org/api/resources/troubleshooting",
    }
    return Answer(status, {}, body)


def oauth(status: int, error: str) -> Answer:
    return Answer(status, {}, {"error": error, "error_description": f"Invalid access token: {TOKEN}"})


CODES: list[tuple[Call, int, int, type[SyncError]]] = [
    (ADD, 500, 9000, errors.ServerError),
    (ADD, 400, 9001, errors.Invalid),
    (READ, 400, 9001, errors.Misconfigured),
    (ADD, 404, 9001, errors.Misconfigured),
    (DELETE, 404, 9001, errors.Misconfigured),
    (ADD, 405, 9001, errors.Misconfigured),
    (READ, 406, 9001, errors.Misconfigured),
    (ADD, 415, 9001, errors.Misconfigured),
    (ADD, 401, 9002, errors.TokenRefused),
    (ADD, 401, 9003, errors.TokenRefused),
    (ADD, 403, 9004, errors.ScopeMissing),
    (ADD, 403, 9005, errors.ScopeMissing),
    (BULK, 400, 9006, errors.Invalid),
    (READ_WORKS, 400, 9006, errors.Misconfigured),
    (READ, 301, 9007, errors.RecordMerged),
    (ADD, 409, 9007, errors.RecordMerged),
    (BULK, 409, 9007, errors.RecordMerged),
    (ADD, 500, 9008, errors.ServerError),
    (ADD, 403, 9009, errors.ItemRefused),
    (UPDATE, 403, 9010, errors.NotSource),
    (DELETE, 403, 9010, errors.NotSource),
    (UPDATE, 404, 9011, errors.Gone),
    (READ, 404, 9011, errors.RecordUnknown),
    (ADD, 400, 9012, errors.Invalid),
    (SEARCH, 400, 9012, errors.Misconfigured),
    (READ_ITEM, 403, 9013, errors.Hidden),
    (UPDATE, 403, 9014, errors.NotSource),
    (ADD, 401, 9015, errors.Misconfigured),
    (UPDATE, 404, 9016, errors.Gone),
    (DELETE, 404, 9016, errors.Gone),
    (READ_ITEM, 404, 9016, errors.Gone),
    (READ, 404, 9016, errors.RecordUnknown),
    (ADD, 404, 9016, errors.RecordUnknown),
    (BULK, 404, 9016, errors.RecordUnknown),
    (READ, 401, 9017, errors.TokenOfAnotherRecord),
    (ADD, 409, 9018, errors.RecordLocked),
    (READ, 409, 9018, errors.RecordLocked),
    (UPDATE, 400, 9019, errors.Invalid),
    (ADD, 400, 9020, errors.Invalid),
    (ADD, 409, 9021, errors.Duplicate),
    (ADD, 400, 9022, errors.Invalid),
    (ADD, 400, 9023, errors.Invalid),
    (ADD, 400, 9024, errors.Invalid),
    (ADD, 409, 9025, errors.Duplicate),
    (ADD, 400, 9026, errors.Invalid),
    (SEARCH, 404, 9027, errors.Misconfigured),
    (DELETE, 404, 9028, errors.Gone),
    (DELETE, 404, 9029, errors.Gone),
    (ADD, 409, 9030, errors.Duplicate),
    (UPDATE, 409, 9031, errors.Invalid),
    (ADD, 409, 9032, errors.ItemRefused),
    (UPDATE, 400, 9033, errors.Gone),
    (READ_WORKS, 400, 9034, errors.Gone),
    (UPDATE, 400, 9034, errors.Invalid),
    (UPDATE, 403, 9035, errors.Invalid),
    (ADD, 409, 9036, errors.RecordUnclaimed),
    (ADD, 400, 9037, errors.Invalid),
    (ADD, 403, 9038, errors.ScopeMissing),
    (READ, 403, 9038, errors.ScopeMissing),
    (READ_ITEM, 403, 9038, errors.Hidden),
    (READ_WORKS, 403, 9038, errors.Hidden),
    (READ_ITEM, 403, 9039, errors.Hidden),
    (DELETE, 409, 9040, errors.ItemRefused),
    (READ_ITEM, 404, 9041, errors.Gone),
    (READ_WORKS, 400, 9042, errors.Misconfigured),
    (SEARCH, 400, 9043, errors.Misconfigured),
    (ADD, 409, 9044, errors.RecordDeactivated),
    (ADD, 400, 9045, errors.Invalid),
    (ADD, 400, 9046, errors.Invalid),
    (ADD, 400, 9047, errors.Invalid),
    (BULK, 409, 9048, errors.RecordFull),
    (ADD, 400, 9049, errors.Invalid),
    (ADD, 400, 9050, errors.Invalid),
    (ADD, 400, 9051, errors.Invalid),
    (ADD, 403, 9052, errors.Misconfigured),
    (ADD, 400, 9053, errors.Invalid),
    (ADD, 400, 9054, errors.Invalid),
    (ADD, 400, 9055, errors.Invalid),
    (READ, 308, 9056, errors.Misconfigured),
    (ADD, 409, 9057, errors.Misconfigured),
    (ADD, 400, 9058, errors.Invalid),
    (READ, 308, 9059, errors.Misconfigured),
    (ADD, 400, 9060, errors.Invalid),
    (ADD, 400, 9061, errors.Invalid),
    (ADD, 400, 9062, errors.Invalid),
]


@pytest.mark.parametrize(
    ("call", "status", "code", "expected"),
    CODES,
    ids=[f"{call.method}-{call.target.name.lower()}-{status}-{code}" for call, status, code, _ in CODES],
)
def test_every_code_of_the_registry_has_its_meaning(
    call: Call, status: int, code: int, expected: type[SyncError]
) -> None:
    error = error_from(coded(status, code), call)
    assert type(error) is expected
    assert (error.status, error.error_code) == (status, code)
    assert error.registry_message == "the registry's words"
    assert error.why
    assert error.remedy


def test_the_table_of_cases_covers_every_rule() -> None:
    assert {(status, code) for _, status, code, _ in CODES} == set(RULES)
    assert {code for _, code in RULES} == set(range(9000, 9063))


FAMILIES: list[tuple[str, Call, Answer, type[SyncError]]] = [
    ("bad token", ADD, oauth(401, "invalid_token"), errors.TokenRefused),
    ("bad token on a read", READ, oauth(401, "invalid_token"), errors.TokenRefused),
    ("the client's own bad token", SEARCH, oauth(401, "invalid_token"), errors.TokenRefused),
    ("another oauth error", ADD, oauth(401, "unauthorized"), errors.Misconfigured),
    ("no token, or public client", ADD, oauth(403, "forbidden"), errors.Misconfigured),
    ("a proxy's 401", ADD, Answer(401, {}, None), errors.Misconfigured),
    ("a firewall's 403", ADD, Answer(403, {}, None), errors.Misconfigured),
    ("another server's 404 on a delete", DELETE, Answer(404, {}, None), errors.Misconfigured),
    ("another server's 404 on a read", READ, Answer(404, {}, {"message": "no"}), errors.Misconfigured),
    ("a redirect of a write", ADD, Answer(302, {"Location": "https://x"}, None), errors.Misconfigured),
    ("a redirect without code", READ, Answer(301, {"Location": "https://x"}, None), errors.Misconfigured),
    ("unknown code 400", ADD, coded(400, 9999), errors.ItemRefused),
    ("unknown code 409", ADD, coded(409, 9999), errors.ItemRefused),
    ("unknown code 401", ADD, coded(401, 9999), errors.PermissionLost),
    ("unknown code 403", ADD, coded(403, 9999), errors.ItemRefused),
    ("unknown code 404", DELETE, coded(404, 9999), errors.Misconfigured),
    ("unknown code 400 on a read", READ, coded(400, 9999), errors.Misconfigured),
    ("known code, other status", ADD, coded(500, 9021), errors.ServerError),
    ("known code, gone with 500", DELETE, coded(500, 9016), errors.ServerError),
    ("bulk too large", BULK, Answer(413, {}, None), errors.Invalid),
    ("unprocessable", ADD, Answer(422, {}, None), errors.ItemRefused),
    ("door closed", ADD, Answer(503, {}, None), errors.RateLimited),
    ("quota", ADD, Answer(429, {"Retry-After": "7"}, None), errors.RateLimited),
    ("503 of the registry itself", ADD, coded(503, 9000), errors.ServerError),
    ("bad gateway", ADD, Answer(502, {}, None), errors.ServerError),
    ("gateway timeout", ADD, Answer(504, {}, None), errors.ServerError),
    ("request timeout", ADD, Answer(408, {}, None), errors.NoAnswer),
    ("a success that isn't this call's", ADD, Answer(200, {}, None), errors.ServerError),
    ("wrong secret", CLIENT, oauth(401, "invalid_client"), errors.Misconfigured),
    ("wrong secret at refresh", REFRESH, oauth(401, "invalid_client"), errors.Misconfigured),
    ("used code", EXCHANGE, oauth(400, "invalid_grant"), errors.ConsentFailed),
    ("dead refresh token", REFRESH, oauth(400, "invalid_grant"), errors.TokenRefused),
    ("dead refresh token, other word", REFRESH, oauth(401, "invalid_token"), errors.TokenRefused),
    ("more scope than granted", REFRESH, oauth(400, "invalid_scope"), errors.ScopeMissing),
    ("scope of another membership", CLIENT, oauth(400, "invalid_scope"), errors.Misconfigured),
    ("unknown scope", EXCHANGE, oauth(401, "invalid_scope"), errors.Misconfigured),
    ("locked client", CLIENT, oauth(400, "unauthorized_client"), errors.Misconfigured),
    ("locked record", REFRESH, oauth(400, "unauthorized_client"), errors.TokenRefused),
    ("locked record at consent", EXCHANGE, oauth(400, "unauthorized_client"), errors.ConsentFailed),
    ("denied", EXCHANGE, oauth(400, "access_denied"), errors.ConsentFailed),
    ("missing field", REVOKE, oauth(400, "invalid_request"), errors.Misconfigured),
    ("token server down", REFRESH, oauth(500, "server_error"), errors.ServerError),
    ("token server down, other word", REFRESH, oauth(502, "bad"), errors.ServerError),
    ("token server busy", REFRESH, Answer(503, {}, None), errors.RateLimited),
]


@pytest.mark.parametrize(
    ("call", "answer", "expected"),
    [case[1:] for case in FAMILIES],
    ids=[case[0] for case in FAMILIES],
)
def test_what_is_not_in_the_table_falls_to_its_family(
    call: Call, answer: Answer, expected: type[SyncError]
) -> None:
    error = error_from(answer, call)
    assert type(error) is expected
    assert TOKEN not in repr(error.__dict__) + str(error)


@pytest.mark.parametrize(
    ("answer", "call", "doubt"),
    [
        (Answer(500), ADD, True),
        (Answer(500), READ, False),
        (Answer(504), DELETE, True),
        (Answer(503), ADD, False),
        (Answer(429), UPDATE, False),
        (coded(500, 9008), BULK, True),
    ],
    ids=["write 500", "read 500", "delete 504", "write 503", "update 429", "bulk 9008"],
)
def test_doubt_remains_where_a_write_may_have_been_carried_out(
    answer: Answer, call: Call, doubt: bool
) -> None:
    error = error_from(answer, call)
    assert isinstance(error, errors.Transient)
    assert error.doubt is doubt


def test_a_duplicate_names_the_put_code_of_our_item() -> None:
    message = (
        "409 Conflict: You have already added this activity (matched by external identifiers), please see "
        "element with put-code 178602. If you are trying to edit the item, please use PUT instead of POST."
    )
    error = error_from(coded(409, 9021, message), ADD)
    assert isinstance(error, errors.Duplicate)
    assert error.put_code == 178602


@pytest.mark.parametrize(
    "message",
    ["please see element with put-code ${putCode}.", "something else", ""],
    ids=["unfilled", "other", "none"],
)
def test_a_duplicate_that_names_no_put_code_has_none(message: str) -> None:
    error = error_from(coded(409, 9021, message), ADD)
    assert isinstance(error, errors.Duplicate)
    assert error.put_code is None


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        ({"Location": f"https://api.orcid.org/v3.0/{NEW_ORCID}/activities"}, "merged", NEW_ORCID),
        ({"location": f"/v3.0/{NEW_ORCID}/works"}, "merged", NEW_ORCID),
        ({}, f"Please refer to account: {NEW_ORCID}. ORCID {ORCID}", NEW_ORCID),
        (
            {},
            f"Please refer to account: https://orcid.org/{NEW_ORCID}. ORCID https://orcid.org/{ORCID}",
            NEW_ORCID,
        ),
        ({"Location": f"/v3.0/{ORCID}/works"}, f"refer to {ORCID}", None),
        ({}, "Please refer to account: ${orcid}. ORCID ${deprecated_orcid}", None),
    ],
    ids=["location", "lower-case header", "message", "message with links", "only the old one", "unfilled"],
)
def test_a_merged_record_names_the_new_one(
    headers: dict[str, str], message: str, expected: str | None
) -> None:
    answer = Answer(409, headers, coded(409, 9007, message).body)
    error = error_from(answer, ADD)
    assert isinstance(error, errors.RecordMerged)
    assert error.new_orcid == expected
    assert NEW_ORCID not in str(error) + error.registry_message


@pytest.mark.parametrize(
    ("code", "message", "field", "reason"),
    [
        (9022, "a title is required", "title", "invalid_field"),
        (9023, "an external identifier is required", "external-ids", "invalid_field"),
        (9045, "disambiguated-organization must be valid", "organization", "organisation_unknown"),
        (9037, "Invalid country, valid values are: AF, AX", "country", "invalid_field"),
        (9037, "Invalid work type, valid values are: annotation", "work-type", "invalid_field"),
        (9037, "no such thing", None, "refused_by_orcid"),
        (9020, "Invalid incoming message.", None, "refused_by_orcid"),
    ],
)
def test_a_refused_item_names_the_field(code: int, message: str, field: str | None, reason: str) -> None:
    error = error_from(coded(400, code, message), ADD)
    assert isinstance(error, errors.Invalid)
    assert (error.field, error.reason) == (field, reason)


def test_an_element_of_a_bulk_answer_is_judged_by_the_status_it_would_have_had_alone() -> None:
    duplicate = element_error(coded(409, 9021, "see element with put-code 7.").body, BULK)
    assert isinstance(duplicate, errors.Duplicate)
    assert duplicate.status == 409
    assert isinstance(element_error({}, BULK), errors.ServerError)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Wed, 21 Oct 2026 07:28:10 GMT", 10.0),
        ("Wed, 21 Oct 2020 07:28:00 GMT", 0.0),
        ("soon", None),
        ("", None),
        ("-5", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(value: str, expected: float | None) -> None:
    now = dt.datetime(2026, 10, 21, 7, 28, tzinfo=dt.UTC)
    assert retry_after({"retry-after": value}, now) == expected


def test_messages_are_kept_without_tokens_ids_and_addresses() -> None:
    text = f"Invalid access token: {TOKEN.upper()} of\n {ORCID} <ann.lee@example.edu>"
    assert redact(text) == "Invalid access token: *** of (iD) <(e-mail)>"
    assert len(redact("x" * 2000)) == 500


_bodies: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.integers() | st.text() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "error-code", "developer-message", "response-code", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)


@given(
    st.integers(100, 599),
    _bodies,
    st.sampled_from(
        [ADD, BULK, UPDATE, DELETE, READ, READ_ITEM, READ_WORKS, SEARCH, EXCHANGE, REFRESH, CLIENT]
    ),
)
def test_any_answer_at_all_becomes_an_error_of_ours(status: int, body: object, call: Call) -> None:
    error = error_from(Answer(status, {}, body), call)
    assert isinstance(error, SyncError)
    assert error.who
    if type(error) in (errors.Gone, errors.RecordUnknown, errors.TokenRefused):
        assert isinstance(body, dict), "nothing is gone or lost without the registry's own word"
