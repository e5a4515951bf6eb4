"""Which runtime a wheel can run on, by its Requires-Python and the tags in its file name."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.errors import Invalid
from provider_hub.domain.runtimes import RuntimeImage, RuntimeVersion, described
from provider_hub.domain.wheels.file_names import parse_file_name

if TYPE_CHECKING:
    from packaging.tags import Tag

_PLATFORM = re.compile(r"(manylinux|musllinux)_(\d)_(\d+)_(\w+)")
# The manylinux names of before PEP 600, by the minor version of glibc that each stands for.
_OLD_NAMES = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_OLDEST_GLIBC = 5
# A Python that is named without its patch release is taken for the newest of its series.
_NEWEST_PATCH = 99
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class WheelNeed:
    """What a wheel asks of the Python that it is installed into."""

    file_name: str
    requires_python: str | None

    def __str__(self) -> str:
        python = f"Python {self.requires_python}" if self.requires_python else "any Python"
        tags = sorted(str(tag) for tag in self.tags)
        more = f" and {len(tags) - _MOST_NAMED} more" if len(tags) > _MOST_NAMED else ""
        return f"{python} with one of the tags {', '.join(tags[:_MOST_NAMED])}{more}"

    @property
    def tags(self) -> "frozenset[Tag]":
        """The tags of the file name, each of which is enough."""
        return parse_file_name(self.file_name).tags

    def is_met_by(self, image: RuntimeImage) -> bool:
        """Whether pip in that image would take the wheel."""
        from packaging.specifiers import SpecifierSet
        from packaging.version import Version

        series = Version(image.python_version)
        exact = image.python_version if len(series.release) > 2 else f"{image.python_version}.{_NEWEST_PATCH}"
        if not SpecifierSet(self.requires_python or "").contains(exact, prereleases=True):
            return False
        return not self.tags.isdisjoint(tag_ranks(image))


def newest_for(need: WheelNeed, runtimes: Iterable[RuntimeVersion]) -> RuntimeVersion:
    """The one with the newest Python that the wheel can run on, of several the last released. Raises Invalid."""
    known = sorted(runtimes, key=_age, reverse=True)
    fitting = next((runtime for runtime in known if need.is_met_by(runtime.image)), None)
    if fitting is None:
        there = ", ".join(described(runtime) for runtime in known)
        raise Invalid.at(
            "body",
            "wheel_url",
            msg=f"no runtime version can run the wheel: it needs {need}, and this hub has {there}. "
            "Build it for one of these, or ask the operator to register a runtime version that fits it",
        )
    return fitting


def older_for(need: WheelNeed, runtimes: Iterable[RuntimeVersion], pinned: RuntimeVersion) -> list[RuntimeVersion]:
    """Those with an older Python than `pinned` that the wheel itself can run on, the newest of each Python first."""
    newest_of: dict[tuple[int, ...], RuntimeVersion] = {}
    for runtime in sorted(runtimes, key=_age, reverse=True):
        if _age(runtime)[0] < _age(pinned)[0] and need.is_met_by(runtime.image):
            newest_of.setdefault(_age(runtime)[0], runtime)
    return list(newest_of.values())


def check_fit(need: WheelNeed, runtime: RuntimeVersion) -> None:
    """Raises Invalid when the wheel cannot run on the runtime version that its author named."""
    if not need.is_met_by(runtime.image):
        raise Invalid.at(
            "body",
            "runtime_version",
            msg=f"the wheel needs {need}, and runtime version {described(runtime)}: "
            "name another runtime version, or leave it out and the hub chooses one",
        )


def _age(runtime: RuntimeVersion) -> tuple[tuple[int, ...], datetime, str]:
    from packaging.version import Version

    return Version(runtime.python_version).release[:2], runtime.released_at, runtime.version


def tag_ranks(image: RuntimeImage) -> "Mapping[Tag, int]":
    """The tags of the wheels that pip in that image would take, each with its rank: the lowest is what pip prefers."""
    from packaging.tags import compatible_tags, cpython_tags
    from packaging.version import Version

    python = tuple(Version(image.python_version).release[:2])
    platforms = list(_platforms(image.platform))
    interpreter = "cp" + "".join(map(str, python))
    tags = (*cpython_tags(python, platforms=platforms), *compatible_tags(python, interpreter, platforms))
    ranks: dict[Tag, int] = {}
    for rank, tag in enumerate(tags):
        ranks.setdefault(tag, rank)
    return ranks


def _platforms(newest: str) -> Iterable[str]:
    """The platform tags that load where `newest` does: those of every older C library, and plain Linux."""
    match = _PLATFORM.fullmatch(newest)
    if match is None:
        yield newest
        return
    family, major, minor, machine = match.groups()
    oldest = _OLDEST_GLIBC if family == "manylinux" else 0
    for number in range(int(minor), oldest - 1, -1):
        yield f"{family}_{major}_{number}_{machine}"
        if family == "manylinux" and number in _OLD_NAMES:
            yield f"{_OLD_NAMES[number]}_{machine}"
    yield f"linux_{machine}"
