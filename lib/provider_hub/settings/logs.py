"""The settings of where pods' output is kept, a group of `settings`."""

from pydantic import Field

from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Settings


class Logs(Settings):
    """Where the output of pods that are gone is looked up."""

    logs_view: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="Log view of what pods print, `projects/…/views/…`. Unset: nothing of pods that are gone is shown.",
    )
    logs_endpoint: str = Field(
        "https://logging.googleapis.com", json_schema_extra=LOCAL, description="Cloud Logging's REST endpoint."
    )
