"""The catalog over HTTPS: finding and reading providers, and what their author may change."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.adapters import artifacts, tasks
from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.functions.catalog import Hub, routes
from provider_hub.settings.callers import Tasks
from provider_hub.settings.core import Core
from provider_hub.settings.identity import Identity
from provider_hub.settings.publishers import TrustedPublishers
from provider_hub.settings.wheels import Artifacts
from provider_hub.wiring import Once, connected_services


class Needs(Core, Tasks, Identity, TrustedPublishers, Artifacts): ...


def wire(settings: Needs) -> Application[Hub]:
    services = connected_services(settings)
    hub = Hub(services, tasks.connect(settings), settings.issuers_by_platform, artifacts.connect(settings))
    return Application(routes, hub, Authenticator(settings), services)


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def catalog(request: flask.Request) -> flask.Response:
    return application().respond(request)
