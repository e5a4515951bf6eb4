"""Where the hub keeps wheels: in a bucket, by their digests. Pods read it as workloads of their cluster."""

from urllib.parse import quote

from pragma_runtime.errors import TemporaryError
from pragma_runtime.pubsub import AccessTokens, MetadataServer, PublishError

_TOKEN_SECONDS = 10.0


class Bucket:
    """The bucket at `url`; `access_tokens` gives those of the pod's own account."""

    def __init__(self, url: str, access_tokens: AccessTokens | None = None) -> None:
        self._url = url
        self._access_tokens = access_tokens or MetadataServer()

    def url_of(self, sha256: str, file_name: str) -> str:
        """Where the file with that digest is, if the hub keeps it."""
        return f"{self._url}/sha256/{sha256[:2]}/{sha256}/{quote(file_name, safe='~')}"

    def authorization(self) -> str:
        """The header that opens it. Raises TemporaryError."""
        try:
            return f"Bearer {self._access_tokens.get(_TOKEN_SECONDS)}"
        except PublishError as error:
            raise TemporaryError(f"The bucket of wheels cannot be asked: {error}.") from None
