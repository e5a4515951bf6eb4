"""The schemas of a wheel that came by a form: its sender names none, and its package may offer some."""

from collections.abc import Iterable, Sequence

from pydantic import ValidationError

from provider_hub.actions.checkers import SchemaChecker
from provider_hub.actions.schemas import check_schemas
from provider_hub.actions.wheels import Wheel
from provider_hub.actions.wishes.publishing import PublishWish
from provider_hub.domain.errors import Invalid, SchemaViolation
from provider_hub.domain.wheels import WheelInvalid
from provider_hub.domain.wheels.offered_schemas import SCHEMAS_FILE, parse_offered


def with_offered(checker: SchemaChecker, wish: PublishWish, wheel: Wheel) -> PublishWish:
    """The wish with the schemas that the wheel's package offers, checked as those of a request are. Raises Invalid."""
    package = wheel.packages.provider
    if wheel.schemas_text is None or package is None:
        return wish
    try:
        offered = parse_offered(wheel.schemas_text, package)
        made = PublishWish.model_validate({**wish.model_dump(), **offered})
        check_schemas(checker, made)
    except WheelInvalid as error:
        raise Invalid.at("body", "content", msg=str(error)) from error
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise _refused((item["loc"], item["msg"]) for item in found) from None
    except SchemaViolation as refusal:
        raise _refused((problem.loc[1:], problem.msg) for problem in refusal.problems) from refusal
    return made


def _refused(problems: Iterable[tuple[Sequence[int | str], str]]) -> Invalid:
    why = "; ".join(f"{'.'.join(map(str, place))}: {what}" for place, what in problems)
    return Invalid.at("body", "content", msg=f"the wheel's {SCHEMAS_FILE}: {why[:500]}")
