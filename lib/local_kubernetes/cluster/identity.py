"""How server and clients know each other: the certificate that the server shows, and the token that it asks for.

TLS is not for secrecy here, where nothing leaves the machine: `kubectl` sends a token by TLS only.
"""

import json
import ssl
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import trustme

from .gate import new_token

_NAMES = ("127.0.0.1", "localhost")


@dataclass(frozen=True)
class Identity:
    """One cluster's bearer token, the PEM of its authority, and the PEM of the server's key with its certificate."""

    token: str
    authority: str
    server: str

    @classmethod
    def new(cls) -> "Identity":
        """A random token, and a certificate of a new authority for this machine's loopback names."""
        authority = trustme.CA(organization_name="embedded cluster")
        server = authority.issue_cert(*_NAMES)
        key_and_chain = server.private_key_and_cert_chain_pem.bytes().decode()
        return cls(new_token(), authority.cert_pem.bytes().decode(), key_and_chain)

    @classmethod
    def load(cls, file: Path) -> "Identity | None":
        """The identity that `dump` wrote; None where there is none that can be read."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def dump(self) -> str:
        """The identity as text. It holds the server's key: write it to a file that only its owner can read."""
        return json.dumps(asdict(self))

    def client_tls(self) -> ssl.SSLContext:
        """A client's side of TLS, which trusts only this server."""
        return ssl.create_default_context(cadata=self.authority)

    def tls(self) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:  # mode 0600; ssl reads keys from files only
            file.write(self.server)
            file.flush()
            context.load_cert_chain(file.name)
        return context
