"""The upgrades: a published version starts a rollout, and Cloud Tasks calls for each of its steps."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.actions.scheduled_calls import StepCall
from provider_hub.actions.waves import Waves
from provider_hub.adapters import tasks
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.identity.callers import trusted_callers
from provider_hub.domain.messages import VersionPublished
from provider_hub.domain.records import Topic
from provider_hub.http.callbacks import TaskHandler
from provider_hub.http.callers import OnlyFrom
from provider_hub.http.push import PushConsumer
from provider_hub.http.triggers import TopicOrQueue
from provider_hub.settings.callers import Callers, Tasks
from provider_hub.settings.core import Core
from provider_hub.settings.rollouts import Rollouts
from provider_hub.wiring import Once, connected_services


class Needs(Core, Tasks, Rollouts, Callers): ...


def wire(settings: Needs) -> TopicOrQueue:
    services = connected_services(settings, JsonSchemaChecker())
    waves = Waves(services, tasks.connect(settings), settings.pace)
    callers = trusted_callers(settings)
    return TopicOrQueue(
        topic=OnlyFrom(callers.push(), PushConsumer(services, Topic.VERSION_EVENTS, VersionPublished, waves.begin)),
        queue=OnlyFrom(callers.tasks(), TaskHandler(StepCall, waves.step)),
    )


handler = Once(Needs, wire)


@functions_framework.http
def upgrades(request: flask.Request) -> flask.Response:
    return handler().respond(request)
