"""A registry that answers what a test wrote down, over a real socket, and a client for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from orcid_sync.orcid.calls import CallRecord
from orcid_sync.orcid.client import ApiClient, Credentials
from orcid_sync.orcid.limiter import NoLimiter
from orcid_sync.orcid.transport import Timeouts, Transport
from orcid_sync.secret import Secret

CLIENT_ID = "APP-0000000000000001"
CLIENT_SECRET = "c1ient-s3cret-d0-not-show"
TOKEN = "4bed1e13-7792-4129-9f07-aaf7b88ba88f"


@dataclass
class Received:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Scripted:
    """What to answer: a status with body and headers, or a function that plays the socket itself."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    play: Callable[[BaseHTTPRequestHandler], None] | None = None


class ScriptedRegistry:
    """Answers requests with the script, in order; the last answer repeats."""

    def __init__(self) -> None:
        self.script: list[Scripted] = [Scripted()]
        self.received: list[Received] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except ConnectionError:
                    self.close_connection = True

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                registry.received.append(
                    Received(self.command, self.path, dict(self.headers), self.rfile.read(length))
                )
                script = registry.script
                scripted = script.pop(0) if len(script) > 1 else script[0]
                if scripted.play is not None:
                    scripted.play(self)
                    return
                body = scripted.body if isinstance(scripted.body, bytes) else orjson.dumps(scripted.body)
                self.send_response(scripted.status)
                for name, value in scripted.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answers(self, *script: Scripted) -> None:
        self.script[:] = script

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class Client:
    """An API client that tells what it did: the calls its observer saw and the pauses it took."""

    api: ApiClient
    calls: list[CallRecord]
    pauses: list[float]


def client_for(base: str, client_id: str = CLIENT_ID, secret: str = CLIENT_SECRET, **options: Any) -> Client:
    calls: list[CallRecord] = []
    pauses: list[float] = []
    timeouts = options.pop("timeouts", Timeouts(connect=2, read=5, deadline=10))
    api = ApiClient(
        Credentials(client_id, Secret(secret), base, base, f"{base}/pub"),
        options.pop("limiter", NoLimiter()),
        Transport(timeouts),
        on_call=calls.append,
        sleep=pauses.append,
        **options,
    )
    return Client(api, calls, pauses)
