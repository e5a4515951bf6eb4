"""What looks like a credential is taken out of what tenants' processes and the cluster say."""

import re

MESSAGE_LENGTH = 600
_SECRET_LOOKING = re.compile(
    r"(?i)((?:password|passwd|secret|token|api[_-]?key|authorization|bearer)[\"']?\s*[=:\s]\s*[\"']?)[^\s\"',;&]+"
)
_URL_CREDENTIALS = re.compile(r"(://)[^/\s:@]+:[^/\s@]+@")
_URL_QUERY = re.compile(r"(https?://[^\s?]+)\?\S+")


def mask(text: str) -> str:
    """`text` without what looks like a credential, trimmed: it came out of a tenant's process and goes to its owner."""
    masked = _URL_CREDENTIALS.sub(r"\1***@", _URL_QUERY.sub(r"\1?***", text))
    masked = _SECRET_LOOKING.sub(r"\1***", masked)
    return masked if len(masked) <= MESSAGE_LENGTH else "…" + masked[1 - MESSAGE_LENGTH :]
