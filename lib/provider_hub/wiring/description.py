"""The description of all routes, for the function that serves it.

Whatever makes it is imported when it is first asked for: it brings the routes and models of every function.
"""


class RouteDescription:
    """Every route of the hub (`http.functions.operations.Description`)."""

    def document(self) -> bytes:
        """OpenAPI 3.1, as JSON."""
        from provider_hub.http import openapi  # noqa: PLC0415 - see above, here and below

        return openapi.document_bytes()

    def page(self) -> bytes:
        """The same for people, as HTML."""
        from provider_hub.http import docs  # noqa: PLC0415

        return docs.page()

    def page_policy(self) -> str:
        """The page's Content-Security-Policy."""
        from provider_hub.http import docs  # noqa: PLC0415

        return docs.SECURITY_POLICY
