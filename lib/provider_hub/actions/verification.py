"""The port of the verifier of attestations; the adapter verifies with Sigstore's library."""

from collections.abc import Mapping
from typing import Any, Protocol

from provider_hub.domain.publishers.claims import SignedStatement


class AttestationVerifier(Protocol):
    """Verifies signature, certificate and log entry by the operator's trusted root."""

    def verify(self, attestation: Mapping[str, Any], /) -> SignedStatement:
        """What a PEP 740 attestation says, and which run signed it.

        Raises AttestationRefused, Invalid where the operator takes none, and PermanentError without a root.
        """
