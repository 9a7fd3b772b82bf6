"""The contracts' calls of what nodes and clients want, rehearsed on the pure model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any, get_args

from truestep.base.errors import Reject
from truestep.base.ids import Address, GameId, TaskId, batch_of_claim, job_of_task, shard_of_task
from truestep.protocol import calls
from truestep.protocol.calls import Call
from truestep.protocol.logs.contracts.anchors import Attest
from truestep.protocol.settlement.contracts import programs
from truestep.protocol.settlement.contracts.tokens import Approve
from truestep.protocol.settlement.facts import (
    batch_calls,
    game_calls,
    job_calls,
    kept_calls,
    proof_calls,
)
from truestep.protocol.settlement.facts.batch_calls import Shards
from truestep.protocol.settlement.facts.records import Facts
from truestep.protocol.settlement.facts.rehearsal import Answer, Caller, Ready
from truestep.protocol.settlement.facts.retention import items_of
from truestep.protocol.settlement.facts.views import claim_view, game_view
from truestep.protocol.settlement.games import SPARE_GAMES
from truestep.protocol.settlement.ids import NOBODY, LeafGameId, LeafId
from truestep.protocol.settlement.jobs import program_hash
from truestep.protocol.settlement.records import Order
from truestep.protocol.settlement.tasks import audit_calls, draw_calls, lot_calls, quorum_calls
from truestep.protocol.settlement.tasks.ids import claim_of_leaf, leaf_game_of, leaf_of

REDUCER_JOB_BITS = 8
"""An order says `job id << 8 | slot level` of what it reduces (S4.9)."""


def prepared_call(facts: Facts, caller: Caller, call: Call) -> Answer:
    """The contracts' call and the coins to send with it; or why they would refuse it now."""
    return _BUILDERS[type(call)](facts, caller, call)


def ranges_of(tasks: tuple[TaskId, ...]) -> Iterator[Shards]:
    """Tasks as ranges of neighbours, in the same order: each range is one item of a batch."""
    ordered = list(enumerate(tasks))
    for _, run in groupby(ordered, key=lambda entry: entry[1] - entry[0]):
        group = [task_id for _, task_id in run]
        first = group[0]
        yield Shards(job_id=job_of_task(first), first_shard=shard_of_task(first), count=len(group))


# --- coins ----------------------------------------------------------------------------------------


def _receiver(caller: Caller, receiver: Address) -> Address:
    return caller.account if receiver == NOBODY else receiver


def _deposit(facts: Facts, caller: Caller, call: calls.Deposit) -> Answer:
    operator = _receiver(caller, call.operator)
    return job_calls.deposit_for(facts, caller, operator, call.amount_wei)


def _withdraw_stake(facts: Facts, caller: Caller, call: calls.WithdrawStake) -> Answer:
    return job_calls.withdraw_stake(facts, caller, _receiver(caller, call.receiver), call.amount_wei)


def _set_delegate(facts: Facts, caller: Caller, call: calls.SetDelegate) -> Answer:
    return job_calls.set_delegate(facts, caller, call.delegate, call.roles)


def _withdraw_rewards(facts: Facts, caller: Caller, call: calls.WithdrawRewards) -> Answer:
    return job_calls.withdraw(facts, caller, call.asset, _receiver(caller, call.receiver))


def _withdraw_winnings(facts: Facts, caller: Caller, call: calls.WithdrawWinnings) -> Answer:
    return game_calls.withdraw_bonds(facts, caller, _receiver(caller, call.receiver))


def _allow(facts: Facts, caller: Caller, call: calls.AllowToken) -> Answer:
    return Ready(call=Approve(token=call.asset, spender=facts.deployment.jobs, amount=call.amount))


def _attest(facts: Facts, caller: Caller, call: Attest) -> Answer:
    """Facts say nothing of logs: whether Anchors would refuse, its trial before a send shows."""
    return Ready(call=call)


# --- programs and jobs ----------------------------------------------------------------------------


def _register(facts: Facts, caller: Caller, call: calls.RegisterProgram) -> Answer:
    program = programs.Register(
        image_root=call.image_root,
        entry=call.entry,
        max_cycles=call.max_cycles,
        workload=call.workload,
        digest=call.digest,
        uri=call.uri,
    )
    return job_calls.register(facts, caller, program)


def _post(facts: Facts, caller: Caller, call: calls.PostJob) -> Answer:
    if not 0 < call.program_id <= len(facts.programs):
        return Reject.PROGRAM_UNKNOWN
    source = call.reducer_of
    reduced = facts.jobs.get(source) if source is not None else None
    order = Order(
        program_id=call.program_id,
        program_hash=program_hash(facts.programs[call.program_id - 1]),
        input_root=reduced.job.digest if reduced is not None else call.input_root,
        input_size=call.input_size,
        input_uri=call.input_uri,
        seed=call.seed,
        shard_count=call.shard_count,
        reward=call.reward,
        asset=call.asset,
        lease_seconds=call.lease_seconds,
        deadline=call.deadline,
        window_seconds=call.window_seconds,
        bond_multiple=call.bond_multiple,
        policy=call.policy,
        parameters_id=len(facts.parameters),
        consumer=call.consumer,
        callback_gas=call.callback_gas,
        reducer_of=source << REDUCER_JOB_BITS | call.slot_level if source is not None else 0,
    )
    return job_calls.post(facts, caller, order)


def _top_up(facts: Facts, caller: Caller, call: calls.TopUpJob) -> Answer:
    return job_calls.top_up(facts, caller, call.job_id, call.reward)


def _close(facts: Facts, caller: Caller, call: calls.CloseJob) -> Answer:
    return job_calls.close(facts, caller, call.job_id)


def _cancel(facts: Facts, caller: Caller, call: calls.CancelTasks) -> Answer:
    return job_calls.cancel(facts, caller, call.job_id, call.shards)


def _feed(facts: Facts, caller: Caller, call: calls.FeedJob) -> Answer:
    return job_calls.feed(facts, caller, call.job_id, call.slot_nodes)


def _call_back(facts: Facts, caller: Caller, call: calls.CallBack) -> Answer:
    return job_calls.call_back(facts, caller, call.job_id)


# --- batches --------------------------------------------------------------------------------------


def _take(facts: Facts, caller: Caller, call: calls.TakeTasks) -> Answer:
    return batch_calls.take(facts, caller, _receiver(caller, call.operator), list(ranges_of(call.tasks)))


def _claim(facts: Facts, caller: Caller, call: calls.SubmitClaims) -> Answer:
    known = facts.batches.get(call.batch_id)
    if known is None:
        return Reject.BATCH_STAGE
    stated = dict(call.claims)
    tasks = [
        item.task(leaf_index)
        for item in items_of(known.batch)
        for leaf_index in range(item.offset, item.offset + item.count)
    ]
    if len(call.claims) != len(tasks) or stated.keys() != set(tasks):
        return Reject.CLAIM_OTHER_JOB
    return batch_calls.claim(facts, caller, call.batch_id, [stated[task_id] for task_id in tasks])


def _finalize(facts: Facts, caller: Caller, call: calls.FinalizeBatch) -> Answer:
    return batch_calls.finalize(facts, caller, call.batch_id)


def _expire(facts: Facts, caller: Caller, call: calls.ExpireBatch) -> Answer:
    return batch_calls.expire(facts, caller, call.batch_id)


def _release(facts: Facts, caller: Caller, call: calls.ReleaseBatch) -> Answer:
    return batch_calls.release(facts, caller, call.batch_id)


# --- data that is kept ----------------------------------------------------------------------------


def _supply(facts: Facts, caller: Caller, call: calls.SupplyJob) -> Answer:
    return kept_calls.supply(facts, caller, call.job_id, call.program_item, call.input_item)


def _deliver(facts: Facts, caller: Caller, call: calls.DeliverOutputs) -> Answer:
    return kept_calls.deliver(facts, caller, call.batch_id, call.item_id)


def _hold_for_demand(facts: Facts, caller: Caller, call: calls.HoldForDemand) -> Answer:
    return kept_calls.hold_for_demand(facts, caller, call.batch_id, call.demand_id)


def _hold(facts: Facts, caller: Caller, call: calls.HoldBatch) -> Answer:
    return kept_calls.hold(facts, caller, call.batch_id, call.challenge_id)


def _settle_hold(facts: Facts, caller: Caller, call: calls.SettleHold) -> Answer:
    return kept_calls.settle_hold(facts, caller, call.batch_id, call.ordinal)


def _data(facts: Facts, caller: Caller, call: calls.DataCall) -> Answer:
    return kept_calls.with_coins(facts, call)


def _in_blobs(facts: Facts, caller: Caller, call: calls.RegisterInBlobs) -> Answer:
    answer = kept_calls.with_coins(facts, call.register)
    return replace(answer, blobs=call.blobs) if isinstance(answer, Ready) else answer


def _withdraw_kept(facts: Facts, caller: Caller, call: calls.WithdrawKept) -> Answer:
    return kept_calls.withdraw(facts, caller, _receiver(caller, call.receiver))


# --- proofs ---------------------------------------------------------------------------------------


def _contradict(facts: Facts, caller: Caller, call: calls.ContradictClaim) -> Answer:
    """The batch of the claim may be over."""
    for leaf_id, found in facts.proofs.items():
        if claim_of_leaf(found.task_id, leaf_id) == call.claim_id:
            return proof_calls.contradict(facts, leaf_id)
    return Reject.CLAIM_NOT_PROVEN


def _stop_entry(facts: Facts, caller: Caller, call: calls.StopEntry) -> Answer:
    return proof_calls.stop(facts, call.entry)


def _withdraw_proving(facts: Facts, caller: Caller, call: calls.WithdrawProving) -> Answer:
    return proof_calls.withdraw(facts, _receiver(caller, call.receiver))


# --- claims ---------------------------------------------------------------------------------------

ClaimCall = (
    calls.FinalizeClaim
    | calls.WriteOut
    | calls.FailClaim
    | calls.ProveClaim
    | calls.ProveClaims
    | calls.DropClaim
    | calls.OpenGame
    | calls.RefuteClaim
)


def _on_claim(facts: Facts, caller: Caller, call: ClaimCall) -> Answer:
    leaf_id = leaf_of(facts, call.claim_id)
    if leaf_id is None:
        batch_id = batch_of_claim(call.claim_id)
        is_over = 0 < batch_id <= facts.batch_count and batch_id not in facts.batches
        return Reject.OVER if is_over else Reject.CLAIM_UNKNOWN
    return _of_leaf(facts, caller, call, leaf_id)


def _of_leaf(facts: Facts, caller: Caller, call: ClaimCall, leaf_id: LeafId) -> Answer:
    match call:
        case calls.FinalizeClaim():
            return batch_calls.finalize_leaf(facts, caller, leaf_id)
        case calls.WriteOut():
            return job_calls.write_out(facts, caller, leaf_id)
        case calls.FailClaim():
            return kept_calls.fail(facts, caller, leaf_id)
        case calls.ProveClaim():
            return proof_calls.prove(facts, caller, leaf_id, call.entry, call.seal)
        case calls.ProveClaims():
            return proof_calls.prove_many(facts, caller, leaf_id, call.count, call.entry, call.seal)
        case calls.DropClaim():
            return proof_calls.drop(facts, caller, leaf_id)
        case calls.OpenGame():
            claim = claim_view(facts, leaf_id)
            if claim is not None and claim.state_hash not in (None, call.claimed_hash):
                return Reject.CLAIM_UNKNOWN
            spare_games = SPARE_GAMES if call.has_spare_coins else 0
            return game_calls.open_game(
                facts, caller, leaf_id, call.state_hash, call.salt, spare_games=spare_games
            )
        case calls.RefuteClaim():
            return game_calls.refute(facts, caller, leaf_id, call.packed_state)


# --- games ----------------------------------------------------------------------------------------

GameCall = (
    calls.AdoptGame
    | calls.SubmitSplit
    | calls.SubmitPick
    | calls.SubmitStep
    | calls.DescendGame
    | calls.RevealGame
    | calls.SettleGame
    | calls.ShowGame
    | calls.RewardGame
)


def _in_game(facts: Facts, caller: Caller, call: GameCall) -> Answer:
    game_id: GameId = call.game_id
    leaf_game_id = leaf_game_of(facts, game_id)
    if leaf_game_id is None:
        return Reject.GAME_UNKNOWN
    return _of_game(facts, caller, call, leaf_game_id)


def _of_game(facts: Facts, caller: Caller, call: GameCall, game_id: LeafGameId) -> Answer:
    match call:
        case calls.AdoptGame():
            return game_calls.adopt(facts, caller, game_id)
        case calls.SubmitSplit():
            game = facts.games.get(game_id)
            if game is None or (game.low, game.high) != (call.low, call.high):
                return Reject.GAME_STAGE
            if call.ends not in (None, (game.low_hash, game.high_hash)):
                return Reject.GAME_STAGE
            return game_calls.split(facts, caller, game_id, call.hashes)
        case calls.SubmitPick():
            if call.ends is not None and call.ends != _ends_of_part(facts, caller, game_id, call.part):
                return Reject.GAME_STAGE
            return game_calls.pick(facts, caller, game_id, call.part)
        case calls.SubmitStep():
            return game_calls.step(facts, caller, game_id, call.witness)
        case calls.DescendGame():
            return game_calls.descend(facts, caller, game_id, call.witness)
        case calls.RevealGame():
            return game_calls.reveal(
                facts,
                caller,
                game_id,
                after=call.after,
                cycles=call.cycles,
                memory_root=call.memory_root,
            )
        case calls.SettleGame():
            return game_calls.settle(facts, caller, game_id)
        case calls.ShowGame():
            return game_calls.show(facts, caller, game_id, call.state_hash, call.salt)
        case calls.RewardGame():
            return game_calls.reward(facts, caller, game_id)


def _ends_of_part(
    facts: Facts, caller: Caller, game_id: LeafGameId, part: int
) -> tuple[calls.Numbered, ...] | None:
    view = game_view(facts, game_id, caller.now)
    if view is None or view.hashes is None:
        return None
    return tuple(zip(view.numbers, view.hashes, strict=True))[part : part + 2]


_BUILDERS: Mapping[type, Callable[[Facts, Caller, Any], Answer]] = {
    **dict.fromkeys(get_args(calls.DataCall), _data),
    calls.RegisterInBlobs: _in_blobs,
    calls.Deposit: _deposit,
    calls.WithdrawStake: _withdraw_stake,
    calls.SetDelegate: _set_delegate,
    calls.WithdrawRewards: _withdraw_rewards,
    calls.WithdrawWinnings: _withdraw_winnings,
    calls.AllowToken: _allow,
    calls.RegisterProgram: _register,
    calls.PostJob: _post,
    calls.TopUpJob: _top_up,
    calls.CloseJob: _close,
    calls.CancelTasks: _cancel,
    calls.FeedJob: _feed,
    calls.CallBack: _call_back,
    calls.TakeTasks: _take,
    calls.SubmitClaims: _claim,
    calls.FinalizeBatch: _finalize,
    calls.ExpireBatch: _expire,
    calls.ReleaseBatch: _release,
    calls.SupplyJob: _supply,
    calls.DeliverOutputs: _deliver,
    calls.HoldBatch: _hold,
    calls.HoldForDemand: _hold_for_demand,
    calls.SettleHold: _settle_hold,
    calls.WithdrawKept: _withdraw_kept,
    calls.FailClaim: _on_claim,
    calls.ProveClaim: _on_claim,
    calls.ProveClaims: _on_claim,
    calls.DropClaim: _on_claim,
    calls.ContradictClaim: _contradict,
    calls.StopEntry: _stop_entry,
    calls.WithdrawProving: _withdraw_proving,
    Attest: _attest,
    **quorum_calls.BUILDERS,
    **lot_calls.BUILDERS,
    **draw_calls.BUILDERS,
    **audit_calls.BUILDERS,
    calls.FinalizeClaim: _on_claim,
    calls.WriteOut: _on_claim,
    calls.OpenGame: _on_claim,
    calls.RefuteClaim: _on_claim,
    calls.AdoptGame: _in_game,
    calls.SubmitSplit: _in_game,
    calls.SubmitPick: _in_game,
    calls.SubmitStep: _in_game,
    calls.DescendGame: _in_game,
    calls.RevealGame: _in_game,
    calls.SettleGame: _in_game,
    calls.ShowGame: _in_game,
    calls.RewardGame: _in_game,
}
