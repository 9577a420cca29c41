"""Start a registry for tests and play everybody else through its control API.

>>> with running_simulator() as registry:
...     client = registry.control.client()
...     orcid = registry.control.record()
...     token = registry.control.token(client.client_id, orcid)["access_token"]
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import requests

from orcid_simulator.server import ServerThread, bind
from orcid_simulator.settings import Settings

MEMBER_SCOPES = "/read-limited /activities/update /person/update"
START_TIMEOUT_SECONDS = 30.0


class ControlError(RuntimeError):
    """The control API refused a call; the message holds its answer."""


class ClientCredentials(NamedTuple):
    """What an API client needs to ask for tokens."""

    client_id: str
    client_secret: str


class Control:
    """The control API: plays researchers, other organisations and accidents."""

    def __init__(self, base_url: str, control_token: str | None = None) -> None:
        self._base = f"{base_url}/control"
        self._session = requests.Session()
        self._session.trust_env = False
        if control_token:
            self._session.headers["Authorization"] = f"Bearer {control_token}"

    def client(
        self,
        name: str = "Test University",
        kind: str = "member",
        redirect_uris: Sequence[str] = (),
        client_id: str | None = None,
        client_secret: str | None = None,
    ) -> ClientCredentials:
        """Register an API client; `kind` is member, premium or public."""
        body = {
            "name": name,
            "kind": kind,
            "redirect_uris": list(redirect_uris),
            "client_id": client_id,
            "client_secret": client_secret,
        }
        answer = self._call("POST", "/clients", body)
        return ClientCredentials(answer["client_id"], answer["client_secret"])

    def record(
        self,
        given_names: str = "Josiah",
        family_name: str = "Carberry",
        orcid: str | None = None,
        default_visibility: str = "public",
        **more: Any,
    ) -> str:
        """Register a researcher and return the iD."""
        body = {
            "given_names": given_names,
            "family_name": family_name,
            "orcid": orcid,
            "default_visibility": default_visibility,
            **more,
        }
        return str(self._call("POST", "/records", body)["orcid"])

    def patch_record(self, orcid: str, **changes: Any) -> dict[str, Any]:
        """Change status (active, locked, deactivated, deprecated with primary, unclaimed) or default_visibility."""
        answer: dict[str, Any] = self._call("PATCH", f"/records/{orcid}", changes)
        return answer

    def get_record(self, orcid: str) -> dict[str, Any]:
        """The whole record: `items` with source, visibility and dates, and the count of notifications."""
        answer: dict[str, Any] = self._call("GET", f"/records/{orcid}")
        return answer

    def token(self, client_id: str, orcid: str | None = None, scope: str = MEMBER_SCOPES) -> dict[str, Any]:
        """Issue a token without the browser; without an iD it is a client token. Returns the token response."""
        answer: dict[str, Any] = self._call(
            "POST", "/tokens", {"client_id": client_id, "orcid": orcid, "scope": scope}
        )
        return answer

    def revoke(self, token: str, by: str = "client") -> None:
        """Revoke a token; `by` is user (the DELETE exception holds) or client."""
        self._call("DELETE", f"/tokens/{token}", params={"by": by})

    def add_item(
        self,
        orcid: str,
        section: str,
        item: Mapping[str, Any],
        source: str = "user",
        visibility: str | None = None,
        display_index: int | None = None,
    ) -> int:
        """Put an item on a record as its researcher ("user") or another API client; returns the put code."""
        body = {
            "item": dict(item),
            "source": source,
            "visibility": visibility,
            "display_index": display_index,
        }
        return int(self._call("POST", f"/records/{orcid}/{section}", body)["put_code"])

    def remove_item(self, orcid: str, section: str, put_code: int) -> None:
        """The researcher removes an item, whoever added it."""
        self._call("DELETE", f"/records/{orcid}/{section}/{put_code}")

    def fault(self, kind: str, *, times: int = 1, **match: Any) -> dict[str, Any]:
        """Plan a fault: kind is status, drop_before, drop_after or delay.

        `match` takes method, path (regex searched in the path), client_id, and the fault's own status, error_code,
        retry_after, seconds, after_items.
        """
        answer: dict[str, Any] = self._call("POST", "/faults", {"kind": kind, "times": times, **match})
        return answer

    def clear_faults(self) -> None:
        """Forget every planned fault."""
        self._call("DELETE", "/faults")

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls with number above `since`, oldest first."""
        answer: list[dict[str, Any]] = self._call("GET", "/calls", params={"since": str(since)})
        return answer

    def summary(self) -> dict[str, Any]:
        """Counts of calls by endpoint, refused calls, the busiest second, notifications by iD."""
        answer: dict[str, Any] = self._call("GET", "/summary")
        return answer

    def reset(self) -> None:
        """Forget everything: clients, records, tokens, faults, calls."""
        self._call("POST", "/reset")

    def call(self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None) -> Any:
        """Any other call of the control API, e.g. `call("POST", "/webhooks/flush")`."""
        return self._call(method, path, body, params)

    def _call(self, method: str, path: str, body: Any = None, params: Mapping[str, str] | None = None) -> Any:
        answer = self._session.request(method, f"{self._base}{path}", json=body, params=params, timeout=60)
        if answer.status_code >= 400:
            message = f"control API: {method} {path} answered {answer.status_code}: {answer.text[:500]}"
            raise ControlError(message)
        return answer.json() if answer.content else None


@dataclass
class RunningSimulator:
    """A registry that answers on `base_url`."""

    base_url: str
    control: Control
    _settings: Settings
    _port: int
    _process: subprocess.Popen[str] | None = None
    _thread: ServerThread | None = None

    @property
    def api_base(self) -> str:
        """Base of the member API, without the version."""
        return self.base_url

    @property
    def web_base(self) -> str:
        """Base of sign-in, consent and OAuth."""
        return self.base_url

    @property
    def public_base(self) -> str:
        """Base of the public API, without the version."""
        return f"{self.base_url}/pub"

    def kill(self) -> None:
        """End the process as a crash would (SIGKILL). Only with `process=True`."""
        if self._process is None:
            message = "only a simulator started with process=True can be killed"
            raise RuntimeError(message)
        self._process.kill()
        _reap(self._process)

    def start(self) -> None:
        """Start again on the same port and state after `kill`."""
        self._process = _spawn(self._settings, self._port)
        _wait_until_ready(self.base_url, self._process)

    def close(self) -> None:
        """Stop it, whichever way it runs."""
        if self._thread is not None:
            self._thread.stop()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=10)
            if self._process.poll() is None:
                self._process.kill()
            _reap(self._process)


@contextmanager
def running_simulator(
    state: Path | str | None = None,
    rate: float = 0,
    *,
    process: bool = False,
    **settings: Any,
) -> Iterator[RunningSimulator]:
    """Run a registry on a free loopback port for the length of the block.

    It lives in a thread of this process, or in a process of its own (`process=True`) that can be killed and started
    again on its state. `settings` are the fields of `Settings`; rate 0 is unlimited.
    """
    chosen = replace(Settings(**settings), state=Path(state) if state else None, rate=rate)
    simulator = _start_process(chosen) if process else _start_thread(chosen)
    try:
        yield simulator
    finally:
        simulator.close()


def _start_thread(settings: Settings) -> RunningSimulator:
    thread = ServerThread(settings, bind(0))
    thread.start()
    return RunningSimulator(
        thread.url, Control(thread.url, settings.control_token), settings, thread.port, _thread=thread
    )


def _start_process(settings: Settings) -> RunningSimulator:
    process = _spawn(settings, 0)
    url = _announced_url(process)
    simulator = RunningSimulator(
        url, Control(url, settings.control_token), settings, int(url.rsplit(":", 1)[1]), _process=process
    )
    _wait_until_ready(url, process)
    return simulator


def _spawn(settings: Settings, port: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orcid_simulator", "--port", str(port), *_arguments(settings)]
    environment_path = str(Path(__file__).parents[1])
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdout=subprocess.PIPE, text=True, cwd=environment_path
    )


def _arguments(settings: Settings) -> list[str]:
    """The settings that differ from their defaults as command line options."""
    arguments: list[str] = []
    for field in fields(Settings):
        value, default = getattr(settings, field.name), field.default
        if value == default or value is None:
            continue
        option = "--" + field.name.replace("_", "-")
        if isinstance(value, bool):
            arguments.append(option if value else "--no-" + option[2:])
        elif isinstance(value, frozenset):
            arguments += [part for entry in sorted(value) for part in (option, entry)]
        else:
            arguments += [option, str(value.resolve() if isinstance(value, Path) else value)]
    return arguments


def _reap(process: subprocess.Popen[str]) -> None:
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _announced_url(process: subprocess.Popen[str]) -> str:
    """The first line the command prints is its URL."""
    if process.stdout is None:
        message = "the simulator was started without a pipe"
        raise RuntimeError(message)
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.append(process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
    reader.start()
    reader.join(START_TIMEOUT_SECONDS)
    if not lines or not lines[0].strip():
        process.kill()
        message = (
            f"the simulator did not start (exit code {process.wait()}); run the command by hand to see why"
        )
        raise RuntimeError(message)
    return lines[0].split()[-1]


def _wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            message = f"the simulator ended with exit code {process.returncode} before it answered"
            raise RuntimeError(message)
        try:
            requests.get(f"{url}/v3.0/status", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.02)
        else:
            return
    message = f"the simulator did not answer on {url} within {START_TIMEOUT_SECONDS:.0f} s"
    raise RuntimeError(message)
