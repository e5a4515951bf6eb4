"""A form over what a request may carry, or that breaks off, is refused as such, in a sentence."""

import gc
import io
import json

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from provider_hub.actions.receiving import Receiving
from provider_hub.domain.errors import SchemaViolation
from provider_hub.http.responses import refused
from provider_hub.http.upload_form import MAX_FORM, FormTooLarge, UploadForm, as_tools_read, read_form

HEAD = b'--x\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
END = b"\r\n--x--\r\n"


def request_with(body: bytes, *, is_chunked: bool = False) -> Request:
    builder = EnvironBuilder(
        method="POST", content_type="multipart/form-data; boundary=x", input_stream=io.BytesIO(body)
    )
    environ = builder.get_environ()
    if is_chunked:
        # As gunicorn has a request without a length: its stream ends where the body does.
        del environ["CONTENT_LENGTH"]
        environ["wsgi.input_terminated"] = True
    else:
        environ["CONTENT_LENGTH"] = str(len(body))
    return Request(environ)


# The parser leaves the file that it began to the garbage collector.
leaves_a_file = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@leaves_a_file
def test_a_form_without_a_length_is_measured_while_it_is_read() -> None:
    body = HEAD % (b"content", b'; filename="w.whl"') + bytes(MAX_FORM + 1) + END
    with pytest.raises(FormTooLarge, match="at most 32 MiB"):
        read_form(request_with(body, is_chunked=True))
    gc.collect()


def test_a_form_whose_text_is_too_long_is_too_large() -> None:
    with pytest.raises(FormTooLarge, match="4 MiB of it as text"):
        read_form(request_with(HEAD % (b"description", b"") + b"x" * (4 * 1024**2 + 1) + END))


def test_a_form_of_too_many_fields_is_too_large() -> None:
    field = HEAD % (b"classifiers", b"") + b"x\r\n"
    with pytest.raises(FormTooLarge, match="in 1000 fields"):
        read_form(request_with(field * 1001 + END))


@leaves_a_file
def test_a_form_that_breaks_off_is_refused_in_a_sentence_that_tools_show() -> None:
    request = request_with(HEAD % (b"content", b'; filename="w.whl"') + b"the begin")
    request.environ["CONTENT_LENGTH"] = "9999"
    with pytest.raises(SchemaViolation) as broken_off:
        UploadForm(request, Receiving(), "organization org_acme").read()
    answer = as_tools_read(refused(broken_off.value))
    del broken_off, request
    gc.collect()
    sentence = "body: ends too early, or is not encoded as its headers say"
    assert answer.status == f"400 {sentence}"
    assert json.loads(answer.get_data()) == {"detail": sentence, "message": sentence}
