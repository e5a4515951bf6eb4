"""The API's operations for the platform's own hand, over any provider and any organization."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hub_cli.transport import Transport

Json = dict[str, Any]


class ConsoleApi:
    """The console's operations that commands use. Every method raises ClientError; what is not there is NotThere."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def edit(self, name: str, changes: Mapping[str, Any]) -> Json:
        """The provider `name` (`prefix/name`) after a change of its catalog fields."""
        answer: Json = self._transport.request("PATCH", _provider(name), body=changes)
        return answer

    def delete(self, name: str) -> None:
        """Delete the provider with its versions."""
        self._transport.request("DELETE", _provider(name))

    def yank(self, name: str, version: str, reason: str | None) -> Json:
        """The version, no longer offered to new installations; `reason` is shown to those who have it."""
        answer: Json = self._transport.request("POST", f"{_version(name, version)}/yank", body={"reason": reason})
        return answer

    def unyank(self, name: str, version: str) -> Json:
        """The version, offered again."""
        answer: Json = self._transport.request("DELETE", f"{_version(name, version)}/yank")
        return answer

    def change_rollout(self, name: str, version: str, verb: str) -> Json:
        """The rollout of the version after a `pause` or `resume`."""
        path = f"{_provider(name)}/rollouts/{quote(version, safe='')}/{verb}"
        answer: Json = self._transport.request("POST", path)
        return answer

    def suspend(self, organization: str, reason: str) -> Json:
        """The organization (by its id), whose tokens are refused with `reason` from now on."""
        return self._change(organization, "suspend", {"reason": reason})

    def resume(self, organization: str) -> Json:
        """The organization, whose tokens are let in again."""
        return self._change(organization, "resume", None)

    def organization(self, organization: str) -> Json:
        """The organization, with how much is stored for it, and how much may be."""
        answer: Json = self._transport.request("GET", _organization(organization))
        return answer

    def allow(self, organization: str, allowed_bytes: int | None) -> Json:
        """The organization, which may have so many bytes stored; None for as many as every other."""
        body = {"allowed_bytes": allowed_bytes}
        answer: Json = self._transport.request("PATCH", _organization(organization), body=body)
        return answer

    def release_slug(self, organization: str) -> Json:
        """The organization that has lost its slug."""
        return self._change(organization, "release-slug", None)

    def audit(self, organization: str | None, action: str | None, since: str | None, limit: int) -> Json:
        """A page of the audit, newest first: of one organization, of one action, not older than a time; or of all."""
        query = {"organization": organization or "", "action": action or "", "since": since or "", "limit": str(limit)}
        answer: Json = self._transport.request("GET", "/console/audit", query=query)
        return answer

    def dead_letters(self) -> list[Json]:
        """The dead letters that belong to no organization, newest first."""
        found: list[Json] = self._transport.request("GET", "/console/dead-letter")
        return found

    def retry_dead_letter(self, letter: str) -> None:
        """Publish the message of one of them anew and remove the letter."""
        self._transport.request("POST", f"{_letter(letter)}/retry")

    def delete_dead_letter(self, letter: str) -> None:
        """Remove one of them for good."""
        self._transport.request("DELETE", _letter(letter))

    def _change(self, organization: str, verb: str, body: Mapping[str, Any] | None) -> Json:
        answer: Json = self._transport.request("POST", f"{_organization(organization)}/{verb}", body=body)
        return answer


def _provider(name: str) -> str:
    prefix, _, short = name.partition("/")
    return f"/console/providers/{quote(prefix, safe='')}/{quote(short, safe='')}"


def _letter(letter: str) -> str:
    return f"/console/dead-letter/{quote(letter, safe='')}"


def _organization(organization: str) -> str:
    return f"/console/organizations/{quote(organization, safe='')}"


def _version(name: str, version: str) -> str:
    return f"{_provider(name)}/versions/{quote(version, safe='')}"
