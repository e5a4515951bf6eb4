"""The actors behind the topics and timers, over one test's backend and fakes of what it has no emulator for."""

from datetime import timedelta
from functools import partial

from tests.builders import RUNTIME
from tests.fakes import FakeCluster, FakeHosts, FakeTasks, NoBucket, only
from tests.integration.backend import Backend

from provider_hub.actions import keys
from provider_hub.actions.advisories import AdvisoryWatch
from provider_hub.actions.deploy import Installer
from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.drift import Drift
from provider_hub.actions.expire import Expiry
from provider_hub.actions.last_lines import last_lines
from provider_hub.actions.left_behind import LeftBehind
from provider_hub.actions.mirror import Mirror
from provider_hub.actions.register import Registration
from provider_hub.actions.relock import WALK, WALKED, Relocking
from provider_hub.actions.sweep import Sweeper
from provider_hub.actions.waves import Waves
from provider_hub.domain.manifests import RuntimeFacts
from provider_hub.domain.rollout import Pace

FACTS = RuntimeFacts("runtime:1", "projects/p/topics/runtime-check-ins", "https://pubsub.example", 300, "", 600, 400)
KEY = b"a key for tests only"
PACE = Pace(timedelta(0), timedelta(0), timedelta(seconds=1), 5)


def installer_over(backend: Backend, cluster: FakeCluster, tasks: FakeTasks) -> Installer:
    backend.put(keys.runtime_version(RUNTIME.version), RUNTIME)
    return Installer(backend.services, only(cluster), tasks, DesiredStates(backend.store, FACTS, KEY, backend.envelope))


def registration_over(backend: Backend, tasks: FakeTasks, cluster: FakeCluster | None = None) -> Registration:
    return Registration(backend.services, tasks, (KEY,), partial(last_lines, only(cluster or FakeCluster())))


def sweeper_over(backend: Backend, cluster: FakeCluster, tasks: FakeTasks) -> Sweeper:
    services = backend.services
    backend.put(keys.runtime_version(RUNTIME.version), RUNTIME)
    backend.put(keys.cursor(WALK), WALKED)
    return Sweeper(
        services=services,
        left_behind=LeftBehind(services),
        expiry=Expiry(services, only(cluster)),
        waves=Waves(services, tasks, PACE),
        drift=Drift(services, only(cluster), DesiredStates(backend.store, FACTS, KEY, backend.envelope)),
        mirror=Mirror(services, NoBucket(), NoBucket()),
        relocking=Relocking(services, FakeHosts()),
        advisories=AdvisoryWatch(services, None),
    )
