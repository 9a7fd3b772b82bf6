"""From a circuit's proof to the claim of a job: seals, and the contract that checks them as values (C10)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from truestep.base.ids import Address, Bytes32, TaskId, job_of_task, shard_of_task
from truestep.circuits.errors import CircuitError
from truestep.circuits.model import Model
from truestep.circuits.prover import Proof
from truestep.circuits.reference import (
    MAX_STATED_BYTES,
    WORDS_PER_FIELD,
    Shown,
    output_bytes,
    public_inputs,
    run,
)
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.settlement.encoding import WORD_SIZE_BYTES, encode, encode_struct
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import JobTerms, Leaf, Work
from truestep.protocol.validity.statements import leaf_statement

SELECTOR_BYTES = 4
PROOF_LIMIT_BYTES = 9_600
"""Of a circuit of 2^19 gates with room to spare; the contract holds no longer one."""
OUTPUT_LIMIT_BYTES = 2 * WORDS_PER_FIELD * 4
"""Fourteen words, as C4.2 says."""
_STATIC_WORDS = 21
"""Of a seal before its bytes: selector, job id, seven words of work, ten of terms, shard, cycle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a seal holds: everything of the claim that its statement is a hash of, and the proof."""

    task_id: TaskId
    work: Work
    terms: JobTerms
    cycle: int
    content: bytes
    output: bytes
    proof: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimVerifier:
    """The contract CircuitVerifier: for one circuit, and the one program that computes the same."""

    chain_id: int
    jobs: Address
    key_digest: Bytes32
    program_hash: Bytes32
    input_size: int
    output_size: int

    @property
    def selector(self) -> bytes:
        """What its seals begin with."""
        return self.key_digest[:SELECTOR_BYTES]

    def seal(self, told: Told) -> bytes:
        """What Verifiers takes as proof of the claim. Raises `CircuitError` if it cannot be one."""
        if len(told.content) != self.input_size or len(told.output) != self.output_size:
            raise CircuitError(
                f"expected {self.input_size} bytes of input and {self.output_size} of output;"
                f" got {len(told.content)} and {len(told.output)}"
            )
        check_proof_size(told.proof)
        return _encoded(self.selector, told)

    def accepts(
        self, statement: bytes, told: Told, circuit: Callable[[bytes, tuple[int, ...]], bool]
    ) -> bool:
        """Whether the seal of this proves the statement; `circuit` says whether a proof holds."""
        work = told.work
        if (len(told.content), len(told.output)) != (self.input_size, self.output_size):
            return False
        if program_hash(work) != self.program_hash or (work.input_size, work.shard_count) != (
            self.input_size,
            1,
        ):
            return False
        if work.input_root != root_of_bytes(told.content, RANGE_LEVEL):
            return False
        if statement != self.statement(told):
            return False
        return circuit(told.proof, claim_inputs(told.content, told.output))

    def statement(self, told: Told) -> Bytes32:
        """That the task exits with code 0 and this output, after so many cycles."""
        leaf = exited_leaf(told.cycle, told.output)
        return leaf_statement(
            self.chain_id, self.jobs, told.task_id, work=told.work, terms=told.terms, leaf=leaf
        )


def check_proof_size(proof: bytes) -> None:
    """Raises `CircuitError` for a proof that is too large for a seal."""
    if len(proof) > PROOF_LIMIT_BYTES:
        raise CircuitError(f"expected a proof of at most {PROOF_LIMIT_BYTES} bytes; got {len(proof)}")


def exited_leaf(cycle: int, output: bytes) -> Leaf:
    """The leaf of a run that exits with code 0; what is left of its memory is in no statement."""
    return Leaf(
        head=Status.EXITED << 192 | cycle << 64 | len(output),
        output_root=root_of_bytes(output, RANGE_LEVEL),
        left_root=Bytes32(bytes(32)),
    )


def claim_verifier(
    model: Model, *, chain_id: int, jobs: Address, key_digest: Bytes32, program_hash: Bytes32
) -> ClaimVerifier:
    """The contract of a model's circuit. Raises `CircuitError` if its inputs are too large."""
    if model.input_size > MAX_STATED_BYTES:
        raise CircuitError(
            f"the model's input has {model.input_size} bytes; expected at most {MAX_STATED_BYTES}"
        )
    return ClaimVerifier(
        chain_id=chain_id,
        jobs=jobs,
        key_digest=key_digest,
        program_hash=program_hash,
        input_size=model.input_size,
        output_size=4 * model.output_words,
    )


def told_of(task_id: TaskId, work: Work, terms: JobTerms, cycle: int, content: bytes, proof: Proof) -> Told:
    """What the seal of a claim holds, with the output that the proof is of."""
    return Told(
        task_id=task_id,
        work=work,
        terms=terms,
        cycle=cycle,
        content=content,
        output=output_bytes(proof.words),
        proof=proof.proof,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A claim that stands, and what the chain knows of its job."""

    task_id: TaskId
    work: Work
    terms: JobTerms
    leaf: Leaf


def check_claim(model: Model, content: bytes, claimed: Claimed) -> None:
    """See that the claim is what the model gives, before minutes are spent on a proof of something else.

    Raises `CircuitError`. What it looks at is cheap; that the program is the model's, an entry says.
    """
    work, leaf = claimed.work, claimed.leaf
    if work.shard_count != 1:
        raise CircuitError(
            f"a proof of one run is for a job of one shard, and this job has {work.shard_count} (C10.3);"
            f" `truestep prove {job_of_task(claimed.task_id)} 0 --runs N` proves the claims of many at once"
        )
    if work.input_size != len(content) or work.input_root != root_of_bytes(content, RANGE_LEVEL):
        raise CircuitError(
            f"the input of {len(content)} bytes is not that of the job, which has {work.input_size}; give the"
            " file that was submitted: the model's bytes, not numbers"
        )
    if (leaf.status, leaf.code) != (Status.EXITED, 0):
        raise CircuitError(
            f"the claim says that the run failed (status {leaf.status}, code {leaf.code}); a circuit proves"
            " only runs that end with code 0. A job with another input than the model takes must be dropped"
        )
    output = output_bytes(run(model, content).words)
    if (leaf.output_size, leaf.output_root) != (len(output), root_of_bytes(output, RANGE_LEVEL)):
        raise CircuitError(
            f"the claim is of another output than 0x{output.hex()}, which this model gives: either the job is"
            " of another model's program, or the claim is false and can be challenged"
        )


def claim_seal(
    model: Model,
    content: bytes,
    proof: Proof,
    *,
    key_digest: Bytes32,
    chain_id: int,
    jobs: Address,
    claimed: Claimed,
) -> bytes:
    """The seal of a claim, from a proof with the input shown. Raises `CircuitError` if it proves another.

    Everything that Verifiers and CircuitVerifier compare is compared here before, but the proof itself.
    """
    check_claim(model, content, claimed)
    work = claimed.work
    verifier = claim_verifier(
        model, chain_id=chain_id, jobs=jobs, key_digest=key_digest, program_hash=program_hash(work)
    )
    told = told_of(claimed.task_id, work, claimed.terms, claimed.leaf.cycle, content, proof)
    if proof.public != claim_inputs(told.content, told.output):
        raise CircuitError(
            "the proof is not of this input and output with the input shown; make it with the circuit of"
            " claims (Shown.BYTES)"
        )
    statement = leaf_statement(chain_id, jobs, claimed.task_id, work, claimed.terms, claimed.leaf)
    if verifier.statement(told) != statement:
        raise CircuitError(
            "the proof states another claim than the one that stands; ask the chain again, as the task may"
            " have been claimed anew"
        )
    return verifier.seal(told)


def told_in(
    seal: bytes, selector: bytes, *, task_id: TaskId, work: Work, terms: JobTerms, cycle: int
) -> Told | None:
    """What a seal says of a claim, read as the contract reads it (C10.2); None if it is of another claim.

    An encoding leaves open in which order its parts are, what pads them and what is behind them: whoever
    copies a proof may have sent it otherwise than it was made.
    """
    content, output, proof = parts_in(seal)
    told = Told(
        task_id=task_id, work=work, terms=terms, cycle=cycle, content=content, output=output, proof=proof
    )
    fixed = _STATIC_WORDS * WORD_SIZE_BYTES
    return told if seal[:fixed] == _encoded(selector, told)[:fixed] else None


def parts_in(seal: bytes) -> tuple[bytes, bytes, bytes]:
    """Input, output and proof in a seal (C10.2); empty if the seal ends before one does."""

    def number_at(place: int) -> int:
        return int.from_bytes(seal[place : place + WORD_SIZE_BYTES], "big")

    def part(index: int) -> bytes:
        first = number_at((_STATIC_WORDS + index) * WORD_SIZE_BYTES) + WORD_SIZE_BYTES
        if first > len(seal):
            return b""
        size = number_at(first - WORD_SIZE_BYTES)
        return seal[first : first + size] if size <= len(seal) - first else b""

    return part(0), part(1), part(2)


def claim_inputs(content: bytes, output: bytes) -> tuple[int, ...]:
    """The public inputs that input and output stand for (C4.2, C4.4). Raises `CircuitError` for more."""
    if len(output) > OUTPUT_LIMIT_BYTES:
        raise CircuitError(f"expected an output of at most {OUTPUT_LIMIT_BYTES} bytes; got {len(output)}")
    starts = range(0, len(output), 4)
    words = tuple(int.from_bytes(output[start : start + 4], "big") for start in starts)
    return public_inputs(content, words, Shown.BYTES)


def _encoded(selector: bytes, told: Told) -> bytes:
    """Solidity's encoding of a struct with three arrays of bytes at its end."""
    static = selector.ljust(WORD_SIZE_BYTES, b"\0") + encode(job_of_task(told.task_id))
    static += encode_struct(told.work) + encode_struct(told.terms)
    static += encode(shard_of_task(told.task_id), told.cycle)
    return with_tails(static, [encoded_bytes(part) for part in (told.content, told.output, told.proof)])


def with_tails(static: bytes, tails: Sequence[bytes]) -> bytes:
    """Solidity's encoding of a struct whose last fields are lists: their places, and then they."""
    offset, offsets = len(static) + len(tails) * WORD_SIZE_BYTES, list[int]()
    for tail in tails:
        offsets.append(offset)
        offset += len(tail)
    return static + encode(*offsets) + b"".join(tails)


def encoded_bytes(content: bytes) -> bytes:
    """Solidity's encoding of bytes: how many, and they in whole words."""
    return encode(len(content)) + content + bytes(-len(content) % WORD_SIZE_BYTES)
