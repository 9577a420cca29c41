"""Serve the registry by uvicorn, in this process or in a thread of it."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from orcid_simulator.app import RegistryApp
from orcid_simulator.settings import Settings

LOOPBACK = "127.0.0.1"


class CuttableProtocol(HttpToolsProtocol):
    """HTTP that lets the application cut the TCP connection."""

    def on_message_begin(self) -> None:
        """Hand the transport to the application with each request."""
        super().on_message_begin()
        self.scope.setdefault("extensions", {})["orcid_simulator.transport"] = {"transport": self.transport}


def bind(port: int, host: str = LOOPBACK) -> socket.socket:
    """A listening socket; port 0 leaves the choice to the kernel.

    Raises:
        OSError: the port is taken or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only for sockets that say they are TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    listener.listen(2048)
    return listener


def url_of(listener: socket.socket) -> str:
    """The address a client on this machine uses."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = LOOPBACK
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def build_server(settings: Settings) -> uvicorn.Server:
    """A uvicorn server around one registry, quiet unless something breaks."""
    configuration: dict[str, Any] = {
        "http": CuttableProtocol,
        "lifespan": "on",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": 5,
        "backlog": 2048,
    }
    return uvicorn.Server(uvicorn.Config(RegistryApp(settings), **configuration))


def run(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until the server is told to end, on uvloop where it is installed."""
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve(sockets=[listener]))


class ServerThread:
    """A registry in a thread of this process."""

    def __init__(self, settings: Settings, listener: socket.socket) -> None:
        self._listener = listener
        self._server = build_server(settings)
        self._thread = threading.Thread(target=self._run, name="orcid-simulator", daemon=True)
        self.url = url_of(listener)
        self.port: int = listener.getsockname()[1]

    def start(self) -> None:
        """Start and wait until it serves.

        Raises:
            RuntimeError: the registry could not start (unreadable state folder, for instance).
        """
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                message = "the simulator's thread ended before it served; its error is on stderr"
                raise RuntimeError(message)
            time.sleep(0.005)

    def stop(self) -> None:
        """Finish the running requests and end."""
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._listener.close()

    def _run(self) -> None:
        run(self._server, self._listener)
