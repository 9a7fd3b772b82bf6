"""What Assurances answers for policies, and what their contracts may do (docs/protocol.md S8)."""

from truestep.base.errors import Reject
from truestep.base.ids import BatchId
from truestep.protocol.settlement import jobs, operators
from truestep.protocol.settlement.batches import is_leaf_standing
from truestep.protocol.settlement.batches import strike as strike_leaf
from truestep.protocol.settlement.claims import check_leaf
from truestep.protocol.settlement.contracts.assurances import (
    NoteAudited,
    Strike,
    StruckByPolicy,
    Supplied,
    Supply,
)
from truestep.protocol.settlement.games import claim_of_game_id
from truestep.protocol.settlement.ids import (
    NATIVE,
    NOBODY,
    LeafGameId,
    LeafId,
    batch_of_claim,
    leaf_of_claim,
)
from truestep.protocol.settlement.records import Batch
from truestep.protocol.settlement.refusals import require
from truestep.protocol.settlement.standing import Fact
from truestep.protocol.settlement.state import Deployment, LifeCycle, Turn
from truestep.protocol.settlement.stops import require_no_stop


def supply(turn: Turn, call: Supply) -> None:
    """Let a job be taken, whose data is there (S8.3)."""
    job = jobs.job_of(turn.state, call.job_id)
    _require_policy(turn, job.terms.policy)
    require(call.job_digest == job.digest, Reject.JOB_OTHER)
    turn.emit(Supplied(policy=job.terms.policy, job_id=call.job_id))
    jobs.supply(turn, call.job_id)


def strike(turn: Turn, call: Strike) -> None:
    """Take a leaf without an open game out of its batch (S8.4)."""
    batch_id, sender = batch_of_claim(call.claim_id), turn.message.sender
    batch = turn.state.batches.get(batch_id)
    policy = batch.policy if batch is not None else 0
    _require_policy(turn, policy)
    require_no_stop(turn.state, turn.message.now)
    require(not turn.held(batch_id) >> leaf_of_claim(call.claim_id) & 1, Reject.LEAF_HELD)
    task_id = check_leaf(turn.state, call.claim_id, call.terms, call.proof)
    rules = turn.state.parameters[call.proof.job_terms.parameters_id - 1]
    bond_wei = rules.operator_bond_wei * call.proof.job_terms.bond_multiple
    operator = strike_leaf(turn, call.claim_id, task_id, bond_wei)
    assurances = turn.state.deployment.assurances
    if call.is_seized:
        operators.seize(turn, operator, batch_id, bond_wei, assurances)
        turn.transfer(NATIVE, assurances, sender, bond_wei)
    else:
        operators.unlock(turn, operator, batch_id, bond_wei)
    turn.emit(
        StruckByPolicy(policy=policy, claim_id=call.claim_id, bond_wei=bond_wei, is_seized=call.is_seized)
    )


def note_audited(turn: Turn, call: NoteAudited) -> None:
    """Note that an audit found a batch right (operators O2.3)."""
    batch = turn.state.batches.get(call.batch_id)
    _require_policy(turn, batch.policy if batch is not None else 0)
    operators.note(turn, batch.operator if batch is not None else NOBODY, Fact.AUDITED)


def must_wait(deployment: Deployment, number: int) -> bool:
    """Whether jobs under a policy wait until it has seen their data; not if it is unknown (S8.3)."""
    policy = deployment.policies.get(number)
    return policy is not None and policy.must_wait


def open_until(state: LifeCycle, batch_id: BatchId, batch: Batch) -> int:
    """The last second in which a game may be opened on a batch (S6.1)."""
    policy = state.deployment.policies[batch.policy]
    return max(batch.until, state.stopped_until, policy.open_until(batch_id, batch.until))


def is_proven(state: LifeCycle, claim_id: LeafId, now: int) -> bool:
    """Whether a claim that stands is proven, as its policy says (S8.6)."""
    batch = state.batches.get(batch_of_claim(claim_id))
    if batch is None or now <= state.stopped_until or not is_leaf_standing(state, claim_id):
        return False
    return state.deployment.policies[batch.policy].is_proven(claim_id)


def ends_game(state: LifeCycle, game_id: LeafGameId, now: int) -> bool:
    """Whether a proof has ended a game of a claim that stands, as its policy says (S8.6)."""
    batch = state.batches[batch_of_claim(claim_of_game_id(game_id))]
    return now > state.stopped_until and state.deployment.policies[batch.policy].ends_game(game_id)


def _require_policy(turn: Turn, number: int) -> None:
    """The sender must be the contract of this policy."""
    policy = turn.state.deployment.policies.get(number)
    contract = policy.contract if policy is not None else NOBODY
    require(turn.message.sender == contract, Reject.NOT_POLICY)
