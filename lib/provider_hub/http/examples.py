"""The examples that the description shows, put together from what stands at each model's fields and each route.

A field's first example is used; a field that holds another model has that model's example. What has neither is null
in an answer and left out of a request. A test validates each example against its schema.
"""

import re
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from provider_hub.http.models import Response
from provider_hub.http.responses import with_mint_errors
from provider_hub.http.route import Route

_ERRORS: Mapping[int, str] = {
    400: "acme/weather 1.4.0 already exists with other bytes, and versions never change: raise the version",
    401: "Not authenticated",
    403: "acme/weather is not your organization's: only its author may change it",
    404: "there is no provider acme/weather",
    408: "the body took longer than 10.0 seconds: send it faster, or a smaller one",
    409: "acme/weather is being removed: nothing about it can be changed any more",
    413: "the body is over 1048576 bytes",
    429: "the organization has 100 installations, as many as it may have: uninstall one, or ask for more",
    500: "this should not have happened; it is logged as request 8c1f2a",
    503: "a service this depends on is down: try again",
}
_PROBLEM = {"loc": ["body", "version"], "msg": "'1.4' is not a semantic version such as 1.4.0", "type": "value_error"}


def path(route: Route) -> str:
    """A path that leads to the route."""
    return re.sub(r"\{(\w+)\}", lambda name: route.parameters[name[1]].example, route.path)


def request(route: Route) -> dict[str, Any]:
    """The example of a route's request body. Raises KeyError for a route without one."""
    if route.body is None:
        raise KeyError(route.name)
    return of_model(route.body)


def response(route: Route) -> Any:
    """The example of what a route answers when all is well. Raises KeyError for one without a JSON model."""
    shape: Any = route.shape
    if get_origin(shape) is list:
        return [{**of_model(get_args(shape)[0]), **route.example}]
    if shape is None or shape is bytes:
        raise KeyError(route.name)
    return {**of_model(shape), **route.example}


def error(status: int) -> dict[str, Any]:
    """The example of a refusal. Raises KeyError for a status that is none."""
    if status == 422:
        return {"detail": [_PROBLEM], "message": f"body.version: {_PROBLEM['msg']}"}
    if status == 400:
        return {"detail": _ERRORS[status], "message": _ERRORS[status]}
    return {"detail": _ERRORS[status]}


def mint_error(status: int) -> dict[str, Any]:
    """The example of a refusal by a route that mints tokens. Raises KeyError for a status that is none."""
    return with_mint_errors(status, error(status))


def of_model(model: type[BaseModel]) -> dict[str, Any]:
    """The example of a model. Raises LookupError for a field of an answer that must have a value and shows none."""
    keeps_null = issubclass(model, Response)
    shown = {
        field.serialization_alias or name: _of_field(f"{model.__name__}.{name}", field)
        for name, field in model.model_fields.items()
    }
    return {name: value for name, value in shown.items() if value is not None or keeps_null}


def _of_field(name: str, field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    annotation: Any = field.annotation
    choices = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    for choice in choices:
        if isinstance(choice, type) and issubclass(choice, BaseModel):
            return of_model(choice)
        items = get_args(choice)
        if get_origin(choice) is list and isinstance(items[0], type) and issubclass(items[0], BaseModel):
            return [of_model(items[0])]
    if type(None) in choices:
        return None
    if field.is_required():
        raise LookupError(f"{name} shows no example: give it `examples=[…]`")
    return to_jsonable_python(field.default) if isinstance(field.default, str) else None
