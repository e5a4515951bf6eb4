"""Verifies attestations with Sigstore's own library: certificate, its log, signature, and the entry in the log.

Nobody is asked: an attestation has what a verification takes, and the trusted root is a file. The library costs more to
import than all else of a function, so that it waits for the first attestation.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from provider_hub.domain.errors import Invalid, PermanentError
from provider_hub.domain.publishers.claims import AttestationRefused, RunClaims, SignedStatement
from provider_hub.settings.publishers import Attestations
from provider_hub.settings.reader import variable_name

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD = "application/vnd.in-toto+json"
# The public instance: the library brings its root, and a newer release of the library a newer one.
PUBLIC = "sigstore"
NONE = "none"
_PUBLIC_URL = "https://tuf-repo-cdn.sigstore.dev"
# https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
_FULCIO = "1.3.6.1.4.1.57264.1."
_EXTENSIONS = {
    "issuer": 8,
    "repository": 12,
    "repository_id": 15,
    "owner_id": 17,
    "workflow": 18,
    "signer": 9,
    "ref": 14,
    "commit": 13,
}


class SigstoreVerifier:
    """Verifies by the root that the setting names (`actions.verification.AttestationVerifier`)."""

    def __init__(self, settings: Attestations) -> None:
        self._root = settings.attestation_root
        self._lock = threading.Lock()
        self._made: Verifier | None = None

    def verify(self, attestation: Mapping[str, Any]) -> SignedStatement:
        """Raises AttestationRefused, Invalid where none are taken, PermanentError for a root that cannot be read."""
        from sigstore.models import Bundle  # noqa: PLC0415

        verifier, signer = self._verifier(), _Signer()
        try:
            bundle = Bundle.from_json(json.dumps(_bundle_of(attestation)))
            kind, statement = verifier.verify_dsse(bundle, signer)
        except AttestationRefused:
            raise
        except Exception as error:
            # The library and those below it raise a dozen kinds for bytes that are not what they should be.
            raise AttestationRefused(f"it does not verify: {_sentence(error)}") from error
        if kind != _PAYLOAD or signer.claims is None:
            raise AttestationRefused(f"its payload is {kind[:80]!a}, not {_PAYLOAD}")
        return SignedStatement(signer.claims, statement)

    def _verifier(self) -> "Verifier":
        """Made once, of a root that is read once."""
        with self._lock:
            if self._made is None:
                self._made = _verifier_by(self._root)
            return self._made


@dataclass
class _Signer:
    """Reads who signed, as a policy of the library's: who may is decided by a caller that can say who should have."""

    claims: RunClaims | None = None

    def verify(self, cert: "Certificate") -> None:
        self.claims = _claims_of(cert)


def _verifier_by(root: str) -> "Verifier":
    if root == NONE:
        msg = f"this hub takes no attestations: its operator set {variable_name('attestation_root')} to {NONE}"
        raise Invalid.at("body", "attestations", msg=msg)
    from sigstore.errors import Error  # noqa: PLC0415
    from sigstore.models import TrustedRoot  # noqa: PLC0415
    from sigstore.verify import Verifier  # noqa: PLC0415

    try:
        if root != PUBLIC:
            return Verifier(trusted_root=TrustedRoot.from_file(root))
        brought = resources.files("sigstore._store") / quote(_PUBLIC_URL, safe="") / "trusted_root.json"
        with resources.as_file(brought) as path:
            return Verifier(trusted_root=TrustedRoot.from_file(str(path)))
    except (OSError, Error, ValueError) as error:
        name = variable_name("attestation_root")
        raise PermanentError(f"{name} names no trusted root that can be read: {type(error).__name__}") from error


def _bundle_of(attestation: Mapping[str, Any]) -> dict[str, Any]:
    """A PEP 740 attestation as Sigstore's own bundle, which holds the same under other names."""
    material, envelope = attestation["verification_material"], attestation["envelope"]
    return {
        "mediaType": _BUNDLE,
        "verificationMaterial": {
            "certificate": {"rawBytes": material["certificate"]},
            "tlogEntries": material["transparency_entries"],
        },
        "dsseEnvelope": {
            "payload": envelope["statement"],
            "payloadType": _PAYLOAD,
            "signatures": [{"sig": envelope["signature"]}],
        },
    }


def _claims_of(certificate: "Certificate") -> RunClaims:
    """What the authority wrote into the certificate. Raises AttestationRefused where something is missing."""
    found = {name: _extension(certificate, number, name) for name, number in _EXTENSIONS.items()}
    if _identities(certificate) != [found["signer"]]:
        raise AttestationRefused("its certificate's identity is not the workflow that it names as its signer")
    return RunClaims(**found)


def _extension(certificate: "Certificate", number: int, name: str) -> str:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat import asn1  # noqa: PLC0415

    try:
        value = certificate.extensions.get_extension_for_oid(x509.ObjectIdentifier(f"{_FULCIO}{number}")).value
        text = asn1.decode_der(str, value.value) if isinstance(value, x509.UnrecognizedExtension) else ""
    except (x509.ExtensionNotFound, ValueError):
        text = ""
    if not text:
        raise AttestationRefused(
            f"its certificate says no {name}: it is not of a run of a CI platform ({_FULCIO}{number})"
        )
    return text


def _identities(certificate: "Certificate") -> list[str]:
    from cryptography import x509  # noqa: PLC0415

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in names.value]


def _sentence(error: Exception) -> str:
    """The library's own words, on one line: they are about what the caller sent."""
    return " ".join(str(error).split())[:300]
