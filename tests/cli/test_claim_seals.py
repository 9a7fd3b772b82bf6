"""What `truestep prove` takes for a job, and what it asks for before it looks at a chain."""

import pytest
import typer
from typer.testing import CliRunner

from truestep.base.ids import JobId, task_of
from truestep.cli.claim_seals import task_named
from truestep.cli.main import app


def test_a_number_is_a_job_and_anything_else_a_file() -> None:
    assert task_named("7", None) == task_of(JobId(7), 0)
    assert task_named("7", 3) == task_named("7/3", None) == task_of(JobId(7), 3)
    assert task_named("./7", None) is None and task_named("model.json", None) is None
    with pytest.raises(typer.BadParameter, match="names a shard already"):
        task_named("7/3", 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1",), "where is the job? add --rpc URL"),
        (("model.json",), "of which input? add --input FILE"),
        (("model.json", "0", "--input", "none"), "model.json is no job; only jobs have shards"),
        (("1", "--runs", "2"), "where is the job? add --rpc URL"),
        (("1", "--runs", "3"), "expected 2, 4, 8, 16 or 32 runs in one proof; got 3"),
        (("model.json", "--runs", "2"), "for one proof of many runs of a model give --input as often"),
    ],
)
def test_what_is_missing_is_said(words: tuple[str, ...], said: str) -> None:
    finished = CliRunner().invoke(app, ["prove", *words])
    assert finished.exit_code == 2
    assert said in " ".join(finished.output.replace("│", " ").split())
