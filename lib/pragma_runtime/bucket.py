"""Where the hub keeps wheels: in a bucket, by their digests. Pods read it as workloads of their cluster."""

from urllib.parse import quote

from pragma_runtime.errors import TemporaryError
from pragma_runtime.pubsub import AccessTokens, MetadataServer, PublishError

_TOKEN_SECONDS = 10.0


def kept_name(sha256: str, file_name: str) -> str:
    """The name of the object with the bytes of that digest, if the hub keeps them under that file name."""
    return f"sha256/{sha256[:2]}/{sha256}/{file_name}"


class Bucket:
    """The bucket at `url`; `access_tokens` gives those of the pod's own account."""

    def __init__(self, url: str, access_tokens: AccessTokens | None = None) -> None:
        self._url = url
        self._access_tokens = access_tokens or MetadataServer()

    def url_of(self, name: str) -> str:
        """Where the object of that name is."""
        return f"{self._url}/{quote(name, safe='/~')}"

    def authorization(self) -> str:
        """The header that opens it. Raises TemporaryError."""
        try:
            return f"Bearer {self._access_tokens.get(_TOKEN_SECONDS)}"
        except PublishError as error:
            raise TemporaryError(f"The bucket of wheels cannot be asked: {error}.") from None
