"""From an Authorization header to a principal: what every HTTP function begins with."""

import time

from provider_hub.adapters.identity.addresses import address_of
from provider_hub.adapters.identity.bearer import bearer_token
from provider_hub.adapters.identity.claims import console_principal, customer_principal
from provider_hub.adapters.identity.jwks import UnixTime
from provider_hub.adapters.identity.realm import Realm, console_realm, customer_realm
from provider_hub.domain.identity import ConsolePrincipal, CustomerPrincipal
from provider_hub.settings.identity import Identity
from provider_hub.settings.reader import SettingsError, variable_name


class Authenticator:
    """Tells who calls, by the realm the route belongs to; connects to nothing before the first token.

    Make one for the life of the process and share it between threads: it keeps the realms' keys. A function
    that serves one realm needs the settings of that one only.
    """

    def __init__(self, settings: Identity, *, clock: UnixTime = time.time) -> None:
        """Raises SettingsError where the realms share an issuer, or one is configured unsafely."""
        if settings.customer_issuer and settings.customer_issuer == settings.console_issuer:
            customer, console = variable_name("customer_issuer"), variable_name("console_issuer")
            raise SettingsError(f"{customer} and {console} are one issuer: a tenant's token would open the console")
        self._gateway_address = settings.gateway_address
        self._customer = customer_realm(settings, clock=clock) if settings.customer_issuer else None
        self._console = console_realm(settings, clock=clock) if settings.console_issuer else None

    def customer(self, authorization_header: str | None) -> CustomerPrincipal:
        """The caller of a customer route.

        Raises NotAuthenticated (401), IdentityUnavailable (503), SettingsError where the realm is not configured.
        """
        return customer_principal(_configured(self._customer, "customer").verify(bearer_token(authorization_header)))

    def console(self, authorization_header: str | None) -> ConsolePrincipal:
        """The caller of a console route; raises as `customer` does."""
        return console_principal(_configured(self._console, "console").verify(bearer_token(authorization_header)))

    def address(self, forwarded_for: str | None, peer: str | None) -> str:
        """The IP address that a request comes from, by its `X-Forwarded-For` and the connection's other end."""
        return address_of(forwarded_for, peer, self._gateway_address)


def _configured(realm: Realm | None, name: str) -> Realm:
    if realm is None:
        issuer, url = variable_name(f"{name}_issuer"), variable_name(f"{name}_jwks_url")
        raise SettingsError(f"set {issuer}, {url}: this function serves routes of the {name} realm")
    return realm
