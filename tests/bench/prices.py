"""List prices in US dollars, without free tiers or discounts: what an operation's units come to.

Firestore's are those of the multi-region nam5. terraform/tools/costs.py computes a month at the prices of one region,
us-central1, since Terraform's standard example has its database in a region. There Firestore costs about half.
"""

from collections.abc import Mapping

# Source: Firestore pricing, multi-region nam5. A region of its own costs half.
READ = 0.06 / 100_000
WRITE = 0.18 / 100_000
DELETE = 0.02 / 100_000
# Source: Pub/Sub pricing, message delivery basic: a message counts as 1,000 bytes at least, once in and once out.
MESSAGE = 2 * 1000 * 40 / 2**40
# Source: Cloud Tasks pricing, past the first million a month; an operation is a call or a delivery attempt.
TASK = 0.40 / 1_000_000
# Source: Cloud Run pricing, request-based, tier 1. Time is billed in steps of 100 ms; alone on its instance, a call
# pays for 1 vCPU and 512 MiB (terraform/modules/hub/functions.tf), and less where calls share one.
CALL = 0.40 / 1_000_000
SECOND = 1 * 0.000024 + 0.5 * 0.0000025

# Source: Cloud Storage pricing, Standard storage in one region such as europe-west1 or us-east1. Data within the region
# moves for nothing, and signatures by IAM cost nothing.
PUT = 0.005 / 1000
GET = 0.0004 / 1000
OBJECT_GIB_MONTH = 0.020
# Source: Firestore pricing, stored data, multi-region nam5.
DOCUMENT_GIB_MONTH = 0.18


def of(units: Mapping[str, float]) -> float:
    """Dollars for the units of one operation."""
    prices = {
        "reads": READ,
        "writes": WRITE,
        "deletes": DELETE,
        "deliveries": MESSAGE,
        "tasks": TASK,
        "calls": CALL,
        "billed_seconds": SECOND,
        "puts": PUT,
        "gets": GET,
    }
    return sum(units.get(unit, 0) * price for unit, price in prices.items())


def stored(document_bytes: float, object_bytes: float) -> float:
    """Dollars a month for what is kept."""
    return document_bytes / 2**30 * DOCUMENT_GIB_MONTH + object_bytes / 2**30 * OBJECT_GIB_MONTH
