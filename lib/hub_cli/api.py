"""The API's operations, typed: what commands need of each answer, and the answer itself for `-o json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

from hub_cli.console_api import ConsoleApi
from hub_cli.errors import Refused
from hub_cli.provenance_api import ProvenanceApi
from hub_cli.publishers_api import PublishersApi
from hub_cli.transport import NotThere, Transport

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Installation:
    """The row of a provider in the caller's organization; `raw` is the API's own answer."""

    canonical: str
    installed_version: str
    current_version: str | None
    state: str
    health: str
    health_message: str | None
    failure_message: str | None
    tier: str
    policy: str
    generation: int
    latest_version: str | None
    upgrade_available: bool
    updated_at: str
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Self:
        """Raises Refused for what is no such row."""
        try:
            return cls(
                canonical=raw["canonical"],
                installed_version=raw["installed_version"],
                current_version=raw["current_version"],
                state=raw["lifecycle_state"],
                health=raw["health"],
                health_message=raw["health_message"],
                failure_message=raw["failure_message"],
                tier=raw["resource_tier"],
                policy=raw["upgrade_policy"],
                generation=raw["generation"],
                latest_version=raw["latest_version"],
                upgrade_available=raw["upgrade_available"],
                updated_at=raw["updated_at"],
                raw=raw,
            )
        except (KeyError, TypeError) as error:
            sentence = f"the server sent an installation without {error}: it is not the API, or an older one."
            raise Refused(sentence) from error


class HubApi:
    """The operations that commands use. Every method raises ClientError; what is not there is NotThere."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.console = ConsoleApi(transport)
        self.publishers = PublishersApi(transport)
        self.provenance = ProvenanceApi(transport)

    def install(self, body: Mapping[str, Any]) -> Installation:
        """Ask for an installation; `body` holds the fields of `POST /providers/install`."""
        return Installation.of(self._transport.request("POST", "/providers/install", body=body))

    def installations(self) -> list[Installation]:
        """Every installation of the token's organization."""
        return [Installation.of(raw) for raw in self._transport.request("GET", "/providers/installed")]

    def installation(self, name: str) -> Installation:
        """The installation of the provider `name` (`prefix/name`)."""
        return Installation.of(self._transport.request("GET", _installed(name)))

    def change(self, name: str, verb: str, body: Mapping[str, Any]) -> Installation:
        """`upgrade`, `downgrade` or `rollback`."""
        return Installation.of(self._transport.request("POST", f"{_installed(name)}/{verb}", body=body))

    def configure(self, name: str, changes: Mapping[str, Any]) -> Installation:
        """The row after a change of its settings; `changes` holds the fields of the PATCH."""
        return Installation.of(self._transport.request("PATCH", _installed(name), body=changes))

    def deploy(self, name: str, version: str | None) -> Json:
        """The deployment's status."""
        answer: Json = self._transport.request("POST", f"{_installed(name)}/deploy", body={"version": version})
        return answer

    def uninstall(self, name: str, *, cascade: bool) -> Installation:
        """Ask for the removal. `cascade` removes it although its runtime reports resources that it manages."""
        query = {"cascade": "true"} if cascade else None
        return Installation.of(self._transport.request("DELETE", _installed(name), query=query))

    def deployment(self, name: str) -> Json:
        """What the cluster shows of the installation's deployment; the object of `GET …/deployment`."""
        answer: Json = self._transport.request("GET", f"{_installed(name)}/deployment")
        return answer

    def events(self, name: str, limit: int) -> list[Json]:
        """The newest `limit` entries of the timeline, newest first."""
        found: list[Json] = []
        token = ""
        while len(found) < limit:
            query = {"limit": str(min(100, limit - len(found))), "page_token": token}
            page = self._transport.request("GET", f"{_installed(name)}/events", query=query)
            found += page["items"]
            token = page["next_page_token"] or ""
            if not token:
                break
        return found

    def logs(self, name: str, since: str | None, *, previous: bool, limit: int) -> Json:
        """Lines that the installation's pods printed: `{items: [{at, pod, line}], cursor, more, notice}`.

        `since` is a cursor or a time of ISO 8601; None gives the last `limit` lines.
        """
        query = {"since": since or "", "previous": "true" if previous else "", "limit": str(limit)}
        answer: Json = self._transport.request("GET", f"{_installed(name)}/logs", query=query)
        return answer

    def search(self, text: str, tags: Sequence[str], scope: str | None, limit: int, *, anonymous: bool) -> Json:
        """The first `limit` providers that match: `{items, total, limit, offset}`.

        All `tags` must match. `anonymous` leaves the token out.
        """
        query = {"q": text, "tags": list(tags), "scope": scope or "", "limit": str(limit)}
        answer: Json = self._transport.request("GET", "/providers", query=query, anonymous=anonymous)
        return answer

    def publish(self, body: Mapping[str, Any], *, platform: bool) -> Json:
        """The version that was registered. `platform` publishes as the platform, with a console token."""
        path = "/console/provider-versions" if platform else "/provider-versions"
        answer: Json = self._transport.request("POST", path, body=body)
        return answer

    def begin_upload(self, body: Mapping[str, Any], *, platform: bool) -> Json:
        """Where to send an announced wheel: `{upload_id, url, headers, expires_at}`."""
        path = "/console/uploads" if platform else "/uploads"
        answer: Json = self._transport.request("POST", path, body=body)
        return answer

    def versions(self, name: str, limit: int, *, anonymous: bool) -> list[Json]:
        """The newest `limit` versions of the provider `name`, newest first. `anonymous` leaves the token out."""
        path = f"/providers/{_path_of(name)}/versions"
        found: list[Json] = self._transport.request("GET", path, query={"limit": str(limit)}, anonymous=anonymous)
        return found

    def version(self, name: str, version: str, *, anonymous: bool = False) -> Json:
        """One published version of the provider `name`. `anonymous` leaves the token out."""
        answer: Json = self._transport.request("GET", _version(name, version), anonymous=anonymous)
        return answer

    def lock(self, name: str, version: str, *, anonymous: bool = False) -> str:
        """The lock of a version, a `pylock.toml`. `anonymous` leaves the token out."""
        return self._transport.text(f"{_version(name, version)}/lock", anonymous=anonymous)

    def relock(self, name: str, version: str) -> Json:
        """The version, due to have its dependencies resolved again."""
        answer: Json = self._transport.request("POST", f"{_version(name, version)}/relock")
        return answer

    def edit(self, name: str, changes: Mapping[str, Any]) -> Json:
        """The provider after a change of its catalog fields."""
        answer: Json = self._transport.request("PATCH", f"/providers/{_path_of(name)}", body=changes)
        return answer

    def yank(self, name: str, version: str, reason: str | None) -> Json:
        """The version, no longer offered to new installations; `reason` is shown to those who have it."""
        answer: Json = self._transport.request("POST", f"{_version(name, version)}/yank", body={"reason": reason})
        return answer

    def unyank(self, name: str, version: str) -> Json:
        """The version, offered again."""
        answer: Json = self._transport.request("DELETE", f"{_version(name, version)}/yank")
        return answer

    def rollouts(self, name: str) -> list[Json]:
        """The rollouts of the provider `name`, newest first."""
        found: list[Json] = self._transport.request("GET", f"/providers/{_path_of(name)}/rollouts")
        return found

    def change_rollout(self, name: str, version: str, verb: str) -> Json:
        """The rollout of a version after a `pause` or `resume`."""
        path = f"/providers/{_path_of(name)}/rollouts/{quote(version, safe='')}/{verb}"
        answer: Json = self._transport.request("POST", path)
        return answer

    def audit(self, action: str | None, since: str | None, limit: int) -> Json:
        """A page of the organization's own audit, newest first: of one action, not older than a time; or of all."""
        query = {"action": action or "", "since": since or "", "limit": str(limit)}
        answer: Json = self._transport.request("GET", "/organizations/me/audit", query=query)
        return answer

    def oidc_audience(self) -> str:
        """For whom a CI platform's token has to be made."""
        return str(self._transport.request("GET", "/_/oidc/audience", anonymous=True)["audience"])

    def mint_token(self, identity: str, asked: str | None) -> Json:
        """A token that publishes one provider: `{success, token, expires, provider}`.

        `asked` is that provider as `ORG/NAME`; or `NAME`, which only chooses among several.
        """
        is_whole = asked is not None and "/" in asked
        body = {"token": identity, "provider": asked if is_whole else None, "name": None if is_whole else asked}
        answer: Json = self._transport.request("POST", "/_/oidc/mint-token", body=body, anonymous=True)
        return answer

    def burn_token(self, token: str) -> None:
        """End such a token before its time."""
        self._transport.request("POST", "/_/oidc/burn-token", body={"token": token}, anonymous=True)

    def organization(self) -> Json:
        """The token's organization."""
        answer: Json = self._transport.request("GET", "/organizations/me")
        return answer

    def organization_slug(self) -> str:
        """The slug of the token's organization."""
        return str(self.organization()["slug"])

    def dead_letters(self, provider: str | None) -> list[Json]:
        """The organization's dead letters, those of one provider where `provider` is not None."""
        query = {"provider": provider or ""}
        found: list[Json] = self._transport.request("GET", "/ops/dead-letter", query=query)
        return found

    def dead_letter(self, letter: str) -> Json:
        """One dead letter by its id."""
        answer: Json = self._transport.request("GET", _letter(letter))
        return answer

    def retry_dead_letter(self, letter: str) -> None:
        """Publish the message of a dead letter anew and remove the letter."""
        self._transport.request("POST", f"{_letter(letter)}/retry")

    def retry_dead_letters(self) -> int:
        """Retry every dead letter of the organization; returns how many there were."""
        return int(self._transport.request("POST", "/ops/dead-letter/retry-all")["retried_count"])

    def delete_dead_letter(self, letter: str) -> None:
        """Remove a dead letter for good."""
        self._transport.request("DELETE", _letter(letter))

    def delete_dead_letters(self, provider: str | None) -> int:
        """One provider's, None for all."""
        query = {"provider": provider} if provider else {"all": "true"}
        return int(self._transport.request("DELETE", "/ops/dead-letter", query=query)["deleted_count"])


def find_installation(api: HubApi, name: str) -> Installation | None:
    """An installation, None where there is none."""
    try:
        return api.installation(name)
    except NotThere:
        return None


def _installed(name: str) -> str:
    return f"/providers/installed/{_path_of(name)}"


def _version(name: str, version: str) -> str:
    return f"/providers/{_path_of(name)}/versions/{quote(version, safe='')}"


def _path_of(name: str) -> str:
    prefix, _, short = name.partition("/")
    return f"{quote(prefix, safe='')}/{quote(short, safe='')}"


def _letter(letter: str) -> str:
    return f"/ops/dead-letter/{quote(letter, safe='')}"
