"""The tables of README.md that say who may do what, made from the configuration."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from terraform.tools.configuration import TERRAFORM, Block, Configuration, read

from local_stack.function_list import FUNCTIONS, Declaration

# What each entry of `access` in functions.json is on; its role is the one of the resource with the entry's name.
_ON = {
    "documents": "the database",
    "publishes": "topic `{}`",
    "creates_tasks": "queue `{}`",
    "deletes_tasks": "queue `{}`",
    "reads_secret": "secret `{}`",
    "encrypts": "key `{}`",
    "decrypts": "key `{}`",
    "creates_objects": "bucket `artifacts`",
    "reads_objects": "bucket `artifacts`",
    "reads_advisories": "the bucket of `settings.advisories_export`",
    "signs_urls": "its own account",
    "reads_cluster": "the project's clusters",
    "reads_logs": "the log view of what pods print",
    "writes_cluster": "the project's clusters",
}
# Grants that are spelled out in functions.json, or are shown in the table of callers.
_SHOWN_ELSEWHERE = frozenset(
    {*_ON, "lends_tasks_account", "caller", "public", "google_secret_manager_secret_iam_member.this"}
)
_PLACES = ("topic", "subscription", "name", "repository", "bucket", "service_account_id", "secret_id")


def grants_table(hub: Configuration) -> str:
    """What each function may do, and why."""
    roles = _roles(hub)
    rows = [
        f"| `{name}` | {role} | {on} | {why} |"
        for name, function in FUNCTIONS.items()
        for role, on, why in _grants_of(function.access, roles)
    ]
    return _table("| function | role | on | why |", rows)


def callers_table(hub: Configuration) -> str:
    """Who may call each function."""
    rows = [f"| `{name}` | {_callers(function, hub)} | {_ingress(function)} |" for name, function in FUNCTIONS.items()]
    return _table("| function | may be called by (`roles/run.invoker`) | ingress |", rows)


def other_grants_table(hub: Configuration, modules: Mapping[str, Configuration]) -> str:
    """What accounts other than the functions' may do, and why."""
    rows = [_other_row(block) for configuration in (hub, *modules.values()) for block in _other_grants(configuration)]
    return _table("| who | role | on | why |", rows)


def access_tables() -> str:
    """All of it, as Markdown."""
    hub = read()
    modules = {name: read(TERRAFORM / "modules" / name) for name in ("function", "topic")}
    return "\n\n".join(
        (
            "What each function's own account may do:",
            grants_table(hub),
            "Who may call it:",
            callers_table(hub),
            "What the other accounts may do:",
            other_grants_table(hub, modules),
        )
    )


def grants(configuration: Configuration) -> Iterator[Block]:
    """Every resource that grants something."""
    return (block for block in configuration.of("resource") if re.search(r"_iam_(member|binding|policy)$", block.type))


def _roles(hub: Configuration) -> dict[str, str]:
    named = {block.labels[1]: block for block in grants(hub) if block.labels[1] in _ON}
    module = read(TERRAFORM / "modules" / "function")
    named["reads_secret"] = module.resource("google_secret_manager_secret_iam_member.this")
    named["lends"] = hub.resource("google_service_account_iam_member.lends_tasks_account")
    return {name: _role_of(block, hub) for name, block in named.items()}


def _role_of(block: Block, hub: Configuration) -> str:
    role = str(block.body["role"])
    custom = re.fullmatch(r"\$\{(google_project_iam_custom_role\.\w+)\.name}", role)
    if not custom:
        return f"`{role}`"
    return f"custom: {hub.resource(custom[1]).body['description'].rstrip('.').lower()}"


def _grants_of(may: Mapping[str, Any], roles: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    for kind, on in _ON.items():
        entry = may.get(kind, {})
        reasons = entry if isinstance(entry, dict) else {"": entry}
        for place, why in reasons.items():
            yield roles[kind], on.format(place), why
    if "creates_tasks" in may:
        yield roles["lends"], "account `tasks`", "its tasks carry that account's token"


def _callers(function: Declaration, hub: Configuration) -> str:
    if function.is_public:
        return "anyone; the function checks the token"
    return ", ".join(f"account `{caller}`" for caller in callers_of(function, hub))


def callers_of(function: Declaration, hub: Configuration) -> tuple[str, ...]:
    """The accounts that may call a function: one for each kind of its triggers."""
    caller_of: dict[str, str] = hub.local("caller_of")
    return tuple(dict.fromkeys(caller_of[trigger] for trigger in function.triggers if trigger in caller_of))


def _ingress(function: Declaration) -> str:
    return "the gateway" if function.is_public else "internal"


def _other_grants(configuration: Configuration) -> Iterator[Block]:
    for block in grants(configuration):
        if block.address not in _SHOWN_ELSEWHERE and block.labels[1] not in _SHOWN_ELSEWHERE:
            yield block


def _other_row(block: Block) -> str:
    if not block.comment:
        raise ValueError(f"{block.path.name}: {block.address} needs a comment right above it that says why")
    place = next((_named(block, block.body[key]) for key in _PLACES if key in block.body), "the project")
    if "condition" in block.body:
        place += f", where `{block.body['condition'][0]['title']}` holds"
    why = block.comment.strip(". ")
    return f"| {_named(block, block.body['member'])} | {_readable(block.body['role'])} | {place} | {why} |"


def _named(block: Block, expression: str) -> str:
    """What an expression of a block names; of a block with `for_each`, all that it is made for."""
    if not expression.startswith("${each."):
        return _readable(expression)
    each = block.body["for_each"]
    names = each.values() if isinstance(each, dict) else [re.sub(r"toset\((.*)\)", r"\1", each)]
    return ", ".join(_readable(name) for name in names)


def _readable(expression: str) -> str:
    """An expression as the resource it names: `google_service_account.caller["push"].email` is that account."""
    whole = re.fullmatch(r"\$\{(?!.*\$\{)(.*)}", expression)
    return f"`{re.sub(r'[.](id|name|email|member)$', '', whole[1] if whole else expression)}`"


def _table(head: str, rows: list[str]) -> str:
    return "\n".join([head, re.sub(r"[^|]+", "---", head), *rows])
