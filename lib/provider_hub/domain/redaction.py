"""Takes config values, and whatever looks like a credential, out of what a tenant's pods print."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from provider_hub.domain.masking import masked

LINE_LENGTH = 2000
# More than is shown: a credential that is cut at the end of what is shown still has its form.
_WINDOW = 4096
_SHORTEST = 4
_SHORTEST_LINE = 8
_MASK = "***"
# Settings that many lines have in them, and that are no secret: without them a log would be unreadable.
_PLAIN = frozenset({"true", "false", "none", "null", "debug", "info", "warn", "warning", "error", "critical"})
# A line of a key's body: nothing else in it says what it is.
_KEY_BODY = re.compile(r"\s*[A-Za-z0-9+/]{48,2048}={0,2}\s*")


class Redaction:
    """Masks the values of some configs wherever they stand: as they are, escaped, URL-encoded or in base 64.

    A value under four characters is masked only after its key, since other words contain it by chance. The values of
    `secret_keys` are sealed, so whatever is printed as the value of such a key is masked.
    """

    def __init__(self, configs: Iterable[Mapping[str, str]], secret_keys: Iterable[str] = ()) -> None:
        needles = dict(pair for config in configs for key, value in config.items() for pair in _needles(key, value))
        # The longest first: one value may be a part of another.
        self._needles = sorted(needles.items(), key=lambda pair: -len(pair[0]))
        self._secret = _behind(frozenset(secret_keys))

    def texts(self, texts: Sequence[str]) -> list[str]:
        """The same lines, masked, each cut to LINE_LENGTH characters."""
        whole = "\n".join(texts)
        present = [(needle, mask) for needle, mask in self._needles if needle in whole]
        return [_line(text, present, self._secret) for text in texts]


def _line(text: str, present: Sequence[tuple[str, str]], secret: re.Pattern[str] | None) -> str:
    for needle, mask in present:
        text = text.replace(needle, mask)
    if secret is not None:
        text = secret.sub(rf"\g<1>{_MASK}", text)
    if _KEY_BODY.fullmatch(text[:_WINDOW]):
        return _MASK
    shown = masked(text[:_WINDOW])
    return shown if len(shown) <= LINE_LENGTH else f"{shown[: LINE_LENGTH - 1]}…"


def _behind(keys: frozenset[str]) -> re.Pattern[str] | None:
    """What is printed as the value of one of the keys: to its closing quote, or the rest of the line."""
    if not keys:
        return None
    names = "|".join(re.escape(key) for key in sorted(keys, key=lambda key: (-len(key), key)))
    key = rf"(?<!\w)(?:{names})(?:\\?['\"]\s{{0,8}}[:=,]|\s{{0,8}}[:=])\s{{0,8}}"
    value = r"""(?:'(?:\\.|[^'\\])*'?|"(?:\\.|[^"\\])*"?|\S.*)"""
    return re.compile(f"({key}){value}", re.IGNORECASE | re.DOTALL)


def _needles(key: str, value: str) -> Iterator[tuple[str, str]]:
    if len(value) < _SHORTEST:
        if value:
            for before, after in (("=", ""), ("': '", "'"), ('": "', '"')):
                yield f"{key}{before}{value}{after}", f"{key}{before}{_MASK}{after}"
        return
    if value.lower() in _PLAIN:
        return
    forms = {value, repr(value)[1:-1], quote(value, safe=""), _base64(value)}
    forms |= {json.dumps(value, ensure_ascii=ascii_alone)[1:-1] for ascii_alone in (True, False)}
    forms |= {line for line in value.splitlines() if len(line.strip()) >= _SHORTEST_LINE}
    for form in forms:
        yield form, _MASK


def _base64(value: str) -> str:
    return b64encode(value.encode("utf-8", "surrogateescape")).decode()
