"""Installations over HTTPS: install, look, upgrade, downgrade, deploy, change, logs, uninstall."""

import provider_hub.cold_start  # noqa: F401 - first, see there

from dataclasses import replace

import flask
import functions_framework

from provider_hub.actions.read_logs import LogReader
from provider_hub.adapters import cloud_logging, kubernetes, sealing
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.functions.installations import Hub, routes
from provider_hub.settings.cluster import Cluster
from provider_hub.settings.core import Core
from provider_hub.settings.identity import Identity
from provider_hub.settings.logs import Logs
from provider_hub.settings.sealing import Sealing
from provider_hub.wiring import Once, connected_services


class Needs(Core, Cluster, Identity, Logs, Sealing): ...


def wire(settings: Needs) -> Application[Hub]:
    services = replace(
        connected_services(settings, JsonSchemaChecker()),
        sealer=sealing.connect(settings),
        cell_weights=settings.weights_by_cell,
    )
    clusters = kubernetes.connect(settings)
    logs = LogReader(services, clusters, cloud_logging.connect(settings, settings.cluster_namespace_prefix))
    return Application(routes, Hub(services, clusters, logs), Authenticator(settings), services)


application = Once(Needs, wire)
answer_unrouted()


@functions_framework.http
def installations(request: flask.Request) -> flask.Response:
    return application().respond(request)
