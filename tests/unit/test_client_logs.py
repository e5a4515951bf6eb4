"""`hub logs` and publishing as a CI job, over a stand-in of the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub_cli import arguments, trusted
from hub_cli.api import HubApi
from hub_cli.errors import NotAuthenticated, Unavailable
from hub_cli.logs import Lines
from hub_cli.transport import NotThere

POD = "p-acme-weather-q3zk5d2x-6d9f7-x2x4k"


class Api:
    """Answers or raises what it is given, in turn, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[str | None] = []

    def logs(self, _name: str, since: str | None, *, previous: bool, limit: int) -> Any:
        self.asked.append(since)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(cursor: str, *lines: str, more: bool = False, notice: str | None = None) -> dict[str, Any]:
    items = [{"at": "2026-03-02T10:15:42.120000Z", "pod": POD, "line": line} for line in lines]
    return {"items": items, "cursor": cursor, "more": more, "notice": notice}


def test_lines_are_followed_through_an_api_that_is_away_until_the_installation_is_gone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    away = Unavailable("it does not answer")
    api: Any = Api(
        page("1", "one"), page("2", "two", more=True), page("3", "three"), away, away, page("4"), NotThere("x")
    )
    pauses: list[float] = []
    shown = Lines(api, "acme/weather", as_json=False, sleep=pauses.append)
    shown.page(None, limit=10)
    shown.follow()
    out, told = capsys.readouterr()
    assert [line[21:] for line in out.splitlines()] == ["x2x4k  one", "x2x4k  two", "x2x4k  three"]
    assert api.asked == [None, "1", "2", "3", "3", "3", "4"]
    assert len(pauses) == 5, "what is there already is asked for at once"
    assert told == "hub: waiting for the API: it does not answer\nhub: acme/weather is not installed any more\n"


def test_what_a_terminal_would_obey_is_taken_out_and_a_notice_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    first = page("1", "\x1b[31mred\x1b[0m\x07 and\ttabbed", notice="a pod cannot be read")
    api: Any = Api(first, page("2", notice="a pod cannot be read"))
    shown = Lines(api, "acme/weather", as_json=False)
    shown.page(None, limit=10)
    shown.page("1", limit=10)
    out, told = capsys.readouterr()
    assert out == "2026-03-02 10:15:42  x2x4k  red  and tabbed\n"
    assert told == "hub: a pod cannot be read\n"


def test_a_duration_is_a_time_before_now_and_a_time_is_taken_as_it_is() -> None:
    for text, ago in (("90s", 90), ("10m", 600), ("2h", 7200), ("1d", 86400)):
        moment = datetime.fromisoformat(arguments.moment(text))
        assert abs(datetime.now(UTC) - timedelta(seconds=ago) - moment) < timedelta(seconds=5)
    assert arguments.moment("2026-03-02T10:15:00+01:00") == "2026-03-02T09:15:00+00:00"
    for text in ("10", "m", "10 minutes", "999999999d", "tomorrow", ""):
        with pytest.raises(Exception, match="no duration"):
            arguments.moment(text)


def test_only_a_ci_job_is_taken_for_one_and_told_what_it_lacks() -> None:
    assert not trusted.may_vouch({})
    assert trusted.may_vouch({"ACTIONS_ID_TOKEN_REQUEST_URL": "https://runner"})
    assert trusted.may_vouch({"GITLAB_CI": "true"})
    assert trusted.may_vouch({"GITHUB_ACTIONS": "true"}), "a job that lacks the permission is told so"
    given = {"GITLAB_CI": "true", "ACME_PROD_PROVIDER_HUB_ID_TOKEN": "a.b.c"}
    assert trusted._identity("acme-prod.provider-hub", None, given) == "a.b.c"
    with pytest.raises(NotAuthenticated, match="id-token: write"):
        trusted._identity("acme-prod.provider-hub", None, {"GITLAB_CI": "true"})


class TakesNoTokensOfRuns(HubApi):
    def __init__(self) -> None:
        pass

    def oidc_audience(self) -> str:
        raise NotThere("this hub takes no tokens of CI platforms")


def test_a_ci_job_is_told_to_have_a_token_where_the_hub_takes_none_of_its_run() -> None:
    with pytest.raises(NotAuthenticated, match=r"set HUB_TOKEN.*this hub takes no tokens of CI platforms"):
        trusted._audience(TakesNoTokensOfRuns())
