"""Uploads: an author announces a wheel, and gets a URL that takes these many bytes and no others.

The bytes go to the bucket itself, since a function's request carries 32 MiB at most. They are verified when the version
is published; until then nothing names them.
"""

from provider_hub.actions import keys
from provider_hub.actions.artifacts import ArtifactStore, UploadSession
from provider_hub.actions.ports import DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.wishes.publishing import UploadWish
from provider_hub.domain.artifacts import upload_name
from provider_hub.domain.catalog import Author
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid
from provider_hub.domain.publishing_use import PublishingUse
from provider_hub.domain.uploads import LIFETIME, Upload
from provider_hub.domain.wheels import WheelInvalid
from provider_hub.domain.wheels.file_names import parse_file_name


@dataclass(frozen=True, slots=True)
class BegunUpload:
    """An announced upload, and where its bytes go."""

    upload: Upload
    session: UploadSession


def begin_upload(
    services: Services[DocumentStore], artifacts: ArtifactStore, author: Author, wish: UploadWish
) -> BegunUpload:
    """Raises Invalid for what is no wheel by its name, QuotaExceeded, and TemporaryError.

    The session comes first: a document whose session could not be begun would be of no use. One whose document is not
    stored ends by itself.
    """
    try:
        parse_file_name(wish.filename)
    except WheelInvalid as error:
        raise Invalid.at("body", "filename", msg=str(error)) from error
    now = services.clock()
    upload = Upload(
        upload_id=services.new_id(now),
        owner=author.owner,
        file_name=wish.filename,
        size=wish.size,
        sha256=wish.sha256,
        created_at=now,
        expires_at=now + LIFETIME,
    )
    _count(services, author, upload)
    session = artifacts.begin_upload(_named(upload), upload.size)
    services.store.transact(lambda transaction: transaction.write(keys.upload(upload.upload_id), upload))
    return BegunUpload(upload, session)


def _named(upload: Upload) -> str:
    try:
        return upload_name(upload.upload_id, upload.file_name)
    except ValueError as error:
        raise Invalid.at("body", "filename", msg=str(error)) from None


def _count(services: Services[DocumentStore], author: Author, upload: Upload) -> None:
    """Take one of the day's uploads, as many as versions may be published, and room for it. Raises QuotaExceeded."""
    organization_id = author.organization_id
    if organization_id is None:
        return
    key = keys.publishing_use(organization_id)

    def decide(transaction: Transaction) -> None:
        now = services.clock()
        (use,) = transaction.read(key)
        known = use or PublishingUse.unused(organization_id, now)
        taken = known.with_upload(upload.size, upload.expires_at, now, services.publishing_rules.limits)
        transaction.write(key, taken)

    services.store.transact(decide)
