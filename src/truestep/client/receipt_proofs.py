"""Proofs of claims in receipts: made from the chain, checked without it (docs/validity.md V9)."""

from collections.abc import Iterator, Mapping
from typing import Literal

from truestep.adapters.chain.deployment import Deployment
from truestep.base.errors import Rejected
from truestep.base.ids import Address, BatchId, Bytes32, JobId, TaskId, shard_of_task, task_of
from truestep.circuits.claims import ClaimVerifier, told_in
from truestep.circuits.errors import CircuitError
from truestep.circuits.evm import accepts, has_evm
from truestep.circuits.proof_file import SYSTEM
from truestep.circuits.setup_key import DEVELOPMENT_WARNING, KeyName
from truestep.circuits.verifier import key_digest, key_in
from truestep.client.checks import Check, equal
from truestep.client.receipt import ProofPart, Receipt, ShardPart
from truestep.ports.chain import ChainReader, TaskProof
from truestep.proofs.receipts import ForeignReceipt, check_receipt
from truestep.proofs.versions import SELECTOR_SIZE_BYTES, Kind, Version, known_versions, live_version
from truestep.protocol.settlement.facts.leaves import leaf_of_state
from truestep.protocol.settlement.ids import LeafId, claim_of
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import Leaf
from truestep.protocol.validity.statements import MANY_COUNTS, leaf_statement, leaves_statement

ANY_PROGRAM = bytes(32)
_Place = tuple[int, int, int]
"""Of a claim: its batch, its leaf there, and its shard."""


# --- made -----------------------------------------------------------------------------------------


def proof_parts(
    chain: ChainReader, deployment: Deployment, claims: Mapping[TaskId, LeafId]
) -> tuple[ProofPart, ...]:
    """Of the claims that were proven. Raises `Unavailable` if a node has not what it needs."""
    if deployment.validity is None:
        return ()
    found = ((task_id, chain.proof_of(task_id, claim_id)) for task_id, claim_id in claims.items())
    return tuple(_part(task_id, proof) for task_id, proof in found if proof is not None)


def _part(task_id: TaskId, proof: TaskProof) -> ProofPart:
    entry, seal = proof.entry, proof.seal
    circuit = key_in(proof.circuit_code) if proof.circuit_code else None
    if circuit is not None and key_digest(circuit[0]) != entry.key_digest:
        circuit = None
    key, name = circuit or (None, None)
    foreign = _foreign(entry.selector)
    return ProofPart(
        shard_index=shard_of_task(task_id),
        entry=proof.number,
        system=entry.system,
        version=SYSTEM if circuit is not None else foreign.name if foreign is not None else None,
        verifier=entry.verifier,
        selector=entry.selector.hex(),
        key_digest=entry.key_digest.hex(),
        program_hash=entry.program_hash.hex(),
        bits=entry.bits,
        statement=proof.statement.hex(),
        seal=seal.hex() if seal else None,
        verification_key=key.hex() if key is not None else None,
        key=_KEYS[name] if name is not None else None,
        proven_block=proof.at.block_number,
        proven_transaction=proof.at.transaction_hash.hex(),
    )


_KEYS: dict[KeyName, Literal["production", "development"]] = {
    KeyName.PRODUCTION: "production",
    KeyName.DEVELOPMENT: "development",
}


def _foreign(selector: bytes) -> Version | None:
    return next((each for each in known_versions() if each.selector == selector), None)


# --- checked --------------------------------------------------------------------------------------


def check_proofs(receipt: Receipt) -> Iterator[Check]:
    """What the proofs of a receipt show by themselves, as far as this computer can tell."""
    if receipt.proofs is None:
        return
    shards = {shard.shard_index: shard for shard in receipt.shards}
    indices = [part.shard_index for part in receipt.proofs]
    known = sorted(set(indices) & shards.keys())
    yield equal("each proof is of another shard of the receipt, in order", known, indices)
    leaves = {
        (shard.batch_id, shard.leaf_index, shard.shard_index): leaf_of_state(shard.claimed())
        for shard in receipt.shards
    }
    for part in receipt.proofs:
        if part.shard_index in shards:
            yield from _check_part(receipt, shards[part.shard_index], part, leaves)


def proof_warnings(receipt: Receipt) -> list[str]:
    """Which proofs this computer cannot check by itself, and why; and which convince nobody."""
    parts = receipt.proofs or ()
    known = [DEVELOPMENT_WARNING] if any(part.key == "development" for part in parts) else []
    return known + [
        f"the proof of shard {part.shard_index} was not checked here: {why}"
        for part in parts
        if (why := _why_unchecked(receipt, part))
    ]


def check_chain_proofs(receipt: Receipt, chain: ChainReader) -> Iterator[Check]:
    """Whether the chain has the same proofs, by the same entries."""
    shards = {shard.shard_index: shard for shard in receipt.shards}
    for part in receipt.proofs or ():
        name = f"shard {part.shard_index}: proven on the chain like this"
        if (shard := shards.get(part.shard_index)) is None:
            continue
        task_id = task_of(JobId(receipt.job_id), part.shard_index)
        proof = chain.proof_of(task_id, claim_of(BatchId(shard.batch_id), shard.leaf_index))
        if proof is None:
            yield Check(name=name, passed=False, detail="expected an event of the proof, the chain has none")
        else:
            yield equal(name, _part(task_id, proof), part)


def _check_part(
    receipt: Receipt, shard: ShardPart, part: ProofPart, leaves: Mapping[_Place, Leaf]
) -> Iterator[Check]:
    what, work = f"shard {shard.shard_index}", receipt.work()
    own, *of_many = _statements(receipt, shard, leaves)
    statement = next((each for each in of_many if each.hex() == part.statement), own)
    yield equal(f"{what}: the proof states this result", statement.hex(), part.statement)
    is_for = part.program_hash in (ANY_PROGRAM.hex(), program_hash(work).hex())
    yield equal(f"{what}: its entry is for this program", True, is_for)
    is_circuit, foreign = part.verification_key is not None, _foreign(bytes.fromhex(part.selector))
    version = SYSTEM if is_circuit else foreign.name if foreign is not None else None
    known = (version, is_circuit)
    yield equal(f"{what}: its version", known, (part.version, part.key is not None), ("name", "set-up"))
    if not _why_unchecked(receipt, part):
        wrong = _what_is_wrong(receipt, shard, part, statement)
        yield Check(name=f"{what}: the proof holds", passed=not wrong, detail=wrong)


def _statements(receipt: Receipt, shard: ShardPart, leaves: Mapping[_Place, Leaf]) -> Iterator[Bytes32]:
    """What a proof of this claim may state: the claim (V3.2), or many with it (V3.6, V4.7)."""
    links, terms = receipt.deployment, receipt.terms.as_terms()
    chain_id, jobs, job_id = links.chain_id, links.address("Jobs"), JobId(receipt.job_id)
    task_id, leaf = task_of(job_id, shard.shard_index), leaf_of_state(shard.claimed())
    yield leaf_statement(chain_id, jobs, task_id, work=receipt.work(), terms=terms, leaf=leaf)
    for count in MANY_COUNTS:
        before = shard.leaf_index % count
        start = shard.shard_index - before
        places = [(shard.batch_id, shard.leaf_index - before + at, start + at) for at in range(count)]
        if all(place in leaves for place in places):
            yield leaves_statement(
                chain_id,
                jobs,
                task_of(job_id, start),
                work=receipt.work(),
                terms=terms,
                leaves=[leaves[place] for place in places],
            )


def _why_unchecked(receipt: Receipt, part: ProofPart) -> str:
    """Why this computer cannot say whether a proof holds; empty if it can."""
    if part.seal is None:
        return "the receipt does not hold it, because another contract has sent it"
    if part.verification_key is not None:
        if receipt.shard_count != 1:
            return "it is one proof of several shards, which only contracts check"
        return "" if has_evm() else "that needs an EVM; install truestep[noir], which brings one"
    version, seal = _foreign(bytes.fromhex(part.selector)), bytes.fromhex(part.seal)
    if version is None:
        return f"this release does not know the system {part.system!r}"
    is_of_set = version.kind is Kind.SET and len(seal) == SELECTOR_SIZE_BYTES
    return "its set's root was proven on the chain before" if is_of_set else ""


def _what_is_wrong(receipt: Receipt, shard: ShardPart, part: ProofPart, statement: Bytes32) -> str:
    """Why a proof does not hold; empty if it does."""
    seal = bytes.fromhex(part.seal or "")
    if seal[:SELECTOR_SIZE_BYTES].hex() != part.selector:
        return f"expected it to begin with {part.selector}, got {seal[:SELECTOR_SIZE_BYTES].hex()}"
    try:
        if part.verification_key is not None:
            holds = _holds_of_circuit(receipt, shard, part, seal, statement)
        else:
            holds = _holds_of_another(part, seal, statement)
    except (CircuitError, Rejected) as error:
        return str(error)
    return "" if holds else "it proves something else, or nothing"


def _holds_of_another(part: ProofPart, seal: bytes, statement: Bytes32) -> bool:
    """Whether a proof of RISC Zero or SP1 holds. Raises Rejected for what is none."""
    image = bytes.fromhex(part.key_digest)
    system = live_version(seal[:SELECTOR_SIZE_BYTES]).system
    receipt = ForeignReceipt(system=system, image=image, journal=statement, proof=seal)
    return check_receipt(receipt).holds


def _holds_of_circuit(
    receipt: Receipt, shard: ShardPart, part: ProofPart, seal: bytes, statement: Bytes32
) -> bool:
    """Whether a proof of a circuit holds. Raises CircuitError for what is none."""
    if part.key is None:
        raise CircuitError("expected the name of the set-up that its verifier believes, it is missing")
    key, work, name = bytes.fromhex(part.verification_key or ""), receipt.work(), KeyName(part.key)
    digest = Bytes32(key_digest(key))
    if digest.hex() != part.key_digest:
        raise CircuitError(f"expected a key with the digest {part.key_digest}, got {digest.hex()}")
    told = told_in(
        seal,
        digest[:SELECTOR_SIZE_BYTES],
        task_id=task_of(JobId(receipt.job_id), shard.shard_index),
        work=work,
        terms=receipt.terms.as_terms(),
        cycle=shard.cycle,
    )
    if told is None:
        return False
    verifier = ClaimVerifier(
        chain_id=receipt.deployment.chain_id,
        jobs=Address(receipt.deployment.address("Jobs")),
        key_digest=digest,
        program_hash=program_hash(work),
        input_size=len(told.content),
        output_size=len(told.output),
    )
    return verifier.accepts(statement, told, lambda made, public: accepts(key, name, made, public))
