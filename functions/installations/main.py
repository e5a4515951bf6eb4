"""Installations over HTTPS: install, look, upgrade, downgrade, deploy, change, uninstall."""

from dataclasses import replace

import flask
import functions_framework

from provider_hub.adapters import kubernetes
from provider_hub.adapters.config_schema import JsonSchemaChecker
from provider_hub.adapters.identity import Authenticator
from provider_hub.http.application import Application, answer_unrouted
from provider_hub.http.installations import Hub, routes
from provider_hub.settings import Settings
from provider_hub.wiring import Once, services


def wire(settings: Settings) -> Application[Hub]:
    hub = replace(services(settings), config_checker=JsonSchemaChecker())
    return Application(routes, Hub(hub, kubernetes.connect(settings)), Authenticator(settings), hub)


application = Once(wire)
answer_unrouted()


@functions_framework.http
def installations(request: flask.Request) -> flask.Response:
    return application().respond(request)
