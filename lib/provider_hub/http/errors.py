"""Refusals, for the description alone: what a function answers is made without them."""

from pydantic import Field

from provider_hub.http.models import Response


class ErrorBody(Response):
    """Every refusal but a failed validation: one human sentence."""

    detail: str = Field(description="What was wrong, and what to do.")


class FormErrorBody(Response):
    """The refusal of an upload form: the same sentence twice, as the tools that send it look for `message`."""

    detail: str = Field(description="What was wrong, and what to do.")
    message: str = Field(description="The same.")


class ProblemBody(Response):
    """One thing that is wrong with a request."""

    loc: list[str | int] = Field(description="Where: `body`, `query` or `header`, then the names and indexes below.")
    msg: str = Field(description="What is wrong there.")
    type: str = Field(description="A stable word for the kind of problem.")


class ValidationErrorBody(Response):
    """A body, query or header that is not of its schema: where, and what."""

    detail: list[ProblemBody] = Field(description="Everything that is wrong.")
    message: str = Field(description="The same in a sentence for people.")


class RuleErrorBody(Response):
    """What a rule refuses, though it is of its schema: a yanked version, a wheel that is not what was said."""

    detail: str = Field(description="What was wrong, and what to do.")
    errors: list[ProblemBody] = Field(description="The places that the sentence is about.")


class MintReasonBody(Response):
    """Why a CI platform's token is exchanged for none, as publishing tools print it."""

    code: str = Field(
        description="`invalid-token`, `invalid-publisher` or `invalid-reuse-token` for a CI token; for any other "
        "refusal `not-enabled`, `invalid-payload`, `too-many-requests`, `unavailable` or `refused`."
    )
    description: str = Field(description="What was wrong, such as the claim, time, key or header of the CI token.")


class MintErrorBody(Response):
    """A CI platform's token that is exchanged for none, for whichever reason."""

    detail: str | list[ProblemBody] = Field(description="What was wrong, and what to do.")
    message: str = Field(description="`Token request failed`; for an invalid body, what was wrong with it.")
    errors: list[MintReasonBody] = Field(description="The same for publishing tools.")
