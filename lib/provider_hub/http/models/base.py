"""What every body and query is."""

from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """A request body or query: unknown fields are ignored."""

    # Built at its first use: a function imports all of its models and needs a few.
    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class NoQuery(Request):
    """A route that takes no query."""


class Response(BaseModel):
    """A response body: every field is there, absent ones are null, times are UTC."""

    # Built at its first use, as above.
    model_config = ConfigDict(from_attributes=True, defer_build=True)
