"""The words of a token's `scopes`: what a machine may do."""

from provider_hub.domain.errors import NotAuthenticated


def words_of(scopes: object) -> tuple[str, ...]:
    """The words of a claim `scopes`: a list, or a text with spaces between them. Raises NotAuthenticated."""
    given = scopes or ()
    if isinstance(given, str):
        return tuple(given.split())
    if not isinstance(given, list | tuple) or not all(isinstance(scope, str) for scope in given):
        raise NotAuthenticated("the token's scopes are not words")
    return tuple(given)
