"""Publishing over HTTPS: CI registers versions of providers, and of the runtime."""

import provider_hub.cold_start  # noqa: F401 - first, see there

from dataclasses import replace

import flask
import functions_framework

from provider_hub.adapters import artifacts
from provider_hub.adapters.attestations import SigstoreVerifier
from provider_hub.adapters.dependencies.uv import IndexPolicy, UvResolver
from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.published_schemas import LimitedSchemaChecker
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.functions.publishing import Hub, routes
from provider_hub.settings.core import Core
from provider_hub.settings.identity import Identity
from provider_hub.settings.publishers import Attestations
from provider_hub.settings.wheels import Artifacts, Indexes, Wheels
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.publishing import publishing_rules


class Needs(Core, Identity, Wheels, Artifacts, Indexes, Attestations): ...


def wire(settings: Needs) -> Application[Hub]:
    services = replace(
        connected_services(settings),
        schema_checker=LimitedSchemaChecker(),
        resolver=UvResolver(IndexPolicy.from_settings(settings)),
        attestations=SigstoreVerifier(settings),
        publishing=publishing_rules(settings),
    )
    bucket = artifacts.connect(settings)
    wheels = VerifiedWheels(FetchPolicy.from_settings(settings), bucket)
    return Application(routes, Hub(services, wheels, bucket), Authenticator(settings), services)


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def publishing(request: flask.Request) -> flask.Response:
    return application().respond(request)
