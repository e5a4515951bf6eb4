"""The deadlines: called by Cloud Tasks when a generation's time is up."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.actions.expire import Expiry
from provider_hub.actions.scheduled_calls import DeadlineCall
from provider_hub.adapters import kubernetes
from provider_hub.adapters.identity.callers import trusted_callers
from provider_hub.http.callbacks import TaskHandler
from provider_hub.http.callers import OnlyFrom
from provider_hub.settings.callers import Callers
from provider_hub.settings.cluster import Cluster
from provider_hub.settings.core import Core
from provider_hub.wiring import Once, connected_services


class Needs(Core, Cluster, Callers): ...


def wire(settings: Needs) -> OnlyFrom:
    expiry = Expiry(connected_services(settings), kubernetes.connect(settings))
    return OnlyFrom(trusted_callers(settings).tasks(), TaskHandler(DeadlineCall, expiry.handle))


handler = Once(Needs, wire)


@functions_framework.http
def deadlines(request: flask.Request) -> flask.Response:
    return handler().respond(request)
