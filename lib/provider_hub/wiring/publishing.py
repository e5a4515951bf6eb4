"""What the functions share that publish; the others are started without it."""

from provider_hub.actions.publishing_rules import PublishingRules
from provider_hub.domain.publishing_use import PublishingLimits
from provider_hub.domain.runtimes import RuntimeImage
from provider_hub.settings.core import Core


def publishing_rules(given: Core) -> PublishingRules:
    """What this deployment's operator decided for what is published."""
    return PublishingRules(
        RuntimeImage(given.runtime_image, given.runtime_python, given.runtime_platform),
        given.default_scope,
        PublishingLimits(
            given.publishes_at_once,
            given.publishes_per_day,
            given.provider_quota,
            given.version_quota,
            given.stored_gib * 1024**3,
        ),
        given.runtime_registries,
    )
