"""The gateway in front of a real HTTP server: what passes unchanged, what it answers itself."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from local_stack.gateway import Gateway
from local_stack.ports import ReservedPort, listening_socket, port_of
from local_stack.servers import start_gateway

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
LARGE = b"x" * 3_000_000


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    """Tells what arrived, with a status and headers of its own."""
    length = 0
    async for chunk in request.content.iter_any():
        length += len(chunk)
    seen = {
        "method": request.method,
        "target": request.raw_path,
        "headers": [[name, value] for name, value in request.headers.items()],
        "length": length,
    }
    response = web.Response(status=201, reason="Made", body=json.dumps(seen).encode())
    response.headers["Content-Type"] = "application/json"
    response.headers["Location"] = "/elsewhere"
    response.headers.add("Set-Cookie", "a=1")
    response.headers.add("Set-Cookie", "b=2")
    response.headers["Connection"] = "X-Private"
    response.headers["X-Private"] = "of this connection"
    return response


async def stream(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3):
        await response.write(b"x" * 100_000)
    return response


async def function(request: web.BaseRequest) -> web.StreamResponse:
    return await (stream(request) if request.path == "/stream" else echo(request))


@asynccontextmanager
async def serving(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], port: int
) -> AsyncIterator[None]:
    runner = web.ServerRunner(web.Server(handler, auto_decompress=False))
    await runner.setup()
    await web.SockSite(runner, listening_socket(port)).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(port: int) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """A session and the base URL of a gateway that knows one function, at `port`; paths under /nope are nobody's."""
    async with AsyncExitStack() as exits:
        listener = listening_socket(0)
        routes = Gateway(
            lambda path: None if path.startswith("/nope") else "only", {"only": URL(f"http://127.0.0.1:{port}")}
        )
        await start_gateway(exits, routes, listener)
        session = await exits.enter_async_context(aiohttp.ClientSession())
        yield session, f"http://127.0.0.1:{port_of(listener)}"


def run(test: Callable[[aiohttp.ClientSession, str], Awaitable[None]]) -> None:
    """Run `test` against a gateway whose function is up."""

    async def main() -> None:
        with ReservedPort() as port:
            async with serving(function, port.number), gateway(port.number) as (session, url):
                await test(session, url)

    asyncio.run(main())


def test_the_path_arrives_as_it_was_sent() -> None:
    target = "/providers/a%2Fb/versions/1.0.0%2Bbuild.5//x?q=%20a+b&q=2&empty="

    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(URL(url + target, encoded=True)) as response:
            assert (await response.json())["target"] == target

    run(test)


def test_a_request_that_announces_too_much_is_refused_before_its_body_comes() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url + "/x", headers={"Content-Length": "99999999999999"}) as response:
            assert response.status == 413
            assert "hub publish" in (await response.json())["detail"]

    run(test)


def test_status_reason_and_headers_come_back_unchanged() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url + "/x") as response:
            assert (response.status, response.reason) == (201, "Made")
            assert response.headers["Content-Type"] == "application/json"
            assert response.headers["Location"] == "/elsewhere"
            assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]
            assert "X-Private" not in response.headers

    run(test)


def test_end_to_end_headers_arrive_and_those_of_the_connection_do_not() -> None:
    sent = {
        "X-Request-Id": "r-1",
        "Host": "localhost:8080",
        "Authorization": "Bearer t",
        "Connection": "keep-alive, X-Hop",
        "X-Hop": "1",
        "TE": "trailers",
        "X-Forwarded-For": "203.0.113.9",
    }

    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url + "/x", headers=sent, skip_auto_headers=("User-Agent", "Accept")) as response:
            seen = await response.json()
        arrived = {name.lower(): value for name, value in seen["headers"]}
        assert len(arrived) == len(seen["headers"])
        assert arrived["x-request-id"] == "r-1"
        assert arrived["host"] == "localhost:8080"
        assert arrived["authorization"] == "Bearer t"
        assert arrived["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"
        assert arrived["x-forwarded-proto"] == "http"
        assert not {"x-hop", "te", "user-agent"} & set(arrived)

    run(test)


def test_a_compressed_body_arrives_as_it_was_sent_even_when_it_is_none() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        for body in (gzip.compress(LARGE), b"not compressed at all"):
            async with session.post(url + "/x", data=body, headers={"Content-Encoding": "gzip"}) as response:
                seen = await response.json()
            assert seen["length"] == len(body)

    run(test)


def test_an_answer_of_the_gateways_own_has_a_request_id_too() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        for sent in ("r-1", "not one"):
            async with session.get(url + "/nope", headers={"X-Request-Id": sent}) as response:
                assert response.status == 404
                assert (response.headers["X-Request-Id"] == "r-1") == (sent == "r-1")

    run(test)


def test_bodies_pass_whatever_their_size_and_framing() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 100_000

    async def test(session: aiohttp.ClientSession, url: str) -> None:
        bodies: list[tuple[Any, int]] = [(b"", 0), (b"{}", 2), (io.BytesIO(LARGE), len(LARGE)), (chunks(), 300_000)]
        for body, length in bodies:
            async with session.post(url + "/x", data=body) as response:
                assert (await response.json())["length"] == length
        async with session.get(url + "/stream") as response:
            assert len(await response.read()) == 300_000

    run(test)


def test_a_client_that_waits_for_100_continue_gets_it() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(url + "/x", data=io.BytesIO(LARGE), expect100=True) as response:
            seen = await response.json()
        assert seen["length"] == len(LARGE)
        assert "expect" not in {name.lower() for name, _ in seen["headers"]}

    run(test)


def test_a_head_request_has_the_length_and_no_body() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.head(url + "/x") as response:
            assert response.status == 201
            assert int(response.headers["Content-Length"]) > 0
            assert await response.read() == b""

    run(test)


def test_an_unknown_path_is_404_in_json() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url + "/nope") as response:
            assert response.status == 404
            assert response.headers["Content-Type"] == "application/json"
            assert await response.json() == {"detail": "Not Found"}

    run(test)


async def answer(request: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> Any:
    async with request as response:
        return await response.json()


def test_a_request_waits_for_a_function_that_restarts() -> None:
    async def main() -> None:
        with ReservedPort() as port:
            async with gateway(port.number) as (session, url):
                waiting = asyncio.create_task(answer(session.post(url + "/x", data=b"once")))
                refused = await asyncio.wait({waiting}, timeout=0.3)
                assert not refused[0], "it was answered by nobody"
                async with serving(function, port.number):
                    assert (await waiting)["length"] == 4

    asyncio.run(main())


def test_a_post_that_may_have_been_carried_out_is_not_repeated() -> None:
    arrived = 0

    async def dies(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def main() -> None:
        with ReservedPort() as port:
            async with (
                serving(dies, port.number),
                gateway(port.number) as (session, url),
                session.post(url + "/x", data=b"once") as response,
            ):
                assert response.status == 503
                assert response.headers["Content-Type"] == "application/json"
                assert response.headers["Retry-After"] == "1"
                assert "try again" in (await response.json())["detail"]
        assert arrived == 1

    asyncio.run(main())


def test_a_get_whose_answer_broke_off_after_its_headers_is_asked_again() -> None:
    arrived = 0

    async def dies_once(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        if arrived > 1:
            return web.Response(text="whole")
        response = web.StreamResponse(headers={"Content-Length": "5"})
        await response.prepare(request)
        await response.write(b"who")
        assert request.transport is not None
        request.transport.close()
        return response

    async def main() -> None:
        with ReservedPort() as port:
            async with (
                serving(dies_once, port.number),
                gateway(port.number) as (session, url),
                session.get(url + "/x") as response,
            ):
                assert (response.status, await response.text()) == (200, "whole")
        assert arrived == 2

    asyncio.run(main())


def test_a_request_of_a_web_page_of_another_origin_reaches_no_function() -> None:
    async def test(session: aiohttp.ClientSession, url: str) -> None:
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            async with session.get(url + "/x", headers=headers) as answer:
                assert answer.status == 403
                assert (await answer.json())["detail"]
        async with session.get(url + "/x", headers={"Origin": url}) as answer:
            assert answer.status == 201

    run(test)
