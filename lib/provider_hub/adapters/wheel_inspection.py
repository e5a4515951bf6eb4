"""The inspection of a wheel in a limited child: the archive and its texts are whatever an author made them."""

import base64
from typing import IO, Any

from provider_hub.adapters.limited_child import Limits, OverLimit, run_limited
from provider_hub.domain.wheels.contents import WheelContents
from provider_hub.domain.wheels.errors import WheelInvalid
from provider_hub.domain.wheels.package import PackageRefused, Packages, PackageUnclear

_LIMITS = Limits()
# With what the inspection imports at its first wheel.
_IMPORTS = (
    "provider_hub.domain.wheels.inspection",
    "packaging.requirements",
    "encodings.cp437",
    "encodings.utf_8_sig",
)


def inspect_in_child(file: IO[bytes], file_name: str) -> WheelContents:
    """As `inspect_wheel`, of a real file. Raises WheelInvalid, also where the inspection would take too much."""
    try:
        answer = run_limited(_inspected, file_name, _LIMITS, file, imports=_IMPORTS)
    except OverLimit as error:
        raise WheelInvalid(f"the wheel {error}: build it again, with fewer and plainer files") from error
    if "refused" in answer:
        raise WheelInvalid(answer["refused"])
    converted = {
        "packages": _packages(answer["packages"]),
        "requirements": tuple(answer["requirements"]),
        "metadata": base64.b64decode(answer["metadata"]),
    }
    return WheelContents(**{**answer, **converted})


def _inspected(file_name: Any, file: IO[bytes] | None) -> dict[str, Any]:
    from provider_hub.domain.wheels.inspection import inspect_wheel  # noqa: PLC0415 - in the template alone

    if file is None:
        raise AssertionError("the child was given no wheel")
    try:
        contents = inspect_wheel(file, file_name)
    except WheelInvalid as refusal:
        return {"refused": str(refusal)}
    found = contents.packages
    return {
        "distribution": contents.distribution,
        "version": contents.version,
        "requires_python": contents.requires_python,
        "summary": contents.summary,
        "requirements": contents.requirements,
        "schemas_text": contents.schemas_text,
        # As text, JSON could make six bytes of each one, and so exceed what the child may answer.
        "metadata": base64.b64encode(contents.metadata).decode(),
        "packages": {
            "candidates": found.candidates,
            "importable": sorted(found.importable),
            "namespaces": sorted(found.namespaces),
            "provider": found.provider,
            "refusal": found.refusal and str(found.refusal),
            "unclear": found.refusal.candidates if isinstance(found.refusal, PackageUnclear) else None,
        },
    }


def _packages(answer: dict[str, Any]) -> Packages:
    refusal: PackageRefused | None = None
    if answer["unclear"] is not None:
        refusal = PackageUnclear(tuple(answer["unclear"]))
    elif answer["refusal"] is not None:
        refusal = PackageRefused(answer["refusal"])
    return Packages(
        candidates=tuple(answer["candidates"]),
        importable=frozenset(answer["importable"]),
        namespaces=frozenset(answer["namespaces"]),
        provider=answer["provider"],
        refusal=refusal,
    )
