"""One site for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from orcid_simulator.testing import running_simulator

from tests.conftest import DatabaseFactory
from tests.fixtures.ledger import drop_ledger_database
from tests.fixtures.world import Site, World, prepare_site


@pytest.fixture(scope="module")
def site(create_database: DatabaseFactory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The servers, a migrated ledger and a CRIS."""
    with running_simulator() as simulator:
        docs = tmp_path_factory.mktemp("docs")
        made = prepare_site(create_database(), create_database(), simulator, docs)
        yield made
        drop_ledger_database(made.database)


@pytest.fixture
def world(site: Site) -> Iterator[World]:
    """A world with two people, both connected, in which nothing is written yet. It must be at rest in the end."""
    world = site.fresh()
    for name in ("p1", "p2"):
        world.hire(name)
        world.grant(name)
    yield world
    world.close()
