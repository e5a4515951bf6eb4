"""What is known of locks' vulnerabilities, for those who show it; the sweeper finds it out (`advisories`)."""

from collections.abc import Sequence

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.domain.advisories import LockAdvisories


def known_of(services: Services[DocumentStore], digests: Sequence[str | None]) -> dict[str, LockAdvisories]:
    """What is known of locks, by their digests, in one round trip; a lock that was not looked at is left out."""
    wanted = list(dict.fromkeys(digest for digest in digests if digest))
    found = services.store.get_all([keys.lock_advisories(digest) for digest in wanted])
    return {known.lock_sha256: known for known in found if known is not None}
