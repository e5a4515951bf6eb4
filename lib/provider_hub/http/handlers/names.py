"""Names out of a path: what is no name names nothing."""

from provider_hub.domain.errors import NotFound
from provider_hub.domain.names import ProviderName
from provider_hub.http.application import Call


def provider_in(call: Call) -> ProviderName:
    """The provider of `/…/{org}/{name}`. Raises NotFound for what can be no provider's name."""
    canonical = f"{call.parameters['org']}/{call.parameters['name']}"
    try:
        return ProviderName.parse(canonical)
    except ValueError:
        raise NotFound(f"there is no provider {canonical[:80]}") from None
