"""The stand-ins that serve from the stack's own process, as their clients see them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import grpc.aio
import jwt
import pytest
from aiohttp import web
from google.api_core.exceptions import AlreadyExists, InvalidArgument, NotFound, PermissionDenied
from google.cloud import tasks_v2
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcAsyncIOTransport

from local_stack.callers import PUSH_ACCOUNT, TASKS_ACCOUNT
from local_stack.issuer import Realm, TokenIssuer
from local_stack.ports import ReservedPort, listening_socket, port_of
from local_stack.push_relay import PushRelay
from local_stack.scheduler import Schedule, run_schedules
from local_stack.servers import (
    ca_file,
    local_tls,
    start_bucket,
    start_issuer,
    start_push_relay,
    start_tasks,
    start_wheel_host,
)
from local_stack.stack_file import wheels_dir
from local_stack.wheelhost import add_wheel

QUEUE = "projects/p/locations/local/queues/q"
DEADLINE = 10.0


@dataclass
class Machine:
    """The servers of one state folder, and a target that keeps what it is sent."""

    exits: AsyncExitStack
    state_dir: Path
    session: aiohttp.ClientSession
    issuer: TokenIssuer
    target: str
    received: asyncio.Queue[tuple[web.BaseRequest, bytes]]
    statuses: list[int]


@asynccontextmanager
async def machine(state_dir: Path) -> AsyncIterator[Machine]:
    received: asyncio.Queue[tuple[web.BaseRequest, bytes]] = asyncio.Queue()
    statuses: list[int] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        received.put_nowait((request, await request.read()))
        return web.Response(status=statuses.pop(0) if statuses else 200)

    async with AsyncExitStack() as exits:
        runner = web.ServerRunner(web.Server(handle))
        await runner.setup()
        exits.push_async_callback(runner.cleanup)
        listener = listening_socket(0)
        await web.SockSite(runner, listener).start()
        session = await exits.enter_async_context(aiohttp.ClientSession())
        issuer = await start_issuer(exits, state_dir)
        yield Machine(exits, state_dir, session, issuer, f"http://127.0.0.1:{port_of(listener)}", received, statuses)


def run(state_dir: Path, test: Callable[[Machine], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(DEADLINE), machine(state_dir) as made:
            await test(made)

    asyncio.run(main())


@asynccontextmanager
async def tasks_client(made: Machine, **queue: Any) -> AsyncIterator[tasks_v2.CloudTasksAsyncClient]:
    """Google's own client, connected to a local Cloud Tasks with one queue."""
    targets = {f"{made.target}/deadlines?x=1": TASKS_ACCOUNT, made.target: TASKS_ACCOUNT}
    tasks, endpoint = await start_tasks(made.exits, made.session, made.issuer, targets)
    tasks.add_queue(tasks_v2.Queue(name=QUEUE, **queue))
    async with grpc.aio.insecure_channel(endpoint) as channel:
        yield tasks_v2.CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))


def test_google_s_client_creates_a_task_and_the_target_gets_it_with_a_token(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        async with tasks_client(made) as client:
            request = tasks_v2.HttpRequest(
                url=f"{made.target}/deadlines?x=1",
                headers={"Content-Type": "application/json", "X-CloudTasks-TaskName": "forged", "Host": "forged"},
                body=b'{"generation": 1}',
                oidc_token={"service_account_email": TASKS_ACCOUNT},
            )
            name = f"{QUEUE}/tasks/i-1-1"
            await client.create_task(parent=QUEUE, task=tasks_v2.Task(name=name, http_request=request))
            arrived, body = await made.received.get()
        assert (arrived.method, arrived.raw_path, body) == ("POST", "/deadlines?x=1", b'{"generation": 1}')
        assert arrived.headers["Content-Type"] == "application/json"
        assert arrived.headers.getall("X-CloudTasks-TaskName") == ["i-1-1"]
        assert arrived.headers["X-CloudTasks-QueueName"] == "q"
        assert arrived.headers["User-Agent"] == "Google-Cloud-Tasks"
        assert arrived.host == urlsplit(made.target).netloc
        token = arrived.headers["Authorization"].removeprefix("Bearer ")
        async with made.session.get(made.issuer.jwks_url(Realm.GOOGLE)) as response:
            key = jwt.PyJWKSet.from_dict(await response.json())[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=f"{made.target}/deadlines?x=1")
        assert claims["email"] == TASKS_ACCOUNT

    run(tmp_path, test)


def test_no_program_of_the_machine_gets_a_token_for_itself_or_of_another_account(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        other = f"{made.target}/a-listener"
        asked = [
            {"url": other},
            {"url": other, "oidc_token": {"service_account_email": TASKS_ACCOUNT, "audience": made.target}},
            {"url": f"{made.target}.evil.example"},
            {"url": made.target, "oidc_token": {"service_account_email": PUSH_ACCOUNT}},
            {"url": made.target, "oidc_token": {"service_account_email": TASKS_ACCOUNT, "audience": other}},
        ]
        async with tasks_client(made) as client:
            queue = tasks_v2.Queue(name=f"{QUEUE}-own")
            await client.create_queue(parent=QUEUE.rpartition("/queues/")[0], queue=queue)
            for parent in (QUEUE, queue.name):
                for request in asked:
                    with pytest.raises(PermissionDenied, match=r"tasks of this machine|may not call as|no audience"):
                        await client.create_task(parent=parent, task=tasks_v2.Task(http_request=request))
        assert made.received.empty()

    run(tmp_path, test)


def test_a_failed_task_arrives_again_with_its_count(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        made.statuses.extend([503])
        retry = tasks_v2.RetryConfig(min_backoff=timedelta(milliseconds=50))
        async with tasks_client(made, retry_config=retry) as client:
            await client.create_task(parent=QUEUE, task=tasks_v2.Task(http_request={"url": made.target}))
            for count in ("0", "1"):
                arrived, _ = await made.received.get()
                assert arrived.headers["X-CloudTasks-TaskRetryCount"] == count
            assert arrived.headers["X-CloudTasks-TaskPreviousResponse"] == "503"

    run(tmp_path, test)


def test_google_s_client_gets_the_errors_of_the_real_service(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        async with tasks_client(made) as client:
            task = tasks_v2.Task(name=f"{QUEUE}/tasks/t", http_request={"url": made.target})
            await client.pause_queue(name=QUEUE)
            await client.create_task(parent=QUEUE, task=task)
            with pytest.raises(AlreadyExists):
                await client.create_task(parent=QUEUE, task=task)
            await client.delete_task(name=task.name)
            with pytest.raises(AlreadyExists):
                await client.create_task(parent=QUEUE, task=task)
            with pytest.raises(NotFound, match="does not exist"):
                await client.delete_task(name=task.name)
            with pytest.raises(InvalidArgument, match="must begin with http"):
                await client.create_task(parent=QUEUE, task=tasks_v2.Task(http_request={"url": "x"}))
            listed = [one.name async for one in await client.list_tasks(parent=QUEUE)]
            assert listed == []

    run(tmp_path, test)


def test_each_realm_s_keys_are_served_where_its_tokens_say(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        token = made.issuer.machine("acme")
        issuer = jwt.decode(token, options={"verify_signature": False})["iss"]
        async with made.session.get(f"{issuer}/.well-known/jwks.json") as response:
            assert response.status == 200
            keys = jwt.PyJWKSet.from_dict(await response.json())
        assert (
            jwt.decode(token, keys[jwt.get_unverified_header(token)["kid"]], algorithms=["RS256"])["sub"] == "mch_acme"
        )

    run(tmp_path, test)


def test_a_wheel_is_served_over_tls_to_who_trusts_the_local_authority(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        url = await start_wheel_host(made.exits, tmp_path, local_tls(tmp_path))
        wheel = tmp_path / "p-1.0.0-py3-none-any.whl"
        wheel.write_bytes(b"wheel")
        added = add_wheel(wheel, wheels_dir(tmp_path), url)
        trusting = ssl.create_default_context(cafile=ca_file(tmp_path))
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
        for base in (added.url, added.url.replace("localhost", "127.0.0.1")):
            async with made.session.get(base, ssl=trusting) as response:
                assert await response.read() == b"wheel"
        async with made.session.head(added.url, ssl=trusting) as response:
            assert (response.status, response.headers["Content-Length"]) == (200, "5")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await made.session.get(added.url)

    run(tmp_path, test)


@pytest.mark.parametrize("path", ["/", "/keys/check-in", "/../ca.pem", "/..%2Fca.pem", "/%2e%2e/ca.pem", "/secret.txt"])
def test_the_wheel_host_serves_nothing_but_wheels(tmp_path: Path, path: str) -> None:
    async def test(made: Machine) -> None:
        url = await start_wheel_host(made.exits, tmp_path, local_tls(tmp_path))
        (wheels_dir(tmp_path) / "secret.txt").write_text("secret")
        reader, writer = await asyncio.open_connection(
            "localhost", urlsplit(url).port, ssl=ssl.create_default_context(cafile=ca_file(tmp_path))
        )
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        assert answer.startswith(b"HTTP/1.1 404 ")

    run(tmp_path, test)


def test_a_schedule_calls_its_function_again_and_again_even_after_a_failure(tmp_path: Path) -> None:
    async def test(made: Machine) -> None:
        made.statuses.extend([500])
        job = Schedule("sweeper", 0.05, f"{made.target}/sweeper")
        running = asyncio.create_task(run_schedules(made.session, [job], made.issuer.service_account))
        for _ in range(3):
            arrived, body = await made.received.get()
            assert (arrived.method, arrived.path, body) == ("POST", "/sweeper", b"")
            assert arrived.headers["X-CloudScheduler-JobName"] == "sweeper"
            assert arrived.headers["Authorization"].startswith("Bearer ")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(tmp_path, test)


def test_a_push_reaches_its_function_with_the_token_that_google_would_send(tmp_path: Path) -> None:
    async def scenario(made: Machine) -> None:
        relay = PushRelay(made.session, {"installer": made.target}, made.issuer.service_account)
        base = await start_push_relay(made.exits, relay)
        url = f"{base}{relay.path('installer')}/projects/p/topics/installation-events"
        made.statuses.extend([204, 503])
        for expected in (204, 503):
            async with made.session.post(url, json={"message": {}}, headers={"Authorization": "Bearer x"}) as answer:
                assert answer.status == expected
            request, body = made.received.get_nowait()
            assert (request.path, body) == ("/projects/p/topics/installation-events", b'{"message": {}}')
            assert request.headers["Content-Type"] == "application/json"
            token = request.headers["Authorization"].removeprefix("Bearer ")
            claims = jwt.decode(token, options={"verify_signature": False})
            assert (claims["email"], claims["aud"], claims["email_verified"]) == (PUSH_ACCOUNT, made.target, True)
            assert claims["iss"] == made.issuer.issuer(Realm.GOOGLE)

    run(tmp_path, scenario)


def test_the_relay_makes_no_token_for_one_who_does_not_know_its_secret(tmp_path: Path) -> None:
    async def scenario(made: Machine) -> None:
        relay = PushRelay(made.session, {"installer": made.target}, made.issuer.service_account)
        base = await start_push_relay(made.exits, relay)
        for path in ("/installer/projects/p/topics/t", "/guessed/installer/projects/p/topics/t", "/"):
            async with made.session.post(base + path) as answer:
                assert answer.status in (404, 405)
        async with made.session.post(f"{base}{relay.path('unknown')}/projects/p/topics/t") as answer:
            assert answer.status == 404
        assert made.received.empty()

    run(tmp_path, scenario)


def test_a_push_waits_for_a_function_that_is_being_started_and_not_for_ever(tmp_path: Path) -> None:
    async def scenario(made: Machine) -> None:
        with ReservedPort() as port:
            urls = {"installer": port.url}
            relay = PushRelay(made.session, urls, made.issuer.service_account, restart_seconds=0.5)
            push = f"{await start_push_relay(made.exits, relay)}{relay.path('installer')}/projects/p/topics/t"
            async with made.session.post(push) as answer:
                assert answer.status == 503
            waiting = asyncio.create_task(made.session.post(push))
            await asyncio.sleep(0.2)
            runner = web.ServerRunner(web.Server(lambda _: asyncio.sleep(0, web.Response(status=204))))
            await runner.setup()
            made.exits.push_async_callback(runner.cleanup)
            await web.SockSite(runner, listening_socket(port.number)).start()
            async with await waiting as answer:
                assert answer.status == 204

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8080"},
        {"Host": "localhost@evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
    ],
)
def test_no_server_of_the_machine_answers_a_web_page_of_another_origin(headers: dict[str, str], tmp_path: Path) -> None:
    async def scenario(made: Machine) -> None:
        relay = PushRelay(made.session, {"installer": made.target}, made.issuer.service_account)
        base = await start_push_relay(made.exits, relay)
        wheels = await start_wheel_host(made.exits, made.state_dir, local_tls(made.state_dir))
        tls = ssl.create_default_context(cafile=str(ca_file(made.state_dir)))
        jwks = made.issuer.jwks_url(Realm.GOOGLE)
        push = f"{base}{relay.path('installer')}/projects/p/topics/t"
        bucket = (await start_bucket(made.exits, made.state_dir, local_tls(made.state_dir))).endpoint
        tls.load_verify_locations(cafile=str(ca_file(made.state_dir)))
        asked = (("GET", jwks), ("GET", f"{wheels}/a.whl"), ("GET", f"{bucket}/artifacts/a"), ("POST", push))
        for method, url in asked:
            async with made.session.request(method, url, headers=headers, ssl=tls) as answer:
                assert answer.status == 403
                assert "this machine" in await answer.text() or "web page" in await answer.text()
        assert made.received.empty()

    run(tmp_path, scenario)
