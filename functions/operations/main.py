"""Operating over HTTPS: dead letters, liveness, and the description of all routes."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.functions.operations import Hub, routes
from provider_hub.settings.core import Core
from provider_hub.settings.identity import Identity
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.description import RouteDescription


class Needs(Core, Identity): ...


def wire(settings: Needs) -> Application[Hub]:
    services = connected_services(settings)
    return Application(routes, Hub(services, RouteDescription()), Authenticator(settings), services)


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def operations(request: flask.Request) -> flask.Response:
    return application().respond(request)
