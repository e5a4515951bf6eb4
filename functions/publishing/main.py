"""Publishing over HTTPS: CI registers versions of providers, and of the runtime."""

import flask
import functions_framework

from provider_hub.adapters.identity import Authenticator
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.publishing import Hub, routes
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Application[Hub]:
    hub = services(settings)
    wheels = VerifiedWheels(FetchPolicy.from_settings(settings))
    return Application(routes, Hub(hub, wheels), Authenticator(settings), hub)


application = Once(wire)
answer_unrouted()


@functions_framework.http
def publishing(request: flask.Request) -> flask.Response:
    return application().respond(request)
