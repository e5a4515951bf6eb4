"""The forms that names have to have, with the API server's own words for one that has not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from local_kubernetes.cluster.status import Cause, wrong


def size(text: str) -> int:
    """Bytes of a text. JSON may hold half a surrogate pair, which counts as the three bytes that it would take."""
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Form:
    """A pattern, the most bytes it may have, and how the API server describes it."""

    pattern: re.Pattern[str]
    limit: int
    rule: str
    examples: tuple[str, ...]

    def faults(self, value: str) -> Iterator[str]:
        """What is wrong with the value, each as the end of a message; nothing when it fits."""
        if size(value) > self.limit:
            yield f"must be no more than {self.limit} bytes"
        if not self.pattern.fullmatch(value):
            yield described(self)

    def check(self, path: str, value: str) -> Iterator[Cause]:
        """The same as causes at `path`."""
        for detail in self.faults(value):
            yield wrong(path, value, detail)


def described(form: Form) -> str:
    """The form's rule, examples and pattern as a real API server prints them, with its two blanks before `or`."""
    examples = " or ".join(f"'{example}', " for example in form.examples)
    return f"{form.rule} (e.g. {examples}regex used for validation is '{form.pattern.pattern}')"


_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_CHARACTERS = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)

LABEL = Form(
    re.compile(_LABEL),
    63,
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character",
    ("my-name", "123-abc"),
)
SUBDOMAIN = Form(
    re.compile(rf"{_LABEL}(\.{_LABEL})*"),
    253,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character",
    ("example.com",),
)
DNS_1035 = Form(
    re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?"),
    63,
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character",
    ("my-name", "abc-123"),
)
LABEL_VALUE = Form(
    re.compile(rf"({_QUALIFIED})?"),
    63,
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character",
    ("MyValue", "my_value", "12345"),
)
_QUALIFIED_NAME = Form(re.compile(_QUALIFIED), 63, _QUALIFIED_CHARACTERS, ("MyName", "my.name", "123-abc"))
_DATA_KEY = Form(
    re.compile(r"[-._a-zA-Z0-9]+"),
    253,
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    ("key.name", "KEY_NAME", "key-name"),
)
HEADER = Form(
    re.compile(r"[-A-Za-z0-9]+"),
    2**31,
    "a valid HTTP header must consist of alphanumeric characters or '-'",
    ("X-Header-Name",),
)


def qualified(path: str, name: str) -> Iterator[Cause]:
    """A label's or an annotation's key, a finalizer, a resource: `name` or `prefix.example/name`."""
    parts = name.split("/")
    if len(parts) > 2:
        rule = f"a qualified name {described(_QUALIFIED_NAME)}"
        yield wrong(path, name, f"{rule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")
        return
    if len(parts) == 2:
        for detail in ("must be non-empty",) if not parts[0] else SUBDOMAIN.faults(parts[0]):
            yield wrong(path, name, f"prefix part {detail}")
    if not parts[-1]:
        yield wrong(path, name, "name part must be non-empty")
    for detail in _QUALIFIED_NAME.faults(parts[-1]):
        yield wrong(path, name, f"name part {detail}")


def labels(path: str, found: dict[str, str]) -> Iterator[Cause]:
    """Keys and values of labels."""
    for key, value in found.items():
        yield from qualified(path, key)
        yield from LABEL_VALUE.check(path, value)


def data_key(path: str, key: str) -> Iterator[Cause]:
    """A key of a Secret or ConfigMap, which becomes the name of a file."""
    yield from _DATA_KEY.check(path, key)
    if key in (".", ".."):
        yield wrong(path, key, f"must not be '{key}'")
    elif key.startswith(".."):
        yield wrong(path, key, "must not start with '..'")


def variable(path: str, name: str) -> Iterator[Cause]:
    """The name, or the prefix of names, of environment variables."""
    if not name.isascii() or not name.isprintable() or "=" in name:
        rule = "a valid environment variable name must consist only of printable ASCII characters other than '='"
        yield wrong(path, name, rule)


def port_name(path: str, name: str) -> Iterator[Cause]:
    """The name of a container's port, which also probes and Services refer to."""
    faults = {
        "must be no more than 15 characters": len(name) > 15,
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)": not re.fullmatch("[-a-z0-9]+", name),
        "must contain at least one letter (a-z)": not re.search("[a-z]", name),
        "must not contain consecutive hyphens": "--" in name,
        "must not begin or end with a hyphen": name.startswith("-") or name.endswith("-"),
    }
    for detail, is_fault in faults.items():
        if is_fault:
            yield wrong(path, name, detail)


def path_segment(path: str, name: str) -> Iterator[Cause]:
    """The name of an RBAC object, which only has to fit into a URL."""
    if name in (".", ".."):
        yield wrong(path, name, f"may not be '{name}'")
    for character in "/%":
        if character in name:
            yield wrong(path, name, f"may not contain '{character}'")
