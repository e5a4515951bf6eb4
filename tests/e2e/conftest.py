"""What the tests of the whole stack share."""

from types import ModuleType

import pytest

from local_stack import sample_wheels
from local_stack.running import Stack
from tests.e2e.tenant import Tenant
from tests.shared_stack import index, stack

__all__ = ["index", "stack"]


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    """The builder of the sample provider's wheels."""
    return sample_wheels


@pytest.fixture
def tenant(stack: Stack, request: pytest.FixtureRequest) -> Tenant:
    """A tenant of its own for each test: nothing that another one leaves behind is in the way."""
    slug = request.node.name.split("[")[0].removeprefix("test_").replace("_", "-")[:40].strip("-")
    return Tenant(stack, slug)
