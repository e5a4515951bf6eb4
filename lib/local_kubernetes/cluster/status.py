"""Errors as the Kubernetes API states them: each carries the Status object a client receives."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .kinds import Kind, Object

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


@dataclass
class ApiError(Exception):
    """A refused request; `status()` is the body and `code` the HTTP status of its answer."""

    code: int
    reason: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.message

    def status(self) -> Object:
        """The Status object that the client receives."""
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return body


@dataclass(frozen=True)
class Cause:
    """One fault of an object: `field` is its path, `reason` one of the API's `FieldValue…` words."""

    reason: str
    field: str
    detail: str

    def message(self) -> str:
        """The cause as one of the parts of a message."""
        return f"{self.field}: {self.detail}" if self.field else self.detail

    def body(self) -> dict[str, str]:
        """The cause as an entry of `details.causes`."""
        return {"reason": self.reason, "message": self.detail, "field": self.field}


def missing(path: str, detail: str = "") -> Cause:
    """A field that has to be there is not."""
    return Cause("FieldValueRequired", path, "Required value" + (f": {detail}" if detail else ""))


def wrong(path: str, value: object, detail: str) -> Cause:
    """A value that its field cannot have; `detail` says why."""
    return Cause("FieldValueInvalid", path, f"Invalid value: {_shown(value)}: {detail}")


def unsupported(path: str, value: object, supported: Iterable[str]) -> Cause:
    """A value outside the list that its field accepts."""
    choices = ", ".join(f'"{choice}"' for choice in supported)
    return Cause("FieldValueNotSupported", path, f"Unsupported value: {_shown(value)}: supported values: {choices}")


def duplicate(path: str, value: object) -> Cause:
    """A value that another item of the list has already."""
    return Cause("FieldValueDuplicate", path, f"Duplicate value: {_shown(value)}")


def refused(path: str, detail: str) -> Cause:
    """A field that may not be there, or may not change."""
    return Cause("FieldValueForbidden", path, f"Forbidden: {detail}")


def _shown(value: object) -> str:
    """The value as a message of the API server prints it: as JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _details(kind: Kind, name: str, **more: Any) -> dict[str, Any]:
    details = {"name": name, "group": kind.group, "kind": kind.plural, **more}
    return {key: value for key, value in details.items() if value}


def not_found(kind: Kind, name: str) -> ApiError:
    """404: the object does not exist."""
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def no_such_path() -> ApiError:
    """404: nothing is served at the path."""
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(kind: Kind, name: str) -> ApiError:
    """409: a create met an object of its name."""
    return ApiError(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, detail: str = _MODIFIED) -> ApiError:
    """409: the object is not what the client believed; by default, it has a newer version."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {detail}'
    return ApiError(409, "Conflict", message, _details(kind, name))


def apply_conflict(message: str, causes: list[dict[str, str]]) -> ApiError:
    """409: other managers own the fields that an apply would change."""
    return ApiError(409, "Conflict", message, {"causes": causes})


def invalid(kind: Kind, name: str, causes: list[Cause]) -> ApiError:
    """422 with every cause."""
    faults = [cause.message() for cause in causes]
    text = faults[0] if len(faults) == 1 else f"[{', '.join(faults)}]"
    details = {"name": name, "group": kind.group, "kind": kind.name, "causes": [cause.body() for cause in causes]}
    message = f'{kind.qualified} "{name}" is invalid: {text}'
    return ApiError(422, "Invalid", message, {key: value for key, value in details.items() if value})


def forbidden(kind: Kind, name: str, detail: str, **more: Any) -> ApiError:
    """403: admission refuses the object."""
    message = f'{kind.resource} "{name}" is forbidden: {detail}'
    return ApiError(403, "Forbidden", message, _details(kind, name, **more))


def bad_request(message: str) -> ApiError:
    """400: the request cannot be understood."""
    return ApiError(400, "BadRequest", message)


def method_not_allowed() -> ApiError:
    """405: the resource does not have this verb."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)


def unsupported_media_type(accepted: Iterable[str]) -> ApiError:
    """415: the body is in another form than those accepted."""
    listed = ", ".join(accepted)
    message = f"the body of the request was in an unknown format - accepted media types include: {listed}"
    return ApiError(415, "UnsupportedMediaType", message)


def expired(message: str) -> ApiError:
    """410: the version lies before what the server remembers, and the client has to list again."""
    return ApiError(410, "Expired", message)


def version_too_large(asked: int, current: int) -> ApiError:
    """504: the version lies in the future, as after a restart that lost the past."""
    message = f"Too large resource version: {asked}, current: {current}"
    details = {"causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]}
    return ApiError(504, "Timeout", message, {**details, "retryAfterSeconds": 1})


def too_large(limit: int) -> ApiError:
    """413: the body has more bytes than `limit`."""
    return ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}")
