"""All groups of settings, for tools and for what runs every function: a function imports the modules of its own."""

from provider_hub.settings.callers import Callers, Tasks, TasksAccount
from provider_hub.settings.check_ins import CheckIns
from provider_hub.settings.cluster import Cluster, Repairs
from provider_hub.settings.core import Core, Deadlines, Project, Publishing, Runtimes, Topics
from provider_hub.settings.identity import Identity
from provider_hub.settings.images import Images
from provider_hub.settings.limits import Limits
from provider_hub.settings.logs import Logs
from provider_hub.settings.publishers import Attestations, TrustedPublishers
from provider_hub.settings.reader import Settings, SettingsError, variable_name
from provider_hub.settings.rollouts import Rollouts
from provider_hub.settings.sealing import Sealing
from provider_hub.settings.wheels import Advisories, Artifacts, Indexes, UploadTimes, Wheels

__all__ = [
    "GROUPS",
    "Advisories",
    "AllSettings",
    "Artifacts",
    "Attestations",
    "Callers",
    "CheckIns",
    "Cluster",
    "Core",
    "Deadlines",
    "Identity",
    "Images",
    "Indexes",
    "Limits",
    "Logs",
    "Project",
    "Publishing",
    "Repairs",
    "Rollouts",
    "Runtimes",
    "Sealing",
    "Settings",
    "SettingsError",
    "Tasks",
    "TasksAccount",
    "Topics",
    "TrustedPublishers",
    "UploadTimes",
    "Wheels",
    "set_by",
    "variable_name",
]


GROUPS = (
    Project,
    Topics,
    Deadlines,
    Limits,
    Runtimes,
    Publishing,
    TasksAccount,
    Tasks,
    Identity,
    Callers,
    CheckIns,
    Cluster,
    Repairs,
    Rollouts,
    Wheels,
    Artifacts,
    Images,
    Indexes,
    Advisories,
    Logs,
    TrustedPublishers,
    Attestations,
    Sealing,
)


class AllSettings(
    Core,
    Tasks,
    Identity,
    Callers,
    CheckIns,
    Cluster,
    Repairs,
    Rollouts,
    Wheels,
    Artifacts,
    Images,
    Indexes,
    Advisories,
    Logs,
    TrustedPublishers,
    Attestations,
    Sealing,
):
    """Every group: what one deployment sets."""


def set_by(field: str) -> str:
    """Who sets a field: `Terraform`, the `local stack` alone, or any `operator`."""
    extra = AllSettings.model_fields[field].json_schema_extra
    return str(extra["set_by"]) if isinstance(extra, dict) else "operator"
