"""The benchmark table.

make bench                       100,000 researcher-publication pairs
make bench ARGS="--pairs 10000"  another size
make bench ARGS="--only console" one part: stages, calls or console
make bench ARGS="--json FILE"    the figures as JSON, too
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orcid_sync.local.postgres import local_postgres
from rich.console import Console
from rich.table import Table

from tests.benchmarks.calls import counted_syncs
from tests.benchmarks.console import console_times
from tests.benchmarks.stages import stage_times


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--pairs", type=int, default=100_000, help="researcher-publication pairs of the stages"
    )
    parser.add_argument("--researchers", type=int, default=50, help="researchers of the counted sync")
    parser.add_argument("--works", type=int, default=60, help="works of each of them")
    parser.add_argument("--json", type=Path, default=None, help="file for the figures")
    parser.add_argument("--only", choices=("stages", "calls", "console"), default=None, help="one part")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="orcid-sync-bench-") as folder:
        Path(folder).chmod(0o711)
        server = local_postgres(Path(folder) / "postgres", durable=False).start()
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "stages": lambda: stage_times(server, Path(folder), options.pairs),
            "calls": lambda: counted_syncs(server, options.researchers, options.works),
            "console": lambda: console_times(server),
        }
        try:
            found = {name: part() for name, part in parts.items() if options.only in (None, name)}
        finally:
            server.destroy()
    titles = {
        "stages": "Stages, {pairs:,} pairs",
        "calls": "Calls to the registry",
        "console": "The console, a batch of {changes:,}",
    }
    for name, figures in found.items():
        Console().print(_table(titles[name].format(**figures), figures["rows"]))
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2))


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title)
    for name in rows[0]:
        table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
    for row in rows:
        table.add_row(
            *(f"{value:,}" if isinstance(value, int | float) else str(value) for value in row.values())
        )
    return table


if __name__ == "__main__":
    main()
