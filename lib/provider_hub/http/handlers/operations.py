"""Operating: dead letters and liveness (contract, section 6)."""

from collections.abc import Mapping

from provider_hub.actions import dead_letters
from provider_hub.actions.services import Services
from provider_hub.domain.errors import Invalid
from provider_hub.http.application import Call, Handler, Reply
from provider_hub.http.models import operations as models

_CACHED = {"Cache-Control": "public, max-age=300"}


def handlers(services: Services) -> Mapping[str, Handler]:
    """The handlers of the `operations` function by route name."""

    def list_dead_letters(call: Call) -> Reply:
        provider = call.query(models.DeadLetterQuery).provider
        letters = dead_letters.list_letters(services, call.organization.organization_id, provider)
        return Reply([models.DeadLetterBody.of(letter) for letter in letters])

    def get_dead_letter(call: Call) -> Reply:
        letter = dead_letters.get_letter(services, call.organization.organization_id, call.parameters["id"])
        return Reply(models.DeadLetterBody.of(letter))

    def retry_dead_letter(call: Call) -> Reply:
        dead_letters.retry_letter(services, call.organization.organization_id, call.parameters["id"])
        return Reply()

    def retry_dead_letters(call: Call) -> Reply:
        return Reply(
            models.RetriedCount(retried_count=dead_letters.retry_all(services, call.organization.organization_id))
        )

    def delete_dead_letter(call: Call) -> Reply:
        dead_letters.delete_letter(services, call.organization.organization_id, call.parameters["id"])
        return Reply()

    def delete_dead_letters(call: Call) -> Reply:
        query = call.query(models.DeadLetterDeletion)
        if query.provider is None and not query.all:
            raise Invalid.at("query", "provider", msg="name a provider, or say all=true to delete all", kind="missing")
        count = dead_letters.delete_letters(services, call.organization.organization_id, query.provider)
        return Reply(models.DeletedCount(deleted_count=count))

    return {
        "list_dead_letters": list_dead_letters,
        "get_dead_letter": get_dead_letter,
        "retry_dead_letter": retry_dead_letter,
        "retry_dead_letters": retry_dead_letters,
        "delete_dead_letter": delete_dead_letter,
        "delete_dead_letters": delete_dead_letters,
        "health": lambda _call: Reply(models.HealthBody()),
        "openapi": _openapi,
        "docs": _docs,
    }


def _openapi(_call: Call) -> Reply:
    from provider_hub.http import openapi  # noqa: PLC0415 - the description is made when it is first asked for

    return Reply(openapi.document_bytes(), headers=_CACHED)


def _docs(_call: Call) -> Reply:
    from provider_hub.http import docs  # noqa: PLC0415 - as above

    return Reply(docs.page(), headers={**_CACHED, "Content-Security-Policy": docs.SECURITY_POLICY})
