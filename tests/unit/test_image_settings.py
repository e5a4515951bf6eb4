"""The logins of image registries are what a kubelet can read, or the function does not start."""

import pytest

from provider_hub.settings.everything import Images, SettingsError

VARIABLE = "HUB_IMAGE_PULL_CREDENTIALS"


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"auths": {"registry.example": {"auth": "dTpw"}}}',
        '{"auths": {"registry.example": {"username": "u", "password": "p"}, "other.example": {"auth": "dTpw"}}}',
    ],
)
def test_a_docker_configuration_is_taken_as_it_is(text: str) -> None:
    assert Images.from_environment({VARIABLE: text}).image_pull_credentials.get_secret_value() == text


@pytest.mark.parametrize(
    "text",
    [
        "user:secret-word",
        "[]",
        "{}",
        '{"auths": {}}',
        '{"auths": []}',
        '{"auths": {"registry.example": "secret-word"}}',
        '{"auths": {"registry.example": {"username": "secret-word"}}}',
        '{"credsStore": "secret-word"}',
    ],
)
def test_what_a_kubelet_could_not_use_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(SettingsError, match=f"{VARIABLE} is no Docker configuration: .*`auth`") as refused:
        Images.from_environment({VARIABLE: text})
    assert "secret-word" not in str(refused.value)
