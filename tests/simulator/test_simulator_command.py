"""The command: what it prints, what it refuses to start with."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest
import requests
from orcid_simulator.__main__ import main, parser, settings_from
from orcid_simulator.settings import Settings
from orcid_simulator.testing import running_simulator

from tests.simulator.support import Member, employment, organization, refused

INCLUDE = Path(__file__).parents[2] / "include"


def test_it_prints_its_address_in_one_line_and_ends_on_interrupt(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "orcid_simulator",
        "--port",
        "0",
        "--state",
        str(tmp_path / "new" / "folder"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=INCLUDE)
    assert process.stdout is not None
    line = process.stdout.readline()
    url = line.split()[-1]
    assert requests.get(f"{url}/v3.0/status", timeout=10).status_code == 200
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    process.wait(timeout=10)
    process.stdout.close()
    assert rest == ""
    assert (tmp_path / "new" / "folder" / "registry.sqlite").exists()


def test_every_setting_is_an_option() -> None:
    options = parser().parse_args([])
    assert all(hasattr(options, field.name) for field in fields(Settings))
    assert settings_from(options) == Settings()


def test_a_taken_port_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "Choose another --port" in capsys.readouterr().err


def test_a_state_that_is_no_database_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "registry.sqlite").write_text("this is not a database, whatever its name says")
    assert main(["--port", "0", "--state", str(tmp_path)]) == 1
    assert "choose another --state" in capsys.readouterr().err


def test_a_state_of_another_version_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "registry.sqlite")) as database:
        database.execute("CREATE TABLE something (a)")
        database.commit()
    assert main(["--port", "0", "--state", str(tmp_path)]) == 1
    assert "another version" in capsys.readouterr().err


def test_two_simulators_do_not_share_a_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with running_simulator(state=tmp_path):
        assert main(["--port", "0", "--state", str(tmp_path)]) == 1
    assert "Stop the simulator that uses it" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "a,b\n1,2\n"], ids=["missing", "other columns"])
def test_a_table_of_organisations_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    path = tmp_path / "organizations.csv"
    if content is not None:
        path.write_text(content)
    assert main(["--port", "0", "--organizations", str(path)]) == 1
    assert "--organizations" in capsys.readouterr().err


def test_the_users_organisations_are_known_in_strict_mode(tmp_path: Path) -> None:
    path = tmp_path / "organizations.csv"
    path.write_text("source,identifier,name\nLEI,ABC,Ours\n")
    with running_simulator(strict_organizations=True, organizations=path) as registry:
        member = Member.join(registry)
        ours = organization(
            **{
                "disambiguated-organization": {
                    "disambiguated-organization-identifier": "ABC",
                    "disambiguation-source": "LEI",
                }
            }
        )
        member.add("employment", employment(organization=ours))
        ours["disambiguated-organization"]["disambiguated-organization-identifier"] = "ABD"
        assert refused(member.post("/employment", employment(organization=ours)), 400, 9045)


def test_settings_travel_to_a_process(tmp_path: Path) -> None:
    with running_simulator(process=True, max_works=0, revoke_old_default=False, burst=7) as registry:
        member = Member.join(registry)
        assert refused(member.post("/work", {"title": {"title": {"value": "x"}}, "type": "book"}), 409, 9048)
