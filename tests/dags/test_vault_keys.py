"""The vault's keys out of a secrets backend of Airflow, as the DAGs find them; a rotation needs no restart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from orcid_sync.secret import Secret
from orcid_sync.vault.crypto import KeyRing

# Airflow asks its backends; ours is configured like any other.
LOOK = """
import json, sys
from pathlib import Path
from orcid_sync.settings import Settings
from orcid_sync.vault.crypto import Sealed
from orcid_sync.vault.keys import key_ring, key_source
from orcid_sync_airflow import _known_connection as find

place, sealed, answer = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
ring = key_ring(Settings(), find)
first = ring.current
connections = json.loads(place.read_text())
connections["vault_keys"] = connections.pop("next")
place.write_text(json.dumps(connections))
opened = ring.decrypt(Sealed(sealed["key_id"], bytes.fromhex(sealed["data"])), "context").reveal()
answer.write_text(json.dumps([key_source(Settings(), find), first, opened, ring.current]))
"""


def test_a_task_finds_them_and_learns_a_new_key_when_it_meets_it(
    tmp_path: Path, airflow_database: None
) -> None:
    old, new = (f"{name}:{KeyRing.generate_key().reveal()}" for name in ("old", "new"))
    place, answer = tmp_path / "connections.json", tmp_path / "answer.json"
    place.write_text(
        json.dumps(
            {
                "vault_keys": {"conn_type": "generic", "password": old},
                "next": {"conn_type": "generic", "password": f"{new},{old}"},
            }
        )
    )
    sealed = KeyRing.parse(f"{new},{old}").encrypt(Secret("a token"), "context")
    backend = {
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(place)}),
        "PYTHONPATH": os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"],
    }
    script = tmp_path / "use_keys.py"
    script.write_text(LOOK)
    said = json.dumps({"key_id": sealed.key_id, "data": sealed.data.hex()})
    done = subprocess.run(
        [sys.executable, str(script), str(place), said, str(answer)],
        env={name: value for name, value in os.environ.items() if name != "ORCID_SYNC_KEYS"} | backend,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert answer.exists(), done.stdout + done.stderr
    assert json.loads(answer.read_text()) == ["connection vault_keys", "old", "a token", "new"]
    for key in (old, new):
        assert key.partition(":")[2] not in done.stdout + done.stderr
