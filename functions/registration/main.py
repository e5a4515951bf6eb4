"""The registration: consumes runtimes' check-ins and makes rows READY, healthy or degraded."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.actions.register import Registration
from provider_hub.adapters import tasks
from provider_hub.adapters.identity.callers import trusted_callers
from provider_hub.domain.check_in import CheckIn
from provider_hub.domain.records import Topic
from provider_hub.http.callers import OnlyFrom
from provider_hub.http.push import PushConsumer
from provider_hub.settings.callers import Callers, Tasks
from provider_hub.settings.check_ins import CheckIns
from provider_hub.settings.cluster import Cluster
from provider_hub.settings.core import Core
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.last_lines import last_lines


class Needs(Core, Tasks, Cluster, CheckIns, Callers): ...


def wire(settings: Needs) -> OnlyFrom:
    services = connected_services(settings)
    work = Registration(services, tasks.connect(settings), settings.signing_keys, last_lines(settings))
    consumer = PushConsumer(services, Topic.CHECK_INS, CheckIn, work.handle)
    return OnlyFrom(trusted_callers(settings).push(), consumer)


consumer = Once(Needs, wire)


@functions_framework.http
def registration(request: flask.Request) -> flask.Response:
    return consumer().respond(request)
