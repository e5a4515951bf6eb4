"""The functions of one project behind one URL on this machine: what a client outside of this process speaks to."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from tests.contract_checker import check_answer
from tests.integration.deployed import Deployed
from tests.serving import in_a_thread
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from provider_hub.http.table import function_for

# Told of each request before it is passed on: its method and path.
Hook = Callable[[str, str], None]


@dataclass
class ApiServer:
    """Passes requests on, one at a time, and checks every answer against the description."""

    deployed: Deployed
    url: str = ""
    before: Hook = lambda _method, _path: None
    undescribed: AssertionError | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        target = str(environ_target(request))
        self.before(request.method, target)
        function = function_for(unquote(target.partition("?")[0])) or "operations"
        answer = self.deployed.send(
            function, request.method, target, headers=list(request.headers), data=request.get_data()
        )
        try:
            check_answer(request.method, target, answer.status_code, dict(answer.headers), answer.data)
        except AssertionError as error:
            self.undescribed = self.undescribed or error
        return Response(answer.data, answer.status_code, list(answer.headers))


def environ_target(request: Request) -> str:
    """The path and query as they were sent, encoded."""
    target: str = request.environ["REQUEST_URI"]
    return target


@contextmanager
def served(deployed: Deployed) -> Iterator[ApiServer]:
    """Serve on a free port for as long as the block lasts. Raises AssertionError for an undescribed answer."""
    api = ApiServer(deployed)
    server = make_server("127.0.0.1", 0, api)
    api.url = f"http://127.0.0.1:{server.server_port}"
    with in_a_thread(server):
        yield api
    if api.undescribed is not None:
        raise api.undescribed
