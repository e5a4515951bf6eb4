"""The API's operations on provenance: what was attested, and what an organization requires."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hub_cli.transport import Transport

Json = dict[str, Any]
_REQUIRED = "/organizations/me/provenance"


class ProvenanceApi:
    """What commands need of provenance. Every method raises ClientError; what is not there is NotThere."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def of_version(self, path: str, *, anonymous: bool) -> Json:
        """The provenance object (PEP 740) at a version's `provenance_path`. `anonymous` leaves the token out."""
        answer: Json = self._transport.request("GET", path, anonymous=anonymous)
        return answer

    def required(self) -> Json:
        """`{require_provenance, providers: [{provider, require_provenance}]}` of the token's organization."""
        answer: Json = self._transport.request("GET", _REQUIRED)
        return answer

    def require(self, provider: str | None, rule: Mapping[str, Any] | None) -> Json:
        """The same after a rule, None for none, was made for all providers (None) or for one."""
        answer: Json = self._transport.request("PATCH", _place(provider), body={"require_provenance": rule})
        return answer

    def drop(self, provider: str) -> Json:
        """The same after a provider's own rule was dropped."""
        answer: Json = self._transport.request("DELETE", _place(provider))
        return answer


def _place(provider: str | None) -> str:
    if provider is None:
        return _REQUIRED
    prefix, _, short = provider.partition("/")
    return f"{_REQUIRED}/{quote(prefix, safe='')}/{quote(short, safe='')}"
