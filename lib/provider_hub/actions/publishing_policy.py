"""Publishing policies: whether machines' stored tokens may publish, and whether versions have to be attested.

A provider has one, and its organization has one for all its providers. No machine's token may weaken either.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import DocumentStore, Key, PublisherStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.audit import Actor, ActorKind, AuditAction
from provider_hub.domain.errors import Forbidden
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization
from provider_hub.domain.publishers.records import PublishingPolicy, binding

if TYPE_CHECKING:
    from provider_hub.actions.wishes.publishers import ProviderPolicyWish


def check_may_publish(services: Services[DocumentStore], by: Actor, name: ProviderName) -> None:
    """Raises Forbidden where the caller's token does not publish this provider."""
    if by.run is not None and by.run.provider != name:
        raise Forbidden(f"the token may publish {by.run.provider} alone, and not {name}")
    if by.kind is not ActorKind.MACHINE or by.organization_id is None:
        return
    policies = policies_of(services, by.organization_id, name)
    if any(policy is not None and policy.secretless_only for policy in policies):
        raise Forbidden(
            f"{name} may only be published without stored secrets, and this token is one: publish from CI as a "
            "trusted publisher (`hub publishers add`)"
        )


def check_own(organization: Organization, name: ProviderName) -> None:
    """Raises Forbidden for a provider under another organization's slug."""
    if name.prefix != organization.slug:
        raise Forbidden(f"your organization publishes under {organization.slug}/, not {name}")


def check_may_trust(
    services: Services[PublisherStore],
    organization: Organization,
    name: ProviderName,
    by: Actor,
    *,
    replaces_repository: bool,
) -> None:
    """Raises Forbidden for a machine where a guard is in force, or that lets another repository take over.

    It might add a repository of whoever stole its token, whose runs publish without that token and attest what they do.
    """
    if by.kind is not ActorKind.MACHINE:
        return
    policies = policies_of(services, organization.organization_id, name)
    guards = {guard for policy in policies if policy is not None for guard in _guards(policy)}
    if guards:
        raise Forbidden(
            f"with {' and '.join(sorted(guards))} in force for {name}, no machine's token can add a publisher, because "
            "it may be a stolen one: an admin signs in and does that, in the console or with `hub`"
        )
    if replaces_repository:
        raise Forbidden(
            "replaces_repository lets another repository publish what installations run, and this token is a "
            "machine's, so it does not set that: an admin signs in and does that, in the console or with `hub`"
        )


def policies_of(
    services: Services[DocumentStore], organization_id: str, name: ProviderName
) -> tuple[PublishingPolicy | None, PublishingPolicy | None]:
    """The provider's own, and its organization's."""
    own, organizations = services.store.get_all([keys.provider_policy(name), keys.organization_policy(organization_id)])
    return binding(own, organization_id), organizations


def set_provider_policy(
    services: Services[PublisherStore],
    organization: Organization,
    name: ProviderName,
    by: Actor,
    wish: "ProviderPolicyWish",
) -> None:
    """Decide whether machines' stored tokens may publish the provider, and versions without attestations be published.

    Raises Forbidden.
    """
    check_own(organization, name)
    key = keys.provider_policy(name)
    _set_policy(services, key, organization, name.canonical, by, wish.secretless_only, wish.attested_only)


def organization_is_secretless(services: Services[PublisherStore], organization: Organization) -> bool:
    """Whether machines' stored tokens may publish nothing of the organization's."""
    found = services.store.get(keys.organization_policy(organization.organization_id))
    return found is not None and found.secretless_only


def set_organization_policy(
    services: Services[PublisherStore], organization: Organization, by: Actor, *, secretless_only: bool
) -> None:
    """Decide whether machines' stored tokens may publish any of its providers. Raises Forbidden."""
    key = keys.organization_policy(organization.organization_id)
    _set_policy(services, key, organization, organization.slug, by, secretless_only)


def forget_policy(services: Services[PublisherStore], name: ProviderName, by: Actor) -> None:
    """Delete what was decided for a provider that is deleted.

    A machine's deletion leaves a policy that a machine cannot switch off: else it would, by deleting the provider.
    """
    key = keys.provider_policy(name)
    policy = services.store.get(key)
    if policy is None or by.kind is not ActorKind.MACHINE or not _guards(policy):
        services.store.delete_all([key])


def _set_policy(
    services: Services[PublisherStore],
    key: Key[PublishingPolicy],
    organization: Organization,
    whose: str,
    by: Actor,
    secretless_only: bool | None,
    attested_only: bool | None = None,
) -> None:
    """Write what was decided; None leaves a decision as it is. Raises Forbidden."""

    def write(transaction: Transaction) -> None:
        (known,) = transaction.read(key)
        now = services.clock()
        before = binding(known, organization.organization_id) or PublishingPolicy.undecided(by.subject, now)
        policy = replace(before, changed_at=now, changed_by=by.subject, organization_id=organization.organization_id)
        if secretless_only is not None:
            policy = replace(policy, secretless_only=secretless_only)
        if attested_only is not None:
            policy = replace(policy, attested_only=attested_only)
        _check_keeps_guards(before, policy, by)
        transaction.write(key, policy)
        detail = _decided(secretless_only, attested_only)
        audit.record(services, transaction, by, AuditAction.PUBLISHING_CHANGED, whose, detail=detail)

    services.store.transact(write)


def _guards(policy: PublishingPolicy) -> set[str]:
    """The policy's rules that are on and protect against a machine's stolen token."""
    return {guard for guard in ("secretless_only", "attested_only") if getattr(policy, guard)}


def _check_keeps_guards(before: PublishingPolicy, after: PublishingPolicy, by: Actor) -> None:
    """Raises Forbidden for a machine that switches a guard off: its token may be the one that was stolen."""
    lost = ", ".join(sorted(_guards(before) - _guards(after)))
    if lost and by.kind is ActorKind.MACHINE:
        raise Forbidden(
            f"no machine's token can switch off {lost}, because it may be a stolen one: an admin signs in and does "
            "that, in the console or with `hub`"
        )


def _decided(secretless_only: bool | None, attested_only: bool | None) -> str:
    told: list[str] = []
    if secretless_only is not None:
        told.append("trusted publishers alone" if secretless_only else "machines' tokens too")
    if attested_only is not None:
        told.append("attested versions alone" if attested_only else "versions without attestations too")
    return ", ".join(told)
