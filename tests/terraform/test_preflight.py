"""What would refuse a deployment is found before the plan, and each refusal says what to do."""

import json
import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from terraform.tools import preflight
from terraform.tools.preflight import Finding, Target, check, chosen, main, services, sizes

REGION = "europe-west1"
LOCATIONS = [{"locationId": REGION, "name": f"projects/p/locations/{REGION}"}, {"locationId": "us-central1"}]
QUOTA = 200_000
# An ordinary project's answers, in the form that gcloud prints; the rest of a command's words is not looked at.
ANSWERS: Mapping[str, Any] = {
    "billing projects describe": {"billingAccountName": "billingAccounts/0", "billingEnabled": True},
    "org-policies describe": {"name": "projects/1/policies/x", "spec": {"rules": [{"allowAll": True}]}},
    "services list": [{"config": {"name": name}, "state": "ENABLED"} for name in services()],
    "secrets describe": {"name": "projects/1/secrets/x"},
    "run regions list": LOCATIONS,
    "tasks locations list": LOCATIONS,
    "scheduler locations list": LOCATIONS,
    "firestore locations list": [*LOCATIONS, {"locationId": "eur3"}],
    "container clusters describe": {"name": "hub", "status": "RUNNING"},
    "compute regions describe": {
        "quotas": [
            {"metric": "CPUS", "limit": 24.0, "usage": 0.0},
            {"metric": "IN_USE_ADDRESSES", "limit": 8.0, "usage": 1.0},
        ]
    },
    "beta quotas info describe CpuAllocPerProjectRegion": {
        "dimensionsInfos": [{"applicableLocations": [REGION], "details": {"value": str(QUOTA)}}]
    },
    "beta quotas info describe MemAllocPerProjectRegion": {
        "dimensionsInfos": [{"applicableLocations": [REGION], "details": {"value": str(400 * 1024**3)}}]
    },
}


def asked(**changed: Any) -> Callable[..., Any]:
    """A gcloud with some answers changed; an exception is raised instead of answering."""
    answers = {**ANSWERS, **changed}

    def ask(*words: str) -> Any:
        line = " ".join(words)
        answer = answers[max((known for known in answers if line.startswith(known)), key=len)]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def found(ask: Callable[..., Any], region: str = REGION, **settings: Any) -> list[Finding]:
    return list(check(ask, Target("my-project", region, sizes(settings), settings)))


def policy(name: str, **rule: Any) -> Callable[..., Any]:
    return asked(**{f"org-policies describe {name}": {"name": name, "spec": {"rules": [rule]}}})


def test_an_ordinary_project_has_nothing_in_the_way() -> None:
    assert found(asked()) == []


def test_a_project_without_billing_is_told_how_to_link_one() -> None:
    (finding,) = found(asked(**{"billing projects describe": {"billingEnabled": False}}))
    assert finding.refuses
    assert "gcloud billing projects link my-project" in finding.todo


@pytest.mark.parametrize(
    ("name", "rule", "words"),
    [
        (
            "gcp.resourceLocations",
            {"values": {"allowedValues": ["in:us-locations"]}},
            "europe-west1 is no allowed location",
        ),
        ("gcp.restrictServiceUsage", {"values": {"deniedValues": ["run.googleapis.com"]}}, "run.googleapis.com"),
        ("gcp.restrictNonCmekServices", {"values": {"deniedValues": ["pubsub.googleapis.com"]}}, "keys of your own"),
        ("run.allowedIngress", {"values": {"allowedValues": ["internal"]}}, "internal-and-cloud-load-balancing"),
        ("run.allowedVPCEgress", {"values": {"allowedValues": ["all-traffic"]}}, "through a VPC alone"),
        ("cloudbuild.allowedWorkerPools", {"values": {"allowedValues": ["under:projects/p"]}}, "private pool"),
        ("run.managed.requireInvokerIam", {"enforce": True}, "IAM's own check"),
        ("compute.restrictLoadBalancerCreationForTypes", {"denyAll": True}, "no load balancer"),
        ("iam.disableServiceAccountCreation", {"enforce": True}, "no service account"),
    ],
)
def test_a_policy_in_the_way_is_named_with_what_to_do(name: str, rule: dict[str, Any], words: str) -> None:
    (finding,) = found(policy(name, **rule))
    assert finding.refuses
    assert name in finding.what
    assert words in finding.what
    assert len(finding.todo) > 10


@pytest.mark.parametrize(
    ("name", "rule", "settings"),
    [
        ("gcp.resourceLocations", {"values": {"allowedValues": ["in:eu-locations"]}}, {}),
        (
            "gcp.restrictNonCmekServices",
            {"values": {"deniedValues": ["pubsub.googleapis.com"]}},
            {"encryption": {"key": "k"}},
        ),
        ("run.allowedVPCEgress", {"values": {"allowedValues": ["all-traffic"]}}, {"egress": "network"}),
        ("cloudbuild.allowedWorkerPools", {"values": {"allowedValues": ["x"]}}, {"build_worker_pool": "x"}),
        ("compute.restrictLoadBalancerCreationForTypes", {"denyAll": True}, {"gateway": "none"}),
    ],
)
def test_a_policy_that_the_settings_obey_is_not_in_the_way(name: str, rule: dict[str, Any], settings: Any) -> None:
    assert found(policy(name, **rule), **settings) == []


def test_a_function_over_cloud_runs_quota_is_told_what_fits() -> None:
    (finding,) = found(asked(), functions={"catalog": {"max_instances": 300}})
    assert finding.refuses
    assert "catalog may have 300 instances" in finding.what
    assert "max_instances = 200" in finding.todo


def test_the_defaults_fit_the_smallest_quota_that_new_projects_get() -> None:
    """Twenty vCPUs and forty GiB."""
    small = {
        "beta quotas info describe CpuAllocPerProjectRegion": {
            "dimensionsInfos": [{"applicableLocations": [REGION], "details": {"value": "20000"}}]
        },
        "beta quotas info describe MemAllocPerProjectRegion": {
            "dimensionsInfos": [{"applicableLocations": [REGION], "details": {"value": str(40 * 1024**3)}}]
        },
    }
    assert found(asked(**small)) == []
    assert found(asked(**small), gateway="none") == []


FEW_CPUS = {"compute regions describe": {"quotas": [{"metric": "CPUS", "limit": 8.0, "usage": 4.0}]}}
NO_CLUSTER = preflight.Unanswered("(gcloud.container.clusters.describe) ResponseError: code=404, message=Not found")
API_OFF = preflight.Unanswered("(gcloud.container.clusters.describe) API [container.googleapis.com] not enabled")
EXISTING = {"existing": {"name": "shared", "location": REGION}}


@pytest.mark.parametrize("answer", [NO_CLUSTER, API_OFF])
def test_too_few_cpus_for_the_first_nodes_of_a_new_cluster_are_refused(answer: Exception) -> None:
    (finding,) = found(asked(**FEW_CPUS, **{"container clusters describe": answer}))
    assert finding.refuses
    assert "the quota CPUS of europe-west1 has 4 left" in finding.what


def test_too_few_cpus_beside_a_cluster_that_has_its_nodes_are_a_remark() -> None:
    (finding,) = found(asked(**FEW_CPUS))
    assert not finding.refuses
    (finding,) = found(asked(**FEW_CPUS, **{"container clusters describe": NO_CLUSTER}), cluster=EXISTING)
    assert not finding.refuses


def test_a_new_cell_wants_cpus_although_the_first_cluster_has_its_nodes() -> None:
    one_is_missing = {"container clusters describe hub-second": NO_CLUSTER}
    cells = {"second": {"ranges": {}}, "third": EXISTING}
    assert [finding.refuses for finding in found(asked(**FEW_CPUS, **one_is_missing), cells=cells)] == [True]
    assert [finding.refuses for finding in found(asked(**FEW_CPUS), cells=cells)] == [False]


def test_a_cluster_that_may_not_be_looked_at_refuses_nothing() -> None:
    forbidden = preflight.Unanswered("(gcloud.container.clusters.describe) code=403, message=Required permission")
    (finding,) = found(asked(**FEW_CPUS, **{"container clusters describe": forbidden}))
    assert not finding.refuses
    assert "code=403" in finding.what


def test_a_region_without_a_service_is_refused() -> None:
    (finding,) = found(asked(**{"scheduler locations list": [{"locationId": "us-central1"}]}))
    assert finding.what == "Cloud Scheduler is not in europe-west1"
    assert found(asked(), database={"location": "eur3"}) == []


def test_apis_that_are_off_are_a_remark_since_terraform_turns_them_on() -> None:
    (finding,) = found(asked(**{"services list": ANSWERS["services list"][1:]}))
    assert not finding.refuses
    assert "1 APIs are off" in finding.what


def test_what_cannot_be_asked_is_a_remark_with_gclouds_reason() -> None:
    refused = preflight.Unanswered("(gcloud.org-policies.describe) PERMISSION_DENIED: orgpolicy.policy.get")
    findings = found(asked(**{"org-policies describe": refused, "compute regions describe": refused}))
    assert len(findings) == len(preflight.CONSTRAINTS) + 1
    assert not any(finding.refuses for finding in findings)
    assert all("PERMISSION_DENIED" in finding.what for finding in findings)


def test_it_reads_the_files_that_terraform_reads(tmp_path: Path) -> None:
    file = tmp_path / "prod.tfvars"
    file.write_text('gateway = "none"\nfunctions = {\n  installer = { max_instances = 30, memory = "1Gi" }\n}\n')
    settings = chosen([file])
    assert settings["gateway"] == "none"
    assert sizes(settings)["installer"]["max_instances"] == 30
    assert set(sizes(settings)) & {"api", "catalog"} == {"api"}


def test_it_ends_with_1_where_something_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a `gcloud` on the PATH that answers in JSON, and fails in words as the real one does."""
    answers = tmp_path / "answers.json"
    tool = tmp_path / "gcloud"
    tool.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"answers = json.load(open({str(answers)!r}))\nline = ' '.join(sys.argv[1:])\n"
        "known = max((k for k in answers if line.startswith(k)), key=len, default=None)\n"
        "known is None and sys.exit('ERROR: (gcloud) SERVICE_DISABLED')\n"
        "assert line.endswith('--format json --quiet'), line\nprint(json.dumps(answers[known]))\n"
    )
    tool.chmod(tool.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(preflight, "CONSTRAINTS", preflight.CONSTRAINTS[:1])
    arguments = ["--project", "my-project", "--region", REGION]
    answers.write_text(json.dumps({name: ANSWERS[name] for name in ANSWERS if not name.startswith("beta")}))
    assert main(arguments) == 0, "a quota that cannot be read refuses nothing"
    answers.write_text(json.dumps({**ANSWERS, "billing projects describe": {"billingEnabled": False}}))
    assert main(arguments) == 1


NAMED: Mapping[str, Any] = {
    "customer_realm": {"issuer": "https://a", "lookup": {"url": "https://a/verify", "secret": "customer-lookup"}},
    "index_credentials": {"secret": "index-logins"},
}


def test_a_secret_that_is_named_and_not_there_is_refused_before_the_plan() -> None:
    missing = preflight.Unanswered("(gcloud.secrets.describe) NOT_FOUND: Secret [projects/1/secrets/x] not found")
    refused = [finding for finding in found(asked(**{"secrets describe": missing}), **NAMED) if finding.refuses]
    assert [finding.what for finding in refused] == [
        "there is no secret customer-lookup",
        "there is no secret index-logins",
    ]
    assert "gcloud secrets create index-logins" in refused[1].todo
    assert not [finding for finding in found(asked(), **NAMED) if finding.refuses]


def test_a_secret_that_may_not_be_looked_at_is_a_remark() -> None:
    forbidden = preflight.Unanswered("(gcloud.secrets.describe) PERMISSION_DENIED")
    findings = [one for one in found(asked(**{"secrets describe": forbidden}), **NAMED) if "secret" in one.what]
    assert [finding.refuses for finding in findings] == [False, False]
