"""The client over a real socket: what it sends, what it makes of answers, and what it never does."""

from __future__ import annotations

import datetime as dt
import gzip
import logging
import pickle
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from orcid_sync import errors
from orcid_sync.connections import connection_from_parts
from orcid_sync.errors import SettingInvalid
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.orcid.oauth import OAuth, code_from_callback
from orcid_sync.orcid.transport import Timeouts
from orcid_sync.secret import Secret

from tests.orcid.scripted import (
    CLIENT_ID,
    CLIENT_SECRET,
    TOKEN,
    Client,
    Scripted,
    ScriptedRegistry,
    client_for,
)

ORCID = "0000-0002-1825-0097"
NEW_ORCID = "0000-0001-5109-3700"
WORK = {"title": {"title": {"value": "On Cracks"}}, "type": "journal-article"}
EMPTY = {"path": f"/{ORCID}/activities", "works": {"group": []}, "employments": {"affiliation-group": []}}
BAD_TOKEN = {"error": "invalid_token", "error_description": f"Invalid access token: {TOKEN}"}


def refusal(status: int, code: int, message: str = "no") -> dict[str, object]:
    return {"response-code": status, "error-code": code, "developer-message": message}


# What goes out


def test_every_call_names_type_product_and_token(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(200, EMPTY))
    client.api.contact = "ops@example.edu"
    client.api.read_activities(ORCID, token)
    (received,) = registry.received
    assert (received.method, received.path) == ("GET", f"/v3.0/{ORCID}/activities")
    assert received.headers["Accept"] == "application/vnd.orcid+json"
    assert received.headers["Content-Type"] == "application/vnd.orcid+json"
    assert received.headers["Authorization"] == f"Bearer {TOKEN}"
    assert received.headers["User-Agent"] == "orcid-sync/0.1 (ops@example.edu)"


def test_works_are_added_in_one_call_and_answered_by_place(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(
        Scripted(
            200,
            {
                "bulk": [
                    {"work": {**WORK, "put-code": 5}},
                    {"error": refusal(409, 9021, "see element with put-code 3.")},
                    {"error": refusal(500, 9008)},
                    {"surprise": 1},
                ]
            },
        )
    )
    answers = client.api.add_works_bulk(ORCID, [WORK] * 4, token)
    assert registry.received[0].json == {"bulk": [{"work": WORK}] * 4}
    assert answers[0].put_code == 5
    assert answers[0].content == {**WORK, "put-code": 5}
    assert isinstance(answers[1].error, errors.Duplicate)
    assert answers[1].error.put_code == 3
    for answer in answers[2:]:
        assert isinstance(answer.error, errors.ServerError)
        assert answer.error.doubt


@pytest.mark.parametrize(
    "body",
    [{"bulk": []}, {"bulk": [{"work": {"put-code": 1}}]}, {"bulk": None}, [], b"", b"<html>"],
    ids=["none", "one of two", "null", "list", "empty", "html"],
)
def test_a_bulk_answer_that_does_not_match_what_was_sent_leaves_a_doubt(
    registry: ScriptedRegistry, client: Client, token: Secret, body: object
) -> None:
    registry.answers(Scripted(200, body))
    with pytest.raises(errors.ServerError) as caught:
        client.api.add_works_bulk(ORCID, [WORK, WORK], token)
    assert caught.value.doubt
    assert len(registry.received) == 1


def test_no_works_make_no_call_and_too_many_are_a_mistake(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    assert client.api.add_works_bulk(ORCID, [], token) == []
    with pytest.raises(ValueError, match="at most 100"):
        client.api.add_works_bulk(ORCID, [WORK] * 101, token)
    assert registry.received == []


def test_an_added_item_is_known_by_the_put_code_of_its_location(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(201, b"", {"Location": f"https://api.orcid.org/v3.0/{ORCID}/employment/77"}))
    assert client.api.add_item(ORCID, "employment", {"role-title": "Lecturer"}, token) == 77
    assert registry.received[0].path == f"/v3.0/{ORCID}/employment"


def test_an_added_item_without_location_leaves_a_doubt(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(201))
    with pytest.raises(errors.ServerError) as caught:
        client.api.add_item(ORCID, "employment", {}, token)
    assert caught.value.doubt


def test_an_update_carries_the_put_code_in_its_body_and_returns_the_item(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(200, {**WORK, "put-code": 9}))
    assert client.api.update_item(ORCID, "work", 9, WORK, token)["put-code"] == 9
    (received,) = registry.received
    assert (received.method, received.path, received.json) == (
        "PUT",
        f"/v3.0/{ORCID}/work/9",
        {**WORK, "put-code": 9},
    )


def test_a_removal_of_what_is_gone_says_so(registry: ScriptedRegistry, client: Client, token: Secret) -> None:
    registry.answers(Scripted(204), Scripted(404, refusal(404, 9016)))
    client.api.delete_item(ORCID, "work", 9, token)
    with pytest.raises(errors.Gone):
        client.api.delete_item(ORCID, "work", 9, token)


def test_full_works_are_read_a_hundred_a_call_and_matched_by_put_code(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    def page(first: int, last: int) -> list[dict[str, object]]:
        return [{"work": {**WORK, "put-code": code}} for code in range(last, first - 1, -1)]

    unknown = {"error": refusal(400, 9034, "'101' is not a valid put code")}
    hidden = {"error": refusal(403, 9013)}
    registry.answers(
        Scripted(200, {"bulk": page(1, 100)}), Scripted(200, {"bulk": [hidden, *page(103, 104), unknown]})
    )
    read = client.api.read_works(ORCID, [*range(1, 105), 1], token)
    assert set(read.found) == {*range(1, 101), 103, 104}
    assert {code: type(error) for code, error in read.errors.items()} == {
        101: errors.Gone,
        102: errors.Hidden,
    }
    assert [call.items for call in client.calls] == [100, 4]


def test_errors_of_a_bulk_read_that_name_nobody_are_not_guessed(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(200, {"bulk": [{"error": refusal(403, 9013)}, {"error": refusal(400, 9034)}]}))
    read = client.api.read_works(ORCID, [1, 2], token)
    assert {type(error) for error in read.errors.values()} == {errors.ItemRefused}


@pytest.mark.parametrize("orcid", ["", "0000-0002-1825-009", f"{ORCID}/../x", "me@example.edu"])
def test_what_is_no_id_never_gets_into_an_address(
    registry: ScriptedRegistry, client: Client, token: Secret, orcid: str
) -> None:
    with pytest.raises(ValueError, match="0000-0000-0000-000X"):
        client.api.read_activities(orcid, token)
    with pytest.raises(ValueError, match="no section"):
        client.api.add_item(ORCID, "work/1", WORK, token)
    assert registry.received == []


# What it never does


WRITES: list[Callable[[ApiClient, Secret], object]] = [
    lambda api, token: api.add_works_bulk(ORCID, [WORK], token),
    lambda api, token: api.add_item(ORCID, "work", WORK, token),
    lambda api, token: api.update_item(ORCID, "work", 1, WORK, token),
    lambda api, token: api.delete_item(ORCID, "work", 1, token),
]
WRITE_IDS = ["bulk", "add", "update", "delete"]


@pytest.mark.parametrize("write", WRITES, ids=WRITE_IDS)
@pytest.mark.parametrize("status", [500, 502, 503, 429, 504], ids=str)
def test_a_write_is_sent_once_whatever_the_answer(
    registry: ScriptedRegistry,
    client: Client,
    token: Secret,
    write: Callable[[ApiClient, Secret], object],
    status: int,
) -> None:
    registry.answers(Scripted(status))
    with pytest.raises(errors.Transient):
        write(client.api, token)
    assert len(registry.received) == 1
    assert client.pauses == []


@pytest.mark.parametrize("write", WRITES, ids=WRITE_IDS)
def test_a_write_follows_no_redirect_but_reads_the_new_record_from_it(
    registry: ScriptedRegistry, client: Client, token: Secret, write: Callable[[ApiClient, Secret], object]
) -> None:
    registry.answers(
        Scripted(409, refusal(409, 9007), {"Location": f"{registry.base}/v3.0/{NEW_ORCID}/work"}),
        Scripted(200),
    )
    with pytest.raises(errors.RecordMerged) as caught:
        write(client.api, token)
    assert caught.value.new_orcid == NEW_ORCID
    assert len(registry.received) == 1


def test_a_read_follows_no_redirect_either(registry: ScriptedRegistry, client: Client, token: Secret) -> None:
    registry.answers(
        Scripted(301, refusal(301, 9007), {"Location": f"{registry.base}/v3.0/{NEW_ORCID}/activities"}),
        Scripted(200, EMPTY),
    )
    with pytest.raises(errors.RecordMerged) as caught:
        client.api.read_activities(ORCID, token)
    assert caught.value.new_orcid == NEW_ORCID
    assert len(registry.received) == 1


def test_credentials_of_a_netrc_file_never_replace_the_token(
    registry: ScriptedRegistry,
    client: Client,
    token: Secret,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    registry.answers(Scripted(200, EMPTY))
    client.api.read_activities(ORCID, token)
    OAuth(client.api).revoke(token)
    assert registry.received[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert "Authorization" not in registry.received[1].headers


def test_cookies_are_never_sent_back(registry: ScriptedRegistry, client: Client, token: Secret) -> None:
    registry.answers(Scripted(200, EMPTY, {"Set-Cookie": "who=me; Path=/"}))
    client.api.read_activities(ORCID, token)
    client.api.read_activities(ORCID, token)
    assert "Cookie" not in registry.received[1].headers


# Repeating reads


def test_a_read_is_repeated_after_growing_pauses(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(500), Scripted(503), Scripted(502), Scripted(200, EMPTY))
    assert client.api.read_activities(ORCID, token).items == ()
    assert len(registry.received) == 4
    assert len(client.pauses) == 3
    assert all(0.1 <= pause <= 20 for pause in client.pauses)


def test_a_read_waits_at_least_as_long_as_the_registry_asks(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(429, b"", {"Retry-After": "7"}), Scripted(200, EMPTY))
    client.api.read_activities(ORCID, token)
    assert client.pauses[0] >= 7


def test_a_read_gives_up_at_once_where_the_registry_asks_for_a_long_wait(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(503, b"", {"Retry-After": "3600"}))
    with pytest.raises(errors.RateLimited) as caught:
        client.api.read_activities(ORCID, token)
    assert caught.value.retry_after == 3600
    assert len(registry.received) == 1


def test_a_read_gives_up_after_its_attempts(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(500))
    with pytest.raises(errors.ServerError) as caught:
        client.api.read_activities(ORCID, token)
    assert not caught.value.doubt
    assert len(registry.received) == 4


@pytest.mark.parametrize("status", [401, 404, 409, 403, 400], ids=str)
def test_a_read_is_not_repeated_where_that_can_not_help(
    registry: ScriptedRegistry, client: Client, token: Secret, status: int
) -> None:
    registry.answers(Scripted(status, refusal(status, 9999)))
    with pytest.raises(errors.SyncError):
        client.api.read_activities(ORCID, token)
    assert len(registry.received) == 1


# No answer


def cut(handler: BaseHTTPRequestHandler) -> None:
    """End the connection without a word."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def cut_in_the_body(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
    cut(handler)


def trickle(handler: BaseHTTPRequestHandler) -> None:
    """One byte at a time, always within the read timeout."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100_000):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.01)


def silence(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True
    # Ends when the client hangs up.
    handler.connection.recv(1)


@pytest.mark.parametrize("play", [cut, cut_in_the_body, trickle, silence], ids=lambda play: play.__name__)
@pytest.mark.parametrize("write", WRITES, ids=WRITE_IDS)
def test_a_write_without_a_whole_answer_is_in_doubt(
    registry: ScriptedRegistry,
    token: Secret,
    play: Callable[[BaseHTTPRequestHandler], None],
    write: Callable[[ApiClient, Secret], object],
) -> None:
    client = client_for(registry.base, timeouts=Timeouts(connect=1, read=0.2, deadline=0.3))
    registry.answers(Scripted(play=play))
    with pytest.raises(errors.NoAnswer) as caught:
        write(client.api, token)
    assert caught.value.doubt
    assert len(registry.received) == 1
    assert client.calls[0].status is None
    assert client.calls[0].failure == "no_answer"


def test_a_read_without_answer_is_repeated_and_leaves_no_doubt(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(play=cut))
    with pytest.raises(errors.NoAnswer) as caught:
        client.api.read_activities(ORCID, token)
    assert not caught.value.doubt
    assert len(registry.received) == 4


@pytest.mark.parametrize("write", WRITES, ids=WRITE_IDS)
def test_a_refused_connection_leaves_no_doubt(
    token: Secret, write: Callable[[ApiClient, Secret], object]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = client_for(f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(errors.Unreachable, match="ConnectionRefusedError") as caught:
            write(client.api, token)
    assert not caught.value.doubt


def test_a_server_that_speaks_no_tls_is_taken_for_a_lost_answer(
    registry: ScriptedRegistry, token: Secret
) -> None:
    client = client_for(registry.base.replace("http://", "https://"))
    with pytest.raises(errors.NoAnswer):
        client.api.add_item(ORCID, "work", WORK, token)
    assert registry.received == []


@pytest.fixture
def untrusted(tmp_path: Path) -> Iterator[str]:
    """A TLS server whose certificate nobody signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}"
    thread.join()
    listener.close()


def test_an_untrusted_certificate_is_a_misconfiguration(untrusted: str, token: Secret) -> None:
    client = client_for(untrusted)
    with pytest.raises(errors.Misconfigured, match="certificate isn't trusted"):
        client.api.add_item(ORCID, "work", WORK, token)


def test_an_address_that_is_none_is_a_misconfiguration(token: Secret) -> None:
    client = client_for("http://[broken")
    with pytest.raises(errors.Misconfigured, match="address"):
        client.api.add_item(ORCID, "work", WORK, token)


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {}], ids=["gzip", "chunked"])
def test_compressed_and_chunked_answers_are_read(
    registry: ScriptedRegistry, client: Client, token: Secret, headers: dict[str, str]
) -> None:
    body = orjson.dumps({**EMPTY, "padding": "x" * 300_000})

    def chunked(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for start in range(0, len(body), 10_000):
            piece = body[start : start + 10_000]
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")

    registry.answers(Scripted(200, gzip.compress(body), headers) if headers else Scripted(play=chunked))
    assert client.api.read_activities(ORCID, token).items == ()
    assert client.api.read_activities(ORCID, token).items == ()


# The observer, the turn, the last question


def test_the_observer_learns_about_each_call_and_never_a_token(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(500), Scripted(200, EMPTY), Scripted(401, BAD_TOKEN))
    client.api.read_activities(ORCID, token)
    with pytest.raises(errors.TokenRefused):
        client.api.add_works_bulk(ORCID, [WORK, WORK], token)
    assert [(c.method, c.endpoint, c.status, c.failure, c.orcid, c.items) for c in client.calls] == [
        ("GET", "/{orcid}/activities", 500, "server_error", ORCID, 0),
        ("GET", "/{orcid}/activities", 200, None, ORCID, 0),
        ("POST", "/{orcid}/works", 401, "token_refused", ORCID, 2),
    ]
    assert TOKEN not in repr(client.calls)


def test_an_observer_that_fails_loses_no_answer(
    registry: ScriptedRegistry, client: Client, token: Secret, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("no database")

    client.api.on_call = fail
    registry.answers(Scripted(201, b"", {"Location": "/v3.0/x/work/4"}))
    assert client.api.add_item(ORCID, "work", WORK, token) == 4
    assert "wasn't counted" in caplog.text


def test_each_attempt_takes_its_turn_and_a_refusal_for_rate_is_passed_on(
    registry: ScriptedRegistry, token: Secret
) -> None:
    class Noting(NoLimiter):
        def __init__(self) -> None:
            self.noted: list[object] = []

        def acquire(self, client_id: str, reserve: str = "batch") -> None:
            self.noted.append((client_id, reserve))

        def penalize(self, client_id: str, retry_after: float | None = None) -> None:
            self.noted.append(("penalty", retry_after))

    limiter = Noting()
    client = client_for(registry.base, limiter=limiter, lane="interactive")
    registry.answers(Scripted(503, b"", {"Retry-After": "2"}), Scripted(500), Scripted(200, EMPTY))
    client.api.read_activities(ORCID, token)
    turn = (CLIENT_ID, "interactive")
    assert limiter.noted == [turn, ("penalty", 2.0), turn, turn]


def test_what_is_asked_right_before_a_call_can_stop_it(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    asked: list[str | None] = []

    def paused(orcid: str | None) -> None:
        asked.append(orcid)
        raise errors.Transient("Paused", doubt=False)

    client.api.before_call = paused
    with pytest.raises(errors.Transient, match="Paused"):
        client.api.add_item(ORCID, "work", WORK, token)
    with pytest.raises(errors.Transient, match="Paused"):
        client.api.read_activities(ORCID, token)
    assert asked == [ORCID, ORCID]
    assert registry.received == []
    assert client.calls == []


def test_threads_share_one_client(registry: ScriptedRegistry, client: Client, token: Secret) -> None:
    registry.answers(Scripted(200, EMPTY))
    threads = [threading.Thread(target=client.api.read_activities, args=(ORCID, token)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(registry.received) == len(client.calls) == 16


# Tokens


def every_failure() -> list[tuple[str, Scripted]]:
    return [
        ("echoed token", Scripted(401, BAD_TOKEN)),
        ("echoed in an error object", Scripted(400, refusal(400, 9020, f"bad {TOKEN} {CLIENT_SECRET[:0]}"))),
        ("forbidden", Scripted(403, {"error": "forbidden", "error_description": f"no: {TOKEN}"})),
        ("server error", Scripted(500, TOKEN.encode())),
        ("cut", Scripted(play=cut)),
        ("cut in the body", Scripted(play=cut_in_the_body)),
        ("redirect", Scripted(302, b"", {"Location": f"http://x/?access_token={TOKEN}"})),
        ("no JSON", Scripted(200, b"<html>" + TOKEN.encode())),
    ]


CALLS: list[Callable[[ApiClient, Secret], object]] = [
    *WRITES,
    lambda api, token: api.read_activities(ORCID, token),
    lambda api, token: api.read_works(ORCID, [1], token),
    lambda api, token: OAuth(api).refresh(token),
    lambda api, token: OAuth(api).exchange_code(token, "https://x/callback"),
]


@pytest.mark.parametrize("call", CALLS, ids=[*WRITE_IDS, "activities", "works", "refresh", "exchange"])
@pytest.mark.parametrize(("name", "scripted"), every_failure(), ids=[name for name, _ in every_failure()])
def test_no_failure_shows_a_token_or_the_secret(
    registry: ScriptedRegistry,
    client: Client,
    token: Secret,
    caplog: pytest.LogCaptureFixture,
    call: Callable[[ApiClient, Secret], object],
    name: str,
    scripted: Scripted,
) -> None:
    caplog.set_level(logging.DEBUG)
    registry.answers(scripted)
    with pytest.raises(errors.SyncError) as caught:
        call(client.api, token)
    error = caught.value
    chain: BaseException | None = error
    shown = [caplog.text, repr(client.calls), repr(client.api)]
    while chain is not None:
        shown += [repr(chain), str(chain), repr(chain.__dict__)]
        chain = chain.__cause__ or chain.__context__
    shown.append("".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()))
    shown.append(repr(pickle.dumps(error)))
    # The test's own frames are allowed to know what they look for.
    text = "\n".join(shown).replace(repr(scripted), "").replace(f"{scripted}", "")
    frames = [line for line in text.splitlines() if "scripted" not in line]
    assert not [line for line in frames if TOKEN in line]
    assert not [line for line in frames if CLIENT_SECRET in line]


def test_an_error_keeps_no_trace_of_the_request(
    registry: ScriptedRegistry, client: Client, token: Secret
) -> None:
    registry.answers(Scripted(play=cut))
    with pytest.raises(errors.NoAnswer) as caught:
        client.api.add_item(ORCID, "work", WORK, token)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


# OAuth


GRANT = {
    "access_token": TOKEN,
    "token_type": "bearer",
    "refresh_token": "c7e5a7a2-1111-4129-9f07-aaf7b88ba88f",
    "expires_in": 631138518,
    "scope": "/read-limited /activities/update",
    "name": "Josiah Carberry",
    "orcid": ORCID,
    "tokenVersion": "1",
}


def test_a_code_becomes_a_permission(registry: ScriptedRegistry, client: Client) -> None:
    registry.answers(Scripted(200, GRANT))
    grant = OAuth(client.api).exchange_code(Secret("Aa1Bb2"), "https://portal.example.edu/callback")
    assert grant.access_token.reveal() == TOKEN
    assert grant.refresh_token is not None
    assert grant.scopes == {"/read-limited", "/activities/update"}
    assert grant.orcid == ORCID
    assert grant.expires_at is not None
    assert TOKEN not in repr(grant)
    assert "Josiah" not in repr(grant)
    form = registry.received[0].body.decode()
    assert registry.received[0].path == "/oauth/token"
    assert "grant_type=authorization_code" in form
    assert f"client_secret={CLIENT_SECRET}" in form
    assert registry.received[0].headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert registry.received[0].headers["Accept"] == "application/json"


def test_a_token_answer_without_a_token_leaves_a_doubt(registry: ScriptedRegistry, client: Client) -> None:
    registry.answers(Scripted(200, {"scope": "x"}))
    with pytest.raises(errors.ServerError, match="no token"):
        OAuth(client.api).refresh(Secret("x"))


def test_the_consent_page_gets_all_it_needs_and_no_secret(client: Client) -> None:
    url = OAuth(client.api).authorize_url(
        "https://portal.example.edu/callback",
        "/read-limited /activities/update",
        "st4te",
        lang="sv",
        orcid=None,
    )
    assert url.endswith(
        "/oauth/authorize?client_id=APP-0000000000000001&response_type=code"
        "&scope=%2Fread-limited+%2Factivities%2Fupdate"
        "&redirect_uri=https%3A%2F%2Fportal.example.edu%2Fcallback&state=st4te&lang=sv"
    )
    with pytest.raises(ValueError, match="family"):
        OAuth(client.api).authorize_url("https://x", "/read-limited", "s", family="x")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"state": "s", "code": "Aa1Bb2"}, None),
        ({"state": "other", "code": "Aa1Bb2"}, errors.ConsentFailed),
        ({"code": "Aa1Bb2"}, errors.ConsentFailed),
        ({"state": "s", "error": "access_denied"}, errors.ConsentFailed),
        ({"state": "s", "error": "invalid_scope"}, errors.Misconfigured),
        ({"state": "s"}, errors.Misconfigured),
    ],
    ids=["code", "another state", "no state", "denied", "scope", "nothing"],
)
def test_what_a_researcher_comes_back_with_is_read(
    query: dict[str, str], expected: type[errors.SyncError] | None
) -> None:
    if expected is None:
        assert code_from_callback(query, "s") == Secret("Aa1Bb2")
        return
    with pytest.raises(expected):
        code_from_callback(query, "s")


def test_a_search_renews_the_clients_own_token_once(registry: ScriptedRegistry, client: Client) -> None:
    hit = {"orcid-identifier": {"uri": "x", "path": ORCID, "host": "orcid.org"}}
    registry.answers(
        Scripted(200, {**GRANT, "orcid": None}),
        Scripted(401, BAD_TOKEN),
        Scripted(200, {**GRANT, "orcid": None}),
        Scripted(200, {"num-found": 1, "result": [hit]}),
    )
    found = client.api.search("ringgold-org-id:1 AND x", rows=10)
    assert (found.num_found, found.orcids) == (1, (ORCID,))
    registry.answers(Scripted(200, {"num-found": 0, "result": None}))
    assert client.api.search("x").orcids == ()
    assert [r.path.partition("?")[0] for r in registry.received] == [
        "/oauth/token",
        "/v3.0/search",
        "/oauth/token",
        "/v3.0/search",
        "/v3.0/search",
    ]


# From a connection


def test_orcids_own_hosts_need_no_extras() -> None:
    info = connection_from_parts(
        "orcid", conn_type="orcid", host="https://api.sandbox.orcid.org/", login=CLIENT_ID, password="s"
    )
    credentials = Credentials.from_connection(info)
    assert credentials.api_base == "https://api.sandbox.orcid.org"
    assert credentials.web_base == "https://sandbox.orcid.org"
    assert credentials.public_base == "https://pub.sandbox.orcid.org"


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"host": "api.orcid.org"}, "host is no web address"),
        ({"host": "http://api.orcid.org"}, "web_base is no web address|isn't https"),
        ({"host": "https://api.orcid.org", "login": ""}, "client id or secret"),
        ({"host": "https://api.orcid.org", "password": ""}, "client id or secret"),
        ({"host": "http://127.0.0.1:8090"}, "web_base is no web address"),
        ({"host": "https://api.orcid.org", "extra": {"web_base": "http://orcid.org"}}, "isn't https"),
    ],
)
def test_a_connection_that_is_not_enough_says_what_is_missing(parts: dict[str, str], why: str) -> None:
    given = {"conn_type": "orcid", "login": CLIENT_ID, "password": CLIENT_SECRET, **parts}
    with pytest.raises(SettingInvalid, match=why) as caught:
        Credentials.from_connection(connection_from_parts("orcid", **given))
    assert caught.value.variable == "AIRFLOW_CONN_ORCID"
    assert CLIENT_SECRET not in repr(caught.value)
