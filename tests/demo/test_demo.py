"""`truestep demo`, with fewer paths and shards than the real one, which `make demo` runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from truestep.cli.main import app
from truestep.client.receipt import read_receipt
from truestep.demo.value_at_risk import combine, decode_record, risk_of

SHARDS, PATHS = 4, 1_000
SMALL = ("--shards", str(SHARDS), "--paths", str(PATHS))
COIN_WEI = 10**18


def run(*words: object) -> tuple[int, str, str]:
    finished = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return finished.exit_code, finished.stdout, finished.stderr


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "receipt.json"


@pytest.fixture(scope="module")
def performance(receipt: Path) -> tuple[dict[str, Any], str]:
    """What the demo prints for machines, and its story."""
    exit_code, stdout, stderr = run("demo", "--json", "--receipt", receipt, *SMALL)
    assert exit_code == 0, stderr
    assert stdout.count("\n") == 1
    return json.loads(stdout), stderr


def test_one_object_says_what_happened(performance: tuple[dict[str, Any], str]) -> None:
    fields, _ = performance
    assert (fields["job_id"], fields["tasks"], fields["claims_struck"]) == (1, SHARDS, 1)
    assert fields["slashed_wei"] == COIN_WEI
    assert set(fields["checks"].values()) == {True}
    assert fields["instructions"] > SHARDS * 413 * PATHS
    assert fields["result"]["paths"] == SHARDS * PATHS
    steps = ("take", "claim", "finalize")
    each, total = {f"{step}_per_shard" for step in steps}, {*steps, "post", "dispute_total", "step"}
    assert set(fields["gas"]) == each | total
    assert all(fields["gas"][kind] > 21_000 for kind in total)
    assert all(fields["gas"][f"{step}_per_shard"] > 5_000 for step in steps)
    assert fields["batches"] < SHARDS + 1  # one shard is taken twice
    assert fields["gas"]["dispute_total"] > fields["gas"]["step"]
    # Open, a split and a pick for each round at arity 64, the step.
    assert fields["dispute_moves"] in (2 + 2 * 3, 2 + 2 * 4)
    assert fields["seconds"] > 0


def test_the_story_names_every_turn(performance: tuple[dict[str, Any], str]) -> None:
    story = performance[1]
    turns = (
        "posts job 1",
        "as one batch, with 2 bonds of 1 ETH",
        "in one transaction",
        "Victor  disputes shard",
        "the dispute holds up shard",
        "executes this one instruction",
        "as Mallory claimed",
        "Mallory is struck",
        "Victor  is rewarded",
        "are final",
        "VaR 95 %",
        "truestep verify",
    )
    positions = [story.find(turn) for turn in turns]
    assert -1 not in positions, story
    assert positions == sorted(positions)
    assert "✗" not in story


def test_the_result_is_the_shards_sum(performance: tuple[dict[str, Any], str], receipt: Path) -> None:
    outputs = [shard.output_bytes() for shard in read_receipt(receipt).shards]
    record = combine(decode_record(output) for output in outputs if output)
    result = performance[0]["result"]
    assert record.path_count == SHARDS * PATHS
    assert result["value_at_risk_95_percent"] == round(100 * risk_of(record).value_at_risk_95, 4)
    losses = sum(count for bin_index, count in enumerate(record.counts) if bin_index < 256)
    assert result["probability_of_loss_percent"] == round(100 * losses / record.path_count, 4)
    assert performance[0]["consumer"]["mean_value_q32"] == record.value_sum_q32 // record.path_count


def test_the_receipt_is_checked_against_the_kept_chain_and_by_running(
    performance: tuple[dict[str, Any], str], receipt: Path
) -> None:
    exit_code, stdout, _ = run("verify", receipt, "--json")
    fields = json.loads(stdout)
    assert exit_code == 0
    assert (fields["verified"], fields["chain_checked"], fields["executed"]) == (True, True, True)
    assert run("verify", receipt)[1].endswith("verified\n")


@pytest.mark.parametrize("options", [(), ("--no-execute",), ("--offline",)])
def test_a_changed_receipt_is_not_verified(
    performance: tuple[dict[str, Any], str], receipt: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    fields = json.loads(receipt.read_text())
    fields["shards"][1]["left_root"] = "00" * 32
    changed = tmp_path / "receipt.json"
    changed.write_text(json.dumps(fields))
    changed.with_suffix(".chain").write_bytes(receipt.with_suffix(".chain").read_bytes())
    exit_code, stdout, _ = run("verify", changed, *options)
    assert exit_code == 1
    assert "not verified" in stdout
    assert "shard 1" in stdout


def test_a_receipt_without_its_chain(
    performance: tuple[dict[str, Any], str], receipt: Path, tmp_path: Path
) -> None:
    alone = tmp_path / "receipt.json"
    alone.write_bytes(receipt.read_bytes())
    exit_code, _, stderr = run("verify", alone)
    assert exit_code == 1
    assert "--rpc URL, or --offline" in stderr
    exit_code, stdout, _ = run("verify", alone, "--offline", "--json")
    assert (exit_code, json.loads(stdout)["chain_checked"]) == (0, False)
    alone.with_suffix(".chain").write_bytes(b"not a chain")
    exit_code, stdout, _ = run("verify", alone, "--json")
    assert (exit_code, json.loads(stdout)["error"]["reason"]) == (1, "not a chain file")


def test_a_receipt_that_cannot_be_written_is_found_at_once(tmp_path: Path) -> None:
    exit_code, _, stderr = run("demo", "--receipt", tmp_path / "nowhere" / "receipt.json")
    assert exit_code == 1
    assert "choose another --receipt" in stderr


def test_the_demo_fails_if_nobody_lies(tmp_path: Path) -> None:
    words = ("demo", "--json", "--receipt", tmp_path / "r.json", "--shards", 2, "--paths", 100, "--honest")
    exit_code, stdout, stderr = run(*words)
    fields = json.loads(stdout)
    assert exit_code == 1
    assert (fields["tasks"], fields["claims_struck"], fields["slashed_wei"]) == (2, 0, 0)
    assert fields["checks"]["exactly one claim was struck, and it was the liar's"] is False
    assert fields["checks"]["every coin is accounted for"] is True
    assert "✗ exactly one claim was struck" in stderr
