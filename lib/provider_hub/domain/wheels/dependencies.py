"""The dependencies that a wheel declares: only those that an index serves by name can be verified and locked."""

from collections.abc import Sequence

from provider_hub.domain.requirement_lines import CANNOT_READ, shown
from provider_hub.domain.wheels.errors import WheelInvalid

MAX_DEPENDENCIES = 1000


def check_dependencies(requires_dist: Sequence[str]) -> None:
    """Check the Requires-Dist lines of a wheel's METADATA, each a PEP 508 requirement; those of extras included.

    Raises WheelInvalid for more than MAX_DEPENDENCIES, for one that no installer could read or that has unprintable
    characters, such as the line ends of a folded header, for one whose marker nothing can evaluate, and for a direct
    reference (`name @ https://…`, `name @ git+https://…`): what such a URL serves can change after publishing, and
    building it would run its author's code in the pod.
    """
    if len(requires_dist) > MAX_DEPENDENCIES:
        raise WheelInvalid(f"the wheel declares {len(requires_dist)} dependencies: at most {MAX_DEPENDENCIES}")
    for line in requires_dist:
        if not line.isprintable():
            raise WheelInvalid(
                f"the wheel's dependency {shown(line)} has unprintable characters: write it on one line and build the "
                "wheel again"
            )
        _check_requirement(line)


def _check_requirement(line: str) -> None:
    # Costs as much to import as the rest of the inspection, and a function that starts need not wait for it.
    from packaging.requirements import Requirement

    try:
        requirement = Requirement(line)
    except CANNOT_READ:
        raise WheelInvalid(
            f"the wheel's dependency {shown(line)} is not a PEP 508 requirement, such as 'name>=1.2': "
            "correct it and build the wheel again"
        ) from None
    if requirement.url is not None:
        raise WheelInvalid(
            f"the wheel's dependency {requirement.name} is a direct reference, whose content can change after "
            f"publishing: publish {requirement.name} to an index and depend on it by name and version"
        )
    if requirement.marker is None:
        return
    try:
        # In this process's own environment: the values that differ in a pod's decide how it ends, not whether it does.
        requirement.marker.evaluate()
    except CANNOT_READ:
        raise WheelInvalid(
            f"the wheel's dependency {shown(line)} has a marker that nothing can evaluate: compare versions as in "
            "python_version >= '3.11' and names as in sys_platform == 'linux', and build the wheel again"
        ) from None
