"""Shows a person what is going on: one line for each step, with the time it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console


@dataclass
class Progress:
    """Steps on the console, and how long each took in seconds."""

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, label: str) -> Iterator[None]:
        """A step that shows as running, then with its time; a failed one is marked and its error goes on."""
        began = time.monotonic()
        try:
            with self.console.status(f"{label} ..."):
                yield
        except BaseException:
            self.console.print(f"[red]failed[/red]  {label}")
            raise
        took = self.seconds[label] = time.monotonic() - began
        self.console.print(f"[green]done[/green]  {label} [dim]{took:.1f} s[/dim]")

    def note(self, text: str) -> None:
        """A line in between."""
        self.console.print(f"      {text}")
