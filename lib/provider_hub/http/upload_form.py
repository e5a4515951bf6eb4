"""The upload form of Python's own publishing tools: twine, uv, flit, poetry and hatch.

It is written down nowhere. It is what PyPI has accepted for long: one multipart POST, a token as the password of the
user `__token__`, and a refusal that tools show by the reason of the status line. A redirect is an error to them, and a
409 means that the file is there already, which other bytes are not.
"""

import base64
import binascii
import hashlib
import json
import re
from http import HTTPStatus

from flask import Request, Response
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from provider_hub.actions.ports import AttachedFile
from provider_hub.domain.artifacts import MAX_BYTES
from provider_hub.domain.errors import Invalid, TooLarge

# What a request to a function may carry.
MAX_FORM = 32 * 1024**2
USER = "__token__"
_MAX_TEXT = 4 * 1024**2
_MAX_FIELDS = 1000
_CHUNK_BYTES = 256 * 1024
_LONGEST_REASON = 300
_BASIC = re.compile(r"basic +([A-Za-z0-9+/=]+)", re.IGNORECASE)
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]+")
_TOO_LARGE = (
    f"a form carries at most {MAX_FORM // 1024**2} MiB, {_MAX_TEXT // 1024**2} MiB of it as text, in {_MAX_FIELDS} "
    f"fields: publish this wheel with `hub publish FILE`, which takes "
    f"{MAX_BYTES // 1024**2} MiB"
)


class FormTooLarge(TooLarge):
    """The form is over what a request may carry."""

    def __str__(self) -> str:
        return _TOO_LARGE


def bearer_of(authorization: str | None) -> str | None:
    """The header with the token as a bearer, where the tool sent it as the password of `__token__`."""
    match = _BASIC.fullmatch((authorization or "").strip())
    if not match:
        return authorization
    try:
        user, _, token = base64.b64decode(match[1], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return authorization
    return f"Bearer {token}" if user == USER else authorization


def read_form(request: Request) -> AttachedFile:
    """Raises TooLarge, and Invalid for a form that is none, or holds something else than a wheel."""
    if (request.content_length or 0) > MAX_FORM:
        _drain(request)
        raise FormTooLarge(MAX_FORM)
    request.max_content_length = MAX_FORM
    request.max_form_memory_size = _MAX_TEXT
    request.max_form_parts = _MAX_FIELDS
    try:
        given = request.form
    except RequestEntityTooLarge:
        raise FormTooLarge(MAX_FORM) from None
    if given.get(":action") != "file_upload":
        raise _wrong(":action", "this takes the form that twine and uv send, with :action file_upload and a content")
    if given.get("filetype", "bdist_wheel") != "bdist_wheel":
        raise _wrong("filetype", "a provider is published as a wheel and not as its sources: upload the .whl alone")
    content = request.files.get("content")
    if content is None or not content.filename:
        raise _wrong("content", "the form has no file in its field content")
    sha256 = _digest(content)
    if given.get("sha256_digest", sha256).lower() != sha256:
        raise _wrong("sha256_digest", f"the file's sha256 is {sha256}, and the form says another: upload it again")
    return AttachedFile(content.stream, content.filename, sha256, given.get("summary", ""))


def as_tools_read(response: Response) -> Response:
    """The answer as the tools show it: a refusal of what was sent is 400, and the reason says why.

    uv takes 409 for success, and none of them shows the body of an answer by itself.
    """
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return response
    error = json.loads(response.get_data())
    if response.status_code in (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY):
        response.status_code = HTTPStatus.BAD_REQUEST
        response.set_data(json.dumps({"detail": error["detail"], "message": error["detail"]}))
    reason = _NOT_PRINTABLE.sub(" ", str(error["detail"]))[:_LONGEST_REASON]
    response.status = f"{response.status_code} {reason}"
    return response


def _drain(request: Request) -> None:
    """Read what is being sent, up to the largest wheel: a tool reads no answer before it has sent everything."""
    left = MAX_BYTES + _MAX_TEXT
    while left > 0 and (chunk := request.stream.read(_CHUNK_BYTES)):
        left -= len(chunk)


def _digest(content: FileStorage) -> str:
    digest = hashlib.sha256()
    while chunk := content.stream.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _wrong(field: str, message: str) -> Invalid:
    return Invalid.at("body", field, msg=message)
