"""A key in a file of this user, for one machine."""

import os
from pathlib import Path
from stat import S_IMODE, S_ISREG

from provider_hub.domain.errors import PermanentError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_OTHERS = 0o077


class KeyFile:
    """Wraps data keys with the 32 bytes of a file that nobody but its owner may read (`envelope.KeyWrapper`)."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def wrap(self, data_key: bytes) -> bytes:
        """Nonce, ciphertext and tag. Raises PermanentError where the file cannot be used."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self._key()).encrypt(nonce, data_key, None)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. Raises PermanentError where the file is not the one that wrapped it."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        try:
            return AESGCM(self._key()).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], None)
        except InvalidTag:
            raise PermanentError("the secret values were sealed with another key file") from None

    def _key(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                key = file.read(_KEY_BYTES + 1)
        except OSError as error:
            raise PermanentError(f"HUB_CONFIG_KEY_FILE cannot be read: {error.strerror}") from error
        if not S_ISREG(status.st_mode) or S_IMODE(status.st_mode) & _OTHERS or len(key) != _KEY_BYTES:
            raise PermanentError(f"HUB_CONFIG_KEY_FILE must be a file of {_KEY_BYTES} bytes and mode 0600")
        return key
