"""The limits of a child process, which it sets on itself before it does anything else.

A process cannot lift the kernel's limits again, and neither can what it starts or becomes. The timer it could lift: the
kernel's limit of processor time ends it a second or two later then.
"""

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

_NICER = 10


def limit_this_process(limits: Mapping[str, Any]) -> None:
    """Set the limits, which have the fields of `limited_child.Limits`; `wall_seconds` is for others to watch."""
    os.nice(_NICER)
    # The timer ends the process within a fraction of a second of processor time; the limit counts in whole seconds.
    signal.setitimer(signal.ITIMER_PROF, limits["cpu_seconds"])
    # The kernel sends SIGXCPU at the first, which says what was used up, and SIGKILL at the second, which does not.
    whole_seconds = math.ceil(limits["cpu_seconds"]) + 1
    _limit(resource.RLIMIT_CPU, whole_seconds, whole_seconds + 1)
    for kind, most in (
        (resource.RLIMIT_AS, limits["memory_bytes"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
        (resource.RLIMIT_CORE, 0),
    ):
        _limit(kind, most, most)


def _limit(kind: int, soft: int, hard: int) -> None:
    """Lower one limit, which may be lower already."""
    _, ceiling = resource.getrlimit(kind)
    most = max(soft, hard) if ceiling == resource.RLIM_INFINITY else ceiling
    resource.setrlimit(kind, (min(soft, most), min(hard, most)))


def become() -> None:
    """What a child of `limited_program` does: set its limits, and become the program."""
    plan = json.loads(sys.argv[1])
    limit_this_process(plan["limits"])
    os.execv(plan["command"][0], plan["command"])  # noqa: S606 - the command of `run_program`, no shell
