"""Rollouts, for their author and the platform: listing them, pausing and resuming one, and deleting them."""

import logging
from collections.abc import Callable

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import RolloutStore, Tasks, Transaction
from provider_hub.actions.provider_access import changeable
from provider_hub.actions.scheduled_calls import step_of
from provider_hub.actions.services import Services
from provider_hub.actions.takeover import LISTED, gone_on, rollouts_that_end_for
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.catalog import Provider, ProviderVersion, is_lock_offered
from provider_hub.domain.errors import Conflict, NotFound, TemporaryError
from provider_hub.domain.names import ProviderName
from provider_hub.domain.offers import is_offered, published_of
from provider_hub.domain.rollout import RESUMABLE, Rollout, can_be_paused, paused
from provider_hub.domain.takeover import lock_successor
from provider_hub.domain.versions import is_rollout_id

log = logging.getLogger(__name__)

_MEMBERS_DELETED_AT_ONCE = 400


def list_rollouts(services: Services[RolloutStore], by: Actor, name: ProviderName) -> list[Rollout]:
    """The rollouts of a provider, newest first. `by` is of its author's organization, or the platform.

    Raises NotFound or Forbidden.
    """
    changeable(services.store.get(keys.provider(name)), name, by)
    return services.store.rollouts_of(name, LISTED)


def pause(services: Services[RolloutStore], by: Actor, name: ProviderName, rollout_id: str) -> Rollout:
    """Let a rollout take no step until it is resumed. `by` is of its author's organization, or the platform.

    A step that is under way writes nothing more: each of its writes reads the state. What the platform pauses, the
    platform alone resumes. Raises NotFound, Forbidden, and Conflict for a rollout that takes no steps anyway.
    """

    def decide(
        _transaction: Transaction, rollout: Rollout, _provider: Provider | None, _version: ProviderVersion | None
    ) -> Rollout:
        if not can_be_paused(rollout, by_platform=by.is_platform):
            raise Conflict(f"the rollout of {name} {rollout_id} is {rollout.state.value}: there is nothing to pause")
        return paused(rollout, services.clock(), by_platform=by.is_platform)

    return _changed(services, by, name, rollout_id, AuditAction.ROLLOUT_PAUSED, decide)


def resume(services: Services[RolloutStore], tasks: Tasks, by: Actor, name: ProviderName, rollout_id: str) -> Rollout:
    """Let a halted, paused or superseded rollout go on. `by` is of its author's organization, or the platform.

    The same transaction ends the active rollouts that it supersedes: nobody would repeat that later.
    Raises NotFound, Forbidden, and Conflict for a rollout that is none of these, that the platform paused where `by` is
    not the platform, or whose version or lock is not offered any more or was superseded.
    """

    def decide(
        transaction: Transaction, rollout: Rollout, provider: Provider | None, version: ProviderVersion | None
    ) -> Rollout:
        if rollout.state not in RESUMABLE:
            state = f"{rollout.state.value}, not halted, paused or superseded"
            raise Conflict(f"the rollout of {name} {rollout_id} is {state}: there is nothing to resume")
        if rollout.paused_by_platform and not by.is_platform:
            raise Conflict(f"the platform paused the rollout of {name} {rollout_id}: only the platform can resume it")
        if why := _why_not_offered(services, rollout, provider, version):
            raise Conflict(f"{name} {rollout_id} is not rolled out any more: {why}")
        resumed = gone_on(rollout, services.clock())
        for ended in rollouts_that_end_for(services, transaction, resumed):
            transaction.write(keys.rollout_of(ended), ended)
        return resumed

    rollout = _changed(services, by, name, rollout_id, AuditAction.ROLLOUT_RESUMED, decide)
    # It is resumed and says so, whatever fails from here on: to ask again would be answered with a conflict.
    try:
        tasks.schedule(step_of(rollout))
    except TemporaryError as error:
        log.warning("the sweeper takes the next step of the rollout of %s %s: %s", name, rollout_id, error)
    return rollout


def _why_not_offered(
    services: Services[RolloutStore], rollout: Rollout, provider: Provider | None, version: ProviderVersion | None
) -> str | None:
    statuses = services.store.version_statuses(rollout.provider_name)
    if rollout.lock_sha256 is None:
        latest = provider.latest_version if provider else None
        return None if is_offered(rollout.version, statuses) else f"the latest version is {latest}"
    if version is None or not is_lock_offered(version, rollout.lock_sha256):
        return "the version was yanked or locked again"
    rollouts = services.store.rollouts_of(rollout.provider_name, LISTED)
    newer = lock_successor(rollout, rollouts, published_of(statuses))
    return f"the rollout of {newer.rollout_id} took over" if newer else None


def _changed(
    services: Services[RolloutStore],
    by: Actor,
    name: ProviderName,
    rollout_id: str,
    action: AuditAction,
    change: Callable[[Transaction, Rollout, Provider | None, ProviderVersion | None], Rollout],
) -> Rollout:
    """Change a rollout for a caller that may change the provider. `change` writes what else changes with it.

    Raises NotFound, Forbidden, and what `change` raises.
    """
    author = changeable(services.store.get(keys.provider(name)), name, by).author
    if not is_rollout_id(rollout_id):  # it becomes a part of a document's path
        raise NotFound(f"there is no rollout of {name} {rollout_id[:80]}")
    key, version_key = keys.rollout(name, rollout_id), keys.version(name, rollout_id.partition("@")[0])

    def decide(transaction: Transaction) -> Rollout:
        rollout, provider, version = transaction.read(key, keys.provider(name), version_key)
        if rollout is None:
            raise NotFound(f"there is no rollout of {name} {rollout_id}")
        changed = change(transaction, rollout, provider, version)
        transaction.write(key, changed)
        audit.record(services, transaction, by, action, f"{name} {rollout_id}", concerns=author.organization_id)
        return changed

    return services.store.transact(decide)[0]


def forget_rollouts(services: Services[RolloutStore], name: ProviderName) -> None:
    """Delete the rollouts of a provider that is being deleted.

    Otherwise a new provider of the same name that publishes the same version would find its rollout done.
    """
    while rollouts := services.store.rollouts_of(name, LISTED):
        for rollout in rollouts:
            for wave in range(1, rollout.wave + 1):
                _forget_members(services, rollout, wave)
        services.store.delete_all([keys.rollout_of(rollout) for rollout in rollouts])


def _forget_members(services: Services[RolloutStore], rollout: Rollout, wave: int) -> None:
    name, rollout_id = rollout.provider_name, rollout.rollout_id
    while members := services.store.wave_members(name, rollout_id, wave, _MEMBERS_DELETED_AT_ONCE):
        services.store.delete_all([keys.member(name, rollout_id, member.installation_id) for member in members])
