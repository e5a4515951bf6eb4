"""Passes a child's stderr on to the pod's log, and remembers the last thing that it said."""

import contextlib
import json
import os
import threading

from pragma_runtime.log import one_line

_LONGEST = 64 * 1024  # of a line that is kept; the log gets all of it
_CHUNK = 64 * 1024


class LastLine:
    """Reads a pipe, by its descriptor, to the end on a thread of its own, and closes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._line = b""
        self._thread = threading.Thread(target=self._run, name="worker stderr", daemon=True)
        self._thread.start()

    def text(self, seconds: float) -> str:
        """The last line that is not blank, once the pipe has ended or `seconds` have passed; "" without one."""
        self._thread.join(seconds)
        return readable(self._line.decode(errors="replace"))

    def _run(self) -> None:
        unfinished = b""
        with os.fdopen(self._descriptor, "rb"):
            while chunk := os.read(self._descriptor, _CHUNK):
                with contextlib.suppress(OSError):  # nobody reads the log any more
                    os.write(2, chunk)
                *lines, unfinished = (unfinished + chunk).split(b"\n")
                unfinished = unfinished[-_LONGEST:]
                self._line = next((line for line in (unfinished, *reversed(lines)) if line.strip()), self._line)


def readable(line: str) -> str:
    """`line` for a person: of the SDK's JSON log line its event and the error, the traceback's last line for one."""
    try:
        record = json.loads(line)
        event = str(record["event"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return one_line(line, 500)
    exception = str(record.get("exception") or "").strip()
    error = exception.splitlines()[-1] if exception else record.get("error")
    return one_line(f"{event}: {error}" if error else event, 500)
