"""The settings of the functions, in groups: read once from the environment, typed, and explained here.

A field is the environment variable `HUB_<FIELD>` in capitals; the project alone is `GOOGLE_CLOUD_PROJECT`, which
Google's own libraries read too. A function names the groups that it needs as the bases of one class, and reads that:

    class Needs(Core, Tasks, Rollouts): ...

A variable that a named group requires and that is not set stops the function at its start. Groups that a function does
not name are not read. A field's name ends in its unit where it has one.

This module has all groups, for tools. A function and its adapters import the modules of their own groups.
"""

from provider_hub.settings_callers import Callers, Tasks, TasksAccount
from provider_hub.settings_check_ins import CheckIns
from provider_hub.settings_cluster import Cluster
from provider_hub.settings_core import Core, Deadlines, Project, Publishing, Runtimes, Topics
from provider_hub.settings_identity import Identity
from provider_hub.settings_images import Images
from provider_hub.settings_limits import Limits
from provider_hub.settings_logs import Logs
from provider_hub.settings_publishers import Attestations, TrustedPublishers
from provider_hub.settings_reader import Settings, SettingsError, variable_name
from provider_hub.settings_rollouts import Rollouts
from provider_hub.settings_sealing import Sealing
from provider_hub.settings_wheels import Advisories, Artifacts, Indexes, UploadTimes, Wheels

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
