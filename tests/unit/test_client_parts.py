"""The client's parts: where it speaks to, what it reads of a wheel, how it waits, and what it prints."""

import dataclasses
import io
import json
import os
import re
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.runtime_harness import make_wheel

from hub_cli import arguments, commands, display, publishing, target, waiting, wheel_facts
from hub_cli.api import HubApi, Installation
from hub_cli.errors import ClientError, NotAuthenticated, Refused, TimedOut, Unavailable, UsageError
from hub_cli.progress import Progress, progress
from hub_cli.stack_file import StackInfo, default_state_dir
from hub_cli.transport import NotThere
from hub_cli.waiting import Waiting
from provider_hub.domain.installation.state import ResourceTier, UpgradePolicy
from provider_hub.domain.wheels import same_version
from provider_hub.domain.wheels.offered_schemas import SCHEMAS_FILE
from provider_hub.domain.wheels.versions import semver_of
from provider_hub.http import examples
from provider_hub.http.functions.installations import ProviderInstallation

NOWHERE = Path("/nonexistent")


def test_options_win_over_the_environment() -> None:
    environment = {"HUB_API_URL": "https://env.example", "HUB_TOKEN": "env-token", "HUB_CA_FILE": "env.pem"}
    found = target.resolve("https://option.example/", "option-token", "option.pem", NOWHERE, environment)
    assert (found.api_url, found.token, found.ca_file) == ("https://option.example", "option-token", "option.pem")
    found = target.resolve(None, None, None, NOWHERE, environment)
    assert (found.api_url, found.token, found.ca_file) == ("https://env.example", "env-token", "env.pem")


def test_a_token_from_a_file_may_end_in_a_newline_and_is_never_shown() -> None:
    found = target.resolve("https://hub.example", "secret-token\n", None, NOWHERE, {})
    assert found.token == "secret-token"
    assert "secret-token" not in repr(found)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://hub.example", "use https://hub.example"),
        ("ftp://hub.example", "write it as https://host"),
        ("hub.example", "write it as https://host"),
        ("https://user:password@hub.example", "without user"),
        ("https://hub.example:x", "write it as https://host"),
        ("https://[::1", "write it as https://host"),
    ],
)
def test_a_url_that_a_token_must_not_be_sent_to_is_refused(url: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        target.resolve(url, None, None, NOWHERE, {})
    assert "password" not in str(refused.value).replace("user, password", "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_this_machine_needs_no_https(url: str) -> None:
    assert target.resolve(url, None, None, NOWHERE, {}).api_url == url


def test_without_a_url_or_a_stack_the_error_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"HUB_API_URL.*--state-dir or HUB_STATE_DIR"):
        target.resolve(None, None, None, tmp_path, {})


def test_the_environment_may_name_the_folder_of_the_stack() -> None:
    assert default_state_dir({"HUB_STATE_DIR": "/elsewhere/.hub"}) == Path("/elsewhere/.hub")
    assert default_state_dir({"HUB_STATE_DIR": ""}) == default_state_dir({}) == Path(".hub")


def stack_in(directory: Path, api_url: str = "http://127.0.0.1:8080", pid: int | None = None) -> None:
    fields = dict.fromkeys((found.name for found in dataclasses.fields(StackInfo)), "")
    StackInfo(
        **{**fields, "api_url": api_url, "state_dir": str(directory), "pid": os.getpid() if pid is None else pid}
    ).write()  # type: ignore[arg-type]


def test_the_stack_of_the_folder_is_found(tmp_path: Path) -> None:
    stack_in(tmp_path)
    assert target.resolve(None, None, None, tmp_path, {}).api_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("url", ["https://collector.example", "https://127.0.0.1.collector.example", "https://[", "x"])
def test_a_folder_does_not_say_where_else_the_token_goes(tmp_path: Path, url: str) -> None:
    stack_in(tmp_path, api_url=url)
    with pytest.raises(UsageError, match=r"not on this machine \(.*\), so that API gets no token"):
        target.resolve(None, "secret-token", None, tmp_path, {})


def test_another_users_folder_does_not_say_where_the_token_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack_in(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(UsageError, match="belongs to another user, so its API gets no token"):
        target.resolve(None, "secret-token", None, tmp_path, {})


@pytest.mark.parametrize("pid", [0, -1, -os.getpid()], ids=["own group", "all", "a group"])
def test_a_group_of_processes_is_no_stack_that_runs(tmp_path: Path, pid: int) -> None:
    stack_in(tmp_path, pid=pid)
    with pytest.raises(UsageError, match="no API to speak to"):
        target.resolve(None, None, None, tmp_path, {})


def test_a_token_from_a_file_of_another_system_has_no_byte_order_mark() -> None:
    assert target.resolve("https://hub.example", "\ufeffsecret-token\r\n", None, NOWHERE, {}).token == "secret-token"


def test_a_token_of_two_words_is_refused_without_being_told() -> None:
    with pytest.raises(UsageError) as refused:
        target.resolve("https://hub.example", "Bearer secret", None, NOWHERE, {})
    assert "secret" not in str(refused.value)


def test_a_missing_token_says_how_to_get_one() -> None:
    with pytest.raises(NotAuthenticated, match="HUB_TOKEN"):
        target.resolve("https://hub.example", None, None, NOWHERE, {}).require_token()


def test_the_options_offer_what_the_domain_knows() -> None:
    assert set(commands.TIERS) == {tier.value for tier in ResourceTier}
    assert set(commands.POLICIES) == {policy.value for policy in UpgradePolicy}


def test_config_is_read_from_lines_or_json_and_options_win(tmp_path: Path) -> None:
    lines = tmp_path / "config.env"
    lines.write_text("# the stations\nA=1\n\nB=x=y\n")
    assert arguments.config(["A=2", "C="], str(lines)) == {"A": "2", "B": "x=y", "C": ""}
    document = tmp_path / "config.json"
    document.write_text(json.dumps({"A": "1"}))
    assert arguments.config([], str(document)) == {"A": "1"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_config_and_texts_are_read_as_any_system_writes_them(tmp_path: Path, end: str, mark: bytes) -> None:
    lines = tmp_path / "config.env"
    lines.write_bytes(mark + end.join(["# the stations", "A=1", "B=a\u2028b\x0cc", "C=3"]).encode())
    assert arguments.config([], str(lines)) == {"A": "1", "B": "a\u2028b\x0cc", "C": "3"}
    document = tmp_path / "config.json"
    document.write_bytes(mark + f'{{"A":{end}"1"}}'.encode())
    assert arguments.config([], str(document)) == {"A": "1"}
    changelog = tmp_path / "CHANGES.md"
    changelog.write_bytes(mark + f"One{end}Two".encode())
    assert arguments.text_or_file(f"@{changelog}") == "One\nTwo"


def test_schemas_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    files = {"weather/__init__.py": "", f"weather/{SCHEMAS_FILE}": "\ufeff" + json.dumps(SCHEMAS)}
    assert wheel_facts.read_file(make_wheel(tmp_path, files)).schemas == SCHEMAS


def test_schemas_of_a_package_in_a_namespace_are_found(tmp_path: Path) -> None:
    files = {"acme/weather/__init__.py": "", f"acme/weather/{SCHEMAS_FILE}": json.dumps(SCHEMAS)}
    found = wheel_facts.read_file(make_wheel(tmp_path, files))
    assert (found.package, found.schemas) == ("acme.weather", SCHEMAS)


@pytest.mark.parametrize("content", ["hunter2", '{"A": 1}', '{"A": ', "=hunter2"])
def test_a_config_that_is_none_is_refused_without_its_value(tmp_path: Path, content: str) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(UsageError) as refused:
        arguments.config([], str(file))
    assert "hunter2" not in str(refused.value)


SCHEMAS = {"schemas": {"station": {"config_schema": {"type": "object"}}}, "config_schema": {"type": "object"}}


def test_a_wheel_that_cannot_be_kept_while_it_is_read_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(_url: object, into: Any, _ca_file: str | None) -> str:
        into.write(b"x")
        return "a" * 64

    monkeypatch.setattr(wheel_facts, "download", download)
    monkeypatch.setattr(wheel_facts, "TemporaryFile", partial(Path("/dev/full").open, "r+b", 0))
    url = wheel_facts.parsed_url("https://wheels.example/weather-1.0.0-py3-none-any.whl")
    with pytest.raises(UsageError, match=r"No space left on device.*TMPDIR"):
        wheel_facts.read_url(url, None)


def test_a_wheel_tells_its_name_version_digest_package_and_schemas(tmp_path: Path) -> None:
    files = {"weather/__init__.py": "", f"weather/{SCHEMAS_FILE}": json.dumps(SCHEMAS)}
    wheel = make_wheel(tmp_path, files, name="weather-provider", version="1.4.0")
    found = wheel_facts.read_file(wheel)
    assert (found.distribution.replace("_", "-"), found.version) == ("weather-provider", "1.4.0")
    assert found.package == "weather"
    assert found.schemas == SCHEMAS
    assert len(found.sha256) == 64


def test_a_wheel_without_schemas_offers_none(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, {"weather/__init__.py": ""}, name="weather", version="1.0.0")
    assert wheel_facts.read_file(wheel).schemas == {}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"secrets": {}}',
        "[" * 100_000,
        '{"config_schema": {"maximum": NaN}}',
        '{"outputs_schema": {"title": "\\ud800"}}',
        '{"schemas": {"\\ud800": {}}}',
        '{"config_schema": {"default": ' + "[" * 300 + "]" * 300 + "}}",
    ],
)
def test_schemas_that_are_none_are_refused(tmp_path: Path, content: str) -> None:
    files = {"weather/__init__.py": "", f"weather/{SCHEMAS_FILE}": content}
    wheel = make_wheel(tmp_path, files, name="weather", version="1.0.0")
    with pytest.raises(Refused, match=f"weather/{SCHEMAS_FILE}"):
        wheel_facts.read_file(wheel)


def test_what_is_no_wheel_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "weather-1.0.0-py3-none-any.whl"
    file.write_text("no archive")
    with pytest.raises(Refused, match=file.name):
        wheel_facts.read_file(file)
    with pytest.raises(UsageError, match="No such file"):
        wheel_facts.read_file(tmp_path / "missing.whl")


@pytest.mark.parametrize(
    ("wheel", "semver"),
    [
        ("1.4.0", "1.4.0"),
        ("1.4", "1.4.0"),
        ("2", "2.0.0"),
        ("2.0.0rc1", "2.0.0-rc.1"),
        ("2.0.0a3", "2.0.0-alpha.3"),
        ("2.0.0b2", "2.0.0-beta.2"),
        ("1.0.0.dev3", "1.0.0-dev.3"),
        ("1.0.0+build.5", "1.0.0+build.5"),
    ],
)
def test_a_wheels_version_is_told_as_a_semantic_version_that_the_api_takes_for_it(wheel: str, semver: str) -> None:
    assert semver_of(wheel) == semver
    assert same_version(semver, wheel)


@pytest.mark.parametrize("wheel", ["1!1.0.0", "1.0.0.post1", "1.2.3.4", "1.0.0rc1.dev2"])
def test_a_version_without_a_semantic_one_is_refused(wheel: str) -> None:
    with pytest.raises(ValueError, match=r"MAJOR\.MINOR\.PATCH"):
        semver_of(wheel)


class NamingApi(HubApi):
    """Answers for the organization `acme`, which has these providers."""

    def __init__(self, *providers: str) -> None:
        self._providers = providers

    def organization_slug(self) -> str:
        return "acme"

    def versions(self, name: str, limit: int, *, anonymous: bool) -> list[dict[str, Any]]:
        if name not in self._providers:
            raise NotThere(f"there is no {name}")
        return []


@pytest.mark.parametrize(
    ("distribution", "given", "there", "name"),
    [
        ("zope.interface", None, (), "acme/zope-interface"),
        ("Jaraco.Context", None, (), "acme/jaraco-context"),
        ("a__b", None, (), "acme/a-b"),
        ("Weather_Provider", None, (), "acme/weather-provider"),
        ("zope.interface", None, ("acme/zope.interface",), "acme/zope.interface"),
        ("zope.interface", None, ("acme/zope-interface",), "acme/zope-interface"),
        ("a__b", None, ("acme/a--b", "acme/a-b"), "acme/a--b"),
        ("zope.interface", "zope.other", (), "acme/zope.other"),
        ("zope.interface", "other/zope.other", (), "other/zope.other"),
    ],
)
def test_a_wheel_is_published_as_its_normalised_name_or_as_the_provider_that_it_was_before(
    distribution: str, given: str | None, there: tuple[str, ...], name: str
) -> None:
    facts = wheel_facts.WheelFacts("f", distribution, "1.0", "a" * 64, "package", None, {})
    assert publishing._name(NamingApi(*there), Namespace(name=given, platform=False), facts) == name


def test_a_job_of_gitlab_is_told_before_the_first_of_several_wheels_that_its_token_is_good_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(publishing, "_publish_one", lambda _session, parsed: tried.append(parsed.wheel))
    for variable in ("GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")
    nothing_else = dict.fromkeys(("name", "version", "wheel_url", "attestations", "platform"))

    def publish(token: str | None, *wheels: str) -> list[str]:
        tried.clear()
        session = arguments.Session(NamingApi(), target.Target("https://hub.example", token), as_json=False)
        assert publishing.publish(session, Namespace(wheels=wheels, **nothing_else)) == 0
        return tried

    with pytest.raises(UsageError, match="each wheel in a job of its own"):
        publish(None, "a.whl", "b.whl")
    assert not tried
    assert publish(None, "a.whl") == ["a.whl"]
    assert publish("a-token", "a.whl", "b.whl") == ["a.whl", "b.whl"]
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://runner")
    assert publish(None, "a.whl", "b.whl") == ["a.whl", "b.whl"]


def row(state: str = "pending", generation: int = 1, **changes: Any) -> Installation:
    raw = {**examples.of_model(ProviderInstallation), "lifecycle_state": state, "generation": generation}
    return Installation.of({**raw, **changes})


class ScriptedApi(HubApi):
    """Answers each look at the installation with the next of its script; the last one stays."""

    def __init__(self, *script: Installation | ClientError) -> None:
        self._script = list(script)

    def installation(self, name: str) -> Installation:
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(answer, ClientError):
            raise answer
        return answer

    def deployment(self, name: str) -> dict[str, Any]:
        return {"message": "the image cannot be pulled"}


class Times:
    """A clock that only sleeping moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait_for(*script: Installation | ClientError, timeout: float = 60) -> tuple[Waiting, io.StringIO]:
    stream, times = io.StringIO(), Times()
    shown = Progress(stream, live=False, clock=times)
    return Waiting(ScriptedApi(*script), shown, timeout, times, times.sleep), stream


def test_waiting_ends_when_the_generation_is_ready_and_tells_each_change_once() -> None:
    waiting, stream = wait_for(row(), row("processing"), row("processing"), row("ready"))
    assert waiting.until_ready(row()).state == "ready"
    told = [line.split(" s  ")[1] for line in stream.getvalue().splitlines()]
    assert told == [
        "pending at 1.4.0",
        "processing at 1.4.0",
        "processing: the image cannot be pulled",
        "ready at 1.4.0",
    ]


def test_waiting_looks_past_an_answer_of_an_older_generation() -> None:
    waiting, _ = wait_for(row("ready", 1), row("ready", 2))
    assert waiting.until_ready(row("pending", 2)).generation == 2


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ([row("failed", failure_message="it broke")], "acme/weather: it broke"),
        ([row("processing", 2), row("ready", 2, failure_message="1.4.0 failed; restored 1.3.2")], "restored 1.3.2"),
        (
            [row("ready", 2, installed_version="1.5.0")],
            "another change came in between: acme/weather is ready at 1.5.0",
        ),
        ([row("deleting")], "was uninstalled"),
        ([NotThere("no")], "was uninstalled"),
    ],
)
def test_waiting_fails_when_what_was_asked_for_does(script: Sequence[Installation | ClientError], told: str) -> None:
    waiting, _ = wait_for(*script)
    with pytest.raises(Refused, match=told):
        waiting.until_ready(row())


def test_waiting_has_an_end_of_its_own() -> None:
    waiting, _ = wait_for(row("processing"), timeout=5)
    with pytest.raises(TimedOut, match=r"waited 5 s for acme/weather 1\.4\.0 to be ready") as timed_out:
        waiting.until_ready(row())
    assert timed_out.value.exit_status == 4


def test_an_api_that_is_away_for_a_while_is_waited_for() -> None:
    waiting, stream = wait_for(Unavailable("the connection is refused"), row("ready"))
    assert waiting.until_ready(row()).state == "ready"
    assert "waiting for the API: the connection is refused" in stream.getvalue()


def test_an_api_that_stays_away_is_told_as_that() -> None:
    waiting, _ = wait_for(Unavailable("the connection is refused"), timeout=5)
    with pytest.raises(Unavailable):
        waiting.until_ready(row())


@pytest.mark.parametrize("last", [NotThere("no"), row("pending", 1)])
def test_what_is_uninstalled_is_gone_even_when_it_was_installed_anew(last: Installation | ClientError) -> None:
    waiting, _ = wait_for(row("deleting", 3), last)
    waiting.until_gone(row("deleting", 3))


def test_a_degraded_installation_is_told_as_ready_with_its_reason() -> None:
    told = waiting.state_of(row("ready", health="degraded", health_message="no answer from Bergen"))
    assert told == "ready but degraded (no answer from Bergen)"


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_line_moves_and_is_gone_at_the_end() -> None:
    terminal, times = Terminal(), Times()
    with progress(terminal, times) as shown:
        shown.changed("pending")
        shown.moving("pending, still")
        times.sleep(75)
    written = terminal.getvalue()
    assert "    0 s  pending\n" in written
    assert re.search("[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏].*0:01:15.*pending, still", written)
    assert written.endswith("\x1b[2K")  # the line is erased


def test_on_a_terminal_that_knows_ascii_alone_the_spinner_is_ascii() -> None:
    terminal = Terminal()
    terminal.encoding = "ascii"
    with progress(terminal, Times()) as shown:
        shown.moving("pending")
    assert terminal.getvalue().isascii()


def test_elsewhere_only_changes_are_written_and_no_control_characters() -> None:
    plain = io.StringIO()
    with progress(plain, Times()) as shown:
        shown.changed("pending")
        shown.moving("pending, still")
        shown.changed("pending")
        shown.changed("[red]of \x1b[31m others")
    assert plain.getvalue() == "    0 s  pending\n    0 s  [red]of  [31m others\n"


def test_on_a_terminal_a_bar_shows_what_has_arrived_and_how_fast() -> None:
    terminal, times = Terminal(), Times()
    with progress(terminal, times) as shown:
        with shown.sending("uploading w.whl", 10_000_000) as moved:
            for arrived in (2_000_000, 4_000_000, 6_000_000):
                times.sleep(1)
                moved(arrived)
        shown.moving("publishing")
    written = terminal.getvalue()
    assert re.search(r"uploading w\.whl.*6\.0/10\.0 MB.*2\.0 MB/s", written)
    assert "publishing" in written


def test_elsewhere_an_upload_is_one_line() -> None:
    plain = io.StringIO()
    with progress(plain, Times()) as shown, shown.sending("uploading w.whl", 5_000) as moved:
        moved(2_000)
        moved(5_000)
    assert plain.getvalue() == "uploading w.whl (5000 bytes)\n"


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_stage_writes_its_line_once_it_is_done_with_its_time_and_last_state(stream: io.StringIO) -> None:
    times = Times()
    with progress(stream, times) as shown, shown.stage("the tenant installs it", "2/9") as show:
        show("pending")
        times.sleep(1.5)
        show("[ready]")
    assert f"2/9 {'the tenant installs it':<46}   1.50 s  [ready]\n" in stream.getvalue()


def test_others_words_cannot_move_the_terminal() -> None:
    assert display.printable("a\x1b[31mb\r\nc\x9b1A\u202e") == "a [31mb  c 1A "


def test_a_table_never_cuts_what_other_commands_take() -> None:
    letter = ("01M806DHYD4HNEJCGDWYH4R6ZX-1", "acme/six", "2026-11-21 23:18:36", "the cluster refused to GET it")
    _, shown = display.table(("ID", "PROVIDER", "FAILED", "WHY"), [letter], 80).splitlines()
    assert shown.startswith(f"{letter[0]}  acme/six  2026-11-21 23:18:36  the")
    assert len(shown) <= 80


def test_a_table_fits_its_width_and_keeps_the_narrow_columns() -> None:
    shown = display.table(("NAME", "ABOUT"), [("acme/weather", "x" * 200), ("b", "short")], 40).splitlines()
    assert shown[0] == "NAME          ABOUT"
    assert shown[1] == "acme/weather  " + "x" * 25 + "…"
    assert shown[2] == "b             short"


def test_a_table_narrower_than_its_ids_keeps_them_whole() -> None:
    shown = display.table(("ID", "WHY", "WHEN"), [("i" * 60, "w" * 60, "now")], 40).splitlines()
    assert shown[1].startswith("i" * 60 + "  ")


def test_a_table_shows_others_words_as_they_are_and_wide_letters_at_their_width() -> None:
    rows = [("acme/a", "[red]not markup[/red] :smile:", "1"), ("acme/b", "雨" * 4, "2")]
    _, first, second = display.table(("NAME", "ABOUT", "N"), rows, 80).splitlines()
    assert first == "acme/a  [red]not markup[/red] :smile:  1"
    assert second == "acme/b  " + "雨" * 4 + " " * 23 + "2"


@pytest.fixture
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


@pytest.mark.usefixtures("_narrow")
def test_facts_are_aligned_wrapped_and_left_out_when_empty() -> None:
    shown = display.facts([("state", "ready"), ("failure", None), ("why", "word " * 12), ("url", "u" * 60)])
    lines = shown.splitlines()
    assert lines[0] == "  state  ready"
    assert lines[1].startswith("  why    word word")
    assert lines[2].startswith("         word")
    assert lines[-1] == "  url    " + "u" * 60
