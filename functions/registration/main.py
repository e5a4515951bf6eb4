"""The registration: consumes runtimes' check-ins and makes rows READY, healthy or degraded."""

import flask
import functions_framework

from provider_hub.actions.register import Registration
from provider_hub.adapters import tasks
from provider_hub.domain.messages import CheckIn
from provider_hub.domain.records import Topic
from provider_hub.http.push import PushConsumer
from provider_hub.settings import Settings
from provider_hub.wiring import Once, check_in_keys, services


def wire(settings: Settings) -> PushConsumer[CheckIn]:
    hub = services(settings)
    work = Registration(hub, tasks.connect(settings), check_in_keys(settings))
    return PushConsumer(hub, Topic.CHECK_INS, CheckIn, work.handle)


consumer = Once(wire)


@functions_framework.http
def registration(request: flask.Request) -> flask.Response:
    return consumer().respond(request)
