"""Settings: read once from the environment, typed, and refused by the name of the variable."""

import pytest

from provider_hub import wiring
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
    with pytest.raises(SettingsError, match="set HUB_CHECK_IN_KEYS, HUB_DEADLINES_URL"):
        Settings(project="p").require("project", "check_in_keys", "deadlines_url")


def test_a_secret_is_not_printed() -> None:
    assert "hunter2" not in repr(
        Settings.from_environment({"GOOGLE_CLOUD_PROJECT": "p", "HUB_CHECK_IN_KEYS": "hunter2"})
    )


def test_every_setting_is_explained() -> None:
    assert all(field.description for field in Settings.model_fields.values())
    assert variable_name("check_in_keys") == "HUB_CHECK_IN_KEYS"


@pytest.mark.parametrize(("given", "keys"), [("one", (b"one",)), ("new, old", (b"new", b"old"))])
def test_the_check_in_keys_are_told_apart_by_commas(given: str, keys: tuple[bytes, ...]) -> None:
    assert wiring.check_in_keys(Settings(project="p", check_in_keys=given)) == keys


@pytest.mark.parametrize("given", ["", " ", "new,", ",old", "a,,b"])
def test_an_empty_check_in_key_is_refused(given: str) -> None:
    with pytest.raises(SettingsError, match="HUB_CHECK_IN_KEYS"):
        wiring.check_in_keys(Settings(project="p", check_in_keys=given))
