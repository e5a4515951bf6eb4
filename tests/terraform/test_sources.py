"""Each function's zip, unpacked alone beside its requirements only, starts under functions-framework and answers.

A function sees links to the distributions of its own requirements.txt and to no others, so that one which is missing
there is missing.
"""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from terraform.tools.configuration import TERRAFORM, read
from terraform.tools.package import contents, make
from tests.function_site import bring_bytecode, installed_distributions, site_maker

from local_stack.function_list import ALL, FUNCTIONS_DIR
from provider_hub.adapters.identity.realm import REMOVED_SIGNATURE
from provider_hub.domain.records import Queue
from provider_hub.http.route import Access
from provider_hub.http.table import ROUTES
from provider_hub.settings.everything import AllSettings, variable_name

MODULE = read(TERRAFORM / "modules" / "function")
LIB = FUNCTIONS_DIR.parent / "lib"
NOWHERE = "127.0.0.1:9"
AUDIENCE = "https://service.example"
# Settings that not just any text is a value of.
CONSTRAINED = (
    "runtime_class",
    "runtime_user_namespaces",
    "cluster_namespace_prefix",
    "runtime_python",
    "runtime_platform",
    "default_scope",
)
# What each kind of trigger is answered where there is no database: a task or a check-in that cannot be read is dropped,
# every other message is to be delivered again, and a sweep leaves everything to the next one.
PUSHED = "/projects/p/topics/t"
ANSWERS = {"queue": ("/", 204), "schedule": ("/", 204), "topic": (PUSHED, 503), "dead_letters": (PUSHED, 503)}
OPEN = {Access.ANYONE, Access.ANYONE_OR_CUSTOMER}
DROPPED = {"registration"}
PROGRAM = """
import json, sys
from functions_framework import create_app
target, method, path, token = sys.argv[1:]
client = create_app(target, "main.py").test_client()
headers = {"Authorization": "Bearer " + token}
print(client.open(path, method=method, data=b"nothing readable", headers=headers).status_code)
print(json.dumps(sorted(name for name in sys.modules if name.startswith("provider_hub"))))
"""


@pytest.fixture(scope="session")
def site_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """A folder with the distributions of a requirements.txt and no others."""
    return site_maker(installed_distributions(), lambda: tmp_path_factory.mktemp("site"))


@pytest.mark.timeout(400)
@pytest.mark.parametrize("function", ALL)
def test_a_zip_alone_with_its_requirements_starts_and_answers(
    function: str, site_of: Callable[[Path], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "function"
    for name, file in contents(function).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(file.read_bytes())
    bring_bytecode(folder)
    site = site_of(folder / "requirements.txt")
    method, path, expected = request_for(function)
    token = "no-customers-token" if ALL[function].is_public else callers_token()
    ran = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM, function, method, path, token],
        cwd=folder,
        env=environment(site, folder, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    status, modules = ran.stdout.splitlines()[-2:]
    assert int(status) == expected, ran.stderr
    assert "provider_hub.settings.core" in json.loads(modules)


def request_for(function: str) -> tuple[str, str, int]:
    """Method, path and status of a request that is decided without a database."""
    if ALL[function].is_public:
        own = {function, *ALL[function].combines}
        route = next(route for route in ROUTES if route.function in own and route.access not in OPEN)
        return route.method, route.path, 401
    path, status = next(ANSWERS[trigger] for trigger in ALL[function].triggers)
    return "POST", path, 204 if function in DROPPED else status


@cache
def callers_token() -> str:
    """The OIDC token of a caller as a service sees it: Cloud Run has verified it and removed its signature."""
    now = int(time.time())
    claims = {
        "iss": "https://accounts.google.com",
        "aud": AUDIENCE,
        "sub": "1",
        "email": "given",
        "email_verified": True,
        "iat": now,
        "exp": now + 3600,
    }
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signed = jwt.encode(claims, key, algorithm="RS256", headers={"kid": "google"})
    return f"{signed.rpartition('.')[0]}.{REMOVED_SIGNATURE}"


def environment(site: Path, folder: Path, scratch: Path) -> dict[str, str]:
    """As Terraform gives it, with credentials that are good for nothing and a database that is not there."""
    credentials = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (scratch / "credentials.json").write_text(json.dumps(credentials))
    given: dict[str, Any] = read().local("environment")
    return {
        **{name: "7" if name.endswith(("_SECONDS", "_PERCENT", "_QUOTA")) else "given" for name in given},
        **{
            name: f"https://{name.lower().replace('_', '-')}.example"
            for name in given
            if name.endswith(("_ISSUER", "_URL", "_ENDPOINT"))
        },
        # Tokens are looked up only where an operator says so, and then with a secret.
        **{name: "" for name in given if name.endswith("_LOOKUP_URL")},
        "HUB_CALLER_AUDIENCE": AUDIENCE,
        "HUB_CALLER_SIGNATURE_REMOVED": "true",
        "HUB_CHECK_IN_KEYS": "key",
        "HUB_CELLS": "second=https://second.example",
        "HUB_CELL_WEIGHTS": "default=1,second=3",
        "HUB_QUEUES": ",".join(f"{queue}=hub-{queue}" for queue in Queue),
        "HUB_QUEUE_URLS": ",".join(f"{queue}=https://{queue}.example" for queue in Queue),
        **{variable_name(field): str(AllSettings.model_fields[field].default) for field in CONSTRAINED},
        "FIRESTORE_EMULATOR_HOST": NOWHERE,
        "PUBSUB_EMULATOR_HOST": NOWHERE,
        "GOOGLE_APPLICATION_CREDENTIALS": str(scratch / "credentials.json"),
        "PYTHONPATH": os.pathsep.join((str(folder), str(site))),
        "PATH": os.environ["PATH"],
    }


def test_the_zip_has_main_and_requirements_at_its_root_and_the_library_beside() -> None:
    names = set(contents("installer"))
    assert {"main.py", "requirements.txt", "provider_hub/__init__.py", "provider_hub/settings/everything.py"} <= names


def test_a_zip_holds_the_hubs_own_package_and_no_other() -> None:
    assert {name.partition("/")[0] for name in contents("installer")} == {
        "main.py",
        "requirements.txt",
        "provider_hub",
    }


def test_a_zips_name_carries_the_hash_of_its_content() -> None:
    stored = MODULE.resource("google_storage_bucket_object.source").body
    assert "${filesha256(local.archive)}" in stored["name"]
    assert MODULE.local("archive") == "${path.root}/.build/${var.function}.zip"


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (make(["catalog", "sweeper"], tmp_path / folder) for folder in ("a", "b"))
    assert first["catalog"].read_bytes() == second["catalog"].read_bytes()
    with zipfile.ZipFile(first["catalog"]) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: file.read_bytes() for name, file in contents("catalog").items()
        }
