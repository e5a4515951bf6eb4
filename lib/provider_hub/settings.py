"""The settings of the functions, in groups: read once from the environment, typed, and explained here.

A field is the environment variable `HUB_<FIELD>` in capitals; the project alone is `GOOGLE_CLOUD_PROJECT`, which
Google's own libraries read too. A function names the groups that it needs as the bases of one class, and reads that:

    class Needs(Core, Tasks, Rollouts): ...

A variable that a named group requires and that is not set stops the function at its start. Groups that a function does
not name are not read. A field's name ends in its unit where it has one.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr
from pydantic import model_validator as validator

from provider_hub.domain import installation
from provider_hub.domain.catalog import Scope
from provider_hub.domain.records import Queue, Topic
from provider_hub.domain.rollout import Pace
from provider_hub.domain.runtimes import PLATFORM_PATTERN, PYTHON_PATTERN
from provider_hub.settings_identity import Identity
from provider_hub.settings_images import Images
from provider_hub.settings_limits import Limits
from provider_hub.settings_logs import Logs
from provider_hub.settings_publishers import TrustedPublishers
from provider_hub.settings_reader import (
    BY_TERRAFORM,
    LOCAL,
    Pairs,
    Required,
    Settings,
    SettingsError,
    Words,
    variable_name,
)
from provider_hub.settings_sealing import Sealing
from provider_hub.settings_wheels import Artifacts, Indexes, UploadTimes, Wheels

__all__ = [
    "GROUPS",
    "AllSettings",
    "Artifacts",
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


def _without_empty_key(value: SecretStr) -> SecretStr:
    # Anyone can sign with an empty key.
    if not all(key.strip() for key in value.get_secret_value().split(",")):
        raise ValueError("has an empty key: separate keys by single commas")
    return value


class Project(Settings):
    """Which project and database."""

    project: Required = Field(json_schema_extra=BY_TERRAFORM, description="Google Cloud project id.")
    database: str = Field("(default)", json_schema_extra=BY_TERRAFORM, description="Firestore database id.")


class Topics(Settings):
    """What the topics are called in this deployment."""

    topic_prefix: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="Beginning of each topic's name. Unset: its role is its name.",
    )

    @property
    def topic_names(self) -> Mapping[Topic, str]:
        """What each topic is called in this deployment."""
        return {topic: f"{self.topic_prefix}{topic}" for topic in Topic}


class Deadlines(Settings):
    """How long the hub waits before it acts."""

    deploy_deadline_seconds: float = Field(
        600, gt=0, description="A generation that is PROCESSING for this long without a check-in becomes FAILED."
    )
    queue_deadline_seconds: float = Field(
        3600, gt=0, description="A row that is PENDING for this long becomes FAILED: no installer took it."
    )
    silence_seconds: float = Field(
        900,
        gt=0,
        description="A READY row without a check-in for this long becomes degraded; one silent pod is forgotten.",
    )
    check_in_seconds: float = Field(
        300,
        gt=0,
        description="A runtime's check-in interval. One that says nothing new is written at most this often.",
    )

    @property
    def deadlines(self) -> installation.Deadlines:
        """The waits as the state machine takes them."""
        return installation.Deadlines(
            queue=timedelta(seconds=self.queue_deadline_seconds),
            deploy=timedelta(seconds=self.deploy_deadline_seconds),
            check_in_writes=timedelta(seconds=self.check_in_seconds),
            silence=timedelta(seconds=self.silence_seconds),
        )


class Runtimes(Settings):
    """What the pods of installed providers get."""

    runtime_image: str = Field(
        "provider-hub/pragma-runtime:local",
        json_schema_extra=BY_TERRAFORM,
        description="Image of the runtime version that this deployment registers.",
    )
    runtime_python: str = Field(
        "3.13",
        pattern=PYTHON_PATTERN,
        json_schema_extra=BY_TERRAFORM,
        description="CPython in that image: `3.13` or `3.13.2`.",
    )
    runtime_platform: str = Field(
        "manylinux_2_36_x86_64",
        pattern=PLATFORM_PATTERN,
        json_schema_extra=BY_TERRAFORM,
        description="Platform of that image: the newest tag of a wheel that it can load.",
    )
    runtime_pubsub_endpoint: str = Field(
        "https://pubsub.googleapis.com",
        json_schema_extra=BY_TERRAFORM,
        description="Pub/Sub's REST endpoint, as runtimes reach it.",
    )
    runtime_class: str = Field(
        "",
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?)?$",
        json_schema_extra=BY_TERRAFORM,
        description="RuntimeClass of the pods, such as `gvisor`. Unset: the cluster's own runtime.",
    )
    runtime_user_namespaces: bool = Field(
        False,
        json_schema_extra=BY_TERRAFORM,
        description="Whether pods run in a user namespace of their own (`hostUsers: false`). gVisor does not need it.",
    )
    runtime_ca_file: str = Field(
        "", json_schema_extra=LOCAL, description="Extra CA file that runtimes trust. Unset: the system's alone."
    )


class Publishing(Settings):
    """The defaults of a publication."""

    runtime_registries: Words = Field(
        (),
        description="Where images of registered runtime versions may come from, comma-separated: `HOST/PATH/`. They "
        "are named by their digest then. Unset: anywhere, by any name.",
    )
    default_scope: Scope = Field(
        Scope.TENANT, json_schema_extra=BY_TERRAFORM, description="Scope of a new provider whose author gives none."
    )


class Core(Project, Topics, Deadlines, Limits, Runtimes, Publishing):
    """What every function needs."""


class TasksAccount(Settings):
    """Who Cloud Tasks calls as."""

    tasks_service_account: str = Field(
        "", json_schema_extra=BY_TERRAFORM, description="Account whose OIDC token a task carries. Unset: none."
    )


class Tasks(Project, TasksAccount):
    """Cloud Tasks: the queues, and the functions that their tasks go to."""

    location: str = Field("local", json_schema_extra=BY_TERRAFORM, description="Region of the Cloud Tasks queues.")
    queues: Pairs = Field(
        {},
        json_schema_extra=BY_TERRAFORM,
        description="What the queues are called, comma-separated: `queue=name` each. Unset: each by its role.",
    )
    queue_urls: Pairs = Field(
        json_schema_extra=BY_TERRAFORM,
        description="URLs of the functions that the queues' tasks go to, comma-separated: `queue=URL` each.",
    )
    tasks_endpoint: str = Field(
        "", json_schema_extra=LOCAL, description="`host:port` of a local Cloud Tasks. Unset: Google's."
    )

    @validator(mode="after")
    def _every_queue_is_served(self) -> Self:
        if missing := [queue for queue in Queue if queue not in self.queue_urls]:
            raise ValueError(f"{variable_name('queue_urls')} has no URL for {', '.join(missing)}")
        return self

    def queue_name(self, queue: Queue) -> str:
        """What a queue is called in this deployment."""
        return self.queues.get(queue, queue)


class Callers(TasksAccount):
    """Who may call a function that is not public. An account that is not set lets nobody in."""

    caller_audience: str = Field(
        "", json_schema_extra=BY_TERRAFORM, description="The function's own URL: the `aud` of its callers' tokens."
    )
    push_service_account: str = Field(
        "", json_schema_extra=BY_TERRAFORM, description="Account whose OIDC token Pub/Sub's pushes carry."
    )
    scheduler_service_account: str = Field(
        "", json_schema_extra=BY_TERRAFORM, description="Account whose OIDC token Cloud Scheduler's calls carry."
    )
    caller_signature_removed: bool = Field(
        False,
        json_schema_extra=BY_TERRAFORM,
        description="Cloud Run's IAM checks each call first, and removes the signature of the token that it verified: "
        "such a token is accepted by its claims.",
    )
    caller_issuer: str = Field(
        "https://accounts.google.com", json_schema_extra=LOCAL, description="`iss` of the callers' tokens."
    )
    caller_jwks_url: str = Field(
        "https://www.googleapis.com/oauth2/v3/certs",
        json_schema_extra=LOCAL,
        description="URL of the keys of the callers' tokens: https, or this machine.",
    )


class CheckIns(Settings):
    """The keys that check-in tokens are signed with."""

    check_in_keys: Annotated[SecretStr, AfterValidator(_without_empty_key)] = Field(
        json_schema_extra=BY_TERRAFORM,
        description="HMAC keys of check-in tokens, comma-separated. New tokens are signed with the first key; "
        "a token of any of the keys is accepted.",
    )

    @property
    def signing_keys(self) -> tuple[bytes, ...]:
        """The keys as bytes, the one that signs first."""
        return tuple(key.strip().encode() for key in self.check_in_keys.get_secret_value().split(","))


class Cluster(Settings):
    """The Kubernetes cluster, named by its endpoint or by a kubeconfig."""

    cluster_endpoint: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="GKE control plane, `https://…`; calls carry the function's IAM token.",
    )
    kubeconfig: str = Field("", json_schema_extra=LOCAL, description="A kubeconfig file. Unset: `cluster_endpoint`.")
    cluster_hub_id: str = Field(
        "provider-hub",
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        json_schema_extra=BY_TERRAFORM,
        description="Label of this hub's objects: each hub of one cluster has its own, and touches no other's.",
    )
    cluster_namespace_prefix: str = Field(
        "",
        pattern=r"^([a-km-np-z][a-z0-9-]{0,14}-)?$",
        json_schema_extra=BY_TERRAFORM,
        description="What this hub's namespaces begin with in a shared cluster: no l or o first. Unset: nothing.",
    )

    @validator(mode="after")
    def _one_is_named(self) -> Self:
        if not (self.cluster_endpoint or self.kubeconfig):
            names = f"{variable_name('cluster_endpoint')} or {variable_name('kubeconfig')}"
            raise ValueError(f"set {names}: this function calls the cluster")
        return self


class Rollouts(Settings):
    """The pace of auto-upgrade rollouts."""

    release_age_seconds: float = Field(3600, ge=0, description="A version younger than this starts no rollout.")
    bake_seconds: float = Field(900, ge=0, description="Time that a wave runs before the next begins.")
    wave_poll_seconds: float = Field(15, gt=0, description="Time between two looks at a wave under way.")
    wave_failures_percent: float = Field(
        5, ge=0, le=100, description="A rollout halts when more of a wave fails, in 3 organizations (or all, if fewer)."
    )
    canary_organizations: Words = Field(
        (), description="Ids, comma-separated, that get a version first; if it fails in one, it halts. Unset: none."
    )

    @property
    def pace(self) -> Pace:
        """The settings as rollouts take them."""
        return Pace(
            minimum_age=timedelta(seconds=self.release_age_seconds),
            bake=timedelta(seconds=self.bake_seconds),
            poll=timedelta(seconds=self.wave_poll_seconds),
            failures_percent=self.wave_failures_percent,
            canaries=frozenset(self.canary_organizations),
        )


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
    Logs,
    TrustedPublishers,
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
    Logs,
    TrustedPublishers,
    Sealing,
):
    """Every group: what one deployment sets."""


def set_by(field: str) -> str:
    """Who sets a field: `Terraform`, the `local stack` alone, or any `operator`."""
    extra = AllSettings.model_fields[field].json_schema_extra
    return str(extra["set_by"]) if isinstance(extra, dict) else "operator"
