"""Fixtures for any project that talks to ORCID: `pytest_plugins = ["orcid_simulator.pytest_plugin"]`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orcid_simulator.testing import RunningSimulator, running_simulator


@pytest.fixture(scope="session")
def orcid_registry_server() -> Iterator[RunningSimulator]:
    """One registry for the whole test session, without a rate limit."""
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def orcid_registry(orcid_registry_server: RunningSimulator) -> RunningSimulator:
    """An empty registry on a free port of the loopback interface."""
    orcid_registry_server.control.reset()
    return orcid_registry_server
