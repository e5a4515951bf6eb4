"""Identity over HTTPS: who a token is, tokens for trusted publishers, the platform's hand over organizations."""

import provider_hub.cold_start  # noqa: F401 - first, see there

from dataclasses import replace

import flask
import functions_framework

from provider_hub.actions.minting import Minting
from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.identity.platforms import PlatformTokens
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.functions.identity import Hub, routes
from provider_hub.settings.core import Core
from provider_hub.settings.identity import Identity
from provider_hub.settings.publishers import TrustedPublishers
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.publishing import publishing_rules


class Needs(Core, Identity, TrustedPublishers): ...


def wire(settings: Needs) -> Application[Hub]:
    services = replace(connected_services(settings), publishing=publishing_rules(settings))
    minting = Minting(services, PlatformTokens(settings), settings.publisher_audience)
    return Application(routes, Hub(services, minting), Authenticator(settings), services)


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def identity(request: flask.Request) -> flask.Response:
    return application().respond(request)
