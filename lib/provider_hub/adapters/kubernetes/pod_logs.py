"""What pods print, as the API server gives it: `pods/log`, one container of one pod a call."""

from typing import Any

from provider_hub.actions.cluster import LogRequest, PodOutput, RuntimePod
from provider_hub.adapters.kubernetes.api import Gone, KubernetesApi, NotStarted, Object
from provider_hub.domain.errors import PermanentError, TemporaryError
from provider_hub.domain.manifests import CONTAINER, GENERATION
from provider_hub.domain.observed import count, generation, mapping, mappings, moment, text


def runtime_pod(item: Object) -> RuntimePod | None:
    """The pod as far as its log is concerned; None for one that says no time, since somebody made it up."""
    metadata, status = mapping(item.get("metadata")), mapping(item.get("status"))
    created_at = moment(metadata.get("creationTimestamp"))
    if created_at is None:
        return None
    containers = mappings(status.get("containerStatuses"))
    ours: Any = next((one for one in containers if one.get("name") == CONTAINER), {})
    return RuntimePod(
        name=text(metadata.get("name")),
        created_at=created_at,
        restarts=count(ours.get("restartCount")),
        has_ended="running" not in mapping(ours.get("state")),
        generation=generation(mapping(metadata.get("annotations")).get(GENERATION)),
    )


def read_output(api: KubernetesApi, namespace: str, request: LogRequest) -> PodOutput:
    """The output of one run. A pod that is gone meanwhile, or has no such run, printed nothing."""
    try:
        content = api.log(
            namespace,
            request.pod,
            container=CONTAINER,
            timestamps="true",
            limitBytes=request.most_bytes,
            tailLines=request.tail,
            previous="true" if request.previous else None,
            # The API server cuts it to whole seconds: lines of that second come again, and the reader skips them.
            sinceTime=f"{request.since:%Y-%m-%dT%H:%M:%SZ}" if request.since else None,
        )
    except (Gone, NotStarted):
        return PodOutput()
    except (TemporaryError, PermanentError) as error:
        return PodOutput(unread=str(error))
    return PodOutput(content, is_cut=len(content) >= request.most_bytes)
