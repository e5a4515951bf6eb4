"""Which runtime version a wheel is pinned to, by its Requires-Python and its tags."""

from datetime import timedelta

import pytest
from tests.fakes import START

from provider_hub.domain.errors import Invalid
from provider_hub.domain.runtimes import RuntimeImage, RuntimeVersion
from provider_hub.domain.wheels.fit import WheelNeed, check_fit, newest_for, older_for

PLATFORM = "manylinux_2_36_x86_64"
DIGEST = "a1" * 32


def runtime(python: str, name: str = "", platform: str = PLATFORM, age: int = 0) -> RuntimeVersion:
    at = START - timedelta(days=age)
    return RuntimeVersion(name or f"r{python}", f"image:{python}", python, platform, None, at, at, at)


RUNTIMES = [runtime("3.11"), runtime("3.13"), runtime("3.12")]


@pytest.mark.parametrize(
    ("tags", "requires", "chosen"),
    [
        ("py3-none-any", None, "r3.13"),
        ("py3-none-any", ">=3.13.1", "r3.13"),
        ("py3-none-any", ">=3.9,<3.13", "r3.12"),
        ("py3-none-any", "==3.11.*", "r3.11"),
        ("py2.py3-none-any", None, "r3.13"),
        ("cp312-cp312-manylinux_2_17_x86_64", None, "r3.12"),
        ("cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64", None, "r3.12"),
        ("cp312-cp312-manylinux_2_36_x86_64", ">=3.12", "r3.12"),
        ("cp311-cp311-linux_x86_64", None, "r3.11"),
        ("cp38-abi3-manylinux1_x86_64", None, "r3.13"),
        ("cp312-none-any", None, "r3.12"),
    ],
)
def test_a_wheel_gets_the_newest_runtime_that_it_runs_on(tags: str, requires: str | None, chosen: str) -> None:
    assert newest_for(WheelNeed(f"w-1.0.0-{tags}.whl", requires), RUNTIMES).version == chosen


@pytest.mark.parametrize(
    ("tags", "requires"),
    [
        ("py3-none-any", ">=3.14"),
        ("py3-none-any", "<3.11"),
        ("cp310-cp310-manylinux_2_17_x86_64", None),
        ("cp313-cp313t-manylinux_2_17_x86_64", None),
        ("cp312-cp312-manylinux_2_17_aarch64", None),
        ("cp312-cp312-manylinux_2_39_x86_64", None),
        ("cp312-cp312-musllinux_1_2_x86_64", None),
        ("cp312-cp312-win_amd64", None),
        ("cp312-cp312-macosx_11_0_arm64", None),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", None),
    ],
)
def test_a_wheel_that_no_runtime_can_run_is_refused_with_its_need_and_what_there_is(
    tags: str, requires: str | None
) -> None:
    with pytest.raises(Invalid) as refused:
        newest_for(WheelNeed(f"w-1.0.0-{tags}.whl", requires), RUNTIMES)
    assert (requires or tags) in str(refused.value)
    for there in RUNTIMES:
        assert f"{there.version} (CPython {there.python_version}, {PLATFORM})" in str(refused.value)


def test_of_two_with_one_python_the_one_released_last_is_chosen() -> None:
    need = WheelNeed("w-1.0.0-py3-none-any.whl", None)
    known = [runtime("3.13", "z-old", age=3), runtime("3.13.2", "a-new"), runtime("3.12", "newest-of-an-older-python")]
    assert newest_for(need, known).version == "a-new"


@pytest.mark.parametrize(
    ("requires", "pinned", "older"),
    [
        (None, "3.13", ["r3.12", "r3.11"]),
        (">=3.12", "3.13", ["r3.12"]),
        (None, "3.12", ["r3.11"]),
        (None, "3.11", []),
        (">=3.13", "3.13", []),
    ],
)
def test_the_older_pythons_that_a_wheel_fits_are_told_each_by_its_newest_runtime(
    requires: str | None, pinned: str, older: list[str]
) -> None:
    known = [
        *RUNTIMES,
        runtime("3.12", "an-older-image", age=3),
        runtime("3.12", "musl", "musllinux_1_2_x86_64", age=5),
    ]
    need = WheelNeed("w-1.0.0-py3-none-any.whl", requires)
    assert [found.version for found in older_for(need, known, runtime(pinned))] == older


def test_the_exact_patch_release_of_an_image_is_held_against_the_wheel() -> None:
    need = WheelNeed("w-1.0.0-py3-none-any.whl", ">=3.13.3")
    check_fit(need, runtime("3.13"))
    with pytest.raises(Invalid, match=r"r3\.13\.2 \(CPython 3\.13\.2,"):
        check_fit(need, runtime("3.13.2"))


def test_an_image_of_musl_loads_no_wheel_for_glibc() -> None:
    alpine = runtime("3.13", platform="musllinux_1_2_x86_64")
    check_fit(WheelNeed("w-1.0.0-cp313-cp313-musllinux_1_1_x86_64.whl", None), alpine)
    with pytest.raises(Invalid):
        check_fit(WheelNeed("w-1.0.0-cp313-cp313-manylinux_2_17_x86_64.whl", None), alpine)


def test_one_image_has_one_name_and_another_digest_another() -> None:
    named = RuntimeImage(f"europe.example/runtime@sha256:{DIGEST}", "3.13.2", PLATFORM).default_name
    assert named == "python3.13-a1a1a1a1a1a1"
    tagged = RuntimeImage("europe.example/runtime:1", "3.13", PLATFORM).default_name
    assert tagged.startswith("python3.13-")
    assert tagged == RuntimeImage("europe.example/runtime:1", "3.13", PLATFORM).default_name
    assert tagged != RuntimeImage("europe.example/runtime:2", "3.13", PLATFORM).default_name
