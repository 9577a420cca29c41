"""The README says what is true: its tables, its commands, its links."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_tables_are_those_of_the_code() -> None:
    with_tables = runpy.run_path(str(ROOT / "docs" / "generate.py"))["with_tables"]
    assert with_tables(README) == README, "run `make docs`"


def test_the_description_of_the_review_api_is_that_of_the_code() -> None:
    written = json.loads((ROOT / "docs" / "review-openapi.json").read_text())
    made = json.loads(runpy.run_path(str(ROOT / "docs" / "generate.py"))["review_api"]())
    assert written == made, "run `make docs`"


def test_every_make_command_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    code = " ".join(re.findall(r"`[^`]+`|```sh\n.*?```", README, re.DOTALL))
    named = set(re.findall(r"\bmake ([a-z]+)\b", code))
    assert {"demo", "up", "down", "test"} <= named <= targets


def test_every_orcid_sync_command_exists() -> None:
    shown = help_of()
    named = set(re.findall(r"orcid-sync ([a-z]+(?:-[a-z]+)?)", README))
    assert named <= set(re.findall(r"^  ([a-z-]+)  ", shown, re.MULTILINE)), "a command that does not exist"


@pytest.mark.parametrize("group", ["review", "tokens", "units", "keys", "put-codes", "broker", "invitations"])
def test_every_subcommand_exists(group: str) -> None:
    named = set(re.findall(rf"orcid-sync {group} ([a-z]+)", README))
    assert named <= set(re.findall(r"^  ([a-z-]+)  ", help_of(group), re.MULTILINE))


def test_every_linked_file_exists() -> None:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links {target}"
    for path in re.findall(r"`((?:include|docs|tests|plugins|dags)/[\w./-]+)`", README):
        assert (ROOT / path).exists(), path


def help_of(*group: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "orcid_sync", *group, "--help"], capture_output=True, text=True, check=True
    )
    return done.stdout
