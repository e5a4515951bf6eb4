"""Runs inside a client's own environment, and calls an SDK's methods in turn; each run is a fork of one process.

A run (see `forks`) has `url`, `token`, `calls`, and `variables` of its environment. It prints one JSON object a line:
what each call came to, and whether the answer was read into a model.
"""

import json
import os
import time

import forks
from pragma_sdk import PragmaClient

SECONDS = 400
_LONGEST_WAIT = 90.0


def main() -> None:
    """Make every call; a method that this SDK does not have is told so, and no failure."""
    forks.serve(_run, SECONDS)


def _run(given):
    os.environ.update(given["variables"])
    with PragmaClient(base_url=given["url"], auth_token=given["token"]) as client:
        for call in given["calls"]:
            if "until" in call:
                _wait(client, call)
            else:
                print(json.dumps(_outcome(client, call)), flush=True)


def _outcome(client, call):
    method = getattr(client, call["method"], None)
    if method is None:
        return {"method": call["method"], "outcome": "absent"}
    try:
        result = method(*call.get("args", ()), **call.get("kwargs", {}))
    except Exception as error:
        return {"method": call["method"], "outcome": "failed", "error": f"{type(error).__name__}: {error}"[:800]}
    return {"method": call["method"], "outcome": "ok", "result": _plain(result)}


def _wait(client, call):
    """Until the deployment of a provider has the status (or, for None, until it is not installed any more)."""
    deadline = time.monotonic() + _LONGEST_WAIT
    name, wanted = call["until"]
    while time.monotonic() < deadline:
        rows = [row for row in client.list_installations() if f"{row.prefix}/{row.name}" == name]
        if not rows and wanted is None:
            return
        if rows and wanted and client.get_deployment_status(name).status == wanted:
            return
        time.sleep(0.3)
    raise SystemExit(f"{name} was not {wanted} within {_LONGEST_WAIT:g} s")


def _plain(result):
    if isinstance(result, list):
        return [_plain(item) for item in result]
    return result.model_dump(mode="json") if hasattr(result, "model_dump") else result


if __name__ == "__main__":
    main()
