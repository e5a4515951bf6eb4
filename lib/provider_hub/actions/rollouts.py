"""Rollouts, for their author and the platform: listing them, resuming a halted one, and deleting them."""

from dataclasses import replace

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import RolloutStore, Tasks, Transaction
from provider_hub.actions.scheduled_calls import step_of
from provider_hub.actions.services import Services
from provider_hub.actions.version_choice import changeable
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.errors import Conflict, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.rollout import Rollout, RolloutState, is_offered, resumed
from provider_hub.domain.versions import is_version

LISTED = 50
MEMBERS_DELETED_AT_ONCE = 100


def list_rollouts(services: Services[RolloutStore], by: Actor, name: ProviderName) -> list[Rollout]:
    """The rollouts of a provider, newest first. `by` is of its author's organization, or the platform.

    Raises NotFound or Forbidden.
    """
    changeable(services.store.get(keys.provider(name)), name, by)
    return services.store.rollouts_of(name, LISTED)


def resume(services: Services[RolloutStore], tasks: Tasks, by: Actor, name: ProviderName, version: str) -> Rollout:
    """Let a halted rollout go on. `by` is of its author's organization, or the platform.

    Raises NotFound, Forbidden, and Conflict for a rollout that is not halted or whose version is not offered any more.
    """
    author = changeable(services.store.get(keys.provider(name)), name, by).author
    if not is_version(version):  # it becomes a part of a document's path
        raise NotFound(f"there is no rollout of {name} {version[:80]}")
    published = services.store.published_versions(name)

    def decide(transaction: Transaction) -> Rollout:
        rollout, provider = transaction.read(keys.rollout(name, version), keys.provider(name))
        if rollout is None:
            raise NotFound(f"there is no rollout of {name} {version}")
        if rollout.state is not RolloutState.HALTED:
            raise Conflict(f"the rollout of {name} {version} is {rollout.state.value}, not halted")
        latest = provider.latest_version if provider else None
        if not is_offered(version, published):
            raise Conflict(f"{name} {version} is not rolled out any more: the latest version is {latest}")
        running = replace(resumed(rollout, services.clock()), step=rollout.step + 1)
        transaction.write(keys.rollout(name, version), running)
        subject, concerns = f"{name} {version}", author.organization_id
        audit.record(services, transaction, by, AuditAction.ROLLOUT_RESUMED, subject, concerns=concerns)
        return running

    rollout, _ = services.store.transact(decide)
    tasks.schedule(step_of(rollout))
    return rollout


def forget_rollouts(services: Services[RolloutStore], name: ProviderName) -> None:
    """Delete the rollouts of a provider that is being deleted.

    Otherwise a new provider of the same name that publishes the same version would find its rollout done.
    """
    while rollouts := services.store.rollouts_of(name, LISTED):
        for rollout in rollouts:
            for wave in range(1, rollout.wave + 1):
                _forget_members(services, rollout, wave)
        services.store.delete_all([keys.rollout(name, rollout.version) for rollout in rollouts])


def _forget_members(services: Services[RolloutStore], rollout: Rollout, wave: int) -> None:
    name, version = rollout.provider_name, rollout.version
    while members := services.store.wave_members(name, version, wave, MEMBERS_DELETED_AT_ONCE):
        services.store.delete_all([keys.member(name, version, member.installation_id) for member in members])
