"""The package indexes of this machine, as the settings of the hub: those that its pip or uv asks."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from pragma_runtime.pip_settings import pip_environment

_DEFAULT = "https://pypi.org/simple/"


def index_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for the indexes that uv's variables, or pip's variables and files, name.

    An index in a folder is left out: pods fetch over https alone. A mirror may tell no upload times, which is then
    warned of and no reason to refuse. The certificates that pip is told to trust are those that all trust, where
    nothing else says whom. Raises the runtime's SettingsError where a file of pip's cannot be parsed.
    """
    pip = pip_environment(environment, Path(sys.prefix))
    first = [environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL") or pip.get("PIP_INDEX_URL") or ""]
    further = [environment.get("UV_INDEX"), environment.get("UV_EXTRA_INDEX_URL"), pip.get("PIP_EXTRA_INDEX_URL")]
    addresses = [urlsplit(url) for url in _urls(first)] or [urlsplit(_DEFAULT)]
    addresses += [urlsplit(url) for url in _urls(further)]
    found = {
        "HUB_INDEX_URLS": ",".join(dict.fromkeys(_without_login(address) for address in addresses)),
        "HUB_INDEX_CREDENTIALS": ",".join(login for address in addresses for login in _logins(address)),
        "HUB_INDEX_UPLOAD_TIMES": "warn",
        "SSL_CERT_FILE": environment.get("SSL_CERT_FILE") or pip.get("PIP_CERT", ""),
    }
    return {name: value for name, value in found.items() if value}


def _urls(texts: Sequence[str | None]) -> Iterator[str]:
    """The http(s) URLs; uv's variables may put `name=` before one."""
    for word in " ".join(filter(None, texts)).split():
        url = word.partition("=")[2] if "=" in word.partition("://")[0] else word
        if url.startswith(("https://", "http://")):
            yield url


def _without_login(address: SplitResult) -> str:
    return address._replace(netloc=address.netloc.rpartition("@")[2]).geturl()


def _logins(address: SplitResult) -> Iterator[str]:
    if address.username and address.password:
        yield f"{address.hostname}={unquote(address.username)}:{unquote(address.password)}"
