"""The catalog (contract, section 4)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from provider_hub.actions import browse
from provider_hub.actions import rollouts as author_rollouts
from provider_hub.actions.services import Services
from provider_hub.actions.waves import Waves
from provider_hub.domain.catalog import Provider
from provider_hub.http.application import Call, Handler, Reply
from provider_hub.http.handlers.names import provider_in
from provider_hub.http.models import catalog as models
from provider_hub.http.models.versions import ProviderVersionBody

_MAY_BE_NULL = frozenset({"readme", "icon_url"})


def handlers(  # noqa: C901 - ten small ones, side by side
    services: Services, waves: Waves
) -> Mapping[str, Handler]:
    """The handlers of the `catalog` function by route name."""

    def search(call: Call) -> Reply:
        query = call.query(models.SearchQuery)
        wanted = browse.Search(query.q, tuple(query.tags), query.scope, query.limit, query.offset)
        found, total = browse.search(services, _viewer(call), wanted)
        items = [models.ProviderBody.of(listing) for listing in found]
        return Reply(models.ProviderPage(items=items, total=total, limit=query.limit, offset=query.offset))

    def get_provider(call: Call) -> Reply:
        return Reply(models.ProviderBody.of(browse.get_provider(services, _viewer(call), provider_in(call))))

    def edit_provider(call: Call) -> Reply:
        given = call.body(models.ProviderEdit).model_dump(include=set(call.given_fields))
        changes = {key: value for key, value in given.items() if value is not None or key in _MAY_BE_NULL}

        def edit(provider: Provider) -> Provider:
            return replace(provider, **_as_stored(changes))

        listing = browse.edit_provider(services, call.organization.organization_id, provider_in(call), edit)
        return Reply(models.ProviderBody.of(listing))

    def delete_provider(call: Call) -> Reply:
        browse.delete_provider(services, call.organization.organization_id, provider_in(call))
        return Reply()

    def list_versions(call: Call) -> Reply:
        versions = browse.list_versions(services, _viewer(call), provider_in(call))
        return Reply([ProviderVersionBody.of(version) for version in versions])

    def get_version(call: Call) -> Reply:
        version = browse.get_version(services, _viewer(call), provider_in(call), call.parameters["version"])
        return Reply(ProviderVersionBody.of(version))

    def yank(call: Call) -> Reply:
        reason = call.body(models.YankRequest).reason
        organization_id = call.organization.organization_id
        version = browse.yank(services, organization_id, provider_in(call), call.parameters["version"], reason)
        return Reply(ProviderVersionBody.of(version))

    def unyank(call: Call) -> Reply:
        organization_id = call.organization.organization_id
        version = browse.unyank(services, organization_id, provider_in(call), call.parameters["version"])
        return Reply(ProviderVersionBody.of(version))

    def list_rollouts(call: Call) -> Reply:
        rollouts = author_rollouts.list_rollouts(services, call.organization.organization_id, provider_in(call))
        return Reply([models.RolloutBody.of(rollout) for rollout in rollouts])

    def resume_rollout(call: Call) -> Reply:
        organization_id, version = call.organization.organization_id, call.parameters["version"]
        return Reply(
            models.RolloutBody.of(
                author_rollouts.resume(services, waves.tasks, organization_id, provider_in(call), version)
            )
        )

    return {
        "search": search,
        "get_provider": get_provider,
        "edit_provider": edit_provider,
        "delete_provider": delete_provider,
        "list_versions": list_versions,
        "get_version": get_version,
        "yank": yank,
        "unyank": unyank,
        "list_rollouts": list_rollouts,
        "resume_rollout": resume_rollout,
    }


def _viewer(call: Call) -> str | None:
    return call.tenant.organization_id if call.tenant else None


def _as_stored(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if key == "tags" else value for key, value in changes.items()}
