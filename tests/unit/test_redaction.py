"""What a tenant's pods print is shown without its config and without credentials."""

import time
from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider_hub.domain.redaction import LINE_LENGTH, Redaction

VALUE = 'p@ss "word"\\n/é'


@pytest.mark.parametrize(
    "printed",
    [
        VALUE,
        repr({"KEY": VALUE}),
        VALUE.replace("\\", "\\\\").replace('"', '\\"'),
        quote(VALUE, safe=""),
        b64encode(VALUE.encode()).decode(),
    ],
)
def test_a_config_value_is_masked_in_whatever_form_it_is_printed(printed: str) -> None:
    (shown,) = Redaction([{"KEY": VALUE}]).texts([f"before {printed} after"])
    assert shown.startswith("before ")
    assert "word" not in shown
    assert quote(VALUE, safe="") not in shown
    assert b64encode(VALUE.encode()).decode() not in shown


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=4, max_size=40).filter(
        lambda text: "*" not in text
    )
)
def test_no_value_of_four_characters_or_more_is_shown(value: str) -> None:
    plain = {"true", "false", "none", "null", "debug", "info", "warn", "warning", "error", "critical"}
    (shown,) = Redaction([{"KEY": value}]).texts([f"«{value}»"])
    assert value.lower() in plain or value not in shown


def test_a_short_value_is_masked_behind_its_key_and_nowhere_else() -> None:
    shown = Redaction([{"PIN": "12", "EMPTY": ""}]).texts(
        ["PIN=12", "{'PIN': '12'}", '{"PIN": "12"}', "12 of 120 rows"]
    )
    assert shown == ["PIN=***", "{'PIN': '***'}", '{"PIN": "***"}', "12 of 120 rows"]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("API_KEY=two words", "API_KEY=***"),
        ("{'API_KEY': 'it\\'s', 'CITY': 'Bern'}", "{'API_KEY': ***, 'CITY': 'Bern'}"),
        ("{'API_KEY': \"it's\", 'CITY': 'Bern'}", "{'API_KEY': ***, 'CITY': 'Bern'}"),
        ('{"API_KEY":"a\\"b","CITY":"Bern"}', '{"API_KEY":***,"CITY":"Bern"}'),
        ('"{\\"API_KEY\\": \\"hush\\"}"', '"{\\"API_KEY\\": ***'),
        ("[('API_KEY', 'hush'), ('CITY', 'Bern')]", "[('API_KEY', ***), ('CITY', 'Bern')]"),
        ("Settings(api_key='hush', city='Bern')", "Settings(api_key=***, city='Bern')"),
        ("API_KEY: hush", "API_KEY: ***"),
        ("API_KEY='cut at the e", "API_KEY=***"),
        ("KeyError: 'API_KEY'", "KeyError: 'API_KEY'"),
        ("OTHER_API_KEYS are read", "OTHER_API_KEYS are read"),
    ],
)
def test_what_is_printed_behind_the_key_of_a_sealed_value_is_masked(printed: str, shown: str) -> None:
    assert Redaction([{}], ["API_KEY", "API"]).texts([printed]) == [shown]


def test_a_value_that_is_a_part_of_another_leaves_nothing_of_it() -> None:
    assert Redaction([{"A": "abcd", "B": "abcdefgh"}]).texts(["abcdefgh abcd"]) == ["*** ***"]


def test_every_config_counts_and_words_that_any_line_has_do_not() -> None:
    redaction = Redaction([{"A": "first-one", "FLAG": "true"}, {"A": "second-one"}])
    assert redaction.texts(["first-one second-one is true"]) == ["*** *** is true"]


def test_a_value_of_several_lines_is_masked_line_by_line() -> None:
    key = "-----BEGIN RSA-----\nQUJDREVGR0hJSktM\nshort\n-----END RSA-----"
    assert Redaction([{"KEY": key}]).texts(key.splitlines()) == ["***", "***", "short", "***"]


def test_credentials_that_are_no_config_are_masked_by_their_form() -> None:
    shown = Redaction([]).texts(
        [
            "Authorization: Bearer abc.def.ghi",
            "fetching https://user:pass@host/x?sig=abc",
            "token=eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
        ]
    )
    assert shown == ["Authorization: ***", "fetching https://***@host/x?***", "token=***", "***"]


def test_a_long_line_is_cut_and_a_mebibyte_takes_no_time_to_speak_of() -> None:
    (cut,) = Redaction([]).texts(["x y " * 2000])
    assert len(cut) == LINE_LENGTH
    assert cut.endswith("…")
    config = {f"K{number}": f"a value of some length {number}" for number in range(64)}
    lines = [f"{number} GET /stations/{number} 200 in 12 ms" for number in range(25_000)]
    began = time.process_time()
    Redaction([config], [f"SECRET_{number}" for number in range(64)]).texts([*lines, "SECRET_1='" + "\\" * 1_000_000])
    assert time.process_time() - began < 5
