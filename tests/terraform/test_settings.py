"""What Terraform gives the functions is what the code reads."""

import pytest
from terraform.tools.configuration import read

from provider_hub.settings import Settings, variable_name

ROOT = read()
# For one machine: a stand-in's address, or a file that a deployment does not have.
# Opaque tokens are looked up where somebody sets the variables by hand: their secret is the issuer's to give.
LOCAL_ONLY = {
    "customer_lookup_url",
    "customer_lookup_secret",
    "console_lookup_url",
    "console_lookup_secret",
    "tasks_endpoint",
    "cluster_namespace_prefix",
    "kubeconfig",
    "runtime_ca_file",
    "wheel_ca_file",
    "wheel_private_hosts",
}


def given() -> set[str]:
    secrets = {secret["variable"] for secret in ROOT.local("secrets").values()}
    return set(ROOT.local("environment")) | secrets


def read_by_the_code() -> set[str]:
    return {variable_name(field) for field in Settings.model_fields if field not in LOCAL_ONLY}


def test_every_setting_that_the_code_reads_is_given() -> None:
    assert sorted(read_by_the_code() - given()) == []


def test_nothing_is_given_that_the_code_does_not_read() -> None:
    assert sorted(given() - read_by_the_code()) == []


def test_what_is_for_one_machine_alone_is_still_a_setting() -> None:
    assert set(Settings.model_fields) >= LOCAL_ONLY


def test_a_secret_is_in_no_functions_plain_environment() -> None:
    secrets = {secret["variable"] for secret in ROOT.local("secrets").values()}
    assert not secrets & set(ROOT.local("environment"))


@pytest.mark.parametrize(
    ("variable", "setting"),
    [
        ("HUB_DEPLOY_DEADLINE_SECONDS", ("timing", "deploy_deadline", "deploy_deadline_seconds")),
        ("HUB_QUEUE_DEADLINE_SECONDS", ("timing", "queue_deadline", "queue_deadline_seconds")),
        ("HUB_SILENCE_SECONDS", ("timing", "silence", "silence_seconds")),
        ("HUB_CHECK_IN_SECONDS", ("timing", "check_in", "check_in_seconds")),
        ("HUB_RELEASE_AGE_SECONDS", ("upgrades", "release_age", "release_age_seconds")),
        ("HUB_BAKE_SECONDS", ("upgrades", "bake", "bake_seconds")),
        ("HUB_WAVE_POLL_SECONDS", ("upgrades", "poll", "wave_poll_seconds")),
        ("HUB_WAVE_FAILURES_PERCENT", ("upgrades", "failures_percent", "wave_failures_percent")),
    ],
)
def test_a_variables_default_is_the_codes_own(variable: str, setting: tuple[str, str, str]) -> None:
    name, key, field = setting
    assert ROOT.local("environment")[variable] == f"${{var.{name}.{key}}}"
    (declared,) = (block for block in ROOT.of("variable") if block.labels == (name,))
    default = Settings.model_fields[field].default
    assert f"{key} = optional(number, {default})" in declared.body["type"]
