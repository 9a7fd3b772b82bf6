"""A seal of another claim is refused before it is proven or paid for (docs/circuits.md C10)."""

from dataclasses import replace

import pytest

from tests.circuits.models import small_mlp
from truestep.base.ids import Address, Bytes32, JobId, task_of
from truestep.circuits.claims import Claimed, check_claim, claim_inputs, claim_seal, parts_in
from truestep.circuits.errors import CircuitError
from truestep.circuits.prover import Proof
from truestep.circuits.reference import output_bytes, run
from truestep.commitments.merkle import root_of_bytes
from truestep.machine.layout import RANGE_LEVEL
from truestep.machine.state import Status
from truestep.protocol.settlement.records import JobTerms, Leaf, Work

MODEL = small_mlp()
CONTENT = bytes(range(8))
WORDS = run(MODEL, CONTENT).words
OUTPUT = output_bytes(WORDS)
ZERO = Address("0x" + "00" * 20)
KEY = Bytes32(b"key!" + bytes(28))


def claimed(
    *, code: int = 0, output: bytes = OUTPUT, content: bytes = CONTENT, shard_count: int = 1
) -> Claimed:
    return Claimed(
        task_id=task_of(JobId(3), 0),
        work=Work(
            image_root=Bytes32(bytes(32)),
            entry=4096,
            max_cycles=1 << 20,
            input_root=root_of_bytes(content, RANGE_LEVEL),
            input_size=len(content),
            seed=Bytes32(bytes(32)),
            shard_count=shard_count,
        ),
        terms=JobTerms(
            requester=ZERO,
            consumer=ZERO,
            callback_gas=0,
            asset=ZERO,
            policy=3,
            parameters_id=1,
            bond_multiple=1,
            window_seconds=240,
            lease_seconds=60,
            reducer_of=0,
        ),
        leaf=Leaf(
            head=Status.EXITED << 192 | code << 128 | 77 << 64 | len(output),
            output_root=root_of_bytes(output, RANGE_LEVEL),
            left_root=Bytes32(bytes(32)),
        ),
    )


def seal(claim: Claimed, proof: Proof) -> bytes:
    return claim_seal(
        MODEL, CONTENT, proof, key_digest=KEY, chain_id=1, jobs=Address("0x" + "11" * 20), claimed=claim
    )


PROOF = Proof(proof=b"proof", public=claim_inputs(CONTENT, OUTPUT), words=WORDS)


def test_a_seal_begins_with_the_key_and_holds_the_proof() -> None:
    made = seal(claimed(), PROOF)
    assert made.startswith(b"key!") and b"proof" in made and OUTPUT in made
    assert parts_in(made) == (CONTENT, OUTPUT, PROOF.proof)  # what receipts check it again by
    for cut in (0, 3, 40, len(made) // 2):
        assert parts_in(made[:cut]) != (CONTENT, OUTPUT, PROOF.proof)


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        (claimed(content=bytes(8)), "not that of the job"),
        (claimed(content=bytes(9)), "not that of the job, which has 9"),
        (claimed(code=1), "code 1"),
        (claimed(shard_count=2), "this job has 2"),
        (claimed(output=bytes(len(OUTPUT))), "another output"),
        (claimed(output=OUTPUT[:-4]), "another output"),
    ],
)
def test_a_claim_of_something_else_is_not_proven(claim: Claimed, words: str) -> None:
    with pytest.raises(CircuitError, match=words):
        check_claim(MODEL, CONTENT, claim)
    with pytest.raises(CircuitError, match=words):
        seal(claim, PROOF)


def test_a_proof_of_something_else_is_not_sealed() -> None:
    with pytest.raises(CircuitError, match="with the input shown"):
        seal(claimed(), replace(PROOF, public=PROOF.public[:3]))
    with pytest.raises(CircuitError, match="expected a proof of at most"):
        seal(claimed(), replace(PROOF, proof=bytes(9_601)))
