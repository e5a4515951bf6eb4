"""Organizations: a row is made from a token's claims when the organization is first seen."""

from functools import partial

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import ORGANIZATION_TRUSTED, ORGANIZATIONS_REMEMBERED, Services
from provider_hub.actions.short_memory import ShortMemory
from provider_hub.domain.errors import Forbidden, NotFound
from provider_hub.domain.identity import OrganizationClaims
from provider_hub.domain.names import is_organization_id, is_slug
from provider_hub.domain.organizations import Organization, SlugClaim
from provider_hub.domain.records import InstalledCount


def existing(organization: Organization | None, organization_id: str) -> Organization:
    """The organization that was read under its id. Raises NotFound where there was none."""
    if organization is None:
        raise NotFound(f"there is no organization {organization_id[:80]}")
    return organization


class Organizations:
    """The organizations that this process has seen.

    Their ids and slugs never change, so it keeps them; their status does, so each is read again after a minute.
    """

    def __init__(self, services: Services[DocumentStore]) -> None:
        self._services = services
        self._known: ShortMemory[str, Organization] = ShortMemory(ORGANIZATION_TRUSTED, ORGANIZATIONS_REMEMBERED)

    def of(self, claims: OrganizationClaims) -> Organization:
        """The organization of verified claims.

        Raises Forbidden when its id or slug is not usable, its slug belongs to another organization, or it is
        suspended.
        """
        organization = self._known.find(claims.organization_id, self._services.clock()) or self._read(claims)
        if organization.status != "active":
            reason = organization.suspended_reason or "ask the platform's support why"
            raise Forbidden(f"the organization is suspended: {reason}; what runs goes on, nothing can be changed")
        return organization

    def _read(self, claims: OrganizationClaims) -> Organization:
        if not is_organization_id(claims.organization_id):
            raise Forbidden("the token's organization id is not usable: use letters, digits, hyphens and underscores")
        if not is_slug(claims.slug):
            raise Forbidden(
                f"the organization's slug {claims.slug[:80]!r} is not usable: choose lower-case letters, digits and "
                "inner hyphens, and none of the reserved words install, installed and platform"
            )
        organization = self._services.store.get(keys.organization(claims.organization_id)) or self._meet(claims)
        self._known.keep(claims.organization_id, organization, self._services.clock())
        return organization

    def _meet(self, claims: OrganizationClaims) -> Organization:
        (organization, is_new), _ = self._services.store.transact(partial(self._admit, claims))
        if is_new:  # a new organization has nothing installed, so its first installs need no count
            quota = self._services.limits.installations
            self._services.quota_cache.counted(organization.organization_id, quota, organization.created_at)
        return organization

    def _admit(self, claims: OrganizationClaims, transaction: Transaction) -> tuple[Organization, bool]:
        """The organization, and whether this transaction creates it."""
        organization_key, slug_key = keys.organization(claims.organization_id), keys.slug(claims.slug)
        known, claimed = transaction.read(organization_key, slug_key)
        if known:
            return known, False
        if claimed and claimed.organization_id != claims.organization_id:
            raise Forbidden(f"the slug {claims.slug!r} belongs to another organization: rename yours and sign in again")
        now = self._services.clock()
        organization = Organization(
            claims.organization_id,
            claims.name or claims.slug,
            claims.slug,
            "active",
            created_at=now,
            updated_at=now,
            cell=None,
        )
        transaction.write(organization_key, organization)
        transaction.write(slug_key, SlugClaim(claims.slug, claims.organization_id))
        transaction.write(keys.installed_count(claims.organization_id), InstalledCount(claims.organization_id, 0, now))
        return organization, True
