"""The settings of pods' images, a group of `settings`."""

import json
from typing import Self

from pydantic import Field, SecretStr
from pydantic import model_validator as validator

from provider_hub.settings.reader import BY_TERRAFORM, Settings, variable_name


class Images(Settings):
    """How pods get their images."""

    image_pull_credentials: SecretStr = Field(
        SecretStr(""),
        json_schema_extra=BY_TERRAFORM,
        description="Logins of private image registries, as Docker's `config.json` has them: "
        '`{"auths": {HOST: {"auth": …}}}`. Unset: the node\'s own.',
    )

    @validator(mode="after")
    def _kubernetes_can_use_it(self) -> Self:
        # A kubelet that cannot read them pulls without, and every pod would say that its image is not there.
        text = self.image_pull_credentials.get_secret_value()
        if text and not _has_logins(text):
            raise ValueError(
                f"{variable_name('image_pull_credentials')} is no Docker configuration: an object `auths` that has, "
                "for each registry, `auth`, or `username` and `password`"
            )
        return self


def _has_logins(text: str) -> bool:
    try:
        hosts = json.loads(text)["auths"]
        return bool(hosts) and all(_is_login(login) for login in hosts.values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return False


def _is_login(login: dict[str, object]) -> bool:
    return bool(login.get("auth") or (login.get("username") and login.get("password")))
