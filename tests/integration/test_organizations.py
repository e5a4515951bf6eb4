"""An organization that the operator suspended is told so, within a minute."""

from dataclasses import replace

import pytest
from tests.integration.backend import Backend

from provider_hub.actions import keys
from provider_hub.actions.organizations import Organizations
from provider_hub.domain.errors import Forbidden
from provider_hub.domain.identity import OrganizationClaims

ACME = OrganizationClaims("org_acme", "acme", name="Acme")


def test_a_suspended_organization_is_refused_within_a_minute_and_let_in_again(backend: Backend) -> None:
    organizations = Organizations(backend.services)
    active = organizations.of(ACME)
    for status, refused in (("suspended", True), ("active", False)):
        changed = replace(active, status=status)
        backend.store.transact(lambda transaction, to=changed: transaction.write(keys.organization("org_acme"), to))
        backend.clock.turn(minutes=1)
        if refused:
            with pytest.raises(Forbidden, match="suspended"):
                organizations.of(ACME)
        else:
            assert organizations.of(ACME) == active
