"""What no proof of many runs is of is refused before anything is proven (docs/circuits.md C11, C12)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.circuits.models import small_mlp
from tests.circuits.test_claim_seals import claimed
from truestep.base.ids import JobId, task_of
from truestep.circuits.claims import check_claim
from truestep.circuits.errors import CircuitError
from truestep.circuits.reference import output_bytes, run
from truestep.circuits.row_prover import ClaimedRows, check_part, check_rows, rows_of
from truestep.circuits.rows import rows_input
from truestep.protocol.settlement.records import Work

MODEL = small_mlp()
ROWS = [bytes([shard] * 8) for shard in range(4)]
INPUT = rows_input(ROWS)


def work_of(content: bytes) -> Work:
    return claimed(content=content, shard_count=len(ROWS)).work


def claims(*outputs: bytes, first: int = 2, code: int = 0) -> ClaimedRows:
    one = claimed(content=INPUT, shard_count=len(ROWS))
    leaves = tuple(claimed(output=output, code=code).leaf for output in outputs)
    return ClaimedRows(first_task=task_of(JobId(3), first), work=one.work, terms=one.terms, leaves=leaves)


def test_a_proof_is_of_a_part_of_the_job() -> None:
    check_part(2, 2, 4)
    check_part(4, 0, 5)
    for (runs, first, shards), words in {
        (2, 0, 1): "a job of at least 2 shards, and this job has 1",
        (2, 3, 4): "shard 3 is proven with 2",
        (4, 4, 7): "The last 3 need a proof of fewer runs",
        (2, 8, 8): "the job has the shards 0 to 7; got 8",
    }.items():
        with pytest.raises(CircuitError, match=words):
            check_part(runs, first, shards)


def test_an_input_is_its_rows() -> None:
    assert rows_of(MODEL, INPUT, work_of(INPUT)) == ROWS
    with pytest.raises(CircuitError, match="is not that of the job"):
        rows_of(MODEL, INPUT[:-1], work_of(INPUT))
    for other, words in (
        (INPUT + b"\0", "it has 105 bytes, and 4 rows of 8 have 104"),
        (b"".join(ROWS), "it has 32 bytes"),
        (INPUT[:8] + b"\1" + INPUT[9:], "between rows of 8 bytes it has other bytes than zeros"),
    ):
        with pytest.raises(CircuitError, match=words):
            rows_of(MODEL, other, work_of(other))


def test_claims_are_what_the_model_gives() -> None:
    right = [output_bytes(run(MODEL, row).words) for row in ROWS]
    check_rows(MODEL, ROWS, claims(*right[2:]))
    with pytest.raises(CircuitError, match="the claim of shard 3 is of another output"):
        check_rows(MODEL, ROWS, claims(right[2], right[2]))
    with pytest.raises(CircuitError, match="the claim of shard 2 says that the run failed"):
        check_rows(MODEL, ROWS, claims(*right[2:], code=139))


def test_what_is_for_one_run_names_the_road_for_many() -> None:
    one = claimed(content=INPUT, shard_count=4)
    with pytest.raises(CircuitError, match="`truestep prove 3 0 --runs N`"):
        check_claim(MODEL, ROWS[0], replace(one, task_id=task_of(JobId(3), 1)))
