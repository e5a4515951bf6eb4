"""What Terraform made, read from its state: services, accounts, grants, subscriptions, queues, jobs and paths."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

Resource = Mapping[str, Any]


@dataclass(frozen=True)
class Service:
    """One Cloud Run service: a function."""

    name: str
    function: str
    account: str
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    open_to_all: bool


@dataclass(frozen=True)
class Push:
    """Where a subscription sends what is published to its topic, and as whom."""

    name: str
    topic: str
    endpoint: str
    account: str
    audience: str
    dead_letter_topic: str | None
    max_attempts: int


@dataclass(frozen=True)
class Job:
    """A Cloud Scheduler job."""

    name: str
    url: str
    account: str
    audience: str


@dataclass(frozen=True)
class Grant:
    """A role that a member has on one resource, which is `project` for all of them.

    `condition` is the expression that holds it to some of the resources below that; "" = to none.
    """

    member: str
    role: str
    on: str
    condition: str = ""

    def covers(self, resource: str) -> bool:
        """Whether the condition is met by a resource's full name. Raises ValueError for one of another form."""
        if not self.condition:
            return True
        found = _CONDITION.fullmatch(self.condition)
        if found is None:
            raise ValueError(f"the rehearsal's IAM cannot read the condition {self.condition}")
        return resource.startswith(found["prefix"]) if found["prefix"] else resource == found["name"]


@dataclass(frozen=True)
class Deployment:
    """The state, as `terraform show -json` tells it."""

    state: Mapping[str, Any]
    _withheld: set[str] = field(default_factory=set)
    _added: list[Grant] = field(default_factory=list)

    @contextmanager
    def without(self, grant: str) -> Iterator[None]:
        """Leave out a grant, named `role on resource`, for as long as the block lasts."""
        self._withheld.add(grant)
        try:
            yield
        finally:
            self._withheld.remove(grant)

    @contextmanager
    def beside(self, grant: Grant) -> Iterator[None]:
        """Have a grant that Terraform does not make, for as long as the block lasts."""
        self._added.append(grant)
        try:
            yield
        finally:
            self._added.remove(grant)

    @cached_property
    def _resources(self) -> Sequence[Resource]:
        return list(_walk(self.state["values"]["root_module"]))

    def of(self, kind: str) -> Iterator[Resource]:
        """The values of every resource of a type."""
        return (resource["values"] for resource in self._resources if resource["type"] == kind)

    @cached_property
    def services(self) -> Sequence[Service]:
        """Every function's service."""
        return [self._service(values) for values in self.of("google_cloud_run_v2_service")]

    def _service(self, values: Resource) -> Service:
        (template,) = values["template"]
        (container,) = template["containers"]
        (build,) = values["build_config"]
        plain = {one["name"]: one["value"] for one in container["env"] if not one["value_source"]}
        secrets = {one["name"]: _secret(one) for one in container["env"] if one["value_source"]}
        return Service(
            name=values["name"],
            function=build["function_target"],
            account=template["service_account"],
            environment=plain,
            secrets=secrets,
            open_to_all=values["invoker_iam_disabled"] == "true",
        )

    @cached_property
    def _every_grant(self) -> Sequence[Grant]:
        return [grant for kind, key in _GRANTS.items() for grant in self._grants(kind, key)]

    @property
    def grants(self) -> Sequence[Grant]:
        """Every grant that Terraform makes, but those that are withheld, and those that somebody made beside it."""
        kept = [grant for grant in self._every_grant if f"{grant.role} on {grant.on}" not in self._withheld]
        return kept + self._added

    def may_invoke(self, account: str, service: str) -> bool:
        """Whether a service account may call a service that is not open to all."""
        member = f"serviceAccount:{account}"
        return any(Grant(member, "roles/run.invoker", on) in self.grants for on in (service, "project"))

    @cached_property
    def kms_keys(self) -> Sequence[str]:
        """Every key's full name."""
        return [values["id"] for values in self.of("google_kms_crypto_key")]

    def _grants(self, kind: str, key: str) -> Iterator[Grant]:
        for values in self.of(kind):
            on = "project" if key == "project" else values[key].rpartition("/")[2]
            conditions = values.get("condition") or ()
            yield Grant(
                values["member"], self._role(values["role"]), on, conditions[0]["expression"] if conditions else ""
            )

    def _role(self, role: str) -> str:
        """A custom role by the id that its permissions are known under."""
        return next((own["role_id"] for own in self.of("google_project_iam_custom_role") if role == own["id"]), role)

    @cached_property
    def custom_roles(self) -> Mapping[str, frozenset[str]]:
        """The permissions of each custom role, by its id."""
        return {own["role_id"]: frozenset(own["permissions"]) for own in self.of("google_project_iam_custom_role")}

    @property
    def gateway_address(self) -> str:
        """The load balancer's address; "" where there is none."""
        address: str = self.state["values"]["outputs"]["address"].get("value") or ""
        return address

    @property
    def cluster_access(self) -> Mapping[str, Any]:
        """The output that the cluster's roles are made from."""
        access: Mapping[str, Any] = self.state["values"]["outputs"]["cluster_access"]["value"]
        return access

    @cached_property
    def pushes(self) -> Sequence[Push]:
        """Every push subscription."""
        return [_push(values) for values in self.of("google_pubsub_subscription")]

    @cached_property
    def topics(self) -> Sequence[str]:
        """Every topic's short name."""
        return [values["name"] for values in self.of("google_pubsub_topic")]

    @cached_property
    def queues(self) -> Sequence[str]:
        """Every Cloud Tasks queue's full name."""
        return [
            f"projects/{values['project']}/locations/{values['location']}/queues/{values['name']}"
            for values in self.of("google_cloud_tasks_queue")
        ]

    @cached_property
    def jobs(self) -> Sequence[Job]:
        """Every Cloud Scheduler job."""
        return [_job(values) for values in self.of("google_cloud_scheduler_job")]

    def secret(self, name: str) -> str | None:
        """The value of a secret's version, where the state has it."""
        for values in self.of("google_secret_manager_secret_version"):
            if values["secret"].rpartition("/")[2] == name:
                return values.get("secret_data")
        return None

    def service_of(self, path: str) -> str:
        """The service that the gateway's URL map sends a path to: the longest pattern that matches it."""
        (url_map,) = (values for values in self.of("google_compute_url_map") if values["path_matcher"])
        (matcher,) = url_map["path_matcher"]
        matching = [
            (len(pattern), rule["service"])
            for rule in matcher["path_rule"]
            for pattern in rule["paths"]
            if fnmatchcase(path, pattern)
        ]
        backend = max(matching)[1] if matching else matcher["default_service"]
        return self._service_behind(backend)

    def _service_behind(self, backend_id: str) -> str:
        (backend,) = (one for one in self.of("google_compute_backend_service") if one["id"] == backend_id)
        group = backend["backend"][0]["group"]
        (endpoints,) = (one for one in self.of("google_compute_region_network_endpoint_group") if one["id"] == group)
        service: str = endpoints["cloud_run"][0]["service"]
        return service


# What grants a role on what: the resource type, and the attribute that names the resource.
_GRANTS: Mapping[str, str] = {
    "google_project_iam_member": "project",
    "google_cloud_run_v2_service_iam_member": "name",
    "google_pubsub_topic_iam_member": "topic",
    "google_pubsub_subscription_iam_member": "subscription",
    "google_cloud_tasks_queue_iam_member": "name",
    "google_service_account_iam_member": "service_account_id",
    "google_secret_manager_secret_iam_member": "secret_id",
    "google_storage_bucket_iam_member": "bucket",
    "google_kms_crypto_key_iam_member": "crypto_key_id",
}
_CONDITION = re.compile(r"""resource\.name(?:\.startsWith\("(?P<prefix>[^"]+)"\)| == "(?P<name>[^"]+)")""")


def _walk(module: Mapping[str, Any]) -> Iterator[Resource]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _walk(child)


def _secret(variable: Resource) -> str:
    name: str = variable["value_source"][0]["secret_key_ref"][0]["secret"]
    return name.rpartition("/")[2]


def _push(values: Resource) -> Push:
    (config,) = values["push_config"]
    (token,) = config["oidc_token"]
    dead = values["dead_letter_policy"]
    return Push(
        name=values["name"],
        topic=values["topic"].rpartition("/")[2],
        endpoint=config["push_endpoint"],
        account=token["service_account_email"],
        audience=token["audience"],
        dead_letter_topic=dead[0]["dead_letter_topic"].rpartition("/")[2] if dead else None,
        max_attempts=int(dead[0]["max_delivery_attempts"]) if dead else 0,
    )


def _job(values: Resource) -> Job:
    (target,) = values["http_target"]
    (token,) = target["oidc_token"]
    return Job(values["name"], target["uri"], token["service_account_email"], token["audience"])
