"""What a wheel's file name says. Its tags multiply: a name of 2 KB may stand for ten million of them.

`packaging` is imported by the functions that use it, here and in the modules beside this one. It is a tenth of what
publishing would otherwise import before its first answer, and only a publish needs it.
"""

from math import prod
from typing import TYPE_CHECKING

from provider_hub.domain.artifacts import check_file_name
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.wheels.errors import WheelInvalid

if TYPE_CHECKING:
    from packaging.tags import Tag
    from packaging.utils import BuildTag, NormalizedName
    from packaging.version import Version

MAX_TAGS_IN_PART = 64
MAX_TAGS = 1000
_TAG_PARTS = 3


@dataclass(frozen=True, slots=True)
class WheelFileName:
    """A file name in its parts; each of `tags` is enough for the wheel to be installed.

    `build` is the number of a further build of the version and the text behind it, () for the first.
    """

    distribution: "NormalizedName"
    version: "Version"
    build: "BuildTag"
    tags: "frozenset[Tag]"


def parse_file_name(file_name: str) -> WheelFileName:
    """`name-version[-build]-python-abi-platform.whl` in its parts. Raises WheelInvalid."""
    from packaging.utils import parse_wheel_filename

    parts = file_name.removesuffix(".whl").split("-")[-_TAG_PARTS:]
    counts = [part.count(".") + 1 for part in parts]
    if max(counts) > MAX_TAGS_IN_PART or prod(counts) > MAX_TAGS:
        raise WheelInvalid(
            f"{file_name[:200]!a} has too many tags: at most {MAX_TAGS_IN_PART} in each of its three parts, and "
            f"{MAX_TAGS} together"
        )
    try:
        name, version, build, tags = parse_wheel_filename(file_name)
    # Not InvalidWheelFilename alone: packaging raises a bare ValueError for a number of thousands of digits.
    except ValueError as error:
        raise WheelInvalid(
            f"{file_name[:200]!a} is no wheel's file name: it must be name-version-python-abi-platform.whl"
        ) from error
    try:
        # The parser lets more pass, such as letters of every script and any build tag.
        check_file_name(file_name)
    except ValueError as error:
        raise WheelInvalid(str(error)) from None
    return WheelFileName(name, version, build, tags)
