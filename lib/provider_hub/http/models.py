"""What every response body is."""

from abc import abstractmethod

from pydantic import BaseModel, ConfigDict


class Response(BaseModel):
    """A response body: every field is there, absent ones are null, times are UTC."""

    # Built at its first use, as a wish is.
    model_config = ConfigDict(from_attributes=True, defer_build=True)


class Representable(Response):
    """A response body that a route answers with in several media types, of which `Accept` chooses."""

    @abstractmethod
    def as_media(self, media: str) -> bytes:
        """The body in one of the route's media types."""
