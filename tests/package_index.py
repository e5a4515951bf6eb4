"""A package index under a test's control: which files it tells of, when they were uploaded, and whom it lets in."""

import hashlib
import json
import zipfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.runtime_harness import Answer

_JSON = {"Content-Type": "application/vnd.pypi.simple.v1+json"}


@dataclass(frozen=True)
class _Offer:
    """A file of a distribution; `fields` are those of its entry in the index (PEP 691)."""

    fields: Mapping[str, Any]
    content: bytes
    metadata: bytes | None


@dataclass
class PackageIndex:
    """A simple index (PEP 691, 700 and 714) and the host of its files; `login` is who may ask it, None is anyone."""

    url: str = ""
    login: tuple[str, str] | None = None
    down: bool = False
    requests: list[str] = field(default_factory=list)
    _offers: dict[str, dict[str, _Offer]] = field(default_factory=dict)

    @property
    def simple_url(self) -> str:
        """What installers are given."""
        return f"{self.url}/simple/"

    def offer(self, file: Path, uploaded_at: datetime | None, *, url: str | None = None, **fields: Any) -> None:
        """Tell of a file, at `url` where another host serves it; `uploaded_at` None tells no upload time."""
        content = file.read_bytes()
        metadata = _metadata(file) if url is None and file.suffix == ".whl" else None
        entry: dict[str, Any] = {
            "filename": file.name,
            "url": url or f"{self.url}/files/{file.name}",
            "hashes": {"sha256": self.digest_of(file)},
            "size": len(content),
        }
        if uploaded_at is not None:
            entry["upload-time"] = f"{uploaded_at:%Y-%m-%dT%H:%M:%S.%fZ}"
        if metadata is not None:
            entry["core-metadata"] = {"sha256": hashlib.sha256(metadata).hexdigest()}
        name = file.name.split("-")[0].replace("_", "-").lower()
        self._offers.setdefault(name, {})[file.name] = _Offer({**entry, **fields}, content, metadata)

    @staticmethod
    def digest_of(file: Path) -> str:
        """What the index tells as a file's digest."""
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def withdraw(self, name: str) -> None:
        """Tell of no file of a distribution any more."""
        del self._offers[name]

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.requests.append(path)
        if self.down:
            return Answer(503)
        if self.login and headers.get("Authorization") != f"Basic {b64encode(':'.join(self.login).encode()).decode()}":
            return Answer(401, headers={"WWW-Authenticate": "Basic"})
        kind, _, rest = path.strip("/").partition("/")
        return self._listing(rest) if kind == "simple" else self._file(rest)

    def _listing(self, name: str) -> Answer:
        if name not in self._offers:
            return Answer(404)
        files = [offer.fields for offer in self._offers[name].values()]
        listing = {"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": files}
        return Answer(body=json.dumps(listing).encode(), headers=_JSON)

    def _file(self, path: str) -> Answer:
        file_name = path.removesuffix(".metadata")
        offer = next((files[file_name] for files in self._offers.values() if file_name in files), None)
        if offer is None:
            return Answer(404)
        content = offer.metadata if path.endswith(".metadata") else offer.content
        return Answer(404) if content is None else Answer(body=content)


def _metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)
