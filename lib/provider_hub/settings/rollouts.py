"""The settings of rollouts, a group of `settings`."""

from datetime import timedelta

from pydantic import Field

from provider_hub.domain.rollout import Pace
from provider_hub.settings.reader import Settings, Words


class Rollouts(Settings):
    """The pace of auto-upgrade rollouts."""

    release_age_seconds: float = Field(3600, ge=0, description="A version younger than this starts no rollout.")
    bake_seconds: float = Field(900, ge=0, description="Time that a wave runs before the next begins.")
    wave_poll_seconds: float = Field(15, gt=0, description="Time between two looks at a wave under way.")
    wave_failures_percent: float = Field(
        5, ge=0, le=100, description="A rollout halts when more of a wave fails, in 3 organizations (or all, if fewer)."
    )
    canary_organizations: Words = Field(
        (), description="Ids, comma-separated, that get a version first; if it fails in one, it halts. Unset: none."
    )

    @property
    def pace(self) -> Pace:
        """The settings as rollouts take them."""
        return Pace(
            minimum_age=timedelta(seconds=self.release_age_seconds),
            bake=timedelta(seconds=self.bake_seconds),
            poll=timedelta(seconds=self.wave_poll_seconds),
            failures_percent=self.wave_failures_percent,
            canaries=frozenset(self.canary_organizations),
        )
