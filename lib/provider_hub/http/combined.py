"""Several functions' routes behind one address, where no load balancer tells their paths apart."""

from typing import Any

from flask import Request, Response

from provider_hub.http.application import Application
from provider_hub.http.table import function_for

_DEFAULT = "operations"


class Combined:
    """Sends each request to the application of the function that serves its path.

    A path that no route has goes to `operations`, whose answer is the 404 that a load balancer's default gives.
    """

    def __init__(self, **applications: Application[Any]) -> None:
        self._applications = applications

    def respond(self, request: Request) -> Response:
        """Answer a request; never raises."""
        return self._applications[function_for(request.path) or _DEFAULT].respond(request)
