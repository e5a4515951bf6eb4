"""How much a start may still write: what its tier's volume takes, and what its node's disk has free."""

import os
import shutil
from pathlib import Path

from pragma_runtime.errors import PermanentError, TemporaryError


class Disk:
    """The volume of a work directory, of `size` bytes as its tier has it; 0 where nobody says how large it is.

    The volume is a directory on its node's disk, and that disk is all that the file system tells. The cluster counts
    what lies in the volume every now and then, and evicts a pod that has more there than its tier.
    """

    def __init__(self, work_dir: Path, size: int = 0) -> None:
        self._work_dir = work_dir
        self._size = size

    def check(self, needed: int, what: str) -> None:
        """Refuse what cannot be written: `needed` bytes beside what lies in the volume by now.

        `what` begins the message, up to the number of bytes. Raises PermanentError where the tier's volume is too small
        for them. Raises TemporaryError where its node has fewer bytes free: others fill and empty that disk.
        """
        left = self._size - self._used()
        if self._size and needed > left:
            raise PermanentError(
                f"{what} {needed} bytes, and the disk of this resource tier, {self._size} bytes, has room for "
                f"{max(0, left)} more: choose a larger resource_tier, or a version that needs less."
            )
        free = shutil.disk_usage(self._work_dir).free
        if needed > free:
            raise TemporaryError(f"{what} {needed} bytes, and the node's disk has {free} bytes free.")

    def _used(self) -> int:
        walk = os.walk(self._work_dir)
        return sum(Path(folder, name).lstat().st_size for folder, _, names in walk for name in names)
