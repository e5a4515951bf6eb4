"""`hub console`: what the platform does to any provider and organization, and the audit of it all."""

import argparse

from hub_cli.api import Json
from hub_cli.arguments import Session
from hub_cli.audit import show_page
from hub_cli.console_api import ConsoleApi
from hub_cli.dead_letters import show_list
from hub_cli.display import as_json, printable, stored_of


def run(session: Session, parsed: argparse.Namespace) -> int:
    """Carry one of the commands out, by its name. Raises ClientError."""
    if parsed.command == "audit":
        page = session.api.console.audit(parsed.organization, parsed.action, parsed.since, parsed.limit)
        return show_page(session, page)
    if parsed.command == "dead-letters":
        show_list(session, session.api.console.dead_letters())
        return 0
    answer, sentence = _done(session, parsed)
    print(as_json(answer) if session.as_json else printable(sentence))
    return 0


def _done(session: Session, parsed: argparse.Namespace) -> tuple[Json, str]:
    """The API's answer, and the same as a sentence."""
    if "letter" in parsed:
        return _of_letter(session.api.console, parsed)
    return _of_organization(session, parsed) if "organization" in parsed else _of_provider(session, parsed)


def _of_letter(console: ConsoleApi, parsed: argparse.Namespace) -> tuple[Json, str]:
    if parsed.command == "retry-dead-letter":
        console.retry_dead_letter(parsed.letter)
        return {"retried_count": 1}, f"{parsed.letter} is back on its topic."
    console.delete_dead_letter(parsed.letter)
    return {"deleted_count": 1}, f"{parsed.letter} is deleted."


def _of_provider(session: Session, parsed: argparse.Namespace) -> tuple[Json, str]:
    """The API's answer, and the same as a sentence."""
    console, name = session.api.console, parsed.provider
    match parsed.command:
        case "yank":
            answer = console.yank(name, parsed.version, parsed.reason)
            return answer, f"{name} {parsed.version} is yanked: no new installs, what runs stays."
        case "unyank":
            return console.unyank(name, parsed.version), f"{name} {parsed.version} can be installed again."
        case "pause-rollout" | "resume-rollout":
            answer = console.change_rollout(name, parsed.version, parsed.command.partition("-")[0])
            return answer, f"The rollout of {name} {parsed.version} is {answer['state']}."
        case "delete":
            console.delete(name)
            return {"deleted": name}, f"{name} is deleted, with its versions."
    raise AssertionError(f"{parsed.command} is no command of the console")


def _storage(console: ConsoleApi, parsed: argparse.Namespace) -> Json:
    if parsed.allow is None and not parsed.default:
        return console.organization(parsed.organization)
    return console.allow(parsed.organization, None if parsed.default else parsed.allow * 1024**3)


def _of_organization(session: Session, parsed: argparse.Namespace) -> tuple[Json, str]:
    console, organization = session.api.console, parsed.organization
    match parsed.command:
        case "suspend":
            answer = console.suspend(organization, parsed.reason)
            return answer, f"{organization} is suspended within a minute; what it runs goes on."
        case "resume":
            return console.resume(organization), f"{organization} is let in again within a minute."
        case "release-slug":
            answer = console.release_slug(organization)
            return answer, f"The slug {answer['slug']} is free: the next organization that comes with it has it."
        case "storage":
            answer = _storage(console, parsed)
            whose = "the limit of every organization" if answer["allowed_bytes"] is None else "a limit of its own"
            return answer, f"{organization} has {stored_of(answer)} stored: {whose}."
    raise AssertionError(f"{parsed.command} is no command of the console")
