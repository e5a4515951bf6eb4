"""Installations: a tenant's own rows (contract, section 3)."""

from collections.abc import Mapping
from urllib.parse import quote

from provider_hub.actions import change, inspect
from provider_hub.actions.cluster import Cluster
from provider_hub.actions.install import InstallWish, request_install
from provider_hub.actions.installed import Installed
from provider_hub.actions.services import Services
from provider_hub.domain.names import ProviderName
from provider_hub.http.application import Call, Handler, Reply
from provider_hub.http.handlers.names import provider_in
from provider_hub.http.models import installations as models


def handlers(  # noqa: C901 - ten small ones, side by side
    services: Services, cluster: Cluster
) -> Mapping[str, Handler]:
    """The handlers of the `installations` function by route name."""

    def install(call: Call) -> Reply:
        body = call.body(models.InstallRequest)
        wish = InstallWish(
            ProviderName.parse(body.provider_name),
            body.version,
            body.resource_tier,
            body.upgrade_policy,
            body.config,
            body.rollback_on_failure,
            body.allow_major_upgrades,
        )
        installed = request_install(services, call.organization, wish, call.cause)
        location = f"/providers/installed/{quote(wish.provider.canonical)}"
        return Reply(models.ProviderInstallation.of(installed), headers={"Location": location})

    def list_installed(call: Call) -> Reply:
        found = inspect.list_installed(services, call.organization)
        return Reply([models.ProviderInstallation.of(installed) for installed in found])

    def get_installed(call: Call) -> Reply:
        return _shown(inspect.get_installed(services, call.organization, provider_in(call)))

    def change_settings(call: Call) -> Reply:
        body = call.body(models.SettingsRequest)
        wish = change.SettingsWish(**{field: getattr(body, field) for field in models.SettingsRequest.model_fields})
        return _shown(change.change_settings(services, call.organization, provider_in(call), wish, call.cause))

    def upgrade(call: Call) -> Reply:
        version = call.body(models.UpgradeRequest).version
        return _shown(change.upgrade(services, call.organization, provider_in(call), version, call.cause))

    def downgrade(call: Call) -> Reply:
        version = call.body(models.DowngradeRequest).target_version
        return _shown(change.downgrade(services, call.organization, provider_in(call), version, call.cause))

    def deploy(call: Call) -> Reply:
        version = call.body(models.DeployRequest).version
        installed = change.deploy(services, call.organization, provider_in(call), version, call.cause)
        return Reply(models.DeploymentStatusBody.of(inspect.status_after_wish(cluster, installed.row)))

    def deployment(call: Call) -> Reply:
        installed = inspect.get_installed(services, call.organization, provider_in(call))
        return Reply(models.DeploymentStatusBody.of(inspect.deployment_status(cluster, installed.row)))

    def uninstall(call: Call) -> Reply:
        cascade = call.query(models.UninstallQuery).cascade
        name = provider_in(call)
        return _shown(change.uninstall(services, call.organization, name, cascade=cascade, cause=call.cause))

    def events(call: Call) -> Reply:
        query = call.query(models.EventsQuery)
        installed = inspect.get_installed(services, call.organization, provider_in(call))
        start = int(query.page_token or 0)
        newest_first = installed.row.timeline[::-1]
        page = newest_first[start : start + query.limit]
        more = start + query.limit < len(newest_first)
        items = [models.TimelineEvent.of(entry) for entry in page]
        return Reply(models.Timeline(items=items, next_page_token=str(start + query.limit) if more else None))

    return {
        "install": install,
        "list_installed": list_installed,
        "get_installed": get_installed,
        "change_settings": change_settings,
        "upgrade": upgrade,
        "downgrade": downgrade,
        "deploy": deploy,
        "deployment": deployment,
        "uninstall": uninstall,
        "events": events,
    }


def _shown(installed: Installed) -> Reply:
    return Reply(models.ProviderInstallation.of(installed))
