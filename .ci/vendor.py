"""Fetches the console's vendored modules anew: `make vendor`, after a version in console/vendor/vendor.json was raised.

A package whose version did not change must still be the same bytes: its digest is compared, and only a new version's is
written. Bare imports become relative ones, since a strict Content-Security-Policy leaves no room for an import map.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).resolve().parent.parent / "console" / "vendor"
LIST = VENDOR / "vendor.json"
# The vendored file of each name that the modules import.
IMPORTS = {
    "preact": "./preact.js",
    "preact/hooks": "./preact-hooks.js",
    "@preact/signals-core": "./signals-core.js",
}
_IMPORT = re.compile(r"""\b(from|import)\s*(["'])([^"'.][^"']*)\2""")
_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=.*")


def main() -> int:
    """Write every vendored file and the list; returns the exit status."""
    packages: dict[str, dict[str, Any]] = json.loads(LIST.read_text())
    with tempfile.TemporaryDirectory() as folder:
        for name, entry in packages.items():
            archive = fetch(name, entry["version"], Path(folder))
            integrity = f"sha512-{base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()}"
            fetched = f"{name}@{entry['version']}"
            if entry.get("fetched") == fetched and entry["integrity"] != integrity:
                print(f"vendor: {fetched} is not what it was: {integrity}, not {entry['integrity']}", file=sys.stderr)
                return 1
            entry |= {"fetched": fetched, "integrity": integrity, "sha256": unpack(archive, entry["files"])}
    LIST.write_text(json.dumps(packages, indent=2) + "\n")
    return 0


def fetch(name: str, version: str, folder: Path) -> Path:
    """The package's archive. Raises CalledProcessError."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), f"{name}@{version}"]
    packed = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return folder / packed.stdout.strip().splitlines()[-1]


def unpack(archive: Path, files: dict[str, str]) -> dict[str, str]:
    """Write the files, named here to named there; returns each one's SHA-256."""
    digests = {}
    with tarfile.open(archive) as packed:
        for target, source in files.items():
            member = packed.extractfile(f"package/{source}")
            if member is None:
                raise FileNotFoundError(f"{archive.name} has no {source}")
            text = member.read().decode()
            content = (relative(text) if target.endswith(".js") else text).encode()
            (VENDOR / target).write_bytes(content)
            digests[target] = hashlib.sha256(content).hexdigest()
    return digests


def relative(text: str) -> str:
    """A module's text with relative imports, not to be type-checked. Raises KeyError for one that is not vendored."""
    replaced = _IMPORT.sub(lambda match: f"{match[1]}{match[2]}{IMPORTS[match[3]]}{match[2]}", text)
    return "// @ts-nocheck\n" + _SOURCE_MAP.sub("", replaced)


if __name__ == "__main__":
    sys.exit(main())
