"""Finds in what pip wrote the cause that a provider's author can act on."""

import re
import signal
from collections.abc import Sequence

from pragma_runtime.log import one_line

_LONGEST = 500
_TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\S+ ")  # of a line in pip's log
_OTHER_PYTHON = re.compile(r"Ignored the following versions that require a different python version: (.+)")
_REQUIRES_PYTHON = re.compile(r"Requires-Python ([^;]+)")
# What pip logs when an index or a file host could not be reached; it then goes on as if the index were empty.
# It is several times faster for looking at one character first: nothing begins at almost all of them.
_NETWORK_TROUBLE = re.compile(
    r"(?=[cmrthin45])"
    r"(?:connection broken by|connection error|Max retries exceeded|Read timed out|timed out\.|HTTP error 5\d\d|"
    r"\b5\d\d Server Error|\b429 Client Error|too many 5\d\d error responses|IncompleteRead|Connection reset|"
    r"ConnectionResetError|NewConnectionError|NameResolutionError)",
    re.IGNORECASE,
)


def is_network_trouble(*texts: str) -> bool:
    """Whether pip failed because it could not reach an index or a file host."""
    return any(_NETWORK_TROUBLE.search(text) for text in texts)


def cause(output: str, log: str, returncode: int, python: str) -> str:
    """One line for the author: why pip failed.

    `output` is what pip printed, `log` its debug log ("" where it kept none), `python` the interpreter's version. pip's
    last line is often the poorest: "No matching distribution found" where every version wants another Python, or
    "ResolutionImpossible: for help visit …" where two dependencies disagree.
    """
    errors = [line.removeprefix("ERROR:").strip() for line in output.splitlines() if line.startswith("ERROR:")]
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    found = (
        _other_python(errors, python)
        or _conflict(errors, log)
        or _failed_build(lines, log)
        or _no_match(errors)
        or next(reversed(errors), "")
        or next(reversed(lines), "")
        or _silent_end(returncode)
    )
    return one_line(found, _LONGEST)


def _other_python(errors: Sequence[str], python: str) -> str:
    plain = next((error for error in errors if "requires a different Python" in error), "")
    if plain:
        return plain
    ignored = next((match for error in errors if (match := _OTHER_PYTHON.search(error))), None)
    if not ignored:
        return ""
    wanted = sorted({want.strip() for want in _REQUIRES_PYTHON.findall(ignored[1])})
    count = len(_REQUIRES_PYTHON.findall(ignored[1]))
    versions = "1 version requires" if count == 1 else f"{count} versions require"
    return f"{_no_match(errors)}. This is Python {python}, but {versions} a different Python: {' or '.join(wanted)}"


def _no_match(errors: Sequence[str]) -> str:
    """Both halves: the first names who requires it and which versions there are."""
    start = next((i for i, error in enumerate(errors) if error.startswith("Could not find a version")), None)
    return "" if start is None else one_line("; ".join(errors[start : start + 2]), 300)


def _conflict(errors: Sequence[str], log: str) -> str:
    if not any(error.startswith("ResolutionImpossible") for error in errors):
        return ""
    lines = [_TIMESTAMP.sub("", line) for line in log.splitlines()]
    start = next((i for i, line in enumerate(lines) if "The conflict is caused by" in line), None)
    if start is None:
        return errors[0]
    reasons = []
    for line in lines[start + 1 :]:
        if not line.strip():
            break
        reasons.append(line.strip())
    return f"the dependencies contradict each other: {'; '.join(reasons)}"


def _failed_build(lines: Sequence[str], log: str) -> str:
    """A dependency without a fitting wheel is built from its source, by whatever code its author wrote."""
    step = next((line.removeprefix("×").strip() for line in lines if line.startswith("×")), "")
    if not step:
        return ""
    told = [line.strip(" │") for line in (*map(_untimed, log.splitlines()), *lines)]
    ends = [i for i, line in enumerate(told) if line == "[end of output]"]
    last = next((line for line in reversed(told[: ends[0]]) if line), "") if ends else ""
    return f"{step} A dependency has no wheel for this Python and platform, and its source cannot be built here" + (
        f": {last}" if last else "."
    )


def _untimed(line: str) -> str:
    return _TIMESTAMP.sub("", line)


def _silent_end(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "it was killed (SIGKILL): most likely the memory of this tier is too small for the install"
    if returncode < 0:
        return f"it was ended by {signal.Signals(-returncode).name} and said nothing"
    return f"it ended with exit code {returncode} and said nothing"
