"""A function with two triggers hands each request to the one that it came from."""

import pytest
from flask import Request, Response
from werkzeug.test import EnvironBuilder

from provider_hub.http.triggers import TopicOrQueue


class Named:
    """Answers with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def respond(self, _request: Request) -> Response:
        return Response(self.name)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/projects/p/topics/version-events", "topic"),
        ("/projects/p/topics/version-events/", "topic"),
        ("/", "queue"),
        ("/projects/p", "queue"),
        ("/x/projects/p/topics/t", "queue"),
    ],
)
def test_the_path_of_a_push_subscription_leads_to_the_topics_responder(path: str, expected: str) -> None:
    both = TopicOrQueue(topic=Named("topic"), queue=Named("queue"))
    request = Request(EnvironBuilder(path=path, method="POST").get_environ())
    assert both.respond(request).get_data(as_text=True) == expected
