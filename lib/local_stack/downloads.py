"""Google's emulators as pinned downloads, for a machine without the Google Cloud SDK."""

import hashlib
import os
import shutil
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.errors import LocalError

_CHUNK_BYTES = 1 << 20
_TIMEOUT_SECONDS = 60
_HOST = "https://storage.googleapis.com/firebase-preview-drop/emulator"


@dataclass(frozen=True)
class Download:
    """A file somewhere on the web, and the only bytes it may have."""

    url: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The last part of the URL's path."""
        return self.url.rpartition("/")[2]


FIRESTORE = Download(
    f"{_HOST}/cloud-firestore-emulator-v1.22.0.jar",
    "9b6498b7f62714d67f48f59b3818883cd682dbcd46b9f59511de81c97bb5166c",
)
PUBSUB = Download(
    f"{_HOST}/pubsub-emulator-0.8.37.zip",
    "c83383e0c71633e58abad6fdc9c0312c7d0f6a5a34236c42e3f92eb24ded1c26",
)


def cache_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/provider-hub`, by default `~/.cache/provider-hub`."""
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "provider-hub"


def fetch(download: Download, directory: Path) -> Path:
    """The verified file in `directory`, downloaded first unless it is there.

    A file appears under its name only whole and verified, so two processes may fetch it at the same time.
    Raises LocalError when it cannot be had or its digest differs.
    """
    target = directory / download.file_name
    if target.exists():
        return target
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, prefix=".fetching-") as partial:
        digest = _copy(download, partial)
        if digest != download.sha256:
            raise LocalError(
                f"{download.url} has the SHA-256 {digest} and not the pinned {download.sha256}: it was changed on the "
                "way or at its source; nothing was kept."
            )
        # A hard link and not a rename: the temporary file's own clean-up still finds its name.
        _publish(Path(partial.name), target)
    return target


def unpack(archive: Path, pattern: str) -> Path:
    """The one file in a zip `archive` that matches `pattern`, taken out beside it."""
    with zipfile.ZipFile(archive) as opened:
        members = [name for name in opened.namelist() if Path(name).match(pattern)]
        if len(members) != 1:
            raise LocalError(f"{archive} holds {len(members)} files named {pattern}, one was expected; delete it.")
        target = archive.with_name(Path(members[0]).name)
        if target.exists():
            return target
        with opened.open(members[0]) as source, tempfile.NamedTemporaryFile(dir=archive.parent) as partial:
            shutil.copyfileobj(source, partial, _CHUNK_BYTES)
            partial.flush()
            _publish(Path(partial.name), target)
    return target


def _copy(download: Download, into: "tempfile._TemporaryFileWrapper[bytes]") -> str:
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(download.url, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - pinned https
            while chunk := response.read(_CHUNK_BYTES):
                digest.update(chunk)
                into.write(chunk)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise LocalError(
            f"cannot download {download.url} ({reason}): check the connection, or install the Google Cloud SDK "
            "with its emulators (`gcloud components install cloud-firestore-emulator pubsub-emulator`)."
        ) from error
    into.flush()
    return digest.hexdigest()


def _publish(complete: Path, target: Path) -> None:
    try:
        os.link(complete, target)
    except FileExistsError:
        return  # another process was faster, with the same verified bytes
