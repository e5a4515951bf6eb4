"""Who may see a provider."""

from enum import StrEnum


class Scope(StrEnum):
    """Who may see a provider: everyone (`PUBLIC`), or only its own organization (`TENANT`)."""

    PUBLIC = "public"
    TENANT = "tenant"
