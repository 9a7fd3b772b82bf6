"""From one proof of many runs to the claims of a job's shards: seals, and their contract as values (C12)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, TaskId, job_of_task, shard_of_task
from truestep.circuits.claims import (
    SELECTOR_BYTES,
    check_proof_size,
    encoded_bytes,
    exited_leaf,
    with_tails,
)
from truestep.circuits.errors import CircuitError
from truestep.circuits.folding import is_run_count
from truestep.circuits.model import Model
from truestep.circuits.prover import Proof
from truestep.circuits.reference import output_bytes
from truestep.circuits.rows import hash_of_rows, row_root, slot_bytes, slot_level
from truestep.commitments.merkle import ZERO_NODES, climb, pair_tree_levels
from truestep.machine.layout import RANGE_LEVEL
from truestep.protocol.settlement.encoding import WORD_SIZE_BYTES, encode, encode_struct
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import JobTerms, Work
from truestep.protocol.validity.statements import leaves_statement

PATH_LIMIT = 16
"""A job has fewer than 2^16 shards."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRows:
    """What a seal holds: all of the claims that their statement is a hash of, and the proof."""

    first_task: TaskId
    work: Work
    terms: JobTerms
    cycles: tuple[int, ...]
    path: tuple[Bytes32, ...]
    """Beside the subtree of the rows, from below; what is above it are zeros."""
    roots: tuple[bytes, ...]
    outputs: tuple[bytes, ...]
    proof: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsVerifier:
    """The contract of this name: for one tree of circuits, and the one program that computes the same."""

    chain_id: int
    jobs: Address
    key_digest: Bytes32
    program_hash: Bytes32
    input_size: int
    output_size: int
    run_count: int

    @property
    def selector(self) -> bytes:
        """What its seals begin with."""
        return self.key_digest[:SELECTOR_BYTES]

    def seal(self, told: ToldRows) -> bytes:
        """What Verifiers takes as proof of the claims. Raises `CircuitError` if it cannot be one."""
        lengths = {len(told.cycles), len(told.roots), len(told.outputs)}
        if lengths != {self.run_count} or {*map(len, told.outputs)} != {self.output_size}:
            raise CircuitError(
                f"expected {self.run_count} runs with outputs of {self.output_size} bytes; got"
                f" {len(told.roots)} rows and outputs of {', '.join(str(len(each)) for each in told.outputs)}"
            )
        check_proof_size(told.proof)
        return _encoded(self.selector, told)

    def accepts(
        self, statement: bytes, told: ToldRows, circuit: Callable[[bytes, tuple[int, ...]], bool]
    ) -> bool:
        """Whether the seal of this proves the statement; `circuit` says whether a proof holds (C12.3)."""
        work, first = told.work, shard_of_task(told.first_task)
        rows_end = (work.shard_count - 1) * slot_bytes(self.input_size) + self.input_size
        if program_hash(work) != self.program_hash or work.input_size != rows_end:
            return False
        if {*map(len, told.outputs)} != {self.output_size}:
            return False
        if first % self.run_count or first + self.run_count > work.shard_count:
            return False
        if work.input_root != self._input_root(told, first // self.run_count):
            return False
        if statement != self.statement(told):
            return False
        stated = hash_of_rows(told.roots, told.outputs)
        return circuit(told.proof, (stated, self.run_count, 0))

    def _input_root(self, told: ToldRows, position: int) -> bytes | None:
        """The root that the rows' roots and their path lead to; None if the path ends below their place."""
        depth = self.run_count.bit_length() - 1
        if position >> len(told.path):
            return None
        node = pair_tree_levels(told.roots, depth)[-1][0]
        above = slot_level(self.input_size) + depth + len(told.path)
        return climb(climb(node, position, told.path), 0, ZERO_NODES[above:RANGE_LEVEL])

    def statement(self, told: ToldRows) -> Bytes32:
        """That the tasks exit with code 0 and these outputs, after so many cycles each."""
        leaves = [exited_leaf(cycle, output) for cycle, output in zip(told.cycles, told.outputs, strict=True)]
        return leaves_statement(
            self.chain_id, self.jobs, told.first_task, work=told.work, terms=told.terms, leaves=leaves
        )


def rows_verifier(
    model: Model,
    run_count: int,
    *,
    chain_id: int,
    jobs: Address,
    key_digest: Bytes32,
    program_hash: Bytes32,
) -> RowsVerifier:
    """The contract of a model's tree of circuits. Raises `CircuitError` if there is no such tree."""
    if not is_run_count(run_count):
        raise CircuitError(f"expected 2, 4, 8, 16 or 32 runs in one proof; got {run_count}")
    return RowsVerifier(
        chain_id=chain_id,
        jobs=jobs,
        key_digest=key_digest,
        program_hash=program_hash,
        input_size=model.input_size,
        output_size=4 * model.output_words,
        run_count=run_count,
    )


def told_of_rows(
    first_task: TaskId,
    work: Work,
    terms: JobTerms,
    cycles: Sequence[int],
    rows: Sequence[bytes],
    proof: bytes,
    runs: Sequence[Proof],
) -> ToldRows:
    """What the seal of the claims holds. `rows` are all of the job's input, `runs` those that are proven."""
    first, depth = shard_of_task(first_task), len(runs).bit_length() - 1
    total = max(depth, (len(rows) - 1).bit_length())
    roots = [row_root(row) for row in rows]
    levels = pair_tree_levels(roots + [_empty_slot(rows)] * ((1 << total) - len(rows)), total)
    path = [Bytes32(levels[level][first >> level ^ 1]) for level in range(depth, total)]
    return ToldRows(
        first_task=first_task,
        work=work,
        terms=terms,
        cycles=tuple(cycles),
        path=tuple(path),
        roots=tuple(roots[first : first + len(runs)]),
        outputs=tuple(output_bytes(each.words) for each in runs),
        proof=proof,
    )


def _empty_slot(rows: Sequence[bytes]) -> bytes:
    return ZERO_NODES[slot_level(len(rows[0]))]


def _encoded(selector: bytes, told: ToldRows) -> bytes:
    """Solidity's encoding of a struct with five lists at its end."""
    static = selector.ljust(WORD_SIZE_BYTES, b"\0") + encode(job_of_task(told.first_task))
    static += encode_struct(told.work) + encode_struct(told.terms)
    static += encode(shard_of_task(told.first_task))
    words = [encode(len(told.cycles), *told.cycles), encode(len(told.path), *told.path)]
    contents = (b"".join(told.roots), b"".join(told.outputs), told.proof)
    return with_tails(static, [*words, *map(encoded_bytes, contents)])
