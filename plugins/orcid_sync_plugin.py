"""What this project adds to Airflow itself."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin
from every_n_days import EveryNDays


class OrcidSyncPlugin(AirflowPlugin):
    """Registration only; the parts explain themselves where they are defined."""

    name = "orcid_sync"
    timetables = [EveryNDays]  # noqa: RUF012 - Airflow declares it as a plain list
