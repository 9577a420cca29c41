"""What the local stack keeps between its starts: generated secrets, names and ports, readable by nobody else."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from orcid_sync.local.private import write_private
from orcid_sync.vault.crypto import KeyRing

HOST: Final = "127.0.0.1"
OPERATOR: Final = "operator"
USERS: Final = {"admin": "admin", OPERATOR: "op", "librarian": "user", "viewer": "viewer"}
"""The logins of the local Airflow, each with its role there."""


def _password() -> str:
    # Without - and _ at its ends, so that a double click selects it whole.
    return secrets.token_hex(12)


@dataclass
class State:
    """Everything that has to be the same at the next start.

    `suffix` tells this stack's databases from those of another one on the same server.
    """

    suffix: str = field(default_factory=lambda: secrets.token_hex(2))
    users: dict[str, str] = field(default_factory=lambda: {user: _password() for user in USERS})
    cris_password: str = field(default_factory=_password)
    ledger_password: str = field(default_factory=_password)
    ledger_owner_password: str = field(default_factory=_password)
    airflow_password: str = field(default_factory=_password)
    vault_key: str = field(default_factory=lambda: KeyRing.generate_key().reveal())
    fernet_key: str = field(default_factory=lambda: KeyRing.generate_key().reveal())
    jwt_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    redis_password: str = field(default_factory=lambda: secrets.token_hex(16))
    api_secret: str = field(default_factory=lambda: secrets.token_hex(32))
    client_id: str = ""
    client_secret: str = ""
    old_client_id: str = ""
    executor: str = "local"
    ports: dict[str, int] = field(default_factory=dict)
    loaded: bool = False

    @property
    def cris(self) -> str:
        """Name of the CRIS's database; its reader logs in as `<name>_login`."""
        return f"orcid_sync_cris_{self.suffix}"

    @property
    def ledger(self) -> str:
        """Name of the ledger's database; its logins are `<name>_login` and `<name>_migrator`."""
        return f"orcid_sync_ledger_{self.suffix}"

    @property
    def airflow(self) -> str:
        """Name of Airflow's own database, and of its owner."""
        return f"orcid_sync_airflow_{self.suffix}"

    def port(self, name: str) -> int:
        """The port of a process: as last time while it is free, else the kernel's choice."""
        if name not in self.ports or not _is_free(self.ports[name]):
            self.ports[name] = _free_port()
        return self.ports[name]

    def save(self, path: Path) -> None:
        """Keep it in a file that only its owner can read."""
        write_private(path, json.dumps(asdict(self), indent=2))

    @classmethod
    def load(cls, path: Path) -> State:
        """The kept state, or a new one."""
        return cls(**json.loads(path.read_text())) if path.exists() else cls()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
