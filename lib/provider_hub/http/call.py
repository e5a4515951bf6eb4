"""What a handler gets beside its body or query, and what it may return beside a model."""

from collections.abc import Mapping
from dataclasses import field
from typing import Generic, TypeVar

from provider_hub.domain.audit import Actor
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import NotFound
from provider_hub.domain.identity import ConsolePrincipal, CustomerPrincipal
from provider_hub.domain.names import ProviderName
from provider_hub.domain.organizations import Organization

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated request: the parameters of its path, and who sent it.

    `principal` is None where anyone may call and no token was sent. `tenant` is the token's organization, None
    where the token has none. `is_poll` says that the caller has an earlier answer and asks whether it still holds.
    `address` is the caller's IP address, and `base_url` where it reaches this API (`https://hub.example.com`); "" where
    that is not known.
    """

    parameters: Mapping[str, str]
    principal: CustomerPrincipal | ConsolePrincipal | None
    tenant: Organization | None
    address: str = ""
    is_poll: bool = False
    base_url: str = ""

    @property
    def organization(self) -> Organization:
        """The tenant of a route that demands one."""
        if self.tenant is None:
            raise AssertionError("the call has no tenant: declare the route with Access.TENANT")
        return self.tenant

    @property
    def own_organization(self) -> Organization:
        """The tenant, which `/organizations/{organization_id}/…` names by its id or as `me`.

        Raises NotFound for another's, whether or not it exists.
        """
        wanted = self.parameters["organization_id"]
        if wanted not in ("me", self.organization.organization_id):
            raise NotFound(f"there is no organization {wanted[:80]}")
        return self.organization

    @property
    def viewer(self) -> str | None:
        """The id of the organization that looks at the catalog, None for anyone."""
        return self.tenant.organization_id if self.tenant else None

    @property
    def caller(self) -> CustomerPrincipal | ConsolePrincipal:
        """The principal of a route that demands a token."""
        if self.principal is None:
            raise AssertionError("the call has no principal: its route lets anyone call")
        return self.principal

    @property
    def actor(self) -> Actor:
        """The caller, as the audit names it."""
        return Actor.of(self.caller, self.address)

    @property
    def cause(self) -> str:
        """The caller's id, as the timeline names it."""
        return self.caller.subject

    @property
    def provider(self) -> ProviderName:
        """The provider that `/…/{org}/{name}` names. Raises NotFound where no provider can have that name."""
        canonical = f"{self.parameters['org']}/{self.parameters['name']}"
        try:
            return ProviderName.parse(canonical)
        except ValueError:
            raise NotFound(f"there is no provider {canonical[:80]}") from None


@dataclass(frozen=True, slots=True)
class Reply(Generic[C]):
    """A handler's answer where the model alone does not say all: with another status of the route, or headers."""

    content: C
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
