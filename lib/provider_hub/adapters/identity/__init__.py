"""Bearer tokens of the customer and console realms, verified into principals."""

from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.identity.errors import IdentityError, IdentityUnavailable, NotAuthenticated
from provider_hub.adapters.identity.realm import Realm, VerifiedClaims, console_realm, customer_realm

__all__ = [
    "Authenticator",
    "IdentityError",
    "IdentityUnavailable",
    "NotAuthenticated",
    "Realm",
    "VerifiedClaims",
    "console_realm",
    "customer_realm",
]
