"""Bills of materials in CycloneDX 1.6: of a version with its locked dependencies, and of whatever has components."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID, uuid5

from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.dependencies.lock import DependencyLock

SPECIFICATION = "1.6"
_NAMESPACE = UUID("6f0c3a52-5f0e-5a43-9d0f-6d0d9e3f6c11")


@dataclass(frozen=True, slots=True)
class Component:
    """A distribution, the SHA-256 digests of its files that may be installed, and where one of them was found."""

    name: str
    version: str
    digests: Sequence[str]
    url: str | None = None

    @property
    def purl(self) -> str:
        """The package URL, which also refers to the component within its bill."""
        return f"pkg:pypi/{self.name.lower().replace('_', '-')}@{self.version}"

    @property
    def described(self) -> dict[str, Any]:
        """The component as CycloneDX has it."""
        found = {"externalReferences": [{"type": "distribution", "url": self.url}]} if self.url else {}
        return {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "purl": self.purl,
            "hashes": [{"alg": "SHA-256", "content": digest} for digest in self.digests],
            **found,
        }


def bill(subject: dict[str, Any], components: Iterable[Component]) -> dict[str, Any]:
    """The bill of `subject`, which is a component as CycloneDX has it."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": {"component": subject},
        "components": [component.described for component in components],
    }


def bill_of_version(version: ProviderVersion, lock: DependencyLock) -> dict[str, Any]:
    """The bill of a version: its wheel, and every distribution of its lock. The same lock gives the same bill."""
    wheel = Component(version.distribution_name or version.name, version.version, [version.wheel_sha256])
    components = [Component(one.name, one.version, [one.sha256], one.url) for one in lock.wheels]
    serial = uuid5(_NAMESPACE, f"{version.provider_name} {version.wheel_sha256} {lock.sha256}")
    edges = [{"ref": wheel.purl, "dependsOn": [one.purl for one in components]}]
    made = bill({**wheel.described, "type": "application"}, components)
    return {**made, "serialNumber": f"urn:uuid:{serial}", "dependencies": edges}
