"""The rules of publishing that the operator sets."""

from dataclasses import field

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.publishing_use import PublishingLimits
from provider_hub.domain.runtimes import RuntimeImage
from provider_hub.domain.scope import Scope


@dataclass(frozen=True, slots=True)
class PublishingRules:
    """What the operator decided for what is published: the runtime's image, who sees a provider whose author does
    not say, how much one organization may publish, and which registries may have images of the runtime (none: any)."""

    runtime: RuntimeImage
    default_scope: Scope = Scope.TENANT
    limits: PublishingLimits = field(default_factory=PublishingLimits)
    runtime_registries: tuple[str, ...] = ()
