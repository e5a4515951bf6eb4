"""Callers of the functions that are not public: Pub/Sub, Cloud Tasks and Cloud Scheduler, by their OIDC tokens.

Cloud Run's IAM lets only these accounts call. A grant of `roles/run.invoker` that is too wide would let its holder
forge messages of any tenant, so the function checks the token itself as well.
"""

import time
from dataclasses import field
from hashlib import sha256

from provider_hub.adapters.identity.bearer import bearer_token
from provider_hub.adapters.identity.jwks import KeySet, UnixTime
from provider_hub.adapters.identity.realm import LEEWAY_SECONDS, Realm, safe_url
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import NotAuthenticated
from provider_hub.settings.callers import Callers
from provider_hub.settings.reader import SettingsError, variable_name

_REMEMBERED_SECONDS = 60.0
_MOST_REMEMBERED = 16


@dataclass(frozen=True, slots=True)
class TrustedCaller:
    """The one service account that may call.

    A token comes with every call until it expires, and its signature takes longer to verify than a message to read. One
    that was verified is remembered, by its digest, for a minute or until it expires: for that long a key that its
    issuer withdraws is still good.
    """

    realm: Realm
    account: str
    _verified_until: dict[bytes, float] = field(default_factory=dict, repr=False)

    def verify(self, authorization_header: str | None) -> None:
        """Return where the header has a token of the account for this function.

        Raises NotAuthenticated for any other, IdentityUnavailable where no key is at hand to tell.
        """
        token = bearer_token(authorization_header)
        digest, now = sha256(token.encode("utf-8", "surrogatepass")).digest(), self.realm.clock()
        if now < self._verified_until.get(digest, 0.0):
            return
        claims = self.realm.verify(token)
        if claims.get("email") != self.account or claims.get("email_verified") is not True:
            raise NotAuthenticated(f"the token is not one of the account {self.account}")
        if len(self._verified_until) >= _MOST_REMEMBERED:
            self._verified_until.clear()
        self._verified_until[digest] = min(now + _REMEMBERED_SECONDS, float(claims["exp"]) + LEEWAY_SECONDS)


@dataclass(frozen=True, slots=True)
class TrustedCallers:
    """Makes the trusted caller of each trigger of one function, over one set of keys."""

    settings: Callers
    realm: Realm

    def push(self) -> TrustedCaller:
        """Pub/Sub's push subscriptions. Raises SettingsError where their account is not set."""
        return self._only("push_service_account")

    def tasks(self) -> TrustedCaller:
        """Cloud Tasks. Raises SettingsError likewise."""
        return self._only("tasks_service_account")

    def scheduler(self) -> TrustedCaller:
        """Cloud Scheduler. Raises SettingsError likewise."""
        return self._only("scheduler_service_account")

    def _only(self, field: str) -> TrustedCaller:
        account: str = getattr(self.settings, field)
        if not account:
            raise SettingsError(f"set {variable_name(field)}: this function is called by that account alone")
        return TrustedCaller(self.realm, account)


def trusted_callers(settings: Callers, *, clock: UnixTime = time.time) -> TrustedCallers:
    """The callers of this function; its keys are fetched with the first call. Raises SettingsError."""
    if not settings.caller_audience:
        name = variable_name("caller_audience")
        raise SettingsError(f"set {name}: without it a token that was made for another service would pass")
    realm = Realm(
        name="callers'",
        issuer=settings.caller_issuer,
        keys=KeySet(safe_url(settings.caller_jwks_url, "caller_jwks_url"), clock=clock),
        audiences=(settings.caller_audience,),
        clock=clock,
        accepts_removed_signature=settings.caller_signature_removed,
    )
    return TrustedCallers(settings, realm)
