"""The environment that the runtime image would bring: what every container starts from.

Nothing of the node's own environment is in it but what reaches the network and the package index the way
this machine does: `PIP_*`, `SSL_CERT_FILE`, `SSL_CERT_DIR`, `REQUESTS_CA_BUNDLE`, and the proxy variables.
"""

from collections.abc import Mapping
from pathlib import Path

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"})
_PROXIES = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY"})
_INTERPRETERS = frozenset({"python", "python3"})


def image_environment(node: Mapping[str, str], interpreter: Path) -> dict[str, str]:
    """The part that is the same for all containers; `node` is the node's own environment."""
    kept = {name: value for name, value in node.items() if _is_kept(name)}
    # HOME is the pod's own, so pip would no longer find the user's settings by itself.
    if "PIP_CONFIG_FILE" not in kept and (settings := _pip_settings(node)):
        kept["PIP_CONFIG_FILE"] = str(settings)
    return {
        **kept,
        "PATH": f"{interpreter.parent}:{_PATH}",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
    }


def with_interpreter(argv: list[str], interpreter: Path) -> list[str]:
    """The command with the image's `python` (or a path to one) replaced by this machine's."""
    if argv and Path(argv[0]).name in _INTERPRETERS:
        return [str(interpreter), *argv[1:]]
    return argv


def _is_kept(name: str) -> bool:
    return name.startswith("PIP_") or name in _KEPT or name.upper() in _PROXIES


def _pip_settings(node: Mapping[str, str]) -> Path | None:
    home = node.get("HOME")
    if not home:
        return None
    settings_home = Path(node.get("XDG_CONFIG_HOME") or Path(home) / ".config")
    candidates = (settings_home / "pip" / "pip.conf", Path(home) / ".pip" / "pip.conf")
    return next((path for path in candidates if path.is_file()), None)
