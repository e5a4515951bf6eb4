"""Publishes through Pub/Sub's REST API, which Google's service and its emulator share."""

import base64
import json
import os
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Protocol
from urllib.error import HTTPError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from pragma_runtime.authorities import VerifyingHandler, system_authorities
from pragma_runtime.log import one_line

# The variable by which Google's own libraries find a metadata server that is somewhere else.
_METADATA_HOST = os.environ.get("GCE_METADATA_HOST") or "metadata.google.internal"
_TOKEN_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path
_RENEW_BEFORE = 60.0  # seconds; the metadata server itself hands out a new one from 5 minutes before
_LARGEST_ANSWER = 64 * 1024


class PublishError(Exception):
    """A message was not published; worth another try. The text holds neither message nor credentials."""


class AccessTokens(Protocol):
    """Where a publisher gets its OAuth tokens."""

    def get(self, timeout: float) -> str:
        """A token that is valid for a while yet; raises PublishError."""

    def forget(self) -> None:
        """The last token was refused: the next `get` asks for another one."""


class MetadataServer:
    """OAuth tokens of the pod's own service account."""

    def __init__(self, url: str = f"http://{_METADATA_HOST}") -> None:
        self._url = url + _TOKEN_PATH
        self._token = ""
        self._renew_at = 0.0

    def get(self, timeout: float) -> str:
        """The token at hand, or a new one from a minute before that expires. Raises PublishError."""
        if self._token and time.monotonic() < self._renew_at:
            return self._token
        answer = _call(Request(self._url, headers={"Metadata-Flavor": "Google"}), timeout, through_proxy=False)  # noqa: S310
        try:
            self._token, lifetime = str(answer["access_token"]), float(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise PublishError("the metadata server's answer holds no access token") from None
        self._renew_at = time.monotonic() + lifetime - _RENEW_BEFORE
        return self._token

    def forget(self) -> None:
        """Drop the token at hand."""
        self._token = ""


class Publisher:
    """Publishes to one topic over Pub/Sub's REST API."""

    def __init__(self, endpoint: str, topic: str, access_tokens: AccessTokens | None) -> None:
        """`access_tokens` None publishes without credentials, as an emulator wants it."""
        self._url = f"{endpoint}/v1/{topic}:publish"
        self._access_tokens = access_tokens

    def publish(self, data: bytes, *, ordering_key: str, attributes: Mapping[str, str], timeout: float) -> str:
        """The id that Pub/Sub gave the message; raises PublishError. `timeout`, in seconds, is for each call."""
        message = {
            "data": base64.b64encode(data).decode(),
            "attributes": dict(attributes),
            "orderingKey": ordering_key,
        }
        headers = {"Content-Type": "application/json"}
        if self._access_tokens:
            headers["Authorization"] = f"Bearer {self._access_tokens.get(timeout)}"
        body = json.dumps({"messages": [message]}).encode()
        request = Request(self._url, data=body, headers=headers, method="POST")  # noqa: S310 - http(s), see settings
        try:
            answer = _call(request, timeout, through_proxy=self._url.startswith("https:"))
        except _RefusedError:
            if self._access_tokens:
                self._access_tokens.forget()
            raise
        try:
            return str(answer["messageIds"][0])
        except (KeyError, TypeError, IndexError):
            raise PublishError(f"{self._url} answered without a message id") from None


class _RefusedError(PublishError):
    """401: the credentials were not taken."""


def _call(request: Request, timeout: float, *, through_proxy: bool) -> Any:
    shown = request.full_url
    try:
        with _opener(shown, through_proxy=through_proxy).open(request, timeout=timeout) as response:
            return json.loads(response.read(_LARGEST_ANSWER))
    except HTTPError as error:
        kind = _RefusedError if error.code == 401 else PublishError
        raise kind(f"{shown} answered {error.code}{_reason(error)}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise PublishError(f"{shown}: {one_line(str(error), 200) or type(error).__name__}") from None


def _reason(error: HTTPError) -> str:
    """Google's own word for the error; nothing else of the body, which may echo what was sent."""
    with error:
        try:
            return f" {json.loads(error.read(_LARGEST_ANSWER))['error']['status']:.40}"
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            return ""


def _opener(url: str, *, through_proxy: bool) -> OpenerDirector:
    # Put together by hand: `build_opener` would follow redirects, and take the credentials along. The metadata server
    # and an emulator get no handler for https, whose TLS context takes its time to make.
    is_secure = url.startswith("https:")
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(None if through_proxy else {}),
        VerifyingHandler(system_authorities()) if is_secure else HTTPHandler(),
        HTTPDefaultErrorHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
