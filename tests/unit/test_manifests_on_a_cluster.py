"""The cluster takes what the hub makes, in a namespace that the hub made, and warns of none of it."""

import copy

import pytest
from tests.builders import ACME, revision, version, wish
from tests.unit.cluster_objects import BareCluster
from tests.unit.test_manifests import FACTS

from local_kubernetes.cluster.kinds import named
from local_kubernetes.cluster.resources import Write
from provider_hub.domain.installation import ResourceTier
from provider_hub.domain.manifests import installation_manifests, namespace_manifests


@pytest.mark.parametrize("tier", list(ResourceTier))
def test_every_object_of_an_installation_is_valid_and_admitted(tier: ResourceTier) -> None:
    cluster = BareCluster()
    made = [
        *namespace_manifests(ACME.organization_id, ACME.slug, FACTS),
        *installation_manifests(
            wish(revision=revision(resource_tier=tier, config={"KEY": "value"})), version(), FACTS, "the-token"
        ),
    ]
    for manifest in made:
        write = Write("test", validation="Strict")
        namespace = manifest["metadata"].get("namespace", "")
        cluster.resources.create(named(manifest["kind"]), namespace, copy.deepcopy(manifest), write)
        assert write.warnings == [], manifest["kind"]

    deployment = next(manifest for manifest in made if manifest["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    pod = {"metadata": {"generateName": "web-", "labels": template["metadata"]["labels"]}, "spec": template["spec"]}
    cluster.resources.create(named("Pod"), deployment["metadata"]["namespace"], pod, Write("test"))
