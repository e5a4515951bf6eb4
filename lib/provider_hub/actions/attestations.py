"""A publisher sends attestations with a version. They must be of the run that publishes; the hub keeps them.

Once a provider had attestations, each later version must have some. Otherwise somebody who stole a stored token, and
cannot sign as the workflow, would simply leave them out. An admin or a machine may require them earlier; only an admin
may let in a version without any.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from provider_hub.actions import keys
from provider_hub.actions.ports import Transaction
from provider_hub.actions.verification import AttestationVerifier
from provider_hub.actions.wheels import Wheel
from provider_hub.actions.wishes.publishing import PublishWish
from provider_hub.domain.attestations import MOST, attested_predicate
from provider_hub.domain.audit import Actor
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Conflict, Invalid
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import StoredProvenance
from provider_hub.domain.publishers.claims import AttestationRefused
from provider_hub.domain.publishers.records import PublishingPolicy


@dataclass(frozen=True, slots=True)
class Attested:
    """A verified attestation: the type of what it says, and the JSON text that was sent."""

    predicate: str
    text: str


def verified(
    verifier: AttestationVerifier, given: Sequence[Mapping[str, Any]], wheel: Wheel, by: Actor
) -> tuple[Attested, ...]:
    """The attestations that came with `wheel`. Raises Invalid where one is of another wheel, or of another run."""
    found: list[Attested] = []
    for number, attestation in enumerate(given):
        try:
            found.append(_verified(verifier, attestation, wheel, by))
        except AttestationRefused as refusal:
            raise Invalid.at("body", "attestations", number, msg=f"the attestation is refused: {refusal}") from refusal
    if len({one.predicate for one in found}) < len(found):
        raise Invalid.at("body", "attestations", msg=f"give one attestation of each type at most, {MOST} in all")
    return tuple(found)


def check_attests(by: Actor, given: Sequence[Mapping[str, Any]]) -> None:
    """Raises Invalid where nobody vouches for the run that an attestation has to be of."""
    if given and (by.run is None or by.run.claims is None):
        msg = (
            "an attestation is taken from a trusted publisher alone, whose run it has to be of: publish from CI "
            "without a stored token (`hub publishers add`), or leave the attestations out"
        )
        raise Invalid.at("body", "attestations", msg=msg)


def check_none_are_added(stored: ProviderVersion, given: Sequence[object]) -> None:
    """Raises Conflict for attestations of a version that was published without."""
    if given and not stored.attestations:
        raise Conflict(
            f"{stored.provider_name} {stored.version} already exists without attestations, and versions never "
            "change: attest the next version"
        )


def check_none_are_missing(policy: PublishingPolicy | None, name: ProviderName, wish: PublishWish) -> None:
    """Raises Conflict for a version without any attestation where `policy`, the provider's, refuses those."""
    if policy is not None and policy.attested_only and not wish.given_attestations:
        raise Conflict(
            f"{name} {wish.version} has no attestation, and {name} takes no version without: attest it, or ask an "
            f"admin to allow versions without (`hub publishers attested-only {name} off`)"
        )


def keep_with(
    transaction: Transaction,
    policy: PublishingPolicy | None,
    version: ProviderVersion,
    attested: Sequence[Attested],
    by: Actor,
) -> ProviderVersion:
    """The version with its attestations, which are written. `policy` is the provider's, read in this transaction."""
    name = version.provider_name
    if not attested:
        return version
    stored = StoredProvenance(
        prefix=version.prefix,
        name=version.name,
        version=version.version,
        file_name=version.wheel_filename or "",
        sha256=version.wheel_sha256,
        published_by=by.published_by,
        attestations=tuple(one.text for one in attested),
        created_at=version.created_at,
    )
    transaction.write(keys.provenance(name, version.version), stored)
    if policy is None or not policy.attested_only:
        transaction.write(keys.provider_policy(name), _attested_only(policy, by, version.created_at))
    return replace(version, attestations=tuple(one.predicate for one in attested))


def _verified(verifier: AttestationVerifier, attestation: Mapping[str, Any], wheel: Wheel, by: Actor) -> Attested:
    run = by.run.claims if by.run else None
    if run is None:
        raise AssertionError("check_attests comes before the wheel is fetched")
    predicate = attested_predicate(verifier.verify(attestation), run, wheel.file_name, wheel.sha256)
    return Attested(predicate, json.dumps(attestation, ensure_ascii=False))


def _attested_only(policy: PublishingPolicy | None, by: Actor, now: datetime) -> PublishingPolicy:
    known = policy or PublishingPolicy.undecided(by.subject, now)
    return replace(known, attested_only=True, changed_at=now, changed_by=by.subject, organization_id=by.organization_id)
