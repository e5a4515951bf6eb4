"""Runtime versions: registering an image once and for all, and pinning a wheel to the one that it will run on."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from provider_hub.actions import audit, keys
from provider_hub.actions.ports import CatalogStore, DocumentStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.actions.wheels import Wheel
from provider_hub.actions.wishes.publishing import RuntimeVersionWish
from provider_hub.domain.audit import Actor, AuditAction
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Conflict, Invalid
from provider_hub.domain.runtimes import RuntimeImage, RuntimeVersion, described, registered_default
from provider_hub.domain.wheels.fit import WheelNeed, check_fit, newest_for, older_for

# Nobody pins to what was released a hundred images ago without naming it.
NEWEST = 100
_MOST_NAMED = 5
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Registered:
    """A registered runtime version; `created` is False where the very same was registered before."""

    runtime: RuntimeVersion
    created: bool


def register_runtime(services: Services[CatalogStore], by: Actor, wish: RuntimeVersionWish) -> Registered:
    """Register an image under a name, or find the very same there. Raises Conflict for a name that has another image,
    and Invalid for an image of a registry that may have none.

    What is pinned to a runtime version must stay what it was, so only the changelog of a known one changes.
    """
    version, changelog, own = wish.version, wish.changelog, services.publishing_rules.runtime
    image = RuntimeImage(wish.image_url, wish.python_version or own.python_version, wish.platform or own.platform)
    check_registry(wish.image_url, services.publishing_rules.runtime_registries)
    key = keys.runtime_version(version)

    def decide(transaction: Transaction) -> Registered:
        (known,) = transaction.read(key)
        now = services.clock()
        if known and known.image != image:
            raise Conflict(
                f"runtime version {version} is registered as {_text_of(known.image)}, and runtime versions "
                f"never change: register {_text_of(image)} under another name"
            )
        if known and known.changelog == changelog:
            return Registered(known, created=False)
        made = known or replace(registered_default(image, now), version=version)
        kept = replace(made, changelog=changelog, updated_at=now)
        transaction.write(key, kept)
        detail = "its changelog" if known else _text_of(image)
        audit.record(services, transaction, by, AuditAction.RUNTIME_REGISTERED, f"runtime {version}", detail=detail)
        return Registered(kept, created=known is None)

    return services.store.transact(decide)[0]


def check_registry(image_url: str, registries: Sequence[str]) -> None:
    """Raises Invalid for an image that is in none of the `registries` or has no digest; without registries none is
    refused.

    Every pod of every tenant runs such an image, so a stolen console token must not be enough to choose it freely.
    """
    if not registries:
        return
    name, _, digest = image_url.partition("@")
    if not name.startswith(tuple(f"{registry.rstrip('/')}/" for registry in registries)) or ".." in name:
        msg = f"images of the runtime come from {' or '.join(registries)} alone: push it there first"
        raise Invalid.at("body", "image_url", msg=msg)
    if not _DIGEST.fullmatch(digest):
        msg = "name the image by its digest, as HOST/PATH@sha256:…: a tag may be another image tomorrow"
        raise Invalid.at("body", "image_url", msg=msg)


def named_runtime(services: Services[CatalogStore], version: str) -> RuntimeVersion:
    """The runtime version that an author names. Raises Invalid when it is not registered."""
    runtime = services.store.get(keys.runtime_version(version))
    default = _default(services)
    if runtime is None and version != default.version:
        raise Invalid.at("body", "runtime_version", msg=f"runtime version {version!r} is not registered")
    return runtime or default


def pinned_for(services: Services[CatalogStore], wheel: Wheel, named: str | None) -> RuntimeVersion:
    """The runtime version that a wheel will run on: the named one, else the newest that it fits. Raises Invalid.

    The image of this deployment's own settings counts as registered: `keep_default` makes it so.
    """
    need = WheelNeed(wheel.file_name, wheel.requires_python)
    if named is None:
        return newest_for(need, _known(services))
    runtime = named_runtime(services, named)
    check_fit(need, runtime)
    return runtime


def older_that_fit(services: Services[CatalogStore], wheel: Wheel, pinned: RuntimeVersion) -> str:
    """What an author can do where the pinned Python may be too new for the dependencies; "" where nothing.

    It ends a refusal: the runtime versions with an older Python that the wheel itself fits, and how to choose one.
    """
    found = older_for(WheelNeed(wheel.file_name, wheel.requires_python), _known(services), pinned)
    if not found:
        return ""
    series = ".".join(pinned.python_version.split(".")[:2])
    return (
        f"; the wheel itself also fits {', '.join(map(described, found[:_MOST_NAMED]))}: name one of these as "
        "runtime_version (hub publish --runtime-version), or, since upload forms have no such field, build the wheel "
        f"with Requires-Python <{series}"
    )


def keep_default(
    services: Services[CatalogStore], transaction: Transaction, pinned: RuntimeVersion, stored: object
) -> None:
    """Register the deployment's own image in the transaction of the first version that is pinned to it.

    `stored` is what that transaction read under the name. No step of a deployment has to run for it, so none can be
    forgotten, and a version is never pinned to a name that is not registered.
    """
    if stored is None and pinned.version == services.publishing_rules.runtime.default_name:
        transaction.write(keys.runtime_version(pinned.version), pinned)


def _known(services: Services[CatalogStore]) -> Collection[RuntimeVersion]:
    default = _default(services)
    return {default.version: default, **{one.version: one for one in services.store.newest_runtimes(NEWEST)}}.values()


def _default(services: Services[DocumentStore]) -> RuntimeVersion:
    return registered_default(services.publishing_rules.runtime, services.clock())


def _text_of(image: RuntimeImage) -> str:
    return f"{image.image_url} (CPython {image.python_version}, {image.platform})"
