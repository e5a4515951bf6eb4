"""A wheel's URL has one spelling, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider_hub.domain.wheels import WheelRefused
from provider_hub.domain.wheels.urls import MAX_URL_CHARACTERS, follow, parse_wheel_url

WHEEL = "acme-1.0.0-py3-none-any.whl"


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (f"https://files.example.com/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"HTTPS://Files.Example.COM/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"files.example.com/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"files.example.com:8443/{WHEEL}", f"https://files.example.com:8443/{WHEEL}"),
        (f"localhost:8443/{WHEEL}", f"https://localhost:8443/{WHEEL}"),
        (f"//files.example.com/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"https://files.example.com:443/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"https://files.example.com:/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"https://files.example.com:0443/{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"https://files.example.com./{WHEEL}", f"https://files.example.com/{WHEEL}"),
        (f"https://files.example.com/{WHEEL}#sha256=00ff", f"https://files.example.com/{WHEEL}"),
        (f"https://h.example/{WHEEL}?X-Sig=a%2fb+c&e=1#f", f"https://h.example/{WHEEL}?X-Sig=a%2fb+c&e=1"),
        (f"https://h.example/{WHEEL}?", f"https://h.example/{WHEEL}"),
        (f"https://h.example/a/./b/../{WHEEL}", f"https://h.example/a/{WHEEL}"),
        (f"https://h.example/../../{WHEEL}", f"https://h.example/{WHEEL}"),
        (f"https://h.example/a/%2E%2e/{WHEEL}", f"https://h.example/{WHEEL}"),
        (f"https://h.example/a%2fb/{WHEEL}", f"https://h.example/a%2Fb/{WHEEL}"),
        ("https://h.example/acme-1.0.0%2Bb-py3-none-any.%77hl", "https://h.example/acme-1.0.0%2Bb-py3-none-any.whl"),
        ("https://h.example/acme-1.0.0+b-py3-none-any.whl", "https://h.example/acme-1.0.0+b-py3-none-any.whl"),
        (f"https://h.example/é/{WHEEL}", f"https://h.example/%C3%A9/{WHEEL}"),
        (f"https://h.example/%c3%a9/{WHEEL}", f"https://h.example/%C3%A9/{WHEEL}"),
        (f"https://Bücher.example/{WHEEL}", f"https://xn--bcher-kva.example/{WHEEL}"),
        (f"https://straße.example/{WHEEL}", f"https://xn--strae-oqa.example/{WHEEL}"),
        (f"https://93.184.216.34/{WHEEL}", f"https://93.184.216.34/{WHEEL}"),
        (f"https://[2606:4700::0:1]:8443/{WHEEL}", f"https://[2606:4700::1]:8443/{WHEEL}"),
    ],
)
def test_spellings_of_one_url_become_the_canonical_one(raw: str, canonical: str) -> None:
    assert str(parse_wheel_url(raw)) == canonical
    assert str(parse_wheel_url(canonical)) == canonical


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("", "not an https URL"),
        (WHEEL, "not an https URL"),
        (f"/srv/{WHEEL}", "not an https URL"),
        (f"http://files.example.com/{WHEEL}", "begins with https://"),
        (f"ftp://files.example.com/{WHEEL}", "not an https URL"),
        (f"file:///srv/{WHEEL}", "not an https URL"),
        (f"git+https://files.example.com/{WHEEL}", "not an https URL"),
        (f"https:files.example.com/{WHEEL}", "not a complete URL"),
        (f"https:///{WHEEL}", "no valid host"),
        (f"https://.example.com/{WHEEL}", "no valid host"),
        (f"https://a..example.com/{WHEEL}", "no valid host"),
        (f"https://-a.example.com/{WHEEL}", "no valid host"),
        (f"https://a%2eb.example/{WHEEL}", "no valid host"),
        (f"https://{'a' * 64}.example/{WHEEL}", "no valid host"),
        (f"https://{'a.' * 130}example/{WHEEL}", "no valid host"),
        (f"https://{'é' * 300}.example/{WHEEL}", "no valid host"),
        (f"https://h.example:0/{WHEEL}", "port"),
        (f"https://h.example:65536/{WHEEL}", "port"),
        (f"https://h.example:https/{WHEEL}", "host and port"),
        (f"https://h.example:４４３/{WHEEL}", "host and port"),
        (f"https://[fe80::1%25eth0]/{WHEEL}", "no valid host"),
        (f"https://[::1/{WHEEL}", "host and port"),
        (f"https://[v1.x]/{WHEEL}", "no valid host"),
        (f"https://2130706433/{WHEEL}", "usual form"),
        (f"https://127.1/{WHEEL}", "usual form"),
        (f"https://0177.0.0.1/{WHEEL}", "usual form"),
        (f"https://0x7f.0.0.1/{WHEEL}", "usual form"),
        (f"https://0x7f000001/{WHEEL}", "usual form"),
        (f"https://１２７.1/{WHEEL}", "usual form"),
        (f"https://127。1/{WHEEL}", "usual form"),
        (f"https://me:pw@files.example.com/{WHEEL}", "user name or password"),
        (f"https://token@files.example.com/{WHEEL}", "user name or password"),
        ("https://files.example.com", "ends in .whl"),
        ("https://files.example.com/acme-1.0.0.tar.gz", "ends in .whl"),
        ("https://files.example.com/acme.WHL", "ends in .whl"),
        (f"https://files.example.com/?file={WHEEL}", "ends in .whl"),
        (f"https://files.example.com/#{WHEEL}", "ends in .whl"),
        (f"https://files.example.com/{WHEEL}/", "ends in .whl"),
        (f"https://files.example.com/{WHEEL}/..", "ends in .whl"),
        (f"https://files.example.com\\@evil.example/{WHEEL}", "backslash"),
        (f"https://files.example.com/%5C/{WHEEL}", "backslash"),
        (f"https://files.example.com/%00/{WHEEL}", "control character"),
        (f"https://files.example.com/%0d%0aHost:x/{WHEEL}", "control character"),
        (f"https://files.example.com/\x00/{WHEEL}", "control character"),
        (f"https://files.example.com/a b/{WHEEL}", "white space"),
        (f" https://files.example.com/{WHEEL}", "white space"),
        (f"https://files.example.com/{WHEEL}\n", "white space"),
        (f"ht\ttps://files.example.com/{WHEEL}", "white space"),
        (f"https://files.example.com/\ud800/{WHEEL}", "control character"),
        (f"https://files.example.com/{WHEEL}?\x7f", "control character"),
        (f"https://files.example.com/100%/{WHEEL}", "%25"),
        (f"https://files.example.com/%zz/{WHEEL}", "%25"),
        (f"https://files.example.com/{'a' * MAX_URL_CHARACTERS}/{WHEEL}", "2048 characters"),
        (f"https://files.example.com/{'é' * 400}/{WHEEL}", "2048 characters once encoded"),
    ],
)
def test_what_is_no_wheel_url_is_refused_with_the_reason(raw: str, why: str) -> None:
    with pytest.raises(WheelRefused) as caught:
        parse_wheel_url(raw)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "raw",
    [
        f"https://me:hunter2@h.example/{WHEEL}",
        f"https://me:hunter2/@h.example/{WHEEL}",
        f"me:hunter2@h.example/{WHEEL}",
        "https://h.example/x.zip?X-Signature=hunter2",
        f"http://h.example/{WHEEL}?X-Signature=hunter2",
        "https://h.example/x.zip#hunter2",
    ],
)
def test_a_refusal_never_shows_a_password_or_a_signature(raw: str) -> None:
    with pytest.raises(WheelRefused) as caught:
        parse_wheel_url(raw)
    assert "hunter2" not in str(caught.value)


URL_CHARACTERS = st.text(alphabet="aZ09/.:%?#@[]-_~+=&é。\\ \t\x00\ud800", max_size=60)


@given(
    middle=URL_CHARACTERS, start=st.sampled_from(["", "https://", "HTTPS://h.example/", "//", "h.example/", "[::1]/"])
)
def test_canonicalising_twice_is_canonicalising_once(middle: str, start: str) -> None:
    try:
        canonical = str(parse_wheel_url(f"{start}{middle}/a.whl"))
    except WheelRefused:
        return
    assert str(parse_wheel_url(canonical)) == canonical
    assert canonical.isascii()
    assert canonical.startswith("https://")
    assert not {"\\", "@", "#"} & set(canonical.split("/")[2])
    assert "/../" not in canonical


@given(st.text(max_size=80))
def test_any_text_is_canonicalised_or_refused_and_nothing_else(raw: str) -> None:
    try:
        said = str(parse_wheel_url(raw))
    except WheelRefused as refusal:
        said = str(refusal)
    assert said.isprintable()


def test_the_file_name_is_the_decoded_end_of_the_path() -> None:
    url = parse_wheel_url("https://h.example/x/acme-1.0.0%2Bb.5-py3-none-any.whl?sig=1/2.whl")
    assert url.file_name == "acme-1.0.0+b.5-py3-none-any.whl"
    assert url.target == "/x/acme-1.0.0%2Bb.5-py3-none-any.whl?sig=1/2.whl"


@pytest.mark.parametrize(
    ("location", "leads_to"),
    [
        ("/blobs/1?sig=%2f", "https://h.example:8443/blobs/1?sig=%2f"),
        ("other", "https://h.example:8443/a/other"),
        ("//cdn.example/b", "https://cdn.example/b"),
        ("HTTPS://CDN.example:443/b#f", "https://cdn.example/b"),
    ],
)
def test_a_redirect_is_followed_relative_to_where_it_came_from(location: str, leads_to: str) -> None:
    assert str(follow(parse_wheel_url(f"https://h.example:8443/a/{WHEEL}"), location)) == leads_to


@pytest.mark.parametrize(
    "location",
    ["http://cdn.example/b", "ftp://cdn.example/", "https://u:p@cdn.example/", "//[x", "https://10.1/", "a\tb"],
)
def test_a_redirect_to_anything_but_plain_https_is_refused_without_naming_the_place(location: str) -> None:
    with pytest.raises(WheelRefused, match="no plain https URL") as caught:
        follow(parse_wheel_url(f"https://h.example/{WHEEL}"), location)
    assert location not in str(caught.value)
