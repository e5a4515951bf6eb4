"""Takes whatever looks like a credential out of what tenants' processes and the cluster say.

A tenant's pod chooses the text. It is cut before it is looked at, and every repetition in a pattern here is
bounded: no text makes a pattern work for more than some milliseconds, during which no other thread runs.
"""

import re

MESSAGE_LENGTH = 600
# Longer than what is shown: it must include the label of a credential with which that begins.
_WINDOW = 2048
_BREAK = re.compile(r"[\s,;&]")

# A pattern that looks at one character first is several times faster: nothing begins at almost all of them.
_LABEL = (
    r"(?=[psatcb])"
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|(?:api|access|private)[_-]?key|authorization|cookie|bearer)"
)
_SUFFIX = r"(?:[_-][\w-]{1,20}|key)?"
_BETWEEN = r"(?:\s{0,4}[=:][=:>\s]{0,6}|\s{1,8})"
_SCHEME = r"(?:(?:bearer|basic|digest|negotiate|token|[a-z0-9-]{1,20}-hmac-sha256)\s{1,8})?"

_URL_CREDENTIALS = re.compile(r"(://)[^/\s]{1,512}@")
_URL_QUERY = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]{1,20}://[^\s?#]{1,1024}[?#])[^\s\"'<>]{1,2048}")
# A header's value may be a scheme with a list of parameters, as Digest's and AWS' are, or a list of cookies.
_HEADER = re.compile(
    rf"(?i)(?=[ac])((?:authorization|cookie)\s{{0,4}}[:=]\s{{0,4}})(?![\"'\\\s]){_SCHEME}"
    r"(?:[^\s\"',;]|\"[^\"]{0,512}\"){1,2048}"
    r"(?:[,;] {0,2}[\w-]{1,40}=(?:[^\s\"',;]|\"[^\"]{0,512}\"){1,512}){0,8}"
)
_LABELLED = re.compile(
    rf"(?is)({_LABEL}{_SUFFIX}\\{{0,2}}[\"']?{_BETWEEN})"
    r"(?:"
    r"(\\{1,2}\")[^\"]{0,2048}"
    r"|(\")(?:[^\"\\]|\\.){0,2048}"
    r"|(')(?:[^'\\]|\\.){0,2048}"
    rf"|{_SCHEME}[^\s\"',;&]{{1,2048}}"
    r")"
)
_UNLABELLED = re.compile(
    r"(?=[eghmpsxA-])(?:(?<![\w-])(?:"
    r"eyJ[\w-]{8,2048}(?:\.[\w-]{0,2048}){1,2}"
    r"|(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|sk_live_|pypi-|hubpub_|mt_|AKIA)[\w-]{12,512}"
    r")|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,2048})"
)

# It names the hub's project too: the cluster says it of a function that may not do something.
_ACCOUNT = re.compile(r"(?<![\w.-])[\w.-]{1,64}@[\w.-]{1,80}?\.gserviceaccount\.com")


def mask(text: str) -> str:
    """`text` without what looks like a credential: its end (the cause of an error), at most MESSAGE_LENGTH characters.

    Masked whole are what follows a label such as `password=` (quoted values with their blanks, `Authorization`
    with scheme and credential), URLs' user, password and query, tokens that are known by their form, and Google's
    service accounts, which are the hub's own.
    """
    shown = masked(tail(text, _WINDOW))
    return shown if len(shown) <= MESSAGE_LENGTH else "…" + shown[1 - MESSAGE_LENGTH :]


def masked(text: str) -> str:
    """`text` at its whole length, masked as `mask` says. The caller bounds its length: that bounds the work."""
    shown = _URL_CREDENTIALS.sub(r"\1***@", text)
    shown = _URL_QUERY.sub(r"\1***", shown)
    shown = _HEADER.sub(r"\1***", shown)
    shown = _LABELLED.sub(_without_value, shown)
    return _ACCOUNT.sub("***", _UNLABELLED.sub("***", shown))


def tail(text: str, length: int) -> str:
    """`text`, or its end of at most `length` characters behind a `…`.

    It begins at a whole word: the end of a word that was cut may be the end of a credential whose label is gone.
    """
    if len(text) <= length:
        return text
    rest = text[1 - length :]
    cut = _BREAK.search(rest)
    return "…" + (rest[cut.start() :] if cut else "")


def _without_value(found: re.Match[str]) -> str:
    quote = found[2] or found[3] or found[4] or ""
    return f"{found[1]}{quote}***"
