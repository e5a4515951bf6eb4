"""How the command connects: whom it trusts, through which proxy, and how long it waits for a host."""

import ssl
import threading
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3

from hub_cli.errors import UsageError
from hub_cli.hosts import is_this_machine

CONNECT_SECONDS = 10.0

_T = TypeVar("_T")


def pool(url: str, ca_file: str | None, *, read_seconds: float) -> urllib3.PoolManager:
    """Connections to the host of `url`, through the proxy that the environment names for it.

    HTTPS_PROXY, HTTP_PROXY and NO_PROXY count as they do for curl; this machine is never asked through a proxy.
    Trusted are the system's certificate authorities and those in the PEM file `ca_file`. `read_seconds` is the longest
    silence of a host. Raises UsageError for a file that has no certificates, or a proxy that is no http or https URL.
    """
    proxy, headers = _proxy_of(url)
    is_encrypted = any(urlsplit(address).scheme == "https" for address in (url, proxy or ""))
    # The system's authorities take a twentieth of a second to load, which a call without TLS need not wait for.
    context = _trusting(ca_file) if is_encrypted or ca_file else None
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)
    if proxy is None:
        return urllib3.PoolManager(num_pools=1, timeout=timeout, ssl_context=context, retries=False)
    return urllib3.ProxyManager(
        proxy, num_pools=1, timeout=timeout, ssl_context=context, retries=False, proxy_headers=headers
    )


def _trusting(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if ca_file:
            context.load_verify_locations(cafile=ca_file)
    except OSError as error:
        raise UsageError(f"{ca_file} is no readable file of PEM certificates.") from error
    return context


def cause(error: urllib3.exceptions.HTTPError) -> str:
    """Why a host could not be asked, as the end of a sentence about it."""
    if isinstance(error, urllib3.exceptions.ProxyError):
        return f"the proxy that the environment names does not lead there ({error.original_error})"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name does not resolve"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "the connection is refused"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "its certificate is not trusted; give the authority's with --ca-file"
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "it takes too long"
    return "the connection broke off"


def within(seconds: float, work: Callable[[], _T]) -> _T:
    """What `work` returns or raises; urllib3's TimeoutError once `seconds` are over.

    A socket's timeout bounds each wait, and neither the resolver nor a host that sends a byte at a time. The thread of
    abandoned work ends with the process, which a command that gives up soon does.
    """
    outcome: list[_T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="request", daemon=True)
    thread.start()
    thread.join(seconds)
    if failure:
        raise failure[0]
    if not outcome:
        raise urllib3.exceptions.TimeoutError
    return outcome[0]


def _proxy_of(url: str) -> tuple[str | None, dict[str, str]]:
    """The proxy's URL without its password, and the headers that carry it; None where no proxy leads to `url`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_this_machine(host) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None, {}
    proxy = getproxies().get(parts.scheme)
    return _checked_proxy(proxy) if proxy else (None, {})


def _checked_proxy(proxy: str) -> tuple[str, dict[str, str]]:
    """That URL and those headers. Raises UsageError."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError("the proxy that the environment names is not usable: write it as http://host:port.")
    headers: dict[str, str] = {}
    if parts.username:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers = dict(urllib3.make_headers(proxy_basic_auth=login))
    written = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{written}:{port or (443 if parts.scheme == 'https' else 80)}", headers
