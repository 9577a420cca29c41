"""What is finished and nobody asks for again is kept for a time that the institution sets, and then let go.

Decisions, journal, put codes and payloads stay: they say who approved what, and what stands on whose record.
"""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from orcid_sync.ledger.session import Ledger
from orcid_sync.settings import Settings

_FINISHED: Final = {
    # Rows of the CRIS as they were, names included; corrected long ago.
    "quarantine": "DELETE FROM quarantine WHERE resolved_at < now() - %s",
    "alerts": "DELETE FROM alert WHERE resolved_at < now() - %s",
}


def let_go_of_finished(ledger: Ledger, settings: Settings) -> dict[str, Any]:
    """Delete what has been finished for longer than `keep_days`; returns `{quarantine, alerts, data_docs}`.

    Of the folder for Data Docs only pages of single runs are deleted.
    """
    kept = timedelta(days=settings.keep_days)
    with ledger.transaction() as connection:
        counts = {what: connection.execute(delete, (kept,)).rowcount for what, delete in _FINISHED.items()}
    return {**counts, "data_docs": _old_pages(settings.data_docs_dir, time.time() - kept.total_seconds())}


def _old_pages(folder: Path, before: float) -> int:
    """Delete the runs' pages that were made before that moment; returns how many runs'."""
    old = [index.parent for index in folder.glob("*/index.html") if index.stat().st_mtime < before]
    for pages in old:
        shutil.rmtree(pages, ignore_errors=True)
    return len(old)
