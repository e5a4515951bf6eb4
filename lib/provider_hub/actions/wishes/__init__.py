"""Wishes: what callers ask of the actions, validated as it arrives.

An HTTP body or query is validated straight into the wish that its action takes, so a field and its bounds stand
in one place.
"""

from provider_hub.actions.wishes.base import Wish

__all__ = ["Wish"]
