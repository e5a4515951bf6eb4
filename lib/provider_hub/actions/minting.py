"""A CI platform's token is exchanged for one that publishes one provider, for a quarter of an hour.

The token is random, and stored by its digest with what is known of the run. So the token itself says nothing and can be
burnt, and a version's provenance is what the platform vouched for, not what the job claims.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Protocol

from provider_hub.actions import keys
from provider_hub.actions.minted_tokens import PREFIX, digest, has_form
from provider_hub.actions.ports import PublisherStore, Transaction
from provider_hub.actions.publishers import MOST_READ
from provider_hub.actions.services import Services
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import MintRefused, NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishers.claims import CiRun
from provider_hub.domain.publishers.matching import Ambiguous, choose, choose_for_unnamed, mismatch, refusal
from provider_hub.domain.publishers.records import MintedToken, PublishedBy, Publisher, UsedToken

log = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=15)
# Kept for longer than the leeway with which an expired token is still taken.
REPLAY_MARGIN = timedelta(minutes=5)


class RunTokens(Protocol):
    """Verifies the tokens of CI platforms."""

    def run_of(self, unverified_token: str, /) -> CiRun:
        """The run that a token vouches for. Raises MintRefused, or TemporaryError to try again later."""


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token, told this once, the provider that it publishes, and until when it is good."""

    token: str
    provider: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Minting:
    """Mints and burns the tokens of trusted publishers. `audience` is "" where the hub takes no CI tokens."""

    services: Services[PublisherStore]
    runs: RunTokens
    audience: str
    new_secret: Callable[[], str] = field(default=lambda: secrets.token_urlsafe(32))

    def audience_for_tokens(self) -> str:
        """The `aud` that a CI token must have. Raises NotFound where none is taken."""
        if not self.audience:
            raise NotFound("this hub takes no tokens of CI platforms: its operator sets no audience for them")
        return self.audience

    def mint(self, unverified_token: str, provider: ProviderName | None, name: str | None = None) -> Minted:
        """Exchange a token, once. `provider` is the one to publish, where the caller says so.

        `name` only chooses among several providers that the run publishes.

        Raises MintRefused, NotFound or TemporaryError.
        """
        self.audience_for_tokens()
        run = self.runs.run_of(unverified_token)
        known = self._of_repository(run) if provider is None else self._of_provider(run, provider)
        publisher = _chosen(known, run, name, is_named=provider is not None)
        token = PREFIX + self.new_secret()

        def store(transaction: Transaction) -> MintedToken:
            return self._stored(transaction, token, publisher, run, is_named=provider is not None)

        minted = self.services.store.transact(store)[0]
        about = {"provider": minted.provider, "organization_id": minted.organization_id}
        log.info("%s may be published by %s", minted.provider, run.run_url, extra={"event": "token_minted", **about})
        return Minted(token, minted.provider, minted.expires_at)

    def burn(self, token: str) -> None:
        """End a token before its time. An unknown token is no error: the caller must learn nothing from the answer."""
        if has_form(token):
            self.services.store.delete_all([keys.minted_token(digest(token))])

    def _of_repository(self, run: CiRun) -> list[Publisher]:
        """Every organization's publishers that name the repository.

        At most `MOST_READ`, and one more if there are too many to look at.
        """
        return self.services.store.publishers_of_repository(run.issuer, run.repository_key, MOST_READ + 1)

    def _of_provider(self, run: CiRun, provider: ProviderName) -> list[Publisher]:
        """Those of the organization that has the provider's prefix now: nobody else's can crowd them out."""
        slug = self.services.store.get(keys.slug(provider.prefix))
        if slug is None:
            return []
        wanted = (slug.organization_id, run.issuer, run.repository_key)
        return [
            publisher
            for publisher in self.services.store.publishers_of(provider, MOST_READ)
            if (publisher.organization_id, publisher.issuer, publisher.repository_key) == wanted
        ]

    def _stored(
        self, transaction: Transaction, token: str, chosen: Publisher, run: CiRun, *, is_named: bool
    ) -> MintedToken:
        """Decide again on what is stored now: the publisher may be gone, or pinned by another run meanwhile."""
        used_key = keys.used_token(sha256(f"{run.issuer}\n{run.jti}".encode()).hexdigest())
        publisher_key = keys.publisher(chosen.publisher_id)
        used, publisher, slug = transaction.read(used_key, publisher_key, keys.slug(chosen.organization_slug))
        if used is not None:
            raise MintRefused(
                "invalid-reuse-token", "the CI token is refused: its jti was used before; ask for another"
            )
        if publisher is None or slug is None or slug.organization_id != publisher.organization_id:
            name = chosen.provider_name
            raise MintRefused("invalid-publisher", f"the trusted publisher of {name} was just removed: ask an admin")
        problem = mismatch(publisher, run)
        if problem is not None:
            raise MintRefused("invalid-publisher", problem.sentence)
        now = self.services.clock()
        minted = _minted(token, publisher, run, now + LIFETIME)
        transaction.write(used_key, UsedToken(used_key.path[-1], run.expires_at + REPLAY_MARGIN))
        transaction.write(keys.minted_token(minted.digest), minted)
        transaction.write(publisher_key, _used(publisher, run, now, is_named=is_named))
        return minted


def _chosen(known: list[Publisher], run: CiRun, name: str | None, *, is_named: bool) -> Publisher:
    """Raises MintRefused."""
    is_whole = len(known) <= MOST_READ
    try:
        chosen = choose(known, run) if is_named else choose_for_unnamed(known, run, name, is_whole=is_whole)
    except Ambiguous as problem:
        raise MintRefused("invalid-publisher", str(problem)) from None
    if chosen is None:
        mismatched = refusal(known, run)
        _tell_refusal(run, mismatched.claim)
        raise MintRefused("invalid-publisher", mismatched.sentence)
    return chosen


def _minted(token: str, publisher: Publisher, run: CiRun, expires_at: datetime) -> MintedToken:
    return MintedToken(
        digest=digest(token),
        publisher_id=publisher.publisher_id,
        provider=publisher.provider_name.canonical,
        organization_id=publisher.organization_id,
        organization_slug=publisher.organization_slug,
        organization_name=publisher.organization_name,
        published_by=PublishedBy.of_run(publisher.publisher_id, run),
        expires_at=expires_at,
        claims=run.claims,
    )


def _used(publisher: Publisher, run: CiRun, now: datetime, *, is_named: bool) -> Publisher:
    """From its first use on, a publisher is of this very repository and owner, whatever they are called later."""
    return replace(
        publisher,
        repository_id=publisher.repository_id or run.repository_id,
        owner_id=publisher.owner_id or run.owner_id,
        pinned_at=publisher.pinned_at or now,
        last_used_at=now,
        named_at=publisher.named_at or (now if is_named else None),
    )


def _tell_refusal(run: CiRun, claim: str) -> None:
    log.warning(
        "%s of %s may publish nothing: %s", run.run_url, run.repository, claim, extra={"event": "publisher_refused"}
    )
