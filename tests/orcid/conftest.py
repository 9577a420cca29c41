"""A scripted registry and its client for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from orcid_sync.secret import Secret

from tests.orcid.scripted import TOKEN, Client, ScriptedRegistry, client_for


@pytest.fixture
def registry() -> Iterator[ScriptedRegistry]:
    registry = ScriptedRegistry()
    yield registry
    registry.close()


@pytest.fixture
def token() -> Secret:
    return Secret(TOKEN)


@pytest.fixture
def client(registry: ScriptedRegistry) -> Iterator[Client]:
    client = client_for(registry.base)
    yield client
    client.api.close()
