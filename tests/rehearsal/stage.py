"""The rehearsal's stage: every function from its zip, between stand-ins that demand what Google demands."""

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import zipfile
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import trustme
from aiohttp import web

from local_kubernetes.cluster import EmbeddedCluster
from local_stack.emulators import EmulatorHosts
from local_stack.issuer import Realm, TokenIssuer
from local_stack.issuer_server import issuer_application
from local_stack.ports import LOOPBACK, ReservedPort, listening_socket, port_of
from local_stack.processes import bound_to_parent, log_tail
from local_stack.task_queue import hub_queue
from local_stack.tasks import LocalTasks, TasksServer
from local_stack.wheelhost import wheel_application
from tests.function_site import bring_bytecode
from tests.rehearsal import google_apis, kms, storage
from tests.rehearsal.cloud_run import CloudRun, gateway
from tests.rehearsal.cluster_front import cluster_front
from tests.rehearsal.delivery import PubSubPush, run_job, task_sender
from tests.rehearsal.deployment import Deployment, Service
from tests.rehearsal.egress import Egress
from tests.rehearsal.iam import Iam
from tests.rehearsal.metadata import metadata_server
from tests.rehearsal.rest_pubsub import rest_pubsub

_START_SECONDS = 120.0
_SWEEP_SECONDS = 2.0
_UNPROXIED = "localhost,127.0.0.1"


@dataclass(frozen=True)
class Ground:
    """What stands before Terraform has run: issuer, wheel host, the authority that every stand-in's name is from."""

    folder: Path
    project: str
    authority: trustme.CA
    issuer_port: int
    wheels_port: int

    @property
    def issuer_url(self) -> str:
        """The issuer's address, without a slash at its end."""
        return f"https://localhost:{self.issuer_port}"

    @property
    def bundle(self) -> Path:
        """The certificates that every process of the stage trusts: the stage's own alone.

        Nothing else can be reached. Reading the 140 public ones is most of the start of a client's TLS.
        """
        return self.folder / "trusted.pem"

    @property
    def wheels(self) -> Path:
        """The wheel host's folder."""
        return self.folder / "wheels"

    def wheel_url(self, wheel: Path) -> str:
        """The address of a wheel in the wheel host's folder."""
        return f"https://localhost:{self.wheels_port}/{wheel.name}"


@contextmanager
def ground(folder: Path, project: str) -> Iterator[Ground]:
    """Reserve what the configuration has to name, and write what is trusted.

    Both ports stay reserved: a minute passes until a stage listens, and tests beside this one ask for free ports.
    """
    authority = trustme.CA()
    with ReservedPort() as issuer, ReservedPort() as wheels:
        made = Ground(folder, project, authority, issuer.number, wheels.number)
        made.wheels.mkdir()
        authority.cert_pem.write_to_path(str(made.bundle))
        yield made


class Stage:
    """Everything that runs. An asynchronous context manager, which sets the addresses below once it is entered.

    `url` is the gateway's and `cluster_url` the control plane's. `proxy` is the functions' way out and `pods_proxy` the
    pods', `metadata_urls` the metadata server of each function.
    """

    url: str
    cluster_url: str
    proxy: str
    pods_proxy: str

    def __init__(
        self,
        on: Ground,
        deployment: Deployment,
        zips: Path,
        emulators: EmulatorHosts,
        site_of: Callable[[Path], Path],
        scratch: Path,
    ) -> None:
        """`scratch` is an empty folder for what this stage writes: unpacked functions, logs, pods."""
        self._on = on
        self._scratch = scratch
        self._deployment = deployment
        self._zips = zips
        self._emulators = emulators
        self._site_of = site_of
        self._exits = AsyncExitStack()
        self._background: list[asyncio.Task[None]] = []
        self._processes: dict[subprocess.Popen[bytes], signal.Signals] = {}
        self.iam = Iam(deployment)
        self.metadata_urls: dict[str, str] = {}
        self.issuer = TokenIssuer(on.issuer_url, on.folder / "keys")

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for process, ends_by in self._processes.items():
            _signal(process, ends_by)
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._exits.aclose()

    def refused(self) -> str:
        """What the stand-ins refused since `forget_refusals`, a line each."""
        return "\n".join([*self.iam.refusals, *self.run.refusals])

    def forget_refusals(self) -> None:
        """Begin anew with an empty list."""
        self.iam.refusals.clear()
        self.run.refusals.clear()

    def logs(self) -> str:
        """The end of each process's log, for whoever wants to know why."""
        return "\n".join(f"--- {log.stem}\n{log_tail(log, 8)}" for log in sorted(self._scratch.glob("*.log")))

    async def _start(self) -> None:
        self._session = await self._exits.enter_async_context(aiohttp.ClientSession())
        await self._serve(issuer_application(self.issuer), self._on.issuer_port, tls=True)
        await self._serve(wheel_application(self._on.wheels), self._on.wheels_port, tls=True)
        ports = {service.name: ReservedPort() for service in self._deployment.services}
        for port in ports.values():
            self._exits.callback(port.release)
        numbers = {name: port.number for name, port in ports.items()}
        self.run = CloudRun(self._deployment, self.issuer, self._session, numbers)
        tasks = await self._start_tasks()
        grpc_port = self._start_google_apis(tasks)
        cluster = await self._start_cluster()
        storage_port = await self._start_storage()
        kms_port = await self._serve(kms.kms(self.iam, self._deployment.kms_keys), tls=True, names=kms.HOSTS)
        ways_out = dict.fromkeys(google_apis.HOSTS, grpc_port) | dict.fromkeys(storage.HOSTS, storage_port)
        egress = Egress(ways_out | dict.fromkeys(kms.HOSTS, kms_port))
        self.proxy = await egress.start()
        self._exits.callback(egress.stop)
        await self._start_pods(cluster, storage_port)
        self.cluster_url = await self._start_cluster_front(cluster)
        around = {"HUB_CLUSTER_ENDPOINT": self.cluster_url, "https_proxy": self.proxy}
        await asyncio.gather(
            *(self._start_function(one, numbers[one.name], around) for one in self._deployment.services)
        )
        self.url = f"http://{LOOPBACK}:{await self._serve(gateway(self._deployment, self.run))}"
        await self._start_delivery()

    async def _start_tasks(self) -> TasksServer:
        tasks = LocalTasks(task_sender(self.run, self.issuer.service_account))
        server = TasksServer(tasks)
        self._exits.push_async_callback(server.stop)
        await server.start()
        for queue in self._deployment.queues:
            tasks.add_queue(hub_queue(queue))
        return server

    def _start_google_apis(self, tasks: TasksServer) -> int:
        targets = {
            "google.firestore.v1.Firestore": self._emulators.firestore,
            "google.pubsub.v1.Publisher": self._emulators.pubsub,
            "google.cloud.tasks.v2.CloudTasks": f"{LOOPBACK}:{tasks.port}",
        }
        server, port = google_apis.serve(self.iam, targets, self._on.authority)
        self._exits.callback(lambda: server.stop(grace=None).wait())
        return port

    async def _start_cluster(self) -> EmbeddedCluster:
        cluster = EmbeddedCluster()
        await cluster.start()
        self._exits.push_async_callback(cluster.stop)
        return cluster

    async def _start_cluster_front(self, cluster: EmbeddedCluster) -> str:
        port = await self._serve(
            cluster_front(self.iam, self._deployment.cluster_access, self._session, cluster), tls=True
        )
        return f"https://localhost:{port}"

    async def _start_storage(self) -> int:
        """The bucket that the functions' settings name."""
        bucket = self._deployment.services[0].environment["HUB_ARTIFACTS_BUCKET"]
        folder = self._scratch / "artifacts"
        return await self._serve(storage.storage(self.iam, bucket, folder), tls=True, names=storage.HOSTS)

    async def _start_pods(self, cluster: EmbeddedCluster, storage_port: int) -> None:
        """The node; its pods publish as the cluster's workloads, through a way out of their own."""
        publishers = [grant.member for grant in self._deployment.grants if grant.member.startswith("principalSet:")]
        workloads = publishers[0] if publishers else "principalSet://nobody"
        rest = await self._serve(
            rest_pubsub(self.iam, self._session, self._emulators.pubsub), tls=True, names=("pubsub.googleapis.com",)
        )
        egress = Egress({"pubsub.googleapis.com": rest, "storage.googleapis.com": storage_port})
        self.pods_proxy = await egress.start()
        self._exits.callback(egress.stop)
        metadata = await self._serve(metadata_server(self.iam, self.issuer, workloads, self._on.project))
        kubeconfig = self._scratch / "kubeconfig"
        kubeconfig.write_text(cluster.kubeconfig())
        kubeconfig.chmod(0o600)
        environment = {
            **self._machine(),
            "HTTPS_PROXY": self.pods_proxy,
            "GCE_METADATA_HOST": f"{LOOPBACK}:{metadata}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        command = [sys.executable, "-m", "local_kubernetes.node", "--kubeconfig", str(kubeconfig)]
        # The node ends its pods first.
        self._spawn("node", [*command, "--state-dir", str(self._scratch / "node")], environment, signal.SIGTERM)

    async def _start_function(self, service: Service, port: int, around: Mapping[str, str]) -> None:
        """Its zip unpacked, its own distributions and no others, its own account, and the framework's own command."""
        folder = self._scratch / service.function
        with zipfile.ZipFile(self._zips / f"{service.function}.zip") as archive:
            archive.extractall(folder)
        bring_bytecode(folder)
        metadata = await self._serve(metadata_server(self.iam, self.issuer, service.account, self._on.project))
        self.metadata_urls[service.function] = f"http://{LOOPBACK}:{metadata}"
        environment = {
            **self._machine(),
            **service.environment,
            **{name: self._secret(service, secret) for name, secret in service.secrets.items()},
            **around,
            # Cloud Run's own variables.
            "PORT": str(port),
            "K_SERVICE": service.name,
            "K_REVISION": f"{service.name}-00001",
            "K_CONFIGURATION": service.name,
            "GCE_METADATA_HOST": f"{LOOPBACK}:{metadata}",
            "GCE_METADATA_IP": f"{LOOPBACK}:{metadata}",
            "PYTHONPATH": str(self._site_of(folder / "requirements.txt")),
            # The wheel host is on this machine, and no operator would allow a private address.
            "HUB_WHEEL_PRIVATE_HOSTS": f"localhost:{self._on.wheels_port}",
            # Google signs its own tokens; here the stage's issuer does.
            "HUB_CALLER_ISSUER": self.issuer.issuer(Realm.GOOGLE),
            "HUB_CALLER_JWKS_URL": self.issuer.jwks_url(Realm.GOOGLE),
        }
        options = ["--target", service.function, "--source", "main.py", "--host", LOOPBACK]
        command = [sys.executable, "-S", "-m", "functions_framework", *options]
        # It would wait for connections that nobody uses any more.
        process = self._spawn(service.function, command, environment, signal.SIGKILL, folder)
        await self._until_it_listens(service.function, process, port)

    def _secret(self, service: Service, secret: str) -> str:
        self.iam.check(service.account, "secretmanager.versions.access", [secret])
        return self._deployment.secret(secret) or "a-check-in-key-that-terraform-keeps-out-of-its-state"

    async def _start_delivery(self) -> None:
        push = PubSubPush(self._deployment, self._session, self._emulators.pubsub, self._on.project, self.run)
        await push.create()
        make_token = self.issuer.service_account
        for one in self._deployment.pushes:
            self._in_background(push.deliver(one, make_token))
        for job in self._deployment.jobs:
            self._in_background(run_job(self.run, job, make_token, _SWEEP_SECONDS))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        self._background.append(asyncio.create_task(work))

    def _machine(self) -> dict[str, str]:
        """What every process gets: which certificates to trust, and nothing of whoever runs this."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._scratch),
            "TMPDIR": str(self._scratch),
            "SSL_CERT_FILE": str(self._on.bundle),
            "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(self._on.bundle),
            "REQUESTS_CA_BUNDLE": str(self._on.bundle),
            "no_proxy": _UNPROXIED,
            "NO_PROXY": _UNPROXIED,
            "PYTHONUNBUFFERED": "1",
        }

    def _spawn(
        self,
        name: str,
        command: list[str],
        environment: Mapping[str, str],
        ends_by: signal.Signals,
        folder: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        with (self._scratch / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                bound_to_parent(command),
                env=dict(environment),
                cwd=folder or self._scratch,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes[process] = ends_by
        self._exits.push_async_callback(_end, process)
        return process

    async def _until_it_listens(self, name: str, process: subprocess.Popen[bytes], port: int) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            assert process.poll() is None, f"{name} ended at its start:\n{log_tail(self._scratch / f'{name}.log')}"
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return
        raise AssertionError(f"{name} did not listen:\n{log_tail(self._scratch / f'{name}.log')}")

    async def _serve(
        self, application: web.Application, port: int = 0, *, tls: bool = False, names: tuple[str, ...] = ("localhost",)
    ) -> int:
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        self._exits.push_async_callback(_stop, runner)
        await runner.setup()
        listener = listening_socket(port)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if tls else None
        if context is not None:
            self._on.authority.issue_cert(*names).configure_cert(context)
        await web.SockSite(runner, listener, ssl_context=context).start()
        return port_of(listener)


async def _stop(runner: web.AppRunner) -> None:
    """Stop serving. TLS would wait for each client's own goodbye, and the event loop may end before that comes."""
    transports = [connection.transport for connection in runner.server.connections] if runner.server else []
    await runner.cleanup()
    for transport in transports:
        if transport is not None:
            transport.abort()
    await asyncio.sleep(0.01)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was asked to end, and end all that it started.

    The event loop goes on meanwhile: the node ends its pods by the cluster's API, which this loop serves.
    """
    with suppress(subprocess.TimeoutExpired):
        await asyncio.to_thread(process.wait, 5)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
