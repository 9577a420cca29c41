"""Where the real input is; its tests are skipped without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder named by ORCID_SYNC_REALDATA, else the one beside the project's."""
    folder = Path(os.environ.get("ORCID_SYNC_REALDATA") or Path(__file__).parents[3] / "shared" / "real-data")
    if not folder.is_dir():
        pytest.skip("set ORCID_SYNC_REALDATA to the folder of real input")
    return folder
