"""What a function's process loads, and what other programs do not inherit from it."""

import json
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pydantic.plugin._loader import PYDANTIC_ENTRY_POINT_GROUP

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from provider_hub.http.table import ROUTES

SERVING = {route.function for route in ROUTES}
OF_ALL_ROUTES = {"http.table", "http.openapi", "http.docs", "http.examples"}
FOR_A_CLUSTER = {"adapters.kubernetes", "domain.deployment", "domain.manifests", "actions.cluster"}
CHANGES_ROWS = {"installations", "installer", "registration", "upgrades", "deadlines", "sweeper"}
# What takes milliseconds to load, and the functions that have a use for it.
USED_BY = {
    "domain.installation": CHANGES_ROWS | {"catalog"},
    "actions.steps": CHANGES_ROWS,
    "domain.masking": CHANGES_ROWS - {"upgrades"},
    "actions.relock": {"sweeper"},
    "actions.advisories": {"sweeper"},
    "actions.wishes.audit": {"identity", "operations"},
    "actions.wishes.publishers": {"catalog", "identity"},
    "domain.check_in": {"registration"},
    "domain.rollout": {"installations", "catalog", "upgrades", "sweeper"},
    "domain.catalog": FUNCTIONS.keys() - {"identity", "operations", "registration", "dead_letters"},
    "domain.wheels": {"publishing", "sweeper"},
    "domain.wheels.inspection": set(),
    "domain.json_schema": set(),
    "domain.attestations": {"publishing"},
    "domain.publishing_use": {"publishing", "sweeper", "identity"},
    "domain.publishers.matching": {"identity"},
    "adapters.config_schema": {"installations", "upgrades", "sweeper"},
    "adapters.dependencies": {"publishing", "sweeper"},
    "adapters.identity.authenticator": SERVING,
    "adapters.identity.callers": FUNCTIONS.keys() - SERVING,
    "settings.identity": SERVING,
    "settings.callers": FUNCTIONS.keys() - SERVING | {"catalog"},
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_without_what_only_others_need(function: str) -> None:
    main = FUNCTIONS_DIR / function / "main.py"
    loaded = _loaded_by(main)
    own = {f"http.functions.{function}"} if function in SERVING else set()
    others = {f"http.functions.{other}" for other in SERVING} - own
    assert own <= loaded
    assert not loaded & (others | OF_ALL_ROUTES)
    # Who has no cluster loads neither the clients for it nor what is made there.
    has_cluster = re.search(r"import .*\bkubernetes\b", main.read_text()) is not None
    assert bool(loaded & FOR_A_CLUSTER) == has_cluster
    # One that is not listed has got an import that it may not need, and one that is listed may need it no more.
    used = {module for module, users in USED_BY.items() if function in users}
    assert loaded & USED_BY.keys() == used


@pytest.mark.parametrize("library", ["sigstore", "packaging.specifiers", "packaging.tags"])
def test_publishing_waits_with_a_library_that_only_a_publish_needs(library: str) -> None:
    assert library not in _modules_after()[FUNCTIONS_DIR / "publishing" / "main.py"]


def _loaded_by(main: Path) -> set[str]:
    """The modules of ours that a process has loaded once it has read `main`."""
    ours = [name for name in _modules_after()[main] if name.startswith("provider_hub.")]
    return {name.removeprefix("provider_hub.") for name in ours}


# What all functions load of others' libraries is loaded once: no module of ours comes with it.
IMPORTS = """
import json, os, runpy, sys
import functions_framework, google.cloud.firestore_v1.services.firestore, jwt, kubernetes.client, pydantic
assert not [name for name in sys.modules if name.startswith("provider_hub")]
for main in sys.argv[1:]:
    if not os.fork():
        runpy.run_path(main)
        print(json.dumps([main, *sys.modules]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, main
"""


@cache
def _modules_after() -> dict[Path, set[str]]:
    """What each function's process has loaded once it has read its main.py, by that file."""
    mains = [str(FUNCTIONS_DIR / function / "main.py") for function in FUNCTIONS]
    ran = subprocess.run([sys.executable, "-c", IMPORTS, *mains], check=True, capture_output=True, text=True)
    read = [json.loads(line) for line in ran.stdout.splitlines()]
    return {Path(main): set(modules) for main, *modules in read}


PLUGINS = """
import provider_hub.cold_start
from pydantic.plugin import _loader
_loader.get_plugins()
assert _loader._plugins is None, "the installed distributions were searched"
"""


def test_no_function_searches_all_distributions_for_plugins_of_pydantic_of_which_there_are_none() -> None:
    subprocess.run([sys.executable, "-c", PLUGINS], check=True, timeout=60)
    assert not entry_points(group=PYDANTIC_ENTRY_POINT_GROUP)


UNCHANGED = """
import gc, importlib, os, sys
before = gc.get_threshold(), dict(os.environ)
for module in sys.argv[1:]:
    importlib.import_module(module)
    assert (gc.get_threshold(), dict(os.environ)) == before, module
"""


def test_no_other_program_has_its_garbage_collector_or_its_environment_changed() -> None:
    programs = ("provider_hub", "hub_cli.main", "local_kubernetes.node.__main__", "local_stack.stack")
    subprocess.run([sys.executable, "-c", UNCHANGED, *programs], check=True, timeout=60)
