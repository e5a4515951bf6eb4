"""Every route over HTTPS in one function, for a deployment without a load balancer that tells paths apart."""

import provider_hub.cold_start  # noqa: F401 - first, see there

from dataclasses import replace

import flask
import functions_framework

from provider_hub.actions.minting import Minting
from provider_hub.actions.read_logs import LogReader
from provider_hub.adapters import artifacts, cloud_logging, kubernetes, sealing, tasks
from provider_hub.adapters.attestations import SigstoreVerifier
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.dependencies.uv import IndexPolicy, UvResolver
from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.identity.platforms import PlatformTokens
from provider_hub.adapters.published_schemas import LimitedSchemaChecker
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.combined import Combined
from provider_hub.http.functions import catalog, identity, installations, operations, publishing
from provider_hub.settings.callers import Tasks
from provider_hub.settings.cluster import Cluster
from provider_hub.settings.core import Core
from provider_hub.settings.identity import Identity
from provider_hub.settings.logs import Logs
from provider_hub.settings.publishers import Attestations, TrustedPublishers
from provider_hub.settings.sealing import Sealing
from provider_hub.settings.wheels import Artifacts, Indexes, Wheels
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.description import RouteDescription
from provider_hub.wiring.publishing import publishing_rules


class Needs(
    Core, Tasks, Cluster, Identity, Wheels, Artifacts, Attestations, Indexes, Logs, TrustedPublishers, Sealing
): ...


def wire(settings: Needs) -> Combined:
    services = replace(
        connected_services(settings, JsonSchemaChecker()),
        schema_checker=LimitedSchemaChecker(),
        sealer=sealing.connect(settings),
        resolver=UvResolver(IndexPolicy.from_settings(settings)),
        publishing=publishing_rules(settings),
        attestations=SigstoreVerifier(settings),
        cell_weights=settings.weights_by_cell,
    )
    who = Authenticator(settings)
    clusters, bucket = kubernetes.connect(settings), artifacts.connect(settings)
    wheels = VerifiedWheels(FetchPolicy.from_settings(settings), bucket)
    logs = LogReader(services, clusters, cloud_logging.connect(settings, settings.cluster_namespace_prefix))
    minting = Minting(services, PlatformTokens(settings), settings.publisher_audience)
    found = catalog.Hub(services, tasks.connect(settings), settings.issuers_by_platform, bucket)
    return Combined(
        installations=Application(installations.routes, installations.Hub(services, clusters, logs), who, services),
        catalog=Application(catalog.routes, found, who, services),
        publishing=Application(publishing.routes, publishing.Hub(services, wheels, bucket), who, services),
        identity=Application(identity.routes, identity.Hub(services, minting), who, services),
        operations=Application(operations.routes, operations.Hub(services, RouteDescription()), who, services),
    )


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def api(request: flask.Request) -> flask.Response:
    return application().respond(request)
