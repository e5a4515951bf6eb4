"""OSV's export of the index' advisories: a zip of one JSON file a record, in a bucket or a file of this machine."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from provider_hub.actions.advisories import Matches
from provider_hub.adapters.artifacts import Bucket, connect_to
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.settings.wheels import Advisories, Artifacts

log = logging.getLogger(__name__)

# It lies in /tmp, which is memory in a function.
MOST_EXPORT_BYTES = 128 * 1024 * 1024


def connect(settings: Advisories, artifacts: Artifacts) -> "OsvExport | None":
    """The export that the settings name, None where they name none. Nothing is read before its first use."""
    if not settings.advisories_export:
        return None
    bucket, name = settings.advisories_object
    return OsvExport(InBucket(connect_to(bucket, artifacts), name) if bucket else OnDisk(Path(name)))


class OnDisk:
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The file. Raises TemporaryError where there is none yet, and PermanentError for one that is too large."""
        try:
            file = self._path.open("rb")
        except OSError as error:
            raise TemporaryError(f"the export of advisories cannot be opened: {error}") from error
        with file:
            _refuse_over(self._path.stat().st_size)
            yield file


class InBucket:
    """An object of a bucket."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket, self._name = bucket, name

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """A copy of the object. Raises as `OnDisk.opened` does."""
        size = self._bucket.size_of(self._name)
        if size is None:
            raise TemporaryError(f"there is no export of advisories at {self._bucket.url_of(self._name)}")
        _refuse_over(size)
        with TemporaryFile() as spool:
            if not self._bucket.fetch(self._name, spool):
                raise TemporaryError("the export of advisories is being replaced")
            spool.seek(0)
            yield spool


class OsvExport:
    """An export at one of the two places (`actions.advisories.AdvisoryDatabase`)."""

    def __init__(self, place: OnDisk | InBucket) -> None:
        self._place = place

    def matching(self, locked: Mapping[str, Sequence[str]], now: datetime) -> Matches:
        """Raises TemporaryError, PermanentError for what is no export or too large for one, and TooMuchToMatch."""
        # It is needed once a night, and no cold start pays for it.
        from provider_hub.adapters.osv_scan import scan_in_child  # noqa: PLC0415

        with self._place.opened() as file:
            scanned = scan_in_child(file, locked, now)
        if scanned.unreadable:
            total = scanned.records + scanned.unreadable
            log.warning("%d of the %d records of advisories cannot be read", scanned.unreadable, total)
        return Matches(scanned.export_at, scanned.found)


def _refuse_over(size: int) -> None:
    if size > MOST_EXPORT_BYTES:
        raise PermanentError(f"the export of advisories has {size} bytes: at most {MOST_EXPORT_BYTES} are read")
