"""The local certificate authority and the wheel host's certificate."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

_VALID = timedelta(days=90)


def server_context(ca_file: Path) -> ssl.SSLContext:
    """A TLS server context for `localhost` and 127.0.0.1; writes the authority that vouches for it to `ca_file`.

    Each call makes a new authority and forgets its private key at once. So no program can sign another certificate with
    it, and a user who trusts `ca_file` trusts this server alone.
    """
    authority = trustme.CA(organization_name="Provider Hub local authority")
    authority.cert_pem.write_to_path(ca_file)
    certificate = authority.issue_cert("localhost", "127.0.0.1", not_after=datetime.now(UTC) + _VALID)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certificate.configure_cert(context)
    return context
