"""The installer: consumes installation events and brings the cluster to what each asks for."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.actions.deploy import Installer
from provider_hub.adapters import kubernetes, tasks
from provider_hub.adapters.identity.callers import trusted_callers
from provider_hub.domain.installation import InstallationRequest
from provider_hub.domain.records import Topic
from provider_hub.http.callers import OnlyFrom
from provider_hub.http.push import PushConsumer
from provider_hub.settings.callers import Callers, Tasks
from provider_hub.settings.cluster import Cluster
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.desired_states import DesiredStateSettings, desired_states


class Needs(DesiredStateSettings, Cluster, Tasks, Callers): ...


def wire(settings: Needs) -> OnlyFrom:
    services = connected_services(settings)
    work = Installer(
        services=services,
        clusters=kubernetes.connect(settings),
        tasks=tasks.connect(settings),
        desired_states=desired_states(settings, services),
    )
    consumer = PushConsumer(services, Topic.INSTALLATION_EVENTS, InstallationRequest, work.handle)
    return OnlyFrom(trusted_callers(settings).push(), consumer)


consumer = Once(Needs, wire)


@functions_framework.http
def installer(request: flask.Request) -> flask.Response:
    return consumer().respond(request)
