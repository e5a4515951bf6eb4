"""The settings of every function, groups of `settings`."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field

from provider_hub.domain import deadlines as domain
from provider_hub.domain.records import Topic
from provider_hub.domain.runtimes import PLATFORM_PATTERN, PYTHON_PATTERN
from provider_hub.domain.scope import Scope
from provider_hub.settings.limits import Limits
from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Required, Settings, Words


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
    silence_shards: int = Field(
        30,
        ge=1,
        le=300,
        description="Ranges of the index of silent rows, each good for 500 check-ins a second. A sweep asks 30 of them "
        "by one query. 1: one range, which every written check-in moves in.",
    )
    check_in_seconds: float = Field(
        300,
        gt=0,
        description="A runtime's check-in interval. One that says nothing new is written at most this often.",
    )

    @property
    def deadlines(self) -> domain.Deadlines:
        """The waits as the state machine takes them."""
        return domain.Deadlines(
            queue=timedelta(seconds=self.queue_deadline_seconds),
            deploy=timedelta(seconds=self.deploy_deadline_seconds),
            check_in_writes=timedelta(seconds=self.check_in_seconds),
            silence=timedelta(seconds=self.silence_seconds),
            silence_shards=self.silence_shards,
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
