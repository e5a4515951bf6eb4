"""What the stack finds on a machine, reserves on it, and tells the functions about it."""

import socket
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from local_stack import java
from local_stack.emulators import EmulatorHosts, sdk_roots
from local_stack.environment import Surroundings, function_environment, namespace_prefix
from local_stack.errors import LocalError
from local_stack.interpreters import Interpreter
from local_stack.issuer import TokenIssuer
from local_stack.ports import PortTakenError, ReservedPort, listening_socket, port_of
from local_stack.servers import BucketHost
from provider_hub.domain.records import Queue
from provider_hub.settings.everything import AllSettings


def jar(tmp_path: Path, release: int) -> Path:
    file = tmp_path / "emulator.jar"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("com/example/Main.class", struct.pack(">IHH", 0xCAFEBABE, 0, release + 44))
    return file


def fake_java(directory: Path, version: str) -> Path:
    file = directory / "bin" / "java"
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-01-01' >&2\n")
    file.chmod(0o755)
    return file


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No Java but what a test puts into JAVA_HOME, which is returned."""
    home = tmp_path / "home"
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(java, "_INSTALLED", tmp_path / "none")
    return home


def test_the_java_a_jar_needs_is_read_from_its_classes(tmp_path: Path) -> None:
    assert java.required_version(jar(tmp_path, 21), "com.example.Main") == 21


@pytest.mark.parametrize("version", ["21.0.2", "25"])
def test_a_java_that_is_new_enough_is_found(tmp_path: Path, bare_machine: Path, version: str) -> None:
    file = fake_java(bare_machine, version)
    assert java.java_for(jar(tmp_path, 21), "com.example.Main") == str(file)


@pytest.mark.parametrize("version", ["17.0.15", "1.8.0_402"])
def test_a_java_that_is_too_old_is_one_sentence_with_the_remedy(
    tmp_path: Path, bare_machine: Path, version: str
) -> None:
    fake_java(bare_machine, version)
    with pytest.raises(LocalError, match=r"needs Java 21 or newer and the newest here is (17|8): install Java 21"):
        java.java_for(jar(tmp_path, 21), "com.example.Main")


@pytest.mark.usefixtures("bare_machine")
def test_no_java_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="none is on this machine: install Java 21 or newer") as caught:
        java.java_for(jar(tmp_path, 11), "com.example.Main")
    assert "\n" not in str(caught.value)


def test_the_sdk_is_looked_for_where_it_says_it_is_and_around_gcloud(tmp_path: Path) -> None:
    gcloud = tmp_path / "sdk" / "bin" / "gcloud"
    gcloud.parent.mkdir(parents=True)
    gcloud.write_text("#!/bin/sh\n")
    gcloud.chmod(0o755)
    link = tmp_path / "path" / "gcloud"
    link.parent.mkdir()
    link.symlink_to(gcloud)
    roots = list(sdk_roots({"CLOUDSDK_ROOT_DIR": "/chosen", "PATH": str(link.parent)}))
    assert roots[:2] == [Path("/chosen"), (tmp_path / "sdk").resolve()]


def test_a_reserved_port_can_be_listened_on_and_is_given_to_nobody_else() -> None:
    reserved = ReservedPort()
    try:
        others = [ReservedPort() for _ in range(20)]
        assert reserved.number not in {other.number for other in others}
        for other in others:
            other.release()
        with listening_socket(reserved.number) as listener:
            assert port_of(listener) == reserved.number
    finally:
        reserved.release()


def test_a_port_that_is_listened_on_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy, pytest.raises(PortTakenError):
        listening_socket(port_of(busy))


def surroundings() -> Surroundings:
    return Surroundings(
        project="local-hub",
        emulators=EmulatorHosts("127.0.0.1:1", "127.0.0.1:2"),
        tasks_endpoint="127.0.0.1:3",
        queue_urls=dict.fromkeys(Queue, "http://127.0.0.1:4"),
        issuer=TokenIssuer("http://127.0.0.1:6", Path("/keys")),
        hub_id="local-test",
        check_in_key="k" * 64,
        config_key_file=Path("/keys/config"),
        kubeconfig=Path("/state/kubeconfig"),
        wheels_url="https://localhost:7",
        logs_endpoint="http://127.0.0.1:8/secret",
        ca_file=Path("/state/ca.pem"),
        bucket=BucketHost("https://localhost:8", Path("/keys/artifacts.pem"), "127.0.0.1:9"),
        interpreters=[Interpreter(Path("/opt/python3.13"), "3.13.2"), Interpreter(Path("/opt/python3.12"), "3.12.1")],
    )


def test_the_functions_settings_point_at_the_stand_ins() -> None:
    environment = function_environment(surroundings(), {"PATH": "/bin"})
    settings = AllSettings.from_environment(environment)
    assert environment["FIRESTORE_EMULATOR_HOST"] == "127.0.0.1:1"
    assert environment["PUBSUB_EMULATOR_HOST"] == "127.0.0.1:2"
    assert environment["PATH"] == "/bin"
    assert settings.project == "local-hub"
    assert settings.wheel_private_hosts == ("localhost:7", "127.0.0.1:7")
    assert settings.customer_issuer == "http://127.0.0.1:6/customer"
    assert settings.console_jwks_url == "http://127.0.0.1:6/console/.well-known/jwks.json"
    assert settings.caller_jwks_url == "http://127.0.0.1:6/google/.well-known/jwks.json"
    assert settings.caller_signature_removed is False
    assert settings.runtime_pubsub_endpoint == "http://127.0.0.1:2"
    assert settings.check_in_keys.get_secret_value() == "k" * 64
    assert settings.runtime_python == "3.13.2"
    assert settings.runtime_image == surroundings().interpreters[0].image
    assert settings.cluster_namespace_prefix == ""
    assert settings.artifacts_url == "https://localhost:8/artifacts"
    assert settings.artifacts_key_file == "/keys/artifacts.pem"


def test_in_a_cluster_of_others_the_hub_has_namespaces_of_its_own() -> None:
    around = replace(surroundings(), namespace_prefix=namespace_prefix("local-0123456789abcdef"))
    settings = AllSettings.from_environment(function_environment(around, {}))
    assert settings.cluster_namespace_prefix == "hub-01234567-"
    chosen = AllSettings.from_environment(function_environment(around, {"HUB_CLUSTER_NAMESPACE_PREFIX": "mine-"}))
    assert chosen.cluster_namespace_prefix == "mine-"


def test_a_hub_variable_of_the_caller_wins_and_a_foreign_project_does_not() -> None:
    caller = {"HUB_DEPLOY_DEADLINE_SECONDS": "5", "HUB_CHECK_IN_KEYS": "", "GOOGLE_CLOUD_PROJECT": "production"}
    settings = AllSettings.from_environment(function_environment(surroundings(), caller))
    assert settings.deploy_deadline_seconds == 5
    assert settings.check_in_keys.get_secret_value() == "k" * 64
    assert settings.project == "local-hub"


def test_calls_to_the_stand_ins_pass_by_the_caller_s_proxy() -> None:
    environment = function_environment(surroundings(), {"HTTPS_PROXY": "http://proxy", "no_proxy": "intranet"})
    assert environment["no_proxy"] == environment["NO_PROXY"] == "intranet,localhost,127.0.0.1"
