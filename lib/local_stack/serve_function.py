"""Serves one function as functions-framework does in the cloud, as a process of the local stack.

`python -m local_stack.serve_function SOURCE TARGET PORT`. This is functions-framework's own command with
four gunicorn settings it offers no option for.
"""

import sys
from typing import Any

import functions_framework
import functions_framework._http

from local_kubernetes.launcher import die_with_parent
from local_stack.own_machine import guarded_wsgi
from local_stack.ports import LOOPBACK

_KEEP_ALIVE_SECONDS = 75
_GRACEFUL_SECONDS = 2


def main() -> None:
    """Load the function, then serve until a signal ends the process."""
    source, target, port = sys.argv[1:]
    framework: Any = functions_framework  # untyped
    application = framework.create_app(target, source)
    application.wsgi_app = guarded_wsgi(application.wsgi_app)
    server = framework._http.create_server(  # noqa: SLF001 - what the framework's own command calls
        application,
        debug=False,
        # All gunicorns of one user share the control socket's default path, and take it from each other.
        control_socket_disable=True,
        keepalive=_KEEP_ALIVE_SECONDS,  # longer than the gateway's, which says why
        graceful_timeout=_GRACEFUL_SECONDS,
        post_fork=_worker_started,
    )
    server.run(LOOPBACK, int(port))


def _worker_started(_: Any, worker: Any) -> None:
    # A worker looks for its master once a second and then still lingers; without this the port stays taken meanwhile.
    die_with_parent(worker.ppid)


if __name__ == "__main__":
    main()
