"""Envelope encryption: each write has a data key of its own, which another key wraps and which lies beside the value.

A sealed value is `1.<wrapped data key>.<nonce, ciphertext and tag>`, both in URL-safe base 64. AES-256-GCM binds it to
its owner and its key, so that a text that someone copies to another row or another name does not open there.
"""

import os
import threading
from base64 import b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from provider_hub.domain.errors import Invalid, PermanentError

_VERSION = "1"
_KEY_BITS = 256
_NONCE_BYTES = 12
_DATA_KEYS_KEPT = 1000


class KeyWrapper(Protocol):
    """The key that data keys are wrapped with. Both methods raise TemporaryError, or PermanentError."""

    def wrap(self, data_key: bytes) -> bytes:
        """The data key, so that it can lie beside what it encrypts."""

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key again."""


class Envelope:
    """Seals and opens values (`actions.secrets.Sealer`, `actions.secrets.Opener`)."""

    def __init__(self, wrapper: KeyWrapper) -> None:
        self._wrapper = wrapper
        self._lock = threading.Lock()
        self._data_keys: OrderedDict[str, bytes] = OrderedDict()

    def seal(self, values: Mapping[str, str], owner: str) -> dict[str, str]:
        """The values, sealed, by their keys; one data key for all of them.

        Raises TemporaryError where the key cannot be reached, PermanentError where this function may not use it.
        """
        if not values:
            return {}
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - most requests need none

        data_key = AESGCM.generate_key(_KEY_BITS)
        wrapped, cipher = _text(self._wrapper.wrap(data_key)), AESGCM(data_key)
        sealed = {}
        for key, value in values.items():
            nonce = os.urandom(_NONCE_BYTES)
            encrypted = nonce + cipher.encrypt(nonce, value.encode(), _bound(owner, key))
            sealed[key] = f"{_VERSION}.{wrapped}.{_text(encrypted)}"
        return sealed

    def open(self, sealed: Mapping[str, str], owner: str) -> dict[str, str]:
        """The values again. Raises as `seal` does, and PermanentError for what this key or owner did not seal."""
        return {key: self._opened(key, text, owner) for key, text in sealed.items()}

    def _opened(self, key: str, text: str, owner: str) -> str:
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        try:
            version, wrapped, encrypted = text.split(".")
            if version != _VERSION:
                raise ValueError(version)
            raw = _raw(encrypted)
            cipher = AESGCM(self._data_key(wrapped))
            return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(owner, key)).decode()
        except (InvalidTag, ValueError):
            # The text itself is not repeated: this sentence is shown to the tenant.
            raise PermanentError(f"the secret value of {key} cannot be opened: give it anew") from None

    def _data_key(self, wrapped: str) -> bytes:
        """One call for the values of one write, and none for an installation that is looked at again."""
        with self._lock:
            known = self._data_keys.get(wrapped)
            if known is not None:
                self._data_keys.move_to_end(wrapped)
                return known
        data_key = self._wrapper.unwrap(_raw(wrapped))
        with self._lock:
            self._data_keys[wrapped] = data_key
            while len(self._data_keys) > _DATA_KEYS_KEPT:
                self._data_keys.popitem(last=False)
        return data_key


class NoKey:
    """Stands in where the deployment has no key: it takes no secret value, and opens none."""

    def seal(self, values: Mapping[str, str], _owner: str) -> dict[str, str]:
        """Nothing for nothing. Raises Invalid for a value."""
        if values:
            raise Invalid.at("body", "config", msg="this hub has no key to keep secret values with: ask its operator")
        return {}

    def open(self, sealed: Mapping[str, str], _owner: str) -> dict[str, str]:
        """Nothing for nothing. Raises PermanentError for a value."""
        if sealed:
            raise PermanentError(f"this hub has no key for the secret values {', '.join(sorted(sealed))}")
        return {}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode()


def _raw(text: str) -> bytes:
    """Raises ValueError for what `_text` did not write."""
    return b64decode(text, altchars=b"-_", validate=True)


def _bound(owner: str, key: str) -> bytes:
    return f"{owner}/{key}".encode()
