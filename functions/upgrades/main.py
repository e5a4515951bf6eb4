"""The upgrades: a published version starts a rollout, and Cloud Tasks calls for each of its steps."""

from dataclasses import replace

import flask
import functions_framework

from provider_hub.actions.waves import StepCall, Waves
from provider_hub.adapters import tasks
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.records import Topic
from provider_hub.http.callbacks import TaskHandler
from provider_hub.http.push import PushConsumer
from provider_hub.http.triggers import TopicOrQueue
from provider_hub.settings import Settings
from provider_hub.wiring import Once, pace, services


def wire(settings: Settings) -> TopicOrQueue:
    hub = replace(services(settings), config_checker=JsonSchemaChecker())
    waves = Waves(hub, tasks.connect(settings), pace(settings))
    return TopicOrQueue(
        topic=PushConsumer(hub, Topic.VERSION_EVENTS, VersionPublished, waves.begin),
        queue=TaskHandler(StepCall, waves.step),
    )


handler = Once(wire)


@functions_framework.http
def upgrades(request: flask.Request) -> flask.Response:
    return handler().respond(request)
