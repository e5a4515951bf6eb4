"""Attestations over HTTP: they come with a version, stay with it, and decide who installs it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pypi_attestations
import pytest
from tests.builders import RUNTIME
from tests.e2e.cases.publishing import form
from tests.integration.backend import Backend
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.rolling_out import NAME, World
from tests.integration.tenants import Tenants
from tests.runtime_harness import make_wheel

from local_stack.ci_runner import CiRun, claims_of
from local_stack.sigstore import LocalSigstore
from local_stack.wheelhost import AddedWheel
from provider_hub.actions import keys
from provider_hub.domain.attestations import PUBLISH, SLSA
from provider_hub.domain.audit import AuditAction
from provider_hub.domain.catalog import ProviderVersion
from provider_hub.domain.installation import Trigger
from provider_hub.domain.provenance import ProvenancePolicy, ProvenanceRule
from provider_hub.domain.publishers.records import PublishedBy, PublisherKind
from provider_hub.http.package_index import SIMPLE_JSON

RUN = CiRun("acme/weather", environment="release")
METADATA = {"display_name": "Sun", "description": "Sunlight"}
POLICY = "/organizations/me/provenance"


class Ci:
    """Acme's CI, which signs for what it publishes as itself, and an admin of Acme."""

    def __init__(self, deployed: Deployed, folder: Path) -> None:
        self.deployed = deployed
        self.tenants = Tenants(deployed)
        self.issuer = deployed.around.issuer
        self.sigstore = LocalSigstore.of(self.issuer.keys_dir)
        self.folder = folder
        deployed.put(keys.runtime_version(RUNTIME.version), RUNTIME)

    def trust(self, name: str, **more: str) -> None:
        body = {"platform": "github", "repository": RUN.repository, "workflow": RUN.workflow, **more}
        answer = self.call("POST", f"/providers/acme/{name}/publishers", body)
        assert answer.status_code == 201, answer.text

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        return self.deployed.call(method, path, token or self.tenants.user, body=body)

    def minted(self, name: str, run: CiRun = RUN) -> str:
        token = self.issuer.ci_token(run.claims(), self.deployed.project)
        answer = self.deployed.call("POST", "/_/oidc/mint-token", body={"token": token, "provider": f"acme/{name}"})
        assert answer.status_code == 200, answer.text
        return str(answer.json["token"])

    def wheel(self, name: str, text: str) -> AddedWheel:
        return self.tenants.host_wheel(self.folder, name, text)

    def attested(self, name: str, text: str, run: CiRun = RUN, **kind: Any) -> dict[str, Any]:
        wheel = self.wheel(name, text)
        return self.sigstore.attest(
            claims_of(self.issuer, run), f"{name}-{text}-py3-none-any.whl", wheel.sha256, **kind
        )

    def publish(self, name: str, text: str, attestations: list[Any] | None, token: str | None = None) -> Any:
        wheel = self.wheel(name, text)
        body = {"name": f"acme/{name}", "version": text, "wheel_url": wheel.url, "metadata": METADATA}
        return self.call(
            "POST", "/provider-versions", {**body, "attestations": attestations}, token or self.minted(name)
        )

    def audited(self) -> list[tuple[str, str, str | None]]:
        entries = self.deployed.store.audit_entries("org_acme", None, None, None, 100)
        return [(entry.action, entry.subject, entry.detail) for entry in entries]


@pytest.fixture(scope="module")
def ci(around: StandIns, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ci]:
    with deployed_on(around) as deployed:
        yield Ci(deployed, tmp_path_factory.mktemp("wheels"))


def test_attestations_come_with_a_version_stay_with_it_and_are_served(ci: Ci) -> None:
    ci.trust("sun")
    sent = [ci.attested("sun", "1.0.0"), ci.attested("sun", "1.0.0", predicate=SLSA, content={"buildDefinition": {}})]
    published = ci.publish("sun", "1.0.0", sent)
    assert published.status_code == 201, published.text
    shown = ci.call("GET", "/providers/acme/sun/versions/1.0.0").json
    assert shown["attestations"] == [PUBLISH, SLSA]
    assert shown == published.json
    assert shown["provenance_path"] == "/integrity/acme/sun/1.0.0/sun-1.0.0-py3-none-any.whl/provenance"
    served = ci.call("GET", shown["provenance_path"])
    assert served.headers["Content-Type"] == "application/vnd.pypi.integrity.v1+json"
    (bundle,) = pypi_attestations.Provenance.model_validate_json(served.text).attestation_bundles
    assert bundle.publisher == pypi_attestations.GitHubPublisher(
        repository="acme/weather", workflow="release.yml", environment="release"
    )
    assert [one.model_dump(mode="json") for one in bundle.attestations] == sent
    index = ci.deployed.call(
        "GET", "/simple/sun/", ci.tenants.user, headers={"Accept": SIMPLE_JSON, "Host": "hub.test"}
    )
    assert [file["provenance"] for file in index.json["files"]] == [f"http://hub.test{shown['provenance_path']}"]
    for path in (shown["provenance_path"].replace("py3", "py2"), "/integrity/acme/sun/9.9.9/x.whl/provenance"):
        assert ci.call("GET", path).status_code == 404
    assert ci.call("GET", shown["provenance_path"], token=ci.tenants.other).status_code == 404, "it is Acme's own"


def test_a_version_says_with_which_file_its_run_began_and_which_one_that_called(ci: Ci) -> None:
    called = "acme/shared/.github/workflows/publish.yml"
    ci.trust("dusk", called_workflow=called)
    run = replace(RUN, called_workflow_ref=f"{called}@refs/heads/main")
    published = ci.publish("dusk", "1.0.0", [ci.attested("dusk", "1.0.0", run)], ci.minted("dusk", run))
    assert published.status_code == 201, published.text
    by = published.json["published_by"]
    assert (by["workflow"], by["called_workflow"]) == (".github/workflows/release.yml", called)
    (bundle,) = ci.call("GET", published.json["provenance_path"]).json["attestation_bundles"]
    assert bundle["publisher"]["workflow"] == "release.yml"


def test_the_form_of_pythons_tools_brings_them_too(ci: Ci) -> None:
    ci.trust("moon")
    file_name = "moon-1.0.0-py3-none-any.whl"
    wheel = make_wheel(ci.folder, {"moon.py": "VALUE = 1\n"}, name="moon", version="1.0.0")
    attestation = ci.sigstore.attest(claims_of(ci.issuer, RUN), file_name, ci.wheel("moon", "1.0.0").sha256)

    def sent(attestations: str) -> Any:
        raw, kind = form(file_name, wheel.read_bytes(), attestations=attestations)
        headers = {"Content-Type": kind}
        return ci.deployed.call("POST", "/upload/", ci.minted("moon"), headers=headers, data=raw)

    for text in (
        "no JSON",
        '{"version": 1}',
        json.dumps([{**attestation, "version": 2}]),
        json.dumps([attestation] * 3),
    ):
        refused = sent(text)
        assert (refused.status_code, "attestations" in refused.json["detail"]) == (400, True), refused.text
    published = sent(json.dumps([attestation]))
    assert published.status_code == 200, published.text
    assert published.json["attestations"] == [PUBLISH]
    assert sent(json.dumps([attestation])).json == published.json
    assert sent("").status_code == 200, "the same bytes again are what is stored"


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("ref", {"ref": "refs/heads/main"}, "the ref in its certificate is 'refs/heads/main'"),
        ("fork", {"repository": "mallory/weather"}, "mallory/weather"),
        ("again", {"repository_id": "999"}, "the repository_id in its certificate is '999'"),
        ("commit", {"commit": "0" * 40}, "the commit in its certificate"),
        ("workflow", {"workflow": "test.yml"}, "test.yml"),
        ("called", {"called_workflow_ref": "mallory/shared/.github/workflows/x.yml@refs/heads/main"}, "identity"),
    ],
)
def test_an_attestation_of_another_run_than_the_one_that_publishes_is_refused_and_says_why(
    ci: Ci, name: str, change: dict[str, str], told: str
) -> None:
    ci.trust(name)
    refused = ci.publish(name, "1.0.0", [ci.attested(name, "1.0.0", replace(RUN, **change))])
    assert refused.status_code == 422, refused.text
    assert told in refused.json["detail"]
    assert ci.call("GET", f"/providers/acme/{name}").status_code == 404, "nothing is stored"


def test_an_attestation_of_another_wheel_and_one_that_is_given_twice_are_refused(ci: Ci) -> None:
    ci.trust("mars")
    other = ci.publish("mars", "1.0.0", [ci.attested("mars", "1.0.1")])
    assert (other.status_code, "its subject is" in other.json["detail"]) == (422, True)
    twice = ci.publish("mars", "1.0.0", [ci.attested("mars", "1.0.0")] * 2)
    assert (twice.status_code, "one attestation of each type" in twice.json["detail"]) == (422, True)


def test_nobody_but_a_trusted_publisher_attests(ci: Ci) -> None:
    for token in (ci.tenants.user, ci.tenants.machine):
        refused = ci.publish("venus", "1.0.0", [ci.attested("venus", "1.0.0")], token)
        assert (refused.status_code, "from a trusted publisher alone" in refused.json["detail"]) == (422, True)


def test_a_provider_that_was_attested_stays_so_until_an_admin_says_otherwise(ci: Ci) -> None:
    ci.trust("pluto")
    assert ci.publish("pluto", "1.0.0", None).status_code == 201
    added = ci.publish("pluto", "1.0.0", [ci.attested("pluto", "1.0.0")])
    assert (added.status_code, "attest the next version" in added.json["detail"]) == (409, True)
    assert ci.publish("pluto", "1.1.0", [ci.attested("pluto", "1.1.0")]).status_code == 201
    for token in (None, ci.tenants.machine, ci.tenants.user):
        refused = ci.publish("pluto", "1.2.0", None, token)
        assert (refused.status_code, "attested-only acme/pluto off" in refused.json["detail"]) == (409, True)
    publishers = "/providers/acme/pluto/publishers"
    assert ci.call("GET", publishers).json["attested_only"] is True
    member = ci.tenants.token(org_id="org_acme", org_slug="acme", org_role="publisher")
    assert ci.call("PATCH", publishers, {"attested_only": False}, member).status_code == 403
    decided = ci.call("PATCH", publishers, {"attested_only": False})
    assert (decided.json["attested_only"], decided.json["secretless_only"]) == (False, False)
    assert ci.publish("pluto", "1.2.0", None).status_code == 201
    assert ci.publish("pluto", "1.3.0", [ci.attested("pluto", "1.3.0")]).status_code == 201
    assert ci.publish("pluto", "1.4.0", None).status_code == 409, "and again from then on"
    decided_last = ci.deployed.documents.all()["publishing_policies/acme:pluto"]
    assert decided_last["changed_by"].startswith("publisher_")
    audited = ci.audited()
    assert (AuditAction.PUBLISHING_CHANGED, "acme/pluto", "versions without attestations too") in audited
    assert any(action == AuditAction.REFUSED and subject.startswith("PATCH") for action, subject, _ in audited)


def test_a_decision_about_one_thing_leaves_the_other_as_it_is(ci: Ci) -> None:
    publishers = "/providers/acme/ceres/publishers"
    ci.call("PATCH", publishers, {"secretless_only": True})
    both = ci.call("PATCH", publishers, {"attested_only": True}).json
    assert (both["secretless_only"], both["attested_only"]) == (True, True)
    assert ci.call("PATCH", publishers, {}).status_code == 422


def test_a_provider_that_is_deleted_takes_its_publishers_attestations_and_tokens_along(ci: Ci) -> None:
    ci.trust("comet")
    published = ci.publish("comet", "1.0.0", [ci.attested("comet", "1.0.0")])
    token = ci.minted("comet")
    assert ci.call("DELETE", "/providers/acme/comet").status_code == 204
    left = [path for path in map(str, ci.deployed.documents.all()) if "acme:comet" in path]
    assert left == []
    assert ci.call("GET", "/providers/acme/comet/publishers").json["items"] == []
    assert ci.publish("comet", "1.0.0", None, token).status_code == 401
    assert ci.call("GET", published.json["provenance_path"]).status_code == 404
    removed = [detail for action, name, detail in ci.audited() if (action, name) == ("publisher-removed", "acme/comet")]
    assert len(removed) == 1
    assert str(removed[0]).startswith("with its provider: ")


def test_a_publisher_that_is_removed_ends_the_tokens_that_it_was_given(ci: Ci) -> None:
    ci.trust("rings")
    token = ci.minted("rings")
    (added,) = ci.call("GET", "/providers/acme/rings/publishers").json["items"]
    ci.call("DELETE", f"/providers/acme/rings/publishers/{added['id']}")
    assert ci.publish("rings", "1.0.0", None, token).status_code == 401


def rule(ci: Ci, repository: str = "acme/*", ref: str | None = None) -> dict[str, Any]:
    issuer = claims_of(ci.issuer, RUN).issuer
    return {"require_provenance": {"issuer": issuer, "repository": repository, "ref": ref}}


def test_what_an_organization_requires_is_held_at_install_and_upgrade(ci: Ci) -> None:
    ci.trust("star")
    ci.publish("star", "1.0.0", None)
    ci.publish("star", "1.1.0", [ci.attested("star", "1.1.0")])
    own = f"{POLICY}/acme/star"

    def refused(method: str, path: str, body: dict[str, Any]) -> str:
        answer = ci.call(method, path, body)
        assert answer.status_code == 422, answer.text
        return str(answer.json["detail"])

    assert ci.call("PATCH", POLICY, rule(ci, "acme/*")).status_code == 200
    install = {"provider_name": "acme/star"}
    sentence = refused("POST", "/providers/install", {**install, "version": "1.0.0"})
    assert "acme/star 1.0.0 has no attestation (it is of acme/weather at refs/tags/v1.0.0" in sentence, "what it has"
    assert "requires an attestation of acme/* by" in sentence, "what is wanted"
    ci.call("PATCH", own, rule(ci, "acme/weather", "refs/heads/*"))
    assert "at refs/heads/*" in refused("POST", "/providers/install", install)
    ci.call("PATCH", own, {"require_provenance": None})
    assert ci.call("POST", "/providers/install", {**install, "version": "1.0.0"}).status_code == 201
    ci.call("PATCH", own, rule(ci, "mallory/*"))
    for wanted in ({}, {"version": "1.1.0"}):
        assert "mallory/*" in refused("POST", "/providers/installed/acme/star/upgrade", wanted)
    assert ci.call("POST", "/providers/installed/acme/star/deploy", {}).status_code == 200, "what is installed stays"
    listed = ci.call("GET", POLICY).json
    assert [entry["provider"] for entry in listed["providers"]] == ["acme/star"]
    assert ci.call("DELETE", own).json["providers"] == []
    assert ci.call("POST", "/providers/installed/acme/star/upgrade", {}).status_code == 200
    assert ci.call("DELETE", own).status_code == 404
    audited = [(name, detail) for action, name, detail in ci.audited() if action == AuditAction.PROVENANCE_REQUIRED]
    assert ("acme/star", "nothing") in audited
    assert ("acme/star", "as of every provider") in audited
    assert ci.call("PATCH", POLICY, {"require_provenance": None}).json["require_provenance"] is None


def test_an_organization_requires_for_itself_alone_and_by_an_admin(ci: Ci) -> None:
    member = ci.tenants.token(org_id="org_acme", org_slug="acme", org_role="publisher")
    assert ci.call("PATCH", POLICY, rule(ci), member).status_code == 403
    assert ci.call("GET", POLICY, token=member).status_code == 200
    ci.call("PATCH", POLICY, rule(ci), ci.tenants.other)
    assert ci.call("GET", POLICY).json["require_provenance"] is None


ISSUER = "https://token.actions.githubusercontent.com"


def attested_by(released: ProviderVersion, repository: str) -> ProviderVersion:
    by = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, issuer=ISSUER, repository=repository, ref="refs/x")
    return replace(released, published_by=by, attestations=(PUBLISH,))


def test_a_wave_skips_who_requires_another_provenance_and_says_so(backend: Backend) -> None:
    world = World(backend, installations=3)
    event = world.publish("1.1.0")
    stored = backend.store.get(keys.version(NAME, "1.1.0"))
    assert stored
    backend.put(keys.version(NAME, "1.1.0"), attested_by(stored, "acme/weather"))
    for organization_id, repository in (("org_000", "acme/other"), ("org_001", "acme/weather")):
        wanted = ProvenanceRule(ISSUER, repository)
        policy = ProvenancePolicy(organization_id, wanted, (), backend.clock(), "user_1")
        backend.put(keys.provenance_policy(organization_id), policy)
    world.waves.begin(event)
    world.run("1.1.0")
    assert world.on("1.1.0") == ["org_001", "org_002"]
    skipped = next(row for row in world.rows() if row.organization_id == "org_000")
    (entry,) = [entry for entry in skipped.timeline if entry.event is Trigger.SKIPPED]
    assert entry.reason == (
        "auto-upgrade to 1.1.0 skipped: acme/weather 1.1.0 has an attestation of acme/weather at refs/x by "
        f"{ISSUER}, and your organization requires an attestation of acme/other by {ISSUER}"
    )
