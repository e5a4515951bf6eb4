"""Files that only their owner may read: keys, tokens, kubeconfigs."""

import os
import tempfile
from pathlib import Path


def write_privately(path: Path, content: bytes) -> None:
    """Write `path` with mode 0600. Others never see it half-written, and never readable by all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
