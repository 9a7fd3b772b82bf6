"""A devnet's folder belongs to one devnet at a time."""

from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from truestep.adapters.lock import hold
from truestep.devnet.network import DevnetFolder


def test_the_folder_of_a_running_devnet_is_left_alone(truestep: Invoke, tmp_path: Path) -> None:
    folder = DevnetFolder(path=tmp_path / "devnet")
    with closing(hold(folder.lock)):
        finished = truestep("devnet", "--port", 0, "--directory", folder.path)
    assert (finished.exit_code, finished.stderr.count("\n")) == (1, 1)
    assert "belongs to the running devnet of process" in finished.stderr
    assert [path.name for path in folder.path.iterdir()] == [folder.lock.name]


@pytest.mark.parametrize("share", ["9%", "101%", "half", "0"])
def test_a_share_out_of_bounds_is_refused_before_anything_starts(
    truestep: Invoke, tmp_path: Path, share: str
) -> None:
    folder = tmp_path / "devnet"
    finished = truestep("devnet", "--port", 0, "--directory", folder, "--fresh-share", share)
    assert finished.exit_code == 2 and "from 10% to 100%" in finished.stderr
    assert not folder.exists()
