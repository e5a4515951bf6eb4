"""Whatever is asked of the API, by whoever, it answers what its description has, and never fails.

Requests are made from the served description, sound and unsound, with the tokens of both realms, against the real
functions over a furnished project.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode
from tests.contract_checker import check_answer, document
from tests.integration.deployed import StandIns, deployed_on
from tests.integration.tenants import Tenants
from werkzeug.test import TestResponse

from provider_hub.http.routes import ROUTES, Route

EXAMPLES_PER_OPERATION = 12
STRAY_EXAMPLES = 150

_WHO = ("nobody", "user", "machine", "other", "console_machine", "console_user", "homeless", "expired", "misnamed")
_DESCRIBED = schemathesis.openapi.from_dict(document())
_OPERATIONS = {
    (operation.method.upper(), operation.path): operation
    for operation in (found.ok() for found in _DESCRIBED.get_all_operations() if isinstance(found, Ok))
}


@pytest.fixture(scope="module")
def tenants(around: StandIns) -> Iterator[Tenants]:
    with deployed_on(around) as deployed:
        made = Tenants(deployed)
        made.furnish()
        yield made
