"""The deadlines: called by Cloud Tasks when a generation's time is up."""

import flask
import functions_framework

from provider_hub.actions.expire import DeadlineCall, Expiry
from provider_hub.adapters import kubernetes
from provider_hub.http.callbacks import TaskHandler
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> TaskHandler[DeadlineCall]:
    expiry = Expiry(services(settings), kubernetes.connect(settings))
    return TaskHandler(DeadlineCall, expiry.handle)


handler = Once(wire)


@functions_framework.http
def deadlines(request: flask.Request) -> flask.Response:
    return handler().respond(request)
