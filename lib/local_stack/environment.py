"""The environment of the functions on one machine: every setting they need, pointed at the local stand-ins."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local_stack.callers import PUSH_ACCOUNT, SCHEDULER_ACCOUNT, TASKS_ACCOUNT
from local_stack.emulators import EmulatorHosts
from local_stack.indexes import index_settings
from local_stack.interpreters import Interpreter
from local_stack.issuer import Realm, TokenIssuer
from local_stack.proxies import unproxied
from local_stack.servers import BUCKET, BucketHost
from local_stack.sigstore import root_file


@dataclass(frozen=True)
class Surroundings:
    """Where the stand-ins are, as the functions' settings need it. Endpoints are `host:port`.

    `interpreters` has what the process node runs pods with, the default first. `cells` has the kubeconfigs of the cells
    beside the default one, whose kubeconfig is `kubeconfig`.
    """

    project: str
    emulators: EmulatorHosts
    tasks_endpoint: str
    queue_urls: Mapping[str, str]
    issuer: TokenIssuer
    check_in_key: str
    config_key_file: Path
    hub_id: str
    kubeconfig: Path
    wheels_url: str
    logs_endpoint: str
    ca_file: Path
    bucket: BucketHost
    interpreters: Sequence[Interpreter]
    namespace_prefix: str = ""
    cells: Mapping[str, Path] = field(default_factory=dict)


def namespace_prefix(hub_id: str) -> str:
    """What a hub's namespaces begin with in a cluster that other hubs use too, where each may have the same tenants."""
    return f"hub-{hub_id.removeprefix('local-')[:8]}-"


def function_environment(around: Surroundings, caller: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment with the stack's settings in it; a HUB_* variable that the caller set wins."""
    chosen = {name: value for name, value in caller.items() if name.startswith("HUB_") and value}
    return {**caller, **_for_libraries(around, caller), **_for_settings(around), **index_settings(caller), **chosen}


def _for_settings(around: Surroundings) -> dict[str, str]:
    issuer = around.issuer
    port = urlsplit(around.wheels_url).port
    default = around.interpreters[0]
    return {
        "HUB_TASKS_ENDPOINT": around.tasks_endpoint,
        "HUB_TASKS_SERVICE_ACCOUNT": TASKS_ACCOUNT,
        "HUB_PUSH_SERVICE_ACCOUNT": PUSH_ACCOUNT,
        "HUB_SCHEDULER_SERVICE_ACCOUNT": SCHEDULER_ACCOUNT,
        "HUB_CALLER_ISSUER": issuer.issuer(Realm.GOOGLE),
        "HUB_CALLER_JWKS_URL": issuer.jwks_url(Realm.GOOGLE),
        "HUB_QUEUE_URLS": ",".join(f"{queue}={url}" for queue, url in around.queue_urls.items()),
        "HUB_CUSTOMER_ISSUER": issuer.issuer(Realm.CUSTOMER),
        "HUB_CUSTOMER_JWKS_URL": issuer.jwks_url(Realm.CUSTOMER),
        "HUB_CONSOLE_ISSUER": issuer.issuer(Realm.CONSOLE),
        "HUB_CONSOLE_JWKS_URL": issuer.jwks_url(Realm.CONSOLE),
        "HUB_CUSTOMER_LOOKUP_URL": issuer.lookup_url(Realm.CUSTOMER),
        "HUB_CUSTOMER_LOOKUP_SECRET": issuer.lookup_secret(Realm.CUSTOMER),
        "HUB_CONSOLE_LOOKUP_URL": issuer.lookup_url(Realm.CONSOLE),
        "HUB_CONSOLE_LOOKUP_SECRET": issuer.lookup_secret(Realm.CONSOLE),
        "HUB_CHECK_IN_KEYS": around.check_in_key,
        "HUB_CONFIG_KEY_FILE": str(around.config_key_file),
        # Caution that is measured in hours shows nothing to a person who waits for it.
        "HUB_RELEASE_AGE_SECONDS": "0",
        "HUB_BAKE_SECONDS": "5",
        "HUB_WAVE_POLL_SECONDS": "1",
        "HUB_KUBECONFIG": str(around.kubeconfig),
        "HUB_CELLS": ",".join(f"{cell}={kubeconfig}" for cell, kubeconfig in around.cells.items()),
        "HUB_CLUSTER_HUB_ID": around.hub_id,
        "HUB_CLUSTER_NAMESPACE_PREFIX": around.namespace_prefix,
        "HUB_PUBLISHER_ISSUERS": ",".join(f"{one}={issuer.issuer(one)}" for one in (Realm.GITHUB, Realm.GITLAB)),
        "HUB_PUBLISHER_AUDIENCE": around.project,
        "HUB_ATTESTATION_ROOT": str(root_file(issuer.keys_dir)),
        "HUB_LOGS_VIEW": f"projects/{around.project}/locations/global/buckets/_Default/views/pods",
        "HUB_LOGS_ENDPOINT": around.logs_endpoint,
        "HUB_RUNTIME_IMAGE": default.image,
        "HUB_RUNTIME_PYTHON": default.version,
        "HUB_RUNTIME_PLATFORM": _platform(),
        "HUB_RUNTIME_PUBSUB_ENDPOINT": f"http://{around.emulators.pubsub}",
        "HUB_RUNTIME_CA_FILE": str(around.ca_file),
        "HUB_WHEEL_CA_FILE": str(around.ca_file),
        "HUB_ARTIFACTS_BUCKET": BUCKET,
        "HUB_ARTIFACTS_ENDPOINT": around.bucket.endpoint,
        "HUB_ARTIFACTS_KEY_FILE": str(around.bucket.key_file),
        "HUB_ARTIFACTS_CA_FILE": str(around.ca_file),
        "HUB_INDEX_CA_FILE": str(around.ca_file),
        "HUB_WHEEL_PRIVATE_HOSTS": f"localhost:{port},127.0.0.1:{port}",
    }


def _platform() -> str:
    """The newest platform tag of a wheel that this machine loads."""
    library, release = platform.libc_ver()
    minor = release.partition(".")[2] or "17"
    family = f"manylinux_2_{minor}" if library == "glibc" else "musllinux_1_2"
    return f"{family}_{platform.machine()}"


def _for_libraries(around: Surroundings, caller: Mapping[str, str]) -> dict[str, str]:
    return {
        **around.emulators.environment,
        "GOOGLE_CLOUD_PROJECT": around.project,
        "PYTHONUNBUFFERED": "1",
        # gRPC and others would send calls to the emulators through a proxy.
        **unproxied(caller),
    }
