"""What the fault tests share: quiet logs."""

import logging
import os
from collections.abc import Iterator

import pytest

EVERYTHING = os.environ.get("HUB_FAULTS") == "all"
"""Set HUB_FAULTS=all to try every fault at every point, a quarter of an hour, instead of a share of them."""


@pytest.fixture(autouse=True)
def _no_logs() -> Iterator[None]:
    """Faults are logged as they should be, a hundred thousand lines of them."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
