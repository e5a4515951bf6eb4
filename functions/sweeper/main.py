"""The sweeper: called by Cloud Scheduler to find what a crash or a silence left behind."""

from dataclasses import replace
from datetime import timedelta

import flask
import functions_framework

from provider_hub.actions.drift import Drift
from provider_hub.actions.expire import Expiry
from provider_hub.actions.sweep import Sweeper
from provider_hub.actions.waves import Waves
from provider_hub.adapters import kubernetes, tasks
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.http.callbacks import ScheduleHandler
from provider_hub.settings import Settings
from provider_hub.wiring import Once, pace, services
from provider_hub.wiring.desired_states import desired_states


def wire(settings: Settings) -> ScheduleHandler:
    hub = replace(services(settings), config_checker=JsonSchemaChecker())
    cluster = kubernetes.connect(settings)
    work = Sweeper(
        services=hub,
        expiry=Expiry(hub, cluster),
        waves=Waves(hub, tasks.connect(settings), pace(settings)),
        drift=Drift(hub, cluster, desired_states(settings, hub)),
        silence=timedelta(seconds=settings.silence_seconds),
    )
    return ScheduleHandler(work.sweep)


handler = Once(wire)


@functions_framework.http
def sweeper(request: flask.Request) -> flask.Response:
    return handler().respond(request)
