"""What a tenant may choose of an installation is kept under the name and as the type that the tenant was asked for."""

from dataclasses import replace
from typing import get_type_hints

import pytest
from tests.builders import wish

from provider_hub.actions.wishes import Wish
from provider_hub.actions.wishes.installations import InstallWish, SettingsWish
from provider_hub.domain.installation import Installation, ResourceTier, Revision, UpgradePolicy
from provider_hub.domain.names import ProviderName
from provider_hub.domain.secret_values import Secret

WHAT_TO_INSTALL = {"provider_name", "version"}
KEPT = {**get_type_hints(Installation), **get_type_hints(Revision)}


@pytest.mark.parametrize("asked", [InstallWish, SettingsWish])
def test_every_setting_of_a_wish_has_a_field_of_its_name_and_type(asked: type[Wish]) -> None:
    hints = get_type_hints(asked)
    settings = set(asked.model_fields) - WHAT_TO_INSTALL
    assert len(settings) >= 5
    for name in settings:
        assert name in KEPT, f"no field of the row or of its revision keeps {asked.__name__}.{name}"
        kept = KEPT[name] if name != "config" else dict[str, str | Secret]  # whose secret part is kept as `secrets`
        assert hints[name] in (kept, kept | None)


def test_both_wishes_have_the_same_settings() -> None:
    assert set(InstallWish.model_fields) - WHAT_TO_INSTALL == set(SettingsWish.model_fields)


def test_an_install_settles_every_setting_and_a_change_only_those_that_it_names() -> None:
    installed = InstallWish(provider_name=ProviderName("acme", "weather"), version="1.0.0")
    assert set(installed.settings) == set(SettingsWish.model_fields)
    assert SettingsWish(rollback_on_failure=False).settings == {"rollback_on_failure": False}


def test_a_setting_goes_to_the_row_or_to_its_revision_by_its_name() -> None:
    row = wish()
    changed = row.with_settings({"resource_tier": ResourceTier.FREE, "upgrade_policy": UpgradePolicy.AUTO})
    assert changed.revision == replace(row.revision, resource_tier=ResourceTier.FREE)
    assert changed == replace(row, upgrade_policy=UpgradePolicy.AUTO, revision=changed.revision)
    with pytest.raises(TypeError, match="no_such_setting"):
        row.with_settings({"no_such_setting": 1})
