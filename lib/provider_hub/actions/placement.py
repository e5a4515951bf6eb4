"""Which cell an organization is in: decided by its first install, in the transaction that makes that install's row.

So no crash leaves an organization with namespaces in two clusters. Nothing moves it later: other weights, or a closed
cell, are about organizations that come.
"""

from dataclasses import replace

from provider_hub.actions import keys
from provider_hub.actions.ports import TenantStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.cells import choose_cell
from provider_hub.domain.errors import TemporaryError
from provider_hub.domain.organizations import Organization


def place_organization(services: Services[TenantStore], transaction: Transaction, seen: Organization) -> str:
    """The cell of an organization that had none when `seen` was read. Reads and writes in `transaction`.

    Two first installs at the same time both write its document, so the second one's commit is refused, and finds the
    cell of the first one when it decides again. Raises TemporaryError where the organization is gone: written here, it
    would come back without the claim of its slug, which another one may have by now.
    """
    key = keys.organization(seen.organization_id)
    (stored,) = transaction.read(key)
    if stored is None:
        raise TemporaryError(f"the organization {seen.organization_id} was deleted a moment ago: try again in a minute")
    if stored.cell is not None:
        return stored.cell
    # A function of the release before cells may have installed during a deployment: that row has the default cell.
    rows = services.store.installations_of(seen.organization_id, limit=1)
    cell = rows[0].cell if rows else choose_cell(seen.organization_id, services.cell_weights)
    transaction.write(key, replace(stored, cell=cell))
    return cell
