"""The librarians' console as pages of Airflow.

Everything that the console asks of Airflow is answered here: who is signed in, what that person may do, how the open
question of a batch is answered. An upgrade of Airflow touches this file and no other of the console.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import psycopg
from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from airflow.models.connection import Connection as AirflowConnection
from airflow.plugins_manager import AirflowPlugin
from airflow.utils.session import create_session
from fastapi import HTTPException
from fastapi.security import HTTPAuthorizationCredentials
from orcid_sync.connections import ConnectionInfo, connection_from_parts, environment_name
from orcid_sync.ledger.session import Ledger
from orcid_sync.review.answers import LEAVE_OPEN
from orcid_sync.review.console.app import create_app
from orcid_sync.review.console.context import Console
from orcid_sync.review.console.ports import Person
from orcid_sync.settings import load_settings

if TYPE_CHECKING:
    from starlette.requests import Request

log = logging.getLogger(__name__)

URL_PREFIX: Final = "/orcid-review"
DAG_ID: Final = "approve_batch"
TASK_ID: Final = "ask"
_RUN_OF_BATCH: Final = re.compile(rf"{DAG_ID}/batch-(\d{{1,18}})")


class AirflowHost:
    """Airflow's side of the console."""

    async def person(self, request: Request) -> Person | None:
        """The person of the request's token, else of its session cookie."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        credentials = (
            HTTPAuthorizationCredentials(scheme=scheme, credentials=token) if scheme and token else None
        )
        try:
            user = await get_user(request, None, credentials)
        except HTTPException:
            return None
        request.state.orcid_review_user = user
        manager = get_auth_manager()
        question = {
            "access_entity": DagAccessEntity.HITL_DETAIL,
            "details": DagDetails(id=DAG_ID),
            "user": user,
        }
        if not manager.is_authorized_dag(method="GET", **question):
            return Person(
                (), user.get_name(), may_read=False, may_decide=False, operator=False, by_cookie=True
            )
        return Person(
            names=_names(user),
            display_name=user.get_name(),
            may_read=True,
            may_decide=manager.is_authorized_dag(method="PUT", **question),
            # Whoever may change the connection to the registry runs the house.
            operator=manager.is_authorized_connection(method="PUT", user=user),
            by_cookie=credentials is None or scheme.lower() != "bearer",
        )

    def sign_in_url(self, next_url: str) -> str:
        """The sign-in page of Airflow's user management."""
        return str(get_auth_manager().get_url_login(next_url=next_url))

    def close_question(self, request: Request, batch: int) -> str | None:
        """Answer the question of a decided batch with the one option that decides nothing, as this person.

        The same function as Airflow's own API: it holds its locks, refuses a second answer, and checks the assigned users.
        """
        try:
            with create_session(scoped=False) as session:
                update_hitl_detail(
                    dag_id=DAG_ID,
                    dag_run_id=f"batch-{batch}",
                    task_id=TASK_ID,
                    update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[LEAVE_OPEN]),
                    user=request.state.orcid_review_user,
                    session=session,
                )
        except HTTPException as refused:
            # No question was put, or somebody has answered it: there is none open.
            return None if refused.status_code in (404, 409) else str(refused.detail)
        except Exception:
            log.exception("The question of batch %s could not be answered", batch)
            return "Airflow did not take the answer; it ends by itself in time."
        return None

    def run_url(self, run_id: str) -> str | None:
        """The page of a DAG run."""
        dag, separator, run = run_id.partition("/")
        return f"{_base_url()}/dags/{quote(dag)}/runs/{quote(run, safe='')}" if separator else None

    def page_url(self, path: str) -> str | None:
        """An address of Airflow's."""
        return f"{_base_url()}{path}" if _base_url() else None

    def question_url(self, batch: int) -> str | None:
        """The page of a batch's question."""
        return f"{_base_url()}/dags/{DAG_ID}/runs/batch-{batch}/required_actions"

    def batch_of_run(self, run_id: str) -> int | None:
        """The batch that a run asks about."""
        found = _RUN_OF_BATCH.fullmatch(run_id)
        return int(found[1]) if found else None


def _names(user: Any) -> tuple[str, ...]:
    """The user names that the units file may know somebody by; an id of digits alone could be anybody's."""
    names = (str(user.get_name() or ""), str(user.get_id() or ""))
    return tuple(dict.fromkeys(name for name in names if name and not name.isdecimal()))


def _base_url() -> str:
    return str(conf.get("api", "base_url", fallback="")).rstrip("/")


@cache
def _connection(name: str) -> ConnectionInfo:
    found = AirflowConnection.get_connection_from_secrets(name)
    return connection_from_parts(
        name,
        conn_type=found.conn_type or "",
        host=found.host,
        login=found.login,
        password=found.password,
        port=found.port,
        schema=found.schema,
        extra=found.extra,
    )


def _ledger() -> Ledger:
    return Ledger(lambda: psycopg.connect(_connection("ledger").dsn()))


def _environment() -> str:
    try:
        return environment_name(_connection("orcid"))
    except Exception:
        log.warning(
            "The connection `orcid` can't be read, so the console names no environment", exc_info=True
        )
        return "unknown"


app = create_app(Console(_ledger, AirflowHost(), load_settings(), _environment))


class OrcidReviewPlugin(AirflowPlugin):
    """Mounts the console, and puts it into the navigation and beside each run."""

    name = "orcid_review"
    fastapi_apps = [{"app": app, "url_prefix": URL_PREFIX, "name": "ORCID review"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "ORCID review",
            "href": f"{URL_PREFIX[1:]}/",
            "destination": "nav",
            "url_route": "orcid-review",
            "nav_top_level": True,
        },
        {
            "name": "ORCID report",
            "href": f"{URL_PREFIX[1:]}/runs/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "orcid-report",
        },
        {
            "name": "ORCID report",
            "href": f"{URL_PREFIX[1:]}/runs/{{DAG_ID}}/{{RUN_ID}}",
            "destination": "task_instance",
            "url_route": "orcid-task-report",
        },
        {
            "name": "ORCID health",
            "href": f"{URL_PREFIX[1:]}/health",
            "destination": "dag",
            "url_route": "orcid-health",
        },
    ]
