"""The wheel comes over https, whole, within bounds and with the published digest, or not at all."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.runtime_harness import Answer, Authority, WheelHost, make_authority, serving

from pragma_runtime import bucket, download
from pragma_runtime.download import Source, fetch_all, fetch_wheel, own_wheel
from pragma_runtime.errors import PermanentError, SettingsError, TemporaryError
from pragma_runtime.install import forget_unfinished
from pragma_runtime.pubsub import PublishError
from pragma_runtime.settings import Settings
from provider_hub.adapters.artifacts import Bucket
from provider_hub.adapters.artifacts.signers import KeyFileSigner
from provider_hub.domain.artifacts import kept_name

_NAME = "w-1.0.0-py3-none-any.whl"
_BYTES = b"the wheel's bytes" * 1000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_FIRST_BACKOFF", 0.001)


@pytest.fixture
def host(authority: Authority) -> Iterator[WheelHost]:
    host = WheelHost()
    with serving(host.answer, authority.context) as host.url:
        yield host


@pytest.fixture
def settings(host: WheelHost, authority: Authority, tmp_path: Path) -> Settings:
    host.answers[f"/{_NAME}"] = Answer(body=_BYTES)
    return Settings(
        organization_id="org_acme",
        provider="acme/weather",
        version="1.0.0",
        installation_id="01J",
        generation=1,
        instance_id="pod",
        wheel_url=f"{host.url}/{_NAME}?signature=S3CRET",
        wheel_sha256=hashlib.sha256(_BYTES).hexdigest(),
        package_name="",
        check_in_topic="projects/p/topics/t",
        pubsub_endpoint="http://127.0.0.1:1",
        check_in_token="token",
        work_dir=tmp_path,
        ca_file=authority.ca_file,
    )


@pytest.fixture
def kept(settings: Settings, host: WheelHost, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of a wheel that the hub keeps, in a bucket on the same host, which a pod's token opens."""
    monkeypatch.setattr(bucket, "MetadataServer", Tokens)
    name = kept_name(settings.wheel_sha256, _NAME)
    host.answers[f"/artifacts/{name}"] = Answer(body=_BYTES)
    return settings._replace(artifacts_url=f"{host.url}/artifacts", wheel_object=name)


class Tokens:
    """Of a metadata server that is not up for the first calls, as in a pod that has just begun."""

    def __init__(self, failures: int = 0) -> None:
        self._failures = failures

    def get(self, timeout: float) -> str:
        if self._failures:
            self._failures -= 1
            raise PublishError("the metadata server is not up yet")
        return "the-pods-own"

    def forget(self) -> None:
        """Nothing to forget."""


def test_a_kept_wheel_comes_from_the_bucket_and_its_publisher_is_not_asked(kept: Settings, host: WheelHost) -> None:
    assert fetch_wheel(kept, 60).read_bytes() == _BYTES
    assert host.requests == [f"/artifacts/{kept_name(kept.wheel_sha256, _NAME)}"]
    assert host.authorizations == ["Bearer the-pods-own"]


@pytest.mark.parametrize("answer", [Answer(403), Answer(404), Answer(503), Answer(body=b"other bytes")])
def test_where_the_bucket_does_not_give_it_the_publisher_is_asked_without_the_token(
    kept: Settings, host: WheelHost, answer: Answer, capfd: pytest.CaptureFixture[str]
) -> None:
    host.answers[f"/artifacts/{kept_name(kept.wheel_sha256, _NAME)}"] = answer
    assert fetch_wheel(kept, 60).read_bytes() == _BYTES
    assert host.authorizations == ["Bearer the-pods-own", None]
    said = capfd.readouterr()
    assert "Asking where it was published." in said.out + said.err
    assert "the-pods-own" not in said.out + said.err


REFUSALS = [
    Answer(403),
    Answer(404),
    Answer(body=b"other bytes"),
    Answer(302, headers={"Location": "http://127.0.0.1:9/w"}),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: f"{refusal.status} {len(refusal.body)}")
def test_a_bucket_that_is_out_of_reach_for_a_while_is_asked_again_where_the_publisher_has_it_no_more(
    kept: Settings, host: WheelHost, refusal: Answer
) -> None:
    host.answers[f"/{_NAME}"] = refusal
    host.answers[f"/artifacts/{kept.wheel_object}"] = [Answer(503), Answer(429), Answer(body=_BYTES)]
    assert fetch_wheel(kept, 60).read_bytes() == _BYTES


def test_a_metadata_server_that_is_not_up_yet_is_asked_again_where_the_publisher_has_it_no_more(
    kept: Settings, host: WheelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "MetadataServer", lambda: Tokens(failures=2))
    host.answers[f"/{_NAME}"] = Answer(404)
    assert fetch_wheel(kept, 60).read_bytes() == _BYTES


def test_a_locked_wheel_that_its_index_deleted_is_awaited_from_the_bucket(
    kept: Settings, host: WheelHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "MetadataServer", lambda: Tokens(failures=3))
    moon = "moon-1.0.0-py3-none-any.whl"
    kept_as = kept_name(kept.wheel_sha256, moon)
    host.answers[f"/artifacts/{kept_as}"] = Answer(body=_BYTES)
    locked = Source(f"{host.url}/{moon}", moon, kept.wheel_sha256, "dependency moon 1.0.0", "locked", kept_as=kept_as)
    assert [path.name for path in fetch_all(kept, [own_wheel(kept), locked], 60)] == [_NAME, moon]


def test_a_bucket_that_stays_out_of_reach_blames_no_version(
    kept: Settings, host: WheelHost, capfd: pytest.CaptureFixture[str]
) -> None:
    host.answers[f"/{_NAME}"] = Answer(403)
    host.answers[f"/artifacts/{kept.wheel_object}"] = Answer(503)
    with pytest.raises(TemporaryError, match=r"/artifacts/.* its host answered 503"):
        fetch_wheel(kept, 60)
    assert len(host.requests) == 8, "both places were asked at each of the attempts"
    said = capfd.readouterr()
    assert f"{host.url}/{_NAME} cannot be fetched: its host answered 403." in said.out + said.err


def test_what_neither_the_bucket_nor_the_publisher_has_is_refused_at_once(kept: Settings, host: WheelHost) -> None:
    host.answers[f"/{_NAME}"] = Answer(403)
    host.answers[f"/artifacts/{kept.wheel_object}"] = Answer(404)
    with pytest.raises(PermanentError, match="its host answered 403"):
        fetch_wheel(kept, 60)
    assert len(host.requests) == 2


def test_an_uploaded_wheel_is_in_the_bucket_alone(kept: Settings, host: WheelHost) -> None:
    url = f"{kept.artifacts_url}/{kept_name(kept.wheel_sha256, _NAME)}"
    host.answers[f"/artifacts/{kept_name(kept.wheel_sha256, _NAME)}"] = Answer(404)
    with pytest.raises(PermanentError, match="its host answered 404"):
        fetch_wheel(kept._replace(wheel_url=url), 60)
    assert len(host.requests) == 1


@pytest.mark.parametrize("name", [_NAME, "w-1.0+b.5-py3-none-any.whl", "w_x-2!1.0-py3-none-any.whl"])
def test_the_runtime_and_the_hub_call_a_kept_wheel_the_same(name: str) -> None:
    kept_as = bucket.kept_name("ab" * 32, name)
    assert kept_as == kept_name("ab" * 32, name)
    hubs = Bucket("https://s.example/artifacts", KeyFileSigner("none")).url_of(kept_as)
    assert bucket.Bucket("https://s.example/artifacts", Tokens()).url_of(kept_as) == hubs


def test_a_wheel_is_called_as_it_is_kept_and_not_as_its_url_ends(kept: Settings, host: WheelHost) -> None:
    renamed = kept._replace(wheel_url=f"{host.url}/w-1.0.0-py2.py3-none-any.whl")
    path = fetch_wheel(renamed, 60)
    assert (path.name, path.read_bytes()) == (_NAME, _BYTES)
    assert host.requests == [f"/artifacts/{kept.wheel_object}"]


def test_locked_wheels_that_are_larger_than_the_tiers_disk_are_not_fetched(settings: Settings, host: WheelHost) -> None:
    moon, tide = (
        Source(f"{host.url}/{name}", f"{name}-1.0-py3-none-any.whl", "b" * 64, size=600) for name in ("moon", "tide")
    )
    with pytest.raises(PermanentError, match="have 1200 bytes, and the disk of this resource tier, 1199 bytes, has"):
        fetch_all(settings._replace(disk_bytes=1199), [own_wheel(settings), moon, tide], 60)
    assert host.requests == []


def test_a_wheel_that_was_fetched_already_is_not_counted_twice(settings: Settings, host: WheelHost) -> None:
    limited = settings._replace(disk_bytes=len(_BYTES))
    locked = own_wheel(settings)._replace(size=len(_BYTES))
    for _ in range(2):
        assert fetch_all(limited, [locked], 60)[0].read_bytes() == _BYTES
    assert host.requests == [f"/{_NAME}"]


def test_what_a_killed_install_left_takes_no_room_from_the_next(settings: Settings) -> None:
    fetched = fetch_wheel(settings, 60)
    left = ("site/lib/half.py", "tmp/pip-unpack/half.py", "pip.log", "pip.out", "uv.out", "requirements.txt")
    for half in left:
        (settings.work_dir / half).parent.mkdir(parents=True, exist_ok=True)
        (settings.work_dir / half).write_bytes(b"x" * 100)
    forget_unfinished(settings)
    assert [path for path in settings.work_dir.rglob("*") if path.is_file()] == [fetched]


def test_what_a_fetch_that_was_cut_off_left_takes_no_room_from_the_next(settings: Settings, host: WheelHost) -> None:
    limited = settings._replace(disk_bytes=len(_BYTES))
    locked = own_wheel(settings)._replace(size=len(_BYTES))
    host.answers[f"/{_NAME}"] = Answer(body=_BYTES[:-1], headers={"Content-Length": str(len(_BYTES))})
    with pytest.raises(TemporaryError, match="was cut off"):
        fetch_all(limited, [locked], 60)
    host.answers[f"/{_NAME}"] = Answer(body=_BYTES)
    forget_unfinished(limited)
    assert fetch_all(limited, [locked], 60)[0].read_bytes() == _BYTES


def test_the_wheel_lands_under_its_own_name(settings: Settings) -> None:
    path = fetch_wheel(settings, 60)

    assert (path.name, path.read_bytes()) == (_NAME, _BYTES)


def test_a_verified_file_of_an_earlier_start_is_taken_again(settings: Settings, host: WheelHost) -> None:
    fetch_wheel(settings, 60)
    fetch_wheel(settings, 60)

    assert host.requests == [f"/{_NAME}"]


def test_a_changed_file_of_an_earlier_start_is_fetched_anew(settings: Settings) -> None:
    fetch_wheel(settings, 60).write_bytes(b"tampered")

    assert fetch_wheel(settings, 60).read_bytes() == _BYTES


def test_another_digest_is_refused_and_leaves_no_file(settings: Settings, host: WheelHost) -> None:
    host.answers[f"/{_NAME}"] = Answer(body=b"forged")

    with pytest.raises(PermanentError, match=rf"{settings.wheel_sha256} was published"):
        fetch_wheel(settings, 60)

    assert list((settings.work_dir / "wheel").iterdir()) == []


def test_a_redirect_is_followed_over_https(settings: Settings, host: WheelHost) -> None:
    host.answers[f"/{_NAME}"] = Answer(302, headers={"Location": f"{host.url}/blob"})
    host.answers["/blob"] = Answer(body=_BYTES)

    assert fetch_wheel(settings, 60).name == _NAME


def test_a_redirect_to_http_is_refused(settings: Settings, host: WheelHost) -> None:
    plain = WheelHost()
    with serving(plain.answer) as plain.url:
        host.answers[f"/{_NAME}"] = Answer(302, headers={"Location": f"{plain.url}/{_NAME}?token=S3CRET"})
        with pytest.raises(PermanentError, match="only https is followed") as refusal:
            fetch_wheel(settings, 60)

    assert plain.requests == []
    assert "S3CRET" not in str(refusal.value)


def test_a_redirect_to_http_behind_one_to_https_is_refused(settings: Settings, host: WheelHost) -> None:
    host.answers[f"/{_NAME}"] = Answer(307, headers={"Location": f"{host.url}/hop"})
    host.answers["/hop"] = Answer(301, headers={"Location": "http://127.0.0.1:9/w"})

    with pytest.raises(PermanentError, match="only https is followed"):
        fetch_wheel(settings, 60)


def test_a_redirect_to_a_file_is_refused(settings: Settings, host: WheelHost) -> None:
    host.answers[f"/{_NAME}"] = Answer(302, headers={"Location": "file:///etc/passwd"})

    with pytest.raises(PermanentError):
        fetch_wheel(settings, 60)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_trouble_of_the_host_is_waited_out(settings: Settings, host: WheelHost, status: int) -> None:
    host.answers[f"/{_NAME}"] = [Answer(status), Answer(body=_BYTES)]

    assert fetch_wheel(settings, 60).read_bytes() == _BYTES


def test_a_lasting_trouble_of_the_host_is_temporary(settings: Settings, host: WheelHost) -> None:
    host.answers[f"/{_NAME}"] = Answer(503)

    with pytest.raises(TemporaryError, match="answered 503") as failure:
        fetch_wheel(settings, 60)

    assert len(host.requests) == 4
    assert "S3CRET" not in str(failure.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_of_the_host_is_permanent(settings: Settings, host: WheelHost, status: int) -> None:
    host.answers[f"/{_NAME}"] = Answer(status)

    with pytest.raises(PermanentError, match=f"answered {status}"):
        fetch_wheel(settings, 60)

    assert len(host.requests) == 1


def test_a_body_that_is_cut_off_is_no_forgery_but_fetched_again(settings: Settings, host: WheelHost) -> None:
    cut = Answer(body=_BYTES[:100], headers={"Content-Length": str(len(_BYTES)), "Connection": "close"})
    host.answers[f"/{_NAME}"] = [cut, Answer(body=_BYTES)]

    assert fetch_wheel(settings, 60).read_bytes() == _BYTES


@pytest.mark.parametrize("announced", [True, False])
def test_a_wheel_over_the_limit_is_refused(
    settings: Settings, host: WheelHost, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    monkeypatch.setattr(download, "LARGEST_WHEEL", 1024)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_BYTES), _BYTES)
    if not announced:
        host.answers[f"/{_NAME}"] = Answer(body=chunked, headers={"Transfer-Encoding": "chunked"})

    with pytest.raises(PermanentError, match="larger than"):
        fetch_wheel(settings, 60)


def test_a_host_that_is_away_is_temporary(settings: Settings) -> None:
    with pytest.raises(TemporaryError, match="cannot be fetched"):
        fetch_wheel(settings._replace(wheel_url=f"https://127.0.0.1:1/{_NAME}"), 60)


def test_a_host_without_a_trusted_certificate_is_refused(settings: Settings) -> None:
    with pytest.raises(PermanentError, match="certificate is not trusted"):
        fetch_wheel(settings._replace(ca_file=None), 60)


def test_a_ca_file_without_certificates_is_named(settings: Settings) -> None:
    empty = settings.work_dir / "empty.pem"
    empty.touch()

    with pytest.raises(SettingsError, match="PRAGMA_CA_FILE"):
        fetch_wheel(settings._replace(ca_file=empty), 60)
