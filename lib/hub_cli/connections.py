"""How the command connects: whom it trusts, and how long it waits for a host."""

import ssl

import urllib3

from hub_cli.errors import UsageError

CONNECT_SECONDS = 10.0


def pool(ca_file: str | None, *, read_seconds: float) -> urllib3.PoolManager:
    """Connections that trust the system's certificate authorities and those in the PEM file `ca_file`.

    `read_seconds` is the longest silence of a host. Raises UsageError for a file that has no certificates.
    """
    context = ssl.create_default_context()
    try:
        if ca_file:
            context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise UsageError(f"{ca_file} is no readable file of PEM certificates.") from error
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
    return urllib3.PoolManager(num_pools=1, timeout=timeout, ssl_context=context, retries=False)


def cause(error: urllib3.exceptions.HTTPError) -> str:
    """Why a host could not be asked, as the end of a sentence about it."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name does not resolve"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "the connection is refused"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "its certificate is not trusted; give the authority's with --ca-file"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it takes too long"
    return "the connection broke off"
