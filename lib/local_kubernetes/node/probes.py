"""Probes: when to ask, what an answer means, and how to ask.

A process on this machine starts in a fraction of a second, so readiness and startup are asked for early and
often until the first success (every 0.2 s, growing to 1 s, never slower than `periodSeconds`), and by the
period from then on.
Only one failure in each period counts towards `failureThreshold`, so the patience a manifest asks for is kept.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Self

import aiohttp

from local_kubernetes.node.objects import Json

FIRST_INTERVAL = 0.2
FAST_LIMIT = 1.0

ProbeKind = Literal["startup", "readiness", "liveness"]
Exec = Callable[[list[str]], Awaitable[tuple[int, str]]]
"""Runs a command in the container; returns its exit code and output."""


@dataclass(frozen=True)
class ProbeSpec:
    """A probe of a manifest with Kubernetes' defaults filled in; times are seconds."""

    handler: Json
    initial_delay: float = 0
    period: float = 10
    timeout: float = 1
    success_threshold: int = 1
    failure_threshold: int = 3

    @classmethod
    def from_json(cls, probe: Json) -> Self:
        """The probe of a container's spec, with the API's defaults."""
        return cls(
            handler=probe,
            initial_delay=probe.get("initialDelaySeconds") or 0,
            period=probe.get("periodSeconds") or 10,
            timeout=probe.get("timeoutSeconds") or 1,
            success_threshold=probe.get("successThreshold") or 1,
            failure_threshold=probe.get("failureThreshold") or 3,
        )


@dataclass(frozen=True)
class ProbeResult:
    """One answer; `message` says what was wrong, for the event."""

    ok: bool
    message: str = ""


class ProbeMachine:
    """Counts answers into a verdict. `verdict` is None until a threshold is reached for the first time."""

    def __init__(self, spec: ProbeSpec) -> None:
        self.spec = spec
        self.verdict: bool | None = None
        self._successes = 0
        self._failures = 0
        self._seen_success = False
        self._interval = FIRST_INTERVAL
        self._counted_at: float | None = None

    def record(self, ok: bool, at: float) -> bool:
        """Take in an answer got at `at` (seconds of any steady clock); True when it counted."""
        if ok:
            self._seen_success = True
            self._failures = 0
            self._counted_at = None
            self._successes += 1
            if self._successes >= self.spec.success_threshold:
                self.verdict = True
            return True
        self._successes = 0
        if self._counted_at is not None and at - self._counted_at < self.spec.period:
            return False
        self._counted_at = at
        self._failures += 1
        if self._failures >= self.spec.failure_threshold:
            self.verdict = False
        return True

    @property
    def is_first_failure(self) -> bool:
        """Whether the only answer so far is one failure: then the process is starting and not unwell."""
        return not self._seen_success and self._failures == 1

    def next_delay(self) -> float:
        """Seconds until the next question."""
        if self._seen_success:
            return self.spec.period
        delay = min(self._interval, self.spec.period)
        self._interval = min(1.5 * self._interval, FAST_LIMIT)
        return delay


@dataclass(frozen=True)
class ProbeTarget:
    """Where a container's handlers lead: its pod's address, its named ports, its command runner."""

    address: str
    ports: dict[str, int]
    session: aiohttp.ClientSession
    execute: Exec


async def ask(handler: Json, timeout: float, target: ProbeTarget) -> ProbeResult:
    """Run one probe or lifecycle handler; every failure is an ProbeResult, none is raised."""
    try:
        async with asyncio.timeout(timeout):
            return await _dispatch(handler, target)
    except TimeoutError:
        return ProbeResult(False, f"no answer within {timeout:g} s")
    except aiohttp.ClientConnectorError as error:
        return ProbeResult(False, f"connect to {error.host}:{error.port}: {error.os_error.strerror or error}")
    except (aiohttp.ClientError, OSError) as error:
        return ProbeResult(False, str(error) or type(error).__name__)
    except (LookupError, ValueError) as error:
        return ProbeResult(False, f"the handler is not usable: {error}")


async def _dispatch(handler: Json, target: ProbeTarget) -> ProbeResult:
    if http := handler.get("httpGet"):
        return await _http(http, target)
    if tcp := handler.get("tcpSocket"):
        _, writer = await asyncio.open_connection(tcp.get("host") or target.address, _port(tcp["port"], target))
        writer.close()
        return ProbeResult(True)
    if command := handler.get("exec"):
        code, output = await target.execute(command.get("command") or [])
        return ProbeResult(code == 0, output.strip()[-1024:] or f"exit code {code}")
    if sleep := handler.get("sleep"):
        await asyncio.sleep(sleep.get("seconds", 0))
        return ProbeResult(True)
    raise LookupError("a process node knows httpGet, tcpSocket and exec")


async def _http(http: Json, target: ProbeTarget) -> ProbeResult:
    scheme = (http.get("scheme") or "HTTP").lower()
    path = "/" + (http.get("path") or "/").lstrip("/")
    url = f"{scheme}://{http.get('host') or target.address}:{_port(http['port'], target)}{path}"
    headers = [(header["name"], header["value"]) for header in http.get("httpHeaders") or []]
    # A kubelet's probe asks whether the process answers, not who it is: it takes any certificate.
    encryption: bool | ssl.SSLContext = scheme != "https"
    async with target.session.get(url, headers=headers, ssl=encryption, allow_redirects=False) as response:
        if 200 <= response.status < 400:
            return ProbeResult(True)
        return ProbeResult(False, f"HTTP probe failed with statuscode: {response.status}")


def _port(port: int | str, target: ProbeTarget) -> int:
    if isinstance(port, int):
        return port
    if port.isdigit():
        return int(port)
    if port not in target.ports:
        raise LookupError(f"no container port is named {port!r}")
    return target.ports[port]
