"""Refusals, for the description alone: what a function answers is made without them."""

from provider_hub.http.models.base import Response


class ErrorBody(Response):
    """Every refusal but a failed validation: one human sentence."""

    detail: str


class ProblemBody(Response):
    loc: list[str | int]
    msg: str
    type: str


class ValidationErrorBody(Response):
    """A body or query that failed validation: where, and what."""

    detail: list[ProblemBody]
