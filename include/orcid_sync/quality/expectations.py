"""The suites in Great Expectations: verdict and count of each check, and the pages that show them.

Great Expectations is heavy (seconds, hundreds of megabytes), so it is imported where it is used, and early: by
`importing()` in a thread of its own while the database is busy with other things. Its charts and distributions, a third
of its start, stay out.
"""

from __future__ import annotations

import importlib
import os
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from orcid_sync.ledger.session import Ledger
from orcid_sync.quality.checks import Severity, Suite
from orcid_sync.quality.load_later import load_later
from orcid_sync.quality.quarantine import broken, view_name

# Nothing in it leads anywhere: connections come from the ledger's own function.
_ADDRESS: Final = "postgresql+psycopg://application@ledger/staging"
_QUOTED: Final = re.compile(r"\"[^\"]*\"|'[^']*'")


@dataclass(frozen=True)
class Finding:
    """What one check found: the number of bad rows among the staged rows of its relation."""

    relation: str
    check: str
    severity: Severity
    bad: int


@contextmanager
def importing() -> Iterator[None]:
    """Load Great Expectations in the background while the block runs."""
    _prepare()
    thread = threading.Thread(target=importlib.import_module, args=("great_expectations",), daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _prepare() -> None:
    """Great Expectations is loaded without what isn't used, and tells nobody of its use."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    load_later("altair", "scipy.stats")


def data_docs_folder(base: Path, run_id: str) -> Path:
    """The folder of one run's pages: each run has its own, since an index lists one run alone."""
    return base / re.sub(r"[^\w.+-]", "_", run_id)


def run_suites(ledger: Ledger, suites: Sequence[Suite], folder: Path) -> list[Finding]:
    """Validate the views of these suites and write the Data Docs into `folder`.

    The pages hold counts and the checks' texts; no value of a row. Raises CheckBroken where a check could not be
    carried out, which Great Expectations reports like a failure of the data.
    """
    _prepare()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.add_data_docs_site(
        site_name="run",
        site_config={  # type: ignore[typeddict-unknown-key]
            "class_name": "SiteBuilder",
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            # The pages of results say what was expected: further pages of that alone would double the time.
            "site_section_builders": {"expectations": "None", "profiling": "None"},
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(folder.absolute()),
            },
        },
    )
    source = context.data_sources.add_postgres(
        "staging",
        connection_string=_ADDRESS,
        create_temp_table=False,
        kwargs={"creator": _creator(ledger)},  # type: ignore[call-arg]
    )
    try:
        definitions = [_definition(gx, context, source, suite) for suite in suites]
        checkpoint = context.checkpoints.add(
            gx.Checkpoint(
                name="extraction",
                validation_definitions=definitions,
                result_format="BASIC",
            )
        )
        results = checkpoint.run().run_results.values()
        # Once for all relations, not after each as the checkpoint's own action would.
        context.build_data_docs(site_names=["run"])
    finally:
        source.get_execution_engine().engine.dispose()
        source.get_engine().dispose()
    return [_finding(check) for result in results for check in result.results]


def _definition(gx: Any, context: Any, source: Any, suite: Suite) -> Any:
    from great_expectations.expectations.metadata_types import FailureSeverity

    from orcid_sync.quality.no_rows_to_fail import ExpectNoRowsToFail

    batch = source.add_table_asset(
        suite.relation, table_name=view_name(suite)
    ).add_batch_definition_whole_table("staged rows")
    expectations = [
        ExpectNoRowsToFail(
            column=check.name,
            severity=FailureSeverity(check.severity.value),
            description=f"{check.name}: {check.message}. {check.remedy}. ({check.effect.value})",
            meta={"relation": suite.relation, "check": check.name},
        )
        for check in suite.checks
    ]
    added = context.suites.add(gx.ExpectationSuite(name=suite.relation, expectations=expectations))
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.relation, data=batch, suite=added)
    )


def _finding(check: Any) -> Finding:
    meta = check.expectation_config.meta
    failure = _exception_text(check.exception_info)
    observed = check.result.get("observed_value")
    if failure is not None or observed is None:
        raise broken(meta["relation"], failure or "it counted nothing", meta["check"])
    return Finding(
        meta["relation"], meta["check"], Severity(check.expectation_config.severity.value), int(observed)
    )


def _exception_text(info: dict[str, Any]) -> str | None:
    """The first line of what was raised, without quoted values; None if nothing was."""
    for each in (info, *(value for value in info.values() if isinstance(value, dict))):
        if each.get("raised_exception"):
            lines = str(each.get("exception_message") or "").strip().splitlines()
            return _QUOTED.sub("...", lines[0])[:200] if lines else "it raised an exception"
    return None


def _creator(ledger: Ledger) -> Any:
    def connect() -> psycopg.Connection[Any]:
        connection = ledger.connect()
        connection.rollback()
        connection.execute(
            "SELECT set_config('search_path', 'staging, ledger', false), "
            "set_config('default_transaction_read_only', 'on', false), "
            "set_config('role', current_database() || '_app', false)"
        )
        connection.commit()
        return connection

    return connect
