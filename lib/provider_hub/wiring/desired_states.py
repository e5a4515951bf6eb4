"""What the functions share that bring the cluster to what rows ask for; the others are started without it."""

from provider_hub.actions.desired_state import DesiredStates
from provider_hub.actions.services import Services
from provider_hub.adapters import sealing
from provider_hub.domain.manifests import NamespacePlan, RuntimeFacts
from provider_hub.domain.records import Topic
from provider_hub.settings.check_ins import CheckIns
from provider_hub.settings.core import Core
from provider_hub.settings.images import Images
from provider_hub.settings.sealing import Sealing
from provider_hub.settings.wheels import Artifacts

# Four pods an installation: two replicas of the largest tier, twice during a rollout.
_PODS_PER_INSTALLATION = 4


class DesiredStateSettings(Core, CheckIns, Artifacts, Images, Sealing):
    """What it takes to say what the cluster should hold."""


def desired_states(given: DesiredStateSettings, services: Services) -> DesiredStates:
    """What the cluster should hold by this deployment's settings; the newest key signs the check-in tokens."""
    facts = RuntimeFacts(
        image=given.runtime_image,
        check_in_topic=f"projects/{given.project}/topics/{given.topic_names[Topic.CHECK_INS]}",
        pubsub_endpoint=given.runtime_pubsub_endpoint,
        check_in_seconds=given.check_in_seconds,
        ca_file=given.runtime_ca_file,
        artifacts_url=given.artifacts_url,
        pull_credentials=given.image_pull_credentials.get_secret_value(),
        deadline_seconds=given.deploy_deadline_seconds,
        pods_per_namespace=given.installation_quota * _PODS_PER_INSTALLATION,
        runtime_class=given.runtime_class,
        user_namespaces=given.runtime_user_namespaces,
        plan=NamespacePlan(
            given.namespace_cpu_cores,
            given.namespace_memory_gib,
            given.namespace_disk_gib,
            installations=given.installation_quota,
        ),
    )
    return DesiredStates(services.store, facts, given.signing_keys[0], sealing.connect(given))
