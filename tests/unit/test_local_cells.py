"""The clusters that `hub up` starts: each cell has files, a port and a node of its own."""

import argparse
from dataclasses import replace
from pathlib import Path

import pytest

from local_stack.cells import local_cells
from local_stack.commands import register
from local_stack.errors import LocalError
from local_stack.options import StackOptions


def test_without_a_wish_there_is_one_cluster_where_it_always_was(tmp_path: Path) -> None:
    (cell,) = local_cells(StackOptions(), tmp_path)
    assert cell.port is not None
    with cell.port:
        assert (cell.name, cell.kubeconfig, cell.node_dir) == ("default", tmp_path / "kubeconfig", tmp_path / "node")


def test_cells_share_nothing(tmp_path: Path) -> None:
    cells = local_cells(StackOptions(cells=3), tmp_path)
    assert [cell.name for cell in cells] == ["default", "cell-2", "cell-3"]
    numbers = set()
    for cell in cells:
        assert cell.port is not None
        with cell.port:
            numbers.add(cell.port.number)
    assert {len(numbers), len({cell.kubeconfig for cell in cells}), len({cell.node_dir for cell in cells})} == {3}


def test_somebody_elses_cluster_is_the_only_one_and_has_no_port(tmp_path: Path) -> None:
    given = StackOptions(kubeconfig=tmp_path / "theirs")
    with pytest.raises(LocalError, match="there is no kubeconfig at"):
        local_cells(given, tmp_path)
    (tmp_path / "theirs").touch()
    (cell,) = local_cells(given, tmp_path)
    assert (cell.name, cell.port) == ("default", None)
    with pytest.raises(LocalError, match="leave out --kubeconfig, or name further cells by HUB_CELLS"):
        local_cells(replace(given, cells=2), tmp_path)


@pytest.mark.parametrize("count", ["0", "6", "-1", "two"])
def test_a_number_of_cells_that_is_none_is_refused(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["up", f"--cells={count}"])
    assert f"'{count}' is no number of cells: use 1 to 5" in capsys.readouterr().err
