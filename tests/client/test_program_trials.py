"""Trials of programs: what is signed, who agrees, and who differs (docs/operators.md O6)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from web3 import Account

from truestep.base.errors import Reject, Rejected
from truestep.base.ids import Bytes32
from truestep.client import typed_data
from truestep.client.program_trials import (
    RUN_LIMIT,
    TRIAL_LIMIT,
    ProgramTrial,
    TrialFile,
    TrialRun,
    compared,
    generated_inputs,
    read_trials,
    tasks_of,
)

SEED = Bytes32(bytes(32))
ADA, BOB, EVE = (Account.from_key(bytes([number]) * 32) for number in (1, 2, 3))
RUN = TrialRun(
    input_root="11" * 32,
    input_size=5,
    seed="00" * 32,
    shard_index=0,
    shard_count=1,
    status=1,
    code=0,
    cycles=1_000,
    output_size=8,
    output_root="22" * 32,
    state_hash="33" * 32,
)


def trial(signer: Any, *runs: dict[str, Any], **changes: Any) -> ProgramTrial:
    """A signed trial of as many runs as there are changes of RUN."""
    values: dict[str, Any] = {
        "runner": signer.address,
        "machine_version": 1,
        "image_root": "44" * 32,
        "entry": 4,
        "max_cycles": 10**6,
        "runs": [RUN.model_copy(update=each) for each in runs or ({},)],
        "environment": "jit, x86_64, Linux",
    }
    plain = ProgramTrial(**(values | changes))
    return plain.model_copy(update={"signature": typed_data.sign(signer, plain.typed_data())})


def test_operators_that_found_the_same_agree() -> None:
    (verdict,) = compared([trial(ADA), trial(BOB, environment="jit, aarch64, Linux"), trial(ADA)])
    assert verdict.agreeing == 2 and len(verdict.opinions) == 1 and not verdict.undecided
    assert verdict.opinions[0].environments == ("jit, aarch64, Linux", "jit, x86_64, Linux")


def test_who_differs_is_named_with_the_first_run() -> None:
    same, other = {"input_size": 6}, {"input_size": 6, "output_root": "55" * 32}
    (verdict,) = compared([trial(EVE, {}, other), trial(ADA, {}, same), trial(BOB, {}, same)])
    assert [each.runners for each in verdict.opinions] == [(ADA.address, BOB.address), (EVE.address,)]
    found = verdict.first_difference(verdict.opinions[1])
    assert found is not None
    index, first, second = found
    assert (index, first.output_root, second.output_root) == (1, "22" * 32, "55" * 32)
    assert verdict.first_difference(verdict.opinions[0]) is None


def test_whoever_signed_two_results_counts_for_nothing() -> None:
    (verdict,) = compared([trial(ADA), trial(EVE), trial(EVE, {"cycles": 999})])
    assert (verdict.agreeing, verdict.undecided) == (1, (EVE.address,))


@pytest.mark.parametrize(
    "changes", [{"image_root": "66" * 32}, {"entry": 8}, {"max_cycles": 7}, {"machine_version": 2}]
)
def test_trials_of_something_else_are_not_compared(changes: dict[str, Any]) -> None:
    assert [each.agreeing for each in compared([trial(ADA), trial(BOB, **changes)])] == [1, 1]
    assert len(compared([trial(ADA), trial(BOB, {"input_root": "77" * 32})])) == 2


@pytest.mark.parametrize("field", [*TrialRun.model_fields])
def test_everything_of_a_run_is_signed(field: str) -> None:
    signed = trial(ADA)
    value = getattr(RUN, field)
    other = "ab" * 32 if isinstance(value, str) else (value + 1) % 3
    runs = [RUN.model_copy(update={field: other})]
    with pytest.raises(Rejected, match="signature of somebody else"):
        signed.model_copy(update={"runs": runs}).check()


def test_a_trial_is_of_its_runner() -> None:
    signed = trial(ADA)
    for changes in ({"runner": BOB.address}, {"environment": "reference"}, {"signature": "00" * 65}):
        with pytest.raises(Rejected, match="signature of somebody else"):
            signed.model_copy(update=changes).check()
    with pytest.raises(Rejected, match="nobody has signed"):
        signed.model_copy(update={"signature": None}).check()


def test_a_file_is_read_again_and_a_new_trial_replaces_the_runner_s_own(tmp_path: Path) -> None:
    path = tmp_path / "trials.json"
    file = (
        TrialFile(trials=[])
        .with_trial(trial(ADA, {"cycles": 1}))
        .with_trial(trial(BOB))
        .with_trial(trial(ADA))
    )
    assert [each.runner for each in file.trials] == [BOB.address, ADA.address]
    file.write(path)
    assert read_trials(path) == file
    path.write_text('{"format": "truestep program trials", "trials": [{}]}')
    with pytest.raises(Rejected, match="not a file of trials"):
        read_trials(path)


def test_a_file_of_more_trials_than_anybody_writes_is_refused(tmp_path: Path) -> None:
    """Else a file of some megabytes is minutes of signatures."""
    path, one = tmp_path / "trials.json", trial(ADA)
    TrialFile(trials=[one] * TRIAL_LIMIT).write(path)
    assert len(read_trials(path).trials) == TRIAL_LIMIT
    TrialFile(trials=[one] * (TRIAL_LIMIT + 1)).write(path)
    with pytest.raises(Rejected) as caught:
        read_trials(path)
    assert caught.value.reason is Reject.TRIAL_FILE


def test_generated_inputs_are_the_same_for_everybody() -> None:
    first, second = generated_inputs(SEED, 2, 5)
    assert (first.hex(), second.hex()) == ("49ab483a58", "730fbe2ad9")
    assert generated_inputs(SEED, 1, 0) == [b""]
    tasks = tasks_of([first, second], SEED, 3)
    assert [(each.input, each.shard_index) for each in tasks[2:4]] == [(first, 2), (second, 0)]
    for count in (0, RUN_LIMIT + 1):
        with pytest.raises(Rejected, match="expected 1 to 256 runs"):
            tasks_of([b""] * count, SEED, 1)
