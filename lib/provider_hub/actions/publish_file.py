"""Publishing a file that says everything itself, as Python's own tools hand it over."""

from pydantic import TypeAdapter, ValidationError

from provider_hub.actions import keys
from provider_hub.actions.attestations import check_none_are_added
from provider_hub.actions.ports import CatalogStore
from provider_hub.actions.publication import check_author
from provider_hub.actions.publish import Published, publish
from provider_hub.actions.publishing_policy import check_may_publish
from provider_hub.actions.services import Services
from provider_hub.actions.stored_share import StoredShare
from provider_hub.actions.wheels import AttachedFile, Wheels
from provider_hub.actions.wishes.publishing import Attestations, AttestationWish, MetadataWish, PublishWish
from provider_hub.domain.audit import Actor
from provider_hub.domain.catalog import Author, ProviderVersion, VersionStatus
from provider_hub.domain.catalog_texts import description_of, display_name_of
from provider_hub.domain.errors import Conflict, Invalid
from provider_hub.domain.names import ProviderName
from provider_hub.domain.versions import Version
from provider_hub.domain.wheels import WheelInvalid
from provider_hub.domain.wheels.file_names import parse_file_name
from provider_hub.domain.wheels.versions import semver_of


def publish_file(
    services: Services[CatalogStore],
    wheels: Wheels,
    prefix: str,
    attached: AttachedFile,
    author: Author,
    by: Actor,
    share: StoredShare | None = None,
) -> Published:
    """Register the wheel as a version of the provider that its file name says, under `prefix`.

    The same bytes again find the registered version, whichever way it was published. What the catalog shows of a
    provider stays as it is; a new one is described by the wheel's summary. `share` is the organization's, where the
    caller took its turn before it read the file. Raises Conflict for other bytes, Forbidden, Invalid or QuotaExceeded.
    """
    name, version = _named(prefix, attached.file_name)
    check_may_publish(services, by, name)
    key = keys.version(name, version)
    attested = _attestations(attached.attestations)
    known = services.store.get(keys.provider(name))
    check_author(known, author)
    if stored := services.store.get(key):
        return _as_stored(stored, attached.sha256, attested)
    metadata = None if known else _metadata(attached.file_name, attached.summary)
    wish = PublishWish(name=name.canonical, version=version, metadata=metadata, attestations=attested)
    try:
        return publish(services, wheels, name, wish, author, by, attached, share)
    except Conflict:
        # Another publish of this version came first, with fields that a form does not have: the bytes decide.
        stored = services.store.get(key)
        if stored is None:
            raise
        return _as_stored(stored, attached.sha256, attested)


def _attestations(text: str) -> list[AttestationWish] | None:
    """What the form's field `attestations` holds: a JSON list. Raises Invalid."""
    if not text:
        return None
    try:
        return TypeAdapter(Attestations).validate_json(text)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        sentence = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
        raise Invalid.at(
            "body", "attestations", msg=f"attestations is no list of attestations: {sentence}"[:500]
        ) from None


def _as_stored(stored: ProviderVersion, sha256: str, attested: list[AttestationWish] | None) -> Published:
    """Raises Conflict for other bytes, and for a version that nobody can install: tools take 200 for published.

    Tools that are told to skip what exists look for the words "already exist" in the refusal.
    """
    what = f"{stored.provider_name} {stored.version} already exists"
    if stored.wheel_sha256 != sha256:
        raise Conflict(f"{what} with other bytes, and versions never change: raise the version")
    if stored.status is not VersionStatus.PUBLISHED:
        raise Conflict(f"{what} and is {stored.status}: raise the version")
    check_none_are_added(stored, attested or ())
    return Published(stored, created=False)


def _named(prefix: str, file_name: str) -> tuple[ProviderName, str]:
    """Raises Invalid for a file that is no wheel by its name, or whose name or version no provider can have."""
    try:
        wheel = parse_file_name(file_name)
        name = ProviderName.parse(f"{prefix}/{wheel.distribution}")
        return name, str(Version.parse(semver_of(str(wheel.version))))
    except (WheelInvalid, ValueError) as error:
        raise Invalid.at("body", "content", msg=str(error)) from None


def _metadata(file_name: str, summary: str) -> MetadataWish:
    distribution = file_name.partition("-")[0]
    return MetadataWish(display_name=display_name_of(distribution), description=description_of(summary))
