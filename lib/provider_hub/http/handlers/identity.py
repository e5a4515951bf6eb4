"""Who the caller is (contract, section 6)."""

from collections.abc import Mapping

from provider_hub.domain.errors import NotFound
from provider_hub.domain.identity import ConsoleMachine, ConsoleUser, Machine, User
from provider_hub.http.application import Call, Handler, Reply
from provider_hub.http.models import identity as models


def handlers() -> Mapping[str, Handler]:
    """The handlers of the `identity` function by route name."""
    return {
        "whoami": _whoami,
        "me": _me,
        "list_organizations": _list_organizations,
        "get_organization": _get_organization,
    }


def _whoami(call: Call) -> Reply:
    principal = call.principal
    if isinstance(principal, ConsoleMachine):
        return Reply(
            models.WhoAmI(
                kind="console_machine",
                user_id=None,
                machine_id=principal.machine_id,
                token_id=principal.token_id,
                scopes=list(principal.scopes),
            )
        )
    user_id = principal.user_id if isinstance(principal, ConsoleUser) else None
    return Reply(models.WhoAmI(kind="console_user", user_id=user_id, machine_id=None, token_id=None, scopes=None))


def _me(call: Call) -> Reply:
    principal, organization = call.principal, call.tenant
    if not isinstance(principal, User | Machine):
        raise AssertionError("the customer realm has users and machines")
    return Reply(
        models.Me(
            user_id=principal.user_id if isinstance(principal, User) else principal.machine_id,
            email=principal.email if isinstance(principal, User) else None,
            organization_id=organization.organization_id if organization else None,
            organization_name=organization.name if organization else None,
        )
    )


def _list_organizations(call: Call) -> Reply:
    return Reply([models.OrganizationBody.of(call.organization)])


def _get_organization(call: Call) -> Reply:
    wanted = call.parameters["organization_id"]
    if wanted not in ("me", call.organization.organization_id):
        raise NotFound(f"there is no organization {wanted[:80]}")
    return Reply(models.OrganizationBody.of(call.organization))
