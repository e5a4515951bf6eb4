"""The settings of the cluster, a group of `settings`."""

from typing import Self

from pydantic import Field
from pydantic import model_validator as validator

from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Settings, variable_name


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


class Repairs(Settings):
    """How fast the sweeper goes through what is in the cluster."""

    drift_slices: int = Field(
        1,
        ge=1,
        le=100,
        description="Slices that one sweep compares with the cluster, up to 16 side by side: each is 20 installations, "
        "and 100 objects. 40 go through a million installations in 21 hours.",
    )
