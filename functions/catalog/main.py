"""The catalog over HTTPS: finding and reading providers, and what their author may change."""

import flask
import functions_framework

from provider_hub.actions.waves import Waves
from provider_hub.adapters import tasks
from provider_hub.adapters.identity import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.handlers.catalog import handlers
from provider_hub.http.routes.catalog import ROUTES
from provider_hub.settings import Settings
from provider_hub.wiring import Once, pace, services


def wire(settings: Settings) -> Application:
    hub = services(settings)
    waves = Waves(hub, tasks.connect(settings), pace(settings))
    return Application(ROUTES, handlers(hub, waves), Authenticator(settings), hub)


application = Once(wire)
answer_unrouted()


@functions_framework.http
def catalog(request: flask.Request) -> flask.Response:
    return application().respond(request)
