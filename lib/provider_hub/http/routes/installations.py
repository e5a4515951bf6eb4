"""A tenant's installations (contract, section 3)."""

from functools import partial

from provider_hub.http.models import installations as models
from provider_hub.http.routes.route import Access, Route

_route = partial(Route, function="installations")
_INSTALLED = "/providers/installed/{org}/{name}"

ROUTES = (
    _route(
        "POST",
        "/providers/install",
        "install",
        "Queue the installation of a provider",
        Access.TENANT,
        models.ProviderInstallation,
        status=201,
        body=models.InstallRequest,
        refusals=(404, 409, 429),
        location=True,
    ),
    _route(
        "GET",
        "/providers/installed",
        "list_installed",
        "Every installation of the organization, oldest first",
        Access.TENANT,
        list[models.ProviderInstallation],
    ),
    _route(
        "GET",
        _INSTALLED,
        "get_installed",
        "One installation",
        Access.TENANT,
        models.ProviderInstallation,
        refusals=(404,),
    ),
    _route(
        "PATCH",
        _INSTALLED,
        "change_settings",
        "Change tier, policies or config; another tier or config is deployed",
        Access.TENANT,
        models.ProviderInstallation,
        body=models.SettingsRequest,
        refusals=(404, 409),
    ),
    _route(
        "DELETE",
        _INSTALLED,
        "uninstall",
        "Remove the provider's objects, then the row",
        Access.TENANT,
        models.ProviderInstallation,
        status=202,
        query=models.UninstallQuery,
        refusals=(404, 409),
    ),
    _route(
        "POST",
        f"{_INSTALLED}/upgrade",
        "upgrade",
        "To a newer version; without one, the latest",
        Access.TENANT,
        models.ProviderInstallation,
        body=models.UpgradeRequest,
        body_required=False,
        refusals=(404, 409),
    ),
    _route(
        "POST",
        f"{_INSTALLED}/downgrade",
        "downgrade",
        "To an older version",
        Access.TENANT,
        models.ProviderInstallation,
        body=models.DowngradeRequest,
        refusals=(404, 409),
    ),
    _route(
        "POST",
        f"{_INSTALLED}/deploy",
        "deploy",
        "Deploy again; without a version, the installed one",
        Access.TENANT,
        models.DeploymentStatusBody,
        body=models.DeployRequest,
        body_required=False,
        refusals=(404, 409),
    ),
    _route(
        "GET",
        f"{_INSTALLED}/deployment",
        "deployment",
        "What the cluster shows now",
        Access.TENANT,
        models.DeploymentStatusBody,
        refusals=(404,),
    ),
    _route(
        "GET",
        f"{_INSTALLED}/events",
        "events",
        "The timeline, newest first",
        Access.TENANT,
        models.Timeline,
        query=models.EventsQuery,
        refusals=(404,),
    ),
)
