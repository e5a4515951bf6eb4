"""A run, what it attests, and the verifier of the hub, by keys that the tests make."""

import json
from pathlib import Path
from typing import Any

from local_stack.sigstore import LocalSigstore
from provider_hub.adapters.attestations import SigstoreVerifier
from provider_hub.domain.publishers.claims import RunClaims
from provider_hub.settings.everything import Attestations

WHEEL = "weather-1.0.0-py3-none-any.whl"
DIGEST = "a" * 64
_FILE = "https://github.com/acme/weather/.github/workflows/release.yml@refs/tags/v1.0.0"
RUN = RunClaims(
    issuer="https://token.actions.githubusercontent.com",
    repository="https://github.com/acme/weather",
    repository_id="74",
    owner_id="65",
    workflow=_FILE,
    signer=_FILE,
    ref="refs/tags/v1.0.0",
    commit="4f2a9c1e8b7d6a5c4e3f2b1a0d9c8e7f6a5b4c3d",
)


def verifier_by(root: dict[str, Any], folder: Path) -> SigstoreVerifier:
    """The hub's verifier, whose operator set this trusted root."""
    path = folder / "root.json"
    path.write_text(json.dumps(root))
    return SigstoreVerifier(Attestations(attestation_root=str(path)))


def verifier_of(sigstore: LocalSigstore, folder: Path) -> SigstoreVerifier:
    return verifier_by(sigstore.trusted_root(), folder)
