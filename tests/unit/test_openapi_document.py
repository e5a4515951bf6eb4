"""The description is a valid OpenAPI 3.1 document, whole, and true to the table and models it is made from."""

import json
import re
from html.parser import HTMLParser
from typing import Any, get_args, get_origin

import pytest
import schemathesis
from jsonschema import Draft202012Validator
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.definitions import OPENAPI_31
from tests.contract_checker import check_answer, document

from provider_hub.http import docs, examples, openapi
from provider_hub.http.route import Access, Route
from provider_hub.http.table import ROUTES

_IDS = [route.name for route in ROUTES]
_HEADERS = {"ETag": '"0"', "X-Request-Id": "r1", "Content-Type": "application/json"}


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = document()["paths"][route.path][route.method.lower()]
    return operation


def _route(name: str) -> Route:
    return next(route for route in ROUTES if route.name == name)


def test_it_is_valid_by_the_schema_of_openapi_3_1() -> None:
    Draft202012Validator(OPENAPI_31).validate(document())


def test_a_generic_openapi_reader_finds_every_operation() -> None:
    read = schemathesis.openapi.from_dict(document())
    read.validate()
    found = [item.ok() for item in read.get_all_operations() if isinstance(item, Ok)]
    assert {(item.method.upper(), item.path) for item in found} == {(route.method, route.path) for route in ROUTES}


def test_every_schema_is_json_schema_of_the_2020_12_draft() -> None:
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    text = openapi.document_bytes().decode()
    for reference in set(re.findall(r'"\$ref":"#/([^"]+)"', text)):
        found: Any = document()
        for part in reference.split("/"):
            found = found[part]
        assert found


def test_operation_ids_are_unique() -> None:
    assert len({route.name for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=_IDS)
def test_an_operation_tells_its_parameters_body_and_statuses(route: Route) -> None:
    operation = _operation(route)
    in_path = [item["name"] for item in operation["parameters"] if item.get("in") == "path"]
    assert in_path == re.findall(r"\{(\w+)\}", route.path)
    in_query = {item["name"] for item in operation["parameters"] if item.get("in") == "query"}
    assert in_query == set(route.query.model_fields if route.query else ())
    assert ("requestBody" in operation) == (route.body is not None or route.form)
    assert {str(route.status), "500", "503", *map(str, route.refusals)} <= set(operation["responses"])
    assert operation["summary"]
    assert operation["tags"] == [route.function]


@pytest.mark.parametrize("route", ROUTES, ids=_IDS)
def test_security_follows_from_who_may_call(route: Route) -> None:
    operation = _operation(route)
    schemes = [scheme for requirement in operation["security"] for scheme in requirement]
    assert ("401" in operation["responses"]) == (route.access is not Access.ANYONE)
    if route.access in (Access.CONSOLE, Access.CONSOLE_MACHINE):
        assert schemes == ["console"]
    elif route.access is not Access.ANYONE:
        assert schemes == ["customer"]
    assert ({} in operation["security"]) == (route.access is Access.ANYONE_OR_CUSTOMER)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body], ids=lambda route: route.name)
def test_the_example_of_a_request_is_taken_by_its_model_and_its_schema(route: Route) -> None:
    assert route.body is not None
    example = examples.request(route)
    taken = route.body.model_validate_json(json.dumps(example))
    assert set(example) <= taken.model_fields_set
    schema = {
        "$ref": f"#/components/schemas/{openapi.public_name(route.body)}",
        "components": document()["components"],
    }
    Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("route", ROUTES, ids=_IDS)
def test_the_example_of_an_answer_is_one_that_the_description_has(route: Route) -> None:
    path = examples.path(route)
    headers = {**_HEADERS, **({"Location": "/x"} if route.location else {}), "Content-Type": route.media}
    body = b"" if route.shape is None else b"{}"
    if route.shape not in (None, bytes):
        body = json.dumps(examples.response(route)).encode()
    check_answer(route.method, path, route.status, headers, body)


@pytest.mark.parametrize("route", ROUTES, ids=_IDS)
def test_the_example_of_a_refusal_is_one_that_the_description_has(route: Route) -> None:
    path = examples.path(route)
    for status in (status for status in openapi.statuses(route) if status >= 400):
        headers = {**_HEADERS, "WWW-Authenticate": "Bearer", "Retry-After": "5"}
        example = examples.mint_error(status) if route.mints else examples.error(status)
        check_answer(route.method, path, status, headers, json.dumps(example).encode())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"deployment_name": "p-acme"}, "deployment_name"),
        ({"lifecycle_state": "READY"}, "is not one of"),
        ({"created_at": "2026-03-02T10:15:30+00:00"}, "does not match"),
        ({"created_at": "yesterday Z"}, "is not a 'date-time'"),
        ({"generation": None}, "is not of type 'integer'"),
    ],
)
def test_the_checker_refuses_an_answer_with_another_shape(change: dict[str, Any], told: str) -> None:
    body = json.dumps({**examples.response(_route("get_installed")), **change}).encode()
    with pytest.raises(AssertionError, match=told):
        check_answer("GET", "/providers/installed/acme/weather", 200, _HEADERS, body)


@pytest.mark.parametrize(
    ("method", "target", "status", "headers", "body", "told"),
    [
        ("GET", "/auth/me", 418, _HEADERS, b"{}", "the description has 200, 304, 401"),
        ("GET", "/auth/me", 401, _HEADERS, b'{"detail": "no"}', "without WWW-Authenticate"),
        ("GET", "/health", 200, {"Content-Type": "application/json"}, b'{"status": "ok"}', "without X-Request-Id"),
        ("GET", "/health", 200, {**_HEADERS, "Content-Type": "text/html"}, b'{"status": "ok"}', "as 'text/html'"),
        ("GET", "/health", 200, _HEADERS, b"<html>", "no JSON"),
        ("POST", "/health", 405, _HEADERS, b'{"detail": "no"}', "without Allow"),
        ("GET", "/nowhere", 200, _HEADERS, b"{}", "answered 200"),
        ("DELETE", "/ops/dead-letter/x", 204, _HEADERS, b"{}", "with a body"),
        ("POST", "/providers/install", 201, _HEADERS, b"{}", "without Location"),
    ],
)
def test_the_checker_refuses_an_answer_that_is_not_described(
    method: str, target: str, status: int, headers: dict[str, str], body: bytes, told: str
) -> None:
    with pytest.raises(AssertionError, match=told):
        check_answer(method, target, status, headers, body)


class _Page(HTMLParser):
    """What a browser would load or run, and where its links lead."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: set[str] = set()
        self.ids: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.loads += [f"{tag} {name}" for name in given if name in ("src", "style") or name.startswith("on")]
        self.loads += [tag for name in ("script", "link", "img", "iframe") if tag == name]
        self.links |= {given["href"]} if "href" in given else set()
        if "id" in given:
            assert given["id"] not in self.ids, f"two elements are called {given['id']}"
            self.ids.add(given["id"])
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_for_people_is_whole_loads_nothing_and_every_link_leads_somewhere() -> None:
    page = _Page()
    page.feed(docs.page().decode())
    assert page.open == []
    assert page.loads == []
    assert {route.name for route in ROUTES} <= page.ids
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}


@pytest.mark.parametrize("route", ROUTES, ids=_IDS)
def test_the_page_has_a_curl_line_for_each_operation(route: Route) -> None:
    text = docs.page().decode()
    article = text.partition(f'<article id="{route.name}">')[2].partition("</article>")[0]
    assert "$HUB_API_URL/" in article
    assert ("Bearer $HUB_TOKEN" in article) == (route.access is not Access.ANYONE)
    assert ("-d " in article) == (route.body is not None)


def test_lists_and_pages_are_described_by_the_model_of_their_items() -> None:
    for route in ROUTES:
        if get_origin(route.shape) is list:
            (model,) = get_args(route.shape)
            schema = _operation(route)["responses"]["200"]["content"]["application/json"]["schema"]
            assert schema == {"type": "array", "items": {"$ref": f"#/components/schemas/{model.__name__}"}}


def test_every_field_and_every_parameter_says_what_it_is() -> None:
    schemas, paths = document()["components"]["schemas"], document()["paths"]
    fields = {
        f"{name}.{field}": described
        for name, schema in schemas.items()
        for field, described in schema.get("properties", {}).items()
    }
    parameters = {
        f"{operation['operationId']} {parameter['name']}": parameter
        for path in paths.values()
        for operation in path.values()
        for parameter in operation["parameters"]
        if "$ref" not in parameter
    }
    assert len(fields) > 100
    assert len(parameters) > 20
    assert [name for name, described in (fields | parameters).items() if not described.get("description")] == []


def test_the_page_says_what_each_field_is() -> None:
    article = docs.page().decode().partition('<article id="model-ProviderInstallation">')[2].partition("</article>")[0]
    assert "Grows by one with every change of what shall run." in article
