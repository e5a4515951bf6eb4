"""The cases of the contract, sections 1 to 6: a module for each function, and one for what holds for every route.

A route needs a step in its function's `STEPS` and, in `REFUSED`, a case for each status that its own rules refuse with.
"""

from tests.e2e.cases import catalog, every_route, identity, installations, operations, publishers, publishing
from tests.e2e.cases.kinds import Form, Publish, Refused, Stands, Step

REFUSALS: list[Refused] = [
    *every_route.REFUSED,
    *identity.REFUSED,
    *publishing.REFUSED,
    *publishers.REFUSED,
    *catalog.REFUSED,
    *installations.REFUSED,
    *operations.REFUSED,
]
# In the order in which a tenant comes to them.
STEPS: list[Step | Publish | Form | Stands] = [
    *identity.STEPS,
    *publishing.STEPS,
    *publishers.STEPS,
    *catalog.STEPS,
    *installations.STEPS,
    *operations.STEPS,
]
