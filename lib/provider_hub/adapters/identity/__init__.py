"""Bearer tokens of the customer and console realms, verified into principals, and those of Google's own callers."""

from provider_hub.adapters.identity.authenticator import Authenticator
from provider_hub.adapters.identity.callers import TrustedCaller, TrustedCallers, trusted_callers
from provider_hub.adapters.identity.errors import IdentityUnavailable
from provider_hub.adapters.identity.realm import Realm, VerifiedClaims, console_realm, customer_realm

__all__ = [
    "Authenticator",
    "IdentityUnavailable",
    "Realm",
    "TrustedCaller",
    "TrustedCallers",
    "VerifiedClaims",
    "console_realm",
    "customer_realm",
    "trusted_callers",
]
