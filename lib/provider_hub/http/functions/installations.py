"""Installations: a tenant's own rows (contract, section 3)."""

from datetime import datetime
from typing import Self
from urllib.parse import quote

from pydantic import ConfigDict, Field

from provider_hub.actions import change, inspect
from provider_hub.actions.cluster import Clusters
from provider_hub.actions.install import request_install
from provider_hub.actions.installed import Installed
from provider_hub.actions.read_logs import LogReader
from provider_hub.actions.services import Services
from provider_hub.actions.wishes import Wish
from provider_hub.actions.wishes.fields import Semver
from provider_hub.actions.wishes.installations import InstallWish, SettingsWish
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.deployment import DeploymentStatus
from provider_hub.domain.installation import Health, LifecycleState, ResourceTier, TimelineEntry, UpgradePolicy
from provider_hub.domain.versions import is_newer
from provider_hub.http.advisory_view import AdvisoryBody, advisories_of
from provider_hub.http.call import Call, Reply
from provider_hub.http.log_view import Logs, LogsQuery
from provider_hub.http.models import Response
from provider_hub.http.parameters import PROVIDER
from provider_hub.http.route import Access, Routes

_INSTALLED = "/providers/installed/{org}/{name}"
# What was just asked for has not happened yet.
_PENDING = {"lifecycle_state": "pending", "updated_at": "2026-03-02T10:15:30Z"}
_NEXT = {**_PENDING, "generation": 2}


@dataclass(frozen=True, slots=True)
class Hub:
    """What the handlers of installations work with."""

    services: Services
    clusters: Clusters
    logs: LogReader


routes: Routes[Hub] = Routes(
    "installations", about="What an organization has installed, and what it runs.", parameters=PROVIDER
)


class ProviderInstallation(Response):
    """A provider in an organization: what was asked for, and how far it is."""

    prefix: str = Field(description="The provider's namespace: `platform`, or its author's slug.", examples=["acme"])
    name: str = Field(description="The provider's name within its namespace.", examples=["weather"])
    canonical: str = Field(description="`prefix/name`.", examples=["acme/weather"])
    installed_version: str = Field(description="The version that shall run.", examples=["1.4.0"])
    current_version: str | None = Field(
        description="The version that checked in last; null until one did.", examples=["1.4.0"]
    )
    upgrade_policy: UpgradePolicy = Field(
        description="Whether new versions are taken by themselves.", examples=["auto"]
    )
    resource_tier: ResourceTier = Field(description="How much the runtime gets.", examples=["standard"])
    config: dict[str, str] = Field(
        description="The runtime's environment variables but the secret ones.",
        examples=[{"WEATHER_STATIONS": "Bergen=60.39,5.32"}],
    )
    secret_config: list[str] = Field(
        description="The names of the secret environment variables, whose values are never shown.",
        examples=[["WEATHER_API_KEY"]],
    )
    installed_at: datetime = Field(description="When it was asked for.", examples=["2026-03-02T10:15:30Z"])
    created_at: datetime = Field(
        description="When the row was made; the same as `installed_at`.", examples=["2026-03-02T10:15:30Z"]
    )
    updated_at: datetime = Field(description="When the row last changed.", examples=["2026-03-02T10:15:42.120000Z"])
    lifecycle_state: LifecycleState = Field(description="How far the last change is.", examples=["ready"])
    health: Health = Field(
        description="What the runtime says of itself; `degraded` too when it is silent.", examples=["healthy"]
    )
    health_message: str | None = Field(description="Why it is degraded.")
    resource_types: tuple[str, ...] = Field(
        description="The resource types that its runtime serves, as it last said.", examples=[["forecast", "station"]]
    )
    failure_message: str | None = Field(
        description="Why the last change failed, and what was restored; below it the last lines of its pod."
    )
    rollback_on_failure: bool = Field(description="Whether a failed upgrade goes back.", examples=[True])
    allow_major_upgrades: bool = Field(description="Whether `auto` may take another major version.", examples=[False])
    latest_version: str | None = Field(
        description="The provider's latest version; null where the provider is gone.", examples=["1.4.0"]
    )
    upgrade_available: bool = Field(
        description="Whether `upgrade` without a version would change what shall run: `latest_version` is newer than "
        "`installed_version`, or the same and locked again since.",
        examples=[False],
    )
    relock_available: bool = Field(
        description="Whether `installed_version` was locked again since: `upgrade` to it takes the new lock. "
        "The answer to a change has false.",
        examples=[False],
    )
    lock_sha256: str | None = Field(
        description="The lock of what shall run; null where the dependencies are resolved in each pod.",
        examples=["c2f8a1d4a0cf0a3c3f0e6f7d6f9a3f2bb0b0d9a6a2a4c1d0b7a9e8c7d6e5f4a3"],
    )
    advisories: list[AdvisoryBody] | None = Field(
        description="Known vulnerabilities of what that lock has, the worst first; null where nothing is known: there "
        "is no lock, or it was not held against a database yet. The answer to a change has null."
    )
    advisories_as_of: datetime | None = Field(
        description="How new the database was that the lock was held against; null with `advisories`.",
        examples=["2026-03-02T02:11:09Z"],
    )
    mended_by: str | None = Field(
        description="The version to upgrade to that has none of the `advisories`: `installed_version` as it was locked "
        "again, else `latest_version`; null where neither is known to, or the latter does not come from where the "
        "organization requires."
    )
    generation: int = Field(description="Grows by one with every change of what shall run.", examples=[1])

    @classmethod
    def of(cls, installed: Installed) -> Self:
        """The view of a row and the catalog row of its provider."""
        row, lock = installed.row, installed.lock
        latest = installed.provider.latest_version if installed.provider else None
        is_newest = latest == row.installed_version
        is_outdated = latest is not None and is_newer(latest, than=row.installed_version)
        return cls(
            prefix=row.prefix,
            name=row.name,
            canonical=row.canonical,
            installed_version=row.installed_version,
            current_version=row.current_version,
            upgrade_policy=row.upgrade_policy,
            resource_tier=row.revision.resource_tier,
            config=row.revision.config,
            secret_config=sorted(row.revision.secrets),
            installed_at=row.created_at,
            created_at=row.created_at,
            updated_at=row.updated_at,
            lifecycle_state=row.lifecycle_state,
            health=row.health,
            health_message=row.health_message,
            resource_types=row.resource_types,
            failure_message=row.failure_message,
            rollback_on_failure=row.rollback_on_failure,
            allow_major_upgrades=row.allow_major_upgrades,
            latest_version=latest,
            upgrade_available=is_outdated or (is_newest and lock.is_superseded),
            relock_available=lock.is_superseded,
            lock_sha256=row.revision.lock_sha256,
            advisories=advisories_of(lock.advisories),
            advisories_as_of=lock.advisories.export_at if lock.advisories else None,
            mended_by=lock.mended_by,
            generation=row.generation,
        )


@routes.add(
    "POST",
    "/providers/install",
    Access.TENANT,
    status=201,
    refusals=(404, 409, 429),
    location=True,
    example={**_PENDING, "current_version": None},
)
def install(hub: Hub, call: Call, body: InstallWish) -> Reply[ProviderInstallation]:
    """Queue the installation of a provider."""
    installed = request_install(hub.services, call.organization, body, call.cause)
    location = f"/providers/installed/{quote(installed.row.canonical)}"
    return Reply(ProviderInstallation.of(installed), headers={"Location": location})


@routes.add("GET", "/providers/installed", Access.TENANT)
def list_installed(hub: Hub, call: Call) -> list[ProviderInstallation]:
    """Every installation of the organization, oldest first."""
    found = inspect.list_installed(hub.services, call.organization)
    return [ProviderInstallation.of(installed) for installed in found]


@routes.add("GET", _INSTALLED, Access.TENANT, refusals=(404,))
def get_installed(hub: Hub, call: Call) -> ProviderInstallation:
    """One installation."""
    found = inspect.get_installed(hub.services, call.organization, call.provider, is_poll=call.is_poll)
    return ProviderInstallation.of(found)


@routes.add(
    "PATCH",
    _INSTALLED,
    Access.TENANT,
    refusals=(404, 409),
    example={**_NEXT, "resource_tier": "performance", "upgrade_policy": "manual"},
)
def change_settings(hub: Hub, call: Call, body: SettingsWish) -> ProviderInstallation:
    """Change tier, policies or config; another tier or config is deployed."""
    changed = change.change_settings(hub.services, call.organization, call.provider, body, call.cause)
    return ProviderInstallation.of(changed)


class UninstallQuery(Wish):
    """Whether an uninstall may leave resources behind that the provider manages."""

    cascade: bool = Field(False, description="Whether the resources that the runtime manages may be given up.")


@routes.add(
    "DELETE",
    _INSTALLED,
    Access.TENANT,
    status=202,
    refusals=(404, 409),
    example={**_NEXT, "lifecycle_state": "deleting"},
)
def uninstall(hub: Hub, call: Call, query: UninstallQuery) -> ProviderInstallation:
    """Remove the provider's objects, then the row."""
    removed = change.uninstall(hub.services, call.organization, call.provider, cascade=query.cascade, cause=call.cause)
    return ProviderInstallation.of(removed)


class UpgradeWish(Wish):
    """The newer version to run."""

    model_config = ConfigDict(title="UpgradeRequest")

    version: Semver | None = Field(
        None, description="A newer version; null takes the latest published one.", examples=["1.4.0"]
    )


@routes.add(
    "POST",
    f"{_INSTALLED}/upgrade",
    Access.TENANT,
    body_required=False,
    refusals=(404, 409),
    example={**_NEXT, "current_version": "1.3.2"},
)
def upgrade(hub: Hub, call: Call, body: UpgradeWish) -> ProviderInstallation:
    """Upgrade to a newer version; without one, to the latest."""
    changed = change.upgrade(hub.services, call.organization, call.provider, body.version, call.cause)
    return ProviderInstallation.of(changed)


class DowngradeWish(Wish):
    """The older version to run."""

    model_config = ConfigDict(title="DowngradeRequest")

    target_version: Semver = Field(
        description="A published version that is older than the installed one.", examples=["1.3.2"]
    )


@routes.add(
    "POST",
    f"{_INSTALLED}/downgrade",
    Access.TENANT,
    refusals=(404, 409),
    example={**_NEXT, "installed_version": "1.3.2", "upgrade_available": True},
)
def downgrade(hub: Hub, call: Call, body: DowngradeWish) -> ProviderInstallation:
    """Downgrade to an older version."""
    changed = change.downgrade(hub.services, call.organization, call.provider, body.target_version, call.cause)
    return ProviderInstallation.of(changed)


class DeploymentStatusBody(Response):
    """What the cluster shows of an installation."""

    deployment_name: str = Field(
        description="The name of the Kubernetes Deployment.", examples=["p-acme-weather-q3zk5d2xw6m7n4a2b8cd"]
    )
    status: str = Field(description="`pending`, `progressing`, `available` or `failed`.", examples=["progressing"])
    available_replicas: int = Field(description="How many replicas have been ready for long enough.", examples=[1])
    ready_replicas: int = Field(description="How many replicas are ready.", examples=[1])
    version: str | None = Field(
        description="The version that was applied last; null before any was.", examples=["1.4.0"]
    )
    image: str | None = Field(
        description="The image of the runtime.", examples=["europe-docker.pkg.dev/hub/runtime/pragma-runtime:3.2.0"]
    )
    updated_at: datetime | None = Field(
        description="When the Deployment last changed.", examples=["2026-03-02T10:15:42.120000Z"]
    )
    message: str | None = Field(
        description="The container's own reason: a crash loop, a missing image, a quota.",
        examples=["1 of 2 replicas are updated"],
    )
    healthy: bool = Field(description="Whether all replicas that shall run are available.", examples=[False])

    @classmethod
    def of(cls, status: DeploymentStatus) -> Self:
        """The view of what was read from the cluster."""
        return cls.model_validate(status)


class DeployWish(Wish):
    """The version to deploy."""

    model_config = ConfigDict(title="DeployRequest")

    version: Semver | None = Field(None, description="Any published version; null takes the installed one again.")


@routes.add("POST", f"{_INSTALLED}/deploy", Access.TENANT, body_required=False, refusals=(404, 409))
def deploy(hub: Hub, call: Call, body: DeployWish) -> DeploymentStatusBody:
    """Deploy again; without a version, the installed one."""
    changed = change.deploy(hub.services, call.organization, call.provider, body.version, call.cause)
    return DeploymentStatusBody.of(inspect.status_after_wish(hub.clusters, changed.row))


@routes.add("POST", f"{_INSTALLED}/rollback", Access.TENANT, refusals=(404, 409), example=_NEXT)
def rollback(hub: Hub, call: Call) -> ProviderInstallation:
    """Roll back to the version, tier and config that were READY last."""
    return ProviderInstallation.of(change.rollback(hub.services, call.organization, call.provider, call.cause))


@routes.add("GET", f"{_INSTALLED}/deployment", Access.TENANT, refusals=(404,))
def deployment(hub: Hub, call: Call) -> DeploymentStatusBody:
    """What the cluster shows now."""
    row = inspect.get_row(hub.services, call.organization, call.provider)
    return DeploymentStatusBody.of(inspect.deployment_status(hub.clusters, row))


class TimelineEvent(Response):
    """One event of an installation."""

    at: datetime = Field(description="When it happened.", examples=["2026-03-02T10:15:42.120000Z"])
    event: str = Field(description="What happened, such as `install` or `check-in`.", examples=["check-in"])
    from_state: LifecycleState | None = Field(
        description="The state before; null for the first event.", examples=["processing"]
    )
    to_state: LifecycleState | None = Field(description="The state after.", examples=["ready"])
    generation: int = Field(description="The generation after.", examples=[1])
    version: str = Field(description="The version that shall run after it.", examples=["1.4.0"])
    cause: str = Field(description="Who or what caused it: a caller's id, or a part of the hub.", examples=["runtime"])
    reason: str | None = Field(description="Why, in a sentence; below it the last lines of a pod that failed.")

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        """The view of an entry of the row's timeline."""
        return cls.model_validate(entry)


class Timeline(Response):
    """A page of an installation's events."""

    items: list[TimelineEvent] = Field(description="Newest first.")
    next_page_token: str | None = Field(description="The `page_token` of the next page; null on the last one.")


class EventsQuery(Wish):
    """Which page of the timeline."""

    limit: int = Field(50, ge=1, le=100, description="How many events a page has.")
    page_token: str | None = Field(None, pattern=r"^[0-9]{1,6}$", description="`next_page_token` of the page before.")


@routes.add("GET", f"{_INSTALLED}/events", Access.TENANT, refusals=(404,))
def events(hub: Hub, call: Call, query: EventsQuery) -> Timeline:
    """The timeline, newest first."""
    newest_first = inspect.get_row(hub.services, call.organization, call.provider).timeline[::-1]
    start = int(query.page_token or 0)
    end = start + query.limit
    items = [TimelineEvent.of(entry) for entry in newest_first[start:end]]
    return Timeline(items=items, next_page_token=str(end) if end < len(newest_first) else None)


@routes.add("GET", f"{_INSTALLED}/logs", Access.TENANT, refusals=(404,))
def logs(hub: Hub, call: Call, query: LogsQuery) -> Logs:
    """What its pods print, of all pods by time.

    Ask again with `since` set to `cursor`: nothing is lost or told twice through rollouts and restarts.
    """
    return Logs.of(hub.logs.read(call.organization, call.provider, query.wish))
