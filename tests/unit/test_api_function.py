"""The function for all routes is wired as each of the functions is that it stands for."""

import importlib.util
from dataclasses import fields, is_dataclass
from typing import Any

import pytest

from local_stack.function_list import COMBINED, FUNCTIONS_DIR
from provider_hub.domain.records import Queue

(API,) = COMBINED.values()
ENVIRONMENT = {
    "GOOGLE_CLOUD_PROJECT": "p",
    "FIRESTORE_EMULATOR_HOST": "127.0.0.1:9",
    "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",
    "HUB_TASKS_ENDPOINT": "127.0.0.1:9",
    "HUB_QUEUE_URLS": ",".join(f"{queue}=http://127.0.0.1:9" for queue in Queue),
    "HUB_CLUSTER_ENDPOINT": "https://127.0.0.1:9",
    "HUB_ARTIFACTS_BUCKET": "artifacts",
}


def loaded(function: str) -> Any:
    """The module of a function's own main.py."""
    spec = importlib.util.spec_from_file_location(f"main_of_{function}", FUNCTIONS_DIR / function / "main.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def wired(function: str) -> Any:
    module = loaded(function)
    return module.wire(module.Needs.from_environment(ENVIRONMENT))


def shape(value: Any) -> Any:
    """The type of a value, and of each field where it has some."""
    parts = {part.name: type(getattr(value, part.name)) for part in fields(value)} if is_dataclass(value) else {}
    return type(value), parts


@pytest.fixture
def _emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("_emulated")
@pytest.mark.parametrize("function", API.combines)
def test_its_handlers_work_with_what_the_functions_own_do(function: str) -> None:
    own, combined = wired(function), wired(API.name)._applications[function]
    assert shape(combined._hub) == shape(own._hub)
    assert combined._routing is not None
    ours, theirs = (shape(application._services)[1] for application in (combined, own))
    # What a function does not do itself has a stand-in that says so, or nothing; all routes together do everything.
    checked = {name: kind for name, kind in theirs.items() if not kind.__name__.startswith(("_No", "NoneType"))}
    assert {name: kind for name, kind in checked.items() if ours[name] is not kind} == {}


def test_it_needs_every_setting_that_they_need() -> None:
    needed = {field for function in API.combines for field in loaded(function).Needs.model_fields}
    assert needed <= set(loaded(API.name).Needs.model_fields)
