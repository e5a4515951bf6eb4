"""Published command lines, unmodified, against the running stack: every command about providers, identity,
organizations and dead letters.

What a command prints is looked at too: a person reads it, so it holds no JSON list, no traceback and no bare status.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from local_stack import sample_wheels
from local_stack.running import Stack
from provider_hub.actions import keys
from provider_hub.adapters.firestore.store import FirestoreStore
from provider_hub.domain.names import ProviderName
from tests.builders import dead_letter
from tests.e2e.clients import page
from tests.e2e.clients.conftest import Start
from tests.e2e.clients.environments import environment_of
from tests.e2e.tenant import METADATA, Tenant

SCRIPT = Path(__file__).with_name("console_script.py")
VERSIONS = ("4.0.0", "4.1.2", "5.0.1")
PUBLISHED_BY_URL = ("4.0.0", "4.1.2")
NOT_FOR_PEOPLE = re.compile(r"Traceback|\[\{|\b422\b")
PYPROJECT = """
[project]
name = "weather-provider"
version = "1.1.0"

[tool.pragma]
provider = "weather"
package = "weather_provider"
display_name = "Weather"
description = "Readings of weather stations"
"""


@dataclass(frozen=True)
class Ran:
    """What one command came to. `name` is the command as the page has it."""

    name: str
    arguments: Sequence[str]
    status: int
    printed: str

    @property
    def outcome(self) -> str:
        if "No such command" in self.printed:
            return "absent"
        return "failed" if self.status else "ok"


@dataclass
class Life:
    """One command line in the hands of one person; `ran` has every command in turn."""

    stack: Stack
    version: str
    tenant: Tenant
    home: Path
    program: "subprocess.Popen[str]"
    ran: list[Ran] = field(default_factory=list)

    def __call__(self, *arguments: str, words: int = 2, answer: str = "") -> str:
        """Run `pragma` with the arguments, of which the first `words` are the command; returns what it printed."""
        typed, printed = self.home / "typed", self.home / "printed"
        typed.write_text(answer)
        printed.write_text("")
        assert self.program.stdin is not None
        assert self.program.stdout is not None
        command = {"arguments": arguments, "answer": str(typed), "output": str(printed)}
        print(json.dumps(command), file=self.program.stdin, flush=True)
        status = int(self.program.stdout.readline())
        done = Ran(" ".join(arguments[:words]), arguments, status, printed.read_text())
        self.ran.append(done)
        return done.printed


@contextmanager
def configured(stack: Stack, version: str, kind: str, home: Path) -> Iterator[Life]:
    """A person whose configuration names the stack's API, and whose `pragma` runs for as long as the block lasts."""
    config = home / "pragma" / "config"
    config.parent.mkdir(parents=True)
    # JSON is YAML.
    config.write_text(json.dumps({"current_context": "local", "contexts": {"local": {"api_url": stack.info.api_url}}}))
    authority = home / "authority.pem"
    trustme.CA().cert_pem.write_to_path(authority)
    tenant = Tenant(stack, f"{kind}-{version.replace('.', '-')}")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRAGMA_")}
    environment = {
        **kept,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "PRAGMA_AUTH_TOKEN": stack.tokens.user(tenant.slug),
        # The stack speaks plain HTTP. Each command would read all the public authorities, a quarter of its CPU.
        "SSL_CERT_FILE": str(authority),
        "COLUMNS": "200",
        "TERM": "dumb",
    }
    python = environment_of(f"cli-{version}") / "bin" / "python"
    with subprocess.Popen(
        [python, SCRIPT, "pragma"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as program:
        yield Life(stack, version, tenant, home, program)


def publish(pragma: Life, wheel: Path) -> None:
    """Publish 1.1.0 as this release does it: by the wheel's URL, or later by another protocol."""
    added = pragma.stack.add_wheel(wheel)
    (pragma.home / "pyproject.toml").write_text(PYPROJECT)
    package = pragma.home / "weather_provider"
    package.mkdir()
    (package / "__init__.py").write_text("")
    source = str(pragma.home / "pyproject.toml")
    pragma(
        "providers", "register", "--wheel-url", added.url, "--sha256", added.sha256, "--version", "1.1.0",
        "--pyproject", source,
    )  # fmt: skip
    pragma("providers", "publish", str(pragma.home), "--wheel", str(wheel))


def use_providers(pragma: Life) -> None:
    """Find, install, change, uninstall and delete."""
    tenant, name = pragma.tenant, f"{pragma.tenant.slug}/weather"
    outputs = ("table", "json", "yaml") if pragma.version == VERSIONS[-1] else ("table",)
    for output in outputs:
        pragma("providers", "list", "-o", output)
        pragma("providers", "info", name, "-o", output)
    pragma("providers", "install", name, "--version", "1.0.0", "--config", "STATIONS=Oslo", "--yes")
    tenant.until_available("weather")
    for output in outputs:
        pragma("providers", "list", "--installed", "-o", output)
        pragma("providers", "status", name, "-o", output)
    pragma("providers", "upgrade", name, "--yes")
    tenant.until("weather", lambda row: row["current_version"] == "1.1.0")
    pragma("providers", "downgrade", name, "--version", "1.0.0", "--yes")
    tenant.until("weather", lambda row: row["current_version"] == "1.0.0")
    pragma("providers", "deploy", name)
    pragma("providers", "uninstall", name, "--cascade", "--yes")
    tenant.until_gone("weather")
    pragma("providers", "delete", name, "--yes")


def use_dead_letters(pragma: Life, store: FirestoreStore) -> None:
    """Look at dead letters, retry and delete one, then several."""

    def bury(*names: str) -> list[str]:
        letters = [f"{pragma.tenant.slug}-{name}" for name in names]
        for letter in letters:
            record = dead_letter(letter, ProviderName(pragma.tenant.slug, "weather"))
            store.transact(
                lambda transaction, letter=letter, record=record: transaction.write(keys.dead_letter(letter), record)
            )
        return letters

    shown, retried, deleted = bury("shown", "retried", "deleted")
    pragma("ops", "dead-letter", "list", words=3)
    pragma("ops", "dead-letter", "show", shown, words=3)
    pragma("ops", "dead-letter", "retry", retried, words=3)
    pragma("ops", "dead-letter", "delete", deleted, words=3)
    pragma("ops", "dead-letter", "retry", "--all", words=4, answer="y\n")
    bury("of-a-provider")
    pragma("ops", "dead-letter", "delete", "--provider", f"{pragma.tenant.slug}/weather", words=4, answer="y\n")
    bury("last")
    pragma("ops", "dead-letter", "delete", "--all", words=4, answer="y\n")
    assert "No dead letter events" in pragma("ops", "dead-letter", "list", words=3)


Lives = dict[str, Future[Life]]


@pytest.fixture(scope="module")
def lives(stack: Stack, store: FirestoreStore, start: Start[Life], tmp_path_factory: pytest.TempPathFactory) -> Lives:
    """The life of each command line, all at the same time."""
    home = tmp_path_factory.mktemp("homes")
    first, second = (sample_wheels.build_wheel(text, home) for text in ("1.0.0", "1.1.0"))

    def live(version: str) -> Life:
        with configured(stack, version, "cli", home / version) as pragma:
            pragma.tenant.publish("weather", "1.0.0", first)
            pragma("auth", "whoami")
            pragma("organizations", "me")
            pragma("organizations", "status")
            publish(pragma, second)
            if version not in PUBLISHED_BY_URL:
                pragma.tenant.publish("weather", "1.1.0", second)
            use_providers(pragma)
            use_dead_letters(pragma, store)
            return pragma

    return start(live, VERSIONS)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_comes_to_what_the_page_says(lives: Lives, version: str) -> None:
    commands = lives[version].result().ran
    worst = {ran.name: ran.outcome for ran in sorted(commands, key=lambda ran: ran.outcome == "failed")}
    told = "\n".join(f"{ran.arguments} {ran.status}\n{ran.printed}" for ran in commands if ran.outcome == "failed")
    try:
        page.check_documented(f"CLI {version}", worst)
    except AssertionError as difference:
        raise AssertionError(f"{difference}\n{told}") from None


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
def test_no_command_prints_what_is_not_for_people(lives: Lives, version: str) -> None:
    life = lives[version].result()
    for ran in life.ran:
        if "json" not in ran.arguments and ran.name != "ops dead-letter show":
            assert not NOT_FOR_PEOPLE.search(ran.printed), f"{ran.arguments}:\n{ran.printed}"
    printed = {ran.name: ran.printed for ran in life.ran}
    assert life.tenant.slug in printed["auth whoami"]
    assert "Installed:" in printed["providers install"]


REFUSED: Mapping[str, tuple[Callable[[Life], str], str]] = {
    "an unknown provider": (
        lambda pragma: pragma("providers", "install", f"{pragma.tenant.slug}/nothing", "--yes"),
        "not found",
    ),
    "an unknown version": (
        lambda pragma: pragma("providers", "install", weather(pragma), "--version", "9.9.9", "--yes"),
        "9.9.9",
    ),
    "a config key that the runtime keeps for itself": (
        lambda pragma: pragma("providers", "install", weather(pragma), "--config", "PYTHONPATH=/tmp", "--yes"),
        "PYTHONPATH",
    ),
    "an upgrade to an older version": (
        lambda pragma: pragma("providers", "upgrade", weather(pragma), "--version", "0.9.0", "--yes"),
        "0.9.0",
    ),
    "a downgrade to a newer version": (
        lambda pragma: pragma("providers", "downgrade", weather(pragma), "--version", "1.1.0", "--yes"),
        "1.1.0",
    ),
    "a deletion of what is installed": (
        lambda pragma: pragma("providers", "delete", weather(pragma), "--yes"),
        "installed",
    ),
}


def weather(pragma: Life) -> str:
    return f"{pragma.tenant.slug}/weather"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_refusal_is_a_sentence_that_a_person_can_act_on(stack: Stack, tmp_path: Path, version: str) -> None:
    with configured(stack, version, "refused", tmp_path / "home") as pragma:
        for text in ("0.9.0", "1.0.0", "1.1.0"):
            pragma.tenant.publish("weather", text, sample_wheels.build_wheel(text, tmp_path), metadata=METADATA)
        pragma.tenant.install("weather", version="1.0.0")
        for what, (command, cause) in REFUSED.items():
            printed = command(pragma)
            assert pragma.ran[-1].status == 1, f"{what}: {printed}"
            assert cause in printed, f"{what}: {printed}"
            assert not NOT_FOR_PEOPLE.search(printed), f"{what}: {printed}"
