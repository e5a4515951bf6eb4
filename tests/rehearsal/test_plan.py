"""Terraform itself plans the configuration, against providers made from the real providers' schemas."""

import functools
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local_stack.console import read_release, security_headers
from local_stack.function_list import COMBINED, FUNCTIONS
from tests.rehearsal.deployment import Deployment, Service
from tests.rehearsal.terraform_cli import ROOT, Terraform, working_copy

STANDARD = ROOT / "terraform" / "terraform.tfvars.example"
EXAMPLES = sorted(path.name for path in (ROOT / "terraform" / "examples").iterdir())

pytestmark = pytest.mark.skipif(shutil.which("terraform") is None, reason="there is no `terraform` on the PATH")


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    with working_copy(tmp_path_factory.mktemp("configuration")) as ready:
        yield ready


# Settings that leave out what exists already, or ask for what enterprises do, beyond those of the examples. Those that
# concern different resources share a plan.
EXISTING = "an existing cluster of another project, private registries and indexes, and an audit sink"
OWN = "keys of one's own, a console, egress through the network, and two domains"
SETTINGS: dict[str, dict[str, Any]] = {
    EXISTING: {
        "cluster": {"existing": {"name": "shared", "location": "europe-west1", "project": "clusters-1"}},
        "cells": {"second": {"existing": {"name": "shared-2", "location": "europe-west1"}}},
        "image_pull_credentials": {"secret": "pull-logins"},
        "index_credentials": {"secret": "index-logins", "version": "3"},
        "allowed_images": ["europe-docker.pkg.dev/acme/base/**"],
        "audit": {"sink": "logging.googleapis.com/projects/a/locations/global/buckets/b"},
    },
    OWN: {
        "encryption": {"key": "projects/k/locations/europe-west1/keyRings/r/cryptoKeys/c"},
        "web_console": {"client_id": "console-app"},
        "egress": "network",
        "network": {"static_addresses": 2},
        "domain": "hub.example.com",
        "more_domains": ["new.example.com"],
        "suffix": "2",
    },
}


def made(plan: dict[str, Any]) -> Counter[str]:
    """How many of each type of resource a plan makes."""
    return Counter(change["type"] for change in plan["resource_changes"] if "create" in change["change"]["actions"])


@pytest.fixture(scope="module")
def plan_of(terraform: Terraform) -> Callable[[str], dict[str, Any]]:
    """The plan of one of SETTINGS by its name; several tests look at the same."""
    return functools.cache(lambda name: planned(terraform, SETTINGS[name]))


WHERE = ("-var=project=demo-project", "-var=region=europe-west1")


@dataclass(frozen=True)
class Example:
    """An example's root, ready to be applied, and its plan."""

    root: Terraform
    plan: dict[str, Any]


@pytest.fixture(scope="module")
def example(terraform: Terraform) -> Callable[[str], Example]:
    """One of EXAMPLES by its name; it is planned once, before anything of it is there."""
    return functools.cache(lambda name: planned_example(terraform, name))


def planned_example(terraform: Terraform, name: str) -> Example:
    folder = terraform.directory / "examples" / name
    (folder / ".build").symlink_to(terraform.directory / ".build")
    root = terraform.root(folder)
    root.init()
    return Example(root, root.plan(*WHERE))


def planned(terraform: Terraform, settings: dict[str, Any]) -> dict[str, Any]:
    chosen = (
        f"-var={name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in settings.items()
    )
    return terraform.plan(*WHERE, f"-var-file={STANDARD}", *chosen)


def test_an_existing_cluster_is_neither_made_nor_put_into_a_network(plan_of: Callable[[str], dict[str, Any]]) -> None:
    plan = plan_of(EXISTING)
    assert not made(plan).keys() & {"google_container_cluster", "google_compute_network", "google_compute_router_nat"}
    roles = [one for one in plan["resource_changes"] if one["type"] == "google_project_iam_custom_role"]
    projects = {role["address"].rpartition(".")[2]: role["change"]["after"]["project"] for role in roles}
    assert projects.pop("gets_objects") == "demo-project", "the bucket's project"
    assert set(projects.values()) == {"clusters-1"}, "a role on the cluster is of the cluster's project"


def test_a_shared_vpc_gives_googles_agents_their_rights_in_the_host_project(example: Callable[[str], Example]) -> None:
    plan = example("existing-network").plan
    assert made(plan)["google_compute_subnetwork_iam_member"] == 4
    assert made(plan)["google_compute_network"] == 0
    (grant,) = [one for one in plan["resource_changes"] if one["address"].endswith("host_agent[0]")]
    assert grant["change"]["after"]["project"] == "network-project"


def test_without_a_gateway_one_function_answers_every_route_at_its_own_address(
    example: Callable[[str], Example],
) -> None:
    plan = example("small").plan
    services = [
        one["change"]["after"] for one in plan["resource_changes"] if one["type"] == "google_cloud_run_v2_service"
    ]
    public = {service["name"]: service["ingress"] for service in services if service["invoker_iam_disabled"] == "true"}
    assert public == {"hub-api": "INGRESS_TRAFFIC_ALL"}
    assert not {"google_compute_backend_service", "google_compute_security_policy"} & made(plan).keys()
    url = plan["planned_values"]["outputs"]["api_url"]["value"]
    assert url == "https://hub-api-123456789012.europe-west1.run.app"


def test_the_pods_of_a_cell_that_exists_may_what_those_of_the_first_cluster_may(
    plan_of: Callable[[str], dict[str, Any]],
) -> None:
    plan = plan_of(EXISTING)
    pods: dict[str, set[str]] = {}
    for change in plan["resource_changes"]:
        member = str((change["change"]["after"] or {}).get("member"))
        if found := re.search(r"kubernetes\.cluster/.*/clusters/(.+)", member):
            pods.setdefault(found[1], set()).add(change["type"])
    assert set(pods) == {"shared", "shared-2"}
    assert pods["shared"] == pods["shared-2"] == {"google_pubsub_topic_iam_member", "google_storage_bucket_iam_member"}


def test_each_store_is_encrypted_with_the_given_key(plan_of: Callable[[str], dict[str, Any]]) -> None:
    plan = plan_of(OWN)
    kinds = {
        "google_artifact_registry_repository",
        "google_cloud_run_v2_service",
        "google_container_cluster",
        "google_firestore_database",
        "google_pubsub_topic",
        "google_secret_manager_secret",
        "google_storage_bucket",
    }
    changes = [one for one in plan["resource_changes"] if one["type"] in kinds]
    assert {one["type"] for one in changes} == kinds
    key = SETTINGS[OWN]["encryption"]["key"]
    assert [one["address"] for one in changes if key not in json.dumps(one["change"]["after"])] == []


def test_the_console_is_in_its_bucket_as_the_local_gateway_serves_it(plan_of: Callable[[str], dict[str, Any]]) -> None:
    plan = plan_of(OWN)
    after = [
        one["change"]["after"] for one in plan["resource_changes"] if one["type"] == "google_storage_bucket_object"
    ]
    objects = {one["name"]: one for one in after if (one.get("name") or "").startswith("app/")}
    release, files = read_release()
    assert set(objects) == {"app/index.html", "app/config.json", *(f"app/{release}/{name}" for name in files)}
    assert f'src="{release}/app.js"' in objects["app/index.html"]["content"]
    assert json.loads(objects["app/config.json"]["content"])["client_id"] == "console-app"
    assert objects["app/index.html"]["cache_control"] == "no-cache"
    assert objects[f"app/{release}/pages/catalog.js"]["content_type"] == "text/javascript; charset=utf-8"
    (backend,) = [one for one in plan["resource_changes"] if one["type"] == "google_compute_backend_bucket"]
    issuer = plan["variables"]["customer_realm"]["value"]["issuer"]
    headers = [f"{name}: {value}" for name, value in security_headers(issuer).items()]
    assert sorted(backend["change"]["after"]["custom_response_headers"]) == sorted(headers)


def test_logins_of_private_registries_and_indexes_go_to_functions_by_the_names_of_their_secrets(
    plan_of: Callable[[str], dict[str, Any]],
) -> None:
    plan = plan_of(EXISTING)
    # A function's secrets are its grants and its variables alike: one map makes both.
    of_function = re.compile(r'module\.function\["(\w+)"\]\.google_secret_manager_secret_iam_member\.this\["(\w+)"\]')
    readers: dict[tuple[str, str], set[str]] = {}
    for change in plan["resource_changes"]:
        if found := of_function.search(change["address"]):
            secret = change["change"]["after"].get("secret_id") or ""
            readers.setdefault((found[2], secret), set()).add(found[1])
    assert readers["HUB_INDEX_CREDENTIALS", "index-logins"] == {"publishing", "sweeper"}
    assert readers["HUB_IMAGE_PULL_CREDENTIALS", "pull-logins"] == {"installer", "sweeper"}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_plans(plan_of: Callable[[str], dict[str, Any]], name: str) -> None:
    assert made(plan_of(name)).total() > 150


def cells_told(service: Service) -> Iterator[str]:
    """The cells that a function is told to reach, and the weights of all of them."""
    for cell in filter(None, service.environment.get("HUB_CELLS", "").split(",")):
        named, endpoint = cell.split("=")
        assert endpoint.startswith("https://")
        yield named
    if weights := service.environment.get("HUB_CELL_WEIGHTS"):
        yield weights


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_plans_and_applies_and_a_second_plan_changes_nothing(
    example: Callable[[str], Example], name: str
) -> None:
    root, plan = example(name).root, example(name).plan
    assert {action for change in plan["resource_changes"] for action in change["change"]["actions"]} <= {
        "create",
        "read",
    }
    stands_for = [function for entry in COMBINED.values() for function in entry.combines]
    without_gateway = len(FUNCTIONS) - len(stands_for) + len(COMBINED)
    assert made(plan)["google_cloud_run_v2_service"] == (without_gateway if name == "small" else len(FUNCTIONS))
    root.apply()
    told = {frozenset(cells_told(service)) for service in Deployment(root.state()).services}
    assert told == ({frozenset({"second", "default=1,second=3"})} if name == "large" else {frozenset()})
    root.assert_settled(*WHERE)
