"""The local wheel host: the wheels of one folder over HTTPS, and how a wheel gets there."""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local_stack.errors import LocalError

if TYPE_CHECKING:
    from aiohttp import web

# PEP 427: five or six parts of these characters. No separator and no leading dot: no way out of the folder.
_WHEEL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.!+]*(-[A-Za-z0-9_.!+]+){4,5}\.whl")


@dataclass(frozen=True)
class AddedWheel:
    """A wheel on the host: its URL and the SHA-256 of its bytes in hex."""

    url: str
    sha256: str


def wheel_application(directory: Path) -> "web.Application":
    """Serves GET and HEAD of `/<file>.whl` from `directory`, and nothing else."""
    # Not above: whoever only adds a wheel needs no server, whose import takes a quarter of a second.
    from aiohttp import web  # noqa: PLC0415

    from local_stack.own_machine import own_machine  # noqa: PLC0415

    async def wheel(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = directory / name
        if not _WHEEL_NAME.fullmatch(name) or not path.is_file():
            raise web.HTTPNotFound(text=f"no wheel named {name} is here; `hub wheels add` puts one\n")
        return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"})

    application = web.Application(middlewares=[own_machine])
    application.router.add_get("/{name}", wheel)
    return application


def add_wheel(file: Path, directory: Path, base_url: str) -> AddedWheel:
    """Copy a wheel into the host's folder; adding the same bytes again changes nothing.

    Raises LocalError when it is no readable wheel file, or other bytes have its name already: a URL that once
    served a wheel never serves another.
    """
    if not _WHEEL_NAME.fullmatch(file.name):
        raise LocalError(f"{file.name} is no wheel's file name, such as my_provider-1.0.0-py3-none-any.whl.")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise LocalError(f"cannot read {file}: {error.strerror}.") from error
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / file.name
    if not _create(target, content) and target.read_bytes() != content:
        raise LocalError(
            f"{file.name} is on the wheel host with other bytes, and a wheel there is never replaced: "
            "build it under a new version."
        )
    return AddedWheel(f"{base_url}/{file.name}", hashlib.sha256(content).hexdigest())


def _create(target: Path, content: bytes) -> bool:
    """Create `target` whole or not at all; False when it exists."""
    with tempfile.NamedTemporaryFile(dir=target.parent) as partial:
        partial.write(content)
        partial.flush()
        try:
            os.link(partial.name, target)
        except FileExistsError:
            return False
    return True
