"""Who encrypts with the operator's key exists before it is granted the right to."""

import re

from terraform.tools.configuration import HUB, read

CONFIGURATION = read()
# Google makes an agent when it is asked for, as `google_project_service_identity` does. This one is there with its API.
MADE_WITH_ITS_API = {"compute-system"}
AGENTS = {
    "artifactregistry": "gcp-sa-artifactregistry",
    "container": "container-engine-robot",
    "firestore": "gcp-sa-firestore",
    "pubsub": "gcp-sa-pubsub",
    "run": "serverless-robot-prod",
    "secretmanager": "gcp-sa-secretmanager",
}


def test_each_agent_that_gets_the_right_to_a_key_is_asked_for_first() -> None:
    granted = set(re.findall(r"service-\$\{local\.number\}@([\w-]+)\.iam", (HUB / "encryption.tf").read_text()))
    asked_for = {AGENTS[name] for name in re.findall(r'"(\w+)"', str(CONFIGURATION.local("agents"))) if name in AGENTS}
    assert len(granted) >= 6
    assert granted - asked_for == MADE_WITH_ITS_API


def test_cloud_storages_agent_is_asked_for_by_the_data_source_that_makes_it() -> None:
    assert CONFIGURATION.of("data", "google_storage_project_service_account")
    assert "data.google_storage_project_service_account.this[0].email_address" in str(CONFIGURATION.local("key_users"))
