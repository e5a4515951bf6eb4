"""The sweeper: called by Cloud Scheduler to find what a crash or a silence left behind."""

import provider_hub.cold_start  # noqa: F401 - first, see there

from dataclasses import replace

import flask
import functions_framework

from provider_hub.actions.advisories import AdvisoryWatch
from provider_hub.actions.drift import Drift
from provider_hub.actions.expire import Expiry
from provider_hub.actions.left_behind import LeftBehind
from provider_hub.actions.mirror import Mirror
from provider_hub.actions.relock import Relocking
from provider_hub.actions.sweep import Sweeper
from provider_hub.actions.waves import Waves
from provider_hub.adapters import artifacts, kubernetes, osv_export, tasks
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.dependencies.uv import IndexPolicy, UvResolver
from provider_hub.adapters.identity.callers import trusted_callers
from provider_hub.adapters.wheels import FetchPolicy
from provider_hub.adapters.wheels.locked import KeptFromHosts, LockedWheelHosts
from provider_hub.http.callbacks import ScheduleHandler
from provider_hub.http.callers import OnlyFrom
from provider_hub.settings.callers import Callers, Tasks
from provider_hub.settings.cluster import Cluster, Repairs
from provider_hub.settings.rollouts import Rollouts
from provider_hub.settings.wheels import Advisories, Indexes, Wheels
from provider_hub.wiring import Once, connected_services
from provider_hub.wiring.desired_states import DesiredStateSettings, desired_states
from provider_hub.wiring.publishing import publishing_rules


class Needs(DesiredStateSettings, Cluster, Repairs, Tasks, Rollouts, Callers, Wheels, Indexes, Advisories): ...


def wire(settings: Needs) -> OnlyFrom:
    resolver = UvResolver(IndexPolicy.from_settings(settings))
    services = replace(
        connected_services(settings, JsonSchemaChecker()),
        resolver=resolver,
        publishing=publishing_rules(settings),  # the bytes that an organization may have kept
    )
    bucket, policy = artifacts.connect(settings), FetchPolicy.from_settings(settings)
    clusters = kubernetes.connect(settings)
    work = Sweeper(
        services=services,
        left_behind=LeftBehind(services),
        expiry=Expiry(services, clusters),
        waves=Waves(services, tasks.connect(settings), settings.pace),
        drift=Drift(services, clusters, desired_states(settings, services), settings.drift_slices),
        mirror=Mirror(services, bucket, LockedWheelHosts(policy)),
        relocking=Relocking(services, KeptFromHosts(policy, bucket)),
        advisories=AdvisoryWatch(services, osv_export.connect(settings, settings)),
    )
    return OnlyFrom(trusted_callers(settings).scheduler(), ScheduleHandler(work.sweep))


handler = Once(Needs, wire)


@functions_framework.http
def sweeper(request: flask.Request) -> flask.Response:
    return handler().respond(request)
