"""Makes a bill of materials of requirements.lock: CycloneDX 1.6 in JSON, on standard output.

`python -m terraform.tools.sbom > sbom.json`. Each locked file's digest is in it. What an operating system or a runtime
image adds is not: the lock does not know it.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from provider_hub.domain import bill_of_materials
from provider_hub.domain.bill_of_materials import Component

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
_PINNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def locked(text: str) -> Iterator[Component]:
    """The distributions of a lock in pip's format. Raises ValueError for one without a digest."""
    # A requirement goes on over the lines that end in a backslash.
    for line in text.replace("\\\n", " ").splitlines():
        match = _PINNED.match(line)
        if match is None:
            continue
        digests = tuple(sorted(_HASH.findall(line)))
        if not digests:
            raise ValueError(f"{match[1]} has no digest in the lock: make the lock with hashes")
        yield Component(match[1], match[2], digests)


def bill(distributions: Iterable[Component]) -> dict[str, Any]:
    """The bill of materials as CycloneDX has it."""
    return bill_of_materials.bill({"type": "application", "name": "provider-hub"}, distributions)


if __name__ == "__main__":
    json.dump(bill(locked(LOCK.read_text())), sys.stdout, indent=2)
    sys.stdout.write("\n")
