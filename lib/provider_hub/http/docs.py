"""`GET /docs`: the description as one page for people, made from the same document, with nothing to load or run."""

import base64
import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from typing import Any

from provider_hub.http import openapi
from provider_hub.http.docs_style import STYLE
from provider_hub.http.openapi import FORM
from provider_hub.http.route import JSON

Json = Mapping[str, Any]

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} keys",
    "minimum": "at least {}",
    "maximum": "at most {}",
}
_LONGEST_PATTERN = 60


@lru_cache(maxsize=1)
def page() -> bytes:
    """The page as it is served."""
    document = openapi.document()
    info = document["info"]
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])} API</title>
<style>{STYLE}</style>
</head>
<body>
<div class="frame">
<nav aria-label="Operations"><a href="#top">{escape(info["title"])} API</a>
{"".join(_navigation(document, tag) for tag in document["tags"])}
<h2>Models</h2>
<ul>{"".join(f"<li>{_model_link(name)}</li>" for name in document["components"]["schemas"])}</ul>
</nav>
<main id="top">
<h1>{escape(info["title"])} API</h1>
{_introduction(info["description"])}
{"".join(_section(document, tag) for tag in document["tags"])}
<h2 id="models">Models</h2>
{"".join(_model(name, schema) for name, schema in document["components"]["schemas"].items())}
</main>
</div>
</body>
</html>
""".encode()


def _introduction(text: str) -> str:
    paragraphs = "".join(f"<p>{_with_code(part)}</p>" for part in text.split("\n\n"))
    return f"""{paragraphs}
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). The examples take two variables:</p>
<pre>export HUB_API_URL=https://hub.example.com
export HUB_TOKEN=…</pre>"""


def _with_code(text: str) -> str:
    """Escaped, with `…` as code."""
    parts = escape(text, quote=False).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _operations(document: Json, tag: Json) -> Iterable[tuple[str, str, Json]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if tag["name"] in operation["tags"]:
                yield path, method, operation


def _navigation(document: Json, tag: Json) -> str:
    entries = "".join(
        f'<li><a href="#{name}">{_method(method)}<span>{name}</span></a></li>'
        for name, method in ((item["operationId"], method) for _, method, item in _operations(document, tag))
    )
    return f"<h2>{escape(tag['name'])}</h2><ul>{entries}</ul>"


def _section(document: Json, tag: Json) -> str:
    articles = "".join(_article(document, *operation) for operation in _operations(document, tag))
    return f"<h2>{escape(tag['name'])}</h2><p>{_with_code(tag['description'])}</p>{articles}"


def _article(document: Json, path: str, method: str, operation: Json) -> str:
    name = operation["operationId"]
    return f"""<article id="{name}">
<h3>{_method(method)} <code>{escape(path)}</code></h3>
<p>{_with_code(operation["summary"])}.<br><span class="note">{_with_code(operation["description"])}</span></p>
{_parameters(document, operation)}
{_request(operation)}
<h4>Try it</h4>
<pre>{escape(_curl(document, path, method, operation), quote=False)}</pre>
{_responses(document, operation)}
</article>
"""


def _method(method: str) -> str:
    return f'<span class="method {method}">{method.upper()}</span>'


def _parameters(document: Json, operation: Json) -> str:
    rows = [
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(parameter['in'])}</td>"
        f"<td>{_type(parameter['schema'])}</td><td>{_with_code(parameter.get('description', ''))} "
        f"{_limits(parameter['schema'])}</td></tr>"
        for parameter in (_resolved(document, item) for item in operation["parameters"])
    ]
    return f"<h4>Parameters</h4>{_table(('Name', 'In', 'Type', 'About'), ''.join(rows))}" if rows else ""


def _request(operation: Json) -> str:
    body = operation.get("requestBody")
    if body is None:
        return ""
    optional = "" if body["required"] else ' <span class="note">(may be left out)</span>'
    ((media, content),) = body["content"].items()
    kind = _type(content["schema"]) if media == JSON else escape(media)
    return f"<h4>Body</h4><p>{kind}{optional}</p>"


def _responses(document: Json, operation: Json) -> str:
    answers = [(status, _resolved(document, response)) for status, response in operation["responses"].items()]
    rows = "".join(
        f"<tr><td>{status}</td><td>{_with_code(response['description'])}</td><td>{_content(response)}</td></tr>"
        for status, response in answers
    )
    return f"<h4>Answers</h4>{_table(('Status', 'When', 'Body'), rows)}{_example(answers[0][1])}"


def _example(response: Json) -> str:
    examples = [content["example"] for content in response.get("content", {}).values() if "example" in content]
    if not examples:
        return ""
    text = escape(json.dumps(examples[0], indent=2, ensure_ascii=False), quote=False)
    return f"<details><summary>Example of an answer</summary><pre>{text}</pre></details>"


def _content(response: Json) -> str:
    return " ".join(
        _type(content["schema"]) if media == "application/json" else escape(media)
        for media, content in response.get("content", {}).items()
    )


def _curl(document: Json, path: str, method: str, operation: Json) -> str:
    for parameter in (_resolved(document, item) for item in operation["parameters"]):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    verb = "" if method == "get" else f" -X {method.upper()}"
    lines = [f'curl{verb} "$HUB_API_URL{path}"']
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $HUB_TOKEN"')
    body = operation.get("requestBody")
    if body and FORM in body["content"]:
        lines.append("-F :action=file_upload -F content=@dist/weather_provider-1.4.0-py3-none-any.whl")
    elif body:
        lines.append("-H 'Content-Type: application/json'")
        text = json.dumps(body["content"]["application/json"]["example"], indent=2, ensure_ascii=False)
        lines.append(f"-d {shlex.quote(text)}")
    return " \\\n  ".join(lines)


def _model(name: str, schema: Json) -> str:
    described = f"<p>{_with_code(schema['description'])}</p>" if "description" in schema else ""
    if "enum" in schema:
        return f'<article id="model-{name}"><h3>{name}</h3>{described}<p>{_type(schema)}</p></article>'
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_type(kind)}</td>"
        f"<td>{'yes' if field in required else ''}</td>"
        f"<td>{_with_code(kind.get('description', ''))} {_limits(kind)}</td></tr>"
        for field, kind in schema.get("properties", {}).items()
    )
    fields = _table(("Field", "Type", "Needed", "About"), rows)
    return f'<article id="model-{name}"><h3>{name}</h3>{described}{fields}</article>'


def _table(heads: Iterable[str], rows: str) -> str:
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{rows}</table>"


def _model_link(name: str) -> str:
    return f'<a href="#model-{name}">{name}</a>'


def _type(schema: Json) -> str:
    """What a value is, in words; a model is a link to where it is told."""
    if "$ref" in schema:
        return _model_link(schema["$ref"].rpartition("/")[2])
    if choices := schema.get("anyOf"):
        return " or ".join(_type(choice) for choice in choices)
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema['items'])}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of string to {_type(schema['additionalProperties'])}"
    return escape(f"{kind} ({schema['format']})" if "format" in schema else str(kind))


def _limits(schema: Json) -> str:
    told = [_limit(key, schema[key]) for key in _LIMITS if key in schema]
    if "default" in schema and schema["default"] is not None:
        told.append(f"default <code>{escape(json.dumps(schema['default']))}</code>")
    if len(pattern := schema.get("pattern", "")) in range(1, _LONGEST_PATTERN):
        told.append(f"<code>{escape(pattern)}</code>")
    told += [limits for choice in schema.get("anyOf", ()) if (limits := _limits(choice))]
    return "; ".join(told)


def _limit(key: str, value: Any) -> str:
    return "not empty" if value == 1 and key in ("minLength", "minItems") else _LIMITS[key].format(value)


def _resolved(document: Json, item: Json) -> Json:
    """The component that a reference names, else the item itself."""
    found: Any = item
    if "$ref" in item:
        found = document
        for part in item["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    resolved: Json = found
    return resolved
