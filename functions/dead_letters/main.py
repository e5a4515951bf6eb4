"""The dead letters: consumes every dead-letter topic and keeps what arrives, with its reason."""

import provider_hub.cold_start  # noqa: F401 - first, see there

import flask
import functions_framework

from provider_hub.adapters.identity.callers import trusted_callers
from provider_hub.http.callers import OnlyFrom
from provider_hub.http.dead_letters import DeadLetterKeeper
from provider_hub.settings.callers import Callers
from provider_hub.settings.core import Core
from provider_hub.wiring import Once, connected_services


class Needs(Core, Callers): ...


def wire(settings: Needs) -> OnlyFrom:
    keeper = DeadLetterKeeper(connected_services(settings), settings.topic_names)
    return OnlyFrom(trusted_callers(settings).push(), keeper)


keeper = Once(Needs, wire)


@functions_framework.http
def dead_letters(request: flask.Request) -> flask.Response:
    return keeper().respond(request)
