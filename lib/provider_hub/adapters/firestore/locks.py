"""The lock of a version, read without the rest of it: a version may have a megabyte."""

from collections.abc import Mapping
from typing import Any

LOCK_FIELDS = ("status", "lock_sha256")


def lock_of(fields: Mapping[str, Any]) -> str | None:
    """The digest in these fields of a stored version; None where it has no lock, or is not published."""
    from provider_hub.domain.catalog import VersionStatus  # noqa: PLC0415 - as records are (`actions.keys`)

    is_published = fields["status"].string_value == VersionStatus.PUBLISHED
    # A version that was written before there were locks has no such field.
    return fields["lock_sha256"].string_value or None if is_published and "lock_sha256" in fields else None
