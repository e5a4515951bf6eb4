"""The contract, sections 1 to 6, as clients meet it: every refusal and every success, at the running stack's port.

Whatever is answered is held against the served description as well: its status, headers and exact shape.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_stack.issuer import Realm
from local_stack.sample_wheels import build_wheel
from local_stack.stack_file import wheels_dir
from local_stack.wheelhost import add_wheel
from provider_hub.actions import keys
from provider_hub.domain.attestations import PUBLISH
from provider_hub.domain.catalog import PUBLIC_AUDIENCE
from provider_hub.domain.names import ProviderName
from provider_hub.domain.provenance import StoredProvenance
from provider_hub.domain.publishers.records import PublishedBy, Publisher, PublisherKind
from provider_hub.domain.rollout import RolloutState
from provider_hub.domain.scope import Scope
from provider_hub.http import openapi
from provider_hub.http.table import ROUTES, match
from tests.builders import dead_letter, provider, publisher, rollout, version
from tests.contract_checker import document
from tests.e2e.cases import REFUSALS, STEPS
from tests.e2e.cases.every_route import NOT_ALLOWED
from tests.e2e.cases.installations import install
from tests.e2e.cases.kinds import METADATA, SHOP, WEATHER, Form, Publish, Refused, Stands, Step
from tests.e2e.cases.publishers import KNOWN_ID
from tests.e2e.cases.publishing import form
from tests.e2e.contract_stack import contract_stack
from tests.e2e.wire import Answer
from tests.fakes import START
from tests.integration.backend import Documents
from tests.integration.tenants import Tenants

READY_SECONDS = 60
# What such a route is asked has nothing to be refused in, but its idempotency key was used for something else.
BY_A_KEY_ALONE = (
    {(name, 422) for name in ("relock", "pause_rollout", "resume_rollout", "rollback", "retry_platform_dead_letter")}
    | {("yank", 409), ("begin_upload", 409)}
    | {(name, status) for name in ("retry_dead_letter", "retry_dead_letters") for status in (409, 422)}
)
# Without an audience a hub takes no CI tokens; this one has one.
WITHOUT_AUDIENCE = {("audience", 404), ("mint_token", 404), ("mint_token_at_former_path", 404)}
SHARED = ProviderName("acme", "shared")


@pytest.fixture(scope="module")
def tenants() -> Iterator[Tenants]:
    with contract_stack() as furnished:
        for version, state in (("1.2.0", RolloutState.RUNNING), ("1.3.0", RolloutState.DONE)):
            standing = rollout(version, state=state, due_at=None)
            furnished.deployed.put(keys.rollout(standing.provider_name, version), standing)
        public = provider(SHARED, scope=Scope.PUBLIC, audience=PUBLIC_AUDIENCE)
        furnished.deployed.put(keys.provider(SHARED), public)
        furnished.install(SHARED, "1.0.0", organization_id="org_other", organization_slug="other")
        _attest(furnished, SHARED)
        unkept = dead_letter("unkept", SHARED, organization_id=None, payload="")
        furnished.deployed.put(keys.dead_letter(unkept.dead_letter_id), unkept)
        for known in _publishers(furnished):
            furnished.deployed.put(keys.publisher(known.publisher_id), known)
        yield furnished


class Stored:
    """What is stored, without the audit: that is what a refusal for a role or scope does leave."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._written = documents.written()
        self._fields = documents.all()

    def changed(self) -> list[str]:
        """The documents that were made, changed or deleted since the last call.

        The times of their writes say at little cost that none was. A refusal may write and take it back, as that of a
        deletion does: then the fields are compared.
        """
        written = self._documents.written()
        if _without_audit(written) == _without_audit(self._written):
            return []
        before, self._fields, self._written = self._fields, self._documents.all(), written
        paths = _without_audit({**before, **self._fields})
        return [path for path in paths if before.get(path) != self._fields.get(path)]


def _without_audit(by_path: dict[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in by_path.items() if not path.startswith("audit/")}


@pytest.fixture(scope="module")
def stored(tenants: Tenants) -> Stored:
    return Stored(tenants.deployed.documents)


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_a_refusal_has_its_status_and_shape_and_stores_nothing(tenants: Tenants, stored: Stored, case: Refused) -> None:
    deployed = tenants.deployed
    token = None if case.who is None else getattr(tenants, case.who)
    answer = deployed.call(case.method, case.path, token, body=case.body, raw=case.raw, headers=case.headers)
    assert answer.status == case.status, answer.text
    check_error(case, answer.json)
    assert answer.headers.get("www-authenticate") == ("Bearer" if case.status == 401 else None)
    assert ("retry-after" in answer.headers) == (case.status == 429)
    assert stored.changed() == []


def check_error(case: Refused, error: dict[str, Any]) -> None:
    if case.path.endswith("mint-token"):
        (reason,) = error.pop("errors")
        assert reason == {"code": "invalid-payload", "description": error["message"]}
    if case.status == 422:
        problems = error["errors"] if case.rule else error["detail"]
        sentence = error["detail"] if case.rule else error["message"]
        assert set(error) == ({"detail", "errors"} if case.rule else {"detail", "message"})
        assert case.loc in [tuple(problem["loc"]) for problem in problems], problems
        place = ".".join(map(str, case.loc or ()))
        assert case.rule or f"{place}: " in sentence, sentence
    else:
        assert set(error) == ({"detail", "message"} if case.status == 400 else {"detail"})
        sentence = error["detail"]
        assert case.status != 401 or sentence == "Not authenticated"
    assert case.detail in sentence
    assert "\n" not in sentence


def test_every_refusal_that_is_described_is_in_the_table() -> None:
    refused = {(name_of(case.method, case.path), case.status) for case in REFUSALS}
    refused |= {
        (route.name, status) for route in ROUTES for status in (413, 500, 503)
    }  # of whatever is too much or down
    refused |= {(route.name, 429) for route in ROUTES if route.access in openapi.BUDGETED}  # of whoever calls too often
    # Of whoever sends too slowly, or too many at a time (tests/integration/test_slow_bodies.py).
    refused |= {(route.name, status) for route in ROUTES if route.reads_body for status in (408, 429)}
    refused |= BY_A_KEY_ALONE | WITHOUT_AUDIENCE
    missing = {
        (route.name, status)
        for route in ROUTES
        for status in openapi.statuses(route)
        if status >= 400 and (route.name, status) not in refused
    }
    assert not missing


def test_the_description_that_is_served_is_the_one_that_answers_are_held_against(tenants: Tenants) -> None:
    assert tenants.deployed.call("GET", "/openapi.json").json == document()


def _attest(tenants: Tenants, name: ProviderName) -> None:
    """A version as a run published it, with what it attested."""
    by = PublishedBy("publisher_1", PublisherKind.TRUSTED_PUBLISHER, repository="acme/shared", workflow="release.yml")
    file_name = f"{name.name}-1.0.0-py3-none-any.whl"
    tenants.release(version("1.0.0", name, published_by=by, attestations=(PUBLISH,), wheel_filename=file_name))
    stored = StoredProvenance(name.prefix, name.name, "1.0.0", file_name, "a" * 64, by, ("{}",), START)
    tenants.deployed.put(keys.provenance(name, "1.0.0"), stored)


def _publishers(tenants: Tenants) -> tuple[Publisher, Publisher]:
    """One of the shop, of a repository that the steps do not publish from, and one of acme."""
    any_run = {"issuer": tenants.issuer.issuer(Realm.GITHUB), "environment": None, "ref": None}
    shops = {"prefix": SHOP.prefix, "name": SHOP.name, "organization_id": "org_shop", "organization_slug": "shop"}
    repository = {"repository": "shop/x", "repository_key": "shop/x"}
    return publisher(publisher_id=KNOWN_ID, **any_run, **shops, **repository), publisher(
        publisher_id="A" * 26, **any_run
    )


def name_of(method: str, path: str) -> str | None:
    routes, _ = match(path.partition("?")[0])
    return next((route.name for route in routes if route.method == method), None)


@pytest.mark.parametrize(("method", "path", "allowed"), NOT_ALLOWED)
def test_a_method_that_a_route_has_not_is_405_and_names_those_it_has(
    tenants: Tenants, method: str, path: str, allowed: str
) -> None:
    before = tenants.deployed.documents.all()
    answer = tenants.deployed.call(method, path)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.json == {"detail": f"{method} is not something this can do"}
    assert tenants.deployed.documents.all() == before


def test_an_error_never_repeats_a_config_value_or_a_token(tenants: Tenants) -> None:
    body = install(config={"GOOD": "hunter2", "BAD": 1, "PATH": "hunter3"})
    answer = tenants.deployed.call("POST", "/providers/install", tenants.user, body=body)
    assert answer.status == 422
    assert "hunter" not in answer.text
    refused = tenants.deployed.call("GET", WEATHER, tenants.expired)
    assert tenants.expired not in refused.text


def test_every_route_succeeds_in_the_life_of_a_tenant(tenants: Tenants, tmp_path: Path) -> None:
    for letter, name in (("one", SHOP), ("two", SHOP), ("three", ProviderName("shop", "weatherx")), ("four", SHOP)):
        tenants.deployed.put(keys.dead_letter(letter), dead_letter(letter, name))
    for letter in ("platform-1", "platform-2"):
        tenants.deployed.put(keys.dead_letter(letter), dead_letter(letter, SHOP, organization_id=None))
    succeeded = set()
    for entry in STEPS:
        if isinstance(entry, Stands):
            reason = "half of it failed" if entry.state is RolloutState.HALTED else None
            standing = rollout(entry.version, SHOP, state=entry.state, halted_reason=reason, due_at=None)
            tenants.deployed.put(keys.rollout(SHOP, entry.version), standing)
            continue
        step = filled_in(entry, tmp_path) if isinstance(entry, Form) else entry
        step = publishing(tenants, step, tmp_path) if isinstance(step, Publish) else step
        answer = take(tenants, step)
        if answer.status < 400:
            succeeded.add(name_of(step.method, step.path))
    assert succeeded == {route.name for route in ROUTES}


def publishing(tenants: Tenants, entry: Publish, directory: Path) -> Step:
    around = tenants.deployed.around
    wheel = build_wheel(entry.version, directory)
    added = add_wheel(wheel, wheels_dir(around.state_dir), around.wheels_url)
    body = {
        "name": entry.provider,
        "version": entry.version,
        "wheel_url": added.url,
        "sha256": added.sha256,
        "metadata": METADATA,
    }
    shows = {"version": entry.version, "status": "published", "wheel_sha256": added.sha256}
    return Step("POST", entry.path, entry.status, shows, body, entry.who)


def filled_in(entry: Form, directory: Path) -> Step:
    wheel = build_wheel(entry.version, directory)
    raw, kind = form(wheel.name, wheel.read_bytes(), summary="Readings of weather stations")
    return Step("POST", entry.path, entry.status, entry.shows, headers={"Content-Type": kind}, raw=raw)


def take(tenants: Tenants, step: Step) -> Answer:
    deadline = time.monotonic() + READY_SECONDS
    token = tenants.issuer.machine("shop") if step.who == "machine" else getattr(tenants, step.who)
    while True:
        body = step.body(tenants) if callable(step.body) else step.body
        answer = tenants.deployed.call(step.method, step.path, token, body=body, headers=step.headers, raw=step.raw)
        wrong = differing(step, answer)
        if not wrong:
            return answer
        assert step.until, f"{step.method} {step.path}: {wrong}"
        assert time.monotonic() < deadline, f"after {READY_SECONDS} s {step.method} {step.path}: {wrong}"
        time.sleep(0.1)


def differing(step: Step, answer: Answer) -> str:
    """What is not as the step tells, empty when all is."""
    if answer.status != step.status:
        return f"{answer.status}, not {step.status}: {answer.text[:1000]}"
    if not step.shows:
        return ""
    shown = answer.json
    shown = shown.get("items", shown) if isinstance(shown, dict) else shown
    first = shown[0] if isinstance(shown, list) and shown else shown
    wrong = {name: value for name, value in step.shows.items() if not first or first.get(name, ...) != value}
    return f"it shows {first}, not {wrong}" if wrong else ""
