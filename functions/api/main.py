"""Every route over HTTPS in one function, for a deployment without a load balancer that tells paths apart."""

import flask
import functions_framework

import provider_hub.cold_start  # noqa: F401 - first of ours, see there
from provider_hub.adapters import kubernetes, tasks
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.identity import Authenticator
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.verified import VerifiedWheels
from provider_hub.http import catalog, identity, installations, operations, publishing
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.combined import Combined
from provider_hub.settings import Cluster, Core, Identity, Tasks, Wheels
from provider_hub.wiring import Once, services
from provider_hub.wiring.description import RouteDescription


class Needs(Core, Tasks, Cluster, Identity, Wheels): ...


def wire(settings: Needs) -> Combined:
    hub, who = services(settings, JsonSchemaChecker()), Authenticator(settings)
    cluster, wheels = kubernetes.connect(settings), VerifiedWheels(FetchPolicy.from_settings(settings))
    return Combined(
        installations=Application(installations.routes, installations.Hub(hub, cluster), who, hub),
        catalog=Application(catalog.routes, catalog.Hub(hub, tasks.connect(settings)), who, hub),
        publishing=Application(publishing.routes, publishing.Hub(hub, wheels), who, hub),
        identity=Application(identity.routes, None, who, hub),
        operations=Application(operations.routes, operations.Hub(hub, RouteDescription()), who, hub),
    )


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def api(request: flask.Request) -> flask.Response:
    return application().respond(request)
