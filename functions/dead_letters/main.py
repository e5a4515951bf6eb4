"""The dead letters: consumes every dead-letter topic and keeps what arrives, with its reason."""

import flask
import functions_framework

import provider_hub.cold_start  # noqa: F401 - first of ours, see there
from provider_hub.http.push import bury_pushed, pushed_topic
from provider_hub.settings import Core
from provider_hub.wiring import Once, services, topics

hub = Once(Core, services)
names = Once(Core, topics)


@functions_framework.http
def dead_letters(request: flask.Request) -> flask.Response:
    return bury_pushed(hub(), pushed_topic(request.path, names()), request)
