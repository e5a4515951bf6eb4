"""Identity over HTTPS: who a token is, in either realm."""

import flask
import functions_framework

import provider_hub.cold_start  # noqa: F401 - first of ours, see there
from provider_hub.adapters.identity import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.identity import routes
from provider_hub.settings import Core, Identity
from provider_hub.wiring import Once, connected_services


class Needs(Core, Identity): ...


def wire(settings: Needs) -> Application[None]:
    return Application(routes, None, Authenticator(settings), connected_services(settings))


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def identity(request: flask.Request) -> flask.Response:
    return application().respond(request)
