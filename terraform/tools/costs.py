"""The tables of README.md that say what a month costs, computed from list prices and the assumptions named here."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil

SIZES = (10, 1_000, 100_000)

_HOURS = 730.0
_DEPLOYS = 2.0  # a month, of one installation: a new version and a change of its config
_REQUESTS = 1_000.0  # to the API a month, for one installation
_SWEEPS = _HOURS * 60
_PROBES = 6 * _HOURS * 6  # of the uptime check: every ten minutes from six regions

# us-central1, in USD, without free tiers and discounts; check them against the pricing pages before relying on them.
# tests/bench/prices.py prices single operations, with Firestore in the multi-region nam5, at about twice the price.
_POD_VCPU_HOUR, _POD_GIB_HOUR, _POD_DISK_GIB_HOUR = 0.0445, 0.0049225, 0.0000548
_CLUSTER_HOUR = 0.10
_RUN_VCPU_SECOND, _RUN_GIB_SECOND, _RUN_REQUEST = 0.000024, 0.0000025, 0.40e-6
_PUBSUB_KIB = 40 / 1024**3
_READ, _WRITE, _DELETE = 0.03e-5, 0.09e-5, 0.01e-5
_STORED_GIB, _RECOVERY_GIB, _BACKUP_GIB = 0.15, 0.15, 0.03
_TASK = 0.40e-6
_RULES_HOUR, _LB_GIB = 0.025, 0.008  # the first five rules together
_ARMOR_POLICY, _ARMOR_RULE, _ARMOR_REQUEST = 5.0, 1.0, 0.75e-6
_NAT_VM_HOUR, _NAT_MOST_VMS, _NAT_ADDRESS_HOUR, _NAT_GIB = 0.0014, 32, 0.005, 0.045
_LOG_GIB = 0.50
_RETAINED_GIB = 0.27  # of messages, a month
_IDLE_VCPU_SECOND, _IDLE_GIB_SECOND = 0.0000025, 0.0000025  # of an instance that is kept warm
_SAMPLES = 0.06e-6  # of Managed Service for Prometheus
_SECRET_VERSION, _KEY_VERSION, _JOB, _IMAGE_GIB = 0.06, 0.06, 0.10, 0.10
_OBJECT_GIB, _OBJECT_READ, _OBJECT_WRITE = 0.02, 0.0004e-3, 0.005e-3
_CONDITION, _SERIES = 0.10, 0.35e-6  # of alert policies, and each time series that one of them reads

_LEAST_NODES, _PODS_A_NODE = 3, 30
_SERIES_A_POD = 30  # that cAdvisor and the kubelet report each minute
_CONDITIONS = 19  # of alert policies; the load balancer's certificate and the network's NAT have one more each
_PROVIDERS, _VERSIONS, _WHEEL_MIB = 0.1, 20, 1.0  # providers an installation, versions of each, and their wheels
_IMAGES_GIB = 4.0  # the functions' containers, five builds of each that share their base, and the runtime's


@dataclass(frozen=True)
class Setting:
    """One of the examples: what it leaves out, what it keeps warm, and how many installations it is meant for.

    `clusters` are those that it makes.
    """

    name: str
    file: str
    installations: int
    clusters: int = 1
    has_gateway: bool = True
    warm_instances: int = 0
    check_in_seconds: int = 300
    drift_slices: int = 1
    multi_region: bool = False

    @property
    def check_ins(self) -> float:
        """Check-ins a month of one installation."""
        return _HOURS * 3600 / self.check_in_seconds


STANDARD = Setting("standard", "terraform.tfvars.example", 1_000)
SETTINGS = (
    Setting("small", "terraform.tfvars.small.example", 10, clusters=0, has_gateway=False),
    STANDARD,
    Setting(
        "large",
        "terraform.tfvars.large.example",
        100_000,
        clusters=2,
        warm_instances=9,
        check_in_seconds=1500,
        drift_slices=40,
        multi_region=True,
    ),
)


@dataclass(frozen=True)
class Item:
    """One line: its formula in words, and its cost a month for `n` installations in a setting."""

    name: str
    formula: str
    cost: Callable[[int, Setting], float]


def _run(seconds: float, memory: float = 0.5) -> float:
    """Billed time of a request on one vCPU with `memory` GiB, and the request itself."""
    return seconds * (_RUN_VCPU_SECOND + memory * _RUN_GIB_SECOND) + _RUN_REQUEST


def _runtime() -> float:
    """A standard tier's pod: 250m CPU, 256 MiB, 1 GiB of disk."""
    return _HOURS * (0.25 * _POD_VCPU_HOUR + 0.25 * _POD_GIB_HOUR + 1 * _POD_DISK_GIB_HOUR)


def _functions(n: int, setting: Setting) -> float:
    """50 ms a check-in, 3 s a deploy with its deadline, 100 ms a request; sweeps, outside probes, and what is warm."""
    each = setting.check_ins * _run(0.05) + _DEPLOYS * _run(3) + _REQUESTS * _run(0.1)
    warm = _HOURS * 3600 * (_IDLE_VCPU_SECOND + 0.5 * _IDLE_GIB_SECOND)
    return n * each + _SWEEPS * _run(1) + _PROBES * _run(0.1) + setting.warm_instances * warm


def _documents(n: int, setting: Setting) -> float:
    """Two reads and a write a check-in, 20 of each a deploy, two reads a request; 20 KiB kept and backed up.

    A sweep reads 50, and of each further slice 20 rows with their versions and the rows of 100 objects. The clusters
    share the slices of objects: each has its part, rounded up.
    """
    kept = 20 / 1024**2 * (_STORED_GIB + _RECOVERY_GIB + 21 * _BACKUP_GIB)
    changes = _DEPLOYS * 20 * (_READ + _WRITE + _DELETE)
    each = setting.check_ins * (2 * _READ + _WRITE) + changes + _REQUESTS * 2 * _READ + kept
    clusters = max(1, setting.clusters)
    slices = 40 * setting.drift_slices + 100 * clusters * ceil(setting.drift_slices / clusters)
    swept = 50 + min(7 * n, slices - 140)
    return (n * each + _SWEEPS * swept * _READ) * (2 if setting.multi_region else 1)


def _messages(n: int, setting: Setting) -> float:
    """In and out, and kept for a week."""
    messages = n * (setting.check_ins + 4)
    return messages * (2 * _PUBSUB_KIB + 1 / 1024**2 * _RETAINED_GIB * 7 / 30)


def _gateway(n: int, setting: Setting) -> float:
    if not setting.has_gateway:
        return 0.0
    fixed = _HOURS * _RULES_HOUR + _ARMOR_POLICY + 3 * _ARMOR_RULE
    return fixed + n * _REQUESTS * (_ARMOR_REQUEST + 10 / 1024**2 * _LB_GIB)


def _nat(n: int, setting: Setting) -> float:
    if not setting.clusters:
        return 0.0
    nodes = min(_NAT_MOST_VMS, max(setting.clusters * _LEAST_NODES, n / _PODS_A_NODE))
    hours = _HOURS * (nodes * _NAT_VM_HOUR + max(1, n // 1000) * _NAT_ADDRESS_HOUR)
    return hours + n * _DEPLOYS * 50 / 1024 * _NAT_GIB


def _wheels(n: int, _: Setting) -> float:
    """All versions kept, one of each provider published a month, and a wheel read at each start of a pod."""
    providers = n * _PROVIDERS
    kept = providers * _VERSIONS * _WHEEL_MIB / 1024 * _OBJECT_GIB
    return kept + providers * 2 * _OBJECT_WRITE + n * _DEPLOYS * 2 * _OBJECT_READ


def _logs(n: int, setting: Setting) -> float:
    """A function's line and Cloud Run's own of each call, the load balancer's of each request."""
    lines = n * (2 * setting.check_ins + (3 if setting.has_gateway else 2) * _REQUESTS) + 2 * _PROBES
    return (lines + _SWEEPS * 2) / 1024**2 * _LOG_GIB


def conditions(setting: Setting) -> int:
    """How many conditions on metrics the alert policies have."""
    return _CONDITIONS + setting.has_gateway + (setting.clusters > 0)


def _watching(n: int, setting: Setting) -> float:
    """Alert conditions, each of which reads a series a minute, and what each pod's containers report."""
    alerts = conditions(setting) * (_CONDITION + _HOURS * 60 * _SERIES)
    return alerts + n * _SERIES_A_POD * _HOURS * 60 * _SAMPLES


ITEMS = (
    Item("Runtimes (GKE Autopilot pods)", "n × a standard pod's 730 h", lambda n, _: n * _runtime()),
    Item("Clusters", "730 h each", lambda _, setting: setting.clusters * _HOURS * _CLUSTER_HOUR),
    Item(
        "Functions",
        "n × (8,760 check-ins × 50 ms + 2 deploys × 3 s + 1,000 requests × 100 ms) + 43,800 sweeps + 26,280 probes",
        _functions,
    ),
    Item(
        "Firestore",
        "n × (8,760 × (2 reads + 1 write) + 2 × 20 of each + 1,000 × 2 reads + 20 KiB) + 43,800 × 50 reads",
        _documents,
    ),
    Item("Pub/Sub", "n × (8,760 + 4) messages × 1 KiB, in and out, kept for 7 days", _messages),
    Item("Cloud Tasks", "n × 2 deploys × 2 calls", lambda n, _: n * _DEPLOYS * 2 * _TASK),
    Item("Load balancer and Cloud Armor", "730 h + policy with 3 rules + n × 1,000 requests × 10 KiB", _gateway),
    Item(
        "NAT",
        "730 h × (3 to 32 nodes + an address for each 1,000 installations) + n × 2 starts × 50 MiB",
        _nat,
    ),
    Item("Wheels", "n ÷ 10 providers × (20 versions × 1 MiB + 2 writes) + n × 2 deploys × 2 reads", _wheels),
    Item("Logs", "n × (2 × 8,760 + 3 × 1,000) lines × 1 KiB + 43,800 × 2 KiB + 26,280 × 2 KiB", _logs),
    Item("Metrics and alerts", "21 conditions, each a series a minute + n × 30 samples a minute", _watching),
    Item(
        "Images, secrets, keys, the schedule",
        "4 GiB + 2 versions of secrets + 2 of keys + 1 job",
        lambda _, __: _IMAGES_GIB * _IMAGE_GIB + 2 * _SECRET_VERSION + 2 * _KEY_VERSION + _JOB,
    ),
)


def month(n: int, setting: Setting) -> float:
    """What a month costs with `n` installations, in USD."""
    return sum(item.cost(n, setting) for item in ITEMS)


def cost_table() -> str:
    """What a month costs in the standard setting at each size, and in each setting idle and as it is meant."""
    head = "| | formula, n installations | " + " | ".join(f"{n:,}" for n in SIZES) + " |"
    table = "\n".join([head, "|---|---|" + "---:|" * len(SIZES), *_rows()])
    return f"{table}\n\n{_settings_table()}"


def _rows() -> Iterator[str]:
    for item in ITEMS:
        yield f"| {item.name} | {item.formula} | " + " | ".join(_dollars(item.cost(n, STANDARD)) for n in SIZES) + " |"
    totals = [month(n, STANDARD) for n in SIZES]
    yield "| **A month, USD** | | " + " | ".join(f"**{_dollars(total)}**" for total in totals) + " |"
    each = [total / n for total, n in zip(totals, SIZES, strict=True)]
    yield "| for one installation | | " + " | ".join(_dollars(cost) for cost in each) + " |"


def _settings_table() -> str:
    """Each example: what is standing idle, by item, and the month with the installations it is meant for."""
    head = "| | " + " | ".join(f"{setting.name}: `{setting.file}`" for setting in SETTINGS) + " |"
    rows = [
        f"| {item.name}, idle | " + " | ".join(_dollars(item.cost(0, setting)) for setting in SETTINGS) + " |"
        for item in ITEMS
        if any(item.cost(0, setting) for setting in SETTINGS)
    ]
    idle = "| **A month idle, USD** | " + " | ".join(f"**{_dollars(month(0, one))}**" for one in SETTINGS) + " |"
    meant = "| with its installations | " + " | ".join(
        f"{_dollars(month(one.installations, one))} for {one.installations:,}" for one in SETTINGS
    )
    return "\n".join([head, "|---|" + "---:|" * len(SETTINGS), *rows, idle, f"{meant} |"])


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
