"""Identity over HTTPS: who a token is, in either realm."""

import flask
import functions_framework

from provider_hub.adapters.identity import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.identity import routes
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Application[None]:
    return Application(routes, None, Authenticator(settings), services(settings))


application = Once(wire)
answer_unrouted()


@functions_framework.http
def identity(request: flask.Request) -> flask.Response:
    return application().respond(request)
