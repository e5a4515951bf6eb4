"""Which of pip's settings an install of a provider heeds: how to reach an index, and nothing else.

A machine's settings are made for its people: `user = true`, a `target`, a `constraint` by a relative path, or
`require-hashes` break an install that says itself where everything goes. The index, the proxy and the certificates
are facts of the network, and hold for the runtime as well.
"""

import os
from collections.abc import Iterator, Mapping
from configparser import Error, RawConfigParser
from pathlib import Path

from pragma_runtime.errors import SettingsError

KEPT = frozenset(
    {
        "index-url", "extra-index-url", "no-index", "find-links", "trusted-host",
        "proxy", "cert", "client-cert", "default-timeout", "timeout", "retries", "keyring-provider",
    }
)  # fmt: skip
_PREFIX = "PIP_"
_SECTIONS = ("global", "install")  # the later wins, in whichever file it stands


def pip_environment(environment: Mapping[str, str], interpreter_prefix: Path) -> dict[str, str]:
    """`environment` with the kept settings as its only `PIP_*` variables, wherever they were written down.

    Reads the files that pip would read for an interpreter below `interpreter_prefix`. Raises SettingsError where one
    of them cannot be parsed.
    """
    others = {name: value for name, value in environment.items() if not name.startswith(_PREFIX)}
    kept = {
        _PREFIX + name.upper().replace("-", "_"): value for name, value in _settings(environment, interpreter_prefix)
    }
    return {**others, **kept, "PIP_CONFIG_FILE": os.devnull}


def _settings(environment: Mapping[str, str], interpreter_prefix: Path) -> Iterator[tuple[str, str]]:
    """The kept settings with their values, what wins last."""
    files = [_read(path) for path in _files(environment, interpreter_prefix)]
    for section in _SECTIONS:
        for file in files:
            if file.has_section(section):
                yield from _kept(dict(file.items(section)))
    yield from _kept({name.removeprefix(_PREFIX): value for name, value in environment.items() if _is_pip(name)})


def _kept(settings: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in settings.items():
        normal = name.lower().replace("_", "-").removeprefix("--")
        if normal in KEPT and value.strip():
            yield normal, value.strip()


def _is_pip(name: str) -> bool:
    return name.startswith(_PREFIX)


def _files(environment: Mapping[str, str], interpreter_prefix: Path) -> list[Path]:
    """In pip's order: the machine's, the user's, the interpreter's, and the one that `PIP_CONFIG_FILE` names."""
    named = environment.get("PIP_CONFIG_FILE", "")
    if named == os.devnull:
        return []
    shared = (environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    files = [*(Path(directory, "pip", "pip.conf") for directory in shared), Path("/etc/pip.conf")]
    home = environment.get("HOME")
    if home and not (named and Path(named).exists()):
        settings_home = Path(environment.get("XDG_CONFIG_HOME") or Path(home, ".config"))
        files += [Path(home, ".pip", "pip.conf"), settings_home / "pip" / "pip.conf"]
    files.append(interpreter_prefix / "pip.conf")
    return [*files, Path(named)] if named else files


def _read(path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    try:
        # `utf-8-sig`: editors of other systems put a byte-order mark in front.
        parser.read_string(path.read_text("utf-8-sig"))
    except OSError:
        return parser  # not there, or not for this user to read: pip goes on without it as well
    except (Error, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read as pip's settings: {error}.") from None
    return parser
