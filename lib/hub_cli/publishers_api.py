"""The API's operations on trusted publishers."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hub_cli.transport import Transport

Json = dict[str, Any]


class PublishersApi:
    """What commands need of a provider's publishers. Every method raises ClientError; what is not there is NotThere."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, name: str) -> Json:
        """`{items, secretless_only, organization_secretless_only}` of the provider `name` (`prefix/name`)."""
        answer: Json = self._transport.request("GET", _of(name))
        return answer

    def add(self, name: str, body: Mapping[str, Any]) -> Json:
        """The new publisher."""
        answer: Json = self._transport.request("POST", _of(name), body=body)
        return answer

    def remove(self, name: str, publisher_id: str) -> None:
        """Remove one by its id."""
        self._transport.request("DELETE", f"{_of(name)}/{quote(publisher_id, safe='')}")

    def change(self, name: str, decided: Mapping[str, bool]) -> Json:
        """The provider's publishers, after `secretless_only` or `attested_only` was decided."""
        answer: Json = self._transport.request("PATCH", _of(name), body=decided)
        return answer

    def change_organization(self, *, secretless_only: bool) -> Json:
        """The same for all providers of the token's organization."""
        body = {"secretless_only": secretless_only}
        answer: Json = self._transport.request("PATCH", "/organizations/me/publishing", body=body)
        return answer


def _of(name: str) -> str:
    prefix, _, short = name.partition("/")
    return f"/providers/{quote(prefix, safe='')}/{quote(short, safe='')}/publishers"
