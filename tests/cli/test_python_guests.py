"""`truestep build model.py` and `truestep run model.py --input data.npy`."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Invoke

MODEL = """
import numpy as np
import truestep


@truestep.guest(input="float64[:, :]")
def main(task: truestep.Task, returns: np.ndarray) -> np.ndarray:
    print("shard", task.shard_index)
    return returns[task.shard_index :: task.shard_count].sum(axis=0)
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and its data, made the current one."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(MODEL)
    np.save(tmp_path / "data.npy", np.arange(12.0).reshape(4, 3))
    return tmp_path


def test_a_model_is_built_and_run_on_an_array(truestep: Invoke, desk: Path) -> None:
    built = truestep("build", "model.py", "--json")
    assert (built.exit_code, built.fields()["elf"]) == (0, "model.elf")
    words = ("--input", "data.npy", "--shard", "1/2", "--engine", "reference", "-o", "sums.npy", "--json")
    for program in ("model.py", "model.elf"):
        finished = truestep("run", program, *words)
        assert (finished.exit_code, finished.fields()["exit_code"]) == (0, 0)
        assert finished.stderr == "shard 1\n"
        assert np.load(desk / "sums.npy").tolist() == [3.0 + 9.0, 4.0 + 10.0, 5.0 + 11.0]


def test_what_is_wrong_with_a_model_is_said_without_a_traceback(truestep: Invoke, desk: Path) -> None:
    (desk / "model.py").write_text(MODEL.replace("returns[task", "missing[task"))
    finished = truestep("build", "model.py")
    assert finished.exit_code == 1
    assert "model.py:9: NameError: name 'missing' is not defined" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (desk / "model.elf").exists()


def test_strict_leaves_out_no_branch(truestep: Invoke, desk: Path) -> None:
    branch = "    if returns.size > 999:\n        open('log')\n    print("
    (desk / "model.py").write_text(MODEL.replace("    print(", branch))
    assert truestep("build", "model.py").exit_code == 0
    for command in (("build", "model.py"), ("run", "model.py", "--input", "data.npy")):
        refused = truestep(*command, "--strict")
        assert refused.exit_code == 1
        assert (
            "would not do all that it does in Python:\nmodel.py:9: a guest cannot use open" in refused.stderr
        )
    assert "--strict is for guests in Python" in truestep("run", "model.elf", "--strict").stderr


@pytest.mark.parametrize("words", [("-O", "3"), ("-D", "X=1"), ("other.py",)])
def test_options_for_c_are_refused(truestep: Invoke, desk: Path, words: tuple[str, ...]) -> None:
    finished = truestep("build", "model.py", *words)
    assert finished.exit_code == 1
    assert "for C" in finished.stderr or "expected one Python file" in finished.stderr


def test_without_numba_it_is_said_how_to_get_it(
    truestep: Invoke, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "model.py").write_text(MODEL + "# never built before\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(desk / "cache"))
    monkeypatch.setitem(sys.modules, "numba", None)
    finished = truestep("build", "model.py")
    assert finished.exit_code == 3
    assert "pip install 'truestep[python]'" in finished.stderr
