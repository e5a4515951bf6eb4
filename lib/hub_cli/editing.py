"""`hub edit`: what the catalog says of a provider, and who sees it."""

import argparse

from hub_cli.api import HubApi, Json
from hub_cli.arguments import Session, text_or_file
from hub_cli.console_api import ConsoleApi
from hub_cli.display import as_json, facts
from hub_cli.errors import UsageError

_SEEN_BY = {"public": "everyone", "tenant": "your organization"}


def edit(session: Session, api: HubApi | ConsoleApi, parsed: argparse.Namespace) -> int:
    """Change the fields that were given, by the organization's own routes or the console's. Raises ClientError."""
    given = {
        "scope": parsed.scope,
        "display_name": parsed.display_name,
        "description": parsed.description,
        "readme": text_or_file(parsed.readme),
        "icon_url": parsed.icon_url,
        "tags": parsed.tags,
    }
    changes = {field: value for field, value in given.items() if value is not None}
    if not changes:
        raise UsageError(
            "nothing to change: give --scope, --display-name, --description, --readme, --icon-url or --tag."
        )
    provider = api.edit(parsed.provider, changes)
    print(as_json(provider) if session.as_json else _shown(provider))
    return 0


def _shown(provider: Json) -> str:
    pairs = [
        ("name", provider["display_name"]),
        ("description", provider["description"]),
        ("seen by", _SEEN_BY[provider["scope"]]),
        ("tags", ", ".join(provider["tags"])),
        ("installed", provider["install_count"]),
    ]
    return f"{provider['canonical']}\n{facts(pairs)}"
