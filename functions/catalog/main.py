"""The catalog over HTTPS: finding and reading providers, and what their author may change."""

import flask
import functions_framework

from provider_hub.adapters import tasks
from provider_hub.adapters.identity import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.catalog import Hub, routes
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Application[Hub]:
    hub = services(settings)
    return Application(routes, Hub(hub, tasks.connect(settings)), Authenticator(settings), hub)


application = Once(wire)
answer_unrouted()


@functions_framework.http
def catalog(request: flask.Request) -> flask.Response:
    return application().respond(request)
