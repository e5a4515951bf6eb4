"""The ports of secret config values: sealed where they are taken, opened where the cluster is written to."""

from collections.abc import Mapping
from typing import Protocol


class Sealer(Protocol):
    """Keeps secret config values from whoever reads documents."""

    def seal(self, values: Mapping[str, str], owner: str) -> dict[str, str]:
        """The values, sealed for `owner`, by their keys. A call may take seconds, so none is made in a transaction.

        Raises Invalid where this deployment has no key, and TemporaryError where the key cannot be reached.
        """


class Opener(Protocol):
    """Reads sealed values again, in the functions that write to the cluster alone."""

    def open(self, sealed: Mapping[str, str], owner: str) -> dict[str, str]:
        """The values that were sealed for `owner`. Raises TemporaryError, or PermanentError naming the key."""
