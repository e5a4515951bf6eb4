"""Long histories of several tenants with many faults each, drawn from a printed seed.

`HUB_FAULTS=all` plays hundreds; `HUB_FAULTS_SEED=n` plays that one, to look at it again.
"""

import os
from random import Random

import pytest

from tests.faults.conftest import EVERYTHING
from tests.faults.exhaustive import counter_example
from tests.faults.histories import random_script
from tests.faults.injection import AtRandom
from tests.faults.invariants import Violation
from tests.faults.world import World, uninstall

SLUGS = ("acme", "a-b", "a")
STEPS = 30
FAULTS = 40
CHANCE = 0.06
GIVEN = os.environ.get("HUB_FAULTS_SEED")
SEEDS = [int(GIVEN)] if GIVEN else list(range(400 if EVERYTHING else 10))


def play(seed: int) -> World:
    """Raises Violation with the seed and the script of what happened."""
    random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
    script = random_script(random, SLUGS, STEPS)
    world = World(AtRandom(random, CHANCE, FAULTS))
    with world.running():
        try:
            world.play(script)
            world.play([uninstall(slug) for slug in SLUGS])
        except Violation as violation:
            raise counter_example(f"HUB_FAULTS_SEED={seed}", world, violation) from violation
    return world


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_tenants_do_and_whatever_fails_all_comes_to_its_end(seed: int) -> None:
    world = play(seed)
    assert world.rows() == []
    assert world.watcher.commits > STEPS
    assert sum("fault at" in line for line in world.injector.script) > 3
