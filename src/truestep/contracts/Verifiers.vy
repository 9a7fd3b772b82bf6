#pragma version 0.4.3
#pragma evm-version cancun
#pragma nonreentrancy on
"""
@title Verifiers: a policy under which claims are proven, and the verifiers that it believes (docs/validity.md)
@license Apache-2.0
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IJobs
from interfaces import IParameters
from interfaces import ITimelock
from interfaces import IVerifier
from interfaces import IVerifiers
from modules import challenged_claims
from modules import coins
from modules import leaf_proofs
from modules import native_credits

implements: IAssurance
initializes: coins
initializes: native_credits
exports: (coins.burned_wei, native_credits.credits, native_credits.withdraw_to)


interface Linked:
    def owner() -> address: view
    def disputes() -> address: view
    def jobs() -> address: view
    def parameters() -> address: view
    def assurances() -> address: view
    def policies(policy: uint256) -> address: view
    def get_claim(claim_id: uint256) -> challenged_claims.Claim: view


struct StoredEntry:
    verifier: address
    code_hash: bytes32
    key_digest: bytes32
    program_hash: bytes32
    system: String[32]
    word: uint256  # [ selector 32 | bits 16 | gas_limit 40 | active_from 40 | active_until 40 | stopped_at 40 ]
    limits: uint256  # [ least_bond_wei 128 | value_cap_wei 128 ]


BATCH_CLAIMED: constant(uint8) = 2
BATCH_FINAL: constant(uint8) = 3
SEAL_LIMIT_BYTES: constant(uint256) = 24_576
# Proofs of circuits have 16 kB, and some input beside them.
LEAST_BITS: constant(uint256) = 80
# Less can be broken by somebody with a data centre.
MOST_BITS: constant(uint256) = 256
GAS_LIMIT: constant(uint256) = 10_000_000
# A transaction holds 16.7 million (EIP-7825), and the proof's bytes are paid out of it.
VERIFY_MARGIN_GAS: constant(uint256) = 150_000
# What is left for this contract while the verifier runs, and after it.
REOPEN_LIMIT_SECONDS: constant(uint256) = 20 * 86_400
# S7.5 gives a task 120 days for its result: a lease of 30, a window of 45, games of 22, and this.
BPS: constant(uint256) = 10_000
MANY_LIMIT: constant(uint256) = 32
# Claims of one call: more shards of a job than that have more than one proof.
LOW_LEAVES: constant(uint256) = 216
# Leaves whose bits share a word with a time of 40 bits.
GROUP_BITS: constant(uint256) = 3
# Claims whose proof shares a word: eight, so that a batch of eight writes one.
COUNT_BITS: constant(uint256) = 27
# Of games on a claim in such a word; a claim with more games has a word of its own.
MASK3: constant(uint256) = 2**3 - 1
MASK8: constant(uint256) = 2**8 - 1
MASK16: constant(uint256) = 2**16 - 1
MASK27: constant(uint256) = 2**27 - 1
MASK32: constant(uint256) = 2**32 - 1
MASK40: constant(uint256) = 2**40 - 1
MASK128: constant(uint256) = 2**128 - 1
MASK64: constant(uint256) = 2**64 - 1
MASK216: constant(uint256) = 2**216 - 1

DEPLOYER: immutable(address)
OWNER: immutable(address)
ASSURANCES: immutable(IAssurances)
DISPUTES: immutable(address)
JOBS: immutable(IJobs)
PARAMETERS: immutable(IParameters)

entry_count: public(uint256)
entries: HashMap[uint256, StoredEntry]
last_stopped_at: public(uint256)  # when an entry was stopped last
bonds: HashMap[uint256, uint256]  # parameters id: the operator's bond, which never changes
proofs: HashMap[uint256, uint256]  # claim id, if its group has another entry: [ number | games opened before 32 ]
groups: HashMap[uint256, uint256]  # claim id >> 3: [ number 32 | which claims 8 | games opened before 27, eight times ]
marks: HashMap[uint256, uint256]  # batch id: [ a window after its last proof 40 | leaves that are proven 216 ]
high_marks: HashMap[uint256, uint256]  # batch id: leaves from number 216 on that are proven


@deploy
def __init__(assurances: address):
    """
    @dev Owner and Disputes are those of Assurances; all others those of Disputes.
    """
    assert assurances.is_contract, "no contract at this address"
    DEPLOYER = msg.sender
    OWNER = staticcall Linked(assurances).owner()
    ASSURANCES = IAssurances(assurances)
    DISPUTES = staticcall Linked(assurances).disputes()
    jobs: address = staticcall Linked(DISPUTES).jobs()
    JOBS = IJobs(jobs)
    PARAMETERS = IParameters(staticcall Linked(jobs).parameters())


@external
@payable
@reentrant
def __default__():
    """
    @dev Coins come in only within `drop`, as a seized bond.
    """
    assert msg.sender == ASSURANCES.address, "caller is not Assurances"


# --- entries --------------------------------------------------------------------------------------


@external
def add(entry: IVerifiers.Entry, number: uint256):
    """
    @notice Believe another verifier (V2.2). By the owner, and until Jobs is connected by the deployer.
    @param number The number that it must get: anybody may execute what the timelock announced, in any order.
    """
    if msg.sender != OWNER:
        assert (
            msg.sender == DEPLOYER
            and staticcall Linked(JOBS.address).assurances() == empty(address)
        ), "caller is not the owner"
    assert number == self.entry_count + 1 and number <= MASK32, "number is not the next"
    assert entry.verifier.is_contract, "no contract at this address"
    assert (
        staticcall IVerifier(entry.verifier).selector() == entry.selector
    ), "proof is of another system"
    assert entry.bits >= LEAST_BITS and entry.bits <= MOST_BITS, "security bits out of bounds"
    assert (
        entry.value_cap_wei != 0 and entry.value_cap_wei < 2**128
    ), "value cap out of bounds"
    assert entry.least_bond_wei <= entry.value_cap_wei, "least bond out of bounds"
    assert entry.gas_limit != 0 and entry.gas_limit <= GAS_LIMIT, "gas limit out of bounds"
    assert (
        entry.active_from < entry.active_until
        and entry.active_until > block.timestamp
        and entry.active_until <= MASK40
    ), "time of the entry out of bounds"
    code_hash: bytes32 = entry.verifier.codehash
    self.entry_count = number
    self.entries[number] = StoredEntry(
        verifier=entry.verifier,
        code_hash=code_hash,
        key_digest=entry.key_digest,
        program_hash=entry.program_hash,
        system=entry.system,
        word=convert(entry.selector, uint256) << 176
        | entry.bits << 160
        | entry.gas_limit << 120
        | entry.active_from << 80
        | entry.active_until << 40,
        limits=entry.least_bond_wei << 128 | entry.value_cap_wei,
    )
    log IVerifiers.Added(number=number, entry=entry, code_hash=code_hash)


@external
def stop(number: uint256):
    """
    @notice Believe a verifier no longer, at once and for ever (V2.3). By the guardian or the owner.
    """
    if msg.sender != OWNER:
        assert msg.sender == staticcall ITimelock(OWNER).guardian(), "caller is not the guardian"
    self._stop(number)


@external
def contradict(claim_id: uint256):
    """
    @notice Stop the entry by which a claim was proven that a game or a refutation has struck (V4.4). By anybody.
    """
    number: uint256 = self._proof(claim_id) >> 32
    assert number != 0, "claim is not proven"
    batch: IJobs.Batch = staticcall JOBS.get_batch(claim_id >> 8)
    assert batch.struck >> (claim_id & MASK8) & 1 == 1, "claim stands"
    log IVerifiers.Contradicted(claim_id=claim_id, number=number)
    self._stop(number)


# --- claims ---------------------------------------------------------------------------------------


@external
def prove(
    claim_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
    number: uint256,
    seal: Bytes[SEAL_LIMIT_BYTES],
):
    """
    @notice Prove a claim, which is final for consumers at once (V4.1). By anybody.
    @param number The entry whose verifier is asked.
    @param seal The proof, from its selector on.
    """
    batch_id: uint256 = claim_id >> 8
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    leaf_bit: uint256 = 1 << (claim_id & MASK8)
    assert (
        batch.stage == BATCH_CLAIMED and batch.struck & leaf_bit == 0
    ), "claim does not stand"
    self._check_own(batch)
    assert block.timestamp <= convert(batch.until, uint256), "proof time is over"
    assert self._proven(batch_id, batch.leaf_count) & leaf_bit == 0, "claim is proven"
    task_id: uint256 = leaf_proofs.check(JOBS.address, claim_id, batch, terms, proof)
    assert not leaf_proofs.is_refuted(
        proof.work, proof.leaf, b""
    ), "leaf is false by its shape: refute"
    statement: bytes32 = self._statement(task_id, proof)
    self._check_entry(number, batch, proof)
    verifier: address = empty(address)
    gas_limit: uint256 = 0
    assert len(seal) >= 4, "proof is of another system"
    verifier, gas_limit = self._verifier(number, convert(slice(seal, 0, 4), bytes4))
    is_success: bool = False
    answer: Bytes[64] = b""  # room for more than the one word that is due
    # Nothing is kept of a refusal, whatever brought it about. Here and not in a function: it would copy the seal.
    is_success, answer = raw_call(
        verifier,
        abi_encode(
            self.entries[number].key_digest,
            statement,
            seal,
            method_id=method_id("verify(bytes32,bytes32,bytes)"),
        ),
        max_outsize=64,
        gas=gas_limit,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert (
        is_success and len(answer) == 32 and extract32(answer, 0, output_type=uint256) == 1
    ), "verifier refuses the proof"
    open_until: uint256 = self._mark(batch_id, batch, terms.window_seconds, leaf_bit)
    self._keep(claim_id, task_id, 1, 1, number, statement, open_until)


@external
def prove_many(
    claim_id: uint256,
    terms: IJobs.BatchTerms,
    proof: IJobs.LeafProof,
    others: DynArray[IJobs.Leaf, MANY_LIMIT - 1],
    number: uint256,
    seal: Bytes[SEAL_LIMIT_BYTES],
):
    """
    @notice Prove the claims of 2, 4, 8, 16 or 32 shards of a job at once (V4.7). By anybody.
    @param claim_id The first of them. Its place in the batch is a multiple of their number.
    @param proof That the first leaf is in the batch.
    @param others The leaves behind it.
    """
    batch_id: uint256 = claim_id >> 8
    first: uint256 = claim_id & MASK8
    count: uint256 = len(others) + 1
    assert (
        count != 1 and count & (count - 1) == 0 and first & (count - 1) == 0
    ), "claims are no part of the tree"
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    fresh: uint256 = ((1 << count) - 1) << first & ~batch.struck
    assert batch.stage == BATCH_CLAIMED and fresh != 0, "claim does not stand"
    self._check_own(batch)
    assert block.timestamp <= convert(batch.until, uint256), "proof time is over"
    fresh &= ~self._proven(batch_id, batch.leaf_count)
    assert fresh != 0, "claim is proven"
    task_id: uint256 = leaf_proofs.check(JOBS.address, claim_id, batch, terms, proof)
    leaf_proofs.check_others(first, batch, proof, others)
    statement: bytes32 = self._statement_of_many(task_id, proof, others)
    self._check_entry(number, batch, proof)
    verifier: address = empty(address)
    gas_limit: uint256 = 0
    assert len(seal) >= 4, "proof is of another system"
    verifier, gas_limit = self._verifier(number, convert(slice(seal, 0, 4), bytes4))
    is_success: bool = False
    answer: Bytes[64] = b""  # room for more than the one word that is due
    # Nothing is kept of a refusal, whatever brought it about. Here and not in a function: it would copy the seal.
    is_success, answer = raw_call(
        verifier,
        abi_encode(
            self.entries[number].key_digest,
            statement,
            seal,
            method_id=method_id("verify(bytes32,bytes32,bytes)"),
        ),
        max_outsize=64,
        gas=gas_limit,
        is_static_call=True,
        revert_on_failure=False,
    )
    assert (
        is_success and len(answer) == 32 and extract32(answer, 0, output_type=uint256) == 1
    ), "verifier refuses the proof"
    open_until: uint256 = self._mark(batch_id, batch, terms.window_seconds, fresh)
    self._keep(claim_id, task_id, count, fresh >> first, number, statement, open_until)


@external
def drop(claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof):
    """
    @notice Strike a leaf that nobody has proven in time (V4.6). By anybody.
    @dev Assurances proves the leaf, and refuses one with an open game or of another policy.
    """
    batch_id: uint256 = claim_id >> 8
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    assert (
        batch.stage == BATCH_CLAIMED or batch.stage == BATCH_FINAL
    ), "claim does not stand"
    until: uint256 = convert(batch.until, uint256)
    assert block.timestamp > until, "proof time is not over"
    proven: uint256 = self._proven(batch_id, batch.leaf_count)
    assert proven >> (claim_id & MASK8) & 1 == 0, "claim is proven"
    # An operator could not know before it claimed that the entry would be stopped.
    is_seized: bool = unsafe_add(self.last_stopped_at, terms.window_seconds) < until
    task_id: uint256 = 0
    bond_wei: uint256 = 0
    task_id, bond_wei = extcall ASSURANCES.strike(claim_id, terms, proof, is_seized)
    penalty_wei: uint256 = 0
    if is_seized:
        rules: IParameters.Parameters = staticcall PARAMETERS.get(
            convert(batch.parameters_id, uint256)
        )
        penalty_wei = bond_wei * rules.lease_penalty_bps // BPS
        native_credits.credit(batch.operator, bond_wei - penalty_wei)
        coins.burn(penalty_wei)
    log IVerifiers.Dropped(claim_id=claim_id, task_id=task_id, penalty_wei=penalty_wei)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def must_wait() -> bool:
    """
    @notice Jobs under this policy can be taken at once.
    """
    return False


@external
@view
def open_until(batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second in which a game may be opened on a batch: one window after its last proof (V4.2).
    """
    return max(until, self.marks[batch_id] >> LOW_LEAVES)


@external
@view
def verdict(batch_id: uint256, until: uint256, leaf_count: uint256) -> (bool, uint256):
    """
    @notice A batch is due when no game can be opened on it any more; leaves that are not proven wait (V4.5).
    """
    is_due: bool = block.timestamp > max(until, self.marks[batch_id] >> LOW_LEAVES)
    return is_due, ~self._proven(batch_id, convert(leaf_count, uint16))


@external
@view
def is_proven(claim_id: uint256) -> bool:
    """
    @notice Whether a claim stands and is proven by an entry that was not stopped (V4.3).
    """
    number: uint256 = self._proof(claim_id) >> 32
    if number == 0 or self._is_stopped(number):
        return False
    batch: IJobs.Batch = staticcall JOBS.get_batch(claim_id >> 8)
    return (
        batch.stage == BATCH_CLAIMED or batch.stage == BATCH_FINAL
    ) and batch.struck >> (claim_id & MASK8) & 1 == 0


@external
@view
def ends_game(game_id: uint256) -> bool:
    """
    @notice Whether a game was opened before its claim was proven, by an entry that was not stopped (V5.1).
    """
    word: uint256 = self._proof(game_id >> 32)
    number: uint256 = word >> 32
    return number != 0 and game_id & MASK32 <= word & MASK32 and not self._is_stopped(number)


@external
@view
def proof_of(claim_id: uint256) -> (uint256, uint256):
    """
    @notice The entry by which a claim was proven, or 0, and how many games had been opened on it before.
    """
    word: uint256 = self._proof(claim_id)
    return word >> 32, word & MASK32


@external
@view
def proven(batch_id: uint256) -> uint256:
    """
    @notice The leaves of a batch that are proven, a bit each.
    """
    return self._proven(batch_id, max_value(uint16))


@external
@view
def get(number: uint256) -> IVerifiers.Entry:
    """
    @notice An entry. Refuses a number that there is not.
    """
    self._check_known(number)
    stored: StoredEntry = self.entries[number]
    return IVerifiers.Entry(
        verifier=stored.verifier,
        selector=self._selector(stored.word),
        key_digest=stored.key_digest,
        program_hash=stored.program_hash,
        system=stored.system,
        bits=stored.word >> 160 & MASK16,
        value_cap_wei=stored.limits & MASK128,
        least_bond_wei=stored.limits >> 128,
        gas_limit=stored.word >> 120 & MASK40,
        active_from=stored.word >> 80 & MASK40,
        active_until=stored.word >> 40 & MASK40,
    )


@external
@view
def stopped_at(number: uint256) -> uint256:
    """
    @notice When an entry was stopped; 0 if it was not. Refuses a number that there is not.
    """
    self._check_known(number)
    return self.entries[number].word & MASK40


@external
@view
def code_hash(number: uint256) -> bytes32:
    """
    @notice The hash of the code that the entry's verifier had when it was added, and must have.
    """
    self._check_known(number)
    return self.entries[number].code_hash


@external
@view
def statement(task_id: uint256, proof: IJobs.LeafProof) -> bytes32:
    """
    @notice What a proof of this leaf must state (V3.2). Checks nothing of what it is given.
    """
    return self._statement(task_id, proof)


# --- shared ---------------------------------------------------------------------------------------


@internal
def _stop(number: uint256):
    self._check_known(number)
    assert not self._is_stopped(number), "entry is stopped"
    self.entries[number].word |= block.timestamp
    self.last_stopped_at = block.timestamp
    log IVerifiers.Stopped(number=number, caller=msg.sender)


@internal
@view
def _check_known(number: uint256):
    assert number != 0 and number <= self.entry_count, "unknown entry"


@internal
@view
def _is_stopped(number: uint256) -> bool:
    return self.entries[number].word & MASK40 != 0


@internal
@pure
def _selector(word: uint256) -> bytes4:
    return convert(convert(word >> 176 & MASK32, uint32), bytes4)


@internal
@view
def _check_own(batch: IJobs.Batch):
    """
    @notice Refuse a batch of jobs that have not chosen this policy.
    """
    policy: uint256 = convert(batch.policy, uint256)
    assert (
        staticcall Linked(ASSURANCES.address).policies(policy) == self
    ), "batch is under another policy"


@internal
@view
def _statement(task_id: uint256, proof: IJobs.LeafProof) -> bytes32:
    """
    @dev V3.1, V3.2.
    """
    digest: bytes32 = leaf_proofs.job_digest(
        JOBS.address, task_id >> 32, proof.work, proof.job_terms
    )
    head: uint256 = proof.leaf.head
    return keccak256(
        abi_encode(
            chain.id,
            JOBS.address,
            keccak256(abi_encode(digest, task_id & MASK32)),
            proof.leaf.output_root,
            head & MASK64,
            head >> 192,
            head >> 128 & MASK64,
            head >> 64 & MASK64,
        )
    )


@internal
@view
def _statement_of_many(
    task_id: uint256, proof: IJobs.LeafProof, others: DynArray[IJobs.Leaf, MANY_LIMIT - 1]
) -> bytes32:
    """
    @dev V3.6.
    """
    digest: bytes32 = leaf_proofs.job_digest(
        JOBS.address, task_id >> 32, proof.work, proof.job_terms
    )
    words: DynArray[bytes32, 2 * MANY_LIMIT] = [
        convert(proof.leaf.head, bytes32), proof.leaf.output_root
    ]
    for other: IJobs.Leaf in others:
        words.append(convert(other.head, bytes32))
        words.append(other.output_root)
    return leaf_proofs.statement_of_many(JOBS.address, digest, task_id & MASK32, words)


@internal
def _mark(batch_id: uint256, batch: IJobs.Batch, window_seconds: uint256, leaves: uint256) -> uint256:
    """
    @notice Keep that these leaves are proven; the last second in which a game may be opened on the batch (V4.2).
    """
    open_until: uint256 = max(
        convert(batch.until, uint256),
        block.timestamp + min(window_seconds, REOPEN_LIMIT_SECONDS),
    )
    self.marks[batch_id] = open_until << LOW_LEAVES | (self.marks[batch_id] | leaves) & MASK216
    if leaves >> LOW_LEAVES != 0:
        self.high_marks[batch_id] |= leaves >> LOW_LEAVES
    return open_until


@internal
@view
def _proven(batch_id: uint256, leaf_count: uint16) -> uint256:
    leaves: uint256 = self.marks[batch_id] & MASK216
    if convert(leaf_count, uint256) <= LOW_LEAVES:
        return leaves
    return leaves | self.high_marks[batch_id] << LOW_LEAVES


@internal
def _keep(
    claim_id: uint256,
    task_id: uint256,
    count: uint256,
    fresh: uint256,
    number: uint256,
    statement: bytes32,
    open_until: uint256,
):
    """
    @notice Keep the proof of the claims that `fresh` has a bit of, and say so of each.
    @dev A group has one entry: what another one proves later has words of its own.
    """
    group: uint256 = 0
    for index: uint256 in range(count, bound=MANY_LIMIT):
        own: uint256 = claim_id + index
        if index == 0 or own & MASK3 == 0:
            group = self.groups[own >> GROUP_BITS]
        if fresh >> index & 1 == 1:
            claim: challenged_claims.Claim = staticcall Linked(DISPUTES).get_claim(own)
            place: uint256 = own & MASK3
            if claim.opened <= MASK27 and (group == 0 or group >> 224 == number):
                group |= number << 224 | 1 << 216 + place | claim.opened << COUNT_BITS * place
            else:
                self.proofs[own] = number << 32 | claim.opened
            log IVerifiers.Proven(
                claim_id=own,
                task_id=task_id + index,
                number=number,
                statement=statement,
                game_count=claim.opened,
                open_until=open_until,
            )
        if index == count - 1 or own & MASK3 == MASK3:
            self.groups[own >> GROUP_BITS] = group


@internal
@view
def _proof(claim_id: uint256) -> uint256:
    """
    @notice By which entry a claim was proven, and how many games had been opened: as in `proofs`, or 0.
    """
    word: uint256 = self.proofs[claim_id]
    if word != 0:
        return word
    group: uint256 = self.groups[claim_id >> GROUP_BITS]
    place: uint256 = claim_id & MASK3
    if group >> 216 + place & 1 == 0:
        return 0
    return group >> 224 << 32 | group >> COUNT_BITS * place & MASK27


@internal
def _check_entry(number: uint256, batch: IJobs.Batch, proof: IJobs.LeafProof):
    """
    @notice Refuse an entry that may not prove this claim (V2.4).
    """
    self._check_known(number)
    word: uint256 = self.entries[number].word
    assert word & MASK40 == 0, "entry is stopped"
    assert block.timestamp >= word >> 80 & MASK40, "entry is not active yet"
    assert block.timestamp <= word >> 40 & MASK40, "entry has expired"
    program_hash: bytes32 = self.entries[number].program_hash
    assert program_hash == empty(bytes32) or program_hash == keccak256(
        abi_encode(proof.work.image_root, proof.work.entry, proof.work.max_cycles)
    ), "entry is for another program"
    parameters_id: uint256 = convert(batch.parameters_id, uint256)
    if self.bonds[parameters_id] == 0:
        self.bonds[parameters_id] = (staticcall PARAMETERS.get(parameters_id)).operator_bond_wei
    limits: uint256 = self.entries[number].limits
    value_wei: uint256 = self.bonds[parameters_id] * convert(proof.job_terms.bond_multiple, uint256)
    assert value_wei >= limits >> 128, "claim is below the least bond"
    if proof.job_terms.asset == empty(address):
        value_wei += (staticcall JOBS.get_job(proof.item >> 64)).reward
    assert value_wei <= limits & MASK128, "claim is above the value cap"


@internal
@view
def _verifier(number: uint256, selector: bytes4) -> (address, uint256):
    """
    @notice Whom to ask, and with how much gas (V2.5). Refuses seals of other systems, and too little gas.
    """
    verifier: address = self.entries[number].verifier
    word: uint256 = self.entries[number].word
    assert selector == self._selector(word), "proof is of another system"
    assert verifier.codehash == self.entries[number].code_hash, "verifier has changed its code"
    gas_limit: uint256 = word >> 120 & MASK40
    # EIP-150: a call gets at most 63/64 of what is left.
    assert (
        msg.gas >= gas_limit + gas_limit // 63 + VERIFY_MARGIN_GAS
    ), "not enough gas for the verifier"
    return verifier, gas_limit
