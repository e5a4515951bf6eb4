"""What a function's process loads, and what other programs do not inherit from it."""

import re
import subprocess
import sys

import pytest

from local_stack.function_list import FUNCTIONS, FUNCTIONS_DIR
from provider_hub.http.table import ROUTES

SERVING = {route.function for route in ROUTES}
OF_ALL_ROUTES = {"http.table", "http.openapi", "http.docs", "http.examples"}
FOR_A_CLUSTER = {"adapters.kubernetes", "domain.deployment", "domain.manifests", "actions.cluster"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_without_what_only_others_need(function: str) -> None:
    program = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*sys.modules)"
    main = FUNCTIONS_DIR / function / "main.py"
    ran = subprocess.run([sys.executable, "-c", program, str(main)], check=True, capture_output=True, text=True)
    loaded = {name.removeprefix("provider_hub.") for name in ran.stdout.split() if name.startswith("provider_hub.")}
    own = {f"http.functions.{function}"} if function in SERVING else set()
    others = {f"http.functions.{other}" for other in SERVING} - own
    assert own <= loaded
    assert not loaded & (others | OF_ALL_ROUTES)
    # Who has no cluster loads neither the clients for it nor what is made there.
    has_cluster = re.search(r"import .*\bkubernetes\b", main.read_text()) is not None
    assert bool(loaded & FOR_A_CLUSTER) == has_cluster


@pytest.mark.parametrize(
    "module", ["provider_hub", "hub_cli.main", "local_stack.stack", "local_kubernetes.node.__main__"]
)
def test_no_other_program_has_its_garbage_collector_changed(module: str) -> None:
    program = f"import gc; before = gc.get_threshold(); import {module}; assert gc.get_threshold() == before"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
