"""Which images this node can stand in for.

There is no registry here: every image is taken to be the runtime image and becomes the local interpreter,
but for those that are named as unavailable, which fail as an image that cannot be pulled does.
"""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

DEFAULT_UNAVAILABLE = ("*missing*",)

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_SEGMENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_SEGMENT}(?:/{_SEGMENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@[a-z0-9]+:[0-9a-f]{{32,}})?"
)


def is_valid_reference(image: str) -> bool:
    """Whether an image's name has the form `[host[:port]/]path[:tag][@digest]`."""
    return len(image) <= 512 and _REFERENCE.fullmatch(image) is not None


def is_available(image: str, unavailable: Sequence[str] = DEFAULT_UNAVAILABLE) -> bool:
    """False for images that match one of the shell patterns in `unavailable`."""
    return not any(fnmatchcase(image, pattern) for pattern in unavailable)
