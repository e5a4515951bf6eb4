"""Config values that are secret: a caller writes them and nobody reads them back.

A row keeps them sealed, under a key that the readers of documents and backups do not have. Only what applies an
installation's objects to the cluster opens them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TypeAlias

from provider_hub.domain.dataclass import dataclass

# Sealed text is base 64 of the value with a nonce of 12 bytes and a tag of 16, behind the wrapped data key.
_SEAL_BYTES = 28
_PARTS = "."


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret value as its caller gave it; None takes the stored one away."""

    value: str | None = field(repr=False)


Given: TypeAlias = Mapping[str, str | Secret]


def plain_of(config: Given) -> dict[str, str]:
    """The values that are not secret."""
    return {key: value for key, value in config.items() if isinstance(value, str)}


def secret_of(config: Given) -> dict[str, str]:
    """The values to be sealed."""
    found = ((key, value.value) for key, value in config.items() if isinstance(value, Secret))
    return {key: value for key, value in found if value is not None}


def kept(stored: Mapping[str, str], config: Given) -> dict[str, str]:
    """The sealed values that a new config does not name, and that therefore stay."""
    return {key: sealed for key, sealed in stored.items() if key not in config}


def bytes_of(config: Given) -> int:
    """The size of keys and values, as UTF-8."""
    values = {**plain_of(config), **secret_of(config)}
    return sum(len(key.encode()) + len(values.get(key, "").encode()) for key in config)


def bytes_of_sealed(sealed: Mapping[str, str]) -> int:
    """The size of keys and of the values behind their seals, to within two bytes for each."""
    return sum(len(key.encode()) + _opened_bytes(text) for key, text in sealed.items())


def owner_of(organization_id: str, provider: str) -> str:
    """The owner that a value is sealed for: it opens for no other installation, wherever its text is copied to."""
    return f"{organization_id}/{provider}"


def named(keys: Iterable[str]) -> str:
    """Keys in a sentence."""
    return ", ".join(sorted(keys))


def _opened_bytes(sealed: str) -> int:
    return max(len(sealed.rpartition(_PARTS)[2]) * 3 // 4 - _SEAL_BYTES, 0)
