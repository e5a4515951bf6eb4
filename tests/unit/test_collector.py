"""The collector rests while a stack starts, and works again afterwards."""

import gc
from collections.abc import Iterator

import pytest

from local_stack.collector import not_collecting


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector as it was before, whatever a test makes of it."""
    yield
    gc.enable()


def test_the_collector_rests_during_a_start_and_works_afterwards() -> None:
    with not_collecting():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_works_after_a_start_that_failed() -> None:
    with pytest.raises(RuntimeError), not_collecting():
        raise RuntimeError
    assert gc.isenabled()
