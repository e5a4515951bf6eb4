"""Sealing of secret config values: by Cloud KMS, or by a key file on one machine."""

from provider_hub.adapters.sealing.envelope import Envelope, NoKey
from provider_hub.settings.sealing import Sealing

__all__ = ["Envelope", "NoKey", "connect"]


def connect(settings: Sealing) -> Envelope | NoKey:
    """What seals and opens by this deployment's key; it connects to nothing before the first value."""
    if settings.config_kms_key:
        from provider_hub.adapters.sealing.cloud_kms import CloudKms  # noqa: PLC0415 - one machine needs none of it

        return Envelope(CloudKms(settings.config_kms_key))
    if settings.config_key_file:
        from provider_hub.adapters.sealing.key_file import KeyFile  # noqa: PLC0415 - the cloud needs none of it

        return Envelope(KeyFile(settings.config_key_file))
    return NoKey()
