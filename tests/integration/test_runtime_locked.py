"""A start from a lock: every digest is checked before anything is installed, and no index is asked."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.builders import IMAGE
from tests.runtime_harness import (
    Answer,
    Authority,
    Runtimes,
    make_authority,
    make_wheel,
    packages_of,
    runtimes,
    serving,
)
from tests.unit.test_runtime_unpacked import archive, saying
from uv import find_uv_bin

from pragma_runtime.errors import PermanentError
from provider_hub.domain.dependencies import DependencyLock, LockedWheel

NEEDY = {"sample.py": "import moon, tide"}
# A program with windows is to be written for it, which the runtime leaves to an installer.
PROGRAM = {"sample-1.0.0.dist-info/entry_points.txt": "[gui_scripts]\nsample = sample:main\n"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start(tmp_path: Path, authority: Authority) -> Iterator[Runtimes]:
    with runtimes(tmp_path, authority) as started:
        yield started


class LockedWheels:
    """A lock of wheels that the host serves, and the variables by which a pod gets it."""

    def __init__(self, start: Runtimes, wheels: tuple[Path, ...]) -> None:
        self.lock = DependencyLock.of(IMAGE, tuple(_locked(start, wheel) for wheel in wheels))

    @property
    def variables(self) -> dict[str, str]:
        # An index that cannot be reached: whoever asks it fails.
        nowhere = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": ""}
        return {"PRAGMA_LOCK": self.lock.packed, "PRAGMA_LOCK_SHA256": self.lock.sha256, **nowhere}


def _locked(start: Runtimes, wheel: Path) -> LockedWheel:
    content = wheel.read_bytes()
    name, version, *_ = wheel.name.split("-")
    digest = hashlib.sha256(content).hexdigest()
    return LockedWheel(name, version, wheel.name, start.host.add(wheel).partition("?")[0], digest, len(content))


def dependencies(tmp_path: Path) -> tuple[Path, Path]:
    links = tmp_path / "dependencies"
    links.mkdir()
    moon = make_wheel(links, {"moon.py": ""}, name="moon", metadata=["Requires-Dist: whatever>=9"])
    return moon, make_wheel(links, {"tide.py": ""}, name="tide")


def needy(tmp_path: Path, files: Mapping[str, str] = NEEDY) -> Path:
    return make_wheel(tmp_path, files, metadata=["Requires-Dist: moon", "Requires-Dist: tide"])


def needy_program(tmp_path: Path) -> Path:
    return needy(tmp_path, NEEDY | PROGRAM)


def test_what_is_locked_is_installed_and_the_check_in_says_which_lock_that_was(start: Runtimes, tmp_path: Path) -> None:
    held = LockedWheels(start, dependencies(tmp_path))

    start.start(needy(tmp_path), **held.variables).wait_ready()

    assert start.pubsub.check_ins[0]["lock_sha256"] == held.lock.sha256
    installed = {path.name for path in packages_of(start.work_dir).glob("*.dist-info")}
    assert installed == {"sample-1.0.0.dist-info", "moon-1.0.0.dist-info", "tide-1.0.0.dist-info"}
    left = {path.relative_to(start.work_dir).parts[0] for path in start.work_dir.rglob("*") if path.is_file()}
    assert left == {"site"}


def test_the_images_uv_installs_where_there_is_one(start: Runtimes, tmp_path: Path) -> None:
    held = LockedWheels(start, dependencies(tmp_path))

    uv = f"{Path(find_uv_bin()).parent}:/usr/bin:/bin"
    start.start(needy_program(tmp_path), PATH=uv, **held.variables).wait_ready()

    assert _installers(start) == set(), "pip writes its name, and uv is told to write nothing of its own"
    assert (packages_of(start.work_dir) / "tide.py").is_file()
    assert (start.work_dir / "site" / "bin" / "sample").is_file()


@pytest.fixture
def broken_uv(tmp_path: Path) -> str:
    """A PATH on which uv fails."""
    programs = tmp_path / "programs"
    programs.mkdir()
    broken = programs / "uv"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 2\n")
    broken.chmod(0o755)
    return f"{programs}:/usr/bin:/bin"


def test_small_plain_wheels_need_no_installer(start: Runtimes, tmp_path: Path, broken_uv: str) -> None:
    held = LockedWheels(start, dependencies(tmp_path))

    runtime = start.start(needy(tmp_path), PATH=broken_uv, **held.variables)
    runtime.wait_ready()

    assert "the disk is on fire" not in runtime.log
    assert _installers(start) == set()


def test_a_uv_that_fails_leaves_it_to_pip(start: Runtimes, tmp_path: Path, broken_uv: str) -> None:
    held = LockedWheels(start, dependencies(tmp_path))

    runtime = start.start(needy_program(tmp_path), PATH=broken_uv, **held.variables)
    runtime.wait_ready()

    assert "the disk is on fire (2)" in runtime.log
    assert _installers(start) == {"pip"}


def _installers(start: Runtimes) -> set[str]:
    return {path.read_text().strip() for path in packages_of(start.work_dir).glob("*.dist-info/INSTALLER")}


def test_a_start_after_a_restart_fetches_nothing_and_needs_no_host(start: Runtimes, tmp_path: Path) -> None:
    held, wheel = LockedWheels(start, dependencies(tmp_path)), needy(tmp_path)
    first = start.start(wheel, **held.variables)
    first.wait_ready()
    first.terminate()
    first.wait()
    environment = start.environment(wheel, **held.variables)
    start.host.answers.clear()
    start.host.requests.clear()

    start.start_in(environment).wait_ready()

    assert start.host.requests == []


def test_another_lock_of_the_same_wheel_is_installed_anew(start: Runtimes, tmp_path: Path) -> None:
    moon, tide = dependencies(tmp_path)
    wheel = needy(tmp_path)
    first = start.start(wheel, **LockedWheels(start, (moon, tide)).variables)
    first.wait_ready()
    first.terminate()
    first.wait()
    newer = make_wheel(tmp_path, {"tide.py": "NEWER = True"}, name="tide", version="1.1.0")

    start.start(wheel, **LockedWheels(start, (moon, newer)).variables).wait_ready()

    assert (packages_of(start.work_dir) / "tide.py").read_text() == "NEWER = True"
    assert not (packages_of(start.work_dir) / "tide-1.0.0.dist-info").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda content: content[:-1] + b"\1", "has the SHA-256 digest"),
        (lambda content: content + b"\0", "is larger than the"),
        (lambda content: b"", "has the SHA-256 digest"),
    ],
)
def test_one_forged_dependency_and_nothing_of_any_wheel_runs(
    start: Runtimes, tmp_path: Path, change: Callable[[bytes], bytes], told: str
) -> None:
    ran = tmp_path / "ran"
    evil = tmp_path / "evil"
    evil.mkdir()
    startup = {"evil.pth": f"import pathlib; pathlib.Path({str(ran)!r}).touch()\n", "moon.py": ""}
    moon = make_wheel(evil, startup, name="moon")
    _, tide = dependencies(tmp_path)
    held = LockedWheels(start, (moon, tide))
    start.host.answers[f"/{tide.name}"] = Answer(body=change(tide.read_bytes()))

    runtime = start.start(needy(tmp_path), **held.variables)

    assert runtime.wait() == 1, runtime.log
    assert "The dependency tide 1.0.0 at https://127.0.0.1" in start.pubsub.check_ins[0]["message"]
    assert told in start.pubsub.check_ins[0]["message"]
    assert not ran.exists()
    assert not (start.work_dir / "site").exists()


@pytest.mark.parametrize("said", [10, 3 * 1024**3], ids=["says-less", "says-too-much"])
@pytest.mark.parametrize("has_uv", [True, False], ids=["uv", "pip"])
def test_a_dependency_that_unpacks_to_too_much_is_refused_and_leaves_nothing(
    start: Runtimes, tmp_path: Path, said: int, *, has_uv: bool
) -> None:
    moon, tide = dependencies(tmp_path)
    saying(archive(tide.parent, b"\0" * 30_000_000, name=moon.name), said)
    held = LockedWheels(start, (moon, tide))
    path = f"{Path(find_uv_bin()).parent}:/usr/bin:/bin" if has_uv else "/usr/bin:/bin"

    runtime = start.start(needy(tmp_path), PATH=path, **held.variables)

    assert runtime.wait() == PermanentError.exit_code, runtime.log
    assert "moon-1.0.0-py3-none-any.whl" in start.pubsub.check_ins[0]["message"]
    assert [path for path in start.work_dir.rglob("*") if path.is_file()] == []


def test_a_host_of_a_dependency_that_is_down_is_tried_again_and_then_left_to_a_restart(
    start: Runtimes, tmp_path: Path
) -> None:
    moon, tide = dependencies(tmp_path)
    held = LockedWheels(start, (moon, tide))
    whole = start.host.answers[f"/{tide.name}"]
    start.host.answers[f"/{tide.name}"] = [Answer(503), whole]  # type: ignore[list-item]

    start.start(needy(tmp_path), **held.variables).wait_ready()

    assert start.host.requests.count(f"/{tide.name}") == 2
    assert start.host.requests.count(f"/{moon.name}") == 1


def test_a_dependency_is_fetched_from_https_alone_though_its_host_redirects(start: Runtimes, tmp_path: Path) -> None:
    moon, tide = dependencies(tmp_path)
    held = LockedWheels(start, (moon, tide))
    with serving(lambda *_: Answer(body=tide.read_bytes())) as plain:
        start.host.answers[f"/{tide.name}"] = Answer(302, headers={"Location": f"{plain}/{tide.name}"})
        runtime = start.start(needy(tmp_path), **held.variables)
        assert runtime.wait() == 1, runtime.log
    assert "only https is followed" in start.pubsub.check_ins[0]["message"]


def test_a_lock_that_is_not_the_one_of_the_deployment_starts_nothing(start: Runtimes, tmp_path: Path) -> None:
    held = LockedWheels(start, dependencies(tmp_path))

    runtime = start.start(needy(tmp_path), **{**held.variables, "PRAGMA_LOCK_SHA256": "0" * 64})

    assert runtime.wait() == 78
    assert "the version was published with" in runtime.last_line


class KeptBucket:
    """A bucket beside the wheels' host, which pods ask with the token of their metadata server."""

    def __init__(self, start: Runtimes) -> None:
        self._host = start.host
        self.asked: list[str] = []

    def keep(self, wheel: Path, content: bytes | None = None) -> None:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        path = f"/bucket/sha256/{digest[:2]}/{digest}/{wheel.name}"
        self._host.answers[path] = Answer(body=wheel.read_bytes() if content is None else content)

    @contextmanager
    def variables(self) -> Iterator[dict[str, str]]:
        def metadata(_method: str, path: str, headers: Mapping[str, str], _body: bytes) -> Answer:
            self.asked.append(f"{path} {headers.get('Metadata-Flavor')}")
            return Answer(body=b'{"access_token": "t", "expires_in": 3600}')

        with serving(metadata) as url:
            host = url.removeprefix("http://")
            yield {"PRAGMA_ARTIFACTS_URL": f"{self._host.url}/bucket", "GCE_METADATA_HOST": host}


def test_what_the_bucket_keeps_is_taken_from_there_though_every_other_host_is_gone(
    start: Runtimes, tmp_path: Path
) -> None:
    moon, tide = dependencies(tmp_path)
    wheel = needy(tmp_path)
    environment = start.environment(wheel, **LockedWheels(start, (moon, tide)).variables)
    start.host.answers.clear()
    bucket = KeptBucket(start)
    for kept in (wheel, moon, tide):
        bucket.keep(kept)
    with bucket.variables() as variables:
        start.start_in({**environment, **variables}).wait_ready()
    assert all(path.startswith("/bucket/") for path in start.host.requests)
    assert set(bucket.asked) == {"/computeMetadata/v1/instance/service-accounts/default/token Google"}


def test_what_the_bucket_does_not_keep_or_keeps_wrong_comes_from_where_the_lock_says(
    start: Runtimes, tmp_path: Path
) -> None:
    moon, tide = dependencies(tmp_path)
    held = LockedWheels(start, (moon, tide))
    bucket = KeptBucket(start)
    bucket.keep(moon, b"other bytes")
    with bucket.variables() as variables:
        runtime = start.start(needy(tmp_path), **{**held.variables, **variables})
        runtime.wait_ready()
    assert "Asking where it was published." in runtime.log
    assert {f"/{moon.name}", f"/{tide.name}"} <= set(start.host.requests)
