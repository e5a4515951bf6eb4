"""The settings of the clusters, a group of `settings`."""

import re
from collections.abc import Mapping
from typing import Self

from pydantic import Field
from pydantic import model_validator as validator

from provider_hub.domain.cells import CELL_PATTERN, DEFAULT_CELL
from provider_hub.settings.reader import BY_TERRAFORM, LOCAL, Pairs, Settings, variable_name

_WEIGHT = r"[0-9]{1,9}(\.[0-9]{1,9})?"


class Cluster(Settings):
    """The Kubernetes clusters: that of the default cell, by its endpoint or a kubeconfig, and those of other cells."""

    cluster_endpoint: str = Field(
        "",
        json_schema_extra=BY_TERRAFORM,
        description="GKE control plane, `https://…`; calls carry the function's IAM token.",
    )
    kubeconfig: str = Field("", json_schema_extra=LOCAL, description="A kubeconfig file. Unset: `cluster_endpoint`.")
    cells: Pairs = Field(
        {},
        json_schema_extra=BY_TERRAFORM,
        description="Other clusters beside the one that is the cell `default`, comma-separated: `cell=endpoint` each, "
        "or `cell=kubeconfig`. Unset: none.",
    )
    cell_weights: Pairs = Field(
        {},
        json_schema_extra=BY_TERRAFORM,
        description="Shares of the cells in new organizations, comma-separated: `cell=weight` each; 0 takes none. "
        "Unset: 1 each.",
    )
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

    @validator(mode="after")
    def _each_cell_is_a_cluster_of_its_own(self) -> Self:
        name = variable_name("cells")
        wrong = [cell for cell in self.cells if cell == DEFAULT_CELL or not re.fullmatch(CELL_PATTERN, cell)]
        if wrong:
            raise ValueError(
                f"{name} has the cell {wrong[0][:40]!r}: take up to 30 lower-case letters, digits and inner hyphens, "
                f"a letter first, and not {DEFAULT_CELL!r}, which is the cluster that other settings name"
            )
        if len(set(self.clusters_by_cell.values())) <= len(self.cells):
            raise ValueError(f"{name} gives one cluster to two cells: each cell has its own")
        return self

    @validator(mode="after")
    def _some_cell_is_open(self) -> Self:
        name = variable_name("cell_weights")
        if unknown := [cell for cell in self.cell_weights if cell not in self.clusters_by_cell]:
            raise ValueError(
                f"{name} has {unknown[0][:40]!r}, which is no cell: {', '.join(self.clusters_by_cell)} are"
            )
        if not all(re.fullmatch(_WEIGHT, weight) for weight in self.cell_weights.values()):
            raise ValueError(f"{name} has a weight that is no number from 0 on, such as 2 or 0.5")
        if not any(self.weights_by_cell.values()):
            raise ValueError(f"{name} closes every cell: new organizations need one with a weight above 0")
        return self

    @property
    def clusters_by_cell(self) -> Mapping[str, str]:
        """Each cell's endpoint, or its kubeconfig file."""
        return {DEFAULT_CELL: self.kubeconfig or self.cluster_endpoint, **self.cells}

    @property
    def weights_by_cell(self) -> Mapping[str, float]:
        """Each cell's share in new organizations."""
        return {cell: float(self.cell_weights.get(cell, 1)) for cell in self.clusters_by_cell}


class Repairs(Settings):
    """How fast the sweeper goes through what is in the cluster."""

    drift_slices: int = Field(
        1,
        ge=1,
        le=100,
        description="Slices that one sweep compares with the cluster, up to 16 side by side: each is 20 installations, "
        "and 100 objects. 40 go through a million installations in 21 hours. Cells share the slices of objects: each "
        "has its part, rounded up.",
    )
