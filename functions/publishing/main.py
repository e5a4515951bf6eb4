"""Publishing over HTTPS: CI registers versions of providers, and of the runtime."""

import flask
import functions_framework

from provider_hub.adapters.identity import Authenticator
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.handlers.publishing import handlers
from provider_hub.http.routes.publishing import ROUTES
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Application:
    hub = services(settings)
    wheels = VerifiedWheels(FetchPolicy.from_settings(settings))
    return Application(ROUTES, handlers(hub, wheels), Authenticator(settings), hub)


application = Once(wire)
answer_unrouted()


@functions_framework.http
def publishing(request: flask.Request) -> flask.Response:
    return application().respond(request)
