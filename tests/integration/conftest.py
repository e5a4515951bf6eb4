"""A project of its own for each test that asks for one."""

from collections.abc import Iterator

import pytest
from tests.integration.backend import Backend, backend_on

from provider_hub.local.emulators import EmulatorHosts


@pytest.fixture
def backend(emulator_hosts: EmulatorHosts) -> Iterator[Backend]:
    """Services over a fresh project whose topics exist."""
    with backend_on(emulator_hosts) as made:
        made.topics.create()
        yield made


@pytest.fixture
def backend_without_topics(emulator_hosts: EmulatorHosts) -> Iterator[Backend]:
    """A fresh project to which nothing can be published until a test creates its topics."""
    with backend_on(emulator_hosts) as made:
        yield made
