"""Cloud KMS: wraps data keys by its REST API, with the function's own identity.

Google's client for it is not used: it costs 0.2 s at the import and a dependency, for two calls. IAM says which
function may encrypt and which may decrypt.
"""

import threading
from base64 import b64decode, b64encode
from typing import Any

from provider_hub.adapters.connections import callers_at_once, session_of_all_threads
from provider_hub.domain.errors import PermanentError, TemporaryError

ENDPOINT = "https://cloudkms.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/cloudkms"
_SECONDS = 10
_TRIES = 2
_RENEWALS = 3  # tries at the metadata server, as google-auth has by default
_OURS = frozenset({400, 401, 403, 404})


class CloudKms:
    """The symmetric key `projects/…/locations/…/keyRings/…/cryptoKeys/…` (`envelope.KeyWrapper`)."""

    def __init__(self, key: str, session: Any = None, endpoint: str = ENDPOINT) -> None:
        """`session` sends requests with an access token; None makes one of the process's own identity."""
        self._endpoint = endpoint
        self._url = f"{endpoint}/v1/{key}"
        self._session = session
        self._lock = threading.Lock()

    def wrap(self, data_key: bytes) -> bytes:
        """The data key, encrypted. Raises TemporaryError, or PermanentError where it may not."""
        return b64decode(self._call("encrypt", "plaintext", data_key)["ciphertext"])

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. Raises TemporaryError, or PermanentError where it may not or another key wrapped it."""
        return b64decode(self._call("decrypt", "ciphertext", wrapped)["plaintext"])

    def _call(self, verb: str, field: str, content: bytes) -> dict[str, str]:
        from google.auth.exceptions import GoogleAuthError  # noqa: PLC0415 - with the session, below
        from requests import RequestException  # noqa: PLC0415

        body = {field: b64encode(content).decode()}
        for attempt in range(_TRIES):
            try:
                answer = self._connected().post(f"{self._url}:{verb}", json=body, timeout=_SECONDS)
            except (RequestException, GoogleAuthError) as error:
                # A connection that died while an idle instance had no CPU shows that at its next call.
                if attempt + 1 < _TRIES:
                    continue
                raise TemporaryError(f"the key service did not answer: {type(error).__name__}") from error
            if answer.status_code in _OURS:
                raise PermanentError(f"the key service refused to {verb} with {answer.status_code}")
            if answer.ok:
                found: dict[str, str] = answer.json()
                return found
        raise TemporaryError(f"the key service answered {answer.status_code}")

    def _connected(self) -> Any:
        with self._lock:
            if self._session is None:
                self._session = _session(self._endpoint)
            return self._session


def _session(endpoint: str) -> Any:
    """Sends requests with an access token of the process's own identity. Each thread may renew the token as well."""
    from google.auth import default  # noqa: PLC0415 - only where a value is sealed or opened
    from google.auth.transport.requests import AuthorizedSession, Request  # noqa: PLC0415
    from requests.adapters import HTTPAdapter  # noqa: PLC0415

    credentials, _ = default(scopes=(_SCOPE,))
    renewing = Request(session_of_all_threads(_RENEWALS))
    session = AuthorizedSession(credentials, auth_request=renewing)  # type: ignore[no-untyped-call]
    session.mount(endpoint, HTTPAdapter(pool_maxsize=callers_at_once()))
    return session
