"""Settings: read once from the environment, typed, and refused by the name of the variable."""

import pytest

from provider_hub.settings import Settings, SettingsError, variable_name


def test_variables_become_typed_fields() -> None:
    read = Settings.from_environment(
        {"GOOGLE_CLOUD_PROJECT": "p", "HUB_INSTALLATION_QUOTA": "7", "HUB_CUSTOMER_AUDIENCES": "a, b,,", "OTHER": "x"}
    )
    assert (read.project, read.installation_quota, read.customer_audiences) == ("p", 7, ("a", "b"))


def test_an_empty_variable_counts_as_not_given() -> None:
    read = Settings.from_environment({"GOOGLE_CLOUD_PROJECT": "p", "HUB_INSTALLATION_QUOTA": ""})
    assert read.installation_quota == 100


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "GOOGLE_CLOUD_PROJECT"),
        ({"GOOGLE_CLOUD_PROJECT": "p", "HUB_INSTALLATION_QUOTA": "s3cret"}, "HUB_INSTALLATION_QUOTA"),
        ({"GOOGLE_CLOUD_PROJECT": "p", "HUB_DEPLOY_DEADLINE_SECONDS": "0"}, "HUB_DEPLOY_DEADLINE_SECONDS"),
    ],
)
def test_what_is_missing_or_wrong_is_named_by_its_variable_and_never_its_value(
    variables: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as refusal:
        Settings.from_environment(variables)
    assert "s3cret" not in str(refusal.value)


def test_a_required_setting_that_is_empty_is_named() -> None:
    with pytest.raises(SettingsError, match="set HUB_CHECK_IN_KEY, HUB_DEADLINES_URL"):
        Settings(project="p").require("project", "check_in_key", "deadlines_url")


def test_a_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(
        Settings.from_environment({"GOOGLE_CLOUD_PROJECT": "p", "HUB_CHECK_IN_KEY": "hunter2"})
    )


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert variable_name("check_in_key") == "HUB_CHECK_IN_KEY"
