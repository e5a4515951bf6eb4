"""One running stack for all tools: publishing moves nothing else, so it may be plain."""

from collections.abc import Iterator

import pytest

from local_stack.running import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with Stack("--sweep-seconds", "86400", deadline=240) as running:
        yield running
