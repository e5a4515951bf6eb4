"""What a page tells its reader to type: the real parser takes every `hub` command, and every variable is set before."""

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

import pytest
from tests.page_scripts import scripts_of

from hub_cli.main import build_parser

ROOT = Path(__file__).parents[2]
FOLDERS = ("docs", "lib", "terraform", "examples")
PAGES = sorted([*ROOT.glob("*.md"), *(page for folder in FOLDERS for page in (ROOT / folder).glob("**/[!.]*.md"))])
_COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)
_VARIABLE = re.compile(r"\w+=")
_SET_OR_USED = re.compile(r"\b(?P<set>[A-Z]\w*)=|\$\{?(?P<used>[A-Za-z_]\w*)")
_OF_EVERY_SHELL = {"HOME", "PATH", "PWD"}


def commands_of(script: str) -> Iterator[list[str]]:
    """Each simple command as its words, without variables before it: those of pipes, lists and `$(…)` too."""
    lexer = shlex.shlex(_COMMENT.sub("", script).replace("\\\n", " "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(lexer.punctuation_chars):
            if words:
                yield words
            words = []
        elif words or not _VARIABLE.match(word):
            words.append(word)


def hub_commands_of(script: str) -> Iterator[list[str]]:
    """The arguments of each `hub` in a script."""
    for program, *arguments in commands_of(script):
        if PurePath(program).name == "hub":
            yield arguments


def parsed_commands(arguments: Sequence[str]) -> Iterator[argparse.Namespace]:
    """A command, and each `hub` command that a job runs. Raises SystemExit for one that the parser refuses."""
    parsed = build_parser().parse_args(arguments)
    yield parsed
    words = getattr(parsed, "words", [])
    script = words[2] if words[:2] == ["sh", "-c"] else shlex.join(words)
    for inner in hub_commands_of(script):
        yield from parsed_commands(inner)


COMMANDS = [
    pytest.param(arguments, id=f"{page.relative_to(ROOT)}: {shlex.join(arguments)}")
    for page in PAGES
    for script in scripts_of(page.read_text())
    for arguments in hub_commands_of(script)
]


def test_the_commands_of_the_pages_are_found() -> None:
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("arguments", COMMANDS)
def test_the_parser_takes_every_command_of_a_page(arguments: list[str]) -> None:
    for parsed in parsed_commands(arguments):
        assert callable(parsed.run)


def commands_below(parser: argparse.ArgumentParser, name: str = "hub") -> Iterator[str]:
    """The full name of each command, such as `hub lock show`."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield name
    for action in below:
        for word, subparser in action.choices.items():
            yield from commands_below(subparser, f"{name} {word}")


def test_the_page_for_users_names_every_command() -> None:
    commands, page = list(commands_below(build_parser())), (ROOT / "docs" / "using.md").read_text()
    assert {"hub publish", "hub lock show"} <= set(commands)
    assert [command for command in commands if not re.search(rf"\b{command}\b", page)] == []


def unset_variables_of(text: str) -> list[str]:
    """The variables that a page's scripts use and that none of them set before."""
    known, unset = set(_OF_EVERY_SHELL), []
    for found in _SET_OR_USED.finditer("".join(scripts_of(text))):
        if found["used"] and found["used"] not in known:
            unset.append(found["used"])
        known.add(found["set"])
    return unset


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_sets_every_variable_before_it_uses_it(page: Path) -> None:
    assert unset_variables_of(page.read_text()) == []


def test_a_variable_that_is_set_too_late_or_nowhere_is_found() -> None:
    assert unset_variables_of('```sh\nls $LATE\nLATE=1\nls "${LATE}" $PWD $NOWHERE\n```\n') == ["LATE", "NOWHERE"]


def test_a_command_is_found_wherever_a_shell_would_run_one() -> None:
    script = (
        "A=$(.venv/bin/hub token machine | tail -n 1) # hub no\n"
        "B=1 hub list && \\\n  hub search '#x; y'\n"
        "pip download hub\n"
    )
    assert list(hub_commands_of(script)) == [["token", "machine"], ["list"], ["search", "#x; y"]]


@pytest.mark.parametrize("job", ["hub lost", "sh -c 'ls && hub lost'"])
def test_a_command_that_a_job_runs_is_parsed_too(job: str) -> None:
    with pytest.raises(SystemExit):
        list(parsed_commands(["job", "acme/weather", "--", *shlex.split(job)]))
