"""One example for each body that the description shows: `acme` publishes a weather provider and installs it.

A test validates each against its schema, and each request as the handlers would get it.
"""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from provider_hub.actions.wishes import Wish
from provider_hub.actions.wishes.catalog import CatalogEdit
from provider_hub.actions.wishes.installations import InstallWish, SettingsWish
from provider_hub.actions.wishes.publishing import PublishWish, RuntimeVersionWish
from provider_hub.http import catalog, identity, installations, operations, publishing
from provider_hub.http.models import Response
from provider_hub.http.route import Route
from provider_hub.http.version_view import ProviderVersionBody

_SHA256 = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
_WHEEL = "https://wheels.acme.example/weather_provider-1.4.0-py3-none-any.whl"
_LETTER = "01JZK3V8M4Q2T7Y9B5N6C1D0EF"
_PUBLISHED = "2026-03-02T09:30:00Z"
_READY = "2026-03-02T10:15:42.120000Z"
_STATION_SCHEMA = {"type": "object", "properties": {"latitude": {"type": "number"}}, "required": ["latitude"]}
_READING_SCHEMA = {"type": "object", "properties": {"sunlight_hours": {"type": "number"}}}
_CONFIG = {"WEATHER_STATIONS": "Bergen=60.39,5.32"}

PATH: Mapping[str, str] = {
    "org": "acme",
    "name": "weather",
    "version": "1.4.0",
    "organization_id": "me",
    "id": _LETTER,
}

REQUESTS: Mapping[type[Wish], Mapping[str, Any]] = {
    InstallWish: {
        "provider_name": "acme/weather",
        "version": "1.4.0",
        "resource_tier": "standard",
        "upgrade_policy": "auto",
        "config": _CONFIG,
    },
    SettingsWish: {"resource_tier": "performance", "upgrade_policy": "manual"},
    installations.UpgradeRequest: {"version": "1.4.0"},
    installations.DowngradeRequest: {"target_version": "1.3.2"},
    installations.DeployRequest: {"version": None},
    CatalogEdit: {"description": "Sunlight at your stations.", "tags": ["weather", "sensors"]},
    catalog.YankRequest: {"reason": "Reads stations in the southern hemisphere upside down."},
    PublishWish: {
        "name": "acme/weather",
        "version": "1.4.0",
        "wheel_url": _WHEEL,
        "sha256": _SHA256,
        "package_name": "weather_provider",
        "metadata": {"display_name": "Weather", "description": "Sunlight at your stations.", "tags": ["weather"]},
        "schemas": {
            "station": {
                "description": "A place whose sunlight is counted.",
                "config_schema": _STATION_SCHEMA,
                "outputs_schema": _READING_SCHEMA,
            }
        },
        "changelog": "Stations may lie at sea.",
    },
    RuntimeVersionWish: {
        "version": "3.2.0",
        "image_url": "europe-docker.pkg.dev/hub/runtime/pragma-runtime:3.2.0",
        "python_version": "3.13",
        "platform": "manylinux_2_36_x86_64",
        "changelog": None,
    },
}

_INSTALLATION: Mapping[str, Any] = {
    "prefix": "acme",
    "name": "weather",
    "canonical": "acme/weather",
    "installed_version": "1.4.0",
    "current_version": "1.4.0",
    "upgrade_policy": "auto",
    "resource_tier": "standard",
    "config": _CONFIG,
    "installed_at": "2026-03-02T10:15:30Z",
    "created_at": "2026-03-02T10:15:30Z",
    "updated_at": _READY,
    "lifecycle_state": "ready",
    "health": "healthy",
    "health_message": None,
    "resource_types": ["forecast", "station"],
    "failure_message": None,
    "rollback_on_failure": True,
    "allow_major_upgrades": False,
    "latest_version": "1.4.0",
    "upgrade_available": False,
    "generation": 1,
}
_PROVIDER: Mapping[str, Any] = {
    "prefix": "acme",
    "name": "weather",
    "canonical": "acme/weather",
    "display_name": "Weather",
    "description": "Sunlight at your stations.",
    "author": {"kind": "customer", "organization_id": "org_acme", "display_name": "Acme"},
    "scope": "tenant",
    "icon_url": None,
    "readme": None,
    "tags": ["weather"],
    "latest_version": "1.4.0",
    "install_count": 1,
    "created_at": "2026-01-15T08:00:00Z",
    "updated_at": _PUBLISHED,
}

RESPONSES: Mapping[type[Response], Mapping[str, Any]] = {
    installations.ProviderInstallation: _INSTALLATION,
    installations.DeploymentStatusBody: {
        "deployment_name": "p-acme-weather-q3zk5d2xw6m7n4a2b8cd",
        "status": "progressing",
        "available_replicas": 1,
        "ready_replicas": 1,
        "version": "1.4.0",
        "image": "europe-docker.pkg.dev/hub/runtime/pragma-runtime:3.2.0",
        "updated_at": _READY,
        "message": "1 of 2 replicas are updated",
        "healthy": False,
    },
    installations.Timeline: {
        "items": [
            {
                "at": _READY,
                "event": "check-in",
                "from_state": "processing",
                "to_state": "ready",
                "generation": 1,
                "version": "1.4.0",
                "cause": "runtime",
                "reason": None,
            }
        ],
        "next_page_token": None,
    },
    catalog.ProviderPage: {"items": [_PROVIDER], "total": 1, "limit": 20, "offset": 0},
    catalog.ProviderBody: _PROVIDER,
    ProviderVersionBody: {
        "prefix": "acme",
        "name": "weather",
        "version": "1.4.0",
        "canonical": "acme/weather",
        "runtime_version": "python3.13-5f1c2ab09e77",
        "wheel_url": _WHEEL,
        "wheel_sha256": _SHA256,
        "wheel_filename": _WHEEL.rpartition("/")[2],
        "wheel_size": 48213,
        "distribution_name": "weather-provider",
        "summary": "Sunlight by the hour.",
        "requires_python": ">=3.11",
        "package_name": "weather_provider",
        "entrypoint": None,
        "source_hash": None,
        "build_id": None,
        "schemas": [
            {
                "provider": "weather",
                "resource": "station",
                "description": "A place whose sunlight is counted.",
                "config_schema": _STATION_SCHEMA,
                "outputs_schema": _READING_SCHEMA,
            }
        ],
        "changelog": "Stations may lie at sea.",
        "status": "published",
        "published_at": _PUBLISHED,
        "error_message": None,
        "created_at": _PUBLISHED,
        "updated_at": _PUBLISHED,
    },
    catalog.RolloutBody: {
        "version": "1.4.0",
        "state": "baking",
        "wave": 2,
        "candidates": 40,
        "started": 5,
        "succeeded": 5,
        "failed": 0,
        "left": 0,
        "halted_reason": None,
        "created_at": _PUBLISHED,
        "updated_at": _READY,
        "due_at": "2026-03-02T10:45:42Z",
    },
    publishing.RuntimeVersionBody: {
        "version": "3.2.0",
        "image_url": "europe-docker.pkg.dev/hub/runtime/pragma-runtime:3.2.0",
        "python_version": "3.13",
        "platform": "manylinux_2_36_x86_64",
        "changelog": None,
        "released_at": _PUBLISHED,
        "created_at": _PUBLISHED,
        "updated_at": _PUBLISHED,
    },
    identity.WhoAmI: {
        "kind": "console_machine",
        "user_id": None,
        "machine_id": "mch_release",
        "token_id": "mt_4b1f0c9e",
        "scopes": ["provider_versions:write"],
    },
    identity.Me: {
        "user_id": "user_ada",
        "email": "ada@acme.example",
        "organization_id": "org_acme",
        "organization_name": "Acme",
    },
    identity.OrganizationBody: {
        "organization_id": "org_acme",
        "name": "Acme",
        "slug": "acme",
        "status": "active",
        "created_at": "2026-01-15T08:00:00Z",
        "updated_at": "2026-01-15T08:00:00Z",
    },
    identity.OrganizationStatus: {"status": "ready"},
    operations.DeadLetterBody: {
        "id": _LETTER,
        "event_id": _LETTER,
        "provider": "acme/weather",
        "resource_type": "provider_installation",
        "resource_name": "acme/weather",
        "event_type": "INSTALL_REQUESTED",
        "payload": {"organization_id": "org_acme", "provider": "acme/weather", "generation": 1},
        "error_message": "the cluster did not answer in ten tries",
        "attempt_count": 10,
        "failed_at": _READY,
    },
    operations.RetriedCount: {"retried_count": 2},
    operations.DeletedCount: {"deleted_count": 2},
    operations.HealthBody: {"status": "ok"},
}

# How a route's own answer differs from its model's example: what was just asked for has not happened yet.
_PENDING: Mapping[str, Any] = {"lifecycle_state": "pending", "updated_at": "2026-03-02T10:15:30Z"}
OF_ROUTE: Mapping[str, Mapping[str, Any]] = {
    "install": {**_PENDING, "current_version": None},
    "upgrade": {**_PENDING, "current_version": "1.3.2", "generation": 2},
    "downgrade": {
        **_PENDING,
        "installed_version": "1.3.2",
        "upgrade_available": True,
        "generation": 2,
    },
    "change_settings": {**_PENDING, "resource_tier": "performance", "upgrade_policy": "manual", "generation": 2},
    "uninstall": {**_PENDING, "lifecycle_state": "deleting", "generation": 2},
    "yank": {"status": "yanked", "error_message": "Reads stations in the southern hemisphere upside down."},
    "edit_provider": {"tags": ["weather", "sensors"]},
}

_ERRORS: Mapping[int, str] = {
    401: "Not authenticated",
    403: "acme/weather is not your organization's: only its author may change it",
    404: "there is no provider acme/weather",
    409: "acme/weather is being removed: nothing about it can be changed any more",
    413: "the body is over 1048576 bytes",
    429: "the organization has 100 installations, as many as it may have: uninstall one, or ask for more",
    500: "this should not have happened; it is logged as request 8c1f2a",
    503: "a service this depends on is down: try again",
}
_PROBLEM = {"loc": ["body", "version"], "msg": "'1.4' is not a semantic version such as 1.4.0", "type": "value_error"}


def request(route: Route) -> dict[str, Any]:
    """The example of a route's request body. Raises KeyError for a route without."""
    if route.body is None:
        raise KeyError(route.name)
    return dict(REQUESTS[route.body])


def response(route: Route) -> Any:
    """The example of what a route answers when all is well. Raises KeyError for one without a JSON model."""
    shape: Any = route.shape
    if get_origin(shape) is list:
        return [dict(RESPONSES[get_args(shape)[0]])]
    return {**RESPONSES[shape], **OF_ROUTE.get(route.name, {})}


def error(status: int) -> dict[str, Any]:
    """The example of a refusal. Raises KeyError for a status that is none."""
    if status == 422:
        return {"detail": [_PROBLEM], "message": f"body.version: {_PROBLEM['msg']}"}
    return {"detail": _ERRORS[status]}
