"""Wheels whose digest is known, fetched from their hosts as authors' wheels are: from public addresses alone."""

import os
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO

from provider_hub.actions.artifacts import ArtifactStore
from provider_hub.actions.relock import OldWheel
from provider_hub.adapters.wheel_inspection import inspect_in_child
from provider_hub.adapters.wheels.fetching import FetchPolicy, download
from provider_hub.domain.artifacts import kept_name
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dependencies import LockedWheel
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.wheels import WheelError, WheelUnreachable, parse_wheel_url


class LockedWheelHosts:
    """Hosts of locked wheels at HTTPS addresses (`actions.mirror.LockedFiles`)."""

    def __init__(self, policy: FetchPolicy) -> None:
        self._policy = policy

    def fetch(self, wheel: LockedWheel, into: IO[bytes]) -> None:
        """Write the wheel's bytes to `into`. Raises PermanentError for other bytes, TemporaryError for none."""
        _fetch(wheel.url, wheel.sha256, into, self._policy)


class KeptFromHosts:
    """Wheels of versions that were published before their bytes were kept (`actions.relock.PublishedWheels`)."""

    def __init__(self, policy: FetchPolicy, artifacts: ArtifactStore) -> None:
        self._policy = policy
        self._artifacts = artifacts

    def keep(self, version: ProviderVersion, charge: Callable[[int], None]) -> OldWheel:
        """Keep the wheel in the bucket, and tell `charge` its bytes where they are new there.

        Raises PermanentError or TemporaryError.
        """
        with TemporaryFile() as spool:
            file_name = _fetch(version.wheel_url, version.wheel_sha256, spool, self._policy)
            spool.flush()
            try:
                requirements = inspect_in_child(spool, file_name).requirements
            except WheelError as error:
                raise PermanentError(str(error)) from error
            name = kept_name(version.wheel_sha256, file_name)
            size = spool.seek(0, os.SEEK_END)
            if self._artifacts.put(name, spool):
                charge(size)
        return OldWheel(requirements, name)


def _fetch(address: str, sha256: str, into: IO[bytes], policy: FetchPolicy) -> str:
    """The wheel's file name. Raises PermanentError for other bytes than those of the digest."""
    try:
        url = parse_wheel_url(address)
        digest, _ = download(url, into, policy)
    except WheelUnreachable as error:
        raise TemporaryError(str(error)) from error
    except WheelError as error:
        raise PermanentError(str(error)) from error
    if digest != sha256:
        raise PermanentError(f"its host serves bytes of the SHA-256 {digest}, and not of {sha256}")
    return url.file_name
