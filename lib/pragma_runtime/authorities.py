"""Whom a process trusts when it verifies a server: the system's authorities, and those of a file beside them.

Reading all of the system's takes longer than all requests of a start. So they are read as they are needed: OpenSSL
finds an authority in the system's directory by the name that a certificate asks for, and the system's file is read once
a server could not be verified without it. Whoever is verified by a part of the authorities is verified by all of them.
"""

import functools
import ssl
import threading
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import URLError
from urllib.request import HTTPSHandler, Request


class Authorities:
    """The system's authorities, and those in `ca_file` if one is given; raises ssl.SSLError where that holds none."""

    def __init__(self, ca_file: Path | None = None) -> None:
        directory = ssl.get_default_verify_paths().capath
        # Given neither, it reads all of the system's.
        self.context = ssl.create_default_context(cafile=ca_file, capath=directory)
        self._is_complete = not (ca_file or directory)
        self._completing = threading.Lock()

    @property
    def is_complete(self) -> bool:
        """Whether all of them were read."""
        return self._is_complete

    def complete(self) -> None:
        """Reads what was not read before."""
        with self._completing:
            if not self._is_complete:
                self.context.load_default_certs()
                self._is_complete = True


@functools.cache
def system_authorities() -> Authorities:
    """The system's alone, one for the whole process. Whoever trusts more makes another."""
    return Authorities()


class VerifyingHandler(HTTPSHandler):
    """Speaks https with servers that the authorities vouch for, and with no others."""

    def __init__(self, authorities: Authorities) -> None:
        super().__init__(context=authorities.context)
        self._authorities = authorities

    def https_open(self, req: Request) -> HTTPResponse:
        """As urllib calls it. Raises URLError, by an SSLCertVerificationError where the server cannot be verified."""
        was_complete = self._authorities.is_complete
        try:
            return super().https_open(req)
        except URLError as error:
            # Nothing of the request was sent yet: an unverified server gets none of it.
            if was_complete or not isinstance(error.reason, ssl.SSLCertVerificationError):
                raise
        self._authorities.complete()
        return super().https_open(req)
