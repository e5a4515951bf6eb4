"""From a CI platform's token to a published version, over HTTP: tokens are exchanged once, and open one door."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.builders import RUNTIME
from tests.contract_checker import check_answer
from tests.e2e.cases.publishing import form
from tests.fakes import START
from tests.integration.deployed import Deployed, StandIns, deployed_on
from tests.integration.tenants import Tenants
from tests.runtime_harness import make_wheel

from local_stack.ci_runner import CiRun
from provider_hub.actions import keys
from provider_hub.actions.minted_tokens import digest
from provider_hub.actions.ports import Transaction
from provider_hub.actions.publishers import MOST_OF_REPOSITORY, MOST_READ
from provider_hub.domain.organizations import SlugClaim

RUN = CiRun("acme/weather", environment="release")
PUBLISHERS = "/providers/acme/sun/publishers"
MINT = "/_/oidc/mint-token"
_STRANGERS = "/providers/other/sun/publishers"
_POLICY = "/organizations/me/publishing"
WISH = {"platform": "github", "repository": "Acme/Weather", "workflow": "release.yml", "ref": "refs/tags/*"}


class Ci:
    """Acme's CI, and the admins of two organizations."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.tenants = Tenants(deployed)
        deployed.put(keys.runtime_version(RUNTIME.version), RUNTIME)

    def add(self, path: str = PUBLISHERS, who: str = "user", expect: int = 201, **changes: Any) -> Any:
        body = {**WISH, **changes}
        answer = self.deployed.call("POST", path, getattr(self.tenants, who), body=body)
        assert answer.status_code == expect, answer.text
        return answer.json

    def ci_token(self, run: CiRun = RUN, audience: str | None = None, **claims: Any) -> str:
        issuer = self.deployed.around.issuer
        return issuer.ci_token({**run.claims(), **claims}, audience or self.deployed.project)

    def mint(self, token: str | None = None, **body: Any) -> Any:
        return self.deployed.call("POST", MINT, body={"token": token or self.ci_token(), **body})

    def minted(self, **body: Any) -> str:
        answer = self.mint(**body)
        assert answer.status_code == 200, answer.text
        token: str = answer.json["token"]
        return token

    def refusal(self, token: str, code: str = "invalid-publisher", **body: Any) -> str:
        answer = self.mint(token, **body)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json["errors"]
        assert answer.json["detail"] == error["description"]
        assert (answer.json["message"], error["code"]) == ("Token request failed", code)
        return str(error["description"])

    def upload(self, token: str, directory: Path, address: str) -> Any:
        wheel = make_wheel(directory, {"sun/__init__.py": ""}, name="sun")
        raw, kind = form(wheel.name, wheel.read_bytes())
        headers = {"Content-Type": kind, "Authorization": f"Bearer {token}"}
        return self.deployed.call("POST", address, headers=headers, data=raw)

    def publish(self, token: str, directory: Path, name: str = "acme/sun", text: str = "1.0.0") -> Any:
        hosted = self.tenants.host_wheel(directory, "sun", text)
        metadata = {"display_name": "Sun", "description": "Sunlight"}
        body = {"name": name, "version": text, "wheel_url": hosted.url, "sha256": hosted.sha256, "metadata": metadata}
        return self.deployed.call("POST", "/provider-versions", token, body=body)


@pytest.fixture
def ci(around: StandIns) -> Iterator[Ci]:
    with deployed_on(around) as deployed:
        yield Ci(deployed)


def test_a_provider_that_is_not_there_yet_is_published_by_a_run_and_says_which(ci: Ci, tmp_path: Path) -> None:
    ci.add(environment="release")
    assert ci.deployed.call("GET", "/_/oidc/audience").json == {"audience": ci.deployed.project}
    published = ci.publish(ci.minted(), tmp_path)
    assert published.status_code == 201, published.text
    came_from = published.json["published_by"]
    assert came_from["kind"] == "trusted_publisher"
    assert (came_from["repository"], came_from["commit"], came_from["actor"]) == ("acme/weather", RUN.commit, "ada")
    assert came_from["run_url"].endswith("/acme/weather/actions/runs/30433642")
    shown = ci.deployed.call("GET", "/providers/acme/sun/versions/1.0.0", ci.tenants.user).json
    assert shown["published_by"] == came_from
    assert "publisher_" not in str(shown), "who it is inside is nobody's business"


def test_the_token_opens_nothing_but_publishing_its_one_provider_until_it_is_burnt(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    token = ci.minted()
    for method, path in (("GET", "/providers/installed"), ("GET", "/organizations/me"), ("GET", PUBLISHERS)):
        answer = ci.deployed.call(method, path, token)
        assert (answer.status_code, "may only publish" in answer.text) == (403, True)
    other = ci.publish(token, tmp_path, name="acme/moon")
    assert (other.status_code, "may publish acme/sun alone, and not acme/moon" in other.text) == (403, True)
    assert ci.publish(token, tmp_path).status_code == 201
    burnt = ci.deployed.call("POST", "/_/oidc/burn-token", body={"token": token})
    assert (burnt.status_code, burnt.json) == (202, {"message": "Accepted"})
    assert ci.publish(token, tmp_path, text="1.1.0").status_code == 401
    assert ci.deployed.call("POST", "/_/oidc/burn-token", body={"token": "hubpub_guess"}).status_code == 202


def test_a_token_is_too_old_after_a_quarter_of_an_hour_and_is_not_stored_itself(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    token = ci.minted()
    assert token not in str(ci.deployed.documents.all())
    key = keys.minted_token(digest(token))
    kept = ci.deployed.store.get(key)
    assert kept
    ci.deployed.put(key, replace(kept, expires_at=kept.expires_at.replace(year=2020)))
    assert ci.publish(token, tmp_path).status_code == 401


def test_a_replayed_token_is_refused(ci: Ci) -> None:
    ci.add()
    token = ci.ci_token()
    assert ci.mint(token).status_code == 200
    assert "jti was used before" in ci.refusal(token, "invalid-reuse-token")


def test_a_repository_that_was_made_anew_under_the_same_name_is_refused(ci: Ci) -> None:
    ci.add()
    ci.minted()
    assert "made anew or moved" in ci.refusal(ci.ci_token(replace(RUN, repository_id="999")))
    (shown,) = ci.deployed.call("GET", PUBLISHERS, ci.tenants.user).json["items"]
    assert shown["repository_id"] == RUN.claims()["repository_id"]


def test_a_forks_pull_request_is_refused(ci: Ci) -> None:
    ci.add()
    for event in ("pull_request", "pull_request_target", "workflow_run"):
        assert "event_name" in ci.refusal(ci.ci_token(replace(RUN, event=event)))
    assert "repository mallory/weather" in ci.refusal(ci.ci_token(replace(RUN, repository="mallory/weather")))


def test_a_reusable_workflow_of_somebody_else_is_refused(ci: Ci) -> None:
    ci.add()
    called = "mallory/shared/.github/workflows/release.yml@refs/heads/main"
    assert "job_workflow_ref" in ci.refusal(ci.ci_token(replace(RUN, called_workflow_ref=called)))


def test_a_publisher_that_was_deleted_mints_no_more(ci: Ci) -> None:
    added = ci.add()
    ci.minted()
    assert ci.deployed.call("DELETE", f"{PUBLISHERS}/{added['id']}", ci.tenants.user).status_code == 204
    assert "no publisher names the repository" in ci.refusal(ci.ci_token())
    assert ci.deployed.call("DELETE", f"{PUBLISHERS}/{added['id']}", ci.tenants.user).status_code == 404


def test_a_token_for_another_hub_or_of_another_platform_is_refused(ci: Ci) -> None:
    ci.add()
    assert "aud" in ci.refusal(ci.ci_token(audience="another.hub"), "invalid-token")
    strange = jwt.encode({**RUN.claims(), "iss": "https://evil.example"}, "x" * 32, headers={"kid": "1"})
    assert "alg" in ci.refusal(strange, "invalid-token")
    user = ci.tenants.user
    assert "iss" in ci.refusal(user, "invalid-token")


def test_whatever_is_refused_publishing_tools_find_the_reasons_that_they_print(ci: Ci) -> None:
    answers = [
        (413, "refused", "the body is over 1048576 bytes", ci.deployed.call("POST", MINT, data=b"x" * (1024**2 + 1))),
        (422, "invalid-payload", "body.token: Field required", ci.deployed.call("POST", MINT, body={})),
        (422, "invalid-token", "the CI token is refused: it is no JSON Web Token", ci.mint("x")),
    ]
    for status, code, sentence, answer in answers:
        assert answer.status_code == status, answer.text
        assert answer.json["errors"] == [{"code": code, "description": sentence}]
        check_answer("POST", MINT, status, answer.headers, answer.data)


def test_a_tool_that_asks_at_the_former_path_gets_a_token_that_publishes(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    answer = ci.deployed.call("POST", "/_/oidc/github/mint-token", body={"token": ci.ci_token()})
    assert answer.status_code == 200, answer.text
    assert ci.publish(answer.json["token"], tmp_path).status_code == 201


def test_of_several_providers_of_one_repository_the_token_names_one(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    ci.add("/providers/acme/moon/publishers")
    assert "acme/moon, acme/sun" in ci.refusal(ci.ci_token())
    assert ci.publish(ci.minted(provider="acme/sun"), tmp_path).status_code == 201
    assert "no publisher" in ci.refusal(ci.ci_token(), provider="acme/mars")


def test_naming_somebody_elses_repository_gains_nothing(ci: Ci, tmp_path: Path) -> None:
    ci.add(_STRANGERS, who="other")
    ci.add()
    assert "several organizations" in ci.refusal(ci.ci_token())
    ci.minted(provider="acme/sun")
    assert ci.publish(ci.minted(), tmp_path).status_code == 201


def test_a_run_that_does_not_fit_its_owners_publisher_is_not_taken_for_a_strangers(ci: Ci) -> None:
    ci.add(_STRANGERS, who="other", ref=None)
    ci.add(environment="production")
    assert "several organizations" in ci.refusal(ci.ci_token())
    told = ci.refusal(ci.ci_token(), provider="acme/sun")
    assert "environment" in told
    assert "'production'" in told


def test_a_run_without_a_name_proves_nothing_of_whom_it_means(ci: Ci) -> None:
    ci.add(_STRANGERS, who="other")
    ci.minted()
    ci.add()
    assert "several organizations" in ci.refusal(ci.ci_token())
    ci.minted(provider="acme/sun")
    assert ci.mint().json["provider"] == "acme/sun"


def test_a_stranger_who_names_a_repository_many_times_crowds_its_owner_out_of_nothing(ci: Ci, tmp_path: Path) -> None:
    def crowd(transaction: Transaction) -> None:
        for number in range(MOST_READ + 1):
            one = replace(known, publisher_id=f"{number:026}", prefix="other", organization_id="org_other")
            transaction.write(keys.publisher(one.publisher_id), replace(one, created_at=START))

    known = ci.deployed.store.get(keys.publisher(ci.add()["id"]))
    assert known
    ci.deployed.store.transact(crowd)
    assert "several organizations" in ci.refusal(ci.ci_token())
    assert ci.publish(ci.minted(provider="acme/sun"), tmp_path).status_code == 201
    assert "no publisher names" in ci.refusal(ci.ci_token(), provider="acme/moon")


def test_a_run_whose_repository_only_a_stranger_names_uploads_nothing_to_them(ci: Ci, tmp_path: Path) -> None:
    ci.add(_STRANGERS, who="other")
    token = ci.minted()
    refused = ci.upload(token, tmp_path, "/upload/acme/")
    assert (refused.status_code, "this address is of acme" in refused.text) == (403, True)
    assert "other/" not in refused.text
    ci.add()
    assert ci.upload(ci.minted(provider="acme/sun"), tmp_path, "/upload/acme/").status_code == 200
    # Whoever sends a token of the stranger's to the address that names nobody publishes for them, as before.
    assert ci.upload(token, tmp_path, "/upload/").json["canonical"] == "other/sun"


def test_an_organization_names_a_repository_as_often_as_it_may_and_another_one_still(ci: Ci) -> None:
    def most(transaction: Transaction) -> None:
        for number in range(MOST_OF_REPOSITORY - 1):
            one = replace(known, publisher_id=f"{number:026}", name=f"sun-{number}")
            transaction.write(keys.publisher(one.publisher_id), one)

    known = ci.deployed.store.get(keys.publisher(ci.add()["id"]))
    assert known
    ci.deployed.store.transact(most)
    path = "/providers/acme/moon/publishers"
    assert "40 publishers of the organization name Acme/Weather" in ci.add(path, expect=429)["detail"]
    ci.add(path, repository="acme/moon")
    ci.add(_STRANGERS, who="other")


def test_a_slug_that_went_to_another_organization_takes_its_publishers_with_it(ci: Ci) -> None:
    ci.add()
    ci.deployed.put(keys.slug("acme"), SlugClaim("acme", "org_later"))
    assert "removed" in ci.refusal(ci.ci_token())


def test_secretless_only_refuses_the_tokens_of_machines_and_not_those_of_runs(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    changed = ci.deployed.call("PATCH", PUBLISHERS, ci.tenants.user, body={"secretless_only": True})
    assert (changed.status_code, changed.json["secretless_only"]) == (200, True)
    refused = ci.publish(ci.tenants.machine, tmp_path)
    assert (refused.status_code, "only be published without stored secrets" in refused.text) == (403, True)
    assert ci.publish(ci.minted(), tmp_path).status_code == 201
    ci.deployed.call("PATCH", PUBLISHERS, ci.tenants.user, body={"secretless_only": False})
    assert ci.publish(ci.tenants.machine, tmp_path, text="1.1.0").json["published_by"]["kind"] == "machine"
    assert ci.deployed.call("PATCH", _POLICY, ci.tenants.user, body={"secretless_only": True}).status_code == 200
    assert ci.deployed.call("GET", _POLICY, ci.tenants.user).json == {"secretless_only": True}
    assert ci.publish(ci.tenants.machine, tmp_path, text="1.2.0").status_code == 403
    assert ci.publish(ci.tenants.user, tmp_path, text="1.2.0").status_code == 201


def test_a_machine_switches_on_what_guards_against_its_stolen_token_and_never_off(ci: Ci) -> None:
    machine, admin = ci.tenants.machine, ci.tenants.user
    for path, guard in ((PUBLISHERS, "secretless_only"), (PUBLISHERS, "attested_only"), (_POLICY, "secretless_only")):
        off, on = {guard: False}, {guard: True}
        for body in (off, on, on):
            assert ci.deployed.call("PATCH", path, machine, body=body).status_code == 200
        refused = ci.deployed.call("PATCH", path, machine, body=off)
        assert (refused.status_code, f"switch off {guard}," in refused.text, "admin signs in" in refused.text) == (
            (403, True, True)
        )
        assert ci.deployed.call("GET", path, machine).json[guard] is True
        assert ci.deployed.call("PATCH", path, admin, body=off).status_code == 200


@pytest.mark.parametrize(
    ("path", "guard"),
    [(PUBLISHERS, "secretless_only"), (PUBLISHERS, "attested_only"), (_POLICY, "secretless_only")],
)
def test_where_a_guard_is_on_a_machine_adds_nobody_who_may_publish(ci: Ci, path: str, guard: str) -> None:
    machine = ci.tenants.machine
    assert ci.deployed.call("POST", PUBLISHERS, machine, body={**WISH, "ref": None}).status_code == 201
    ci.deployed.call("PATCH", path, ci.tenants.user, body={guard: True})
    for repository in ("acme/weather", "mallory/weather"):
        refused = ci.deployed.call("POST", PUBLISHERS, machine, body={**WISH, "repository": repository})
        assert (refused.status_code, "no machine's token can add a publisher" in refused.text) == (403, True)
        assert guard in refused.text
    ci.add()


def test_no_machine_lets_another_repository_take_over(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    ci.publish(ci.minted(), tmp_path)
    body = {**WISH, "repository": "mallory/weather", "replaces_repository": True}
    refused = ci.deployed.call("POST", PUBLISHERS, ci.tenants.machine, body=body)
    assert (refused.status_code, "admin signs in" in refused.text) == (403, True)
    assert [item["repository"] for item in ci.deployed.call("GET", PUBLISHERS, ci.tenants.user).json["items"]] == [
        WISH["repository"]
    ]


def test_a_machine_that_deletes_a_provider_leaves_what_guards_against_its_stolen_token(ci: Ci, tmp_path: Path) -> None:
    assert ci.publish(ci.tenants.user, tmp_path).status_code == 201
    ci.deployed.call("PATCH", PUBLISHERS, ci.tenants.user, body={"secretless_only": True})
    assert ci.deployed.call("DELETE", "/providers/acme/sun", ci.tenants.machine).status_code == 204
    assert "without stored secrets" in ci.publish(ci.tenants.machine, tmp_path).text
    assert ci.publish(ci.tenants.user, tmp_path).status_code == 201
    assert ci.deployed.call("DELETE", "/providers/acme/sun", ci.tenants.user).status_code == 204
    assert ci.publish(ci.tenants.machine, tmp_path).status_code == 201


def test_what_an_organization_decided_does_not_bind_the_next_owner_of_its_slug(ci: Ci, tmp_path: Path) -> None:
    both = {"secretless_only": True, "attested_only": True}
    assert ci.deployed.call("PATCH", PUBLISHERS, ci.tenants.user, body=both).status_code == 200
    ci.deployed.put(keys.slug("acme"), SlugClaim("acme", "org_later"))
    organization = {"org_id": "org_later", "org_slug": "acme", "org_role": "admin"}
    user, machine = ci.tenants.token(**organization), ci.tenants.token(**{**organization, "sub": "mch_later"})
    shown = ci.deployed.call("GET", PUBLISHERS, user).json
    assert (shown["secretless_only"], shown["attested_only"]) == (False, False)
    for text, token in (("1.0.0", user), ("1.1.0", machine)):
        published = ci.publish(token, tmp_path, text=text)
        assert published.status_code == 201, published.text
    assert ci.deployed.call("POST", PUBLISHERS, machine, body=WISH).status_code == 201
    decided = ci.deployed.call("PATCH", PUBLISHERS, user, body={"secretless_only": True}).json
    assert (decided["secretless_only"], decided["attested_only"]) == (True, False)
    assert ci.publish(machine, tmp_path, text="1.2.0").status_code == 403


def test_publishers_are_an_admins_to_add_within_their_own_organization(ci: Ci) -> None:
    for who, path in (("other", PUBLISHERS), ("user", "/providers/other/sun/publishers")):
        answer = ci.deployed.call("POST", path, getattr(ci.tenants, who), body=WISH)
        assert (answer.status_code, "your organization publishes under" in answer.text) == (403, True)
    member = ci.tenants.token(org_id="org_acme", org_slug="acme", org_role="publisher")
    assert ci.deployed.call("POST", PUBLISHERS, member, body=WISH).status_code == 403
    ci.add()
    ci.add(expect=409)
    ci.add(expect=422, platform="gitlab", called_workflow="acme/shared/publish.yml")
    ci.add(expect=422, repository="acme/group/weather")
    ci.add(expect=422, workflow="release.sh")
    ci.add(expect=422, ref="tags/*")
    ci.add(expect=422, issuer="https://github.acme.example/_services/token")


def test_another_repository_than_before_takes_an_admins_word(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    ci.publish(ci.minted(), tmp_path)
    answer = ci.add(expect=409, repository="acme/moved")
    assert "was published from acme/weather" in answer["detail"]
    ci.add(repository="acme/moved", replaces_repository=True)


def test_a_token_at_another_endpoint_than_its_own_opens_nothing(ci: Ci, tmp_path: Path) -> None:
    ci.add()
    assert ci.publish(ci.ci_token(), tmp_path).status_code == 401, "the CI platform's own token publishes nothing"
    token = ci.minted()
    assert "no JSON Web Token" in ci.refusal(token, "invalid-token")
    for method, path in (("GET", "/console/whoami"), ("POST", "/console/provider-versions"), ("GET", "/auth/me")):
        assert ci.deployed.call(method, path, token, body={}).status_code in (401, 403)
    basic = base64.b64encode(f"__token__:{token}".encode()).decode()
    answer = ci.deployed.call("GET", "/providers/installed", headers={"Authorization": f"Basic {basic}"})
    assert answer.status_code == 401
