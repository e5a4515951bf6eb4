"""Which of a wheel's requirements apply to the runtime that it is pinned to.

`packaging.requirements` costs as much to import as all else of publishing's rules, and only a publish needs it: so it
is imported there.
"""

from collections.abc import Mapping, Sequence

from provider_hub.domain.dependencies.lock import LockRefused
from provider_hub.domain.names import normalised
from provider_hub.domain.requirement_lines import CANNOT_READ, shown
from provider_hub.domain.runtimes import RuntimeImage


def applying(requires_dist: Sequence[str], image: RuntimeImage) -> tuple[str, ...]:
    """The requirements that an install without extras heeds in that image, in the standard's own spelling.

    They have no markers: these are evaluated here, and some are no longer the same once they are written and read
    again. Raises LockRefused for a line that cannot be read or evaluated: wheels of before the inspection looked at
    markers have such lines.
    """
    environment = marker_environment(image)
    return tuple(asked for line in requires_dist if (asked := _applying(line, environment)))


def _applying(line: str, environment: Mapping[str, str]) -> str | None:
    from packaging.requirements import Requirement  # noqa: PLC0415 - see above

    try:
        read = Requirement(line)
        applies = read.marker is None or read.marker.evaluate(dict(environment))
    except CANNOT_READ as error:
        raise LockRefused(
            f"the wheel's dependency {shown(line)} cannot be evaluated for CPython "
            f"{environment['python_full_version']}: correct it and publish a new version"
        ) from error
    read.marker = None
    return str(read) if applies else None


def required_names(requirements: Sequence[str]) -> frozenset[str]:
    """The normalised names of the distributions that the requirements ask for."""
    from packaging.requirements import Requirement  # noqa: PLC0415 - see above

    return frozenset(normalised(Requirement(line).name) for line in requirements)


def marker_environment(image: RuntimeImage) -> Mapping[str, str]:
    """What environment markers (PEP 508) see in that image. A Python without a patch release is the series' first."""
    parts = image.python_version.split(".")
    series = ".".join(parts[:2])
    full = image.python_version if len(parts) > 2 else f"{series}.0"
    return {
        "extra": "",
        "implementation_name": "cpython",
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": image.platform.split("_", 3)[-1],
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full,
        "python_version": series,
        "sys_platform": "linux",
    }
