"""Fills a new stack with the demo's university: its CRIS, its units, its people's records and permissions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from orcid_sync.cris import demo
from orcid_sync.local.databases import grant_reader
from orcid_sync.local.private import write_private
from orcid_sync.local.progress import Progress
from orcid_sync.local.registry_people import Control, happen, people, populate
from orcid_sync.local.stack import Stack
from orcid_sync.model.sections import AFFILIATIONS

LIBRARIAN: Final = "librarian"
LIBRARY: Final = "library"
HOSPITAL: Final = "hospital"
CLIENT_NAME: Final = "Demo University"
# What the personnel files know of: posts, and the degrees of those who hold them.
STAFF_SECTIONS: Final = tuple(sorted(AFFILIATIONS))
SEED: Final = 1
FIRST_COPY_SECONDS: Final = 300


@dataclass(frozen=True)
class Size:
    """How large the university is."""

    staff: int = 300
    publications: int = 3000


def found(stack: Stack, size: Size, progress: Progress) -> None:
    """Fill the CRIS and declare the units, unless that was done before. Needs the simulator, not Airflow."""
    control = Control(stack.simulator_url)
    if stack.state.loaded:
        # The portal may have another port than last time, and the registry sends back to known addresses alone.
        control.register(stack.state.client_id, stack.state.client_secret, CLIENT_NAME, _redirect(stack))
        return
    with progress.step(f"Demo CRIS: {size.staff} staff, {size.publications} publications"):
        dsn = stack.server.url(stack.state.cris)
        demo.generate(dsn, seed=SEED, staff=size.staff, publications=size.publications)
        grant_reader(stack.server, stack.state)
    with progress.step("Units: library, hospital, human resources, research office"):
        control.call("POST", "/reset")
        stack.state.client_id, stack.state.client_secret = control.client(CLIENT_NAME, _redirect(stack))
        stack.state.old_client_id, _ = control.client("Demo University (former repository)")
        stack.save()
        stack.run("units", "apply", str(_write_units(stack)))


def connect(stack: Stack, progress: Progress) -> None:
    """Copy the CRIS for the first time and let most of its staff give their permission, unless that was done before."""
    if stack.state.loaded:
        return
    control, airflow = Control(stack.simulator_url), stack.api("admin")
    with progress.step("extract_cris: first copy of the CRIS"):
        airflow.unpause("extract_cris")
        run_id = airflow.trigger("extract_cris")
        airflow.wait_for_end("extract_cris", run_id, FIRST_COPY_SECONDS, stack.require_alive)
    with progress.step("Most staff have an ORCID record and give their permission"):
        dsn = stack.server.url(stack.state.cris)
        everybody = people(dsn, demo.demo_researchers(dsn))
        population = populate(
            control, everybody, client_id=stack.state.client_id, old_client_id=stack.state.old_client_id
        )
        _import_permissions(stack, population.csv("default"))
        happen(control, population)
    stack.state.loaded = True
    stack.save()


def units_file(old_client_id: str) -> dict[str, Any]:
    """The demo's units: two that a librarian approves for, two whose changes are approved by policy."""
    desk = {"name": "Service desk", "email": "orcid@university.example"}
    contacts = {"main": desk, "technical": desk}
    return {
        "our_clients": [old_client_id],
        "units": [
            {
                "code": LIBRARY,
                "name": "University Library",
                "sections": ["work"],
                "default_for": ["work"],
                "approval": "librarian",
                "librarians": [LIBRARIAN],
                "contacts": contacts,
            },
            {
                "code": HOSPITAL,
                "name": "Hospital Library",
                "sections": ["work"],
                "subtree": [demo.HOSPITAL_ID],
                "approval": "librarian",
                "librarians": [LIBRARIAN],
                "contacts": contacts,
            },
            {
                "code": "hr",
                "name": "Human Resources",
                "sections": list(STAFF_SECTIONS),
                "default_for": list(STAFF_SECTIONS),
                "approval": "automatic",
                "contacts": contacts,
            },
            {
                "code": "research",
                "name": "Research Office",
                "sections": ["funding", "peer-review"],
                "default_for": ["funding", "peer-review"],
                "approval": "automatic",
                "contacts": contacts,
            },
        ],
    }


def _redirect(stack: Stack) -> str:
    return f"{stack.portal_url}/orcid/callback"


def _write_units(stack: Stack) -> Path:
    path = stack.home / "units.yaml"
    path.write_text(yaml.safe_dump(units_file(stack.state.old_client_id), sort_keys=False))
    return path


def _import_permissions(stack: Stack, text: str) -> None:
    path = stack.home / "tokens.csv"
    try:
        write_private(path, text)
        stack.run("tokens", "import", str(path))
    finally:
        # In the vault they are encrypted; nothing else may keep them.
        path.unlink(missing_ok=True)
