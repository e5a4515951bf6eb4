"""The objects of the local bucket, as files: whole or not at all, written once, and there after a restart."""

import json
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from provider_hub.domain.artifacts import UPLOADS

DAY_SECONDS = 24 * 3600.0
_SESSION_ID = re.compile(r"[0-9a-f]{48}")


class AlreadyThereError(Exception):
    """An object has that name."""


@dataclass(frozen=True)
class Session:
    """A resumable upload of `size` bytes to the object `name`."""

    session_id: str
    name: str
    size: int


class BucketFiles:
    """Objects and unfinished uploads in one folder. `clock` gives seconds since 1970."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._objects = folder / "objects"
        self._sessions = folder / "sessions"
        self._clock = clock
        for one in (self._objects, self._sessions):
            one.mkdir(parents=True, exist_ok=True)

    def find(self, name: str) -> Path | None:
        """The object's file; None where there is none, or no object can have that name."""
        path = self._path(name)
        return path if path is not None and path.is_file() else None

    def new_file(self) -> Path:
        """An empty file to write to, for `keep`."""
        descriptor, path = tempfile.mkstemp(dir=self._sessions)
        os.close(descriptor)
        return Path(path)

    def keep(self, written: Path, name: str) -> None:
        """Make the written file the object `name`, and remove it under its own name. Raises AlreadyThereError."""
        path = self._path(name)
        if path is None:
            raise AlreadyThereError(f"no object can be called {name[:200]!r}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(written, path)
        except FileExistsError:
            raise AlreadyThereError(name) from None
        finally:
            written.unlink()

    def begin(self, name: str, size: int) -> Session:
        """A new session, whose bytes go to `part_of`."""
        session = Session(secrets.token_hex(24), name, size)
        folder = self._sessions / session.session_id
        folder.mkdir()
        (folder / "part").touch()
        (folder / "about.json").write_text(json.dumps(asdict(session)))
        return session

    def session(self, session_id: str) -> Session | None:
        """The session of that id."""
        about = self._sessions / session_id / "about.json"
        if not _SESSION_ID.fullmatch(session_id) or not about.is_file():
            return None
        return Session(**json.loads(about.read_text()))

    def part_of(self, session: Session) -> Path:
        """The file with what has come; it is gone once the session is finished."""
        return self._sessions / session.session_id / "part"

    def prune(self) -> None:
        """What the real bucket's lifecycle rule does: uploads and sessions end after a day."""
        oldest = self._clock() - DAY_SECONDS
        for path in (self._objects / UPLOADS).rglob("*"):
            if path.is_file() and path.stat().st_mtime < oldest:
                path.unlink()
        for path in self._sessions.iterdir():
            if path.stat().st_mtime >= oldest:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def _path(self, name: str) -> Path | None:
        parts = name.split("/")
        if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > 255 for part in parts):
            return None
        return self._objects.joinpath(*parts)
