from __future__ import annotations

import pytest
from orcid_simulator.pytest_plugin import orcid_registry, orcid_registry_server
from orcid_simulator.testing import RunningSimulator

from tests.simulator.support import Member

__all__ = ["orcid_registry", "orcid_registry_server"]


@pytest.fixture
def registry(orcid_registry: RunningSimulator) -> RunningSimulator:
    return orcid_registry


@pytest.fixture
def member(registry: RunningSimulator) -> Member:
    """An API client with a researcher's full permission."""
    return Member.join(registry)
