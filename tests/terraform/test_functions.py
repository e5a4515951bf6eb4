"""Every function has an account of its own, the right callers, and sizes that fit together."""

import re
from pathlib import Path
from typing import Any

import pytest
from terraform.tools.access import callers_of
from terraform.tools.configuration import TERRAFORM, Configuration, read
from terraform.tools.preflight import chosen

from local_stack.function_list import COMBINED, FUNCTIONS, FUNCTIONS_DIR, read_functions
from provider_hub.adapters.dependencies import uv
from provider_hub.adapters.limited_child import Limits
from provider_hub.domain.artifacts import MAX_BYTES
from provider_hub.domain.deadlines import LONGEST_REQUEST
from provider_hub.http.table import ROUTES

HUB = read()
MODULE = read(TERRAFORM / "modules" / "function")
SIZE = {"memory", "cpu", "concurrency", "timeout", "min_instances", "max_instances"}
_LONGEST_ACCOUNT = 30
_LONGEST_NAME_VARIABLE = 12


def resources(configuration: Configuration, kind: str) -> list[dict[str, Any]]:
    return [block.body for block in configuration.of("resource", kind)]


def test_every_function_of_the_system_is_provisioned() -> None:
    folders = {main.parent.name for main in FUNCTIONS_DIR.glob("*/main.py")}
    assert {*FUNCTIONS, *COMBINED} == folders
    assert 'jsondecode(file("${path.module}/../../../functions/functions.json"))' in HUB.local("declared")


def test_the_function_for_all_routes_stands_for_every_public_one_with_all_their_grants() -> None:
    (combined,) = COMBINED.values()
    public = {name: function for name, function in FUNCTIONS.items() if function.is_public}
    assert set(combined.combines) == set(public)
    for kind in {kind for function in public.values() for kind in function.access}:
        wanted = [function.access[kind] for function in public.values() if kind in function.access]
        if isinstance(wanted[0], dict):
            assert set(combined.access[kind]) == {place for places in wanted for place in places}
    assert set(combined.access) == {kind for function in public.values() for kind in function.access}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_a_whole_size_and_a_description(name: str) -> None:
    function = FUNCTIONS[name]
    assert set(function.size) - {"why"} == SIZE
    assert function.description.endswith(".")


@pytest.mark.parametrize("triggers", ["{}", '{"cron": "* * * * *"}'])
def test_a_function_that_nothing_calls_is_refused(triggers: str, tmp_path: Path) -> None:
    (tmp_path / "functions.json").write_text(f'{{"new": {{"description": "", "triggers": {triggers}}}}}')
    with pytest.raises(ValueError, match="new needs triggers among dead_letters, http"):
        read_functions(tmp_path / "functions.json")


def test_each_function_runs_as_a_service_account_of_its_own() -> None:
    (account,) = resources(MODULE, "google_service_account")
    (function,) = resources(MODULE, "google_cloud_run_v2_service")
    assert account["account_id"] == "${var.name}"
    (template,) = function["template"]
    assert template["service_account"] == "${google_service_account.this.email}"


def test_no_function_may_run_for_longer_than_the_hub_reckons_with() -> None:
    sizes = next(block.body for block in HUB.of("variable", "functions"))
    assert f"coalesce(size.timeout, 60) <= {LONGEST_REQUEST.seconds}]" in str(sizes["validation"])
    assert all(function.size["timeout"] <= LONGEST_REQUEST.seconds for function in FUNCTIONS.values())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_account_id_is_short_enough_beneath_the_longest_prefix(name: str) -> None:
    assert len(name) + 1 + _LONGEST_NAME_VARIABLE <= _LONGEST_ACCOUNT


def test_the_entry_point_is_named_like_the_folder() -> None:
    (function,) = resources(MODULE, "google_cloud_run_v2_service")
    assert function["build_config"][0]["function_target"] == "${var.function}"
    for name in FUNCTIONS:
        source = (FUNCTIONS_DIR / name / "main.py").read_text()
        assert f"\ndef {name}(" in source, f"functions/{name}/main.py has no function called {name}"


def test_only_functions_with_routes_are_public() -> None:
    public = {name for name, function in FUNCTIONS.items() if function.is_public}
    assert public == {route.function for route in ROUTES}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_called_by_what_triggers_it(name: str) -> None:
    callers = set(callers_of(FUNCTIONS[name], HUB))
    triggers = set(FUNCTIONS[name].triggers)
    assert ("push" in callers) == bool(triggers & {"topic", "dead_letters"})
    assert ("tasks" in callers) == ("queue" in triggers)
    assert ("scheduler" in callers) == ("schedule" in triggers)
    assert bool(callers) != FUNCTIONS[name].is_public
    assert callers <= set(HUB.local("callers"))


def test_terraform_derives_who_may_call_from_the_triggers() -> None:
    functions = HUB.local("functions")
    assert "public = can(function.triggers.http)" in re.sub(r"[ \n]+", " ", functions)
    assert "for trigger, caller in local.caller_of : caller if can(function.triggers[trigger])" in functions


def test_what_is_not_public_takes_no_traffic_from_outside() -> None:
    (function,) = resources(MODULE, "google_cloud_run_v2_service")
    assert function["ingress"] == "${var.ingress}"
    (call,) = HUB.of("module", "function")
    assert call.body["ingress"].startswith('${!each.value.public ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : ')


def test_a_public_function_needs_no_grant_to_everybody() -> None:
    """Domain-restricted sharing, the default of new organizations, refuses a grant to `allUsers`."""
    (function,) = resources(MODULE, "google_cloud_run_v2_service")
    assert function["invoker_iam_disabled"] == "${var.public}"


LARGE = chosen([TERRAFORM / "terraform.tfvars.large.example"])["functions"]["publishing"]


@pytest.mark.parametrize(
    "size",
    [*({**FUNCTIONS, **COMBINED}[name].size for name in ("publishing", "api", "sweeper")), LARGE],
    ids=["publishing", "api", "sweeper", "large"],
)
def test_wheels_being_fetched_read_and_locked_fit_into_the_memory_of_what_does_all_three(size: dict[str, Any]) -> None:
    gib = 1024**3
    requests, process = int(size["concurrency"]), 0.25 + 0.06  # with the template of the children
    locking = min(2, requests)
    # The largest wheel, and the folders of the two resolutions that run at once, lie in /tmp, which is memory.
    wheels = requests * MAX_BYTES / gib
    resolutions = locking * (uv._FOLDER_BYTES + uv._LIMITS.memory_bytes) / gib
    children = (requests - locking) * Limits().memory_bytes / gib
    assert process + wheels + resolutions + children < float(size["memory"].removesuffix("Gi"))


def test_a_secret_comes_by_reference_to_one_version() -> None:
    (function,) = resources(MODULE, "google_cloud_run_v2_service")
    _, secret = function["template"][0]["containers"][0]["dynamic"]
    (source,) = secret["env"]["content"][0]["value_source"]
    assert source["secret_key_ref"] == [{"secret": "${env.value.id}", "version": "${env.value.version}"}]
    (call,) = HUB.of("module", "function")
    assert "google_secret_manager_secret_version.this[secret].version" in call.body["secrets"]
