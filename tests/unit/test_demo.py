"""What `make demo` says that it did is what it did."""

import importlib
import io
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hub_cli.progress import Progress
from local_stack import demo
from local_stack.api_client import Json
from local_stack.demo import Demo, DemoFailed
from provider_hub.domain.names import ProviderName

ROOT = Path(__file__).parents[2]


class Tenant:
    """An organization whose installation is gone two polls after it was uninstalled."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._left = 2

    def call(self, method: str, path: str, body: Json | None = None, *, expect: list[int]) -> Json:
        self.asked.append(method)
        self._left -= method == "GET"
        return {"lifecycle_state": "deleting"} if self._left else {"detail": "not installed"}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setattr(demo, "_POLL_SECONDS", 0)
    info = SimpleNamespace(
        kubeconfig="kubeconfig", firestore_emulator_host="127.0.0.1:1", project="p", namespace=lambda slug: f"ns-{slug}"
    )
    stack: Any = SimpleNamespace(info=info)
    return Demo(stack, {}, Progress(io.StringIO(), live=False, clock=lambda: 0.0))


def test_every_organization_that_installed_it_uninstalls_it(shown: Demo) -> None:
    tenants: Any = [Tenant(), Tenant()]
    shown._uninstall(*tenants)
    assert [tenant.asked for tenant in tenants] == [["DELETE", "GET", "GET"]] * 2


@pytest.mark.parametrize("organization", [demo.ORGANIZATION, demo.OTHER_ORGANIZATION])
@pytest.mark.parametrize("holder", ["cluster", "database"])
def test_what_is_left_of_any_organization_is_a_failure(
    shown: Demo, monkeypatch: pytest.MonkeyPatch, organization: str, holder: str
) -> None:
    def objects_of(kubeconfig: Path, namespace: str, provider: ProviderName) -> list[str]:
        return ["Pod weather"] if (holder, namespace) == ("cluster", f"ns-{organization}") else []

    def documents_of(emulator: str, project: str, organization_id: str, provider: ProviderName) -> list[str]:
        return ["a row"] if (holder, organization_id) == ("database", f"org_{organization}") else []

    monkeypatch.setattr(demo, "objects_of", objects_of)
    monkeypatch.setattr(demo, "documents_of", documents_of)
    with pytest.raises(DemoFailed, match=r"left over: (Pod weather|a row)$"):
        shown._confirm_gone()


def test_the_demo_configures_the_stations_that_the_provider_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "weather"))
    provider, stations = map(importlib.import_module, ("weather_provider", "weather_provider.stations"))
    [(name, value)] = demo.CONFIG.items()
    assert f"\n{name}\n" in (provider.__doc__ or "")
    assert [station.name for station in stations.parse_stations(value)] == ["Bergen", "Oslo"]


@pytest.mark.parametrize(
    ("failure", "status"), [(None, 0), (DemoFailed("nothing came up"), 1), (KeyboardInterrupt(), 130)]
)
def test_the_folder_of_the_stack_stays_only_after_a_failure(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    failure: BaseException | None,
    status: int,
) -> None:
    def on_new_stack(state_dir: Path, progress: Progress) -> None:
        (state_dir / "logs").mkdir()
        if failure:
            raise failure

    monkeypatch.setattr(demo, "_run_on_new_stack", on_new_stack)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert demo.run(io.StringIO()) == status
    told = capsys.readouterr().err
    folders = list(tmp_path.iterdir())
    assert len(folders) == (0 if failure is None else 1)
    assert all(f"The logs are in {folder}" in told for folder in folders)
