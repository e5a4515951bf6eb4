"""Which images this node can stand in for, and with which interpreter.

There is no registry here. Every image stands for a runtime image and becomes an interpreter of this machine. The images
that the node's options name as unavailable fail like an image that cannot be pulled.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from local_kubernetes.node.image_environment import image_environment

DEFAULT_UNAVAILABLE = ("*missing*",)

_DOMAIN = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_SEGMENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_SEGMENT}(?:/{_SEGMENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@[a-z0-9]+:[0-9a-f]{{32,}})?"
)


@dataclass(frozen=True)
class Image:
    """What a container of an image starts from on this machine."""

    interpreter: Path
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Images:
    """The interpreter that each image became; every image that is not in `known` became `other`."""

    other: Image
    known: Mapping[str, Image]

    def of(self, reference: str) -> Image:
        """What stands in for the image of that name."""
        return self.known.get(reference, self.other)


def local_images(
    interpreters: Mapping[str, Path],
    other: Path,
    python_path: Path | None,
    node: Mapping[str, str],
    programs: Path | None = None,
) -> Images:
    """The images of a node whose own environment is `node`.

    `python_path` is a directory that the interpreters of named images import from, because those are not installed with
    what their image holds. `programs` is a folder with the programs that an image holds beside its interpreter.
    """

    def image(interpreter: Path, extra: Path | None) -> Image:
        return Image(interpreter, image_environment(node, interpreter, extra, programs))

    known = {reference: image(interpreter, python_path) for reference, interpreter in interpreters.items()}
    return Images(next(iter(known.values()), image(other, None)), known)


def is_valid_reference(image: str) -> bool:
    """Whether an image's name has the form `[host[:port]/]path[:tag][@digest]`."""
    return len(image) <= 512 and _REFERENCE.fullmatch(image) is not None


def is_available(image: str, unavailable: Sequence[str] = DEFAULT_UNAVAILABLE) -> bool:
    """False for images that match one of the shell patterns in `unavailable`."""
    return not any(fnmatchcase(image, pattern) for pattern in unavailable)
