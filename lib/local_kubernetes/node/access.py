"""Address and credentials of the API server, read from a kubeconfig by the official client."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config


class AccessError(Exception):
    """The kubeconfig cannot be used; the message names the file and the reason."""


@dataclass(frozen=True)
class Access:
    """Base URL without a trailing slash, headers that authenticate, and the TLS to use for `https`."""

    url: str
    headers: dict[str, str]
    tls: ssl.SSLContext | bool


def load_access(kubeconfig: Path) -> Access:
    """Read the current context of a kubeconfig; runs its credential plugin, where it has one.

    Raises AccessError.
    """
    configuration = client.Configuration()
    try:
        load: Callable[..., None] = config.load_kube_config
        load(str(kubeconfig), client_configuration=configuration, persist_config=False)
    except (config.ConfigException, OSError, ValueError, TypeError) as error:
        raise AccessError(f"{kubeconfig} is not a usable kubeconfig: {error}") from error
    settings: Mapping[str, Any] = configuration.auth_settings()
    headers = {one["key"]: one["value"] for one in settings.values() if one["in"] == "header" and one["value"]}
    url = configuration.host.rstrip("/")
    return Access(url, headers, _tls(configuration) if url.startswith("https") else True)


def _tls(configuration: client.Configuration) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if not configuration.verify_ssl:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
    except (OSError, ssl.SSLError) as error:
        raise AccessError(f"the kubeconfig's certificates cannot be read: {error}") from error
    return context
