"""What functions-framework would answer by itself has our error shape too."""

import pytest
from tests.integration.deployed import Deployed

from provider_hub.http.table import ROUTES

_FUNCTIONS = sorted({route.function for route in ROUTES})


@pytest.mark.parametrize("function", _FUNCTIONS)
@pytest.mark.parametrize("target", ["/providers/acme/a%0Ab", "/robots.txt", "/favicon.ico", "/providers//weather"])
def test_a_path_that_the_framework_does_not_route_is_404_in_json(
    deployed: Deployed, function: str, target: str
) -> None:
    response = deployed.send(function, "GET", target, headers={"X-Request-Id": "mine"})
    assert response.get_json() == {"detail": "Not Found"}
    assert response.headers["X-Request-Id"] == "mine"
    assert response.headers["Content-Type"] == "application/json"
