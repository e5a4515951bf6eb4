"""On a running stack, a function that is not public answers nobody but its own caller."""

from pathlib import Path

import pytest
import urllib3

from local_stack.callers import PUSH_ACCOUNT, SCHEDULER_ACCOUNT
from local_stack.function_list import FUNCTIONS
from local_stack.running import Stack
from tests.callers import account_for

INTERNAL = [name for name, function in FUNCTIONS.items() if not function.is_public]
LISTENING = "0A"
PUSHED = "/projects/local-hub/topics/runtime-check-ins"


def url_of(stack: Stack, function: str) -> str:
    """Where a function listens, which the kernel says of its process."""
    process = Path(f"/proc/{stack.pid(function)}")
    files = {str(file.readlink()) for file in (process / "fd").iterdir()}
    for line in (process / "net" / "tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_, inode = line.split()[:10]
        if state == LISTENING and f"socket:[{inode}]" in files:
            return f"http://127.0.0.1:{int(local.rpartition(':')[2], 16)}"
    raise AssertionError(f"{function} listens nowhere")


def status(url: str, path: str, token: str | None, **headers: str) -> int:
    given = {**headers, "Content-Type": "application/json"}
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    return urllib3.request("POST", url + path, body=b"{}", headers=given, retries=False, timeout=30).status


@pytest.mark.parametrize("function", INTERNAL)
def test_a_function_that_is_not_public_is_opened_by_its_callers_token_alone(stack: Stack, function: str) -> None:
    url = url_of(stack, function)
    path = PUSHED if {"topic", "dead_letters"} & set(FUNCTIONS[function].triggers) else "/"
    account = str(account_for(function, path))
    other = SCHEDULER_ACCOUNT if account != SCHEDULER_ACCOUNT else PUSH_ACCOUNT
    refused = [
        None,
        "x",
        stack.tokens.machine("acme"),
        stack.tokens.service_account(other, url),
        stack.tokens.service_account(account, f"{url}0"),
        stack.tokens.service_account(account, url)[:-8] + "AAAAAAAA",
    ]
    assert [status(url, path, token) for token in refused] == [401] * len(refused)
    token = stack.tokens.service_account(account, url)
    assert status(url, path, token) == 204
    assert status(url, path, token, Host="evil.example") == 403
    assert status(url, path, token, Origin="https://evil.example") == 403


def test_the_base_url_refuses_web_pages_of_another_origin(stack: Stack) -> None:
    url = stack.info.api_url
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert urllib3.request("GET", f"{url}/health", headers=headers, timeout=30).status == 403
    assert urllib3.request("GET", f"{url}/health", timeout=30).status == 200
