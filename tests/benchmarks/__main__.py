"""The benchmark table.

make bench                       every part, at a size that takes some minutes
make bench SCALE=large           a million researcher-publication pairs, all answer times, a hundred researchers compared
make bench ARGS="--pairs 10000"  another size of the stages
make bench ARGS="--only console" one part: stages, calls, comparison, rates, console or uploads
make bench ARGS="--json FILE"    the figures as JSON, too; --picture FILE the comparison as SVG
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orcid_sync.local.postgres import local_postgres
from rich.console import Console
from rich.table import Table

from tests.benchmarks.calls import counted_syncs
from tests.benchmarks.comparison import compare
from tests.benchmarks.console import console_times
from tests.benchmarks.picture import draw
from tests.benchmarks.rates import rates_used
from tests.benchmarks.stages import stage_times
from tests.benchmarks.uploads import upload_times


@dataclass(frozen=True)
class Scale:
    """How much is measured. The comparison is scaled to 5,000 researchers; it counts at least ten."""

    pairs: int
    compared: int
    workers: tuple[int, ...]
    answer_times: tuple[float, ...]


SCALES: Final = {
    "default": Scale(100_000, 10, (1, 8), (0.3,)),
    "large": Scale(1_000_000, 100, (1, 2, 4, 8), (0.05, 0.5, 3.0)),
}
_TITLES: Final = {
    "stages": "Stages, {pairs:,} pairs",
    "calls": "Calls to the registry",
    "comparison": "Beside models of others, {researchers:,} researchers with {works} works",
    "rates": "The registry's rate, shared by worker processes",
    "console": "The console, a batch of {changes:,}",
    "uploads": "A file of {affiliations:,} affiliations",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--scale", choices=SCALES, default="default")
    parser.add_argument("--pairs", type=int, default=None, help="researcher-publication pairs of the stages")
    parser.add_argument("--researchers", type=int, default=50, help="researchers of the counted sync")
    parser.add_argument(
        "--compared", type=int, default=None, help="researchers of the comparison, ten or more"
    )
    parser.add_argument("--works", type=int, default=60, help="works of each of them")
    parser.add_argument("--json", type=Path, default=None, help="file for the figures")
    parser.add_argument("--picture", type=Path, default=None, help="file for the comparison as SVG")
    parser.add_argument("--only", choices=_TITLES, action="append", help="one part; may be given again")
    options = parser.parse_args()
    scale = SCALES[options.scale]
    with tempfile.TemporaryDirectory(prefix="orcid-sync-bench-") as folder:
        Path(folder).chmod(0o711)
        server = local_postgres(Path(folder) / "postgres", durable=False).start()
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "stages": lambda: stage_times(server, Path(folder), options.pairs or scale.pairs),
            "calls": lambda: counted_syncs(server, options.researchers, options.works),
            "comparison": lambda: compare(server, options.compared or scale.compared, options.works),
            "rates": lambda: rates_used(server, scale.workers, scale.answer_times),
            "console": lambda: console_times(server),
            "uploads": lambda: upload_times(server),
        }
        found = {}
        try:
            for name, part in parts.items():
                if options.only is None or name in options.only:
                    found[name] = part()
                    _show(
                        _TITLES[name].format(**found[name]), found[name]["rows"], across=name != "comparison"
                    )
        finally:
            server.destroy()
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=2))
    if options.picture is not None and "comparison" in found:
        draw(found["comparison"], options.picture)


def _show(title: str, rows: list[dict[str, Any]], *, across: bool) -> None:
    """A table; of few rows with many columns each row becomes a column."""
    names = list(rows[0])
    table = Table(title=title)
    if across:
        for name in names:
            table.add_column(name, justify="left" if isinstance(rows[0][name], str) else "right")
        for row in rows:
            table.add_row(*map(_text, row.values()))
    else:
        table.add_column("")
        for row in rows:
            table.add_column(str(row[names[0]]), justify="right")
        for name in names[1:]:
            table.add_row(name, *(_text(row[name]) for row in rows))
    Console().print(table)


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)


if __name__ == "__main__":
    main()
