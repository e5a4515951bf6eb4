"""What a lock is: the same wheels give the same text, the text says all of it, and it fits a pod's environment."""

import random
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.pylock import Pylock
from tests.builders import IMAGE, version

from pragma_runtime.errors import SettingsError
from pragma_runtime.lock import read_lock
from provider_hub.domain.bill_of_materials import bill_of_version
from provider_hub.domain.dependencies import DependencyLock, LockedWheel, LockMalformed, LockRefused
from provider_hub.domain.dependencies.choice import lock_of
from provider_hub.domain.dependencies.lock import MAX_PACKED_BYTES, MAX_WHEELS
from provider_hub.domain.dependencies.requirements import applying, required_names
from provider_hub.domain.runtimes import RuntimeImage

HEX = "0123456789abcdef"
WHEELS = st.builds(
    lambda number, release, size, digest, query: LockedWheel(
        name=f"moon-{number}",
        version=release,
        file_name=f"moon_{number}-{release}-py3-none-any.whl",
        url=f"https://files.example/{digest[:2]}/moon_{number}-{release}-py3-none-any.whl?q={query}",
        sha256=digest,
        size=size,
    ),
    st.integers(0, 99),
    st.sampled_from(["1.0.0", "2!1.0", "1.0rc1", "1.0+cpu"]),
    st.none() | st.integers(1, 2**28),
    st.text(HEX, min_size=64, max_size=64),
    st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=5),
)
LOCKS = st.lists(WHEELS, max_size=6, unique_by=lambda wheel: wheel.name).map(
    lambda wheels: DependencyLock.of(IMAGE, tuple(wheels))
)


@given(LOCKS)
def test_what_is_written_is_read_again_here_in_the_pod_and_by_the_standards_own_reader(lock: DependencyLock) -> None:
    assert DependencyLock.parse(lock.text) == lock
    in_the_pod = read_lock(lock.packed, lock.sha256)
    assert [(one.name, one.url, one.sha256, one.size) for one in in_the_pod.wheels] == [
        (one.name, one.url, one.sha256, one.size) for one in lock.wheels
    ]
    standard = Pylock.from_dict(tomllib.loads(lock.text))
    assert [str(package.name) for package in standard.packages] == [wheel.name for wheel in lock.wheels]


def test_the_order_in_which_a_resolver_lists_is_no_part_of_a_lock() -> None:
    one, other = (LockedWheel(name, "1.0", f"{name}-1.0-py3-none-any.whl", "https://f/x", "a" * 64, 1) for name in "ab")
    assert DependencyLock.of(IMAGE, (one, other)).text == DependencyLock.of(IMAGE, (other, one)).text


def test_a_lock_that_no_pod_could_be_given_is_refused() -> None:
    def wheels(count: int, length: int) -> tuple[LockedWheel, ...]:
        digits = random.Random(1)  # noqa: S311 - no secret
        noise = ["".join(digits.choices(HEX, k=length)) for _ in range(count)]
        return tuple(
            LockedWheel(f"d{i}", "1.0", f"d{i}-1.0-py3-none-any.whl", f"https://f/{text}", text[:64], 1)
            for i, text in enumerate(noise)
        )

    with pytest.raises(LockRefused, match=f"at most {MAX_WHEELS}"):
        DependencyLock.of(IMAGE, wheels(MAX_WHEELS + 1, 64))
    with pytest.raises(LockRefused, match="depend on fewer"):
        DependencyLock.of(IMAGE, wheels(MAX_WHEELS, 1000))
    assert len(DependencyLock.of(IMAGE, wheels(MAX_WHEELS, 128)).packed) < MAX_PACKED_BYTES


@pytest.mark.parametrize("text", ["", "packages = []", "[[packages]]\nname = 1", "\x00", "[tool.provider-hub]"])
def test_what_is_no_lock_is_not_read_as_one(text: str) -> None:
    with pytest.raises(LockMalformed):
        DependencyLock.parse(text)


def test_a_pod_takes_no_lock_but_the_one_that_was_published() -> None:
    lock = DependencyLock.of(IMAGE, ())
    with pytest.raises(SettingsError, match="was published with"):
        read_lock(lock.packed, "0" * 64)
    with pytest.raises(SettingsError, match="cannot be unpacked"):
        read_lock("no base 64!", lock.sha256)
    with pytest.raises(SettingsError, match="cut off"):
        read_lock(lock.packed[: len(lock.packed) // 8 * 4], lock.sha256)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("sdist = { url = 'https://f/moon-1.0.tar.gz' }", "depend on a release of moon that has one"),
        ("wheels = [{ url = 'http://f/moon-1.0-py3-none-any.whl', hashes = { sha256 = 'DIGEST' } }]", "no plain https"),
        ("wheels = [{ url = 'https://u:p@f/moon-1.0-py3-none-any.whl', hashes = { sha256 = 'DIGEST' } }]", "plain"),
        ("wheels = [{ url = 'https://f/moon-1.0-py3-none-any.whl?u:p', hashes = { sha256 = 'DIGEST' } }]", "a query"),
        ("wheels = [{ url = 'https://P:8/moon-1.0-py3-none-any.whl', hashes = { sha256 = 'DIGEST' } }]", "for a login"),
        ("wheels = [{ url = 'https://f/moon-1.0-py3-none-any.whl', hashes = { md5 = 'x' } }]", "no SHA-256 digest"),
        ("wheels = [{ url = 'https://f/moon-1.0-cp312-cp312-win32.whl', hashes = { sha256 = 'DIGEST' } }]", "no wheel"),
    ],
)
def test_what_no_pod_could_fetch_verify_or_install_is_refused(entry: str, told: str) -> None:
    listed = f"[[packages]]\nname = 'moon'\nversion = '1.0'\n{entry.replace('DIGEST', 'a' * 64)}\n"
    with pytest.raises(LockRefused, match=told) as refusal:
        lock_of(listed, IMAGE, {"p"})
    assert "u:p" not in str(refusal.value)
    assert refusal.value.may_fit_elsewhere == ("win32" in entry or "sdist" in entry)


@pytest.mark.parametrize(
    ("chosen", "other"),
    [
        ("moon-1.0-1-py3-none-any.whl", "moon-1.0-py3-none-any.whl"),
        ("moon-1.0-10-py3-none-any.whl", "moon-1.0-2-py3-none-any.whl"),
        ("moon-1.0-2b-py3-none-any.whl", "moon-1.0-2a-py3-none-any.whl"),
        ("moon-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", "moon-1.0-9-py3-none-any.whl"),
        ("moon-1.0-py3-none-any.whl", "moon-1.0-py2.py3-none-any.whl"),
        ("moon-1.0-py3-none-any.whl", f"moon-1.0-{'9' * 5000}-py3-none-any.whl"),
    ],
)
def test_of_a_release_the_best_tag_is_locked_and_then_the_highest_build(chosen: str, other: str) -> None:
    for names in ((chosen, other), (other, chosen)):
        files = [f"{{ url = 'https://f/{name}', hashes = {{ sha256 = '{'a' * 64}' }} }}" for name in names]
        listed = f"[[packages]]\nname = 'moon'\nversion = '1.0'\nwheels = [{', '.join(files)}]\n"
        assert [wheel.file_name for wheel in lock_of(listed, IMAGE).wheels] == [chosen]


def test_requirements_apply_by_the_runtimes_python_and_platform_and_without_extras() -> None:
    lines = (
        "always",
        "old ; python_version < '3.13'",
        "new ; python_full_version >= '3.13.0'",
        "windows ; sys_platform == 'win32'",
        "arm ; platform_machine == 'aarch64'",
        "more ; extra == 'more'",
    )
    assert applying(lines, IMAGE) == ("always", "new")
    arm = RuntimeImage("i", "3.12.4", "musllinux_1_2_aarch64")
    assert required_names(applying(lines, arm)) == {"always", "old", "arm"}


@pytest.mark.parametrize("value", ['"a\\x27"', "\\n--index-url x", "\\ud800"], ids=["quotes", "line", "surrogate"])
def test_a_marker_that_cannot_be_written_again_is_evaluated_all_the_same(value: str) -> None:
    lines = (f"moon>=1; os_name != '{value}'", f"tide; os_name == '{value}'")
    assert required_names(applying(lines, IMAGE)) == {"moon"}


@pytest.mark.parametrize("marker", ["python_version ~= '3'", "'x' in extras", "(" * 2000])
def test_a_marker_that_nothing_evaluates_is_a_refusal_in_a_wheel_of_before_too(marker: str) -> None:
    with pytest.raises(LockRefused, match=r"dependency .moon; .* cannot be evaluated for CPython 3\.13"):
        applying((f"moon; {marker}",), IMAGE)


def test_a_bill_of_materials_names_the_wheel_and_all_that_is_locked() -> None:
    locked = LockedWheel("moon", "1.0", "moon-1.0-py3-none-any.whl", "https://f/moon", "b" * 64, 1)
    released = replace(version(), distribution_name="Weather_Provider")
    bill = bill_of_version(released, DependencyLock.of(IMAGE, (locked,)))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["purl"] == "pkg:pypi/weather-provider@1.0.0"
    (component,) = bill["components"]
    assert component["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    assert bill["dependencies"] == [{"ref": "pkg:pypi/weather-provider@1.0.0", "dependsOn": [component["bom-ref"]]}]
    assert bill == bill_of_version(released, DependencyLock.of(IMAGE, (locked,)))
