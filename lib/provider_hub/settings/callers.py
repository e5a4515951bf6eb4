"""The settings of who calls the functions that are not public, and of the tasks that do: groups of `settings`."""

from typing import Self

from pydantic import Field
from pydantic import model_validator as validator

from provider_hub.domain.records import Queue
from provider_hub.settings.core import Project
from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Pairs, Settings, variable_name


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
