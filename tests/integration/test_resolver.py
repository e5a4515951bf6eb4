"""What the real resolver makes of an index that the test controls: the lock, or the reason why there is none."""

import re
import tarfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.builders import IMAGE
from tests.fakes import START
from tests.package_index import PackageIndex
from tests.runtime_harness import Answer, make_authority, make_wheel, serving

from provider_hub.actions.resolution import Dependencies
from provider_hub.adapters.dependencies.uv import IndexPolicy, UvResolver, platform_for_uv
from provider_hub.adapters.limited_child import Limits
from provider_hub.adapters.limited_program import Ended
from provider_hub.domain.dependencies import DependencyLock, LockRefused
from provider_hub.domain.errors import TemporaryError
from provider_hub.settings.everything import UploadTimes

LONG_AGO = START - timedelta(days=30)
YESTERDAY = START - timedelta(days=1)
PASSWORD = "hunter2-of-the-index"


class Indexed:
    """An index over HTTPS, and a resolver that asks it."""

    def __init__(self, index: PackageIndex, policy: IndexPolicy, directory: Path) -> None:
        self.index = index
        self.policy = policy
        self._directory = directory

    def offer(self, name: str, version: str, *requires: str, at: Any = LONG_AGO, **fields: Any) -> None:
        metadata = [f"Requires-Dist: {line}" for line in requires]
        wheel = make_wheel(self._directory, {f"{name}.py": ""}, name=name, version=version, metadata=metadata)
        self.index.offer(wheel, at, **fields)

    def lock(self, *requirements: str, own: frozenset[str] = frozenset(), **policy: Any) -> DependencyLock:
        wanted = Dependencies(requirements, IMAGE, own, START)
        return UvResolver(replace(self.policy, **policy)).resolve(wanted)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def indexed(tmp_path: Path, authority: Any) -> Iterator[Indexed]:
    index = PackageIndex()
    with serving(index.answer, authority.context) as index.url:
        policy = IndexPolicy([index.simple_url], timedelta(days=3), ca_file=str(authority.ca_file))
        yield Indexed(index, policy, tmp_path)


def names(lock: DependencyLock) -> list[str]:
    return [f"{wheel.name} {wheel.version}" for wheel in lock.wheels]


def test_what_is_needed_is_locked_by_digest_and_what_is_too_new_is_passed_by(indexed: Indexed) -> None:
    indexed.offer("tide", "1.0.0", "moon>=1")
    indexed.offer("moon", "1.0.0")
    indexed.offer("moon", "1.1.0", at=YESTERDAY)
    lock = indexed.lock("tide")
    assert names(lock) == ["moon 1.0.0", "tide 1.0.0"]
    (moon, _) = lock.wheels
    assert moon.url == f"{indexed.index.url}/files/moon-1.0.0-py3-none-any.whl"
    assert re.fullmatch("[0-9a-f]{64}", moon.sha256)
    assert DependencyLock.parse(lock.text) == lock


def test_the_publishers_own_providers_need_not_wait(indexed: Indexed) -> None:
    indexed.offer("moon", "1.0.0")
    indexed.offer("moon", "1.1.0", at=YESTERDAY)
    assert names(indexed.lock("moon", own=frozenset({"moon"}))) == ["moon 1.1.0"]


def test_the_same_index_gives_the_same_text_and_a_moved_one_another(indexed: Indexed) -> None:
    indexed.offer("moon", "1.0.0")
    first = indexed.lock("moon")
    assert indexed.lock("moon").text == first.text
    indexed.offer("moon", "2.0.0")
    assert indexed.lock("moon").sha256 != first.sha256


def test_of_several_wheels_the_one_that_the_runtime_would_take_is_locked(indexed: Indexed, tmp_path: Path) -> None:
    plain = make_wheel(tmp_path, {"moon.py": ""}, name="moon")
    for tags in ("cp313-cp313-manylinux_2_17_x86_64", "cp312-cp312-manylinux_2_17_x86_64", "cp313-cp313-win_amd64"):
        compiled = tmp_path / f"moon-1.0.0-{tags}.whl"
        compiled.write_bytes(plain.read_bytes())
        indexed.index.offer(compiled, LONG_AGO)
    indexed.index.offer(plain, LONG_AGO)
    (locked,) = indexed.lock("moon").wheels
    assert locked.file_name == "moon-1.0.0-cp313-cp313-manylinux_2_17_x86_64.whl"


@pytest.mark.parametrize(
    ("requirements", "told", "may_fit_elsewhere"),
    [
        (("no-such-thing",), ["no-such-thing", "not found"], False),
        (("moon>=9",), ["moon", ">=9"], False),
        (("tide", "wave"), ["tide", "wave", "moon"], False),
        (("sun",), ["sun", "Depend on a release that has a wheel"], True),
        (("stone",), ["stone", "cp313"], True),
        (("slate",), ["slate", "wheels"], True),
        (("later",), ["later", ">=3.14"], False),
        (("detour",), ["elsewhere"], False),
        (("young",), ["young"], False),
    ],
)
def test_what_cannot_be_resolved_is_refused_in_the_resolvers_own_words(
    indexed: Indexed, tmp_path: Path, requirements: tuple[str, ...], told: list[str], *, may_fit_elsewhere: bool
) -> None:
    indexed.offer("moon", "1.0.0")
    indexed.offer("moon", "2.0.0")
    indexed.offer("later", "1.0.0", **{"requires-python": ">=3.14"})
    for name in ("stone", "slate"):
        compiled = tmp_path / f"{name}-1.0.0-cp312-cp312-manylinux_2_17_x86_64.whl"
        indexed.index.offer(make_wheel(tmp_path, {f"{name}.py": ""}, name=name).rename(compiled), LONG_AGO)
    indexed.offer("tide", "1.0.0", "moon<2")
    indexed.offer("wave", "1.0.0", "moon>=2")
    indexed.offer("detour", "1.0.0", "elsewhere @ https://elsewhere.example/elsewhere-1.0.0-py3-none-any.whl")
    indexed.offer("young", "1.0.0", at=YESTERDAY)
    for name in ("sun", "slate"):
        source = tmp_path / f"{name}-1.0.0.tar.gz"
        with tarfile.open(source, "w:gz"):
            pass
        indexed.index.offer(source, LONG_AGO)
    with pytest.raises(LockRefused) as refusal:
        indexed.lock(*requirements)
    sentence = str(refusal.value)
    assert all(word in sentence for word in told), sentence
    assert refusal.value.may_fit_elsewhere == may_fit_elsewhere, sentence
    assert f"CPython {IMAGE.python_version}, {IMAGE.platform}" in sentence
    assert "\n" not in sentence
    assert len(sentence) < 1000


@pytest.mark.parametrize("marker", ["python_version ~= '3'", "sys_platform ~= 'linux'", "'x' in extras", "'a' == 'b'"])
def test_a_marker_of_a_dependency_that_nothing_evaluates_keeps_nothing_from_its_lock(
    indexed: Indexed, marker: str
) -> None:
    indexed.offer("odd", "1.0.0", f"moon; {marker}")
    indexed.offer("moon", "1.0.0")
    assert "odd 1.0.0" in names(indexed.lock("odd"))


@pytest.mark.parametrize(
    "line",
    ["moon; os_name === 'posix'", "moon; python_version >", "moon; " + "(" * 200 + "os_name == 'a'", "moon===>="],
)
def test_what_a_dependency_says_of_its_own_and_nobody_reads_is_a_refusal(indexed: Indexed, line: str) -> None:
    indexed.offer("odd", "1.0.0", line)
    with pytest.raises(LockRefused, match="odd"):
        indexed.lock("odd")


def test_a_file_that_no_pod_could_hold_is_refused(indexed: Indexed) -> None:
    indexed.offer("moon", "1.0.0", size=10 * 1024**3)
    with pytest.raises(LockRefused, match=r"moon-1\.0\.0-py3-none-any\.whl has 10737418240 bytes"):
        indexed.lock("moon")


def test_a_file_whose_digest_the_index_does_not_tell_is_read_and_locked_by_what_it_was(
    indexed: Indexed, tmp_path: Path
) -> None:
    wheel = make_wheel(tmp_path, {"moon.py": ""}, name="moon")
    indexed.index.offer(wheel, LONG_AGO, hashes={})
    told = indexed.lock("moon")
    indexed.index.offer(wheel, LONG_AGO)
    assert [one.sha256 for one in told.wheels] == [one.sha256 for one in indexed.lock("moon").wheels]


def test_an_index_without_upload_times_is_refused_or_warned_of(
    indexed: Indexed, caplog: pytest.LogCaptureFixture
) -> None:
    indexed.offer("moon", "1.0.0", at=None)
    with pytest.raises(LockRefused, match="tells no upload times"):
        indexed.lock("moon")
    assert names(indexed.lock("moon", upload_times=UploadTimes.WARN)) == ["moon 1.0.0"]
    assert "tells no upload times" in caplog.text


def test_credentials_open_a_private_index_and_are_in_no_message(
    indexed: Indexed, caplog: pytest.LogCaptureFixture
) -> None:
    indexed.offer("moon", "1.0.0")
    indexed.index.login = ("hub", PASSWORD)
    with pytest.raises(LockRefused, match="a host that asks for a login, which no pod has") as opened:
        indexed.lock("moon", credentials={"127.0.0.1": ("hub", PASSWORD)})
    with pytest.raises(TemporaryError, match="publish again later") as refusal:
        indexed.lock("moon", credentials={"127.0.0.1": ("hub", f"wrong-{PASSWORD}")})
    told = f"{opened.value} {refusal.value} {caplog.text}"
    assert "HUB_INDEX_CREDENTIALS" in caplog.text
    assert PASSWORD not in told
    assert indexed.index.url not in told


def test_a_requirement_that_only_the_resolver_cannot_read_is_the_wheels_fault(indexed: Indexed) -> None:
    with pytest.raises(LockRefused, match="Couldn't parse requirement"):
        indexed.lock("moon===abc")


def test_a_requirement_of_two_lines_gives_the_resolver_no_options(indexed: Indexed) -> None:
    with pytest.raises(LockRefused, match="unprintable"):
        indexed.lock("moon; sys_platform != 'a\n--index-url https://evil.example/\n'")


def test_a_resolver_that_breaks_or_fills_its_folder_refuses_the_wheel(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    indexed.offer("moon", "1.0.0")
    monkeypatch.setattr("provider_hub.adapters.dependencies.uv._FOLDER_BYTES", 1024 * 1024)
    for number, script in enumerate(("kill -ABRT $$", "head -c 4000000 /dev/zero > filler; exec sleep 60")):
        broken = tmp_path / f"uv-{number}"
        broken.write_text(f"#!/bin/sh\n{script}\n")
        broken.chmod(0o755)
        with pytest.raises(LockRefused, match="more memory or files"):
            UvResolver(indexed.policy, str(broken)).resolve(Dependencies(("moon",), IMAGE, frozenset(), START))


def test_uv_reserves_no_address_space_for_each_of_its_threads(indexed: Indexed, tmp_path: Path) -> None:
    """The limit counts what is reserved: a large set of dependencies was refused with an eighth of it in use."""
    told = tmp_path / "uv"
    told.write_text('#!/bin/sh\necho "arenas: $MALLOC_ARENA_MAX, $_RJEM_MALLOC_CONF" >&2\nexit 1\n')
    told.chmod(0o755)
    with pytest.raises(LockRefused, match="arenas: 1, retain:false"):
        UvResolver(indexed.policy, str(told)).resolve(Dependencies(("moon",), IMAGE, frozenset(), START))


def test_a_second_resolution_has_what_the_first_left_of_the_time(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def ends(_: object, limits: Limits, **__: object) -> Ended:
        given.append(limits.wall_seconds)
        time.sleep(0.02)
        return Ended(1, "", "moon is missing an upload date", timed_out=False)

    monkeypatch.setattr("provider_hub.adapters.dependencies.uv.run_program", ends)
    with pytest.raises(LockRefused):
        indexed.lock("moon", upload_times=UploadTimes.WARN)
    first, second = given
    assert second <= first - 0.02


def test_an_index_that_is_down_is_a_failure_that_passes(indexed: Indexed, monkeypatch: pytest.MonkeyPatch) -> None:
    indexed.offer("moon", "1.0.0")
    indexed.index.down = True
    with pytest.raises(TemporaryError, match="publish again later"):
        indexed.lock("moon")


def test_a_resolution_that_takes_too_long_is_ended_with_its_processes(
    indexed: Indexed, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = [False]

    def answer(*_: object) -> Answer:
        while not release[0]:
            time.sleep(0.01)
        return Answer(404)

    monkeypatch.setattr("provider_hub.adapters.dependencies.uv._LIMITS", Limits(wall_seconds=1, memory_bytes=2**32))
    with serving(answer, authority.context) as url:
        try:
            with pytest.raises(TemporaryError, match="ask for narrower versions"):
                indexed.lock("moon", urls=[f"{url}/simple/"])
        finally:
            release[0] = True


@pytest.mark.parametrize(
    ("platform", "named"),
    [
        ("manylinux_2_36_x86_64", "x86_64-manylinux_2_36"),
        ("manylinux_2_30_aarch64", "aarch64-manylinux_2_28"),
        ("manylinux_2_99_x86_64", "x86_64-manylinux_2_40"),
        ("manylinux_2_5_x86_64", "x86_64-manylinux_2_17"),
        ("musllinux_1_2_aarch64", "aarch64-unknown-linux-musl"),
    ],
)
def test_a_runtimes_platform_is_named_as_the_resolver_names_it(platform: str, named: str) -> None:
    assert platform_for_uv(platform) == named
