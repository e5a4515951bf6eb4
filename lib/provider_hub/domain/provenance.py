"""Where versions come from: what is kept of it, and what an organization requires of the versions that it installs."""

import json
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import ProviderName
from provider_hub.domain.publishers.claims import Platform
from provider_hub.domain.publishers.records import PublishedBy

if TYPE_CHECKING:
    from provider_hub.domain.catalog import ProviderVersion

_WORKFLOWS = ".github/workflows/"


@dataclass(frozen=True, slots=True)
class StoredProvenance:
    """The attestations of a version's wheel, each as the JSON text that its publisher sent, and who published it.

    They are kept apart from the version, which every install reads.
    """

    prefix: str
    name: str
    version: str
    file_name: str
    sha256: str
    published_by: PublishedBy
    attestations: tuple[str, ...]
    created_at: datetime

    @property
    def provider_name(self) -> ProviderName:
        """The provider's name."""
        return ProviderName(self.prefix, self.name)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version came from: the fields of it that a rule looks at."""

    prefix: str
    name: str
    version: str
    published_by: PublishedBy | None = None
    attestations: tuple[str, ...] = ()

    @property
    def provider_name(self) -> ProviderName:
        """The provider's name."""
        return ProviderName(self.prefix, self.name)


@dataclass(frozen=True, slots=True)
class ProvenanceRule:
    """The attestation that a version must have: of which issuer, repository and ref.

    `repository` and `ref` are patterns, in which `*` stands for any characters; `ref` None takes any.
    """

    issuer: str
    repository: str
    ref: str | None = None

    def __str__(self) -> str:
        at = f" at {self.ref}" if self.ref else ""
        return f"an attestation of {self.repository}{at} by {self.issuer}"

    def takes(self, version: "ProviderVersion | Origin") -> bool:
        """Whether the version was published with an attestation of such a run."""
        by = version.published_by
        if not version.attestations or by is None or by.issuer != self.issuer:
            return False
        # The platforms tell no upper case from lower in names of repositories, and do in refs.
        if not fnmatchcase((by.repository or "").lower(), self.repository.lower()):
            return False
        return self.ref is None or fnmatchcase(by.ref or "", self.ref)


@dataclass(frozen=True, slots=True)
class ProviderRule:
    """What an organization requires of one provider, in the place of its rule for all: None requires nothing."""

    provider: str
    rule: ProvenanceRule | None


@dataclass(frozen=True, slots=True)
class ProvenancePolicy:
    """What an organization requires of the versions that it installs: of all, and otherwise of some providers."""

    organization_id: str
    rule: ProvenanceRule | None
    providers: tuple[ProviderRule, ...]
    changed_at: datetime
    changed_by: str

    def rule_for(self, name: ProviderName) -> ProvenanceRule | None:
        """What is required of this provider's versions."""
        own = (entry.rule for entry in self.providers if entry.provider == name.canonical)
        return next(own, self.rule)

    def with_provider(self, entry: ProviderRule) -> "ProvenancePolicy":
        """The policy with this rule of a provider's, in the place of the one that it has."""
        kept = self.without_provider(entry.provider).providers
        return replace(self, providers=tuple(sorted((*kept, entry), key=lambda other: other.provider)))

    def without_provider(self, provider: str) -> "ProvenancePolicy":
        """The policy with no rule of its own for the provider."""
        return replace(self, providers=tuple(entry for entry in self.providers if entry.provider != provider))


def refusal_of(policy: ProvenancePolicy | None, version: "ProviderVersion | Origin") -> str | None:
    """Why the organization does not take the version: what it has, and what is required. None where it does."""
    rule = policy.rule_for(version.provider_name) if policy else None
    if rule is None or rule.takes(version):
        return None
    return f"{version.provider_name} {version.version} {_has(version)}, and your organization requires {rule}"


def _has(version: "ProviderVersion | Origin") -> str:
    by = version.published_by
    if by is None or by.repository is None:
        return "has no attestation: no CI run published it"
    came_from = f"{by.repository} at {by.ref} by {by.issuer}"
    return (
        f"has an attestation of {came_from}" if version.attestations else f"has no attestation (it is of {came_from})"
    )


def provenance_object(stored: StoredProvenance) -> dict[str, Any]:
    """What an index serves for a file (PEP 740, "Provenance objects")."""
    attestations = [json.loads(text) for text in stored.attestations]
    bundle = {"publisher": _publisher(stored.published_by), "attestations": attestations}
    return {"version": 1, "attestation_bundles": [bundle]}


def _publisher(by: PublishedBy) -> dict[str, Any]:
    # "" fits no certificate: a verifier refuses it, as it must where the file was not recorded.
    workflow = by.with_workflows_told_apart().workflow or ""
    if by.platform is Platform.GITLAB:
        named = {"kind": "GitLab", "workflow_filepath": workflow}
    else:
        named = {"kind": "GitHub", "workflow": workflow.removeprefix(_WORKFLOWS)}
    return {**named, "repository": by.repository, "environment": by.environment, "claims": None}
