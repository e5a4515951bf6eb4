"""Registers the runtime versions of this machine, as the platform's release CI does it elsewhere."""

from collections.abc import Mapping, Sequence

import aiohttp

from local_stack.errors import LocalError
from local_stack.interpreters import Interpreter
from provider_hub.domain.runtimes import RuntimeImage

ROUTE = "/console/runtime/versions"


async def register_runtimes(
    session: aiohttp.ClientSession, url: str, token: str, interpreters: Sequence[Interpreter], platform: str
) -> None:
    """Register each interpreter's image at `url`, the last one given first. Raises LocalError when one is refused.

    In turn: of two with the same Python, the one that is registered last counts as the newest.
    """
    headers = {"Authorization": f"Bearer {token}"}
    for interpreter in reversed(interpreters):
        body = _body(interpreter, platform)
        async with session.post(url + ROUTE, json=body, headers=headers) as answer:
            if not answer.ok:
                raise LocalError(f"{interpreter.executable} cannot be registered as a runtime: {await answer.text()}")


def _body(interpreter: Interpreter, platform: str) -> Mapping[str, str]:
    image = RuntimeImage(interpreter.image, interpreter.version, platform)
    return {
        "version": image.default_name,
        "image_url": image.image_url,
        "python_version": image.python_version,
        "platform": image.platform,
        "changelog": f"CPython {interpreter.version} at {interpreter.executable}",
    }
