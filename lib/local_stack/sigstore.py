"""Sigstore on one machine: what signs for a CI run that this machine plays, and the root by which that is verified.

It has what the public instance has: an authority whose certificates say which run signs (Fulcio), a log of those
certificates, and a log of signatures (Rekor), each with a key of its own. Every certificate and entry is real, and is
verified by the same library; the log holds one entry at a time, so that its tree is a leaf.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from local_stack.secret_files import secret_file
from provider_hub.domain.attestations import PUBLISH
from provider_hub.domain.publishers.claims import RunClaims

ROOT_FILE = "sigstore-root.json"
_KEYS = ("authority", "certificate-log", "signature-log")
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Provider Hub local Sigstore")])
_PAYLOAD = "application/vnd.in-toto+json"
_LOG = "log.sigstore.local"
_START = datetime(2020, 1, 1, tzinfo=UTC)
_END = datetime(2120, 1, 1, tzinfo=UTC)
_CERTIFICATE_LIFETIME = timedelta(minutes=10)
_FULCIO = "1.3.6.1.4.1.57264.1."
_EXTENSIONS = {
    "issuer": 8,
    "signer": 9,
    "repository": 12,
    "commit": 13,
    "ref": 14,
    "repository_id": 15,
    "owner_id": 17,
    "workflow": 18,
}


@dataclass(frozen=True)
class LocalSigstore:
    """Signs with three keys; `made()` has new ones, `of` those of a folder."""

    authority_key: ec.EllipticCurvePrivateKey
    certificate_log_key: ec.EllipticCurvePrivateKey
    signature_log_key: ec.EllipticCurvePrivateKey

    @classmethod
    def made(cls) -> "LocalSigstore":
        """With keys that nobody keeps."""
        return cls(*(_new_key() for _ in _KEYS))

    @classmethod
    def of(cls, keys_dir: Path) -> "LocalSigstore":
        """With the keys in `keys_dir`, which are made at the first use."""
        pems = [secret_file(keys_dir / f"sigstore-{name}", _new_pem) for name in _KEYS]
        return cls(*(_loaded(pem) for pem in pems))

    def trusted_root(self) -> dict[str, Any]:
        """What verifies by these keys, as Sigstore's clients read it."""
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log(self.signature_log_key, f"https://{_LOG}")],
            "ctlogs": [_log(self.certificate_log_key, "https://certificates.sigstore.local")],
            "certificateAuthorities": [
                {
                    "subject": {"commonName": "local", "organization": "local"},
                    "uri": "https://authority.sigstore.local",
                    "certChain": {"certificates": [{"rawBytes": _b64(_der(self._authority()))}]},
                    "validFor": {"start": _START.isoformat()},
                }
            ],
        }

    def attest(
        self,
        claims: RunClaims,
        file_name: str,
        sha256: str,
        *,
        predicate: str = PUBLISH,
        content: Mapping[str, Any] | None = None,
        at: datetime | None = None,
    ) -> dict[str, Any]:
        """A PEP 740 attestation of a wheel by the run of `claims`."""
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": file_name, "digest": {"sha256": sha256}}],
            "predicateType": predicate,
            "predicate": content,
        }
        return self.sign(claims, json.dumps(statement).encode(), at or datetime.now(UTC))

    def sign(
        self, claims: RunClaims, statement: bytes, at: datetime, *, certified_at: datetime | None = None
    ) -> dict[str, Any]:
        """A PEP 740 attestation of any statement: the log has it since `at`, when its certificate was made too."""
        key = _new_key()
        certificate = self._certificate(claims, key, certified_at or at)
        envelope = f"DSSEv1 {len(_PAYLOAD)} {_PAYLOAD} {len(statement)} ".encode() + statement
        signature = key.sign(envelope, ec.ECDSA(hashes.SHA256()))
        entry = self._entry(certificate, statement, signature, at)
        return {
            "version": 1,
            "verification_material": {"certificate": _b64(_der(certificate)), "transparency_entries": [entry]},
            "envelope": {"statement": _b64(statement), "signature": _b64(signature)},
        }

    def _authority(self) -> x509.Certificate:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        public = self.authority_key.public_key()
        builder = _builder(public, 1, _START, _END)
        builder = builder.subject_name(_NAME).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(usage, critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        # The same bytes each time: the root that the hub read is compared with none.
        return builder.sign(self.authority_key, hashes.SHA256(), ecdsa_deterministic=True)

    def _certificate(self, claims: RunClaims, key: ec.EllipticCurvePrivateKey, at: datetime) -> x509.Certificate:
        """As Fulcio makes one: the run's claims in extensions, and the promise of the certificates' log."""
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = _builder(key.public_key(), x509.random_serial_number(), at, at + _CERTIFICATE_LIFETIME)
        builder = builder.subject_name(x509.Name([])).add_extension(usage, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        identity = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(claims.signer)])
        builder = builder.add_extension(identity, critical=True)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority_key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        said = {number: value for name, number in _EXTENSIONS.items() if (value := getattr(claims, name))}
        for number, value in said.items():
            builder = builder.add_extension(_fulcio(number, value), critical=False)
        promise = self._promise(builder.sign(self.authority_key, hashes.SHA256()).tbs_certificate_bytes, at)
        listed = x509.UnrecognizedExtension(ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, promise)
        return builder.add_extension(listed, critical=False).sign(self.authority_key, hashes.SHA256())

    def _promise(self, certificate: bytes, at: datetime) -> bytes:
        """The list of one signed certificate timestamp (RFC 6962, sections 3.2 and 3.3), in DER."""
        milliseconds = int(at.timestamp() * 1000)
        authority = hashlib.sha256(_public(self.authority_key)).digest()
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + authority
        signed += len(certificate).to_bytes(3, "big") + certificate + b"\0\0"
        signature = self.certificate_log_key.sign(signed, ec.ECDSA(hashes.SHA256()))
        log = hashlib.sha256(_public(self.certificate_log_key)).digest()
        timestamp = b"\0" + log + struct.pack("!QH", milliseconds, 0) + struct.pack("!BBH", 4, 3, len(signature))
        timestamp += signature
        return _tagged(0x04, struct.pack("!HH", len(timestamp) + 2, len(timestamp)) + timestamp)

    def _entry(self, certificate: x509.Certificate, statement: bytes, signature: bytes, at: datetime) -> dict[str, Any]:
        """The signature's entry in the log (Rekor's `dsse` 0.0.1), with the log's promise and its proof."""
        body = _canonical(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": {"algorithm": "sha256", "value": hashlib.sha256(signature).hexdigest()},
                    "payloadHash": {"algorithm": "sha256", "value": hashlib.sha256(statement).hexdigest()},
                    "signatures": [
                        {
                            "signature": _b64(signature),
                            "verifier": _b64(certificate.public_bytes(serialization.Encoding.PEM)),
                        }
                    ],
                },
            }
        )
        log = hashlib.sha256(_public(self.signature_log_key)).digest()
        moment = int(at.timestamp())
        promised = {"body": _b64(body), "integratedTime": moment, "logID": log.hex(), "logIndex": 0}
        leaf = hashlib.sha256(b"\0" + body).digest()
        return {
            "logIndex": "0",
            "logId": {"keyId": _b64(log)},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(moment),
            "inclusionPromise": {"signedEntryTimestamp": _b64(self._logged(_canonical(promised)))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _b64(leaf),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": self._checkpoint(leaf, log)},
            },
            "canonicalizedBody": _b64(body),
        }

    def _checkpoint(self, leaf: bytes, log: bytes) -> str:
        """The log's signed word on its only leaf, as a note of the Go checksum database."""
        note = f"{_LOG}\n1\n{_b64(leaf)}\n"
        return f"{note}\n— {_LOG} {_b64(log[:4] + self._logged(note.encode()))}\n"

    def _logged(self, content: bytes) -> bytes:
        return self.signature_log_key.sign(content, ec.ECDSA(hashes.SHA256()))


def root_file(keys_dir: Path) -> Path:
    """The trusted root of the folder's keys, which is written where it is missing."""
    path = keys_dir / ROOT_FILE
    if not path.exists():
        root = json.dumps(LocalSigstore.of(keys_dir).trusted_root(), indent=2)
        secret_file(path, root.encode)
    return path


def _builder(
    public: ec.EllipticCurvePublicKey, serial: int, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().issuer_name(_NAME).public_key(public).serial_number(serial)
    return builder.not_valid_before(begins).not_valid_after(ends)


def _fulcio(number: int, value: str) -> x509.UnrecognizedExtension:
    oid = x509.ObjectIdentifier(f"{_FULCIO}{number}")
    return x509.UnrecognizedExtension(oid, _tagged(0x0C, value.encode()))


def _tagged(tag: int, content: bytes) -> bytes:
    """A value in DER: its tag, its length, itself."""
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _log(key: ec.EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
    public = _public(key)
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "logId": {"keyId": _b64(hashlib.sha256(public).digest())},
        "publicKey": {
            "rawBytes": _b64(public),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": _START.isoformat()},
        },
    }


def _canonical(value: Mapping[str, Any]) -> bytes:
    """As RFC 8785 writes what has texts of ASCII and whole numbers alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _new_pem() -> bytes:
    return _new_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _loaded(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a key of the local Sigstore is of another kind: remove it, and it is made anew")
    return key


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()
