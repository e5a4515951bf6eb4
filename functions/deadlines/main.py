"""The deadlines: called by Cloud Tasks when a generation's time is up."""

import flask
import functions_framework
from pydantic import TypeAdapter

from provider_hub.actions.expire import DeadlineCall, Expiry
from provider_hub.adapters import kubernetes
from provider_hub.http.callbacks import respond
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Expiry:
    return Expiry(services(settings), kubernetes.connect(settings))


expiry = Once(wire)
call = TypeAdapter(DeadlineCall)


@functions_framework.http
def deadlines(request: flask.Request) -> flask.Response:
    return respond(request, call, expiry().handle)
