"""Which cell an organization is in: decided by its first install, in the transaction that makes that install's row.

So no crash leaves an organization with namespaces in two clusters. Nothing moves it later: other weights, or a closed
cell, are about organizations that come.
"""

from dataclasses import replace

from provider_hub.actions import keys
from provider_hub.actions.ports import TenantStore, Transaction
from provider_hub.actions.services import Services
from provider_hub.domain.cells import DEFAULT_CELL, choose_cell
from provider_hub.domain.organizations import Organization


def place_organization(services: Services[TenantStore], transaction: Transaction, seen: Organization) -> str:
    """The cell of an organization that had none when `seen` was read. Reads and writes in `transaction`.

    Two first installs at the same time both write its document, so the second one's commit is refused, and finds the
    cell of the first one when it decides again.
    """
    key = keys.organization(seen.organization_id)
    (stored,) = transaction.read(key)
    organization = stored or seen
    if organization.cell is not None:
        return organization.cell
    # Read here and not above: every install moves this number, so a transaction that reads it conflicts with them all.
    (count,) = transaction.read(keys.installed_count(seen.organization_id))
    # A function of the release before cells may have installed during a deployment: that is in the default cell.
    is_placed = count is not None and count.installations > 0
    cell = DEFAULT_CELL if is_placed else choose_cell(seen.organization_id, services.cell_weights)
    transaction.write(key, replace(organization, cell=cell))
    return cell
