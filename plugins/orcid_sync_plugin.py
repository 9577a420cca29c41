"""What this project adds to Airflow itself."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin
from every_n_days import EveryNDays
from orcid_connection_test import NoPortZero
from orcid_sync_links import BatchLink, HealthLink, ReportLink


class OrcidSyncPlugin(AirflowPlugin):
    """Registration only; the parts explain themselves where they are defined."""

    name = "orcid_sync"
    timetables = [EveryNDays]  # noqa: RUF012 - Airflow declares it as a plain list
    global_operator_extra_links = [BatchLink(), ReportLink(), HealthLink()]  # noqa: RUF012
    fastapi_root_middlewares = [{"middleware": NoPortZero, "args": [], "kwargs": {}, "name": "No port 0"}]  # noqa: RUF012
