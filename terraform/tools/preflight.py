"""Looks before the plan at what refuses a deployment only after minutes: billing, policies, quotas, regions, APIs.

    python -m terraform.tools.preflight --project my-project --region europe-west1

It asks by `gcloud` and changes nothing. Each refusal says what to do. What cannot be asked, since an API is off or a
right is missing, is a remark and no refusal. Exit status: 0 nothing refuses, 1 something does.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2
from terraform.tools.configuration import HUB, TERRAFORM

FUNCTIONS = TERRAFORM.parent / "functions" / "functions.json"
_SECONDS = 120

# Runs `gcloud` with these words and gives its JSON. Raises Unanswered.
Ask = Callable[..., Any]


class Unanswered(Exception):
    """gcloud gave no answer; the message is the last line of what it said."""


@dataclass(frozen=True)
class Finding:
    """`refuses`: the deployment would fail. `todo` says what to do about it."""

    refuses: bool
    what: str
    todo: str

    def __str__(self) -> str:
        return f"{'refused' if self.refuses else 'remark'}: {self.what}. {self.todo}"


@dataclass(frozen=True)
class Target:
    """Where the deployment goes, the sizes of its functions by name, and the environment's name."""

    project: str
    region: str
    sizes: Mapping[str, Mapping[str, Any]]
    settings: Mapping[str, Any]
    name: str = "hub"


@dataclass(frozen=True)
class Constraint:
    """An organization policy: `refuses` says from its rule and the target why it stands in the way, "" if not."""

    name: str
    refuses: Callable[["Rule", Target], str]
    todo: str


@dataclass(frozen=True)
class Rule:
    """An effective policy, as one rule: enforced, or lists of what is allowed and denied (None = no list)."""

    enforced: bool
    deny_all: bool
    allowed: frozenset[str] | None
    denied: frozenset[str]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Rule":
        rules = [rule for rule in answer.get("spec", {}).get("rules", ()) if "condition" not in rule]
        lists = [rule["values"] for rule in rules if "values" in rule]
        allowed = [frozenset(values["allowedValues"]) for values in lists if "allowedValues" in values]
        return cls(
            enforced=any(rule.get("enforce") for rule in rules),
            deny_all=any(rule.get("denyAll") for rule in rules),
            allowed=frozenset().union(*allowed) if allowed else None,
            denied=frozenset(value for values in lists for value in values.get("deniedValues", ())),
        )

    def refuses(self, *values: str) -> bool:
        """Whether none of the spellings of a value passes."""
        if self.deny_all or self.denied & set(values):
            return True
        return self.allowed is not None and not self.allowed & set(values)


def _location(rule: Rule, target: Target) -> str:
    continent = target.region.split("-")[0].replace("europe", "eu")
    groups = (
        f"in:{target.region}-locations",
        f"in:{continent}-locations",
        f"in:{target.region.split('-')[0]}-locations",
    )
    return f"{target.region} is no allowed location" if rule.refuses(target.region, *groups) else ""


def _services(rule: Rule, _: Target) -> str:
    missing = [name for name in services() if rule.refuses(name, f"is:{name}")]
    return f"these services may not be used: {', '.join(missing)}" if missing else ""


def _ingress(rule: Rule, target: Target) -> str:
    public = "all" if target.settings.get("gateway") == "none" else "internal-and-cloud-load-balancing"
    wanted = [value for value in ("internal", public) if rule.refuses(value, f"is:{value}")]
    return f"functions may not take traffic from: {', '.join(wanted)}" if wanted else ""


def _keys(rule: Rule, target: Target) -> str:
    return (
        ""
        if target.settings.get("encryption") or not (rule.denied or rule.deny_all)
        else "stores need keys of your own"
    )


def _egress(rule: Rule, target: Target) -> str:
    through = target.settings.get("egress") == "network"
    return (
        "functions may reach the world through a VPC alone"
        if not through and rule.refuses("private-ranges-only")
        else ""
    )


def _pools(rule: Rule, target: Target) -> str:
    return "" if target.settings.get("build_worker_pool") or rule.allowed is None else "builds need a private pool"


def _balancers(rule: Rule, target: Target) -> str:
    kind = "GLOBAL_EXTERNAL_MANAGED_HTTP_HTTPS"
    has_gateway = target.settings.get("gateway", "load_balancer") != "none"
    return (
        f"no load balancer of the kind {kind} may be made" if has_gateway and rule.refuses(kind, "in:EXTERNAL") else ""
    )


def _when_enforced(what: str) -> Callable[[Rule, Target], str]:
    return lambda rule, _: what if rule.enforced else ""


CONSTRAINTS: Sequence[Constraint] = (
    Constraint("gcp.resourceLocations", _location, "Choose an allowed region, or have this project exempted"),
    Constraint("gcp.restrictServiceUsage", _services, "Have them allowed for this project"),
    Constraint("gcp.restrictNonCmekServices", _keys, "Set `encryption` to your Cloud KMS keys"),
    Constraint("run.allowedIngress", _ingress, "Have these values allowed for this project"),
    Constraint("run.allowedVPCEgress", _egress, 'Set `egress = "network"`'),
    Constraint("cloudbuild.allowedWorkerPools", _pools, "Set `build_worker_pool` to an allowed one"),
    Constraint(
        "run.managed.requireInvokerIam",
        _when_enforced("public functions may not go without IAM's own check of the caller"),
        "Have this project exempted: the functions check the callers' tokens themselves",
    ),
    Constraint(
        "compute.restrictLoadBalancerCreationForTypes", _balancers, 'Have it allowed, or set `gateway = "none"`'
    ),
    Constraint(
        "iam.disableServiceAccountCreation",
        _when_enforced("no service account may be made"),
        "Have this project exempted: each function has an account of its own",
    ),
)


def check(ask: Ask, target: Target) -> Iterator[Finding]:
    """Everything that is looked at, in the order in which a deployment would meet it."""
    for look in (_billing, _policies, _enabled, _regions, _secrets, _compute_quotas, _run_quotas):
        try:
            yield from look(ask, target)
        except Unanswered as error:
            yield Finding(
                False, f"{look.__name__[1:].replace('_', ' ')} could not be looked at ({error})", "The deployment shows"
            )


def _billing(ask: Ask, target: Target) -> Iterator[Finding]:
    if not ask("billing", "projects", "describe", target.project).get("billingEnabled"):
        yield Finding(
            True,
            f"{target.project} has no billing account",
            f"Link one: gcloud billing projects link {target.project} --billing-account=012345-6789AB-CDEF01",
        )


def _policies(ask: Ask, target: Target) -> Iterator[Finding]:
    for constraint in CONSTRAINTS:
        try:
            answer = ask("org-policies", "describe", constraint.name, "--effective", "--project", target.project)
        except Unanswered as error:
            yield Finding(False, f"the policy {constraint.name} could not be read ({error})", "Ask who may")
            continue
        if why := constraint.refuses(Rule.of(answer), target):
            yield Finding(True, f"the organization policy {constraint.name} is in the way: {why}", constraint.todo)


def services() -> Sequence[str]:
    """The APIs that modules/hub/services.tf enables always."""
    text = (HUB / "services.tf").read_text()
    return [line.strip(' ",') for line in text.splitlines() if line.strip().endswith('.googleapis.com",')]


def _enabled(ask: Ask, target: Target) -> Iterator[Finding]:
    answer = ask("services", "list", "--enabled", "--project", target.project)
    enabled = {service["config"]["name"] for service in answer}
    missing = [name for name in services() if name not in enabled]
    if missing:
        yield Finding(
            False, f"{len(missing)} APIs are off and will be turned on", "The first deployment waits for them"
        )


_REGIONAL = {
    "Cloud Run": ("run", "regions", "list"),
    "Cloud Tasks": ("tasks", "locations", "list"),
    "Cloud Scheduler": ("scheduler", "locations", "list"),
    "Firestore": ("firestore", "locations", "list"),
}


def _regions(ask: Ask, target: Target) -> Iterator[Finding]:
    for service, command in _REGIONAL.items():
        try:
            found = {place.get("locationId") for place in ask(*command, "--project", target.project)}
        except Unanswered as error:
            yield Finding(False, f"{service}'s regions could not be listed ({error})", "The API may be off yet")
            continue
        place = target.region
        if service == "Firestore":
            place = (target.settings.get("database") or {}).get("location") or target.region
        if place not in found:
            yield Finding(
                True, f"{service} is not in {place}", "Choose a region that has all of them, such as europe-west1"
            )


def _secrets(ask: Ask, target: Target) -> Iterator[Finding]:
    """Cloud Run refuses a function whose secret is not there, minutes after the apply began."""
    for name in sorted(handed_in(target.settings)):
        try:
            ask("secrets", "describe", name, "--project", target.project)
        except Unanswered as error:
            is_missing = "NOT_FOUND" in str(error)
            what = f"there is no secret {name}" if is_missing else f"the secret {name} could not be looked up ({error})"
            yield Finding(is_missing, what, f"Make it: gcloud secrets create {name} --data-file=-")


def handed_in(settings: Mapping[str, Any]) -> frozenset[str]:
    """The secrets that an operator made by hand, and names."""
    lookups = [(settings.get(realm) or {}).get("lookup") for realm in ("customer_realm", "console_realm")]
    named = [*lookups, settings.get("index_credentials"), settings.get("image_pull_credentials")]
    return frozenset(one["secret"] for one in named if one)


# What a deployment takes of the region's Compute quotas: Autopilot's nodes count against them.
_COMPUTE = {"CPUS": 8, "IN_USE_ADDRESSES": 1, "SSD_TOTAL_GB": 200}
# How gcloud says that a cluster is not there, or that the API is still off, so that none can be.
_NO_CLUSTER = re.compile(r"code=404|not.found|SERVICE_DISABLED|not enabled|has not been used", re.IGNORECASE)


def _compute_quotas(ask: Ask, target: Target) -> Iterator[Finding]:
    """A cluster that is there has its nodes, and needs more only as it grows."""
    answer = ask("compute", "regions", "describe", target.region, "--project", target.project)
    quotas = {quota["metric"]: quota for quota in answer.get("quotas", ())}
    left = {metric: quotas[metric]["limit"] - quotas[metric]["usage"] for metric in _COMPUTE if metric in quotas}
    short = {metric: free for metric, free in left.items() if free < _COMPUTE[metric]}
    refuses = bool(short) and _makes_a_cluster(ask, target)
    for metric, free in short.items():
        yield Finding(
            refuses,
            f"the quota {metric} of {target.region} has {free:g} left, and a cluster begins with {_COMPUTE[metric]}",
            "Ask for more: https://console.cloud.google.com/iam-admin/quotas",
        )


def _makes_a_cluster(ask: Ask, target: Target) -> bool:
    """Whether a cluster of the settings is not there yet. Raises Unanswered."""
    return any(not _is_there(ask, target, cluster) for cluster in own_clusters(target))


def own_clusters(target: Target) -> Sequence[str]:
    """The names of the clusters that Terraform makes, as modules/hub/cluster.tf gives them."""
    cells = target.settings.get("cells") or {}
    first = [] if (target.settings.get("cluster") or {}).get("existing") else [target.name]
    return [*first, *(f"{target.name}-{cell}" for cell, told in cells.items() if not told.get("existing"))]


def _is_there(ask: Ask, target: Target, cluster: str) -> bool:
    try:
        ask("container", "clusters", "describe", cluster, "--location", target.region, "--project", target.project)
    except Unanswered as error:
        if not _NO_CLUSTER.search(str(error)):
            raise
        return False
    return True


def _run_quotas(ask: Ask, target: Target) -> Iterator[Finding]:
    """Cloud Run refuses a function whose instances, all at once, would be over the region's quota."""
    for quota, measure in {"CpuAllocPerProjectRegion": _millicpus, "MemAllocPerProjectRegion": _bytes}.items():
        command = ("beta", "quotas", "info", "describe", quota, "--service", "run.googleapis.com")
        limit = _limit(ask(*command, "--project", target.project), target.region)
        for name, size in target.sizes.items():
            wanted = size["max_instances"] * measure(size)
            if limit is not None and wanted > limit:
                most = int(limit // measure(size))
                yield Finding(
                    True,
                    f"{name} may have {size['max_instances']} instances, and Cloud Run's quota {quota} allows {most}",
                    f"Set functions = {{ {name} = {{ max_instances = {most} }} }}, or ask for a higher quota",
                )


def _limit(answer: Mapping[str, Any], region: str) -> float | None:
    """The quota in a region; its most specific entry counts. None where it has none."""
    entries = answer.get("dimensionsInfos", ())
    own = [entry for entry in entries if entry.get("dimensions", {}).get("region") == region]
    wide = [
        entry for entry in entries if region in entry.get("applicableLocations", ()) and not entry.get("dimensions")
    ]
    for entry in (*own, *wide):
        value = float(entry.get("details", {}).get("value", -1))
        return None if value < 0 else value
    return None


def _millicpus(size: Mapping[str, Any]) -> float:
    return float(size["cpu"]) * 1000


def _bytes(size: Mapping[str, Any]) -> float:
    text = str(size["memory"])
    return float(text[:-2]) * {"Mi": 1024**2, "Gi": 1024**3}[text[-2:]]


def chosen(files: Sequence[Path]) -> Mapping[str, Any]:
    """What .tfvars files set, the later ones over the earlier."""
    found: dict[str, Any] = {}
    for file in files:
        found |= hcl2.loads(file.read_text())
    return {name: _plain(value) for name, value in found.items() if not name.startswith("__")}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key).strip('"'): _plain(item) for key, item in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.strip('"') if isinstance(value, str) else value


def sizes(settings: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The size of each function that is deployed."""
    declared = json.loads(FUNCTIONS.read_text())
    combined = {name for entry in declared.values() for name in entry.get("combines", ())}
    without = (
        combined if settings.get("gateway") == "none" else {name for name in declared if "combines" in declared[name]}
    )
    others = settings.get("functions") or {}
    return {name: entry["size"] | others.get(name, {}) for name, entry in declared.items() if name not in without}


def gcloud(*words: str) -> Any:
    """The JSON that `gcloud WORDS` prints. Raises Unanswered."""
    command = ["gcloud", *words, "--format", "json", "--quiet"]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    except subprocess.TimeoutExpired as error:
        raise Unanswered(f"gcloud {words[0]} took longer than {_SECONDS} s") from error
    if ran.returncode:
        lines = ran.stderr.strip().splitlines() or ["no reason given"]
        raise Unanswered(lines[0].removeprefix("ERROR: "))
    try:
        return json.loads(ran.stdout or "{}")
    except ValueError as error:
        raise Unanswered("gcloud printed no JSON") from error


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m terraform.tools.preflight", description=__doc__.splitlines()[0])
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--name", default="hub", help="the environment's name")
    parser.add_argument("--var-file", type=Path, action="append", default=[])
    given = parser.parse_args(arguments)
    standing = [
        path for path in (TERRAFORM / "terraform.tfvars", *sorted(TERRAFORM.glob("*.auto.tfvars"))) if path.exists()
    ]
    settings = chosen([*standing, *given.var_file])
    findings = list(check(gcloud, Target(given.project, given.region, sizes(settings), settings, given.name)))
    for finding in findings:
        print(f"preflight: {finding}", file=sys.stderr)
    return int(any(finding.refuses for finding in findings))


if __name__ == "__main__":
    raise SystemExit(main())
