"""The bucket of kept artifacts in Google Cloud Storage, or in the local stack's stand-in for it."""

from provider_hub.adapters.artifacts.bucket import Bucket
from provider_hub.adapters.artifacts.signers import IamSigner, KeyFileSigner
from provider_hub.settings.wheels import Artifacts

__all__ = ["Bucket", "connect", "connect_to"]


def connect(settings: Artifacts) -> Bucket:
    """The bucket of `settings`. Nothing is called before its first use."""
    return connect_to(settings.artifacts_bucket, settings)


def connect_to(bucket: str, settings: Artifacts) -> Bucket:
    """Another bucket at the same endpoint, asked by the same account. Nothing is called before its first use."""
    key_file = settings.artifacts_key_file
    signer = KeyFileSigner(key_file) if key_file else IamSigner()
    return Bucket(f"{settings.artifacts_endpoint}/{bucket}", signer, ca_file=settings.artifacts_ca_file)
