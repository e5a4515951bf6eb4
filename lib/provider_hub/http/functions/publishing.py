"""Publishing in both realms, and the runtime's versions (contract, sections 5 and 6)."""

from datetime import datetime
from typing import Self

from pydantic import Field

from provider_hub.actions import publish as publications
from provider_hub.actions import runtimes, uploads
from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.publish_file import publish_file
from provider_hub.actions.publishing_share import publishing_turn
from provider_hub.actions.services import Services
from provider_hub.actions.uploads import BegunUpload
from provider_hub.actions.wheels import Wheels
from provider_hub.actions.wishes.publishing import PublishWish, RuntimeVersionWish, UploadWish
from provider_hub.domain.catalog import PLATFORM_AUTHOR, Author, AuthorKind
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Forbidden, Invalid
from provider_hub.domain.identity import ConsoleScope
from provider_hub.domain.names import PLATFORM_PREFIX, SLUG_PATTERN, ProviderName
from provider_hub.domain.roles import Right
from provider_hub.domain.runtimes import RuntimeVersion
from provider_hub.http.call import Call, Reply
from provider_hub.http.models import Response
from provider_hub.http.parameters import Parameter
from provider_hub.http.route import Access, Routes
from provider_hub.http.upload_form import UploadForm
from provider_hub.http.version_view import ProviderVersionBody


@dataclass(frozen=True, slots=True)
class Hub:
    """What the handlers of publishing work with."""

    services: Services
    wheels: Wheels
    artifacts: ArtifactStore


routes: Routes[Hub] = Routes(
    "publishing",
    about="Registering versions of providers, and of the runtime.",
    parameters={
        "organization": Parameter(
            "The slug of the organization to publish for.", example="acme", constraints={"pattern": f"^{SLUG_PATTERN}$"}
        )
    },
)


@routes.add(
    "POST",
    "/provider-versions",
    Access.TENANT,
    status=201,
    other_statuses=(200,),
    refusals=(409, 429),
    needs=Right.PUBLISH,
)
def publish(hub: Hub, call: Call, body: PublishWish) -> Reply[ProviderVersionBody]:
    """Register a version of the organization's own provider."""
    organization = call.organization
    name = _named(body, organization.slug)
    if name.prefix != organization.slug or body.organization_id not in (None, organization.organization_id):
        raise Forbidden(f"your organization publishes under {organization.slug}/, not as {body.name[:80]}")
    author = Author(AuthorKind.CUSTOMER, organization.organization_id, organization.name)
    return _published(hub, call, name, body, author)


@routes.add(
    "POST",
    "/console/provider-versions",
    Access.CONSOLE_MACHINE,
    scope=ConsoleScope.PUBLISH,
    status=201,
    other_statuses=(200,),
    refusals=(409,),
)
def publish_platform(hub: Hub, call: Call, body: PublishWish) -> Reply[ProviderVersionBody]:
    """Register a version of a platform provider."""
    name = _named(body, "")
    if name.prefix != PLATFORM_PREFIX:
        raise Forbidden(f"this route publishes under {PLATFORM_PREFIX}/, not as {body.name[:80]}")
    return _published(hub, call, name, body, PLATFORM_AUTHOR)


def _published(
    hub: Hub, call: Call, name: ProviderName, body: PublishWish, author: Author
) -> Reply[ProviderVersionBody]:
    published = publications.publish(hub.services, hub.wheels, name, body, author, call.actor)
    return Reply(ProviderVersionBody.of(published.version), status=201 if published.created else 200)


def _named(body: PublishWish, slug: str) -> ProviderName:
    """`prefix/name`; or the legacy short name, which goes with an organization id. Raises Invalid or Forbidden."""
    if "/" not in body.name and (not slug or body.organization_id is None):
        raise Forbidden(f"{body.name[:80]!r} names no namespace: write it as {slug or PLATFORM_PREFIX}/<name>")
    canonical = body.name if "/" in body.name else f"{slug}/{body.name}"
    try:
        return ProviderName.parse(canonical)
    except ValueError as error:
        raise Invalid.at("body", "name", msg=str(error)) from None


@routes.add("POST", "/upload", Access.TENANT, refusals=(400,), needs=Right.PUBLISH)
def upload(hub: Hub, call: Call, form: UploadForm) -> ProviderVersionBody:
    """Publish a wheel by the form of twine, uv, flit, poetry and hatch.

    The provider is the wheel's distribution under the organization's slug, and the version the wheel's. The token is
    the password of the user `__token__`, or a bearer.
    """
    return _uploaded(hub, call, form)


@routes.add("POST", "/upload/{organization}", Access.TENANT, refusals=(400,), needs=Right.PUBLISH)
def upload_for(hub: Hub, call: Call, form: UploadForm) -> ProviderVersionBody:
    """Publish a wheel by the same form, for the organization in the address and for no other.

    The tools cannot say for whom they publish. If only a stranger names their repository as a publisher, a run gets the
    stranger's token; this address refuses it before the form is read.
    """
    _check_address(call)
    return _uploaded(hub, call, form)


def _check_address(call: Call) -> None:
    """Raises Forbidden for a token of another organization.

    A CI run is not told which one: its token may be a stranger's.
    """
    named, slug = call.parameters["organization"], call.organization.slug
    if named == slug:
        return
    if call.actor.run is None:
        raise Forbidden(
            f"your organization publishes under {slug}/, and this address is of {named[:80]}: upload to /upload/{slug}/"
        )
    raise Forbidden(
        f"this address is of {named[:80]}, and this run's token is of another organization: have an admin of "
        f"{named[:80]} add the repository as a publisher, and name the provider (`hub publishers token ORG/NAME`)"
    )


def _uploaded(hub: Hub, call: Call, form: UploadForm) -> ProviderVersionBody:
    organization = call.organization
    author = Author(AuthorKind.CUSTOMER, organization.organization_id, organization.name)
    with publishing_turn(hub.services, organization.organization_id) as share:
        file = form.read()
        published = publish_file(hub.services, hub.wheels, organization.slug, file, author, call.actor, share)
    return ProviderVersionBody.of(published.version)


class UploadBody(Response):
    """Where an announced wheel is to be sent."""

    upload_id: str = Field(description="What the version is published with.", examples=["01JZK3V8M4Q2T7Y9B5N6C1D0EF"])
    url: str = Field(
        description="PUT the bytes here, whole or in parts by `Content-Range`. It is a secret, and takes no token.",
        examples=["https://storage.googleapis.com/hub-artifacts/uploads/01JZ…/weather_provider.whl?upload_id=…"],
    )
    headers: dict[str, str] = Field(description="Headers to send along.", examples=[{}])
    expires_at: datetime = Field(description="When the upload ends.", examples=["2026-03-03T09:30:00Z"])

    @classmethod
    def of(cls, begun: BegunUpload) -> Self:
        """The view of an upload that was begun."""
        return cls(
            upload_id=begun.upload.upload_id,
            url=begun.session.url,
            headers=dict(begun.session.headers),
            expires_at=begun.upload.expires_at,
        )


@routes.add("POST", "/uploads", Access.TENANT, status=201, needs=Right.PUBLISH)
def begin_upload(hub: Hub, call: Call, body: UploadWish) -> UploadBody:
    """Announce a wheel of up to 256 MiB, and get where to send it."""
    organization = call.organization
    author = Author(AuthorKind.CUSTOMER, organization.organization_id, organization.name)
    return UploadBody.of(uploads.begin_upload(hub.services, hub.artifacts, author, body))


@routes.add("POST", "/console/uploads", Access.CONSOLE_MACHINE, scope=ConsoleScope.PUBLISH, status=201)
def begin_platform_upload(hub: Hub, _call: Call, body: UploadWish) -> UploadBody:
    """Announce a wheel of a platform provider, and get where to send it."""
    return UploadBody.of(uploads.begin_upload(hub.services, hub.artifacts, PLATFORM_AUTHOR, body))


class RuntimeVersionBody(Response):
    """A version of the runtime, which is the process in the pod that a provider runs in."""

    version: str = Field(description="What the version is called.", examples=["3.2.0"])
    image_url: str = Field(
        description="The container image of the runtime.",
        examples=["europe-docker.pkg.dev/hub/runtime/pragma-runtime:3.2.0"],
    )
    python_version: str = Field(description="CPython in the image.", examples=["3.13"])
    platform: str = Field(
        description="The newest platform tag of a wheel that the image loads.", examples=["manylinux_2_36_x86_64"]
    )
    changelog: str | None = Field(description="What is new.")
    released_at: datetime = Field(description="When it was first registered.", examples=["2026-03-02T09:30:00Z"])
    created_at: datetime = Field(description="The same as `released_at`.", examples=["2026-03-02T09:30:00Z"])
    updated_at: datetime = Field(description="When its changelog last changed.", examples=["2026-03-02T09:30:00Z"])

    @classmethod
    def of(cls, version: RuntimeVersion) -> Self:
        """The view of a stored version of the runtime."""
        return cls.model_validate(version)


@routes.add(
    "POST",
    "/console/runtime/versions",
    Access.CONSOLE_MACHINE,
    scope=ConsoleScope.RUNTIMES,
    status=201,
    other_statuses=(200,),
    refusals=(409,),
)
def register_runtime(hub: Hub, call: Call, body: RuntimeVersionWish) -> Reply[RuntimeVersionBody]:
    """Register a version of the runtime, which then keeps its image."""
    registered = runtimes.register_runtime(hub.services, call.actor, body)
    return Reply(RuntimeVersionBody.of(registered.runtime), status=201 if registered.created else 200)
