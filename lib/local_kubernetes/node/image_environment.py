"""The environment that the runtime image would bring: what every container starts from.

Of the node's own environment it takes only what leads to the network and the package index: pip's index and
certificates, `SSL_CERT_FILE`, `SSL_CERT_DIR`, `REQUESTS_CA_BUNDLE`, and the proxy variables. Paths among them are made
absolute: a container starts in a directory of its own.
"""

from collections.abc import Mapping
from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATHS = frozenset(
    {"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE"}
)
# The container decides where and how to install: a developer's PIP_USER or PIP_TARGET would break its install.
_PLAIN = frozenset(
    {
        "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_TRUSTED_HOST",
        "GCE_METADATA_HOST", "PIP_PROXY", "PIP_DEFAULT_TIMEOUT", "PIP_TIMEOUT", "PIP_RETRIES", "PIP_KEYRING_PROVIDER",
    }
)  # fmt: skip
_LOCATIONS = "PIP_FIND_LINKS"  # paths and URLs, with blanks between
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"})
_INTERPRETERS = frozenset({"python", "python3"})


def image_environment(
    node: Mapping[str, str], interpreter: Path, python_path: Path | None = None, programs: Path | None = None
) -> dict[str, str]:
    """The part that is the same for all containers of an image; `node` is the node's own environment.

    `programs` is a folder on the PATH of every image, beside the interpreter's.
    """
    kept = {name: value for name, value in node.items() if name in _PLAIN or name.upper() in _PROXIES}
    kept |= {name: str(Path(value).absolute()) for name, value in node.items() if name in _PATHS and value}
    if locations := node.get(_LOCATIONS):
        kept[_LOCATIONS] = " ".join(_absolute(location) for location in locations.split())
    # HOME is the pod's own, so pip would no longer find the user's settings by itself.
    if "PIP_CONFIG_FILE" not in kept and (settings := _pip_settings(node)):
        kept["PIP_CONFIG_FILE"] = str(settings)
    if python_path:
        kept["PYTHONPATH"] = str(python_path)
    return {
        **kept,
        "PATH": ":".join(str(part) for part in (interpreter.parent, programs, _PATH) if part),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


def with_interpreter(argv: list[str], interpreter: Path) -> list[str]:
    """The command with the image's `python` (or a path to one) replaced by this machine's."""
    if argv and Path(argv[0]).name in _INTERPRETERS:
        return [str(interpreter), *argv[1:]]
    return argv


def _absolute(location: str) -> str:
    return location if "://" in location or location.startswith("file:") else str(Path(location).absolute())


def _pip_settings(node: Mapping[str, str]) -> Path | None:
    home = node.get("HOME")
    if not home:
        return None
    settings_home = Path(node.get("XDG_CONFIG_HOME") or Path(home) / ".config")
    candidates = (settings_home / "pip" / "pip.conf", Path(home) / ".pip" / "pip.conf")
    return next((path for path in candidates if path.is_file()), None)
