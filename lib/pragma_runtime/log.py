"""Log lines that read well in `kubectl logs`: one message, one line."""

import contextlib
import os

_LONGEST = 1000


def one_line(text: str, limit: int = _LONGEST) -> str:
    """`text` without line breaks or runs of blanks, cut to `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def say(message: str) -> None:
    """Write one line to standard error. It is lost where nothing reads standard error any more."""
    line = f"pragma_runtime: {one_line(message)}\n"
    # Straight to the descriptor: a provider may have replaced or closed `sys.stderr`. And where nobody
    # reads any more, a lost line must not end the thread that had something to say.
    with contextlib.suppress(OSError):
        os.write(2, line.encode(errors="backslashreplace"))
