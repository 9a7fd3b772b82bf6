"""Proves the claims of many shards at once, which are rows of a job's input (C12)."""

from collections.abc import Sequence
from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, TaskId, shard_of_task
from truestep.circuits.errors import CircuitError
from truestep.circuits.folding import Tree, folded_public_inputs, prove_tree
from truestep.circuits.model import Model
from truestep.circuits.prover import Tell
from truestep.circuits.reference import Shown, output_bytes, run
from truestep.circuits.row_claims import rows_verifier, told_of_rows
from truestep.circuits.rows import rows_input, slot_bytes
from truestep.circuits.toolchain import Tools
from truestep.circuits.verifier import key_digest
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import JobTerms, Leaf, Work
from truestep.protocol.validity.statements import leaves_statement


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRows:
    """Claims that stand, of shards that follow one another, and what the chain knows of their job."""

    first_task: TaskId
    work: Work
    terms: JobTerms
    leaves: tuple[Leaf, ...]

    @property
    def shards(self) -> range:
        """Those that are claimed."""
        first = shard_of_task(self.first_task)
        return range(first, first + len(self.leaves))


def check_part(run_count: int, first: int, shard_count: int) -> None:
    """Refuse shards that no proof of so many runs is of (C12.3). Raises `CircuitError`."""
    if shard_count < run_count:
        raise CircuitError(
            f"one proof of {run_count} runs is for a job of at least {run_count} shards, and this job has"
            f" {shard_count}"
        )
    if first >= shard_count:
        raise CircuitError(f"the job has the shards 0 to {shard_count - 1}; got {first}")
    if first % run_count:
        raise CircuitError(
            f"expected a first shard that is a multiple of {run_count}, as the proof is of {run_count} runs;"
            f" got {first}: shard {first} is proven with {first - first % run_count}"
        )
    if first + run_count > shard_count:
        raise CircuitError(
            f"the job has {shard_count} shards: {run_count} from {first} on are too many. The last"
            f" {shard_count - first} need a proof of fewer runs, and an entry that takes it"
        )


def rows_of(model: Model, content: bytes, work: Work) -> list[bytes]:
    """The rows of a job's input, one a shard. Raises `CircuitError` if it is not made of rows (C11.1)."""
    if (len(content), root_of_bytes(content, RANGE_LEVEL)) != (work.input_size, work.input_root):
        raise CircuitError(
            f"the input of {len(content)} bytes is not that of the job, which has {work.input_size}; give the"
            " file that was submitted: the model's bytes, not numbers"
        )
    size, slot = model.input_size, slot_bytes(model.input_size)
    expected = (work.shard_count - 1) * slot + size
    rows = [content[start : start + size] for start in range(0, len(content), slot)]
    if len(content) != expected:
        why = f"it has {len(content)} bytes, and {work.shard_count} rows of {size} have {expected}"
    elif rows_input(rows) != content:
        why = f"between rows of {size} bytes it has other bytes than zeros"
    else:
        return rows
    raise CircuitError(
        f"the job's input is not made of rows of this model: {why}. Each row begins {slot} bytes after the"
        " one before (C11.1; `rows_input` of truestep.circuits.rows makes such an input), or else no proof is"
        " of its runs"
    )


def check_rows(model: Model, rows: Sequence[bytes], claimed: ClaimedRows) -> None:
    """See that the claims are what the model gives, before minutes are spent. Raises `CircuitError`."""
    for shard, leaf in zip(claimed.shards, claimed.leaves, strict=True):
        if (leaf.status, leaf.code) != (Status.EXITED, 0):
            raise CircuitError(
                f"the claim of shard {shard} says that the run failed (status {leaf.status}, code"
                f" {leaf.code}); a circuit proves only runs that end with code 0"
            )
        output = output_bytes(run(model, rows[shard]).words)
        if (leaf.output_size, leaf.output_root) != (len(output), root_of_bytes(output, RANGE_LEVEL)):
            raise CircuitError(
                f"the claim of shard {shard} is of another output than 0x{output.hex()}, which this model"
                " gives: either the job is of another model's program, or the claim is false and can be"
                " challenged"
            )


def rows_seal(
    model: Model,
    rows: Sequence[bytes],
    tree: Tree,
    tools: Tools,
    tell: Tell,
    *,
    chain_id: int,
    jobs: Address,
    claimed: ClaimedRows,
) -> bytes:
    """The seal of claims, with a proof of all of their runs. `rows` are those of the whole job.

    Raises `CircuitError`. Everything that Verifiers and RowsVerifier compare is compared here, but the proof.
    """
    check_part(tree.run_count, claimed.shards.start, claimed.work.shard_count)
    check_rows(model, rows, claimed)
    shards = claimed.shards
    proof, runs = prove_tree(model, rows[shards.start : shards.stop], tree, tools, tell)
    verifier = rows_verifier(
        model,
        tree.run_count,
        chain_id=chain_id,
        jobs=jobs,
        key_digest=Bytes32(key_digest(tree.circuits[-1].key)),
        program_hash=program_hash(claimed.work),
    )
    cycles = [leaf.cycle for leaf in claimed.leaves]
    told = told_of_rows(claimed.first_task, claimed.work, claimed.terms, cycles, rows, proof, runs)
    statement = leaves_statement(
        chain_id, jobs, claimed.first_task, claimed.work, claimed.terms, claimed.leaves
    )
    proven = folded_public_inputs([each.public for each in runs], Shown.ROOT)
    if not verifier.accepts(statement, told, lambda _, public: public == proven):
        raise CircuitError(
            "the proof states other claims than those that stand; ask the chain again, as the tasks may have"
            " been claimed anew"
        )
    return verifier.seal(told)
