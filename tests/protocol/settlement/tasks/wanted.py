"""What a call of a contract is for nodes: the way back, by what the test knows besides the facts."""

from __future__ import annotations

from truestep.base.ids import Bytes32, ClaimId, GameId, TaskId
from truestep.protocol import calls
from truestep.protocol.calls import Call
from truestep.protocol.claims import ZERO_HASH, ClaimedState
from truestep.protocol.settlement import games
from truestep.protocol.settlement.contracts import disputes, jobs, operators, programs, results
from truestep.protocol.settlement.facts.leaves import leaf_at, state_of_leaf
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import node_of_game
from truestep.protocol.settlement.facts.retention import items_of
from truestep.protocol.settlement.facts.views import claim_view
from truestep.protocol.settlement.ids import LeafId, unpack_item
from truestep.protocol.settlement.jobs import slot_level_of, source_of
from truestep.protocol.settlement.messages import Message
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, game_of_leaf, task_of_leaf

Opening = tuple[bytes, bytes]
"""The state hash and salt behind a commitment."""


def wanted(facts: Facts, message: Message, opening: Opening | None = None) -> Call | None:
    """The node's call; None if the facts do not have what it is about, or nodes have no such call."""
    call = message.call
    return (
        _of_coins(message)
        or _of_jobs(call)
        or _of_batches(facts, call)
        or _of_claims(facts, call, opening)
        or _of_games(facts, call)
    )


def _of_coins(message: Message) -> Call | None:
    match message.call:
        case operators.DepositFor(operator=operator):
            return calls.Deposit(amount_wei=message.value_wei, operator=operator)
        case operators.WithdrawTo(receiver=receiver, amount_wei=amount_wei):
            return calls.WithdrawStake(amount_wei=amount_wei, receiver=receiver)
        case operators.SetDelegate(delegate=delegate, roles=roles):
            return calls.SetDelegate(delegate=delegate, roles=roles)
        case jobs.Withdraw(asset=asset, receiver=receiver):
            return calls.WithdrawRewards(asset=asset, receiver=receiver)
        case disputes.WithdrawTo(receiver=receiver):
            return calls.WithdrawWinnings(receiver=receiver)
        case _:
            return None


def _of_jobs(call: object) -> Call | None:
    match call:
        case programs.Register():
            return calls.RegisterProgram(
                image_root=call.image_root,
                entry=call.entry,
                max_cycles=call.max_cycles,
                digest=call.digest,
                uri=call.uri,
                workload=call.workload,
            )
        case jobs.Post():
            return _of_order(call)
        case jobs.TopUp(job_id=job_id, reward=reward):
            return calls.TopUpJob(job_id=job_id, reward=reward)
        case jobs.Close(job_id=job_id):
            return calls.CloseJob(job_id=job_id)
        case jobs.Cancel(job_id=job_id, shards=shards):
            return calls.CancelTasks(job_id=job_id, shards=shards)
        case results.Feed(job_id=job_id, slot_nodes=slot_nodes):
            return calls.FeedJob(job_id=job_id, slot_nodes=slot_nodes)
        case results.CallBack(job_id=job_id):
            return calls.CallBack(job_id=job_id)
        case _:
            return None


def _of_order(call: jobs.Post) -> calls.PostJob:
    order = call.order
    return calls.PostJob(
        program_id=order.program_id,
        input_root=order.input_root,
        input_size=order.input_size,
        input_uri=order.input_uri,
        seed=order.seed,
        shard_count=order.shard_count,
        reward=order.reward,
        lease_seconds=order.lease_seconds,
        deadline=order.deadline,
        asset=order.asset,
        window_seconds=order.window_seconds,
        bond_multiple=order.bond_multiple,
        policy=order.policy,
        consumer=order.consumer,
        callback_gas=order.callback_gas,
        reducer_of=source_of(order.reducer_of) if order.reducer_of else None,
        slot_level=slot_level_of(order.reducer_of),
    )


def _of_batches(facts: Facts, call: object) -> Call | None:
    match call:
        case jobs.Take():
            items = [unpack_item(packed) for packed in call.items]
            tasks = [item.task(item.offset + number) for item in items for number in range(item.count)]
            return calls.TakeTasks(tasks=tuple(tasks), operator=call.operator)
        case jobs.Claim():
            return _of_claimed_batch(facts, call)
        case jobs.Finalize(batch_id=batch_id):
            return calls.FinalizeBatch(batch_id=batch_id)
        case jobs.Expire(batch_id=batch_id):
            return calls.ExpireBatch(batch_id=batch_id)
        case jobs.Release(batch_id=batch_id):
            return calls.ReleaseBatch(batch_id=batch_id)
        case _:
            return None


def _of_claimed_batch(facts: Facts, call: jobs.Claim) -> calls.SubmitClaims | None:
    """None if a leaf says what no run can end in."""
    known, packed = facts.batches.get(call.batch_id), b"".join(call.leaves)
    if known is None or len(call.leaves) != 3 * known.batch.leaf_count:
        return None
    stated: list[tuple[TaskId, ClaimedState]] = []
    for item in items_of(known.batch):
        work = facts.jobs[item.job_id].job.work
        for leaf_index in range(item.offset, item.offset + item.count):
            state = state_of_leaf(item.task(leaf_index), work, leaf_at(packed, leaf_index))
            if state is None:
                return None
            stated.append((item.task(leaf_index), state))
    return calls.SubmitClaims(batch_id=call.batch_id, claims=tuple(stated))


def _claim(facts: Facts, leaf_id: LeafId) -> ClaimId | None:
    task_id = task_of_leaf(facts, leaf_id)
    return claim_of_leaf(task_id, leaf_id) if task_id is not None else None


def _of_claims(facts: Facts, call: object, opening: Opening | None) -> Call | None:
    if not isinstance(call, jobs.FinalizeLeaf | results.WriteOut | disputes.Open | disputes.Refute):
        return None
    claim_id = _claim(facts, call.claim_id)
    if claim_id is None:
        return None
    match call:
        case jobs.FinalizeLeaf():
            return calls.FinalizeClaim(claim_id=claim_id)
        case results.WriteOut():
            return calls.WriteOut(claim_id=claim_id)
        case disputes.Refute(packed_state=packed_state):
            return calls.RefuteClaim(claim_id=claim_id, packed_state=packed_state)
        case disputes.Open() if opening is not None:
            state_hash, salt = opening
            return _opening(facts, call.claim_id, claim_id, Bytes32(state_hash), Bytes32(salt))
        case _:
            return None


def _opening(
    facts: Facts, leaf_id: LeafId, claim_id: ClaimId, state_hash: Bytes32, salt: Bytes32
) -> calls.OpenGame:
    claim = claim_view(facts, leaf_id)
    claimed_hash = claim.state_hash if claim is not None else None
    return calls.OpenGame(
        claim_id=claim_id, claimed_hash=claimed_hash or ZERO_HASH, state_hash=state_hash, salt=salt
    )


GAME_CALLS = (
    disputes.Adopt,
    disputes.Pick,
    disputes.Step,
    disputes.Descend,
    disputes.Reveal,
    disputes.Settle,
    disputes.Show,
    disputes.Reward,
    disputes.RewardWithoutResult,
)


def _of_games(facts: Facts, call: object) -> Call | None:
    if isinstance(call, disputes.Split):
        return _of_split(facts, call)
    if not isinstance(call, GAME_CALLS):
        return None
    claim_id = _claim(facts, games.claim_of_game_id(call.game_id))
    if claim_id is None:
        return None
    return _of_game(call, game_of_leaf(TaskId(claim_id >> 32), call.game_id))


def _of_split(facts: Facts, call: disputes.Split) -> calls.SubmitSplit | None:
    """In any of the games that stand on the node."""
    for game_id, game in facts.games.items():
        ends = (game.low, game.high, game.low_hash, game.high_hash, game.defender)
        is_near = ends == (call.low, call.high, call.low_hash, call.high_hash, call.defender)
        on_claim = games.claim_of_game_id(game_id) == call.claim_id and games.arity_of(game) == call.arity
        if is_near and on_claim and node_of_game(game_id, game) is not None:
            found = game_of_leaf(game.task_id, game_id)
            return calls.SubmitSplit(
                game_id=found,
                low=call.low,
                high=call.high,
                hashes=call.hashes,
                ends=(call.low_hash, call.high_hash),
            )
    return None


def _of_game(call: object, game_id: GameId) -> Call | None:
    match call:
        case disputes.Adopt():
            return calls.AdoptGame(game_id=game_id)
        case disputes.Pick(part=part):
            return calls.SubmitPick(game_id=game_id, part=part)
        case disputes.Step(witness=witness):
            return calls.SubmitStep(game_id=game_id, witness=witness)
        case disputes.Descend(witness=witness):
            return calls.DescendGame(game_id=game_id, witness=witness)
        case disputes.Reveal():
            return calls.RevealGame(
                game_id=game_id, after=call.after, cycles=call.cycles, memory_root=call.memory_root
            )
        case disputes.Settle():
            return calls.SettleGame(game_id=game_id)
        case disputes.Show(state_hash=state_hash, salt=salt):
            return calls.ShowGame(game_id=game_id, state_hash=state_hash, salt=salt)
        case _:
            return calls.RewardGame(game_id=game_id)
