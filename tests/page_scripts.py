"""The blocks of shell in a page."""

import re

_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def scripts_of(text: str) -> list[str]:
    """What a page's blocks of shell say, each as one script."""
    return _BLOCK.findall(text)
