"""How much a start may still write: what its tier's volume takes, and what its node's disk has free."""

import os
import shutil
from pathlib import Path

from pragma_runtime.errors import PermanentError, TemporaryError
from pragma_runtime.log import say


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
        self._check_tier(needed, self._used(), what)
        self._check_node(needed, what)

    def check_unpacked(self, needed: int, wheels: Path, what: str) -> None:
        """As `check`, for what the files in the folder `wheels` unpack to: they are removed after the install.

        So they fail no version. Together with them the volume may be over its tier for some seconds, in which the
        cluster may or may not count: the log says so.
        """
        used, passing = self._used(), _bytes_in(wheels)
        self._check_tier(needed, used - passing, what)
        self._check_node(needed, what)
        if self._size and needed + used > self._size:
            say(
                f"{what} {needed} bytes. Until they are installed the disk has the wheels as well, {needed + used} "
                f"bytes together, and the disk of this resource tier has {self._size} bytes: the cluster may evict the "
                "pod meanwhile. A larger resource_tier avoids that."
            )

    def _check_tier(self, needed: int, used: int, what: str) -> None:
        left = self._size - used
        if self._size and needed > left:
            raise PermanentError(
                f"{what} {needed} bytes, and the disk of this resource tier, {self._size} bytes, has room for "
                f"{max(0, left)} more: choose a larger resource_tier, or a version that needs less."
            )

    def _check_node(self, needed: int, what: str) -> None:
        free = shutil.disk_usage(self._work_dir).free
        if needed > free:
            raise TemporaryError(f"{what} {needed} bytes, and the node's disk has {free} bytes free.")

    def _used(self) -> int:
        return _bytes_in(self._work_dir)


def _bytes_in(folder: Path) -> int:
    walk = os.walk(folder)
    return sum(Path(path, name).lstat().st_size for path, _, names in walk for name in names)
