"""Links from Airflow's pages to those of *ORCID review*: on each task of the sync's DAGs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

DAGS: Final = frozenset(
    {
        "approve_batch",
        "audit_ledger",
        "extract_cris",
        "propose_changes",
        "undo_batch",
        "watch_records",
        "invite_researchers",
        "write_approved",
    }
)
WITH_BATCHES: Final = frozenset({"approve_batch", "propose_changes", "undo_batch", "write_approved"})
_ASKING: Final = re.compile(r"batch-(\d{1,18})")


def page(path: str) -> str:
    """The address of a page of the console, where Airflow itself says that it stands."""
    return f"{str(conf.get('api', 'base_url', fallback='')).rstrip('/')}/orcid-review/{path}"


class _SyncLink(BaseOperatorLink):
    """A link that Airflow shows on the tasks of our DAGs; on others it leads nowhere."""

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """The address, or nothing where this task has none."""
        path = self._path(ti_key) if ti_key.dag_id in DAGS else None
        return "" if path is None else page(path)

    def _path(self, ti_key: TaskInstanceKey) -> str | None:
        raise NotImplementedError


class BatchLink(_SyncLink):
    """The batch that a run of `approve_batch` asks about; in the DAGs around it the list of batches."""

    name = "ORCID batches"

    def _path(self, ti_key: TaskInstanceKey) -> str | None:
        asked = _ASKING.fullmatch(ti_key.run_id) if ti_key.dag_id == "approve_batch" else None
        if asked:
            return f"batches/{asked[1]}"
        return "" if ti_key.dag_id in WITH_BATCHES else None


class ReportLink(_SyncLink):
    """What the run did: its stages, counts, calls."""

    name = "ORCID run report"

    def _path(self, ti_key: TaskInstanceKey) -> str | None:
        return f"runs/{quote(ti_key.dag_id)}/{quote(ti_key.run_id, safe='')}"


class HealthLink(_SyncLink):
    """What waits for a person, in the whole ledger."""

    name = "ORCID ledger health"

    def _path(self, ti_key: TaskInstanceKey) -> str | None:
        return "health"
