"""What Terraform gives the functions is what the code reads."""

import re

from terraform.tools.configuration import TERRAFORM, read

from provider_hub.settings.everything import AllSettings, set_by, variable_name

HUB = read()
TABLE = TERRAFORM.parent / "docs" / "settings.md"


def given() -> set[str]:
    secrets = {secret["variable"] for name in ("secrets", "handed_in") for secret in HUB.local(name).values()}
    own = set(re.findall(r"\bHUB_[A-Z_]+", HUB.local("own_environment")))
    return set(HUB.local("environment")) | set(HUB.local("lookups")) | own | secrets


def fields_set_by(who: str) -> set[str]:
    return {field for field in AllSettings.model_fields if set_by(field) == who}


def rows() -> dict[str, dict[str, str | None]]:
    """The rows of the settings' table as Terraform finds them."""
    pattern = HUB.local("settings_row").replace("\\\\", "\\")
    return {row["name"].lower(): row.groupdict() for row in re.finditer(pattern, TABLE.read_text())}


def test_every_setting_that_follows_from_what_is_provisioned_is_given_and_no_other() -> None:
    assert given() == {variable_name(field) for field in fields_set_by("Terraform")}


def test_an_operator_may_set_every_other_setting_but_those_of_one_machine() -> None:
    assert set(rows()) == fields_set_by("operator")
    local = fields_set_by("local stack")
    assert local == set(AllSettings.model_fields) - fields_set_by("Terraform") - set(rows())


def test_terraform_finds_each_settings_default_and_bounds() -> None:
    found = rows()
    assert found["silence_seconds"] == {
        "name": "SILENCE_SECONDS",
        "default": "900",
        "whole": None,
        "above": ">",
        "least": "0",
        "most": None,
    }
    assert found["wave_failures_percent"]["most"] == "100"
    assert found["installation_quota"]["above"] == "≥"


def test_a_number_that_terraform_takes_is_one_that_the_code_takes() -> None:
    numbers = {
        field: row for field, row in rows().items() if AllSettings.model_fields[field].annotation in (int, float)
    }
    assert set(rows()) - set(numbers) == {
        "advisories_export",
        "attestation_root",
        "canary_organizations",
        "index_urls",
        "index_upload_times",
        "publisher_issuers",
        "runtime_registries",
    }
    for field, row in numbers.items():
        assert (row["above"], row["least"]) != ("", ""), f"{field} has no lower bound"
        assert float(row["default"] or "") == AllSettings.model_fields[field].default
        assert (row["whole"] is not None) == (AllSettings.model_fields[field].annotation is int)


def test_what_an_operator_chose_reaches_the_functions() -> None:
    (call,) = HUB.of("module", "function")
    assert "merge(local.environment, local.own_environment[each.key], local.chosen)" in call.body["environment"]
    assert HUB.local("chosen") == '${{for name, value in var.settings : "HUB_${upper(name)}" => value}}'


def test_a_function_knows_its_callers_by_the_accounts_and_the_audience_of_their_tokens() -> None:
    """The URL is what the subscriptions, the tasks and the schedules name as the audience."""
    environment = HUB.local("environment")
    for caller in ("push", "tasks", "scheduler"):
        assert (
            environment[f"HUB_{caller.upper()}_SERVICE_ACCOUNT"]
            == f'${{google_service_account.caller["{caller}"].email}}'
        )
    assert HUB.local("own_environment") == "${{for name, url in local.urls : name => {HUB_CALLER_AUDIENCE = url}}}"
    (call,) = HUB.of("module", "function")
    assert call.body["url"] == "${local.urls[each.key]}"


def test_a_secret_is_in_no_functions_plain_environment() -> None:
    secrets = {secret["variable"] for name in ("secrets", "handed_in") for secret in HUB.local(name).values()}
    assert not secrets & set(HUB.local("environment"))
