"""Makes a bill of materials of requirements.lock: CycloneDX 1.5 in JSON, on standard output.

`python -m terraform.tools.sbom > sbom.json`. Each locked file's digest is in it. What an operating system or a runtime
image adds is not: the lock does not know it.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """A distribution in the lock, with the digests of the files that may be installed of it."""

    name: str
    version: str
    digests: tuple[str, ...]


def locked(text: str) -> Iterator[Locked]:
    """The distributions of a lock in pip's format. Raises ValueError for one without a digest."""
    # A requirement goes on over the lines that end in a backslash.
    for line in text.replace("\\\n", " ").splitlines():
        match = _PINNED.match(line)
        if match is None:
            continue
        digests = tuple(sorted(_HASH.findall(line)))
        if not digests:
            raise ValueError(f"{match[1]} has no digest in the lock: make the lock with hashes")
        yield Locked(match[1], match[2], digests)


def bill(distributions: Iterator[Locked]) -> dict[str, Any]:
    """The bill of materials as CycloneDX has it."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "provider-hub"}},
        "components": [_component(found) for found in distributions],
    }


def _component(found: Locked) -> dict[str, Any]:
    purl = f"pkg:pypi/{found.name.lower().replace('_', '-')}@{found.version}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": found.name,
        "version": found.version,
        "purl": purl,
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in found.digests],
    }


if __name__ == "__main__":
    json.dump(bill(locked(LOCK.read_text())), sys.stdout, indent=2)
    sys.stdout.write("\n")
