#pragma version 0.4.3
#pragma evm-version cancun
"""
@title Assurances: what a policy demands before a batch may end, what its contract may do, and the guardian's stop
       (docs/protocol.md S2.4, S8)
@license Apache-2.0
@dev Policy 1, optimistic, is built in. Others are contracts, which are added and never change. They reach Jobs and
     Operators through this contract alone, and only what is under their own number.
"""
from interfaces import IAssurance
from interfaces import IAssurances
from interfaces import IDisputes
from interfaces import IJobs
from interfaces import IOperators
from interfaces import IParameters
from interfaces import ITimelock
from modules import coins
from modules import leaf_proofs

implements: IAssurances
initializes: coins


interface Linked:
    def operators() -> address: view
    def parameters() -> address: view
    def jobs() -> address: view
    def assurances() -> address: view


interface Assigning:
    def may_take(operator: address, items: DynArray[uint256, BATCH_LIMIT]) -> bool: view


OPTIMISTIC: constant(uint256) = 1
POLICY_LIMIT: constant(uint256) = 2**8 - 1
# A job keeps the number of its policy in 8 bits.
STOP_LIMIT_SECONDS: constant(uint256) = 7 * 86_400
STOP_PAUSE_SECONDS: constant(uint256) = 30 * 86_400
# From the start of a stop to that of the next, so that a guardian cannot stop for ever.
BATCH_LIMIT: constant(uint256) = 256
WAITS: constant(uint256) = 4
ASSIGNS: constant(uint256) = 8
# The flags of a job's word that its policy decides (S3.2).
AUDITED: constant(uint256) = 2
# The fact of Operators.
LOW_HALF: constant(uint256) = 2**128 - 1
MASK8: constant(uint256) = 2**8 - 1

DEPLOYER: immutable(address)
owner: public(immutable(address))
disputes: public(immutable(address))
JOBS: immutable(IJobs)
OPERATORS: immutable(IOperators)
PARAMETERS: immutable(IParameters)

added_count: uint256  # of policies
policies: public(HashMap[uint256, address])
policy_numbers: public(HashMap[address, uint256])  # the first number of each contract of a policy
policy_flags: HashMap[uint256, uint256]  # what the jobs of a policy are marked with
stop_word: uint256  # [ began 128 | until 128 ]


@deploy
def __init__(timelock: address, disputes_: address):
    """
    @param timelock Who adds policies; its guardian may stop the ends of batches for a while.
    @param disputes_ Whose games hold leaves. Jobs, Operators and Parameters are those that it knows.
    """
    assert timelock.is_contract and disputes_.is_contract, "no contract at this address"
    DEPLOYER = msg.sender
    owner = timelock
    disputes = disputes_
    jobs: address = staticcall Linked(disputes_).jobs()
    JOBS = IJobs(jobs)
    OPERATORS = IOperators(staticcall Linked(jobs).operators())
    PARAMETERS = IParameters(staticcall Linked(jobs).parameters())


@external
@payable
def __default__():
    """
    @dev Coins come in only within `strike`, as a seized bond.
    """
    assert msg.sender == OPERATORS.address, "caller is not Operators"


@external
def add(policy: address, number: uint256):
    """
    @notice Let jobs name another policy. By the owner, and until Jobs is connected by the deployer.
    @param number The number that it must get: anybody may execute what the timelock announced, in any order.
    """
    if msg.sender != owner:
        assert (
            msg.sender == DEPLOYER
            and staticcall Linked(JOBS.address).assurances() == empty(address)
        ), "caller is not the owner"
    assert policy.is_contract, "no contract at this address"
    assert number == self._policy_count() + 1, "number is not the next"
    assert number <= POLICY_LIMIT, "too many policies"
    self.added_count += 1
    self.policies[number] = policy
    if self.policy_numbers[policy] == 0:
        self.policy_numbers[policy] = number
    must_wait: bool = staticcall IAssurance(policy).must_wait()
    assigns: bool = self._says_yes(policy, method_id("assigns()"))
    self.policy_flags[number] = (WAITS if must_wait else 0) | (ASSIGNS if assigns else 0)
    log IAssurances.Added(
        policy=number, assurance=policy, must_wait=must_wait, assigns=assigns
    )


@external
def stop(seconds: uint256):
    """
    @notice Let no batch end for a while (S2.4). By the guardian, once in 30 days.
    """
    assert msg.sender == staticcall ITimelock(owner).guardian(), "caller is not the guardian"
    assert seconds != 0 and seconds <= STOP_LIMIT_SECONDS, "stop out of bounds"
    assert block.timestamp >= (self.stop_word >> 128) + STOP_PAUSE_SECONDS, "stopped a short while ago"
    until: uint256 = block.timestamp + seconds
    self.stop_word = block.timestamp << 128 | until
    log IAssurances.Stopped(until=until)


# --- policies -------------------------------------------------------------------------------------


@external
def supply(job_id: uint256, job_digest: bytes32):
    """
    @notice Let a job be taken, whose data is there (S8.3). By the contract of its policy.
    """
    policy: uint256 = (staticcall JOBS.get_job(job_id)).policy
    self._check_policy(policy)
    assert job_digest == staticcall JOBS.job_digests(job_id), "work or terms of another job"
    log IAssurances.Supplied(policy=policy, job_id=job_id)
    extcall JOBS.resolve(job_id, job_digest)


@external
def strike(
    claim_id: uint256, terms: IJobs.BatchTerms, proof: IJobs.LeafProof, is_seized: bool
) -> (uint256, uint256):
    """
    @notice Take a leaf without an open game out of its batch (S8.4). By the contract of its policy.
    @param is_seized Whether the caller is sent the leaf's bond; else the operator has it back.
    @return The leaf's task and its bond.
    """
    batch_id: uint256 = claim_id >> 8
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    self._check_policy(convert(batch.policy, uint256))
    self._check_stop()
    is_held: bool = staticcall IDisputes(disputes).held(batch_id) >> (claim_id & MASK8) & 1 == 1
    assert not is_held, "leaf is held"
    task_id: uint256 = leaf_proofs.check(JOBS.address, claim_id, batch, terms, proof)
    rules: IParameters.Parameters = staticcall PARAMETERS.get(convert(batch.parameters_id, uint256))
    bond_wei: uint256 = rules.operator_bond_wei * convert(proof.job_terms.bond_multiple, uint256)
    operator: address = extcall JOBS.strike(claim_id, task_id, bond_wei)
    if is_seized:
        extcall OPERATORS.seize(operator, batch_id, bond_wei)
        coins.pay(msg.sender, bond_wei)
    else:
        extcall OPERATORS.unlock(operator, batch_id, bond_wei)
    log IAssurances.StruckByPolicy(
        policy=convert(batch.policy, uint256),
        claim_id=claim_id,
        bond_wei=bond_wei,
        is_seized=is_seized,
    )
    return task_id, bond_wei


@external
def note_audited(batch_id: uint256):
    """
    @notice Note that an audit found the batch right (operators O2.3). By the contract of its policy.
    """
    batch: IJobs.Batch = staticcall JOBS.get_batch(batch_id)
    self._check_policy(convert(batch.policy, uint256))
    extcall OPERATORS.note(batch.operator, AUDITED)


# --- views ----------------------------------------------------------------------------------------


@external
@view
def policy_count() -> uint256:
    """
    @notice How many policies there are: the number of the newest.
    """
    return self._policy_count()


@external
@view
def stopped_until() -> uint256:
    """
    @notice The last second of the latest stop; 0 if there was none.
    """
    return self.stop_word & LOW_HALF


@external
@view
def flags(policy: uint256) -> uint256:
    """
    @notice What the jobs under this policy are marked with: 4 if they wait for their data (S8.3), 8 if the
            policy says who may take them (S8.8). Refuses an unknown policy.
    """
    if policy == OPTIMISTIC:
        return 0
    assert self.policies[policy] != empty(address), "unknown policy"
    return self.policy_flags[policy]


@external
@view
def check_taker(
    policy: uint256, operator: address, items: DynArray[uint256, BATCH_LIMIT]
) -> bool:
    """
    @notice Yes; refuses an operator that may not take these items of jobs whose policy says who may (S8.8).
    """
    assert staticcall Assigning(self.policies[policy]).may_take(
        operator, items
    ), "not drawn for this job"
    return True


@external
@view
def open_until(policy: uint256, batch_id: uint256, until: uint256) -> uint256:
    """
    @notice The last second in which a game may be opened on a batch whose window ends at `until` (S6.1).
    """
    last: uint256 = max(until, self.stop_word & LOW_HALF)
    if policy == OPTIMISTIC:
        return last
    return max(last, staticcall IAssurance(self.policies[policy]).open_until(batch_id, until))


@external
@view
def is_proven(claim_id: uint256) -> bool:
    """
    @notice Whether the claim's policy says that it is proven (S8.6). Not while `finalize` is stopped.
    """
    return self._affirms(
        claim_id >> 8, abi_encode(claim_id, method_id=method_id("is_proven(uint256)"))
    )


@external
@view
def ends_game(game_id: uint256) -> bool:
    """
    @notice Whether the policy of a game's claim says that a proof has ended it (S8.6). Not while `finalize` is stopped.
    """
    return self._affirms(
        game_id >> 40, abi_encode(game_id, method_id=method_id("ends_game(uint256)"))
    )


@external
@view
def verdict(
    policy: uint256, batch_id: uint256, until: uint256, leaf_count: uint256
) -> (bool, uint256):
    """
    @notice Whether the batch may end now, and the leaves that must wait, a bit each (S8.1).
    """
    self._check_stop()
    if policy == OPTIMISTIC:
        if block.timestamp <= until:
            return False, 0
        return True, staticcall IDisputes(disputes).held(batch_id)
    assurance: address = self.policies[policy]
    assert assurance != empty(address), "unknown policy"
    is_due: bool = False
    held: uint256 = 0
    is_due, held = staticcall IAssurance(assurance).verdict(batch_id, until, leaf_count)
    # A leaf that became final under a game would leave the game's bonds in Disputes for ever.
    return is_due, held | staticcall IDisputes(disputes).held(batch_id)


# --- shared ---------------------------------------------------------------------------------------


@internal
@view
def _check_policy(policy: uint256):
    assert msg.sender == self.policies[policy], "caller is not the policy"


@internal
@view
def _affirms(batch_id: uint256, question: Bytes[36]) -> bool:
    """
    @dev A policy that does not know the question, or fails, says no.
    """
    if block.timestamp <= self.stop_word & LOW_HALF:
        return False
    policy: uint256 = convert((staticcall JOBS.get_batch(batch_id)).policy, uint256)
    assurance: address = self.policies[policy]
    return assurance != empty(address) and self._says_yes(assurance, question)


@internal
@view
def _says_yes(assurance: address, question: Bytes[36]) -> bool:
    is_success: bool = False
    answer: Bytes[32] = b""
    is_success, answer = raw_call(
        assurance, question, max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    return is_success and len(answer) == 32 and convert(answer, uint256) == 1


@internal
@view
def _check_stop():
    assert block.timestamp > self.stop_word & LOW_HALF, "finalize is stopped"


@internal
@view
def _policy_count() -> uint256:
    return OPTIMISTIC + self.added_count
