"""What functions take and return, where their modules import the records for types alone."""

import typing
from collections.abc import Callable
from typing import Any

from provider_hub.domain import (
    advisories,
    audit,
    catalog,
    installation,
    names,
    organizations,
    provenance,
    publishing_use,
    records,
    rollout,
    runtimes,
    uploads,
)
from provider_hub.domain.publishers import records as publishers

_RECORDS = {
    name: value
    for module in (
        advisories,
        audit,
        catalog,
        installation,
        names,
        organizations,
        provenance,
        publishers,
        publishing_use,
        records,
        rollout,
        runtimes,
        uploads,
    )
    for name, value in vars(module).items()
    if isinstance(value, type)
}


def hints_of(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations of a function of `actions.keys` or of the store."""
    return typing.get_type_hints(function, localns=_RECORDS)
