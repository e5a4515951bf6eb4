"""The upgrades: a published version starts a rollout, and Cloud Tasks calls for each of its steps."""

from dataclasses import replace

import flask
import functions_framework
from pydantic import TypeAdapter

from provider_hub.actions.waves import StepCall, Waves
from provider_hub.adapters import tasks
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.records import Topic
from provider_hub.http.callbacks import respond
from provider_hub.http.push import PushConsumer
from provider_hub.settings import Settings
from provider_hub.wiring import Once, pace, services


def wire(settings: Settings) -> Waves:
    hub = replace(services(settings), config_checker=JsonSchemaChecker())
    return Waves(hub, tasks.connect(settings), pace(settings))


waves = Once(wire)
call = TypeAdapter(StepCall)


@functions_framework.http
def upgrades(request: flask.Request) -> flask.Response:
    if request.path.startswith("/projects/"):
        work = waves()
        return PushConsumer(work.services, Topic.VERSION_EVENTS, VersionPublished, work.begin).respond(request)
    return respond(request, call, waves().step)
