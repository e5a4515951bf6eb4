"""A short run of chaos over the whole stack; `make chaos` is the long one."""

import os
from pathlib import Path

import pytest

from local_stack.chaos.__main__ import Options, run


@pytest.mark.timeout(600)
def test_a_stack_whose_processes_die_every_second_brings_every_wish_to_its_end(tmp_path: Path) -> None:
    options = Options(
        seconds=10,
        tenants=2,
        pause=3,
        patience=300,
        poll=0.2,
        sweep=1,
        kills_while_paused=False,
        kubeconfig=os.environ.get("KUBECONFIG"),
    )
    result = run(options, tmp_path / "state")
    assert result.tally.violations == []
    assert sum(result.tally.histories.values()) >= options.tenants
    assert result.faults >= 5
    assert result.messages >= 5
    assert "worker killed" in result.table
    assert "| violations | 0 |" in result.table
