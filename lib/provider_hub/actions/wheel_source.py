"""Where an author's wheel comes from: a URL, an upload into the bucket, or the request itself."""

from provider_hub.actions import keys
from provider_hub.actions.ports import DocumentStore
from provider_hub.actions.services import Services
from provider_hub.actions.wheels import AttachedFile, StoredUpload, WheelSource
from provider_hub.actions.wishes.publishing import PublishWish
from provider_hub.domain.artifacts import upload_name
from provider_hub.domain.catalog import Author
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid, SchemaViolation
from provider_hub.domain.uploads import Upload, is_upload_id
from provider_hub.domain.wheels import WheelRefused, WheelUrl, parse_wheel_url


@dataclass(frozen=True, slots=True)
class FoundSource:
    """Where the wheel is, and the digest that it must have; None takes what a URL serves."""

    source: WheelSource
    sha256: str | None


def source_of(
    services: Services[DocumentStore], wish: PublishWish, attached: AttachedFile | None, author: Author
) -> FoundSource:
    """Raises SchemaViolation unless exactly one is given, and Invalid for one that cannot be."""
    if attached is not None:
        return FoundSource(attached, attached.sha256)
    if wish.upload_id is None:
        return FoundSource(_url(wish.wheel_url), wish.sha256)
    if wish.wheel_url is not None:
        raise SchemaViolation.at("body", "upload_id", msg="give either wheel_url or upload_id, not both")
    upload = _upload(services, wish.upload_id, author)
    if wish.sha256 not in (None, upload.sha256):
        msg = f"the upload was announced with sha256 {upload.sha256}, not {wish.sha256}"
        raise Invalid.at("body", "sha256", msg=msg)
    name = upload_name(upload.upload_id, upload.file_name)
    return FoundSource(StoredUpload(name, upload.file_name, upload.size), upload.sha256)


def _url(raw: str | None) -> WheelUrl:
    if raw is None:
        raise SchemaViolation.at("body", "wheel_url", msg="Field required: give wheel_url or upload_id", kind="missing")
    try:
        return parse_wheel_url(raw)
    except WheelRefused as error:
        raise Invalid.at("body", "wheel_url", msg=str(error)) from error


def _upload(services: Services[DocumentStore], upload_id: str, author: Author) -> Upload:
    """Another organization's upload is refused like one that does not exist. Raises Invalid."""
    upload = services.store.get(keys.upload(upload_id)) if is_upload_id(upload_id) else None
    if upload is None or upload.owner != author.owner or upload.expires_at <= services.clock():
        msg = "you have no such upload, or it has ended: begin one with POST /uploads"
        raise Invalid.at("body", "upload_id", msg=msg)
    return upload
