"""`orcid-sync doctor`: everything that has to be in place, checked, with a remedy a line.

Reads only. Nothing secret is shown, and a check that can't be made because another one failed is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from orcid_sync.errors import SyncError

Verdict = Literal["ok", "warn", "fail"]
_SIGNS: Final[dict[Verdict, str]] = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


@dataclass(frozen=True)
class Finding:
    """What one check found: a thing, how it is, and what to do where it isn't well."""

    verdict: Verdict
    thing: str
    found: str
    remedy: str = ""

    @property
    def line(self) -> str:
        """The line for people."""
        remedy = f" -> {self.remedy}" if self.remedy else ""
        return f"{_SIGNS[self.verdict]}  {self.thing}: {self.found}{remedy}"

    def as_json(self) -> dict[str, Any]:
        """As `--json` prints it."""
        return asdict(self)


def ok(thing: str, found: str) -> Finding:
    """All is well."""
    return Finding("ok", thing, found)


def warn(thing: str, found: str, remedy: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding("warn", thing, found, remedy)


def fail(thing: str, found: str, remedy: str) -> Finding:
    """It does not work like this."""
    return Finding("fail", thing, found, remedy)


def refused(thing: str, error: SyncError) -> Finding:
    """An error, as a finding."""
    return fail(thing, f"{error.what}: {error.why}" if error.why else error.what, error.remedy)


def examine() -> list[Finding]:
    """Every check there is, in the order in which things depend on each other."""
    from orcid_sync.report import checks_alerts, checks_databases, checks_registry, checks_settings

    findings: list[Finding] = []
    groups: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("settings", checks_settings.check),
        ("CRIS", checks_databases.check_cris),
        ("ledger", checks_databases.check_ledger),
        ("token vault", checks_registry.check_vault),
        ("registry", checks_registry.check_registry),
        ("alerts", checks_alerts.check),
    )
    for thing, check in groups:
        try:
            findings.extend(check())
        except SyncError as error:
            findings.append(refused(thing, error))
    return findings
