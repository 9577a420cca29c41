"""Doctor: which units of the CRIS lack the identifier without which no post in them can be sent."""

from __future__ import annotations

from collections.abc import Iterator

from orcid_sync.ledger.organizations import directory_for
from orcid_sync.ledger.session import Connection
from orcid_sync.model.inputs import Organization
from orcid_sync.model.mentions import of_unit
from orcid_sync.model.organization_directory import Directory
from orcid_sync.report.doctor import Finding, ok, warn

SHOWN = 10
THING = "organisations"


def check_organizations(taken: Connection) -> Iterator[Finding]:
    """What is loaded of ROR, and what the units' identifiers are worth."""
    load = taken.execute("SELECT organizations, loaded_at::date AS day FROM organization_load").fetchone()
    if load is None:
        yield ok(THING, "no copy of ROR is loaded: only identifiers that the CRIS gives are sent")
    else:
        yield ok(THING, f"{load.organizations} of ROR, loaded on {load.day}")
    rows = taken.execute("SELECT unit_id, path, data FROM cris_unit ORDER BY unit_id").fetchall()
    units = {row.unit_id: Organization.from_row(row.data) for row in rows}
    directory = directory_for(taken, map(of_unit, units.values()))
    without = [
        row.unit_id
        for row in rows
        if not any(directory.find(of_unit(units[above])).known for above in row.path if above in units)
    ]
    if without:
        yield warn(
            "CRIS units",
            f"{_listed(without)} have no identifier, nor has a unit above: posts there can't be sent",
            "Give the top unit its ror_id in the view `units`"
            + ("" if load else ", or load ROR with `orcid-sync organisations load`"),
        )
    elif units:
        yield ok("CRIS units", f"all {len(units)} have an identifier, their own or one of a unit above")
    if load is not None:
        yield from _doubtful(units, directory)


def _doubtful(units: dict[str, Organization], directory: Directory) -> Iterator[Finding]:
    named, withdrawn, unheard = [], [], []
    for unit_id, unit in units.items():
        mention = of_unit(unit)
        known = mention.known
        if known is None:
            found = directory.named(mention)
            named += [f"{unit_id} ({found.ror_id})"] if found else []
        elif known[1] == "ROR":
            listed = directory.listed(known)
            if listed is None:
                unheard.append(unit_id)
            elif listed.status == "withdrawn":
                withdrawn.append(f"{unit_id} ({listed.instead or 'without a successor'})")
    if named:
        yield ok("CRIS units", f"recognised by their names alone: {_listed(named)}")
    if withdrawn:
        yield warn(
            "CRIS units",
            f"the ROR id of {_listed(withdrawn)} is withdrawn",
            "Enter the successor's in the CRIS; until then it is sent in its place where there is one",
        )
    if unheard:
        yield warn(
            "CRIS units",
            f"the ROR id of {_listed(unheard)} is not in the loaded copy",
            "Correct it in the CRIS, or load a newer dump",
        )


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
