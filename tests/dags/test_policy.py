"""What every DAG has to keep, whoever writes the next one."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from orcid_sync.settings import Settings

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk import DAG

DAGS = tuple(sorted(path.stem for path in (Path(__file__).parents[2] / "dags").glob("*.py")))
TAGS = {"cris", "approval", "write", "watch", "audit"}
LONGEST_FILE = 150
LONGEST_TASK = 5


@pytest.fixture(params=DAGS)
def dag(request: pytest.FixtureRequest, dag_bag: DagBag) -> DAG:
    found: DAG = dag_bag.dags[request.param]
    return found


def test_every_file_parses_and_defines_the_dag_of_its_name(dag_bag: DagBag, dag_files: list[Path]) -> None:
    assert dag_bag.import_errors == {}
    assert sorted(dag_bag.dags) == sorted(DAGS) == [path.stem for path in dag_files]
    assert {Path(dag.fileloc).stem: dag_id for dag_id, dag in dag_bag.dags.items()} == {
        each: each for each in DAGS
    }


def test_parsing_reads_neither_a_database_nor_the_heavy_libraries(dag_files: list[Path]) -> None:
    heavy = {"great_expectations", "pandas", "sqlalchemy"}
    for path in dag_files:
        top = [
            node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        names = {alias.name for node in top for alias in node.names} | {
            node.module for node in top if isinstance(node, ast.ImportFrom) and node.module
        }
        assert not {name.split(".")[0] for name in names} & heavy, path.name
        assert not names & {"Variable", "Connection", "BaseHook"}, path.name


def test_the_docstring_is_the_operators_page(dag: DAG) -> None:
    page = dag.doc_md or ""
    for heading in ("| reads |", "| writes |", "| when |"):
        if dag.dag_id == "approve_batch" and heading == "| reads |":
            continue
        assert heading in page, f"{dag.dag_id} does not say what it {heading.strip('| ')}"
    assert "**Healthy**:" in page
    assert "**When it fails.**" in page
    assert "**Run it again**" in page or "clear that" in page.lower()
    assert "**It never**" in page


def test_a_failure_is_told_and_a_success_noted_by_every_task_and_run(dag: DAG) -> None:
    from orcid_sync_callbacks import after_failed_run, after_failure, after_success

    assert as_list(dag.on_failure_callback) == [after_failed_run]
    for task in dag.tasks:
        assert as_list(task.on_failure_callback) == [after_failure], task.task_id
        assert as_list(task.on_success_callback) == [after_success], task.task_id


def test_the_links_are_on_the_dags_that_there_are() -> None:
    import orcid_sync_links

    assert set(DAGS) == orcid_sync_links.DAGS
    assert orcid_sync_links.WITH_BATCHES < orcid_sync_links.DAGS


def test_tags_say_what_it_belongs_to(dag: DAG) -> None:
    assert "orcid" in dag.tags
    assert len(dag.tags & TAGS) == 1


def test_runs_are_neither_caught_up_nor_run_side_by_side(dag: DAG) -> None:
    assert not dag.catchup
    if dag.dag_id == "approve_batch":
        assert dag.max_active_runs > 16, "each batch has its own run, and all of them may be open"
    else:
        assert dag.max_active_runs == 1


def test_tasks_have_an_owner_a_time_limit_and_retries_by_the_kind_of_error(dag: DAG) -> None:
    from orcid_sync_airflow import RETRY_POLICY

    for task in dag.tasks:
        assert task.owner == "orcid-sync", task.task_id
        if is_question(task):
            continue
        assert task.retries >= 1, task.task_id
        assert task.retry_policy == RETRY_POLICY, task.task_id
        assert task.execution_timeout is not None, task.task_id


def test_a_question_is_never_asked_twice_and_never_approves_by_itself(dag: DAG) -> None:
    from orcid_sync_airflow import SETTINGS

    questions = [task for task in dag.tasks if is_question(task)]
    assert bool(questions) == (dag.dag_id == "approve_batch")
    for task in questions:
        assert task.retries == 0
        assert task.defaults == ["Leave open"]
        assert dt.timedelta(hours=1) <= task.response_timeout < dt.timedelta(days=SETTINGS.every_days)


def test_no_task_is_mapped_over_more_than_64(dag_bag: DagBag) -> None:
    from orcid_sync_airflow import SETTINGS

    assert dag_bag.dags["write_approved"].get_task("write_shard").upstream_task_ids == {"plan_shards"}
    assert SETTINGS.shards <= 64
    with pytest.raises(ValueError, match="shards"):
        Settings(shards=65)


def test_the_schedules_are_calendar_days_apart_and_writing_comes_six_hours_later(dag_bag: DagBag) -> None:
    extract, write = (dag_bag.dags[name].timetable for name in ("extract_cris", "write_approved"))
    assert extract.serialize() == {
        "every_days": 2, "anchor": "2026-01-01", "at": "02:00:00", "timezone": "UTC",
    }  # fmt: skip
    assert write.serialize() == {**extract.serialize(), "at": "08:00:00"}


def test_proposals_follow_the_snapshot_and_approvals_are_started_by_hand_or_by_proposals(
    dag_bag: DagBag,
) -> None:
    waits_for = dag_bag.dags["propose_changes"].timetable.asset_condition.objects
    assert [asset.name for asset in waits_for] == ["cris_snapshot"]
    assert [asset.name for asset in dag_bag.dags["extract_cris"].get_task("merge").outlets] == [
        "cris_snapshot"
    ]
    assert [asset.name for asset in dag_bag.dags["propose_changes"].get_task("propose").outlets] == [
        "changes_proposed"
    ]
    assert not dag_bag.dags["approve_batch"].timetable.can_be_scheduled


def test_dag_files_are_short_and_their_tasks_shorter(dag_bag: DagBag, dag_files: list[Path]) -> None:
    for path in dag_files:
        assert len(path.read_text().splitlines()) <= LONGEST_FILE, path.name
    for dag in dag_bag.dags.values():
        for task in dag.tasks:
            function = getattr(task, "python_callable", None)
            if function is not None and Path(inspect.getfile(function)).parent == dag_files[0].parent:
                assert body_length(function) <= LONGEST_TASK, f"{dag.dag_id}.{task.task_id}"


def test_every_dag_survives_being_stored(dag: DAG) -> None:
    from airflow.serialization.serialized_objects import DagSerialization
    from every_n_days import EveryNDays

    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    if isinstance(dag.timetable, EveryNDays):
        assert again.timetable.serialize() == dag.timetable.serialize()
    assert set(again.task_dict) == set(dag.task_dict)


def test_the_plugin_folder_registers_the_timetable_and_nothing_by_accident() -> None:
    from airflow import plugins_manager

    plugins, errors = plugins_manager._get_plugins()
    assert not errors
    ours = [plugin for plugin in plugins if plugin.name == "orcid_sync"]
    assert [table.__name__ for plugin in ours for table in plugin.timetables] == ["EveryNDays"]
    folder = Path(os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"])
    hidden = set((folder / ".airflowignore").read_text().split())
    loaded = {path.name for path in folder.glob("*.py")} - hidden
    assert loaded == {"orcid_sync_plugin.py", "orcid_review_console.py"}, (
        "each loaded file takes its bare name in sys.modules"
    )


def as_list(callbacks: Any) -> list[Any]:
    """Airflow keeps one callback of a mapped task as it is, others as a list."""
    return list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks]


def is_question(task: Any) -> bool:
    from airflow.providers.standard.operators.hitl import HITLOperator

    return isinstance(task, HITLOperator)


def body_length(function: Any) -> int:
    """Statements of a task, without its imports."""
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(node, ast.FunctionDef)
    return sum(not isinstance(statement, ast.ImportFrom | ast.Import) for statement in node.body)
