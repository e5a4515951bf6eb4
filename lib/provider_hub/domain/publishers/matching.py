"""Which publisher a CI run is, and the refusal if it is none.

The numbers of repository and owner are compared first: a name can be given up and taken by somebody else. A refusal
tells what a publisher expects only to a run with the right numbers, which belongs to the repository's own writers.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from provider_hub.domain.dataclass import dataclass
from provider_hub.domain.names import normalised
from provider_hub.domain.publishers.claims import CiRun
from provider_hub.domain.publishers.records import Publisher


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first claim that keeps a run from being a publisher, and how many claims were right before it."""

    claim: str
    sentence: str
    right: int


class Ambiguous(Exception):
    """It cannot be told which publisher is meant; `str()` says what to do."""


_SEVERAL_ORGANIZATIONS = (
    "several organizations name this repository as a publisher, and this run does not say for which of them it "
    "publishes: name the provider, with `hub publish --name ORG/NAME` or, for other tools, `hub publishers token "
    "ORG/NAME`; if later runs without a name are refused as well, name it in every run"
)


def mismatch(publisher: Publisher, run: CiRun) -> Mismatch | None:
    """Why the run is not this publisher; None where it is."""
    checks = (_ids, _repository, _workflow, _called_workflow, _environment, _ref)
    for right, check in enumerate(checks):
        found = check(publisher, run)
        if found is not None:
            return Mismatch(found[0], found[1], right)
    return None


def specificity(publisher: Publisher) -> tuple[bool, bool, bool]:
    """How narrow a publisher is: of several that fit, the narrowest is chosen."""
    return publisher.environment is not None, publisher.ref is not None, publisher.called_workflow is not None


def choose(publishers: Sequence[Publisher], run: CiRun, name: str | None = None) -> Publisher | None:
    """The publisher of one organization that the run matches, the narrowest of several; None if it matches none.

    If several match, those come first whose provider is called `name`. Raises Ambiguous if those of several providers
    fit equally well.
    """
    fitting = [publisher for publisher in publishers if mismatch(publisher, run) is None]
    if not fitting:
        return None
    fitting = _called(fitting, name) or fitting
    narrowest = max(map(specificity, fitting))
    chosen = [publisher for publisher in fitting if specificity(publisher) == narrowest]
    if len({publisher.provider_name for publisher in chosen}) > 1:
        names = ", ".join(sorted(publisher.provider_name.canonical for publisher in chosen))
        raise Ambiguous(
            f"the workflow publishes {names}, and a token is good for one: give each an environment or a workflow of "
            "its own, or name the provider, as `hub publish --name ORG/NAME` does"
        )
    return chosen[0]


def _called(publishers: Sequence[Publisher], name: str | None) -> list[Publisher]:
    wanted = normalised(name or "")
    return [publisher for publisher in publishers if normalised(publisher.provider_name.name) == wanted]


def choose_for_unnamed(
    known: Sequence[Publisher], run: CiRun, name: str | None = None, *, is_whole: bool
) -> Publisher | None:
    """The publisher for a run that names no organization; None if it matches none. Raises Ambiguous.

    `name` chooses a provider of the organization, and never the organization: a stranger can call a provider so too.
    `known` are those that name the run's repository, of any organization; `is_whole` says that there are no others.
    Anybody may name anybody's repository as a publisher of their own. So if several organizations do, whether their
    publishers fit this run or not, those that were named before tell which one is meant: whoever writes a provider's
    name into a workflow writes to the repository, and means that organization, with all of its publishers.
    """
    if is_whole and len(_organizations(known)) <= 1:
        return choose(known, run, name)
    named = [publisher for publisher in known if publisher.named_at and mismatch(publisher, run) is None]
    meant = _organizations(named)
    if len(meant) != 1:
        raise Ambiguous(_SEVERAL_ORGANIZATIONS)
    return choose([publisher for publisher in known if publisher.organization_id in meant], run, name)


def _organizations(publishers: Sequence[Publisher]) -> set[str]:
    return {publisher.organization_id for publisher in publishers}


def refusal(publishers: Sequence[Publisher], run: CiRun) -> Mismatch:
    """What to tell a run that is no publisher: the reason of the one that it comes nearest to."""
    found = [problem for publisher in publishers if (problem := mismatch(publisher, run)) is not None]
    if not found:
        return Mismatch("repository", f"no publisher names the repository {run.repository}", 0)
    return max(found, key=lambda problem: problem.right)


def _ids(publisher: Publisher, run: CiRun) -> tuple[str, str] | None:
    for claim, wanted, given in (
        ("repository_id", publisher.repository_id, run.repository_id),
        ("repository_owner_id", publisher.owner_id, run.owner_id),
    ):
        if wanted is not None and wanted != given:
            return claim, (
                f"{claim} is not the one that this publisher is bound to: the repository was made anew or moved; an "
                "admin removes the publisher and adds it again"
            )
    return None


def _repository(publisher: Publisher, run: CiRun) -> tuple[str, str] | None:
    if publisher.issuer != run.issuer or publisher.repository_key != run.repository_key:
        return "repository", f"no publisher names the repository {run.repository}"
    return None


def _workflow(publisher: Publisher, run: CiRun) -> tuple[str, str] | None:
    return _differs("workflow", run.workflow, publisher.workflow)


def _called_workflow(publisher: Publisher, run: CiRun) -> tuple[str, str] | None:
    if publisher.called_workflow is None and run.called_workflow is not None:
        return "job_workflow_ref", (
            f"job_workflow_ref is of the reusable workflow {run.called_workflow}, which this publisher does not name"
        )
    called = (run.called_workflow or "none", publisher.called_workflow or "none")
    return _differs("job_workflow_ref", called[0].lower(), called[1].lower())


def _environment(publisher: Publisher, run: CiRun) -> tuple[str, str] | None:
    if publisher.environment is None:
        return None
    # The platforms ignore the case of these.
    return _differs("environment", (run.environment or "none").lower(), publisher.environment.lower())


def _ref(publisher: Publisher, run: CiRun) -> tuple[str, str] | None:
    if publisher.ref is None or fnmatchcase(run.ref, publisher.ref):
        return None
    return _differs("ref", run.ref, publisher.ref)


def _differs(claim: str, given: str, wanted: str) -> tuple[str, str] | None:
    return None if given == wanted else (claim, f"the token's {claim} is {given!r}, and the publisher wants {wanted!r}")
