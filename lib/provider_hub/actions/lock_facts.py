"""What the catalog has about the locks of installations: whether there is a newer one, and what is known of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from provider_hub.actions import keys
from provider_hub.actions.installed import Installed, LockFacts, Mend
from provider_hub.actions.known_advisories import known_of
from provider_hub.actions.ports import Key, LockedVersionStore
from provider_hub.actions.services import Services
from provider_hub.domain.advisories import LockAdvisories
from provider_hub.domain.advisories.records import names_of
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.provenance import Origin, refusal_of
from provider_hub.domain.versions import is_newer

# A version, and the lock that it has now.
Choice = tuple[str, str | None]


def with_lock_facts(services: Services[LockedVersionStore], installed: Sequence[Installed]) -> list[Installed]:
    """The installations with their lock's facts, in two round trips however many they are; none for no installation.

    Where a newer version mends one, a third reads what its organization requires, and a fourth the version's origin.
    """
    found = with_common_facts(services, installed)
    refused = refused_mends(services, [mend for one in found if (mend := mend_of(one)) is not None])
    return [without_mend(one) if mend_of(one) in refused else one for one in found]


def with_common_facts(services: Services[LockedVersionStore], installed: Sequence[Installed]) -> list[Installed]:
    """The facts that are the same for every organization.

    `mended_by` may be a version that the row's organization refuses.
    """
    choices = _choices(services, installed)
    digests = {one.row.revision.lock_sha256 for one in installed} | {lock for listed in choices for _, lock in listed}
    known = known_of(services, sorted(digest for digest in digests if digest))
    return [replace(one, lock=_facts(one, listed, known)) for one, listed in zip(installed, choices, strict=True)]


def mend_of(installed: Installed) -> Mend | None:
    """The organization, and the newer version that mends its installation; no rule is about the version it has."""
    row, mended_by = installed.row, installed.lock.mended_by
    if mended_by is None or mended_by == row.installed_version:
        return None
    return row.organization_id, keys.version(row.provider_name, mended_by)


def without_mend(installed: Installed) -> Installed:
    """The installation for an organization that refuses the version which mends it."""
    return replace(installed, lock=replace(installed.lock, mended_by=None))


def refused_mends(services: Services[LockedVersionStore], mends: Sequence[Mend]) -> set[Mend]:
    """Those whose version does not come from where the organization requires, or is gone."""
    if not mends:
        return set()
    organizations = list(dict.fromkeys(organization for organization, _ in mends))
    read = services.store.get_all([keys.provenance_policy(one) for one in organizations])
    policies = {policy.organization_id: policy for policy in read if policy is not None}
    ruled = [mend for mend in dict.fromkeys(mends) if mend[0] in policies]
    origins = services.store.get_parts(Origin, [key for _, key in ruled])
    return {
        (organization, key)
        for (organization, key), origin in zip(ruled, origins, strict=True)
        if origin is None or refusal_of(policies[organization], origin) is not None
    }


def _choices(services: Services[LockedVersionStore], installed: Sequence[Installed]) -> list[list[Choice]]:
    """For each installation the versions that it may take: its own first, then the latest where that is newer."""
    wanted = [list(_versions(one)) for one in installed]
    versions = list(dict.fromkeys(key for listed in wanted for key in listed))
    locks = dict(zip(versions, services.store.current_locks(versions), strict=True))
    return [[(key.path[-1], locks[key]) for key in listed] for listed in wanted]


def _versions(installed: Installed) -> Iterator[Key[ProviderVersion]]:
    row, latest = installed.row, installed.provider.latest_version if installed.provider else None
    yield keys.version(row.provider_name, row.installed_version)
    if latest is not None and is_newer(latest, than=row.installed_version):
        yield keys.version(row.provider_name, latest)


def _facts(installed: Installed, choices: Sequence[Choice], known: Mapping[str, LockAdvisories]) -> LockFacts:
    lock = installed.row.revision.lock_sha256
    _, present = choices[0]
    advisories = known.get(lock) if lock else None
    others = [choice for choice in choices if choice[1] != lock]
    mended_by = _mended_by(advisories, others, known) if advisories and advisories.found else None
    return LockFacts(present not in (None, lock), advisories, mended_by)


def _mended_by(advisories: LockAdvisories, others: Iterable[Choice], known: Mapping[str, LockAdvisories]) -> str | None:
    """The first that was looked at and has none of the advisories, by whichever name."""
    names = names_of(advisories.found)
    for version, lock in others:
        other = known.get(lock or "")
        if other is not None and all(names.isdisjoint(one.names) for one in other.found):
            return version
    return None
