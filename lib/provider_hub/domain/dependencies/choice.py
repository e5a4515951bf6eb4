"""Chooses, of everything that a resolver lists for each distribution, the one wheel that the runtime's pip would take.

A resolver lists every wheel of a release. A lock of the hub has one wheel for each distribution, so the runtime chooses
nothing, and two installs cannot differ.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from provider_hub.domain.dependencies.lock import DependencyLock, LockedWheel, LockRefused
from provider_hub.domain.runtimes import RuntimeImage

if TYPE_CHECKING:
    from packaging.utils import BuildTag

MAX_WHEEL_BYTES = 256 * 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")


def lock_of(pylock: str, image: RuntimeImage, private_hosts: Collection[str] = ()) -> DependencyLock:
    """The lock for `image`, of a resolver's `pylock.toml`.

    `private_hosts` ask for a login. Raises LockRefused where a distribution has no fit wheel, or one that no pod could
    fetch.
    """
    import tomllib  # noqa: PLC0415 - as below

    # Costs as much to import as all else of publishing's rules, and only a publish with dependencies needs it.
    from provider_hub.domain.wheels.fit import tag_ranks  # noqa: PLC0415

    ranks = tag_ranks(image)
    packages: Sequence[Mapping[str, Any]] = tomllib.loads(pylock).get("packages", [])
    chosen = tuple(_best(package, ranks) for package in packages)
    for wheel in chosen:
        _refuse_private(wheel, private_hosts)
    return DependencyLock.of(image, chosen)


def _refuse_private(wheel: LockedWheel, private_hosts: Collection[str]) -> None:
    """A pod has no login, and whoever sees the provider sees its lock."""
    parts = urlsplit(wheel.url)
    if (parts.hostname or "") in {host.lower() for host in private_hosts}:
        raise LockRefused(
            f"the index serves {wheel.file_name} from a host that asks for a login, which no pod has: depend on a "
            "release whose files anybody may fetch, or ask the operator of this hub for an index that serves them so"
        )
    if parts.query:
        raise LockRefused(
            f"the index serves {wheel.file_name} by a URL with a query, which may be a token that ends: depend on a "
            "release whose files have plain addresses, or ask the operator of this hub for an index that has them"
        )


def _best(package: Mapping[str, Any], ranks: Mapping[Any, int]) -> LockedWheel:
    name, version = str(package["name"]), str(package.get("version", ""))
    files = [(_file_name(wheel), wheel) for wheel in package.get("wheels", ())]
    ranked = [(rank, file_name, wheel) for file_name, wheel in files if (rank := _rank(file_name, ranks))]
    if not ranked:
        raise LockRefused(
            f"{name} {version} has no wheel for the runtime's Python and platform, and nothing is built from source "
            f"in a pod: depend on a release of {name} that has one",
            may_fit_elsewhere=True,
        )
    # The name decides where nothing else does, so that the order in which an index lists files is no part of a lock.
    _, file_name, wheel = max(ranked, key=lambda one: one[:2])
    return _locked(name, version, file_name, wheel)


def _locked(name: str, version: str, file_name: str, wheel: Mapping[str, Any]) -> LockedWheel:
    url = str(wheel.get("url", ""))
    parts = urlsplit(url)
    if parts.scheme != "https" or "@" in parts.netloc:
        raise LockRefused(f"the index serves {file_name} from no plain https address, so that no pod could fetch it")
    digest = str(wheel.get("hashes", {}).get("sha256", ""))
    if not _DIGEST.fullmatch(digest):
        raise LockRefused(f"the index tells no SHA-256 digest of {file_name}, so that no pod could verify it")
    size = wheel.get("size")
    if size is not None and not 0 < int(size) <= MAX_WHEEL_BYTES:
        raise LockRefused(f"{file_name} has {size} bytes: a dependency's wheel has at most {MAX_WHEEL_BYTES}")
    return LockedWheel(name, version, file_name, parts._replace(fragment="").geturl(), digest, size)


def _file_name(wheel: Mapping[str, Any]) -> str:
    return str(wheel.get("name") or unquote(urlsplit(str(wheel.get("url", ""))).path.rpartition("/")[2]))


def _rank(file_name: str, ranks: Mapping[Any, int]) -> "tuple[int, BuildTag] | None":
    """The wheel's rank among those of its release, the highest that of pip's choice; None if the runtime cannot run it.

    The best of its tags counts first, then its build tag. A wheel without a build tag is the first build; of two tags
    the number counts before the text behind it (the specification of wheels' file names).
    """
    from packaging.utils import parse_wheel_filename  # noqa: PLC0415

    try:
        *_, build, tags = parse_wheel_filename(file_name)
    # Not InvalidWheelFilename alone: packaging raises a bare ValueError for a number of thousands of digits.
    except ValueError:
        return None
    best = min((ranks[tag] for tag in tags if tag in ranks), default=None)
    return None if best is None else (-best, build)
