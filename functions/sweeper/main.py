"""The sweeper: called by Cloud Scheduler to find what a crash or a silence left behind."""

from datetime import timedelta

import flask
import functions_framework
from pydantic import TypeAdapter

from provider_hub.adapters import kubernetes
from provider_hub.http.callbacks import respond
from provider_hub.operations.expire import Expiry
from provider_hub.operations.sweep import Sweeper
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Sweeper:
    hub = services(settings)
    return Sweeper(hub, Expiry(hub, kubernetes.connect(settings)), timedelta(seconds=settings.silence_seconds))


work = Once(wire)
call = TypeAdapter(dict[str, str])


@functions_framework.http
def sweeper(request: flask.Request) -> flask.Response:
    return respond(request, call, lambda _call: work().sweep())
